/* itemknn_cbf - items whose features are like those of single items of the history.
 *
 * Lops, de Gemmis and Semeraro 2011, "Content-based recommender systems: state of the art and trends"; as the
 * baseline ItemKNN CBF of Ferrari Dacrema, Cremonesi and Jannach 2019, "Are we really making much progress?"
 * (RecSys). The neighbourhoods are those of lib/feature_knn.h, of features alone. An item of the history with
 * `weighted` counts by its rating. Memory: 8 k bytes an item. */
#include "algorithms/lib/feature_knn.h"

static const struct rh_param itemknn_cbf_table[] = {
    RH_FEATURE_KNN_PARAMS,
    RH_BOOL(struct rh_feature_knn_params, weighted, false, "an item of the history counts by its rating (no: by 1)"),
    RH_PARAMS_END,
};

static int itemknn_cbf_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    return rh_feature_knn_fit(ctx, params, false, train, state);
}

static const struct rh_algorithm itemknn_cbf = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "itemknn_cbf",
    .summary = "items whose features are like those of single items of the history",
    .reference = "Lops, de Gemmis and Semeraro 2011, Content-based recommender systems: state of the art and trends; "
                 "Ferrari Dacrema, Cremonesi and Jannach 2019, Are we really making much progress?, RecSys",
    .cost = "fit O(sum over columns of features of their squared length), score O(I + |history| k) a query, memory "
            "8 k I bytes",
    .advice = "For new items, and for users of many tastes: each item of the history speaks for itself, where "
              "content compares with the mean of all, and ranks them better on MovieLens. Tune neighbors (few), then "
              "weighting and blocks. Where there are interactions, cfcbf sees them too.",
    .revision = 1,
    .flags = RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS,
    .params = itemknn_cbf_table,
    .params_size = sizeof(struct rh_feature_knn_params),
    .state_size = sizeof(struct rh_neighbor_model),
    .check = rh_feature_knn_check,
    .fit = itemknn_cbf_fit,
    .score = rh_neighbor_model_score,
    .explain = rh_neighbor_model_explain,
    .persist = rh_neighbor_model_persist,
};
RH_ALGORITHM(itemknn_cbf)
