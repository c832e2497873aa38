/* eval/: tie groups against a full sort; whole evaluations against a plain one; the same numbers on any threads. */
#include "eval/evaluate.h"
#include "eval/rank.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int larger_first(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

/* Tie groups by sorting everything. */
static int32_t plain_groups(const float *score, int32_t n, const float *relevant, int32_t n_relevant,
                            struct rh_tie_group *group)
{
    float *all = malloc((size_t)n * sizeof *all), *rel = malloc((size_t)n_relevant * sizeof *rel);
    int32_t groups = 0;
    assert_true(all && rel);
    memcpy(all, score, (size_t)n * sizeof *all);
    memcpy(rel, relevant, (size_t)n_relevant * sizeof *rel);
    qsort(all, (size_t)n, sizeof *all, larger_first);
    qsort(rel, (size_t)n_relevant, sizeof *rel, larger_first);
    for (int32_t i = 0, end, at = 0; i < n_relevant; i = end) {
        struct rh_tie_group g = { 0 };
        for (end = i; end < n_relevant && rel[end] == rel[i]; end++)
            ;
        while (all[at] > rel[i])
            at++;
        g.above = at;
        while (at < n && all[at] == rel[i])
            at++;
        g.size = at - g.above;
        g.relevant = end - i;
        group[groups++] = g;
    }
    free(all);
    free(rel);
    return groups;
}

enum shape { SMOOTH, FEW_VALUES, CONSTANT, OUTLIERS, TINY_STEPS, WIDEST, DENORMAL, SKEWED, SIGNED_ZEROS, SHAPES };

static float draw(struct rh_rng *r, enum shape shape)
{
    double u = rh_rng_uniform(r);
    switch (shape) {
    case SMOOTH: return (float)rh_rng_normal(r);
    case FEW_VALUES: return (float)rh_rng_below(r, 7) * 0.375f - 1;
    case CONSTANT: return -2.5f;
    case OUTLIERS: return u < 0.001 ? FLT_MAX : u < 0.002 ? -FLT_MAX : (float)u;
    case TINY_STEPS: return 1.0f + (float)rh_rng_below(r, 50) * FLT_EPSILON;
    case WIDEST: return (float)((2 * u - 1) * (double)FLT_MAX);
    case DENORMAL: return (float)rh_rng_below(r, 300) * 1.4e-45f;
    case SKEWED: return (float)exp(20 * rh_rng_normal(r));
    case SIGNED_ZEROS: return u < 0.3 ? 0.0f : u < 0.6 ? -0.0f : (float)rh_rng_normal(r);
    default: return 0;
    }
}

static void tie_groups_equal_a_full_sort(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    struct rh_rng rng = { { 3, 1, 4, 159 } };
    enum { MOST = 3000 };
    struct rh_ranker ranker;
    assert_int_equal(rh_ranker_make(&a, MOST, &ranker, &err), RH_OK);
    float *score = rh_alloc(&a, MOST, sizeof *score), *relevant = rh_alloc(&a, MOST, sizeof *relevant);
    struct rh_tie_group *got = rh_alloc(&a, MOST, sizeof *got), *want = rh_alloc(&a, MOST, sizeof *want);
    static const int32_t counts[] = { 1, 2, 7, 8, 9, 10, 33, 100, 517, 2999 };
    for (int shape = 0; shape < SHAPES; shape++)
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
            for (int trial = 0; trial < 6; trial++) {
                int32_t n = counts[c] + (int32_t)rh_rng_below(&rng, (uint32_t)(MOST - counts[c])) + 1;
                for (int32_t i = 0; i < n; i++)
                    score[i] = draw(&rng, (enum shape)shape);
                memcpy(relevant, score, (size_t)counts[c] * sizeof *relevant);
                rh_rng_shuffle(&rng, (int32_t *)score, n); /* moves the bits, whatever they mean */
                for (int32_t i = 0, j = 0; trial % 2 && i < n; i++) { /* mask what is not relevant */
                    for (j = 0; j < counts[c] && relevant[j] != score[i]; j++)
                        ;
                    if (j == counts[c])
                        score[i] = -INFINITY;
                }
                int32_t n_want = plain_groups(score, n, relevant, counts[c], want);
                int32_t n_got = rh_rank(&ranker, score, n, relevant, counts[c], got);
                assert_int_equal(n_got, n_want);
                assert_memory_equal(got, want, (size_t)n_want * sizeof *want);
            }
    rh_arena_release(&a);
}

