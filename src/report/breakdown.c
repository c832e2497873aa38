#include "report/breakdown.h"

#include "report/pairs.h"
#include "store/sql.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double rh_row_hit(int32_t above, int32_t tied, int32_t k)
{
    return above >= k ? 0 : above + tied <= k ? 1 : (double)(k - above) / tied;
}

double rh_row_reciprocal(int32_t above, int32_t tied)
{
    double sum = 0;
    for (int32_t i = tied; i >= 1; i--) /* the small ones first */
        sum += 1.0 / ((double)above + i);
    return sum / tied;
}

/* What a breakdown of rows can be asked for. */
struct row_metric {
    const char *id;
    int32_t k; /* 0: the reciprocal rank */
};

static int row_metric(const char *word, struct row_metric *out, struct rh_error *err)
{
    const char *at = strchr(word, '@');
    size_t n = at ? (size_t)(at - word) : strlen(word);
    int64_t k = 0;
    *out = (struct row_metric){ .id = word };
    if (!at && !strcmp(word, "mrr"))
        return RH_OK;
    bool hit = (n == 6 && !strncmp(word, "recall", n)) || (n == 3 && !strncmp(word, "hit", n));
    if (!hit || !at || !rh_parse_int(at + 1, &k) || k < 1 || k > INT32_MAX)
        return rh_fail(err, RH_EINVAL, "metric '%s' has no part for each held-out row: allowed recall@K, hit@K, mrr; "
                       "other metrics are broken down by users, such as --by history", word);
    out->k = (int32_t)k;
    return RH_OK;
}

struct breaking {
    struct rh_store *s;
    struct rh_arena *a;
    struct rh_breakdowns *all;
    const struct rh_breakdown_options *o;
    struct rh_bins bins;
    const char **by;     /* [n_by] */
    int32_t n_by;
    const char **rows;   /* [n_rows] metrics of rows */
    int32_t n_rows;
    int32_t capacity;
};

static int split_list(struct rh_arena *a, const char *text, const char ***out, int32_t *n, struct rh_error *err)
{
    char *words = rh_arena_strdup(a, text), *rest = words;
    *out = rh_alloc(a, strlen(text) + 1, sizeof **out);
    *n = 0;
    if (!words || !*out)
        return rh_fail_memory(err, "a list", strlen(text));
    for (char *word; (word = strsep(&rest, ","));) {
        word += strspn(word, " ");
        for (size_t end = strlen(word); end && word[end - 1] == ' '; end--)
            word[end - 1] = '\0';
        if (word[0])
            (*out)[(*n)++] = word;
    }
    return RH_OK;
}

static int by_user(const void *x, const void *y)
{
    const struct rh_share *a = x, *b = y;
    return a->user != b->user ? (a->user > b->user) - (a->user < b->user) : a->stratum - b->stratum;
}

/* Shares of one user in one stratum become one: `mean` of queries that count once, else their sum. */
static int64_t merge(struct rh_share *share, int64_t n, bool mean)
{
    int64_t to = 0;
    qsort(share, (size_t)n, sizeof *share, by_user);
    for (int64_t i = 0; i < n; i++)
        if (to && share[to - 1].user == share[i].user && share[to - 1].stratum == share[i].stratum) {
            share[to - 1].sum += share[i].sum;
            share[to - 1].weight += share[i].weight;
        } else {
            share[to++] = share[i];
        }
    for (int64_t i = 0; i < to && mean; i++) {
        share[i].sum /= share[i].weight;
        share[i].weight = 1;
    }
    return to;
}

static int finish(struct breaking *x, struct rh_breakdown *b, int32_t row, struct rh_share *share, int64_t n, bool mean,
                  struct rh_error *err)
{
    struct rh_broken *to = &b->of[row];
    for (int64_t i = 0; i < n; i++)
        to->slice[share[i].stratum].units++;
    n = merge(share, n, mean);
    to->there = n > 0;
    const char *identity = rh_arena_printf(x->a, "%s\n%s\n%s\n%s\n%s", x->all->results.name, b->metric, b->part->label,
                                           b->strata->by, to->row->label);
    if (!identity)
        return rh_fail_memory(err, "a breakdown", 0);
    struct rh_arena_mark m = rh_arena_mark(x->a);
    int status = rh_slices(x->a, share, n, b->strata->n, identity, to->slice, &to->gap, err);
    rh_arena_rewind(x->a, m);
    return status;
}

