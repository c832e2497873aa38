/* metaemb: its second-order gradient against differences of plain loops in double, and which items get which vector.
 * The plugin's source is part of this test. */
#include "../../algorithms/meta/metaemb.c"
#include "testhost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "newitems.h"

enum { D = 3, WIDTH = 16 };

static double plain_loss(const struct metaemb_state *s, const struct rh_new_set *a, const double *q, double *g)
{
    double sum = 0;
    for (int k = 0; k < 2 * a->n; k++) {
        const float *p = s->base.als.user.x + a->user[k] * WIDTH;
        double e = k < a->n ? -1 : 0;
        for (int f = 0; f < D; f++)
            e += (double)p[f] * q[f];
        sum += e * e / 2 / (2 * a->n);
        for (int f = 0; f < D && g; f++)
            g[f] += e * (double)p[f] / (2 * a->n);
    }
    return sum;
}

static double plain_meta_loss(const struct metaemb_state *s, const struct rh_new_set *a, const struct rh_new_set *b,
                              const double *q0, double inner, double alpha)
{
    double g[D] = { 0 }, q1[D], before = plain_loss(s, a, q0, g);
    for (int f = 0; f < D; f++)
        q1[f] = q0[f] - inner * g[f];
    return alpha * before + (1 - alpha) * plain_loss(s, b, q1, NULL);
}

static void the_gradient_is_that_of_differences(void **state)
{
    (void)state;
    struct test_host h;
    struct test_model m;
    struct rh_domain d;
    struct rh_features words;
    test_host_init(&h, 1, 4);
    struct rh_train train = make_train(&h, &d, &words);
    assert_int_equal(test_fit(&h, &metaemb, "factors = 3; inner_rate = 2.5; alpha_cold = 0.3", &train, 0, &m), RH_OK);
    const struct metaemb_state *s = m.state;
    assert_int_equal(s->base.als.width, WIDTH);
    static const int32_t in_a[] = { 0, 4, 8, 1, 2, 3 }, in_b[] = { 12, 16, 20, 5, 6, 7 };
    const struct rh_new_set a = { 3, 3, in_a }, b = { 3, 3, in_b };
    _Alignas(64) float q0[WIDTH] = { 0.4f, -0.3f, 0.7f }, dq0[WIDTH], room[2 * WIDTH];
    double q[D] = { (double)q0[0], (double)q0[1], (double)q0[2] };
    assert_near(meta_loss(s, &a, &b, q0, dq0, room), plain_meta_loss(s, &a, &b, q, 2.5, 0.3), 1e-6);
    for (int f = 0; f < D; f++) {
        double at = q[f];
        q[f] = at + 1e-5;
        double up = plain_meta_loss(s, &a, &b, q, 2.5, 0.3);
        q[f] = at - 1e-5;
        double down = plain_meta_loss(s, &a, &b, q, 2.5, 0.3);
        q[f] = at;
        assert_near(dq0[f], (up - down) / 2e-5, 1e-6);
        assert_true(fabsf(dq0[f]) > 1e-4f);
    }
    for (int f = D; f < WIDTH; f++)
        assert_true(dq0[f] == 0);
    test_model_release(&m);
    test_host_release(&h);
}

static void who_gets_which_vector(void **state)
{
    (void)state;
    for (int own_from = 1; own_from <= 2; own_from++) {
        struct test_host h;
        struct test_model m;
        struct rh_domain d;
        struct rh_features words;
        test_host_init(&h, 2, 4);
        struct rh_train train = make_train(&h, &d, &words);
        const char *settings = own_from == 1 ? "factors = 3; rate = 0.1" : "factors = 3; rate = 0.1; own_from = 2";
        assert_int_equal(test_fit(&h, &metaemb, settings, &train, 30, &m), RH_OK);
        const struct metaemb_state *s = m.state;
        assert_int_equal(s->base.n_item, 10);
        _Alignas(64) float q[WIDTH];
        generate(s, 11, q);
        assert_memory_equal(q, s->base.als.item.x + 11 * WIDTH, sizeof q); /* never seen: from its features alone */
        generate(s, 10, q);
        double moved = 0;
        for (int f = 0; f < D; f++)
            moved += fabs((double)q[f] - (double)s->base.als.item.x[10 * WIDTH + f]);
        assert_true(moved > 1e-3); /* its own vector, or a step away from the generated one */

        assert_liked(&h, &m, &train, 11, 3, 0.5);
        test_model_release(&m);
        test_host_release(&h);
    }
}

/* Item 0: everybody; 1: all but user 3; 2: users 0 and 4. */
static void others_do_not_have_the_item(void **state)
{
    (void)state;
    enum { N = 5 };
    static const int64_t row[] = { 0, 5, 9, 11 };
    static const int32_t col[] = { 0, 1, 2, 3, 4, 0, 1, 2, 4, 0, 4 };
    const struct rh_new_items c = { .als = { .user.n = N, .item = { .n = 3, .row = row, .col = col } } };
    struct rh_rng r = rh_stream(1, "others", "metaemb", 0);
    int32_t order[N], user[4 * N], seen[N] = { 0 };
    struct rh_new_set a, b;
    for (int k = 0; k < 50; k++) {
        rh_new_draw(&c, 0, 2, 3, &r, order, user, &a, &b);
        assert_true(a.n == 2 && b.n == 3 && a.others == 0 && b.others == 0);
        for (int i = 0; i < 3; i++)
            assert_true(b.user[i] != a.user[0] && b.user[i] != a.user[1]);
        rh_new_draw(&c, 1, 1, 2, &r, order, user, &a, &b);
        assert_true(a.others == 1 && a.user[0] != 3 && a.user[1] == 3);
        assert_true(b.others == 2 && b.user[0] != 3 && b.user[1] != 3 && b.user[2] == 3 && b.user[3] == 3);
        a = rh_new_all(&c, 2, &r, user);
        assert_true(a.n == 2 && a.others == 2 && a.user[0] == 0 && a.user[1] == 4);
        seen[a.user[2]]++;
        seen[a.user[3]]++;
    }
    assert_true(!seen[0] && !seen[4] && seen[1] > 15 && seen[2] > 15 && seen[3] > 15); /* 100 / 3 each */
}

static void refuses_a_target_without_items_to_learn_from(void **state)
{
    (void)state;
    struct test_host h;
    struct test_model m;
    test_host_init(&h, 1, 4);
    const struct test_row row[] = { { 0, 0, 3, 0 }, { 1, 1, 4, 0 } };
    const struct test_cell cell[] = { { 0, 0, 1 }, { 1, 1, 1 } };
    struct rh_domain d = test_domain(&h, "made", 2, 2, row, 2, TEST_VALUES);
    struct rh_features words = test_sparse(&h, "word", 2, 2, cell, 2, false);
    d.item_features = &words;
    struct rh_train train = { .n_users = 2, .n_domains = 1, .domain = &d, .n_item_blocks = 1 };
    assert_int_equal(test_fit(&h, &metaemb, "factors = 3", &train, 1, &m), RH_EDATA);
    assert_non_null(strstr(h.error.text, "two train rows or more, and there is none"));
    test_model_release(&m);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gradient_is_that_of_differences),
        cmocka_unit_test(who_gets_which_vector),
        cmocka_unit_test(others_do_not_have_the_item),
        cmocka_unit_test(refuses_a_target_without_items_to_learn_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
