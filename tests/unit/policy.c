/* eval/policy: the shares of odd queries, and when a policy belongs to an identity; eval/relevant: which rows count. */
#include "base/arena.h"
#include "eval/policy.h"
#include "eval/relevant.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct world {
    struct rh_arena arena;
    struct rh_rank_sums sums;
    struct rh_metric_use *use; /* precision@4, rmse */
};

static int make_world(void **state)
{
    static struct world w;
    const char *names[] = { "precision@4", "rmse" };
    struct rh_error err = { 0 };
    int32_t n;
    w = (struct world){ 0 };
    assert_int_equal(rh_metrics_expand(&w.arena, names, 2, NULL, 0, &w.use, &n, &err), RH_OK);
    assert_int_equal(rh_rank_sums_make(&w.arena, 10, &w.sums, &err), RH_OK);
    *state = &w;
    return 0;
}

static int free_world(void **state)
{
    rh_arena_release(&((struct world *)*state)->arena);
    return 0;
}

#define ASSERT_SHARE(s, n, w)                                                                                  \
    do {                                                                                                       \
        struct rh_share s_ = (s);                                                                              \
        assert_true(s_.num == (n) && s_.weight == (w));                                                        \
    } while (0)

/* One relevant item at rank 2 of three candidates: precision@4 is 1/4. */
static void ordinary_queries_are_left_alone(void **state)
{
    struct world *w = *state;
    const struct rh_tie_group group = { .above = 1, .size = 1, .relevant = 1 };
    const struct rh_ranked r = { .n_candidates = 3, .n_relevant = 1, .n_groups = 1, .group = &group, .sums = &w->sums };
    struct rh_eval_policy p = { 0 };
    ASSERT_SHARE(rh_policy_share(&p, true, &r, &w->use[0]), 0.25, 1);
    ASSERT_SHARE(rh_policy_share(&p, false, &r, &w->use[0]), 0.25, 1);
    p.no_relevant = RH_NO_RELEVANT_ZERO;
    ASSERT_SHARE(rh_policy_share(&p, true, &r, &w->use[0]), 0.25, 1);
    p.few_candidates = RH_ODD_SKIP; /* three are fewer than four */
    ASSERT_SHARE(rh_policy_share(&p, true, &r, &w->use[0]), 0, 0);
    p = (struct rh_eval_policy){ .no_history = RH_ODD_SKIP };
    ASSERT_SHARE(rh_policy_share(&p, true, &r, &w->use[0]), 0.25, 1);
    ASSERT_SHARE(rh_policy_share(&p, false, &r, &w->use[0]), 0, 0);
}

static void nothing_relevant_is_undefined_or_nothing(void **state)
{
    struct world *w = *state;
    const float predicted = 3, actual = 5;
    const struct rh_ranked r = { .n_candidates = 8, .sums = &w->sums, .n_rated = 1, .predicted = &predicted,
                                 .actual = &actual };
    struct rh_eval_policy p = { 0 };
    ASSERT_SHARE(rh_policy_share(&p, true, &r, &w->use[0]), 0, 0);
    ASSERT_SHARE(rh_policy_share(&p, true, &r, &w->use[1]), 4, 1);
    p.no_relevant = RH_NO_RELEVANT_ZERO;
    ASSERT_SHARE(rh_policy_share(&p, true, &r, &w->use[0]), 0, 1);
    ASSERT_SHARE(rh_policy_share(&p, true, &r, &w->use[1]), 4, 1); /* a rating was predicted all the same */
}

static void histories_count_in_every_domain(void **state)
{
    const struct rh_history none[] = { { 0 }, { 0 } }, other[] = { { 0 }, { .n = 3 } };
    const struct rh_query stranger = { .history = none }, reader = { .history = other };
    (void)state;
    assert_false(rh_has_history(&stranger, 2));
    assert_true(rh_has_history(&reader, 2));
    assert_false(rh_has_history(&reader, 1));
}

static void identity(const struct rh_eval_policy *p, char hex[static RH_HASH_HEX])
{
    struct rh_hash h;
    rh_hash_init(&h);
    rh_hash_text(&h, "run");
    rh_policy_hash(&h, p);
    rh_hash_hex(&h, hex);
}

static void policies_tell_runs_apart_but_not_the_default(void **state)
{
    char plain[RH_HASH_HEX], hex[4][RH_HASH_HEX];
    struct rh_hash h;
    const struct rh_eval_policy p[] = { { 0, 0, 0 }, { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } };
    (void)state;
    rh_hash_init(&h);
    rh_hash_text(&h, "run");
    rh_hash_hex(&h, plain);
    for (int i = 0; i < 4; i++) {
        identity(&p[i], hex[i]);
        for (int k = 0; k < i; k++)
            assert_true(strcmp(hex[i], hex[k]));
    }
    assert_string_equal(hex[0], plain); /* stored runs of before are found */
}

/* Ratings 5 3 4 3 3: the two best are rows 0 and 2; the three best are these and one of the threes, always the same one
 * for the same items, any of the three over many sets of items. */
static void the_best_of_a_query_are_relevant(void **state)
{
    (void)state;
    enum { N = 5 };
    int32_t item[N], chosen[N] = { 0 };
    static const float value[N] = { 5, 3, 4, 3, 3 };
    struct rh_truth t = { .n = N, .item = item, .value = value };
    for (int32_t first = 0; first < 300; first++) {
        for (int32_t i = 0; i < N; i++)
            item[i] = first + 7 * i;
        int32_t n = 0;
        for (int32_t i = 0; i < N; i++) {
            assert_true(rh_is_relevant(&t, i, -INFINITY, 2) == (i == 0 || i == 2));
            assert_true(rh_is_relevant(&t, i, 4, 3) == (i == 0 || i == 2)); /* both conditions */
            assert_true(rh_is_relevant(&t, i, 4, 1) == (i == 0));
            assert_true(rh_is_relevant(&t, i, -INFINITY, N) && rh_is_relevant(&t, i, -INFINITY, 0));
            n += rh_is_relevant(&t, i, -INFINITY, 3);
            chosen[i] += rh_is_relevant(&t, i, -INFINITY, 3);
            assert_true(rh_is_relevant(&t, i, -INFINITY, 3) == rh_is_relevant(&t, i, 3, 3));
        }
        assert_int_equal(n, 3);
    }
    assert_true(chosen[0] == 300 && chosen[2] == 300);
    for (int i = 1; i < N; i += i == 1 ? 2 : 1) /* 100 each, standard deviation 8 */
        assert_true(chosen[i] > 70 && chosen[i] < 130);
    t.value = NULL;
    assert_true(rh_is_relevant(&t, 1, 6, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ordinary_queries_are_left_alone, make_world, free_world),
        cmocka_unit_test_setup_teardown(nothing_relevant_is_undefined_or_nothing, make_world, free_world),
        cmocka_unit_test(histories_count_in_every_domain),
        cmocka_unit_test(the_best_of_a_query_are_relevant),
        cmocka_unit_test(policies_tell_runs_apart_but_not_the_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
