/* The floor is one read of the n scores. With few relevant items each distinct score ("level") is compared with all
 * scores, which the compiler makes into a few vector instructions. With many, that would read n scores a level; so
 * the range of the levels is cut into equal buckets, a table says for each bucket how many levels lie below it, and
 * only a score that falls into a bucket with a level in it is compared with that bucket's levels. The bucket of a
 * score is a monotone function of it (a float product, a sum and a truncation each are), so the counts are exact
 * whatever the rounding. No step depends on the processor but in time. */
#include "eval/rank.h"

#include <float.h>
#include <string.h>

#define FEW_LEVELS 8
#define LEAST_BUCKETS 256
#define MOST_BUCKETS 8192
#define BUCKETS_PER_LEVEL 16
#define BLOCK 256

int rh_ranker_make(struct rh_arena *a, int32_t capacity, struct rh_ranker *out, struct rh_error *err)
{
    size_t levels = (size_t)capacity + 1;
    int64_t buckets = (int64_t)capacity * BUCKETS_PER_LEVEL;
    buckets = buckets < LEAST_BUCKETS ? LEAST_BUCKETS : buckets > MOST_BUCKETS ? MOST_BUCKETS : buckets;
    struct rh_ranker r = {
        .capacity = capacity,
        .level = rh_alloc(a, levels, sizeof *r.level),
        .relevant = rh_alloc(a, levels, sizeof *r.relevant),
        .tied = rh_alloc(a, levels, sizeof *r.tied),
        .passed = rh_alloc(a, 4 * levels, sizeof *r.passed),
        .first = rh_alloc(a, (size_t)buckets + 1, sizeof *r.first),
        .buckets = (int32_t)buckets,
    };
    if (!r.level || !r.relevant || !r.tied || !r.passed || !r.first)
        return rh_fail_memory(err, "ranking", levels * 64);
    *out = r;
    return RH_OK;
}

int32_t rh_first_not_finite(const float *score, int32_t n)
{
    /* The exponent of infinity and of NaN is all ones: one more carries into the sign bit. */
    uint32_t carry = 0;
    for (int32_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &score[i], sizeof bits);
        carry |= (bits & 0x7f800000u) + 0x00800000u;
    }
    if (!(carry & 0x80000000u))
        return -1;
    int32_t i = 0;
    while (isfinite(score[i]))
        i++;
    return i;
}

/* Shell's sort with Ciura's gaps: most queries have some tens of relevant items. */
static void sort_ascending(float *x, int32_t n)
{
    static const int32_t gaps[] = { 8861, 3938, 1750, 701, 301, 132, 57, 23, 10, 4, 1 };
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++) {
        int32_t gap = gaps[g];
        for (int32_t i = gap; i < n; i++) {
            float v = x[i];
            int32_t j = i;
            for (; j >= gap && x[j - gap] > v; j -= gap)
                x[j] = x[j - gap];
            x[j] = v;
        }
    }
}

/* Distinct scores of the relevant items, ascending; returns how many. */
static int32_t find_levels(struct rh_ranker *r, float *relevant, int32_t n_relevant)
{
    sort_ascending(relevant, n_relevant);
    int32_t n = 0;
    for (int32_t i = 0; i < n_relevant; i++) {
        if (n > 0 && r->level[n - 1] == relevant[i]) {
            r->relevant[n - 1]++;
            continue;
        }
        r->level[n] = relevant[i];
        r->relevant[n++] = 1;
    }
    r->level[n] = INFINITY;
    return n;
}

/* Candidates above and at one level. */
static void compare_all(const float *score, int32_t n, float level, int32_t *above, int32_t *tied)
{
    int32_t larger = 0, equal = 0;
    for (int32_t i = 0; i < n; i++) {
        larger += score[i] > level;
        equal += score[i] == level;
    }
    *above = larger;
    *tied = equal;
}

/* The linear map from scores to buckets 0 .. n: the lowest level falls into bucket 1, the highest into n - 1 or so;
 * bucket 0 holds what is lower, bucket n what is higher. */
struct bucket_map {
    float low, scale;
    int32_t n;
};

static inline int32_t bucket_of(const struct bucket_map *map, float score)
{
    float x = (score - map->low) * map->scale + 1.0f, top = (float)map->n;
    x = x > 0.0f ? x : 0.0f;
    x = x < top ? x : top;
    return (int32_t)x;
}

