/* prototypical: a step against PyTorch, the gradient of the tower against finite differences of drawn episodes, the
 * scores against distances as the paper has them; with double for rh_real (difference.h). The plugin itself is part of
 * this test. */
#include "../../algorithms/meta/prototypical.c"

#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "difference.h"
#include "values.h"

enum { USERS = 24, WARM = 20, ITEMS = 30 };

static void make_world(struct test_host *h, struct test_world *w)
{
    test_world(h,
               &(struct test_world_spec){ .n_users = USERS,
                                          .n_warm = WARM,
                                          .n_items = ITEMS,
                                          .n_domains = 2,
                                          .n_tastes = 3,
                                          .rows = 8,
                                          .support = 3,
                                          .noise = 0.2,
                                          .ratings = true,
                                          .seed = 9 },
               w);
}

static void assert_near(double x, double expected, double tolerance)
{
    if (!(fabs(x - expected) <= tolerance))
        fail_msg("%.12g, expected %.12g within %g", x, expected, tolerance);
}

/* tests/oracle/prototypical_step.py has the same two episodes. */
static void a_step_is_that_of_pytorch(void **state)
{
    (void)state;
    enum { E = 3, N = 8, M = 3 };
    static const char *const loss[] = { "bce", "bpr" };
    for (int k = 0; k < 2; k++) {
        struct test_host h;
        struct test_world w;
        struct test_model m;
        char settings[100], name[20];
        test_host_init(&h, 1, 3);
        make_world(&h, &w);
        snprintf(settings, sizeof settings, "factors = 3; negatives = 2; shrink = 1.5; loss = %s", loss[k]);
        assert_int_equal(test_fit(&h, &prototypical, settings, &w.train, 0, &m), RH_OK);
        struct state *s = m.state;
        struct values all = read_values(&h, "tests/oracle/prototypical_step.values");
        double value, dt[N * E];
        memset(s->net.tower.table, 0, (size_t)s->net.tower.n_columns * E * sizeof(double));
        find(&all, "t", s->net.tower.own, N * E); /* so these are the vectors of the first items */
        find(&all, "popular", s->liked, E);
        find(&all, "every", s->every, E);

        struct episodes x;
        assert_int_equal(begin(&h.ctx, s, 2, &x), RH_OK);
        struct rh_meta_batch *b = &x.batch;
        static const struct rh_task task[] = { { 0, 0 }, { 1, 0 } };
        static const int32_t slot[] = { 0, 1, 5, 3, 5, 4, 2, 1, 4, 6, 5, 1, 1, 2, 6 }, history[] = { 0, 3, 7 };
        static const double weight[] = { 0.5, 0.5, 0.5, 0.5, 1 }, history_weight[] = { 1.2, 0.8, 0.3 };
        b->task = task;
        b->n_tasks = 2;
        b->first_row[1] = 4;
        b->first_row[2] = 5;
        b->n_support[0] = 2;
        b->n_support[1] = 0;
        b->first_history[1] = b->first_history[2] = 3;
        b->norm_query[0] = 1 / (2.3 + 1.5);
        b->norm_query[1] = 0;
        memcpy(b->slot, slot, sizeof slot);
        memcpy(b->weight, weight, sizeof weight);
        memcpy(b->history, history, sizeof history);
        memcpy(b->history_weight, history_weight, sizeof history_weight);
        for (int32_t i = 0; i < N; i++)
            assert_int_equal(rh_slot(&b->slots, i), i);
        assert_int_equal(learn(&h.ctx, &x), RH_OK);
        snprintf(name, sizeof name, "%s_loss", loss[k]);
        find(&all, name, &value, 1);
        assert_near(b->loss, value, 1e-12);
        snprintf(name, sizeof name, "%s_dt", loss[k]);
        find(&all, name, dt, N * E);
        for (int j = 0; j < N * E; j++)
            assert_near(b->dt[j], dt[j], 1e-12);
        test_model_release(&m);
        test_host_release(&h);
    }
}

struct world {
    struct test_host h;
    struct test_world w;
    struct test_model m;
    struct state *s;
    struct episodes x;
};

static double loss_of(void *arg)
{
    struct world *l = arg;
    assert_int_equal(learn(&l->h.ctx, &l->x), RH_OK);
    return l->x.batch.loss;
}

