/* ease on a case worked by hand, and against an inverse by Gauss and Jordan in double. */
#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define USERS 70
#define ITEMS 300 /* three blocks of the sweep: one has others on either side */

static void assert_near(double x, double expected, double tolerance)
{
    if (!(fabs(x - expected) <= tolerance))
        fail_msg("%.9g, expected %.9g within %g", x, expected, tolerance);
}

/* X'X = (2 1; 1 3), l2 = 1: P = (4 -1; -1 3) / 11, so B(0, 1) = (1/11) / (3/11) = 1/3, B(1, 0) = 1/4. Item 2 has no
 * users. */
static void by_hand(void **state)
{
    (void)state;
    static const struct test_row row[] = { { 0, 0, 1, 0 }, { 0, 1, 1, 0 }, { 1, 0, 1, 0 },
                                          { 2, 1, 1, 0 }, { 3, 1, 1, 0 } };
    static const int32_t first[] = { 0 }, both[] = { 0, 1 }, asked[] = { 1, 0 };
    struct test_host h;
    struct test_model m;
    test_host_init(&h, 1, 1);
    struct rh_domain d = test_domain(&h, "made", 5, 3, row, 5, 0);
    struct rh_train train = { .n_users = 5, .n_domains = 1, .domain = &d };
    assert_int_equal(test_fit(&h, test_algorithm("ease"), "l2 = 1", &train, 0, &m), RH_OK);
    struct rh_query q[3] = { test_query_with(&h, &train, 4, 1, first, NULL),
                             test_query_with(&h, &train, 4, 2, both, NULL), test_query(&h, &train, 4) };
    static const double expected[3][3] = { { 0, 1 / 3.0, 0 }, { 0.25, 1 / 3.0, 0 }, { 0, 0, 0 } };
    float out[9];
    assert_int_equal(test_score(&h, &m, q, 3, 1, out, 3), RH_OK);
    for (int k = 0; k < 9; k++)
        assert_near(out[k], expected[k / 3][k % 3], 1e-6);
    q[1].candidate = asked;
    q[1].n_candidates = 2;
    assert_int_equal(test_score(&h, &m, &q[1], 1, 1, out, 3), RH_OK);
    assert_near(out[0], 1 / 3.0, 1e-6);
    assert_near(out[1], 0.25, 1e-6);

    int32_t why[2];
    float weight[2];
    assert_int_equal(m.algorithm->explain(&h.ctx, m.state, &q[1], 1, 2, why, weight), 1); /* not item 1 itself */
    assert_int_equal(why[0], 0);
    assert_near(weight[0], 1 / 3.0, 1e-6);
    test_model_release(&m);
    test_host_release(&h);
}

static struct rh_domain make_domain(struct test_host *h)
{
    struct rh_rng r = rh_stream(5, "rows", "ease", 0);
    struct test_row *row = rh_alloc(&h->own, USERS * ITEMS, sizeof *row);
    int64_t n = 0;
    for (int32_t u = 0; u < USERS; u++)
        for (int32_t i = 0; i < ITEMS - 1; i++)
            if (u % 13 != 7 && rh_rng_below(&r, 2 + (uint32_t)i / 10) == 0)
                row[n++] = (struct test_row){ u, i, 1, 0 };
    return test_domain(h, "made", USERS, ITEMS, row, n, 0);
}

/* B[ITEMS x ITEMS] */
static double *reference(struct test_host *h, const struct rh_domain *d, double l2)
{
    double *g = rh_alloc(&h->own, ITEMS * ITEMS, sizeof *g), *p = rh_alloc(&h->own, ITEMS * ITEMS, sizeof *p);
    for (int32_t u = 0; u < USERS; u++)
        for (int64_t k = d->row[u]; k < d->row[u + 1]; k++)
            for (int64_t l = d->row[u]; l < d->row[u + 1]; l++)
                g[d->item[k] * ITEMS + d->item[l]] += 1;
    for (int i = 0; i < ITEMS; i++) {
        g[i * ITEMS + i] += l2;
        p[i * ITEMS + i] = 1;
    }
    for (int k = 0; k < ITEMS; k++) { /* positive definite: no pivots */
        double pivot = g[k * ITEMS + k];
        for (int c = 0; c < ITEMS; c++) {
            g[k * ITEMS + c] /= pivot;
            p[k * ITEMS + c] /= pivot;
        }
        for (int r = 0; r < ITEMS; r++) {
            double f = r == k ? 0 : g[r * ITEMS + k];
            for (int c = 0; c < ITEMS && f != 0; c++) {
                g[r * ITEMS + c] -= f * g[k * ITEMS + c];
                p[r * ITEMS + c] -= f * p[k * ITEMS + c];
            }
        }
    }
    for (int j = 0; j < ITEMS; j++) {
        double diagonal = p[j * ITEMS + j];
        for (int i = 0; i < ITEMS; i++)
            p[i * ITEMS + j] = i == j ? 0 : -p[i * ITEMS + j] / diagonal;
    }
    return p;
}

static void as_an_inverse_in_double(void **state)
{
    (void)state;
    static float out[2][USERS * ITEMS];
    for (int threads = 1; threads <= 2; threads++) {
        struct test_host h;
        struct test_model m;
        test_host_init(&h, threads, 1);
        struct rh_domain d = make_domain(&h);
        struct rh_train train = { .n_users = USERS, .n_domains = 1, .domain = &d };
        assert_int_equal(test_fit(&h, test_algorithm("ease"), "l2 = 3.5", &train, 0, &m), RH_OK);
        double *b = reference(&h, &d, 3.5);
        struct rh_query q[USERS];
        for (int32_t u = 0; u < USERS; u++)
            q[u] = test_query(&h, &train, u);
        assert_int_equal(test_score(&h, &m, q, USERS, 7, out[threads - 1], ITEMS), RH_OK);
        for (int32_t u = 0; u < USERS; u++)
            for (int32_t j = 0; j < ITEMS; j++) {
                double sum = 0;
                for (int64_t k = d.row[u]; k < d.row[u + 1]; k++)
                    sum += b[d.item[k] * ITEMS + j];
                assert_near(out[threads - 1][u * ITEMS + j], sum, 2e-5); /* ~100 weights, each 1e-7 off */
            }
        test_model_release(&m);
        test_host_release(&h);
    }
    assert_memory_equal(out[0], out[1], sizeof out[0]);
}

static void range_of_l2(void **state)
{
    (void)state;
    struct test_host h;
    void *params;
    test_host_init(&h, 1, 1);
    assert_int_equal(test_params(&h, test_algorithm("ease"), "l2 = 0", &params), RH_EINVAL);
    assert_non_null(strstr(h.error.text, "l2"));
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),
        cmocka_unit_test(as_an_inverse_in_double),
        cmocka_unit_test(range_of_l2),
    };
    return cmocka_run_group_tests_name("ease", tests, NULL, NULL);
}
