/* A plugin made outside the harness's tree, against the installed header alone: scores an item by how many train
 * interactions it has, scaled by a parameter. tests/installcheck.sh builds and runs it. */
#include <rh/plugin.h>

struct outside_params {
    double scale;
};

struct outside_state {
    int32_t n_items;
    float *count; /* [n_items] */
};

static const struct rh_param outside_table[] = {
    RH_REAL(struct outside_params, scale, 1.0, 0.001, 1000.0, "factor of every score"),
    RH_PARAMS_END,
};

static int outside_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct outside_params *p = params;
    struct outside_state *s = state;
    const struct rh_domain *d = &train->domain[train->target];
    s->n_items = d->n_items;
    s->count = ctx->host->alloc(ctx, (size_t)d->n_items, sizeof *s->count);
    if (!s->count)
        return RH_ENOMEM;
    for (int64_t i = 0; i < d->row[train->n_users]; i++)
        s->count[d->item[i]] += (float)p->scale;
    return RH_OK;
}

static int outside_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                         size_t stride)
{
    (void)ctx;
    const struct outside_state *s = state;
    for (int32_t q = 0; q < n; q++)
        for (int32_t c = 0; c < query[q].n_candidates; c++)
            out[(size_t)q * stride + (size_t)c] = s->count[query[q].candidate ? query[q].candidate[c] : c];
    return RH_OK;
}

static const struct rh_algorithm outside = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "outside",
    .summary = "counts train interactions; made outside the tree",
    .reference = "none: a test of the installed header",
    .revision = 1,
    .flags = RH_A_COLD_USERS,
    .params = outside_table,
    .params_size = sizeof(struct outside_params),
    .state_size = sizeof(struct outside_state),
    .fit = outside_fit,
    .score = outside_score,
};

RH_ALGORITHM(outside)
