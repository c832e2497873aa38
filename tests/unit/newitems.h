/* What the tests of methods for new items share: a made world, and who likes an item. */
#ifndef RH_TESTS_NEWITEMS_H
#define RH_TESTS_NEWITEMS_H

#include "base/stream.h"
#include "testhost.h"

enum { USERS = 30, ITEMS = 12, WORDS = 4 };

static inline void assert_near(double x, double expected, double tolerance)
{
    if (!(fabs(x - expected) <= tolerance))
        fail_msg("%.9g, expected %.9g within %g", x, expected, tolerance);
}

/* Item 10 has one row, item 11 none; an item has the word of its number modulo WORDS, and its users like that word. */
static inline struct rh_train make_train(struct test_host *h, struct rh_domain *d, struct rh_features *words)
{
    struct rh_rng r = rh_stream(2, "rows", "new items", 0);
    struct test_row row[USERS * ITEMS];
    struct test_cell cell[ITEMS];
    int64_t n = 0;
    for (int32_t u = 0; u < USERS; u++)
        for (int32_t i = 0; i < 10; i++)
            if (rh_rng_below(&r, 10) < (i % WORDS == u % WORDS ? 8u : 1u))
                row[n++] = (struct test_row){ u, i, 4, 0 };
    row[n++] = (struct test_row){ 2, 10, 4, 0 };
    for (int32_t i = 0; i < ITEMS; i++)
        cell[i] = (struct test_cell){ i, i % WORDS, 1 };
    *d = test_domain(h, "made", USERS, ITEMS, row, n, TEST_VALUES);
    *words = test_sparse(h, "word", ITEMS, WORDS, cell, ITEMS, false);
    d->item_features = words;
    return (struct rh_train){ .n_users = USERS, .n_domains = 1, .domain = d, .n_item_blocks = 1 };
}

/* Users of `word` like the item, the others have `share` of their score at most. */
static inline void assert_liked(struct test_host *h, const struct test_model *m, const struct rh_train *train,
                                int32_t item, int32_t word, double share)
{
    struct rh_query query[USERS];
    static float out[USERS * ITEMS];
    for (int32_t u = 0; u < USERS; u++)
        query[u] = test_query(h, train, u);
    assert_int_equal(test_score(h, m, query, USERS, 7, out, ITEMS), RH_OK);
    double score[2] = { 0 };
    int n[2] = { 0 };
    for (int32_t u = 0; u < USERS; u++) {
        score[u % WORDS == word] += (double)out[u * ITEMS + item];
        n[u % WORDS == word]++;
    }
    if (!(score[1] / n[1] > 0.4 && score[0] / n[0] < share * score[1] / n[1]))
        fail_msg("item %d: users of the word have %g, others %g", item, score[1] / n[1], score[0] / n[0]);
}

#endif
