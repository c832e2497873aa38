/* Transfer components (algorithms/lib/components.h) against scipy's generalised eigenvectors in the paper's own form
 * (tests/oracle/tca.py), and what they promise on more items than landmarks. */
#include "algorithms/lib/components.h"

#include "testhost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SOURCES 11
#define TARGETS 8
#define DENSE 5
#define SPARSE 6
#define COMPONENTS 4
#define MOST 400 /* items of a domain at most */

/* Two domains of items with a dense and a sparse block, as tests/oracle/tca.py makes them. */
struct items {
    float dense[2][MOST * DENSE], val[2][MOST * SPARSE];
    int64_t row[2][MOST + 1];
    int32_t col[2][MOST * SPARSE];
    struct rh_features block[2][2];
    struct rh_domain domain[2];
    struct rh_train train;
};

static void make_items(struct items *x, int32_t sources, int32_t targets)
{
    memset(x, 0, sizeof *x);
    for (int d = 0; d < 2; d++) {
        int32_t n = d ? targets : sources, at = 0;
        for (int32_t i = 0; i < n; i++) {
            for (int j = 0; j < DENSE; j++)
                x->dense[d][i * DENSE + j] = (float)(sin(1.3 * i + 0.7 * j + 0.21 * i * j + d) + 0.3 * d);
            for (int c = 0; c < SPARSE; c++)
                if ((i + 2 * c + d) % 3 == 0) {
                    x->col[d][at] = c;
                    x->val[d][at++] = (float)(1 + 0.25 * ((i + c) % 3));
                }
            x->row[d][i + 1] = at;
        }
        x->block[d][0] = (struct rh_features){ "text", n, DENSE, NULL, NULL, NULL, x->dense[d] };
        x->block[d][1] = (struct rh_features){ "genre", n, SPARSE, x->row[d], x->col[d], x->val[d], NULL };
        x->domain[d] = (struct rh_domain){ .name = d ? "films" : "books", .n_items = n, .item_features = x->block[d] };
    }
    x->train = (struct rh_train){ .n_domains = 2, .target = 1, .domain = x->domain, .n_item_blocks = 2 };
}

static const struct rh_components_params small = { .components = COMPONENTS, .landmarks = 100, .match = true,
                                                   .mu = 0.05, .width = 1.5 };

