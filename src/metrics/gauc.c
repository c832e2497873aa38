/* Group AUC: the AUC of each query, weighted. */
#include "metrics/ties.h"

static struct rh_share share(const struct rh_ranked *r, const struct rh_metric_use *use)
{
    if (r->n_candidates == r->n_relevant)
        return (struct rh_share){ 0, 0 };
    double weight = use->variant[0] ? r->n_candidates : r->n_relevant;
    return (struct rh_share){ weight * rh_pairs_won(r), weight };
}

const struct rh_metric rh_metric_gauc = {
    .name = "gauc",
    .summary = "AUC of each query, weighted by its size",
    .formula = "(sum over queries of w * auc) / (sum of w), w = R (weight=relevant) or N (weight=candidates); "
               "queries "
               "with R = N count nothing",
    .reference = "Zhou et al. 2018 (Deep Interest Network), after Zhu et al. 2017; weight=relevant as in RecBole",
    .min = 0,
    .max = 1,
    .variant =
        (const struct rh_metric_variant[]){
            { "weight",
              (const struct rh_choice[]){ { "relevant", 0, "the number of relevant items" },
                                          { "candidates", 1, "the number of candidates (impressions)" },
                                          { NULL, 0, NULL } } },
            { "ties", rh_ties_mean },
            { NULL, NULL },
        },
    .share = share,
};
