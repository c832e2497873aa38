/* Executes a plan: the one place that knows data, splits, plugins, evaluation and store. */
#ifndef RH_RUN_EXECUTE_H
#define RH_RUN_EXECUTE_H

#include "config/plan.h"

struct rh_execute_options {
    bool force; /* redo stored runs */
    int threads;
    double checkpoint;  /* seconds between checkpoints of a long fit; 0: after each epoch; negative: none */
    const char *models; /* folder for the fitted models, "": beside the store; NULL: they are not saved */
    struct rh_log *log;
    const volatile sig_atomic_t *cancel;
};

struct rh_execute_summary {
    int32_t done, stored, failed; /* runs fitted now, found in the store, failed */
};

/* Runs what is not stored yet. A run that fails is stored with its message and the others go on; a problem that cannot
 * be built fails all its runs. Negative only when nothing more makes sense: the store cannot be written (RH_EIO), the
 * user interrupted (RH_ECANCEL); what was finished is stored. */
int rh_execute(const struct rh_plan *plan, const struct rh_data_env *env, struct rh_store *store,
               const struct rh_execute_options *options, struct rh_execute_summary *summary, struct rh_error *err);

#endif
