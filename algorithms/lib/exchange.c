#include "algorithms/lib/exchange.h"

#include "algorithms/lib/wide.h"

#include <string.h>

#define ROWS 64 /* of a piece */

void rh_exchange_mix(int32_t n_domains, const double *lambda, const int64_t *n, rh_real *to)
{
    double all = 0;
    for (int32_t d = 0; d < n_domains; d++)
        all += (double)n[d];
    for (int32_t d = 0; d < n_domains; d++) {
        double others = all - (double)n[d];
        for (int32_t e = 0; e < n_domains; e++) {
            double share = d == e;
            if (others > 0)
                share = 0.5 * ((d == e ? lambda[d] : (1 - lambda[d]) * (double)n[e] / others) + (double)n[e] / all);
            to[d * n_domains + e] = (rh_real)share;
        }
    }
}

static int take_tables(struct rh_ctx *ctx, const struct rh_exchange *x, const struct rh_slices *shape,
                       struct rh_exchange_tables *t)
{
    rh_real **one[] = { &t->dh, &t->next, &t->dsum };
    t->joint = (struct rh_slices){ shape->n, x->slices * rh_exchange_parts(x) };
    t->f = rh_slices_take(ctx, &t->joint, ctx->host->scratch);
    t->g = rh_slices_take(ctx, &t->joint, ctx->host->scratch);
    t->h = ctx->host->scratch(ctx, (size_t)x->layers, sizeof *t->h);
    t->s = ctx->host->scratch(ctx, (size_t)x->layers, sizeof *t->s);
    if (!t->f || !t->g || !t->h || !t->s)
        return RH_ENOMEM;
    for (int32_t l = 0; l < x->layers; l++) {
        t->h[l] = rh_slices_take(ctx, shape, ctx->host->scratch);
        t->s[l] = rh_slices_take(ctx, shape, ctx->host->scratch);
        if (!t->h[l] || !t->s[l])
            return RH_ENOMEM;
    }
    for (int k = 0; k < 3; k++)
        if (!(*one[k] = rh_slices_take(ctx, shape, ctx->host->scratch)))
            return RH_ENOMEM;
    return RH_OK;
}

int rh_exchange_tables(struct rh_ctx *ctx, const struct rh_exchange *x, struct rh_exchange_tables **t)
{
    *t = ctx->host->scratch(ctx, (size_t)x->n_domains, sizeof **t);
    int status = *t ? RH_OK : RH_ENOMEM;
    for (int32_t d = 0; d < x->n_domains && status >= 0; d++)
        status = take_tables(ctx, x, &x->domain[d].shape, &(*t)[d]);
    return status;
}

int64_t rh_exchange_place(const struct rh_exchange *x, int32_t layer, rh_real *share)
{
    *share = x->join == RH_JOIN_CONCAT ? 1 : 1 / (rh_real)(x->layers + 1);
    return x->join == RH_JOIN_CONCAT ? (int64_t)layer * x->slices : 0;
}

/* --------------------------------------------------------------------------------------------------- rows of a layer
 * */

struct pass {
    const struct rh_exchange *x;
    struct rh_exchange_tables *t; /* [n_domains] */
    int32_t layer;                /* from 0 */
    int32_t domain;               /* whose items are worked on; -1: users, in all domains */
    rh_part_fn *part;
};

static const rh_real *before(const struct pass *w, int32_t d)
{
    return w->layer ? w->t[d].h[w->layer - 1] : w->x->domain[d].x;
}

/* Position of slice k of row r among n rows, in parts of a row's vector. */
static inline __attribute__((always_inline)) int64_t at_slice(int64_t n, int64_t k, int64_t r)
{
    return (k * n + r) * RH_SLICE_PARTS;
}

/* The domains that row r of a pass is in: one for items; first and past the last. */
static void domains_of(const struct pass *w, int32_t *from, int32_t *to)
{
    *from = w->domain < 0 ? 0 : w->domain;
    *to = w->domain < 0 ? w->x->n_domains : w->domain + 1;
}

