/* Normalised discounted cumulative gain. */
#include "metrics/ties.h"

enum { GAIN, IDEAL, DISCOUNT };

static struct rh_share share(const struct rh_ranked *r, const struct rh_metric_use *use)
{
    int32_t k = rh_cut(use->k), gain = use->variant[GAIN], discount = use->variant[DISCOUNT];
    double ideal = rh_ideal_dcg(r, use->variant[IDEAL] ? INT32_MAX : k, gain, discount);
    if (!(ideal > 0)) /* nothing relevant gains anything */
        return (struct rh_share){ 0, 0 };
    return (struct rh_share){ fmin(rh_expected_dcg(r, k, gain, discount) / ideal, 1.0), 1 }; /* rounding may pass 1 */
}

const struct rh_metric rh_metric_ndcg = {
    .name = "ndcg",
    .summary = "discounted gain of the first k, relative to the best order",
    .formula = "DCG / IDCG, DCG = sum over ranks i = 1..k of gain(i) * discount(i), IDCG the same for the relevant "
               "items in the order of their gains: of the first min(R, k) (ideal=min) or of all R (ideal=all); "
               "undefined where IDCG is 0",
    .reference = "Jarvelin and Kekalainen 2002 (discount=late), with the discount and gains of Burges et al. 2005",
    .flags = RH_M_AT_K | RH_M_ALL | RH_M_GRADED,
    .min = 0,
    .max = 1,
    .variant =
        (const struct rh_metric_variant[]){
            { "gain", rh_gains },
            { "ideal",
              (const struct rh_choice[]){ { "min", 0, "the best order of the first k" },
                                          { "all", 1, "the best order of all relevant items, whatever k" },
                                          { NULL, 0, NULL } } },
            { "discount", rh_discounts },
            { "ties", rh_ties_mean },
            { NULL, NULL },
        },
    .share = share,
};
