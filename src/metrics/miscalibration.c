/* Miscalibration: how far the categories of the list are from those of the user's history. */
#include "metrics/lists.h"

#define ALPHA 0.01

struct state {
    const struct rh_features *features;
    const double *factor; /* [n_items] makes a row add up to 1; 0 for an item without features */
};

static int prepare(struct rh_arena *a, const struct rh_metric_world *w, struct rh_metric_use *use,
                   struct rh_error *err)
{
    const struct rh_features *f = rh_metric_block(w, use->block);
    struct state *s = rh_alloc(a, 1, sizeof *s);
    double *factor = rh_alloc(a, (size_t)f->n_rows, sizeof *factor);
    if (!s || !factor)
        return rh_fail_memory(err, "sums of features", (size_t)f->n_rows * sizeof *factor);
    for (int32_t i = 0; i < f->n_rows; i++) {
        double sum = rh_row_sum(f, i);
        factor[i] = sum > 0 ? 1 / sum : 0;
    }
    *s = (struct state){ f, factor };
    use->state = s;
    use->n_scratch = 2 * (size_t)f->n_cols;
    return RH_OK;
}

static struct rh_share share(const struct rh_ranked *r, const struct rh_metric_use *use)
{
    const struct state *s = use->state;
    const struct rh_features *f = s->features;
    double *p = r->scratch, *q = r->scratch + f->n_cols, of_p = 0, of_q = 0, divergence = 0;
    for (int32_t i = 0; i < r->n_history; i++) {
        rh_row_add(f, r->history[i], s->factor[r->history[i]], p);
        of_p += s->factor[r->history[i]] > 0;
    }
    for (int32_t i = 0; i < r->n_list_groups; i++) {
        const struct rh_list_group *g = &r->list_group[i];
        int32_t inside = rh_places_inside(g, use->k);
        if (inside == 0)
            break;
        double chance = (double)inside / g->size;
        for (int32_t j = g->above; j < g->above + g->size; j++) {
            rh_row_add(f, r->list[j], chance * s->factor[r->list[j]], q);
            of_q += s->factor[r->list[j]] > 0 ? chance : 0;
        }
    }
    for (int32_t c = 0; c < f->n_cols && of_p > 0; c++) {
        double of_history = p[c] / of_p, of_list = of_q > 0 ? q[c] / of_q : 0;
        if (of_history > 0)
            divergence += of_history * log(of_history / ((1 - ALPHA) * of_list + ALPHA * of_history));
    }
    for (int32_t c = 0; c < f->n_cols; c++)
        p[c] = q[c] = 0;
    return of_p > 0 ? (struct rh_share){ fmax(divergence, 0.0), 1 } : (struct rh_share){ 0, 0 };
}

const struct rh_metric rh_metric_miscalibration = {
    .name = "miscalibration",
    .summary = "distance of the categories recommended from those of the history (genre calibration)",
    .formula = "Kullback-Leibler divergence: sum over columns g of p(g) ln(p(g) / (0.99 q(g) + 0.01 p(g))), p the "
               "mean "
               "over the history and q over the first min(N, k) items of the item's features, made to add up to 1; "
               "items "
               "without features are left out; undefined when the whole history is; with ties q is of the expected "
               "exposure",
    .reference = "Steck 2018, Calibrated recommendations (RecSys), equations 3 to 5 with equal weights and alpha = "
                 "0.01",
    .flags = RH_M_AT_K | RH_M_LIST | RH_M_LOWER_IS_BETTER,
    .min = 0,
    .max = INFINITY,
    .variant =
        (const struct rh_metric_variant[]){
            { "block", NULL },
            { "distance",
              (const struct rh_choice[]){ { "kl", 0, "Kullback-Leibler, smoothed with 0.01" }, { NULL, 0, NULL } } },
            { "ties", rh_ties_exposure },
            { NULL, NULL },
        },
    .prepare = prepare,
    .share = share,
};
