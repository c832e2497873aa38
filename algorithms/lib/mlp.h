/* A stack of dense layers with hand-written derivatives, first and second.
 *
 *     h_0 = x,   a_l = W_l h_{l-1} + b_l,   h_l = act_l(a_l) * mask_l,   y = h_L
 *     W_l [width_l x width_{l-1}], b_l [width_l]
 *
 * act_l is `hidden` below the last layer, `last` at the last. Weights lie in one vector phi: [W_1][b_1][W_2][b_2] ..,
 * so that meta-learning can treat them as a point, and so that a layer's part can rest (rh_mlp_layer). Dropout
 * (Srivastava et al. 2014, inverted: kept units are divided by the share kept) acts on hidden layers and only where the
 * caller hands in a mask. As everywhere in nn.h gradients ADD, no memory is taken, nothing is drawn (but by
 * rh_mlp_init and rh_mlp_drop), nothing fails; every function is a few products of matrices (BLAS, one thread:
 * parallelise around it).
 *
 * Floor: a row costs 2 S operations forward, with S the number of weights, 2 S for dphi, 2 S for dx; the
 * R versions twice that. */
#ifndef RH_ALGORITHMS_LIB_MLP_H
#define RH_ALGORITHMS_LIB_MLP_H

#include "algorithms/lib/nn.h"

#include <rh/plugin.h>

#define RH_MLP_LAYERS 8
struct rh_mlp {
    int32_t layers;                   /* L, 1 .. RH_MLP_LAYERS */
    int32_t width[RH_MLP_LAYERS + 1]; /* width[0] of x .. width[L] of y, each from 1 */
    enum rh_activation hidden, last;
    bool biasless; /* no b_l */
};

int64_t rh_mlp_size(const struct rh_mlp *m); /* numbers in phi */
/* Where layer 1 .. L begins in phi; *size (may be NULL): its numbers, W_l and b_l. */
int64_t rh_mlp_layer(const struct rh_mlp *m, int32_t layer, int64_t *size);
/* W_l uniform in +- sqrt(6 / (width_{l-1} + width_l)) (Glorot and Bengio 2010), b_l = 0. */
void rh_mlp_init(const struct rh_mlp *m, struct rh_rng *r, rh_real *phi);
size_t rh_mlp_tape(const struct rh_mlp *m, int32_t n); /* numbers in `tape`, and in `rtape`, for n rows */
size_t rh_mlp_work(const struct rh_mlp *m, int32_t n); /* numbers in `work` for n rows, of back and of back_r */
size_t rh_mlp_mask(const struct rh_mlp *m, int32_t n); /* numbers in `mask` for n rows */

/* Draws a mask that drops each hidden unit of each row with this probability (0 <= rate < 1), and divides the others by
 * 1 - rate. */
void rh_mlp_drop(const struct rh_mlp *m, int32_t n, double rate, struct rh_rng *r, rh_real *mask);

/* x[n x width[0]] -> returns y[n x width[L]], which lies in the tape; the tape keeps h_1 .. h_L for the way back, one
 * layer after another, [n x width[l]] each.
 * mask: NULL, or factors of dropout (0 or 1 / share kept), laid out as h_1 .. h_{L-1} are in the tape. */
const rh_real *rh_mlp_forward(const struct rh_mlp *m, const rh_real *phi, int32_t n, const rh_real *x,
                              const rh_real *mask, rh_real *tape);
/* From dy[n x width[L]]: adds to dphi and dx[n x width[0]]; either may be NULL. phi, x, mask: as of the way there. */
void rh_mlp_back(const struct rh_mlp *m, const rh_real *phi, int32_t n, const rh_real *x, const rh_real *mask,
                 const rh_real *tape, const rh_real *dy, rh_real *dphi, rh_real *dx, rh_real *work);

/* Directional derivative of the forward pass along v of phi and rx[n x width[0]] of x, after it filled the tape; either
 * may be NULL: 0. Fills rtape as the tape is laid out; returns ry[n x width[L]] in it. */
const rh_real *rh_mlp_forward_r(const struct rh_mlp *m, const rh_real *phi, int32_t n, const rh_real *x,
                                const rh_real *mask, const rh_real *tape, const rh_real *v, const rh_real *rx,
                                rh_real *rtape);
/* And of the gradients: adds to rdphi and rdx what dphi and dx change along v and rx, when dy changes by rdy (NULL: 0);
 * either may be NULL. With dy, rdy from a loss's first and second derivatives rdphi is a Hessian-vector product. */
void rh_mlp_back_r(const struct rh_mlp *m, const rh_real *phi, int32_t n, const rh_real *x, const rh_real *mask,
                   const rh_real *tape, const rh_real *rtape, const rh_real *v, const rh_real *rx, const rh_real *dy,
                   const rh_real *rdy, rh_real *rdphi, rh_real *rdx, rh_real *work);

/* A stack with its weights and what an optimiser remembers of them. */
struct rh_layers {
    struct rh_mlp net;
    int64_t size;                  /* rh_mlp_size */
    rh_real *phi, *first, *second; /* [size] */
};
/* Memory by alloc, for layers whose net is set, and random weights. */
int rh_layers_init(struct rh_ctx *ctx, struct rh_layers *l, struct rh_rng *r);
/* The part of persist for layers whose net and size are set: the weights, called `name`; for RH_FOR_RESUMING what the
 * optimiser remembers as well. */
int rh_layers_persist(struct rh_ctx *ctx, struct rh_layers *l, const char *name, unsigned purpose);

#endif
