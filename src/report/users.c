#include "report/users.h"

#include "store/sql.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double rh_little_endian_double(const unsigned char *p)
{
    uint64_t bits = 0;
    double x;
    for (int i = 7; i >= 0; i--)
        bits = bits << 8 | p[i];
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* ------------------------------------------------------------------------------------------------ who asks */

struct asked {
    const char *user;
    int64_t query;
};

static int by_user(const void *x, const void *y)
{
    const struct asked *a = x, *b = y;
    int order = strcmp(a->user, b->user);
    return order ? order : (a->query > b->query) - (a->query < b->query);
}

static int load_asked(struct rh_store *s, struct rh_arena *a, int64_t problem, int64_t first, int64_t n,
                      struct asked *out, struct rh_error *err)
{
    struct rh_sql q;
    RH_TRY(
        rh_sql_open(&q, s, err, "SELECT user FROM problem_query WHERE problem = ? ORDER BY position", "i", problem));
    int status = RH_OK;
    for (int64_t i = 0; i < n && (status = rh_sql_step(&q, err)) == RH_OK; i++) {
        out[i] = (struct asked){ rh_sql_text(&q, 0, a), first + i };
        if (!out[i].user)
            status = rh_fail_memory(err, "user ids", (size_t)n);
        if (status < 0)
            break;
    }
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

/* Gives the users of several problems common numbers, by sorting their ids. */
static int number_users(struct rh_store *s, struct rh_arena *a, struct rh_users *u, struct rh_error *err)
{
    const struct rh_part *p = u->part;
    for (int32_t i = 0; i < p->n_problems; i++) {
        int64_t n;
        RH_TRY(rh_sql_number(s, &n, 0, err, "SELECT count(*) FROM problem_query WHERE problem = ?", "i",
                             p->problem[i]));
        u->start[i + 1] = u->start[i] + n;
    }
    u->n_queries = u->start[p->n_problems];
    u->user = rh_alloc(a, (size_t)u->n_queries + 1, sizeof *u->user);
    struct asked *asked = rh_alloc(a, (size_t)u->n_queries + 1, sizeof *asked);
    if (!u->user || !asked)
        return rh_fail_memory(err, "user ids", (size_t)u->n_queries * sizeof *asked);
    for (int32_t i = 0; i < p->n_problems; i++)
        RH_TRY(load_asked(s, a, p->problem[i], u->start[i], u->start[i + 1] - u->start[i], asked + u->start[i], err));
    qsort(asked, (size_t)u->n_queries, sizeof *asked, by_user);
    for (int64_t i = 0; i < u->n_queries; i++) {
        if (i && strcmp(asked[i].user, asked[i - 1].user))
            u->n++;
        u->user[asked[i].query] = (int32_t)u->n;
    }
    u->n += u->n_queries > 0;
    return RH_OK;
}

int rh_users_load(struct rh_store *s, struct rh_arena *a, const struct rh_part *p, struct rh_users *out,
                  struct rh_error *err)
{
    *out = (struct rh_users){ .start = rh_alloc(a, (size_t)p->n_problems + 1, sizeof *out->start), .part = p };
    if (!out->start)
        return rh_fail_memory(err, "user ids", (size_t)p->n_problems);
    if (p->n_problems != 1)
        return number_users(s, a, out, err);
    RH_TRY(rh_sql_number(s, &out->n, 0, err, "SELECT max(queries) FROM run WHERE problem = ?", "i", p->problem[0]));
    out->start[1] = out->n_queries = out->n;
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------ their values */

int rh_query_values_new(struct rh_arena *a, const struct rh_users *u, struct rh_query_values *out,
                        struct rh_error *err)
{
    out->sum = rh_alloc(a, (size_t)u->n_queries + 1, sizeof *out->sum);
    out->count = rh_alloc(a, (size_t)u->n_queries + 1, sizeof *out->count);
    return out->sum && out->count ? RH_OK : rh_fail_memory(err, "values of users", (size_t)u->n_queries * 12);
}

/* Adds the values of one run, whose queries are [start, start + most). */
static int add_values(struct rh_store *s, int64_t run, const char *metric, int64_t start, int64_t most,
                      struct rh_query_values *v, struct rh_error *err)
{
    struct rh_sql q;
    RH_TRY(rh_sql_open(
        &q, s, err,
        "SELECT mu.value, m.value FROM metric_user mu JOIN metric m ON m.run = mu.run AND m.id = mu.metric "
        "JOIN run r ON r.id = mu.run WHERE mu.run = ? AND mu.metric = ? AND r.status = 'done'",
        "it", run, metric));
    int status = rh_sql_step(&q, err);
    if (status == RH_OK) {
        const unsigned char *bytes = sqlite3_column_blob(q.stmt, 0);
        int64_t n = bytes ? sqlite3_column_bytes(q.stmt, 0) / 8 : 0, defined = 0;
        double sum = 0, value = rh_sql_real(&q, 1);
        n = n < most ? n : most;
        for (int64_t k = 0; k < n; k++) {
            double x = rh_little_endian_double(bytes + 8 * k);
            if (isnan(x))
                continue;
            v->sum[start + k] += x;
            v->count[start + k]++;
            sum += x;
            defined++;
        }
        if (defined && !(fabs(sum / (double)defined - value) <= 1e-6 * fmax(1, fabs(value))))
            v->mean_of_users = false;
    }
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

int rh_query_values_load(struct rh_store *s, const struct rh_users *u, const struct rh_row *row, const char *metric,
                         struct rh_query_values *out, struct rh_error *err)
{
    memset(out->sum, 0, (size_t)u->n_queries * sizeof *out->sum);
    memset(out->count, 0, (size_t)u->n_queries * sizeof *out->count);
    out->mean_of_users = true;
    for (int32_t i = 0; i < row->runs; i++)
        for (int32_t k = 0; k < u->part->n_problems; k++)
            if (u->part->problem[k] == row->problem[i]) {
                RH_TRY(add_values(s, row->run[i], metric, u->start[k], u->start[k + 1] - u->start[k], out, err));
                break;
            }
    return RH_OK;
}
