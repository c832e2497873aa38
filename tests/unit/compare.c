/* Paired statistics against SciPy and statsmodels (tests/oracle/compare.py), and comparisons of a made store against
 * the
 * definition. */
#include "base/file.h"
#include "base/stream.h"
#include "report/compare.h"
#include "storeworld.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rh_arena arena;

static int drop(void **state)
{
    (void)state;
    rh_arena_release(&arena);
    return 0;
}

static void assert_near(double x, double expected, double tolerance)
{
    if (!(fabs(x - expected) <= tolerance))
        fail_msg("%.17g instead of %.17g", x, expected);
}

/* The numbers of the line "what name number..." of the oracle. */
static int oracle(const char *what, const char *name, double **out)
{
    char path[1000], *text, *line, *rest;
    size_t bytes;
    struct rh_error err = { 0 };
    const char *source = getenv("HARNESS_SOURCE");
    snprintf(path, sizeof path, "%s/tests/oracle/compare.expected", source ? source : ".");
    if (rh_read_file(&arena, path, &text, &bytes, &err) < 0)
        fail_msg("%s", err.text);
    const char *head = rh_arena_printf(&arena, "%s %s ", what, name);
    *out = rh_alloc(&arena, bytes, sizeof **out);
    assert_non_null(*out);
    for (rest = text; (line = strsep(&rest, "\n"));) {
        if (strncmp(line, head, strlen(head)))
            continue;
        int n = 0;
        char *at = line + strlen(head), *end;
        for (double x; x = strtod(at, &end), end != at; at = end)
            (*out)[n++] = x;
        return n;
    }
    fail_msg("the oracle has no '%s'", head);
    return 0;
}

static void statistics_agree_with_scipy(void **state)
{
    (void)state;
    static const char *const names[] = { "few", "skewed", "ties", "sure" };
    static const int sizes[] = { 11, 83, 137, 211 };
    for (int i = 0; i < 4; i++) {
        double *d, *effect, *t, *flips, *bca, *wilcoxon, p;
        struct rh_paired got;
        struct rh_error err = { 0 };
        int n = oracle("sample", names[i], &d);
        assert_int_equal(n, sizes[i]);
        assert_int_equal(oracle("effect", names[i], &effect), 1);
        assert_int_equal(oracle("t", names[i], &t), 1);
        assert_int_equal(oracle("flips", names[i], &flips), 1);
        assert_int_equal(oracle("wilcoxon", names[i], &wilcoxon), 1);
        assert_int_equal(rh_paired_wilcoxon(d, n, &p, &err), RH_OK);
        assert_near(p, wilcoxon[0], 1e-11 * wilcoxon[0]);
        assert_int_equal(oracle("bca", names[i], &bca), 2);
        assert_int_equal(rh_paired(&arena, d, NULL, n, 1, RH_TEST_T, names[i], &got, &err), RH_OK);
        assert_int_equal(got.n, n);
        assert_near(got.effect, effect[0], 1e-13);
        assert_near(got.p, t[0], 1e-11 * t[0]);
        /* 2000 resamples here, 100,000 there: sqrt(0.025 * 0.975 / 2000) / phi(1.96) = 0.06 standard errors of the
         * mean, of which the interval has 3.92, is the standard error of an end; 0.05 of the interval is 3.3 of it. */
        assert_near(got.low, bca[0], 0.05 * (bca[1] - bca[0]));
        assert_near(got.high, bca[1], 0.05 * (bca[1] - bca[0]));
        assert_int_equal(rh_paired_flips(d, n, names[i], &p, &err), RH_OK);
        if (n <= 13) /* all patterns on both sides */
            assert_near(p, flips[0], 1e-15);
        else /* four standard errors of 10,000 patterns */
            assert_near(p, flips[0], 4 * sqrt(fmax(flips[0], 1e-4) * (1 - flips[0]) / RH_SIGN_FLIPS));
    }
}

