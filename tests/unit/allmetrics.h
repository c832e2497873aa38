/* Every metric in every variant, for tests that go over all of them. */
#ifndef TESTS_UNIT_ALLMETRICS_H
#define TESTS_UNIT_ALLMETRICS_H

#include "metrics/metric.h"

#define MOST_USES 700

/* Ids of a metric in all its variants, at the whole list and at the cut-offs, as far as it takes them; the feature
 * block is called "kind". At most MOST_USES in all. */
static inline void name_all(struct rh_arena *a, const struct rh_metric *m, const struct rh_metric_variant *v,
                            const char *so_far, const int *cuts, size_t n_cuts, const char **id, size_t *n)
{
    if (v && v->key) {
        if (!v->choice)
            name_all(a, m, v + 1, rh_arena_printf(a, "%s/%s=kind", so_far, v->key), cuts, n_cuts, id, n);
        for (const struct rh_choice *c = v->choice; c && c->word; c++)
            name_all(a, m, v + 1, rh_arena_printf(a, "%s/%s=%s", so_far, v->key, c->word), cuts, n_cuts, id, n);
        return;
    }
    if (!(m->flags & RH_M_AT_K) || m->flags & RH_M_BARE_ALL)
        id[(*n)++] = rh_arena_printf(a, "%s%s", m->name, so_far);
    else if (m->flags & RH_M_ALL)
        id[(*n)++] = rh_arena_printf(a, "%s@all%s", m->name, so_far);
    for (size_t c = 0; m->flags & RH_M_AT_K && c < n_cuts; c++)
        id[(*n)++] = rh_arena_printf(a, "%s@%d%s", m->name, cuts[c], so_far);
}

#endif
