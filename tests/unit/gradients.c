/* Derivatives of the network parts against finite differences; with double for rh_real (difference.h). */
#include "algorithms/lib/critic.h"
#include "algorithms/lib/network.h"

#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "difference.h"

/* ------------------------------------------------------------------------------------------------ dense layers */

struct linear {
    double x[5 * 7], w[3 * 7], b[3], y[5 * 3], c[5 * 3]; /* f = sum of c * y */
};

static double linear_value(void *arg)
{
    struct linear *l = arg;
    rh_nn_linear(5, 7, 3, l->x, l->w, l->b, l->y);
    return rh_dot(15, l->c, l->y);
}

static void linear_layer(void **state)
{
    (void)state;
    struct linear l;
    struct rh_rng r = rh_stream(1, "gradients", "linear", 0);
    fill(&r, (double *)&l, sizeof l / sizeof(double), 0.8);
    double dx[35] = { 0 }, dw[21] = { 0 }, db[3] = { 0 };
    rh_nn_linear_back(5, 7, 3, l.x, l.w, l.c, dx, dw, db);
    check_gradient("dx", linear_value, &l, l.x, dx, 35);
    check_gradient("dw", linear_value, &l, l.w, dw, 21);
    check_gradient("db", linear_value, &l, l.b, db, 3);
    double sum = l.b[2];
    for (int i = 0; i < 7; i++)
        sum += l.x[3 * 7 + i] * l.w[2 * 7 + i];
    linear_value(&l);
    check("y", 11, l.y[11], sum);
    rh_nn_linear_back(5, 7, 3, l.x, l.w, l.c, dx, NULL, NULL); /* adds */
    for (int i = 0; i < 35; i++)
        dx[i] /= 2;
    check_gradient("2 dx", linear_value, &l, l.x, dx, 35);
}

static void activations(void **state)
{
    (void)state;
    static const double at[] = { -2.385, -0.713, 0.291, 1.117, 3.02 };
    for (int kind = RH_RELU; kind <= RH_SIGMOID; kind++)
        for (int i = 0; i < 5; i++) {
            double up = rh_act(kind, at[i] + STEP), down = rh_act(kind, at[i] - STEP), h = rh_act(kind, at[i]);
            check("first", i, rh_act_1(kind, h), (up - down) / (2 * STEP));
            check("second", i, rh_act_2(kind, h), (rh_act_1(kind, up) - rh_act_1(kind, down)) / (2 * STEP));
        }
    assert_true(rh_softplus(800) == 800 && rh_softplus(-800) == 0);
    assert_true(rh_sigmoid(800) == 1 && rh_sigmoid(-800) == 0);
    check("softplus", 0, rh_softplus(0.37), 0.895162949730635); /* log(1 + exp(0.37)) */
}

/* ------------------------------------------------------------------------------------------------------ losses */

struct loss {
    int kind, m;
    double s[5];
};

static double loss_value(void *arg)
{
    struct loss *l = arg;
    double ds[5];
    return rh_nn_loss(l->kind, l->m, l->s, 1.7, ds);
}

static void losses(void **state)
{
    (void)state;
    struct rh_rng r = rh_stream(1, "gradients", "losses", 0);
    for (int kind = RH_BPR; kind <= RH_MSE; kind++)
        for (int m = 2; m <= 5; m++) {
            struct loss l = { kind, m, { 0 } };
            double ds[5], rs[5], rds[5], up[5], down[5];
            fill(&r, l.s, m, 1.5);
            fill(&r, rs, m, 1);
            rh_nn_loss(kind, m, l.s, 1.7, ds);
            check_gradient("ds", loss_value, &l, l.s, ds, m);
            rh_nn_loss_r(kind, m, l.s, rs, 1.7, rds);
            for (int j = 0; j < m; j++)
                l.s[j] += STEP * rs[j];
            rh_nn_loss(kind, m, l.s, 1.7, up);
            for (int j = 0; j < m; j++)
                l.s[j] -= 2 * STEP * rs[j];
            rh_nn_loss(kind, m, l.s, 1.7, down);
            for (int j = 0; j < m; j++)
                check("rds", j, rds[j], (up[j] - down[j]) / (2 * STEP));
        }
    /* by hand: softplus(0.25 - 1.5) = 0.251929081..., of two others the mean */
    double s[3] = { 1.5, 0.25, 1.5 }, ds[3];
    check("bpr", 0, rh_nn_loss(RH_BPR, 3, s, 1, ds), (0.2519290813453729 + 0.69314718055994531) / 2);
    check("mse", 0, rh_nn_loss(RH_MSE, 3, s, 1, ds), (0.5 * 0.5 + (0.25 * 0.25 + 1.5 * 1.5) / 2) / 2);
}

