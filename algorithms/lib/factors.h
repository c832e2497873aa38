/* What models with a vector a user and a vector an item share: rows of floats, padded for vector units, their products,
 * and scoring. Width: the number of factors rounded up to a multiple of RH_FACTOR_PAD; the padding stays 0. */
#ifndef RH_ALGORITHMS_FACTORS_H
#define RH_ALGORITHMS_FACTORS_H

#include "algorithms/lib/wide.h"

#include <rh/plugin.h>

#define RH_FACTOR_PAD 16
typedef float rh_lanes __attribute__((vector_size(32), may_alias)); /* eight floats */

static inline int32_t rh_factor_width(int64_t factors)
{
    return (int32_t)((factors + RH_FACTOR_PAD - 1) / RH_FACTOR_PAD * RH_FACTOR_PAD);
}

/* Inner product of two rows. Sums are made in the same order on every processor. */
static inline __attribute__((always_inline)) float rh_factor_dot(const float *a, const float *b, int32_t width)
{
    const rh_lanes *x = (const rh_lanes *)a, *y = (const rh_lanes *)b;
    rh_lanes s = { 0 }, t = { 0 };
    for (int32_t k = 0; k < width / 8; k += 2) {
        s += x[k] * y[k];
        t += x[k + 1] * y[k + 1];
    }
    s += t;
    return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
}

/* out += c x */
static inline __attribute__((always_inline)) void rh_factor_add(float *out, float c, const float *x, int32_t width)
{
    rh_lanes *o = (rh_lanes *)out;
    const rh_lanes *v = (const rh_lanes *)x;
    for (int32_t k = 0; k < width / 8; k++)
        o[k] += c * v[k];
}

/* n rows of `factors` draws from N(0, sd^2), the padding 0, in alloc memory; NULL when there is none. Row r has the
 * stream (purpose, r), so it does not depend on the other rows. */
float *rh_factors_new(struct rh_ctx *ctx, int64_t n, int64_t factors, double sd, const char *purpose);

/* out[q x stride] = user[q] . item[c] + bias[c] for each candidate c of n queries; user[n x width], item[n_items x
 * width], bias[n_items] or NULL. One matrix product where every item is a candidate. */
void rh_factors_score(const float *user, const float *item, const float *bias, int32_t n_items, int32_t width,
                      const struct rh_query *query, int32_t n, float *out, size_t stride);

#endif
