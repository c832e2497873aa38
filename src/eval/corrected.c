#include "eval/corrected.h"

#include "base/parallel.h"
#include "base/sort.h"
#include "eval/relevant.h"

#include <math.h>
#include <string.h>

double rh_judged_alone(const struct rh_metric_use *use, int32_t rank)
{
    const char *name = use->metric->name;
    if (strchr(use->id, '/')) /* not the default variant */
        return (double)NAN;
    bool inside = use->k == 0 || rank <= use->k;
    if (!strcmp(name, "ndcg"))
        return inside ? 1 / log2((double)rank + 1) : 0;
    if (!strcmp(name, "recall") || !strcmp(name, "hit"))
        return inside;
    if (!strcmp(name, "precision") && use->k)
        return inside ? 1.0 / use->k : 0;
    if (!strcmp(name, "mrr") || !strcmp(name, "map"))
        return inside ? 1.0 / rank : 0;
    return (double)NAN;
}

/* --------------------------------------------------------------------------------------------- the functions */

struct system {
    int32_t pool, drawn;
    double *log_factorial; /* [pool + 1] */
    double *p;             /* [drawn + 1] P(s | r) of the rank at hand */
    double *left;          /* [(drawn + 1)^2] the lower triangle of the matrix, then of its Cholesky factor */
};

static double log_choose(const struct system *y, int32_t n, int32_t k)
{
    return y->log_factorial[n] - y->log_factorial[k] - y->log_factorial[n - k];
}

/* P(X = i) for all i when `above` of the pool are above the item, from its mode to both sides until it is nothing:
 * between *first and *last. */
static void hypergeometric(struct system *y, int32_t above, int32_t *first, int32_t *last)
{
    int32_t n = y->pool, m = y->drawn;
    int32_t least = m - (n - above) > 0 ? m - (n - above) : 0, most = above < m ? above : m;
    int32_t mode = (int32_t)(((int64_t)m + 1) * ((int64_t)above + 1) / ((int64_t)n + 2));
    double sum, nothing;
    mode = mode < least ? least : mode > most ? most : mode;
    sum = y->p[mode] = exp(log_choose(y, above, mode) + log_choose(y, n - above, m - mode) - log_choose(y, n, m));
    nothing = sum * 1e-18;
    *first = *last = mode;
    for (int32_t i = mode; i < most && y->p[i] > nothing; i++) {
        y->p[i + 1] = y->p[i] * (((double)(above - i) * (m - i)) / (((double)i + 1) * (n - above - m + i + 1)));
        sum += y->p[*last = i + 1];
    }
    for (int32_t i = mode; i > least && y->p[i] > nothing; i--) {
        y->p[i - 1] = y->p[i] * (((double)i * (n - above - m + i)) / (((double)above - i + 1) * (m - i + 1)));
        sum += y->p[*first = i - 1];
    }
    for (int32_t i = *first; i <= *last; i++) /* the logarithms are not exact, the sum of a distribution is */
        y->p[i] /= sum;
}

/* The Cholesky factor in place. The matrix is positive definite: gamma diag(c) is, and A'A is semidefinite. */
static void factorise(double *a, int32_t n)
{
    for (int32_t j = 0; j < n; j++) {
        double *row = a + (size_t)j * (size_t)n;
        for (int32_t i = 0; i <= j; i++) {
            const double *other = a + (size_t)i * (size_t)n;
            double sum = row[i];
            for (int32_t k = 0; k < i; k++)
                sum -= row[k] * other[k];
            row[i] = i == j ? sqrt(sum) : sum / other[i];
        }
    }
}

static void solve(const double *a, int32_t n, double *x)
{
    for (int32_t i = 0; i < n; i++) {
        for (int32_t k = 0; k < i; k++)
            x[i] -= a[(size_t)i * (size_t)n + (size_t)k] * x[k];
        x[i] /= a[(size_t)i * (size_t)n + (size_t)i];
    }
    for (int32_t i = n - 1; i >= 0; i--) {
        for (int32_t k = i + 1; k < n; k++)
            x[i] -= a[(size_t)k * (size_t)n + (size_t)i] * x[k];
        x[i] /= a[(size_t)i * (size_t)n + (size_t)i];
    }
}

