#include "algorithms/lib/similarity.h"

#define K1 1.2
#define B 0.75

int rh_weighting_learn(struct rh_ctx *ctx, int kind, const struct rh_domain *d, int32_t n_users, const float *value,
                       struct rh_weighting *out)
{
    *out = (struct rh_weighting){ .kind = kind, .n_items = d->n_items };
    if (kind != RH_BM25)
        return RH_OK;
    double total = 0, *length = ctx->host->alloc(ctx, (size_t)d->n_items, sizeof *length);
    if (!length)
        return RH_ENOMEM;
    for (int64_t k = 0; k < d->row[n_users]; k++) {
        length[d->item[k]] += value ? value[k] : 1;
        total += value ? value[k] : 1;
    }
    for (int32_t i = 0; i < d->n_items; i++)
        length[i] = K1 * (1 - B + (total > 0 ? B * length[i] * d->n_items / total : 0));
    out->damp = length;
    return RH_OK;
}

float rh_weighting_of(const struct rh_weighting *w, double idf, int32_t item, double r)
{
    return (float)(w->kind == RH_BM25 ? r * (K1 + 1) / (w->damp[item] + r) * idf : sqrt(r > 0 ? r : 0) * idf);
}

void rh_weighting_apply(const struct rh_weighting *w, const struct rh_domain *d, int32_t n_users, const float *value,
                        float *out)
{
    for (int32_t u = 0; u < n_users; u++) {
        double idf = rh_weighting_idf(w, d->row[u + 1] - d->row[u]);
        for (int64_t k = d->row[u]; k < d->row[u + 1]; k++)
            out[k] = rh_weighting_of(w, idf, d->item[k], value ? value[k] : 1);
    }
}

int rh_similarity_describe(struct rh_ctx *ctx, const struct rh_similarity *s, struct rh_neighbor_job *job)
{
    const struct rh_domain *d = job->domain;
    size_t n = (size_t)d->n_items;
    double *part = ctx->host->scratch(ctx, 5 * n, sizeof *part);
    if (!part)
        return RH_ENOMEM;
    double *a = part, *b = part + n, *own_c = part + 2 * n, *c = part + 3 * n, *square = part + 4 * n;
    for (int64_t k = 0; k < d->row[job->n_users]; k++)
        square[d->item[k]] += job->value ? (double)job->value[k] * job->value[k] : 1;
    for (size_t i = 0; i < n; i++) {
        struct rh_similarity_part p = rh_similarity_part(s, square[i]);
        a[i] = p.own_factor;
        b[i] = p.factor;
        own_c[i] = p.own_term;
        c[i] = p.term;
    }
    job->a = a;
    job->b = b;
    job->own_c = own_c;
    job->c = c;
    job->gamma = rh_similarity_gamma(s);
    job->shrinkage = rh_similarity_shrinkage(s);
    return RH_OK;
}
