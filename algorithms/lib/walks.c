#include "algorithms/lib/walks.h"

#include "algorithms/lib/topk.h"

/* Sets what is not among the k largest that reach an item to 0; `to` has the rows of the items reached. */
static int prune(struct rh_ctx *ctx, struct rh_neighbors *to, int32_t k)
{
    uint64_t *key = ctx->host->scratch(ctx, (size_t)to->n_items + 1, sizeof *key);
    if (!key)
        return RH_ENOMEM;
    for (int32_t j = 0; j < to->n_items; j++) {
        int64_t begin = to->row[j];
        int32_t n = (int32_t)(to->row[j + 1] - begin);
        if (n <= k)
            continue;
        for (int32_t m = 0; m < n; m++)
            key[m] = rh_topk_key(to->weight[begin + m], to->item[begin + m]);
        rh_topk_select(key, n, k);
        uint64_t least = key[k - 1];
        for (int32_t m = 0; m < n; m++)
            if (rh_topk_key(to->weight[begin + m], to->item[begin + m]) < least)
                to->weight[begin + m] = 0;
    }
    return RH_OK;
}

/* The lists without their zeros. */
static int keep(struct rh_ctx *ctx, const struct rh_neighbors *from, struct rh_neighbors *out)
{
    int64_t n = 0, at = 0, *row = ctx->host->alloc(ctx, (size_t)from->n_items + 1, sizeof *row);
    for (int64_t m = 0; m < from->row[from->n_items]; m++)
        n += from->weight[m] > 0;
    int32_t *item = ctx->host->alloc(ctx, (size_t)n, sizeof *item);
    float *weight = ctx->host->alloc(ctx, (size_t)n, sizeof *weight);
    if (!row || !item || !weight)
        return RH_ENOMEM;
    for (int32_t i = 0; i < from->n_items; i++) {
        for (int64_t m = from->row[i]; m < from->row[i + 1]; m++)
            if (from->weight[m] > 0) {
                item[at] = from->item[m];
                weight[at++] = from->weight[m];
            }
        row[i + 1] = at;
    }
    *out = (struct rh_neighbors){ from->n_items, row, item, weight };
    return RH_OK;
}

int rh_walks_fit(struct rh_ctx *ctx, const struct rh_walks_params *p, const struct rh_train *train,
                 struct rh_neighbor_model *s)
{
    const struct rh_domain *d = &train->domain[train->target];
    size_t n = (size_t)d->n_items;
    float *value = ctx->host->scratch(ctx, (size_t)d->row[train->n_users] + 1, sizeof *value);
    double *a = ctx->host->scratch(ctx, n, sizeof *a), *b = ctx->host->scratch(ctx, n, sizeof *b);
    double *zero = ctx->host->scratch(ctx, n, sizeof *zero);
    if (!value || !a || !b || !zero)
        return RH_ENOMEM;
    for (int32_t u = 0; u < train->n_users; u++) /* both factors of a product have it, hence half the power */
        for (int64_t k = d->row[u]; k < d->row[u + 1]; k++) {
            value[k] = (float)pow((double)(d->row[u + 1] - d->row[u]), -p->alpha / 2);
            a[d->item[k]] += 1;
        }
    for (size_t i = 0; i < n; i++) {
        b[i] = pow(a[i], p->beta);
        a[i] = pow(a[i], p->alpha);
    }
    struct rh_neighbor_job job = { .domain = d, .n_users = train->n_users, .value = value };
    job.a = a;
    job.b = b;
    job.c = zero;
    job.k = (int32_t)p->neighbors;
    struct rh_neighbors from, to, again;
    int status = rh_neighbors_find(ctx, &job, &from);
    if (status < 0)
        return status;
    if (p->normalize)
        rh_neighbors_scale(&from);
    s->target = train->target;
    if ((status = rh_neighbors_transpose(ctx, &from, &to)) < 0 || (status = prune(ctx, &to, job.k)) < 0 ||
        (status = rh_neighbors_transpose(ctx, &to, &again)) < 0)
        return status;
    return keep(ctx, &again, &s->brings);
}