static int make_system(struct rh_arena *work, struct system *y, struct rh_error *err)
{
    size_t n = (size_t)y->drawn + 1;
    int sign;
    y->log_factorial = rh_alloc(work, (size_t)y->pool + 1, sizeof *y->log_factorial);
    y->p = rh_alloc(work, n, sizeof *y->p);
    y->left = rh_alloc(work, n * n, sizeof *y->left);
    if (!y->log_factorial || !y->p || !y->left)
        return rh_fail_memory(err, "the correction of sampled metrics", n * n * sizeof *y->left);
    for (int32_t i = 0; i <= y->pool; i++)
        y->log_factorial[i] = lgamma_r((double)i + 1, &sign);
    return RH_OK;
}

/* Adds rank above + 1 to A'A and A'f, and its mirror image, the rank from the other end, to A'f: that has the same
 * distribution turned round, so A'A need only be mirrored once. The rank in the middle is its own image. */
static void add_ranks(struct system *y, int32_t above, int32_t n_f, const double *const *f, double *const *g)
{
    int32_t first, last, n = y->drawn + 1, image = y->pool - above;
    double half = above == image ? 0.5 : 1;
    hypergeometric(y, above, &first, &last);
    for (int32_t i = first; i <= last; i++) {
        double *row = y->left + (size_t)i * (size_t)n, p = half * y->p[i];
        for (int32_t k = first; k <= i; k++)
            row[k] += p * y->p[k];
        for (int32_t j = 0; j < n_f; j++) {
            g[j][i] += f[j][above] * p;
            g[j][y->drawn - i] += f[j][image] * p;
        }
    }
}

/* Adds to a lower triangle itself turned round both ways: entry (i, k) and (n - 1 - k, n - 1 - i) become their sum. */
static void mirror(double *a, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        for (int32_t k = 0; k <= i; k++) {
            double *x = &a[(size_t)i * (size_t)n + (size_t)k];
            double *y = &a[(size_t)(n - 1 - k) * (size_t)n + (size_t)(n - 1 - i)];
            if (i + k < n - 1 || x == y)
                *x = *y = x == y ? 2 * *x : *x + *y;
        }
}

int rh_corrected_functions(int32_t pool, int32_t drawn, double gamma, int32_t n_f, const double *const *f,
                           double *const *g, struct rh_error *err)
{
    struct rh_arena work = { 0 };
    struct system y = { .pool = pool, .drawn = drawn };
    int32_t n = drawn + 1;
    int status = make_system(&work, &y, err);
    if (status < 0)
        goto out;
    for (int32_t j = 0; j < n_f; j++)
        memset(g[j], 0, (size_t)n * sizeof *g[j]);
    for (int32_t above = 0; above <= pool / 2; above++)
        add_ranks(&y, above, n_f, f, g);
    mirror(y.left, n);
    for (int32_t i = 0; i < n; i++) { /* c[s] = (pool + 1) / n: all sampled ranks are as likely when all ranks are */
        for (int32_t k = 0; k <= i; k++)
            y.left[(size_t)i * (size_t)n + (size_t)k] *= 1 - gamma;
        y.left[(size_t)i * (size_t)n + (size_t)i] += gamma * ((double)pool + 1) / n;
    }
    factorise(y.left, n);
    for (int32_t j = 0; j < n_f; j++)
        solve(y.left, n, g[j]);
out:
    rh_arena_release(&work);
    return status;
}

/* ------------------------------------------------------------------------------------------------ a problem */

/* One kind of query: so many negatives from so many items. */
struct making {
    const struct rh_metric_use *use;
    struct rh_correction *out;
    double gamma;
    const uint64_t *kind; /* [n_kinds] pool << 32 | drawn, ascending */
    double **g;           /* [n_kinds] each [n x (drawn + 1)] */
    struct rh_error *err; /* [n_kinds] */
};