static int new_breakdown(struct breaking *x, const struct rh_part *p, const struct rh_strata *g, const char *metric,
                         struct rh_breakdown **out, struct rh_error *err)
{
    struct rh_breakdowns *all = x->all;
    if (all->n == x->capacity) {
        struct rh_breakdown *more = rh_alloc(x->a, (size_t)x->capacity * 2 + 16, sizeof *more);
        if (!more)
            return rh_fail_memory(err, "breakdowns", 0);
        if (all->n)
            memcpy(more, all->of, (size_t)all->n * sizeof *more);
        all->of = more;
        x->capacity = x->capacity * 2 + 16;
    }
    struct rh_breakdown *b = &all->of[all->n++];
    *b = (struct rh_breakdown){ .part = p, .strata = g, .metric = metric,
                                .of = rh_alloc(x->a, (size_t)p->n_rows + 1, sizeof *b->of) };
    for (int32_t i = 0; i < p->n_rows && b->of; i++) {
        b->of[i] = (struct rh_broken){ .row = &p->row[i], .gap = { NAN, NAN, NAN, NAN, -1, -1 },
                                       .slice = rh_alloc(x->a, (size_t)g->n + 1, sizeof *b->of[i].slice) };
        if (!b->of[i].slice)
            return rh_fail_memory(err, "breakdowns", 0);
    }
    *out = b;
    return b->of ? RH_OK : rh_fail_memory(err, "breakdowns", 0);
}

