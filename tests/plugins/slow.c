/* For tests of the host: takes its time, but ticks while it does, so that interrupts and time limits have something
 * to end. Its scores depend on nothing but the item. */
#include <rh/plugin.h>

#include <time.h>

struct slow_params {
    double seconds, epoch_seconds;
};

struct slow_state {
    struct slow_params params;
};

static const struct rh_param slow_table[] = {
    RH_REAL(struct slow_params, seconds, 30, 0, 1e6, "how long fit takes"),
    RH_REAL(struct slow_params, epoch_seconds, 0.01, 0, 1e6, "how long an epoch takes"),
    RH_PARAMS_END,
};

static int rest(struct rh_ctx *ctx, double seconds)
{
    const struct timespec millisecond = { .tv_nsec = 1000000 };
    int64_t total = (int64_t)ceil(seconds * 1000);
    for (int64_t done = 0; done < total; done++) {
        int status = ctx->host->tick(ctx, done, total);
        if (status < 0)
            return status;
        nanosleep(&millisecond, NULL);
    }
    return ctx->host->tick(ctx, total, total);
}

static int slow_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)train;
    struct slow_state *s = state;
    s->params = *(const struct slow_params *)params;
    return rest(ctx, s->params.seconds);
}

static int slow_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct slow_state *s = state;
    *loss = 1.0 / epoch;
    return rest(ctx, s->params.epoch_seconds);
}

static int slow_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                      size_t stride)
{
    (void)ctx, (void)state;
    for (int32_t q = 0; q < n; q++)
        for (int32_t c = 0; c < query[q].n_candidates; c++) {
            int32_t item = query[q].candidate ? query[q].candidate[c] : c;
            out[(size_t)q * stride + (size_t)c] = (float)(item % 7);
        }
    return RH_OK;
}

static const struct rh_algorithm slow = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "slow",
    .summary = "takes its time; for tests",
    .reference = "none: a test of the host",
    .revision = 1,
    .flags = RH_A_COLD_USERS | RH_A_COLD_ITEMS,
    .params = slow_table,
    .params_size = sizeof(struct slow_params),
    .state_size = sizeof(struct slow_state),
    .epochs = 2,
    .fit = slow_fit,
    .epoch = slow_epoch,
    .score = slow_score,
};
RH_ALGORITHM(slow)