static void what_is_not_finite_is_found(void **state)
{
    (void)state;
    static const float bad[] = { INFINITY, -INFINITY, NAN, -NAN };
    float x[67];
    for (int i = 0; i < 67; i++)
        x[i] = i % 3 ? -FLT_MAX : i % 2 ? FLT_MAX : FLT_TRUE_MIN;
    assert_int_equal(rh_first_not_finite(x, 67), -1);
    assert_int_equal(rh_first_not_finite(x, 0), -1);
    for (int b = 0; b < 4; b++)
        for (int i = 0; i < 67; i++) {
            float kept = x[i];
            x[i] = bad[b];
            assert_int_equal(rh_first_not_finite(x, 67), i);
            assert_int_equal(rh_first_not_finite(x, i), -1);
            x[i] = kept;
        }
}

/* A made problem: scores from a table, some tied, some items masked, some queries with a list, some without relevant.
 * */
#define N_ITEMS 230
#define N_QUERIES 700

struct made {
    struct rh_arena arena;
    struct rh_query query[N_QUERIES];
    struct rh_truth truth[N_QUERIES];
    struct rh_queries queries;
    float score[N_QUERIES][N_ITEMS]; /* by user and item */
    int fail_user, fail_status;      /* the scorer fails at this user */
};

static int score_made(void *arg, int thread, const struct rh_query *query, int32_t n, float *out, size_t stride,
                      struct rh_error *err)
{
    const struct made *m = arg;
    (void)thread;
    for (int32_t i = 0; i < n; i++) {
        const float *score = m->score[query[i].user];
        if (m->fail_status && query[i].user >= m->fail_user)
            return rh_fail(err, m->fail_status, "user %d cannot be scored", query[i].user);
        for (int32_t c = 0; c < query[i].n_candidates; c++)
            out[(size_t)i * stride + (size_t)c] = score[query[i].candidate ? query[i].candidate[c] : c];
    }
    return RH_OK;
}

/* Draws a sample of the items, ascending. */
static int32_t *sample(struct made *m, struct rh_rng *rng, double share, int32_t *n)
{
    int32_t *item = rh_alloc(&m->arena, N_ITEMS, sizeof *item);
    *n = 0;
    for (int32_t i = 0; i < N_ITEMS; i++)
        if (rh_rng_uniform(rng) < share)
            item[(*n)++] = i;
    return item;
}

static struct made *make_problem(void)
{
    struct made *m = calloc(1, sizeof *m);
    assert_non_null(m);
    struct rh_rng rng = { { 2, 71, 828, 1828 } };
    m->queries = (struct rh_queries){ N_QUERIES, m->query, m->truth };
    for (int32_t u = 0; u < N_QUERIES; u++) {
        for (int32_t i = 0; i < N_ITEMS; i++)
            m->score[u][i] = u % 3 ? (float)rh_rng_normal(&rng) : (float)rh_rng_below(&rng, 9) * 0.75f;
        struct rh_truth *t = &m->truth[u];
        struct rh_query *q = &m->query[u];
        t->item = sample(m, &rng, u % 7 ? 0.02 + 0.2 * rh_rng_uniform(&rng) : 0.0, &t->n);
        t->mask = sample(m, &rng, 0.15, &t->n_mask);
        float *value = rh_alloc(&m->arena, N_ITEMS, sizeof *value);
        for (int32_t i = 0; i < t->n; i++)
            value[i] = (float)(1 + rh_rng_below(&rng, 9)) / 2;
        t->value = value;
        *q = (struct rh_query){ .user = u, .n_candidates = N_ITEMS };
        if (u % 5 == 0) {
            int32_t *list = sample(m, &rng, 0.5, &q->n_candidates);
            rh_rng_shuffle(&rng, list, q->n_candidates);
            q->candidate = list;
        }
    }
    return m;
}

static void free_problem(struct made *m)
{
    rh_arena_release(&m->arena);
    free(m);
}

static const struct rh_eval_options usual = { .threads = 1, .relevant_from = 2.5, .value_min = 1, .value_max = 4 };

