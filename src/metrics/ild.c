/* Intra-list distance: how different the recommended items are from one another. */
#include "metrics/lists.h"

static int prepare(struct rh_arena *a, const struct rh_metric_world *w, struct rh_metric_use *use,
                   struct rh_error *err)
{
    const struct rh_features *f = rh_metric_block(w, use->block);
    struct rh_unit_rows *s = rh_alloc(a, 1, sizeof *s);
    if (!s)
        return rh_fail_memory(err, "lengths of feature vectors", sizeof *s);
    use->state = s;
    use->n_scratch = 2 * (size_t)f->n_cols;
    return rh_unit_rows_make(a, f, s, err);
}

/* Sum of the vectors of a group into `sum`; returns the sum of their squared lengths, 1 or 0 each. */
static double add_group(const struct rh_unit_rows *u, const int32_t *item, int32_t n, double *sum)
{
    double squares = 0;
    for (int32_t i = 0; i < n; i++) {
        rh_row_add(u->features, item[i], u->factor[item[i]], sum);
        squares += u->factor[item[i]] > 0;
    }
    return squares;
}

/* The sum of the cosines of all pairs is (|sum of the vectors|^2 - number of vectors) / 2: no pair has to be looked
 * at. `full` adds the groups that are recommended whole, `last` the one of which d of n are. */
static struct rh_share share(const struct rh_ranked *r, const struct rh_metric_use *use)
{
    const struct rh_unit_rows *s = use->state;
    const struct rh_features *f = s->features;
    double *full = r->scratch, *last = r->scratch + f->n_cols, cosines = 0;
    int32_t length = rh_list_length(r, use->k), whole = 0;
    const struct rh_list_group *cut = NULL;
    if (length < 2)
        return (struct rh_share){ 0, 0 };
    for (int32_t i = 0; i < r->n_list_groups && !cut; i++) {
        int32_t inside = rh_places_inside(&r->list_group[i], use->k);
        if (inside == 0)
            break;
        if (inside == r->list_group[i].size)
            whole += inside;
        else
            cut = &r->list_group[i];
    }
    double squares = add_group(s, r->list, whole, full);
    for (int32_t i = 0; i < whole; i++)
        cosines += s->factor[r->list[i]] * rh_row_product(f, r->list[i], full);
    cosines -= squares;
    if (cut) {
        double n = cut->size, d = length - whole, of_last = 0, across = 0;
        const int32_t *item = r->list + cut->above;
        squares = add_group(s, item, cut->size, last);
        for (int32_t i = 0; i < cut->size; i++) {
            across += s->factor[item[i]] * rh_row_product(f, item[i], full);
            of_last += s->factor[item[i]] * rh_row_product(f, item[i], last);
        }
        cosines += 2 * across * d / n + (of_last - squares) * d * (d - 1) / (n * (n - 1));
        for (int32_t i = 0; i < cut->size; i++)
            rh_row_clear(f, item[i], last);
    }
    for (int32_t i = 0; i < whole; i++)
        rh_row_clear(f, r->list[i], full);
    double distance = 1 - cosines / ((double)length * (length - 1));
    return (struct rh_share){ fmin(fmax(distance, 0.0), 2.0), 1 }; /* rounding may pass the ends */
}

const struct rh_metric rh_metric_ild = {
    .name = "ild",
    .summary = "mean distance between two recommended items (intra-list distance, diversity)",
    .formula = "mean over the pairs of the first min(N, k) items of 1 - cosine of their rows in the feature block; "
               "an item "
               "without features has cosine 0 with any other; undefined for lists of fewer than two; with ties the "
               "expected sum over pairs, each with its chance to be recommended together",
    .reference = "Smyth and McClave 2001; Ziegler et al. 2005; Castells, Hurley and Vargas 2015",
    .flags = RH_M_AT_K | RH_M_LIST,
    .min = 0,
    .max = 2,
    .variant =
        (const struct rh_metric_variant[]){
            { "block", NULL },
            { "distance", (const struct rh_choice[]){ { "cosine", 0, "1 - cosine" }, { NULL, 0, NULL } } },
            { "ties", rh_ties_mean },
            { NULL, NULL },
        },
    .prepare = prepare,
    .share = share,
};
