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

/* Where `s` is, or the free slot where it would go. */
static uint32_t slot_of(const struct rh_names *t, const char *s)
{
    uint32_t i = key_of(s) & t->mask;
    while (t->slot[i] && strcmp(t->name[t->slot[i] - 1], s) != 0)
        i = (i + 1) & t->mask;
    return i;
}

int32_t rh_names_add(struct rh_names *t, const char *s)
{
    int32_t *slot = &t->slot[slot_of(t, s)];
    if (!*slot) {
        t->name[t->n] = s;
        *slot = ++t->n;
    }
    return *slot - 1;
}

int32_t rh_names_find(const struct rh_names *t, const char *s)
{
    return t->slot[slot_of(t, s)] - 1;
}
