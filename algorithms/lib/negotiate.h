/* Weights that several domains share, and what one of them, the target, adds: two outer loops over any training.
 *
 * Luo, Li, Gao, Tang, Wang, Li, Zhu, Zhang and Zhang 2023, "MAMDR: a model agnostic learning framework for multi-domain
 * recommendation" (ICDE). The model of the target is w = shared + specific.
 *
 *   domain negotiation (their algorithm 1)      w := shared; trained on one domain after the other, in random order;
 *                                               shared += rate (w - shared)
 *   domain regularisation (their algorithm 2)   for each of some helper domains: w := shared + specific; trained on the
 *                                               helper, then on the target; specific += rate (w - shared - specific)
 *
 * To walk through the domains in turn and go a part of the way favours directions in which their gradients agree, as
 * Reptile's does for tasks (Nichol, Achiam and Schulman 2018); to look ahead from a helper to the target takes of the
 * helper what helps the target. `train` says how a domain is learned from; nothing here knows the model. */
#ifndef RH_ALGORITHMS_LIB_NEGOTIATE_H
#define RH_ALGORITHMS_LIB_NEGOTIATE_H

#include "algorithms/lib/nn.h"

#include <rh/plugin.h>

#define RH_NEGOTIATE_PARTS 4
struct rh_negotiate {
    int32_t n_parts;
    struct {
        const char *name; /* in files */
        int64_t n;
        rh_real *w;                 /* [n] the weights that training moves */
        rh_real *shared, *specific; /* [n] */
    } part[RH_NEGOTIATE_PARTS];
};

/* Adds a part of n weights; memory by alloc. shared becomes w, specific 0. */
int rh_negotiate_add(struct rh_ctx *ctx, struct rh_negotiate *g, const char *name, rh_real *w, int64_t n);

/* Moves w by what is learned from this domain. *loss: mean over the rows. */
typedef int rh_train_fn(struct rh_ctx *ctx, void *arg, int32_t domain, double *loss);

/* Negotiation over domains order[n]; *loss: the mean of theirs. Leaves w as the last domain left it. */
int rh_negotiate_shared(struct rh_ctx *ctx, struct rh_negotiate *g, const int32_t *order, int32_t n, rh_real rate,
                        rh_train_fn *train, void *arg, double *loss);
/* Regularisation by helper[n]; target_loss[n]: of the target after each of them. */
int rh_negotiate_specific(struct rh_ctx *ctx, struct rh_negotiate *g, int32_t target, const int32_t *helper, int32_t n,
                          rh_real rate, rh_train_fn *train, void *arg, double *target_loss);
/* w := shared + specific, what the target is served from. */
void rh_negotiate_merge(struct rh_negotiate *g);

/* The part of persist that training on needs; without the parts that `leave` names (NULL: with all). */
int rh_negotiate_persist(struct rh_ctx *ctx, struct rh_negotiate *g, const char *leave);

#endif