struct lecture {
    int m;
    double s[5], teacher[5], temperature;
};

static double lecture_value(void *arg)
{
    struct lecture *l = arg;
    double ds[5] = { 0 };
    return rh_nn_distill(l->m, l->s, l->teacher, l->temperature, 1.7, ds);
}

static void distillation(void **state)
{
    (void)state;
    struct rh_rng r = rh_stream(1, "gradients", "distillation", 0);
    for (int m = 2; m <= 5; m++) {
        struct lecture l = { .m = m, .temperature = 0.4 * m };
        double ds[5] = { 0 };
        fill(&r, l.s, m, 1.5);
        fill(&r, l.teacher, m, 1.5);
        rh_nn_distill(m, l.s, l.teacher, l.temperature, 1.7, ds);
        check_gradient("ds", lecture_value, &l, l.s, ds, m);
        rh_nn_distill(m, l.s, l.teacher, l.temperature, 1.7, ds); /* adds */
        for (int j = 0; j < m; j++)
            ds[j] /= 2;
        check_gradient("2 ds", lecture_value, &l, l.s, ds, m);
    }
    /* By hand: softmax(ln 3, 0) = (3/4, 1/4), of equal scores (1/2, 1/2): KL = ln(2/3) / 2 + ln(2) / 2 = ln(4/3) / 2.
     * At T = 2 scores of twice the size say the same, the loss is 4 times as large and its slope by s twice. */
    for (int T = 1; T <= 2; T++) {
        double s[2] = { T * 1.0986122886681098, 0 }, equal[2] = { 7, 7 }, ds[2] = { 0 };
        check("kl", 0, rh_nn_distill(2, s, equal, T, 1, ds), T * T * 0.14384103622589045);
        check("slope", 0, ds[0], T * 0.25);
        check("slope", 1, ds[1], -T * 0.25);
    }
    double far[2] = { 2000, 0 }, ds[2] = { 0 };
    check("no overflow", 0, rh_nn_distill(2, far, far, 1, 1, ds), 0);
}

/* ------------------------------------------------------------------------------------------ the scoring network */

#define E 5
#define H 4
#define PHI (2 * H * E + H + H + 2 * E + 1)
#define ROWS 6
#define ITEMS 3
#define SLOTS 7

struct network {
    struct rh_net net;
    struct rh_net_set set;
    int32_t slot[ROWS * ITEMS];
    double phi[PHI], p[ROWS * E], t[SLOTS * E], weight[ROWS];
    double work[10000], out[ROWS * (H + 2 * E)], c[ROWS * (H + 2 * E)];
};

static void make_network(struct network *n, int act, int loss, uint64_t seed)
{
    struct rh_rng r = rh_stream(seed, "gradients", "network", 0);
    *n = (struct network){ .net = { E, H, act, loss } };
    fill(&r, n->phi, PHI, 0.7);
    fill(&r, n->p, ROWS * E, 0.9);
    fill(&r, n->t, SLOTS * E, 0.9);
    fill(&r, n->c, ROWS * (H + 2 * E), 0.6);
    for (int k = 0; k < ROWS; k++) {
        n->weight[k] = 0.2 + rh_rng_uniform(&r);
        for (int j = 0; j < ITEMS; j++)
            n->slot[k * ITEMS + j] = (int32_t)rh_rng_below(&r, SLOTS);
    }
    n->slot[1 * ITEMS + 2] = -1;                          /* one sampled item is missing */
    n->slot[2 * ITEMS + 1] = n->slot[2 * ITEMS + 2] = -1; /* no sampled item: the row counts for nothing */
    n->slot[3 * ITEMS + 0] = -1;                          /* no liked item: neither */
    n->set = (struct rh_net_set){ { ROWS, ITEMS, n->slot, n->weight }, SLOTS, n->p, n->t };
    assert_true(rh_net_size(&n->net) == PHI);
    assert_true(rh_net_work(&n->net, ROWS, SLOTS) <= sizeof n->work / sizeof *n->work);
}

