/* itemknn against a plain reference: dense matrices, full sorts, no cleverness. Also popularity,
 * recent_popularity and random, which need no more than arithmetic. */
#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { COSINE, ADJUSTED, JACCARD, CONDITIONAL, ASYMMETRIC, DICE, TVERSKY, LIFT };

struct reference {
    int similarity, k;
    double shrinkage, alpha;
    bool weighted, normalize, of_candidate;
    const char *settings; /* the same for the plugin */
};

static const struct reference cases[] = {
    { COSINE, 7, 0, 0, false, false, false, "neighbors = 7; lists_of = history" },
    { COSINE, 1000000, 0, 0, false, false, false, "neighbors = 1000000; lists_of = history" },
    { COSINE, 1, 0, 0, false, false, false, "neighbors = 1; lists_of = history" },
    { COSINE, 13, 17.5, 0, false, false, true, "neighbors = 13; shrinkage = 17.5" },
    { COSINE, 11, 2.25, 0, true, false, false,
      "neighbors = 11; shrinkage = 2.25; weighted = yes; lists_of = history" },
    { COSINE, 19, 0, 0, false, true, false, "neighbors = 19; normalize = yes; lists_of = history" },
    { ADJUSTED, 8, 0.75, 0, true, false, false,
      "neighbors = 8; similarity = adjusted; shrinkage = 0.75; weighted = yes; lists_of = history" },
    { ADJUSTED, 21, 0, 0, false, true, true,
      "neighbors = 21; similarity = adjusted; normalize = yes" },
    { JACCARD, 9, 0, 0, false, false, false, "neighbors = 9; similarity = jaccard; lists_of = history" },
    { JACCARD, 5, 3.5, 0, true, false, true,
      "neighbors = 5; similarity = jaccard; shrinkage = 3.5; weighted = yes" },
    { CONDITIONAL, 9, 0, 0.3, false, false, false,
      "neighbors = 9; similarity = conditional; alpha = 0.3; lists_of = history" },
    { CONDITIONAL, 6, 1.5, 0.7, false, false, true,
      "neighbors = 6; similarity = conditional; alpha = 0.7; shrinkage = 1.5" },
    { ASYMMETRIC, 9, 2.5, 0.75, true, false, false,
      "neighbors = 9; similarity = asymmetric; alpha = 0.75; shrinkage = 2.5; weighted = yes; lists_of = history" },
    { ASYMMETRIC, 9, 0, 1.5, false, false, true, "neighbors = 9; similarity = asymmetric; alpha = 1.5" },
    { DICE, 12, 3, 0, false, false, true, "neighbors = 12; similarity = dice; shrinkage = 3" },
    { TVERSKY, 10, 1, 0, false, false, true,
      "neighbors = 10; similarity = tversky; tversky_alpha = 0.25; tversky_beta = 2; shrinkage = 1" },
    { TVERSKY, 10, 1, 0, false, false, false,
      "neighbors = 10; similarity = tversky; tversky_alpha = 0.25; tversky_beta = 2; shrinkage = 1; "
      "lists_of = history" },
    { LIFT, 8, 4, 0, false, false, true, "neighbors = 8; similarity = lift; shrinkage = 4" },
};

/* Rows with a popular head, so that counts differ, and a tail where similarities tie. */
static struct rh_train make_train(struct test_host *h, int32_t n_users, int32_t n_items, int32_t a_user,
                                  uint64_t seed)
{
    struct rh_rng r = rh_stream(seed, "rows", "", 0);
    struct test_row *row = rh_alloc(&h->own, (size_t)(n_users * a_user), sizeof *row);
    bool *has = rh_alloc(&h->own, (size_t)n_items, sizeof *has);
    struct rh_domain *d = rh_alloc(&h->own, 1, sizeof *d);
    int64_t n = 0;
    for (int32_t u = 0; u < n_users; u++) {
        memset(has, 0, (size_t)n_items * sizeof *has);
        int32_t wanted = u % 11 == 3 ? 0 : 1 + (int32_t)rh_rng_below(&r, (uint32_t)a_user);
        for (int32_t m = 0; m < wanted; m++) {
            double x = rh_rng_uniform(&r);
            int32_t i = (int32_t)(x * x * (n_items - 3)); /* the last items have no users */
            if (!has[i])
                row[n++] = (struct test_row){ u, i, 1 + (float)rh_rng_below(&r, 9) / 2, 0 };
            has[i] = true;
        }
    }
    *d = test_domain(h, "made", n_users, n_items, row, n, TEST_VALUES);
    return (struct rh_train){ .n_users = n_users, .n_domains = 1, .domain = d };
}