/* False when the levels lie too close together, or too far apart, for float arithmetic. */
static bool make_map(const struct rh_ranker *r, int32_t n_levels, struct bucket_map *map)
{
    int64_t n = (int64_t)n_levels * BUCKETS_PER_LEVEL;
    n = n < LEAST_BUCKETS ? LEAST_BUCKETS : n > MOST_BUCKETS ? MOST_BUCKETS : n;
    map->n = (int32_t)n;
    map->low = r->level[0];
    float range = r->level[n_levels - 1] - map->low;
    map->scale = (float)(map->n - 2) / range;
    return range <= FLT_MAX && map->scale <= FLT_MAX && map->scale > 0;
}

/* first[b]: levels in buckets below b; with a sign (~) when bucket b itself holds levels. */
static void fill_table(struct rh_ranker *r, int32_t n_levels, const struct bucket_map *map)
{
    int32_t level = 0;
    for (int32_t b = 0; b <= map->n; b++) {
        int32_t below = level;
        while (level < n_levels && bucket_of(map, r->level[level]) == b)
            level++;
        r->first[b] = level == below ? below : ~below;
    }
}

/* Number of levels below `score`, of which the first `lo` are known to be. */
static int32_t levels_below(const float *level, int32_t n_levels, int32_t lo, float score)
{
    /* Most often the bucket holds one level: look near before halving. */
    int32_t step = 1, hi = lo;
    while (hi < n_levels && level[hi] < score) {
        lo = hi + 1;
        hi = n_levels - lo > step ? lo + step : n_levels;
        step *= 2;
    }
    while (lo < hi) {
        int32_t middle = lo + (hi - lo) / 2;
        if (level[middle] < score)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

/* Counts every score by the number of levels below it, into passed[0 .. n_levels], and those at a level into tied. */
static void count_by_level(struct rh_ranker *r, int32_t n_levels, const float *score, int32_t n)
{
    size_t stride = (size_t)n_levels + 1;
    memset(r->passed, 0, 4 * stride * sizeof *r->passed);
    memset(r->tied, 0, stride * sizeof *r->tied);
    struct bucket_map map;
    bool mapped = make_map(r, n_levels, &map);
    if (mapped)
        fill_table(r, n_levels, &map);
    for (int32_t begin = 0; begin < n; begin += BLOCK) {
        int32_t m = n - begin < BLOCK ? n - begin : BLOCK, bucket[BLOCK];
        const float *s = score + begin;
        if (mapped)
            for (int32_t i = 0; i < m; i++)
                bucket[i] = bucket_of(&map, s[i]);
        for (int32_t i = 0; i < m; i++) {
            int32_t below = mapped ? r->first[bucket[i]] : ~0;
            if (below < 0) {
                below = levels_below(r->level, n_levels, ~below, s[i]);
                r->tied[below] += s[i] == r->level[below];
            }
            /* Four counters a level, in turn: neighbours often fall to one level, and adding to a number just written
             * waits for it. */
            r->passed[(size_t)(i & 3) * stride + (size_t)below]++;
        }
    }
    for (size_t l = 0; l < stride; l++)
        r->passed[l] += r->passed[l + stride] + r->passed[l + 2 * stride] + r->passed[l + 3 * stride];
}

int32_t rh_rank(struct rh_ranker *r, const float *score, int32_t n, float *relevant, int32_t n_relevant,
                struct rh_tie_group *group)
{
    int32_t n_levels = find_levels(r, relevant, n_relevant);
    if (n_levels <= FEW_LEVELS) {
        for (int32_t l = 0; l < n_levels; l++) {
            struct rh_tie_group *g = &group[n_levels - 1 - l];
            compare_all(score, n, r->level[l], &g->above, &g->size);
            g->relevant = r->relevant[l];
        }
        return n_levels;
    }
    count_by_level(r, n_levels, score, n);
    int32_t above = 0;
    for (int32_t l = n_levels - 1; l >= 0; l--) {
        above += r->passed[l + 1]; /* passed the level l too, and no higher one */
        group[n_levels - 1 - l] = (struct rh_tie_group){ above, r->tied[l], r->relevant[l] };
    }
    return n_levels;
}
