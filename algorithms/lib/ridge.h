/* Ridge regression of vectors on sparse features, all components at once: with F the features of the items in use and
 * Y their vectors, W minimises |F W - Y|^2 + reg |W|^2, that is (F'F + reg I) W = F'Y.
 *
 * Solved by conjugate gradients without making F'F (Hestenes and Stiefel 1952; Golub and Van Loan, section 11.3):
 * every component has its own step lengths, and one walk over F serves all of them. Sums are made in a fixed order:
 * the numbers do not depend on threads. Time O(steps nnz width), scratch memory 4 width (3 columns + items) bytes. */
#ifndef RH_ALGORITHMS_LIB_RIDGE_H
#define RH_ALGORITHMS_LIB_RIDGE_H

#include "algorithms/lib/factors.h"
#include "algorithms/lib/item_features.h"

struct rh_ridge {
    const struct rh_item_features *f;
    const int64_t *item_rows; /* [n_items + 1] offsets; an item is in use where they differ */
    const float *y;           /* [n_items x width] */
    double reg;               /* > 0 */
    int32_t width;            /* as rh_factor_width */
    int32_t steps;            /* at most; fewer when all residuals are below 1e-5 of F'Y */
};

/* w[n_cols x width]: where the steps begin, then the solution. */
int rh_ridge(struct rh_ctx *ctx, const struct rh_ridge *r, float *w);
/* out[width] = f(i) W */
void rh_ridge_apply(const struct rh_item_features *f, int32_t i, const float *w, int32_t width, float *out);

#endif
