/* Distances between two samples of vectors, with their gradients: how far apart are the representations of two
 * domains?
 *
 *     coral   |C_s - C_t|_F^2 / (4 d^2), C the sample covariances
 *             Sun and Saenko 2016, "Deep CORAL: correlation alignment for deep domain adaptation", eq. 1 to 5
 *     mmd     the squared maximum mean discrepancy of a mean of Gaussian kernels
 *             k(x, y) = mean over u of exp(-|x - y|^2 / (2^u b)),  u = -floor(K / 2) .. floor((K - 1) / 2),
 *             Gretton et al. 2012, "A kernel two-sample test"; for networks: Long et al. 2015, "Learning transferable
 *             features with deep adaptation networks" (DAN), whose weights of kernels by a quadratic programme are
 *             all 1 / K here. b, the bandwidth, is the median squared distance of the samples, and
 *             no gradient goes through it.
 *       quadratic   mean k(s, s') + mean k(t, t') - 2 mean k(s, t) over all pairs: Gretton et al., eq. 5 (biased,
 *                   never negative); O(n^2 d)
 *       linear      mean over i < h of k(s, s') + k(t, t') - k(s, t') - k(s', t) with s, s' = s_i, s_i+h and t
 *                   likewise: Gretton et al., section 6; Long et al., eq. 5 (unbiased, noisy); O(n d). h is n / 2,
 *                   less one when that is odd: where two kinds of rows stand in turn, rows of one kind meet
 *
 * g[2n x d] holds n rows of the one sample, then n of the other. Gradients add, nothing is drawn, nothing fails: n <
 * 2, and samples that coincide in one point, have distance 0. rh_real, and one thread, as in nn.h. */
#ifndef RH_ALGORITHMS_LIB_ALIGN_H
#define RH_ALGORITHMS_LIB_ALIGN_H

#include "algorithms/lib/nn.h"

#include <stddef.h>

/* Returns the distance; adds weight times its gradient to dg[2n x d]. work: rh_coral_work numbers. */
double rh_coral(int32_t n, int32_t d, const rh_real *g, rh_real weight, rh_real *dg, rh_real *work);
static inline size_t rh_coral_work(int32_t n, int32_t d)
{
    return 2 * (size_t)n * (size_t)d + (size_t)d * (size_t)d;
}

#define RH_MMD_KERNELS 15 /* at most */
struct rh_mmd {
    int32_t kernels; /* K, 1 .. RH_MMD_KERNELS */
    bool linear;
};
/* Returns the discrepancy; adds weight times its gradient to dg[2n x d]. *bandwidth is used when it is above 0;
 * otherwise it becomes the median of the squared distances, of different rows, that the estimator looks at. Where
 * that is 0 (rows that are all alike), so are discrepancy and gradient. work: rh_mmd_work numbers. */
double rh_mmd(const struct rh_mmd *m, int32_t n, int32_t d, const rh_real *g, double *bandwidth, rh_real weight,
              rh_real *dg, rh_real *work);
size_t rh_mmd_work(const struct rh_mmd *m, int32_t n, int32_t d);

#endif
