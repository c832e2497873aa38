/* Neural matrix factorisation: a step against finite differences and against PyTorch, scores against the network that
 * is trained, pretraining, bad input; with double for rh_real (difference.h). */
#include "algorithms/neural/neumf.c"

#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "difference.h"
#include "values.h"

/* ------------------------------------------------------------------------------------------------- derivatives */

#define USERS 7
#define ITEMS 11
#define M 3
#define N (25 * M) /* two shards, the last of them not full */

struct learning {
    struct test_host *host;
    struct rh_ncf net;
    struct rh_ncf_step step;
    int32_t user[N], item[N];
};

static void make_net(struct test_host *h, struct rh_ncf *net, bool gmf, bool mlp, bool alone)
{
    *net = (struct rh_ncf){ .share = { 1, 1 }, .alone = alone, .rule = { .kind = RH_SGD, .rate = 1 } };
    rh_ncf_shape(net, gmf, mlp, 3, 2);
    assert_int_equal(rh_ncf_init(&h->ctx, net, USERS, ITEMS, 0.6), RH_OK);
}

static double loss_of(void *arg)
{
    struct learning *l = arg;
    double loss = 0;
    assert_int_equal(rh_ncf_learn(&l->host->ctx, &l->step, &loss), RH_OK);
    return (l->net.alone ? 2 : 1) * loss / l->step.n; /* two parts, of which the loss is the mean */
}

/* A step of gradient descent of rate 1 takes the gradient from every weight. */
static void check_weights(struct learning *l, const char *what, double *w, const double *moved, int64_t n)
{
    double gradient[200];
    assert_true(n <= 200);
    for (int64_t i = 0; i < n; i++)
        gradient[i] = w[i] - moved[i];
    check_gradient(what, loss_of, l, w, gradient, n);
}

static void check_step(int threads, bool gmf, bool mlp, bool alone, double dropout)
{
    struct test_host h;
    struct learning l = { .host = &h };
    test_host_init(&h, threads, 23);
    make_net(&h, &l.net, gmf, mlp, alone);
    l.net.dropout = dropout;
    struct rh_rng r = rh_stream(7, "neumf", "examples", 0);
    for (int k = 0; k < N; k++) {
        l.user[k] = k % M ? l.user[k - 1] : (int32_t)rh_rng_below(&r, USERS);
        l.item[k] = (int32_t)rh_rng_below(&r, ITEMS);
    }
    assert_int_equal(rh_ncf_step_init(&h.ctx, &l.net, N, M, &l.step), RH_OK);
    l.step.row[0] = l.user;
    l.step.row[1] = l.item;
    l.step.number = 5;

    for (int k = 0; k < RH_NCF_PARTS; k++) /* biases, too: at 0 a unit without input stands at its kink */
        if (l.net.used[k])
            fill(&r, l.net.part[k].phi, l.net.part[k].size, 0.5);

    double was[RH_NCF_TABLES][200], moved[RH_NCF_TABLES][200], phi[RH_NCF_PARTS][200], after[RH_NCF_PARTS][200];
    loss_of(&l);
    for (int k = 0; k < RH_NCF_TABLES; k++)
        if (l.net.used[k / 2])
            memcpy(was[k], l.net.table[k].w, (size_t)l.net.table[k].n * (size_t)l.net.table[k].E * sizeof **was);
    for (int k = 0; k < RH_NCF_PARTS; k++)
        if (l.net.used[k])
            memcpy(phi[k], l.net.part[k].phi, (size_t)l.net.part[k].size * sizeof **phi);
    assert_int_equal(rh_ncf_move(&h.ctx, &l.step), RH_OK);
    for (int k = 0; k < RH_NCF_TABLES; k++)
        if (l.net.used[k / 2]) {
            size_t size = (size_t)l.net.table[k].n * (size_t)l.net.table[k].E * sizeof **was;
            memcpy(moved[k], l.net.table[k].w, size);
            memcpy(l.net.table[k].w, was[k], size);
        }
    for (int k = 0; k < RH_NCF_PARTS; k++)
        if (l.net.used[k]) {
            memcpy(after[k], l.net.part[k].phi, (size_t)l.net.part[k].size * sizeof **phi);
            memcpy(l.net.part[k].phi, phi[k], (size_t)l.net.part[k].size * sizeof **phi);
        }
    for (int k = 0; k < RH_NCF_TABLES; k++)
        if (l.net.used[k / 2])
            check_weights(&l, k % 2 ? "items" : "users", l.net.table[k].w, moved[k],
                          (int64_t)l.net.table[k].n * l.net.table[k].E);
    for (int k = 0; k < RH_NCF_PARTS; k++)
        if (l.net.used[k])
            check_weights(&l, "layers", l.net.part[k].phi, after[k], l.net.part[k].size);
    test_host_release(&h);
}

static void gradients(void **state)
{
    (void)state;
    check_step(1, true, true, false, 0);
    check_step(1, true, false, false, 0);
    check_step(1, false, true, false, 0);
    check_step(1, true, true, true, 0);
    check_step(2, true, true, false, 0.3);
}

