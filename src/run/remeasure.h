/* New metrics for all stored runs of an experiment; see run/replay.h for what can be had. */
#ifndef RH_RUN_REMEASURE_H
#define RH_RUN_REMEASURE_H

#include "run/recall.h"

struct rh_remeasure_options {
    const struct rh_metric_use *use; /* [n_use] */
    int32_t n_use;
    int threads;
    const volatile sig_atomic_t *cancel;
    /* Who wants the values [n_use] of a run instead of the store; NULL: they are stored. The rows are borrowed. */
    void (*tell)(void *arg, const char *problem, const char *label, const struct rh_metric_row *row);
    void *arg;
};

struct rh_remeasure_summary {
    int32_t runs;   /* measured now */
    int32_t stored; /* that had all of the metrics, in these variants */
    int32_t failed; /* for which the store does not suffice; the error is the first one's */
};

/* Adds the metrics to the store, run by run; runs for which they cannot be had are passed over, and the first such
 * refusal is returned in the end. */
int rh_remeasure(struct rh_recalled *r, const struct rh_remeasure_options *o, struct rh_remeasure_summary *out,
                 struct rh_error *err);

#endif
