/* Meta-learning's gradients: the exact one against finite differences of the whole meta-objective, through all inner
 * steps; with double for rh_real (difference.h). */
#include "algorithms/lib/meta.h"

#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "difference.h"
#include "values.h"

#define E 4
#define H 3
#define PHI (2 * H * E + H + H + 2 * E + 1)
#define SUPPORT 4
#define QUERY 3
#define ITEMS 3
#define SLOTS 6

struct side {
    int32_t slot[SUPPORT * ITEMS];
    double weight[SUPPORT], p[SUPPORT * E], t[SLOTS * E], dp[SUPPORT * E], dt[SLOTS * E];
};
struct task {
    struct rh_meta meta;
    struct side s, q;
    struct rh_net_set support, query;
    double phi[PHI], dphi[PHI], rates[PHI], drates[PHI], work[20000];
};

static void make_side(struct side *x, struct rh_net_set *set, int32_t n, struct rh_rng *r)
{
    fill(r, x->p, n * E, 0.8);
    fill(r, x->t, SLOTS * E, 0.8);
    for (int k = 0; k < n; k++) {
        x->weight[k] = 0.1 + rh_rng_uniform(r);
        for (int j = 0; j < ITEMS; j++)
            x->slot[k * ITEMS + j] = (int32_t)rh_rng_below(r, SLOTS);
    }
    x->slot[1 * ITEMS + 2] = -1;
    *set = (struct rh_net_set){ { n, ITEMS, x->slot, x->weight }, SLOTS, x->p, x->t };
}

static void make_task(struct task *t, int act, int loss, int32_t steps, bool head_only)
{
    struct rh_rng r = rh_stream(6, "metagradients", "task", (uint64_t)loss);
    double rate = loss == RH_MSE ? 0.06 : 0.35; /* squared error is steep: at 0.35 three steps run away */
    *t = (struct task){ .meta = { { E, H, act, loss }, rate, steps, RH_SECOND_ORDER, head_only, NULL } };
    fill(&r, t->phi, PHI, 0.7);
    make_side(&t->s, &t->support, SUPPORT, &r);
    make_side(&t->q, &t->query, QUERY, &r);
    assert_true(rh_net_size(&t->meta.net) == PHI);
    assert_true(rh_meta_work(&t->meta, SUPPORT, SLOTS) <= sizeof t->work / sizeof *t->work);
}

static double gradient(struct task *t)
{
    memset(t->dphi, 0, sizeof t->dphi);
    memset(t->drates, 0, sizeof t->drates);
    memset(t->s.dp, 0, sizeof t->s.dp);
    memset(t->s.dt, 0, sizeof t->s.dt);
    memset(t->q.dp, 0, sizeof t->q.dp);
    memset(t->q.dt, 0, sizeof t->q.dt);
    struct rh_meta_gradient d = { t->s.dp, t->s.dt, t->q.dp, t->q.dt, t->drates };
    return rh_meta_task(&t->meta, t->phi, &t->support, &t->query, t->dphi, &d, t->work);
}

/* The meta-objective by the definition: descend with rh_meta_adapt, then the query loss. */
static double objective(void *arg)
{
    struct task *t = arg;
    double adapted[PHI];
    rh_meta_adapt(&t->meta, t->phi, &t->support, adapted, t->work);
    return rh_net_gradient(&t->meta.net, adapted, &t->query, NULL, NULL, NULL, t->work);
}

static void second_order_is_the_whole_gradient(void **state)
{
    (void)state;
    static struct task t;
    for (int act = RH_RELU; act <= RH_TANH; act++)
        for (int loss = RH_BPR; loss <= RH_MSE; loss++)
            for (int32_t steps = 0; steps <= 3; steps++)
                for (int head_only = 0; head_only < 2; head_only++) {
                    make_task(&t, act, loss, steps, head_only);
                    double value = gradient(&t);
                    check("loss", 0, value, objective(&t));
                    check_gradient("dphi", objective, &t, t.phi, t.dphi, PHI);
                    check_gradient("support dp", objective, &t, t.s.p, t.s.dp, SUPPORT * E);
                    check_gradient("support dt", objective, &t, t.s.t, t.s.dt, SLOTS * E);
                    check_gradient("query dp", objective, &t, t.q.p, t.q.dp, QUERY * E);
                    check_gradient("query dt", objective, &t, t.q.t, t.q.dt, SLOTS * E);
                }
}