static struct rh_metric_use *every_metric(struct rh_arena *a, int32_t *n)
{
    static const char *const names[] = { "ndcg", "ndcg@all", "recall", "precision", "hit", "mrr", "mrr@5", "map",
                                         "map@all", "auc", "rmse", "mae" };
    static const int32_t cutoffs[] = { 1, 5, 10, 100 };
    struct rh_metric_use *use;
    struct rh_error err = { 0 };
    assert_int_equal(rh_metrics_expand(a, names, 12, cutoffs, 4, &use, n, &err), RH_OK);
    assert_int_equal(*n, 5 * 4 + 7);
    return use;
}

static void evaluate(struct rh_arena *a, struct made *m, bool rates, const struct rh_eval_options *options,
                     struct rh_evaluation *out)
{
    struct rh_error err = { 0 };
    struct rh_scorer scorer = { score_made, m, rates };
    int32_t n;
    struct rh_metric_use *use = every_metric(a, &n);
    if (rh_evaluate(a, &m->queries, N_ITEMS, use, n, &scorer, options, out, &err) != RH_OK)
        fail_msg("%s", err.text);
}

static bool contains(const int32_t *list, int32_t n, int32_t item)
{
    for (int32_t i = 0; i < n; i++)
        if (list[i] == item)
            return true;
    return false;
}

/* What one query shows to a metric, straight from the definitions. */
struct plain_view {
    struct rh_ranked ranked;
    struct rh_tie_group group[N_ITEMS];
    float predicted[N_ITEMS], actual[N_ITEMS];
};
static void plain_query(const struct made *m, int32_t query, const struct rh_eval_options *o, bool rates,
                        const struct rh_rank_sums *sums, struct plain_view *v)
{
    const struct rh_query *q = &m->query[query];
    const struct rh_truth *t = &m->truth[query];
    float candidate[N_ITEMS], relevant[N_ITEMS];
    int32_t n = 0, n_relevant = 0, n_rated = 0;
    for (int32_t i = 0; i < N_ITEMS; i++)
        if ((!q->candidate || contains(q->candidate, q->n_candidates, i)) && !contains(t->mask, t->n_mask, i))
            candidate[n++] = m->score[q->user][i];
    for (int32_t i = 0; i < t->n; i++) {
        float s = m->score[q->user][t->item[i]];
        if (q->candidate && !contains(q->candidate, q->n_candidates, t->item[i]))
            continue;
        if (rates) {
            v->predicted[n_rated] = fminf(fmaxf(s, o->value_min), o->value_max);
            v->actual[n_rated++] = t->value[i];
        }
        if (!contains(t->mask, t->n_mask, t->item[i]) && (double)t->value[i] >= o->relevant_from)
            relevant[n_relevant++] = s;
    }
    v->ranked = (struct rh_ranked){
        .n_candidates = n, .n_relevant = n_relevant, .group = v->group, .sums = sums, .n_rated = n_rated,
        .predicted = v->predicted, .actual = v->actual,
    };
    if (n_relevant)
        v->ranked.n_groups = plain_groups(candidate, n, relevant, n_relevant, v->group);
}

