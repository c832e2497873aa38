/* mamo through the plugin contract, in a world where only adaptation helps (raterworld.h). */
#include "testhost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "raterworld.h"

static const char settings[] =
    "factors = 8; hidden = 8; inner_rate = 0.03; inner_steps = 5; rate = 0.01; meta_batch = 8";

static double error_of(const char *more)
{
    return error_in("mamo", settings, more, 80, WARM, USERS);
}

/* Without adaptation nothing is better than the middle, 3, whose error is 1.5. */
static void adapts_to_what_contents_do_not_tell(void **state)
{
    (void)state;
    double whole = error_of(""), one_start = error_of("; slots = 0"), twin = error_of("; inner_steps = 0");
    if (!(whole < 0.6 && one_start < 0.6))
        fail_msg("with memories %.3f, without %.3f", whole, one_start);
    if (!(fabs(twin - 1.5) < 0.15))
        fail_msg("without adaptation %.3f", twin);
}

/* Users of one group are the same to the memories; of another they may not be, but all start about the middle. */
static void without_history_the_start_predicts(void **state)
{
    (void)state;
    struct test_host h;
    struct world w;
    struct test_model m;
    float out[3 * ITEMS];
    fit_in(&h, &w, "mamo", settings, "", 40, &m);
    struct rh_history nothing = { 0 };
    struct rh_query q[3] = { { WARM, &nothing, ITEMS, NULL }, { WARM + 1, &nothing, ITEMS, NULL },
                             { WARM + 2, &nothing, ITEMS, NULL } };
    assert_int_equal(test_score(&h, &m, q, 3, 3, out, ITEMS), RH_OK);
    assert_memory_equal(out, out + ITEMS, ITEMS * sizeof *out);
    assert_memory_not_equal(out, out + 2 * ITEMS, ITEMS * sizeof *out);
    for (int i = 0; i < 3 * ITEMS; i++)
        assert_true(out[i] > 1.5f && out[i] < 4.5f);
    release(&h, &m);
}

/* A user who is the only task writes what it learned: the memories matter after an epoch. */
static void memories_are_written(void **state)
{
    (void)state;
    static const char *const share[] = { "", "; alpha = 0", "; beta = 0", "; gamma = 0", "; write = printed" };
    static float out[5][ITEMS];
    for (int i = 0; i < 5; i++) {
        struct test_host h;
        struct world w;
        struct test_model m;
        fit_in(&h, &w, "mamo", "factors = 4; hidden = 8; tau = 1; inner_rate = 0.03; meta_batch = 8", share[i], 2, &m);
        assert_int_equal(test_score(&h, &m, &w.query[WARM], 1, 1, out[i], ITEMS), RH_OK);
        for (int j = 0; j < i; j++)
            assert_memory_not_equal(out[i], out[j], sizeof *out);
        release(&h, &m);
    }
}

static void divergence_is_an_error(void **state)
{
    (void)state;
    struct test_host h;
    struct world w;
    struct test_model m;
    test_host_init(&h, 1, 4);
    make_world(&h, &w);
    assert_int_equal(test_fit(&h, test_algorithm("mamo"), "inner_rate = 100; inner_steps = 40", &w.train, 2, &m),
                     RH_ENUMERIC);
    assert_string_equal(h.error.text, "mamo diverged: the loss of a query set is not finite; try an inner_rate below "
                        "100 or a rate below 0.001");
    release(&h, &m);
}

static void the_least_and_the_odd_settings(void **state)
{
    (void)state;
    works_with("mamo", settings);
    works_with("mamo", "factors = 1; hidden = 1; slots = 1; shots = 1; asked = 1; meta_batch = 1");
    works_with("mamo", "factors = 3; hidden = 5; slots = 0; inner_steps = 0; vary = no");
    works_with("mamo", "factors = 3; hidden = 5; slots = 7; write = printed; meta_batch = 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adapts_to_what_contents_do_not_tell),
        cmocka_unit_test(without_history_the_start_predicts),
        cmocka_unit_test(memories_are_written),
        cmocka_unit_test(divergence_is_an_error),
        cmocka_unit_test(the_least_and_the_odd_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
