/* Algorithms on interactions and features together: their parts against plain loops, and items nobody has seen. */
#include "algorithms/lib/ridge.h"
#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_near(double x, double expected, double tolerance)
{
    if (!(fabs(x - expected) <= tolerance))
        fail_msg("%.9g, expected %.9g within %g", x, expected, tolerance);
}

/* Solves a[n x n] x = b[n] in place by elimination; a is positive definite, so no pivots are needed. */
static void eliminate(int n, double *a, double *b)
{
    for (int k = 0; k < n; k++)
        for (int i = k + 1; i < n; i++) {
            double c = a[i * n + k] / a[k * n + k];
            for (int j = k; j < n; j++)
                a[i * n + j] -= c * a[k * n + j];
            b[i] -= c * b[k];
        }
    for (int k = n - 1; k >= 0; k--) {
        for (int j = k + 1; j < n; j++)
            b[k] -= a[k * n + j] * b[j];
        b[k] /= a[k * n + k];
    }
}

/* ------------------------------------------------------------------------------------------------- features */

enum { ITEMS = 4, GENRES = 3, SIZES = 2 };
static const struct test_cell genre_cell[] = { { 0, 0, 3 }, { 0, 2, 4 }, { 1, 2, 2 }, { 3, 1, 5 } };
static const float sizes[ITEMS * SIZES] = { 6, 8, 0, 2, 0, 0, 1, 0 };

/* Items with a sparse block and a dense one; `blocks` has room for three, the third without data. */
static struct rh_train small_train(struct test_host *h, struct rh_domain *d, struct rh_features *blocks)
{
    static const struct test_row row[] = { { 0, 0, 1, 0 }, { 0, 1, 1, 0 }, { 0, 3, 1, 0 } };
    blocks[0] = test_sparse(h, "genre", ITEMS, GENRES, genre_cell, 4, true);
    blocks[1] = (struct rh_features){ .name = "size", .n_rows = ITEMS, .n_cols = SIZES, .dense = sizes };
    blocks[2] = (struct rh_features){ .name = "empty", .n_rows = ITEMS, .n_cols = 7 };
    *d = test_domain(h, "films", 1, ITEMS, row, 3, 0);
    d->item_features = blocks;
    return (struct rh_train){ .n_users = 1, .n_domains = 1, .domain = d, .n_item_blocks = 3 };
}

static void blocks_stand_side_by_side(void **state)
{
    (void)state;
    struct test_host h;
    struct rh_domain d;
    struct rh_features blocks[3];
    struct rh_item_features f;
    test_host_init(&h, 1, 1);
    struct rh_train train = small_train(&h, &d, blocks);
    struct rh_item_features_params p = { .blocks = "all", .balance = true };
    assert_int_equal(rh_item_features(&h.ctx, &p, &train, h.table.alloc, &f), RH_OK);
    assert_int_equal(f.n_cols, 3 + 2 + 1);
    /* item 0: (3, 4) / 5 and (6, 8) / 10, then 1; item 1: one of each; item 2: nothing but 1 */
    const int32_t col[] = { 0, 2, 3, 4, 5, 2, 4, 5, 5, 1, 3, 5 };
    const double val[] = { 0.6, 0.8, 0.6, 0.8, 1, 1, 1, 1, 1, 1, 1, 1 };
    const int64_t row[] = { 0, 5, 8, 9, 12 };
    for (int i = 0; i <= ITEMS; i++)
        assert_int_equal(f.row[i], row[i]);
    for (int k = 0; k < 12; k++) {
        assert_int_equal(f.col[k], col[k]);
        assert_near(f.val[k], val[k], 1e-6);
    }
    /* rare columns weigh more: 1 + ln(5 / 2) for one item of four, 1 + ln(5 / 3) for two */
    p = (struct rh_item_features_params){ .blocks = "genre", .idf = true };
    assert_int_equal(rh_item_features(&h.ctx, &p, &train, h.table.alloc, &f), RH_OK);
    assert_int_equal(f.n_cols, 3 + 1);
    assert_near(f.val[0], 3 * (1 + log(5.0 / 2)), 1e-5);
    assert_near(f.val[1], 4 * (1 + log(5.0 / 3)), 1e-5);
    p.blocks = "genre, colour";
    assert_int_equal(rh_item_features(&h.ctx, &p, &train, h.table.alloc, &f), RH_EINVAL);
    assert_string_equal(h.error.text, "blocks = genre, colour: domain 'films' has no item features 'colour'; it has: "
                                      "genre, size");
    test_host_release(&h);
}

