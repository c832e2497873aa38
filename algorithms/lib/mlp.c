#include "algorithms/lib/mlp.h"

#include <cblas.h>
#include <stdio.h>
#include <string.h>

#ifdef RH_NN_DOUBLE
#define GEMM cblas_dgemm
#else
#define GEMM cblas_sgemm
#endif

/* ------------------------------------------------------------------------------------------------------- shapes */

static int64_t layer_size(const struct rh_mlp *m, int32_t layer)
{
    return ((int64_t)m->width[layer - 1] + !m->biasless) * m->width[layer];
}

int64_t rh_mlp_layer(const struct rh_mlp *m, int32_t layer, int64_t *size)
{
    int64_t at = 0;
    for (int32_t l = 1; l < layer; l++)
        at += layer_size(m, l);
    if (size)
        *size = layer_size(m, layer);
    return at;
}

int64_t rh_mlp_size(const struct rh_mlp *m)
{
    return rh_mlp_layer(m, m->layers, NULL) + layer_size(m, m->layers);
}

size_t rh_mlp_mask(const struct rh_mlp *m, int32_t n)
{
    size_t units = 0;
    for (int32_t l = 1; l < m->layers; l++)
        units += (size_t)m->width[l];
    return (size_t)n * units;
}

size_t rh_mlp_tape(const struct rh_mlp *m, int32_t n)
{
    return rh_mlp_mask(m, n) + (size_t)n * (size_t)m->width[m->layers];
}

static size_t widest(const struct rh_mlp *m)
{
    size_t most = 0;
    for (int32_t l = 1; l <= m->layers; l++)
        most = (size_t)m->width[l] > most ? (size_t)m->width[l] : most;
    return most;
}

size_t rh_mlp_work(const struct rh_mlp *m, int32_t n)
{
    return 4 * (size_t)n * widest(m);
}

/* A layer as the loops below see it. */
struct layer {
    int32_t in, out;
    size_t n_out; /* n x out */
    enum rh_activation act;
    int64_t w, b;     /* where in phi */
    const rh_real *x; /* [n x in] what goes in */
    size_t h;         /* where in the tape; and in the mask, which the last layer has none of */
    const rh_real *mask;
};

static struct layer open_layer(const struct rh_mlp *m, int32_t l, int32_t n, const rh_real *x, const rh_real *mask,
                               const rh_real *tape)
{
    struct layer y = { .in = m->width[l - 1], .out = m->width[l], .act = l == m->layers ? m->last : m->hidden };
    y.n_out = (size_t)n * (size_t)y.out;
    y.w = rh_mlp_layer(m, l, NULL);
    y.b = y.w + (int64_t)y.in * y.out;
    for (int32_t k = 1; k < l; k++)
        y.h += (size_t)n * (size_t)m->width[k];
    y.x = l == 1 ? x : tape + y.h - (size_t)n * (size_t)y.in;
    y.mask = mask && l < m->layers ? mask + y.h : NULL;
    return y;
}

/* ------------------------------------------------------------------------------------------------------- random */

void rh_mlp_init(const struct rh_mlp *m, struct rh_rng *r, rh_real *phi)
{
    for (int32_t l = 1; l <= m->layers; l++) {
        int64_t size, at = rh_mlp_layer(m, l, &size), weights = (int64_t)m->width[l - 1] * m->width[l];
        double limit = sqrt(6 / ((double)m->width[l - 1] + m->width[l]));
        for (int64_t i = 0; i < size; i++)
            phi[at + i] = i < weights ? (rh_real)(limit * (2 * rh_rng_uniform(r) - 1)) : 0;
    }
}

void rh_mlp_drop(const struct rh_mlp *m, int32_t n, double rate, struct rh_rng *r, rh_real *mask)
{
    rh_real kept = (rh_real)(1 / (1 - rate));
    size_t size = rh_mlp_mask(m, n);
    for (size_t i = 0; i < size; i++)
        mask[i] = rh_rng_uniform(r) < rate ? 0 : kept;
}

/* ------------------------------------------------------------------------------------------------------ forward */