static int make_kinds(void *arg, int thread, int64_t begin, int64_t end)
{
    struct making *m = arg;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        int32_t pool = (int32_t)(m->kind[i] >> 32), drawn = (int32_t)(uint32_t)m->kind[i], n = m->out->n;
        struct rh_arena work = { 0 };
        const double **f = rh_alloc(&work, (size_t)n, sizeof *f);
        double **g = rh_alloc(&work, (size_t)n, sizeof *g);
        double *value = rh_alloc(&work, (size_t)n * ((size_t)pool + 1), sizeof *value);
        int status = f && g && value ? RH_OK : rh_fail_memory(&m->err[i], "the correction of sampled metrics", 0);
        for (int32_t j = 0; j < n && status >= 0; j++) {
            f[j] = value + (size_t)j * ((size_t)pool + 1);
            g[j] = m->g[i] + (size_t)j * ((size_t)drawn + 1);
            for (int32_t r = 0; r <= pool; r++)
                value[(size_t)j * ((size_t)pool + 1) + (size_t)r] = rh_judged_alone(&m->use[m->out->use[j]], r + 1);
        }
        if (status >= 0)
            status = rh_corrected_functions(pool, drawn, m->gamma, n, f, g, &m->err[i]);
        rh_arena_release(&work);
        if (status < 0)
            return status;
    }
    return RH_OK;
}

/* The kinds of queries there are, ascending, none twice. */
static int list_kinds(struct rh_arena *work, const struct rh_sampled *s, uint64_t **kind, int32_t *n,
                      struct rh_error *err)
{
    size_t queries = (size_t)s->queries.n;
    uint64_t *key = rh_alloc(work, queries, sizeof *key), *room = rh_alloc(work, queries, sizeof *room);
    if (!key || !room)
        return rh_fail_memory(err, "the correction of sampled metrics", queries * sizeof *key);
    for (size_t i = 0; i < queries; i++)
        key[i] = (uint64_t)(uint32_t)s->pool[i] << 32 | (uint32_t)s->drawn[i];
    rh_sort_u64(key, room, queries);
    *n = 0;
    for (size_t i = 0; i < queries; i++)
        if (!i || key[i] != key[i - 1])
            key[(*n)++] = key[i];
    *kind = key;
    return RH_OK;
}

static int32_t kind_at(const uint64_t *kind, int32_t n, uint64_t key)
{
    int32_t low = 0;
    while (n > 1) {
        int32_t half = n / 2;
        low += kind[low + half] <= key ? half : 0;
        n -= half;
    }
    return low;
}

static int make_functions(struct rh_arena *a, struct rh_arena *work, struct making *m, int threads,
                          struct rh_error *err)
{
    const struct rh_sampled *s = m->out->sampled;
    uint64_t *kind = NULL;
    int32_t n_kinds = 0;
    RH_TRY(list_kinds(work, s, &kind, &n_kinds, err));
    m->kind = kind;
    m->g = rh_alloc(work, (size_t)n_kinds, sizeof *m->g);
    m->err = rh_alloc(work, (size_t)n_kinds, sizeof *m->err);
    m->out->g = rh_alloc(a, (size_t)s->queries.n, sizeof *m->out->g);
    bool room = m->g && m->err && m->out->g;
    for (int32_t i = 0; i < n_kinds && room; i++)
        room = (m->g[i] = rh_alloc(a, (size_t)m->out->n * ((size_t)(uint32_t)kind[i] + 1), sizeof **m->g)) != NULL;
    if (!room)
        return rh_fail_memory(err, "the correction of sampled metrics", (size_t)n_kinds);
    int status = rh_loop(threads, n_kinds, 1, make_kinds, m);
    if (status < 0)
        return rh_fail(err, status, "no memory for the correction of sampled metrics");
    for (int32_t q = 0; q < s->queries.n; q++)
        m->out->g[q] =
            m->g[kind_at(kind, n_kinds, (uint64_t)(uint32_t)s->pool[q] << 32 | (uint32_t)s->drawn[q])];
    return RH_OK;
}

