#include "algorithms/lib/sliced.h"

#include "algorithms/lib/wide.h"

#define ROWS 256  /* of a piece that goes over whole rows */
#define PIECE 256 /* triples */

rh_real *rh_slices_take(struct rh_ctx *ctx, const struct rh_slices *s,
                        void *(*take)(struct rh_ctx *ctx, size_t n, size_t elem))
{
    return take(ctx, (size_t)s->n, (size_t)s->slices * RH_SLICE * sizeof(rh_real));
}

struct rows_work {
    const struct rh_slices *s;
    rh_real *to;
    const rh_real *from;
    int64_t first, columns;
    double factor; /* or standard deviation */
    const char *purpose;
    float *out;
};

static int draw_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct rows_work *w = arg;
    for (int64_t r = begin; r < end; r++) {
        struct rh_rng rng = ctx->host->stream(ctx, w->purpose, (uint64_t)r);
        for (int64_t c = 0; c < w->columns; c++)
            rh_slice_at(w->s, w->to, (int32_t)(c / RH_SLICE), w->first + r)[c % RH_SLICE] =
                (rh_real)(w->factor * rh_rng_normal(&rng));
    }
    return RH_OK;
}

int rh_slices_draw(struct rh_ctx *ctx, const struct rh_slices *s, rh_real *x, int64_t first, int64_t n,
                   int64_t columns, double sd, const char *purpose)
{
    struct rows_work w = { .s = s, .to = x, .first = first, .columns = columns, .factor = sd, .purpose = purpose };
    return ctx->host->parallel(ctx, n, ROWS, draw_part, &w);
}

static int rows_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct rows_work *w = arg;
    (void)ctx;
    for (int64_t r = begin; r < end; r++)
        for (int32_t k = 0; k < w->s->slices; k++) {
            const rh_real *x = w->from + ((int64_t)k * w->s->n + w->first + r) * RH_SLICE;
            float *out = w->out + (r * w->s->slices + k) * RH_SLICE;
            for (int c = 0; c < RH_SLICE; c++)
                out[c] = (float)((rh_real)w->factor * x[c]);
        }
    return RH_OK;
}

int rh_slices_rows(struct rh_ctx *ctx, const struct rh_slices *s, const rh_real *x, int64_t first, int64_t n,
                   double factor, float *out)
{
    struct rows_work w = { .s = s, .from = x, .first = first, .factor = factor, .out = out };
    return ctx->host->parallel(ctx, n, ROWS, rows_part, &w);
}

/* -------------------------------------------------------------------------------------------------- minibatches */

int rh_slices_batch_init(struct rh_ctx *ctx, struct rh_slices_batch *b, int64_t most)
{
    b->ds = ctx->host->scratch(ctx, (size_t)most, 2 * sizeof *b->ds);
    b->part_loss = ctx->host->scratch(ctx, (size_t)(most / PIECE + 1), sizeof *b->part_loss);
    return b->ds && b->part_loss ? RH_OK : RH_ENOMEM;
}

struct batch_work {
    const struct rh_slices *s;
    const rh_real *x;
    const struct rh_slices_batch *b;
    rh_real *g;
    rh_real factor;
};

static inline __attribute__((always_inline)) const rh_slice_part *part_at(const struct batch_work *w, int64_t k,
                                                                          int64_t r)
{
    return (const rh_slice_part *)(w->x + (k * w->s->n + r) * RH_SLICE);
}

static inline __attribute__((always_inline)) rh_slice_part *gradient_at(const struct batch_work *w, int64_t k,
                                                                        int64_t r)
{
    return (rh_slice_part *)(w->g + (k * w->s->n + r) * RH_SLICE);
}

static inline __attribute__((always_inline)) rh_real total(rh_slice_part v)
{
    rh_real sum = 0;
    for (size_t c = 0; c < sizeof v / sizeof sum; c++)
        sum += v[c];
    return sum;
}