static void bca_ends_follow_the_formula(void **state)
{
    (void)state;
    static const char *const names[] = { "level", "bent" };
    double replicate[1999], low, high, *ends;
    for (int i = 0; i < 1999; i++)
        replicate[i] = i + 1;
    for (int k = 0; k < 2; k++) {
        assert_int_equal(oracle("ends", names[k], &ends), 3);
        rh_bca_ends(replicate, 1999, 1100.5, ends[0], &low, &high);
        assert_near(low, ends[1], 1e-9 * ends[1]);
        assert_near(high, ends[2], 1e-9 * ends[2]);
    }
    /* half of them below, nothing bent: the percentiles, ranks 50 and 1950 */
    rh_bca_ends(replicate, 1999, 1000, 0, &low, &high);
    assert_near(low, 50, 1e-8);
    assert_near(high, 1950, 1e-8);
    rh_bca_ends(replicate, 1999, -7, 0.2, &low, &high); /* far outside of the replicates: still among them */
    assert_true(low >= 1 && low <= high && high <= 1999);
}

static void corrections_agree_with_statsmodels(void **state)
{
    (void)state;
    static const char *const names[] = { "raw", "holm", "bh" };
    static const enum rh_correction how[] = { RH_CORRECTION_NONE, RH_CORRECTION_HOLM, RH_CORRECTION_BH };
    for (int k = 0; k < 3; k++) {
        double *p, *expected;
        struct rh_error err = { 0 };
        int n = oracle("p", "raw", &p);
        assert_int_equal(n, 23);
        assert_int_equal(oracle("p", names[k], &expected), n);
        assert_int_equal(rh_correct(&arena, p, n, how[k], &err), RH_OK);
        for (int i = 0; i < n; i++)
            assert_near(p[i], expected[i], 1e-15);
    }
}

/* Differences of a skewed kind (exponential less its mean 1, scaled): their true mean, 0, lies in 95 of 100
 * intervals. */
static void intervals_cover(void **state)
{
    (void)state;
    enum { ROUNDS = 300, N = 60 };
    int inside = 0, strata_inside = 0;
    for (int r = 0; r < ROUNDS; r++) {
        double d[N];
        int32_t stratum[N];
        char identity[32];
        struct rh_paired got;
        struct rh_error err = { 0 };
        struct rh_rng rng = rh_stream(613, "coverage", "sample", (uint64_t)r);
        snprintf(identity, sizeof identity, "round %d", r);
        for (int i = 0; i < N; i++) {
            d[i] = 0.37 * (-log(1 - rh_rng_uniform(&rng)) - 1);
            stratum[i] = i % 3; /* 20 each, with means that differ by 1: no uncertainty comes from that */
        }
        assert_int_equal(rh_paired(&arena, d, NULL, N, 1, RH_TEST_T, identity, &got, &err), RH_OK);
        inside += got.low <= 0 && got.high >= 0;
        double width = got.high - got.low;
        for (int i = 0; i < N; i++)
            d[i] += stratum[i] - 1;
        assert_int_equal(rh_paired(&arena, d, stratum, N, 3, RH_TEST_T, identity, &got, &err), RH_OK);
        strata_inside += got.low <= 0 && got.high >= 0;
        assert_true(got.high - got.low < 1.3 * width);
    }
    /* 285 expected, with a standard deviation of 3.8; for so few and so skewed ones BCa is known to be a little short.
     */
    if (inside < 273 || inside > 296 || strata_inside < 273 || strata_inside > 296)
        fail_msg("%d and %d of %d", inside, strata_inside, ROUNDS);
}

