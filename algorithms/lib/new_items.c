#include "algorithms/lib/new_items.h"

#include "algorithms/lib/negative.h"

#include <string.h>

static int open(struct rh_ctx *ctx, struct rh_new_items *c, const char *who, const struct rh_new_params *params,
                const struct rh_train *train)
{
    c->params = params;
    c->who = who;
    c->target = train->target;
    c->share = ctx->host->alloc(ctx, (size_t)train->n_domains, sizeof *c->share);
    if (!c->share)
        return RH_ENOMEM;
    c->share[train->target] = 1;
    return RH_OK;
}

int rh_new_fit(struct rh_ctx *ctx, struct rh_new_items *c, const char *who, const struct rh_new_params *params,
               const struct rh_train *train)
{
    double loss;
    int status = open(ctx, c, who, params, train);
    if (status >= 0)
        status = rh_item_features(ctx, &params->features, train, ctx->host->alloc, &c->f);
    if (status >= 0)
        status = rh_als_init(ctx, &c->als, &params->als, train, c->share, who);
    bool loading = ctx->host->purpose(ctx) & RH_FOR_LOADING; /* vectors will come out of a file */
    for (int64_t e = 0; e < params->factor_epochs && status >= 0 && !loading; e++)
        if ((status = rh_als_epoch(ctx, &c->als, &loss)) >= 0)
            status = ctx->host->tick(ctx, e, params->factor_epochs);
    if (status < 0)
        return status;
    c->item = ctx->host->alloc(ctx, (size_t)c->f.n_items, sizeof *c->item);
    if (!c->item)
        return RH_ENOMEM;
    for (int32_t i = 0; i < c->f.n_items; i++)
        if (rh_new_rows(c, i) >= 2)
            c->item[c->n_item++] = i;
    return c->n_item ? RH_OK
                     : ctx->host->fail(ctx, RH_EDATA,
                                       "%s learns from items with two train rows or more, and there is none; a larger "
                                       "dataset or fewer filters are needed", who);
}

int rh_new_persist(struct rh_ctx *ctx, struct rh_new_items *c, const char *who, const struct rh_new_params *params,
                   const struct rh_train *train)
{
    int status = c->share ? RH_OK : open(ctx, c, who, params, train);
    return status < 0 ? status : rh_als_persist(ctx, &c->als, &params->als, train, c->share, who);
}

/* ----------------------------------------------------------------------------------------------- users of items */

/* As many users who do not have the item as the set has users of it, behind these; none where everybody has it. */
static void add_others(const struct rh_new_items *c, int64_t item, struct rh_rng *r, struct rh_new_set *set,
                       int32_t *user)
{
    const int32_t *taken = c->als.item.col + c->als.item.row[item];
    int64_t n = rh_new_rows(c, item);
    set->others = n < c->als.user.n ? set->n : 0;
    for (int32_t k = 0; k < set->others; k++)
        user[set->n + k] = rh_absent(taken, n, (int32_t)c->als.user.n, r);
    set->user = user;
}

void rh_new_draw(const struct rh_new_items *c, int32_t item, int32_t n, int32_t m, struct rh_rng *r, int32_t *order,
                 int32_t *user, struct rh_new_set *known, struct rh_new_set *later)
{
    size_t rows = (size_t)rh_new_rows(c, item);
    memcpy(order, c->als.item.col + c->als.item.row[item], rows * sizeof *order);
    rh_rng_shuffle(r, order, (int32_t)rows);
    memcpy(user, order, (size_t)n * sizeof *user);
    memcpy(user + 2 * (size_t)n, order + n, (size_t)m * sizeof *user);
    *known = (struct rh_new_set){ .n = n };
    *later = (struct rh_new_set){ .n = m };
    add_others(c, item, r, known, user);
    add_others(c, item, r, later, user + 2 * (size_t)n);
}

struct rh_new_set rh_new_all(const struct rh_new_items *c, int64_t item, struct rh_rng *r, int32_t *user)
{
    struct rh_new_set all = { .n = (int32_t)rh_new_rows(c, item) };
    memcpy(user, c->als.item.col + c->als.item.row[item], (size_t)all.n * sizeof *user);
    add_others(c, item, r, &all, user);
    return all;
}

double rh_new_loss(const struct rh_new_items *c, const struct rh_new_set *set, const float *q, float weight, float *g)
{
    int32_t width = c->als.width, n = set->n + set->others;
    double sum = 0;
    for (int32_t k = 0; k < n; k++) {
        const float *p = c->als.user.x + (int64_t)set->user[k] * width;
        float error = rh_factor_dot(p, q, width) - (k < set->n ? 1.0f : 0.0f);
        rh_factor_add(g, weight * error / (float)n, p, width);
        sum += (double)error * (double)error / 2 / n;
    }
    return sum;
}

/* ------------------------------------------------------------------------------------------------------ learning */

int32_t rh_new_batch_size(const struct rh_new_items *c)
{
    return c->params->batch < c->n_item ? (int32_t)c->params->batch : c->n_item;
}

int rh_new_epoch(struct rh_ctx *ctx, const struct rh_new_items *c, int32_t epoch, rh_new_learn *learn, void *arg,
                 double *loss)
{
    int32_t n = c->n_item, size = rh_new_batch_size(c);
    int32_t *order = ctx->host->scratch(ctx, (size_t)n, sizeof *order);
    if (!order)
        return RH_ENOMEM;
    memcpy(order, c->item, (size_t)n * sizeof *order);
    struct rh_rng r = ctx->host->stream(ctx, "new items order", (uint64_t)epoch);
    rh_rng_shuffle(&r, order, n);
    *loss = 0;
    for (int32_t at = 0; at < n; at += size) {
        struct rh_new_batch b = { .item = order + at, .n = n - at < size ? n - at : size };
        double sum = 0;
        b.first = (uint64_t)epoch * (uint64_t)n + (uint64_t)at;
        int status = learn(ctx, arg, &b, &sum);
        if (status >= 0)
            status = ctx->host->tick(ctx, at, n);
        if (status < 0)
            return status;
        *loss += sum / n;
    }
    return RH_OK;
}

struct writing {
    struct rh_new_items *c;
    rh_new_make *make;
    const void *arg;
};

static int write_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct writing *w = arg;
    const struct rh_als *als = &w->c->als;
    for (int64_t i = begin; i < end; i++) {
        float *q = als->item.x + i * als->width;
        if (rh_new_rows(w->c, i) >= w->c->params->own_from)
            continue;
        int status = w->make(ctx, w->arg, i, q);
        if (status < 0)
            return status;
        for (int32_t f = 0; f < als->width; f++)
            if (!isfinite(q[f]))
                return ctx->host->fail(ctx, RH_ENUMERIC,
                                       "%s diverged: the vector of a new item is not finite; lower its rates",
                                       w->c->who);
    }
    return RH_OK;
}

int rh_new_write(struct rh_ctx *ctx, struct rh_new_items *c, rh_new_make *make, const void *arg)
{
    struct writing w = { c, make, arg };
    return ctx->host->parallel(ctx, c->f.n_items, 64, write_part, &w);
}