/* ------------------------------------------------------------------------------------------------- the ridge */

static void the_ridge_solves_its_normal_equations(void **state)
{
    (void)state;
    enum { N = 700, COLS = 30, WIDTH = 16, FACTORS = 5 };
    static float y[N * WIDTH], val[N * COLS], w[2][COLS * WIDTH];
    static int32_t col[N * COLS];
    static int64_t row[N + 1], rows[N + 1];
    static double a[COLS * COLS], b[COLS];
    const double reg = 2.5;
    struct rh_rng r = rh_stream(7, "ridge", "", 0);
    int64_t at = 0;
    for (int i = 0; i < N; i++) {
        for (int c = 0; c < COLS; c++)
            if (rh_rng_below(&r, 4) == 0) {
                col[at] = c;
                val[at++] = (float)rh_rng_normal(&r);
            }
        row[i + 1] = at;
        rows[i + 1] = rows[i] + (i % 3 > 0); /* every third item is not in use */
        for (int k = 0; k < FACTORS; k++)
            y[i * WIDTH + k] = (float)rh_rng_normal(&r);
    }
    const struct rh_item_features f = { .n_items = N, .n_cols = COLS, .row = row, .col = col, .val = val };
    const struct rh_ridge ridge = { .f = &f, .item_rows = rows, .y = y, .reg = reg, .width = WIDTH, .steps = 100 };
    for (int threads = 1; threads <= 2; threads++) {
        struct test_host h;
        test_host_init(&h, threads, 1);
        assert_int_equal(rh_ridge(&h.ctx, &ridge, w[threads - 1]), RH_OK);
        test_host_release(&h);
    }
    assert_memory_equal(w[0], w[1], sizeof w[0]);
    for (int k = 0; k < WIDTH; k++) { /* dense, in double */
        memset(a, 0, sizeof a);
        memset(b, 0, sizeof b);
        for (int i = 0; i < N; i++)
            for (int64_t m = row[i]; i % 3 > 0 && m < row[i + 1]; m++) {
                b[col[m]] += (double)val[m] * y[i * WIDTH + k];
                for (int64_t n = row[i]; n < row[i + 1]; n++)
                    a[col[m] * COLS + col[n]] += (double)val[m] * val[n];
            }
        for (int c = 0; c < COLS; c++)
            a[c * COLS + c] += reg;
        eliminate(COLS, a, b);
        for (int c = 0; c < COLS; c++)
            assert_near(w[0][c * WIDTH + k], b[c], 1e-5);
    }
}

/* ---------------------------------------------------------------------------------------------- unseen items */

enum { COLD_STEP = 5 }; /* every fifth item of the target has no train row */

/* The world's target without its cold items. */
static struct rh_train without_cold(struct test_host *h, const struct test_world *w, struct rh_domain *d)
{
    struct rh_train train = w->train;
    *d = w->train.domain[0];
    int64_t *row = rh_alloc(&h->own, (size_t)train.n_users + 1, sizeof *row), at = 0;
    int32_t *item = rh_alloc(&h->own, (size_t)d->row[train.n_users], sizeof *item);
    for (int32_t u = 0; u < train.n_users; u++) {
        for (int64_t k = d->row[u]; k < d->row[u + 1]; k++)
            if (d->item[k] % COLD_STEP != 0)
                item[at++] = d->item[k];
        row[u + 1] = at;
    }
    d->row = row;
    d->item = item;
    d->value = NULL;
    d->time = NULL;
    train.domain = d;
    return train;
}

