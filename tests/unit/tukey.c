/* Randomised Tukey HSD against NumPy and SciPy (tests/oracle/tukey.py), and comparisons of all pairs of a made store.
 */
#include "base/file.h"
#include "base/stream.h"
#include "report/compare.h"
#include "report/systems.h"
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
    snprintf(path, sizeof path, "%s/tests/oracle/tukey.expected", source ? source : ".");
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

static void agrees_with_numpy_and_scipy(void **state)
{
    (void)state;
    static const char *const names[] = { "two", "level", "paired", "hits" };
    for (int s = 0; s < 4; s++) {
        double *size, *value, *expected, *hsd, p[81];
        struct rh_error err = { 0 };
        assert_int_equal(oracle("size", names[s], &size), 2);
        int n = (int)size[0], m = (int)size[1], at = 0;
        assert_int_equal(oracle("values", names[s], &value), n * m);
        assert_int_equal(oracle("p", names[s], &expected), m * (m - 1) / 2);
        assert_int_equal(oracle("hsd", names[s], &hsd), m * (m - 1) / 2);
        assert_int_equal(rh_tukey(&arena, value, n, m, names[s], 0.05, p, NULL, &err), RH_OK);
        for (int i = 0; i < m; i++) {
            assert_true(p[i * m + i] == 1);
            for (int k = i + 1; k < m; k++, at++) {
                double x = p[i * m + k], q = fmin(fmax(expected[at], 1e-4), 1 - 1e-4);
                /* four standard errors of 10,000 permutations here and 200,000 there */
                double noise = 4 * sqrt(q * (1 - q) * (1.0 / RH_TUKEY_PERMUTATIONS + 1.0 / 200000));
                assert_true(x == p[k * m + i]);
                assert_near(x, expected[at], noise);
                if (!strcmp(names[s], "level")) /* independent normal samples: the theory is nearly right */
                    assert_near(x, hsd[at], noise + 0.02);
                else /* SciPy counts the differences between users as noise */
                    assert_true(x <= hsd[at] + noise);
            }
        }
    }
}

/* With two systems an exchange is a flip of the sign: the exact p of all 2^12 patterns. */
static void two_systems_are_sign_flips(void **state)
{
    (void)state;
    double *value, d[12], p[4], exact;
    struct rh_error err = { 0 };
    assert_int_equal(oracle("values", "two", &value), 24);
    for (int i = 0; i < 12; i++)
        d[i] = value[2 * i] - value[2 * i + 1];
    assert_int_equal(rh_paired_flips(d, 12, NULL, &exact, &err), RH_OK);
    assert_int_equal(rh_tukey(&arena, value, 12, 2, "two", 0.05, p, NULL, &err), RH_OK);
    assert_near(p[1], exact, 4 * sqrt(exact * (1 - exact) / RH_TUKEY_PERMUTATIONS));
}

/* Twenty systems that are alike: one of 190 pairs is called different in about one experiment in twenty. */
static void keeps_its_level(void **state)
{
    (void)state;
    enum { WORLDS = 60, USERS = 12, SYSTEMS = 20 };
    int wrong = 0;
    for (int w = 0; w < WORLDS; w++) {
        double value[USERS * SYSTEMS], p[SYSTEMS * SYSTEMS], least = 1;
        struct rh_error err = { 0 };
        struct rh_rng rng = rh_stream(9, "alike", "values", (uint64_t)w);
        for (int i = 0; i < USERS * SYSTEMS; i++)
            value[i] = rh_rng_uniform(&rng);
        assert_int_equal(rh_tukey(&arena, value, USERS, SYSTEMS, "alike", 0.05, p, NULL, &err), RH_OK);
        for (int i = 0; i < SYSTEMS * SYSTEMS; i++)
            least = fmin(least, p[i]);
        wrong += least < 0.05;
    }
    assert_true(wrong <= 9); /* of 60 with 0.05: 10 or more happen with probability 0.0007 */
}

static void degenerate_systems_have_answers(void **state)
{
    (void)state;
    double equal[12], p[9];
    struct rh_error err = { 0 };
    for (int i = 0; i < 12; i++)
        equal[i] = 0.1 * (i / 3); /* the same for all three systems */
    assert_int_equal(rh_tukey(&arena, equal, 4, 3, "equal", 0.05, p, NULL, &err), RH_OK);
    for (int i = 0; i < 9; i++)
        assert_true(p[i] == 1);
    assert_int_equal(rh_tukey(&arena, equal, 1, 3, "one user", 0.05, p, NULL, &err), RH_OK);
    assert_true(isnan(p[1]));
    assert_int_equal(rh_tukey(&arena, equal, 3, 1, "one system", 0.05, p, NULL, &err), RH_OK);
    assert_true(isnan(p[0]));
}

