/* The floor is one read of the n scores. With few relevant items each distinct score ("level") is compared with all
 * scores, which the compiler makes into a few vector instructions. With many, that would read n scores a level; so
 * the range of the levels is cut into equal buckets, the scores of each are counted, and only a score that falls into
 * a bucket with a level in it is compared with that bucket's levels. The bucket of a score is a monotone function of
 * it (a float product, a sum and a truncation each are), so the counts are exact whatever the rounding. No step
 * depends on the processor but in time. */
#include "eval/rank.h"

#include "eval/vector.h"

#include <float.h>
#include <string.h>

#define FEW_LEVELS 12
#define FEW_TO_SORT 128
#define LEAST_BUCKETS 256
#define MOST_BUCKETS 4096
#define BUCKETS_PER_LEVEL 32
#define BLOCK 512

static int32_t bucket_count(int32_t n_levels)
{
    int64_t n = (int64_t)n_levels * BUCKETS_PER_LEVEL;
    return n < LEAST_BUCKETS ? LEAST_BUCKETS : n > MOST_BUCKETS ? MOST_BUCKETS : (int32_t)n;
}

int rh_ranker_make(struct rh_arena *a, int32_t capacity, struct rh_ranker *out, struct rh_error *err)
{
    size_t levels = (size_t)capacity + 1, buckets = (size_t)bucket_count(capacity);
    struct rh_ranker r = {
        .capacity = capacity,
        .key = rh_alloc(a, 2 * (size_t)capacity, sizeof *r.key),
        .level = rh_alloc(a, levels, sizeof *r.level),
        .relevant = rh_alloc(a, levels, sizeof *r.relevant),
        .tied = rh_alloc(a, levels, sizeof *r.tied),
        .passed = rh_alloc(a, levels, sizeof *r.passed),
        .count = rh_alloc(a, buckets + 1, sizeof *r.count),
        .first = rh_alloc(a, buckets + 1, sizeof *r.first),
        .open = rh_alloc(a, buckets + 1, sizeof *r.open),
    };
    if (!r.key || !r.level || !r.relevant || !r.tied || !r.passed || !r.count || !r.first || !r.open)
        return rh_fail_memory(err, "ranking", levels * 64);
    *out = r;
    return RH_OK;
}

RH_VECTOR int32_t rh_first_not_finite(const float *score, int32_t n)
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

/* Sorts by the bytes of the bits, lowest first. The bits of positive floats are in the order of the numbers; those of
 * negative ones, all turned over, come before them in theirs. */
static void sort_many(struct rh_ranker *r, float *x, int32_t n)
{
    uint32_t *from = r->key, *to = r->key + r->capacity;
    for (int32_t i = 0; i < n; i++) {
        memcpy(&from[i], &x[i], sizeof *from);
        from[i] ^= from[i] >> 31 ? 0xffffffffu : 0x80000000u;
    }
    for (int shift = 0; shift < 32; shift += 8) {
        int32_t start[257] = { 0 };
        for (int32_t i = 0; i < n; i++)
            start[(from[i] >> shift & 255) + 1]++;
        for (int byte = 0; byte < 256; byte++)
            start[byte + 1] += start[byte];
        for (int32_t i = 0; i < n; i++)
            to[start[from[i] >> shift & 255]++] = from[i];
        uint32_t *swap = from;
        from = to;
        to = swap;
    }
    for (int32_t i = 0; i < n; i++) {
        from[i] ^= from[i] >> 31 ? 0x80000000u : 0xffffffffu;
        memcpy(&x[i], &from[i], sizeof *from);
    }
}

/* Sorts a few by counting for each how many are smaller: more comparisons than a sort, but none is a branch. */
static void sort_few(float *x, int32_t n)
{
    float sorted[FEW_TO_SORT];
    int32_t copies[FEW_TO_SORT] = { 0 };
    for (int32_t i = 0; i < n; i++) {
        int32_t smaller = 0;
        for (int32_t j = 0; j < n; j++)
            smaller += x[j] < x[i];
        sorted[smaller] = x[i];
        copies[smaller]++;
    }
    for (int32_t first = 0; first < n; first += copies[first])
        for (int32_t i = 0; i < copies[first]; i++)
            x[first + i] = sorted[first];
}

