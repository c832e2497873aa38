/* Novelty as self-information. */
#include "metrics/lists.h"

static int prepare(struct rh_arena *a, const struct rh_metric_world *w, struct rh_metric_use *use,
                   struct rh_error *err)
{
    double *value = rh_alloc(a, (size_t)w->n_items, sizeof *value);
    if (!value)
        return rh_fail_memory(err, "popularities", (size_t)w->n_items * sizeof *value);
    for (int32_t i = 0; w->n_users > 0 && i < w->n_items; i++)
        value[i] = -log2((double)(w->popularity[i] ? w->popularity[i] : 1) / w->n_users);
    use->state = value;
    return RH_OK;
}

static struct rh_share share(const struct rh_ranked *r, const struct rh_metric_use *use)
{
    return (struct rh_share){ rh_list_mean(r, use->k, use->state, false), 1 };
}

const struct rh_metric rh_metric_novelty = {
    .name = "novelty",
    .summary = "mean self-information of what is recommended: bits of surprise that a user has it",
    .formula = "mean over the first min(N, k) items of -log2((users with the item in train) / (users with train "
               "rows)); "
               "an item without train rows counts as one of a single user",
    .reference = "Zhou et al. 2010, Solving the apparent diversity-accuracy dilemma; Castells, Hurley and Vargas "
                 "2015",
    .flags = RH_M_AT_K | RH_M_LIST,
    .min = 0,
    .max = INFINITY,
    .variant =
        (const struct rh_metric_variant[]){
            { "unseen", (const struct rh_choice[]){ { "once", 0, "as if one user had it" }, { NULL, 0, NULL } } },
            { "ties", rh_ties_mean },
            { NULL, NULL },
        },
    .prepare = prepare,
    .share = share,
};
