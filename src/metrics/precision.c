/* Precision: how much of the first k is relevant. */
#include "metrics/ties.h"

static struct rh_share share(const struct rh_ranked *r, int32_t k)
{
    return (struct rh_share){ rh_expected_hits(r, k) / k, 1 };
}

const struct rh_metric rh_metric_precision = {
    .name = "precision",
    .definition = "precision@k/by=k/ties=mean",
    .summary = "share of the first k that is relevant",
    .formula = "(number of relevant items among the first k) / k, also where there are fewer than k candidates",
    .reference = "Kent et al. 1955; Manning, Raghavan and Schutze 2008, chapter 8",
    .flags = RH_M_AT_K,
    .min = 0,
    .max = 1,
    .share = share,
};
