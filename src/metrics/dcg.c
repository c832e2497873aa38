/* Discounted cumulative gain, not normalised. */
#include "metrics/ties.h"

enum { GAIN, DISCOUNT };

static struct rh_share share(const struct rh_ranked *r, const struct rh_metric_use *use)
{
    return (struct rh_share){ rh_expected_dcg(r, rh_cut(use->k), use->variant[GAIN], use->variant[DISCOUNT]), 1 };
}

const struct rh_metric rh_metric_dcg = {
    .name = "dcg",
    .summary = "discounted gain of the first k",
    .formula = "sum over ranks i = 1..k of gain(i) * discount(i)",
    .reference = "Jarvelin and Kekalainen 2002 (discount=late); Burges et al. 2005",
    .flags = RH_M_AT_K | RH_M_ALL | RH_M_GRADED,
    .min = 0,
    .max = INFINITY,
    .variant =
        (const struct rh_metric_variant[]){
            { "gain", rh_gains },
            { "discount", rh_discounts },
            { "ties", rh_ties_mean },
            { NULL, NULL },
        },
    .share = share,
};
