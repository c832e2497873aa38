/* What several metrics share: cut-offs and expectations over random tie order. */
#ifndef RH_METRICS_TIES_H
#define RH_METRICS_TIES_H

#include "metrics/catalogue.h"

/* A cut-off of 0 is none. */
static inline int32_t rh_cut(int32_t k)
{
    return k > 0 ? k : INT32_MAX;
}

/* Ranks of the group that lie within the cut-off: 0 .. size. */
static inline int32_t rh_ranks_inside(const struct rh_tie_group *g, int32_t k)
{
    int32_t inside = k - g->above;
    return inside <= 0 ? 0 : inside < g->size ? inside : g->size;
}

/* Expected number of relevant candidates among the first k (k > 0). Each rank of a tie group holds a relevant one
 * with probability relevant / size (McSherry and Najork 2008). */
double rh_expected_hits(const struct rh_ranked *r, int32_t k);

/* AUC of one query that has others than relevant candidates. */
double rh_pairs_won(const struct rh_ranked *r);

/* Ranks of the groups and what the relevant items gain, in a variant: what nDCG and DCG are made of. The table of
 * variants begins with "gain" and goes on with what the metric adds. */
enum rh_gain { RH_GAIN_BIN, RH_GAIN_EXP, RH_GAIN_LINEAR, RH_GAIN_ABOVE };
enum rh_discount { RH_DISCOUNT_LOG2, RH_DISCOUNT_LATE };
extern const struct rh_choice rh_gains[], rh_discounts[];

/* Expected discounted gain of the first k ranks (k > 0); that of the best order of the first k. */
double rh_expected_dcg(const struct rh_ranked *r, int32_t k, int32_t gain, int32_t discount);
double rh_ideal_dcg(const struct rh_ranked *r, int32_t k, int32_t gain, int32_t discount);

#endif
