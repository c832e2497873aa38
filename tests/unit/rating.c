/* Gradient descent on ratings against plain loops: one rating after the other in the order of the training data, every
 * implicit factor moved at every rating, no vectors. Whole tables against Surprise are in tests/cli/reproduce.sh. */
#include "testhost.h"

#include "base/stream.h"
#include <rh/numpy_legacy.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { USERS = 23, WARM = 19, ITEMS = 29, FACTORS = 5, EPOCHS = 3 };

/* A world whose rows came in an order of their own, with gaps as rows of other parts leave them. */
static struct rh_train make_train(struct test_host *h, struct test_world *w)
{
    test_world(h, &(struct test_world_spec){ .n_users = USERS, .n_warm = WARM, .n_items = ITEMS, .n_domains = 1,
                                              .n_tastes = 3, .rows = 9, .support = 3, .noise = 0.4, .ratings = true,
                                              .seed = 12 }, w);
    struct rh_domain *d = rh_alloc(&h->own, 1, sizeof *d);
    *d = w->train.domain[0];
    int32_t n = (int32_t)d->row[USERS], *order = rh_alloc(&h->own, (size_t)n, sizeof *order);
    for (int32_t k = 0; k < n; k++)
        order[k] = 3 * k + 1;
    struct rh_rng r = rh_stream(5, "order", "", 0);
    rh_rng_shuffle(&r, order, n);
    d->order = order;
    struct rh_train train = w->train;
    train.domain = d;
    return train;
}

/* Everything by plain loops. Users and items are numbered by first appearance, rows come user by user. */
struct plain {
    int32_t n, n_users, n_items, user[WARM * 9], item[WARM * 9]; /* rows in the order of learning */
    double value[WARM * 9], mean;
    int32_t first_user[USERS], first_item[ITEMS]; /* in the order of appearance */
    double p[USERS][FACTORS], q[ITEMS][FACTORS], y[ITEMS][FACTORS], bu[USERS], bi[ITEMS];
};

static void arrange(const struct rh_domain *d, struct plain *x)
{
    int32_t n = (int32_t)d->row[USERS], user_of[WARM * 9];
    bool seen_user[USERS] = { 0 }, seen_item[ITEMS] = { 0 };
    assert_true(n <= WARM * 9);
    for (int32_t u = 0; u < USERS; u++)
        for (int64_t k = d->row[u]; k < d->row[u + 1]; k++)
            user_of[k] = u;
    for (int32_t place = 0; place < 3 * n + 2; place++)
        for (int32_t k = 0; k < n; k++) {
            if (d->order[k] != place)
                continue;
            if (!seen_user[user_of[k]])
                x->first_user[x->n_users++] = user_of[k];
            if (!seen_item[d->item[k]])
                x->first_item[x->n_items++] = d->item[k];
            seen_user[user_of[k]] = seen_item[d->item[k]] = true;
        }
    for (int32_t a = 0; a < x->n_users; a++)
        for (int32_t place = 0; place < 3 * n + 2; place++)
            for (int32_t k = 0; k < n; k++)
                if (d->order[k] == place && user_of[k] == x->first_user[a]) {
                    x->user[x->n] = user_of[k];
                    x->item[x->n] = d->item[k];
                    x->value[x->n++] = d->value[k];
                    x->mean += (double)d->value[k] / n;
                }
}

static void draw(struct rh_numpy *r, double (*rows)[FACTORS], const int32_t *id, int32_t n)
{
    for (int32_t k = 0; k < n; k++)
        for (int f = 0; f < FACTORS; f++)
            rows[id[k]][f] = 0.1 * rh_numpy_normal(r);
}

/* z of a user: the sum of the implicit factors, by the root of their number. */
static double implicit(const struct plain *x, int32_t u, int f)
{
    double sum = 0;
    int32_t n = 0;
    for (int32_t k = 0; k < x->n; k++)
        if (x->user[k] == u) {
            sum += x->y[x->item[k]][f];
            n++;
        }
    return n ? sum / sqrt(n) : 0;
}

static void learn(struct plain *x, double rate, double reg, bool plus)
{
    for (int32_t k = 0; k < x->n; k++) {
        int32_t u = x->user[k], i = x->item[k], n = 0;
        double z[FACTORS] = { 0 }, dot = 0;
        for (int32_t m = 0; m < x->n; m++)
            n += x->user[m] == u;
        for (int f = 0; f < FACTORS; f++) {
            z[f] = plus ? implicit(x, u, f) : 0;
            dot += x->q[i][f] * (x->p[u][f] + z[f]);
        }
        double e = x->value[k] - (x->mean + x->bu[u] + x->bi[i] + dot);
        x->bu[u] += rate * (e - reg * x->bu[u]);
        x->bi[i] += rate * (e - reg * x->bi[i]);
        for (int f = 0; f < FACTORS; f++) {
            double p = x->p[u][f], q = x->q[i][f];
            x->p[u][f] += rate * (e * q - reg * p);
            x->q[i][f] += rate * (e * (p + z[f]) - reg * q);
            for (int32_t m = 0; plus && m < x->n; m++)
                if (x->user[m] == u)
                    x->y[x->item[m]][f] += rate * (e * q / sqrt(n) - reg * x->y[x->item[m]][f]);
        }
    }
}