/* Mean AUC of the rows with cold items against all other cold items. */
static double cold_item_auc(struct test_host *h, const struct test_world *w, const char *name, const char *settings)
{
    struct rh_domain d;
    struct test_model m;
    struct rh_train train = without_cold(h, w, &d);
    int32_t candidate[200], n = 0, users = 0;
    float score[200];
    double sum = 0;
    for (int32_t i = 0; i < d.n_items; i += COLD_STEP)
        candidate[n++] = i;
    if (test_fit(h, test_algorithm(name), settings, &train, -1, &m) < 0)
        fail_msg("%s", h->error.text);
    for (int32_t u = 0; u < train.n_users; u++) {
        struct rh_query q = test_query(h, &train, u);
        bool wanted[200] = { false };
        const struct rh_domain *all = &w->train.domain[0];
        for (int64_t k = all->row[u]; k < all->row[u + 1]; k++)
            wanted[all->item[k]] = true;
        for (int32_t k = 0; k < w->n_relevant[u]; k++)
            wanted[w->relevant[u][k]] = true;
        q.candidate = candidate;
        q.n_candidates = n;
        assert_int_equal(test_score(h, &m, &q, 1, 1, score, (size_t)n), RH_OK);
        double better = 0, pairs = 0;
        for (int32_t a = 0; a < n; a++)
            for (int32_t b = 0; b < n; b++)
                if (wanted[candidate[a]] && !wanted[candidate[b]]) {
                    pairs++;
                    better += score[a] > score[b] ? 1 : score[a] == score[b] ? 0.5 : 0;
                }
        sum += pairs > 0 ? better / pairs : 0;
        users += pairs > 0;
    }
    test_model_release(&m);
    return sum / users;
}

static const struct test_world_spec cold_world = { .n_users = 200,
                                                   .n_warm = 200,
                                                   .n_items = 150,
                                                   .n_domains = 1,
                                                   .n_tastes = 6,
                                                   .rows = 25,
                                                   .noise = 0.1,
                                                   .seed = 3 };

static void unseen_items_are_found_by_their_features(void **state)
{
    (void)state;
    struct test_host h;
    struct test_world w;
    test_host_init(&h, 2, 11);
    test_world(&h, &cold_world, &w);
    assert_near(cold_item_auc(&h, &w, "popularity", NULL), 0.5, 1e-9); /* no row, no popularity */
    assert_near(cold_item_auc(&h, &w, "random", NULL), 0.5, 0.05);
    assert_near(cold_item_auc(&h, &w, "ials", "factors = 8"), 0.5, 0.01);
    static const char *const settings[] = { "factors = 8", "factors = 8; blocks = genre",
                                            "factors = 8; solver = cg; idf = no" };
    for (size_t k = 0; k < sizeof settings / sizeof *settings; k++) {
        double auc = cold_item_auc(&h, &w, "attribute_map", settings[k]);
        print_message("# attribute_map, %s: %.4f\n", settings[k], auc);
        assert_true(auc > 0.75);
    }
    double of_each = cold_item_auc(&h, &w, "feature_ridge", NULL);
    print_message("# feature_ridge: %.4f\n", of_each);
    assert_true(of_each > 0.75);
    static const char *const others[][2] = { { "itemknn_cbf", "neighbors = 20" }, { "cfcbf", "icm_weight = 10" },
                                             { "bm25", NULL }, { "lightfm", "factors = 8" } };
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
        double auc = cold_item_auc(&h, &w, others[k][0], others[k][1]);
        print_message("# %s: %.4f\n", others[k][0], auc);
        assert_true(auc > 0.75);
    }
    test_host_release(&h);
}

/* Scores of feature_ridge are f(i).w with the w of the dense normal equations, whether a history has fewer items than
 * there are columns (users 0 and 1) or more (user 2). */
