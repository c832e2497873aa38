#include "run/execute.h"

#include "base/file.h"
#include "run/build.h"
#include "run/facts.h"
#include "run/fit.h"
#include "run/memory.h"
#include "run/model.h"
#include "run/provenance.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct execution {
    const struct rh_plan *plan;
    const struct rh_data_env *env;
    struct rh_store *store;
    const struct rh_execute_options *options;
    struct rh_execute_summary *summary;
    int64_t experiment;
    struct rh_loader loader;
    struct rh_key_value *provenance;
    int32_t n_provenance;
    struct rh_arena arena; /* for the whole execution */
    double started;        /* when the first run that is not stored began */
    int32_t worked;        /* runs done or failed since */
    int32_t to_do;         /* runs that were not stored */
    int32_t unkept;        /* runs that were stored, but not with the rankings asked for */
    const char *models;    /* folder for fitted models, or NULL */
    int32_t without_model; /* runs that were stored, but not with a model */
    const char *problem_identity; /* of the problem at work */
};

/* ------------------------------------------------------------------------------------------- what is stored */

static int store_problem(struct execution *x, const struct rh_plan_problem *q, int32_t position, const char *identity,
                         int64_t *problem, struct rh_error *err)
{
    struct rh_text target = { 0 }, sources = { 0 };
    rh_text_printf(&target, "%s/%s", q->target.section, q->target.domain);
    for (int32_t s = 0; s < q->n_sources; s++)
        rh_text_printf(&sources, "%s%s/%s", s ? ", " : "", q->source[s].section, q->source[s].domain);
    struct rh_problem_row row = {
        .identity = identity,
        .name = q->name,
        .label = q->label,
        .target = target.s,
        .sources = sources.s ? sources.s : "",
        .split = q->split->name,
        .fold = q->fold,
        .seed = q->seed,
        .setting = q->setting,
        .n_settings = q->n_settings,
    };
    int status = target.failed || sources.failed
                     ? rh_fail_memory(err, "a name", 256)
                     : rh_store_problem(x->store, x->experiment, position, &row, problem, err);
    rh_text_release(&target);
    rh_text_release(&sources);
    return status;
}

static int store_facts(struct execution *x, const struct rh_problem *p, int64_t problem, struct rh_error *err)
{
    struct rh_arena_mark mark = rh_arena_mark(&x->arena);
    const struct rh_train *t = &p->train;
    const struct rh_leakage *l = &p->leakage;
    const struct rh_removed *own[] = { &p->outside_core, &p->unlinked, &p->doubles, &p->not_candidates };
    int32_t n_removed = sizeof own / sizeof *own;
    int64_t source_rows = 0;
    for (int32_t d = 0; d < t->n_domains; d++) {
        n_removed += p->domain[d]->n_removed;
        if (d != t->target)
            source_rows += t->domain[d].row[t->n_users];
    }
    struct rh_removed_row *removed = rh_alloc(&x->arena, (size_t)n_removed, sizeof *removed);
    const char **user = rh_alloc(&x->arena, (size_t)p->test.n, sizeof *user);
    if (!removed || !user)
        return rh_fail_memory(err, "the facts of a problem", (size_t)p->test.n * sizeof *user);
    n_removed = 0;
    for (int32_t d = 0; d < t->n_domains; d++)
        for (int32_t i = 0; i < p->domain[d]->n_removed; i++) {
            const struct rh_removed *r = &p->domain[d]->removed[i];
            removed[n_removed++] = (struct rh_removed_row){ p->domain[d]->name, r->step, r->rows, r->users,
                                                            r->items };
        }
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (own[i]->rows || own[i]->users)
            removed[n_removed++] = (struct rh_removed_row){ p->domain[0]->name, own[i]->step, own[i]->rows,
                                                            own[i]->users, own[i]->items };
    for (int32_t i = 0; i < p->test.n; i++)
        user[i] = rh_string(&p->user_id, p->test.query[i].user);
    struct rh_problem_facts facts = {
        .content = p->content,
        .users = t->n_users,
        .items = t->domain[t->target].n_items,
        .train_rows = t->domain[t->target].row[t->n_users],
        .source_rows = source_rows,
        .test_rows = l->test_rows,
        .test_queries = p->test.n,
        .validation_queries = p->validation.n,
        .cold_users = p->n_cold_users,
        .shared_users = p->n_shared_users,
        .unused_rows = p->n_unused,
        .leak = { { "train rows later than a test row (pairs)", l->future_pairs, l->future_pairs_sampled },
                  { "test rows older than the user's newest train row", l->test_rows_before_train, l->test_rows },
                  { "test items in the visible history of their query", l->mask_hits, l->test_rows },
                  { "test items among the support rows of their query", l->support_hits, l->test_rows },
                  { "test rows with another edition of their item in the visible history", l->duplicate_hits,
                    l->test_rows },
                  { "test rows whose item the same user has in a source, by id, title or users", l->source_hits,
                    l->test_rows },
                  { "target train rows of users called cold", l->cold_user_train_rows, l->train_rows },
                  { "source rows of test users later than their first test row", l->future_source_rows,
                    source_rows } },
        .n_leaks = 8,
        .removed = removed,
        .n_removed = n_removed,
        .query_user = user,
    };
    int status = rh_store_problem_facts(x->store, problem, &facts, err);
    rh_arena_rewind(&x->arena, mark);
    return status;
}

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* ---------------------------------------------------------------------------------------------------- runs */

