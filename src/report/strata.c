#include "report/strata.h"

#include "base/text.h"
#include "store/sql.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int no_memory(struct rh_error *err)
{
    return rh_fail_memory(err, "strata", 0);
}

int rh_bins_parse(struct rh_arena *a, const char *text, struct rh_bins *out, struct rh_error *err)
{
    int64_t n;
    *out = (struct rh_bins){ .n = RH_BINS };
    if (!text)
        return RH_OK;
    if (!strchr(text, ',')) {
        if (!rh_parse_int(text, &n) || n < 1 || n > 1000)
            return rh_fail(err, RH_EINVAL, "bins '%s': neither a number of strata from 1 to 1000 nor edges such as "
                           "5,20", text);
        out->n = (int32_t)n;
        return RH_OK;
    }
    char *words = rh_arena_strdup(a, text), *rest = words;
    out->n = 0;
    out->edge = rh_alloc(a, strlen(text) + 1, sizeof *out->edge);
    if (!words || !out->edge)
        return no_memory(err);
    for (char *word; (word = strsep(&rest, ","));) {
        double x;
        word += strspn(word, " ");
        if (!word[0])
            continue;
        if (!rh_parse_real(word, &x) || !isfinite(x) || (out->n_edges && x <= out->edge[out->n_edges - 1]))
            return rh_fail(err, RH_EINVAL, "bins '%s': '%s' is no edge: numbers, each larger than the one before", text,
                           word);
        out->edge[out->n_edges++] = x;
    }
    return out->n_edges ? RH_OK : rh_fail(err, RH_EINVAL, "bins '%s' has no edge in it", text);
}

/* ---------------------------------------------------------------------------------------------------- facts */

struct fact {
    double *value; /* [n] */
    int64_t n;     /* -1: there is none */
    const char *labels;
};

