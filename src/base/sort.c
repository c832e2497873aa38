#include "base/sort.h"

#include <string.h>

enum { SHORT = 64 }; /* up to here insertion beats eight histograms */

static void insertion(uint64_t *x, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint64_t key = x[i];
        size_t j = i;
        for (; j > 0 && x[j - 1] > key; j--)
            x[j] = x[j - 1];
        x[j] = key;
    }
}

void rh_sort_u64(uint64_t *x, uint64_t *tmp, size_t n)
{
    if (n <= SHORT) {
        insertion(x, n);
        return;
    }
    size_t count[8][256] = { { 0 } };
    for (size_t i = 0; i < n; i++)
        for (int b = 0; b < 8; b++)
            count[b][(x[i] >> (8 * b)) & 255]++;
    uint64_t *from = x, *to = tmp;
    for (int b = 0; b < 8; b++) {
        if (count[b][(from[0] >> (8 * b)) & 255] == n)
            continue;
        size_t at = 0;
        for (int v = 0; v < 256; v++) {
            size_t c = count[b][v];
            count[b][v] = at;
            at += c;
        }
        for (size_t i = 0; i < n; i++)
            to[count[b][(from[i] >> (8 * b)) & 255]++] = from[i];
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != x)
        memcpy(x, from, n * sizeof *x);
}
