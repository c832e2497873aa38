/* What holds of every metric in every variant, on made queries: names and order of users and items change nothing, nor
 * do threads; values are in range; a perfect ranking is perfect; lifting a relevant item never harms; constant scores
 * get what random scores get on average. */
#include "allmetrics.h"
#include "eval/evaluate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ITEMS 45
#define QUERIES 70
#define COLUMNS 6

/* Queries with all that a metric may look at; everything by item, so that items can be renamed. */
struct made {
    struct rh_arena arena;
    float score[QUERIES][ITEMS], rating[QUERIES][ITEMS]; /* rating 0: not held out */
    bool seen[QUERIES][ITEMS];
    float feature[ITEMS][COLUMNS];
    int32_t popularity[ITEMS];
    struct rh_query query[QUERIES];
    struct rh_truth truth[QUERIES];
    struct rh_history history[QUERIES];
    struct rh_features block;
    struct rh_metric_world world;
};

static const float lowest = 0.5f, highest = 5;
#define RELEVANT_FROM 2.5

/* Lists from the tables. */
static void enter(struct made *m)
{
    static const char *const name[] = { "kind" };
    for (int32_t u = 0; u < QUERIES; u++) {
        int32_t *held = rh_alloc(&m->arena, ITEMS, sizeof *held), *seen = rh_alloc(&m->arena, ITEMS, sizeof *seen);
        float *value = rh_alloc(&m->arena, ITEMS, sizeof *value);
        struct rh_truth *t = &m->truth[u];
        *t = (struct rh_truth){ .item = held, .value = value, .mask = seen };
        for (int32_t i = 0; i < ITEMS; i++) {
            if (m->rating[u][i] > 0) {
                value[t->n] = m->rating[u][i];
                held[t->n++] = i;
            }
            if (m->seen[u][i])
                seen[t->n_mask++] = i;
        }
        m->history[u] = (struct rh_history){ .n = t->n_mask, .item = seen };
        m->query[u] = (struct rh_query){ .user = u, .history = &m->history[u], .n_candidates = ITEMS };
    }
    m->block = (struct rh_features){ .n_rows = ITEMS, .n_cols = COLUMNS, .dense = &m->feature[0][0] };
    m->world = (struct rh_metric_world){ "made", ITEMS, 30, 500, m->popularity, 1, name, &m->block };
}

static struct made *make(uint64_t seed)
{
    struct made *m = calloc(1, sizeof *m);
    struct rh_rng rng = { { seed, 71, 828, 1828 } };
    assert_non_null(m);
    for (int32_t u = 0; u < QUERIES; u++)
        for (int32_t i = 0; i < ITEMS; i++) {
            m->score[u][i] = u % 3 ? (float)rh_rng_normal(&rng) : (float)rh_rng_below(&rng, 6) * 0.75f;
            m->seen[u][i] = rh_rng_below(&rng, 4) == 0 && u % 10;
            m->rating[u][i] = rh_rng_below(&rng, 6) || u % 9 == 4 ? 0 : (float)(1 + rh_rng_below(&rng, 10)) / 2;
        }
    for (int32_t i = 0; i < ITEMS; i++) {
        m->popularity[i] = (int32_t)rh_rng_below(&rng, 20);
        for (int32_t c = 0; c < COLUMNS; c++)
            m->feature[i][c] = i % 8 && rh_rng_below(&rng, 3) == 0 ? (float)(1 + rh_rng_below(&rng, 3)) : 0;
    }
    enter(m);
    return m;
}

static void drop(struct made *m)
{
    rh_arena_release(&m->arena);
    free(m);
}

static int score(void *arg, int thread, const struct rh_query *query, int32_t n, float *out, size_t stride,
                 struct rh_error *err)
{
    const struct made *m = arg;
    (void)thread;
    (void)err;
    for (int32_t i = 0; i < n; i++)
        memcpy(out + (size_t)i * stride, m->score[query[i].user], sizeof *m->score);
    return RH_OK;
}

static struct rh_metric_use *all_uses(struct rh_arena *a, int32_t *n_use)
{
    static const int cuts[] = { 1, 5, 20, 100 };
    const char *id[MOST_USES];
    struct rh_metric_use *use;
    struct rh_error err = { 0 };
    size_t n = 0;
    for (const struct rh_metric *const *m = rh_metrics(); *m; m++)
        name_all(a, *m, (*m)->variant, "", cuts, sizeof cuts / sizeof *cuts, id, &n);
    assert_true(n < MOST_USES);
    if (rh_metrics_expand(a, id, n, NULL, 0, &use, n_use, &err) < 0)
        fail_msg("%s", err.text);
    return use;
}