static void check(const char *name, bool plus)
{
    static struct plain x;
    static float out[USERS * ITEMS];
    struct test_host h;
    struct test_world w;
    struct test_model m;
    x = (struct plain){ 0 };
    test_host_init(&h, 2, 8);
    struct rh_train train = make_train(&h, &w);
    arrange(train.domain, &x);
    assert_true(x.n_users == WARM && x.n_items > ITEMS / 2);
    static struct rh_numpy r;
    rh_numpy_seed(&r, 77);
    draw(&r, x.p, x.first_user, x.n_users);
    draw(&r, x.q, x.first_item, x.n_items);
    draw(&r, x.y, x.first_item, plus ? x.n_items : 0);
    for (int e = 0; e < EPOCHS; e++)
        learn(&x, 0.02, 0.1, plus);

    assert_int_equal(test_fit(&h, test_algorithm(name),
                              "factors = 5; rate = 0.02; reg = 0.1; random = numpy_legacy; numpy_seed = 77", &train,
                              EPOCHS, &m), RH_OK);
    struct rh_query q[USERS];
    for (int32_t u = 0; u < USERS; u++)
        q[u] = test_query(&h, &train, u);
    assert_int_equal(test_score(&h, &m, q, USERS, 4, out, ITEMS), RH_OK);
    double largest = 0;
    for (int32_t u = 0; u < USERS; u++)
        for (int32_t i = 0; i < ITEMS; i++) {
            double expected = x.mean + x.bu[u] + x.bi[i];
            for (int f = 0; f < FACTORS; f++)
                expected += x.q[i][f] * (x.p[u][f] + (plus ? implicit(&x, u, f) : 0));
            if (fabs(out[u * ITEMS + i] - expected) > 1e-6)
                fail_msg("%s: user %d, item %d: %.9g, expected %.9g", name, u, i, (double)out[u * ITEMS + i],
                         expected);
            largest = fmax(largest, fabs(expected - x.mean));
        }
    assert_true(largest > 0.3); /* something was learned */
    test_model_release(&m);
    test_host_release(&h);
}

static void svd_equals_plain_loops(void **state)
{
    (void)state;
    check("svd", false);
}

static void svdpp_equals_plain_loops(void **state)
{
    (void)state;
    check("svdpp", true);
}

/* One epoch of fm on four ratings, by the formula of Rendle 2010 over a dense x: w0 + sum w x + sum over pairs of
 * v.v x x, and the gradients e x and e (x s - v x^2). Two users with a group, three items with a two-column block. */
