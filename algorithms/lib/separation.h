/* What belongs to both domains apart from what belongs to one: the losses of domain separation networks.
 *
 * Bousmalis, Trigeorgis, Silberman, Krishnan and Erhan 2016, "Domain separation networks" (NIPS). A row has a shared
 * encoding c, made elsewhere by one encoder for both domains, and a private encoding p = E_d(y), made here by the
 * encoder of its side d from the row's description y; a decoder D, one for both sides, is to find y in c + p:
 *
 *     L_recon = sum over sides of the mean over rows of
 *               |y - D(c + p)|^2 / Y - (1' (y - D(c + p)))^2 / Y^2                                    eq. 3 and 4
 *     L_diff  = sum over sides of |C' P|_F^2 / n^2                                                    eq. 5
 *
 * The first, the scale-invariant error of Eigen, Puhrsch and Fergus 2014, forgives a shift of all numbers of a row;
 * what is a domain's own has to be kept somewhere, so that the shared encoding may forget it. The second is 0 where
 * shared encodings C [n x E] and private ones P do not go together: rows are centred over the side and scaled to
 * length 1, as in the authors' program (their paper has C and P as they are, which shrinking them would satisfy), and
 * it is divided by n^2, so that it lies in [0, 1] whatever n is. The third, of similarity, is in align.h and game.h.
 *
 * E_d and D are stacks of two layers (mlp.h) with hidden units of tanh. All weights are in one vector phi: [E of the
 * sources][E of the target][D]; more than one source share an encoder. Gradients add, nothing is drawn, nothing fails;
 * rh_real and one thread, as in nn.h. Cost of 2 n rows: 12 n U (Y + E) operations a stack, 12 n E^2 for the
 * difference. */
#ifndef RH_ALGORITHMS_LIB_SEPARATION_H
#define RH_ALGORITHMS_LIB_SEPARATION_H

#include "algorithms/lib/mlp.h"

/* Scale-invariant squared error of guess[n x d] for x[n x d], a mean over rows. Adds weight times its gradient
 * to dguess. */
double rh_simse(int32_t n, int32_t d, const rh_real *x, const rh_real *guess, rh_real weight, rh_real *dguess);

/* |C' P|_F^2 / n^2 of c[n x d] and p[n x d] with rows centred and scaled. Adds weight times its gradients to dc and dp.
 * A row that is the mean counts for nothing. work: rh_difference_work numbers. */
double rh_difference(int32_t n, int32_t d, const rh_real *c, const rh_real *p, rh_real weight, rh_real *dc,
                     rh_real *dp, rh_real *work);
static inline size_t rh_difference_work(int32_t n, int32_t d)
{
    return 3 * (size_t)n * (size_t)d + 2 * (size_t)n + (size_t)d * (size_t)d + (size_t)d;
}

struct rh_separation {
    int32_t E, Y;                   /* numbers of an encoding, of a description */
    struct rh_mlp encoder, decoder; /* Y -> U -> E, E -> U -> Y */
};
/* U hidden units. */
struct rh_separation rh_separation(int32_t E, int32_t Y, int32_t U);
int64_t rh_separation_size(const struct rh_separation *s); /* numbers in phi */
void rh_separation_init(const struct rh_separation *s, struct rh_rng *r, rh_real *phi);
size_t rh_separation_work(const struct rh_separation *s, int32_t n);

struct rh_separation_losses {
    double reconstruction, difference;
};
/* Of c[2n x E] and y[2n x Y], n rows of the sources, then n of the target. Adds alpha times the gradient of the one
 * and beta times that of the other to dphi and dc[2n x E]. work: rh_separation_work numbers. */
struct rh_separation_losses rh_separate(const struct rh_separation *s, const rh_real *phi, int32_t n,
                                        const rh_real *c, const rh_real *y, rh_real alpha, rh_real beta,
                                        rh_real *dphi, rh_real *dc, rh_real *work);

#endif