static void report_run(struct execution *x, const struct rh_run_row *row, const char *problem)
{
    char left[64] = "", result[200];
    int32_t total = x->to_do;
    x->worked++;
    if (x->worked < total) {
        double seconds = (rh_now() - x->started) / x->worked * (total - x->worked);
        snprintf(left, sizeof left, seconds < 90 ? ", %.0f s left" : ", %.0f min left",
                 seconds < 90 ? seconds : seconds / 60);
    }
    if (row->status < 0)
        snprintf(result, sizeof result, "FAILED");
    else
        snprintf(result, sizeof result, "%s %.4f", row->metric[0].id, row->metric[0].value);
    rh_log(x->options->log, RH_LOG_INFO, "run", "%d of %d, %s, %s: %s, %.2f s%s", x->worked, total, problem,
           row->label, result, row->wall_seconds, left);
    if (row->status < 0)
        rh_log(x->options->log, RH_LOG_WARNING, row->label, "%s", row->message);
}

/* The label of its twin, or "". */
static const char *twin_label(const struct rh_plan *plan, int32_t algorithm)
{
    int32_t n, twin = rh_plan_twin(plan, algorithm, &n);
    return twin < 0 ? "" : plan->algorithm[twin].label;
}

static int put_run(struct execution *x, const struct rh_plan_run *run, int64_t problem, int32_t position,
                   struct rh_run_row *row, const char *identity, struct rh_error *err)
{
    const struct rh_plan_algorithm *g = &x->plan->algorithm[run->algorithm];
    row->identity = identity;
    row->algorithm = g->algorithm->name;
    row->label = g->label;
    row->twin = twin_label(x->plan, run->algorithm);
    row->revision = g->algorithm->revision;
    row->seed = rh_plan_run_seed(x->plan, run);
    row->param = g->param;
    row->n_params = g->n_params;
    row->threads = x->options->threads;
    row->provenance = x->provenance;
    row->n_provenance = x->n_provenance;
    if (!row->message)
        row->message = "";
    if (row->status < 0)
        x->summary->failed++;
    else
        x->summary->done++;
    report_run(x, row, x->plan->problem[run->problem].label);
    return rh_store_put_run(x->store, x->experiment, problem, position, row, err);
}

/* Where the run leaves its checkpoints; NULL: no memory. */
static const char *checkpoint_path(struct rh_arena *a, const char *store, const char *identity)
{
    const char *folder = rh_path_folder(a, store);
    return folder ? rh_arena_printf(a, "%s/checkpoints/%s.checkpoint", folder, identity) : NULL;
}

/* A model that is not saved: what cannot be is said, a full disk ends the execution. */
static int unsaved(struct execution *x, const struct rh_error *why, const char *label, struct rh_error *err)
{
    if (why->status != RH_EUNSUP)
        return rh_fail(err, why->status, "%s", why->text);
    rh_log(x->options->log, RH_LOG_WARNING, label, "%s", why->text);
    return RH_OK;
}

