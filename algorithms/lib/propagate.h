/* The graph of users and items of a domain, and the product of its normalised adjacency with vectors of its nodes:
 *
 *     (A~ x)(u) = sum over items i of u of  x(i) / (sqrt(d(u)) sqrt(d(i))), and the same for items, over their users
 *
 * (He, Deng, Wang, Li, Zhang and Wang 2020, "LightGCN: simplifying and powering graph convolution network for
 * recommendation", SIGIR, eq. 3 and 7). Nodes: users 0 .. n_users - 1, then items; a node without edges gets 0. A~ is
 * symmetric, so what goes forward also carries gradients back.
 *
 * The least that has to be moved: for every edge and direction a row of each slice and the index of the neighbour, 2
 * nnz (4 E + 4 E / 16) bytes; the tables come from a cache where their slices fit (sliced.h). Rows are summed in the
 * order of their edges, whatever the number of threads. */
#ifndef RH_ALGORITHMS_PROPAGATE_H
#define RH_ALGORITHMS_PROPAGATE_H

#include "algorithms/lib/sliced.h"

struct rh_graph {
    int32_t n_users, n_items;
    const int64_t *row;      /* [n_users + 1] offsets of users into item */
    const int32_t *item;
    const int64_t *item_row; /* [n_items + 1] offsets of items into user */
    const int32_t *user;
    rh_real *scale;          /* [n_users + n_items] 1 / sqrt(degree); 0 of a node without edges */
};

/* The graph of the rows of `d`, which are borrowed. Memory 8 I + 4 nnz + 4 (U + I) bytes by alloc. */
int rh_graph_init(struct rh_ctx *ctx, struct rh_graph *g, const struct rh_domain *d, int32_t n_users);

/* Zeros into the rows of users without edges, of whom nothing can be learned. */
void rh_graph_forget(const struct rh_graph *g, const struct rh_slices *s, rh_real *x);

/* y = factor (add + A~ x) for tables of n_users + n_items rows. add: NULL: 0, or a table, which may be x or y. y may
 * not be x. */
int rh_graph_product(struct rh_ctx *ctx, const struct rh_graph *g, const struct rh_slices *s, const rh_real *x,
                     const rh_real *add, double factor, rh_real *y);

/* y = mean over l = 0 .. layers of A~^l x, in Horner's order: x + A~ (x + A~ (..)). spare: a table that is written;
 * after the call it holds, for layers >= 1, the sum over l = 0 .. layers - 1. */
int rh_graph_mean(struct rh_ctx *ctx, const struct rh_graph *g, const struct rh_slices *s, int32_t layers,
                  const rh_real *x, rh_real *spare, rh_real *y);

#endif
