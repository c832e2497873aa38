#include "eval/top.h"

#include "eval/vector.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define SAMPLE 512      /* scores, or one in LEAST_STRIDE where there are few, guess the one at the wanted depth */
#define LEAST_STRIDE 16
#define GROUP 16        /* scores that are looked at together where few are wanted */

int rh_top_make(struct rh_arena *a, int32_t depth, int32_t most, struct rh_top *out, struct rh_error *err)
{
    size_t n = (size_t)most + 1;
    depth = depth > most ? most : depth; /* a deeper list is the whole list */
    *out = (struct rh_top){
        .depth = depth,
        .at = rh_alloc(a, n, sizeof *out->at),
        .key = rh_alloc(a, 2 * n, sizeof *out->key),
        .item = rh_alloc(a, n, sizeof *out->item),
        .score = rh_alloc(a, n, sizeof *out->score),
        .group = rh_alloc(a, n, sizeof *out->group),
    };
    if (!out->at || !out->key || !out->item || !out->score || !out->group)
        return rh_fail_memory(err, "lists of the best items", n * 36);
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

/* A score that somewhat more than `depth` candidates are likely to reach: the one that in a sample of the scores stands
 * two standard deviations deeper than the wanted one should. */
static float guess_level(struct rh_top *t, const float *score, int32_t n)
{
    int32_t stride = n / SAMPLE > LEAST_STRIDE ? n / SAMPLE : LEAST_STRIDE;
    double expected = (double)t->depth / stride;
    int32_t m = 0, want = (int32_t)(expected + 2 * sqrt(expected)) + 2;
    if (n / stride < 2 * want)
        return -INFINITY;
    for (int32_t i = 0; i < n; i += stride)
        t->score[m++] = score[i];
    return keep_largest(t->score, m, want);
}

/* Notes which candidates reach a score. Few do, so that a branch would often be guessed wrong; a store that may be
 * overwritten is cheaper. */
static inline int32_t note_some(int32_t *at, int32_t m, const float *score, int32_t begin, int32_t end, float least)
{
    for (int32_t i = begin; i < end; i++) {
        at[m] = i;
        m += score[i] >= least;
    }
    return m;
}

/* The same where so few do that most groups of scores have none: these are passed over by a few vector instructions. */
RH_VECTOR static int32_t note_few(int32_t *at, const float *score, int32_t n, float least)
{
    int32_t m = 0, i = 0;
    for (; i + GROUP <= n; i += GROUP) {
        int32_t reach = 0;
        for (int32_t k = 0; k < GROUP; k++)
            reach += score[i + k] >= least;
        if (reach)
            m = note_some(at, m, score, i, i + GROUP, least);
    }
    return note_some(at, m, score, i, n, least);
}

static int32_t note_from(struct rh_top *t, const float *score, int32_t n, float level)
{
    if (level > -INFINITY && n / (4 * GROUP) > t->depth)
        return note_few(t->at, score, n, level);
    /* scores are finite, but for what is no candidate */
    return note_some(t->at, 0, score, 0, n, level > -INFINITY ? level : -FLT_MAX);
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

/* Notes the candidates whose score is at least that at the wanted depth. */
static int32_t note_best(struct rh_top *t, const float *score, int32_t n)
{
    int32_t m = note_from(t, score, n, guess_level(t, score, n)), kept = 0;
    if (m < t->depth)
        m = note_from(t, score, n, -INFINITY);
    if (m <= t->depth)
        return m;
    for (int32_t i = 0; i < m; i++)
        t->score[i] = score[t->at[i]];
    float level = keep_largest(t->score, m, t->depth);
    for (int32_t i = 0; i < m; i++)
        if (score[t->at[i]] >= level)
            t->at[kept++] = t->at[i];
    return kept;
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
    t->n = note_best(t, score, n);
    t->n_groups = 0;
    for (int32_t i = 0; i < t->n; i++)
        t->key[i] = key_of(score[t->at[i]], candidate ? candidate[t->at[i]] : t->at[i]);
    const uint64_t *key = sort_keys(t->key, t->key + t->n, t->n);
    for (int32_t i = 0; i < t->n; i++) {
        t->item[i] = (int32_t)(uint32_t)key[i];
        t->score[i] = score_of(key[i]);
        if (i == 0 || t->score[i] != t->score[i - 1])
            t->group[t->n_groups++] = (struct rh_list_group){ .above = i };
        t->group[t->n_groups - 1].size++;
    }
}
