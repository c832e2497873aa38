/* sscdr: a step of the map and of the points against PyTorch, neighbours by hand, what is refused and learned. The
 * gradients against finite differences are in sscdr_map.c. */
#include "../../algorithms/transfer/sscdr.c"
#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "values.h"

static void assert_near(double x, double expected, double tolerance)
{
    if (!(fabs(x - expected) <= tolerance))
        fail_msg("%.9g, expected %.9g within %g", x, expected, tolerance);
}

/* ------------------------------------------------------------------------------------------------- metric learning */

/* One user has item 0 of two: one triple, as in the script. */
static void a_step_of_the_points_is_that_of_torch(void **state)
{
    (void)state;
    enum { D = 5 };
    struct test_host h;
    test_host_init(&h, 1, 1);
    struct values all = read_values(&h, "tests/oracle/sscdr_step.values");
    double before[3 * D], after[3 * D], loss, expected = 0.5;
    find(&all, "points", before, 3 * D);
    find(&all, "moved", after, 3 * D);
    const struct test_row row[] = { { 0, 0, 1, 0 } };
    struct rh_domain d = test_domain(&h, "one", 1, 2, row, 1, 0);
    struct rh_space m;
    rh_space_open(&m, 1, 2, D);
    m.rate = 0.3f;
    m.margin = 0.5f;
    assert_int_equal(rh_space_start(&h.ctx, &m, &d, "made"), RH_OK);
    for (int f = 0; f < D; f++) {
        m.user[f] = (float)before[f];
        m.item[f] = (float)before[D + f];
        m.item[m.width + f] = (float)before[2 * D + f];
        expected += (before[f] - before[D + f]) * (before[f] - before[D + f]) -
                    (before[f] - before[2 * D + f]) * (before[f] - before[2 * D + f]);
    }
    assert_int_equal(rh_space_pass(&h.ctx, &m, 1, &loss), RH_OK);
    assert_near(loss, expected, 1e-6);
    for (int f = 0; f < D; f++) {
        assert_near(m.user[f], after[f], 1e-6);
        assert_near(m.item[f], after[D + f], 1e-6);
        assert_near(m.item[m.width + f], after[2 * D + f], 1e-6);
    }
    test_host_release(&h);
}

/* Of many drawn items the nearest: with 64 draws of three items, the one of them that is nearest. */
static void the_nearest_of_the_drawn_counts(void **state)
{
    (void)state;
    struct test_host h;
    test_host_init(&h, 1, 2);
    const struct test_row row[] = { { 0, 0, 1, 0 } };
    struct rh_domain d = test_domain(&h, "four", 1, 4, row, 1, 0);
    struct rh_space m;
    rh_space_open(&m, 1, 4, 1);
    m.margin = 0.01f;
    m.others = 64;
    m.rate = 0.1f;
    assert_int_equal(rh_space_start(&h.ctx, &m, &d, "made"), RH_OK);
    const float x[] = { 0.1f, 0.8f, 0.3f, -0.9f }; /* from the user, at 0: item 2 is the nearest of 1, 2, 3 */
    double loss;
    m.user[0] = 0;
    for (int i = 0; i < 4; i++)
        m.item[i * m.width] = x[i];
    /* margin + 0.1^2 - 0.3^2 < 0: out of the margin, so nothing moves and nothing is lost */
    assert_int_equal(rh_space_pass(&h.ctx, &m, 1, &loss), RH_OK);
    assert_near(loss, 0, 0);
    m.margin = 0.1f; /* 0.1 + 0.01 - 0.09 = 0.02 by item 2; by the others it would be 0 */
    assert_int_equal(rh_space_pass(&h.ctx, &m, 2, &loss), RH_OK);
    assert_near(loss, 0.02, 1e-7);
    assert_near(m.item[2 * m.width], 0.3 + 2 * 0.1 * 0.3, 1e-6); /* pushed from the user */
    assert_near(m.item[m.width], 0.8f, 0);
    test_host_release(&h);
}

/* ------------------------------------------------------------------------------------------------------ a query */

#define FACTORS 2

/* Users 0 and 1 are in both domains, 2 in the source alone. Source: 0 has items 0, 1; 1 has 1, 2; 2 has 0. */
static const struct test_row source_rows[] = { { 0, 0, 1, 0 }, { 0, 1, 1, 0 }, { 1, 1, 1, 0 }, { 1, 2, 1, 0 },
                                               { 2, 0, 1, 0 } };
static const struct test_row target_rows[] = { { 0, 0, 1, 0 }, { 1, 1, 1, 0 } };

struct small {
    struct test_host h;
    struct rh_domain domain[2];
    struct rh_train train;
    struct test_model m;
    struct sscdr_state *s;
};