static void the_components_of_scipy(void **state)
{
    (void)state;
    static struct items x;
    struct test_host h;
    char path[1000], kernel[20], match[20], scale[20];
    const char *source = getenv("HARNESS_SOURCE");
    snprintf(path, sizeof path, "%s/tests/oracle/tca.expected", source ? source : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    test_host_init(&h, 1, 1);
    make_items(&x, SOURCES, TARGETS);
    for (int k = 0; k < 8; k++) {
        struct rh_components_params p = small;
        float z[(SOURCES + TARGETS) * COMPONENTS];
        double gap, expected;
        p.kernel = k < 4 ? RH_KERNEL_GAUSSIAN : RH_KERNEL_LINEAR;
        p.match = k % 2 == 0;
        p.whiten = k % 4 < 2;
        assert_int_equal(fscanf(file, "%19s %19s %19s %lf", kernel, match, scale, &expected), 4);
        assert_string_equal(kernel, k < 4 ? "gaussian" : "linear");
        assert_string_equal(match, p.match ? "match" : "apart");
        assert_string_equal(scale, p.whiten ? "whiten" : "spread");
        assert_int_equal(rh_components(&h.ctx, "it", &p, &x.train, z, &gap), RH_OK);
        if (!(fabs(gap - expected) < 1e-6))
            fail_msg("%s, %s, %s: gap %.9g, scipy has %.9g", kernel, match, scale, gap, expected);
        for (int i = 0; i < (SOURCES + TARGETS) * COMPONENTS; i++) {
            assert_int_equal(fscanf(file, "%lf", &expected), 1);
            if (!(fabs((double)z[i] - expected) < 1e-6))
                fail_msg("%s, %s, %s: number %d is %.9g, scipy has %.9g", kernel, match, scale, i, (double)z[i],
                         expected);
        }
    }
    fclose(file);
    test_host_release(&h);
}

/* Scatter of z over all n items: sum of z_a z_b. */
static double scatter(const float *z, int32_t n, int a, int b)
{
    double sum = 0;
    for (int32_t i = 0; i < n; i++)
        sum += (double)z[i * COMPONENTS + a] * (double)z[i * COMPONENTS + b];
    return sum;
}

/* Fewer landmarks than items: Z' Z = n / c I whatever is matched, in the mean |z|^2 = 1; the means of the domains are
 * nearer to one another than in the twin, and the nearer the less mu; the same bits on one and two threads. */
static void few_landmarks_keep_the_scatter_and_close_the_gap(void **state)
{
    (void)state;
    static struct items x;
    static float z[2 * MOST * COMPONENTS], again[2 * MOST * COMPONENTS];
    enum { N = 400 + 310 };
    static const double mu[] = { 0, 1, 0.1, 0.001 }; /* 0: no match */
    double before = INFINITY;
    make_items(&x, 400, 310);
    for (size_t k = 0; k < sizeof mu / sizeof *mu; k++) {
        struct rh_components_params p = small;
        struct test_host h;
        double gap, gap_again;
        p.landmarks = 75;
        p.whiten = true;
        p.match = mu[k] > 0;
        p.mu = mu[k];
        test_host_init(&h, 1, 1);
        assert_int_equal(rh_components(&h.ctx, "it", &p, &x.train, z, &gap), RH_OK);
        test_host_release(&h);
        test_host_init(&h, 2, 1);
        assert_int_equal(rh_components(&h.ctx, "it", &p, &x.train, again, &gap_again), RH_OK);
        test_host_release(&h);
        assert_memory_equal(z, again, (size_t)N * COMPONENTS * sizeof *z);
        assert_true(gap == gap_again);
        for (int a = 0; a < COMPONENTS; a++)
            for (int b = 0; b <= a; b++)
                if (!(fabs(scatter(z, N, a, b) / N - (a == b ? 1.0 / COMPONENTS : 0)) < 1e-6))
                    fail_msg("mu %g: scatter of %d and %d is %.9g of n", mu[k], a, b, scatter(z, N, a, b) / N);
        if (!(gap < before))
            fail_msg("mu %g: a gap of %.9g, with the larger one %.9g", mu[k], gap, before);
        before = gap;
    }
    assert_true(before < 1e-3);
}

static void what_has_no_components_is_refused(void **state)
{
    (void)state;
    static struct items x;
    static float z[2 * MOST * COMPONENTS];
    struct test_host h;
    struct rh_components_params p = small;
    make_items(&x, 3, 2);
    p.components = 6;
    test_host_init(&h, 1, 1);
    assert_int_equal(rh_components(&h.ctx, "it", &p, &x.train, z, NULL), RH_EDATA);
    assert_string_equal(h.error.text, "it: 5 items with features do not have components = 6");
    test_host_release(&h);

    p.components = COMPONENTS;
    for (int kernel = 0; kernel < 4; kernel++) { /* a dense number, and a sparse one */
        p.kernel = kernel % 2;
        make_items(&x, 30, 20);
        *(kernel < 2 ? &x.dense[1][7] : &x.val[1][3]) = kernel % 2 ? NAN : INFINITY;
        test_host_init(&h, 1, 1);
        assert_int_equal(rh_components(&h.ctx, "it", &p, &x.train, z, NULL), RH_EDATA);
        assert_non_null(strstr(h.error.text, "has item features that are not finite"));
        test_host_release(&h);
    }
    p.kernel = RH_KERNEL_GAUSSIAN;

    make_items(&x, 30, 20);
    memset(x.dense, 0, sizeof x.dense);
    memset(x.row, 0, sizeof x.row);
    test_host_init(&h, 1, 1);
    assert_int_equal(rh_components(&h.ctx, "it", &p, &x.train, z, NULL), RH_EDATA);
    assert_string_equal(h.error.text, "it: no item of any domain has features");
    test_host_release(&h);

    for (int d = 0; d < 2; d++)
        for (int i = 0; i < MOST * DENSE; i++)
            x.dense[d][i] = 2;
    test_host_init(&h, 1, 1);
    assert_int_equal(rh_components(&h.ctx, "it", &p, &x.train, z, NULL), RH_EDATA);
    assert_non_null(strstr(h.error.text, "it: most items have the same features"));
    test_host_release(&h);
    p.kernel = RH_KERNEL_LINEAR;
    test_host_init(&h, 1, 1);
    assert_int_equal(rh_components(&h.ctx, "it", &p, &x.train, z, NULL), RH_EDATA);
    assert_string_equal(h.error.text, "it: all items have the same features, so there are no components");
    test_host_release(&h);

    /* one direction, and no more: the others are 0 */
    for (int d = 0; d < 2; d++)
        for (int i = 0; i < MOST * DENSE; i++)
            x.dense[d][i] = i / DENSE % 2 ? 1 : -1;
    test_host_init(&h, 1, 1);
    assert_int_equal(rh_components(&h.ctx, "it", &p, &x.train, z, NULL), RH_OK);
    assert_int_equal(h.logged, 1);
    for (int i = 0; i < 50; i++)
        for (int k = 0; k < COMPONENTS; k++)
            assert_true(k ? z[i * COMPONENTS + k] == 0 : fabsf(z[i * COMPONENTS]) > 0.1f);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_components_of_scipy),
        cmocka_unit_test(few_landmarks_keep_the_scatter_and_close_the_gap),
        cmocka_unit_test(what_has_no_components_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
