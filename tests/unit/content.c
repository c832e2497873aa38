/* content against dense vectors, and what it is for: cold users, cold items, columns shared between domains. */
#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define USERS 37
#define ITEMS 53      /* of the target; the source has 10 more */
#define GENRES 7
#define WORDS 90
#define COLUMNS (GENRES + WORDS)

struct reference {
    bool genres, words, sources, balance, weighted;
    const char *settings; /* the same for the plugin */
};

static const struct reference cases[] = {
    { true, true, true, true, false, "" },
    { true, true, true, false, false, "balance = no" },
    { true, true, false, true, false, "use_sources = no" },
    { false, true, true, true, true, "blocks = word; weighted = yes" },
    { true, false, true, false, false, "blocks = genre; balance = no" },
    { true, true, true, true, true, "blocks = word, genre; weighted = yes" },
};

struct made {
    struct rh_domain domain[2];
    struct rh_features block[2][3]; /* genre, picture (dense), word */
    struct rh_train train;
};

static void make(struct test_host *h, struct made *w)
{
    struct rh_rng r = rh_stream(23, "made", "", 0);
    *w = (struct made){ .train = { .n_users = USERS, .n_domains = 2, .n_item_blocks = 3 } };
    for (int d = 0; d < 2; d++) {
        int32_t n_items = ITEMS + 10 * d;
        static struct test_row row[USERS * (ITEMS + 10)];
        static struct test_cell genre[(ITEMS + 10) * GENRES], word[(ITEMS + 10) * WORDS];
        float *picture = rh_alloc(&h->own, (size_t)n_items * 2, sizeof *picture);
        int64_t n = 0, n_genre = 0, n_word = 0;
        for (int32_t u = 0; u < USERS; u++)
            for (int32_t i = 0; i < n_items - 5; i++) /* the last five are cold; some users know one domain only */
                if (u % 7 != 3 + d && rh_rng_below(&r, 6) == 0)
                    row[n++] = (struct test_row){ u, i, 1 + (float)rh_rng_below(&r, 9) / 2, 0 };
        for (int32_t i = 0; i < n_items; i++) {
            for (int32_t c = 0; c < GENRES; c++)
                if (rh_rng_below(&r, 4) == 0 && i != 17)
                    genre[n_genre++] = (struct test_cell){ i, c, 1 };
            for (int32_t c = 0; c < WORDS; c++)
                if (rh_rng_below(&r, (uint32_t)(4 + c)) == 0 && i != 17)
                    word[n_word++] = (struct test_cell){ i, c, (float)(1 + rh_rng_below(&r, 3)) };
            picture[2 * i] = picture[2 * i + 1] = 0.25f;
        }
        w->domain[d] = test_domain(h, d ? "source" : "target", USERS, n_items, row, n, TEST_VALUES);
        w->block[d][0] = test_sparse(h, "genre", n_items, GENRES, genre, n_genre, false);
        w->block[d][1] = (struct rh_features){ .name = "picture", .n_rows = n_items, .n_cols = 2, .dense = picture };
        w->block[d][2] = test_sparse(h, "word", n_items, WORDS, word, n_word, true);
        w->domain[d].item_features = w->block[d];
    }
    w->train.domain = w->domain;
}

static void scale(double *x, int n)
{
    double square = 0;
    for (int c = 0; c < n; c++)
        square += x[c] * x[c];
    for (int c = 0; c < n && square > 0; c++)
        x[c] /= sqrt(square);
}

/* Dense vectors [items x COLUMNS] of both domains. */
static void reference_vectors(const struct made *w, const struct reference *c, double *const vector[2])
{
    double count[COLUMNS] = { 0 };
    int n_items = ITEMS + (c->sources ? ITEMS + 10 : 0);
    for (int d = 0; d < 1 + c->sources; d++)
        for (int32_t i = 0; i < w->domain[d].n_items; i++)
            for (int f = 0; f < 3; f += 2) {
                const struct rh_features *x = &w->block[d][f];
                for (int64_t k = x->row[i]; (f ? c->words : c->genres) && k < x->row[i + 1]; k++) {
                    int column = (f ? GENRES : 0) + x->col[k];
                    vector[d][i * COLUMNS + column] = x->val ? x->val[k] : 1;
                    count[column]++;
                }
            }
    for (int d = 0; d < 1 + c->sources; d++)
        for (int32_t i = 0; i < w->domain[d].n_items; i++) {
            double *x = vector[d] + i * COLUMNS;
            for (int column = 0; column < COLUMNS; column++)
                x[column] *= 1 + log((1.0 + n_items) / (1 + count[column]));
            if (c->balance) {
                scale(x, GENRES);
                scale(x + GENRES, WORDS);
            }
            scale(x, COLUMNS);
        }
}

