/* melu through the plugin contract, in a world where only adaptation helps: half of the users like films of one genre
 * as much as the others dislike them, and nothing but their ratings tells who is who. */
#include "testhost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WARM 60
#define USERS 80
#define ITEMS 24
#define ROWS 16
#define SHOWN 4
static const char settings[] =
    "factors = 4; hidden = 8; inner_rate = 0.01; inner_steps = 5; rate = 0.01; meta_batch = 8";

struct world {
    struct rh_train train;
    struct rh_domain domain;
    struct rh_features genre, group;
    float rating[USERS][SHOWN];
    struct rh_query query[USERS]; /* of cold users: SHOWN items of their own; of warm users: their rows */
};

static float truth(int32_t user, int32_t item)
{
    return user % 2 == item % 2 ? 4.5f : 1.5f;
}

static void make_world(struct test_host *h, struct world *w)
{
    static struct test_row row[WARM * ROWS];
    struct test_cell genre[ITEMS], group[USERS];
    int64_t n = 0;
    for (int32_t u = 0; u < WARM; u++)
        for (int32_t k = 0; k < ROWS; k++) {
            int32_t i = (u / 2 + k * 5) % ITEMS; /* 5 and 24 have no common factor: all different, of both genres */
            row[n++] = (struct test_row){ u, i, truth(u, i), k };
        }
    for (int32_t i = 0; i < ITEMS; i++)
        genre[i] = (struct test_cell){ i, i % 2, 1 };
    for (int32_t u = 0; u < USERS; u++)
        group[u] = (struct test_cell){ u, u / 2 % 3, 1 };
    w->domain = test_domain(h, "films", USERS, ITEMS, row, n, TEST_VALUES);
    w->genre = test_sparse(h, "genre", ITEMS, 2, genre, ITEMS, false);
    w->group = test_sparse(h, "group", USERS, 3, group, USERS, false);
    w->domain.item_features = &w->genre;
    w->train = (struct rh_train){ .n_users = USERS, .n_domains = 1, .domain = &w->domain, .n_item_blocks = 1,
                                  .n_user_blocks = 1, .user_features = &w->group };
    for (int32_t u = 0; u < USERS; u++) {
        static const int32_t shown[SHOWN] = { 2, 7, 11, 20 };
        for (int k = 0; k < SHOWN; k++)
            w->rating[u][k] = truth(u, shown[k]);
        w->query[u] = u < WARM ? test_query(h, &w->train, u)
                               : test_query_with(h, &w->train, u, SHOWN, shown, w->rating[u]);
    }
}

static void fit(struct test_host *h, struct world *w, const char *more, int32_t epochs, struct test_model *m)
{
    char all[200];
    test_host_init(h, 1, 4);
    make_world(h, w);
    snprintf(all, sizeof all, "%s%s", settings, more);
    if (test_fit(h, test_algorithm("melu"), all, &w->train, epochs, m) < 0)
        fail_msg("%s", h->error.text);
}

static void release(struct test_host *h, struct test_model *m)
{
    test_model_release(m);
    test_host_release(h);
}

/* Mean absolute error of users [from, to). */
static double error_of(const char *more, int32_t from, int32_t to)
{
    static float out[USERS * ITEMS];
    struct test_host h;
    struct world w;
    struct test_model m;
    fit(&h, &w, more, 80, &m);
    if (test_score(&h, &m, w.query, USERS, 7, out, ITEMS) < 0)
        fail_msg("%s: %s", more, h.error.text);
    double sum = 0;
    for (int32_t u = from; u < to; u++)
        for (int32_t i = 0; i < ITEMS; i++)
            sum += fabs((double)out[u * ITEMS + i] - (double)truth(u, i));
    release(&h, &m);
    return sum / ((to - from) * ITEMS);
}

/* Without adaptation nothing is better than the middle, 3, whose error is 1.5. */
static void adapts_to_what_contents_do_not_tell(void **state)
{
    (void)state;
    double second = error_of("", WARM, USERS), first = error_of("; order = first", WARM, USERS);
    double twin = error_of("; inner_steps = 0", WARM, USERS), warm = error_of("", 0, WARM);
    if (!(second < 0.4 && first < 0.6 && warm < 0.4))
        fail_msg("second order %.3f, first %.3f, warm users %.3f", second, first, warm);
    if (!(fabs(twin - 1.5) < 0.1))
        fail_msg("without adaptation %.3f", twin);
}

