/* Linear models of items against scikit-learn and numpy: tests/oracle/linear.values, written by linear.py beside it. */
#include "testhost.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define USERS 60
#define ITEMS 24
#define FEATURES 6

/* The numbers of the line "name count v v ..." of the oracle. */
static double *oracle(struct test_host *h, const char *name, int64_t n)
{
    const char *source = getenv("HARNESS_SOURCE");
    char *path = rh_path_join(&h->own, source ? source : ".", "tests/oracle/linear.values"), *text, *rest, *number;
    size_t size;
    if (rh_read_file(&h->own, path, &text, &size, &h->error) < 0)
        fail_msg("%s", h->error.text);
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char *space = strchr(line, ' ');
        if ((size_t)(space - line) != strlen(name) || strncmp(line, name, strlen(name)))
            continue;
        assert_int_equal(strtoll(space, &number, 10), n);
        double *value = rh_alloc(&h->own, (size_t)n, sizeof *value);
        for (int64_t k = 0; k < n; k++)
            value[k] = strtod(number, &number);
        return value;
    }
    fail_msg("linear.values has no '%s'", name);
    return NULL;
}

static uint32_t mixed(uint32_t a, uint32_t b)
{
    uint32_t h = a * 73856093u ^ b * 19349663u;
    h ^= h >> 16;
    h *= 0x45d9f3bu;
    return h ^ h >> 16;
}

/* The interactions of linear.py; the last user and the last item have none. */
static struct rh_train make_train(struct test_host *h)
{
    struct test_row *row = rh_alloc(&h->own, USERS * ITEMS, sizeof *row);
    struct rh_domain *d = rh_alloc(&h->own, 1, sizeof *d);
    double *expected = oracle(h, "interactions", USERS * ITEMS);
    int64_t n = 0;
    for (int32_t u = 0; u < USERS; u++)
        for (int32_t i = 0; i < ITEMS; i++) {
            int32_t percent = (int32_t)(mixed((uint32_t)u + 1, (uint32_t)i + 1) % 100);
            bool has = u < USERS - 1 && i < ITEMS - 1 && percent < (u % 3 == i % 3 ? 70 : 30) - i;
            assert_true((expected[u * ITEMS + i] > 0) == has);
            if (has)
                row[n++] = (struct test_row){ u, i, 1, 0 };
        }
    *d = test_domain(h, "made", USERS, ITEMS, row, n, 0);

    struct test_cell *cell = rh_alloc(&h->own, ITEMS * FEATURES, sizeof *cell);
    struct rh_features *f = rh_alloc(&h->own, 1, sizeof *f);
    double *feature = oracle(h, "features", ITEMS * FEATURES);
    n = 0;
    for (int32_t c = 0; c < ITEMS * FEATURES; c++)
        if (feature[c] != 0)
            cell[n++] = (struct test_cell){ c / FEATURES, c % FEATURES, (float)feature[c] };
    *f = test_sparse(h, "made", ITEMS, FEATURES, cell, n, true);
    d->item_features = f;
    return (struct rh_train){ .n_users = USERS, .n_domains = 1, .domain = d, .n_item_blocks = 1 };
}

/* out[ITEMS x ITEMS]: what a history of one item brings to every item. */
static void weights(struct test_host *h, const struct rh_train *train, const struct test_model *m, float *out)
{
    struct rh_query q[ITEMS];
    int32_t item[ITEMS];
    for (int32_t i = 0; i < ITEMS; i++) {
        item[i] = i;
        q[i] = test_query_with(h, train, USERS - 1, 1, &item[i], NULL);
    }
    assert_int_equal(test_score(h, m, q, ITEMS, 5, out, ITEMS), RH_OK);
}

