/* A personal bridge: a matrix for each user, made from what the user did in the source, that carries the user's source
 * vector into the space of the target.
 *
 * Zhu, Tang, Liu, Zhuang, Xie, Zhang, Lin and He 2022, "Personalized transfer of user preferences for cross-domain
 * recommendation" (WSDM, PTUPCDR). With v_j the source vectors of the items of the user's history there,
 *
 *     e_j = attention(v_j),   a = softmax(e),   p = sum a_j v_j            characteristics, their eq. 3-4
 *     W = generator(p) as a matrix [d x d],     y = W s                    their eq. 5-6
 *
 * where attention is d -> d -> 1 and generator d -> meta -> d d, both with a hidden layer of relu. The vectors s, v_j
 * are given; what is learned are the two networks, phi = [attention][generator]. As everywhere in nn.h gradients ADD.
 *
 * Cost of a user with n items of history: 2 n d (d + 1) + 2 meta (d + d d) + 2 d d operations forward, twice that
 * back. */
#ifndef RH_ALGORITHMS_LIB_PERSONAL_H
#define RH_ALGORITHMS_LIB_PERSONAL_H

#include "algorithms/lib/mlp.h"

#include <rh/plugin.h>

struct rh_personal {
    struct rh_mlp attention, generator;
    int32_t d;
};
struct rh_personal rh_personal_make(int32_t d, int32_t meta);
int64_t rh_personal_size(const struct rh_personal *b); /* numbers in phi */
/* Both networks as rh_mlp_init does. */
void rh_personal_init(const struct rh_personal *b, struct rh_rng *r, rh_real *phi);

/* n users, of which each has a history of one item or more. */
struct rh_personal_users {
    int32_t n;
    const int64_t *first; /* [n + 1] where the histories begin, first[0] = 0 */
    const rh_real *v;     /* [first[n] x d] */
    const rh_real *s;     /* [n x d] */
};
/* Numbers of rh_real that `tape` must have. */
size_t rh_personal_tape(const struct rh_personal *b, int32_t n, int64_t n_history);
size_t rh_personal_work(const struct rh_personal *b, int32_t n, int64_t n_history);

/* y[n x d]; the tape keeps what the way back needs. */
void rh_personal_forward(const struct rh_personal *b, const rh_real *phi, const struct rh_personal_users *u,
                         rh_real *tape, rh_real *y);
/* From dy[n x d]: adds to dphi. */
void rh_personal_back(const struct rh_personal *b, const rh_real *phi, const struct rh_personal_users *u,
                      const rh_real *tape, const rh_real *dy, rh_real *dphi, rh_real *work);

#endif
