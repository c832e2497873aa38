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

enum kind { COSINE, JACCARD, ASYMMETRIC, DICE, TVERSKY, LIFT };

struct reference {
    int k;
    double shrinkage;
    enum kind kind;
    bool weighted, of_neighbor, bm25;
    const char *settings; /* the same for the plugin */
};

static const struct reference cases[] = {
    { 50, 0, COSINE, false, false, false, "" },
    { 7, 0, COSINE, false, false, false, "neighbors = 7" },
    { 1, 0, COSINE, false, false, false, "neighbors = 1" },
    { 1000000, 0, COSINE, false, false, false, "neighbors = 1000000" },
    { 15, 12.25, COSINE, false, false, false, "neighbors = 15; shrinkage = 12.25" },
    { 15, 3.5, COSINE, true, false, false, "neighbors = 15; shrinkage = 3.5; weighted = yes" },
    { 9, 0, JACCARD, false, false, false, "neighbors = 9; similarity = jaccard" },
    { 9, 1.75, JACCARD, true, false, false,
      "neighbors = 9; similarity = jaccard; shrinkage = 1.75; weighted = yes" },
    { 9, 2.5, ASYMMETRIC, false, false, false,
      "neighbors = 9; similarity = asymmetric; alpha = 0.75; shrinkage = 2.5" },
    { 9, 2, DICE, false, false, false, "neighbors = 9; similarity = dice; shrinkage = 2" },
    { 9, 1, TVERSKY, false, false, false,
      "neighbors = 9; similarity = tversky; tversky_alpha = 0.25; tversky_beta = 2; shrinkage = 1" },
    { 9, 4, LIFT, false, false, false, "neighbors = 9; similarity = lift; shrinkage = 4" },
    { 9, 0, JACCARD, false, true, false, "neighbors = 9; similarity = jaccard; lists_of = neighbor" },
    { 12, 1, TVERSKY, false, true, false,
      "neighbors = 12; similarity = tversky; tversky_alpha = 0.25; tversky_beta = 2; shrinkage = 1; "
      "lists_of = neighbor" },
    { 11, 2.5, ASYMMETRIC, true, true, false,
      "neighbors = 11; similarity = asymmetric; alpha = 0.75; shrinkage = 2.5; weighted = yes; lists_of = neighbor" },
    { 8, 2, COSINE, false, false, true, "neighbors = 8; shrinkage = 2; weighting = bm25" },
    { 8, 2, COSINE, true, true, true,
      "neighbors = 8; shrinkage = 2; weighting = bm25; weighted = yes; lists_of = neighbor" },
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

/* Dense rows, and what they have in common. */
struct dense {
    double r[USERS + 1][ITEMS]; /* what is compared; the last row is the query's */
    double x[USERS + 1][USERS]; /* products, and the squares x[u][u] */
    double damp[ITEMS];
};

/* BM25 as lib/similarity.h has it, items as documents and users as words. */
static void weigh(struct dense *w, const struct rh_train *train, double *row, bool first)
{
    int n = 0;
    double total = 0;
    for (int i = 0; first && i < ITEMS; i++) {
        w->damp[i] = 0;
        for (int u = 0; u < USERS; u++)
            w->damp[i] += w->r[u][i];
        total += w->damp[i];
    }
    for (int i = 0; first && i < ITEMS; i++)
        w->damp[i] = 1.2 * (0.25 + 0.75 * w->damp[i] * train->domain->n_items / total);
    for (int i = 0; i < ITEMS; i++)
        n += row[i] > 0;
    for (int i = 0; i < ITEMS; i++)
        row[i] = (float)(row[i] * 2.2 / (w->damp[i] + row[i]) * log(ITEMS / (1.0 + n)));
}

static void make_dense(const struct rh_train *train, const struct reference *c, struct dense *w)
{
    const struct rh_domain *d = train->domain;
    bool rated = c->weighted && (c->kind == COSINE || c->kind == ASYMMETRIC);
    memset(w, 0, sizeof *w);
    for (int32_t u = 0; u < USERS; u++)
        for (int64_t k = d->row[u]; k < d->row[u + 1]; k++)
            w->r[u][d->item[k]] = rated ? d->value[k] : 1;
    for (int32_t u = 0; c->bm25 && u < USERS; u++)
        if (u > 0)
            weigh(w, train, w->r[u], false);
        else { /* the lengths of items are those of the rows before */
            double row[ITEMS];
            memcpy(row, w->r[0], sizeof row);
            weigh(w, train, row, true);
            memcpy(w->r[0], row, sizeof row);
        }
    for (int32_t u = 0; u < USERS; u++)
        for (int32_t v = 0; v < USERS; v++)
            for (int i = 0; i < ITEMS; i++)
                w->x[u][v] += w->r[u][i] * w->r[v][i];
}

static float similarity_of(const struct reference *c, double x, double own, double other)
{
    double h = c->shrinkage;
    if (!(x > 0))
        return 0;
    switch (c->kind) {
    case JACCARD: return (float)(x / (own + other - x + h));
    case ASYMMETRIC: return (float)(x / (pow(own, 0.75) * pow(other, 0.25) + h));
    case DICE: return (float)(2 * x / (own + other + h));
    case TVERSKY: return (float)(x / (x + 0.25 * (own - x) + 2 * (other - x) + h));
    case LIFT: return (float)(x / (own * other + h));
    default: return (float)(x / (sqrt(own) * sqrt(other) + h));
    }
}

/* Is the query among the k most similar to v? */
static bool in_list_of(const struct reference *c, const struct dense *w, int32_t v, int32_t self, float similarity)
{
    int before = 0;
    for (int32_t u = 0; u < USERS; u++) {
        float s = similarity_of(c, w->x[v][u], w->x[v][v], w->x[u][u]);
        before += u != v && u != self && (s > similarity || (s == similarity && u < self));
    }
    return before < c->k;
}

static void reference_scores(const struct rh_train *train, const struct reference *c, struct dense *w,
                             const struct rh_query *q, double *score)
{
    const struct rh_domain *d = train->domain;
    const struct rh_history *h = q->history;
    bool rated = c->weighted && (c->kind == COSINE || c->kind == ASYMMETRIC);
    double *mine = w->r[USERS], square = 0;
    struct pair near[USERS];
    int n = 0;
    memset(mine, 0, sizeof w->r[USERS]);
    for (int32_t m = 0; m < h->n; m++)
        mine[h->item[m]] = rated ? h->value[m] : 1;
    if (c->bm25)
        weigh(w, train, mine, false);
    for (int i = 0; i < ITEMS; i++)
        square += mine[i] * mine[i];
    for (int32_t v = 0; v < USERS; v++) {
        double x = 0, theirs = w->x[v][v];
        for (int i = 0; i < ITEMS; i++)
            x += mine[i] * w->r[v][i];
        float s = c->of_neighbor ? similarity_of(c, x, theirs, square) : similarity_of(c, x, square, theirs);
        if (s > 0 && v != q->user && (!c->of_neighbor || in_list_of(c, w, v, q->user, s)))
            near[n++] = (struct pair){ s, v };
    }
    qsort(near, (size_t)n, sizeof *near, compare_pairs);
    n = n < c->k || c->of_neighbor ? n : c->k;
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
        static struct dense dense;
        make_dense(&train, &cases[c], &dense);
        for (int32_t u = 0; u <= USERS; u++) {
            double score[ITEMS];
            reference_scores(&train, &cases[c], &dense, &query[u], score);
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