static void fm_equals_its_definition(void **state)
{
    (void)state;
    enum { N = 4, D = 2, X = 2 + 2 + 3 + 2 }; /* users, groups, items, words */
    struct test_host h;
    struct test_model m;
    test_host_init(&h, 1, 8);
    const struct test_row row[N] = { { 0, 0, 5, 0 }, { 0, 1, 3, 0 }, { 1, 1, 1, 0 }, { 1, 0, 4, 0 } };
    const struct test_cell group[] = { { 0, 0, 1 }, { 1, 1, 1 } }, word[] = { { 0, 0, 3 }, { 0, 1, 4 }, { 2, 1, 2 } };
    struct rh_features users = test_sparse(&h, "group", 2, 2, group, 2, false);
    struct rh_features items = test_sparse(&h, "word", 3, 2, word, 3, true);
    struct rh_domain d = test_domain(&h, "made", 2, 3, row, N, TEST_VALUES);
    d.item_features = &items;
    struct rh_train train = { .n_users = 2, .n_domains = 1, .domain = &d, .n_item_blocks = 1, .n_user_blocks = 1,
                              .user_features = &users };
    /* the third item was never rated: it has no id; a block is divided by the root of its sum of squares */
    static const double of_user[2][4] = { { 1, 0, 1, 0 }, { 0, 1, 0, 1 } };
    static const double of_item[3][5] = { { 1, 0, 0, 0.6, 0.8 }, { 0, 1, 0, 0, 0 }, { 0, 0, 0, 0, 1 } };
    double w[X] = { 0 }, v[X][D], x[X], mean = 13.0 / 4, rate = 0.1, reg = 0.05, predicted[2][3];
    static struct rh_numpy r;
    rh_numpy_seed(&r, 0);
    for (int a = 0; a < X; a++)
        for (int f = 0; f < D; f++)
            v[a][f] = 0.5 * rh_numpy_normal(&r);
    for (int k = 0; k <= N + 5; k++) { /* rows as they stand by user: (0,0) (0,1) (1,0) (1,1); then all pairs */
        static const int at[N][2] = { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } };
        static const double rating[N] = { 5, 3, 4, 1 };
        int u = k < N ? at[k][0] : (k - N) / 3, i = k < N ? at[k][1] : (k - N) % 3;
        memcpy(x, of_user[u], sizeof of_user[u]);
        memcpy(x + 4, of_item[i], sizeof of_item[i]);
        double is = mean, s[D] = { 0 };
        for (int a = 0; a < X; a++) {
            is += w[a] * x[a];
            for (int f = 0; f < D; f++)
                s[f] += v[a][f] * x[a];
            for (int b = 0; b < a; b++)
                for (int f = 0; f < D; f++)
                    is += v[a][f] * v[b][f] * x[a] * x[b];
        }
        if (k >= N) {
            predicted[u][i] = is;
            continue;
        }
        for (int a = 0; a < X; a++) {
            if (x[a] == 0)
                continue;
            w[a] += rate * ((rating[k] - is) * x[a] - reg * w[a]);
            for (int f = 0; f < D; f++)
                v[a][f] += rate * ((rating[k] - is) * (x[a] * s[f] - v[a][f] * x[a] * x[a]) - reg * v[a][f]);
        }
    }
    assert_int_equal(test_fit(&h, test_algorithm("fm"),
                              "factors = 2; rate = 0.1; reg = 0.05; init_sd = 0.5; random = numpy_legacy", &train, 1,
                              &m), RH_OK);
    struct rh_query q[2] = { test_query(&h, &train, 0), test_query(&h, &train, 1) };
    float out[6];
    assert_int_equal(test_score(&h, &m, q, 2, 2, out, 3), RH_OK);
    for (int k = 0; k < 6; k++)
        if (fabs(out[k] - predicted[k / 3][k % 3]) > 1e-6)
            fail_msg("user %d, item %d: %.9g, expected %.9g", k / 3, k % 3, (double)out[k], predicted[k / 3][k % 3]);
    test_model_release(&m);
    test_host_release(&h);
}

/* The reasons of a prediction add up to it, or to how far it is from what the item has without any. */
static void reasons_add_up(void **state)
{
    (void)state;
    enum { U = 30, I = 24 };
    static const struct {
        const char *algorithm, *settings;
        bool whole;
    } of[] = { { "slopeone", "weighted = no", true },
               { "slopeone", "weighted = yes", true },
               { "knn_rating", "based_on = items; center = none", true },
               { "knn_rating", "based_on = items; center = mean; neighbors = 5", false },
               { "knn_rating", "based_on = items; center = zscore", false } };
    for (size_t k = 0; k < sizeof of / sizeof *of; k++) {
        struct test_host h;
        struct test_world w;
        struct test_model m;
        static float out[U * I];
        double rest[I];
        test_host_init(&h, 1, 8);
        test_world(&h, &(struct test_world_spec){ .n_users = U, .n_warm = U - 4, .n_items = I, .n_domains = 1,
                                                  .n_tastes = 3, .rows = 9, .support = 3, .noise = 0.3,
                                                  .ratings = true, .seed = 4 }, &w);
        assert_int_equal(test_fit(&h, test_algorithm(of[k].algorithm), of[k].settings, &w.train, 0, &m), RH_OK);
        assert_int_equal(test_score(&h, &m, w.query, U, 7, out, I), RH_OK);
        for (int32_t i = 0; i < I; i++)
            rest[i] = NAN;
        int explained = 0;
        for (int32_t u = 0; u < U; u++)
            for (int32_t i = 0; i < I; i++) {
                int32_t why[I];
                float weight[I];
                int n = m.algorithm->explain(&h.ctx, m.state, &w.query[u], i, I, why, weight);
                double sum = 0;
                test_host_scratch_back(&h);
                assert_in_range(n, 0, w.query[u].history[0].n);
                for (int r = 0; r < n; r++)
                    sum += weight[r];
                if (!n)
                    continue;
                explained++;
                if (isnan(rest[i]))
                    rest[i] = of[k].whole ? 0 : out[u * I + i] - sum; /* the mean of the item, whoever asks */
                if (fabs(out[u * I + i] - sum - rest[i]) > 1e-5)
                    fail_msg("%s, %s: user %d, item %d: %g, its reasons %g", of[k].algorithm, of[k].settings, u, i,
                             (double)out[u * I + i], sum);
            }
        assert_true(explained > U * I / 2);
        test_model_release(&m);
        test_host_release(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(svd_equals_plain_loops),
        cmocka_unit_test(svdpp_equals_plain_loops),
        cmocka_unit_test(fm_equals_its_definition),
        cmocka_unit_test(reasons_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
