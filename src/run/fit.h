/* One run: fit with validation and early stopping, then the test queries. */
#ifndef RH_RUN_FIT_H
#define RH_RUN_FIT_H

#include "config/plan.h"
#include "eval/corrected.h"
#include "eval/evaluate.h"
#include "run/keep.h"
#include "split/problem.h"

struct rh_fit_result {
    struct rh_evaluation test;
    struct rh_metric_row *metric; /* [n_metrics] as run/measure.h says */
    int32_t n_metrics;
    struct rh_odd_row *odd; /* [n_odd] */
    int32_t n_odd;
    struct rh_keeper kept; /* of the test queries */
    struct rh_epoch_row *epoch; /* [n_epochs] */
    int32_t n_epochs;
    double fit_seconds, score_seconds;
    size_t state_bytes;
};

/* Fits and evaluates algorithm number `algorithm` of the plan on a problem. All results are in the arena. What an
 * algorithm needs of a problem (ratings, times, features, users seen in training) is checked first: RH_EUNSUP. */
int rh_fit_and_evaluate(struct rh_arena *a, const struct rh_plan *plan, int32_t algorithm,
                        const struct rh_problem *problem, const struct rh_correction *correction,
                        const char *fit_identity, int threads, struct rh_log *log,
                        const volatile sig_atomic_t *cancel, struct rh_fit_result *out, struct rh_error *err);

#endif
