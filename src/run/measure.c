#include "run/measure.h"

#include <math.h>

/* What is being put together. */
struct measuring {
    struct rh_arena *a;
    const struct rh_plan *plan;
    const struct rh_problem *problem;
    const struct rh_correction *correction;
    struct rh_evaluation sampled;
    double *estimate; /* [correction->n x n_queries] */
    struct rh_metric_row *row;
    int32_t n;
};

static bool lower_is_better(const struct rh_metric_use *use)
{
    return use->metric->flags & RH_M_LOWER_IS_BETTER;
}

static void add_value(struct measuring *m, const struct rh_metric_use *use, const struct rh_evaluation *e, int32_t at,
                      const char *id, const char *definition)
{
    m->row[m->n++] = (struct rh_metric_row){
        .id = id,
        .definition = definition,
        .lower_is_better = lower_is_better(use),
        .value = e->mean[at],
        .defined = e->defined[at],
        .users = use->flags & RH_M_RUN ? NULL : e->value + (size_t)at * (size_t)e->n_queries,
    };
}

/* How the sample was made, for definitions. */
static const char *describe(struct measuring *m, const char *candidates)
{
    const struct rh_asking *q = &m->problem->asking;
    const char *by = q->negatives_by == RH_NEGATIVES_UNIFORM ? "uniform" : "popularity";
    if (q->candidates_file[0])
        return rh_arena_printf(m->a, "/candidates=%s/negatives=file/by=%s", candidates, by);
    return rh_arena_printf(m->a, "/candidates=%s/negatives=%lld/by=%s", candidates, (long long)q->negatives, by);
}

static int add_sampled(struct measuring *m, int32_t at, struct rh_error *err)
{
    const struct rh_metric_use *use = &m->plan->metric[at];
    const char *how = describe(m, "sampled");
    const char *id = rh_arena_printf(m->a, "%s/candidates=sampled", use->id);
    const char *definition = how ? rh_arena_printf(m->a, "%s%s", use->definition, how) : NULL;
    if (!id || !definition)
        return rh_fail_memory(err, "the metrics of a run", 256);
    add_value(m, use, &m->sampled, at, id, definition);
    return RH_OK;
}

static int add_corrected(struct measuring *m, int32_t at, int32_t which, struct rh_error *err)
{
    const struct rh_metric_use *use = &m->plan->metric[at];
    int32_t n = m->problem->sampled.queries.n, defined = 0;
    const double *value = m->estimate + (size_t)which * (size_t)n;
    char gamma[32];
    double sum = 0;
    const char *how = describe(m, "corrected");
    const char *id = rh_arena_printf(m->a, "%s/candidates=corrected", use->id);
    const char *definition = how ? rh_arena_printf(m->a, "%s%s/gamma=%s", use->definition, how,
                                                   rh_real_text(m->problem->asking.correction, gamma))
                                 : NULL;
    if (!id || !definition)
        return rh_fail_memory(err, "the metrics of a run", 256);
    for (int32_t i = 0; i < n; i++)
        if (!isnan(value[i])) {
            sum += value[i];
            defined++;
        }
    m->row[m->n++] = (struct rh_metric_row){
        .id = id,
        .definition = definition,
        .lower_is_better = lower_is_better(use),
        .value = defined ? sum / defined : (double)NAN,
        .defined = defined,
        .users = value,
    };
    return RH_OK;
}