static int execute_run(struct execution *x, const struct rh_plan_run *run, const struct rh_problem *problem,
                       const struct rh_correction *correction, int64_t problem_row,
                       int32_t position, const char *identity, struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_error why = { 0 };
    struct rh_fit_result r;
    char fit[RH_HASH_HEX];
    const struct rh_plan *plan = x->plan;
    struct rh_checkpoint checkpoint = { checkpoint_path(&a, plan->store, identity), x->options->checkpoint };
    struct rh_fit_task task = {
        .plan = plan,
        .algorithm = run->algorithm,
        .problem = problem,
        .identity = fit,
        .threads = x->options->threads,
        .log = x->options->log,
        .cancel = x->options->cancel,
        .model = x->models ? rh_arena_printf(&a, "%s/%s.model", x->models, identity) : NULL,
        .checkpoint = x->options->checkpoint >= 0 ? &checkpoint : NULL,
    };
    double wall = rh_now(), cpu = cpu_seconds();
    if (!checkpoint.path)
        return rh_fail_memory(err, "a path", sizeof fit);
    if (x->options->force)
        rh_checkpoint_remove(checkpoint.path);
    rh_progress_begin(x->options->log, "%d of %d, %s, %s", x->worked + 1, x->to_do, problem->name,
                      plan->algorithm[run->algorithm].label);
    rh_peak_memory_reset();
    rh_plan_fit_identity(plan, x->problem_identity, run, fit);
    int status = rh_fit_and_evaluate(&a, &task, correction, &r, &why);
    rh_progress_end(x->options->log);
    struct rh_run_row row = {
        .status = status < 0 ? status : RH_OK,
        .message = why.text,
        .epoch = r.curve.epoch,
        .n_epochs = r.curve.n,
        .fit_seconds = r.fit_seconds,
        .score_seconds = r.score_seconds,
        .wall_seconds = rh_now() - wall,
        .cpu_seconds = cpu_seconds() - cpu,
        .state_bytes = (int64_t)r.state_bytes,
        .peak_bytes = r.peak_bytes ? r.peak_bytes : rh_peak_memory(),
        .n_queries = problem->test.n,
    };
    if (status == RH_ECANCEL) {
        status = rh_fail(err, RH_ECANCEL, "interrupted");
        goto out;
    }
    if (status >= 0) {
        row.metric = r.metric;
        row.n_metrics = r.n_metrics;
        rh_keeper_rows(&r.kept, &row.test, &row.ranking);
        row.tied = r.test.tied;
        row.relevant = r.test.relevant;
        row.odd = r.odd;
        row.n_odd = r.n_odd;
        row.model = r.model;
        if (row.model.path)
            row.model.path = rh_model_path_in_store(&a, plan->store, row.model.path);
    }
    status = put_run(x, run, problem_row, position, &row, identity, err);
    if (status >= 0)
        rh_checkpoint_remove(checkpoint.path);
    if (status >= 0 && r.unsaved.status < 0) /* what is stored holds; but the next would not be saved either */
        status = unsaved(x, &r.unsaved, row.label, err);
out:
    rh_arena_release(&a);
    return status;
}

/* A problem that cannot be built: all its runs fail with its message. */
static int fail_runs(struct execution *x, int32_t from, int32_t to, int64_t problem_row,
                     char (*identity)[RH_HASH_HEX], const bool *stored, const struct rh_error *why,
                     struct rh_error *err)
{
    for (int32_t r = from; r < to; r++) {
        struct rh_run_row row = { .status = why->status, .message = why->text };
        if (!stored[r - from])
            RH_TRY(put_run(x, &x->plan->run[r], problem_row, r, &row, identity[r - from], err));
    }
    return RH_OK;
}

/* The runs [from, to) of one problem. */
static int execute_problem(struct execution *x, int32_t from, int32_t to, const bool *stored,
                           char (*identity)[RH_HASH_HEX], const char *problem_identity, struct rh_error *err)
{
    const struct rh_plan *plan = x->plan;
    int32_t number = plan->run[from].problem;
    const struct rh_plan_problem *q = &plan->problem[number];
    struct rh_error why = { 0 };
    int64_t problem_row;
    bool all = true;
    RH_TRY(store_problem(x, q, number, problem_identity, &problem_row, err));
    x->problem_identity = problem_identity;
    for (int32_t r = from; r < to; r++) {
        all &= stored[r - from];
        if (stored[r - from]) {
            RH_TRY(rh_store_link_run(x->store, x->experiment, r, identity[r - from],
                                     plan->algorithm[plan->run[r].algorithm].label,
                                     twin_label(plan, plan->run[r].algorithm), err));
            x->summary->stored++;
        }
    }
    if (all)
        return RH_OK;
    struct rh_problem *problem = NULL;
    rh_progress_begin(x->options->log, "problem %s", q->label);
    int status = rh_loader_build(&x->loader, q, &problem, &why);
    rh_progress_end(x->options->log);
    if (status == RH_ECANCEL)
        return rh_fail(err, RH_ECANCEL, "interrupted");
    if (status < 0)
        return fail_runs(x, from, to, problem_row, identity, stored, &why, err);
    struct rh_correction correction;
    status = store_facts(x, problem, problem_row, err);
    if (status >= 0)
        status = rh_facts_keep(x->store, problem, problem_row, err);
    if (status >= 0)
        status = rh_correction_make(&problem->arena, problem, plan->metric, plan->n_metrics, x->options->threads,
                                    &correction, err);
    if (status >= 0 && plan->keep_rankings)
        status = rh_keep_items(x->store, problem, problem_row, err);
    for (int32_t r = from; r < to && status >= 0; r++)
        if (!stored[r - from])
            status = execute_run(x, &plan->run[r], problem, &correction, problem_row, r, identity[r - from], err);
    rh_problem_free(problem);
    return status;
}

struct runs_of_problem {
    char identity[RH_HASH_HEX];
    char (*run)[RH_HASH_HEX]; /* [to - from] */
    bool *stored;             /* [to - from] */
    int32_t from, to;
    struct rh_error why; /* the files cannot be had */
};

