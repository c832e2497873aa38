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
    double *discount = rh_alloc(a, entries, sizeof *discount), *harmonic = rh_alloc(a, entries, sizeof *harmonic);
    if (!discount || !harmonic)
        return rh_fail_memory(err, "sums over ranks", 2 * entries * sizeof *discount);
    for (int32_t rank = 1; rank <= n; rank++) {
        discount[rank] = discount[rank - 1] + 1.0 / log2((double)rank + 1.0);
        harmonic[rank] = harmonic[rank - 1] + 1.0 / rank;
    }
    *out = (struct rh_rank_sums){ .n = n, .discount = discount, .harmonic = harmonic };
    return RH_OK;
}
