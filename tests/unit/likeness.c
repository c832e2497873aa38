/* How alike users are in two domains, by hand; the weights that follow, and what the transfer network makes of them. */
#include "algorithms/lib/likeness.h"

#include "algorithms/lib/joint.h"
#include "testhost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_near(double x, double expected)
{
    if (!(fabs(x - expected) <= 1e-12))
        fail_msg("%.15g, expected %.15g", x, expected);
}

/* Sixteen users, each with one of two items, of which one has feature 0 and the other feature 1: user u has item u % 2
 * in the target. Profiles less their mean are (1/2, -1/2) and (-1/2, 1/2), so that a cosine is 1 where both domains
 * agree and -1 where they do not. */
enum { USERS = 16, DOMAINS = 5 };

struct world {
    struct test_host h;
    struct rh_domain domain[DOMAINS];
    struct rh_features block[DOMAINS];
    struct rh_train train;
};

static void make(struct world *w, bool dense)
{
    static const struct test_cell cell[] = { { 0, 0, 2 }, { 1, 1, 7 } };
    static const float vector[] = { 2, 0, 0, 0.1f };
    memset(w, 0, sizeof *w);
    test_host_init(&w->h, 2, 1);
    for (int d = 0; d < DOMAINS; d++) {
        struct test_row row[USERS];
        int n = 0;
        for (int32_t u = 0; u < USERS; u++) {
            /* 1: the same; 2: but for the first two users; 3: the opposite; 4: the same, of a few */
            bool other = (d == 2 && u < 2) || d == 3;
            if (d != 4 || u < 8)
                row[n++] = (struct test_row){ u, (u + other) % 2, 1, 0 };
        }
        w->domain[d] = test_domain(&w->h, "made", USERS, 2, row, n, 0);
        w->block[d] = test_sparse(&w->h, "genre", 2, 2, cell, 2, true);
        if (dense)
            w->block[d] = (struct rh_features){ .name = "vector", .n_rows = 2, .n_cols = 2, .dense = vector };
        w->domain[d].item_features = &w->block[d];
    }
    w->train = (struct rh_train){ .n_users = USERS, .n_domains = DOMAINS, .domain = w->domain, .n_item_blocks = 1 };
}

static void likeness_is_a_mean_of_cosines(void **state)
{
    (void)state;
    for (int dense = 0; dense < 2; dense++) {
        struct world w;
        struct rh_likeness like[DOMAINS];
        double weight[DOMAINS];
        make(&w, dense);
        assert_int_equal(rh_likeness(&w.h.ctx, &w.train, like), RH_OK);
        for (int d = 1; d < DOMAINS; d++)
            assert_int_equal(like[d].users, d == 4 ? 8 : 16);
        assert_near(like[1].mean, 1);
        assert_near(like[1].error, 0);
        assert_near(like[2].mean, 0.75);                   /* (14 - 2) / 16 */
        assert_near(like[2].error, sqrt(7.0 / 15 / 16));   /* (16 - 16 0.75^2) / 15, over 16 */
        assert_near(like[3].mean, -1);
        assert_int_equal(rh_source_weights(&w.h.ctx, &w.train, weight), RH_OK);
        const double expected[] = { 1, 1, 0.75 - 2 * sqrt(7.0 / 15 / 16), 0, 1 /* eight users cannot tell */ };
        for (int d = 0; d < DOMAINS; d++)
            assert_near(weight[d], expected[d]);
        test_host_release(&w.h);
    }
}

/* The largest weighs 1; where users are alike in none, none counts; features that are not there tell nothing. */
static void weights_are_relative(void **state)
{
    (void)state;
    struct world w;
    double weight[DOMAINS];
    make(&w, false);
    w.domain[1] = w.domain[2];
    assert_int_equal(rh_source_weights(&w.h.ctx, &w.train, weight), RH_OK);
    assert_near(weight[1], 1);
    assert_near(weight[2], 1);
    w.domain[1] = w.domain[2] = w.domain[3];
    assert_int_equal(rh_source_weights(&w.h.ctx, &w.train, weight), RH_OK);
    for (int d = 0; d < DOMAINS; d++)
        assert_near(weight[d], d == 0 || d == 4);
    for (int d = 0; d < DOMAINS; d++)
        w.block[d] = (struct rh_features){ .name = "genre", .n_rows = 2, .n_cols = 2 };
    assert_int_equal(rh_source_weights(&w.h.ctx, &w.train, weight), RH_OK);
    for (int d = 0; d < DOMAINS; d++)
        assert_near(weight[d], 1);
    test_host_release(&w.h);
}