static void make_small(struct small *w, const char *settings)
{
    memset(w, 0, sizeof *w);
    test_host_init(&w->h, 1, 4);
    w->domain[0] = test_domain(&w->h, "target", 3, 3, target_rows, 2, 0);
    w->domain[1] = test_domain(&w->h, "source", 3, 3, source_rows, 5, 0);
    w->train = (struct rh_train){ .n_users = 3, .n_domains = 2, .domain = w->domain };
    if (test_fit(&w->h, &sscdr, settings, &w->train, 0, &w->m) < 0)
        fail_msg("%s", w->h.error.text);
    w->s = w->m.state;
    static const float user[3][2] = { { 0.2f, 0 }, { 0, 0.4f }, { 0.1f, 0.3f } };
    static const float item[3][2] = { { 0.3f, 0.1f }, { -0.2f, 0.5f }, { 0.6f, 0 } };
    static const float target[3][2] = { { 0.5f, 0.5f }, { -0.1f, 0.2f }, { 0.3f, -0.7f } };
    for (int k = 0; k < 3; k++)
        for (int f = 0; f < FACTORS; f++) {
            w->s->source.user[k * w->s->source.width + f] = user[k][f];
            w->s->source.item[k * w->s->source.width + f] = item[k][f];
            w->s->target.item[k * w->s->target.width + f] = target[k][f];
        }
    /* f(x) = tanh(x) with a hidden unit a dimension: W1 = W2 = I */
    static const float identity[] = { 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0 };
    assert_int_equal(w->s->map.size, 12);
    memcpy(w->s->map.phi, identity, sizeof identity);
    assert_int_equal(publish(&w->h.ctx, w->s), RH_OK);
}

/* The scores of query q say that its point is y: 2 y . v - |v|^2. */
static void assert_point(struct small *w, const struct rh_query *q, double y0, double y1)
{
    static const double v[3][2] = { { 0.5, 0.5 }, { -0.1, 0.2 }, { 0.3, -0.7 } };
    float out[3];
    assert_int_equal(test_score(&w->h, &w->m, q, 1, 1, out, 3), RH_OK);
    for (int i = 0; i < 3; i++)
        assert_near(out[i], 2 * (y0 * v[i][0] + y1 * v[i][1]) - v[i][0] * v[i][0] - v[i][1] * v[i][1], 1e-6);
}

static void a_cold_user_is_gathered_and_mapped(void **state)
{
    (void)state;
    struct small w;
    /* no hop: the learned point (0.1, 0.3) alone */
    make_small(&w, "factors = 2; hidden = 2; hops = 0");
    struct rh_query q = test_query(&w.h, &w.train, 2);
    assert_point(&w, &q, tanh(0.1), tanh(0.3));
    test_model_release(&w.m);
    test_host_release(&w.h);
    /* one: user 2 has item 0, (0.1 + 0.3, 0.3 + 0.1) */
    make_small(&w, "factors = 2; hidden = 2; hops = 1");
    q = test_query(&w.h, &w.train, 2);
    assert_point(&w, &q, tanh(0.4), tanh(0.4));
    test_model_release(&w.m);
    test_host_release(&w.h);
    /* two: item 0 is then (0.3, 0.1) + ((0.2, 0) + (0.1, 0.3)) / 2 = (0.45, 0.25), and (0.85, 0.65) has left the ball:
     * its length is the root of 0.7225 + 0.4225 = 1.145 */
    make_small(&w, "factors = 2; hidden = 2; hops = 2");
    q = test_query(&w.h, &w.train, 2);
    assert_point(&w, &q, tanh(0.85 / sqrt(1.145)), tanh(0.65 / sqrt(1.145)));
    test_model_release(&w.m);
    test_host_release(&w.h);
    /* three: user 2 after two is (0.85, 0.65) / sqrt(1.145). Item 0 after two: (0.45, 0.25) + the mean of users 0 and 2
     * after one, where user 0 is (0.2, 0) + ((0.3, 0.1) + (-0.2, 0.5)) / 2 = (0.25, 0.3) and user 2 (0.4, 0.4): (0.775,
     * 0.6), within the ball (0.600625 + 0.36 < 1). The sum is outside again. */
    make_small(&w, "factors = 2; hidden = 2; hops = 3");
    q = test_query(&w.h, &w.train, 2);
    double x = 0.85 / sqrt(1.145) + 0.775, y = 0.65 / sqrt(1.145) + 0.6, length = sqrt(x * x + y * y);
    assert_true(length > 1);
    assert_point(&w, &q, tanh(x / length), tanh(y / length));
    test_model_release(&w.m);
    test_host_release(&w.h);
}

