/* For tests of the host: asks for more memory than there is. */
#include <rh/plugin.h>

struct crowded_params {
    int64_t megabytes;
    bool overflow;
};

struct crowded_state {
    unsigned char *memory;
};

static const struct rh_param crowded_table[] = {
    RH_INT(struct crowded_params, megabytes, 1e9, 0, 1e12, "how much to ask for"),
    RH_BOOL(struct crowded_params, overflow, false, "ask for a product that no size_t holds instead"),
    RH_PARAMS_END,
};

static int crowded_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)train;
    const struct crowded_params *p = params;
    struct crowded_state *s = state;
    s->memory = p->overflow ? ctx->host->alloc(ctx, SIZE_MAX / 2, 3)
                            : ctx->host->alloc(ctx, (size_t)p->megabytes, (size_t)1 << 20);
    return s->memory ? RH_OK : RH_ENOMEM;
}

static int crowded_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                         size_t stride)
{
    (void)ctx, (void)state;
    for (int32_t q = 0; q < n; q++)
        for (int32_t c = 0; c < query[q].n_candidates; c++)
            out[(size_t)q * stride + (size_t)c] = 0;
    return RH_OK;
}

static const struct rh_algorithm crowded = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "crowded",
    .summary = "asks for absurd amounts of memory; for tests",
    .reference = "none: a test of the host",
    .revision = 1,
    .flags = RH_A_COLD_USERS | RH_A_COLD_ITEMS,
    .params = crowded_table,
    .params_size = sizeof(struct crowded_params),
    .state_size = sizeof(struct crowded_state),
    .fit = crowded_fit,
    .score = crowded_score,
};
RH_ALGORITHM(crowded)
