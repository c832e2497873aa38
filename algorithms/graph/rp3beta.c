/* rp3beta - random walks of three steps over users and items, with popular ends damped.
 *
 * Paudel, Christoffel, Newell and Bernstein 2017, "Updatable, accurate, diverse, and scalable recommendations for
 * interactive applications" (ACM TiiS 7(1)). The walks are those of lib/walks.h; with beta = 0 they are p3alpha's. */
#include "algorithms/lib/walks.h"

static const struct rh_param rp3beta_table[] = {
    RH_INT(struct rh_walks_params, neighbors, 100, 1, 1000000, "k: weights kept of an item, from it and to it"),
    RH_REAL(struct rh_walks_params, alpha, 1, 0, 10, "power of the step probabilities"),
    RH_REAL(struct rh_walks_params, beta, 0.5, 0, 10, "how much popular ends are damped; 0: P3alpha"),
    RH_BOOL(struct rh_walks_params, normalize, false, "scale the weights from an item to the sum 1"),
    RH_PARAMS_END,
};

static int rp3beta_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    return rh_walks_fit(ctx, params, train, state);
}

static const struct rh_algorithm rp3beta = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "rp3beta",
    .summary = "random walks from the history over users to items, with popular ends damped",
    .reference = "Paudel et al. 2017, Updatable, accurate, diverse, and scalable recommendations for interactive "
                 "applications (ACM TiiS); with beta = 0: Cooper et al. 2014, Random walks in recommender systems",
    .cost = "fit O(sum over users of the squared row length), score O(I + |history| k) a query, memory 24 k I bytes",
    .advice = "Quick, and less drawn to popular items than itemknn. Tune beta, alpha, neighbors, in this order. "
              "It cannot score items without interactions.",
    .revision = 1,
    .flags = RH_A_COLD_USERS,
    .params = rp3beta_table,
    .params_size = sizeof(struct rh_walks_params),
    .state_size = sizeof(struct rh_neighbor_model),
    .fit = rp3beta_fit,
    .score = rh_neighbor_model_score,
    .explain = rh_neighbor_model_explain,
    .persist = rh_neighbor_model_persist,
};
RH_ALGORITHM(rp3beta)
