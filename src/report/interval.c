/* Confidence intervals from the values of users. */
#include "report/users.h"

#include <math.h>
#include <string.h>

#define Z95 1.959963984540054 /* 97.5 % quantile of the normal distribution */

/* What a user has: the values of all runs where they are asked. */
struct pool {
    double *sum;    /* [n users] */
    int32_t *count; /* [n users] */
};

static double half_width(const struct rh_users *u, const struct rh_query_values *v, struct pool *pool)
{
    double mean = 0, squares = 0;
    int64_t n = 0;
    memset(pool->sum, 0, (size_t)u->n * sizeof *pool->sum);
    memset(pool->count, 0, (size_t)u->n * sizeof *pool->count);
    for (int64_t i = 0; i < u->n_queries; i++) {
        pool->sum[rh_user_of(u, i)] += v->sum[i];
        pool->count[rh_user_of(u, i)] += v->count[i];
    }
    for (int64_t k = 0; k < u->n; k++) {
        if (!pool->count[k])
            continue;
        double x = pool->sum[k] / pool->count[k], step = x - mean;
        mean += step / (double)++n;
        squares += step * (x - mean);
    }
    return n > 1 ? Z95 * sqrt(squares / (double)(n - 1) / (double)n) : NAN;
}

static int fill(struct rh_store *s, struct rh_arena *a, const struct rh_results *r, int32_t column,
                const struct rh_part *p, struct rh_error *err)
{
    struct rh_users u;
    struct rh_query_values v;
    RH_TRY(rh_users_load(s, a, p, &u, err));
    RH_TRY(rh_query_values_new(a, &u, &v, err));
    struct pool pool = { rh_alloc(a, (size_t)u.n + 1, sizeof *pool.sum),
                         rh_alloc(a, (size_t)u.n + 1, sizeof *pool.count) };
    if (!pool.sum || !pool.count)
        return rh_fail_memory(err, "values of users", (size_t)u.n * 12);
    for (int32_t k = 0; k < p->n_rows; k++)
        for (int32_t c = column < 0 ? 0 : column; c < (column < 0 ? r->n_columns : column + 1); c++) {
            RH_TRY(rh_query_values_load(s, &u, &p->row[k], r->column[c].id, &v, err));
            p->row[k].cell[c].interval = v.mean_of_users ? half_width(&u, &v, &pool) : NAN;
        }
    return RH_OK;
}

int rh_results_intervals(struct rh_store *s, struct rh_arena *a, const struct rh_results *r, int32_t column,
                         struct rh_error *err)
{
    for (int32_t i = 0; i < r->n_parts; i++) {
        struct rh_arena_mark m = rh_arena_mark(a);
        int status = fill(s, a, r, column, &r->part[i], err);
        rh_arena_rewind(a, m);
        if (status < 0)
            return status;
    }
    return RH_OK;
}