static void evaluate(struct rh_arena *a, struct made *m, int32_t n_queries, int threads,
                     const struct rh_metric_use *use, int32_t n_use, struct rh_evaluation *out)
{
    struct rh_queries queries = { n_queries, m->query, m->truth };
    struct rh_scorer scorer = { score, m, true };
    struct rh_eval_options options = { .threads = threads, .relevant_from = RELEVANT_FROM, .value_min = lowest,
                                       .value_max = highest, .world = &m->world };
    struct rh_error err = { 0 };
    if (rh_evaluate(a, &queries, ITEMS, use, n_use, &scorer, &options, out, &err) < 0)
        fail_msg("%s", err.text);
}

static bool same(double x, double y, double tolerance)
{
    return isnan(x) ? isnan(y) : fabs(x - y) <= tolerance * fmax(1, fabs(x));
}

static void names_order_and_threads_change_nothing(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct rh_rng rng = { { 9, 99, 999, 9999 } };
    struct made *m = make(2), *other = make(2);
    int32_t n_use, item[ITEMS], user[QUERIES];
    struct rh_metric_use *use = all_uses(&a, &n_use);
    struct rh_evaluation one, two;
    for (int32_t i = 0; i < ITEMS; i++)
        item[i] = i;
    for (int32_t u = 0; u < QUERIES; u++)
        user[u] = u;
    rh_rng_shuffle(&rng, item, ITEMS);
    rh_rng_shuffle(&rng, user, QUERIES);
    for (int32_t i = 0; i < ITEMS; i++) {
        other->popularity[item[i]] = m->popularity[i];
        memcpy(other->feature[item[i]], m->feature[i], sizeof m->feature[i]);
        for (int32_t u = 0; u < QUERIES; u++) {
            other->score[user[u]][item[i]] = m->score[u][i];
            other->rating[user[u]][item[i]] = m->rating[u][i];
            other->seen[user[u]][item[i]] = m->seen[u][i];
        }
    }
    enter(other);
    evaluate(&a, m, QUERIES, 1, use, n_use, &one);
    evaluate(&a, other, QUERIES, 1, use, n_use, &two);
    for (int32_t k = 0; k < n_use; k++) {
        if (!same(one.mean[k], two.mean[k], use[k].flags & RH_M_RUN ? 0 : 1e-13))
            fail_msg("%s: %.17g, renamed %.17g", use[k].definition, one.mean[k], two.mean[k]);
        for (int32_t u = 0; u < QUERIES; u++)
            assert_true(same(one.value[k * QUERIES + u], two.value[k * QUERIES + user[u]], 1e-13));
    }
    for (int threads = 2; threads <= 3; threads++) {
        evaluate(&a, m, QUERIES, threads, use, n_use, &two);
        assert_memory_equal(one.mean, two.mean, (size_t)n_use * sizeof *one.mean);
        assert_memory_equal(one.value, two.value, (size_t)n_use * QUERIES * sizeof *one.value);
        assert_memory_equal(one.defined, two.defined, (size_t)n_use * sizeof *one.defined);
    }
    drop(m);
    drop(other);
    rh_arena_release(&a);
}

static void values_are_in_range(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 6; seed++) {
        struct rh_arena a = { 0 };
        struct made *m = make(seed);
        int32_t n_use;
        struct rh_metric_use *use = all_uses(&a, &n_use);
        struct rh_evaluation e;
        evaluate(&a, m, QUERIES, 2, use, n_use, &e);
        for (int32_t k = 0; k < n_use; k++) {
            const struct rh_metric *metric = use[k].metric;
            bool nowhere = (use[k].variant[0] == 1 && !strcmp(metric->name, "logloss")) || /* no probabilities */
                           (use[k].k == 1 && !strcmp(metric->name, "ild"));                /* no pairs */
            if (!(nowhere || (e.mean[k] >= metric->min && e.mean[k] <= metric->max)))
                fail_msg("%s: %.17g", use[k].definition, e.mean[k]);
            int32_t defined = 0;
            for (int32_t u = 0; u < QUERIES; u++) {
                double v = e.value[k * QUERIES + u];
                if (!(isnan(v) || (v >= metric->min && v <= metric->max)))
                    fail_msg("%s: %.17g", use[k].definition, v);
                defined += !isnan(v);
            }
            assert_int_equal(e.defined[k], use[k].flags & RH_M_RUN ? QUERIES : defined);
        }
        drop(m);
        rh_arena_release(&a);
    }
}