RH_WIDE static int score_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct batch_work *w = arg;
    int64_t first = w->b->first_item;
    rh_real share = (rh_real)(w->b->weight / (double)w->b->n);
    double loss = 0;
    (void)ctx;
    for (int64_t t = begin; t < end; t++) {
        const struct rh_triple *at = &w->b->t[t];
        rh_slice_part liked = { 0 }, other = { 0 };
        for (int32_t k = 0; k < w->s->slices; k++) {
            const rh_slice_part *u = part_at(w, k, at->user), *i = part_at(w, k, first + at->liked);
            const rh_slice_part *j = part_at(w, k, first + at->other);
            for (int c = 0; c < RH_SLICE_PARTS; c++) {
                liked += u[c] * i[c];
                other += u[c] * j[c];
            }
        }
        rh_real score[2] = { total(liked), total(other) };
        loss += (double)rh_nn_loss(w->b->kind, 2, score, share, w->b->ds + 2 * t);
    }
    w->b->part_loss[begin / PIECE] = loss;
    return RH_OK;
}

RH_WIDE static int gradient_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct batch_work *w = arg;
    int64_t first = w->b->first_item;
    (void)ctx;
    for (int64_t k = begin; k < end; k++)
        for (int64_t t = 0; t < w->b->n; t++) {
            const struct rh_triple *at = &w->b->t[t];
            rh_real of_liked = w->b->ds[2 * t], of_other = w->b->ds[2 * t + 1];
            const rh_slice_part *u = part_at(w, k, at->user), *i = part_at(w, k, first + at->liked);
            const rh_slice_part *j = part_at(w, k, first + at->other);
            rh_slice_part *gu = gradient_at(w, k, at->user), *gi = gradient_at(w, k, first + at->liked);
            rh_slice_part *gj = gradient_at(w, k, first + at->other);
            for (int c = 0; c < RH_SLICE_PARTS; c++) {
                gu[c] += of_liked * i[c] + of_other * j[c];
                gi[c] += of_liked * u[c];
                gj[c] += of_other * u[c];
            }
        }
    return RH_OK;
}

int rh_slices_learn(struct rh_ctx *ctx, const struct rh_slices *s, const rh_real *f, const struct rh_slices_batch *b,
                    rh_real *g, double *loss)
{
    struct batch_work w = { .s = s, .x = f, .b = b, .g = g };
    int status = ctx->host->parallel(ctx, b->n, PIECE, score_part, &w);
    if (status >= 0)
        status = ctx->host->parallel(ctx, s->slices, 1, gradient_part, &w);
    for (int64_t p = 0; p * PIECE < b->n && status >= 0; p++)
        *loss += b->part_loss[p];
    return status;
}

RH_WIDE static int shrink_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct batch_work *w = arg;
    (void)ctx;
    for (int64_t k = begin; k < end; k++)
        for (int64_t t = 0; t < w->b->n; t++) {
            const struct rh_triple *at = &w->b->t[t];
            const int64_t row[] = { at->user, w->b->first_item + at->liked, w->b->first_item + at->other };
            for (int m = 0; m < 3; m++)
                for (int c = 0; c < RH_SLICE_PARTS; c++)
                    gradient_at(w, k, row[m])[c] += w->factor * part_at(w, k, row[m])[c];
        }
    return RH_OK;
}

int rh_slices_shrink(struct rh_ctx *ctx, const struct rh_slices *s, const rh_real *x, const struct rh_slices_batch *b,
                     rh_real factor, rh_real *g)
{
    struct batch_work w = { .s = s, .x = x, .b = b, .g = g, .factor = factor };
    return ctx->host->parallel(ctx, s->slices, 1, shrink_part, &w);
}

struct descent {
    const struct rh_optimizer_state *rule;
    rh_real *x, *g, *first, *second;
};

static int descend_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct descent *d = arg;
    (void)ctx;
    rh_nn_descend(d->rule, end - begin, d->x + begin, d->g + begin, d->first + begin, d->second + begin);
    return RH_OK;
}

int rh_slices_descend(struct rh_ctx *ctx, const struct rh_slices *s, const struct rh_optimizer_state *o, rh_real *x,
                      rh_real *g, rh_real *first, rh_real *second)
{
    struct descent d = { o, x, g, first, second };
    return ctx->host->parallel(ctx, rh_slices_size(s), 16384, descend_part, &d);
}
