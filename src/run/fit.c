#include "run/fit.h"

#include "eval/world.h"
#include "plugin/instance.h"
#include "run/measure.h"

#include <math.h>
#include <unistd.h>

static bool any_features(const struct rh_features *f, int32_t n)
{
    for (int32_t b = 0; b < n; b++)
        if ((f[b].row && f[b].row[f[b].n_rows] > 0) || f[b].dense)
            return true;
    return false;
}

static int check_needs(const struct rh_algorithm *alg, const struct rh_problem *p, struct rh_error *err)
{
    const struct rh_domain *target = &p->train.domain[p->train.target];
    const char *missing = NULL;
    if (alg->flags & RH_A_NEEDS_VALUES && !target->value)
        missing = "ratings";
    else if (alg->flags & RH_A_NEEDS_TIME && !target->time)
        missing = "timestamps";
    else if (alg->flags & RH_A_NEEDS_ITEM_FEATURES && !any_features(target->item_features, p->train.n_item_blocks))
        missing = "item features";
    else if (alg->flags & RH_A_NEEDS_USER_FEATURES && !any_features(p->train.user_features, p->train.n_user_blocks))
        missing = "user features";
    if (missing)
        return rh_fail(err, RH_EUNSUP, "%s needs %s, and target '%s' has none", alg->name, missing, target->name);
    if (!(alg->flags & RH_A_COLD_USERS) && p->n_cold_users)
        return rh_fail(err, RH_EUNSUP,
                       "%s cannot score users that were not in training, and %d of %d test users were not", alg->name,
                       p->n_cold_users, p->test.n);
    return RH_OK;
}

static int score(void *arg, int thread, const struct rh_query *query, int32_t n, float *out, size_t stride,
                 struct rh_error *err)
{
    return rh_instance_score(arg, thread, query, n, out, stride, err);
}

/* What one run works with. */
struct job {
    struct rh_arena *a;
    const struct rh_plan *plan;
    const struct rh_plan_algorithm *algorithm;
    const struct rh_problem *problem;
    const struct rh_correction *correction;
    struct rh_instance *instance;
    struct rh_eval_options eval;
    struct rh_scorer scorer;
    struct rh_log *log;
    struct rh_fit_result *out;
};

static int validate(struct job *j, double *value, struct rh_error *err)
{
    struct rh_arena_mark mark = rh_arena_mark(j->a);
    struct rh_evaluation e;
    struct rh_eval_options silent = j->eval; /* the progress line is the fit's */
    silent.log = NULL;
    silent.sink = NULL; /* keeps what is tested */
    int status = rh_evaluate(j->a, &j->problem->validation,
                             j->problem->train.domain[j->problem->train.target].n_items, &j->plan->validate, 1,
                             &j->scorer, &silent, &e, err);
    *value = status < 0 ? (double)NAN : e.mean[0];
    rh_arena_rewind(j->a, mark);
    return status;
}

static int train_epochs(struct job *j, struct rh_error *err)
{
    const struct rh_plan_algorithm *g = j->algorithm;
    bool lower = j->plan->validate.metric->flags & RH_M_LOWER_IS_BETTER;
    bool watched = g->patience > 0 && j->problem->validation.n > 0;
    int32_t best = -1, since = 0;
    double best_value = (double)NAN;
    if (g->patience > 0 && !watched)
        rh_log(j->log, RH_LOG_WARNING, g->label, "patience = %d without validation queries: all %d epochs are run",
               g->patience, g->epochs);
    j->out->epoch = rh_alloc(j->a, (size_t)g->epochs, sizeof *j->out->epoch);
    if (!j->out->epoch)
        return rh_fail_memory(err, "the learning curve", (size_t)g->epochs * sizeof *j->out->epoch);
    for (int32_t e = 1; e <= g->epochs; e++) {
        struct rh_epoch_row *row = &j->out->epoch[j->out->n_epochs];
        double started = rh_now();
        int status = rh_instance_epoch(j->instance, e, &row->loss, err);
        if (status < 0)
            return rh_error_context(err, "epoch %d", e);
        *row = (struct rh_epoch_row){
            .epoch = e, .loss = row->loss, .validation = (double)NAN, .seconds = rh_now() - started
        };
        j->out->n_epochs++;
        if (watched && (e % g->validate_every == 0 || e == g->epochs || status == RH_DONE)) {
            RH_TRY(validate(j, &row->validation, err));
            rh_log(j->log, RH_LOG_DETAIL, g->label, "epoch %d: loss %.6g, %s %.5f", e, row->loss,
                   j->plan->validate.id, row->validation);
            bool better = best < 0 || (lower ? row->validation < best_value : row->validation > best_value);
            if (better) {
                best = j->out->n_epochs - 1;
                best_value = row->validation;
                since = 0;
                RH_TRY(rh_instance_keep(j->instance, err));
            } else if (++since >= g->patience) {
                break;
            }
        }
        if (status == RH_DONE)
            break;
    }
    if (best >= 0) {
        rh_instance_restore(j->instance);
        j->out->epoch[best].best = true;
    }
    return RH_OK;
}

