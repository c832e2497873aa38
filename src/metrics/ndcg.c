/* Normalised discounted cumulative gain with binary gain. */
#include "metrics/ties.h"

static struct rh_share share(const struct rh_ranked *r, int32_t k)
{
    const double *sum = r->sums->discount;
    double dcg = 0;
    k = rh_cut(k);
    for (int32_t i = 0; i < r->n_groups; i++) {
        const struct rh_tie_group *g = &r->group[i];
        int32_t inside = rh_ranks_inside(g, k);
        if (inside == 0)
            break;
        /* One rank: the term itself. Deep in the list a difference of sums would lose digits; and added in the order
         * of the sums, the terms of a perfect ranking make its ideal to the last bit. */
        if (g->size == 1)
            dcg += 1.0 / log2((double)g->above + 2.0);
        else
            dcg += (sum[g->above + inside] - sum[g->above]) * g->relevant / g->size;
    }
    double ideal = sum[r->n_relevant < k ? r->n_relevant : k];
    return (struct rh_share){ fmin(dcg / ideal, 1.0), 1 }; /* fmin: rounding alone may pass 1 */
}

const struct rh_metric rh_metric_ndcg = {
    .name = "ndcg",
    .definition = "ndcg@k/gain=bin/discount=log2/ideal=min/ties=mean",
    .summary = "discounted gain of the first k, relative to the best order",
    .formula = "DCG / IDCG, DCG = sum over ranks i = 1..k of rel(i) / log2(i + 1), "
               "IDCG = sum over i = 1..min(R, k) of 1 / log2(i + 1)",
    .reference = "Jarvelin and Kekalainen 2002, with the discount of Burges et al. 2005",
    .flags = RH_M_AT_K | RH_M_ALL,
    .min = 0,
    .max = 1,
    .share = share,
};