static void a_user_is_solved_for_as_by_dense_equations(void **state)
{
    (void)state;
    enum { N = 40, GENRE = 9, COLS = GENRE + 1 };
    static const int length[] = { 1, 6, 25 };
    const double a0 = 0.3, reg = 0.8;
    struct test_host h;
    struct test_cell cell[N * GENRE];
    struct test_row row[N];
    double f[N][COLS] = { 0 }, parts[N];
    int64_t cells = 0, rows = 0;
    test_host_init(&h, 1, 1);
    struct rh_rng r = rh_stream(9, "dense", "", 0);
    for (int i = 0; i < N; i++) {
        f[i][GENRE] = 1;
        for (int c = 0; c < GENRE; c++)
            if (rh_rng_below(&r, 3) == 0) {
                float x = (float)rh_rng_normal(&r);
                cell[cells++] = (struct test_cell){ i, c, x };
                f[i][c] = x;
            }
    }
    for (int u = 0; u < 3; u++)
        for (int k = 0; k < length[u]; k++)
            row[rows++] = (struct test_row){ u, (7 * u + k) % N, 1, 0 };
    struct rh_features genre = test_sparse(&h, "genre", N, GENRE, cell, cells, true);
    struct rh_domain d = test_domain(&h, "films", 3, N, row, rows, 0);
    d.item_features = &genre;
    struct rh_train train = { .n_users = 3, .n_domains = 1, .domain = &d, .n_item_blocks = 1 };
    struct test_model m;
    assert_int_equal(test_fit(&h, test_algorithm("feature_ridge"),
                              "balance = no; idf = no; unobserved = 0.3; reg = 0.8", &train, -1, &m), RH_OK);
    for (int u = 0; u < 3; u++) {
        double a[COLS * COLS] = { 0 }, b[COLS] = { 0 };
        float score[N], weight[N];
        int32_t why[N];
        bool mine[N] = { false };
        for (int k = 0; k < length[u]; k++)
            mine[(7 * u + k) % N] = true;
        for (int i = 0; i < N; i++)
            for (int c = 0; c < COLS; c++) {
                b[c] += mine[i] ? f[i][c] : 0;
                for (int e = 0; e < COLS; e++)
                    a[c * COLS + e] += (mine[i] ? 1 : a0) * f[i][c] * f[i][e];
            }
        for (int c = 0; c < COLS; c++)
            a[c * COLS + c] += reg;
        eliminate(COLS, a, b);
        struct rh_query q = test_query(&h, &train, u);
        assert_int_equal(test_score(&h, &m, &q, 1, 1, score, N), RH_OK);
        for (int i = 0; i < N; i++) {
            double expected = 0;
            for (int c = 0; c < COLS; c++)
                expected += f[i][c] * b[c];
            assert_near(score[i], expected, 1e-5);
            parts[i] = mine[i] ? 0 : expected;
        }
        for (int i = 0; i < N; i++) { /* what explains a score adds up to it */
            if (mine[i])
                continue;
            int n = m.algorithm->explain(&h.ctx, m.state, &q, i, N, why, weight);
            assert_int_equal(n, length[u]);
            for (int k = 0; k < n; k++)
                parts[i] -= weight[k];
            assert_near(parts[i], 0, 1e-5);
        }
    }
    test_model_release(&m);
    test_host_release(&h);
}

/* Where every item has rows, nothing is mapped: attribute_map is ials but for the random numbers it begins with. */
static void items_with_rows_keep_their_vectors(void **state)
{
    (void)state;
    struct test_host h;
    struct test_world w;
    struct test_model m;
    double auc[2];
    static const char *const name[] = { "ials", "attribute_map" };
    test_host_init(&h, 2, 11);
    test_world(&h, &cold_world, &w);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(test_fit(&h, test_algorithm(name[k]), "factors = 8", &w.train, -1, &m), RH_OK);
        auc[k] = test_world_auc(&h, &w, &m, 0, w.n_queries);
        test_model_release(&m);
    }
    assert_near(auc[1], auc[0], 0.01);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_stand_side_by_side),
        cmocka_unit_test(the_ridge_solves_its_normal_equations),
        cmocka_unit_test(unseen_items_are_found_by_their_features),
        cmocka_unit_test(a_user_is_solved_for_as_by_dense_equations),
        cmocka_unit_test(items_with_rows_keep_their_vectors),
    };
    return cmocka_run_group_tests_name("hybrid", tests, NULL, NULL);
}
