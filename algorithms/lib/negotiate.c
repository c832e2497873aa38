#include "algorithms/lib/negotiate.h"

#include <stdio.h>
#include <string.h>

int rh_negotiate_add(struct rh_ctx *ctx, struct rh_negotiate *g, const char *name, rh_real *w, int64_t n)
{
    int32_t k = g->n_parts++;
    g->part[k].name = name;
    g->part[k].n = n;
    g->part[k].w = w;
    g->part[k].shared = ctx->host->alloc(ctx, (size_t)n, sizeof *w);
    g->part[k].specific = ctx->host->alloc(ctx, (size_t)n, sizeof *w);
    if (!g->part[k].shared || !g->part[k].specific)
        return RH_ENOMEM;
    memcpy(g->part[k].shared, w, (size_t)n * sizeof *w);
    return RH_OK;
}

void rh_negotiate_merge(struct rh_negotiate *g)
{
    for (int32_t k = 0; k < g->n_parts; k++) {
        rh_real *w = g->part[k].w;
        const rh_real *shared = g->part[k].shared, *specific = g->part[k].specific;
        for (int64_t i = 0; i < g->part[k].n; i++)
            w[i] = shared[i] + specific[i];
    }
}

int rh_negotiate_shared(struct rh_ctx *ctx, struct rh_negotiate *g, const int32_t *order, int32_t n, rh_real rate,
                        rh_train_fn *train, void *arg, double *loss)
{
    int status = RH_OK;
    double sum = 0;
    for (int32_t k = 0; k < g->n_parts; k++)
        memcpy(g->part[k].w, g->part[k].shared, (size_t)g->part[k].n * sizeof *g->part[k].w);
    for (int32_t d = 0; d < n && status >= 0; d++) {
        double of_domain = 0;
        status = train(ctx, arg, order[d], &of_domain);
        sum += of_domain;
    }
    if (status < 0)
        return status;
    for (int32_t k = 0; k < g->n_parts; k++)
        rh_nn_pull(g->part[k].n, rate, g->part[k].w, g->part[k].shared);
    *loss = sum / n;
    return RH_OK;
}

int rh_negotiate_specific(struct rh_ctx *ctx, struct rh_negotiate *g, int32_t target, const int32_t *helper, int32_t n,
                          rh_real rate, rh_train_fn *train, void *arg, double *target_loss)
{
    for (int32_t h = 0; h < n; h++) {
        double of_helper;
        rh_negotiate_merge(g);
        int status = train(ctx, arg, helper[h], &of_helper);
        if (status >= 0)
            status = train(ctx, arg, target, &target_loss[h]);
        if (status < 0)
            return status;
        for (int32_t k = 0; k < g->n_parts; k++) {
            const rh_real *w = g->part[k].w, *shared = g->part[k].shared;
            rh_real *specific = g->part[k].specific;
            for (int64_t i = 0; i < g->part[k].n; i++)
                specific[i] += rate * (w[i] - (shared[i] + specific[i]));
        }
    }
    return RH_OK;
}

int rh_negotiate_persist(struct rh_ctx *ctx, struct rh_negotiate *g, const char *leave)
{
    int status = RH_OK;
    for (int32_t k = 0; k < g->n_parts && status >= 0; k++) {
        char name[64];
        if (leave && strcmp(g->part[k].name, leave) == 0)
            continue;
        snprintf(name, sizeof name, "shared %s", g->part[k].name);
        status = ctx->host->field(ctx, name, &g->part[k].shared, g->part[k].n, sizeof *g->part[k].w);
        if (status < 0)
            break;
        snprintf(name, sizeof name, "specific %s", g->part[k].name);
        status = ctx->host->field(ctx, name, &g->part[k].specific, g->part[k].n, sizeof *g->part[k].w);
    }
    return status;
}
