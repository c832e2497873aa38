#include "algorithms/lib/item_weights.h"

#include "algorithms/lib/explain.h"

#include <string.h>

int rh_item_weights_new(struct rh_ctx *ctx, const struct rh_train *train, struct rh_item_weights *out)
{
    out->target = train->target;
    out->n = train->domain[train->target].n_items;
    out->w = ctx->host->alloc(ctx, (size_t)out->n * (size_t)out->n, sizeof *out->w);
    out->scale = ctx->host->alloc(ctx, (size_t)out->n, sizeof *out->scale);
    return out->w && out->scale ? RH_OK : RH_ENOMEM;
}

static void score_all(const struct rh_item_weights *s, const struct rh_history *h, float *restrict row)
{
    memset(row, 0, (size_t)s->n * sizeof *row);
    for (int32_t m = 0; m < h->n; m++) {
        const float *restrict w = s->w + (size_t)h->item[m] * (size_t)s->n;
        for (int32_t j = 0; j < s->n; j++)
            row[j] += w[j];
    }
    for (int32_t j = 0; j < s->n; j++)
        row[j] *= s->scale[j];
}

/* In the same order of additions. */
static void score_list(const struct rh_item_weights *s, const struct rh_query *q, float *restrict row)
{
    const struct rh_history *h = &q->history[s->target];
    memset(row, 0, (size_t)q->n_candidates * sizeof *row);
    for (int32_t m = 0; m < h->n; m++) {
        const float *restrict w = s->w + (size_t)h->item[m] * (size_t)s->n;
        for (int32_t c = 0; c < q->n_candidates; c++)
            row[c] += w[q->candidate[c]];
    }
    for (int32_t c = 0; c < q->n_candidates; c++)
        row[c] *= s->scale[q->candidate[c]];
}

int rh_item_weights_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                          size_t stride)
{
    (void)ctx;
    const struct rh_item_weights *s = state;
    for (int32_t q = 0; q < n; q++) {
        if (query[q].candidate)
            score_list(s, &query[q], out + (size_t)q * stride);
        else
            score_all(s, &query[q].history[s->target], out + (size_t)q * stride);
    }
    return RH_OK;
}

int rh_item_weights_explain(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item,
                            int32_t max, int32_t *why, float *weight)
{
    (void)ctx;
    const struct rh_item_weights *s = state;
    const struct rh_history *h = &query->history[s->target];
    int32_t n = 0;
    for (int32_t m = 0; m < h->n; m++)
        if (h->item[m] != item)
            n = rh_insert_part(why, weight, n, max, h->item[m],
                               s->w[(size_t)h->item[m] * (size_t)s->n + (size_t)item] * s->scale[item]);
    return n;
}

int rh_item_weights_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)params;
    struct rh_item_weights *s = state;
    s->target = train->target;
    s->n = train->domain[train->target].n_items;
    int status = ctx->host->field(ctx, "weights", &s->w, (int64_t)s->n * s->n, sizeof *s->w);
    return status < 0 ? status : ctx->host->field(ctx, "scale", &s->scale, s->n, sizeof *s->scale);
}
