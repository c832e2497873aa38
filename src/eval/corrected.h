/* What sampled negatives say about the full ranking: the corrected estimate.
 *
 * An item of rank r among N items that are not relevant, ranked against m of them drawn without replacement, gets the
 * rank s = 1 + X, X hypergeometric: P(X = i) = C(r-1, i) C(N-r+1, m-i) / C(N, m). A metric f of s is not a metric of r,
 * and does not even keep the order of algorithms in expectation. Krichene and Rendle ("On sampled metrics for item
 * recommendation", KDD 2020; Communications of the ACM 65(7), 2022) therefore average another function g of s: the one
 * that minimises, over ranks r = 1 .. N + 1 that are equally likely beforehand,
 *
 *     mean over r of (E[g(s) | r] - f(r))^2 + gamma Var[g(s) | r]          (their bias-variance trade-off, gamma = 0.1)
 *
 * With A[r][s] = P(s | r) and c[s] = sum over r of A[r][s] that is g = ((1 - gamma) A'A + gamma diag(c))^-1 A'f. The
 * paper draws with replacement, so its P is binomial; all else is as there.
 *
 * A query with several relevant items counts each alone, against the negatives, and takes the mean: so for one relevant
 * item the estimate is of the metric itself, for several of the mean of f over their ranks. It is defined for ndcg,
 * recall, precision, hit, mrr and map in their default variants, whose f are 1 / log2(r + 1), 1, 1 / k, 1, 1 / r, 1 / r
 * up to the cut-off; auc is linear in r, so that its sampled value needs no correction; and for uniform negatives. */
#ifndef RH_EVAL_CORRECTED_H
#define RH_EVAL_CORRECTED_H

#include "eval/evaluate.h"

#define RH_MOST_CORRECTED 2000 /* negatives; a system of so many equations is solved for each number of items */

/* f(rank) of a metric in use; NaN where the correction is not defined. */
double rh_judged_alone(const struct rh_metric_use *use, int32_t rank);

/* g for each of n_f functions f: f[j][r - 1] in, g[j][s - 1] out, [pool + 1] and [drawn + 1] long; 1 <= drawn <= pool.
 * Time O(pool drawn^2). RH_ENOMEM. */
int rh_corrected_functions(int32_t pool, int32_t drawn, double gamma, int32_t n_f, const double *const *f,
                           double *const *g, struct rh_error *err);

/* The functions of a problem, for each number of items that negatives were drawn from. */
struct rh_correction {
    const struct rh_sampled *sampled;
    int32_t n;            /* metrics that are corrected */
    const int32_t *use;   /* [n] which */
    const double **g;     /* [n_queries] functions of a query: [n x (drawn + 1)] */
};

/* In the arena. `out->n` is 0 when nothing can be corrected: negatives by popularity, too many of them, no such metric.
 */
int rh_correction_make(struct rh_arena *a, const struct rh_problem *p, const struct rh_metric_use *use, int32_t n_use,
                       int threads, struct rh_correction *out, struct rh_error *err);

/* A scorer that passes on what another one says about sampled queries and takes the estimates on the way. */
struct rh_corrected {
    const struct rh_correction *correction;
    const struct rh_scorer *inner;
    double relevant_from;
    double nothing; /* what a query without a relevant candidate gets: NaN, or 0 by policy */
    double *value;  /* [correction->n x n_queries] the caller's */
    int32_t relevant_best;
};
struct rh_scorer rh_corrected_scorer(struct rh_corrected *c);

#endif
