/* Recall: how much of what is relevant is among the first k. */
#include "metrics/ties.h"

static struct rh_share share(const struct rh_ranked *r, int32_t k)
{
    return (struct rh_share){ rh_expected_hits(r, k) / r->n_relevant, 1 };
}

const struct rh_metric rh_metric_recall = {
    .name = "recall",
    .definition = "recall@k/by=relevant/ties=mean",
    .summary = "share of the relevant items that is among the first k",
    .formula = "(number of relevant items among the first k) / R; below 1 by construction where R > k",
    .reference = "Kent et al. 1955; Manning, Raghavan and Schutze 2008, chapter 8",
    .flags = RH_M_AT_K,
    .min = 0,
    .max = 1,
    .share = share,
};
