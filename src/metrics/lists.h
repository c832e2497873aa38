/* What metrics of the recommended items share: chances under random tie order, and rows of features as vectors.
 *
 * An item of a tie group of n that has d of its ranks within the cut-off is recommended with chance d / n; two items of
 * it together with chance d (d - 1) / (n (n - 1)). */
#ifndef RH_METRICS_LISTS_H
#define RH_METRICS_LISTS_H

#include "metrics/catalogue.h"

#include <math.h>

/* Places of a list group within the cut-off: 0 .. size. */
static inline int32_t rh_places_inside(const struct rh_list_group *g, int32_t k)
{
    int32_t inside = k - g->above;
    return inside <= 0 ? 0 : inside < g->size ? inside : g->size;
}

/* Length of the list that is recommended: min(N, k). */
static inline int32_t rh_list_length(const struct rh_ranked *r, int32_t k)
{
    return k < r->n_candidates ? k : r->n_candidates;
}

/* Expected mean of value[item] over the recommended list; `of_relevant`: items that are not relevant count 0. */
double rh_list_mean(const struct rh_ranked *r, int32_t k, const double *value, bool of_relevant);

/* The rows of a block as vectors of length 1, by the factor that makes them so; 0 for a row of zeros. */
struct rh_unit_rows {
    const struct rh_features *features;
    const double *factor; /* [n_items] */
};
int rh_unit_rows_make(struct rh_arena *a, const struct rh_features *f, struct rh_unit_rows *out,
                      struct rh_error *err);

/* sum += weight * row; returns the product of row and `with` (NULL: 0). Of a dense block or a sparse one. */
void rh_row_add(const struct rh_features *f, int32_t item, double weight, double *sum);
double rh_row_product(const struct rh_features *f, int32_t item, const double *with);
/* Puts zeros where the row has columns: gives scratch back as it was. */
void rh_row_clear(const struct rh_features *f, int32_t item, double *sum);
/* Sum over the row of the value's power 1 or 2. */
double rh_row_sum(const struct rh_features *f, int32_t item);
double rh_row_square(const struct rh_features *f, int32_t item);

#endif