/* ----------------------------------------------------------------------------------------------------- PyTorch */

/* Three steps of Adam on whole tables; rows come, rest and come again. The sizes are those of the script. */
static void torch_agrees(void **state)
{
    (void)state;
    enum { T_USERS = 6, T_ITEMS = 9, T_F = 4, T_N = 15, T_STEPS = 3 };
    static const char *const modes_[] = { "neumf", "gmf", "mlp", "alone" };
    static const char *const names[] = { "gmf_users", "gmf_items",  "mlp_users",
                                         "mlp_items", "gmf_layers", "mlp_layers" };
    struct test_host h;
    test_host_init(&h, 2, 1);
    struct values all = read_values(&h, "tests/oracle/neumf_step.values");
    int32_t row[2][T_STEPS * T_N];
    for (int side = 0; side < 2; side++) {
        double number[T_STEPS * T_N];
        find(&all, side ? "item" : "user", number, T_STEPS * T_N);
        for (int k = 0; k < T_STEPS * T_N; k++)
            row[side][k] = (int32_t)number[k];
    }
    int compared = 0;
    for (int mode = 0; mode < 4; mode++) {
        struct rh_ncf net = { .share = { 1, 1 }, .alone = mode == 3, .rule = { .kind = RH_ADAM, .rate = 0.01 } };
        struct rh_ncf_step t;
        rh_ncf_shape(&net, mode != 2, mode != 1, T_F, 2);
        assert_int_equal(rh_ncf_init(&h.ctx, &net, T_USERS, T_ITEMS, 1), RH_OK);
        double *at[6] = { net.table[0].w, net.table[1].w,  net.table[2].w,
                          net.table[3].w, net.part[0].phi, net.part[1].phi };
        int64_t size[6] = { T_USERS * T_F,     T_ITEMS * T_F,    T_USERS * 2 * T_F,
                            T_ITEMS * 2 * T_F, net.part[0].size, net.part[1].size };
        for (int k = 0; k < 6; k++)
            if (at[k])
                find(&all, names[k], at[k], size[k]);
        double expected[T_STEPS], want[200];
        char name[40];
        snprintf(name, sizeof name, "%s_loss", modes_[mode]);
        find(&all, name, expected, T_STEPS);
        assert_int_equal(rh_ncf_step_init(&h.ctx, &net, T_N, 3, &t), RH_OK);
        for (int step = 0; step < T_STEPS; step++) {
            double loss = 0;
            t.n = T_N;
            t.n_next = step + 1 < T_STEPS ? T_N : 0;
            for (int side = 0; side < 2; side++) {
                t.row[side] = row[side] + step * T_N;
                t.next[side] = t.row[side] + T_N;
            }
            assert_int_equal(rh_ncf_learn(&h.ctx, &t, &loss), RH_OK);
            if (!(fabs(loss / T_N - expected[step]) < 1e-7))
                fail_msg("%s, step %d: loss %.12g, torch %.12g", modes_[mode], step, loss / T_N, expected[step]);
            assert_int_equal(rh_ncf_move(&h.ctx, &t), RH_OK);
        }
        for (int k = 0; k < RH_NCF_TABLES; k++)
            if (at[k])
                rh_embedding_wake_all(&net.table[k], &net.rule);
        for (int k = 0; k < 6; k++) {
            if (!at[k])
                continue;
            snprintf(name, sizeof name, "%s_%s", modes_[mode], names[k]);
            find(&all, name, want, size[k]);
            for (int64_t i = 0; i < size[k]; i++)
                if (!(fabs(at[k][i] - want[i]) < 1e-6))
                    fail_msg("%s[%lld]: %.12g, torch %.12g", name, (long long)i, at[k][i], want[i]);
            compared++;
        }
    }
    assert_int_equal(compared, 6 + 3 + 3 + 6);
    test_host_release(&h);
}

/* ------------------------------------------------------------------------------------------------ the algorithm */

static void small_world(struct test_host *h, struct test_world *w)
{
    test_world(h,
               &(struct test_world_spec){ .n_users = 60,
                                          .n_warm = 50,
                                          .n_items = 150,
                                          .n_domains = 1,
                                          .n_tastes = 3,
                                          .rows = 30,
                                          .support = 3,
                                          .noise = 0.1,
                                          .seed = 9 },
               w);
}

/* The score is what the network that is trained gives to the pair: of one liked example of score s the loss is
 * log(1 + e^-s). */