/* The inner step by finite differences of the support loss alone; the layer rests when only the head adapts. */
static double support_loss(void *arg)
{
    struct task *t = arg;
    return rh_net_gradient(&t->meta.net, t->phi, &t->support, NULL, NULL, NULL, t->work);
}

static void adaptation_descends_the_support_loss(void **state)
{
    (void)state;
    static struct task t;
    for (int head_only = 0; head_only < 2; head_only++) {
        double adapted[PHI], step[PHI];
        make_task(&t, RH_TANH, RH_BCE, 1, head_only);
        rh_meta_adapt(&t.meta, t.phi, &t.support, adapted, t.work);
        int64_t layer = rh_net_layer_size(&t.meta.net);
        for (int i = 0; i < PHI; i++)
            step[i] = (t.phi[i] - adapted[i]) / t.meta.rate;
        for (int i = 0; head_only && i < layer; i++)
            assert_true(adapted[i] == t.phi[i]);
        int64_t from = head_only ? layer : 0;
        check_gradient("step", support_loss, &t, t.phi + from, step + from, PHI - from);
    }
}

/* First order: the query's gradient where the inner loop ended, nothing through the support. */
static void first_order_is_the_gradient_at_the_end(void **state)
{
    (void)state;
    static struct task t;
    double adapted[PHI], expected[PHI] = { 0 };
    make_task(&t, RH_TANH, RH_BPR, 2, false);
    rh_meta_adapt(&t.meta, t.phi, &t.support, adapted, t.work);
    rh_net_gradient(&t.meta.net, adapted, &t.query, expected, NULL, NULL, t.work);
    t.meta.order = RH_FIRST_ORDER;
    gradient(&t);
    double apart = 0, second[PHI];
    for (int i = 0; i < PHI; i++)
        check("dphi", i, t.dphi[i], expected[i]);
    for (int i = 0; i < SLOTS * E; i++)
        assert_true(t.s.dt[i] == 0);
    t.meta.order = RH_SECOND_ORDER;
    gradient(&t);
    memcpy(second, t.dphi, sizeof second);
    for (int i = 0; i < PHI; i++)
        apart = fmax(apart, fabs(second[i] - expected[i]));
    assert_true(apart > 0.01); /* the second order is there to be tested */
}

/* Meta-SGD: some rates are large, one is none, one climbs. */
static void use_rates(struct task *t)
{
    struct rh_rng r = rh_stream(6, "metagradients", "rates", 0);
    for (int i = 0; i < PHI; i++)
        t->rates[i] = t->meta.rate * (0.2 + 1.6 * rh_rng_uniform(&r));
    t->rates[3] = 0;
    t->rates[PHI - 2] *= -0.5;
    t->meta.rates = t->rates;
}

static void learned_rates_are_differentiated(void **state)
{
    (void)state;
    static struct task t;
    for (int act = RH_RELU; act <= RH_TANH; act++)
        for (int loss = RH_BPR; loss <= RH_MSE; loss++)
            for (int32_t steps = 0; steps <= 3; steps++) {
                make_task(&t, act, loss, steps, steps == 2);
                use_rates(&t);
                double value = gradient(&t);
                check("loss", 0, value, objective(&t));
                check_gradient("rates", objective, &t, t.rates, t.drates, PHI);
                check_gradient("dphi", objective, &t, t.phi, t.dphi, PHI);
                check_gradient("support dp", objective, &t, t.s.p, t.s.dp, SUPPORT * E);
                check_gradient("support dt", objective, &t, t.s.t, t.s.dt, SLOTS * E);
                check_gradient("query dt", objective, &t, t.q.t, t.q.dt, SLOTS * E);
            }
}

/* One rate for all is the plain step; the gradient by the rate is the sum of those by the rates. */
static void equal_rates_are_one_rate(void **state)
{
    (void)state;
    static struct task t, one;
    make_task(&one, RH_TANH, RH_BCE, 2, false);
    gradient(&one);
    make_task(&t, RH_TANH, RH_BCE, 2, false);
    for (int i = 0; i < PHI; i++)
        t.rates[i] = t.meta.rate;
    t.meta.rates = t.rates;
    gradient(&t);
    double sum = 0;
    for (int i = 0; i < PHI; i++) {
        check("dphi", i, t.dphi[i], one.dphi[i]);
        sum += t.drates[i];
    }
    check_gradient("rate", objective, &one, &one.meta.rate, &sum, 1);
    t.meta.order = RH_FIRST_ORDER;
    gradient(&t);
    one.meta.order = RH_FIRST_ORDER;
    gradient(&one);
    double rates = 0;
    for (int i = 0; i < PHI; i++) {
        check("dphi of first order", i, t.dphi[i], one.dphi[i]);
        rates += fabs(t.drates[i]);
    }
    assert_true(rates > 0.01);
}

