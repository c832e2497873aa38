/* A model that is a dense matrix of weights from items of the history to every item, none to itself: the score of
 * item j is scale[j] times the sum of w(i, j) over the items i of the history in the target. */
#ifndef RH_ALGORITHMS_LIB_ITEM_WEIGHTS_H
#define RH_ALGORITHMS_LIB_ITEM_WEIGHTS_H

#include <rh/plugin.h>

struct rh_item_weights {
    int32_t target, n;
    float *w;     /* [n x n] the diagonal 0 */
    float *scale; /* [n] */
};

/* Memory of the run for the items of the target, all 0. RH_ENOMEM. */
int rh_item_weights_new(struct rh_ctx *ctx, const struct rh_train *train, struct rh_item_weights *out);

/* Callbacks of a plugin whose state is a struct rh_item_weights. Time: |history| n a query. */
int rh_item_weights_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                          size_t stride);
int rh_item_weights_explain(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item,
                            int32_t max, int32_t *why, float *weight);
int rh_item_weights_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state);

#endif
