#include "run/facts.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

struct making {
    struct rh_arena *a;
    const struct rh_problem *p;
    struct rh_fact_row *fact;
    int32_t n;
    bool failed;
};

/* The values of a new fact, to be filled; NULL: no memory. */
static double *add(struct making *m, const char *subject, const char *key, int64_t n)
{
    double *value = rh_alloc(m->a, (size_t)n + 1, sizeof *value);
    m->failed |= !value;
    if (value)
        m->fact[m->n++] = (struct rh_fact_row){ subject, key, NULL, value, n };
    return value;
}

/* Where item `item` of user u lies among all rows of the target, or -1. A user of the problem has the same number in
 * the target. */
static int64_t row_of(const struct rh_domain_data *d, int32_t u, int32_t item)
{
    int64_t low = u < d->n_users ? d->row[u] : 0, high = u < d->n_users ? d->row[u + 1] : 0, end = high;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (d->item[middle] < item)
            low = middle + 1;
        else
            high = middle;
    }
    return low < end && d->item[low] == item ? low : -1;
}

static double time_of(const struct rh_domain_data *d, int64_t row)
{
    return row < 0 || !d->time || d->time[row] == RH_NO_TIME ? NAN : (double)d->time[row];
}

/* Candidates that are not masked: both lists ascend. */
static int32_t ranked(const struct rh_query *q, const struct rh_truth *t)
{
    int32_t masked = 0;
    if (!q->candidate)
        return q->n_candidates - t->n_mask;
    for (int32_t i = 0, k = 0; i < q->n_candidates && k < t->n_mask;) {
        masked += q->candidate[i] == t->mask[k];
        if (q->candidate[i] <= t->mask[k])
            i++;
        else
            k++;
    }
    return q->n_candidates - masked;
}

static void make_queries(struct making *m)
{
    const struct rh_train *t = &m->p->train;
    const struct rh_queries *test = &m->p->test;
    const struct rh_domain_data *data = m->p->domain[t->target];
    double *history = add(m, "query", "history", test->n), *train = add(m, "query", "train_rows", test->n);
    double *source = add(m, "query", "source_rows", test->n), *rows = add(m, "query", "test_rows", test->n);
    double *candidates = add(m, "query", "candidates", test->n), *time = add(m, "query", "time", test->n);
    for (int32_t i = 0; i < test->n && !m->failed; i++) {
        const struct rh_query *q = &test->query[i];
        const struct rh_truth *truth = &test->truth[i];
        history[i] = q->history[t->target].n;
        for (int32_t d = 0; d < t->n_domains; d++)
            *(d == t->target ? &train[i] : &source[i]) += (double)(t->domain[d].row[q->user + 1] -
                                                                  t->domain[d].row[q->user]);
        rows[i] = truth->n;
        candidates[i] = ranked(q, truth);
        time[i] = NAN;
        for (int32_t k = 0; k < truth->n; k++)
            time[i] = fmin(time[i], time_of(data, row_of(data, q->user, truth->item[k]))); /* of a NaN the other */
    }
}

static void make_items(struct making *m)
{
    const struct rh_train *t = &m->p->train;
    const struct rh_domain *target = &t->domain[t->target];
    double *rows = add(m, "item", "train_rows", target->n_items);
    double *first = add(m, "item", "first_time", target->n_items);
    if (m->failed)
        return;
    for (int32_t i = 0; i < target->n_items; i++)
        first[i] = NAN;
    for (int64_t r = 0; r < target->row[t->n_users]; r++) {
        rows[target->item[r]]++;
        if (target->time && target->time[r] != RH_NO_TIME)
            first[target->item[r]] = fmin(first[target->item[r]], (double)target->time[r]);
    }
}

static void make_tests(struct making *m)
{
    const struct rh_queries *test = &m->p->test;
    const struct rh_domain_data *data = m->p->domain[m->p->train.target];
    int64_t n = 0, at = 0;
    for (int32_t i = 0; i < test->n; i++)
        n += test->truth[i].n;
    double *item = add(m, "test", "item", n), *value = add(m, "test", "value", n), *time = add(m, "test", "time", n);
    for (int32_t i = 0; i < test->n && !m->failed; i++) {
        const struct rh_truth *truth = &test->truth[i];
        for (int32_t k = 0; k < truth->n; k++, at++) {
            item[at] = truth->item[k];
            value[at] = truth->value ? (double)truth->value[k] : NAN;
            time[at] = time_of(data, row_of(data, test->query[i].user, truth->item[k]));
        }
    }
}