/* x[i][j] = sum over users of r(u, i) r(u, j). */
static double *co_occurrences(struct test_host *h, const struct rh_train *train, const struct reference *c)
{
    const struct rh_domain *d = train->domain;
    size_t n = (size_t)d->n_items;
    double *x = rh_alloc(&h->own, n * n, sizeof *x), *r = rh_alloc(&h->own, n, sizeof *r);
    for (int32_t u = 0; u < train->n_users; u++) {
        double mean = 0;
        for (int64_t k = d->row[u]; k < d->row[u + 1]; k++)
            mean += d->value[k];
        mean /= (double)(d->row[u + 1] - d->row[u]);
        for (int64_t k = d->row[u]; k < d->row[u + 1]; k++) {
            bool cosine = c->similarity == COSINE || c->similarity == ASYMMETRIC;
            bool rated = c->similarity == ADJUSTED || (cosine && c->weighted);
            r[d->item[k]] = !rated ? 1 : c->similarity == ADJUSTED ? (float)(d->value[k] - mean) : d->value[k];
        }
        for (int64_t k = d->row[u]; k < d->row[u + 1]; k++)
            for (int64_t m = d->row[u]; m < d->row[u + 1]; m++)
                x[(size_t)d->item[k] * n + (size_t)d->item[m]] += r[d->item[k]] * r[d->item[m]];
    }
    return x;
}

static double reference_similarity(const struct reference *c, double x, double own_square, double other_square)
{
    switch (c->similarity) {
    case JACCARD: return x / (own_square + other_square - x + c->shrinkage);
    case ASYMMETRIC: return x / (pow(own_square, c->alpha) * pow(other_square, 1 - c->alpha) + c->shrinkage);
    case DICE: return 2 * x / (own_square + other_square + c->shrinkage);
    case TVERSKY: return x / (x + 0.25 * (own_square - x) + 2 * (other_square - x) + c->shrinkage);
    case LIFT: return x / (own_square * other_square + c->shrinkage);
    case CONDITIONAL: return x / (own_square * pow(other_square, c->alpha) + c->shrinkage);
    default: return x / (sqrt(own_square) * sqrt(other_square) + c->shrinkage);
    }
}

struct pair {
    float similarity;
    int32_t item;
};

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    return x->similarity != y->similarity ? (x->similarity < y->similarity) - (x->similarity > y->similarity)
                                          : x->item - y->item;
}

/* s[j][i]: what item j of a history adds to item i. */
static double *reference_model(struct test_host *h, const struct rh_train *train, const struct reference *c)
{
    size_t n = (size_t)train->domain->n_items;
    double *x = co_occurrences(h, train, c), *s = rh_alloc(&h->own, n * n, sizeof *s);
    struct pair *list = rh_alloc(&h->own, n, sizeof *list);
    for (size_t i = 0; i < n; i++) { /* i owns the list */
        size_t m = 0;
        for (size_t j = 0; j < n; j++) {
            double own = x[i * n + i], other = x[j * n + j];
            float similarity = 0;
            if (j != i && x[i * n + j] > 0)
                similarity = (float)(c->of_candidate && c->similarity == CONDITIONAL
                                         ? reference_similarity(c, x[i * n + j], other, own)
                                         : reference_similarity(c, x[i * n + j], own, other));
            if (similarity > 0)
                list[m++] = (struct pair){ similarity, (int32_t)j };
        }
        qsort(list, m, sizeof *list, compare_pairs);
        if (m > (size_t)c->k)
            m = (size_t)c->k;
        double sum = 0;
        for (size_t l = 0; l < m; l++)
            sum += list[l].similarity;
        for (size_t l = 0; l < m; l++) {
            size_t j = (size_t)list[l].item;
            s[c->of_candidate ? j * n + i : i * n + j] = c->normalize ? list[l].similarity / sum : list[l].similarity;
        }
    }
    return s;
}