static void an_evaluation_equals_a_plain_one(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    struct made *m = make_problem();
    struct rh_rank_sums sums;
    struct rh_evaluation got;
    struct plain_view *v = malloc(sizeof *v);
    int32_t n_use;
    struct rh_metric_use *use = every_metric(&a, &n_use);
    assert_non_null(v);
    assert_int_equal(rh_rank_sums_make(&a, N_ITEMS, &sums, &err), RH_OK);
    evaluate(&a, m, true, &usual, &got);
    assert_int_equal(got.n_queries, N_QUERIES);
    assert_int_equal(got.n_metrics, n_use);
    int64_t scores = 0, relevant = 0, tied = 0;
    int32_t none = 0;
    double num[32] = { 0 }, weight[32] = { 0 };
    int32_t defined[32] = { 0 };
    for (int32_t i = 0; i < N_QUERIES; i++) {
        plain_query(m, i, &usual, true, &sums, v);
        scores += m->query[i].n_candidates;
        relevant += v->ranked.n_relevant;
        none += v->ranked.n_relevant == 0;
        for (int32_t g = 0; g < v->ranked.n_groups; g++)
            tied += v->group[g].size > 1 ? v->group[g].relevant : 0;
        for (int32_t u = 0; u < n_use; u++) {
            struct rh_share s = rh_metric_share(&v->ranked, &use[u]);
            double want = rh_metric_finish(use[u].metric, s.num, s.weight), have = got.value[u * N_QUERIES + i];
            assert_true(isnan(want) ? isnan(have) : have == want);
            num[u] += s.num;
            weight[u] += s.weight;
            defined[u] += s.weight > 0;
        }
    }
    for (int32_t u = 0; u < n_use; u++) {
        assert_int_equal(got.defined[u], defined[u]);
        assert_true(defined[u] > 400);
        double want = rh_metric_finish(use[u].metric, num[u], weight[u]);
        assert_true(fabs(got.mean[u] - want) <= 1e-14 * want); /* added in another order */
    }
    assert_int_equal(got.n_scores, scores);
    assert_int_equal(got.relevant, relevant);
    assert_int_equal(got.tied, tied);
    assert_int_equal(got.no_relevant, none);
    assert_true(none >= N_QUERIES / 7 && tied > 100);
    free(v);
    free_problem(m);
    rh_arena_release(&a);
}

static void assert_same(const struct rh_evaluation *x, const struct rh_evaluation *y)
{
    size_t n = (size_t)x->n_metrics;
    assert_memory_equal(x->value, y->value, n * N_QUERIES * sizeof *x->value);
    assert_memory_equal(x->mean, y->mean, n * sizeof *x->mean);
    assert_memory_equal(x->defined, y->defined, n * sizeof *x->defined);
    assert_true(x->n_scores == y->n_scores && x->tied == y->tied && x->relevant == y->relevant &&
                x->no_relevant == y->no_relevant);
}

static void threads_change_no_bit(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct made *m = make_problem();
    struct rh_evaluation one, more;
    evaluate(&a, m, true, &usual, &one);
    for (int threads = 2; threads <= 5; threads++) {
        struct rh_eval_options options = usual;
        options.threads = threads;
        evaluate(&a, m, true, &options, &more);
        assert_same(&one, &more);
    }
    free_problem(m);
    rh_arena_release(&a);
}

/* Keeps outcomes as they come, each query in its own place. */
#define DEPTH 7
struct kept {
    const struct made *made;
    int32_t n_top[N_QUERIES], top[N_QUERIES][DEPTH], above[N_QUERIES][N_ITEMS], tied[N_QUERIES][N_ITEMS];
    float top_score[N_QUERIES][DEPTH], predicted[N_QUERIES][N_ITEMS];
    int calls[N_QUERIES];
    bool rated;
};

static void keep(void *arg, int thread, int32_t query, const struct rh_outcome *o)
{
    struct kept *k = arg;
    size_t top = (size_t)o->n_top, test = (size_t)o->n_test;
    (void)thread;
    k->calls[query]++;
    k->n_top[query] = o->n_top;
    if (top) {
        memcpy(k->top[query], o->top, top * sizeof *o->top);
        memcpy(k->top_score[query], o->top_score, top * sizeof *o->top_score);
    }
    memcpy(k->above[query], o->above, test * sizeof *o->above);
    memcpy(k->tied[query], o->tied, test * sizeof *o->tied);
    if (o->predicted)
        memcpy(k->predicted[query], o->predicted, test * sizeof *o->predicted);
    k->rated = o->predicted;
}

