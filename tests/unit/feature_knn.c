/* itemknn_cbf and cfcbf against a plain reference: one dense matrix, formulas as they are written, full sorts. */
#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define USERS 47
#define ITEMS 29
#define WORDS 11
#define SIZES 3
#define COLD 4 /* the last items, which nobody has */
#define ROWS (USERS + WORDS + SIZES)

struct world {
    struct test_host h;
    struct rh_domain d;
    struct rh_train train;
    struct rh_features block[2]; /* "word": sparse counts, "size": dense */
    float size[ITEMS * SIZES];
    double m[ROWS][ITEMS]; /* users, words, sizes */
    double rating[USERS][ITEMS];
};

static void make(struct world *w, int threads)
{
    static struct test_row row[USERS * ITEMS];
    static struct test_cell cell[ITEMS * WORDS];
    struct rh_rng r = rh_stream(17, "rows", "feature_knn", 0);
    int64_t n = 0, n_cells = 0;
    memset(w, 0, sizeof *w);
    test_host_init(&w->h, threads, 5);
    for (int32_t u = 0; u < USERS; u++)
        for (int32_t i = 0; i < ITEMS - COLD; i++)
            if (u % 13 != 5 && rh_rng_below(&r, 3) == 0) {
                w->rating[u][i] = 1 + rh_rng_below(&r, 5);
                row[n++] = (struct test_row){ u, i, (float)w->rating[u][i], 0 };
                w->m[u][i] = 1;
            }
    for (int32_t i = 0; i < ITEMS; i++)
        for (int32_t c = 0; c < WORDS; c++)
            if (i % 9 != 4 && rh_rng_below(&r, 4) == 0) {
                w->m[USERS + c][i] = 1 + rh_rng_below(&r, 3);
                cell[n_cells++] = (struct test_cell){ i, c, (float)w->m[USERS + c][i] };
            }
    for (int32_t i = 0; i < ITEMS; i++)
        for (int32_t c = 0; c < SIZES; c++)
            if (rh_rng_below(&r, 2)) {
                w->size[i * SIZES + c] = (float)rh_rng_uniform(&r);
                w->m[USERS + WORDS + c][i] = w->size[i * SIZES + c];
            }
    w->block[0] = test_sparse(&w->h, "word", ITEMS, WORDS, cell, n_cells, true);
    w->block[1] = (struct rh_features){ .name = "size", .n_rows = ITEMS, .n_cols = SIZES, .dense = w->size };
    w->d = test_domain(&w->h, "made", USERS, ITEMS, row, n, TEST_VALUES);
    w->d.item_features = w->block;
    w->train = (struct rh_train){ .n_users = USERS, .n_domains = 1, .domain = &w->d, .n_item_blocks = 2 };
}

/* ------------------------------------------------------------------------------------------------ the reference */

struct reference {
    const char *algorithm, *settings; /* what the plugin is told */
    bool hybrid, sized;               /* the block "size" is in use */
    const char *similarity;
    double shrink, icm;
    char weighting; /* 0, b: bm25, t: tfidf */
    int k;
    bool of_history, normalize, weighted;
};

static const struct reference cases[] = {
    { "itemknn_cbf", "", false, true, "cosine", 0, 1, 0, 100, false, false, false },
    { "itemknn_cbf", "weighting = bm25; blocks = word; neighbors = 6; shrinkage = 0.3", false, false, "cosine", 0.3,
      1, 'b', 6, false, false, false },
    { "itemknn_cbf", "weighting = tfidf; normalize = yes; neighbors = 9; lists_of = history", false, true, "cosine", 0,
      1, 't', 9, true, true, false },
    { "itemknn_cbf", "similarity = inner; neighbors = 7; shrinkage = 2", false, true, "inner", 2, 1, 0, 7, false,
      false, false },
    { "itemknn_cbf", "similarity = dice; weighted = yes; shrinkage = 0.7", false, true, "dice", 0.7, 1, 0, 100, false,
      false, true },
    { "cfcbf", "", true, true, "cosine", 0, 1, 0, 100, false, false, false },
    { "cfcbf", "icm_weight = 0.3; weighting = bm25; neighbors = 8; shrinkage = 1.5", true, true, "cosine", 1.5, 0.3,
      'b', 8, false, false, false },
    { "cfcbf", "icm_weight = 2; weighting = tfidf; blocks = word", true, false, "cosine", 0, 2, 't', 100, false,
      false, false },
    { "cfcbf", "weighted = yes; icm_weight = 4; normalize = yes", true, true, "cosine", 0, 4, 0, 100, false, true,
      true },
    { "cfcbf", "similarity = jaccard; shrinkage = 0.6; icm_weight = 7", true, true, "jaccard", 0.6, 7, 0, 100, false,
      false, false },
};