/* Values of users in a stored metric. */
static int break_users(struct breaking *x, const struct rh_users *u, const struct rh_strata *g,
                       const struct rh_column *column, struct rh_error *err)
{
    struct rh_query_values v;
    struct rh_breakdown *b;
    RH_TRY(new_breakdown(x, u->part, g, column->id, &b, err));
    b->lower_is_better = column->lower_is_better;
    RH_TRY(rh_query_values_new(x->a, u, &v, err));
    struct rh_share *share = rh_alloc(x->a, (size_t)u->n_queries + 1, sizeof *share);
    if (!share)
        return rh_fail_memory(err, "a breakdown", (size_t)u->n_queries * sizeof *share);
    for (int32_t i = 0; i < u->part->n_rows; i++) {
        int64_t n = 0;
        RH_TRY(rh_query_values_load(x->s, u, &u->part->row[i], column->id, &v, err));
        for (int64_t q = 0; q < u->n_queries; q++)
            if (v.count[q])
                share[n++] = (struct rh_share){ rh_user_of(u, q), g->of[q], v.sum[q] / v.count[q], 1 };
        b->pooled |= n && !v.mean_of_users;
        RH_TRY(finish(x, b, i, share, n, true, err));
    }
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------ held-out rows */

static int32_t little_endian_int(const unsigned char *p)
{
    return (int32_t)((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
}

/* Adds what the rows of one run contribute; `count` says how often a row has one. */
static int add_run(struct breaking *x, int64_t run, int64_t start, int64_t most, const struct row_metric *m,
                   double *sum, int32_t *count, struct rh_error *err)
{
    struct rh_sql q;
    RH_TRY(rh_sql_open(&q, x->s, err, "SELECT t.above, t.tied FROM run_test t JOIN run r ON r.id = t.run "
                       "WHERE t.run = ? AND r.status = 'done'", "i", run));
    int status = rh_sql_step(&q, err);
    if (status == RH_OK) {
        const unsigned char *above = sqlite3_column_blob(q.stmt, 0), *tied = sqlite3_column_blob(q.stmt, 1);
        int64_t n = above ? sqlite3_column_bytes(q.stmt, 0) / 4 : 0;
        if (n != most || (n && (!tied || sqlite3_column_bytes(q.stmt, 1) != 4 * n)))
            status = rh_fail(err, RH_EDATA, "store '%s' tells of %lld of %lld held-out rows of a run",
                             rh_store_path(x->s), (long long)n, (long long)most);
        for (int64_t i = 0; i < n && status >= 0; i++) {
            int32_t a = little_endian_int(above + 4 * i), t = little_endian_int(tied + 4 * i);
            if (a < 0 || t < 1)
                continue;
            sum[start + i] += m->k ? rh_row_hit(a, t, m->k) : rh_row_reciprocal(a, t);
            count[start + i]++;
        }
    }
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

static int break_rows(struct breaking *x, const struct rh_users *u, const struct rh_strata *g, const char *metric,
                      struct rh_error *err)
{
    struct row_metric m;
    struct rh_breakdown *b;
    RH_TRY(row_metric(metric, &m, err));
    RH_TRY(new_breakdown(x, u->part, g, metric, &b, err));
    size_t room = (size_t)g->n_units + 1;
    double *sum = rh_alloc(x->a, room, sizeof *sum);
    int32_t *count = rh_alloc(x->a, room, sizeof *count);
    struct rh_share *share = rh_alloc(x->a, room, sizeof *share);
    if (!sum || !count || !share)
        return rh_fail_memory(err, "a breakdown", room * sizeof *share);
    for (int32_t i = 0; i < u->part->n_rows; i++) {
        const struct rh_row *row = &u->part->row[i];
        int64_t n = 0;
        memset(sum, 0, room * sizeof *sum);
        memset(count, 0, room * sizeof *count);
        for (int32_t r = 0; r < row->runs; r++)
            for (int32_t k = 0; k < u->part->n_problems; k++)
                if (u->part->problem[k] == row->problem[r])
                    RH_TRY(add_run(x, row->run[r], g->start[k], g->start[k + 1] - g->start[k], &m, sum, count, err));
        for (int64_t k = 0; k < g->n_units; k++)
            if (count[k])
                share[n++] = (struct rh_share){ rh_user_of(u, g->query[k]), g->of[k], sum[k] / count[k], 1 };
        RH_TRY(finish(x, b, i, share, n, false, err));
    }
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------- everything */

/* Of rows, when no metric is asked for: recall at the k of the primary metric, and the reciprocal rank. */
static int row_metrics(struct breaking *x, struct rh_error *err)
{
    const char *at = strchr(x->all->results.primary, '@');
    int64_t k = 10;
    if (x->o->metrics)
        return split_list(x->a, x->o->metrics, &x->rows, &x->n_rows, err);
    if (at)
        k = strtoll(at + 1, NULL, 10) > 0 ? strtoll(at + 1, NULL, 10) : 10;
    x->rows = rh_alloc(x->a, 2, sizeof *x->rows);
    if (!x->rows || !(x->rows[0] = rh_arena_printf(x->a, "recall@%lld", (long long)k)))
        return rh_fail_memory(err, "a list", 0);
    x->rows[1] = "mrr";
    x->n_rows = 2;
    return RH_OK;
}

static int break_part(struct breaking *x, const struct rh_part *p, struct rh_error *err)
{
    const struct rh_results *r = &x->all->results;
    struct rh_users u;
    RH_TRY(rh_users_load(x->s, x->a, p, &u, err));
    for (int32_t k = 0; k < x->n_by; k++) {
        struct rh_strata *g = rh_alloc(x->a, 1, sizeof *g);
        if (!g)
            return rh_fail_memory(err, "strata", 0);
        RH_TRY(rh_strata_load(x->s, x->a, &u, x->by[k], &x->bins, g, err));
        for (int32_t m = 0; g->rows && m < x->n_rows; m++)
            RH_TRY(break_rows(x, &u, g, x->rows[m], err));
        for (int32_t c = 0; !g->rows && c < r->n_columns; c++)
            if (x->o->metrics || c == (r->primary_column < 0 ? 0 : r->primary_column))
                RH_TRY(break_users(x, &u, g, &r->column[c], err));
    }
    return RH_OK;
}

static int load(struct breaking *x, struct rh_error *err)
{
    struct rh_results *r = &x->all->results;
    RH_TRY(rh_bins_parse(x->a, x->o->bins, &x->bins, err));
    RH_TRY(row_metrics(x, err));
    bool any = false;
    for (int32_t i = 0; i < r->n_parts; i++)
        if (r->part[i].n_built && r->part[i].n_rows) {
            RH_TRY(break_part(x, &r->part[i], err));
            any = true;
        }
    return any ? RH_OK : rh_fail(err, RH_EDATA, "experiment '%s' has no run yet", r->name);
}

int rh_breakdowns_load(struct rh_store *s, struct rh_arena *a, const char *experiment,
                       const struct rh_breakdown_options *o, struct rh_breakdowns *out, struct rh_error *err)
{
    struct breaking x = { .s = s, .a = a, .all = out, .o = o };
    bool rows_only = true;
    *out = (struct rh_breakdowns){ 0 };
    RH_TRY(split_list(a, o->by ? o->by : "history", &x.by, &x.n_by, err));
    if (!x.n_by)
        return rh_fail(err, RH_EINVAL, "--by names nothing; such as history, user.gender, popularity");
    for (int32_t k = 0; k < x.n_by; k++)
        rows_only &= rh_strata_of_rows(x.by[k]);
    /* The parts of rows are computed anew: they need no column of their name. */
    RH_TRY(rh_results_load(s, a, experiment, rows_only ? NULL : o->metrics, false, &out->results, err));
    RH_TRY(rh_sql_run(s, err, "BEGIN", ""));
    return rh_sql_end(s, load(&x, err), err);
}

int rh_breakdown_report(struct rh_store *s, const char *experiment, const struct rh_breakdown_options *o,
                        struct rh_text *out, struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_breakdowns b;
    int status = rh_breakdowns_load(s, &a, experiment, o, &b, err);
    if (status >= 0) {
        rh_breakdowns_write(&b, o, out);
        status = out->failed ? rh_fail_memory(err, "a breakdown", out->n) : RH_OK;
    }
    rh_arena_release(&a);
    return status;
}
