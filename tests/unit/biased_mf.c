/* biased_mf against plain loops: the same start and order of ratings, one rating and one factor after the other. The
 * plugin's source is part of this test, so that its start can be looked at. MyMediaLite's published figures are in
 * experiments/papers/mymedialite_ml100k.ini. */
#include "../../algorithms/rating/biased_mf.c"
#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { USERS = 17, ITEMS = 13, D = 5, EPOCHS = 6 };

struct plain {
    double bu[USERS], bi[ITEMS], p[USERS][D], q[ITEMS][D], rate, objective;
    int32_t nu[USERS], ni[ITEMS];
};

/* Ratings from 1 to 5; the last user and the last item have none. */
static struct rh_train make_train(struct test_host *h, struct rh_domain *d)
{
    struct rh_rng r = rh_stream(4, "rows", "biased_mf", 0);
    struct test_row row[USERS * ITEMS];
    int64_t n = 0;
    for (int32_t u = 0; u < USERS - 1; u++)
        for (int32_t i = 0; i < ITEMS - 1; i++)
            if (rh_rng_below(&r, 2))
                row[n++] = (struct test_row){ u, i, 1 + (float)((rh_rng_below(&r, 3) + (uint32_t)u % 3) % 5), 0 };
    *d = test_domain(h, "made", USERS, ITEMS, row, n, TEST_VALUES);
    return (struct rh_train){ .n_users = USERS, .n_domains = 1, .domain = d };
}

static double predicted(const struct plain *x, double mu, int32_t u, int32_t i)
{
    double s = mu + x->bu[u] + x->bi[i];
    for (int f = 0; f < D; f++)
        s += x->p[u][f] * x->q[i][f];
    return 1 + 4 / (1 + exp(-s));
}

/* With frequency: each user and item once, its regularisation divided by the root of its ratings; without: once for
 * each of its ratings. */
static double objective(const struct plain *x, const struct mf_params *a, const struct mf_state *s, double mu)
{
    double sum = 0;
    for (int64_t k = 0; k < s->n_rows; k++) {
        double e = s->row_value[k] - predicted(x, mu, s->row_user[k], s->row_item[k]);
        sum += e * e;
    }
    for (int u = 0; u < USERS; u++) {
        double square = a->bias_reg * x->bu[u] * x->bu[u], n = x->nu[u];
        for (int f = 0; f < D; f++)
            square += x->p[u][f] * x->p[u][f];
        sum += n == 0 ? 0 : square * a->reg_user * (a->frequency ? 1 / sqrt(n) : n);
    }
    for (int i = 0; i < ITEMS; i++) {
        double square = a->bias_reg * x->bi[i] * x->bi[i], n = x->ni[i];
        for (int f = 0; f < D; f++)
            square += x->q[i][f] * x->q[i][f];
        sum += n == 0 ? 0 : square * a->reg_item * (a->frequency ? 1 / sqrt(n) : n);
    }
    return sum;
}

static void learn(struct plain *x, const struct mf_params *a, const struct mf_state *s, double mu)
{
    for (int64_t k = 0; k < s->n_rows; k++) {
        int32_t u = s->row_user[k], i = s->row_item[k];
        double r = predicted(x, mu, u, i), g = (r - 1) / 4, e = (s->row_value[k] - r) * 4 * g * (1 - g);
        double reg_u = a->reg_user / (a->frequency ? sqrt(x->nu[u]) : 1);
        double reg_i = a->reg_item / (a->frequency ? sqrt(x->ni[i]) : 1);
        x->bu[u] += x->rate * a->bias_rate * (e - a->bias_reg * reg_u * x->bu[u]);
        x->bi[i] += x->rate * a->bias_rate * (e - a->bias_reg * reg_i * x->bi[i]);
        for (int f = 0; f < D; f++) {
            double p = x->p[u][f], q = x->q[i][f];
            x->p[u][f] += x->rate * (e * q - reg_u * p);
            x->q[i][f] += x->rate * (e * p - reg_i * q);
        }
    }
    double now = objective(x, a, s, mu);
    if (a->bold_driver)
        x->rate *= now > x->objective ? 0.5 : 1.05;
    x->objective = now;
}

