/* The k nearest of many: larger similarity first, then lower index. Because that is a total order, the set that is
 * chosen depends on nothing else.
 *
 * A (similarity, index) pair is one 64-bit key: the bits of the positive float above, the inverted index below; keys
 * compare like pairs. */
#ifndef RH_ALGORITHMS_TOPK_H
#define RH_ALGORITHMS_TOPK_H

#include <stdint.h>
#include <string.h>

static inline uint64_t rh_topk_key(float similarity, int32_t index)
{
    uint32_t bits;
    memcpy(&bits, &similarity, sizeof bits);
    return (uint64_t)bits << 32 | (UINT32_MAX - (uint32_t)index);
}

static inline int32_t rh_topk_index(uint64_t key)
{
    return (int32_t)(UINT32_MAX - (uint32_t)key);
}

static inline float rh_topk_similarity(uint64_t key)
{
    uint32_t bits = (uint32_t)(key >> 32);
    float similarity;
    memcpy(&similarity, &bits, sizeof similarity);
    return similarity;
}

/* Moves the k largest of n distinct keys to the front, in no order (but always the same), the smallest of them to
 * place k - 1. Hoare's quickselect. 0 < k <= n. */
static inline void rh_topk_select(uint64_t *key, int32_t n, int32_t k)
{
    int32_t low = 0, high = n - 1; /* what lies before low is in and larger, what lies behind high is out */
    while (low < high) {
        uint64_t a = key[low], b = key[low + (high - low) / 2], c = key[high];
        uint64_t pivot = a > b ? (b > c ? b : a > c ? c : a) : (a > c ? a : b > c ? c : b); /* median of three */
        int32_t i = low, j = high;
        while (i <= j) {
            while (key[i] > pivot)
                i++;
            while (key[j] < pivot)
                j--;
            if (i <= j) {
                uint64_t t = key[i];
                key[i++] = key[j];
                key[j--] = t;
            }
        }
        if (k - 1 <= j)
            high = j;
        else if (k - 1 >= i)
            low = i;
        else
            return;
    }
}

/* Similarities of very many items, most of them 0, come in groups of 16 of which only those marked in `touched` are
 * looked at. Arrays have room for whole groups. */
#define RH_TOPK_GROUP 16
#define RH_TOPK_GROUPS(n) (((size_t)(n) + RH_TOPK_GROUP - 1) / RH_TOPK_GROUP)
#define RH_TOPK_ROOM(n) (RH_TOPK_GROUPS(n) * RH_TOPK_GROUP)

/* Floats that are not negative compare like their bits. */
static inline int32_t rh_topk_largest(const float *similarity)
{
    int32_t bits[RH_TOPK_GROUP], best[4];
    memcpy(bits, similarity, sizeof bits);
    for (int l = 0; l < 4; l++) { /* four at a time, as one instruction does it */
        int32_t a = bits[l] > bits[l + 4] ? bits[l] : bits[l + 4];
        int32_t b = bits[l + 8] > bits[l + 12] ? bits[l + 8] : bits[l + 12];
        best[l] = a > b ? a : b;
    }
    int32_t a = best[0] > best[1] ? best[0] : best[1], b = best[2] > best[3] ? best[2] : best[3];
    return a > b ? a : b;
}

/* The keys of the k nearest: the largest of the positive similarities ([n] none negative, zero in the last group
 * behind n). They stand in key[0 ..] in no order; returns how many there are. Work space: key has RH_TOPK_ROOM(n) +
 * 1 elements, group RH_TOPK_GROUPS(n).
 *
 * The k-th largest of the maxima of the groups is a lower bound for the k-th largest of all, and a close one when k
 * is small against n: few more than k keys are ever made. */
static inline int32_t rh_topk_nearest(const float *similarity, const unsigned char *touched, int32_t n, int32_t k,
                                      uint64_t *group, uint64_t *key)
{
    int32_t n_groups = 0, floor = 1, found = 0;
    for (int32_t g = 0; g < (int32_t)RH_TOPK_GROUPS(n); g++) {
        int32_t best = touched[g] ? rh_topk_largest(similarity + g * RH_TOPK_GROUP) : 0;
        if (best > 0)
            group[n_groups++] = (uint64_t)best << 32 | (uint32_t)g;
    }
    if (n_groups > k) {
        rh_topk_select(group, n_groups, k);
        floor = (int32_t)(group[k - 1] >> 32);
    }
    for (int32_t m = 0; m < n_groups; m++) {
        if ((int32_t)(group[m] >> 32) < floor)
            continue;
        int32_t at = (int32_t)(uint32_t)group[m] * RH_TOPK_GROUP, bits[RH_TOPK_GROUP];
        memcpy(bits, similarity + at, sizeof bits);
        for (int32_t l = 0; l < RH_TOPK_GROUP; l++) { /* always written, kept when it counts: no branch to guess */
            key[found] = (uint64_t)bits[l] << 32 | (UINT32_MAX - (uint32_t)(at + l));
            found += bits[l] >= floor;
        }
    }
    if (found > k) {
        rh_topk_select(key, found, k);
        found = k;
    }
    return found;
}

#endif
