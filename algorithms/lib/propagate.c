#include "algorithms/lib/propagate.h"

#include "algorithms/lib/invert.h"
#include "algorithms/lib/wide.h"

#include <string.h>

#define ROWS 64 /* nodes of a piece: their edges are some thousands */

int rh_graph_init(struct rh_ctx *ctx, struct rh_graph *g, const struct rh_domain *d, int32_t n_users)
{
    struct rh_inverted by_item;
    int status = rh_invert(ctx, d, n_users, NULL, ctx->host->alloc, &by_item);
    if (status < 0)
        return status;
    *g = (struct rh_graph){ .n_users = n_users, .n_items = d->n_items, .row = d->row, .item = d->item,
                            .item_row = by_item.row, .user = by_item.user };
    g->scale = ctx->host->alloc(ctx, (size_t)n_users + (size_t)d->n_items, sizeof *g->scale);
    if (!g->scale)
        return RH_ENOMEM;
    for (int32_t u = 0; u < n_users; u++)
        g->scale[u] = d->row[u] < d->row[u + 1] ? 1 / rh_real_sqrt((rh_real)(d->row[u + 1] - d->row[u])) : 0;
    for (int32_t i = 0; i < d->n_items; i++) {
        int64_t degree = by_item.row[i + 1] - by_item.row[i];
        g->scale[n_users + i] = degree ? 1 / rh_real_sqrt((rh_real)degree) : 0;
    }
    return RH_OK;
}

void rh_graph_forget(const struct rh_graph *g, const struct rh_slices *s, rh_real *x)
{
    for (int32_t u = 0; u < g->n_users; u++)
        for (int32_t k = 0; k < s->slices && g->row[u] == g->row[u + 1]; k++)
            memset(rh_slice_at(s, x, k, u), 0, RH_SLICE * sizeof *x);
}

struct product {
    const struct rh_graph *g;
    const struct rh_slices *s;
    const rh_real *x, *add;
    rh_real factor;
    rh_real *y;
    int64_t pieces; /* of a slice */
};

/* Two sums run side by side, over even and over odd edges, so that an addition need not wait for the one before. */
static inline __attribute__((always_inline)) void gather(const rh_real *x, const rh_real *scale, const int32_t *node,
                                                         int64_t n, rh_slice_part *sum)
{
    rh_slice_part a[RH_SLICE_PARTS] = { { 0 } }, b[RH_SLICE_PARTS] = { { 0 } };
    int64_t e = 0;
    for (; e + 1 < n; e += 2) {
        const rh_slice_part *v = (const rh_slice_part *)(x + (int64_t)node[e] * RH_SLICE);
        const rh_slice_part *w = (const rh_slice_part *)(x + (int64_t)node[e + 1] * RH_SLICE);
        rh_real of_v = scale[node[e]], of_w = scale[node[e + 1]];
        for (int c = 0; c < RH_SLICE_PARTS; c++) {
            a[c] += of_v * v[c];
            b[c] += of_w * w[c];
        }
    }
    if (e < n) {
        const rh_slice_part *v = (const rh_slice_part *)(x + (int64_t)node[e] * RH_SLICE);
        for (int c = 0; c < RH_SLICE_PARTS; c++)
            a[c] += scale[node[e]] * v[c];
    }
    for (int c = 0; c < RH_SLICE_PARTS; c++)
        sum[c] = a[c] + b[c];
}

RH_WIDE static int product_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct product *p = arg;
    const struct rh_graph *g = p->g;
    int64_t n = p->s->n;
    (void)ctx;
    for (int64_t piece = begin; piece < end; piece++) {
        int64_t slice = piece / p->pieces * n * RH_SLICE, from = piece % p->pieces * ROWS;
        int64_t to = from + ROWS < n ? from + ROWS : n;
        for (int64_t r = from; r < to; r++) {
            int64_t i = r - g->n_users;
            const int64_t *row = i < 0 ? g->row + r : g->item_row + i;
            rh_slice_part sum[RH_SLICE_PARTS];
            if (i < 0)
                gather(p->x + slice + (int64_t)g->n_users * RH_SLICE, g->scale + g->n_users, g->item + row[0],
                       row[1] - row[0], sum);
            else
                gather(p->x + slice, g->scale, g->user + row[0], row[1] - row[0], sum);
            const rh_slice_part *add = p->add ? (const rh_slice_part *)(p->add + slice + r * RH_SLICE) : NULL;
            rh_slice_part *y = (rh_slice_part *)(p->y + slice + r * RH_SLICE);
            for (int c = 0; c < RH_SLICE_PARTS; c++) {
                rh_slice_part v = g->scale[r] * sum[c];
                if (add)
                    v += add[c];
                y[c] = p->factor * v;
            }
        }
    }
    return RH_OK;
}

int rh_graph_product(struct rh_ctx *ctx, const struct rh_graph *g, const struct rh_slices *s, const rh_real *x,
                     const rh_real *add, double factor, rh_real *y)
{
    struct product p = { g, s, x, add, (rh_real)factor, y, (s->n + ROWS - 1) / ROWS };
    return ctx->host->parallel(ctx, p.pieces * s->slices, 1, product_part, &p);
}

int rh_graph_mean(struct rh_ctx *ctx, const struct rh_graph *g, const struct rh_slices *s, int32_t layers,
                  const rh_real *x, rh_real *spare, rh_real *y)
{
    int status = RH_OK;
    size_t bytes = (size_t)rh_slices_size(s) * sizeof *x;
    if (layers == 0) {
        memcpy(y, x, bytes);
        return RH_OK;
    }
    if (layers == 1)
        memcpy(spare, x, bytes);
    const rh_real *from = x;
    for (int32_t l = 1; l <= layers && status >= 0; l++) {
        rh_real *to = (layers - l) % 2 ? spare : y; /* the last of them ends in y, the last but one in spare */
        status = rh_graph_product(ctx, g, s, from, x, l == layers ? 1 / (layers + 1.0) : 1, to);
        from = to;
    }
    return status;
}
