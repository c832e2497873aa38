/* The feature extractor G and the scoring head over it, for pairs of a user vector p and an item vector t.
 *
 *     a = Wp p + Wt t + b        h = act(a)                    Wp, Wt [H x E], b [H]
 *     G(p, t) = [ h ; p * t ; t ]                              [H + 2E]; '*' element by element
 *     s = w1 . h + w2 . (p * t) + w3 . t + c                   the head
 *
 * The hidden layer and the product side by side are NeuMF's fusion (He et al. 2017, "Neural collaborative
 * filtering"); w3 is the taste of a user without history. All weights lie in one vector phi, so that meta-learning
 * can treat them as a point.
 *
 * Cost: s is not computed pair by pair with matrix products. A = P Wp^T + b (rows: users) and B = T Wt^T (rows:
 * items) are two products of small matrices; with q = p * w2 + w3 a pair is then H + E multiply-adds, s = w1 .
 * act(A_k + B_i) + q_k . t_i + c. The backward pass gathers the gradients of A, q, B, T the same way and ends in two
 * products.
 *
 * Letters: E width of p and t, H hidden units, n rows (one user vector and its liked item each), m items a row. */
#ifndef RH_ALGORITHMS_LIB_NET_H
#define RH_ALGORITHMS_LIB_NET_H

#include "algorithms/lib/nn.h"

#include <rh/plugin.h>

struct rh_net {
    int32_t E, H;
    enum rh_activation act;
    enum rh_loss loss;
};

/* Where the parts of phi are: [wp H*E][wt H*E][b H] are the layer, [w1 H][w2 E][w3 E][c 1] the head. */
static inline int64_t rh_net_layer_size(const struct rh_net *n)
{
    return 2 * (int64_t)n->H * n->E + n->H;
}
static inline int64_t rh_net_size(const struct rh_net *n)
{
    return rh_net_layer_size(n) + n->H + 2 * (int64_t)n->E + 1;
}
static inline int32_t rh_net_represented(const struct rh_net *n)
{
    return n->H + 2 * n->E; /* width of G(p, t) */
}
struct rh_net_parts {
    rh_real *wp, *wt, *b, *w1, *w2, *w3, *c;
};
struct rh_net_parts rh_net_parts(const struct rh_net *n, rh_real *phi);

/* Random layer (Glorot and Bengio 2010), random w1, w2 = 1: an untrained net already likes what is near the history.
 */
void rh_net_init(const struct rh_net *n, struct rh_rng *r, rh_real *phi);

/* --------------------------------------------------------------------------------------------- the two sides */

/* a[n x H] = P Wp^T + b, q[n x E] = P * w2 + w3. */
void rh_net_users(const struct rh_net *net, const rh_real *phi, int32_t n, const rh_real *p, rh_real *a, rh_real *q);
/* From the gradients da[n x H] and dq[n x E]: adds to dphi (may be NULL) and dp[n x E] (may be NULL). */
void rh_net_users_back(const struct rh_net *net, const rh_real *phi, int32_t n, const rh_real *p, const rh_real *da,
                       const rh_real *dq, rh_real *dphi, rh_real *dp);
/* b[n x H] = T Wt^T. */
void rh_net_items(const struct rh_net *net, const rh_real *phi, int32_t n, const rh_real *t, rh_real *b);
/* From db[n x H]: adds to dphi (may be NULL) and dt[n x E] (may be NULL). */
void rh_net_items_back(const struct rh_net *net, const rh_real *phi, int32_t n, const rh_real *t, const rh_real *db,
                       rh_real *dphi, rh_real *dt);

/* ----------------------------------------------------------------------------------------------------- pairs */

#define RH_NET_ITEMS 64 /* m at most */

/* What a teacher says of the same rows: the loss of a row is (1 - share) of its own plus share of rh_nn_distill. */
struct rh_lesson {
    const rh_real *score; /* [n x m] */
    rh_real share, temperature;
};

/* n rows; slot[n x m]: rows of T and B; the first of a row is the liked item, -1 stands for no item. A row without a
 * sampled item counts for nothing. */
struct rh_net_rows {
    int32_t n, m;
    const int32_t *slot;
    const rh_real *weight;          /* [n] of each row in the loss, or NULL: 1 / n */
    const struct rh_lesson *lesson; /* NULL: none; second derivatives know of none */
};
struct rh_sides { /* a, q of the rows, t, b of the slots, as made above; or their gradients */
    rh_real *a, *q, *t, *b;
};

/* Weighted loss of the pairs. When `d` is not NULL adds the gradients by the sides to it, and those by w1 and c to
 * dphi. `work` has room for m * H. */
double rh_net_pairs(const struct rh_net *net, const rh_real *phi, const struct rh_net_rows *pairs,
                    const struct rh_sides *sides, struct rh_sides *d, rh_real *dphi, rh_real *work);

/* score[n x m] of the pairs; 0 where there is no item. `work` has room for H. */
void rh_net_scores(const struct rh_net *net, const rh_real *phi, const struct rh_net_rows *pairs,
                   const struct rh_sides *sides, rh_real *score, rh_real *work);

/* out[n x (H + 2E)]: G of n pairs (row of the users' side, slot of the items' side). */
void rh_net_represent(const struct rh_net *net, int32_t n, const int32_t *row, const int32_t *slot, const rh_real *p,
                      const struct rh_sides *sides, rh_real *out);
/* From dout, the gradient by G of the same pairs: adds to d->a, d->t, d->b and dp. */
void rh_net_represent_back(const struct rh_net *net, int32_t n, const int32_t *row, const int32_t *slot,
                           const rh_real *p, const struct rh_sides *sides, const rh_real *out, const rh_real *dout,
                           struct rh_sides *d, rh_real *dp);

/* -------------------------------------------------------------------------- a closed set of pairs, second order */

/* Pairs with their own user and item vectors. */
struct rh_net_set {
    struct rh_net_rows pairs;
    int32_t n_slots;
    const rh_real *p; /* [n x E] */
    const rh_real *t; /* [n_slots x E] */
};
/* Numbers of rh_real that `work` must have for sets of up to n rows and n_slots slots. */
size_t rh_net_work(const struct rh_net *net, int32_t n, int32_t n_slots);

/* The loss of the set. Adds to dphi, dp[n x E], dt[n_slots x E]; each may be NULL. */
double rh_net_gradient(const struct rh_net *net, const rh_real *phi, const struct rh_net_set *set, rh_real *dphi,
                       rh_real *dp, rh_real *dt, rh_real *work);
/* Along the direction v of phi: adds scale * (d/de) of the gradients by phi, p and t at phi + e v. The first is a
 * Hessian-vector product, the others mixed second derivatives. Each may be NULL. */
void rh_net_gradient_r(const struct rh_net *net, const rh_real *phi, const rh_real *v, const struct rh_net_set *set,
                       rh_real scale, rh_real *rdphi, rh_real *rdp, rh_real *rdt, rh_real *work);

#endif