static double network_value(void *arg)
{
    struct network *n = arg;
    return rh_net_gradient(&n->net, n->phi, &n->set, NULL, NULL, NULL, n->work);
}

static void network_first_order(void **state)
{
    (void)state;
    static struct network n;
    for (int act = RH_RELU; act <= RH_TANH; act++)
        for (int loss = RH_BPR; loss <= RH_MSE; loss++) {
            double dphi[PHI] = { 0 }, dp[ROWS * E] = { 0 }, dt[SLOTS * E] = { 0 };
            make_network(&n, act, loss, 11);
            double value = rh_net_gradient(&n.net, n.phi, &n.set, dphi, dp, dt, n.work);
            check("loss", 0, value, network_value(&n));
            check_gradient("dphi", network_value, &n, n.phi, dphi, PHI);
            check_gradient("dp", network_value, &n, n.p, dp, ROWS * E);
            check_gradient("dt", network_value, &n, n.t, dt, SLOTS * E);
        }
}

/* With a teacher, whose scores of missing items are not looked at. */
static void network_with_a_lesson(void **state)
{
    (void)state;
    static struct network n;
    double told[ROWS * ITEMS], own[ROWS * ITEMS];
    struct rh_rng r = rh_stream(1, "gradients", "lesson", 0);
    fill(&r, told, ROWS * ITEMS, 1.5);
    struct rh_lesson lesson = { told, 0.3, 1.6 };
    double dphi[PHI] = { 0 }, dp[ROWS * E] = { 0 }, dt[SLOTS * E] = { 0 };
    make_network(&n, RH_TANH, RH_BPR, 11);
    double alone = network_value(&n);
    n.set.pairs.lesson = &lesson;
    double value = rh_net_gradient(&n.net, n.phi, &n.set, dphi, dp, dt, n.work);
    check_gradient("dphi", network_value, &n, n.phi, dphi, PHI);
    check_gradient("dp", network_value, &n, n.p, dp, ROWS * E);
    check_gradient("dt", network_value, &n, n.t, dt, SLOTS * E);
    assert_true(value > 0.7 * alone);
    told[1 * ITEMS + 2] = 100; /* the missing item */
    check("loss", 0, network_value(&n), value);

    double a[ROWS * H], q[ROWS * E], b[SLOTS * H]; /* a teacher that says what one thinks teaches nothing */
    struct rh_sides sides = { a, q, n.t, b };
    rh_net_users(&n.net, n.phi, ROWS, n.p, a, q);
    rh_net_items(&n.net, n.phi, SLOTS, n.t, b);
    rh_net_scores(&n.net, n.phi, &n.set.pairs, &sides, own, n.work);
    lesson.score = own;
    check("loss", 1, network_value(&n), 0.7 * alone);
}

/* The score of one pair, spelled out. */
static void network_score_is_the_formula(void **state)
{
    (void)state;
    static struct network n;
    make_network(&n, RH_TANH, RH_MSE, 12);
    struct rh_net_parts x = rh_net_parts(&n.net, n.phi);
    double expected = 0;
    for (int k = 0; k < ROWS; k++) {
        double others = 0, liked = 0;
        int counted = 0;
        for (int j = 0; j < ITEMS; j++) {
            if (n.slot[k * ITEMS + j] < 0)
                continue;
            const double *p = n.p + k * E, *t = n.t + n.slot[k * ITEMS + j] * E;
            double s = *x.c;
            for (int h = 0; h < H; h++) {
                double a = x.b[h];
                for (int e = 0; e < E; e++)
                    a += x.wp[h * E + e] * p[e] + x.wt[h * E + e] * t[e];
                s += x.w1[h] * tanh(a);
            }
            for (int e = 0; e < E; e++)
                s += x.w2[e] * p[e] * t[e] + x.w3[e] * t[e];
            if (j == 0)
                liked = (s - 1) * (s - 1);
            else
                others += s * s, counted++;
        }
        if (counted && n.slot[k * ITEMS] >= 0)
            expected += n.weight[k] * (liked + others / counted) / 2;
    }
    check("loss", 0, network_value(&n), expected);
}