/* h = act(h + b) of n rows; one loop an activation, so that each is compiled for its own. */
static void activate(enum rh_activation act, int32_t n, int32_t out, const rh_real *b, rh_real *h)
{
    for (int32_t k = 0; k < n; k++, h += out) {
        if (b)
            rh_axpy(out, 1, b, h);
        switch (act) {
        case RH_RELU:
#pragma omp simd
            for (int32_t i = 0; i < out; i++)
                h[i] = h[i] > 0 ? h[i] : 0;
            break;
        case RH_TANH:
            for (int32_t i = 0; i < out; i++)
                h[i] = rh_act(RH_TANH, h[i]);
            break;
        case RH_SIGMOID:
            for (int32_t i = 0; i < out; i++)
                h[i] = rh_act(RH_SIGMOID, h[i]);
            break;
        case RH_LINEAR: break;
        }
    }
}

static void multiply(size_t n, const rh_real *restrict x, rh_real *restrict y)
{
#pragma omp simd
    for (size_t i = 0; i < n; i++)
        y[i] *= x[i];
}

const rh_real *rh_mlp_forward(const struct rh_mlp *m, const rh_real *phi, int32_t n, const rh_real *x,
                              const rh_real *mask, rh_real *tape)
{
    rh_real *h = tape;
    for (int32_t l = 1; l <= m->layers; l++) {
        struct layer y = open_layer(m, l, n, x, mask, tape);
        h = tape + y.h;
        rh_nn_linear(n, y.in, y.out, y.x, phi + y.w, NULL, h);
        activate(y.act, n, y.out, m->biasless ? NULL : phi + y.b, h);
        if (y.mask)
            multiply(y.n_out, y.mask, h);
    }
    return h;
}

/* The activation itself where the tape has it times the mask. A dropped one has no derivative, whatever it was. */
static inline rh_real unmasked(const struct layer *y, const rh_real *h, size_t i)
{
    return !y->mask ? h[i] : y->mask[i] > 0 ? h[i] / y->mask[i] : 0;
}

/* d *= act'(h) * mask: from the gradient by h_l to that by a_l. */
static void through_activation(const struct layer *y, const rh_real *restrict h, rh_real *restrict d)
{
    if (y->act == RH_RELU) {
#pragma omp simd
        for (size_t i = 0; i < y->n_out; i++)
            d[i] = h[i] > 0 ? d[i] : 0;
    } else if (y->act != RH_LINEAR) {
        for (size_t i = 0; i < y->n_out; i++)
            d[i] *= rh_act_1(y->act, unmasked(y, h, i));
    }
    if (y->mask)
        multiply(y->n_out, y->mask, d);
}

/* ----------------------------------------------------------------------------------------------------- backward */

void rh_mlp_back(const struct rh_mlp *m, const rh_real *phi, int32_t n, const rh_real *x, const rh_real *mask,
                 const rh_real *tape, const rh_real *dy, rh_real *dphi, rh_real *dx, rh_real *work)
{
    rh_real *d = work, *below = work + (size_t)n * widest(m);
    memcpy(d, dy, (size_t)n * (size_t)m->width[m->layers] * sizeof *d);
    for (int32_t l = m->layers; l >= 1; l--) {
        struct layer y = open_layer(m, l, n, x, mask, tape);
        through_activation(&y, tape + y.h, d);
        rh_real *dw = dphi ? dphi + y.w : NULL, *db = dphi && !m->biasless ? dphi + y.b : NULL;
        if (l > 1)
            memset(below, 0, (size_t)n * (size_t)y.in * sizeof *below);
        rh_nn_linear_back(n, y.in, y.out, y.x, phi + y.w, d, l > 1 ? below : dx, dw, db);
        rh_real *swap = d;
        d = below;
        below = swap;
    }
}

/* ------------------------------------------------------------------------------------------------- second order */

const rh_real *rh_mlp_forward_r(const struct rh_mlp *m, const rh_real *phi, int32_t n, const rh_real *x,
                                const rh_real *mask, const rh_real *tape, const rh_real *v, const rh_real *rx,
                                rh_real *rtape)
{
    rh_real *r = rtape;
    const rh_real *below = rx; /* what the input of the layer changes by */
    for (int32_t l = 1; l <= m->layers; l++, below = r) {
        struct layer y = open_layer(m, l, n, x, mask, tape);
        r = rtape + y.h;
        memset(r, 0, y.n_out * sizeof *r);
        if (n > 0 && v)
            GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, n, y.out, y.in, 1, y.x, y.in, v + y.w, y.in, 0, r, y.out);
        if (n > 0 && below)
            GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, n, y.out, y.in, 1, below, y.in, phi + y.w, y.in, 1, r,
                 y.out);
        for (int32_t k = 0; k < n && v && !m->biasless; k++)
            rh_axpy(y.out, 1, v + y.b, r + (size_t)k * (size_t)y.out);
        through_activation(&y, tape + y.h, r);
    }
    return r;
}

