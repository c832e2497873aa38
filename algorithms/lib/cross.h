/* Towers of dense layers, one a domain, with cross connections: what a layer of one tower has learned about a user
 * enters the next layer of the other, and the other way round.
 *
 * Hu, Zhang and Yang 2018, "CoNet: collaborative cross networks for cross-domain recommendation" (CIKM), eq. 7: for a
 * pair of a target and a source, hidden layers l = 1 .. L of the same widths in both,
 *
 *     a_t(l) = relu(W_t(l) a_t(l-1) + b_t(l) + H(l) a_s(l-1))
 *     a_s(l) = relu(W_s(l) a_s(l-1) + b_s(l) + H(l) a_t(l-1))
 *
 * a(0): inputs; the score of a tower is w . a(L) + b. H is the same both ways; every source has one with the target.
 * Without a partner a tower stands alone. All weights lie in one vector: D towers as rh_mlp lays them out, then D
 * times the H(l) (that of the target unused), each transposed: [width(l-1) x width(l)]. Gradients add; nothing is
 * drawn, nothing fails. */
#ifndef RH_ALGORITHMS_CROSS_H
#define RH_ALGORITHMS_CROSS_H

#include "algorithms/lib/mlp.h"

struct rh_cross {
    struct rh_mlp tower; /* hidden layers, and one of a unit */
    int32_t n_domains, target;
};

int32_t rh_cross_hidden(const struct rh_cross *c); /* L */
int64_t rh_cross_size(const struct rh_cross *c);   /* all weights */
/* Where H(l), l = 1 .. L, of source e begins; *size (may be NULL): its numbers. */
int64_t rh_cross_unit(const struct rh_cross *c, int32_t e, int32_t layer, int64_t *size);
/* Glorot and Bengio 2010; cross: the H too, which else are 0. */
void rh_cross_init(const struct rh_cross *c, struct rh_rng *r, bool cross, rh_real *phi);
size_t rh_cross_tape(const struct rh_cross *c, int32_t n); /* numbers in `tape` for n rows */
size_t rh_cross_work(const struct rh_cross *c, int32_t n); /* numbers in `work` */

/* n rows asked of domain `own`, with partners in domain `other` (-1: none); one of the two is the target. */
struct rh_cross_rows {
    int32_t own, other, n;
    const rh_real *x[2]; /* [n x width[0]] inputs of own and other */
};

/* Scores [n] of own, in the tape, which keeps what the way back needs. */
const rh_real *rh_cross_forward(const struct rh_cross *c, const rh_real *phi, const struct rh_cross_rows *r,
                                rh_real *tape);
/* Where the first hidden layer of own (0) or other (1) lies in the tape, [n x width[1]]; and the layers after it, for
 * those who filled it themselves (with activations). */
rh_real *rh_cross_first(const struct rh_cross *c, int32_t n, int side, rh_real *tape);
const rh_real *rh_cross_rest(const struct rh_cross *c, const rh_real *phi, const struct rh_cross_rows *r,
                             rh_real *tape);
/* From ds[n]: adds to dphi, writes dx[0] and dx[1] (the latter only with a partner), [n x width[0]]. */
void rh_cross_back(const struct rh_cross *c, const rh_real *phi, const struct rh_cross_rows *r, const rh_real *tape,
                   const rh_real *ds, rh_real *dphi, rh_real *dx[2], rh_real *work);

#endif
