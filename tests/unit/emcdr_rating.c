/* emcdr_rating: its gradients against plain loops, and who gets which vector. The plugin's source is part of this
 * test. */
#include "../../algorithms/transfer/emcdr_rating.c"
#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { USERS = 12, ITEMS = 9, BOOKS = 7, D = 3 };

static void assert_near(double x, double expected, double tolerance)
{
    if (!(fabs(x - expected) <= tolerance))
        fail_msg("%.9g, expected %.9g within %g", x, expected, tolerance);
}

/* Users 0 .. 7 have rows in both, 8 and 9 in the source alone, 10 in the target alone, 11 in none. */
static struct rh_train make_train(struct test_host *h, struct rh_domain *domain)
{
    struct rh_rng r = rh_stream(8, "rows", "emcdr_rating", 0);
    struct test_row row[USERS * ITEMS], book[USERS * BOOKS];
    int64_t n = 0, m = 0;
    for (int32_t u = 0; u < 11; u++) {
        for (int32_t i = 0; u != 8 && u != 9 && i < ITEMS; i++)
            if (i == u % ITEMS || rh_rng_below(&r, 2))
                row[n++] = (struct test_row){ u, i, 1 + (float)rh_rng_below(&r, 5), 0 };
        for (int32_t i = 0; u != 10 && i < BOOKS; i++)
            if (i == u % BOOKS || rh_rng_below(&r, 2))
                book[m++] = (struct test_row){ u, i, 1 + (float)rh_rng_below(&r, 5), 0 };
    }
    domain[0] = test_domain(h, "movies", USERS, ITEMS, row, n, TEST_VALUES);
    domain[1] = test_domain(h, "books", USERS, BOOKS, book, m, TEST_VALUES);
    return (struct rh_train){ .n_users = USERS, .n_domains = 2, .domain = domain };
}

static void the_gradient_of_the_factors(void **state)
{
    (void)state;
    struct test_host h;
    struct test_model m;
    struct rh_domain domain[2];
    test_host_init(&h, 2, 5);
    struct rh_train train = make_train(&h, domain);
    assert_int_equal(test_fit(&h, &emcdr_rating, "factors = 3; factor_epochs = 3; rate = 0.05", &train, 0, &m), RH_OK);
    struct state *s = m.state;
    struct side *side = &s->target;
    const struct rh_domain *d = &domain[0];
    double n = (double)d->row[USERS], mean = 0, gu[USERS][D] = { 0 }, gi[ITEMS][D] = { 0 }, bu[USERS] = { 0 },
           bi[ITEMS] = { 0 };
    for (int64_t e = 0; e < d->row[USERS]; e++)
        mean += (double)d->value[e] / n;
    assert_near(side->mean, mean, 1e-12);
    for (int32_t u = 0; u < USERS; u++) /* of the mean of (predicted - r)^2 */
        for (int64_t e = d->row[u]; e < d->row[u + 1]; e++) {
            int32_t i = d->item[e];
            double p = mean + (double)side->user_offset.w[u] + (double)side->item_offset.w[i];
            for (int f = 0; f < D; f++)
                p += (double)side->user.w[u * D + f] * (double)side->item.w[i * D + f];
            double g = 2 / n * (p - (double)d->value[e]);
            bu[u] += g;
            bi[i] += g;
            for (int f = 0; f < D; f++) {
                gu[u][f] += g * (double)side->item.w[i * D + f];
                gi[i][f] += g * (double)side->user.w[u * D + f];
            }
        }
    for (int32_t k = 0; k < (int32_t)side->n; k++)
        learn_row(m.params, side, k, 2 / (rh_real)n);
    for (int32_t u = 0; u < USERS; u++) {
        assert_near(side->user_offset.gradient[u], bu[u], 1e-6);
        for (int f = 0; f < D; f++)
            assert_near(side->user.gradient[u * D + f], gu[u][f], 1e-6);
    }
    for (int32_t i = 0; i < ITEMS; i++) {
        assert_near(side->item_offset.gradient[i], bi[i], 1e-6);
        for (int f = 0; f < D; f++)
            assert_near(side->item.gradient[i * D + f], gi[i][f], 1e-6);
    }
    test_model_release(&m);
    test_host_release(&h);
}