/* Beyond the critical difference p is below the level, up to it not. */
static void the_critical_difference_separates(void **state)
{
    (void)state;
    double *value, p[81], critical, mean[9] = { 0 };
    struct rh_error err = { 0 };
    int separated = 0;
    assert_int_equal(oracle("values", "hits", &value), 405);
    assert_int_equal(rh_tukey(&arena, value, 45, 9, "hits", 0.05, p, &critical, &err), RH_OK);
    for (int i = 0; i < 405; i++)
        mean[i % 9] += value[i] / 45;
    for (int i = 0; i < 81; i++) {
        assert_int_equal(p[i] < 0.05, fabs(mean[i / 9] - mean[i % 9]) > critical);
        separated += p[i] < 0.05;
    }
    assert_true(separated > 0 && separated < 72);
}

static void all_pairs_of_a_store(void **state)
{
    (void)state;
    struct rh_store *s;
    struct rh_error err = { 0 };
    struct rh_comparisons c, one;
    struct rh_text t = { 0 };
    struct rh_compare_options o = { .all_pairs = true, .correction = RH_CORRECTION_TUKEY };
    assert_true(rh_store_open(":memory:", RH_STORE_WRITE, &s, &err) >= 0 && world_fill(s, 5, &err) >= 0);
    assert_int_equal(rh_comparisons_load(s, &arena, "made", &o, &c, &err), RH_OK);
    assert_int_equal(c.n, 40);      /* 4 problems x 10 pairs */
    assert_int_equal(c.family, 24); /* userknn failed on all: 6 pairs of 4 are left */
    const struct rh_comparison *k = NULL, *same = NULL;
    for (int32_t i = 0; i < c.n; i++)
        if (!strcmp(c.of[i].part->label, "warm") && !strcmp(c.of[i].row->label, "content") &&
            !strcmp(c.of[i].against, "popularity"))
            k = &c.of[i];
    assert_non_null(k);
    /* itemknn failed on one of the two folds of 40 users: Tukey's users are those of the other fold */
    assert_int_equal(k->paired.n, 40);
    double d = 0;
    for (int u = 0; u < 40; u++)
        d += (world_value(4, 0, 0, u) - world_value(1, 0, 0, u)) / 40;
    assert_near(k->paired.mean, d, 1e-15);
    assert_true(k->corrected > 0 && k->corrected < 0.05 && k->verdict == RH_VERDICT_BETTER);
    /* against one baseline, the p-values are the same: all pairs are always meant */
    o.all_pairs = false;
    assert_int_equal(rh_comparisons_load(s, &arena, "made", &o, &one, &err), RH_OK);
    for (int32_t i = 0; i < one.n; i++)
        if (!strcmp(one.of[i].part->label, "warm") && !strcmp(one.of[i].row->label, "content"))
            same = &one.of[i];
    assert_non_null(same);
    assert_memory_equal(&same->paired, &k->paired, sizeof k->paired);
    assert_true(same->corrected == k->corrected);
    o = (struct rh_compare_options){ .all_pairs = true, .correction = RH_CORRECTION_HOLM };
    assert_int_equal(rh_compare(s, "made", &o, &t, &err), RH_OK);
    assert_non_null(strstr(t.s, "made: all pairs compared"));
    assert_non_null(strstr(t.s, "ndcg@10 against itemknn neighbors=20"));
    assert_non_null(strstr(t.s, "Family: 24 comparisons"));
    o.baseline = "popularity";
    assert_int_equal(rh_compare(s, "made", &o, &t, &err), RH_EINVAL);
    rh_text_release(&t);
    rh_store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_numpy_and_scipy), cmocka_unit_test(two_systems_are_sign_flips),
        cmocka_unit_test(keeps_its_level),             cmocka_unit_test(degenerate_systems_have_answers),
        cmocka_unit_test(all_pairs_of_a_store),        cmocka_unit_test(the_critical_difference_separates),
    };
    return cmocka_run_group_tests(tests, NULL, drop);
}