static void check_against_reference(struct test_host *h, const struct rh_train *train, const struct reference *c)
{
    struct test_model m;
    assert_int_equal(test_fit(h, test_algorithm("itemknn"), c->settings, train, -1, &m), RH_OK);
    size_t n = (size_t)train->domain->n_items;
    double *s = reference_model(h, train, c), *sum = rh_alloc(&h->own, n, sizeof *sum);
    float *out = rh_alloc(&h->own, n, sizeof *out);
    int64_t not_zero = 0;
    for (int32_t q = 0; q < train->n_users + (int32_t)n; q++) {
        int32_t one = q - train->n_users; /* after the users: a history of one item, which lays its list open */
        float like = 2.5f;
        struct rh_query query = one < 0 ? test_query(h, train, q) : test_query_with(h, train, 0, 1, &one, &like);
        assert_int_equal(test_score(h, &m, &query, 1, 1, out, n), RH_OK);
        memset(sum, 0, n * sizeof *sum);
        for (int32_t k = 0; k < query.history->n; k++)
            for (size_t i = 0; i < n; i++)
                sum[i] += s[(size_t)query.history->item[k] * n + i] * (c->weighted ? query.history->value[k] : 1);
        for (size_t i = 0; i < n; i++) {
            not_zero += out[i] != 0;
            if (c->normalize ? fabs(out[i] - sum[i]) > 1e-6 * sum[i] : out[i] != (float)sum[i])
                fail_msg("'%s', query %d, item %zu: %.9g, reference %.9g", c->settings, q, i, (double)out[i], sum[i]);
        }
    }
    assert_true(not_zero > train->n_users);
    test_model_release(&m);
}

static void itemknn_equals_the_reference(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct test_host h;
        test_host_init(&h, 2, 5);
        struct rh_train train = make_train(&h, 143, 91, 23, 29 + c);
        check_against_reference(&h, &train, &cases[c]);
        test_host_release(&h);
    }
}

static void itemknn_equals_the_reference_with_many_items(void **state)
{
    (void)state;
    for (size_t c = 3; c < 5; c++) {
        struct test_host h;
        test_host_init(&h, 2, 5);
        struct rh_train train = make_train(&h, 150, 1187, 211, 31 + c);
        check_against_reference(&h, &train, &cases[c]);
        test_host_release(&h);
    }
}

static void itemknn_refuses_ratings_that_are_not_there(void **state)
{
    (void)state;
    struct test_host h;
    test_host_init(&h, 1, 5);
    struct rh_train train = make_train(&h, 20, 15, 5, 3);
    ((struct rh_domain *)train.domain)->value = NULL;
    struct test_model m;
    assert_int_equal(test_fit(&h, test_algorithm("itemknn"), "similarity = adjusted", &train, -1, &m), RH_EDATA);
    assert_string_equal(h.error.text, "similarity = adjusted needs ratings, but domain 'made' has none");
    test_model_release(&m);
    test_host_release(&h);
}

/* Five users, four items: {0 1}, {0 1}, {0 2}, {1 2 3}, {0}. n = 4 3 2 1; co(0,1) = 2, co(0,2) = co(1,2) = co(1,3) =
 * co(2,3) = 1. History {2, 3}, cosine:
 *   item 0: 1/sqrt(2*4)                       = 0.353553
 *   item 1: 1/sqrt(2*3) + 1/sqrt(1*3)         = 0.408248 + 0.577350 */
static void itemknn_by_hand_and_why(void **state)
{
    (void)state;
    struct test_host h;
    test_host_init(&h, 1, 5);
    const struct test_row rows[] = { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 }, { 2, 0 },
                                     { 2, 2 }, { 3, 1 }, { 3, 2 }, { 3, 3 }, { 4, 0 } };
    struct rh_domain d = test_domain(&h, "hand", 5, 4, rows, 10, 0);
    struct rh_train train = { .n_users = 5, .n_domains = 1, .domain = &d };
    struct test_model m;
    assert_int_equal(test_fit(&h, test_algorithm("itemknn"), NULL, &train, -1, &m), RH_OK);
    const int32_t history[] = { 2, 3 };
    struct rh_query q = test_query_with(&h, &train, 4, 2, history, NULL);
    float out[4], weight[3];
    int32_t why[3];
    assert_int_equal(test_score(&h, &m, &q, 1, 1, out, 4), RH_OK);
    assert_float_equal(out[0], 0.353553, 1e-6);
    assert_float_equal(out[1], 0.985599, 1e-6);
    assert_int_equal(m.algorithm->explain(&h.ctx, m.state, &q, 1, 3, why, weight), 2);
    assert_int_equal(why[0], 3);
    assert_float_equal(weight[0], 0.577350, 1e-6);
    assert_int_equal(why[1], 2);
    assert_float_equal(weight[1], 0.408248, 1e-6);
    assert_int_equal(m.algorithm->explain(&h.ctx, m.state, &q, 1, 1, why, weight), 1);
    assert_int_equal(why[0], 3);
    test_model_release(&m);
    test_host_release(&h);
}

