/* Strata: what a row contributes against all orders of its ties, ratios and gaps by hand, and how often intervals
 * cover. Breakdowns of whole experiments are checked in tests/cli/breakdown.sh. */
#include "report/breakdown.h"
#include "base/stream.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct rh_arena arena;

static int drop(void **state)
{
    (void)state;
    rh_arena_release(&arena);
    return 0;
}

static void rows_are_expectations_over_ties(void **state)
{
    (void)state;
    for (int32_t above = 0; above < 6; above++)
        for (int32_t tied = 1; tied < 6; tied++)
            for (int32_t k = 1; k < 12; k++) {
                double hit = 0, reciprocal = 0;
                for (int32_t place = above + 1; place <= above + tied; place++) { /* each as likely */
                    hit += place <= k;
                    reciprocal += 1.0 / place;
                }
                assert_true(fabs(rh_row_hit(above, tied, k) - hit / tied) < 1e-15);
                assert_true(fabs(rh_row_reciprocal(above, tied) - reciprocal / tied) < 1e-15);
            }
    assert_true(rh_row_hit(INT32_MAX - 5, 5, 10) == 0);
}

/* 12 users in stratum 0 with 1 of 2 rows each but the last, who has 3 of 4; 12 in stratum 1 with 1 of 4; 2 in stratum 2
 * with 5 of 5, who are too few for an interval and for the gap. */
static void values_are_ratios_of_sums(void **state)
{
    (void)state;
    struct rh_share share[26];
    struct rh_slice slice[4] = { 0 };
    struct rh_gap gap;
    struct rh_error err = { 0 };
    for (int u = 0; u < 26; u++)
        share[u] = (struct rh_share){ u, u < 12 ? 0 : u < 24 ? 1 : 2, u == 11 ? 3 : u < 24 ? 1 : 5,
                                      u == 11 ? 4 : u < 12 ? 2 : u < 24 ? 4 : 5 };
    assert_int_equal(rh_slices(&arena, share, 26, 4, "hand", slice, &gap, &err), RH_OK);
    assert_true(fabs(slice[0].value - 14.0 / 26) < 1e-15);
    assert_true(slice[1].value == 0.25 && slice[2].value == 1 && isnan(slice[3].value));
    assert_int_equal(slice[0].users, 12);
    assert_int_equal(slice[2].users, 2);
    assert_true(slice[0].low >= 0.5 && slice[0].low < slice[0].value && slice[0].high > slice[0].value);
    assert_true(slice[1].low == 0.25 && slice[1].high == 0.25); /* nobody differs */
    assert_true(isnan(slice[2].low) && isnan(slice[3].low));
    assert_int_equal(gap.most, 0);
    assert_int_equal(gap.least, 1);
    assert_true(fabs(gap.value - (14.0 / 26 - 0.25)) < 1e-15);
    assert_true(fabs(gap.ratio - 14.0 / 26 / 0.25) < 1e-15);
    assert_true(gap.low > 0 && gap.low < gap.value && gap.high > gap.value);
    struct rh_slice again[4] = { 0 };
    struct rh_gap same;
    assert_int_equal(rh_slices(&arena, share, 26, 4, "hand", again, &same, &err), RH_OK);
    assert_true(again[0].low == slice[0].low && same.high == gap.high);
}

static void few_and_none_have_answers(void **state)
{
    (void)state;
    const struct rh_share one = { 7, 0, 0.5, 1 };
    struct rh_slice slice[2] = { 0 };
    struct rh_gap gap;
    struct rh_error err = { 0 };
    assert_int_equal(rh_slices(&arena, &one, 0, 2, "none", slice, &gap, &err), RH_OK);
    assert_true(isnan(slice[0].value) && gap.most == -1 && isnan(gap.value));
    assert_int_equal(rh_slices(&arena, &one, 1, 2, "one", slice, &gap, &err), RH_OK);
    assert_true(slice[0].value == 0.5 && isnan(slice[0].low) && gap.most == -1);
}

/* 300 samples of 40 users in two strata (one user can be in both) whose true values are 0.5 and 0.25: a 95 % interval
 * that is right covers 285 of them, give or take 11 (3 standard deviations); BCa is a little short with so few. */
static void intervals_cover(void **state)
{
    (void)state;
    int covered[3] = { 0 };
    for (uint64_t sample = 0; sample < 300; sample++) {
        struct rh_rng rng = rh_stream(5, "cover", "sample", sample);
        struct rh_share share[80];
        struct rh_slice slice[2] = { 0 };
        struct rh_gap gap;
        struct rh_error err = { 0 };
        char name[32];
        for (int u = 0; u < 40; u++) {
            double common = rh_rng_uniform(&rng) - 0.5;
            share[2 * u] = (struct rh_share){ u, 0, 0.5 + 0.5 * common + 0.3 * (rh_rng_uniform(&rng) - 0.5), 1 };
            share[2 * u + 1] = (struct rh_share){ u, 1, 0.25 + 0.4 * common + 0.2 * (rh_rng_uniform(&rng) - 0.5), 1 };
        }
        snprintf(name, sizeof name, "cover %d", (int)sample);
        assert_int_equal(rh_slices(&arena, share, 80, 2, name, slice, &gap, &err), RH_OK);
        covered[0] += slice[0].low <= 0.5 && slice[0].high >= 0.5;
        covered[1] += slice[1].low <= 0.25 && slice[1].high >= 0.25;
        covered[2] += gap.low <= 0.25 && gap.high >= 0.25;
        rh_arena_release(&arena);
    }
    for (int i = 0; i < 3; i++)
        assert_in_range(covered[i], 300 * 0.91, 298);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(rows_are_expectations_over_ties, drop),
        cmocka_unit_test_teardown(values_are_ratios_of_sums, drop),
        cmocka_unit_test_teardown(few_and_none_have_answers, drop),
        cmocka_unit_test_teardown(intervals_cover, drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