static inline __attribute__((always_inline)) rh_real share_of(const struct pass *w, int64_t r, int32_t to,
                                                              int32_t from)
{
    int64_t n = w->x->n_domains;
    return w->domain < 0 ? w->x->mix[(r * n + to) * n + from] : 1;
}

static inline __attribute__((always_inline)) rh_real sum_of(rh_slice_part v)
{
    rh_real sum = 0;
    for (size_t c = 0; c < sizeof v / sizeof sum; c++)
        sum += v[c];
    return sum;
}

/* Rows of one layer: messages, transfer, and what goes into f. */
RH_WIDE static int forward_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct pass *w = arg;
    int32_t from, to, slices = w->x->slices;
    rh_real share;
    int64_t start = rh_exchange_place(w->x, w->layer + 1, &share);
    (void)ctx;
    domains_of(w, &from, &to);
    for (int64_t r = begin; r < end; r++)
        for (int32_t d = from; d < to; d++) {
            int64_t n = w->x->domain[d].shape.n;
            rh_slice_part *h = (rh_slice_part *)w->t[d].h[w->layer], *f = (rh_slice_part *)w->t[d].f;
            rh_slice_part square = { 0 };
            for (int32_t k = 0; k < slices; k++)
                for (int64_t c = 0; c < RH_SLICE_PARTS; c++) {
                    rh_slice_part sum = { 0 };
                    for (int32_t e = from; e < to; e++) {
                        int64_t at = at_slice(w->x->domain[e].shape.n, k, r) + c;
                        rh_slice_part x = ((const rh_slice_part *)before(w, e))[at];
                        rh_slice_part y = ((const rh_slice_part *)w->t[e].s[w->layer])[at];
                        sum += share_of(w, r, d, e) * (x + y + x * y);
                    }
                    h[at_slice(n, k, r) + c] = sum;
                    square += sum * sum;
                }
            rh_real scale = rh_exchange_scale(sum_of(square)), factor = share * scale;
            for (int32_t k = 0; k < slices; k++)
                for (int64_t c = 0; c < RH_SLICE_PARTS; c++)
                    f[at_slice(n, start + k, r) + c] += factor * h[at_slice(n, k, r) + c];
        }
    return RH_OK;
}

/* And back: from g and dh, by h after the layer, to next and dsum. */
RH_WIDE static int back_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct pass *w = arg;
    int32_t from, to, slices = w->x->slices;
    rh_real share;
    int64_t start = rh_exchange_place(w->x, w->layer + 1, &share);
    (void)ctx;
    domains_of(w, &from, &to);
    for (int64_t r = begin; r < end; r++) {
        for (int32_t d = from; d < to; d++) { /* y = h / |h|: dh += (dy - y (y . dy)) / |h| */
            int64_t n = w->x->domain[d].shape.n;
            const rh_slice_part *h = (const rh_slice_part *)w->t[d].h[w->layer];
            const rh_slice_part *g = (const rh_slice_part *)w->t[d].g;
            rh_slice_part *dh = (rh_slice_part *)w->t[d].dh, square = { 0 }, along = { 0 };
            for (int32_t k = 0; k < slices; k++)
                for (int64_t c = 0; c < RH_SLICE_PARTS; c++) {
                    rh_slice_part v = h[at_slice(n, k, r) + c];
                    square += v * v;
                    along += v * g[at_slice(n, start + k, r) + c];
                }
            rh_real scale = rh_exchange_scale(sum_of(square)), factor = share * scale;
            rh_real turn = sum_of(along) * scale * scale;
            for (int32_t k = 0; k < slices; k++)
                for (int64_t c = 0; c < RH_SLICE_PARTS; c++) {
                    int64_t at = at_slice(n, k, r) + c;
                    dh[at] += factor * (g[at_slice(n, start + k, r) + c] - turn * h[at]);
                }
        }
        for (int32_t e = from; e < to; e++) {
            int64_t n = w->x->domain[e].shape.n;
            const rh_slice_part *x = (const rh_slice_part *)before(w, e);
            const rh_slice_part *y = (const rh_slice_part *)w->t[e].s[w->layer];
            rh_slice_part *next = (rh_slice_part *)w->t[e].next, *dsum = (rh_slice_part *)w->t[e].dsum;
            for (int32_t k = 0; k < slices; k++)
                for (int64_t c = 0; c < RH_SLICE_PARTS; c++) {
                    int64_t at = at_slice(n, k, r) + c;
                    rh_slice_part message = { 0 };
                    for (int32_t d = from; d < to; d++)
                        message += share_of(w, r, d, e) *
                                   ((const rh_slice_part *)w->t[d].dh)[at_slice(w->x->domain[d].shape.n, k, r) + c];
                    next[at] = message + message * y[at];
                    dsum[at] = message + message * x[at];
                }
        }
    }
    return RH_OK;
}