static void content_equals_the_reference(void **state)
{
    (void)state;
    struct test_host h;
    test_host_init(&h, 2, 5);
    static struct made w;
    make(&h, &w);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        static double target[ITEMS * COLUMNS], source[(ITEMS + 10) * COLUMNS];
        double *const vector[2] = { target, source };
        memset(target, 0, sizeof target);
        memset(source, 0, sizeof source);
        reference_vectors(&w, &cases[c], vector);
        struct test_model m;
        assert_int_equal(test_fit(&h, test_algorithm("content"), cases[c].settings, &w.train, -1, &m), RH_OK);
        struct rh_query query[USERS];
        static float out[USERS * ITEMS];
        for (int32_t u = 0; u < USERS; u++)
            query[u] = test_query(&h, &w.train, u);
        assert_int_equal(test_score(&h, &m, query, USERS, 11, out, ITEMS), RH_OK);
        int not_zero = 0;
        for (int32_t u = 0; u < USERS; u++) {
            double profile[COLUMNS] = { 0 };
            for (int d = 0; d < 1 + cases[c].sources; d++)
                for (int64_t k = w.domain[d].row[u]; k < w.domain[d].row[u + 1]; k++)
                    for (int column = 0; column < COLUMNS; column++)
                        profile[column] += vector[d][w.domain[d].item[k] * COLUMNS + column] *
                                           (cases[c].weighted ? (double)w.domain[d].value[k] : 1);
            scale(profile, COLUMNS);
            for (int32_t i = 0; i < ITEMS; i++) {
                double cosine = 0;
                for (int column = 0; column < COLUMNS; column++)
                    cosine += profile[column] * target[i * COLUMNS + column];
                not_zero += out[u * ITEMS + i] != 0;
                if (fabs(out[u * ITEMS + i] - cosine) > 1e-6)
                    fail_msg("'%s', user %d, item %d: %.9g, reference %.9g", cases[c].settings, u, i,
                             (double)out[u * ITEMS + i], cosine);
                if (i == 17) /* has no features */
                    assert_float_equal(out[u * ITEMS + i], 0, 0);
            }
        }
        assert_true(not_zero > USERS * ITEMS / 2);
        test_model_release(&m);
    }
    test_host_release(&h);
}

static void content_explains_wrong_blocks(void **state)
{
    (void)state;
    static struct made w;
    static const struct {
        const char *settings, *text;
    } wrong[] = {
        { "blocks = genre tilte",
          "blocks = genre tilte: domain 'target' has no sparse item features 'tilte'; it has: genre, word" },
        { "blocks = picture",
          "blocks = picture: domain 'target' has no sparse item features 'picture'; it has: genre, word" },
        { "blocks = ,", "no sparse item features (genres, categories, words) in domain 'target'" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct test_host h;
        test_host_init(&h, 1, 5);
        make(&h, &w);
        struct test_model m;
        assert_true(test_fit(&h, test_algorithm("content"), wrong[i].settings, &w.train, -1, &m) < 0);
        assert_string_equal(h.error.text, wrong[i].text);
        test_model_release(&m);
        test_host_release(&h);
    }
}

/* Cold users with rows in a source only, in a made world whose words mean the same in both domains, and in one whose
 * words are shuffled: what is transferred must vanish with the meaning. */
static void content_carries_tastes_from_a_source(void **state)
{
    (void)state;
    double auc[2];
    for (int shuffled = 0; shuffled < 2; shuffled++) {
        struct test_host h;
        test_host_init(&h, 2, 77);
        struct test_world w;
        test_world(&h, &(struct test_world_spec){ .n_users = 200, .n_warm = 100, .n_items = 200, .n_domains = 2,
                                                  .n_tastes = 8, .rows = 24, .support = 0, .noise = 0.2,
                                                  .shift = shuffled, .seed = 12 }, &w);
        struct test_model m;
        assert_int_equal(test_fit(&h, test_algorithm("content"), "blocks = word", &w.train, -1, &m), RH_OK);
        auc[shuffled] = test_world_auc(&h, &w, &m, 100, 200);
        test_model_release(&m);
        assert_int_equal(test_fit(&h, test_algorithm("content"), "use_sources = no", &w.train, -1, &m), RH_OK);
        double alone = test_world_auc(&h, &w, &m, 100, 200);
        assert_true(fabs(alone - 0.5) < 1e-9); /* nothing is known: all ties */
        test_model_release(&m);
        test_host_release(&h);
    }
    assert_true(auc[0] > 0.7);
    assert_true(auc[1] < auc[0] - 0.15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_equals_the_reference),
        cmocka_unit_test(content_explains_wrong_blocks),
        cmocka_unit_test(content_carries_tastes_from_a_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
