#include "eval/gather.h"

#include <stdlib.h>
#include <string.h>

int rh_gather_make(struct rh_arena *a, int32_t capacity, struct rh_gather *out, struct rh_error *err)
{
    size_t n = (size_t)capacity;
    *out = (struct rh_gather){
        .key = rh_alloc(a, n, sizeof *out->key),
        .group_value = rh_alloc(a, n, sizeof *out->group_value),
        .ideal_value = rh_alloc(a, n, sizeof *out->ideal_value),
        .test_score = rh_alloc(a, n, sizeof *out->test_score),
        .test_positive = rh_alloc(a, n, sizeof *out->test_positive),
    };
    if (!out->key || !out->group_value || !out->ideal_value || !out->test_score || !out->test_positive)
        return rh_fail_memory(err, "ratings of a query", n * 24);
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

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int larger_first(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

void rh_gather_show(struct rh_gather *g, struct rh_ranked *ranked)
{
    qsort(g->key, (size_t)g->n, sizeof *g->key, by_key);
    for (int32_t i = 0; i < g->n; i++)
        g->group_value[i] = g->ideal_value[i] = from_ordered_bits((uint32_t)g->key[i]);
    qsort(g->ideal_value, (size_t)g->n, sizeof *g->ideal_value, larger_first);
    ranked->group_value = g->group_value;
    ranked->ideal_value = g->ideal_value;
}