/* The matrix of a case, weighed; rows that are not in use are 0. */
static void weigh(const struct world *w, const struct reference *c, double m[ROWS][ITEMS])
{
    double length[ITEMS] = { 0 }, mean = 0;
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < ITEMS; i++) {
            bool in_use = r < USERS ? c->hybrid : r < USERS + WORDS || c->sized;
            m[r][i] = in_use ? r < USERS ? c->weighted ? w->rating[r][i] : w->m[r][i] : w->m[r][i] * c->icm : 0;
            length[i] += m[r][i];
        }
    for (int i = 0; i < ITEMS; i++)
        mean += length[i] / ITEMS;
    for (int r = 0; r < ROWS && c->weighting; r++) {
        int df = 0;
        for (int i = 0; i < ITEMS; i++)
            df += m[r][i] != 0;
        for (int i = 0; i < ITEMS; i++) {
            double idf = log(ITEMS / (1.0 + df)), x = m[r][i];
            m[r][i] = c->weighting == 't' ? sqrt(x) * idf
                                          : x * 2.2 / (1.2 * (0.25 + 0.75 * length[i] / mean) + x) * idf;
        }
    }
}

static double similarity(double m[ROWS][ITEMS], const struct reference *c, int i, int j)
{
    double x = 0, a = 0, b = 0, common = 0, of_i = 0, of_j = 0;
    for (int r = 0; r < ROWS; r++) {
        x += m[r][i] * m[r][j];
        a += m[r][i] * m[r][i];
        b += m[r][j] * m[r][j];
        common += m[r][i] != 0 && m[r][j] != 0;
        of_i += m[r][i] != 0;
        of_j += m[r][j] != 0;
    }
    double s = !strcmp(c->similarity, "cosine") ? x / (sqrt(a * b) + c->shrink)
             : !strcmp(c->similarity, "inner")  ? x / (1 + c->shrink)
             : !strcmp(c->similarity, "dice")   ? 2 * common / (of_i + of_j + c->shrink)
                                                : common / (of_i + of_j - common + c->shrink);
    return i != j && s > 0 ? s : 0; /* not for 0 / 0 */
}

/* s[i][j] of owner i: its k largest stay. */
static void similarities(const struct world *w, const struct reference *c, double s[ITEMS][ITEMS])
{
    static double m[ROWS][ITEMS];
    weigh(w, c, m);
    for (int i = 0; i < ITEMS; i++) {
        double all[ITEMS], sum = 0;
        for (int j = 0; j < ITEMS; j++)
            all[j] = similarity(m, c, i, j);
        for (int j = 0; j < ITEMS; j++) {
            int before = 0;
            for (int l = 0; l < ITEMS; l++)
                before += all[l] > all[j] * (1 + 1e-9) || (fabs(all[l] - all[j]) <= 1e-9 * all[j] && l < j);
            s[i][j] = before < c->k ? all[j] : 0;
            sum += s[i][j];
        }
        for (int j = 0; j < ITEMS && c->normalize && sum > 0; j++)
            s[i][j] /= sum;
    }
}

