/* Sorting of integer keys by radix: stable, the same everywhere, linear in the number of keys. */
#ifndef RH_BASE_SORT_H
#define RH_BASE_SORT_H

#include <stddef.h>
#include <stdint.h>

/* Sorts x[n] ascending; tmp[n] is room to work in. Bytes that all keys share cost one look. */
void rh_sort_u64(uint64_t *x, uint64_t *tmp, size_t n);

/* A key whose order as unsigned is the order of t as signed. */
static inline uint64_t rh_sort_key(int64_t t)
{
    return (uint64_t)t ^ ((uint64_t)1 << 63);
}

#endif