int rh_correction_make(struct rh_arena *a, const struct rh_problem *p, const struct rh_metric_use *use, int32_t n_use,
                       int threads, struct rh_correction *out, struct rh_error *err)
{
    struct making m = { .use = use, .out = out, .gamma = p->asking.correction };
    int32_t *which = rh_alloc(a, (size_t)n_use + 1, sizeof *which);
    *out = (struct rh_correction){ .sampled = &p->sampled, .use = which };
    if (!which)
        return rh_fail_memory(err, "the correction of sampled metrics", (size_t)n_use * sizeof *which);
    if (!p->sampled.queries.n || p->asking.negatives_by != RH_NEGATIVES_UNIFORM)
        return RH_OK;
    for (int32_t i = 0; i < p->sampled.queries.n; i++)
        if (p->sampled.drawn[i] > RH_MOST_CORRECTED)
            return RH_OK;
    for (int32_t u = 0; u < n_use; u++)
        if (!isnan(rh_judged_alone(&use[u], 1)))
            which[out->n++] = u;
    if (!out->n)
        return RH_OK;
    struct rh_arena work = { 0 };
    int status = make_functions(a, &work, &m, threads, err);
    rh_arena_release(&work);
    return status;
}

/* ---------------------------------------------------------------------------------------------------- a run */

/* Adds what one relevant item says: the mean of g over the places that it may have among tied negatives. */
static void add_item(struct rh_corrected *to, int32_t query, const float *negative, int32_t drawn, float score)
{
    const struct rh_correction *c = to->correction;
    const double *g = c->g[query];
    int32_t above = 0, tied = 0;
    for (int32_t i = 0; i < drawn; i++) {
        above += negative[i] > score;
        tied += negative[i] == score;
    }
    for (int32_t j = 0; j < c->n; j++) {
        double places = 0;
        for (int32_t i = above; i <= above + tied; i++)
            places += g[(size_t)j * ((size_t)drawn + 1) + (size_t)i];
        to->value[(size_t)j * (size_t)c->sampled->queries.n + (size_t)query] += places / (tied + 1);
    }
}

static void estimate(struct rh_corrected *c, int32_t query, const float *score)
{
    const struct rh_sampled *s = c->correction->sampled;
    const struct rh_query *q = &s->queries.query[query];
    const struct rh_truth *t = &s->queries.truth[query];
    int32_t drawn = s->drawn[query], held = q->n_candidates - drawn, relevant = 0, n = c->correction->n;
    for (int32_t j = 0; j < n; j++)
        c->value[(size_t)j * (size_t)s->queries.n + (size_t)query] = 0;
    for (int32_t at = 0, i = 0; at < held; at++) { /* the held-out candidates are among the truth, both ascending */
        while (t->item[i] != q->candidate[at])
            i++;
        if (!rh_is_relevant(t, i, c->relevant_from, c->relevant_best))
            continue;
        add_item(c, query, score + held, drawn, score[at]);
        relevant++;
    }
    for (int32_t j = 0; j < n; j++) {
        double *value = &c->value[(size_t)j * (size_t)s->queries.n + (size_t)query];
        *value = relevant ? *value / relevant : c->nothing;
    }
}

static int score_and_estimate(void *arg, int thread, const struct rh_query *query, int32_t n, float *out, size_t stride,
                              struct rh_error *err)
{
    struct rh_corrected *c = arg;
    int status = c->inner->score(c->inner->arg, thread, query, n, out, stride, err);
    for (int32_t i = 0; i < n && status >= 0; i++)
        estimate(c, (int32_t)(query + i - c->correction->sampled->queries.query), out + (size_t)i * stride);
    return status;
}

struct rh_scorer rh_corrected_scorer(struct rh_corrected *c)
{
    return (struct rh_scorer){ .score = score_and_estimate, .arg = c, .rates = c->inner->rates };
}
