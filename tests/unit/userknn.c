/* userknn against a plain reference: dense rows, a full sort of all users. */
#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define USERS 173
#define ITEMS 67

struct reference {
    int k;
    double shrinkage;
    bool jaccard, weighted;
    const char *settings; /* the same for the plugin */
};

static const struct reference cases[] = {
    { 50, 0, false, false, "" },
    { 7, 0, false, false, "neighbors = 7" },
    { 1, 0, false, false, "neighbors = 1" },
    { 1000000, 0, false, false, "neighbors = 1000000" },
    { 15, 12.25, false, false, "neighbors = 15; shrinkage = 12.25" },
    { 15, 3.5, false, true, "neighbors = 15; shrinkage = 3.5; weighted = yes" },
    { 9, 0, true, false, "neighbors = 9; similarity = jaccard" },
    { 9, 1.75, true, true, "neighbors = 9; similarity = jaccard; shrinkage = 1.75; weighted = yes" },
};

static struct rh_train make_train(struct test_host *h, unsigned columns)
{
    struct rh_rng r = rh_stream(19, "rows", "", 0);
    struct test_row row[USERS * 20];
    struct rh_domain *d = rh_alloc(&h->own, 1, sizeof *d);
    int64_t n = 0;
    for (int32_t u = 0; u < USERS; u++) {
        bool has[ITEMS] = { 0 };
        for (int32_t m = u % 13 == 5 ? 20 : 0; m < 20; m++) {
            double x = rh_rng_uniform(&r);
            int32_t i = (int32_t)(x * x * ITEMS);
            if (!has[i] && rh_rng_below(&r, 3))
                row[n++] = (struct test_row){ u, i, 1 + (float)rh_rng_below(&r, 9) / 2, 0 };
            has[i] = true;
        }
    }
    *d = test_domain(h, "made", USERS, ITEMS, row, n, columns);
    return (struct rh_train){ .n_users = USERS, .n_domains = 1, .domain = d };
}

struct pair {
    float similarity;
    int32_t user;
};

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    return x->similarity != y->similarity ? (x->similarity < y->similarity) - (x->similarity > y->similarity)
                                          : x->user - y->user;
}

static int by_user(const void *a, const void *b)
{
    return ((const struct pair *)a)->user - ((const struct pair *)b)->user;
}

static void reference_scores(const struct rh_train *train, const struct reference *c, const struct rh_query *q,
                             double *score)
{
    const struct rh_domain *d = train->domain;
    const struct rh_history *h = q->history;
    bool rated = c->weighted && !c->jaccard;
    struct pair near[USERS];
    int n = 0;
    for (int32_t v = 0; v < USERS; v++) {
        double common = 0, mine = 0, theirs = 0;
        for (int32_t m = 0; m < h->n; m++) {
            mine += rated ? h->value[m] * h->value[m] : 1;
            for (int64_t k = d->row[v]; k < d->row[v + 1]; k++)
                if (d->item[k] == h->item[m])
                    common += rated ? d->value[k] * h->value[m] : 1;
        }
        for (int64_t k = d->row[v]; k < d->row[v + 1]; k++)
            theirs += rated ? d->value[k] * d->value[k] : 1;
        if (common > 0 && v != q->user)
            near[n++] = (struct pair){ (float)(common / (c->jaccard ? mine + theirs - common + c->shrinkage
                                                                    : sqrt(mine) * sqrt(theirs) + c->shrinkage)),
                                       v };
    }
    qsort(near, (size_t)n, sizeof *near, compare_pairs);
    n = n < c->k ? n : c->k;
    qsort(near, (size_t)n, sizeof *near, by_user);
    memset(score, 0, ITEMS * sizeof *score);
    for (int m = 0; m < n; m++)
        for (int64_t k = d->row[near[m].user]; k < d->row[near[m].user + 1]; k++)
            score[d->item[k]] += near[m].similarity * (c->weighted ? (double)d->value[k] : 1);
}

static void userknn_equals_the_reference(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct test_host h;
        test_host_init(&h, 2, 5);
        struct rh_train train = make_train(&h, TEST_VALUES);
        struct test_model m;
        assert_int_equal(test_fit(&h, test_algorithm("userknn"), cases[c].settings, &train, -1, &m), RH_OK);
        static float out[(USERS + 1) * ITEMS];
        struct rh_query query[USERS + 1];
        for (int32_t u = 0; u < USERS; u++)
            query[u] = test_query(&h, &train, u);
        /* A user who was never seen, under the id of one without train rows. */
        const int32_t item[] = { 2, 3, 11, 40, 66 };
        const float value[] = { 4.5f, 1.5f, 3, 5, 2 };
        query[USERS] = test_query_with(&h, &train, 5, 5, item, value);
        assert_int_equal(test_score(&h, &m, query, USERS + 1, 7, out, ITEMS), RH_OK);
        int not_zero = 0;
        for (int32_t u = 0; u <= USERS; u++) {
            double score[ITEMS];
            reference_scores(&train, &cases[c], &query[u], score);
            for (int32_t i = 0; i < ITEMS; i++) {
                not_zero += out[u * ITEMS + i] != 0;
                if (out[u * ITEMS + i] != (float)score[i])
                    fail_msg("'%s', query %d, item %d: %.9g, reference %.9g", cases[c].settings, u, i,
                             (double)out[u * ITEMS + i], score[i]);
            }
        }
        assert_true(not_zero > 1000);
        test_model_release(&m);
        test_host_release(&h);
    }
}

static void userknn_refuses_ratings_that_are_not_there(void **state)
{
    (void)state;
    struct test_host h;
    test_host_init(&h, 1, 5);
    struct rh_train train = make_train(&h, 0);
    struct test_model m;
    assert_int_equal(test_fit(&h, test_algorithm("userknn"), "weighted = yes", &train, -1, &m), RH_EDATA);
    assert_string_equal(h.error.text, "weighted = yes needs ratings, but domain 'made' has none");
    test_model_release(&m);
    test_host_release(&h);
}

/* Chance is a half on the made world; cold users (from 250 on) are folded in by their support. */
static void userknn_finds_the_tastes_of_the_made_world(void **state)
{
    (void)state;
    struct test_host h;
    test_host_init(&h, 2, 77);
    struct test_world w;
    test_world(&h, &(struct test_world_spec){ .n_users = 300, .n_warm = 250, .n_items = 200, .n_domains = 1,
                                              .n_tastes = 6, .rows = 24, .support = 6, .noise = 0.3,
                                              .seed = 12 }, &w);
    struct test_model m;
    assert_int_equal(test_fit(&h, test_algorithm("userknn"), NULL, &w.train, -1, &m), RH_OK);
    assert_true(test_world_auc(&h, &w, &m, 0, 250) > 0.7);
    assert_true(test_world_auc(&h, &w, &m, 250, 300) > 0.65);
    test_model_release(&m);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(userknn_equals_the_reference),
        cmocka_unit_test(userknn_refuses_ratings_that_are_not_there),
        cmocka_unit_test(userknn_finds_the_tastes_of_the_made_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