/* ------------------------------------------------------------------------------------------- user features */

/* The names of the columns of a user block: those of the target, then those of each source not there yet, as the
 * problem joins them. A line each; NULL: they are not to be had, or no memory. */
static const char *column_names(struct making *m, const char *block, int32_t n_cols)
{
    const char **name = rh_alloc(m->a, (size_t)n_cols + 1, sizeof *name);
    struct rh_text all = { 0 };
    int32_t n = 0;
    m->failed |= !name;
    for (int32_t d = 0; d < m->p->train.n_domains && name; d++)
        for (int32_t b = 0; b < m->p->domain[d]->n_user_blocks; b++) {
            const struct rh_block *of = &m->p->domain[d]->user_block[b];
            if (strcmp(of->name, block))
                continue;
            for (int32_t c = 0; c < of->column.n; c++) {
                int32_t k = 0;
                while (k < n && strcmp(name[k], rh_string(&of->column, c)))
                    k++;
                if (k == n && n < n_cols)
                    name[n++] = rh_string(&of->column, c);
            }
        }
    for (int32_t k = 0; k < n; k++)
        rh_text_printf(&all, "%s%s", k ? "\n" : "", name[k]);
    const char *out = n == n_cols && all.s ? rh_arena_strdup(m->a, all.s) : NULL;
    m->failed |= all.failed || (n == n_cols && all.s && !out);
    rh_text_release(&all);
    return out;
}

static bool one_value(const struct rh_queries *test, const struct rh_features *f)
{
    bool any = false;
    for (int32_t i = 0; i < test->n; i++) {
        int64_t n = f->row[test->query[i].user + 1] - f->row[test->query[i].user];
        if (n > 1)
            return false;
        any |= n == 1;
    }
    return any;
}

static void make_user_feature(struct making *m, const struct rh_features *f)
{
    const struct rh_queries *test = &m->p->test;
    const char *key = rh_arena_printf(m->a, "user.%s", f->name), *labels = NULL;
    m->failed |= !key;
    if (!key || (f->dense ? f->n_cols != 1 : !f->row || f->n_cols > RH_FACT_LABELS || !one_value(test, f)))
        return;
    bool number = f->dense || (f->n_cols == 1 && f->val); /* one named number is a number */
    if (!number && !(labels = column_names(m, f->name, f->n_cols)))
        return;
    double *value = add(m, "query", key, test->n);
    if (!value)
        return;
    m->fact[m->n - 1].labels = labels;
    for (int32_t i = 0; i < test->n; i++) {
        int32_t u = test->query[i].user;
        if (f->dense)
            value[i] = (double)f->dense[u];
        else if (f->row[u] == f->row[u + 1])
            value[i] = NAN;
        else
            value[i] = number ? (double)f->val[f->row[u]] : f->col[f->row[u]];
    }
}

int rh_facts_make(struct rh_arena *a, const struct rh_problem *p, struct rh_fact_row **out, int32_t *n,
                  struct rh_error *err)
{
    struct making m = { .a = a, .p = p, .fact = rh_alloc(a, (size_t)p->train.n_user_blocks + 16, sizeof *m.fact) };
    if (!m.fact)
        return rh_fail_memory(err, "the facts of a problem", 0);
    make_queries(&m);
    make_items(&m);
    make_tests(&m);
    for (int32_t b = 0; b < p->train.n_user_blocks; b++)
        make_user_feature(&m, &p->train.user_features[b]);
    *out = m.fact;
    *n = m.n;
    return m.failed ? rh_fail_memory(err, "the facts of a problem", (size_t)p->test.n * sizeof(double)) : RH_OK;
}

int rh_facts_keep(struct rh_store *s, const struct rh_problem *p, int64_t problem, struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_fact_row *fact;
    int32_t n;
    int status = rh_facts_make(&a, p, &fact, &n, err);
    if (status >= 0)
        status = rh_store_problem_values(s, problem, fact, n, err);
    rh_arena_release(&a);
    return status;
}