/* What the sink got of one query, from the definitions. */
static void check_kept(const struct made *m, const struct kept *k, int32_t query)
{
    const struct rh_query *q = &m->query[query];
    const struct rh_truth *t = &m->truth[query];
    const float *score = m->score[q->user];
    bool open[N_ITEMS];
    int32_t n = 0;
    for (int32_t i = 0; i < N_ITEMS; i++) {
        open[i] = (!q->candidate || contains(q->candidate, q->n_candidates, i)) && !contains(t->mask, t->n_mask, i);
        n += open[i];
    }
    assert_int_equal(k->calls[query], 1);
    assert_int_equal(k->n_top[query], n < DEPTH ? n : DEPTH);
    for (int32_t r = 0; r < k->n_top[query]; r++) {
        int32_t item = k->top[query][r], before = 0;
        for (int32_t i = 0; i < N_ITEMS; i++)
            before += open[i] && (score[i] > score[item] || (score[i] == score[item] && i < item));
        assert_true(open[item] && before == r && k->top_score[query][r] == score[item]);
    }
    for (int32_t i = 0; i < t->n; i++) {
        int32_t item = t->item[i], above = 0, tied = 0;
        for (int32_t j = 0; j < N_ITEMS; j++) {
            above += open[j] && score[j] > score[item];
            tied += open[j] && score[j] == score[item];
        }
        bool relevant = open[item] && (double)t->value[i] >= usual.relevant_from;
        bool scored = !q->candidate || contains(q->candidate, q->n_candidates, item);
        float predicted = k->predicted[query][i];
        assert_int_equal(k->above[query][i], relevant ? above : -1);
        assert_int_equal(k->tied[query][i], relevant ? tied : 0);
        assert_true(scored ? predicted == fminf(fmaxf(score[item], 1), 4) : isnan(predicted));
    }
}

static void a_sink_gets_every_outcome(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct made *m = make_problem();
    struct rh_evaluation plain, got;
    evaluate(&a, m, true, &usual, &plain);
    for (int threads = 1; threads <= 3; threads += 2) {
        struct kept *k = calloc(1, sizeof *k);
        assert_non_null(k);
        struct rh_eval_sink sink = { keep, k, DEPTH };
        struct rh_eval_options options = usual;
        options.threads = threads;
        options.sink = &sink;
        evaluate(&a, m, true, &options, &got);
        assert_same(&plain, &got);
        assert_true(k->rated);
        for (int32_t u = 0; u < N_QUERIES; u++)
            check_kept(m, k, u);
        memset(k->calls, 0, sizeof k->calls);
        sink.depth = 0; /* ranks of held-out rows alone */
        evaluate(&a, m, false, &options, &got);
        assert_true(!k->rated && k->n_top[0] == 0 && k->calls[N_QUERIES - 1] == 1);
        free(k);
    }
    free_problem(m);
    rh_arena_release(&a);
}

