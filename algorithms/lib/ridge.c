#include "algorithms/lib/ridge.h"

#include "algorithms/lib/invert.h"

#include <string.h>

#define GRAIN 64
#define PIECE 512 /* columns of one partial sum; fixed, so that sums are the same on any number of threads */
#define CLOSE 1e-5

/* Shapes: columns [n_cols x width], items [n_items x width], components [width]. */
struct solver {
    const struct rh_ridge *r;
    struct rh_inverted by_col; /* items inside */
    float *w;                  /* columns: the solution so far */
    float *residual, *p, *ap;  /* columns */
    float *at_items;           /* items: F p, or Y - F W */
    const float *v;            /* columns: what F is multiplied with; NULL: 0 */
    const float *a, *b;        /* columns: whose products are summed */
    double *part;              /* [pieces x width] */
    double *rr, *next, *size;  /* components: |r|^2 before and after a step, |F'Y|^2 */
    float *step;               /* components */
};

RH_WIDE static void row_sum(const struct rh_item_features *f, int32_t i, const float *w, int32_t width, float *out)
{
    memset(out, 0, (size_t)width * sizeof *out);
    for (int64_t k = f->row[i]; k < f->row[i + 1]; k++)
        rh_factor_add(out, f->val[k], w + (int64_t)f->col[k] * width, width);
}

void rh_ridge_apply(const struct rh_item_features *f, int32_t i, const float *w, int32_t width, float *out)
{
    row_sum(f, i, w, width, out);
}

/* at_items = F v for the items in use, 0 for others. */
static int items_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct solver *s = arg;
    int32_t width = s->r->width;
    for (int64_t i = begin; i < end; i++) {
        float *t = s->at_items + i * width;
        if (s->v && s->r->item_rows[i] < s->r->item_rows[i + 1])
            row_sum(s->r->f, (int32_t)i, s->v, width, t);
        else
            memset(t, 0, (size_t)width * sizeof *t);
    }
    return RH_OK;
}

RH_WIDE static void column_sum(const struct solver *s, int64_t c, float *out)
{
    int32_t width = s->r->width;
    for (int64_t k = s->by_col.row[c]; k < s->by_col.row[c + 1]; k++)
        rh_factor_add(out, s->by_col.value[k], s->at_items + (int64_t)s->by_col.user[k] * width, width);
}

/* ap = F' at_items + reg p */
static int product_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct solver *s = arg;
    int32_t width = s->r->width;
    for (int64_t c = begin; c < end; c++) {
        for (int32_t k = 0; k < width; k++)
            s->ap[c * width + k] = (float)s->r->reg * s->p[c * width + k];
        column_sum(s, c, s->ap + c * width);
    }
    return RH_OK;
}

/* residual = F'(Y - F v) - reg v */
static int residual_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct solver *s = arg;
    int32_t width = s->r->width;
    for (int64_t c = begin; c < end; c++) {
        for (int32_t k = 0; k < width; k++)
            s->residual[c * width + k] = s->v ? -(float)s->r->reg * s->v[c * width + k] : 0;
        column_sum(s, c, s->residual + c * width);
    }
    return RH_OK;
}

static int dot_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct solver *s = arg;
    int32_t width = s->r->width;
    for (int64_t c = begin; c < end; c++) {
        double *sum = s->part + c / PIECE * width;
        for (int32_t k = 0; k < width; k++)
            sum[k] += (double)s->a[c * width + k] * s->b[c * width + k];
    }
    return RH_OK;
}

/* out[width] = the inner product of a and b for each component. */
static int dots(struct rh_ctx *ctx, struct solver *s, const float *a, const float *b, double *out)
{
    int64_t n = s->r->f->n_cols, pieces = (n + PIECE - 1) / PIECE;
    size_t width = (size_t)s->r->width;
    memset(s->part, 0, (size_t)pieces * width * sizeof *s->part);
    s->a = a;
    s->b = b;
    int status = ctx->host->parallel(ctx, n, PIECE, dot_part, s);
    memset(out, 0, width * sizeof *out);
    for (int64_t piece = 0; piece < pieces; piece++)
        for (size_t k = 0; k < width; k++)
            out[k] += s->part[(size_t)piece * width + k];
    return status;
}

/* w and residual one step along p. */
static int advance_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct solver *s = arg;
    int32_t width = s->r->width;
    for (int64_t c = begin; c < end; c++)
        for (int32_t k = 0; k < width; k++) {
            s->w[c * width + k] += s->step[k] * s->p[c * width + k];
            s->residual[c * width + k] -= s->step[k] * s->ap[c * width + k];
        }
    return RH_OK;
}

