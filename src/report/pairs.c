#include "report/pairs.h"

#include <string.h>

int rh_pairs_new(struct rh_arena *a, const struct rh_users *u, struct rh_pairs *p, struct rh_error *err)
{
    size_t n = (size_t)u->n + 1;
    *p = (struct rh_pairs){ .users = u };
    RH_TRY(rh_query_values_new(a, u, &p->base, err));
    RH_TRY(rh_query_values_new(a, u, &p->other, err));
    p->mine = rh_alloc(a, n, sizeof *p->mine);
    p->theirs = rh_alloc(a, n, sizeof *p->theirs);
    p->count = rh_alloc(a, n, sizeof *p->count);
    p->who = rh_alloc(a, n, sizeof *p->who);
    p->difference = rh_alloc(a, n, sizeof *p->difference);
    p->stratum = rh_alloc(a, n, sizeof *p->stratum);
    return p->mine && p->theirs && p->count && p->who && p->difference && p->stratum
               ? RH_OK
               : rh_fail_memory(err, "pairs of values", n * 40);
}

void rh_pairs_make(struct rh_pairs *p)
{
    const struct rh_users *u = p->users;
    memset(p->mine, 0, (size_t)u->n * sizeof *p->mine);
    memset(p->theirs, 0, (size_t)u->n * sizeof *p->theirs);
    memset(p->count, 0, (size_t)u->n * sizeof *p->count);
    for (int32_t f = 0; f < u->part->n_problems; f++)
        for (int64_t i = u->start[f]; i < u->start[f + 1]; i++) {
            if (!p->base.count[i] || !p->other.count[i])
                continue;
            int64_t k = rh_user_of(u, i);
            p->mine[k] += p->other.sum[i] / p->other.count[i];
            p->theirs[k] += p->base.sum[i] / p->base.count[i];
            p->stratum[k] = p->count[k]++ ? u->part->n_problems : f;
        }
    p->n = 0;
    for (int64_t k = 0; k < u->n; k++) { /* closes up in place: n never passes k */
        if (!p->count[k])
            continue;
        p->mine[p->n] = p->mine[k] / p->count[k];
        p->theirs[p->n] = p->theirs[k] / p->count[k];
        p->difference[p->n] = p->mine[p->n] - p->theirs[p->n];
        p->stratum[p->n] = p->stratum[k];
        p->who[p->n++] = k;
    }
}

int rh_pairs_statistics(struct rh_arena *a, const struct rh_pairs *p, enum rh_test test,
                        const struct rh_pair_names *names, struct rh_paired *out, struct rh_error *err)
{
    const char *identity = rh_arena_printf(a, "%s\n%s\n%s\n%s\n%s", names->experiment, names->metric, names->problem,
                                           names->base, names->other);
    if (!identity)
        return rh_fail_memory(err, "a comparison", 0);
    return rh_paired(a, p->difference, p->stratum, p->n, p->users->part->n_problems + 1, test, identity, out, err);
}
