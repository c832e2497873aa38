/* Memory-augmented meta-optimisation (Dong, Yuan, Yao, Xu, Zhu 2020, "MAMO", KDD): a rating predictor whose start is
 * another for each user, read from memories that past users wrote.
 *
 * The network f(p_u, p_i; theta) of the profiles p_u [U] and p_i [I], the user's and the item's part of a row:
 *
 *     e_u = user(p_u)    e_i = item(p_i)    r = head(M [e_u; e_i])
 *     user: U -> H -> E, item: I -> H -> E, each with ReLU behind both layers; M [2E x 2E], the task memory, no bias;
 *     head: 2E -> E -> 1, ReLU between;    theta = [ user | item | head | M ] as layers of mlp.h
 *
 * Memories of K slots: profiles MP [K x U], gradients MU [K x size of user], preferences MUI [K x 2E x 2E]. Reading:
 *
 *     a = softmax of cos(p_u, MP_k)      theta_user = phi_user - tau sum_k a_k MU_k      M = sum_k a_k MUI_k
 *
 * and the item and head of theta are phi's. The inner loop takes `steps` steps theta -= rate grad L(support), L the
 * mean squared error, over all of theta. The gradient of the outer loop is that of L(query) at the adapted theta (first
 * order: as published, where adapted weights are copied). Then the user is written into the memories, v being p_u,
 * the gradient of L(query) by the user's layers, and the adapted M, and c alpha, beta and gamma:
 *
 *     attended: slot_k = (1 - c a_k) slot_k + c a_k v     as printed: slot_k = (1 - c) slot_k + c a_k v
 *
 * As printed every write keeps the share 1 - c of a slot and brings c a_k < c of something of its size, so that
 * what is read fades towards nothing, a_k being about 1 / K: the preferences are zero after some dozens of users. The
 * attended write weighs both sides alike, which keeps a slot an average.
 *
 * With K = 0 there is no memory: M is a layer as any other, phi = [ user | item | head | M ]: the twin. Where users
 * have no contents U is 1, and p_u is to be the number 1.
 *
 * Cost of a row: 4 S operations there and back over its item's half, S the numbers in theta; a user adds a row of
 * `user`, and 2 S for each step. */
#ifndef RH_ALGORITHMS_LIB_MEMORIES_H
#define RH_ALGORITHMS_LIB_MEMORIES_H

#include "algorithms/lib/mlp.h"

struct rh_memories {
    int32_t U, I, E;
    struct rh_mlp user, item, head, task; /* task: M */
    int32_t slots, steps;
    double rate, tau, alpha, beta, gamma;
    bool printed;
    rh_real *profile;    /* [slots x U] */
    rh_real *gradient;   /* [slots x size of user] */
    rh_real *preference; /* [slots x 2E x 2E] */
};

/* Shapes: of items' parts I and users' parts U (0: of nothing), hidden units H, vectors E. */
void rh_memories_shape(struct rh_memories *m, int32_t U, int32_t I, int32_t H, int32_t E);
int64_t rh_memories_theta(const struct rh_memories *m); /* numbers in theta */
int64_t rh_memories_phi(const struct rh_memories *m);   /* numbers in phi, which theta begins with */
int64_t rh_memories_user(const struct rh_memories *m);  /* numbers in the part of `user`, which comes first in both */

/* n rows of one user; the item's part comes first in x, whose width is I where users have no contents. */
struct rh_memories_set {
    int32_t n, width;
    const rh_real *profile, *x, *rating; /* [U], [n x width], [n] */
};

/* a[slots], positive, with sum 1. */
void rh_memories_attend(const struct rh_memories *m, const rh_real *profile, rh_real *a);
/* theta of a user who attends so. */
void rh_memories_read(const struct rh_memories *m, const rh_real *phi, const rh_real *a, rh_real *theta);

size_t rh_memories_work(const struct rh_memories *m, int32_t n); /* numbers in `work` for n rows */
/* Predictions [n], in `work`. */
const rh_real *rh_memories_predict(const struct rh_memories *m, const rh_real *theta,
                                   const struct rh_memories_set *set, rh_real *work);
/* L of the set; adds its gradients to dtheta and to dx[n x width], where the user's part goes to the first row (dx
 * NULL: not wanted). n is at least 1. */
double rh_memories_loss(const struct rh_memories *m, const rh_real *theta, const struct rh_memories_set *set,
                        rh_real *dtheta, rh_real *dx, rh_real *work);
/* The inner loop, in place. room[size of theta]. Without rows nothing moves. */
void rh_memories_adapt(const struct rh_memories *m, rh_real *theta, const struct rh_memories_set *support,
                       rh_real *room, rh_real *work);
/* Writes a user: the adapted theta and the gradient of its part `user` by the query set. */
void rh_memories_write(struct rh_memories *m, const rh_real *profile, const rh_real *a, const rh_real *theta,
                       const rh_real *gradient);

#endif