/* Reptile: the start less the end of a path that descends the support twice and the query set once, by the rate. */
static void reptile_points_along_the_path(void **state)
{
    (void)state;
    static struct task t;
    double adapted[PHI], last[PHI] = { 0 }, dt[SLOTS * E] = { 0 }, dp[SUPPORT * E] = { 0 }, middle[PHI];
    double sum[PHI] = { 0 };
    make_task(&t, RH_TANH, RH_BPR, 2, false);
    rh_meta_adapt(&t.meta, t.phi, &t.support, adapted, t.work);
    rh_net_gradient(&t.meta.net, adapted, &t.query, last, NULL, NULL, t.work);
    t.meta.steps = 1;
    rh_meta_adapt(&t.meta, t.phi, &t.support, middle, t.work);
    t.meta.steps = 2;
    rh_net_gradient(&t.meta.net, t.phi, &t.support, sum, dp, dt, t.work);
    rh_net_gradient(&t.meta.net, middle, &t.support, sum, dp, dt, t.work);
    t.meta.order = RH_ALONG_PATH;
    gradient(&t);
    for (int i = 0; i < PHI; i++)
        check("sum", i, t.dphi[i], sum[i] + last[i]);
    for (int i = 0; i < PHI; i++)
        check("dphi", i, t.dphi[i], (t.phi[i] - (adapted[i] - t.meta.rate * last[i])) / t.meta.rate);
    for (int i = 0; i < SLOTS * E; i++)
        check("support dt", i, t.s.dt[i], dt[i]);
    for (int i = 0; i < SUPPORT * E; i++)
        check("support dp", i, t.s.dp[i], dp[i]);
}

/* No support: nothing adapts, whatever the steps. */
static void without_support_nothing_adapts(void **state)
{
    (void)state;
    static struct task t;
    double adapted[PHI];
    make_task(&t, RH_TANH, RH_BPR, 3, false);
    t.support.pairs.n = 0;
    rh_meta_adapt(&t.meta, t.phi, &t.support, adapted, t.work);
    assert_memory_equal(adapted, t.phi, sizeof adapted);
    gradient(&t);
    check_gradient("dphi", objective, &t, t.phi, t.dphi, PHI);
}

/* ------------------------------------------------------------------------------------- automatic differentiation */

enum { WIDTH = 6, UNITS = 5, ROW = 4, N_S = 5, N_Q = 4, N_T = 9, SIZE = 2 * 6 * 5 + 2 * 5 + 2 * 6 + 1 };
/* The inputs of the scripts; the sizes are theirs. */
struct inputs {
    double phi[SIZE], p_s[N_S * WIDTH], t_s[N_T * WIDTH], w_s[N_S], p_q[N_Q * WIDTH], t_q[N_T * WIDTH], w_q[N_Q];
    int32_t slot_s[N_S * ROW], slot_q[N_Q * ROW];
    struct rh_net_set support, query;
};

static void find_slots(const struct values *all, const char *name, int32_t *slot, int n)
{
    double number[N_S * ROW];
    find(all, name, number, n);
    for (int i = 0; i < n; i++)
        slot[i] = (int32_t)number[i];
}

static void read_inputs(const struct values *all, struct inputs *x)
{
    find(all, "phi", x->phi, SIZE);
    find(all, "support_p", x->p_s, N_S * WIDTH);
    find(all, "support_t", x->t_s, N_T * WIDTH);
    find(all, "support_weight", x->w_s, N_S);
    find(all, "query_p", x->p_q, N_Q * WIDTH);
    find(all, "query_t", x->t_q, N_T * WIDTH);
    find(all, "query_weight", x->w_q, N_Q);
    find_slots(all, "support_slot", x->slot_s, N_S * ROW);
    find_slots(all, "query_slot", x->slot_q, N_Q * ROW);
    x->support = (struct rh_net_set){ { N_S, ROW, x->slot_s, x->w_s }, N_T, x->p_s, x->t_s };
    x->query = (struct rh_net_set){ { N_Q, ROW, x->slot_q, x->w_q }, N_T, x->p_q, x->t_q };
}

