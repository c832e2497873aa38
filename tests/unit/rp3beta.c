/* rp3beta and p3alpha against a plain reference: dense matrices, walks summed one by one, full sorts. */
#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define USERS 83
#define ITEMS 37

static const struct reference {
    double alpha, beta;
    int k;
    bool normalize;
    const char *algorithm, *settings; /* the same for the plugin */
} cases[] = {
    { 1, 0.5, 100, false, "rp3beta", "" },
    { 0.83, 0.37, 100, true, "rp3beta", "alpha = 0.83; beta = 0.37; normalize = yes" },
    { 1.21, 0.29, 6, false, "rp3beta", "alpha = 1.21; beta = 0.29; neighbors = 6" },
    { 0.71, 0, 9, true, "rp3beta", "alpha = 0.71; beta = 0; neighbors = 9; normalize = yes" },
    { 1.4, 0, 8, false, "p3alpha", "alpha = 1.4; neighbors = 8" },
};

struct pair {
    double weight;
    int index;
};

static int by_weight(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    return x->weight != y->weight ? (x->weight < y->weight) - (x->weight > y->weight) : x->index - y->index;
}

/* Sets all but the k largest of n numbers, `step` apart, to 0. */
static void keep_largest(double *x, int n, int step, int k)
{
    struct pair pair[ITEMS];
    for (int i = 0; i < n; i++)
        pair[i] = (struct pair){ x[i * step], i };
    qsort(pair, (size_t)n, sizeof *pair, by_weight);
    for (int i = k; i < n; i++)
        x[pair[i].index * step] = 0;
}

static void reference_weights(const bool has[USERS][ITEMS], const struct reference *c, double w[ITEMS][ITEMS])
{
    int of_user[USERS] = { 0 }, of_item[ITEMS] = { 0 };
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++) {
            of_user[u] += has[u][i];
            of_item[i] += has[u][i];
        }
    for (int i = 0; i < ITEMS; i++) {
        double sum = 0;
        for (int j = 0; j < ITEMS; j++) {
            w[i][j] = 0;
            for (int u = 0; u < USERS && j != i; u++)
                if (has[u][i] && has[u][j]) /* the steps item -> user and user -> item */
                    w[i][j] += pow(1.0 / of_item[i], c->alpha) * pow(1.0 / of_user[u], c->alpha) /
                               pow(of_item[j], c->beta);
        }
        keep_largest(w[i], ITEMS, 1, c->k);
        for (int j = 0; j < ITEMS; j++)
            sum += w[i][j];
        for (int j = 0; j < ITEMS && c->normalize && sum > 0; j++)
            w[i][j] /= sum;
    }
    for (int j = 0; j < ITEMS; j++)
        keep_largest(&w[0][j], ITEMS, ITEMS, c->k);
}

static void walks_are_those_of_the_reference(void **state)
{
    (void)state;
    static bool has[USERS][ITEMS];
    static double w[ITEMS][ITEMS];
    static float out[USERS * ITEMS];
    struct test_row row[USERS * ITEMS];
    struct rh_rng r = rh_stream(41, "rows", "rp3beta", 0);
    int64_t n = 0;
    for (int32_t u = 0; u < USERS; u++)
        for (int32_t i = 0; i < ITEMS; i++)
            if ((has[u][i] = u % 17 != 3 && rh_rng_below(&r, 2 + (uint32_t)i / 5) == 0))
                row[n++] = (struct test_row){ u, i, 0, 0 };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct test_host h;
        struct test_model m;
        test_host_init(&h, 1 + (int)k % 3, 5);
        struct rh_domain d = test_domain(&h, "made", USERS, ITEMS, row, n, 0);
        struct rh_train train = { .n_users = USERS, .n_domains = 1, .domain = &d };
        assert_int_equal(test_fit(&h, test_algorithm(cases[k].algorithm), cases[k].settings, &train, -1, &m), RH_OK);
        struct rh_query query[USERS];
        for (int32_t u = 0; u < USERS; u++)
            query[u] = test_query(&h, &train, u);
        assert_int_equal(test_score(&h, &m, query, USERS, 5, out, ITEMS), RH_OK);
        reference_weights(has, &cases[k], w);
        for (int u = 0; u < USERS; u++)
            for (int j = 0; j < ITEMS; j++) {
                double score = 0;
                for (int i = 0; i < ITEMS; i++)
                    score += has[u][i] ? w[i][j] : 0;
                if (!(fabs(out[u * ITEMS + j] - score) <= 2e-6 * (1 + score)))
                    fail_msg("case %zu, user %d, item %d: %.9g, expected %.9g", k, u, j, out[u * ITEMS + j], score);
            }
        test_model_release(&m);
        test_host_release(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_are_those_of_the_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
