#include "run/remeasure.h"

#include "eval/world.h"
#include "run/measure.h"
#include "run/replay.h"
#include "store/sql.h"

/* One run as the store has it. */
struct found {
    int64_t id;
    struct rh_stored_run run;
};

struct remeasuring {
    struct rh_arena *a; /* of the problem at hand */
    struct rh_recalled *recalled;
    const struct rh_remeasure_options *o;
    struct rh_remeasure_summary *out;
    const char *tag;     /* of the problem at hand */
    struct found *found; /* [n] */
    int32_t n;
};

/* The runs of a problem that lack one of the metrics. */
static int find_runs(struct remeasuring *x, const struct rh_recalled_problem *p, struct rh_error *err)
{
    struct rh_store *s = x->recalled->store;
    struct rh_sql q;
    int64_t most;
    RH_TRY(rh_sql_number(s, &most, 0, err, "SELECT count(*) FROM experiment_run WHERE experiment = ?", "i",
                         x->recalled->experiment));
    x->n = 0;
    x->tag = p->tag;
    x->found = rh_alloc(x->a, (size_t)most + 1, sizeof *x->found);
    if (!x->found)
        return rh_fail_memory(err, "the runs of an experiment", (size_t)most * sizeof *x->found);
    RH_TRY(rh_sql_open(&q, s, err, "SELECT r.id, e.label FROM experiment_run e JOIN run r ON r.id = e.run WHERE "
                       "e.experiment = ? AND r.problem = ? AND r.status = 'done' ORDER BY e.position", "ii",
                       x->recalled->experiment, p->id));
    int status;
    while ((status = rh_sql_step(&q, err)) == RH_OK && x->n < most) {
        struct found *f = &x->found[x->n];
        int64_t has = 0;
        f->id = rh_sql_int(&q, 0);
        f->run.label = rh_sql_text(&q, 1, x->a);
        if (!f->run.label) {
            status = rh_fail_memory(err, "a name", 64);
            break;
        }
        for (int32_t i = 0; i < x->o->n_use && status >= 0; i++) {
            int64_t one;
            status = rh_sql_number(s, &one, 0, err, "SELECT count(*) FROM metric WHERE run = ? AND id = ? AND "
                                   "definition = ?", "itt", f->id, x->o->use[i].id, x->o->use[i].definition);
            has += one;
        }
        if (status < 0)
            break;
        if (has == x->o->n_use && !x->o->tell)
            x->out->stored++;
        else
            x->n++;
    }
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

/* What the store has of a run. */
static int load_run(struct remeasuring *x, struct found *f, struct rh_error *err)
{
    struct rh_run_test *t = &f->run.test;
    struct rh_run_ranking *k = &f->run.ranking;
    int64_t n_tied = 0, n_predicted = 0, n_scores = 0;
    struct rh_sql q;
    RH_TRY(rh_sql_open(&q, x->recalled->store, err,
                       "SELECT t.above, t.tied, t.predicted, k.depth, k.item, k.score FROM run r "
                       "LEFT JOIN run_test t ON t.run = r.id LEFT JOIN ranking k ON k.run = r.id WHERE r.id = ?", "i",
                       f->id));
    int status = rh_sql_step(&q, err);
    if (status == RH_OK)
        status = rh_sql_words(&q, 0, x->a, &t->above, &t->n, err);
    if (status == RH_OK)
        status = rh_sql_words(&q, 1, x->a, &t->tied, &n_tied, err);
    if (status == RH_OK)
        status = rh_sql_words(&q, 2, x->a, &t->predicted, &n_predicted, err);
    if (status == RH_OK)
        status = rh_sql_words(&q, 4, x->a, &k->item, &k->n, err);
    if (status == RH_OK)
        status = rh_sql_words(&q, 5, x->a, &k->score, &n_scores, err);
    if (status == RH_OK) {
        k->depth = (int32_t)rh_sql_int(&q, 3);
        if (n_tied != t->n || n_scores != k->n || (t->predicted && n_predicted != t->n))
            status = rh_fail(err, RH_EIO, "store '%s' is damaged: the parts of run '%s' differ in length",
                             rh_store_path(x->recalled->store), f->run.label);
    }
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

static int measure_run(struct remeasuring *x, struct found *f, const struct rh_problem *problem,
                       const struct rh_eval_options *eval, struct rh_error *err)
{
    struct rh_metric_row *row = rh_alloc(x->a, (size_t)x->o->n_use, sizeof *row);
    if (!row)
        return rh_fail_memory(err, "the metrics of a run", (size_t)x->o->n_use * sizeof *row);
    RH_TRY(load_run(x, f, err));
    RH_TRY(rh_replay(x->a, problem, &f->run, x->o->use, x->o->n_use, eval, row, err));
    if (x->o->tell) {
        x->o->tell(x->o->arg, x->tag, f->run.label, row);
        return RH_OK;
    }
    return rh_store_add_metrics(x->recalled->store, f->id, row, x->o->n_use, problem->test.n, err);
}

static int measure_runs(struct remeasuring *x, const struct rh_problem *problem, struct rh_error *first,
                        struct rh_error *err)
{
    struct rh_metric_world world;
    RH_TRY(rh_metric_world_make(x->a, problem, &world, err));
    RH_TRY(rh_metrics_check(&world, x->o->use, x->o->n_use, err));
    struct rh_eval_options eval = rh_measure_options(x->recalled->plan, problem, &world);
    eval.threads = x->o->threads;
    eval.cancel = x->o->cancel;
    for (int32_t i = 0; i < x->n; i++) {
        struct rh_error why = { 0 };
        struct rh_arena_mark mark = rh_arena_mark(x->a);
        int status = measure_run(x, &x->found[i], problem, &eval, &why);
        rh_arena_rewind(x->a, mark);
        if (status >= 0) {
            x->out->runs++;
            continue;
        }
        if (status != RH_EUNSUP)
            return rh_fail(err, status, "%s", why.text);
        if (!first->status)
            *first = why;
        x->out->failed++;
    }
    return RH_OK;
}

int rh_remeasure(struct rh_recalled *r, const struct rh_remeasure_options *o, struct rh_remeasure_summary *out,
                 struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_error first = { 0 };
    struct remeasuring x = { .a = &a, .recalled = r, .o = o, .out = out };
    int status = RH_OK;
    *out = (struct rh_remeasure_summary){ 0 };
    for (int32_t i = 0; i < r->n_problems && status >= 0; i++) {
        struct rh_problem *problem = NULL;
        struct rh_arena_mark mark = rh_arena_mark(&a);
        if (!r->problem[i].id)
            status = rh_recall_build(r, &r->problem[i], &problem, err); /* says why not */
        if (status >= 0)
            status = find_runs(&x, &r->problem[i], err);
        if (status >= 0 && x.n)
            status = rh_recall_build(r, &r->problem[i], &problem, err);
        if (status >= 0 && x.n)
            status = measure_runs(&x, problem, &first, err);
        rh_problem_free(problem);
        rh_arena_rewind(&a, mark);
    }
    rh_arena_release(&a);
    return status >= 0 && first.status < 0 ? rh_fail(err, first.status, "%s", first.text) : status;
}
