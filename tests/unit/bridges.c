/* cmf, emcdr and ptupcdr: models that users bridge. The source of emcdr is part of this test, so that its
 * map can be seen. */
#include "../../algorithms/transfer/emcdr.c"
#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void assert_near(double x, double expected, double tolerance)
{
    if (!(fabs(x - expected) <= tolerance))
        fail_msg("%.9g, expected %.9g within %g", x, expected, tolerance);
}

/* tests/oracle/emcdr.py makes the same vectors and solves in double. */
static void the_linear_map_is_that_of_numpy(void **state)
{
    (void)state;
    enum { USERS_OF_MAP = 23, FACTORS = 5, WIDTH = 16 };
    static float s[USERS_OF_MAP * WIDTH], t[USERS_OF_MAP * WIDTH], matrix[WIDTH * WIDTH];
    const struct emcdr_params p = { .factors = FACTORS, .map_reg = 0.37 };
    struct test_host h;
    char path[1000];
    test_host_init(&h, 1, 1);
    for (int u = 0; u < USERS_OF_MAP; u++)
        for (int f = 0; f < FACTORS; f++) {
            s[u * WIDTH + f] = (float)sin(1.7 * u + 0.9 * f + 0.31 * u * f);
            t[u * WIDTH + f] = (float)cos(0.6 * u - 1.3 * f + 0.17 * u * f);
        }
    assert_int_equal(ridge(&h.ctx, &p, s, t, USERS_OF_MAP, matrix), RH_OK);
    const char *source = getenv("HARNESS_SOURCE");
    snprintf(path, sizeof path, "%s/tests/oracle/emcdr.expected", source ? source : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (int f = 0; f < FACTORS; f++)
        for (int g = 0; g < FACTORS; g++) {
            double expected;
            assert_int_equal(fscanf(file, "%lf", &expected), 1);
            assert_near(matrix[f * WIDTH + g], expected, 1e-6);
        }
    fclose(file);
    test_host_release(&h);
}

/* Mean of |f(x) - t|^2 / 2, in double and one number after the other. */
static double plain_loss(const struct mlp *m, const float *w, const float *x, const float *t, int n)
{
    const int width = m->shape.width[0], hidden = m->shape.width[1];
    const float *w1 = w, *b1 = w1 + width * hidden, *w2 = b1 + hidden, *b2 = w2 + width * hidden;
    double loss = 0, h[32];
    for (int u = 0; u < n; u++) {
        for (int k = 0; k < hidden; k++) {
            double a = b1[k];
            for (int f = 0; f < width; f++)
                a += (double)w1[k * width + f] * x[u * width + f];
            h[k] = tanh(a);
        }
        for (int f = 0; f < width; f++) {
            double y = b2[f];
            for (int k = 0; k < hidden; k++)
                y += (double)w2[f * hidden + k] * h[k];
            loss += (y - t[u * width + f]) * (y - t[u * width + f]);
        }
    }
    return loss / 2 / n;
}

static void the_gradient_of_the_mlp_is_that_of_differences(void **state)
{
    (void)state;
    enum { N = 9, WIDTH = 16, HIDDEN = 7 };
    const struct emcdr_params p = { .factors = 16, .hidden = HIDDEN, .map_rate = 0.1 };
    static float x[N * WIDTH], t[N * WIDTH], tape[N * (HIDDEN + WIDTH)],
                 dy[N * WIDTH], work[4 * N * WIDTH];
    struct test_host host;
    struct mlp m;
    test_host_init(&host, 1, 3);
    struct rh_rng r = rh_stream(5, "mlp", "", 0);
    for (int k = 0; k < N * WIDTH; k++) {
        x[k] = (float)rh_rng_normal(&r);
        t[k] = (float)rh_rng_normal(&r);
    }
    assert_int_equal(mlp_init(&host.ctx, &m, &p), RH_OK);
    int64_t size = rh_mlp_size(&m.shape);
    assert_true(rh_mlp_tape(&m.shape, N) <= sizeof tape / sizeof *tape &&
                rh_mlp_work(&m.shape, N) <= sizeof work / sizeof *work);
    assert_near(mlp_gradient(&m, x, t, N, tape, dy, work), plain_loss(&m, m.w, x, t, N), 1e-5);
    for (int64_t k = 0; k < size; k++) {
        float kept = m.w[k], step = 1e-3f;
        m.w[k] = kept + step;
        double above = plain_loss(&m, m.w, x, t, N), up = m.w[k];
        m.w[k] = kept - step;
        double slope = (above - plain_loss(&m, m.w, x, t, N)) / (up - m.w[k]);
        m.w[k] = kept;
        assert_near(m.g[k], slope, 1e-5 * (1 + fabs(slope)));
    }
    test_host_release(&host);
}

static double auc_of(struct test_host *h, const struct test_world *w, const char *name, const char *settings,
                     const struct rh_train *train)
{
    struct test_model m;
    if (test_fit(h, test_algorithm(name), settings, train, 8, &m) < 0)
        fail_msg("%s", h->error.text);
    double auc = test_world_auc(h, w, &m, w->n_queries * 2 / 3, w->n_queries);
    test_model_release(&m);
    return auc;
}

/* Users share their tastes over the domains: who is cold in the target is served from the source. Shifting the source
 * rows by one user breaks the link and takes the gain away. */
static void cold_users_gain_by_the_link_alone(void **state)
{
    (void)state;
    struct test_host h;
    struct test_world w;
    test_host_init(&h, 2, 11);
    const struct test_world_spec spec = { .n_users = 300,
                                          .n_warm = 200,
                                          .n_items = 120,
                                          .n_domains = 2,
                                          .n_tastes = 6,
                                          .rows = 20,
                                          .support = 0,
                                          .noise = 0.2,
                                          .seed = 31 };
    test_world(&h, &spec, &w);
    static const struct {
        const char *name, *settings;
    } bridge[] = { { "cmf", "factors = 8" },
                   { "emcdr", "factors = 8" },
                   { "emcdr", "factors = 8; map = mlp" },
                   { "ptupcdr", "factors = 8" },
                   { "ptupcdr", "factors = 8; loss = bpr; batch = 20" } };
    for (size_t k = 0; k < sizeof bridge / sizeof *bridge; k++) {
        double linked = auc_of(&h, &w, bridge[k].name, bridge[k].settings, &w.train);
        assert_true(linked > 0.75);
        struct rh_domain moved[2] = { w.train.domain[0], w.train.domain[1] };
        struct rh_train broken = w.train;
        int64_t *row = rh_alloc(&h.own, (size_t)spec.n_users + 1, sizeof *row);
        int32_t *item = rh_alloc(&h.own, (size_t)moved[1].row[spec.n_users], sizeof *item);
        for (int32_t u = 0; u < spec.n_users; u++) { /* user u gets the rows of user u + 1 */
            int32_t v = (u + 1) % spec.n_users;
            int64_t n = moved[1].row[v + 1] - moved[1].row[v];
            memcpy(item + row[u], moved[1].item + moved[1].row[v], (size_t)n * sizeof *item);
            row[u + 1] = row[u] + n;
        }
        moved[1].row = row;
        moved[1].item = item;
        moved[1].value = NULL;
        moved[1].time = NULL;
        broken.domain = moved;
        double unlinked = auc_of(&h, &w, bridge[k].name, bridge[k].settings, &broken);
        assert_true(unlinked < linked - 0.1);
    }
    test_host_release(&h);
}

static void nobody_shared_is_said(void **state)
{
    (void)state;
    struct test_host h;
    test_host_init(&h, 1, 1);
    const struct test_row a[] = { { 0, 0, 3, 0 }, { 0, 1, 4, 0 } }, b[] = { { 1, 0, 3, 0 }, { 1, 1, 2, 0 } };
    struct rh_domain domain[] = { test_domain(&h, "a", 2, 2, a, 2, TEST_VALUES),
                                  test_domain(&h, "b", 2, 2, b, 2, TEST_VALUES) };
    struct rh_train train = { .n_users = 2, .n_domains = 2, .domain = domain };
    struct test_model m;
    static const char *const names[] = { "emcdr", "ptupcdr" };
    for (int k = 0; k < 2; k++) {
        assert_int_equal(test_fit(&h, test_algorithm(names[k]), "factors = 3", &train, 1, &m), RH_EDATA);
        if (!strstr(h.error.text, "in the target and in a source, and there is none"))
            fail_msg("%s: %s", names[k], h.error.text);
        test_model_release(&m);
    }
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_linear_map_is_that_of_numpy),
        cmocka_unit_test(the_gradient_of_the_mlp_is_that_of_differences),
        cmocka_unit_test(cold_users_gain_by_the_link_alone),
        cmocka_unit_test(nobody_shared_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
