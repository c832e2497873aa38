/* The two-tower model: a step's loss by its definition and its derivatives against finite differences, scores against
 * the towers that are trained, what the parameters do; with double for rh_real (difference.h). */
#include "algorithms/neural/two_tower.c"

#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "difference.h"

#define USERS 30
#define WARM 24
#define ITEMS 40

static void make_world(struct test_host *h, struct test_world *w, bool user_features)
{
    test_world(h,
               &(struct test_world_spec){ .n_users = USERS,
                                          .n_warm = WARM,
                                          .n_items = ITEMS,
                                          .n_domains = 1,
                                          .n_tastes = 3,
                                          .rows = 8,
                                          .support = 3,
                                          .noise = 0.2,
                                          .seed = 9 },
               w);
    if (!user_features)
        return;
    struct test_cell cell[2 * USERS];
    for (int32_t u = 0; u < USERS; u++) {
        cell[2 * u] = (struct test_cell){ u, (u * 7) % 5, 1 };
        cell[2 * u + 1] = (struct test_cell){ u, 5, 0.5f };
    }
    struct rh_features *f = rh_alloc(&h->own, 2, sizeof *f);
    float *dense = rh_alloc(&h->own, (size_t)USERS * 3, sizeof *dense);
    for (int k = 0; k < USERS * 3; k++)
        dense[k] = (float)(k % 7) / 7;
    f[0] = test_sparse(h, "group", USERS, 6, cell, 2 * USERS, true);
    f[1] = (struct rh_features){ .name = "vector", .n_rows = USERS, .n_cols = 3, .dense = dense };
    w->train.n_user_blocks = 2;
    w->train.user_features = f;
}

/* -------------------------------------------------------------------------------------------------------- steps */

struct learning {
    struct test_host h;
    struct test_world w;
    struct test_model m;
    struct two_tower_state *s;
    struct rh_towers_step t;
    int32_t row[USERS * 8];
};

static void begin(struct learning *l, const char *settings, int32_t n, bool user_features)
{
    test_host_init(&l->h, 2, 23);
    make_world(&l->h, &l->w, user_features);
    assert_int_equal(test_fit(&l->h, &two_tower, settings, &l->w.train, 0, &l->m), RH_OK);
    l->s = l->m.state;
    struct rh_rng r = rh_stream(7, "two_tower", "rows", 0);
    for (int32_t k = 0; k < l->s->net.n_rows; k++)
        l->row[k] = k;
    rh_rng_shuffle(&r, l->row, l->s->net.n_rows);
    for (int side = 0; side < RH_SIDES; side++) /* biases, too: at 0 a unit without input stands at its kink */
        fill(&r, l->s->net.end[side].phi, l->s->net.end[side].size, 0.5);
    assert_int_equal(rh_towers_step_init(&l->h.ctx, &l->s->net, n, &l->t), RH_OK);
    l->t.row = l->row;
    l->t.number = 3;
}

static void end_of(struct learning *l)
{
    test_model_release(&l->m);
    test_host_release(&l->h);
}

static double loss_of(void *arg)
{
    struct learning *l = arg;
    double loss = 0;
    assert_int_equal(rh_towers_learn(&l->h.ctx, &l->t, &loss), RH_OK);
    return loss;
}

