/* What is not in a list, at random: items that a user has not taken, users who have not taken an item. */
#ifndef RH_ALGORITHMS_LIB_NEGATIVE_H
#define RH_ALGORITHMS_LIB_NEGATIVE_H

#include <rh/plugin.h>

/* Uniform among the numbers below `end` that are not one of taken[n] (ascending, each once), or -1 when all are. */
static inline int32_t rh_absent(const int32_t *taken, int64_t n, int32_t end, struct rh_rng *r)
{
    if (n >= end)
        return -1;
    for (int tries = 0; tries < 64; tries++) {
        int32_t x = (int32_t)rh_rng_below(r, (uint32_t)end);
        int64_t lo = 0, hi = n;
        while (lo < hi) {
            int64_t mid = (lo + hi) / 2;
            if (taken[mid] < x)
                lo = mid + 1;
            else
                hi = mid;
        }
        if (lo == n || taken[lo] != x)
            return x;
    }
    /* Nearly everything is taken: the k-th of the numbers that are left. */
    int32_t k = (int32_t)rh_rng_below(r, (uint32_t)(end - n)), x = k;
    for (int64_t j = 0; j < n && taken[j] <= x; j++)
        x++;
    return x;
}

/* Uniform among the items of `d` that the user has no row for, or -1 when there is none. */
static inline int32_t rh_negative(const struct rh_domain *d, int32_t user, struct rh_rng *r)
{
    return rh_absent(d->item + d->row[user], d->row[user + 1] - d->row[user], d->n_items, r);
}

#endif