/* The second pass, over the samples. */
static int rank_samples(struct measuring *m, const struct rh_scorer *scorer, const struct rh_eval_options *eval,
                        struct rh_error *err)
{
    const struct rh_problem *p = m->problem;
    struct rh_eval_options own = *eval;
    size_t values = (size_t)m->correction->n * (size_t)p->sampled.queries.n;
    own.sink = NULL; /* it keeps the full ranking */
    if (!(m->estimate = rh_alloc(m->a, values, sizeof *m->estimate)))
        return rh_fail_memory(err, "values of queries", values * sizeof *m->estimate);
    struct rh_corrected taking = {
        .correction = m->correction,
        .inner = scorer,
        .relevant_from = eval->relevant_from,
        .relevant_best = eval->relevant_best,
        .nothing = eval->policy.no_relevant == RH_NO_RELEVANT_ZERO ? 0 : (double)NAN,
        .value = m->estimate,
    };
    struct rh_scorer watched = rh_corrected_scorer(&taking);
    return rh_evaluate(m->a, &p->sampled.queries, p->train.domain[p->train.target].n_items, m->plan->metric,
                       m->plan->n_metrics, m->correction->n ? &watched : scorer, &own, &m->sampled, err);
}

struct rh_eval_options rh_measure_options(const struct rh_plan *plan, const struct rh_problem *problem,
                                          const struct rh_metric_world *world)
{
    const struct rh_domain *target = &problem->train.domain[problem->train.target];
    return (struct rh_eval_options){
        .threads = 1,
        .relevant_from = plan->relevant_from,
        .relevant_best = plan->relevant_best,
        .policy = plan->policy,
        .n_domains = problem->train.n_domains,
        .value_min = target->value_min,
        .value_max = target->value_max,
        .world = world,
    };
}

int rh_measure(struct rh_arena *a, const struct rh_plan *plan, const struct rh_problem *problem,
               const struct rh_correction *correction, const struct rh_scorer *scorer,
               const struct rh_eval_options *eval, struct rh_evaluation *test, struct rh_metric_row **metric,
               int32_t *n_metrics, struct rh_error *err)
{
    struct measuring m = { .a = a, .plan = plan, .problem = problem, .correction = correction };
    bool sampled = problem->sampled.queries.n > 0;
    RH_TRY(rh_evaluate(a, &problem->test, problem->train.domain[problem->train.target].n_items, plan->metric,
                       plan->n_metrics, scorer, eval, test, err));
    m.row = rh_alloc(a, 3 * (size_t)plan->n_metrics, sizeof *m.row);
    if (!m.row)
        return rh_fail_memory(err, "the metrics of a run", 3 * (size_t)plan->n_metrics * sizeof *m.row);
    if (sampled)
        RH_TRY(rank_samples(&m, scorer, eval, err));
    for (int32_t at = 0, which = 0; at < plan->n_metrics; at++) {
        const struct rh_metric_use *use = &plan->metric[at];
        add_value(&m, use, test, at, use->id, use->definition);
        if (sampled && !(use->flags & (RH_M_RATING | RH_M_LIST))) /* nobody is recommended a list of a sample */
            RH_TRY(add_sampled(&m, at, err));
        if (which < correction->n && correction->use[which] == at)
            RH_TRY(add_corrected(&m, at, which++, err));
    }
    *metric = m.row;
    *n_metrics = m.n;
    return RH_OK;
}

struct rh_odd_row *rh_measure_odd(struct rh_arena *a, const struct rh_eval_policy *policy,
                                  const struct rh_evaluation *test, int32_t *n)
{
    const struct rh_odd_row all[] = {
        { policy->no_relevant == RH_NO_RELEVANT_SKIP
              ? "queries without a relevant candidate (left out of ranking metrics)"
              : "queries without a relevant candidate (worth 0)",
          test->no_relevant },
        { policy->few_candidates == RH_ODD_SKIP ? "queries with fewer candidates than the cut-off (left out)"
                                                : "queries with fewer candidates than the cut-off (kept)",
          test->few_candidates },
        { policy->no_history == RH_ODD_SKIP ? "queries without a history (left out)"
                                            : "queries without a history (kept)",
          test->no_history },
    };
    struct rh_odd_row *row = rh_alloc(a, sizeof all / sizeof *all, sizeof *row);
    *n = 0;
    for (size_t i = 0; row && i < sizeof all / sizeof *all; i++)
        if (all[i].count)
            row[(*n)++] = all[i];
    return row;
}
