/* Layers of several graphs that share users: each propagates by itself, then a user's vectors in all of them meet.
 *
 * Liu, Li, Li and Pan 2020, "Cross domain recommendation via bi-directional transfer graph collaborative filtering
 * networks" (CIKM). In layers k = 1 .. K every domain propagates (their feature propagation; A~ is that of
 * propagate.h, * goes element by element),
 *
 *     h <- h + A~ h + h * A~ h,     h = x at first,
 *
 * and then the users transfer (their feature transfer), with a matrix a user, to and from domains,
 *
 *     h(u, d) <- sum over e of mix(u, d, e) h(u, e)
 *
 * The vector f of a node is x and h / |h| of all layers, side by side or their mean. */
#ifndef RH_ALGORITHMS_EXCHANGE_H
#define RH_ALGORITHMS_EXCHANGE_H

#include "algorithms/lib/propagate.h"

enum rh_exchange_join { RH_JOIN_CONCAT, RH_JOIN_MEAN };

struct rh_exchange_domain {
    struct rh_graph graph;
    struct rh_slices shape; /* of x: users, then items */
    rh_real *x;
};

struct rh_exchange {
    int32_t n_users, n_domains, layers, slices; /* slices: of x */
    enum rh_exchange_join join;
    struct rh_exchange_domain *domain; /* [n_domains] */
    rh_real *mix;                      /* [n_users x n_domains x n_domains] to, from */
};

/* Tables of a domain while steps are made. */
struct rh_exchange_tables {
    rh_real **h, **s;          /* [layers] h after layer k + 1, and A~ h before it */
    rh_real *f, *g;            /* of shape `joint`: vectors of the nodes, and the gradient by them */
    rh_real *dh, *next, *dsum; /* gradients: by h after a layer; by h before it, but for A~; by A~ h */
    struct rh_slices joint;
};

/* Parts of f: vectors side by side. */
static inline int32_t rh_exchange_parts(const struct rh_exchange *x)
{
    return x->join == RH_JOIN_CONCAT ? x->layers + 1 : 1;
}

/* The mixture of a user with n[d] interactions in domain d, to[n_domains x n_domains], where a domain keeps a share
 * lambda[d] of its own vector h(d):
 *
 *     h(d) <- 1/2 [ lambda(d) h(d) + (1 - lambda(d)) o(d)  +  sum over e of n(e) h(e) / sum over e of n(e) ]
 *
 * o(d): the mean of the user's vectors in the other domains, weighted by n. With two domains it is the layer of the
 * paper; of more, every two meet. A domain takes nothing from where the user has nothing, and where there are no
 * others the user keeps h. */
void rh_exchange_mix(int32_t n_domains, const double *lambda, const int64_t *n, rh_real *to);

/* Tables for all domains, in scratch memory. RH_ENOMEM. */
int rh_exchange_tables(struct rh_ctx *ctx, const struct rh_exchange *x, struct rh_exchange_tables **t);

/* The place of the vectors after layer `layer` (0: x) in f, as a slice, and their share in it. */
int64_t rh_exchange_place(const struct rh_exchange *x, int32_t layer, rh_real *share);

/* f (and h, s on the way) from x. */
int rh_exchange_forward(struct rh_ctx *ctx, const struct rh_exchange *x, struct rh_exchange_tables *t);
/* dh: the gradient by x, from g; g is zeroed. After rh_exchange_forward on the same x. */
int rh_exchange_back(struct rh_ctx *ctx, const struct rh_exchange *x, struct rh_exchange_tables *t);

/* 1 / |x| of a sum of squares; 0 of a vector without direction, which has no derivative either. */
static inline rh_real rh_exchange_scale(rh_real square)
{
    return square > (rh_real)1e-24 ? 1 / rh_real_sqrt(square) : 0;
}

#endif