static void check(const char *settings, double rate)
{
    struct test_host h;
    struct test_model m;
    struct rh_domain d;
    test_host_init(&h, 2, 3);
    struct rh_train train = make_train(&h, &d);
    assert_int_equal(test_fit(&h, &biased_mf, settings, &train, 0, &m), RH_OK);
    struct mf_state *s = m.state;
    static struct plain x;
    x = (struct plain){ .rate = rate };
    int64_t n = d.row[USERS], moved = 0;
    double mean = 0;
    assert_int_equal(s->n_rows, n);
    for (int64_t k = 0; k < n; k++) { /* the order is a permutation of the rows */
        int32_t u = s->row_user[k], i = s->row_item[k], times = 0;
        for (int64_t e = d.row[u]; e < d.row[u + 1]; e++)
            times += d.item[e] == i && d.value[e] == s->row_value[k];
        assert_int_equal(times, 1);
        moved += d.item[k] != i;
        mean += (double)s->row_value[k] / (double)n;
        x.nu[u]++;
        x.ni[i]++;
    }
    assert_true(moved > n / 2);
    for (int u = 0; u < USERS; u++)
        for (int f = 0; f < D; f++)
            x.p[u][f] = s->user.x[u * s->width + f];
    for (int i = 0; i < ITEMS; i++)
        for (int f = 0; f < D; f++)
            x.q[i][f] = s->item.x[i * s->width + f];
    assert_true(x.p[0][0] != 0 && x.q[0][0] != 0 && x.p[USERS - 1][0] == 0 && x.q[ITEMS - 1][0] == 0);
    double mu = log((mean - 1) / (5 - mean)), first, loss;
    x.objective = first = objective(&x, m.params, s, mu);
    for (int e = 1; e <= EPOCHS; e++) {
        learn(&x, m.params, s, mu);
        assert_int_equal(mf_epoch(&h.ctx, s, e, &loss), RH_OK);
    }
    assert_true(x.objective < first);

    struct rh_query q[USERS];
    static float out[USERS * ITEMS];
    for (int32_t u = 0; u < USERS; u++)
        q[u] = test_query(&h, &train, u);
    assert_int_equal(test_score(&h, &m, q, USERS, 4, out, ITEMS), RH_OK);
    for (int32_t u = 0; u < USERS; u++)
        for (int32_t i = 0; i < ITEMS; i++)
            if (!(fabs(out[u * ITEMS + i] - predicted(&x, mu, u, i)) < 1e-6))
                fail_msg("user %d, item %d: %.9g, expected %.9g", u, i, (double)out[u * ITEMS + i],
                         predicted(&x, mu, u, i));
    /* who was never seen stands at the mean */
    if (fabs(out[USERS * ITEMS - 1] - mean) > 1e-6)
        fail_msg("%.9g, expected the mean %.9g", (double)out[USERS * ITEMS - 1], mean);
    test_model_release(&m);
    test_host_release(&h);
}

static void equals_plain_loops(void **state)
{
    (void)state;
    check("factors = 5; rate = 0.05; bias_rate = 0.7; reg_user = 0.1; reg_item = 0.2; bias_reg = 0.3", 0.05);
}

static void frequency_and_bold_driver(void **state)
{
    (void)state;
    check("factors = 5; rate = 0.1; reg_user = 0.4; reg_item = 0.5; frequency = yes; bold_driver = yes", 0.1);
    check("factors = 5; rate = 1.5; reg_user = 0.02; reg_item = 0.05; bold_driver = yes", 1.5); /* is halved */
}

static void refuses_a_scale_without_width(void **state)
{
    (void)state;
    struct test_host h;
    struct test_model m;
    test_host_init(&h, 1, 3);
    const struct test_row row[] = { { 0, 0, 3, 0 }, { 1, 1, 3, 0 } };
    struct rh_domain d = test_domain(&h, "made", 2, 2, row, 2, TEST_VALUES);
    d.value_min = d.value_max = 3;
    struct rh_train train = { .n_users = 2, .n_domains = 1, .domain = &d };
    assert_int_equal(test_fit(&h, &biased_mf, NULL, &train, 1, &m), RH_EDATA);
    assert_non_null(strstr(h.error.text, "all of made are 3"));
    test_model_release(&m);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_plain_loops),
        cmocka_unit_test(frequency_and_bold_driver),
        cmocka_unit_test(refuses_a_scale_without_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