static void degenerate_samples_have_answers(void **state)
{
    (void)state;
    static const double same[] = { 0.1875, 0.1875, 0.1875 }, none[] = { 0, 0, 0, 0 };
    struct rh_paired got;
    struct rh_error err = { 0 };
    assert_int_equal(rh_paired(&arena, same, NULL, 3, 1, RH_TEST_T, "same", &got, &err), RH_OK);
    assert_true(got.low == 0.1875 && got.high == 0.1875 && isnan(got.effect) && got.p == 0);
    assert_int_equal(rh_paired(&arena, same, NULL, 3, 1, RH_TEST_PERMUTATION, "same", &got, &err), RH_OK);
    assert_true(got.p == 0.25); /* +++ and --- of 8 */
    assert_int_equal(rh_paired(&arena, same, NULL, 3, 1, RH_TEST_WILCOXON, "same", &got, &err), RH_OK);
    assert_true(got.p == 0.25); /* the same two, with three tied ranks */
    assert_int_equal(rh_paired(&arena, none, NULL, 4, 1, RH_TEST_WILCOXON, "none", &got, &err), RH_OK);
    assert_true(got.p == 1);
    assert_int_equal(rh_paired(&arena, none, NULL, 4, 1, RH_TEST_T, "none", &got, &err), RH_OK);
    assert_true(got.mean == 0 && got.low == 0 && got.high == 0 && got.p == 1);
    assert_int_equal(rh_paired(&arena, same, NULL, 1, 1, RH_TEST_T, "one", &got, &err), RH_OK);
    assert_true(got.mean == 0.1875 && isnan(got.low) && isnan(got.p));
    assert_int_equal(rh_paired(&arena, same, NULL, 0, 1, RH_TEST_T, "no", &got, &err), RH_OK);
    assert_true(isnan(got.mean) && isnan(got.p));
}

/* ------------------------------------------------------------------------------------------- from a store */

static struct rh_comparisons load(struct rh_store *s, const struct rh_compare_options *o)
{
    struct rh_comparisons c;
    struct rh_error err = { 0 };
    if (rh_comparisons_load(s, &arena, "made", o, &c, &err) < 0)
        fail_msg("%s", err.text);
    return c;
}

static const struct rh_comparison *find(const struct rh_comparisons *c, const char *part, const char *row)
{
    for (int32_t i = 0; i < c->n; i++)
        if (!strcmp(c->of[i].part->label, part) && !strcmp(c->of[i].row->label, row))
            return &c->of[i];
    fail_msg("%s of %s is not compared", row, part);
    return NULL;
}

static void users_are_units_and_folds_strata(void **state)
{
    (void)state;
    struct rh_store *s;
    struct rh_error err = { 0 };
    double d[60], mean = 0, squares = 0;
    assert_true(rh_store_open(":memory:", RH_STORE_WRITE, &s, &err) >= 0 && world_fill(s, 5, &err) >= 0);
    struct rh_comparisons c = load(s, &(struct rh_compare_options){ .correction = RH_CORRECTION_HOLM });
    assert_string_equal(c.baseline, "popularity"); /* not random, the first */
    assert_int_equal(c.n, 16);                     /* 4 problems x 4 algorithms */
    assert_int_equal(c.family, 12);                /* userknn failed on all */

    /* "warm": two folds that share 20 of their 40 users; algorithm 4 less algorithm 1 */
    for (int u = 0; u < 60; u++) {
        double first = world_value(4, 0, 0, u) - world_value(1, 0, 0, u);
        double second = world_value(4, 0, 1, u - 20) - world_value(1, 0, 1, u - 20);
        d[u] = u < 20 ? first : u < 40 ? (first + second) / 2 : second;
        mean += d[u] / 60;
    }
    for (int u = 0; u < 60; u++)
        squares += (d[u] - mean) * (d[u] - mean);
    const struct rh_comparison *k = find(&c, "warm", "content");
    assert_int_equal(k->paired.n, 60);
    assert_near(k->paired.mean, mean, 1e-15);
    assert_near(k->value - k->baseline, mean, 1e-15);
    assert_near(k->paired.effect, mean / sqrt(squares / 59), 1e-12);
    assert_near(k->paired.p, rh_paired_t(d, 60), 1e-12);
    assert_true(k->paired.low < mean && mean < k->paired.high);
    assert_int_equal(k->wins + k->ties + k->losses, 60);
    assert_int_equal(k->verdict, RH_VERDICT_BETTER);

    /* failed on one fold: only the other fold's 40 users are paired */
    assert_int_equal(find(&c, "warm", "itemknn neighbors=20")->paired.n, 40);
    assert_string_equal(find(&c, "warm", "userknn")->why,
                        "failed: the loss became infinite in epoch 3, try a smaller rate");
    assert_int_equal(find(&c, "warm", "random")->verdict, RH_VERDICT_WORSE);

    /* the same numbers beside fewer algorithms and without a correction */
    struct rh_comparisons raw = load(s, &(struct rh_compare_options){ 0 });
    assert_memory_equal(&find(&raw, "warm", "content")->paired, &k->paired, sizeof k->paired);
    assert_true(find(&raw, "warm", "content")->corrected == k->paired.p);
    assert_true(k->corrected >= k->paired.p);

    c = load(s, &(struct rh_compare_options){ .threshold = 0.5, .metrics = "ndcg", .baseline = "content" });
    k = find(&c, "warm", "popularity");
    assert_near(k->paired.mean, -mean, 1e-15);
    assert_int_equal(k->verdict, RH_VERDICT_WORSE_LITTLE);
    rh_store_close(s);
}