static size_t memory_limit(const struct rh_plan *plan)
{
    if (plan->memory)
        return (size_t)plan->memory << 20;
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    return pages > 0 && size > 0 ? (size_t)pages * (size_t)size : 0;
}

static int fit_and_evaluate(struct job *j, struct rh_error *err)
{
    double started = rh_now();
    rh_instance_expect(j->instance, j->algorithm->epochs);
    int status = rh_instance_fit(j->instance, err);
    if (status == RH_OK && j->algorithm->algorithm->epoch)
        status = train_epochs(j, err);
    if (status < 0)
        return status;
    j->out->fit_seconds = rh_now() - started;
    j->out->state_bytes = rh_instance_bytes(j->instance);
    RH_TRY(rh_keeper_make(j->a, &j->problem->test, (int32_t)j->plan->keep_rankings, &j->out->kept, err));
    struct rh_eval_options eval = j->eval;
    eval.sink = &j->out->kept.sink;
    started = rh_now();
    status = rh_measure(j->a, j->plan, j->problem, j->correction, &j->scorer, &eval, &j->out->test, &j->out->metric,
                        &j->out->n_metrics, err);
    j->out->score_seconds = rh_now() - started;
    if (status >= 0 && !(j->out->odd = rh_measure_odd(j->a, &j->plan->policy, &j->out->test, &j->out->n_odd)))
        return rh_fail_memory(err, "the counts of a run", 64);
    return status;
}

int rh_fit_and_evaluate(struct rh_arena *a, const struct rh_plan *plan, int32_t algorithm,
                        const struct rh_problem *problem, const struct rh_correction *correction,
                        const char *fit_identity, int threads, struct rh_log *log,
                        const volatile sig_atomic_t *cancel, struct rh_fit_result *out, struct rh_error *err)
{
    const struct rh_plan_algorithm *g = &plan->algorithm[algorithm];
    const struct rh_domain *target = &problem->train.domain[problem->train.target];
    *out = (struct rh_fit_result){ 0 };
    RH_TRY(check_needs(g->algorithm, problem, err));
    struct rh_metric_world world;
    RH_TRY(rh_metric_world_make(a, problem, &world, err));
    RH_TRY(rh_metrics_check(&world, plan->metric, plan->n_metrics, err));
    RH_TRY(rh_metrics_check(&world, &plan->validate, 1, err));
    struct rh_instance_options options = {
        .seed = plan->seed,
        .identity = fit_identity,
        .threads = threads,
        .memory_limit = memory_limit(plan),
        .log = log,
        .cancel = cancel,
    };
    struct job j = {
        .a = a,
        .plan = plan,
        .algorithm = g,
        .problem = problem,
        .correction = correction,
        .log = log,
        .out = out,
        .eval = rh_measure_options(plan, problem, &world),
    };
    j.eval.threads = threads;
    j.eval.log = log;
    j.eval.cancel = cancel;
    RH_TRY(rh_instance_new(g->algorithm, g->params, &problem->train, &options, &j.instance, err));
    j.scorer = (struct rh_scorer){ .score = score,
                                   .arg = j.instance,
                                   .rates = g->algorithm->flags & RH_A_RATES && target->value };
    int status = fit_and_evaluate(&j, err);
    rh_instance_free(j.instance);
    return status;
}