/* The loss once more, pair by pair, from the ends of the step. */
static void loss_is_the_definition(void **state)
{
    (void)state;
    struct learning l;
    begin(&l, "factors = 4; hidden = 5; batch = 70; temperature = 0.3", 70, false);
    double loss = loss_of(&l), sum = 0;
    const struct rh_domain *d = l.s->net.domain;
    for (int k = 0; k < 70; k++) {
        int32_t user = l.s->net.user_of[l.row[k]];
        double all = 0, own = 0;
        for (int j = 0; j < 70; j++) {
            int32_t item = d->item[l.row[j]], count = 0;
            bool has = false;
            for (int64_t i = 0; i < l.s->net.n_rows; i++)
                count += d->item[i] == item;
            for (int64_t i = d->row[user]; i < d->row[user + 1]; i++)
                has = has || d->item[i] == item;
            double s = rh_dot(4, l.t.y[RH_USER_SIDE] + k * 4, l.t.y[RH_ITEM_SIDE] + j * 4) / 0.3 -
                       log((double)count / l.s->net.n_rows);
            all += j == k || !has ? exp(s) : 0;
            own = j == k ? s : own;
        }
        check("length", k, rh_dot(4, l.t.y[RH_USER_SIDE] + k * 4, l.t.y[RH_USER_SIDE] + k * 4), 1);
        sum += (log(all) - own) / 70;
    }
    check("loss", 0, loss, sum);
    end_of(&l);
}

/* A step of gradient descent of rate 1 takes the gradient from every weight. */
struct weights {
    const char *what;
    double *w;
    int64_t n;
    double was[400], moved[400];
};

static void check_settings(const char *settings, bool user_features)
{
    static struct learning l;
    static struct weights x[6];
    begin(&l, settings, 70, user_features);
    struct two_tower_state *s = l.s;
    loss_of(&l);
    int n = 0, E = s->net.tower.E;
    x[n++] =
        (struct weights){ "user layers", s->net.end[RH_USER_SIDE].phi, s->net.end[RH_USER_SIDE].size, { 0 }, { 0 } };
    x[n++] =
        (struct weights){ "item layers", s->net.end[RH_ITEM_SIDE].phi, s->net.end[RH_ITEM_SIDE].size, { 0 }, { 0 } };
    x[n++] = (struct weights){ "own vectors", s->net.tower.own, (int64_t)ITEMS * E, { 0 }, { 0 } };
    x[n++] =
        (struct weights){ "feature vectors", s->net.tower.table, (int64_t)s->net.tower.n_columns * E, { 0 }, { 0 } };
    for (int b = 0; b < s->net.train->n_user_blocks; b++)
        x[n++] = (struct weights){
            "user features", s->net.user_table[b].w, (int64_t)s->net.user_table[b].n * E, { 0 }, { 0 }
        };
    for (int k = 0; k < n; k++) {
        assert_true(x[k].n <= 400);
        memcpy(x[k].was, x[k].w, (size_t)x[k].n * sizeof(double));
    }
    assert_int_equal(rh_towers_move(&l.h.ctx, &l.t), RH_OK);
    for (int k = 0; k < n; k++) {
        memcpy(x[k].moved, x[k].w, (size_t)x[k].n * sizeof(double));
        memcpy(x[k].w, x[k].was, (size_t)x[k].n * sizeof(double));
    }
    for (int k = 0; k < n; k++) {
        for (int64_t i = 0; i < x[k].n; i++)
            x[k].moved[i] = x[k].was[i] - x[k].moved[i];
        check_gradient(x[k].what, loss_of, &l, x[k].w, x[k].moved, x[k].n);
    }
    end_of(&l);
}

static void gradients(void **state)
{
    (void)state;
    check_settings("factors = 3; hidden = 4; batch = 70; temperature = 0.4; optimizer = sgd; rate = 1; history = 4",
                   true);
    check_settings(
        "factors = 3; depth = 0; batch = 70; normalise = no; temperature = 1; correction = no; optimizer = sgd; "
        "rate = 1; history_dropout = 0.5",
        false);
}

