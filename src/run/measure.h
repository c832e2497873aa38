/* The values of one fitted run: of the full ranking, and where the problem is sampled, beside each of them the value
 * over the sample and the corrected estimate. */
#ifndef RH_RUN_MEASURE_H
#define RH_RUN_MEASURE_H

#include "config/plan.h"
#include "eval/corrected.h"

/* What a plan and a problem say of every evaluation; threads, log, cancel and sink are the caller's to set. */
struct rh_eval_options rh_measure_options(const struct rh_plan *plan, const struct rh_problem *problem,
                                          const struct rh_metric_world *world);

/* Rows in the order of the plan's metrics; "ndcg@10" is followed by "ndcg@10/candidates=sampled" and
 * "ndcg@10/candidates=corrected" where they are defined. `test` is the evaluation of the full queries, which `eval`
 * with its sink is for. All is in the arena. */
int rh_measure(struct rh_arena *a, const struct rh_plan *plan, const struct rh_problem *problem,
               const struct rh_correction *correction, const struct rh_scorer *scorer,
               const struct rh_eval_options *eval, struct rh_evaluation *test, struct rh_metric_row **metric,
               int32_t *n_metrics, struct rh_error *err);

/* The queries that a policy is about, as "queries without a history (left out)" and how many, where there are any; in
 * the arena, NULL: no memory. */
struct rh_odd_row *rh_measure_odd(struct rh_arena *a, const struct rh_eval_policy *policy,
                                  const struct rh_evaluation *test, int32_t *n);

#endif