static void scores_are_the_network_s(void **state)
{
    (void)state;
    for (int mode = NEUMF; mode <= MLP_ALONE; mode++) {
        static const char *const settings[] = { "mode = neumf; factors = 4; rate = 0.01", "mode = gmf; factors = 4",
                                                "mode = mlp; factors = 4; depth = 2; dropout = 0.2; decay = 0.1" };
        struct test_host h;
        struct test_world w;
        struct test_model m;
        test_host_init(&h, 2, 31);
        small_world(&h, &w);
        assert_int_equal(test_fit(&h, &neumf, settings[mode], &w.train, 3, &m), RH_OK);
        struct neumf_state *s = m.state;
        static float out[60 * 150];
        assert_int_equal(test_score(&h, &m, w.query, 60, 7, out, 150), RH_OK);
        s->net.dropout = 0;
        struct rh_ncf_step t;
        assert_int_equal(rh_ncf_step_init(&h.ctx, &s->net, 1, 5, &t), RH_OK);
        for (int32_t user = 0; user < 60; user += 9)
            for (int32_t item = 0; item < 150; item += 7) {
                double loss = 0;
                t.n = 1;
                t.row[0] = &user;
                t.row[1] = &item;
                assert_int_equal(rh_ncf_learn(&h.ctx, &t, &loss), RH_OK);
                double score = -log(expm1(loss));
                assert_true(fabs(score - (double)out[user * 150 + item]) < 1e-6 * (1 + fabs(score)));
            }
        /* A cold user is asked in vain: all of them get the same. */
        assert_memory_equal(out + 50 * 150, out + 51 * 150, 150 * sizeof *out);
        test_model_release(&m);
        test_host_release(&h);
    }
}

static void it_learns(void **state)
{
    (void)state;
    static const char *const settings[] = { "mode = neumf; rate = 0.005; factors = 4",
                                            "mode = gmf; rate = 0.02; factors = 4",
                                            "mode = mlp; rate = 0.01; factors = 4",
                                            "pretrain = 8; rate = 0.01; factors = 4; tuning_rate = 0.1" };
    for (int k = 0; k < 4; k++) {
        struct test_host h;
        struct test_world w;
        struct test_model m;
        test_host_init(&h, 2, 31);
        small_world(&h, &w);
        assert_int_equal(test_fit(&h, &neumf, settings[k], &w.train, 10, &m), RH_OK);
        double auc = test_world_auc(&h, &w, &m, 0, 50);
        if (!(auc > 0.7)) /* by chance: 0.5 */
            fail_msg("%s: AUC %.3f", settings[k], auc);
        test_model_release(&m);
        test_host_release(&h);
    }
}

/* When the parts are joined the scores stay: only then do they learn together. */
static void joining_keeps_scores(void **state)
{
    (void)state;
    struct test_host h;
    struct test_world w;
    struct test_model m;
    static float alone[150], joined[150];
    test_host_init(&h, 1, 31);
    small_world(&h, &w);
    assert_int_equal(test_fit(&h, &neumf, "pretrain = 4; alpha = 0.3; factors = 4; rate = 0.01", &w.train, 4, &m),
                     RH_OK);
    struct neumf_state *s = m.state;
    assert_true(s->net.alone);
    assert_int_equal(test_score(&h, &m, w.query + 7, 1, 1, alone, 150), RH_OK);
    join(s);
    assert_false(s->net.alone);
    assert_int_equal(test_score(&h, &m, w.query + 7, 1, 1, joined, 150), RH_OK);
    for (int i = 0; i < 150; i++)
        assert_true(fabsf(alone[i] - joined[i]) < 1e-6f);
    double loss;
    assert_int_equal(neumf_epoch(&h.ctx, s, 5, &loss), RH_OK);
    assert_true(s->net.rule.kind == RH_SGD && loss > 0);
    test_model_release(&m);
    test_host_release(&h);
}

static void bad_input(void **state)
{
    (void)state;
    struct test_host h;
    struct test_world w;
    struct test_model m;
    void *params;
    test_host_init(&h, 1, 31);
    small_world(&h, &w);
    assert_int_equal(test_params(&h, &neumf, "factors = 1024; depth = 7", &params), RH_EINVAL);
    assert_string_equal(h.error.text, "factors = 1024 and depth = 7 make a first layer of 131072 inputs, at most are "
                                      "16384: lower one of them");
    h.error = (struct rh_error){ 0 };
    assert_int_equal(test_params(&h, &neumf, "mode = gmf; pretrain = 2", &params), RH_EINVAL);
    h.error = (struct rh_error){ 0 };
    assert_int_equal(test_params(&h, &neumf, "rate = 0.1; decay = 0.6", &params), RH_EINVAL);
    h.error = (struct rh_error){ 0 };
    struct rh_domain empty = test_domain(&h, "empty", 60, 150, NULL, 0, 0);
    struct rh_train train = w.train;
    train.domain = &empty;
    assert_int_equal(test_fit(&h, &neumf, NULL, &train, 1, &m), RH_EDATA);
    assert_string_equal(h.error.text,
                        "domain 'empty' has no user with some items and not all, so there is nothing to "
                        "learn from");
    test_model_release(&m);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients),
        cmocka_unit_test(torch_agrees),
        cmocka_unit_test(scores_are_the_network_s),
        cmocka_unit_test(it_learns),
        cmocka_unit_test(joining_keeps_scores),
        cmocka_unit_test(bad_input),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
