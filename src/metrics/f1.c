/* F1: precision and recall in one number. */
#include "metrics/ties.h"

static struct rh_share share(const struct rh_ranked *r, const struct rh_metric_use *use)
{
    return (struct rh_share){ 2 * rh_expected_hits(r, use->k) / ((double)use->k + r->n_relevant), 1 };
}

const struct rh_metric rh_metric_f1 = {
    .name = "f1",
    .summary = "harmonic mean of precision and recall at k",
    .formula = "2 * P * S / (P + S) with P = precision@k and S = recall@k, which is 2 * (number of relevant items "
               "among "
               "the first k) / (k + R); of each query, then the mean",
    .reference = "van Rijsbergen 1979, Information Retrieval, chapter 7",
    .flags = RH_M_AT_K,
    .min = 0,
    .max = 1,
    .variant = (const struct rh_metric_variant[]){ { "ties", rh_ties_mean }, { NULL, NULL } },
    .share = share,
};
