/* tanp through the plugin contract, in a world where only looking at ratings helps (raterworld.h). */
#include "testhost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "raterworld.h"

static const char settings[] =
    "factors = 4; hidden = 16; latent = 4; identity = 8; centroids = 2; rate = 0.01; meta_batch = 8";

static double error_of(const char *more)
{
    return error_in("tanp", settings, more, 120, WARM, USERS);
}

/* Without ratings nothing is better than the middle, 3, whose error is 1.5. */
static void ratings_tell_what_contents_do_not(void **state)
{
    (void)state;
    double whole = error_of(""), film = error_of("; modulation = film");
    double random_function = error_of("; modulation = none; kl = 0.01"), task = error_of("; latent = 0");
    double twin = error_of("; latent = 0; modulation = none");
    if (!(whole < 0.6 && film < 0.6 && random_function < 0.6 && task < 0.6))
        fail_msg("whole %.3f, film %.3f, z alone %.3f, task alone %.3f", whole, film, random_function, task);
    if (!(fabs(twin - 1.5) < 0.15))
        fail_msg("without ratings %.3f", twin);
}

/* Who shows nothing is predicted alike in one group, and about the middle: supports of no rows trained, too. */
static void without_history_about_the_middle(void **state)
{
    (void)state;
    struct test_host h;
    struct world w;
    struct test_model m;
    float out[2 * ITEMS];
    fit_in(&h, &w, "tanp", settings, "", 80, &m);
    struct rh_history nothing = { 0 };
    struct rh_query q[2] = { { WARM, &nothing, ITEMS, NULL }, { WARM + 1, &nothing, ITEMS, NULL } };
    assert_int_equal(test_score(&h, &m, q, 2, 2, out, ITEMS), RH_OK);
    assert_memory_equal(out, out + ITEMS, ITEMS * sizeof *out);
    for (int i = 0; i < ITEMS; i++)
        assert_true(out[i] > 1.5f && out[i] < 4.5f);
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
    assert_int_equal(test_fit(&h, test_algorithm("tanp"), "rate = 10; optimizer = sgd", &w.train, 5, &m), RH_ENUMERIC);
    if (strncmp(h.error.text, "tanp diverged: ", 15) != 0 || !strstr(h.error.text, "; try a rate below 10"))
        fail_msg("%s", h.error.text);
    release(&h, &m);
}

static void the_least_and_the_odd_settings(void **state)
{
    (void)state;
    works_with("tanp", settings);
    works_with("tanp", "factors = 1; hidden = 1; latent = 1; identity = 1; centroids = 1; shots = 1; asked = 1");
    works_with("tanp", "factors = 3; hidden = 5; latent = 0; modulation = film; centroids = 0; meta_batch = 7");
    works_with("tanp", "factors = 3; hidden = 5; latent = 2; modulation = none");
    works_with("tanp", "factors = 3; hidden = 5; latent = 0; modulation = none; optimizer = sgd; redraw = no");
    works_with("tanp", "factors = 3; hidden = 5; latent = 7; identity = 2; vary = no; support = unseen");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ratings_tell_what_contents_do_not),
        cmocka_unit_test(without_history_about_the_middle),
        cmocka_unit_test(divergence_is_an_error),
        cmocka_unit_test(the_least_and_the_odd_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
