/* For tests of the host: learns nothing, scores 0, so every metric is its expectation under random order. */
#include <rh/plugin.h>

struct null_params {
    char none;
};

static const struct rh_param null_table[] = { RH_PARAMS_END };

static int null_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)ctx, (void)params, (void)train, (void)state;
    return RH_OK;
}

static int null_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                      size_t stride)
{
    (void)ctx, (void)state;
    for (int32_t q = 0; q < n; q++)
        for (int32_t c = 0; c < query[q].n_candidates; c++)
            out[(size_t)q * stride + (size_t)c] = 0;
    return RH_OK;
}

static const struct rh_algorithm null_scores = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "null",
    .summary = "scores everything 0; for tests",
    .reference = "none: a test of the host",
    .revision = 1,
    .flags = RH_A_COLD_USERS | RH_A_COLD_ITEMS,
    .params = null_table,
    .params_size = sizeof(struct null_params),
    .state_size = 1,
    .fit = null_fit,
    .score = null_score,
};
RH_ALGORITHM(null_scores)
