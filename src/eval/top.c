#include "eval/top.h"

#include "eval/vector.h"

#include <string.h>

#define BLOCK 64

int rh_top_make(struct rh_arena *a, int32_t depth, int32_t most, struct rh_top *out, struct rh_error *err)
{
    depth = depth > most ? most : depth; /* a deeper list is the whole list */
    *out = (struct rh_top){
        .depth = depth,
        .kept = rh_alloc(a, 2 * (size_t)depth, sizeof *out->kept),
        .key = rh_alloc(a, 2 * (size_t)most, sizeof *out->key),
        .item = rh_alloc(a, (size_t)most, sizeof *out->item),
        .score = rh_alloc(a, (size_t)most, sizeof *out->score),
        .group = rh_alloc(a, (size_t)most, sizeof *out->group),
    };
    if (!out->kept || !out->key || !out->item || !out->score || !out->group)
        return rh_fail_memory(err, "lists of the best items", (size_t)most * 32);
    return RH_OK;
}

/* Puts the `depth` largest of n kept scores first and returns the smallest of them (Hoare's FIND, 1961). */
static float keep_largest(float *x, int32_t n, int32_t depth)
{
    int32_t low = 0, high = n - 1, want = depth - 1;
    while (low < high) {
        float pivot = x[low + (high - low) / 2];
        int32_t i = low, j = high;
        while (i <= j) {
            while (x[i] > pivot)
                i++;
            while (x[j] < pivot)
                j--;
            if (i <= j) {
                float swap = x[i];
                x[i++] = x[j];
                x[j--] = swap;
            }
        }
        if (want <= j)
            high = j;
        else if (want >= i)
            low = i;
        else
            break;
    }
    return x[want];
}

/* Is any of a block's scores larger? Few blocks have one, so the question is worth a vector instruction or two. */
RH_VECTOR static bool any_above(const float *score, float level)
{
    int32_t above = 0;
    for (int32_t i = 0; i < BLOCK; i++)
        above |= score[i] > level;
    return above;
}

RH_VECTOR static bool any_from(const float *score, float level)
{
    int32_t reached = 0;
    for (int32_t i = 0; i < BLOCK; i++)
        reached |= score[i] >= level;
    return reached;
}

/* The score at the wanted depth, or -INFINITY when there are not so many candidates. */
static float score_at_depth(struct rh_top *t, const float *score, int32_t n)
{
    int32_t kept = 0;
    float level = -INFINITY;
    for (int32_t begin = 0; begin < n; begin += BLOCK) {
        int32_t end = n - begin < BLOCK ? n : begin + BLOCK;
        if (end - begin == BLOCK && !any_above(score + begin, level))
            continue;
        for (int32_t i = begin; i < end; i++) {
            if (!(score[i] > level))
                continue;
            t->kept[kept++] = score[i];
            if (kept == 2 * t->depth) {
                level = keep_largest(t->kept, kept, t->depth);
                kept = t->depth;
            }
        }
    }
    return kept < t->depth ? -INFINITY : keep_largest(t->kept, kept, t->depth);
}

/* A larger key comes first: the score in the order of the numbers, then the item, both turned over. */
static uint64_t key_of(float score, int32_t item)
{
    float one_zero = score + 0.0f; /* -0 becomes 0 */
    uint32_t bits;
    memcpy(&bits, &one_zero, sizeof bits);
    bits ^= bits >> 31 ? 0xffffffffu : 0x80000000u;
    return (uint64_t)~bits << 32 | (uint32_t)item;
}

static float score_of(uint64_t key)
{
    uint32_t bits = ~(uint32_t)(key >> 32);
    float score;
    bits ^= bits >> 31 ? 0x80000000u : 0xffffffffu;
    memcpy(&score, &bits, sizeof score);
    return score;
}

static int32_t collect(struct rh_top *t, const float *score, const int32_t *candidate, int32_t n, float level)
{
    int32_t m = 0;
    for (int32_t begin = 0; begin < n; begin += BLOCK) {
        int32_t end = n - begin < BLOCK ? n : begin + BLOCK;
        if (end - begin == BLOCK && !any_from(score + begin, level))
            continue;
        for (int32_t i = begin; i < end; i++)
            if (score[i] >= level && score[i] > -INFINITY)
                t->key[m++] = key_of(score[i], candidate ? candidate[i] : i);
    }
    return m;
}

/* Merge sort, from runs that insertion makes; returns where the sorted keys are. */
static const uint64_t *sort_keys(uint64_t *from, uint64_t *to, int32_t n)
{
    enum { RUN = 16 };
    for (int32_t begin = 0; begin < n; begin += RUN) {
        int32_t end = n - begin < RUN ? n : begin + RUN;
        for (int32_t i = begin + 1; i < end; i++) {
            uint64_t key = from[i];
            int32_t j = i;
            for (; j > begin && from[j - 1] > key; j--)
                from[j] = from[j - 1];
            from[j] = key;
        }
    }
    for (int64_t width = RUN; width < n; width *= 2) {
        for (int64_t begin = 0; begin < n; begin += 2 * width) {
            int64_t middle = begin + width < n ? begin + width : n, end = begin + 2 * width < n ? begin + 2 * width : n;
            int64_t i = begin, j = middle;
            if (middle == end || from[middle - 1] < from[middle]) { /* so is a list of one score */
                memcpy(to + begin, from + begin, (size_t)(end - begin) * sizeof *to);
                continue;
            }
            for (int64_t o = begin; o < end; o++)
                to[o] = i < middle && (j == end || from[i] < from[j]) ? from[i++] : from[j++];
        }
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

void rh_top_list(struct rh_top *t, const float *score, const int32_t *candidate, int32_t n)
{
    int32_t half = collect(t, score, candidate, n, score_at_depth(t, score, n));
    const uint64_t *key = sort_keys(t->key, t->key + half, half);
    t->n = half;
    t->n_groups = 0;
    for (int32_t i = 0; i < half; i++) {
        t->item[i] = (int32_t)(uint32_t)key[i];
        t->score[i] = score_of(key[i]);
        if (i == 0 || t->score[i] != t->score[i - 1])
            t->group[t->n_groups++] = (struct rh_list_group){ .above = i };
        t->group[t->n_groups - 1].size++;
    }
}
