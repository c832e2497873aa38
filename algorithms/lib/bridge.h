/* What bridges over users have in common: implicit factors of the sources and of the target apart (als.h), the users
 * with rows in both, from whom a map between the two spaces is learned, and the scores of users who are cold in the
 * target by their mapped source vectors. */
#ifndef RH_ALGORITHMS_LIB_BRIDGE_H
#define RH_ALGORITHMS_LIB_BRIDGE_H

#include "algorithms/lib/als.h"

struct rh_bridge {
    struct rh_als source, target;
    double *of_sources, *of_target; /* [n_domains] shares */
    int32_t *shared;                /* [n_shared] users with train rows in both, ascending */
    int32_t n_shared, domain;       /* domain: the target */
};

/* Both factorisations, untrained, and the shared users; random vectors from the streams "WHO source .." and "WHO target
 * ..". RH_EDATA when no user is shared: the sentence begins with `who`. */
int rh_bridge_init(struct rh_ctx *ctx, struct rh_bridge *b, const struct rh_als_params *params,
                   const struct rh_train *train, const char *who);
/* One epoch of both; *loss is the sum of theirs. */
int rh_bridge_epoch(struct rh_ctx *ctx, struct rh_bridge *b, double *loss);
/* As `persist` of <rh/plugin.h>: both factorisations. */
int rh_bridge_persist(struct rh_ctx *ctx, struct rh_bridge *b, const struct rh_als_params *params,
                      const struct rh_train *train);

/* mapped[n x width] of the users of n queries with source vectors x[n x width]. What stands in the padding does
 * not count: that of the items is 0. */
typedef int rh_bridge_map(struct rh_ctx *ctx, const void *map, const struct rh_query *query, int32_t n, const float *x,
                          float *mapped);
/* The whole of a score callback: users with at least own_from rows of history in the target, and those without history
 * in the sources, have their own vector, the others the mapped one. */
int rh_bridge_score(struct rh_ctx *ctx, const struct rh_bridge *b, int64_t own_from, rh_bridge_map *map,
                    const void *arg, const struct rh_query *query, int32_t n, float *out, size_t stride);

#endif