/* The weights of a model on 1 and 3 threads, the same bit for bit, are those of the oracle. */
static void check_weights(const char *algorithm, const char *settings, const char *name, int32_t epochs,
                          double tolerance)
{
    static float out[2][ITEMS * ITEMS];
    for (int k = 0; k < 2; k++) {
        struct test_host h;
        struct test_model m;
        test_host_init(&h, 1 + 2 * k, 1);
        struct rh_train train = make_train(&h);
        if (test_fit(&h, test_algorithm(algorithm), settings, &train, epochs, &m) < 0)
            fail_msg("%s: %s", algorithm, h.error.text);
        weights(&h, &train, &m, out[k]);
        double *expected = oracle(&h, name, ITEMS * ITEMS);
        for (int32_t c = 0; c < ITEMS * ITEMS; c++)
            if (!(fabs(out[k][c] - expected[c]) <= tolerance))
                fail_msg("%s, from %d to %d: %.9g instead of %.9g", name, c / ITEMS, c % ITEMS, (double)out[k][c],
                         expected[c]);
        test_model_release(&m);
        test_host_release(&h);
    }
    assert_memory_equal(out[0], out[1], sizeof out[0]);
}

static void slim_as_elastic_net(void **state)
{
    (void)state;
    static const char *const solvers[] = { "counts", "rows", "auto" };
    static const struct {
        const char *settings, *name;
    } cases[] = {
        { "alpha = 0.02; l1_ratio = 0.1", "slim" },
        { "alpha = 0.05; l1_ratio = 0.6", "slim_sparse" },
        { "alpha = 0.02; l1_ratio = 0.2; positive_only = no", "slim_signed" },
        { "alpha = 0.05; l1_ratio = 0; positive_only = no", "slim_ridge" },
    };
    for (int k = 0; k < 12; k++) {
        char settings[200];
        snprintf(settings, sizeof settings, "%s; tolerance = 1e-6; solver = %s", cases[k % 4].settings,
                 solvers[k / 4]);
        check_weights("slim", settings, cases[k % 4].name, 0, 2e-6);
    }
    check_weights("slim", "alpha = 0.02; l1_ratio = 0.1; solver = counts", "slim", 0, 2e-4); /* tolerance is 1e-4 */
    check_weights("slim", "alpha = 0.02; l1_ratio = 0.1; solver = rows", "slim", 0, 2e-4);
}

/* Weights that are 0 in the solution are not stored, and of the others only the largest: each column of the weights
 * loses all but its three. */
static void slim_keeps_the_largest(void **state)
{
    (void)state;
    static float all[ITEMS * ITEMS], three[ITEMS * ITEMS];
    struct test_host h;
    struct test_model m, cut;
    test_host_init(&h, 1, 1);
    struct rh_train train = make_train(&h);
    assert_int_equal(test_fit(&h, test_algorithm("slim"), "alpha = 0.02; l1_ratio = 0.2; positive_only = no", &train, 0,
                              &m), RH_OK);
    assert_int_equal(test_fit(&h, test_algorithm("slim"),
                              "alpha = 0.02; l1_ratio = 0.2; positive_only = no; neighbors = 3", &train, 0, &cut),
                     RH_OK);
    weights(&h, &train, &m, all);
    weights(&h, &train, &cut, three);
    int negative = 0;
    for (int32_t j = 0; j < ITEMS; j++) {
        int kept = 0, more = 0;
        float least = INFINITY, largest = 0; /* kept, and not kept */
        for (int32_t i = 0; i < ITEMS; i++) {
            float w = three[i * ITEMS + j], without = all[i * ITEMS + j];
            if (w != 0) {
                assert_true(w == without);
                least = fminf(least, fabsf(w));
                kept++;
                negative += w < 0;
            } else if (without != 0) {
                largest = fmaxf(largest, fabsf(without));
                more++;
            }
        }
        assert_true(largest <= least);
        assert_true(kept == 3 || more == 0);
        assert_true(kept <= 3);
    }
    assert_true(negative > 0);

    int32_t why[4], history[] = { 0, 1, 2, 3 };
    float weight[4], sum = 0, out[ITEMS];
    struct rh_query q = test_query_with(&h, &train, USERS - 1, 4, history, NULL);
    int n = m.algorithm->explain(&h.ctx, m.state, &q, 5, 4, why, weight);
    assert_true(n > 0);
    for (int k = 0; k < n; k++) {
        assert_true(weight[k] == all[why[k] * ITEMS + 5]);
        assert_true(k == 0 || weight[k] <= weight[k - 1]);
        sum += weight[k];
    }
    assert_int_equal(test_score(&h, &m, &q, 1, 1, out, ITEMS), RH_OK);
    assert_true(fabsf(out[5] - sum) <= 1e-6f);
    test_model_release(&m);
    test_model_release(&cut);
    test_host_release(&h);
}