/* With d the gradient by h_l and rd its change, and r what h_l changes by: rd becomes the change of the gradient by
 * a_l, which is act' mask rd + act'' mask ra d; and act'' ra = bend act' ra, where act' mask ra is r. */
static void through_activation_r(const struct layer *y, const rh_real *h, const rh_real *r, const rh_real *d,
                                 rh_real *rd)
{
    through_activation(y, h, rd);
    if (y->act == RH_RELU || y->act == RH_LINEAR)
        return;
    for (size_t i = 0; i < y->n_out; i++)
        rd[i] += rh_act_bend(y->act, unmasked(y, h, i)) * r[i] * d[i];
}

void rh_mlp_back_r(const struct rh_mlp *m, const rh_real *phi, int32_t n, const rh_real *x, const rh_real *mask,
                   const rh_real *tape, const rh_real *rtape, const rh_real *v, const rh_real *rx, const rh_real *dy,
                   const rh_real *rdy, rh_real *rdphi, rh_real *rdx, rh_real *work)
{
    size_t room = (size_t)n * widest(m), bytes = (size_t)n * (size_t)m->width[m->layers] * sizeof *work;
    rh_real *d = work, *below = work + room, *rd = work + 2 * room, *rbelow = work + 3 * room;
    memcpy(d, dy, bytes);
    if (rdy)
        memcpy(rd, rdy, bytes);
    else
        memset(rd, 0, bytes);
    for (int32_t l = m->layers; l >= 1; l--) {
        struct layer y = open_layer(m, l, n, x, mask, tape);
        const rh_real *rh = l > 1 ? rtape + y.h - (size_t)n * (size_t)y.in : rx; /* what goes in changes by */
        through_activation_r(&y, tape + y.h, rtape + y.h, d, rd);
        through_activation(&y, tape + y.h, d);
        rh_real *rdw = rdphi ? rdphi + y.w : NULL, *rdb = rdphi && !m->biasless ? rdphi + y.b : NULL;
        rh_real *rdh = l > 1 ? rbelow : rdx;
        if (l > 1) {
            memset(below, 0, (size_t)n * (size_t)y.in * sizeof *below);
            memset(rbelow, 0, (size_t)n * (size_t)y.in * sizeof *rbelow);
            rh_nn_linear_back(n, y.in, y.out, y.x, phi + y.w, d, below, NULL, NULL);
        }
        rh_nn_linear_back(n, y.in, y.out, y.x, phi + y.w, rd, rdh, rdw, rdb);
        if (rh)
            rh_nn_linear_back(n, y.in, y.out, rh, phi + y.w, d, NULL, rdw, NULL);
        if (v && rdh)
            rh_nn_linear_back(n, y.in, y.out, y.x, v + y.w, d, rdh, NULL, NULL);
        rh_real *swap = d;
        d = below, below = swap;
        swap = rd;
        rd = rbelow, rbelow = swap;
    }
}

/* ------------------------------------------------------------------------------------------------------ weights */

int rh_layers_init(struct rh_ctx *ctx, struct rh_layers *l, struct rh_rng *r)
{
    l->size = rh_mlp_size(&l->net);
    l->phi = ctx->host->alloc(ctx, (size_t)l->size, sizeof *l->phi);
    l->first = ctx->host->alloc(ctx, (size_t)l->size, sizeof *l->first);
    l->second = ctx->host->alloc(ctx, (size_t)l->size, sizeof *l->second);
    if (!l->phi || !l->first || !l->second)
        return RH_ENOMEM;
    rh_mlp_init(&l->net, r, l->phi);
    return RH_OK;
}

int rh_layers_persist(struct rh_ctx *ctx, struct rh_layers *l, const char *name, unsigned purpose)
{
    static const char *const what[] = { "", " first", " second" };
    rh_real **const array[] = { &l->phi, &l->first, &l->second };
    int status = RH_OK;
    for (int k = 0; k < (purpose & RH_FOR_RESUMING ? 3 : 1) && status >= 0; k++) {
        char full[64];
        snprintf(full, sizeof full, "%s%s", name, what[k]);
        status = ctx->host->field(ctx, full, array[k], l->size, sizeof *l->phi);
    }
    return status;
}
