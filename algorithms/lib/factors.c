#include "algorithms/lib/factors.h"

#include <cblas.h>

#define BLOCK 1024 /* items whose scores are made at once: they stay in the cache while the offsets are added */

struct drawing {
    float *x;
    int64_t factors;
    int32_t width;
    double sd;
    const char *purpose;
};

static int draw_rows(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct drawing *d = arg;
    for (int64_t r = begin; r < end; r++) {
        struct rh_rng rng = ctx->host->stream(ctx, d->purpose, (uint64_t)r);
        for (int64_t f = 0; f < d->factors; f++)
            d->x[r * d->width + f] = (float)(d->sd * rh_rng_normal(&rng));
    }
    return RH_OK;
}

float *rh_factors_new(struct rh_ctx *ctx, int64_t n, int64_t factors, double sd, const char *purpose)
{
    struct drawing d = { .factors = factors, .width = rh_factor_width(factors), .sd = sd, .purpose = purpose };
    d.x = ctx->host->alloc(ctx, (size_t)n, (size_t)d.width * sizeof *d.x);
    if (!d.x || ctx->host->parallel(ctx, n, 256, draw_rows, &d) < 0)
        return NULL;
    return d.x;
}

RH_WIDE static void score_list(const float *user, const float *item, const float *bias, int32_t width,
                               const struct rh_query *q, float *out)
{
    for (int32_t c = 0; c < q->n_candidates; c++) {
        int32_t i = q->candidate[c];
        out[c] = rh_factor_dot(user, item + (int64_t)i * width, width) + (bias ? bias[i] : 0);
    }
}

void rh_factors_score(const float *user, const float *item, const float *bias, int32_t n_items, int32_t width,
                      const struct rh_query *query, int32_t n, float *out, size_t stride)
{
    for (int32_t q = 0; q < n;) {
        int32_t all = 0; /* queries from q on that rank every item */
        while (q + all < n && !query[q + all].candidate)
            all++;
        if (!all) {
            score_list(user + (int64_t)q * width, item, bias, width, &query[q], out + (size_t)q * stride);
            q++;
            continue;
        }
        for (int32_t i = 0; i < n_items; i += BLOCK) {
            int32_t m = n_items - i < BLOCK ? n_items - i : BLOCK;
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, all, m, width, 1, user + (int64_t)q * width, width,
                        item + (int64_t)i * width, width, 0, out + (size_t)q * stride + i, (int)stride);
            for (int32_t k = 0; bias && k < all; k++)
                for (int32_t c = 0; c < m; c++)
                    out[(size_t)(q + k) * stride + (size_t)(i + c)] += bias[i + c];
        }
        q += all;
    }
}