/* Metrics of accuracy: of where the relevant items are, and nothing else. */
static bool is_accuracy(const struct rh_metric_use *u)
{
    return !(u->flags & (RH_M_RATING | RH_M_LIST | RH_M_SCORES));
}

static bool is_relevant(const struct made *m, int32_t u, int32_t i)
{
    return m->rating[u][i] >= (float)RELEVANT_FROM && !m->seen[u][i];
}

static void a_perfect_ranking_is_perfect(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct made *m = make(3);
    int32_t n_use, perfect = 0;
    struct rh_metric_use *use = all_uses(&a, &n_use);
    struct rh_evaluation e;
    for (int32_t u = 0; u < QUERIES; u++)
        for (int32_t i = 0; i < ITEMS; i++) /* ratings as scores, the others below in a random order */
            m->score[u][i] = is_relevant(m, u, i) ? 10 + m->rating[u][i] : m->score[u][i] / 10;
    evaluate(&a, m, QUERIES, 1, use, n_use, &e);
    for (int32_t k = 0; k < n_use; k++) {
        const char *name = use[k].metric->name;
        for (int32_t u = 0; u < QUERIES; u++) {
            double v = e.value[k * QUERIES + u];
            int32_t relevant = 0, candidates = 0, cut;
            for (int32_t i = 0; i < ITEMS; i++) {
                relevant += is_relevant(m, u, i);
                candidates += !m->seen[u][i];
            }
            if (!is_accuracy(&use[k]) || !relevant || !strcmp(name, "dcg") || (use[k].k && !strcmp(name, "auc")))
                continue;
            cut = use[k].k ? use[k].k : candidates;
            double of = relevant, inside = cut < relevant ? cut : relevant, want = 1;
            if (!strcmp(name, "precision"))
                want = inside / (use[k].variant[0] && candidates < cut ? candidates : cut);
            else if (!strcmp(name, "recall"))
                want = use[k].variant[0] ? 1 : inside / of;
            else if (!strcmp(name, "f1"))
                want = 2 * inside / (cut + of);
            else if (!strcmp(name, "ndcg") && use[k].variant[1] && cut < relevant)
                continue; /* ideal=all */
            else if (!strcmp(name, "map") && (use[k].variant[0] || use[k].variant[1]))
                continue; /* below 1 by definition */
            if (!same(v, want, 1e-14))
                fail_msg("%s: %.17g, not %.17g", use[k].definition, v, want);
            perfect += want == 1;
        }
    }
    assert_true(perfect > 3000);
    drop(m);
    rh_arena_release(&a);
}

static void lifting_a_relevant_item_never_harms(void **state)
{
    (void)state;
    struct rh_rng rng = { { 4, 44, 444, 4444 } };
    for (uint64_t seed = 1; seed < 20; seed++) {
        struct rh_arena a = { 0 };
        struct made *m = make(seed);
        int32_t n_use;
        struct rh_metric_use *use = all_uses(&a, &n_use);
        struct rh_evaluation before, after;
        evaluate(&a, m, QUERIES, 1, use, n_use, &before);
        for (int32_t u = 0; u < QUERIES; u++)
            for (int trial = 0; trial < 100; trial++) {
                int32_t up = (int32_t)rh_rng_below(&rng, ITEMS), down = (int32_t)rh_rng_below(&rng, ITEMS);
                float x = m->score[u][up], y = m->score[u][down];
                if (!is_relevant(m, u, up) || is_relevant(m, u, down) || m->seen[u][down] || y <= x)
                    continue;
                m->score[u][up] = y;
                m->score[u][down] = x;
                break;
            }
        evaluate(&a, m, QUERIES, 1, use, n_use, &after);
        for (int32_t k = 0; k < n_use; k++)
            for (int32_t u = 0; is_accuracy(&use[k]) && u < QUERIES; u++) {
                double v = before.value[k * QUERIES + u], w = after.value[k * QUERIES + u];
                if (!isnan(v) && w < v - 1e-14)
                    fail_msg("%s: from %.17g to %.17g", use[k].definition, v, w);
            }
        drop(m);
        rh_arena_release(&a);
    }
}

/* One user asked over and over, with random scores; and once with constant ones. Four standard errors, over some
 * hundred metrics: five. */
