/* p3alpha - random walks of three steps over users and items.
 *
 * Cooper, Lee, Radinsky and Siddiqui 2014, "Random walks in recommender systems: exact computation and simulations"
 * (WWW): the probability to be at an item after three steps from the user, each step's raised to the power alpha. The
 * first step goes to any item of the history alike. The walks are those of lib/walks.h, without damping. */
#include "algorithms/lib/walks.h"

struct p3alpha_params {
    int64_t neighbors;
    double alpha;
    bool normalize;
};

static const struct rh_param p3alpha_table[] = {
    RH_INT(struct p3alpha_params, neighbors, 100, 1, 1000000, "k: weights kept of an item, from it and to it"),
    RH_REAL(struct p3alpha_params, alpha, 1, 0, 10, "power of the step probabilities"),
    RH_BOOL(struct p3alpha_params, normalize, false, "scale the weights from an item to the sum 1"),
    RH_PARAMS_END,
};

static int p3alpha_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct p3alpha_params *p = params;
    struct rh_walks_params w = { .neighbors = p->neighbors, .alpha = p->alpha, .normalize = p->normalize };
    return rh_walks_fit(ctx, &w, train, state);
}

static const struct rh_algorithm p3alpha = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "p3alpha",
    .summary = "random walks from the history over users to items",
    .reference = "Cooper, Lee, Radinsky and Siddiqui 2014, Random walks in recommender systems: exact computation and "
                 "simulations, WWW",
    .cost = "fit O(sum over users of the squared row length), score O(I + |history| k) a query, memory 24 k I bytes",
    .advice = "Quick and without factors; drawn to popular items, which rp3beta damps: prefer that one where it "
              "matters. Tune alpha (above 1 it trusts users and items with few interactions), then neighbors. It "
              "cannot score items without interactions.",
    .revision = 1,
    .flags = RH_A_COLD_USERS,
    .params = p3alpha_table,
    .params_size = sizeof(struct p3alpha_params),
    .state_size = sizeof(struct rh_neighbor_model),
    .fit = p3alpha_fit,
    .score = rh_neighbor_model_score,
    .explain = rh_neighbor_model_explain,
    .persist = rh_neighbor_model_persist,
};
RH_ALGORITHM(p3alpha)
