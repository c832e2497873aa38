#include "eval/exposure.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FRACTION_BITS 84

int rh_exposure_counts_make(struct rh_arena *a, const int32_t *cut, int32_t n_cuts, int32_t n_items,
                            struct rh_exposure_counts *out, struct rh_error *err)
{
    size_t n;
    *out = (struct rh_exposure_counts){ .n_cuts = n_cuts, .n_items = n_items, .cut = cut };
    if (__builtin_mul_overflow((size_t)n_cuts, (size_t)n_items, &n))
        return rh_fail_memory(err, "counts of recommended items", SIZE_MAX);
    out->sure = rh_alloc(a, n, sizeof *out->sure);
    out->chance = rh_alloc(a, n, sizeof *out->chance);
    out->missed = rh_alloc(a, n, sizeof *out->missed);
    if (!out->sure || !out->chance || !out->missed)
        return rh_fail_memory(err, "counts of recommended items", n * 40);
    return RH_OK;
}

static void add_cut(struct rh_exposure_counts *c, int32_t cut, const int32_t *item, const struct rh_list_group *group,
                    int32_t n_groups)
{
    size_t first = (size_t)cut * (size_t)c->n_items;
    for (int32_t g = 0; g < n_groups && group[g].above < c->cut[cut]; g++) {
        int32_t inside = c->cut[cut] - group[g].above, begin = group[g].above, end = begin + group[g].size;
        if (inside >= group[g].size) {
            for (int32_t i = begin; i < end; i++)
                c->sure[first + (size_t)item[i]]++;
            continue;
        }
        double p = (double)inside / group[g].size;
        rh_fixed chance = (rh_fixed)ldexp(p, FRACTION_BITS), missed = (rh_fixed)ldexp(log1p(-p), FRACTION_BITS);
        for (int32_t i = begin; i < end; i++) {
            c->chance[first + (size_t)item[i]] += chance;
            c->missed[first + (size_t)item[i]] += missed;
        }
    }
}

void rh_exposure_add(struct rh_exposure_counts *c, const int32_t *item, const struct rh_list_group *group,
                     int32_t n_groups)
{
    for (int32_t cut = 0; cut < c->n_cuts; cut++)
        add_cut(c, cut, item, group, n_groups);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int rh_exposure_finish(struct rh_arena *a, const struct rh_exposure_counts *const *counts, int n_counts, int32_t cut,
                       int64_t n_queries, struct rh_exposure *out, struct rh_error *err)
{
    int32_t n = counts[0]->n_items;
    size_t first = (size_t)cut * (size_t)n;
    double *expected = rh_alloc(a, (size_t)n, sizeof *expected), *covered = rh_alloc(a, (size_t)n, sizeof *covered);
    double *sorted = rh_alloc(a, (size_t)n, sizeof *sorted), total = 0;
    if (!expected || !covered || !sorted)
        return rh_fail_memory(err, "exposure of items", (size_t)n * 3 * sizeof *expected);
    for (int32_t i = 0; i < n; i++) {
        int64_t sure = 0;
        rh_fixed chance = 0, missed = 0;
        for (int t = 0; t < n_counts; t++) {
            sure += counts[t]->sure[first + (size_t)i];
            chance += counts[t]->chance[first + (size_t)i];
            missed += counts[t]->missed[first + (size_t)i];
        }
        expected[i] = (double)sure + ldexp((double)chance, -FRACTION_BITS);
        covered[i] = sure ? 1 : -expm1(ldexp((double)missed, -FRACTION_BITS));
    }
    memcpy(sorted, expected, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, ascending);
    for (int32_t i = 0; i < n; i++)
        total += sorted[i];
    *out = (struct rh_exposure){ n, n_queries, total, expected, sorted, covered };
    return RH_OK;
}
