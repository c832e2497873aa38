#include "config/sweep.h"

#include <string.h>

int rh_sweep_add(struct rh_sweep *s, struct rh_arena *a, const struct rh_axis *axis, int32_t n, int32_t owner,
                 struct rh_error *err)
{
    int32_t need = s->n + n;
    if (need > s->capacity) {
        int32_t capacity = need * 2;
        const struct rh_axis **all = rh_alloc(a, (size_t)capacity, sizeof *all);
        int32_t *owners = rh_alloc(a, (size_t)capacity, sizeof *owners),
                *at = rh_alloc(a, (size_t)capacity, sizeof *at);
        if (!all || !owners || !at)
            return rh_fail_memory(err, "a sweep", (size_t)capacity * 16);
        if (s->n) {
            memcpy(all, s->axis, (size_t)s->n * sizeof *all);
            memcpy(owners, s->owner, (size_t)s->n * sizeof *owners);
        }
        s->axis = all;
        s->owner = owners;
        s->at = at;
        s->capacity = capacity;
    }
    for (int32_t i = 0; i < n; i++) {
        s->axis[s->n] = &axis[i];
        s->owner[s->n] = owner;
        s->at[s->n++] = 0;
    }
    return RH_OK;
}

const char *rh_sweep_value(const struct rh_sweep *s, int32_t i)
{
    return s->axis[i]->value[s->at[i]];
}

bool rh_sweep_swept(const struct rh_sweep *s, int32_t i)
{
    return s->axis[i]->n > 1;
}

bool rh_sweep_next(struct rh_sweep *s)
{
    for (int32_t i = s->n - 1; i >= 0; i--) {
        if (++s->at[i] < s->axis[i]->n)
            return true;
        s->at[i] = 0;
    }
    return false;
}

const char *rh_sweep_label(const struct rh_sweep *s, struct rh_arena *a, const char *name)
{
    const char *label = name;
    for (int32_t i = 0; label && i < s->n; i++)
        if (rh_sweep_swept(s, i))
            label = rh_arena_printf(a, "%s %s=%s", label, s->axis[i]->entry->key, rh_sweep_value(s, i));
    return label;
}