static int read_fact(struct rh_store *s, struct rh_arena *a, int64_t problem, const char *subject, const char *key,
                     struct fact *out, struct rh_error *err)
{
    struct rh_sql q;
    *out = (struct fact){ .n = -1 };
    RH_TRY(rh_sql_open(&q, s, err, "SELECT value, labels IS NOT NULL, labels FROM problem_fact WHERE problem = ? AND "
                       "subject = ? AND key = ?", "itt", problem, subject, key));
    int status = rh_sql_step(&q, err);
    if (status == RH_OK) {
        const unsigned char *bytes = sqlite3_column_blob(q.stmt, 0);
        int64_t n = bytes ? sqlite3_column_bytes(q.stmt, 0) / 8 : 0;
        out->value = rh_alloc(a, (size_t)n + 1, sizeof *out->value);
        out->labels = rh_sql_int(&q, 1) ? rh_sql_text(&q, 2, a) : NULL;
        if (!out->value || (rh_sql_int(&q, 1) && !out->labels))
            status = no_memory(err);
        for (int64_t i = 0; i < n && status == RH_OK; i++)
            out->value[i] = rh_little_endian_double(bytes + 8 * i);
        out->n = n;
    }
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

static const char *const of_rows[] = { "popularity", "new", "time", "value" };

bool rh_strata_of_rows(const char *by)
{
    for (size_t i = 0; i < sizeof of_rows / sizeof *of_rows; i++)
        if (!strcmp(by, of_rows[i]))
            return true;
    return false;
}

/* No fact of this name: which there are. */
static int missing(struct rh_store *s, struct rh_arena *a, const struct rh_part *p, int64_t problem, const char *by,
                   struct rh_error *err)
{
    enum { MOST = 100 };
    const char *names[MOST] = { "activity", "cold", "overlap", "popularity", "new", "time", "value" };
    size_t n = 7;
    int64_t there;
    struct rh_sql q;
    struct rh_text all = { 0 };
    RH_TRY(rh_sql_number(s, &there, 0, err, "SELECT count(*) FROM problem_fact WHERE problem = ?", "i", problem));
    if (!there)
        return rh_fail(err, RH_EDATA, "problem '%s' was stored without what is known of its users and items; run its "
                       "experiment again with --force", p->label);
    RH_TRY(rh_sql_open(&q, s, err, "SELECT key FROM problem_fact WHERE problem = ? AND subject = 'query' AND "
                       "key <> 'time' ORDER BY rowid", "i", problem));
    int status;
    while (n < MOST && (status = rh_sql_step(&q, err)) == RH_OK)
        if (!(names[n++] = rh_sql_text(&q, 0, a)))
            return rh_sql_close(&q), no_memory(err);
    rh_sql_close(&q);
    for (size_t i = 0; i < n; i++)
        rh_text_printf(&all, "%s%s", i ? ", " : "", names[i]);
    const char *nearest = rh_nearest(by, names, n);
    status = nearest ? rh_fail(err, RH_EINVAL, "nothing is known by '%s' in problem '%s'; did you mean '%s'?", by,
                               p->label, nearest)
                     : rh_fail(err, RH_EINVAL, "nothing is known by '%s' in problem '%s'; it has %s", by, p->label,
                               all.s ? all.s : "none");
    rh_text_release(&all);
    return status;
}

/* --------------------------------------------------------------------------------------------------- labels */

static int32_t label_number(struct rh_arena *a, struct rh_strata *g, const char *label, int32_t *capacity)
{
    for (int32_t i = 0; i < g->n; i++)
        if (!strcmp(g->label[i], label))
            return i;
    if (g->n == *capacity) {
        const char **more = rh_alloc(a, (size_t)*capacity * 2 + 8, sizeof *more);
        if (!more)
            return -1;
        if (g->n)
            memcpy(more, g->label, (size_t)g->n * sizeof *more);
        g->label = more;
        *capacity = *capacity * 2 + 8;
    }
    g->label[g->n] = label;
    return g->n++;
}

/* Units without a stratum so far (-1) make one at the end. */
static int add_unknown(struct rh_arena *a, struct rh_strata *g, struct rh_error *err)
{
    int32_t capacity = g->n, unknown = -1;
    for (int64_t i = 0; i < g->n_units; i++) {
        if (g->of[i] >= 0)
            continue;
        if (unknown < 0 && (unknown = label_number(a, g, "unknown", &capacity)) < 0)
            return no_memory(err);
        g->of[i] = unknown;
    }
    return RH_OK;
}

/* Labels that no unit has are left out. */
static int drop_empty(struct rh_arena *a, struct rh_strata *g, struct rh_error *err)
{
    int32_t *place = rh_alloc(a, (size_t)g->n + 1, sizeof *place), n = 0;
    if (!place)
        return no_memory(err);
    for (int64_t i = 0; i < g->n_units; i++)
        if (g->of[i] >= 0)
            place[g->of[i]] = 1;
    for (int32_t k = 0; k < g->n; k++)
        if (place[k]) {
            g->label[n] = g->label[k];
            place[k] = n++;
        }
    for (int64_t i = 0; i < g->n_units; i++)
        if (g->of[i] >= 0)
            g->of[i] = place[g->of[i]];
    g->n = n;
    return RH_OK;
}

/* ---------------------------------------------------------------------------------------------------- numbers */

static int by_size(const void *x, const void *y)
{
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static void number_text(struct rh_text *t, double x, bool time)
{
    char buf[32];
    time_t seconds = (time_t)x;
    struct tm tm;
    if (time && gmtime_r(&seconds, &tm))
        rh_text_printf(t, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    else
        rh_text_add(t, rh_real_text(x, buf));
}

static const char *range_label(struct rh_arena *a, double low, double high, bool time)
{
    struct rh_text t = { 0 };
    number_text(&t, low, time);
    if (low < high) {
        rh_text_add(&t, " to ");
        number_text(&t, high, time);
    }
    const char *out = t.failed ? NULL : rh_arena_strdup(a, t.s);
    rh_text_release(&t);
    return out;
}

/* The upper ends of all strata but the last, for strata of equal size; values of one size stay together. */
static int32_t quantiles(const double *sorted, int64_t n, int32_t bins, double *cut)
{
    int64_t distinct = n > 0;
    int32_t n_cuts = 0;
    for (int64_t i = 1; i < n; i++)
        distinct += sorted[i] > sorted[i - 1];
    if (distinct <= bins) {
        for (int64_t i = 1; i < n; i++)
            if (sorted[i] > sorted[i - 1])
                cut[n_cuts++] = sorted[i - 1];
        return n_cuts;
    }
    for (int32_t b = 1; b < bins; b++) {
        double c = sorted[(n * b + bins - 1) / bins - 1];
        if (c < sorted[n - 1] && (!n_cuts || c > cut[n_cuts - 1]))
            cut[n_cuts++] = c;
    }
    return n_cuts;
}

static int cut_numbers(struct rh_arena *a, struct rh_strata *g, const double *x, const struct rh_bins *bins, bool time,
                       struct rh_error *err)
{
    double *sorted = rh_alloc(a, (size_t)g->n_units + 1, sizeof *sorted);
    double *cut = rh_alloc(a, (size_t)bins->n + (size_t)bins->n_edges + 1, sizeof *cut);
    int64_t n = 0;
    int32_t n_cuts = bins->n_edges;
    if (!sorted || !cut)
        return no_memory(err);
    for (int64_t i = 0; i < g->n_units; i++)
        if (!isnan(x[i]))
            sorted[n++] = x[i];
    qsort(sorted, (size_t)n, sizeof *sorted, by_size);
    if (bins->n)
        n_cuts = quantiles(sorted, n, bins->n, cut);
    double *least = rh_alloc(a, (size_t)n_cuts + 1, sizeof *least);
    double *most = rh_alloc(a, (size_t)n_cuts + 1, sizeof *most);
    g->label = rh_alloc(a, (size_t)n_cuts + 2, sizeof *g->label);
    if (!least || !most || !g->label)
        return no_memory(err);
    g->n = n_cuts + 1;
    for (int32_t k = 0; k < g->n; k++) {
        least[k] = INFINITY;
        most[k] = -INFINITY;
    }
    for (int64_t i = 0; i < g->n_units; i++) {
        int32_t k = 0;
        while (k < n_cuts && (bins->n ? x[i] > cut[k] : x[i] >= bins->edge[k]))
            k++;
        g->of[i] = isnan(x[i]) ? -1 : k;
        if (isnan(x[i]))
            continue;
        least[k] = fmin(least[k], x[i]);
        most[k] = fmax(most[k], x[i]);
    }
    for (int32_t k = 0; k < g->n; k++)
        if (!(g->label[k] = range_label(a, least[k], most[k], time)))
            return no_memory(err);
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------- of queries */

/* Names of the labels of every problem become common numbers. */
static int take_labels(struct rh_arena *a, struct rh_strata *g, const struct fact *f, int64_t first, int32_t *capacity,
                       struct rh_error *err)
{
    int32_t n = 1, *number;
    for (const char *p = f->labels; *p; p++)
        n += *p == '\n';
    char *words = rh_arena_strdup(a, f->labels), *rest = words;
    number = rh_alloc(a, (size_t)n, sizeof *number);
    if (!words || !number)
        return no_memory(err);
    n = 0;
    for (char *word; (word = strsep(&rest, "\n"));)
        if ((number[n++] = label_number(a, g, word, capacity)) < 0)
            return no_memory(err);
    for (int64_t i = 0; i < f->n; i++)
        g->of[first + i] = f->value[i] >= 0 && f->value[i] < n ? number[(int32_t)f->value[i]] : -1; /* not of a NaN */
    return RH_OK;
}

static int two_labels(struct rh_arena *a, struct rh_strata *g, const double *x, const char *zero, const char *more,
                      struct rh_error *err)
{
    g->label = rh_alloc(a, 3, sizeof *g->label);
    if (!g->label)
        return no_memory(err);
    g->label[0] = zero;
    g->label[1] = more;
    g->n = 2;
    for (int64_t i = 0; i < g->n_units; i++)
        g->of[i] = isnan(x[i]) ? -1 : x[i] > 0;
    return RH_OK;
}

static int load_queries(struct rh_store *s, struct rh_arena *a, const struct rh_users *u, const struct rh_bins *bins,
                        struct rh_strata *g, struct rh_error *err)
{
    bool cold = !strcmp(g->by, "cold"), overlap = !strcmp(g->by, "overlap"), labels = false;
    const char *key = cold || !strcmp(g->by, "activity") ? "train_rows" : overlap ? "source_rows" : g->by;
    int32_t capacity = 0;
    g->n_units = u->n_queries;
    g->start = u->start;
    g->of = rh_alloc(a, (size_t)g->n_units + 1, sizeof *g->of);
    double *x = rh_alloc(a, (size_t)g->n_units + 1, sizeof *x);
    if (!g->of || !x)
        return no_memory(err);
    for (int64_t i = 0; i < g->n_units; i++) {
        g->of[i] = -1;
        x[i] = NAN;
    }
    for (int32_t k = 0; k < u->part->n_problems; k++) {
        struct fact f;
        RH_TRY(read_fact(s, a, u->part->problem[k], "query", key, &f, err));
        if (f.n < 0)
            return missing(s, a, u->part, u->part->problem[k], g->by, err);
        if (f.n != u->start[k + 1] - u->start[k])
            return rh_fail(err, RH_EDATA, "fact '%s' of problem '%s' has %lld values for %lld queries", key,
                           u->part->label, (long long)f.n, (long long)(u->start[k + 1] - u->start[k]));
        labels |= f.labels != NULL;
        if (f.labels)
            RH_TRY(take_labels(a, g, &f, u->start[k], &capacity, err));
        else if (f.n)
            memcpy(x + u->start[k], f.value, (size_t)f.n * sizeof *x);
    }
    if (cold)
        return two_labels(a, g, x, "cold", "warm", err);
    if (overlap)
        return two_labels(a, g, x, "target only", "in a source", err);
    return labels ? RH_OK : cut_numbers(a, g, x, bins, false, err);
}

/* --------------------------------------------------------------------------------------------- of held-out rows */

/* Share of the train rows that lie with items of more rows, for every item. */
static int share_above(struct rh_arena *a, const struct fact *rows, double *share, struct rh_error *err)
{
    double *sorted = rh_alloc(a, (size_t)rows->n + 1, sizeof *sorted), total = 0, above = 0;
    double *before = rh_alloc(a, (size_t)rows->n + 1, sizeof *before);
    if (!sorted || !before)
        return no_memory(err);
    for (int64_t i = 0; i < rows->n; i++) {
        sorted[i] = -rows->value[i]; /* the largest first */
        total += rows->value[i];
    }
    qsort(sorted, (size_t)rows->n, sizeof *sorted, by_size);
    for (int64_t i = 0, next; i < rows->n; i = next) {
        for (next = i; next < rows->n && sorted[next] <= sorted[i]; next++)
            before[next] = above;
        above -= (double)(next - i) * sorted[i];
    }
    for (int64_t i = 0; i < rows->n; i++) {
        double x = -rows->value[i], *at = bsearch(&x, sorted, (size_t)rows->n, sizeof *sorted, by_size);
        share[i] = !at || total <= 0 ? 1 : before[at - sorted] / total;
    }
    return RH_OK;
}

/* The numbers by which the rows of problem k are told apart. */
static int row_numbers(struct rh_store *s, struct rh_arena *a, const struct rh_part *p, int32_t k, const char *by,
                       struct fact *out, struct rh_error *err)
{
    struct fact item, rows;
    bool popularity = !strcmp(by, "popularity");
    if (!popularity && strcmp(by, "new") != 0)
        return read_fact(s, a, p->problem[k], "test", by, out, err);
    RH_TRY(read_fact(s, a, p->problem[k], "test", "item", &item, err));
    RH_TRY(read_fact(s, a, p->problem[k], "item", "train_rows", &rows, err));
    *out = item;
    if (item.n < 0 || rows.n < 0)
        return out->n = -1, RH_OK;
    double *share = rh_alloc(a, (size_t)rows.n + 1, sizeof *share);
    if (!share)
        return no_memory(err);
    if (popularity)
        RH_TRY(share_above(a, &rows, share, err));
    for (int64_t i = 0; i < item.n; i++) {
        double at = item.value[i];
        bool known = at >= 0 && at < (double)rows.n; /* not a NaN */
        out->value[i] = !known ? NAN : popularity ? share[(int64_t)at] : rows.value[(int64_t)at];
    }
    return RH_OK;
}

static int load_rows(struct rh_store *s, struct rh_arena *a, const struct rh_users *u, const struct rh_bins *bins,
                     struct rh_strata *g, struct rh_error *err)
{
    int32_t n_problems = u->part->n_problems;
    struct fact *number = rh_alloc(a, (size_t)n_problems + 1, sizeof *number), *held = NULL;
    held = rh_alloc(a, (size_t)n_problems + 1, sizeof *held);
    g->rows = true;
    g->start = rh_alloc(a, (size_t)n_problems + 1, sizeof *g->start);
    if (!number || !held || !g->start)
        return no_memory(err);
    for (int32_t k = 0; k < n_problems; k++) {
        double rows = 0;
        RH_TRY(row_numbers(s, a, u->part, k, g->by, &number[k], err));
        RH_TRY(read_fact(s, a, u->part->problem[k], "query", "test_rows", &held[k], err));
        if (number[k].n < 0 || held[k].n < 0)
            return missing(s, a, u->part, u->part->problem[k], g->by, err);
        for (int64_t i = 0; i < held[k].n; i++)
            rows += held[k].value[i];
        if (rows != (double)number[k].n || held[k].n != u->start[k + 1] - u->start[k])
            return rh_fail(err, RH_EDATA, "the facts of the held-out rows of problem '%s' are damaged", u->part->label);
        g->start[k + 1] = g->start[k] + number[k].n;
    }
    g->n_units = g->start[n_problems];
    g->of = rh_alloc(a, (size_t)g->n_units + 1, sizeof *g->of);
    g->query = rh_alloc(a, (size_t)g->n_units + 1, sizeof *g->query);
    double *x = rh_alloc(a, (size_t)g->n_units + 1, sizeof *x);
    if (!g->of || !g->query || !x)
        return no_memory(err);
    for (int32_t k = 0; k < n_problems; k++) {
        int64_t at = g->start[k];
        for (int64_t q = 0; q < held[k].n; q++)
            for (double i = 0; i < held[k].value[q] && at < g->start[k + 1]; i++)
                g->query[at++] = u->start[k] + q;
        if (number[k].n)
            memcpy(x + g->start[k], number[k].value, (size_t)number[k].n * sizeof *x);
    }
    if (!strcmp(g->by, "new"))
        return two_labels(a, g, x, "new", "old", err);
    if (strcmp(g->by, "popularity"))
        return cut_numbers(a, g, x, bins, !strcmp(g->by, "time"), err);
    static const char *const bucket[] = { "head", "mid", "tail" };
    g->label = rh_arena_copy(a, bucket, 3, sizeof *bucket);
    g->n = 3;
    for (int64_t i = 0; i < g->n_units; i++)
        g->of[i] = isnan(x[i]) ? -1 : x[i] < 1.0 / 3 ? 0 : x[i] < 2.0 / 3 ? 1 : 2;
    return g->label ? RH_OK : no_memory(err);
}

int rh_strata_load(struct rh_store *s, struct rh_arena *a, const struct rh_users *u, const char *by,
                   const struct rh_bins *bins, struct rh_strata *out, struct rh_error *err)
{
    *out = (struct rh_strata){ .by = by };
    if (rh_strata_of_rows(by))
        RH_TRY(load_rows(s, a, u, bins, out, err));
    else
        RH_TRY(load_queries(s, a, u, bins, out, err));
    RH_TRY(drop_empty(a, out, err));
    return add_unknown(a, out, err);
}
