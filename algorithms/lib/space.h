/* Metric learning from who has what: users and items of a domain as points of one unit ball, an item that a user has
 * nearer to them than one they have not.
 *
 * Hsieh, Yang, Cui, Lin, Belongie and Estrin 2017, "Collaborative metric learning" (WWW), as Kang et al. 2019 (sscdr)
 * take it, without weights by rank and without covariance. For a user u, an item i of theirs and another one j
 *
 *     max(0, margin + |u - i|^2 - |u - j|^2)
 *
 * by a step a triple, after which each of the three that has left the ball is put back on its surface. j is the nearest
 * to u of `others` drawn items. Cost of a pass over n rows: n d (8 + 2 others) operations. The same numbers on any
 * number of threads (pairs.h). */
#ifndef RH_ALGORITHMS_LIB_SPACE_H
#define RH_ALGORITHMS_LIB_SPACE_H

#include "algorithms/lib/factors.h"
#include "algorithms/lib/pairs.h"

struct rh_space {
    int32_t n_users, n_items, factors, width;
    int32_t others; /* drawn a triple, 1 .. */
    float rate, margin;
    float *user, *item; /* [n x width]; users without rows lie in the middle, at 0 */
    struct rh_pairs pairs;
};

/* What random points are like: their elements are normal with this standard deviation. */
#define RH_SPACE_SPREAD 0.1

/* Sizes, without points: enough to load some. */
void rh_space_open(struct rh_space *m, int32_t n_users, int32_t n_items, int64_t factors);
/* Random points of the streams "WHO users" and "WHO items"; rate, margin and others are set. The rows of `d` are
 * borrowed. RH_EDATA: nobody has some items and not all. */
int rh_space_start(struct rh_ctx *ctx, struct rh_space *m, const struct rh_domain *d, const char *who);
/* One pass; `number` names its random streams. *loss: mean over the triples. RH_ENUMERIC: diverged. */
int rh_space_pass(struct rh_ctx *ctx, struct rh_space *m, int32_t number, double *loss);
/* The part of persist: the points, in fields "WHO users" and "WHO items". */
int rh_space_persist(struct rh_ctx *ctx, struct rh_space *m, const char *who);

/* x[width], with zeros for padding, back onto the unit ball where it is outside. */
static inline __attribute__((always_inline)) void rh_ball(float *x, int32_t width)
{
    float n = rh_factor_dot(x, x, width);
    if (n <= 1)
        return;
    float scale = 1 / sqrtf(n);
    for (int32_t f = 0; f < width; f++)
        x[f] *= scale;
}

/* Means over neighbours in the graph of who has what: out[r] = ball(own[r] + mean over e in [row[r], row[r + 1]) of
 * other[col[e]]) for rows [0, n); a row without neighbours stays as it is. All rows [.. x width]. */
int rh_space_gather(struct rh_ctx *ctx, int32_t n, const int64_t *row, const int32_t *col, const float *own,
                     const float *other, int32_t width, float *out);

#endif