static void what_was_not_trained_on_is_one_more_hop(void **state)
{
    (void)state;
    struct small w;
    static const int32_t two[] = { 0, 2 };
    make_small(&w, "factors = 2; hidden = 2; hops = 0");
    /* the mapped point, and the mean of (0.5, 0.5) and (0.3, -0.7) */
    struct rh_query q = test_query_with(&w.h, &w.train, 2, 2, two, NULL);
    assert_point(&w, &q, tanh(0.1) + 0.4, tanh(0.3) - 0.1);
    /* the user's own where it was learned; below own_from the mapped one */
    q = test_query(&w.h, &w.train, 1);
    w.s->target.user[w.s->target.width] = 0.7f;
    w.s->target.user[w.s->target.width + 1] = -0.2f;
    assert_point(&w, &q, 0.7, -0.2);
    test_model_release(&w.m);
    test_host_release(&w.h);
    make_small(&w, "factors = 2; hidden = 2; hops = 0; own_from = 2");
    q = test_query(&w.h, &w.train, 1); /* (0, tanh 0.4), and the mean of one item, (-0.1, 0.2) */
    assert_point(&w, &q, -0.1, tanh(0.4) + 0.2);
    test_model_release(&w.m);
    test_host_release(&w.h);
    make_small(&w, "factors = 2; hidden = 2; hops = 1"); /* a history of the source that was not trained on */
    q = test_query(&w.h, &w.train, 2);
    struct rh_history history[] = { { 0 }, { .n = 1, .item = &two[1] } };
    q.history = history;
    assert_point(&w, &q, tanh(0.7), tanh(0.3)); /* (0.1, 0.3) + item 2, (0.6, 0) */
    test_model_release(&w.m);
    test_host_release(&w.h);
}

/* --------------------------------------------------------------------------------------------------- as a whole */

static void nobody_shared_is_said(void **state)
{
    (void)state;
    struct test_host h;
    test_host_init(&h, 1, 1);
    const struct test_row a[] = { { 0, 0, 3, 0 }, { 0, 1, 4, 0 } }, b[] = { { 1, 0, 3, 0 }, { 1, 1, 2, 0 } };
    struct rh_domain domain[] = { test_domain(&h, "a", 2, 3, a, 2, 0), test_domain(&h, "b", 2, 3, b, 2, 0) };
    struct rh_train train = { .n_users = 2, .n_domains = 2, .domain = domain };
    struct test_model m;
    assert_int_equal(test_fit(&h, &sscdr, NULL, &train, 1, &m), RH_EDATA);
    assert_non_null(strstr(h.error.text, "sscdr learns its map from users with train rows in the target and in a "
                                         "source, and there is none; "));
    test_model_release(&m);
    test_host_release(&h);
    test_host_init(&h, 1, 1); /* the twin does not ask */
    domain[0] = test_domain(&h, "a", 2, 3, a, 2, 0);
    assert_int_equal(test_fit(&h, &sscdr, "transfer = no", &train, 1, &m), RH_OK);
    test_model_release(&m);
    test_host_release(&h);
}

static const struct test_world_spec spec = { .n_users = 300, .n_warm = 200, .n_items = 120, .n_domains = 3,
                                             .n_tastes = 6, .rows = 20, .support = 0, .noise = 0.2, .seed = 31 };

static double auc_of(struct test_host *h, const struct test_world *w, const char *settings)
{
    struct test_model m;
    if (test_fit(h, &sscdr, settings, &w->train, -1, &m) < 0)
        fail_msg("%s", h->error.text);
    double auc = test_world_auc(h, w, &m, spec.n_warm, spec.n_users);
    test_model_release(&m);
    return auc;
}

/* Tastes are shared by the domains. A user who is cold in the target is served from two sources, which the twin does
 * not see. */
static void cold_users_gain(void **state)
{
    (void)state;
    struct test_host h;
    struct test_world w;
    test_host_init(&h, 2, 11);
    test_world(&h, &spec, &w);
    double mapped = auc_of(&h, &w, "factors = 16"), twin = auc_of(&h, &w, "factors = 16; transfer = no");
    print_message("# AUC %.3f, twin %.3f\n", mapped, twin);
    assert_true(mapped > 0.75);
    assert_true(twin < 0.6);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_of_the_points_is_that_of_torch),
        cmocka_unit_test(the_nearest_of_the_drawn_counts),
        cmocka_unit_test(a_cold_user_is_gathered_and_mapped),
        cmocka_unit_test(what_was_not_trained_on_is_one_more_hop),
        cmocka_unit_test(nobody_shared_is_said),
        cmocka_unit_test(cold_users_gain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