static void neighbourhoods_are_those_of_the_reference(void **state)
{
    (void)state;
    static struct world w;
    static double s[ITEMS][ITEMS];
    static float out[USERS * ITEMS];
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const struct reference *c = &cases[k];
        struct test_model m;
        struct rh_query query[USERS];
        make(&w, 1 + (int)k % 2);
        assert_int_equal(test_fit(&w.h, test_algorithm(c->algorithm), c->settings, &w.train, -1, &m), RH_OK);
        for (int32_t u = 0; u < USERS; u++)
            query[u] = test_query(&w.h, &w.train, u);
        assert_int_equal(test_score(&w.h, &m, query, USERS, 5, out, ITEMS), RH_OK);
        similarities(&w, c, s);
        double cold = 0;
        for (int u = 0; u < USERS; u++)
            for (int i = 0; i < ITEMS; i++) {
                double score = 0;
                for (int j = 0; j < ITEMS; j++)
                    if (w.m[u][j] != 0)
                        score += (c->weighted ? w.rating[u][j] : 1) * (c->of_history ? s[j][i] : s[i][j]);
                if (!(fabs(out[u * ITEMS + i] - score) <= 3e-6 * (1 + fabs(score))))
                    fail_msg("case %zu, user %d, item %d: %.9g, expected %.9g", k, u, i, out[u * ITEMS + i], score);
                cold += i >= ITEMS - COLD ? score : 0;
            }
        assert_true(cold > 0); /* nobody has them, and yet they are ranked */
        test_model_release(&m);
        test_host_release(&w.h);
    }
}

/* What explains a score adds up to it, largest first. */
static void reasons_add_up(void **state)
{
    (void)state;
    static struct world w;
    static const char *const names[] = { "itemknn_cbf", "cfcbf" };
    make(&w, 1);
    for (int k = 0; k < 2; k++) {
        struct test_model m;
        float out[ITEMS], weight[ITEMS];
        int32_t why[ITEMS];
        assert_int_equal(test_fit(&w.h, test_algorithm(names[k]), "weighted = yes", &w.train, -1, &m), RH_OK);
        struct rh_query q = test_query(&w.h, &w.train, 2);
        assert_int_equal(test_score(&w.h, &m, &q, 1, 1, out, ITEMS), RH_OK);
        for (int32_t i = 0; i < ITEMS; i++) {
            int n = m.algorithm->explain(&w.h.ctx, m.state, &q, i, ITEMS, why, weight);
            double sum = 0;
            for (int p = 0; p < n; p++)
                sum += weight[p];
            assert_float_equal(sum, out[i], 1e-4);
        }
        test_model_release(&m);
    }
    test_host_release(&w.h);
}

static void refuses(struct world *w, const char *settings, int status, const char *text)
{
    struct test_model m;
    w->h.error = (struct rh_error){ 0 };
    assert_int_equal(test_fit(&w->h, test_algorithm("cfcbf"), settings, &w->train, -1, &m), status);
    assert_non_null(strstr(w->h.error.text, text));
    test_model_release(&m);
}

static void bad_settings_are_refused_with_a_sentence(void **state)
{
    (void)state;
    static struct world w;
    make(&w, 1);
    refuses(&w, "similarity = dice; weighting = bm25", RH_EINVAL, "weighting needs similarity = cosine, asymmetric");
    refuses(&w, "blocks = colour", RH_EINVAL, "has no item features 'colour'; it has: word, size");
    w.size[3] = -1;
    refuses(&w, "weighting = tfidf", RH_EINVAL, "features have negative values, which are no counts of words");
    w.d.value = NULL;
    refuses(&w, "weighted = yes", RH_EDATA, "weighted = yes needs ratings, but domain 'made' has none");
    w.train.n_item_blocks = 0;
    refuses(&w, "", RH_EDATA, "no item features");
    test_host_release(&w.h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbourhoods_are_those_of_the_reference),
        cmocka_unit_test(reasons_add_up),
        cmocka_unit_test(bad_settings_are_refused_with_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