/* A history in training is drawn without the item in question, without repeats, and no longer than asked for. */
static void histories_leave_the_item_out(void **state)
{
    (void)state;
    struct learning l;
    begin(&l, "history = 4; history_dropout = 0.3; batch = 100", 100, false);
    const struct rh_domain *d = l.s->net.domain;
    int full = 0, none = 0;
    for (uint64_t number = 0; number < 5; number++) {
        l.t.number = number;
        loss_of(&l);
        for (int k = 0; k < 100; k++) {
            int32_t user = l.s->net.user_of[l.row[k]], n = (int32_t)(d->row[user + 1] - d->row[user]);
            assert_true(l.t.n_seen[k] <= 4 && l.t.n_seen[k] < n);
            full += l.t.n_seen[k] == 4;
            none += l.t.n_seen[k] == 0;
            for (int j = 0; j < l.t.n_seen[k]; j++) {
                int32_t item = l.t.slots.item[l.t.seen[k * 4 + j]];
                bool has = false;
                for (int64_t i = d->row[user]; i < d->row[user + 1]; i++)
                    has = has || d->item[i] == item;
                assert_true(has && item != d->item[l.row[k]]);
                assert_true(j == 0 || item > l.t.slots.item[l.t.seen[k * 4 + j - 1]]);
            }
        }
    }
    /* Thinned: 0.3, of these each length 0 to 4 as often: full 0.7 + 0.06 = 380 of 500, none 30; deviations 9.5, 5.3 */
    assert_true(full > 380 - 45 && full < 380 + 45 && none > 30 - 25 && none < 30 + 25);
    end_of(&l);
}

/* ------------------------------------------------------------------------------------------------ the algorithm */

/* The ends of a step without dropout, of one row whose history is the query's, give the score of the query. */
static void scores_are_those_of_the_towers(void **state)
{
    (void)state;
    struct learning l;
    begin(&l, "factors = 4; hidden = 6; batch = 2; history_dropout = 0; temperature = 0.2", 2, true);
    assert_int_equal(refresh(&l.h.ctx, l.s), RH_OK);
    static float out[ITEMS];
    const struct rh_domain *d = l.s->net.domain;
    for (int k = 0; k < 10; k++) {
        assert_int_equal(rh_towers_step_init(&l.h.ctx, &l.s->net, 2, &l.t),
                         RH_OK); /* scoring gives scratch memory back */
        l.t.row = l.row + 2 * k;
        loss_of(&l);
        double score = rh_dot(4, l.t.y[RH_USER_SIDE], l.t.y[RH_ITEM_SIDE]) / 0.2;
        int32_t user = l.s->net.user_of[l.t.row[0]], item = d->item[l.t.row[0]], history[10], n = 0;
        for (int64_t i = d->row[user]; i < d->row[user + 1]; i++)
            if (d->item[i] != item)
                history[n++] = d->item[i];
        struct rh_query q = test_query_with(&l.h, &l.w.train, user, n, history, NULL);
        assert_int_equal(test_score(&l.h, &l.m, &q, 1, 1, out, ITEMS), RH_OK);
        if (!(fabs(score - (double)out[item]) < 1e-5))
            fail_msg("user %d, item %d, history of %d: %.9g, by the step %.9g", user, item, n, (double)out[item],
                     score);
    }
    end_of(&l);
}

/* Items without interactions are their features: no own vector, but a score of their own. */
static void new_items_are_their_features(void **state)
{
    (void)state;
    struct test_host h;
    struct test_world w;
    struct test_model m;
    test_host_init(&h, 2, 23);
    make_world(&h, &w, false);
    struct test_row row[USERS * 8];
    struct rh_domain *d = (struct rh_domain *)w.train.domain;
    int64_t n = 0;
    for (int32_t u = 0; u < USERS; u++)
        for (int64_t j = d->row[u]; j < d->row[u + 1]; j++)
            if (d->item[j] >= 3) /* items 0, 1, 2 are new */
                row[n++] = (struct test_row){ u, d->item[j], 1, 0 };
    const struct rh_features *features = d->item_features;
    *d = test_domain(&h, "old", USERS, ITEMS, row, n, 0);
    d->item_features = features;
    assert_int_equal(test_fit(&h, &two_tower, "batch = 64; rate = 0.01", &w.train, 5, &m), RH_OK);
    struct two_tower_state *s = m.state;
    double new = 0, old = 0;
    for (int e = 0; e < 32; e++)
        new += fabs(s->net.tower.own[e]) + fabs(s->net.tower.own[32 + e]) + fabs(s->net.tower.own[64 + e]);
    for (int64_t j = 0; j < n; j++)
        old += fabs(s->net.tower.own[(size_t)row[j].item * 32]);
    assert_true(new == 0 && old > 0);
    static float out[ITEMS];
    struct rh_query q = test_query(&h, &w.train, 1);
    assert_int_equal(test_score(&h, &m, &q, 1, 1, out, ITEMS), RH_OK);
    assert_true(out[0] != out[1] && out[1] != out[2]);
    test_model_release(&m);
    test_host_release(&h);
}