/* The last item has no interactions, but features. */
static void collective_ease_as_numpy(void **state)
{
    (void)state;
    check_weights("collective_ease", "balance = no; idf = no; l2 = 7; feature_weight = 1.5", "collective", 0, 2e-6);
    check_weights("collective_ease", "balance = no; idf = no; l2 = 7; combine = additive; feature_l2 = 2; share = 0.3",
                  "additive", 0, 2e-6);
}

/* The projection on the first three right singular vectors; the fourth singular value is 3/4 of the third. */
static void puresvd_as_numpy(void **state)
{
    (void)state;
    check_weights("puresvd", "factors = 3; oversample = 2; iterations = 40", "puresvd", 0, 2e-6);
    check_weights("puresvd", "factors = 3; oversample = 21; iterations = 1", "puresvd", 0, 2e-6); /* all of the space */
}

/* The same draws and updates as scikit-learn, in single precision. */
static void nmf_as_scikit_learn(void **state)
{
    (void)state;
    check_weights("nmf", "factors = 4; solver = cd; random = numpy_legacy; numpy_seed = 7; tolerance = 0", "nmf_cd", 20,
                  1e-4);
    check_weights("nmf", "factors = 4; solver = mu; random = numpy_legacy; numpy_seed = 8; tolerance = 0", "nmf_mu", 20,
                  1e-4);
    check_weights("nmf",
                  "factors = 4; solver = cd; random = numpy_legacy; numpy_seed = 9; tolerance = 0; alpha = 0.002; "
                  "l1_ratio = 0.5", "nmf_sparse", 20, 1e-4);
}

/* The loss falls from epoch to epoch and is the mean squared error of the training cells, halved; it converges. */
static void nmf_converges(void **state)
{
    (void)state;
    static const char *const settings[] = { "factors = 3; solver = cd", "factors = 3; solver = mu" };
    for (int k = 0; k < 2; k++) {
        struct test_host h;
        struct test_model m;
        test_host_init(&h, 1, 1);
        struct rh_train train = make_train(&h);
        double before = INFINITY;
        for (int32_t epochs = 1; epochs < 4; epochs++) {
            assert_int_equal(test_fit(&h, test_algorithm("nmf"), settings[k], &train, epochs, &m), RH_OK);
            assert_true(m.loss < before);
            before = m.loss;
            test_model_release(&m);
        }
        assert_true(test_fit(&h, test_algorithm("nmf"), settings[k], &train, 5000, &m) >= 0);
        assert_true(m.done && m.epochs_done > 10);
        struct rh_query q[USERS];
        static float out[USERS * ITEMS];
        for (int32_t u = 0; u < USERS; u++)
            q[u] = test_query(&h, &train, u);
        assert_int_equal(test_score(&h, &m, q, USERS, USERS, out, ITEMS), RH_OK);
        double sum = 0, *x = oracle(&h, "interactions", USERS * ITEMS);
        for (int32_t c = 0; c < USERS * ITEMS; c++)
            sum += (out[c] - x[c]) * (out[c] - x[c]);
        double refit = sum / (2 * USERS * ITEMS); /* users are fitted once more, to the end: no worse */
        assert_true(refit <= m.loss * (1 + 1e-5) && refit >= 0.99 * m.loss);
        test_model_release(&m);
        test_host_release(&h);
    }
}

static void nmf_refuses(void **state)
{
    (void)state;
    struct test_host h;
    void *params;
    test_host_init(&h, 1, 1);
    assert_int_equal(test_params(&h, test_algorithm("nmf"), "solver = mu; alpha = 0.1", &params), RH_EINVAL);
    assert_non_null(strstr(h.error.text, "solver = cd"));
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slim_as_elastic_net),
        cmocka_unit_test(slim_keeps_the_largest),
        cmocka_unit_test(collective_ease_as_numpy),
        cmocka_unit_test(puresvd_as_numpy),
        cmocka_unit_test(nmf_as_scikit_learn),
        cmocka_unit_test(nmf_converges),
        cmocka_unit_test(nmf_refuses),
    };
    return cmocka_run_group_tests_name("linear", tests, NULL, NULL);
}
