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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(svd_equals_plain_loops),
        cmocka_unit_test(svdpp_equals_plain_loops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
