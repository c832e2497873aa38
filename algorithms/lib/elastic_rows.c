#include "algorithms/lib/elastic_rows.h"

#include "algorithms/lib/factors.h"

#include <string.h>

typedef int32_t mask __attribute__((vector_size(32), may_alias));

/* Where the weights go that have the residual correlation r when they are 0. */
static inline __attribute__((always_inline)) void best(const struct rh_elastic *e, const rh_lanes *r, float diagonal,
                                                       rh_lanes *out)
{
    float below = diagonal + e->l2;
    rh_lanes up = (*r - e->l1) / below, down = (*r + e->l1) / below;
    mask w = (mask)up & (mask)(up > 0);
    if (!e->positive)
        w |= (mask)down & (mask)(down < 0);
    *out = (rh_lanes)w;
}

/* The moves that are made: those not too small, and all to 0. */
static inline __attribute__((always_inline)) bool moves(const rh_lanes *old, const rh_lanes *next,
                                                        const rh_lanes *least, rh_lanes *d)
{
    rh_lanes far = *next - *old;
    mask made = (mask)(far > *least) | (mask)(far < -*least) | (mask)(*next == 0);
    *d = (rh_lanes)((mask)far & made);
    mask any = (mask)(*d != 0);
    return (any[0] | any[1] | any[2] | any[3] | any[4] | any[5] | any[6] | any[7]) != 0;
}

/* The larger of a and |b|. */
static inline __attribute__((always_inline)) void keep_largest(rh_lanes *a, const rh_lanes *b)
{
    mask sign = { INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX };
    rh_lanes size = (rh_lanes)((mask)*b & sign);
    mask larger = (mask)(size > *a);
    *a = (rh_lanes)(((mask)size & larger) | ((mask)*a & ~larger));
}

static inline __attribute__((always_inline)) void sum(const rh_lanes *residual, const int32_t *row, int64_t n,
                                                      rh_lanes *out)
{
    rh_lanes a = { 0 }, b = { 0 };
    int64_t k = 0;
    for (; k + 2 <= n; k += 2) {
        a += residual[row[k]];
        b += residual[row[k + 1]];
    }
    if (k < n)
        a += residual[row[k]];
    *out = a + b;
}

RH_WIDE void rh_elastic_rows(const struct rh_elastic *e, const struct rh_inverted *x, int32_t n_rows,
                             const int32_t *column, int32_t n, float *w, float *residual)
{
    rh_lanes *r = (rh_lanes *)residual, *weight = (rh_lanes *)w, scale = { 0 };
    memset(residual, 0, (size_t)n_rows * sizeof *r);
    for (int32_t m = 0; m < n; m++)
        for (int64_t k = x->row[column[m]]; k < x->row[column[m] + 1]; k++)
            residual[(int64_t)x->user[k] * RH_ELASTIC_LANES + m] = 1;
    for (int64_t pass = 0; pass < e->passes; pass++) {
        rh_lanes moved = { 0 }, largest = { 0 }, least = e->too_small * scale;
        for (int32_t i = 0; i < x->n_items; i++) {
            const int32_t *row = x->user + x->row[i];
            int64_t n_row = x->row[i + 1] - x->row[i];
            rh_lanes correlation, next, d;
            if (n_row == 0)
                continue;
            sum(r, row, n_row, &correlation);
            correlation += (float)n_row * weight[i];
            best(e, &correlation, (float)n_row, &next);
            for (int32_t m = 0; m < n; m++)
                if (column[m] == i)
                    next[m] = 0;
            keep_largest(&largest, &next);
            if (!moves(&weight[i], &next, &least, &d))
                continue;
            keep_largest(&moved, &d);
            weight[i] += d;
            for (int64_t k = 0; k < n_row; k++)
                r[row[k]] -= d;
        }
        bool still = true;
        for (int32_t m = 0; m < n; m++)
            still = still && moved[m] <= e->tolerance * largest[m];
        scale = largest;
        if (still)
            break;
    }
}