static void network_second_order(void **state)
{
    (void)state;
    static struct network n;
    for (int act = RH_RELU; act <= RH_TANH; act++)
        for (int loss = RH_BPR; loss <= RH_MSE; loss++) {
            double v[PHI], g[2][PHI + ROWS * E + SLOTS * E], r[PHI + ROWS * E + SLOTS * E] = { 0 };
            struct rh_rng rng = rh_stream(2, "gradients", "direction", (uint64_t)loss);
            make_network(&n, act, loss, 13);
            fill(&rng, v, PHI, 0.5);
            rh_net_gradient_r(&n.net, n.phi, v, &n.set, 1.3, r, r + PHI, r + PHI + ROWS * E, n.work);
            memset(g, 0, sizeof g);
            for (int side = 0; side < 2; side++) {
                double moved[PHI];
                for (int i = 0; i < PHI; i++)
                    moved[i] = n.phi[i] + (side ? -STEP : STEP) * v[i];
                rh_net_gradient(&n.net, moved, &n.set, g[side], g[side] + PHI, g[side] + PHI + ROWS * E, n.work);
            }
            for (int i = 0; i < PHI + ROWS * E + SLOTS * E; i++)
                check("r", i, r[i], 1.3 * (g[0][i] - g[1][i]) / (2 * STEP));
        }
}

/* f = sum of c * G over some pairs */
static const int32_t pair_row[] = { 0, 5, 2, 5 }, pair_slot[] = { 3, 3, 6, 1 };

static void sides_of(struct network *n, struct rh_sides *s)
{
    double *at = n->work;
    *s = (struct rh_sides){ at, at + ROWS * H, n->t, at + ROWS * (H + E) };
    rh_net_users(&n->net, n->phi, ROWS, n->p, s->a, s->q);
    rh_net_items(&n->net, n->phi, SLOTS, n->t, s->b);
}

static double represent_value(void *arg)
{
    struct network *n = arg;
    struct rh_sides s;
    sides_of(n, &s);
    rh_net_represent(&n->net, 4, pair_row, pair_slot, n->p, &s, n->out);
    return rh_dot(4 * (H + 2 * E), n->c, n->out);
}

static void representation(void **state)
{
    (void)state;
    static struct network n;
    for (int act = RH_RELU; act <= RH_TANH; act++) {
        double da[ROWS * H] = { 0 }, dq[ROWS * E] = { 0 }, dt[SLOTS * E] = { 0 }, db[SLOTS * H] = { 0 };
        double dp[ROWS * E] = { 0 }, dphi[PHI] = { 0 };
        struct rh_sides s, d = { da, dq, dt, db };
        make_network(&n, act, RH_BPR, 14);
        represent_value(&n);
        sides_of(&n, &s);
        rh_net_represent_back(&n.net, 4, pair_row, pair_slot, n.p, &s, n.out, n.c, &d, dp);
        rh_net_users_back(&n.net, n.phi, ROWS, n.p, da, dq, dphi, dp);
        rh_net_items_back(&n.net, n.phi, SLOTS, n.t, db, dphi, dt);
        check_gradient("dphi", represent_value, &n, n.phi, dphi, PHI);
        check_gradient("dp", represent_value, &n, n.p, dp, ROWS * E);
        check_gradient("dt", represent_value, &n, n.t, dt, SLOTS * E);
    }
}

/* ------------------------------------------------------------------------------------------------- minibatches */

struct whole {
    struct test_host *host;
    struct rh_network *net;
    struct rh_batch batch;
    int32_t group[40], n_groups;
};

static double whole_value(void *arg)
{
    struct whole *w = arg;
    assert_int_equal(rh_batch_draw(&w->host->ctx, &w->batch, 3, w->group, w->n_groups), RH_OK);
    assert_int_equal(rh_batch_learn(&w->host->ctx, &w->batch), RH_OK);
    return w->batch.loss;
}

