/* Gini index of exposure: how unequally the items are recommended. */
#include "metrics/lists.h"

static double total(const struct rh_exposure *e, const struct rh_metric_use *use)
{
    double n = e->n_items, sum = 0;
    for (int32_t i = 0; i < e->n_items; i++) /* ascending */
        sum += (2.0 * (i + 1) - n - 1) * e->sorted[i];
    if (!(e->total > 0) || (use->variant[0] && n < 2))
        return (double)NAN;
    return sum / (e->total * (use->variant[0] ? n - 1 : n));
}

const struct rh_metric rh_metric_gini = {
    .name = "gini",
    .summary = "how unequally the items are recommended: 0 all alike, 1 one item alone",
    .formula = "sum over items in ascending order of exposure e of (2 i - I - 1) e(i) / (I * sum of e), I the "
               "number of "
               "items of the target (div=items) or / ((I - 1) * sum of e) (div=less, which reaches 1); e the "
               "expected "
               "number of queries that have the item among the first k",
    .reference = "Gini 1912; Adomavicius and Kwon 2012 (aggregate diversity); div=less: Antikacioglu and Ravi 2017",
    .flags = RH_M_AT_K | RH_M_LIST | RH_M_RUN | RH_M_LOWER_IS_BETTER,
    .min = 0,
    .max = 1,
    .variant =
        (const struct rh_metric_variant[]){
            { "div",
              (const struct rh_choice[]){ { "items", 0, "I, the number of items" },
                                          { "less", 1, "I - 1" },
                                          { NULL, 0, NULL } } },
            { "ties", rh_ties_exposure },
            { NULL, NULL },
        },
    .total = total,
};
