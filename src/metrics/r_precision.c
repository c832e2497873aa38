/* R-precision: precision at the number of relevant items. */
#include "metrics/ties.h"

static struct rh_share share(const struct rh_ranked *r, const struct rh_metric_use *use)
{
    (void)use;
    return (struct rh_share){ rh_expected_hits(r, r->n_relevant) / r->n_relevant, 1 };
}

const struct rh_metric rh_metric_r_precision = {
    .name = "r_precision",
    .summary = "precision at as many ranks as there are relevant items",
    .formula = "(number of relevant items among the first R) / R; a perfect ranking has 1, whatever R",
    .reference = "Buckley and Voorhees 2000; trec_eval's Rprec",
    .min = 0,
    .max = 1,
    .variant = (const struct rh_metric_variant[]){ { "ties", rh_ties_mean }, { NULL, NULL } },
    .share = share,
};
