/* Average recommendation popularity. */
#include "metrics/lists.h"

#include <stdlib.h>

enum { ROWS, SHARE, QUANTILE };

static int ascending(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* The place of each popularity among those of the items with train rows, from 0 (none) to 1; equal ones share the
 * mean of their places. */
static int quantiles(struct rh_arena *a, const struct rh_metric_world *w, double *value, struct rh_error *err)
{
    int32_t *sorted = rh_arena_copy(a, w->popularity, (size_t)w->n_items, sizeof *sorted), none = 0;
    if (!sorted)
        return rh_fail_memory(err, "popularities", (size_t)w->n_items * sizeof *sorted);
    qsort(sorted, (size_t)w->n_items, sizeof *sorted, ascending);
    while (none < w->n_items && sorted[none] == 0)
        none++;
    for (int32_t i = 0; i < w->n_items; i++) {
        int32_t below = none, upto, high = w->n_items;
        if (!w->popularity[i])
            continue;
        while (below < high) { /* first place of this popularity */
            int32_t middle = below + (high - below) / 2;
            if (sorted[middle] < w->popularity[i])
                below = middle + 1;
            else
                high = middle;
        }
        for (upto = below, high = w->n_items; upto < high;) { /* first place of a larger one */
            int32_t middle = upto + (high - upto) / 2;
            if (sorted[middle] <= w->popularity[i])
                upto = middle + 1;
            else
                high = middle;
        }
        value[i] = (0.5 * ((double)below + 1 + upto) - none) / (w->n_items - none);
    }
    return RH_OK;
}

static int prepare(struct rh_arena *a, const struct rh_metric_world *w, struct rh_metric_use *use,
                   struct rh_error *err)
{
    double *value = rh_alloc(a, (size_t)w->n_items, sizeof *value);
    if (!value)
        return rh_fail_memory(err, "popularities", (size_t)w->n_items * sizeof *value);
    use->state = value;
    if (use->variant[0] == QUANTILE)
        return quantiles(a, w, value, err);
    for (int32_t i = 0; i < w->n_items; i++)
        value[i] = use->variant[0] == SHARE && w->n_users ? (double)w->popularity[i] / w->n_users : w->popularity[i];
    return RH_OK;
}

static struct rh_share share(const struct rh_ranked *r, const struct rh_metric_use *use)
{
    return (struct rh_share){ rh_list_mean(r, use->k, use->state, false), 1 };
}

const struct rh_metric rh_metric_popularity = {
    .name = "popularity",
    .summary = "mean popularity of what is recommended (average recommendation popularity)",
    .formula = "mean over the first min(N, k) items of the popularity of the item: its train rows in the target "
               "(unit=rows), these as a share of the users with train rows (unit=share), or its quantile among the "
               "items "
               "with train rows, equal ones sharing their mean (unit=quantile; 0 for items without)",
    .reference = "Yin et al. 2012, Challenging the long tail recommendation; unit=quantile: Ekstrand et al. 2018",
    .flags = RH_M_AT_K | RH_M_LIST | RH_M_LOWER_IS_BETTER,
    .min = 0,
    .max = INFINITY,
    .variant =
        (const struct rh_metric_variant[]){
            { "unit",
              (const struct rh_choice[]){ { "rows", ROWS, "train rows" },
                                          { "share", SHARE, "share of the users" },
                                          { "quantile", QUANTILE, "place among the items, 0 to 1" },
                                          { NULL, 0, NULL } } },
            { "ties", rh_ties_mean },
            { NULL, NULL },
        },
    .prepare = prepare,
    .share = share,
};
