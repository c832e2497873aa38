#include "eval/gather.h"

#include "base/sort.h"

#include <string.h>

#define FEW 64

int rh_gather_make(struct rh_arena *a, int32_t capacity, struct rh_gather *out, struct rh_error *err)
{
    size_t n = (size_t)capacity;
    *out = (struct rh_gather){
        .capacity = capacity,
        .key = rh_alloc(a, 2 * n, sizeof *out->key),
        .group_value = rh_alloc(a, n, sizeof *out->group_value),
        .ideal_value = rh_alloc(a, n, sizeof *out->ideal_value),
        .test_score = rh_alloc(a, n, sizeof *out->test_score),
        .test_positive = rh_alloc(a, n, sizeof *out->test_positive),
    };
    if (!out->key || !out->group_value || !out->ideal_value || !out->test_score || !out->test_positive)
        return rh_fail_memory(err, "ratings of a query", n * 29);
    return RH_OK;
}

/* Bits in the order of the numbers, -0 before 0. */
static uint32_t ordered_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits ^ (bits >> 31 ? 0xffffffffu : 0x80000000u);
}

static float from_ordered_bits(uint32_t bits)
{
    float x;
    bits ^= bits >> 31 ? 0x80000000u : 0xffffffffu;
    memcpy(&x, &bits, sizeof x);
    return x;
}

void rh_gather_rating(struct rh_gather *g, int32_t group, float value)
{
    g->key[g->n++] = (uint64_t)(uint32_t)group << 32 | ordered_bits(value);
}

/* Ascending; most queries have few. */
static void sort_keys(struct rh_gather *g)
{
    if (g->n > FEW) {
        rh_sort_u64(g->key, g->key + g->capacity, (size_t)g->n);
        return;
    }
    for (int32_t i = 1; i < g->n; i++) {
        uint64_t key = g->key[i];
        int32_t j = i;
        for (; j > 0 && g->key[j - 1] > key; j--)
            g->key[j] = g->key[j - 1];
        g->key[j] = key;
    }
}

void rh_gather_show(struct rh_gather *g, struct rh_ranked *ranked)
{
    sort_keys(g);
    for (int32_t i = 0; i < g->n; i++) {
        uint32_t bits = (uint32_t)g->key[i];
        g->group_value[i] = from_ordered_bits(bits);
        g->key[i] = ~bits; /* now without the group, the largest first */
    }
    sort_keys(g);
    for (int32_t i = 0; i < g->n; i++)
        g->ideal_value[i] = from_ordered_bits(~(uint32_t)g->key[i]);
    ranked->group_value = g->group_value;
    ranked->ideal_value = g->ideal_value;
}
