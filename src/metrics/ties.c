#include "metrics/ties.h"

double rh_expected_hits(const struct rh_ranked *r, int32_t k)
{
    double hits = 0;
    for (int32_t i = 0; i < r->n_groups; i++) {
        const struct rh_tie_group *g = &r->group[i];
        int32_t inside = rh_ranks_inside(g, k);
        if (inside == 0)
            break; /* best score first: all that follow lie behind the cut-off too */
        hits += inside == g->size ? g->relevant : (double)g->relevant * inside / g->size;
    }
    return hits;
}

int rh_rank_sums_make(struct rh_arena *a, int32_t n, struct rh_rank_sums *out, struct rh_error *err)
{
    size_t entries = (size_t)n + 1;
    double *table[5];
    for (int i = 0; i < 5; i++) {
        table[i] = rh_alloc(a, entries, sizeof **table);
        if (!table[i])
            return rh_fail_memory(err, "sums over ranks", 5 * entries * sizeof **table);
    }
    double *discount = table[0], *term = table[1], *late = table[2], *late_term = table[3], *harmonic = table[4];
    for (int32_t rank = 1; rank <= n; rank++) {
        term[rank] = 1.0 / log2((double)rank + 1.0);
        late_term[rank] = rank == 1 ? 1.0 : term[rank - 1];
        discount[rank] = discount[rank - 1] + term[rank];
        late[rank] = late[rank - 1] + late_term[rank];
        harmonic[rank] = harmonic[rank - 1] + 1.0 / rank;
    }
    *out = (struct rh_rank_sums){ n, discount, term, late, late_term, harmonic };
    return RH_OK;
}
