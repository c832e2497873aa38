/* Random walks of three steps: from a user to an item i of the history, on to one of the n(i) users of i, and on to one
 * of the n(u) items of that user. Probabilities are raised to the power alpha, the end j is damped by beta:
 *
 *     w(i, j) = sum over users of i and j of n(i)^-alpha n(u)^-alpha, by n(j)^beta
 *
 * Each i keeps its k largest weights, scaled to the sum 1 with `normalize`; then each j keeps the k largest of those
 * that reach it (as Ferrari Dacrema, Cremonesi and Jannach 2019 do). Of equal weights the lower index goes first. The
 * score of j is the sum of w(i, j) over the history. beta = 0: Cooper et al. 2014; beta > 0: Paudel et al. 2017.
 *
 * Time: fit see lib/neighbors.h; a query: n_items + |history| k. Memory: 24 k bytes an item. */
#ifndef RH_ALGORITHMS_WALKS_H
#define RH_ALGORITHMS_WALKS_H

#include "algorithms/lib/neighbors.h"

struct rh_walks_params {
    int64_t neighbors;
    double alpha, beta;
    bool normalize;
};

/* Takes zeroed s. RH_ENOMEM, RH_ECANCEL. */
int rh_walks_fit(struct rh_ctx *ctx, const struct rh_walks_params *p, const struct rh_train *train,
                 struct rh_neighbor_model *s);

#endif
