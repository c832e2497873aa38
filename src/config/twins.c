#include "config/expand.h"

#include "config/section.h"

#include <string.h>

static const struct rh_key_value *param(const struct rh_plan_algorithm *g, const char *key)
{
    for (int32_t i = 0; i < g->n_params; i++)
        if (!strcmp(g->param[i].key, key))
            return &g->param[i];
    return NULL;
}

/* Do the settings that the twin sweeps have these values in `g` too, where it has them? */
static bool agrees(const struct rh_plan_algorithm *g, const struct rh_plan_algorithm *twin)
{
    for (int32_t i = 0; i < twin->n_params; i++) {
        const struct rh_key_value *theirs = &twin->param[i], *mine = param(g, theirs->key);
        if (theirs->swept && mine && strcmp(mine->value, theirs->value))
            return false;
    }
    return true;
}

int32_t rh_plan_twin(const struct rh_plan *p, int32_t algorithm, int32_t *n)
{
    const struct rh_plan_algorithm *g = &p->algorithm[algorithm];
    int32_t found = -1;
    *n = 0;
    for (int32_t i = 0; i < p->n_algorithms && g->twin[0]; i++)
        if (!strcmp(p->algorithm[i].section, g->twin) && agrees(g, &p->algorithm[i])) {
            found = i;
            ++*n;
        }
    return found;
}

static int no_such_twin(struct rh_planning *p, const struct rh_plan_algorithm *g, const char *place)
{
    const char *names[256];
    size_t n = 0;
    for (int32_t i = 0; i < p->plan->n_algorithms && n < 256; i++)
        if (strcmp(p->plan->algorithm[i].section, g->section))
            names[n++] = p->plan->algorithm[i].section;
    return rh_fail(p->err, RH_EINVAL, "%s: [algorithm.%s] twin = %s: there is no [algorithm.%s]%s", place, g->section,
                   g->twin, g->twin, rh_did_you_mean(rh_nearest(g->twin, names, n), (char[RH_HINT]){ 0 }));
}

int rh_expand_twins(struct rh_planning *p)
{
    for (int32_t i = 0; i < p->plan->n_algorithms; i++) {
        const struct rh_plan_algorithm *g = &p->plan->algorithm[i];
        char place[300];
        bool there = false;
        int32_t n;
        if (!g->twin[0])
            continue;
        const char *section = rh_arena_printf(p->a, "algorithm.%s", g->section);
        const struct rh_ini_entry *e = section ? rh_ini_find(p->ini, section, "twin") : NULL;
        if (!e)
            return rh_fail_memory(p->err, "the plan", p->a->used);
        rh_entry_place(e, place, sizeof place);
        if (!strcmp(g->twin, g->section))
            return rh_fail(p->err, RH_EINVAL, "%s: [%s] twin = %s: an algorithm is not its own twin; name the section "
                           "of the one without transfer", place, section, g->twin);
        for (int32_t k = 0; k < p->plan->n_algorithms; k++)
            there |= !strcmp(p->plan->algorithm[k].section, g->twin);
        if (!there)
            return no_such_twin(p, g, place);
        rh_plan_twin(p->plan, i, &n);
        if (n != 1)
            return rh_fail(p->err, RH_EINVAL, "%s: [%s] twin = %s: %d of the sweep of [algorithm.%s] have the settings "
                           "of '%s'; sweep the same values in both, so that it is one", place, section, g->twin, n,
                           g->twin, g->label);
    }
    return RH_OK;
}