static double auc(const char *settings, bool cold, bool features)
{
    struct test_host h;
    struct test_world w;
    struct test_model m;
    test_host_init(&h, 2, 31);
    test_world(&h,
               &(struct test_world_spec){ .n_users = 80,
                                          .n_warm = 60,
                                          .n_items = 150,
                                          .n_domains = 1,
                                          .n_tastes = 4,
                                          .rows = 24,
                                          .support = 6,
                                          .noise = 0.1,
                                          .seed = 9 },
               &w);
    if (!features)
        w.train.n_item_blocks = 0;
    assert_int_equal(test_fit(&h, &two_tower, settings, &w.train, 12, &m), RH_OK);
    double value = test_world_auc(&h, &w, &m, cold ? 60 : 0, cold ? 80 : 60);
    test_model_release(&m);
    test_host_release(&h);
    return value;
}

static void it_learns(void **state)
{
    (void)state;
    static const char *const settings[] = { "batch = 128; rate = 0.01",
                                            "batch = 128; rate = 0.1; optimizer = adagrad",
                                            "batch = 128; rate = 0.03; depth = 0; temperature = 0.2" };
    for (int k = 0; k < 3; k++)
        for (int cold = 0; cold < 2; cold++)
            for (int features = 0; features < 2; features++) {
                double value = auc(settings[k], cold, features);
                if (!(value > 0.65)) /* by chance: 0.5 */
                    fail_msg("%s, cold %d, features %d: AUC %.3f", settings[k], cold, features, value);
            }
}

static void bad_input(void **state)
{
    (void)state;
    struct test_host h;
    struct test_world w;
    struct test_model m;
    void *params;
    test_host_init(&h, 1, 31);
    make_world(&h, &w, false);
    assert_int_equal(test_params(&h, &two_tower, "rate = 1; decay = 2", &params), RH_EINVAL);
    assert_string_equal(h.error.text,
                        "rate * decay = 2, below 1 is allowed: a step takes that share of every weight");
    h.error = (struct rh_error){ 0 };
    struct rh_domain empty = test_domain(&h, "empty", USERS, ITEMS, NULL, 0, 0);
    empty.item_features = w.train.domain[0].item_features;
    struct rh_train train = w.train;
    train.domain = &empty;
    assert_int_equal(test_fit(&h, &two_tower, NULL, &train, 1, &m), RH_EDATA);
    assert_string_equal(h.error.text, "domain 'empty' has 0 interactions, 1 to 2147483647 are allowed");
    test_model_release(&m);
    h.error = (struct rh_error){ 0 };
    assert_int_equal(test_fit(&h, &two_tower, NULL, &w.train, 1, &m), RH_OK);
    ((struct two_tower_state *)m.state)->net.end[RH_USER_SIDE].phi[0] = NAN;
    assert_int_equal(refresh(&h.ctx, m.state), RH_ENUMERIC);
    assert_string_equal(h.error.text, "the weights are no numbers any more; lower rate, which is 0.003");
    test_model_release(&m);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_is_the_definition),
        cmocka_unit_test(gradients),
        cmocka_unit_test(histories_leave_the_item_out),
        cmocka_unit_test(scores_are_those_of_the_towers),
        cmocka_unit_test(new_items_are_their_features),
        cmocka_unit_test(it_learns),
        cmocka_unit_test(bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
