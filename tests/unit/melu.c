/* melu through the plugin contract, in a world where only adaptation helps (raterworld.h). */
#include "testhost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "raterworld.h"

static const char settings[] =
    "factors = 4; hidden = 8; inner_rate = 0.01; inner_steps = 5; rate = 0.01; meta_batch = 8";

static void fit(struct test_host *h, struct world *w, const char *more, int32_t epochs, struct test_model *m)
{
    fit_in(h, w, "melu", settings, more, epochs, m);
}

static double error_of(const char *more, int32_t from, int32_t to)
{
    return error_in("melu", settings, more, 80, from, to);
}

/* Without adaptation nothing is better than the middle, 3, whose error is 1.5. */
static void adapts_to_what_contents_do_not_tell(void **state)
{
    (void)state;
    double second = error_of("", WARM, USERS), first = error_of("; order = first", WARM, USERS);
    double twin = error_of("; inner_steps = 0", WARM, USERS), warm = error_of("", 0, WARM);
    if (!(second < 0.4 && first < 0.6 && warm < 0.4))
        fail_msg("second order %.3f, first %.3f, warm users %.3f", second, first, warm);
    if (!(fabs(twin - 1.5) < 0.1))
        fail_msg("without adaptation %.3f", twin);
}

/* Who shows nothing is predicted by the start: the same for two users of one group, about the middle. */
static void without_history_the_start_predicts(void **state)
{
    (void)state;
    struct test_host h;
    struct world w;
    struct test_model m;
    float out[2 * ITEMS];
    fit(&h, &w, "", 40, &m);
    struct rh_history nothing = { 0 };
    struct rh_query q[2] = { { WARM, &nothing, ITEMS, NULL }, { WARM + 1, &nothing, ITEMS, NULL } };
    assert_int_equal(test_score(&h, &m, q, 2, 2, out, ITEMS), RH_OK);
    assert_memory_equal(out, out + ITEMS, ITEMS * sizeof *out);
    for (int i = 0; i < ITEMS; i++)
        assert_true(out[i] > 1.5f && out[i] < 4.5f);
    release(&h, &m);
}

/* support = unseen: of a warm user's history only what did not train is adapted to; where all trained, all is. */
static void unseen_rows_alone(void **state)
{
    (void)state;
    static float a[ITEMS], b[ITEMS];
    struct test_host h;
    struct world w;
    struct test_model m;
    fit(&h, &w, "; support = unseen", 3, &m);
    /* user 0 trained on 0, 5, 10, 15, 20, 1, 6, 11, 16, 21, 2, 7, 12, 17, 22, 3; 4 and 9 are new */
    static const int32_t both[] = { 0, 2, 4, 9, 21 }, fresh[] = { 4, 9 };
    static const float rating[] = { 5, 1, 2, 5, 4 };
    struct rh_query q = test_query_with(&h, &w.train, 0, 5, both, rating);
    assert_int_equal(test_score(&h, &m, &q, 1, 1, a, ITEMS), RH_OK);
    q = test_query_with(&h, &w.train, 0, 2, fresh, rating + 2);
    assert_int_equal(test_score(&h, &m, &q, 1, 1, b, ITEMS), RH_OK);
    assert_memory_equal(a, b, sizeof a);
    release(&h, &m);
    float c[ITEMS], d[ITEMS];
    fit(&h, &w, "; support = unseen", 3, &m);
    assert_int_equal(test_score(&h, &m, &w.query[0], 1, 1, c, ITEMS), RH_OK);
    release(&h, &m);
    fit(&h, &w, "; support = all", 3, &m);
    assert_int_equal(test_score(&h, &m, &w.query[0], 1, 1, d, ITEMS), RH_OK);
    assert_memory_equal(c, d, sizeof c);
    release(&h, &m);
}

static void divergence_is_an_error(void **state)
{
    (void)state;
    struct test_host h;
    struct world w;
    struct test_model m;
    test_host_init(&h, 1, 4);
    make_world(&h, &w);
    assert_int_equal(test_fit(&h, test_algorithm("melu"), "inner_rate = 100; inner_steps = 40", &w.train, 2, &m),
                     RH_ENUMERIC);
    assert_string_equal(h.error.text, "melu diverged: the loss of a query set is not finite; try an inner_rate below "
                        "100 or a rate below 0.001");
    release(&h, &m);
}

static void refuses_what_it_cannot_use(void **state)
{
    (void)state;
    struct test_host h;
    struct world w;
    struct test_model m;
    test_host_init(&h, 1, 4);
    make_world(&h, &w);
    w.train.n_item_blocks = 0;
    assert_int_equal(test_fit(&h, test_algorithm("melu"), "", &w.train, 1, &m), RH_EDATA);
    assert_string_equal(h.error.text, "melu needs item features, but the items of 'films' have none");
    release(&h, &m);

    test_host_init(&h, 1, 4);
    make_world(&h, &w);
    struct test_row alone[] = { { 0, 3, 4, 0 }, { 1, 5, 2, 0 } };
    w.domain = test_domain(&h, "films", USERS, ITEMS, alone, 2, TEST_VALUES);
    w.domain.item_features = &w.genre;
    assert_int_equal(test_fit(&h, test_algorithm("melu"), "", &w.train, 1, &m), RH_EDATA);
    assert_string_equal(h.error.text, "melu makes a task of each user with two rows or more in 'films': there is none; "
                                      "data with longer histories is needed");
    release(&h, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adapts_to_what_contents_do_not_tell),
        cmocka_unit_test(without_history_the_start_predicts),
        cmocka_unit_test(unseen_rows_alone),
        cmocka_unit_test(divergence_is_an_error),
        cmocka_unit_test(refuses_what_it_cannot_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
