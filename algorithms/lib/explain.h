/* The parts that explain a score, best first. */
#ifndef RH_ALGORITHMS_EXPLAIN_H
#define RH_ALGORITHMS_EXPLAIN_H

#include <stdint.h>

/* Puts a part where it belongs among n parts in descending order, of which max stay; returns how many there are. */
static inline int32_t rh_insert_part(int32_t *why, float *weight, int32_t n, int32_t max, int32_t item, float part)
{
    int32_t at = n;
    while (at > 0 && weight[at - 1] < part)
        at--;
    if (at >= max)
        return n;
    for (int32_t m = n < max ? n : max - 1; m > at; m--) {
        why[m] = why[m - 1];
        weight[m] = weight[m - 1];
    }
    why[at] = item;
    weight[at] = part;
    return n < max ? n + 1 : max;
}

#endif
