/* bm25 against rank_bm25 (tests/oracle/bm25.py), against its formula, and what explains its scores. */
#include "testhost.h"

#include "base/file.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ITEMS 12 /* and users */
#define WORDS 9

struct world {
    struct test_host h;
    struct rh_domain d[2]; /* the second, a source, has the same items */
    struct rh_features block[2];
    struct rh_train train;
};

static int count(int i, int c)
{
    int x = (3 * i * i + 7 * c + i * c) % 13 - (c ? 8 : 3);
    return x > 0 ? x : 0;
}

static bool has(int user, int item)
{
    return item == user || item == (user + 3) % ITEMS || item == (user + 7) % ITEMS;
}

static void make(struct world *w, int n_domains)
{
    struct test_cell cell[ITEMS * WORDS];
    struct test_row row[ITEMS * 3];
    int64_t n = 0, n_rows = 0;
    memset(w, 0, sizeof *w);
    test_host_init(&w->h, 1, 5);
    for (int i = 0; i < ITEMS; i++)
        for (int c = 0; c < WORDS; c++)
            if (count(i, c))
                cell[n++] = (struct test_cell){ i, c, (float)count(i, c) };
    for (int u = 0; u < ITEMS; u++)
        for (int i = 0; i < ITEMS; i++)
            if (has(u, i))
                row[n_rows++] = (struct test_row){ u, i, (float)(1 + (u + i) % 5), 0 };
    for (int d = 0; d < 2; d++) {
        w->block[d] = test_sparse(&w->h, "word", ITEMS, WORDS, cell, n, true);
        w->d[d] = test_domain(&w->h, d ? "source" : "made", ITEMS, ITEMS, row, n_rows, TEST_VALUES);
        w->d[d].item_features = &w->block[d];
    }
    w->train = (struct rh_train){ .n_users = ITEMS, .n_domains = n_domains, .domain = w->d, .n_item_blocks = 1 };
}

static void scores(struct world *w, const char *settings, struct test_model *m, float out[ITEMS * ITEMS])
{
    struct rh_query query[ITEMS];
    for (int32_t u = 0; u < ITEMS; u++)
        query[u] = test_query(&w->h, &w->train, u);
    assert_int_equal(test_fit(&w->h, test_algorithm("bm25"), settings, &w->train, -1, m), RH_OK);
    assert_int_equal(test_score(&w->h, m, query, ITEMS, 5, out, ITEMS), RH_OK);
}

/* A query of rank_bm25 counts a word as often as it is there: a very large k3. */
static void scores_are_those_of_rank_bm25(void **state)
{
    (void)state;
    static struct world w;
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    const char *source = getenv("HARNESS_SOURCE");
    char *text, *line, *path = rh_path_join(&a, source ? source : ".", "tests/oracle/bm25.values");
    size_t n;
    int lines = 0;
    assert_int_equal(rh_read_file(&a, path, &text, &n, &err), RH_OK);
    make(&w, 1);
    while ((line = strsep(&text, "\n")) && *line) {
        char settings[80];
        float out[ITEMS * ITEMS];
        double k1, b;
        int user, used;
        struct test_model m;
        assert_int_equal(sscanf(line, "%lf %lf %d%n", &k1, &b, &user, &used), 3);
        snprintf(settings, sizeof settings, "idf = robertson; k3 = 1e9; k1 = %g; b = %g", k1, b);
        scores(&w, settings, &m, out);
        char *at = line + used;
        for (int i = 0; i < ITEMS; i++)
            assert_float_equal(out[user * ITEMS + i], strtod(at, &at), 2e-5);
        test_model_release(&m);
        lines++;
    }
    assert_int_equal(lines, 3 * ITEMS);
    test_host_release(&w.h);
    rh_arena_release(&a);
}

/* The formula as the plugin's comment has it, with what it adds: k3, lucene's idf, ratings, and sources that ask. */
static double by_formula(int user, int item, double k3, bool weighted, int times)
{
    double sum = 0, total = 0, length = 0;
    for (int i = 0; i < ITEMS; i++)
        for (int c = 0; c < WORDS; c++) {
            total += count(i, c);
            length += i == item ? count(i, c) : 0;
        }
    for (int c = 0; c < WORDS; c++) {
        double n = 0, asked = 0, tf = count(item, c);
        for (int i = 0; i < ITEMS; i++) {
            n += count(i, c) > 0;
            asked += has(user, i) ? times * count(i, c) * (weighted ? 1 + (user + i) % 5 : 1) : 0;
        }
        if (tf > 0 && asked > 0)
            sum += log(1 + (ITEMS - n + 0.5) / (n + 0.5)) * tf * 2.2 /
                   (tf + 1.2 * (0.25 + 0.75 * length * ITEMS / total)) * asked * (k3 + 1) / (k3 + asked);
    }
    return sum;
}

static void scores_are_those_of_the_formula(void **state)
{
    (void)state;
    static const struct {
        const char *settings;
        double k3;
        bool weighted;
        int domains, times; /* how often a word of the history counts: in two domains twice */
    } cases[] = {
        { "k3 = 0", 0, false, 1, 1 },
        { "k3 = 3", 3, false, 2, 2 },
        { "k3 = 3; use_sources = no", 3, false, 2, 1 },
        { "k3 = 7; weighted = yes", 7, true, 1, 1 },
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        static struct world w;
        float out[ITEMS * ITEMS];
        struct test_model m;
        make(&w, cases[k].domains);
        scores(&w, cases[k].settings, &m, out);
        for (int u = 0; u < ITEMS; u++)
            for (int i = 0; i < ITEMS; i++)
                assert_float_equal(out[u * ITEMS + i],
                                   by_formula(u, i, cases[k].k3, cases[k].weighted, cases[k].times), 1e-5);
        test_model_release(&m);
        test_host_release(&w.h);
    }
}

static void reasons_add_up(void **state)
{
    (void)state;
    static struct world w;
    float out[ITEMS * ITEMS], weight[ITEMS];
    int32_t why[ITEMS];
    struct test_model m;
    make(&w, 1);
    scores(&w, "k3 = 2; weighted = yes", &m, out);
    for (int32_t u = 0; u < ITEMS; u++)
        for (int32_t i = 0; i < ITEMS; i++) {
            struct rh_query q = test_query(&w.h, &w.train, u);
            int n = m.algorithm->explain(&w.h.ctx, m.state, &q, i, ITEMS, why, weight);
            double sum = 0;
            for (int k = 0; k < n; k++)
                sum += weight[k];
            assert_float_equal(sum, out[u * ITEMS + i], 1e-4);
        }
    test_model_release(&m);
    test_host_release(&w.h);
}

static void negative_counts_are_refused(void **state)
{
    (void)state;
    static struct world w;
    struct test_model m;
    make(&w, 1);
    ((float *)w.block[0].val)[2] = -1;
    assert_int_equal(test_fit(&w.h, test_algorithm("bm25"), NULL, &w.train, -1, &m), RH_EDATA);
    assert_string_equal(w.h.error.text, "blocks = all: a feature of domain 'made' is -1, and no count of words");
    test_model_release(&m);
    test_host_release(&w.h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_those_of_rank_bm25),
        cmocka_unit_test(scores_are_those_of_the_formula),
        cmocka_unit_test(reasons_add_up),
        cmocka_unit_test(negative_counts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
