/* A map between two spaces whose distances mean something, learned from what is in both and from what is in one alone.
 *
 * Kang, Hwang, Lee and Yu 2019, "Semi-supervised learning for cross-domain recommendation to cold-start users" (CIKM).
 * With x, t the vectors of a shared user in the source and in the target, and l, o source items that they have and
 * have not, the loss of n users is, with [z]+ = max(0, z),
 *
 *     1/n sum of |f(x) - t|^2 + weight [margin + |t - f(l)|^2 - |t - f(o)|^2]+
 *
 * the first part supervised, the second without: no item has a place in the target, but all keep theirs about the
 * users. Gradients ADD. rh_real, one thread. */
#ifndef RH_ALGORITHMS_LIB_SPACE_MAP_H
#define RH_ALGORITHMS_LIB_SPACE_MAP_H

#include "algorithms/lib/mlp.h"

struct rh_space_map {
    struct rh_mlp net; /* f, d -> .. -> d */
    rh_real margin, weight;
};
/* n users; in[3n x d] has their x, then their l, then their o. */
struct rh_space_rows {
    int32_t n;
    const rh_real *in;
    const rh_real *t; /* [n x d] */
};
size_t rh_space_map_room(const struct rh_space_map *m, int32_t n); /* numbers in `room` for n users */
/* Adds `share` times the gradient of the sum over the users to dphi; returns the sum. With share = 1/n: of the mean. */
double rh_space_map(const struct rh_space_map *m, const rh_real *phi, const struct rh_space_rows *rows,
                     rh_real share, rh_real *dphi, rh_real *room);

#endif
