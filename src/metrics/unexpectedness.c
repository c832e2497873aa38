/* Unexpectedness: how different the recommended items are from what the user has. */
#include "metrics/lists.h"

enum { BLOCK, OF };

static int prepare(struct rh_arena *a, const struct rh_metric_world *w, struct rh_metric_use *use,
                   struct rh_error *err)
{
    const struct rh_features *f = rh_metric_block(w, use->block);
    struct rh_unit_rows *unit = rh_alloc(a, 1, sizeof *unit);
    if (!unit)
        return rh_fail_memory(err, "lengths of feature vectors", sizeof *unit);
    use->state = unit;
    use->n_scratch = (size_t)f->n_cols;
    return rh_unit_rows_make(a, f, unit, err);
}

/* The mean cosine with the items of the history is the product with the sum of their vectors. */
static struct rh_share share(const struct rh_ranked *r, const struct rh_metric_use *use)
{
    const struct rh_unit_rows *unit = use->state;
    const struct rh_features *f = unit->features;
    double *history = r->scratch, sum = 0;
    if (r->n_history == 0)
        return (struct rh_share){ 0, 0 };
    for (int32_t i = 0; i < r->n_history; i++)
        rh_row_add(f, r->history[i], unit->factor[r->history[i]] / r->n_history, history);
    for (int32_t i = 0; i < r->n_list_groups; i++) {
        const struct rh_list_group *g = &r->list_group[i];
        int32_t inside = rh_places_inside(g, use->k);
        double of_group = 0;
        if (inside == 0)
            break;
        for (int32_t j = g->above; j < g->above + g->size; j++)
            if (!use->variant[OF] || r->list_relevant[j])
                of_group += 1 - unit->factor[r->list[j]] * rh_row_product(f, r->list[j], history);
        sum += of_group * inside / g->size;
    }
    for (int32_t i = 0; i < r->n_history; i++)
        rh_row_clear(f, r->history[i], history);
    double mean = sum / rh_list_length(r, use->k);
    return (struct rh_share){ fmin(fmax(mean, 0.0), 2.0), 1 }; /* rounding may pass the ends */
}

const struct rh_metric rh_metric_unexpectedness = {
    .name = "unexpectedness",
    .summary = "mean distance of the recommended items from those of the history",
    .formula = "mean over the first min(N, k) items of 1 - (mean cosine of its row in the feature block with those "
               "of the "
               "history); of=relevant counts 0 for items that are not relevant; an item without features has cosine "
               "0; "
               "undefined without a history",
    .reference = "Zhang et al. 2012, Auralist; of=relevant is the serendipity of Microsoft Recommenders",
    .flags = RH_M_AT_K | RH_M_LIST,
    .min = 0,
    .max = 2,
    .variant =
        (const struct rh_metric_variant[]){
            { "block", NULL },
            { "of",
              (const struct rh_choice[]){ { "all", 0, "every recommended item" },
                                          { "relevant", 1, "relevant ones alone: serendipity" },
                                          { NULL, 0, NULL } } },
            { "ties", rh_ties_mean },
            { NULL, NULL },
        },
    .prepare = prepare,
    .share = share,
};