/* From the loss of a minibatch to every weight: through head, layer, both uses of an item (as candidate, and in
 * histories without itself), bags with ratings, sources, own vectors. */
static void whole_minibatch(void **state)
{
    (void)state;
    static const int bags[] = { RH_BAG_MEAN, RH_BAG_SUM, RH_BAG_UNIT };
    for (int i = 0; i < 3; i++) {
        struct test_host h;
        struct test_world world;
        struct rh_network net;
        test_host_init(&h, 2, 17);
        struct test_world_spec spec = { .n_users = 12,
                                        .n_warm = 9,
                                        .n_items = 30,
                                        .n_domains = 2,
                                        .n_tastes = 3,
                                        .rows = 9,
                                        .support = 2,
                                        .noise = 0.4,
                                        .ratings = true,
                                        .seed = 5 };
        test_world(&h, &spec, &world);
        struct rh_network_params params = { .factors = 3,
                                            .hidden = 4,
                                            .negatives = 2,
                                            .batch = 40,
                                            .activation = RH_TANH,
                                            .loss = RH_BCE,
                                            .bag = bags[i],
                                            .idf = i != 1,
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
        struct whole w = { .host = &h, .net = &net, .n_groups = net.first_group[2] };
        assert_int_equal(w.n_groups, 9 + 12);
        for (int32_t g = 0; g < w.n_groups; g++)
            w.group[g] = (g * 8) % w.n_groups;
        assert_int_equal(rh_batch_init(&h.ctx, &w.batch, &net, w.n_groups, both), RH_OK);
        w.batch.domain_weight[1] = 0.6;
        whole_value(&w);
        assert_int_equal(rh_batch_back(&h.ctx, &w.batch), RH_OK);
        assert_int_equal(rh_tower_back(&h.ctx, &net.tower, w.batch.slots.item, w.batch.slots.n, w.batch.grad.t),
                         RH_OK);
        check_gradient("phi", whole_value, &w, net.phi, w.batch.dphi, rh_net_size(&net.net));
        check_gradient("table", whole_value, &w, net.tower.table, net.tower.table_gradient, net.tower.n_columns * 3);
        for (int32_t k = 0; k < w.batch.slots.n; k++)
            check_gradient("own", whole_value, &w, net.tower.own + (size_t)w.batch.slots.item[k] * 3,
                           w.batch.grad.t + (size_t)k * 3, 3);
        test_host_release(&h);
    }
}

/* A dense block is its sparse twin. */
static void dense_block_equals_sparse_block(void **state)
{
    (void)state;
    struct test_host h;
    test_host_init(&h, 1, 17);
    struct test_cell cell[40];
    float *dense = rh_alloc(&h.own, 40, sizeof *dense);
    struct rh_rng r = rh_stream(3, "gradients", "dense", 0);
    for (int i = 0; i < 40; i++) {
        dense[i] = (float)rh_rng_normal(&r);
        cell[i] = (struct test_cell){ i / 5, i % 5, dense[i] };
    }
    struct rh_features sparse = test_sparse(&h, "x", 8, 5, cell, 40, true), full = sparse;
    full.row = NULL, full.col = NULL, full.val = NULL, full.dense = dense;
    struct rh_domain domain[2];
    domain[0] = test_domain(&h, "a", 2, 8, NULL, 0, 0);
    domain[1] = domain[0];
    domain[0].item_features = &sparse;
    domain[1].item_features = &full;
    struct rh_train train = { .n_users = 2, .n_domains = 2, .domain = domain, .n_item_blocks = 1 };
    static const bool both[] = { true, true };
    struct rh_tower tower;
    double out[16 * 4], dout[16 * 4];
    int32_t item[16];
    assert_int_equal(rh_tower_init(&h.ctx, &tower, "it", &train, both, 4, RH_BAG_SUM, false, false, 0.7), RH_OK);
    for (int i = 0; i < 16; i++)
        item[i] = i;
    rh_tower_vectors(&tower, NULL, 0, 16, out);
    for (int i = 0; i < 8 * 4; i++)
        check("vector", i, out[32 + i], out[i]);
    fill(&r, dout, 64, 1);
    assert_int_equal(rh_tower_back(&h.ctx, &tower, item, 8, dout), RH_OK);
    double kept[5 * 4];
    memcpy(kept, tower.table_gradient, sizeof kept);
    memset(tower.table_gradient, 0, sizeof kept);
    assert_int_equal(rh_tower_back(&h.ctx, &tower, item + 8, 8, dout), RH_OK);
    for (int i = 0; i < 20; i++)
        check("gradient", i, tower.table_gradient[i], kept[i]);
    test_host_release(&h);
}

/* ------------------------------------------------------------------------------------------------------ critic */

#define POINTS 5 /* 2 of the sources, 3 of the target */
#define WIDE 6
#define UNITS 4
#define PSI (UNITS * WIDE + 2 * UNITS + 1)

struct critic {
    struct rh_critic critic;
    int kind;
    bool features;
    double psi[PSI], g[POINTS * WIDE], hidden[POINTS * UNITS], value[POINTS], dvalue[POINTS];
    double dpsi[PSI], work[POINTS * (3 * UNITS + 2 * WIDE)];
};

static void make_critic(struct critic *c, int act, int kind)
{
    struct rh_rng r = rh_stream(4, "gradients", "critic", (uint64_t)kind);
    *c = (struct critic){ .critic = { WIDE, UNITS, act }, .kind = kind };
    assert_true(rh_critic_size(&c->critic) == PSI);
    fill(&r, c->psi, PSI, 0.8);
    fill(&r, c->g, POINTS * WIDE, 0.9);
}

static double critic_value(void *arg)
{
    struct critic *c = arg;
    rh_critic_values(&c->critic, c->psi, POINTS, c->g, c->hidden, c->value);
    return c->features ? rh_critic_feature_loss(c->kind, 2, 3, c->value, c->dvalue)
                       : rh_critic_loss(c->kind, 2, 3, c->value, c->dvalue);
}

static void critic_objectives(void **state)
{
    (void)state;
    static struct critic c;
    for (int act = RH_RELU; act <= RH_TANH; act++)
        for (int kind = RH_WASSERSTEIN; kind <= RH_DANN; kind++)
            for (int features = 0; features < 2; features++) {
                double dpsi[PSI] = { 0 }, dg[POINTS * WIDE] = { 0 };
                make_critic(&c, act, kind);
                c.features = features;
                critic_value(&c);
                rh_critic_back(&c.critic, c.psi, POINTS, c.g, c.hidden, c.dvalue, dpsi, dg, c.work);
                check_gradient("dpsi", critic_value, &c, c.psi, dpsi, PSI);
                check_gradient("dg", critic_value, &c, c.g, dg, POINTS * WIDE);
            }
    /* By hand: sources 0.5 and -0.25, target 1, 0.2 and -0.3. */
    static const double value[POINTS] = { 0.5, -0.25, 1, 0.2, -0.3 };
    double dvalue[POINTS];
    check("wasserstein", 0, rh_critic_loss(RH_WASSERSTEIN, 2, 3, value, dvalue), 0.9 / 3 - 0.25 / 2);
    check("wasserstein, features", 0, rh_critic_feature_loss(RH_WASSERSTEIN, 2, 3, value, dvalue),
          0.25 / 2 - 0.9 / 3);
    double critic =
        (log1p(exp(-0.5)) + log1p(exp(0.25))) / 2 + (log1p(exp(1)) + log1p(exp(0.2)) + log1p(exp(-0.3))) / 3;
    double swapped =
        (log1p(exp(0.5)) + log1p(exp(-0.25))) / 2 + (log1p(exp(-1)) + log1p(exp(-0.2)) + log1p(exp(0.3))) / 3;
    check("gan", 0, rh_critic_loss(RH_GAN, 2, 3, value, dvalue), critic);
    check("gan, features", 0, rh_critic_feature_loss(RH_GAN, 2, 3, value, dvalue), swapped);
    check("dann, features", 0, rh_critic_feature_loss(RH_DANN, 2, 3, value, dvalue), -critic);
}

static double penalty_value(void *arg)
{
    struct critic *c = arg;
    double dpsi[PSI] = { 0 };
    return rh_critic_penalty(&c->critic, c->psi, POINTS, c->g, 1.6, dpsi, c->work);
}

static void critic_penalty(void **state)
{
    (void)state;
    static struct critic c;
    for (int act = RH_RELU; act <= RH_TANH; act++) {
        double dpsi[PSI] = { 0 }, sum = 0;
        make_critic(&c, act, RH_WASSERSTEIN);
        double value = rh_critic_penalty(&c.critic, c.psi, POINTS, c.g, 1.6, dpsi, c.work);
        check_gradient("dpsi", penalty_value, &c, c.psi, dpsi, PSI);
        /* The penalty itself, with the critic's gradient by rh_critic_back. */
        double ones[POINTS] = { 1, 1, 1, 1, 1 }, dg[POINTS * WIDE] = { 0 };
        rh_critic_values(&c.critic, c.psi, POINTS, c.g, c.hidden, c.value);
        rh_critic_back(&c.critic, c.psi, POINTS, c.g, c.hidden, ones, NULL, dg, c.work);
        for (int k = 0; k < POINTS; k++) {
            double length = sqrt(rh_dot(WIDE, dg + k * WIDE, dg + k * WIDE));
            sum += (length - 1) * (length - 1);
        }
        check("penalty", 0, value, 1.6 * sum / POINTS);
    }
}

/* -------------------------------------------------------------------------------------------------- optimisers */

/* Two steps of Adam by its definition. */
static void adam_is_adam(void **state)
{
    (void)state;
    struct rh_optimizer_state o = { .kind = RH_ADAM, .rate = 0.03, .decay = 0.2 };
    double w[2] = { 0.7, -1.3 }, first[2] = { 0 }, second[2] = { 0 };
    static const double g[2][2] = { { 0.31, -2.2 }, { -0.05, 0.9 } };
    double ew[2] = { 0.7, -1.3 }, em[2] = { 0 }, ev[2] = { 0 };
    for (int t = 1; t <= 2; t++) {
        double gradient[2] = { g[t - 1][0], g[t - 1][1] };
        rh_nn_step(&o, 0.5);
        rh_nn_descend(&o, 2, w, gradient, first, second);
        assert_true(gradient[0] == 0 && gradient[1] == 0);
        for (int i = 0; i < 2; i++) {
            em[i] = 0.9 * em[i] + 0.1 * g[t - 1][i];
            ev[i] = 0.999 * ev[i] + 0.001 * g[t - 1][i] * g[t - 1][i];
            double m = em[i] / (1 - pow(0.9, t)), v = ev[i] / (1 - pow(0.999, t));
            ew[i] = ew[i] * (1 - 0.03 * 0.2) - 0.015 * m / (sqrt(v) + 1e-8);
            check("w", i, w[i], ew[i]);
        }
    }
    struct rh_optimizer_state sgd = { .kind = RH_SGD, .rate = 0.03 };
    double gradient[2] = { 0.4, -0.2 };
    rh_nn_step(&sgd, 2);
    double expected = w[0] - 0.06 * 0.4;
    rh_nn_descend(&sgd, 2, w, gradient, NULL, NULL);
    check("sgd", 0, w[0], expected);
    double x[3] = { -0.5, 0.02, 0.7 };
    rh_nn_clip(3, x, 0.1);
    assert_true(x[0] == -0.1 && x[1] == 0.02 && x[2] == 0.1);
    assert_true(rh_nn_finite(3, x));
    x[1] = NAN;
    assert_false(rh_nn_finite(3, x));
    x[1] = -INFINITY;
    assert_false(rh_nn_finite(3, x));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_layer),
        cmocka_unit_test(activations),
        cmocka_unit_test(losses),
        cmocka_unit_test(distillation),
        cmocka_unit_test(network_first_order),
        cmocka_unit_test(network_with_a_lesson),
        cmocka_unit_test(network_score_is_the_formula),
        cmocka_unit_test(network_second_order),
        cmocka_unit_test(representation),
        cmocka_unit_test(whole_minibatch),
        cmocka_unit_test(dense_block_equals_sparse_block),
        cmocka_unit_test(critic_objectives),
        cmocka_unit_test(critic_penalty),
        cmocka_unit_test(adam_is_adam),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
