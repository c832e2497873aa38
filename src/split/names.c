#include "split/names.h"

#include "base/hash.h"

#include <string.h>

int rh_names_init(struct rh_names *t, struct rh_arena *a, int64_t capacity, struct rh_error *err)
{
    if (capacity > INT32_MAX / 2)
        return rh_fail(err, RH_EDATA, "%lld names are too many to join: at most %d", (long long)capacity,
                       INT32_MAX / 2);
    uint32_t slots = 16;
    while ((int64_t)slots < 2 * capacity)
        slots *= 2;
    t->name = rh_alloc(a, (size_t)capacity, sizeof *t->name);
    t->slot = rh_alloc(a, slots, sizeof *t->slot);
    if (!t->name || !t->slot)
        return rh_fail_memory(err, "a table of names", (size_t)slots * sizeof *t->slot);
    t->n = 0;
    t->capacity = (int32_t)capacity;
    t->mask = slots - 1;
    return RH_OK;
}

static uint32_t key_of(const char *s)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a, then mixed so that the low bits depend on all */
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    return (uint32_t)rh_mix64(h);
}

int32_t rh_names_add(struct rh_names *t, const char *s)
{
    uint32_t i = key_of(s) & t->mask;
    for (; t->slot[i]; i = (i + 1) & t->mask)
        if (!strcmp(t->name[t->slot[i] - 1], s))
            return t->slot[i] - 1;
    t->name[t->n] = s;
    t->slot[i] = ++t->n;
    return t->n - 1;
}
