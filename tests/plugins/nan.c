/* For tests of the host: the last candidate of every query gets a score that is no finite number. */
#include <rh/plugin.h>

enum { NOT_A_NUMBER, INFINITE, LEFT_OUT };

struct nan_params {
    int value;
};

struct nan_state {
    int value;
};

static const struct rh_choice nan_values[] = {
    { "nan", NOT_A_NUMBER, "not a number" },
    { "inf", INFINITE, "infinity" },
    { "nothing", LEFT_OUT, "the score is not written at all" },
    { NULL },
};
static const struct rh_param nan_table[] = {
    RH_ENUM(struct nan_params, value, NOT_A_NUMBER, nan_values, "what the last candidate gets"),
    RH_PARAMS_END,
};

static int nan_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)ctx, (void)train;
    ((struct nan_state *)state)->value = ((const struct nan_params *)params)->value;
    return RH_OK;
}

static int nan_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                     size_t stride)
{
    (void)ctx;
    int value = ((const struct nan_state *)state)->value;
    for (int32_t q = 0; q < n; q++)
        for (int32_t c = 0; c < query[q].n_candidates; c++) {
            float *x = &out[(size_t)q * stride + (size_t)c];
            if (c < query[q].n_candidates - 1)
                *x = (float)c;
            else if (value != LEFT_OUT)
                *x = value == INFINITE ? INFINITY : NAN;
        }
    return RH_OK;
}

static const struct rh_algorithm nan_scores = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "nan",
    .summary = "gives a score that is not a number; for tests",
    .reference = "none: a test of the host",
    .revision = 1,
    .flags = RH_A_COLD_USERS | RH_A_COLD_ITEMS,
    .params = nan_table,
    .params_size = sizeof(struct nan_params),
    .state_size = sizeof(struct nan_state),
    .fit = nan_fit,
    .score = nan_score,
};
RH_ALGORITHM(nan_scores)
