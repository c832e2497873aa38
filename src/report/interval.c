/* Confidence intervals from the values of users. */
#include "report/results.h"

#include "store/sql.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define Z95 1.959963984540054 /* 97.5 % quantile of the normal distribution */

struct pool {
    double *sum;     /* [n_users] */
    int32_t *count;  /* [n_users] */
    int64_t n_users;
    int32_t **index; /* [runs] user of each query of a run; NULL: the position itself */
    int64_t *length; /* [runs] queries of the run's problem; NULL with index */
};

static double little_endian_double(const unsigned char *p)
{
    uint64_t bits = 0;
    double x;
    for (int i = 7; i >= 0; i--)
        bits = bits << 8 | p[i];
    memcpy(&x, &bits, sizeof x);
    return x;
}

struct asked {
    const char *user;
    int32_t run, position;
};

static int by_user(const void *x, const void *y)
{
    const struct asked *a = x, *b = y;
    int order = strcmp(a->user, b->user);
    if (!order)
        order = (a->run > b->run) - (a->run < b->run);
    return order ? order : (a->position > b->position) - (a->position < b->position);
}

static int load_asked(struct rh_store *s, struct rh_arena *a, int64_t problem, int32_t run, struct asked *out,
                      int64_t n, struct rh_error *err)
{
    struct rh_sql q;
    RH_TRY(
        rh_sql_open(&q, s, err, "SELECT user FROM problem_query WHERE problem = ? ORDER BY position", "i", problem));
    int status = RH_OK;
    for (int64_t i = 0; i < n && (status = rh_sql_step(&q, err)) == RH_OK; i++) {
        out[i] = (struct asked){ rh_sql_text(&q, 0, a), run, (int32_t)i };
        if (!out[i].user)
            status = rh_fail_memory(err, "user ids", (size_t)n);
        if (status < 0)
            break;
    }
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

/* Gives the users of several problems common numbers, by sorting their ids. */
static int number_users(struct rh_store *s, struct rh_arena *a, const struct rh_row *row, struct pool *pool,
                        struct rh_error *err)
{
    int64_t *n = pool->length = rh_alloc(a, (size_t)row->runs, sizeof *n), total = 0, at = 0;
    pool->index = rh_alloc(a, (size_t)row->runs, sizeof *pool->index);
    if (!n || !pool->index)
        return rh_fail_memory(err, "user ids", (size_t)row->runs);
    for (int32_t i = 0; i < row->runs; i++) {
        RH_TRY(rh_sql_number(s, &n[i], 0, err, "SELECT count(*) FROM problem_query WHERE problem = ?", "i",
                             row->problem[i]));
        total += n[i];
        pool->index[i] = rh_alloc(a, (size_t)n[i], sizeof **pool->index);
        if (!pool->index[i])
            return rh_fail_memory(err, "user ids", (size_t)n[i]);
    }
    struct asked *asked = rh_alloc(a, (size_t)total, sizeof *asked);
    if (!asked)
        return rh_fail_memory(err, "user ids", (size_t)total * sizeof *asked);
    for (int32_t i = 0; i < row->runs; i++) {
        RH_TRY(load_asked(s, a, row->problem[i], i, asked + at, n[i], err));
        at += n[i];
    }
    qsort(asked, (size_t)total, sizeof *asked, by_user);
    for (int64_t i = 0; i < total; i++) {
        if (i && strcmp(asked[i].user, asked[i - 1].user))
            pool->n_users++;
        pool->index[asked[i].run][asked[i].position] = (int32_t)pool->n_users;
    }
    pool->n_users += total > 0;
    return RH_OK;
}

/* Adds the values of one run; false in *mean_of_users when the run's value is another thing than their mean. */
static int add_values(struct rh_store *s, const struct rh_row *row, int32_t i, const char *metric, struct pool *pool,
                      bool *mean_of_users, struct rh_error *err)
{
    struct rh_sql q;
    RH_TRY(rh_sql_open(
        &q, s, err,
        "SELECT mu.value, m.value FROM metric_user mu JOIN metric m ON m.run = mu.run AND m.id = mu.metric "
        "JOIN run r ON r.id = mu.run WHERE mu.run = ? AND mu.metric = ? AND r.status = 'done'",
        "it", row->run[i], metric));
    int status = rh_sql_step(&q, err);
    if (status == RH_OK) {
        const unsigned char *bytes = sqlite3_column_blob(q.stmt, 0);
        int64_t n = bytes ? sqlite3_column_bytes(q.stmt, 0) / 8 : 0, defined = 0;
        double sum = 0, value = rh_sql_real(&q, 1);
        int64_t most = pool->index ? pool->length[i] : pool->n_users;
        if (n > most)
            n = most;
        for (int64_t k = 0; k < n; k++) {
            double x = little_endian_double(bytes + 8 * k);
            if (isnan(x))
                continue;
            int64_t user = pool->index ? pool->index[i][k] : k;
            pool->sum[user] += x;
            pool->count[user]++;
            sum += x;
            defined++;
        }
        if (defined && !(fabs(sum / (double)defined - value) <= 1e-6 * fmax(1, fabs(value))))
            *mean_of_users = false;
    }
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

static double half_width(const struct pool *pool)
{
    double mean = 0, squares = 0;
    int64_t n = 0;
    for (int64_t u = 0; u < pool->n_users; u++) {
        if (!pool->count[u])
            continue;
        double x = pool->sum[u] / pool->count[u], step = x - mean;
        mean += step / (double)++n;
        squares += step * (x - mean);
    }
    return n > 1 ? Z95 * sqrt(squares / (double)(n - 1) / (double)n) : NAN;
}

static int fill(struct rh_store *s, struct rh_arena *a, const struct rh_results *r, int32_t column,
                struct rh_row *row, struct rh_error *err)
{
    struct pool pool = { 0 };
    bool several = false;
    for (int32_t i = 1; i < row->runs; i++)
        several |= row->problem[i] != row->problem[0];
    if (several)
        RH_TRY(number_users(s, a, row, &pool, err));
    else
        RH_TRY(rh_sql_number(s, &pool.n_users, 0, err, "SELECT max(queries) FROM run WHERE problem = ?", "i",
                             row->problem[0]));
    pool.sum = rh_alloc(a, (size_t)pool.n_users, sizeof *pool.sum);
    pool.count = rh_alloc(a, (size_t)pool.n_users, sizeof *pool.count);
    if (!pool.sum || !pool.count)
        return rh_fail_memory(err, "values of users", (size_t)pool.n_users * 12);
    for (int32_t c = column < 0 ? 0 : column; c < (column < 0 ? r->n_columns : column + 1); c++) {
        bool mean_of_users = true;
        memset(pool.sum, 0, (size_t)pool.n_users * sizeof *pool.sum);
        memset(pool.count, 0, (size_t)pool.n_users * sizeof *pool.count);
        for (int32_t i = 0; i < row->runs; i++)
            RH_TRY(add_values(s, row, i, r->column[c].id, &pool, &mean_of_users, err));
        row->cell[c].interval = mean_of_users ? half_width(&pool) : NAN;
    }
    return RH_OK;
}

int rh_results_intervals(struct rh_store *s, struct rh_arena *a, const struct rh_results *r, int32_t column,
                         struct rh_error *err)
{
    for (int32_t i = 0; i < r->n_parts; i++)
        for (int32_t k = 0; k < r->part[i].n_rows; k++) {
            struct rh_arena_mark m = rh_arena_mark(a);
            int status = fill(s, a, r, column, &r->part[i].row[k], err);
            rh_arena_rewind(a, m);
            if (status < 0)
                return status;
        }
    return RH_OK;
}
