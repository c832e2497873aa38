/* What several metrics share: cut-offs and expected hits over random tie order, and the list of descriptors. */
#ifndef RH_METRICS_TIES_H
#define RH_METRICS_TIES_H

#include "metrics/metric.h"

/* A cut-off of 0 is none. */
static inline int32_t rh_cut(int32_t k)
{
    return k > 0 ? k : INT32_MAX;
}

/* Ranks of the group that lie within the cut-off: 0 .. size. */
static inline int32_t rh_ranks_inside(const struct rh_tie_group *g, int32_t k)
{
    int32_t inside = k - g->above;
    return inside <= 0 ? 0 : inside < g->size ? inside : g->size;
}

/* Expected number of relevant candidates among the first k (k > 0). Each rank of a tie group holds a relevant one
 * with probability relevant / size (McSherry and Najork 2008). */
double rh_expected_hits(const struct rh_ranked *r, int32_t k);

extern const struct rh_metric rh_metric_auc, rh_metric_ndcg, rh_metric_recall, rh_metric_precision, rh_metric_hit,
    rh_metric_mrr, rh_metric_map, rh_metric_rmse, rh_metric_mae;

#endif
