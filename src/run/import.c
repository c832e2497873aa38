#include "run/import.h"

#include "base/hash.h"
#include "eval/world.h"
#include "exchange/idtable.h"
#include "run/keep.h"
#include "run/measure.h"
#include "run/provenance.h"
#include "store/sql.h"

#include <math.h>
#include <string.h>

#define KEPT_DEPTH 100 /* the file is there for more */

/* The lines of a file by what the problem calls their users and items. */
struct imported {
    struct rh_arena *a;
    const struct rh_recalled *recalled;
    const struct rh_import_options *o;
    struct rh_import_summary *out;
    const struct rh_problem *problem;
    struct rh_run_file *file;
    int64_t *start;    /* [n_queries + 1] of the file's queries */
    int32_t *item;     /* [start[n_queries]] */
    float *value;      /* the same */
    float *rest;       /* [n_queries] the score of what is not listed */
    int32_t *of_user;  /* [n_users] the user's query in the file + 1 */
    float **score;     /* [threads][n_items] of the query at hand */
    int32_t **listed;  /* [threads][n_items] number of the last query that listed the item */
    int32_t *scored;   /* [threads] */
};

static const char *item_id(const struct rh_problem *p, int32_t i)
{
    return rh_string(&p->domain[p->train.target]->item_id, i);
}

static int out_of_memory(const struct imported *m, struct rh_error *err)
{
    return rh_fail_memory(err, "an imported run", (size_t)m->file->n * 8);
}

/* ------------------------------------------------------------------------------------------------------ users */