/* A pass over the items of one domain: their rows come after the users'. */
static int items_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct pass *w = arg;
    return w->part(ctx, w, w->x->n_users + begin, w->x->n_users + end);
}

static int all_rows(struct rh_ctx *ctx, struct pass *w, rh_part_fn *part)
{
    w->part = part;
    w->domain = -1;
    int status = ctx->host->parallel(ctx, w->x->n_users, ROWS, part, w);
    for (w->domain = 0; w->domain < w->x->n_domains && status >= 0; w->domain++)
        status = ctx->host->parallel(ctx, w->x->domain[w->domain].graph.n_items, ROWS, items_part, w);
    return status;
}

/* y += share x */
static void add_table(int64_t n, rh_real share, const rh_real *restrict x, rh_real *restrict y)
{
#pragma omp simd
    for (int64_t k = 0; k < n; k++)
        y[k] += share * x[k];
}

int rh_exchange_forward(struct rh_ctx *ctx, const struct rh_exchange *x, struct rh_exchange_tables *t)
{
    struct pass w = { .x = x, .t = t };
    int status = RH_OK;
    rh_real share;
    rh_exchange_place(x, 0, &share);
    for (int32_t d = 0; d < x->n_domains; d++) {
        memset(t[d].f, 0, (size_t)rh_slices_size(&t[d].joint) * sizeof *t[d].f);
        add_table(rh_slices_size(&x->domain[d].shape), share, x->domain[d].x, t[d].f);
    }
    for (w.layer = 0; w.layer < x->layers && status >= 0; w.layer++) {
        for (int32_t d = 0; d < x->n_domains && status >= 0; d++)
            status = rh_graph_product(ctx, &x->domain[d].graph, &x->domain[d].shape, before(&w, d), NULL, 1,
                                      t[d].s[w.layer]);
        if (status >= 0)
            status = all_rows(ctx, &w, forward_part);
    }
    return status;
}

int rh_exchange_back(struct rh_ctx *ctx, const struct rh_exchange *x, struct rh_exchange_tables *t)
{
    struct pass w = { .x = x, .t = t };
    int status = RH_OK;
    rh_real share;
    rh_exchange_place(x, 0, &share);
    for (int32_t d = 0; d < x->n_domains; d++)
        memset(t[d].dh, 0, (size_t)rh_slices_size(&x->domain[d].shape) * sizeof *t[d].dh);
    for (w.layer = x->layers - 1; w.layer >= 0 && status >= 0; w.layer--) {
        status = all_rows(ctx, &w, back_part);
        for (int32_t d = 0; d < x->n_domains && status >= 0; d++)
            status = rh_graph_product(ctx, &x->domain[d].graph, &x->domain[d].shape, t[d].dsum, t[d].next, 1,
                                      t[d].dh);
    }
    for (int32_t d = 0; d < x->n_domains; d++) {
        add_table(rh_slices_size(&x->domain[d].shape), share, t[d].g, t[d].dh);
        memset(t[d].g, 0, (size_t)rh_slices_size(&t[d].joint) * sizeof *t[d].g);
    }
    return status;
}
