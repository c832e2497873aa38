/* What metrics may know of a problem beside the query at hand. */
#ifndef RH_EVAL_WORLD_H
#define RH_EVAL_WORLD_H

#include "metrics/metric.h"
#include "split/problem.h"

/* Counts the train rows of the target; the features are borrowed from the problem. RH_ENOMEM. */
int rh_metric_world_make(struct rh_arena *a, const struct rh_problem *p, struct rh_metric_world *out,
                         struct rh_error *err);

#endif
