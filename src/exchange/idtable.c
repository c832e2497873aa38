#include "exchange/idtable.h"

#include "exchange/lines.h"

#include <string.h>

/* Where an id is, or should be. */
static uint32_t slot_of(const struct rh_id_table *t, struct rh_span id)
{
    uint32_t i = (uint32_t)rh_span_hash(id) & (t->slots - 1);
    while (t->slot[i]) {
        const char *other = t->id[t->slot[i] - 1];
        if (!strncmp(other, id.s, id.n) && !other[id.n])
            break;
        i = (i + 1) & (t->slots - 1);
    }
    return i;
}

int rh_id_table_make(struct rh_arena *a, const char *const *id, int32_t n, struct rh_id_table *out,
                     struct rh_error *err)
{
    *out = (struct rh_id_table){ .slots = 64, .id = id };
    while (out->slots < 2 * (uint32_t)n)
        out->slots *= 2;
    out->slot = rh_alloc(a, out->slots, sizeof *out->slot);
    if (!out->slot)
        return rh_fail_memory(err, "a table of ids", out->slots * sizeof *out->slot);
    for (int32_t i = 0; i < n; i++)
        out->slot[slot_of(out, (struct rh_span){ id[i], (uint32_t)strlen(id[i]) })] = (uint32_t)i + 1;
    return RH_OK;
}

int32_t rh_id_table_find(const struct rh_id_table *t, struct rh_span id)
{
    return (int32_t)t->slot[slot_of(t, id)] - 1;
}
