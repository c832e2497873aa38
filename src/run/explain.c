#include "run/explain.h"

#include "base/file.h"
#include "eval/top.h"
#include "run/fit.h"
#include "run/model.h"

#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------- which run */

static bool is_called(const char *wanted, const char *name, const char *label)
{
    return !wanted || !strcmp(wanted, name) || !strcmp(wanted, label);
}

/* Words for a message, each once. */
static void list_word(struct rh_text *t, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = t->s; p && (p = strstr(p, word)); p++)
        if ((p == t->s || p[-1] == ' ') && (!p[n] || p[n] == ','))
            return;
    rh_text_printf(t, "%s%s", t->n ? ", " : "", word);
}

/* The only one that is called so; `labels` gets the names there are. -1: none, -2: several of different labels. */
static int32_t find_algorithm(const struct rh_plan *plan, const char *wanted, struct rh_text *labels)
{
    int32_t found = -1, n = 0;
    for (int32_t i = 0; i < plan->n_algorithms; i++) {
        const struct rh_plan_algorithm *g = &plan->algorithm[i];
        list_word(labels, g->label);
        if (is_called(wanted, g->section, g->label) && n++ == 0)
            found = i;
    }
    return n > 1 ? -2 : found;
}

static int32_t find_problem(const struct rh_plan *plan, const char *wanted, bool *folds, struct rh_text *labels)
{
    int32_t found = -1;
    *folds = false;
    for (int32_t i = 0; i < plan->n_problems; i++) {
        const struct rh_plan_problem *q = &plan->problem[i];
        list_word(labels, q->label);
        if (!is_called(wanted, q->name, q->label))
            continue;
        if (found < 0)
            found = i;
        else if (strcmp(plan->problem[found].label, q->label))
            return -2;
        else
            *folds = true;
    }
    return found;
}

static int no_such(const char *what, const char *option, const char *wanted, int32_t found, const char *labels,
                   struct rh_error *err)
{
    if (found == -1)
        return rh_fail(err, RH_EINVAL, "there is no %s '%s' in the experiment; there are %s", what, wanted, labels);
    return rh_fail(err, RH_EINVAL, "%s%s%s more than one %s; name one of them with --%s: %s", wanted ? "'" : "",
                   wanted ? wanted : "the experiment", wanted ? "' is" : " has", what, option, labels);
}

static int cannot_explain(const struct rh_plan *plan, const struct rh_algorithm *alg, struct rh_error *err)
{
    struct rh_text others = { 0 };
    for (int32_t i = 0; i < plan->n_algorithms; i++)
        if (plan->algorithm[i].algorithm->explain)
            list_word(&others, plan->algorithm[i].label);
    rh_fail(err, RH_EUNSUP, "%s cannot say why: its scores are not made of parts that belong to items of the history; "
            "of this experiment %s can", alg->name, others.s ? others.s : "no algorithm");
    rh_text_release(&others);
    return RH_EUNSUP;
}

static int find_run(const struct rh_plan *plan, const struct rh_explain_which *which, struct rh_revived *out,
                    struct rh_plan_run *run, struct rh_error *err)
{
    struct rh_text algorithms = { 0 }, problems = { 0 };
    int32_t g = find_algorithm(plan, which->algorithm, &algorithms);
    int32_t q = find_problem(plan, which->problem, &out->folds, &problems);
    int status = RH_OK;
    if (algorithms.failed || problems.failed)
        status = rh_fail_memory(err, "names", 256);
    else if (g < 0)
        status = no_such("algorithm", "algorithm", which->algorithm, g, algorithms.s, err);
    else if (!plan->algorithm[g].algorithm->explain)
        status = cannot_explain(plan, plan->algorithm[g].algorithm, err);
    else if (q < 0)
        status = no_such("problem", "problem", which->problem, q, problems.s, err);
    rh_text_release(&algorithms);
    rh_text_release(&problems);
    for (int32_t i = 0; i < plan->n_runs && status >= 0; i++)
        if (plan->run[i].algorithm == g && plan->run[i].problem == q) {
            *run = plan->run[i];
            out->algorithm = &plan->algorithm[g];
            return RH_OK;
        }
    return status < 0 ? status : rh_fail(err, RH_EINVAL, "the experiment does not run '%s' on '%s'",
                                         plan->algorithm[g].label, plan->problem[q].label);
}

/* --------------------------------------------------------------------------------------------- back to life */

static int load(struct rh_arena *a, const struct rh_fit_task *t, struct rh_store *store, const char *run_identity,
                struct rh_revived *out, struct rh_error *err)
{
    struct rh_model_row row;
    struct rh_meaning meaning;
    RH_TRY(rh_store_find_model(store, run_identity, a, &row, err));
    if (!row.path)
        return RH_OK;
    const char *path = rh_store_place(a, rh_store_path(store), row.path);
    if (!path)
        return rh_fail_memory(err, "a path", strlen(row.path));
    if (!rh_file_exists(path)) {
        rh_log(t->log, RH_LOG_WARNING, out->algorithm->label, "the saved model '%s' is gone", path);
        return RH_OK;
    }
    RH_TRY(rh_meaning_of(t->problem, &meaning, err));
    struct rh_model_key key = rh_model_key_of(t->identity, t->problem, &meaning);
    RH_TRY(rh_model_load(out->instance, &key, path, row.hash, err));
    out->model = path;
    return RH_OK;
}