/* Compares what one task gives - adapted weights, loss, gradients - with the lines that begin with `prefix`. Returns
 * how many numbers were compared. */
static int compare_task(const struct values *all, const char *prefix, const struct inputs *x, const struct rh_meta *m)
{
    static double work[20000];
    struct {
        const char *name;
        int64_t n;
        double made[SIZE];
    } got[] = { { "adapted", SIZE, { 0 } },
                { "loss", 1, { 0 } },
                { "dphi", SIZE, { 0 } },
                { "support_dp", N_S * WIDTH, { 0 } },
                { "support_dt", N_T * WIDTH, { 0 } },
                { "query_dp", N_Q * WIDTH, { 0 } },
                { "query_dt", N_T * WIDTH, { 0 } },
                { "drates", m->rates ? SIZE : 0, { 0 } } };
    struct rh_meta_gradient d = { got[3].made, got[4].made, got[5].made, got[6].made, got[7].made };
    assert_true(rh_net_size(&m->net) == SIZE);
    assert_true(rh_meta_work(m, N_S, N_T) <= sizeof work / sizeof *work);
    rh_meta_adapt(m, x->phi, &x->support, got[0].made, work);
    *got[1].made = rh_meta_task(m, x->phi, &x->support, &x->query, got[2].made, &d, work);
    int compared = 0;
    for (size_t k = 0; k < sizeof got / sizeof *got; k++) {
        char name[64];
        double want[SIZE];
        snprintf(name, sizeof name, "%s_%s", prefix, got[k].name);
        if (got[k].n > 0)
            find(all, name, want, got[k].n);
        for (int64_t i = 0; i < got[k].n; i++, compared++)
            if (!(fabs(got[k].made[i] - want[i]) <= 1e-13 + 1e-12 * fabs(want[i])))
                fail_msg("%s[%d]: %.17g, by the script %.17g", name, (int)i, got[k].made[i], want[i]);
    }
    return compared;
}

static const char *const loss_names[] = { "bpr", "bce", "mse" }, *const act_names[] = { "relu", "tanh" };
#define PER_TASK (2 * SIZE + 1 + (N_S + N_Q + 2 * N_T) * WIDTH)

static void jax_agrees(void **state)
{
    (void)state;
    struct test_host h;
    struct inputs x;
    char name[32];
    int compared = 0;
    test_host_init(&h, 1, 1);
    struct values all = read_values(&h, "tests/oracle/maml_step.values");
    read_inputs(&all, &x);
    for (int loss = RH_BPR; loss <= RH_MSE; loss++)
        for (int act = RH_RELU; act <= RH_TANH; act++)
            for (int first = 0; first < 2; first++) {
                struct rh_meta meta = { { WIDTH, UNITS, act, loss }, 0.3, 2, first ? RH_FIRST_ORDER : RH_SECOND_ORDER,
                                        false, NULL };
                snprintf(name, sizeof name, "%s_%s_%s", loss_names[loss], act_names[act], first ? "first" : "second");
                compared += compare_task(&all, name, &x, &meta);
            }
    assert_int_equal(compared, 12 * PER_TASK);
    test_host_release(&h);
}

/* Meta-SGD with a rate for each weight, of either sign. */
static void torch_agrees(void **state)
{
    (void)state;
    struct test_host h;
    struct inputs x;
    char name[32];
    double rates[SIZE];
    int compared = 0;
    test_host_init(&h, 1, 1);
    struct values given = read_values(&h, "tests/oracle/maml_step.values");
    struct values all = read_values(&h, "tests/oracle/metasgd_step.values");
    read_inputs(&given, &x);
    find(&all, "rates", rates, SIZE);
    for (int loss = RH_BPR; loss <= RH_MSE; loss++)
        for (int act = RH_RELU; act <= RH_TANH; act++) {
            struct rh_meta meta = { { WIDTH, UNITS, act, loss }, 0, 2, RH_SECOND_ORDER, false, rates };
            snprintf(name, sizeof name, "%s_%s", loss_names[loss], act_names[act]);
            compared += compare_task(&all, name, &x, &meta);
        }
    assert_int_equal(compared, 6 * (PER_TASK + SIZE));
    test_host_release(&h);
}

/* ----------------------------------------------------------------------------------------------- a whole batch */

