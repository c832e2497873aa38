/* eval/corrected: against dense linear algebra (tests/oracle/corrected.py), the toy example of the paper, simulated
 * samples, and a query worked by hand. */
#include "base/arena.h"
#include "base/file.h"
#include "base/stream.h"
#include "eval/corrected.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rh_metric_use use_of(struct rh_arena *a, const char *name)
{
    struct rh_metric_use *use;
    struct rh_error err = { 0 };
    int32_t n, ten = 10;
    assert_int_equal(rh_metrics_expand(a, &name, 1, &ten, 1, &use, &n, &err), RH_OK);
    assert_int_equal(n, 1);
    return use[0];
}

/* g for one metric, in the arena. */
static double *function(struct rh_arena *a, const struct rh_metric_use *use, int32_t pool, int32_t drawn, double gamma)
{
    struct rh_error err = { 0 };
    double *f = rh_alloc(a, (size_t)pool + 1, sizeof *f), *g = rh_alloc(a, (size_t)drawn + 1, sizeof *g);
    assert_true(f && g);
    for (int32_t r = 1; r <= pool + 1; r++)
        f[r - 1] = rh_judged_alone(use, r);
    assert_int_equal(rh_corrected_functions(pool, drawn, gamma, 1, (const double *const[]){ f }, &g, &err), RH_OK);
    return g;
}

static void agrees_with_linear_algebra(void **state)
{
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    const char *source = getenv("HARNESS_SOURCE");
    char *text, *line, *path = rh_path_join(&a, source ? source : ".", "tests/oracle/corrected.values");
    size_t n;
    int cases = 0;
    (void)state;
    assert_int_equal(rh_read_file(&a, path, &text, &n, &err), RH_OK);
    while ((line = strsep(&text, "\n")) && *line) {
        char metric[16], name[32];
        int pool, drawn, k, used;
        double gamma;
        assert_int_equal(sscanf(line, "%d %d %lf %15s %d%n", &pool, &drawn, &gamma, metric, &k, &used), 5);
        snprintf(name, sizeof name, k ? "%s@%d" : "%s", metric, k);
        struct rh_metric_use use = use_of(&a, name);
        const double *g = function(&a, &use, pool, drawn, gamma);
        char *at = line + used;
        for (int i = 0; i <= drawn; i++) {
            double want = strtod(at, &at);
            if (!(fabs(g[i] - want) <= 1e-9))
                fail_msg("%s of %d from %d, gamma %g: g[%d] is %.17g, expected %.17g", name, drawn, pool, gamma, i,
                         g[i], want);
        }
        cases++;
    }
    assert_int_equal(cases, 48);
    rh_arena_release(&a);
}

/* P(X = i) of the hypergeometric distribution, from its formula. */
static double chance(int32_t pool, int32_t above, int32_t drawn, int32_t i)
{
#define LOG_CHOOSE(n, k) (lgamma((double)(n) + 1) - lgamma((double)(k) + 1) - lgamma((double)(n) - (k) + 1))
    if (i > above || drawn - i > pool - above)
        return 0;
    return exp(LOG_CHOOSE(above, i) + LOG_CHOOSE(pool - above, drawn - i) - LOG_CHOOSE(pool, drawn));
}

enum { TOY_ITEMS = 10000, TOY_DRAWN = 99 };
struct toy {
    int32_t rank[5];
};

static double exact(const struct rh_metric_use *use, const struct toy *t)
{
    double sum = 0;
    for (int i = 0; i < 5; i++)
        sum += rh_judged_alone(use, t->rank[i]);
    return sum / 5;
}

/* What is expected over samples; g NULL: of the metric of the sampled rank itself. */
static double expected(const struct rh_metric_use *use, const double *g, const struct toy *t)
{
    double sum = 0;
    for (int i = 0; i < 5; i++)
        for (int32_t s = 0; s <= TOY_DRAWN; s++)
            sum += chance(TOY_ITEMS - 1, t->rank[i] - 1, TOY_DRAWN, s) * (g ? g[s] : rh_judged_alone(use, s + 1));
    return sum / 5;
}

/* Krichene and Rendle, section 3: three recommenders, five queries with one relevant item each of 10,000. By average
 * precision C is ten times as good as A: (1/212 + 1/2 + 1/743 + 1/5342 + 1/1548) / 5 = 0.1014 against 1/100. With 99
 * sampled items A seems twice as good as C: an item of rank 100 is mostly first of them. */
static void repairs_the_toy_example(void **state)
{
    static const struct toy A = { { 100, 100, 100, 100, 100 } }, B = { { 40, 40, 8437, 9266, 4482 } },
                            C = { { 212, 2, 743, 5342, 1548 } };
    struct rh_arena a = { 0 };
    (void)state;
    struct rh_metric_use ap = use_of(&a, "map@all"), recall = use_of(&a, "recall@10");
    assert_true(fabs(exact(&ap, &A) - 0.010) < 5e-4 && fabs(exact(&ap, &B) - 0.010) < 5e-4);
    assert_true(fabs(exact(&ap, &C) - 0.101) < 5e-4);
    assert_true(exact(&recall, &A) == 0 && exact(&recall, &B) == 0 && fabs(exact(&recall, &C) - 0.2) < 1e-15);
    assert_true(fabs(expected(&ap, NULL, &A) - 0.636) < 5e-4);
    assert_true(fabs(expected(&ap, NULL, &C) - 0.326) < 5e-4);
    assert_true(expected(&recall, NULL, &A) > 0.9999);
    /* gamma 0.01 puts C first again, of both metrics */
    const double *g = function(&a, &ap, TOY_ITEMS - 1, TOY_DRAWN, 0.01);
    assert_true(expected(&ap, g, &C) > 1.2 * expected(&ap, g, &B));
    assert_true(expected(&ap, g, &C) > 1.2 * expected(&ap, g, &A));
    g = function(&a, &recall, TOY_ITEMS - 1, TOY_DRAWN, 0.01);
    assert_true(expected(&recall, g, &C) > 1.2 * expected(&recall, g, &B));
    assert_true(expected(&recall, g, &B) > expected(&recall, g, &A) && fabs(expected(&recall, g, &A)) < 0.02);
    rh_arena_release(&a);
}

