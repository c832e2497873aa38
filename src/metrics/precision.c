/* Precision: how much of the first k is relevant. */
#include "metrics/ties.h"

static struct rh_share share(const struct rh_ranked *r, const struct rh_metric_use *use)
{
    int32_t of = use->variant[0] && r->n_candidates < use->k ? r->n_candidates : use->k;
    return (struct rh_share){ rh_expected_hits(r, use->k) / of, 1 };
}

const struct rh_metric rh_metric_precision = {
    .name = "precision",
    .summary = "share of the first k that is relevant",
    .formula = "(number of relevant items among the first k) / k (div=k: also where there are fewer than k "
               "candidates) "
               "or / min(N, k) (div=list)",
    .reference = "Kent et al. 1955; Manning, Raghavan and Schutze 2008, chapter 8",
    .flags = RH_M_AT_K,
    .min = 0,
    .max = 1,
    .variant =
        (const struct rh_metric_variant[]){
            { "div",
              (const struct rh_choice[]){ { "k", 0, "the cut-off" },
                                          { "list", 1, "min(N, k), the length of the list" },
                                          { NULL, 0, NULL } } },
            { "ties", rh_ties_mean },
            { NULL, NULL },
        },
    .share = share,
};
