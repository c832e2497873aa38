/* lib/tally and lib/topk.h: bit planes against plain counting, the choice of the nearest against a full sort. */
#include "testhost.h"

#include "algorithms/lib/tally.h"
#include "algorithms/lib/topk.h"
#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A matrix whose row r has about share[r % 4] of the columns: empty, short, long and nearly full rows. */
static void make_matrix(struct test_host *h, int32_t n_rows, int32_t n_cols, struct rh_rng *r, int64_t **row,
                        int32_t **col)
{
    static const double share[4] = { 0.3, 0.002, 0.97, 0.02 };
    *row = rh_alloc(&h->own, (size_t)n_rows + 1, sizeof **row);
    *col = rh_alloc(&h->own, (size_t)n_rows * (size_t)n_cols, sizeof **col);
    for (int32_t i = 0; i < n_rows; i++) {
        (*row)[i + 1] = (*row)[i];
        for (int32_t c = 0; c < n_cols; c++)
            if (rh_rng_uniform(r) < share[i % 4])
                (*col)[(*row)[i + 1]++] = c;
    }
}

static void check_sum(struct test_host *h, const struct rh_tally *t, const int64_t *row, const int32_t *col,
                      const int32_t *rows, int64_t n)
{
    size_t padded = (size_t)t->n_cols + 128;
    int32_t *count = rh_alloc(&h->own, padded, sizeof *count), *plain = rh_alloc(&h->own, padded, sizeof *plain);
    unsigned char *touched = rh_alloc(&h->own, padded / 16, 1);
    void *space = rh_alloc(&h->own, rh_tally_space(t), 1);
    memset(space, 0x5a, rh_tally_space(t)); /* any contents */
    count[0] = plain[0] = 7;                /* added to, not replaced */
    for (int64_t k = 0; k < n; k++)
        for (int64_t m = row[rows[k]]; m < row[rows[k] + 1]; m++)
            plain[col[m]]++;
    rh_tally_add(t, rows, n, space, count, touched);
    for (size_t c = 0; c < padded; c++)
        if (count[c] != plain[c])
            fail_msg("%lld rows, %d columns: column %zu: %d, expected %d", (long long)n, t->n_cols, c, count[c],
                     plain[c]);
    for (size_t c = 1; c < padded; c++)
        assert_true(count[c] == 0 || touched[c / 16]);
}

static void planes_count_like_a_loop(void **state)
{
    (void)state;
    static const int32_t n_cols[] = { 1, 15, 16, 127, 128, 129, 1000, 2600 };
    for (size_t s = 0; s < sizeof n_cols / sizeof *n_cols; s++) {
        struct test_host h;
        test_host_init(&h, 1, 5);
        struct rh_rng r = rh_stream(s, "matrix", "", 0);
        int64_t *row;
        int32_t *col, rows[211];
        make_matrix(&h, 211, n_cols[s], &r, &row, &col);
        struct rh_tally t;
        assert_int_equal(rh_tally_build(&h.ctx, 211, n_cols[s], row, col, h.table.alloc, &t), RH_OK);
        for (int32_t k = 0; k < 211; k++)
            rows[k] = k;
        rh_rng_shuffle(&r, rows, 211);
        static const int64_t n[] = { 0, 1, 2, 15, 16, 17, 100, 211 };
        for (size_t m = 0; m < sizeof n / sizeof *n; m++)
            check_sum(&h, &t, row, col, rows, n[m]);
        test_host_release(&h);
    }
}

/* More rows than the planes can hold at once, every one of them with column 3. */
static void planes_are_emptied_before_they_overflow(void **state)
{
    (void)state;
    enum { ROWS = 2 * 65536 + 41 };
    struct test_host h;
    test_host_init(&h, 1, 5);
    struct rh_rng r = rh_stream(7, "matrix", "", 0);
    int64_t *row = rh_alloc(&h.own, ROWS + 1, sizeof *row);
    int32_t *col = rh_alloc(&h.own, ROWS * 4, sizeof *col), *rows = rh_alloc(&h.own, ROWS, sizeof *rows);
    for (int32_t i = 0; i < ROWS; i++) {
        rows[i] = i;
        row[i + 1] = row[i];
        for (int32_t c = 0; c < 4; c++)
            if (c == 3 || rh_rng_below(&r, 2))
                col[row[i + 1]++] = c;
    }
    struct rh_tally t;
    assert_int_equal(rh_tally_build(&h.ctx, ROWS, 4, row, col, h.table.alloc, &t), RH_OK);
    assert_true(t.n_bitmaps > 65536); /* bitmaps there are */
    check_sum(&h, &t, row, col, rows, ROWS);
    test_host_release(&h);
}

static int descending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x < y) - (x > y);
}

/* Few distinct similarities, so that the order among equal ones is put to the test. */
static void the_nearest_are_those_of_a_full_sort(void **state)
{
    (void)state;
    struct rh_rng r = rh_stream(11, "similarities", "", 0);
    enum { MOST = 700 };
    for (int round = 0; round < 400; round++) {
        static float similarity[RH_TOPK_ROOM(MOST)];
        static unsigned char touched[RH_TOPK_GROUPS(MOST)];
        static uint64_t group[RH_TOPK_GROUPS(MOST)], key[RH_TOPK_ROOM(MOST) + 1], all[MOST];
        int32_t n = 1 + (int32_t)rh_rng_below(&r, MOST), k = 1 + (int32_t)rh_rng_below(&r, 90), expected = 0;
        uint32_t levels = 1 + rh_rng_below(&r, round % 2 ? 5 : 100000);
        memset(similarity, 0, sizeof similarity);
        memset(touched, 0, sizeof touched);
        for (int32_t i = 0; i < n; i++) {
            touched[i / 16] = i % 16 ? touched[i / 16] : rh_rng_below(&r, 4) > 0;
            similarity[i] = (float)rh_rng_below(&r, levels) / 7; /* stale where not touched */
            if (touched[i / 16] && similarity[i] > 0) {
                uint32_t bits;
                memcpy(&bits, &similarity[i], sizeof bits);
                all[expected++] = (uint64_t)bits << 32 | (UINT32_MAX - (uint32_t)i);
            }
        }
        qsort(all, (size_t)expected, sizeof *all, descending);
        expected = expected < k ? expected : k;
        assert_int_equal(rh_topk_nearest(similarity, touched, n, k, group, key), expected);
        qsort(key, (size_t)expected, sizeof *key, descending);
        for (int32_t m = 0; m < expected; m++) {
            assert_true(key[m] == all[m]);
            assert_true(similarity[rh_topk_index(key[m])] == rh_topk_similarity(key[m]));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planes_count_like_a_loop),
        cmocka_unit_test(planes_are_emptied_before_they_overflow),
        cmocka_unit_test(the_nearest_are_those_of_a_full_sort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