/* 200,000 samples of 20 from 300 for an item of rank 31: the mean of g is what the distribution says, within four
 * standard errors; and its bias against the metric is small where the sample is not too coarse. */
static void simulated_samples_give_the_expectation(void **state)
{
    enum { POOL = 300, DRAWN = 20, ABOVE = 30, TRIES = 200000 };
    struct rh_arena a = { 0 };
    (void)state;
    struct rh_metric_use ndcg = use_of(&a, "ndcg@100");
    const double *g = function(&a, &ndcg, POOL, DRAWN, 0.1);
    struct rh_rng rng = rh_stream(1, "test", "corrected", 0);
    double sum = 0, squares = 0, want = 0;
    int32_t item[POOL];
    for (int32_t i = 0; i < POOL; i++)
        item[i] = i;
    for (int32_t t = 0; t < TRIES; t++) {
        int32_t above = 0;
        for (int32_t i = 0; i < DRAWN; i++) { /* the first of a shuffle; items below ABOVE are above */
            int32_t j = i + (int32_t)rh_rng_below(&rng, (uint32_t)(POOL - i)), x = item[i];
            item[i] = item[j];
            item[j] = x;
            above += item[i] < ABOVE;
        }
        sum += g[above];
        squares += g[above] * g[above];
    }
    for (int32_t i = 0; i <= DRAWN; i++)
        want += g[i] * chance(POOL, ABOVE, DRAWN, i);
    double mean = sum / TRIES, error = sqrt((squares / TRIES - mean * mean) / TRIES);
    assert_true(error > 0 && fabs(mean - want) < 4 * error);
    assert_true(fabs(want - rh_judged_alone(&ndcg, ABOVE + 1)) < 0.02); /* 1 / log2(32) = 0.2 */
    rh_arena_release(&a);
}

static void is_defined_where_it_says(void **state)
{
    struct rh_arena a = { 0 };
    (void)state;
    struct rh_metric_use use = use_of(&a, "auc");
    assert_true(isnan(rh_judged_alone(&use, 1)));
    use = use_of(&a, "rmse");
    assert_true(isnan(rh_judged_alone(&use, 1)));
    use = use_of(&a, "ndcg@3");
    assert_true(rh_judged_alone(&use, 3) == 0.5 && rh_judged_alone(&use, 4) == 0);
    use = use_of(&a, "precision@4");
    assert_true(rh_judged_alone(&use, 4) == 0.25);
    use = use_of(&a, "mrr");
    assert_true(rh_judged_alone(&use, 50) == 0.02);
    rh_arena_release(&a);
}

/* Scores of the candidates of the query below, in their order. */
static int say(void *arg, int thread, const struct rh_query *query, int32_t n, float *out, size_t stride,
               struct rh_error *err)
{
    static const float score[] = { 5, 1, 3, 4, 3, 2 };
    (void)arg;
    (void)thread;
    (void)query;
    (void)stride;
    (void)err;
    assert_int_equal(n, 1);
    memcpy(out, score, sizeof score);
    return RH_OK;
}

/* Held-out candidates 2 7 9 with ratings 4 1 5, relevant from 3 on: 2 with score 5 is above all three negatives
 * (4 3 2), 9 with score 3 is below one and level with one. So the estimate is (g[0] + (g[1] + g[2]) / 2) / 2. */
static void a_query_is_worked_by_hand(void **state)
{
    static const int32_t candidate[] = { 2, 7, 9, 1, 4, 8 }, item[] = { 2, 5, 7, 9 }, drawn = 3, pool = 30, which = 0;
    static const float value[] = { 4, 5, 1, 5 }; /* item 5 is masked: no candidate */
    static const double g[] = { 0.5, 0.25, 0.125, 0.0625 };
    (void)state;
    const struct rh_query query = { .n_candidates = 6, .candidate = candidate };
    const struct rh_truth truth = { .n = 4, .item = item, .value = value };
    const struct rh_sampled sampled = { { 1, &query, &truth }, &drawn, &pool };
    const double *function_of = g;
    const struct rh_correction c = { &sampled, 1, &which, &function_of };
    const struct rh_scorer inner = { .score = say };
    double estimate = 0;
    float row[16];
    struct rh_corrected taking = { &c, &inner, 3, NAN, &estimate, 0 };
    struct rh_scorer watched = rh_corrected_scorer(&taking);
    assert_int_equal(watched.score(watched.arg, 0, &query, 1, row, 16, NULL), RH_OK);
    assert_true(row[0] == 5 && row[5] == 2);
    assert_true(estimate == (0.5 + (0.25 + 0.125) / 2) / 2);
    taking.relevant_from = 6; /* nothing is */
    assert_int_equal(watched.score(watched.arg, 0, &query, 1, row, 16, NULL), RH_OK);
    assert_true(isnan(estimate));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_linear_algebra),
        cmocka_unit_test(repairs_the_toy_example),
        cmocka_unit_test(simulated_samples_give_the_expectation),
        cmocka_unit_test(is_defined_where_it_says),
        cmocka_unit_test(a_query_is_worked_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
