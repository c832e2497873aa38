/* cfcbf - items like those in the history, by who interacted with both and by what they are.
 *
 * Mobasher, Jin and Zhou 2004, "Semantically enhanced collaborative filtering on the web" (LNCS 3209); as the
 * baseline ItemKNN CFCBF of Ferrari Dacrema, Cremonesi and Jannach 2019, "Are we really making much progress?"
 * (RecSys): the neighbourhoods of lib/feature_knn.h, of interactions and features. With `weighted` ratings take the
 * place of the ones, in the similarity and in the history. Memory: 8 k bytes an item. */
#include "algorithms/lib/feature_knn.h"

static const struct rh_param cfcbf_table[] = {
    RH_FEATURE_KNN_PARAMS,
    RH_REAL(struct rh_feature_knn_params, icm_weight, 1, 0.0001, 10000,
            "what a feature weighs against an interaction (in similarities that do not look at sets)"),
    RH_BOOL(struct rh_feature_knn_params, weighted, false,
            "ratings weigh: in the similarity, and the items of the history (no: every interaction is 1)"),
    RH_PARAMS_END,
};

static int cfcbf_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    return rh_feature_knn_fit(ctx, params, true, train, state);
}

static const struct rh_algorithm cfcbf = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "cfcbf",
    .summary = "items similar to those in the history, by who interacted with both and by their features",
    .reference = "Mobasher, Jin and Zhou 2004, Semantically enhanced collaborative filtering on the web, LNCS 3209; "
                 "Ferrari Dacrema, Cremonesi and Jannach 2019, Are we really making much progress?, RecSys",
    .cost = "fit O(sum over users and columns of features of their squared length), score O(I + |history| k) a "
            "query, memory 8 k I bytes",
    .advice = "itemknn that also ranks new items among themselves, with icm_weight = 10 or more at its best; beside "
              "items that many have, new ones stand low. For seen items take weighting = bm25 and a small icm_weight, "
              "then tune as in itemknn: neighbors, shrinkage, similarity.",
    .revision = 1,
    .flags = RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS,
    .params = cfcbf_table,
    .params_size = sizeof(struct rh_feature_knn_params),
    .state_size = sizeof(struct rh_neighbor_model),
    .check = rh_feature_knn_check,
    .fit = cfcbf_fit,
    .score = rh_neighbor_model_score,
    .explain = rh_neighbor_model_explain,
    .persist = rh_neighbor_model_persist,
};
RH_ALGORITHM(cfcbf)
