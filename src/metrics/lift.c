/* Popularity lift: are the recommendations more popular than what the user has? */
#include "metrics/lists.h"

static int prepare(struct rh_arena *a, const struct rh_metric_world *w, struct rh_metric_use *use,
                   struct rh_error *err)
{
    double *value = rh_alloc(a, (size_t)w->n_items, sizeof *value);
    if (!value)
        return rh_fail_memory(err, "popularities", (size_t)w->n_items * sizeof *value);
    for (int32_t i = 0; i < w->n_items; i++)
        value[i] = w->popularity[i];
    use->state = value;
    return RH_OK;
}

static struct rh_share share(const struct rh_ranked *r, const struct rh_metric_use *use)
{
    const double *popularity = use->state;
    double history = 0;
    for (int32_t i = 0; i < r->n_history; i++)
        history += popularity[r->history[i]];
    if (!(history > 0))
        return (struct rh_share){ 0, 0 };
    history /= r->n_history;
    return (struct rh_share){ rh_list_mean(r, use->k, popularity, false) / history - 1, 1 };
}

const struct rh_metric rh_metric_lift = {
    .name = "lift",
    .summary = "how much more popular than the user's history the recommendations are",
    .formula = "(mean popularity of the first min(N, k) items - mean popularity of the history) / (mean popularity "
               "of "
               "the history), popularity in train rows of the target; of each query, then the mean; undefined "
               "without a "
               "history",
    .reference = "Abdollahpouri et al. 2020, The connection between popularity bias, calibration, and fairness "
                 "(there of "
                 "groups of users)",
    .flags = RH_M_AT_K | RH_M_LIST | RH_M_LOWER_IS_BETTER,
    .min = -1,
    .max = INFINITY,
    .variant = (const struct rh_metric_variant[]){ { "ties", rh_ties_mean }, { NULL, NULL } },
    .prepare = prepare,
    .share = share,
};
