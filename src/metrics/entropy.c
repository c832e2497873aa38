/* Shannon entropy of exposure: how evenly the items are recommended. */
#include "metrics/lists.h"

enum { LOG, DIV };

static double total(const struct rh_exposure *e, const struct rh_metric_use *use)
{
    double sum = 0, covered = 0;
    if (!(e->total > 0))
        return (double)NAN;
    for (int32_t i = 0; i < e->n_items; i++) {
        double p = e->sorted[i] / e->total; /* in the order of size, whatever the items are called */
        sum -= p > 0 ? p * log(p) : 0;
        covered += e->expected[i] > 0;
    }
    sum = fmax(sum, 0.0) / (use->variant[LOG] ? 1 : log(2));
    return use->variant[DIV] ? sum / covered : sum;
}

const struct rh_metric rh_metric_entropy = {
    .name = "entropy",
    .summary = "how evenly the items are recommended: 0 one item alone",
    .formula = "- sum over items of p log p, p the item's share of all places among the first k (of expected "
               "exposure); "
               "logarithms to base 2 (log=2) or e (log=e); div=covered divides by the number of items with exposure",
    .reference = "Shannon 1948; Adomavicius and Kwon 2012; log=e with div=covered is RecBole's ShannonEntropy",
    .flags = RH_M_AT_K | RH_M_LIST | RH_M_RUN,
    .min = 0,
    .max = INFINITY,
    .variant =
        (const struct rh_metric_variant[]){
            { "log",
              (const struct rh_choice[]){ { "2", 0, "bits" }, { "e", 1, "nats" }, { NULL, 0, NULL } } },
            { "div",
              (const struct rh_choice[]){ { "none", 0, "the entropy itself" },
                                          { "covered", 1, "by the number of items with exposure" },
                                          { NULL, 0, NULL } } },
            { "ties", rh_ties_exposure },
            { NULL, NULL },
        },
    .total = total,
};