/* Users that are asked about come first: where two name spaces have one id, theirs is meant. */
static int match_users(struct imported *m, struct rh_error *err)
{
    const struct rh_problem *p = m->problem;
    const struct rh_run_file *f = m->file;
    bool *known = rh_alloc(m->a, (size_t)f->n_queries, 1);
    int32_t matched = 0;
    m->of_user = rh_alloc(m->a, (size_t)p->train.n_users, sizeof *m->of_user);
    if (!known || !m->of_user)
        return out_of_memory(m, err);
    for (int32_t i = 0; i < p->test.n; i++) {
        int32_t user = p->test.query[i].user;
        const char *id = rh_string(&p->user_id, user);
        int32_t q = rh_run_file_find(f, (struct rh_span){ id, (uint32_t)strlen(id) });
        if (q >= 0) {
            m->of_user[user] = q + 1;
            known[q] = true;
            matched++;
        }
    }
    m->out->queries = p->test.n;
    m->out->absent = p->test.n - matched;
    for (int32_t u = 0; u < p->train.n_users; u++) {
        const char *id = rh_string(&p->user_id, u);
        int32_t q = rh_run_file_find(f, (struct rh_span){ id, (uint32_t)strlen(id) });
        if (q >= 0 && !known[q]) {
            known[q] = true;
            m->out->not_asked++;
        }
    }
    for (int32_t q = 0; q < f->n_queries; q++)
        if (!known[q])
            return rh_fail(err, RH_EDATA, "%s:%lld: there is no user '%.*s' in problem '%s'", f->path,
                           (long long)rh_run_file_line_number(f, q, 0), (int)f->query[q].id.n, f->query[q].id.s,
                           m->o->problem->tag);
    if (!matched)
        return rh_fail(err, RH_EINVAL, "none of the users of '%s' is asked about in problem '%s'", f->path,
                       m->o->problem->tag);
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------------ items */

static int read_query(struct imported *m, const struct rh_id_table *ids, int32_t q, struct rh_query_room *room,
                      struct rh_error *err)
{
    const struct rh_run_file *f = m->file;
    struct rh_query_lines lines;
    char buf[24];
    float least = INFINITY;
    int64_t at = m->start[q];
    RH_TRY(rh_run_file_enter(f, q, room, &lines, err));
    if (!m->o->ignore_ranks)
        RH_TRY(rh_run_file_check_ranks(f, q, err));
    for (int32_t i = 0; i < lines.n; i++, at++) {
        struct rh_span id = rh_item_text(f, lines.item[i], buf);
        m->item[at] = rh_id_table_find(ids, id);
        m->value[at] = lines.value[i];
        least = lines.value[i] < least ? lines.value[i] : least;
        if (m->item[at] < 0)
            return rh_fail(err, RH_EDATA, "%s:%lld: there is no item '%.*s' in problem '%s'", f->path,
                           (long long)rh_run_file_line_number(f, q, i), (int)id.n, id.s, m->o->problem->tag);
    }
    m->rest[q] = nextafterf(least, -INFINITY);
    if (!isfinite(m->rest[q]))
        return rh_fail(err, RH_EDATA, "%s: query %.*s has score %g, below which there is no other", f->path,
                       (int)f->query[q].id.n, f->query[q].id.s, (double)least);
    return RH_OK;
}

static int match_items(struct imported *m, struct rh_error *err)
{
    const struct rh_run_file *f = m->file;
    int32_t n_items = m->problem->train.domain[m->problem->train.target].n_items;
    struct rh_id_table ids;
    struct rh_query_room room = { 0 };
    const char **id = rh_alloc(m->a, (size_t)n_items, sizeof *id);
    m->start = rh_alloc(m->a, (size_t)f->n_queries + 1, sizeof *m->start);
    m->rest = rh_alloc(m->a, (size_t)f->n_queries, sizeof *m->rest);
    m->item = rh_alloc(m->a, (size_t)f->n, sizeof *m->item);
    m->value = rh_alloc(m->a, (size_t)f->n, sizeof *m->value);
    if (!id || !m->start || !m->rest || !m->item || !m->value)
        return out_of_memory(m, err);
    for (int32_t i = 0; i < n_items; i++)
        id[i] = item_id(m->problem, i);
    RH_TRY(rh_id_table_make(m->a, id, n_items, &ids, err));
    for (int32_t q = 0; q < f->n_queries; q++)
        m->start[q + 1] = m->start[q] + f->query[q].n;
    int status = RH_OK;
    for (int32_t q = 0; q < f->n_queries && status >= 0; q++)
        status = read_query(m, &ids, q, &room, err);
    rh_query_room_release(&room);
    return status;
}

/* ----------------------------------------------------------------------------------------------------- scoring */

static int make_scratch(struct imported *m, struct rh_error *err)
{
    size_t threads = (size_t)m->o->threads;
    size_t n_items = (size_t)m->problem->train.domain[m->problem->train.target].n_items;
    m->score = rh_alloc(m->a, threads, sizeof *m->score);
    m->listed = rh_alloc(m->a, threads, sizeof *m->listed);
    m->scored = rh_alloc(m->a, threads, sizeof *m->scored);
    if (!m->score || !m->listed || !m->scored)
        return out_of_memory(m, err);
    for (size_t t = 0; t < threads; t++) {
        m->score[t] = rh_alloc(m->a, n_items, sizeof **m->score);
        m->listed[t] = rh_alloc(m->a, n_items, sizeof **m->listed);
        if (!m->score[t] || !m->listed[t])
            return out_of_memory(m, err);
    }
    return RH_OK;
}

/* Enters the lines of a user; returns the user's query in the file, or -1. */
static int32_t enter(struct imported *m, int thread, int32_t user)
{
    int32_t q = m->of_user[user] - 1, mark = ++m->scored[thread];
    for (int64_t i = q < 0 ? 0 : m->start[q]; q >= 0 && i < m->start[q + 1]; i++) {
        m->score[thread][m->item[i]] = m->value[i];
        m->listed[thread][m->item[i]] = mark;
    }
    return q;
}

static int score(void *arg, int thread, const struct rh_query *query, int32_t n, float *out, size_t stride,
                 struct rh_error *err)
{
    struct imported *m = arg;
    (void)err;
    for (int32_t i = 0; i < n; i++) {
        int32_t q = enter(m, thread, query[i].user), mark = m->scored[thread];
        float rest = q < 0 ? 0 : m->rest[q];
        for (int32_t c = 0; c < query[i].n_candidates; c++) {
            int32_t item = query[i].candidate ? query[i].candidate[c] : c;
            out[(size_t)i * stride + (size_t)c] = m->listed[thread][item] == mark ? m->score[thread][item] : rest;
        }
    }
    return RH_OK;
}

/* How much of what is ranked the file lists. */
static void count_listed(struct imported *m)
{
    int64_t asked = 0;
    for (int32_t i = 0; i < m->problem->test.n; i++) {
        const struct rh_query *query = &m->problem->test.query[i];
        const struct rh_truth *truth = &m->problem->test.truth[i];
        int32_t q = enter(m, 0, query->user), mark = m->scored[0];
        for (int32_t k = 0; k < truth->n_mask; k++) /* a negative mark: no candidate */
            m->listed[0][truth->mask[k]] = m->listed[0][truth->mask[k]] == mark ? -2 * mark : -2 * mark - 1;
        for (int32_t c = 0; c < query->n_candidates; c++) {
            int32_t seen = m->listed[0][query->candidate ? query->candidate[c] : c];
            m->out->candidates += seen != -2 * mark && seen != -2 * mark - 1;
            m->out->listed += seen == mark;
        }
        asked += q < 0 ? 0 : m->start[q + 1] - m->start[q];
    }
    m->out->not_candidates = asked - m->out->listed;
}

/* ----------------------------------------------------------------------------------------------------- storing */

static void make_identity(const struct imported *m, const char *file_hash, const char *problem, char *hex)
{
    const struct rh_plan *plan = m->recalled->plan;
    struct rh_hash h;
    char number[32];
    rh_hash_init(&h);
    rh_hash_text(&h, "import");
    rh_hash_text(&h, problem);
    rh_hash_text(&h, m->o->name);
    rh_hash_text(&h, file_hash);
    for (int32_t i = 0; i < plan->n_metrics; i++)
        rh_hash_text(&h, plan->metric[i].definition);
    rh_hash_text(&h, rh_real_text(plan->relevant_from, number));
    if (plan->relevant_best)
        rh_hash_u64(&h, (uint64_t)plan->relevant_best);
    rh_policy_hash(&h, &plan->policy);
    rh_hash_hex(&h, hex);
}

static int store_run(struct imported *m, struct rh_run_row *row, struct rh_error *err)
{
    struct rh_store *s = m->recalled->store;
    char file_hash[RH_HASH_HEX], identity[RH_HASH_HEX], problem[RH_HASH_HEX];
    struct rh_key_value *provenance, *all;
    int32_t n = 0;
    RH_TRY(rh_hash_file(m->o->file, file_hash, err));
    RH_TRY(rh_plan_problem_identity(m->recalled->plan, m->o->problem->number, m->recalled->loader.env, problem, err));
    make_identity(m, file_hash, problem, identity);
    RH_TRY(rh_provenance(m->a, m->o->threads, &provenance, &n, err));
    all = rh_alloc(m->a, (size_t)n + 2, sizeof *all);
    const struct rh_key_value param[] = {
        { "lines", rh_arena_printf(m->a, "%lld", (long long)m->out->lines), false },
        { "users_absent", rh_arena_printf(m->a, "%d", m->out->absent), false },
        { "listed", rh_arena_printf(m->a, "%.6f", (double)m->out->listed / (double)m->out->candidates), false },
    };
    if (!all || !param[0].value || !param[1].value || !param[2].value)
        return out_of_memory(m, err);
    memcpy(all, provenance, (size_t)n * sizeof *all);
    all[n++] = (struct rh_key_value){ "file", m->o->file, false };
    all[n++] = (struct rh_key_value){ "file_sha256", file_hash, false };
    row->identity = identity;
    row->algorithm = RH_IMPORTED;
    row->label = m->o->name;
    row->seed = m->recalled->plan->problem[m->o->problem->number].seed;
    row->message = "";
    row->param = param;
    row->n_params = 3;
    row->provenance = all;
    row->n_provenance = n;
    row->threads = m->o->threads;
    return rh_store_put_import(s, m->recalled->experiment, m->o->problem->id, row, err);
}

static int measure(struct imported *m, struct rh_error *err)
{
    const struct rh_plan *plan = m->recalled->plan;
    const struct rh_problem *p = m->problem;
    struct rh_keeper keeper;
    struct rh_evaluation test;
    struct rh_correction correction;
    struct rh_metric_world world;
    struct rh_metric_row *metric;
    struct rh_run_row row = { .n_queries = p->test.n };
    double started = rh_now();
    RH_TRY(rh_metric_world_make(m->a, p, &world, err));
    RH_TRY(rh_correction_make(m->a, p, plan->metric, plan->n_metrics, m->o->threads, &correction, err));
    RH_TRY(rh_keeper_make(m->a, &p->test, KEPT_DEPTH, &keeper, err));
    struct rh_eval_options eval = rh_measure_options(plan, p, &world);
    eval.threads = m->o->threads;
    eval.cancel = m->o->cancel;
    eval.sink = &keeper.sink;
    struct rh_scorer scorer = { .score = score, .arg = m };
    RH_TRY(rh_measure(m->a, plan, p, &correction, &scorer, &eval, &test, &metric, &row.n_metrics, err));
    rh_keeper_rows(&keeper, &row.test, &row.ranking);
    row.metric = metric;
    row.tied = test.tied;
    row.relevant = test.relevant;
    row.odd = rh_measure_odd(m->a, &plan->policy, &test, &row.n_odd);
    if (!row.odd)
        return out_of_memory(m, err);
    row.score_seconds = row.wall_seconds = rh_now() - started;
    row.fit_seconds = row.cpu_seconds = (double)NAN;
    m->out->first = metric[0];
    RH_TRY(rh_keep_items(m->recalled->store, p, m->o->problem->id, err));
    return store_run(m, &row, err);
}

static int check_name(const struct imported *m, struct rh_error *err)
{
    int64_t taken;
    if (!m->o->name[0])
        return rh_fail(err, RH_EINVAL, "the name of an imported run is empty");
    RH_TRY(rh_sql_number(m->recalled->store, &taken, 0, err,
                         "SELECT count(*) FROM experiment_run e JOIN run r ON r.id = e.run WHERE e.experiment = ? "
                         "AND e.label = ? AND r.algorithm <> ?", "itt", m->recalled->experiment, m->o->name,
                         RH_IMPORTED));
    if (taken)
        return rh_fail(err, RH_EINVAL, "'%s' is an algorithm of experiment '%s' already; give another --name",
                       m->o->name, m->recalled->plan->name);
    return RH_OK;
}

static int import_file(struct imported *m, struct rh_problem **problem, struct rh_recalled *r, struct rh_error *err)
{
    RH_TRY(check_name(m, err));
    RH_TRY(rh_run_file_read(m->o->file, RH_FILE_RUN, m->o->threads, &m->file, err));
    RH_TRY(rh_recall_build(r, m->o->problem, problem, err));
    m->problem = *problem;
    m->out->lines = m->file->n;
    RH_TRY(match_users(m, err));
    RH_TRY(match_items(m, err));
    RH_TRY(make_scratch(m, err));
    count_listed(m);
    return measure(m, err);
}

int rh_import(struct rh_recalled *r, const struct rh_import_options *o, struct rh_import_summary *out,
              struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_problem *problem = NULL;
    struct imported m = { .a = &a, .recalled = r, .o = o, .out = out };
    *out = (struct rh_import_summary){ 0 };
    int status = import_file(&m, &problem, r, err);
    if (status >= 0) /* what the caller prints outlives the arena */
        out->first.users = NULL;
    out->first.id = r->plan->metric[0].id;
    rh_problem_free(problem);
    rh_run_file_free(m.file);
    rh_arena_release(&a);
    return status;
}
