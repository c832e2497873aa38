/* For tests of the host: fails where it is told to, with a sentence or without one. */
#include <rh/plugin.h>

enum { IN_CHECK, IN_FIT, IN_EPOCH, IN_SCORE, NOWHERE };

struct failing_params {
    int where;
    bool silent;
};

struct failing_state {
    struct failing_params params;
};

static const struct rh_choice failing_places[] = {
    { "check", IN_CHECK, "before data is read" }, { "fit", IN_FIT, "when fitting begins" },
    { "epoch", IN_EPOCH, "in the second epoch" }, { "score", IN_SCORE, "when scoring" },
    { "nowhere", NOWHERE, "not at all" },         { NULL },
};
static const struct rh_param failing_table[] = {
    RH_ENUM(struct failing_params, where, IN_FIT, failing_places, "which callback fails"),
    RH_BOOL(struct failing_params, silent, false, "fail without saying why"),
    RH_PARAMS_END,
};

static int fail_in(struct rh_ctx *ctx, const struct failing_params *p, int where, int status, const char *why)
{
    if (p->where != where)
        return RH_OK;
    return p->silent ? status : ctx->host->fail(ctx, status, "%s", why);
}

static int failing_check(struct rh_ctx *ctx, const void *params)
{
    return fail_in(ctx, params, IN_CHECK, RH_EINVAL, "these parameters do not go together");
}

static int failing_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)train;
    struct failing_state *s = state;
    s->params = *(const struct failing_params *)params;
    return fail_in(ctx, params, IN_FIT, RH_EDATA, "nothing can be learned from this");
}

static int failing_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct failing_state *s = state;
    *loss = 1.0 / epoch;
    return epoch < 2 ? RH_OK : fail_in(ctx, &s->params, IN_EPOCH, RH_ENUMERIC, "the loss has left the earth");
}

static int failing_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                         size_t stride)
{
    const struct failing_state *s = state;
    for (int32_t q = 0; q < n; q++)
        for (int32_t c = 0; c < query[q].n_candidates; c++)
            out[(size_t)q * stride + (size_t)c] = (float)c;
    return fail_in(ctx, &s->params, IN_SCORE, RH_ENUMERIC, "this query has no answer");
}

static const struct rh_algorithm failing = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "failing",
    .summary = "fails where it is told to; for tests",
    .reference = "none: a test of the host",
    .revision = 1,
    .flags = RH_A_COLD_USERS | RH_A_COLD_ITEMS,
    .params = failing_table,
    .params_size = sizeof(struct failing_params),
    .state_size = sizeof(struct failing_state),
    .epochs = 3,
    .check = failing_check,
    .fit = failing_fit,
    .epoch = failing_epoch,
    .score = failing_score,
};
RH_ALGORITHM(failing)