int rh_revive(struct rh_arena *a, const struct rh_plan *plan, const struct rh_explain_which *which,
              struct rh_loader *loader, struct rh_store *store, int threads, struct rh_log *log,
              struct rh_revived *out, struct rh_error *err)
{
    char problem[RH_HASH_HEX], fit[RH_HASH_HEX], identity[RH_HASH_HEX];
    struct rh_plan_run run;
    struct rh_curve curve;
    *out = (struct rh_revived){ 0 };
    RH_TRY(find_run(plan, which, out, &run, err));
    RH_TRY(rh_plan_problem_identity(plan, run.problem, loader->env, problem, err));
    rh_plan_fit_identity(plan, problem, &run, fit);
    rh_plan_run_identity(plan, fit, identity);
    RH_TRY(rh_loader_build(loader, &plan->problem[run.problem], &out->problem, err));
    struct rh_fit_task task = {
        .plan = plan,
        .algorithm = run.algorithm,
        .problem = out->problem,
        .identity = fit,
        .threads = threads,
        .log = log,
        .cancel = loader->env->cancel,
    };
    RH_TRY(rh_fit_check(out->algorithm->algorithm, out->problem, err));
    RH_TRY(rh_fit_new(&task, &out->instance, err));
    if (store)
        RH_TRY(load(a, &task, store, identity, out, err));
    if (out->model)
        return RH_OK;
    rh_log(task.log, RH_LOG_INFO, out->algorithm->label,
           "has no saved model and is fitted; run --save-models keeps it");
    rh_progress_begin(task.log, "%s, %s", out->problem->name, out->algorithm->label);
    int status = rh_fit(a, &task, out->instance, &curve, err);
    rh_progress_end(task.log);
    return status;
}

void rh_revived_release(struct rh_revived *r)
{
    rh_instance_free(r->instance);
    rh_problem_free(r->problem);
}

/* ------------------------------------------------------------------------------------------------------ names */

int rh_explain_user(const struct rh_problem *p, const char *id, int32_t *out, struct rh_error *err)
{
    for (int32_t u = 0; u < p->train.n_users; u++)
        if (!strcmp(rh_string(&p->user_id, u), id)) {
            *out = u;
            return RH_OK;
        }
    return rh_fail(err, RH_EINVAL, "there is no user '%s' in problem '%s'; users are called like '%s'", id, p->name,
                   rh_string(&p->user_id, 0));
}

int rh_explain_item(const struct rh_problem *p, const char *name, int32_t *out, struct rh_error *err)
{
    const struct rh_domain_data *target = p->domain[p->train.target];
    int32_t found = 0;
    for (int32_t i = 0; i < target->n_items; i++)
        if (!strcmp(rh_string(&target->item_id, i), name)) {
            *out = i;
            return RH_OK;
        }
    for (int32_t i = 0; i < target->title.n; i++)
        if (!strcmp(rh_string(&target->title, i), name) && found++ == 0)
            *out = i;
    if (found == 1)
        return RH_OK;
    if (found)
        return rh_fail(err, RH_EINVAL, "%d items of '%s' have the title '%s'; name one by its id, such as '%s'", found,
                       target->name, name, rh_string(&target->item_id, *out));
    return rh_fail(err, RH_EINVAL, "there is no item '%s' in '%s', by id or by title; items are called like '%s'", name,
                   target->name, rh_string(&target->item_id, 0));
}

/* -------------------------------------------------------------------------------------------------- explaining */

struct explaining {
    struct rh_arena *a;
    const struct rh_revived *run;
    struct rh_query query;       /* for all items */
    const struct rh_truth *mask; /* NULL: the history is masked */
    int32_t n_items;
    float *score;     /* [n_items] */
    float *candidate; /* [n_items] the same, -INFINITY where it is not ranked */
    int32_t most;     /* reasons an item */
};

/* The user's rows in every domain. */
static int history_of(struct rh_arena *a, const struct rh_train *t, int32_t user, const struct rh_history **out,
                      struct rh_error *err)
{
    struct rh_history *h = rh_alloc(a, (size_t)t->n_domains, sizeof *h);
    if (!h)
        return rh_fail_memory(err, "a history", (size_t)t->n_domains * sizeof *h);
    for (int32_t d = 0; d < t->n_domains; d++) {
        const struct rh_domain *x = &t->domain[d];
        int64_t k = x->row[user];
        h[d] = (struct rh_history){ (int32_t)(x->row[user + 1] - k), x->item + k, x->value ? x->value + k : NULL,
                                    x->time ? x->time + k : NULL };
    }
    *out = h;
    return RH_OK;
}

