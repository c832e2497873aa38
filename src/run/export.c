#include "run/export.h"

#include "base/file.h"
#include "eval/relevant.h"
#include "exchange/names.h"
#include "store/sql.h"

#include <math.h>
#include <string.h>

static int refuse_to_replace(const char *path, bool force, struct rh_error *err)
{
    if (!force && rh_file_exists(path))
        return rh_fail(err, RH_EINVAL, "'%s' is there already; --force replaces it", path);
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------------ TREC */

struct exporting {
    struct rh_recalled *recalled;
    const char *folder;
    bool force;
    struct rh_export_summary *out;
    struct rh_arena *arena; /* of the problem at hand */
    const struct rh_problem *problem;
    const struct rh_recalled_problem *name;
    const char **user;   /* [n] ids of the queries */
    int64_t *candidates; /* [n] how many are ranked */
    int32_t *masked;     /* [n_items] last query that masks an item, + 1 */
};

static int write_file(struct exporting *x, const char *stem, const char *ending, struct rh_text *text,
                      struct rh_error *err)
{
    char *path = stem ? rh_arena_printf(x->arena, "%s/%s%s", x->folder, stem, ending) : NULL;
    int status = !path || text->failed ? rh_fail_memory(err, "a file", text->n)
                                       : refuse_to_replace(path, x->force, err);
    if (status >= 0)
        status = rh_make_parent(path, err);
    if (status >= 0)
        status = rh_write_file(path, text->s ? text->s : "", text->n, err);
    x->out->files += status >= 0;
    rh_text_release(text);
    return status;
}

static const char *item_id(const struct exporting *x, int32_t item)
{
    return rh_string(&x->problem->domain[x->problem->train.target]->item_id, item);
}

static int write_qrels(struct exporting *x, const char *stem, struct rh_error *err)
{
    struct rh_text t = { 0 };
    const struct rh_plan *plan = x->recalled->plan;
    for (int32_t q = 0; q < x->problem->test.n; q++) {
        const struct rh_truth *truth = &x->problem->test.truth[q];
        for (int32_t i = 0; i < truth->n; i++) {
            bool relevant = rh_is_relevant(truth, i, plan->relevant_from, plan->relevant_best);
            rh_text_printf(&t, "%s 0 %s %d\n", x->user[q], item_id(x, truth->item[i]), relevant);
        }
    }
    return write_file(x, stem, ".qrels", &t, err);
}

static int write_candidates(struct exporting *x, const char *stem, struct rh_error *err)
{
    struct rh_text items = { 0 }, seen = { 0 }, lists = { 0 };
    bool listed = false;
    for (int32_t i = 0; i < x->problem->train.domain[x->problem->train.target].n_items; i++)
        rh_text_printf(&items, "%s\n", item_id(x, i));
    for (int32_t q = 0; q < x->problem->test.n; q++) {
        const struct rh_query *query = &x->problem->test.query[q];
        const struct rh_truth *truth = &x->problem->test.truth[q];
        for (int32_t i = 0; i < truth->n_mask; i++)
            rh_text_printf(&seen, "%s %s\n", x->user[q], item_id(x, truth->mask[i]));
        listed |= query->candidate != NULL;
        for (int32_t i = 0; query->candidate && i < query->n_candidates; i++)
            rh_text_printf(&lists, "%s %s\n", x->user[q], item_id(x, query->candidate[i]));
    }
    int status = write_file(x, stem, ".items", &items, err);
    if (status >= 0)
        status = write_file(x, stem, ".seen", &seen, err);
    if (status >= 0 && listed)
        status = write_file(x, stem, ".candidates", &lists, err);
    rh_text_release(&items);
    rh_text_release(&seen);
    rh_text_release(&lists);
    return status;
}

/* Candidates of a query that are not masked. */
static int64_t count_candidates(const struct exporting *x, int32_t query)
{
    const struct rh_query *q = &x->problem->test.query[query];
    const struct rh_truth *t = &x->problem->test.truth[query];
    int64_t n = 0;
    if (!q->candidate)
        return q->n_candidates - t->n_mask;
    for (int32_t i = 0; i < t->n_mask; i++)
        x->masked[t->mask[i]] = query + 1;
    for (int32_t c = 0; c < q->n_candidates; c++)
        n += x->masked[q->candidate[c]] != query + 1;
    return n;
}

static int write_run(struct exporting *x, const char *stem, const char *label, int64_t depth, const int32_t *item,
                     const float *score, int64_t n, struct rh_error *err)
{
    struct rh_text t = { 0 };
    const char *tag = rh_safe_name(x->arena, label);
    int32_t n_items = x->problem->train.domain[x->problem->train.target].n_items;
    int64_t at = 0;
    if (!tag)
        return rh_fail_memory(err, "a name", strlen(label));
    for (int32_t q = 0; q < x->problem->test.n; q++) {
        int64_t length = x->candidates[q] < depth ? x->candidates[q] : depth;
        for (int64_t i = 0; i < length; i++, at++) {
            if (at >= n || item[at] < 0 || item[at] >= n_items) {
                rh_text_release(&t);
                return rh_fail(err, RH_EIO, "the ranking of '%s' on '%s' is damaged", label, x->name->tag);
            }
            rh_text_printf(&t, "%s Q0 %s %lld %.9g %s\n", x->user[q], item_id(x, item[at]), (long long)i + 1,
                           (double)score[at], tag);
        }
    }
    return write_file(x, rh_arena_printf(x->arena, "%s.%s", stem, tag), ".run", &t, err);
}

static int write_runs(struct exporting *x, const char *stem, struct rh_error *err)
{
    struct rh_sql q;
    RH_TRY(rh_sql_open(&q, x->recalled->store, err,
                       "SELECT e.label, k.depth, k.item, k.score FROM experiment_run e JOIN run r ON r.id = e.run "
                       "LEFT JOIN ranking k ON k.run = r.id WHERE e.experiment = ? AND r.problem = ? AND "
                       "r.status = 'done' ORDER BY e.position", "ii", x->recalled->experiment, x->name->id));
    int status;
    while ((status = rh_sql_step(&q, err)) == RH_OK) {
        struct rh_arena_mark mark = rh_arena_mark(x->arena);
        const char *label = rh_sql_text(&q, 0, x->arena);
        const int32_t *item;
        const float *score;
        int64_t n, n_scores;
        status = label ? rh_sql_words(&q, 2, x->arena, &item, &n, err) : rh_fail_memory(err, "a name", 64);
        if (status >= 0)
            status = rh_sql_words(&q, 3, x->arena, &score, &n_scores, err);
        if (status < 0)
            break;
        if (!item) {
            x->out->unkept++;
            continue;
        }
        status = write_run(x, stem, label, rh_sql_int(&q, 1), item, score, n < n_scores ? n : n_scores, err);
        if (status < 0)
            break;
        x->out->runs++;
        rh_arena_rewind(x->arena, mark);
    }
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

static int export_problem(struct exporting *x, struct rh_error *err)
{
    const struct rh_problem *p = x->problem;
    const char *stem = rh_safe_name(x->arena, x->name->tag);
    x->user = rh_alloc(x->arena, (size_t)p->test.n + 1, sizeof *x->user);
    x->candidates = rh_alloc(x->arena, (size_t)p->test.n + 1, sizeof *x->candidates);
    x->masked = rh_alloc(x->arena, (size_t)p->train.domain[p->train.target].n_items + 1, sizeof *x->masked);
    if (!stem || !x->user || !x->candidates || !x->masked)
        return rh_fail_memory(err, "the users of a problem", (size_t)p->test.n * sizeof *x->user);
    for (int32_t q = 0; q < p->test.n; q++) {
        x->user[q] = rh_string(&p->user_id, p->test.query[q].user);
        RH_TRY(rh_trec_check_id("user", x->user[q], err));
        x->candidates[q] = count_candidates(x, q);
    }
    for (int32_t i = 0; i < p->train.domain[p->train.target].n_items; i++)
        RH_TRY(rh_trec_check_id("item", item_id(x, i), err));
    RH_TRY(write_runs(x, stem, err));
    RH_TRY(write_qrels(x, stem, err));
    return write_candidates(x, stem, err);
}

/* Before anything is written: is there something to write? */
static int check_kept(struct rh_recalled *r, struct rh_error *err)
{
    int64_t kept;
    RH_TRY(rh_sql_number(r->store, &kept, 0, err,
                         "SELECT count(*) FROM experiment_run e JOIN ranking k ON k.run = e.run WHERE e.experiment = ?",
                         "i", r->experiment));
    if (!kept)
        return rh_fail(err, RH_EINVAL, "no run of '%s' has kept rankings; harness run FILE.ini --keep-rankings runs it "
                       "again and keeps them", r->plan->name);
    return RH_OK;
}

int rh_export_trec(struct rh_recalled *r, const char *folder, bool force, struct rh_export_summary *out,
                   struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct exporting x = { .recalled = r, .folder = folder, .force = force, .out = out, .arena = &a };
    *out = (struct rh_export_summary){ 0 };
    int status = check_kept(r, err);
    for (int32_t i = 0; i < r->n_problems && status >= 0; i++) { /* before the first is written */
        const char *stem = rh_safe_name(&a, r->problem[i].tag);
        const char *path = stem ? rh_arena_printf(&a, "%s/%s.qrels", folder, stem) : NULL;
        status = path ? refuse_to_replace(path, force, err) : rh_fail_memory(err, "a name", 64);
    }
    for (int32_t i = 0; i < r->n_problems && status >= 0; i++) {
        struct rh_problem *problem;
        struct rh_arena_mark mark = rh_arena_mark(&a);
        status = rh_recall_build(r, &r->problem[i], &problem, err);
        if (status < 0)
            break;
        x.problem = problem;
        x.name = &r->problem[i];
        status = export_problem(&x, err);
        rh_problem_free(problem);
        rh_arena_rewind(&a, mark);
    }
    rh_arena_release(&a);
    return status;
}

/* ----------------------------------------------------------------------------------------------- values of users */

static const char *const values_sql =
    "SELECT e.label, r.id, r.problem, m.id, u.value, p.label, "
    "(SELECT count(*) FROM experiment_problem s WHERE s.experiment = p.experiment AND s.label = p.label), "
    "(SELECT count(*) FROM experiment_problem s WHERE s.experiment = p.experiment AND s.label = p.label AND "
    "s.position < p.position) FROM experiment_run e JOIN run r ON r.id = e.run AND r.status = 'done' "
    "JOIN experiment_problem p ON p.experiment = e.experiment AND p.problem = r.problem "
    "JOIN metric m ON m.run = r.id JOIN metric_user u ON u.run = r.id AND u.metric = m.id "
    "WHERE e.experiment = ? ORDER BY p.position, e.position, m.position";

/* The users of a problem, in the order of its queries. */
static int read_users(struct rh_store *s, int64_t problem, struct rh_arena *a, const char ***out, int64_t *n,
                      struct rh_error *err)
{
    struct rh_sql q;
    RH_TRY(rh_sql_number(s, n, 0, err, "SELECT count(*) FROM problem_query WHERE problem = ?", "i", problem));
    *out = rh_alloc(a, (size_t)*n + 1, sizeof **out);
    if (!*out)
        return rh_fail_memory(err, "users", (size_t)*n * sizeof **out);
    RH_TRY(rh_sql_open(&q, s, err, "SELECT user FROM problem_query WHERE problem = ? ORDER BY position", "i", problem));
    int status = RH_OK;
    for (int64_t i = 0; i < *n && (status = rh_sql_step(&q, err)) == RH_OK; i++)
        if (!((*out)[i] = rh_sql_text(&q, 0, a)))
            status = rh_fail_memory(err, "users", (size_t)*n * sizeof **out);
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

static void add_values(struct rh_text *t, const char *head, const char *const *user, const char *metric,
                       const double *value, int64_t n)
{
    char number[32];
    for (int64_t i = 0; i < n; i++) {
        rh_text_add(t, head);
        rh_csv_add(t, user[i]);
        rh_text_add(t, ",");
        rh_csv_add(t, metric);
        rh_text_add(t, ",");
        rh_text_add(t, isnan(value[i]) ? "" : rh_real_text(value[i], number));
        rh_text_add(t, "\n");
    }
}

static int collect_values(struct rh_store *s, const char *experiment, int64_t id, struct rh_arena *a,
                          struct rh_text *out, int64_t *rows, struct rh_error *err)
{
    struct rh_sql q;
    struct rh_text head = { 0 };
    int64_t problem = 0, n_users = 0;
    const char **user = NULL;
    int status;
    RH_TRY(rh_sql_open(&q, s, err, values_sql, "i", id));
    while ((status = rh_sql_step(&q, err)) == RH_OK) {
        if (rh_sql_int(&q, 2) != problem) {
            problem = rh_sql_int(&q, 2);
            status = read_users(s, problem, a, &user, &n_users, err);
            if (status < 0)
                break;
        }
        struct rh_arena_mark mark = rh_arena_mark(a);
        const char *label = rh_sql_text(&q, 0, a), *metric = rh_sql_text(&q, 3, a), *name = rh_sql_text(&q, 5, a);
        const char *tag = rh_sql_int(&q, 6) > 1 ? rh_arena_printf(a, "%s/%d", name, (int)rh_sql_int(&q, 7)) : name;
        const double *value;
        int64_t n;
        status = label && metric && tag ? rh_sql_doubles(&q, 4, a, &value, &n, err) : rh_fail_memory(err, "a name", 64);
        if (status < 0)
            break;
        rh_text_clear(&head);
        rh_csv_add(&head, experiment);
        rh_text_add(&head, ",");
        rh_csv_add(&head, tag);
        rh_text_add(&head, ",");
        rh_csv_add(&head, label);
        rh_text_add(&head, ",");
        n = n < n_users ? n : n_users;
        add_values(out, head.s, user, metric, value, n);
        *rows += n;
        rh_arena_rewind(a, mark);
    }
    rh_sql_close(&q);
    if (status >= 0 && (head.failed || out->failed))
        status = rh_fail_memory(err, "values of users", out->n);
    rh_text_release(&head);
    return status < 0 ? status : RH_OK;
}

int rh_export_users(struct rh_store *s, const char *experiment, const char *path, bool force, int64_t *rows,
                    struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_text t = { 0 };
    int64_t id;
    *rows = 0;
    RH_TRY(refuse_to_replace(path, force, err));
    RH_TRY(rh_recall_experiment(s, experiment, &id, err));
    rh_text_add(&t, "experiment,problem,algorithm,user,metric,value\n");
    int status = collect_values(s, experiment, id, &a, &t, rows, err);
    if (status >= 0)
        status = rh_make_parent(path, err);
    if (status >= 0)
        status = rh_write_file(path, t.s, t.n, err);
    rh_text_release(&t);
    rh_arena_release(&a);
    return status;
}