/* The loss by which personal maps are learned, against its definition and its differences. */
static void the_gradient_of_the_task(void **state)
{
    (void)state;
    struct test_host h;
    struct test_model m;
    struct rh_domain domain[2];
    test_host_init(&h, 1, 5);
    struct rh_train train = make_train(&h, domain);
    assert_int_equal(test_fit(&h, &emcdr_rating, "factors = 3; map = personal", &train, 0, &m), RH_OK);
    struct state *s = m.state;
    struct rh_query q = test_query(&h, &train, 2);
    struct rh_rng r = rh_stream(1, "none", "", 0);
    rh_real y[D] = { 0.3f, -0.7f, 0.5f }, dy[D] = { 0 }, ignored[D];
    double loss = of_user(s, &r, 2, q.history, y, 0.5f, dy), expected = 0;
    for (int32_t k = 0; k < q.history[0].n; k++) {
        double p = s->target.mean + (double)s->target.item_offset.w[q.history[0].item[k]];
        for (int f = 0; f < D; f++)
            p += (double)y[f] * (double)s->target.item.w[q.history[0].item[k] * D + f];
        expected += (p - (double)q.history[0].value[k]) * (p - (double)q.history[0].value[k]) / q.history[0].n;
    }
    assert_near(loss, expected, 1e-5);
    for (int f = 0; f < D; f++) {
        rh_real at = y[f];
        y[f] = at + 0.01f;
        double up = of_user(s, &r, 2, q.history, y, 1, ignored), high = (double)y[f];
        y[f] = at - 0.01f;
        double down = of_user(s, &r, 2, q.history, y, 1, ignored);
        assert_near(dy[f], 0.5 * (up - down) / (high - (double)y[f]), 1e-4); /* quadratic: differences are exact */
        y[f] = at;
    }
    test_model_release(&m);
    test_host_release(&h);
}

/* Own vector, mapped vector, none. */
static void who_gets_which_vector(void **state)
{
    (void)state;
    static const char *const settings[] = { "factors = 3; map = linear", "factors = 3; map = mlp; hidden = 4",
                                            "factors = 3; map = personal; hidden = 4" };
    for (int k = 0; k < 3; k++) {
        struct test_host h;
        struct test_model m;
        struct rh_domain domain[2];
        float out[3 * ITEMS];
        test_host_init(&h, 2, 5);
        struct rh_train train = make_train(&h, domain);
        assert_int_equal(test_fit(&h, &emcdr_rating, settings[k], &train, 4, &m), RH_OK);
        const struct state *s = m.state;
        assert_int_equal(s->n_shared, 8);
        struct rh_query q[3] = { test_query(&h, &train, 10), test_query(&h, &train, 8), test_query(&h, &train, 11) };
        assert_int_equal(test_score(&h, &m, q, 3, 1, out, ITEMS), RH_OK);
        rh_real mapped[D], *x = s->source.user.w + 8 * D, tape[16];
        if (k < 2)
            memcpy(mapped, rh_mlp_forward(&s->shape, s->map, 1, x, NULL, tape), sizeof mapped);
        else
            assert_int_equal(rh_personal_map(&h.ctx, &s->personal, &q[1], 1, x, mapped), RH_OK);
        for (int32_t i = 0; i < ITEMS; i++) {
            double base = s->target.mean + (double)s->target.item_offset.w[i], own = base, cold = base;
            for (int f = 0; f < D; f++) {
                own += (double)s->target.user.w[10 * D + f] * (double)s->target.item.w[i * D + f];
                cold += (double)mapped[f] * (double)s->target.item.w[i * D + f];
            }
            assert_near(out[i], own + (double)s->target.user_offset.w[10], 1e-5);
            assert_near(out[ITEMS + i], cold, 1e-5);
            assert_near(out[2 * ITEMS + i], base, 1e-5);
        }
        assert_true(fabsf(out[ITEMS] - out[2 * ITEMS]) > 1e-7f);
        test_model_release(&m);
        test_host_release(&h);
    }
}

static void refusals(void **state)
{
    (void)state;
    struct test_host h;
    struct test_model m;
    test_host_init(&h, 1, 1);
    const struct test_row a[] = { { 0, 0, 3, 0 }, { 0, 1, 4, 0 } }, b[] = { { 1, 0, 3, 0 }, { 1, 1, 2, 0 } };
    struct rh_domain domain[] = { test_domain(&h, "a", 2, 2, a, 2, TEST_VALUES),
                                  test_domain(&h, "b", 2, 2, b, 2, TEST_VALUES) };
    struct rh_train train = { .n_users = 2, .n_domains = 2, .domain = domain };
    assert_int_equal(test_fit(&h, &emcdr_rating, NULL, &train, 1, &m), RH_EDATA);
    assert_non_null(strstr(h.error.text, "in the target and in a source, and there is none"));
    test_model_release(&m);
    test_host_release(&h);
    test_host_init(&h, 1, 1);
    domain[0] = test_domain(&h, "a", 2, 2, a, 2, TEST_VALUES);
    domain[1] = test_domain(&h, "b", 2, 2, b, 2, 0);
    assert_int_equal(test_fit(&h, &emcdr_rating, NULL, &train, 1, &m), RH_EDATA);
    assert_non_null(strstr(h.error.text, "domain 'b' has none"));
    test_model_release(&m);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gradient_of_the_factors),
        cmocka_unit_test(the_gradient_of_the_task),
        cmocka_unit_test(who_gets_which_vector),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
