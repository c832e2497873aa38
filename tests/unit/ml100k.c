/* The classic algorithms on MovieLens 100K against implicit, scikit-learn and scipy: tests/oracle/neighbors.expected,
 * written by tests/oracle/neighbors.py. Needs the folder ml-100k in $HARNESS_DATA; skipped without it. */
#include "testhost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define USERS 943
#define ITEMS 1682
#define GENRES 19
#define TOLERANCE 1e-6 /* relative */

static FILE *open_file(const char *variable, const char *name)
{
    char path[4096];
    const char *folder = getenv(variable);
    snprintf(path, sizeof path, "%s/%s", folder ? folder : ".", name);
    return fopen(path, "r");
}

/* "user <tab> item <tab> rating <tab> time" with ids from 1. */
static struct rh_domain read_rows(struct test_host *h, const char *name)
{
    FILE *f = open_file("HARNESS_DATA", name);
    if (!f)
        fail_msg("cannot open %s in HARNESS_DATA", name);
    struct test_row *row = rh_alloc(&h->own, 100000, sizeof *row);
    int64_t n = 0;
    long long time;
    while (n < 100000 && fscanf(f, "%d %d %f %lld", &row[n].user, &row[n].item, &row[n].value, &time) == 4) {
        row[n].user--;
        row[n].item--;
        row[n++].time = time;
    }
    fclose(f);
    assert_in_range(n, 20000, 80000);
    return test_domain(h, name, USERS, ITEMS, row, n, TEST_VALUES | TEST_TIMES);
}

/* The last 19 fields of a line of u.item are flags of genres. */
static struct rh_features *read_genres(struct test_host *h)
{
    FILE *f = open_file("HARNESS_DATA", "ml-100k/u.item");
    if (!f)
        fail_msg("cannot open ml-100k/u.item in HARNESS_DATA");
    static struct test_cell cell[ITEMS * GENRES];
    char line[1000];
    int64_t n = 0;
    int32_t item = 0;
    for (; item < ITEMS && fgets(line, sizeof line, f); item++) {
        size_t length = strcspn(line, "\r\n");
        assert_true(length > 2 * GENRES);
        for (int32_t g = 0; g < GENRES; g++)
            if (line[length - (size_t)(2 * (GENRES - g)) + 1] == '1')
                cell[n++] = (struct test_cell){ item, g, 1 };
    }
    fclose(f);
    assert_int_equal(item, ITEMS);
    struct rh_features *block = rh_alloc(&h->own, 1, sizeof *block);
    *block = test_sparse(h, "genre", ITEMS, GENRES, cell, n, false);
    return block;
}

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* Mean area under the ROC curve of the users of `test`, over the items without a train row, ties a half; and the sum
 * of the scores looked at. */
static double mean_auc(const struct rh_domain *train, const struct rh_domain *test, const float *score, double *sum)
{
    double total = 0;
    int users = 0;
    *sum = 0;
    for (int32_t u = 0; u < USERS; u++) {
        if (test->row[u + 1] == test->row[u])
            continue;
        const float *mine = score + (size_t)u * ITEMS;
        char kind[ITEMS] = { 0 }; /* 1: in train, 2: held out */
        for (int64_t k = train->row[u]; k < train->row[u + 1]; k++)
            kind[train->item[k]] = 1;
        for (int64_t k = test->row[u]; k < test->row[u + 1]; k++)
            kind[test->item[k]] = 2;
        float other[ITEMS];
        int n_other = 0, n_held = 0;
        double wins = 0;
        for (int32_t i = 0; i < ITEMS; i++)
            if (kind[i] == 0)
                other[n_other++] = mine[i];
        qsort(other, (size_t)n_other, sizeof *other, ascending);
        for (int32_t i = 0; i < ITEMS; i++) {
            *sum += kind[i] != 1 ? (double)mine[i] : 0;
            if (kind[i] != 2)
                continue;
            n_held++;
            int below = 0, upto;
            while (below < n_other && other[below] < mine[i])
                below++;
            for (upto = below; upto < n_other && other[upto] <= mine[i]; upto++)
                ;
            wins += below + 0.5 * (upto - below);
        }
        total += wins / ((double)n_held * n_other);
        users++;
    }
    return total / users;
}