/* A run without the rankings that are asked for is as good as not stored. */
static int find_run(struct execution *x, const char *identity, bool *stored, struct rh_error *err)
{
    int32_t depth;
    RH_TRY(rh_store_find_run(x->store, identity, stored, err));
    if (*stored && x->models) {
        struct rh_model_row model;
        RH_TRY(rh_store_find_model(x->store, identity, &x->arena, &model, err));
        x->without_model += !model.path;
    }
    if (!*stored || !x->plan->keep_rankings)
        return RH_OK;
    RH_TRY(rh_store_kept_depth(x->store, identity, &depth, err));
    if (depth < x->plan->keep_rankings) {
        *stored = false;
        x->unkept++;
    }
    return RH_OK;
}

/* Identities first, all of them: how much is to do is known before anything is done. */
static int look_up(struct execution *x, struct runs_of_problem *p, struct rh_error *err)
{
    const struct rh_plan *plan = x->plan;
    int32_t n = p->to - p->from;
    p->run = rh_alloc(&x->arena, (size_t)n, sizeof *p->run);
    p->stored = rh_alloc(&x->arena, (size_t)n, sizeof *p->stored);
    if (!p->run || !p->stored)
        return rh_fail_memory(err, "identities", (size_t)n * sizeof *p->run);
    if (rh_plan_problem_identity(plan, plan->run[p->from].problem, x->env, p->identity, &p->why) < 0)
        return RH_OK;
    for (int32_t r = p->from; r < p->to; r++) {
        char fit[RH_HASH_HEX];
        rh_plan_fit_identity(plan, p->identity, &plan->run[r], fit);
        rh_plan_run_identity(plan, fit, p->run[r - p->from]);
        if (!x->options->force)
            RH_TRY(find_run(x, p->run[r - p->from], &p->stored[r - p->from], err));
        x->to_do += !p->stored[r - p->from];
    }
    return RH_OK;
}

static int execute(struct execution *x, struct rh_error *err)
{
    const struct rh_plan *plan = x->plan;
    struct runs_of_problem *part = rh_alloc(&x->arena, (size_t)plan->n_problems, sizeof *part);
    int32_t parts = 0;
    if (!part)
        return rh_fail_memory(err, "identities", (size_t)plan->n_problems * sizeof *part);
    if (x->options->models)
        RH_TRY(rh_models_folder(&x->arena, plan->store, x->options->models, &x->models, err));
    RH_TRY(rh_provenance(&x->arena, x->options->threads, &x->provenance, &x->n_provenance, err));
    for (int32_t from = 0, to; from < plan->n_runs; from = to) {
        for (to = from; to < plan->n_runs && plan->run[to].problem == plan->run[from].problem; to++)
            ;
        struct runs_of_problem *p = &part[parts++];
        *p = (struct runs_of_problem){ .from = from, .to = to };
        RH_TRY(look_up(x, p, err));
        if (p->why.status == RH_ECANCEL)
            return rh_fail(err, RH_ECANCEL, "interrupted");
    }
    if (x->unkept)
        rh_log(x->options->log, RH_LOG_INFO, "run", "%d stored runs have no rankings of depth %lld and are run again",
               x->unkept, (long long)plan->keep_rankings);
    if (x->without_model)
        rh_log(x->options->log, RH_LOG_INFO, "run", "%d stored runs have no saved model; --force fits them again",
               x->without_model);
    struct rh_experiment_row row = {
        .name = plan->name, .title = plan->title, .ini = plan->ini, .primary_metric = plan->metric[0].id
    };
    RH_TRY(rh_store_begin_experiment(x->store, &row, plan->plot, plan->n_plots, &x->experiment, err));
    x->started = rh_now();
    for (int32_t i = 0; i < parts; i++) {
        struct runs_of_problem *p = &part[i];
        if (p->why.status < 0) { /* without its files a problem has no identity and no row */
            rh_log(x->options->log, RH_LOG_WARNING, plan->problem[plan->run[p->from].problem].label, "%s",
                   p->why.text);
            x->summary->failed += p->to - p->from;
            continue;
        }
        RH_TRY(execute_problem(x, p->from, p->to, p->stored, p->run, p->identity, err));
    }
    return RH_OK;
}

int rh_execute(const struct rh_plan *plan, const struct rh_data_env *env, struct rh_store *store,
               const struct rh_execute_options *options, struct rh_execute_summary *summary, struct rh_error *err)
{
    struct execution x = { .plan = plan, .env = env, .store = store, .options = options, .summary = summary,
                           .loader = { .env = env, .log = options->log } };
    *summary = (struct rh_execute_summary){ 0 };
    int status = execute(&x, err);
    rh_loader_release(&x.loader);
    rh_arena_release(&x.arena);
    return status;
}
