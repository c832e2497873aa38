/* Item coverage: how much of the catalogue is recommended to anybody. */
#include "metrics/lists.h"

static double total(const struct rh_exposure *e, const struct rh_metric_use *use)
{
    double covered = 0;
    (void)use;
    for (int32_t i = 0; i < e->n_items; i++)
        covered += e->covered[i];
    return e->n_items > 0 && e->n_queries > 0 ? covered / e->n_items : (double)NAN;
}

const struct rh_metric rh_metric_coverage = {
    .name = "coverage",
    .summary = "share of the items that is recommended to somebody",
    .formula = "(number of items among the first k of at least one query) / (number of items of the target); with "
               "ties "
               "the expected number: sum over items of 1 - product over queries of (1 - d / n)",
    .reference = "Herlocker et al. 2004; Ge, Delgado-Battenfeld and Jannach 2010 (catalogue coverage)",
    .flags = RH_M_AT_K | RH_M_LIST | RH_M_RUN,
    .min = 0,
    .max = 1,
    .variant = (const struct rh_metric_variant[]){ { "ties", rh_ties_mean }, { NULL, NULL } },
    .total = total,
};