static void lower_is_better_and_pooled_metrics(void **state)
{
    (void)state;
    struct rh_store *s;
    struct rh_error err = { 0 };
    assert_true(rh_store_open(":memory:", RH_STORE_WRITE, &s, &err) >= 0 && world_fill(s, 5, &err) >= 0);
    struct rh_comparisons c = load(s, &(struct rh_compare_options){ .metrics = "rmse", .baseline = "content" });
    const struct rh_comparison *k = find(&c, "cold k=5", "itemknn neighbors=20"); /* two thirds of 40 have a value */
    assert_int_equal(k->paired.n, 26);
    assert_true(k->pooled && k->paired.mean > 0);
    assert_int_equal(k->verdict, RH_VERDICT_WORSE);
    assert_true(k->losses > k->wins);
    assert_string_equal(find(&c, "cold k=5", "popularity")->why, "has no values of users");
    struct rh_text t = { 0 };
    rh_comparisons_write(&c, &(struct rh_compare_options){ .format = RH_FORMAT_TEXT }, &t);
    assert_non_null(strstr(t.s, "rmse is pooled over users in tables"));
    assert_non_null(strstr(t.s, "lower is better"));
    rh_text_release(&t);
    rh_store_close(s);
}

static void baselines_are_found_or_refused(void **state)
{
    (void)state;
    struct rh_store *s;
    struct rh_text t = { 0 };
    struct rh_error err = { 0 };
    assert_true(rh_store_open(":memory:", RH_STORE_WRITE, &s, &err) >= 0 && world_fill(s, 5, &err) >= 0);
    assert_int_equal(rh_compare(s, "made", &(struct rh_compare_options){ .baseline = "contant" }, &t, &err),
                     RH_EINVAL);
    assert_non_null(strstr(err.text, "did you mean 'content'?"));
    err = (struct rh_error){ 0 };
    assert_int_equal(rh_compare(s, "made", &(struct rh_compare_options){ .baseline = "zzzzzzzzzzzz" }, &t, &err),
                     RH_EINVAL);
    assert_non_null(strstr(err.text, "it has random, popularity, itemknn neighbors=20, userknn, content"));
    err = (struct rh_error){ 0 };
    assert_int_equal(rh_compare(s, "made", &(struct rh_compare_options){ .format = RH_FORMAT_LATEX }, &t, &err),
                     RH_EINVAL);
    err = (struct rh_error){ 0 };
    assert_int_equal(rh_compare(s, "made", &(struct rh_compare_options){ .baseline = "userknn" }, &t, &err), RH_OK);
    assert_non_null(strstr(t.s, "not compared: the baseline failed: the loss became infinite"));
    rh_text_release(&t);
    rh_store_close(s);

    assert_true(rh_store_open(":memory:", RH_STORE_WRITE, &s, &err) >= 0 && world_fill(s, 1, &err) >= 0);
    assert_int_equal(rh_compare(s, "made", &(struct rh_compare_options){ 0 }, &t, &err), RH_EDATA);
    assert_non_null(strstr(err.text, "other than random"));
    rh_store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statistics_agree_with_scipy),        cmocka_unit_test(bca_ends_follow_the_formula),
        cmocka_unit_test(corrections_agree_with_statsmodels), cmocka_unit_test(intervals_cover),
        cmocka_unit_test(degenerate_samples_have_answers),    cmocka_unit_test(users_are_units_and_folds_strata),
        cmocka_unit_test(lower_is_better_and_pooled_metrics), cmocka_unit_test(baselines_are_found_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, drop);
}