/* Who shows nothing is predicted by the start: the same for two users of one group, about the middle. */
static void without_history_the_start_predicts(void **state)
{
    (void)state;
    struct test_host h;
    struct world w;
    struct test_model m;
    float out[2 * ITEMS];
    fit(&h, &w, "", 40, &m);
    struct rh_history nothing = { 0 };
    struct rh_query q[2] = { { WARM, &nothing, ITEMS, NULL }, { WARM + 1, &nothing, ITEMS, NULL } };
    assert_int_equal(test_score(&h, &m, q, 2, 2, out, ITEMS), RH_OK);
    assert_memory_equal(out, out + ITEMS, ITEMS * sizeof *out);
    for (int i = 0; i < ITEMS; i++)
        assert_true(out[i] > 1.5f && out[i] < 4.5f);
    release(&h, &m);
}

/* support = unseen: of a warm user's history only what did not train is adapted to; where all trained, all is. */
static void unseen_rows_alone(void **state)
{
    (void)state;
    static float a[ITEMS], b[ITEMS];
    struct test_host h;
    struct world w;
    struct test_model m;
    fit(&h, &w, "; support = unseen", 3, &m);
    /* user 0 trained on 0, 5, 10, 15, 20, 1, 6, 11, 16, 21, 2, 7, 12, 17, 22, 3; 4 and 9 are new */
    static const int32_t both[] = { 0, 2, 4, 9, 21 }, fresh[] = { 4, 9 };
    static const float rating[] = { 5, 1, 2, 5, 4 };
    struct rh_query q = test_query_with(&h, &w.train, 0, 5, both, rating);
    assert_int_equal(test_score(&h, &m, &q, 1, 1, a, ITEMS), RH_OK);
    q = test_query_with(&h, &w.train, 0, 2, fresh, rating + 2);
    assert_int_equal(test_score(&h, &m, &q, 1, 1, b, ITEMS), RH_OK);
    assert_memory_equal(a, b, sizeof a);
    release(&h, &m);
    float c[ITEMS], d[ITEMS];
    fit(&h, &w, "; support = unseen", 3, &m);
    assert_int_equal(test_score(&h, &m, &w.query[0], 1, 1, c, ITEMS), RH_OK);
    release(&h, &m);
    fit(&h, &w, "; support = all", 3, &m);
    assert_int_equal(test_score(&h, &m, &w.query[0], 1, 1, d, ITEMS), RH_OK);
    assert_memory_equal(c, d, sizeof c);
    release(&h, &m);
}

static void divergence_is_an_error(void **state)
{
    (void)state;
    struct test_host h;
    struct world w;
    struct test_model m;
    test_host_init(&h, 1, 4);
    make_world(&h, &w);
    assert_int_equal(test_fit(&h, test_algorithm("melu"), "inner_rate = 100; inner_steps = 40", &w.train, 2, &m),
                     RH_ENUMERIC);
    assert_string_equal(h.error.text, "melu diverged: the loss of a query set is not finite; try an inner_rate below "
                        "100 or a rate below 0.001");
    release(&h, &m);
}

static void refuses_what_it_cannot_use(void **state)
{
    (void)state;
    struct test_host h;
    struct world w;
    struct test_model m;
    test_host_init(&h, 1, 4);
    make_world(&h, &w);
    w.train.n_item_blocks = 0;
    assert_int_equal(test_fit(&h, test_algorithm("melu"), "", &w.train, 1, &m), RH_EDATA);
    assert_string_equal(h.error.text, "melu needs item features, but the items of 'films' have none");
    release(&h, &m);

    test_host_init(&h, 1, 4);
    make_world(&h, &w);
    struct test_row alone[] = { { 0, 3, 4, 0 }, { 1, 5, 2, 0 } };
    w.domain = test_domain(&h, "films", USERS, ITEMS, alone, 2, TEST_VALUES);
    w.domain.item_features = &w.genre;
    assert_int_equal(test_fit(&h, test_algorithm("melu"), "", &w.train, 1, &m), RH_EDATA);
    assert_string_equal(h.error.text, "melu makes a task of each user with two rows or more in 'films': there is none");
    release(&h, &m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adapts_to_what_contents_do_not_tell),
        cmocka_unit_test(without_history_the_start_predicts),
        cmocka_unit_test(unseen_rows_alone),
        cmocka_unit_test(divergence_is_an_error),
        cmocka_unit_test(refuses_what_it_cannot_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