static int turn_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct solver *s = arg;
    int32_t width = s->r->width;
    for (int64_t c = begin; c < end; c++)
        for (int32_t k = 0; k < width; k++)
            s->p[c * width + k] = s->residual[c * width + k] + s->step[k] * s->p[c * width + k];
    return RH_OK;
}

/* The residual of v into s->residual. */
static int start(struct rh_ctx *ctx, struct solver *s, const float *v)
{
    const struct rh_ridge *r = s->r;
    s->v = v;
    int status = ctx->host->parallel(ctx, r->f->n_items, GRAIN, items_part, s);
    for (int64_t i = 0; i < r->f->n_items; i++)
        for (int64_t k = i * r->width; r->item_rows[i] < r->item_rows[i + 1] && k < (i + 1) * r->width; k++)
            s->at_items[k] = r->y[k] - s->at_items[k];
    return status < 0 ? status : ctx->host->parallel(ctx, r->f->n_cols, GRAIN, residual_part, s);
}

static bool close_enough(const struct solver *s)
{
    for (int32_t k = 0; k < s->r->width; k++)
        if (s->rr[k] > CLOSE * CLOSE * s->size[k])
            return false;
    return true;
}

static int one_step(struct rh_ctx *ctx, struct solver *s)
{
    int64_t n = s->r->f->n_cols;
    s->v = s->p;
    int status = ctx->host->parallel(ctx, s->r->f->n_items, GRAIN, items_part, s);
    if (status >= 0)
        status = ctx->host->parallel(ctx, n, GRAIN, product_part, s);
    if (status >= 0)
        status = dots(ctx, s, s->p, s->ap, s->next);
    for (int32_t k = 0; k < s->r->width; k++)
        s->step[k] = s->next[k] > 0 ? (float)(s->rr[k] / s->next[k]) : 0;
    if (status >= 0)
        status = ctx->host->parallel(ctx, n, GRAIN, advance_part, s);
    if (status >= 0)
        status = dots(ctx, s, s->residual, s->residual, s->next);
    for (int32_t k = 0; k < s->r->width; k++) {
        s->step[k] = s->rr[k] > 0 ? (float)(s->next[k] / s->rr[k]) : 0;
        s->rr[k] = s->next[k];
    }
    return status < 0 ? status : ctx->host->parallel(ctx, n, GRAIN, turn_part, s);
}

static int set_out(struct rh_ctx *ctx, const struct rh_ridge *r, struct solver *s)
{
    const struct rh_item_features *f = r->f;
    const struct rh_domain rows = { .n_items = f->n_cols, .row = f->row, .item = f->col };
    size_t row = (size_t)r->width * sizeof(float), n = (size_t)f->n_cols, width = (size_t)r->width;
    s->residual = ctx->host->scratch(ctx, n, row);
    s->p = ctx->host->scratch(ctx, n, row);
    s->ap = ctx->host->scratch(ctx, n, row);
    s->at_items = ctx->host->scratch(ctx, (size_t)f->n_items, row);
    s->part = ctx->host->scratch(ctx, n / PIECE + 1, width * sizeof *s->part);
    s->rr = ctx->host->scratch(ctx, width, sizeof *s->rr);
    s->next = ctx->host->scratch(ctx, width, sizeof *s->next);
    s->size = ctx->host->scratch(ctx, width, sizeof *s->size);
    s->step = ctx->host->scratch(ctx, width, sizeof *s->step);
    if (!s->residual || !s->p || !s->ap || !s->at_items || !s->part || !s->rr || !s->next || !s->size || !s->step)
        return RH_ENOMEM;
    return rh_invert(ctx, &rows, f->n_items, f->val, ctx->host->scratch, &s->by_col);
}

int rh_ridge(struct rh_ctx *ctx, const struct rh_ridge *r, float *w)
{
    struct solver s = { .r = r, .w = w };
    int status = set_out(ctx, r, &s);
    if (status >= 0)
        status = start(ctx, &s, NULL); /* F'Y, for its size */
    if (status >= 0)
        status = dots(ctx, &s, s.residual, s.residual, s.size);
    if (status >= 0)
        status = start(ctx, &s, w);
    if (status >= 0)
        status = dots(ctx, &s, s.residual, s.residual, s.rr);
    if (status >= 0)
        memcpy(s.p, s.residual, (size_t)r->f->n_cols * (size_t)r->width * sizeof *s.p);
    for (int32_t step = 0; status >= 0 && step < r->steps && !close_enough(&s); step++) {
        status = ctx->host->tick(ctx, step, r->steps);
        if (status >= 0)
            status = one_step(ctx, &s);
    }
    return status < 0 ? status : RH_OK;
}