struct whole {
    struct test_host *host;
    struct rh_network *net;
    struct rh_meta_batch batch;
    struct rh_task task[9];
};

static double whole_value(void *arg)
{
    struct whole *w = arg;
    assert_int_equal(rh_meta_batch_draw(&w->host->ctx, &w->batch, 2, 30, w->task, 9), RH_OK);
    assert_int_equal(rh_meta_batch_learn(&w->host->ctx, &w->batch), RH_OK);
    return w->batch.loss;
}

/* From the query losses of tasks to every weight: the item tower acts through candidates, through the user vectors of
 * both sets, and through the path of the inner loop. */
static void whole_batch(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct test_host h;
        struct test_world world;
        struct rh_network net;
        test_host_init(&h, 2, 17);
        struct test_world_spec spec = { .n_users = 9,
                                        .n_warm = 6,
                                        .n_items = 26,
                                        .n_domains = 2,
                                        .n_tastes = 3,
                                        .rows = 8,
                                        .support = 2,
                                        .noise = 0.4,
                                        .ratings = true,
                                        .seed = 5 };
        test_world(&h, &spec, &world);
        struct rh_network_params params = { .factors = 3,
                                            .hidden = 3,
                                            .negatives = 2,
                                            .activation = RH_TANH,
                                            .loss = i ? RH_BCE : RH_BPR,
                                            .bag = RH_BAG_UNIT,
                                            .idf = true,
                                            .positives = i ? RH_LIKED_ROWS : RH_ALL_ROWS,
                                            .item_ids = true,
                                            .rate = 0.01,
                                            .spread = 0.6,
                                            .rating_gain = 0.7,
                                            .history_dropout = 0.2,
                                            .source_history = 0.4,
                                            .shrink = 0.8 };
        static const bool both[] = { true, true };
        assert_int_equal(rh_network_init(&h.ctx, &net, "it", &params, &world.train, both), RH_OK);
        struct rh_rng r = rh_stream(3, "gradients", "own", 0);
        fill(&r, net.tower.own, (int64_t)net.tower.n_items * 3, 0.3);
        fill(&r, net.phi, rh_net_size(&net.net), 0.5);
        struct rh_meta meta = { net.net, 0.4, 2, RH_SECOND_ORDER, false, NULL };
        struct whole w = { .host = &h, .net = &net };
        for (int32_t u = 0; u < 9; u++)
            w.task[u] = (struct rh_task){ u, u < 6 ? u % 2 : 1 };
        assert_int_equal(rh_meta_batch_init(&h.ctx, &w.batch, &net, &meta, 9, 4, both), RH_OK);
        whole_value(&w);
        int32_t n = w.batch.slots.n, none = 0;
        double *dphi = rh_alloc(&h.own, (size_t)rh_net_size(&net.net), sizeof *dphi);
        double *dt = rh_alloc(&h.own, (size_t)n * 3, sizeof *dt);
        memcpy(dphi, w.batch.dphi, (size_t)rh_net_size(&net.net) * sizeof *dphi);
        memcpy(dt, w.batch.dt, (size_t)n * 3 * sizeof *dt);
        for (int k = 0; k < 9; k++)
            none += w.batch.n_support[k] == 0;
        assert_in_range(none, 1, 8);
        assert_int_equal(rh_tower_back(&h.ctx, &net.tower, w.batch.slots.item, n, dt), RH_OK);
        check_gradient("phi", whole_value, &w, net.phi, dphi, rh_net_size(&net.net));
        check_gradient("table", whole_value, &w, net.tower.table, net.tower.table_gradient, net.tower.n_columns * 3);
        for (int32_t k = 0; k < n; k++)
            check_gradient("own", whole_value, &w, net.tower.own + (size_t)w.batch.slots.item[k] * 3,
                           dt + (size_t)k * 3, 3);
        test_host_release(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_order_is_the_whole_gradient),
        cmocka_unit_test(adaptation_descends_the_support_loss),
        cmocka_unit_test(first_order_is_the_gradient_at_the_end),
        cmocka_unit_test(learned_rates_are_differentiated),
        cmocka_unit_test(equal_rates_are_one_rate),
        cmocka_unit_test(reptile_points_along_the_path),
        cmocka_unit_test(without_support_nothing_adapts),
        cmocka_unit_test(jax_agrees),
        cmocka_unit_test(torch_agrees),
        cmocka_unit_test(whole_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
