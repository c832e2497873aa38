/* How often each item is recommended, over all queries: the same to the last bit on any number of threads and in any
 * order of the queries. The chances are added as fixed-point numbers, which loses nothing: a chance d / n with n below
 * 2^31 and its logarithm are multiples of 2^-84, and 2^31 of them stay below 2^127. */
#ifndef RH_EVAL_EXPOSURE_H
#define RH_EVAL_EXPOSURE_H

#include "metrics/metric.h"

__extension__ typedef __int128 rh_fixed;

/* Counts of one thread. */
struct rh_exposure_counts {
    int32_t n_cuts, n_items;
    const int32_t *cut; /* [n_cuts] cut-offs; shared */
    int64_t *sure;      /* [n_cuts x n_items] queries that have the item for certain */
    rh_fixed *chance;   /* [n_cuts x n_items] sum of the chances below 1 */
    rh_fixed *missed;   /* [n_cuts x n_items] sum of log(1 - chance) of these */
};

/* RH_ENOMEM. */
int rh_exposure_counts_make(struct rh_arena *a, const int32_t *cut, int32_t n_cuts, int32_t n_items,
                            struct rh_exposure_counts *out, struct rh_error *err);

/* Adds one query's list. */
void rh_exposure_add(struct rh_exposure_counts *c, const int32_t *item, const struct rh_list_group *group,
                     int32_t n_groups);

/* The exposure within cut-off number `cut`, over the counts of all threads; arrays in the arena. RH_ENOMEM. */
int rh_exposure_finish(struct rh_arena *a, const struct rh_exposure_counts *const *counts, int n_counts, int32_t cut,
                       int64_t n_queries, struct rh_exposure *out, struct rh_error *err);

#endif