/* The same five users and four items, BM25 by hand. idf(u) = ln(4 / (1 + |u|)) = ln(4/3) for the users of two items, 0
 * for the user of three, ln 2 for the last; the mean length is 10/4, so the damping of an item of n users is
 * 1.2 (0.25 + 0.3 n), that is 1.74, 1.38, 1.02, 0.66 for n = 4, 3, 2, 1. Items 0 and 1 share two users, whose weights
 * are 2.2 / 2.74 idf and 2.2 / 2.38 idf, and the norms add the user of {0 2} and that of {0} to item 0:
 *   s(0, 1) = 2 w0 w1 i^2 / (w0 sqrt(3 i^2 + (ln 2)^2) w1 sqrt(2) i) = sqrt(2) i / sqrt(3 i^2 + (ln 2)^2) = 0.476588
 * with i = ln(4/3) = 0.287682; s(0, 2) = i / sqrt(3 i^2 + (ln 2)^2) = 0.336998, as item 2 has no other weight. */
static void itemknn_weighs_like_words_by_hand(void **state)
{
    (void)state;
    struct test_host h;
    test_host_init(&h, 1, 5);
    const struct test_row rows[] = { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 }, { 2, 0 },
                                     { 2, 2 }, { 3, 1 }, { 3, 2 }, { 3, 3 }, { 4, 0 } };
    struct rh_domain d = test_domain(&h, "hand", 5, 4, rows, 10, 0);
    struct rh_train train = { .n_users = 5, .n_domains = 1, .domain = &d };
    static const char *const settings[] = { "weighting = bm25", "weighting = tfidf",
                                            "weighting = bm25; similarity = jaccard" };
    const int32_t history[] = { 0 };
    for (int c = 0; c < 2; c++) { /* for ones tf-idf differs by a factor of the item, which a cosine takes away */
        struct test_model m;
        assert_int_equal(test_fit(&h, test_algorithm("itemknn"), settings[c], &train, -1, &m), RH_OK);
        struct rh_query q = test_query_with(&h, &train, 4, 1, history, NULL);
        float out[4];
        assert_int_equal(test_score(&h, &m, &q, 1, 1, out, 4), RH_OK);
        assert_float_equal(out[1], 0.476588, 1e-6);
        assert_float_equal(out[2], 0.336998, 1e-6);
        assert_float_equal(out[3], 0, 0);
        test_model_release(&m);
    }
    struct test_model m;
    assert_int_equal(test_fit(&h, test_algorithm("itemknn"), settings[2], &train, -1, &m), RH_EINVAL);
    assert_non_null(strstr(h.error.text, "cosine or asymmetric"));
    test_model_release(&m);
    test_host_release(&h);
}

static void popularity_counts(void **state)
{
    (void)state;
    struct test_host h;
    test_host_init(&h, 1, 5);
    struct rh_train train = make_train(&h, 143, 91, 23, 2);
    struct test_model m;
    assert_int_equal(test_fit(&h, test_algorithm("popularity"), NULL, &train, -1, &m), RH_OK);
    float out[91];
    struct rh_query q = test_query(&h, &train, 3);
    assert_int_equal(test_score(&h, &m, &q, 1, 1, out, 91), RH_OK);
    for (int32_t i = 0; i < 91; i++) {
        int64_t n = 0;
        for (int64_t k = 0; k < train.domain->row[train.n_users]; k++)
            n += train.domain->item[k] == i;
        assert_float_equal(out[i], (float)n, 0);
    }
    test_model_release(&m);
    test_host_release(&h);
}