static int ascending(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Held-out or masked items under new names; values go along. */
static int32_t *rename_items(struct made *m, const int32_t *new_item, const int32_t *item, int32_t n)
{
    int32_t *out = rh_alloc(&m->arena, N_ITEMS, sizeof *out);
    for (int32_t i = 0; i < n; i++)
        out[i] = new_item[item[i]];
    qsort(out, (size_t)n, sizeof *out, ascending);
    return out;
}

static void names_of_items_and_order_of_users_change_nothing(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct made *m = make_problem(), *other = make_problem();
    struct rh_rng rng = { { 9, 99, 999, 9999 } };
    struct rh_evaluation one, two;
    int32_t new_item[N_ITEMS], old_query[N_QUERIES];
    for (int32_t i = 0; i < N_ITEMS; i++)
        new_item[i] = i;
    for (int32_t u = 0; u < N_QUERIES; u++)
        old_query[u] = u;
    rh_rng_shuffle(&rng, new_item, N_ITEMS);
    rh_rng_shuffle(&rng, old_query, N_QUERIES);
    for (int32_t u = 0; u < N_QUERIES; u++) {
        const struct rh_truth *t = &m->truth[old_query[u]];
        struct rh_truth *to = &other->truth[u];
        float *value = rh_alloc(&other->arena, N_ITEMS, sizeof *value), by_item[N_ITEMS];
        *to = (struct rh_truth){ .n = t->n, .n_mask = t->n_mask, .value = value };
        to->item = rename_items(other, new_item, t->item, t->n);
        to->mask = rename_items(other, new_item, t->mask, t->n_mask);
        for (int32_t i = 0; i < t->n; i++)
            by_item[new_item[t->item[i]]] = t->value[i];
        for (int32_t i = 0; i < t->n; i++)
            value[i] = by_item[to->item[i]];
        other->query[u] = m->query[old_query[u]];
        if (other->query[u].candidate)
            other->query[u].candidate = rename_items(other, new_item, m->query[old_query[u]].candidate,
                                                     other->query[u].n_candidates);
        for (int32_t i = 0; i < N_ITEMS; i++)
            other->score[old_query[u]][new_item[i]] = m->score[old_query[u]][i];
    }
    evaluate(&a, m, true, &usual, &one);
    evaluate(&a, other, true, &usual, &two);
    for (int32_t x = 0; x < one.n_metrics; x++) {
        assert_true(fabs(one.mean[x] - two.mean[x]) <= 1e-14 * one.mean[x]);
        for (int32_t u = 0; u < N_QUERIES; u++) {
            double v = one.value[x * N_QUERIES + old_query[u]], w = two.value[x * N_QUERIES + u];
            /* errors of ratings are added in the order of the items */
            assert_true(isnan(v) ? isnan(w) : fabs(v - w) <= (x < one.n_metrics - 2 ? 0 : 1e-14 * v));
        }
    }
    free_problem(m);
    free_problem(other);
    rh_arena_release(&a);
}

/* Four items, arithmetic in sight. */
static void a_query_by_hand(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    struct made *m = calloc(1, sizeof *m);
    assert_non_null(m);
    static const int32_t truth[] = { 0, 2, 5 }, mask[] = { 1, 2 };
    static const float value[] = { 4, 5, 2 };
    static const float score[] = { 3.25f, 9, 7.5f, 3.25f, 1, 0.5f };
    memcpy(m->score[0], score, sizeof score);
    m->query[0] = (struct rh_query){ .user = 0, .n_candidates = 6 };
    m->truth[0] = (struct rh_truth){ 3, truth, value, 2, mask };
    m->queries = (struct rh_queries){ 1, m->query, m->truth };
    static const char *const names[] = { "auc", "mrr", "recall@1", "rmse", "mae" };
    struct rh_metric_use *use;
    int32_t n;
    assert_int_equal(rh_metrics_expand(&a, names, 5, NULL, 0, &use, &n, &err), RH_OK);
    struct rh_scorer scorer = { score_made, m, true };
    struct rh_eval_options options = { .threads = 2, .relevant_from = 3, .value_min = 1, .value_max = 5 };
    struct rh_evaluation out;
    /* candidates 0, 3, 4, 5; relevant: 0 alone (2 is masked, 5 rated too low), tied with 3, above 4 and 5 */
    assert_int_equal(rh_evaluate(&a, &m->queries, 6, use, n, &scorer, &options, &out, &err), RH_OK);
    assert_true(out.value[0] == 2.5 / 3);
    assert_true(out.value[1] == 0.75);
    assert_true(out.value[2] == 0.5);
    /* errors 3.25 - 4, 7.5 clipped to 5 - 5, 0.5 clipped to 1 - 2 */
    assert_true(fabs(out.value[3] - sqrt((0.5625 + 0 + 1) / 3)) < 1e-15);
    assert_true(fabs(out.value[4] - 1.75 / 3) < 1e-15);
    assert_int_equal(out.tied, 1);
    assert_int_equal(out.relevant, 1);

    options.relevant_from = -INFINITY; /* 5 is relevant too: at rank 4 */
    assert_int_equal(rh_evaluate(&a, &m->queries, 6, use, n, &scorer, &options, &out, &err), RH_OK);
    assert_true(out.value[0] == (1.5 + 0) / 4);

    m->truth[0].value = NULL; /* implicit: no ratings to predict, all relevant */
    assert_int_equal(rh_evaluate(&a, &m->queries, 6, use, n, &scorer, &options, &out, &err), RH_OK);
    assert_true(out.value[0] == (1.5 + 0) / 4 && isnan(out.value[3]) && isnan(out.mean[4]));
    assert_int_equal(out.defined[3], 0);

    m->truth[0].value = value; /* an algorithm that does not rate */
    scorer.rates = false;
    assert_int_equal(rh_evaluate(&a, &m->queries, 6, use, n, &scorer, &options, &out, &err), RH_OK);
    assert_true(isnan(out.value[3]) && isnan(out.mean[3]));

    m->truth[0].n = 0;
    assert_int_equal(rh_evaluate(&a, &m->queries, 6, use, n, &scorer, &options, &out, &err), RH_OK);
    assert_true(isnan(out.mean[0]));
    assert_int_equal(out.no_relevant, 1);

    m->queries.n = 0;
    assert_int_equal(rh_evaluate(&a, &m->queries, 6, use, n, &scorer, &options, &out, &err), RH_OK);
    assert_true(isnan(out.mean[0]) && out.n_scores == 0);
    free(m);
    rh_arena_release(&a);
}

static int evaluate_failing(struct made *m, int threads, const volatile sig_atomic_t *cancel, struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_scorer scorer = { score_made, m, true };
    struct rh_eval_options options = usual;
    struct rh_evaluation out;
    int32_t n;
    struct rh_metric_use *use = every_metric(&a, &n);
    options.threads = threads;
    options.cancel = cancel;
    *err = (struct rh_error){ 0 };
    int status = rh_evaluate(&a, &m->queries, N_ITEMS, use, n, &scorer, &options, &out, err);
    rh_arena_release(&a);
    return status;
}

static void failures_are_the_same_on_any_threads(void **state)
{
    (void)state;
    struct rh_error err;
    for (int threads = 1; threads <= 3; threads++) {
        struct made *m = make_problem();
        m->score[301][77] = NAN; /* 301 is no multiple of 5: all items are its candidates */
        m->score[303][5] = INFINITY;
        m->score[699][1] = NAN;
        assert_int_equal(evaluate_failing(m, threads, NULL, &err), RH_ENUMERIC);
        assert_non_null(strstr(err.text, "the score of item 77 for user 301 is "));
        m->score[300][m->query[300].candidate[3]] = -INFINITY; /* a list: the item, not its place */
        assert_int_equal(evaluate_failing(m, threads, NULL, &err), RH_ENUMERIC);
        char want[64];
        snprintf(want, sizeof want, "the score of item %d for user 300 is -inf: ", m->query[300].candidate[3]);
        assert_non_null(strstr(err.text, want));
        m->fail_user = 130;
        m->fail_status = RH_EUNSUP;
        assert_int_equal(evaluate_failing(m, threads, NULL, &err), RH_EUNSUP);
        assert_string_equal(err.text, "user 130 cannot be scored");
        sig_atomic_t stop = 1;
        assert_int_equal(evaluate_failing(m, threads, &stop, &err), RH_ECANCEL);
        free_problem(m);
    }
}

static void broken_queries_are_refused(void **state)
{
    (void)state;
    static const int32_t outside[] = { 3, N_ITEMS }, falling[] = { 4, 3 }, twice[] = { 4, 7, 4 };
    struct rh_error err;
    struct made *m = make_problem();
    struct rh_truth truth = m->truth[1];
    struct rh_query query = m->query[1];
    m->truth[1].item = outside;
    m->truth[1].n = 2;
    assert_int_equal(evaluate_failing(m, 1, NULL, &err), RH_EBUG);
    m->truth[1] = truth;
    m->truth[1].mask = falling;
    m->truth[1].n_mask = 2;
    assert_int_equal(evaluate_failing(m, 1, NULL, &err), RH_EBUG);
    m->truth[1] = truth;
    m->query[1].candidate = outside;
    m->query[1].n_candidates = 2;
    assert_int_equal(evaluate_failing(m, 1, NULL, &err), RH_EBUG);
    m->query[1].candidate = twice;
    m->query[1].n_candidates = 3;
    assert_int_equal(evaluate_failing(m, 1, NULL, &err), RH_EBUG);
    assert_string_equal(err.text, "query of user 1 has candidate 4 twice");
    m->query[1] = query;
    m->query[1].n_candidates = N_ITEMS - 1;
    assert_int_equal(evaluate_failing(m, 1, NULL, &err), RH_EBUG);
    m->query[1] = query;
    assert_int_equal(evaluate_failing(m, 1, NULL, &err), RH_OK);
    free_problem(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tie_groups_equal_a_full_sort),
        cmocka_unit_test(what_is_not_finite_is_found),
        cmocka_unit_test(a_query_by_hand),
        cmocka_unit_test(an_evaluation_equals_a_plain_one),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(a_sink_gets_every_outcome),
        cmocka_unit_test(names_of_items_and_order_of_users_change_nothing),
        cmocka_unit_test(failures_are_the_same_on_any_threads),
        cmocka_unit_test(broken_queries_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
