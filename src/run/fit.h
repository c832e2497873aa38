/* One run: fit with validation and early stopping, then the test queries. */
#ifndef RH_RUN_FIT_H
#define RH_RUN_FIT_H

#include "config/plan.h"
#include "eval/corrected.h"
#include "eval/evaluate.h"
#include "plugin/instance.h"
#include "run/checkpoint.h"
#include "run/keep.h"
#include "split/problem.h"

/* What is fitted, and with what. */
struct rh_fit_task {
    const struct rh_plan *plan;
    int32_t algorithm; /* its number in the plan */
    const struct rh_problem *problem;
    const char *identity; /* of the fit: names its random streams */
    int threads;
    struct rh_log *log;
    const volatile sig_atomic_t *cancel;
    const char *model; /* the file that the fitted model goes to, or NULL */
    const struct rh_checkpoint *checkpoint; /* that the fit goes on from, and that it leaves; or NULL */
};

struct rh_fit_result {
    struct rh_evaluation test;
    struct rh_metric_row *metric; /* [n_metrics] as run/measure.h says */
    int32_t n_metrics;
    struct rh_odd_row *odd; /* [n_odd] */
    int32_t n_odd;
    struct rh_keeper kept; /* of the test queries */
    struct rh_curve curve;
    double fit_seconds, score_seconds;
    size_t state_bytes;
    int64_t peak_bytes; /* of the process, before the model was saved; 0: it did not come so far */
    struct rh_model_row model; /* path NULL: not saved */
    struct rh_error unsaved;   /* why the model could not be written; the values hold all the same */
};

/* Is there what the algorithm needs: ratings, times, features, users seen in training? RH_EUNSUP. */
int rh_fit_check(const struct rh_algorithm *alg, const struct rh_problem *p, struct rh_error *err);

/* A new instance for the task; nothing is fitted. */
int rh_fit_new(const struct rh_fit_task *t, struct rh_instance **out, struct rh_error *err);
/* Fits it: all at once, or in epochs, with validation, early stopping and the best epoch put back. Results are in the
 * arena. */
int rh_fit(struct rh_arena *a, const struct rh_fit_task *t, struct rh_instance *in, struct rh_curve *curve,
           struct rh_error *err);

/* Checks, fits, evaluates, and saves the model where one is asked for. All results are in the arena. */
int rh_fit_and_evaluate(struct rh_arena *a, const struct rh_fit_task *t, const struct rh_correction *correction,
                        struct rh_fit_result *out, struct rh_error *err);

#endif