static void mark_candidates(struct explaining *x, const struct rh_query *asked)
{
    const struct rh_history *h = &x->query.history[x->run->problem->train.target];
    const int32_t *masked = x->mask ? x->mask->mask : h->item;
    int32_t n_masked = x->mask ? x->mask->n_mask : h->n;
    bool listed = asked && asked->candidate;
    for (int32_t i = 0; i < x->n_items; i++)
        x->candidate[i] = listed ? -INFINITY : x->score[i];
    for (int32_t c = 0; listed && c < asked->n_candidates; c++)
        x->candidate[asked->candidate[c]] = x->score[asked->candidate[c]];
    for (int32_t i = 0; i < n_masked; i++)
        x->candidate[masked[i]] = -INFINITY;
}

static int score_items(struct explaining *x, int32_t user, struct rh_error *err)
{
    const struct rh_problem *p = x->run->problem;
    const struct rh_query *asked = NULL;
    for (int32_t q = 0; q < p->test.n && !asked; q++)
        if (p->test.query[q].user == user) {
            asked = &p->test.query[q];
            x->mask = &p->test.truth[q];
        }
    x->query = (struct rh_query){ .user = user, .n_candidates = x->n_items };
    if (asked)
        x->query.history = asked->history;
    else
        RH_TRY(history_of(x->a, &p->train, user, &x->query.history, err));
    const int64_t *row = p->train.domain[p->train.target].row;
    if (row[user + 1] == row[user] && !(x->run->algorithm->algorithm->flags & RH_A_COLD_USERS))
        return rh_fail(err, RH_EUNSUP, "%s cannot score users that were not in training, and '%s' was not",
                       x->run->algorithm->algorithm->name, rh_string(&p->user_id, user));
    x->score = rh_alloc(x->a, (size_t)x->n_items, sizeof *x->score);
    x->candidate = rh_alloc(x->a, (size_t)x->n_items, sizeof *x->candidate);
    if (!x->score || !x->candidate)
        return rh_fail_memory(err, "scores", (size_t)x->n_items * sizeof *x->score);
    RH_TRY(rh_instance_score(x->run->instance, 0, &x->query, 1, x->score, (size_t)x->n_items, err));
    for (int32_t i = 0; i < x->n_items; i++)
        if (!isfinite(x->score[i]))
            return rh_fail(err, RH_ENUMERIC, "the score of item '%s' is not a finite number",
                           rh_string(&p->domain[p->train.target]->item_id, i));
    mark_candidates(x, asked);
    return RH_OK;
}

static int explain_item(struct explaining *x, int32_t item, struct rh_explained *out, struct rh_error *err)
{
    int32_t *reason = rh_alloc(x->a, (size_t)x->most + 1, sizeof *reason);
    float *weight = rh_alloc(x->a, (size_t)x->most + 1, sizeof *weight);
    if (!reason || !weight)
        return rh_fail_memory(err, "reasons", (size_t)x->most * sizeof *reason);
    *out = (struct rh_explained){ .item = item, .score = x->score[item], .reason = reason, .weight = weight };
    for (int32_t i = 0; i < x->n_items && x->candidate[item] != -INFINITY; i++) {
        out->above += x->candidate[i] > x->candidate[item];
        out->tied += x->candidate[i] == x->candidate[item];
    }
    out->n_reasons = rh_instance_explain(x->run->instance, &x->query, item, x->most, reason, weight, err);
    return out->n_reasons < 0 ? out->n_reasons : RH_OK;
}

int rh_explain(struct rh_arena *a, const struct rh_revived *r, int32_t user, int32_t item, int32_t top,
               int32_t most_reasons, struct rh_explanation *out, struct rh_error *err)
{
    const struct rh_train *t = &r->problem->train;
    struct explaining x = { .a = a, .run = r, .n_items = t->domain[t->target].n_items, .most = most_reasons };
    struct rh_top best = { 0 };
    *out = (struct rh_explanation){ 0 };
    RH_TRY(score_items(&x, user, err));
    if (top > 0) {
        RH_TRY(rh_top_make(a, top < x.n_items ? top : x.n_items, x.n_items, &best, err));
        rh_top_list(&best, x.candidate, NULL, x.n_items);
        best.n = best.n < top ? best.n : top; /* without all that is tied with the last */
    }
    struct rh_explained *explained = rh_alloc(a, (size_t)best.n + 1, sizeof *explained);
    if (!explained)
        return rh_fail_memory(err, "reasons", (size_t)best.n * sizeof *explained);
    out->item = explained;
    out->n_history = x.query.history[t->target].n;
    for (int32_t i = 0; i < x.n_items; i++)
        out->n_candidates += x.candidate[i] != -INFINITY;
    if (item >= 0)
        RH_TRY(explain_item(&x, item, &explained[out->n++], err));
    for (int32_t i = 0; i < best.n; i++)
        RH_TRY(explain_item(&x, best.item[i], &explained[out->n++], err));
    return RH_OK;
}
