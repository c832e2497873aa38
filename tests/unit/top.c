/* eval/top: lists of the best candidates against a full sort. */
#include "eval/top.h"

#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST 20000
#define OFTEN 2500

struct one {
    float score;
    int32_t item;
};

static int best_first(const void *a, const void *b)
{
    const struct one *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return x->item < y->item ? -1 : 1;
}

/* A list has every candidate whose group begins within the depth, and its groups tell where. */
static void check(struct rh_top *t, const float *score, const int32_t *candidate, int32_t n)
{
    static struct one all[MOST];
    int32_t m = 0, want = 0, groups = 0;
    for (int32_t i = 0; i < n; i++)
        if (score[i] > -INFINITY)
            all[m++] = (struct one){ score[i], candidate ? candidate[i] : i };
    qsort(all, (size_t)m, sizeof *all, best_first);
    while (want < m && (want < t->depth || all[want].score == all[want - 1].score))
        want++;
    rh_top_list(t, score, candidate, n);
    assert_int_equal(t->n, want);
    for (int32_t i = 0; i < want; i++) {
        assert_int_equal(t->item[i], all[i].item);
        assert_true(t->score[i] == all[i].score);
        if (i > 0 && all[i].score == all[i - 1].score)
            continue;
        assert_int_equal(t->group[groups].above, i);
        int32_t end = i;
        while (end < m && all[end].score == all[i].score)
            end++;
        assert_int_equal(t->group[groups++].size, end - i);
    }
    assert_int_equal(t->n_groups, groups);
}

static float draw(struct rh_rng *r, int shape)
{
    switch (shape) {
    case 0: return (float)rh_rng_normal(r);
    case 1: return (float)rh_rng_below(r, 40) * 0.375f - 7;
    case 2: return -2.5f;
    case 3: return rh_rng_below(r, 2) ? 0.0f : -0.0f;
    case 4: return (rh_rng_below(r, 2) ? FLT_MAX : -FLT_MAX) / (float)(1 + rh_rng_below(r, 30));
    default: return (float)rh_rng_below(r, 300) * 1.4e-45f * (rh_rng_below(r, 2) ? 1 : -1);
    }
}

static void lists_equal_a_full_sort(void **state)
{
    (void)state;
    struct rh_error err = { 0 };
    struct rh_rng rng = { { 3, 1, 4, 1592 } };
    static const int32_t depths[] = { 1, 2, 10, 100, 1000, OFTEN, INT32_MAX };
    static float score[MOST];
    static int32_t candidate[MOST];
    for (size_t d = 0; d < sizeof depths / sizeof *depths; d++) {
        struct rh_arena a = { 0 };
        struct rh_top t;
        assert_int_equal(rh_top_make(&a, depths[d], MOST, &t, &err), RH_OK);
        for (int trial = 0; trial < 120; trial++) {
            int32_t n = trial < 4 ? trial : (int32_t)rh_rng_below(&rng, (trial % 16 == 15 ? MOST : OFTEN) + 1);
            double masked = trial % 3 ? 0.1 : trial % 2 ? 0.999 : 0.0;
            for (int32_t i = 0; i < n; i++) {
                score[i] = rh_rng_uniform(&rng) < masked ? -INFINITY : draw(&rng, trial % 6);
                candidate[i] = 3 * i + 1;
            }
            if (trial % 4 == 1) /* the worst order for keeping the largest */
                for (int32_t i = 0; i < n; i++)
                    score[i] = (float)i;
            rh_rng_shuffle(&rng, candidate, n);
            check(&t, score, trial % 2 ? candidate : NULL, n);
        }
        rh_arena_release(&a);
    }
}

static void no_memory_is_a_sentence(void **state)
{
    (void)state;
    struct rh_arena a = { .limit = 1000 };
    struct rh_error err = { 0 };
    struct rh_top t;
    assert_int_equal(rh_top_make(&a, 10, 100000, &t, &err), RH_ENOMEM);
    assert_non_null(strstr(err.text, "lists of the best items"));
    rh_arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_equal_a_full_sort),
        cmocka_unit_test(no_memory_is_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
