#include "algorithms/lib/bridge.h"
#include "algorithms/lib/preconditions.h"

#include <stdio.h>
#include <string.h>

static int take_shares(struct rh_ctx *ctx, struct rh_bridge *b, const struct rh_train *train)
{
    b->domain = train->target;
    b->of_sources = ctx->host->alloc(ctx, (size_t)train->n_domains, sizeof *b->of_sources);
    b->of_target = ctx->host->alloc(ctx, (size_t)train->n_domains, sizeof *b->of_target);
    if (!b->of_sources || !b->of_target)
        return RH_ENOMEM;
    for (int32_t d = 0; d < train->n_domains; d++) {
        b->of_sources[d] = d != train->target;
        b->of_target[d] = d == train->target;
    }
    return RH_OK;
}

int rh_bridge_init(struct rh_ctx *ctx, struct rh_bridge *b, const struct rh_als_params *params,
                   const struct rh_train *train, const char *who)
{
    char source[64], target[64];
    snprintf(source, sizeof source, "%s source", who);
    snprintf(target, sizeof target, "%s target", who);
    int status = take_shares(ctx, b, train);
    if (status >= 0)
        status = rh_als_init(ctx, &b->source, params, train, b->of_sources, source);
    if (status >= 0)
        status = rh_als_init(ctx, &b->target, params, train, b->of_target, target);
    if (status < 0)
        return status;
    b->shared = ctx->host->alloc(ctx, (size_t)train->n_users + 1, sizeof *b->shared);
    if (!b->shared)
        return RH_ENOMEM;
    for (int32_t u = 0; u < train->n_users; u++)
        if (b->source.user.row[u] < b->source.user.row[u + 1] && b->target.user.row[u] < b->target.user.row[u + 1])
            b->shared[b->n_shared++] = u;
    return b->n_shared ? RH_OK : rh_needs_shared_users(ctx, who, "learns its map from", train);
}

int rh_bridge_epoch(struct rh_ctx *ctx, struct rh_bridge *b, double *loss)
{
    double of_source, of_target;
    int status = rh_als_epoch(ctx, &b->source, &of_source);
    if (status >= 0)
        status = rh_als_epoch(ctx, &b->target, &of_target);
    if (status >= 0)
        *loss = of_source + of_target;
    return status;
}

int rh_bridge_persist(struct rh_ctx *ctx, struct rh_bridge *b, const struct rh_als_params *params,
                      const struct rh_train *train)
{
    int status = b->of_sources ? RH_OK : take_shares(ctx, b, train);
    if (status >= 0)
        status = rh_als_persist(ctx, &b->source, params, train, b->of_sources, "source");
    return status < 0 ? status : rh_als_persist(ctx, &b->target, params, train, b->of_target, "target");
}

int rh_bridge_score(struct rh_ctx *ctx, const struct rh_bridge *b, int64_t own_from, rh_bridge_map *map,
                    const void *arg, const struct rh_query *query, int32_t n, float *out, size_t stride)
{
    int32_t width = b->source.width;
    size_t row = (size_t)width * sizeof(float);
    float *x = ctx->host->scratch(ctx, (size_t)n, row), *own = ctx->host->scratch(ctx, (size_t)n, row);
    float *mapped = ctx->host->scratch(ctx, (size_t)n, row);
    if (!x || !own || !mapped)
        return RH_ENOMEM;
    int status = rh_als_fold_in(ctx, &b->source, query, n, x);
    if (status >= 0)
        status = rh_als_fold_in(ctx, &b->target, query, n, own);
    if (status >= 0)
        status = map(ctx, arg, query, n, x, mapped);
    if (status < 0)
        return status;
    for (int32_t k = 0; k < n; k++) {
        int64_t elsewhere = 0;
        for (int32_t d = 0; d < b->source.n_domains; d++)
            elsewhere += d != b->domain ? query[k].history[d].n : 0;
        if (query[k].history[b->domain].n < own_from && elsewhere)
            memcpy(own + (int64_t)k * width, mapped + (int64_t)k * width, row);
    }
    rh_als_score(&b->target, b->domain, own, query, n, out, stride);
    return RH_OK;
}
