/* The k best of a stream of (similarity, index) pairs: larger similarity first, then lower index. Because that is a
 * total order, the set that stays does not depend on the order of arrival.
 *
 * A pair is one 64-bit key: the bits of the (positive) float above, the inverted index below; keys compare like
 * pairs. Keys are collected in a buffer of more than k; when it is full, a selection keeps the best k and raises the
 * floor. Amortised time: O(1) a pair that passes the floor. */
#ifndef RH_ALGORITHMS_TOPK_H
#define RH_ALGORITHMS_TOPK_H

#include <stdint.h>
#include <string.h>

struct rh_topk {
    uint64_t *key;       /* [capacity] */
    int32_t n, k;        /* keys held; keys wanted, 0 < k */
    int32_t capacity;    /* > k, or enough for every pair that will come */
    uint64_t least;      /* only a larger key is of interest */
};

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

/* The smallest similarity that is still of interest; 0 as long as fewer than k pairs are known. */
static inline float rh_topk_floor(const struct rh_topk *t)
{
    return rh_topk_similarity(t->least);
}

/* Moves the k largest of n distinct keys to the front, in no order. */
static inline void rh_topk_select(uint64_t *key, int32_t n, int32_t k)
{
    int32_t low = 0, high = n - 1; /* key[0 .. low-1] are in, key[high+1 .. n-1] are out */
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

/* Keeps the best k only. */
static inline void rh_topk_shrink(struct rh_topk *t)
{
    if (t->n < t->k)
        return;
    rh_topk_select(t->key, t->n, t->k);
    t->n = t->k;
    uint64_t least = t->key[0];
    for (int32_t i = 1; i < t->k; i++)
        least = t->key[i] < least ? t->key[i] : least;
    t->least = least;
}

/* Similarities that are not positive are no neighbours. */
static inline void rh_topk_push(struct rh_topk *t, float similarity, int32_t index)
{
    if (!(similarity > 0))
        return;
    uint64_t key = rh_topk_key(similarity, index);
    if (key <= t->least)
        return;
    if (t->n == t->capacity) {
        rh_topk_shrink(t);
        if (key <= t->least)
            return;
    }
    t->key[t->n++] = key;
}

#endif