/* All tasks of both domains at once, some of them without a support. */
static void the_gradient_is_that_of_differences(void **state)
{
    (void)state;
    static const char *const settings[] = { "loss = bce", "loss = bpr; positives = liked", "loss = mse; shrink = 0" };
    for (size_t k = 0; k < 3; k++) {
        struct world l;
        char text[200];
        test_host_init(&l.h, 2, 7);
        make_world(&l.h, &l.w);
        snprintf(text, sizeof text, "factors = 3; shots = 4; spread = 0.5; history_dropout = 0.3; %s", settings[k]);
        assert_int_equal(test_fit(&l.h, &prototypical, text, &l.w.train, 0, &l.m), RH_OK);
        l.s = l.m.state;
        struct rh_tower *tower = &l.s->net.tower;
        assert_int_equal(begin(&l.h.ctx, l.s, l.s->n_tasks, &l.x), RH_OK);
        assert_int_equal(rh_meta_batch_draw(&l.h.ctx, &l.x.batch, 1, 0, l.s->task, l.s->n_tasks), RH_OK);
        int32_t without = 0;
        for (int32_t i = 0; i < l.s->n_tasks; i++)
            without += l.x.batch.n_support[i] == 0;
        assert_true(without > 3 && without < l.s->n_tasks / 2);
        loss_of(&l);
        int32_t n = l.x.batch.slots.n;
        static double own[60 * 3], expected[60 * 3];
        memcpy(expected, l.x.batch.dt, (size_t)n * 3 * sizeof *expected);
        for (int32_t i = 0; i < n; i++)
            memcpy(own + 3 * i, tower->own + 3 * l.x.batch.slots.item[i], 3 * sizeof *own);
        assert_int_equal(rh_tower_back(&l.h.ctx, tower, l.x.batch.slots.item, n, expected), RH_OK);
        check_gradient("table", loss_of, &l, tower->table, tower->table_gradient, (int64_t)tower->n_columns * 3);
        for (int32_t i = 0; i < n; i++)
            check_gradient("own", loss_of, &l, tower->own + 3 * l.x.batch.slots.item[i], expected + 3 * i, 3);
        test_model_release(&l.m);
        test_host_release(&l.h);
    }
}

/* |t - c_not|^2 - |t - c_liked|^2 with the prototypes summed up here, for a user with a history and one without. */
static void scores_are_differences_of_distances(void **state)
{
    (void)state;
    enum { E = 5 };
    struct test_host h;
    struct test_world w;
    struct test_model m;
    test_host_init(&h, 2, 3);
    make_world(&h, &w);
    assert_int_equal(test_fit(&h, &prototypical, "factors = 5; rating_gain = 0; shrink = 2; tasks = target", &w.train,
                              3, &m), RH_OK);
    const struct state *s = m.state;
    static const int32_t seen[] = { 4, 9, 17 };
    static const float value[] = { 3, 5, 2 };
    struct rh_query query[] = { test_query_with(&h, &w.train, 21, 3, seen, value),
                                test_query_with(&h, &w.train, 21, 0, NULL, NULL) };
    float out[2 * ITEMS];
    assert_int_equal(test_score(&h, &m, query, 2, 1, out, ITEMS), RH_OK);
    const struct rh_domain *d = &w.train.domain[0];
    double popular[E] = { 0 }, every[E] = { 0 };
    for (int64_t k = 0; k < d->row[USERS]; k++)
        for (int e = 0; e < E; e++)
            popular[e] += s->net.vector[d->item[k] * E + e] / (double)d->row[USERS];
    for (int k = 0; k < ITEMS * E; k++)
        every[k % E] += s->net.vector[k] / ITEMS;
    for (int q = 0; q < 2; q++)
        for (int i = 0; i < ITEMS; i++) {
            double near = 0, far = 0;
            for (int e = 0; e < E; e++) {
                double c = 2 * popular[e], t = s->net.vector[i * E + e];
                for (int k = 0; k < 3; k++)
                    c += s->net.vector[seen[k] * E + e];
                c = q ? popular[e] : c / 5;
                near += (t - c) * (t - c);
                far += (t - every[e]) * (t - every[e]);
            }
            assert_near(out[q * ITEMS + i], far - near, 1e-6);
        }
    test_model_release(&m);
    test_host_release(&h);
}

/* Tastes are learned: of users that were not in training, from a few items. */
static void cold_users_are_served(void **state)
{
    (void)state;
    struct test_host h;
    struct test_world w;
    struct test_model m;
    test_host_init(&h, 2, 5);
    test_world(&h,
               &(struct test_world_spec){ .n_users = 80, .n_warm = 60, .n_items = 60, .n_domains = 1, .n_tastes = 4,
                                          .rows = 12, .support = 4, .noise = 0.1, .no_genre = true, .seed = 2 },
               &w);
    double auc[2];
    for (int k = 0; k < 2; k++) {
        assert_int_equal(test_fit(&h, &prototypical, "tasks = target", &w.train, k ? 30 : 0, &m), RH_OK);
        auc[k] = test_world_auc(&h, &w, &m, 60, 80);
        test_model_release(&m);
    }
    if (!(auc[1] > 0.75 && auc[1] > auc[0] + 0.05))
        fail_msg("AUC %.3f, untrained %.3f", auc[1], auc[0]);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_that_of_pytorch),
        cmocka_unit_test(the_gradient_is_that_of_differences),
        cmocka_unit_test(scores_are_differences_of_distances),
        cmocka_unit_test(cold_users_are_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
