/* Learning of personal bridges (personal.h) by a task, and their use on queries.
 *
 * An epoch is a pass over the shared users in minibatches, computed in shards of a fixed number of users whose
 * gradients are added in order: the numbers do not depend on threads. The history that a map is made from is the newest
 * `history` items of the user in the sources, ties by number; where there are ratings, the liked ones (above the middle
 * of the scale), if there is any. */
#ifndef RH_ALGORITHMS_LIB_PERSONAL_LEARN_H
#define RH_ALGORITHMS_LIB_PERSONAL_LEARN_H

#include "algorithms/lib/personal.h"

struct rh_personal_model {
    struct rh_personal shape;
    rh_real *phi, *gradient, *first, *second; /* [size] */
    struct rh_optimizer_state adam;
    int64_t size, history, batch;
    int32_t n_domains, target;
    const int32_t *first_item; /* [n_domains + 1] rows of `item` where the items of a source begin */
    const float *item;         /* [.. x width] vectors of the items of the sources, of which the first d count */
    const float *user;         /* [n_users x width] source vectors of the users */
    int32_t width;
    float *middle; /* [n_domains] of the rating scale */
};

struct rh_personal_options {
    int64_t factors, meta, history, batch;
    double rate, decay;
};
/* Shapes, without weights; vectors are set by the caller, who may move them as long as nothing is learned. Enough for
 * rh_personal_persist to load. */
int rh_personal_open(struct rh_ctx *ctx, struct rh_personal_model *m, const struct rh_personal_options *o,
                     const struct rh_train *train);
/* Random weights, and the memory of the optimiser. */
int rh_personal_start(struct rh_ctx *ctx, struct rh_personal_model *m);

/* The loss of a user whose vector was mapped to y[d]: adds `weight` times its gradient to dy[d], returns it without the
 * weight or NaN. `history`: the user's training rows in all domains. */
typedef double rh_personal_task(const void *arg, struct rh_rng *r, int32_t user, const struct rh_history *history,
                                const rh_real *y, rh_real weight, rh_real *dy);
/* One pass over n users in random order; *loss is the mean of theirs. RH_ENUMERIC: diverged. */
int rh_personal_epoch(struct rh_ctx *ctx, struct rh_personal_model *m, const struct rh_train *train,
                      const int32_t *user, int32_t n, int32_t epoch, rh_personal_task *task, const void *arg,
                      double *loss);

/* mapped[n x width] of queries of users with source vectors x[n x width]. */
int rh_personal_map(struct rh_ctx *ctx, const struct rh_personal_model *m, const struct rh_query *query, int32_t n,
                    const float *x, float *mapped);
/* The weights; for RH_FOR_RESUMING what the optimiser remembers as well. */
int rh_personal_persist(struct rh_ctx *ctx, struct rh_personal_model *m);

#endif