/* A profile is a mean over the items: users 0 and 1 have both items in the target, and lie in its middle. */
static void a_profile_is_a_mean_of_items(void **state)
{
    (void)state;
    struct world w;
    struct rh_likeness like[DOMAINS];
    struct test_row row[USERS + 2];
    make(&w, false);
    for (int32_t u = 0; u < USERS; u++)
        row[u] = (struct test_row){ u, u % 2, 1, 0 };
    row[USERS] = (struct test_row){ 0, 1, 1, 0 };
    row[USERS + 1] = (struct test_row){ 1, 0, 1, 0 };
    w.domain[0] = test_domain(&w.h, "made", USERS, 2, row, USERS + 2, 0);
    w.domain[0].item_features = &w.block[0];
    assert_int_equal(rh_likeness(&w.h.ctx, &w.train, like), RH_OK);
    assert_near(like[1].mean, 14.0 / 16);
    test_host_release(&w.h);
}

static const struct test_world_spec spec = { .n_users = 200, .n_warm = 150, .n_items = 60, .n_domains = 3,
                                             .n_tastes = 5, .rows = 12, .noise = 0.2, .seed = 3 };

/* User u gets the rows of user u + 1. */
static struct rh_domain moved(struct test_host *h, const struct rh_domain *d)
{
    struct rh_domain other = *d;
    int64_t *row = rh_alloc(&h->own, (size_t)spec.n_users + 1, sizeof *row);
    int32_t *item = rh_alloc(&h->own, (size_t)d->row[spec.n_users], sizeof *item);
    for (int32_t u = 0; u < spec.n_users; u++) {
        int32_t v = (u + 1) % spec.n_users;
        int64_t n = d->row[v + 1] - d->row[v];
        memcpy(item + row[u], d->item + d->row[v], (size_t)n * sizeof *item);
        row[u + 1] = row[u] + n;
    }
    other.row = row;
    other.item = item;
    return other;
}

/* Two sources share tastes with the target; the rows of the second are given to other users. */
static void a_useless_source_is_left_alone(void **state)
{
    (void)state;
    struct test_host h;
    struct test_world w;
    test_host_init(&h, 2, 9);
    test_world(&h, &spec, &w);
    struct rh_domain domain[] = { w.train.domain[0], w.train.domain[1], moved(&h, &w.train.domain[2]) };
    struct rh_train train = w.train;
    train.domain = domain;
    static const char *const names[] = { "mamdr", "coral", "pretrain", "maml" };
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        struct test_model m;
        static float with[60], without[60];
        if (test_fit(&h, test_algorithm(names[k]), "weigh_sources = similar; factors = 8", &train, 1, &m) < 0)
            fail_msg("%s", h.error.text);
        struct rh_query q = test_query(&h, &train, 180);
        assert_int_equal(test_score(&h, &m, &q, 1, 1, with, 60), RH_OK);
        struct rh_history history[] = { q.history[0], q.history[1], { 0 } };
        assert_true(q.history[2].n > 0);
        q.history = history;
        assert_int_equal(test_score(&h, &m, &q, 1, 1, without, 60), RH_OK);
        assert_memory_equal(with, without, sizeof with);
        history[1].n = 0; /* the other one is looked at */
        assert_int_equal(test_score(&h, &m, &q, 1, 1, without, 60), RH_OK);
        assert_true(memcmp(with, without, sizeof with) != 0);
        test_model_release(&m);
    }
    test_host_release(&h);
}

/* Where no source is like the target a meta-learner that has tasks of sources alone has none. */
static void no_tasks_are_said(void **state)
{
    (void)state;
    struct test_host h;
    struct test_world w;
    struct test_model m;
    test_host_init(&h, 1, 9);
    test_world(&h, &spec, &w);
    struct rh_domain domain[] = { w.train.domain[0], moved(&h, &w.train.domain[1]) };
    struct rh_train train = w.train;
    train.domain = domain;
    train.n_domains = 2;
    assert_int_equal(test_fit(&h, test_algorithm("maml"), "weigh_sources = similar; tasks = sources", &train, 1, &m),
                     RH_EDATA);
    assert_string_equal(h.error.text, "maml has no tasks: tasks = sources, and users are alike in none of them and in "
                                      "the target (weigh_sources = similar)");
    test_model_release(&m);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(likeness_is_a_mean_of_cosines),
        cmocka_unit_test(weights_are_relative),
        cmocka_unit_test(a_profile_is_a_mean_of_items),
        cmocka_unit_test(a_useless_source_is_left_alone),
        cmocka_unit_test(no_tasks_are_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