/* Distinct scores of the relevant items, ascending; returns how many. */
static int32_t find_levels(struct rh_ranker *r, float *relevant, int32_t n_relevant)
{
    if (n_relevant <= FEW_TO_SORT)
        sort_few(relevant, n_relevant);
    else
        sort_many(r, relevant, n_relevant);
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
RH_VECTOR static void compare_all(const float *score, int32_t n, float level, int32_t *above, int32_t *tied)
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

/* Returns how many are in bucket 0. */
RH_VECTOR static int32_t find_buckets(const struct bucket_map *map, const float *score, int32_t n, int32_t *bucket)
{
    struct bucket_map here = *map;
    int32_t low = 0;
    for (int32_t i = 0; i < n; i++) {
        bucket[i] = bucket_of(&here, score[i]);
        low += bucket[i] == 0;
    }
    return low;
}

/* Leaves out what is in bucket 0; returns what remains. */
static int32_t drop_low(const float *score, int32_t n, int32_t *bucket, float *kept)
{
    int32_t m = 0;
    for (int32_t i = 0; i < n; i++) {
        int32_t b = bucket[i];
        bucket[m] = b;
        kept[m] = score[i];
        m += b > 0;
    }
    return m;
}

/* False when the levels lie too close together, or too far apart, for float arithmetic. */
static bool make_map(const struct rh_ranker *r, int32_t n_levels, struct bucket_map *map)
{
    map->n = bucket_count(n_levels);
    map->low = r->level[0];
    float range = r->level[n_levels - 1] - map->low;
    map->scale = (float)(map->n - 2) / range;
    return range <= FLT_MAX && map->scale <= FLT_MAX && map->scale > 0;
}

/* Marks the buckets that hold levels, and notes for each the first of its levels. */
static void mark_buckets(struct rh_ranker *r, int32_t n_levels, const struct bucket_map *map)
{
    memset(r->open, 0, (size_t)map->n + 1);
    for (int32_t l = n_levels - 1; l >= 0; l--) {
        int32_t b = bucket_of(map, r->level[l]);
        r->open[b] = 1;
        r->first[b] = l;
    }
}

/* Number of levels below `score`, of which the first `lo` are known to be: looks near, then further, then halves. */
static int32_t levels_below(const float *level, int32_t n_levels, int32_t lo, float score)
{
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

/* Counts a score by comparison with the levels from `lo` on. */
static inline void count_one(struct rh_ranker *r, int32_t n_levels, int32_t lo, float score)
{
    lo += r->level[lo] < score; /* most often the bucket holds one level, and this is all */
    if (r->level[lo] < score)
        lo = levels_below(r->level, n_levels, lo, score);
    r->passed[lo]++;
    r->tied[lo] += score == r->level[lo];
}

/* Adds the counts of the buckets without levels to passed: all scores of the buckets between two that hold levels lie
 * between the same two levels. */
static void add_buckets(struct rh_ranker *r, int32_t n_levels, const struct bucket_map *map)
{
    int32_t from = 0;
    for (int32_t l = 0; l <= n_levels; l++) {
        int32_t to = l < n_levels ? bucket_of(map, r->level[l]) : map->n + 1, sum = 0;
        for (int32_t i = from; i < to; i++)
            sum += r->count[i];
        r->passed[l] += sum;
        from = to + 1; /* levels that share a bucket have an empty range between them */
    }
}

/* Counts up to 64 scores with their buckets. */
static inline void count_word(struct rh_ranker *r, int32_t n_levels, const float *score, const int32_t *bucket,
                              int32_t n)
{
    int32_t *count = r->count;
    const uint8_t *is_open = r->open;
    uint64_t open = 0; /* a bit a score: does its bucket hold a level? As a branch it could not be predicted. */
    for (int32_t i = 0; i < n; i++) {
        count[bucket[i]]++;
        open |= (uint64_t)is_open[bucket[i]] << i;
    }
    for (; open; open &= open - 1) {
        int32_t i = __builtin_ctzll(open);
        count_one(r, n_levels, r->first[bucket[i]], score[i]);
    }
}

/* Counts every score by the number of levels below it, into passed[0 .. n_levels], and those at a level into tied. */
static void count_by_level(struct rh_ranker *r, int32_t n_levels, const float *score, int32_t n)
{
    memset(r->passed, 0, ((size_t)n_levels + 1) * sizeof *r->passed);
    memset(r->tied, 0, ((size_t)n_levels + 1) * sizeof *r->tied);
    struct bucket_map map;
    if (!make_map(r, n_levels, &map)) {
        for (int32_t i = 0; i < n; i++)
            count_one(r, n_levels, 0, score[i]);
        return;
    }
    mark_buckets(r, n_levels, &map);
    memset(r->count, 0, ((size_t)map.n + 1) * sizeof *r->count);
    for (int32_t begin = 0; begin < n; begin += BLOCK) {
        int32_t m = n - begin < BLOCK ? n - begin : BLOCK, bucket[BLOCK];
        float kept[BLOCK];
        const float *from = score + begin;
        int32_t low = find_buckets(&map, from, m, bucket);
        /* Where a recommender works most scores are below all levels, and to count them in one place would make each
         * wait for the one before it. */
        if (low > m / 2) {
            r->count[0] += low;
            m = drop_low(from, m, bucket, kept);
            from = kept;
        }
        for (int32_t word = 0; word < m; word += 64)
            count_word(r, n_levels, from + word, bucket + word, m - word < 64 ? m - word : 64);
    }
    add_buckets(r, n_levels, &map);
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

int32_t rh_rank_group(const struct rh_ranker *r, int32_t n_groups, float score)
{
    return n_groups - 1 - levels_below(r->level, n_groups, 0, score);
}