/* Root of the mean squared difference to the ratings of `test`, predictions as they are. */
static double rmse(const struct rh_domain *test, const float *score)
{
    double sum = 0;
    for (int32_t u = 0; u < USERS; u++)
        for (int64_t k = test->row[u]; k < test->row[u + 1]; k++)
            sum += pow((double)score[(size_t)u * ITEMS + (size_t)test->item[k]] - test->value[k], 2);
    return sqrt(sum / (double)test->row[USERS]);
}

static void assert_close(const char *model, const char *what, double value, double expected)
{
    if (fabs(value - expected) > TOLERANCE * fabs(expected))
        fail_msg("%s: %s is %.12g, expected %.12g", model, what, value, expected);
}

static void classic_algorithms_equal_other_implementations(void **state)
{
    (void)state;
    FILE *expected = open_file("HARNESS_SOURCE", "tests/oracle/neighbors.expected");
    assert_non_null(expected);
    struct test_host h;
    test_host_init(&h, 2, 1);
    struct rh_domain train = read_rows(&h, "ml-100k/u1.base"), test = read_rows(&h, "ml-100k/u1.test");
    train.item_features = read_genres(&h);
    struct rh_train view = { .n_users = USERS, .n_domains = 1, .n_item_blocks = 1, .domain = &train };
    static float score[(size_t)USERS * ITEMS];
    struct rh_query query[USERS];
    for (int32_t u = 0; u < USERS; u++)
        query[u] = test_query(&h, &view, u);

    struct test_model m = { 0 };
    char line[200], model[200] = "", name[50], settings[150], what[80];
    int models = 0, scores = 0;
    double auc = 0, sum = 0, value;
    for (int user, item; fgets(line, sizeof line, expected);) {
        line[strcspn(line, "\n")] = '\0';
        if (sscanf(line, "model %49s %149[^\n]", name, settings) >= 1) {
            memcpy(model, line, sizeof model);
            test_model_release(&m);
            const char *words = strchr(line + strlen("model "), ' ');
            int status = test_fit(&h, test_algorithm(name), words ? words : "", &view, -1, &m);
            if (status >= 0)
                status = test_score(&h, &m, query, USERS, 50, score, ITEMS);
            if (status < 0)
                fail_msg("%s: %s", model, h.error.text);
            auc = mean_auc(&train, &test, score, &sum);
            models++;
        } else if (sscanf(line, "auc %lf", &value) == 1) {
            assert_close(model, "auc", auc, value);
        } else if (sscanf(line, "rmse %lf", &value) == 1) {
            assert_close(model, "rmse", rmse(&test, score), value);
        } else if (sscanf(line, "sum %lf", &value) == 1) {
            assert_close(model, "sum", sum, value);
        } else if (sscanf(line, "score %d %d %lf", &user, &item, &value) == 3) {
            snprintf(what, sizeof what, "the score of user %d, item %d", user, item);
            assert_close(model, what, score[(size_t)(user - 1) * ITEMS + (size_t)(item - 1)], value);
            scores++;
        } else {
            fail_msg("neighbors.expected: '%s'", line);
        }
    }
    assert_true(models >= 15 && scores >= 12 * models);
    test_model_release(&m);
    fclose(expected);
    test_host_release(&h);
}

int main(void)
{
    if (!getenv("HARNESS_DATA")) { /* the plan of TAP itself: cmocka calls a skipped test "not ok" */
        puts("1..0 # SKIP HARNESS_DATA is not set");
        return 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classic_algorithms_equal_other_implementations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