/* Ages 0, 1, 3 and 10 days and one unknown: a half-life of 2 days makes 1, 2^(-1/2), 2^(-3/2) and 2^-5 of them. */
static void recent_popularity_forgets(void **state)
{
    (void)state;
    static const int64_t day = 86400, now = 1000000000;
    static const struct test_row row[] = {
        { 0, 0, 0, now },           { 1, 0, 0, now - 3 * day }, { 0, 1, 0, now - day },
        { 1, 1, 0, now - 10 * day }, { 2, 1, 0, now - day },    { 0, 2, 0, INT64_MIN },
    };
    static const struct {
        const char *settings;
        double score[4];
    } expected[] = {
        { "half_life = 2", { 1 + M_SQRT1_2 / 2, 2 * M_SQRT1_2 + 0.03125, 0, 0 } },
        { "half_life = 2; window = 3", { 1 + M_SQRT1_2 / 2, 2 * M_SQRT1_2, 0, 0 } },
        { "half_life = 0; window = 2.9", { 1, 2, 0, 0 } },
        { "half_life = 0; window = 0", { 2, 3, 0, 0 } },
    };
    struct test_host h;
    struct test_model m;
    test_host_init(&h, 1, 5);
    struct rh_domain d = test_domain(&h, "made", 3, 4, row, 6, TEST_TIMES);
    struct rh_train train = { .n_users = 3, .n_domains = 1, .domain = &d };
    struct rh_query q = test_query(&h, &train, 1);
    for (size_t k = 0; k < sizeof expected / sizeof *expected; k++) {
        float out[4];
        const struct rh_algorithm *a = test_algorithm("recent_popularity");
        assert_int_equal(test_fit(&h, a, expected[k].settings, &train, -1, &m), RH_OK);
        assert_int_equal(test_score(&h, &m, &q, 1, 1, out, 4), RH_OK);
        for (int i = 0; i < 4; i++)
            assert_float_equal(out[i], expected[k].score[i], 1e-6);
        test_model_release(&m);
    }
    d = test_domain(&h, "made", 3, 4, row + 5, 1, TEST_TIMES);
    assert_int_equal(test_fit(&h, test_algorithm("recent_popularity"), NULL, &train, -1, &m), RH_EDATA);
    assert_string_equal(h.error.text, "no interaction in domain 'made' has a time");
    test_model_release(&m);
    test_host_release(&h);
}

/* Mean 1/2, variance 1/12 (standard errors over 143 x 91 scores: 0.0025 and 0.0007), no order from user to user. */
static void random_is_uniform_and_seeded(void **state)
{
    (void)state;
    float *out[2];
    for (int seed = 0; seed < 2; seed++) {
        struct test_host h;
        test_host_init(&h, 2, 41 + (uint64_t)seed);
        struct rh_train train = make_train(&h, 143, 91, 23, 2);
        struct test_model m;
        assert_int_equal(test_fit(&h, test_algorithm("random"), NULL, &train, -1, &m), RH_OK);
        struct rh_query q[143];
        for (int32_t u = 0; u < 143; u++)
            q[u] = test_query(&h, &train, u);
        out[seed] = malloc(sizeof **out * 143 * 91);
        assert_int_equal(test_score(&h, &m, q, 143, 10, out[seed], 91), RH_OK);
        test_model_release(&m);
        test_host_release(&h);
    }
    double mean = 0, square = 0, seeds = 0, users = 0;
    int n = 143 * 91;
    for (int i = 0; i < n; i++) {
        double x = out[0][i] - 0.5;
        mean += x / n;
        square += x * x / n;
        seeds += x * (out[1][i] - 0.5) / n;
        users += x * (out[0][(i + 91) % n] - 0.5) / n;
    }
    assert_true(fabs(mean) < 0.01);
    assert_true(fabs(square - 1.0 / 12) < 0.003);
    assert_true(fabs(seeds) < 0.003); /* standard error 1 / (12 sqrt n) = 0.0007 */
    assert_true(fabs(users) < 0.003);
    free(out[0]);
    free(out[1]);
}

/* On the made world, whose users have tastes, chance is a half and itemknn well above it. */
static void itemknn_finds_the_tastes_of_the_made_world(void **state)
{
    (void)state;
    struct test_host h;
    test_host_init(&h, 2, 77);
    struct test_world w;
    test_world(&h, &(struct test_world_spec){ .n_users = 300, .n_warm = 300, .n_items = 200, .n_domains = 1,
                                              .n_tastes = 6, .rows = 24, .noise = 0.3, .seed = 12 }, &w);
    const char *const name[] = { "random", "itemknn" };
    double auc[2];
    for (int i = 0; i < 2; i++) {
        struct test_model m;
        assert_int_equal(test_fit(&h, test_algorithm(name[i]), NULL, &w.train, -1, &m), RH_OK);
        auc[i] = test_world_auc(&h, &w, &m, 0, 300);
        test_model_release(&m);
    }
    assert_true(fabs(auc[0] - 0.5) < 0.03);
    assert_true(auc[1] > auc[0] + 0.2);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(itemknn_equals_the_reference),
        cmocka_unit_test(itemknn_equals_the_reference_with_many_items),
        cmocka_unit_test(itemknn_refuses_ratings_that_are_not_there),
        cmocka_unit_test(itemknn_by_hand_and_why),
        cmocka_unit_test(itemknn_weighs_like_words_by_hand),
        cmocka_unit_test(popularity_counts),
        cmocka_unit_test(recent_popularity_forgets),
        cmocka_unit_test(random_is_uniform_and_seeded),
        cmocka_unit_test(itemknn_finds_the_tastes_of_the_made_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
