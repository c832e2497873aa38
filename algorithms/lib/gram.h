/* Symmetric matrices of items: how often items occur together, and the inverse of such a matrix. Linear models of
 * items (ease, slim, collective_ease) start from them. A matrix g is [n_items x n_items] floats, whole, row-major. */
#ifndef RH_ALGORITHMS_LIB_GRAM_H
#define RH_ALGORITHMS_LIB_GRAM_H

#include <rh/plugin.h>

/* g = X'X, X [n_users x n_items] with ones where d has an interaction: counts, exact up to 2^24 users. Time:
 * lib/tally.h an item. RH_ENOMEM, RH_ECANCEL. */
int rh_gram_count(struct rh_ctx *ctx, const struct rh_domain *d, int32_t n_users, float *g);

/* g += scale F'F, F [n_rows x d->n_items] with value[] where d has an entry. Time: sum over rows of the squared
 * length. RH_ENOMEM, RH_ECANCEL. */
int rh_gram_add(struct rh_ctx *ctx, const struct rh_domain *d, int32_t n_rows, const float *value, double scale,
                float *g);

/* g becomes the inverse of g + ridge I, in place, by sweeping the diagonal a block at a time (Goodnight 1979, "A
 * tutorial on the SWEEP operator", The American Statistician 33(3)): n^3 / 2 multiplications, as Cholesky's way
 * takes, but nearly all in products of large matrices that threads share. RH_ENUMERIC, without a sentence: g + ridge
 * I is not positive definite in single precision. RH_ENOMEM, RH_ECANCEL. */
int rh_gram_invert(struct rh_ctx *ctx, int32_t n, double ridge, float *g);

/* The weights between items that solve min |X - X B|^2 + ridge |B|^2 with diag(B) = 0 for X'X = g (Steck 2019): with
 * P = (g + ridge I)^-1, B(i, j) = P(i, j) scale[j] for i != j. g becomes P with zeros in the diagonal; scale[n] is
 * -1 / P(j, j). RH_ENUMERIC has a sentence that names `key`, the user's word for ridge. */
int rh_gram_weights(struct rh_ctx *ctx, int32_t n, double ridge, const char *key, float *g, float *scale);

#endif
