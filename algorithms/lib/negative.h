/* Items that a user has not taken, at random. */
#ifndef RH_ALGORITHMS_LIB_NEGATIVE_H
#define RH_ALGORITHMS_LIB_NEGATIVE_H

#include <rh/plugin.h>

/* Uniform among the items of `d` that the user has no row for, or -1 when there is none. */
static inline int32_t rh_negative(const struct rh_domain *d, int32_t user, struct rh_rng *r)
{
    const int32_t *item = d->item + d->row[user];
    int64_t n = d->row[user + 1] - d->row[user];
    if (n >= d->n_items)
        return -1;
    for (int tries = 0; tries < 64; tries++) {
        int32_t x = (int32_t)rh_rng_below(r, (uint32_t)d->n_items);
        int64_t lo = 0, hi = n;
        while (lo < hi) {
            int64_t mid = (lo + hi) / 2;
            if (item[mid] < x)
                lo = mid + 1;
            else
                hi = mid;
        }
        if (lo == n || item[lo] != x)
            return x;
    }
    /* The user has taken nearly everything: the k-th of the items that are left. */
    int32_t k = (int32_t)rh_rng_below(r, (uint32_t)(d->n_items - n)), x = k;
    for (int64_t j = 0; j < n && item[j] <= x; j++)
        x++;
    return x;
}

#endif
