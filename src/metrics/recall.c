/* Recall: how much of what is relevant is among the first k. */
#include "metrics/ties.h"

enum { DIV, MEAN };

static struct rh_share share(const struct rh_ranked *r, const struct rh_metric_use *use)
{
    double hits = rh_expected_hits(r, use->k);
    int32_t of = use->variant[DIV] && use->k < r->n_relevant ? use->k : r->n_relevant;
    return use->variant[MEAN] ? (struct rh_share){ hits, of } : (struct rh_share){ hits / of, 1 };
}

const struct rh_metric rh_metric_recall = {
    .name = "recall",
    .summary = "share of the relevant items that is among the first k",
    .formula = "(number of relevant items among the first k) / R (div=rel: below 1 by construction where R > k) or / "
               "min(R, k) (div=min); with mean=pool numbers and divisors are added up over the queries first",
    .reference = "Kent et al. 1955; Manning, Raghavan and Schutze 2008, chapter 8",
    .flags = RH_M_AT_K,
    .min = 0,
    .max = 1,
    .variant =
        (const struct rh_metric_variant[]){
            { "div",
              (const struct rh_choice[]){ { "rel", 0, "R, the number of relevant items" },
                                          { "min", 1, "min(R, k), so that a perfect ranking has 1" },
                                          { NULL, 0, NULL } } },
            { "mean",
              (const struct rh_choice[]){ { "query", 0, "each query counts the same" },
                                          { "pool", 1, "each query counts by its divisor" },
                                          { NULL, 0, NULL } } },
            { "ties", rh_ties_mean },
            { NULL, NULL },
        },
    .share = share,
};