static void constant_scores_get_what_random_scores_get(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct rh_rng rng = { { 6, 66, 666, 6666 } };
    struct made *m = make(7);
    int32_t n_use, compared = 0;
    enum { ROUNDS = 40, N = ROUNDS * QUERIES };
    struct rh_metric_use *use = all_uses(&a, &n_use);
    double *sum = calloc((size_t)n_use, sizeof *sum), *square = calloc((size_t)n_use, sizeof *square);
    struct rh_evaluation e;
    assert_true(sum && square);
    for (int32_t u = 1; u < QUERIES; u++) {
        memcpy(m->rating[u], m->rating[0], sizeof m->rating[0]);
        for (int32_t i = 0; i < ITEMS; i++)
            m->seen[u][i] = m->seen[0][i] = !m->rating[0][i] && i % 5 == 0;
    }
    enter(m);
    for (int round = 0; round < ROUNDS; round++) {
        for (int32_t u = 0; u < QUERIES; u++)
            for (int32_t i = 0; i < ITEMS; i++)
                m->score[u][i] = (float)rh_rng_uniform(&rng);
        struct rh_arena_mark mark = rh_arena_mark(&a);
        evaluate(&a, m, QUERIES, 1, use, n_use, &e);
        for (int32_t k = 0; k < n_use; k++)
            for (int32_t u = 0; u < QUERIES; u++) {
                double v = e.value[k * QUERIES + u];
                sum[k] += v / N;
                square[k] += v * v / N;
            }
        rh_arena_rewind(&a, mark);
    }
    for (int32_t i = 0; i < ITEMS; i++)
        m->score[0][i] = 0.25f;
    evaluate(&a, m, 1, 1, use, n_use, &e);
    for (int32_t k = 0; k < n_use; k++) {
        if (use[k].flags & (RH_M_RUN | RH_M_RATING | RH_M_SCORES) || !strcmp(use[k].metric->name, "miscalibration"))
            continue; /* not linear, or not of the order */
        double error = sqrt(fmax(square[k] - sum[k] * sum[k], 0) / N);
        if (isnan(sum[k]) ? !isnan(e.mean[k]) : !(fabs(e.mean[k] - sum[k]) <= 5 * error + 1e-9))
            fail_msg("%s: constant %.17g, random %.17g +- %g", use[k].definition, e.mean[k], sum[k], error);
        compared++;
    }
    assert_true(compared > 200);
    free(sum);
    free(square);
    drop(m);
    rh_arena_release(&a);
}

/* Of Q queries with constant scores each item is recommended to somebody with chance 1 - (1 - k / N)^Q, and to all of
 * them alike. */
static void constant_scores_cover_what_chance_covers(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    struct made *m = make(8);
    static const char *const names[] = { "coverage@4", "gini@4", "entropy@4", "gini@4/div=less",
                                         "entropy@4/div=covered" };
    struct rh_metric_use *use;
    struct rh_evaluation e;
    int32_t n;
    memset(m->seen, 0, sizeof m->seen);
    memset(m->score, 0, sizeof m->score);
    enter(m);
    assert_int_equal(rh_metrics_expand(&a, names, 5, NULL, 0, &use, &n, &err), RH_OK);
    evaluate(&a, m, 12, 2, use, n, &e);
    assert_true(same(e.mean[0], 1 - pow(1 - 4.0 / ITEMS, 12), 1e-14));
    assert_true(fabs(e.mean[1]) < 1e-14 && fabs(e.mean[3]) < 1e-14);
    assert_true(same(e.mean[2], log2(ITEMS), 1e-14) && same(e.mean[4], log2(ITEMS) / ITEMS, 1e-14));
    /* one item for all: 4 of 45 at most are covered, exposure is as unequal as can be */
    for (int32_t u = 0; u < QUERIES; u++)
        for (int32_t i = 0; i < ITEMS; i++)
            m->score[u][i] = (float)i;
    evaluate(&a, m, QUERIES, 1, use, n, &e);
    assert_true(same(e.mean[0], 4.0 / ITEMS, 1e-15) && same(e.mean[2], 2, 1e-15) && same(e.mean[4], 0.5, 1e-15));
    assert_true(same(e.mean[1], 1 - 4.0 / ITEMS, 1e-14) && same(e.mean[3], (ITEMS - 4.0) / (ITEMS - 1), 1e-14));
    drop(m);
    rh_arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_order_and_threads_change_nothing),
        cmocka_unit_test(values_are_in_range),
        cmocka_unit_test(a_perfect_ranking_is_perfect),
        cmocka_unit_test(lifting_a_relevant_item_never_harms),
        cmocka_unit_test(constant_scores_get_what_random_scores_get),
        cmocka_unit_test(constant_scores_cover_what_chance_covers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
