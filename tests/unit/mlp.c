/* Stacks of dense layers, tables of vectors and softmax: values against plain loops, derivatives of first and second
 * order against finite differences; with double for rh_real (difference.h). */
#include "algorithms/lib/embedding.h"
#include "algorithms/lib/mlp.h"

#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "difference.h"

#define N 4      /* rows */
#define MOST 200 /* weights at most */
#define UNITS 60 /* of all layers and rows at most */

/* f = sum of c * y + q / 2 * sum of y * y over the rows: dy = c + q y, rdy = q ry. */
struct stack {
    struct rh_mlp m;
    double phi[MOST], x[N * 5], c[N * 5], q;
    double mask[N * UNITS], tape[N * UNITS], rtape[N * UNITS], work[N * UNITS];
    bool masked;
};

static const struct rh_mlp shapes[] = {
    { .layers = 1, .width = { 5, 3 } },
    { .layers = 2, .width = { 3, 7, 1 } },
    { .layers = 3, .width = { 4, 6, 5, 2 } },
    { .layers = 4, .width = { 2, 3, 5, 4, 3 }, .biasless = true },
};

static void make_stack(struct stack *s, int shape, int hidden, int last, bool masked)
{
    struct rh_rng r = rh_stream(1, "mlp", "stack", (uint64_t)(shape * 16 + hidden * 4 + last));
    *s = (struct stack){ .m = shapes[shape], .q = 0.4, .masked = masked };
    s->m.hidden = hidden;
    s->m.last = last;
    assert_true(rh_mlp_size(&s->m) <= MOST);
    assert_true(rh_mlp_tape(&s->m, N) <= N * UNITS && rh_mlp_work(&s->m, N) <= N * UNITS);
    fill(&r, s->phi, MOST, 0.7);
    fill(&r, s->x, N * 5, 0.9);
    fill(&r, s->c, N * 5, 0.8);
    rh_mlp_drop(&s->m, N, 0.3, &r, s->mask);
}

static double stack_loss(struct stack *s, double *dy)
{
    int32_t out = s->m.width[s->m.layers];
    const double *y = rh_mlp_forward(&s->m, s->phi, N, s->x, s->masked ? s->mask : NULL, s->tape);
    double sum = 0;
    for (int i = 0; i < N * out; i++) {
        sum += s->c[i] * y[i] + s->q / 2 * y[i] * y[i];
        dy[i] = s->c[i] + s->q * y[i];
    }
    return sum;
}

static double stack_value(void *arg)
{
    double dy[N * 5];
    return stack_loss(arg, dy);
}

static void gradient(struct stack *s, double *dphi, double *dx)
{
    double dy[N * 5];
    memset(dphi, 0, MOST * sizeof *dphi);
    memset(dx, 0, (size_t)N * 5 * sizeof *dx);
    stack_loss(s, dy);
    rh_mlp_back(&s->m, s->phi, N, s->x, s->masked ? s->mask : NULL, s->tape, dy, dphi, dx, s->work);
}

/* Calls `look` for every shape, pair of activations, with and without dropout. */
static void each_stack(void (*look)(struct stack *s))
{
    static struct stack s;
    for (int shape = 0; shape < 4; shape++)
        for (int hidden = RH_RELU; hidden <= RH_SIGMOID; hidden++)
            for (int last = RH_RELU; last <= RH_SIGMOID; last++)
                for (int masked = 0; masked < 2; masked++) {
                    make_stack(&s, shape, hidden, last, masked);
                    look(&s);
                }
}

/* The formula of the header, weight by weight. */
static void look_at_values(struct stack *s)
{
    const struct rh_mlp *m = &s->m;
    double dy[N * 5], h[8], below[8];
    stack_loss(s, dy);
    for (int k = 0; k < N; k++) {
        const double *w = s->phi, *tape = s->tape;
        size_t at = 0;
        memcpy(below, s->x + k * m->width[0], (size_t)m->width[0] * sizeof *below);
        for (int l = 1; l <= m->layers; l++) {
            int in = m->width[l - 1], out = m->width[l];
            const double *b = w + in * out;
            for (int o = 0; o < out; o++) {
                double a = m->biasless ? 0 : b[o];
                for (int i = 0; i < in; i++)
                    a += w[o * in + i] * below[i];
                int act = l == m->layers ? (int)m->last : (int)m->hidden;
                h[o] = act == RH_RELU     ? fmax(a, 0)
                       : act == RH_TANH   ? tanh(a)
                       : act == RH_LINEAR ? a
                                          : 1 / (1 + exp(-a));
                if (s->masked && l < m->layers)
                    h[o] *= s->mask[at + (size_t)(k * out + o)];
                check("h", k * out + o, tape[at + (size_t)(k * out + o)], h[o]);
            }
            int64_t size;
            assert_true(s->phi + rh_mlp_layer(m, l, &size) == w);
            assert_true(size == in * out + (m->biasless ? 0 : out));
            w += size;
            at += (size_t)(N * out);
            memcpy(below, h, sizeof h);
        }
        assert_true(w - s->phi == rh_mlp_size(m) && at == rh_mlp_tape(m, N));
    }
}

static void values(void **state)
{
    (void)state;
    each_stack(look_at_values);
}

static void look_at_gradient(struct stack *s)
{
    double dphi[MOST], dx[N * 5], twice[MOST], dy[N * 5];
    gradient(s, dphi, dx);
    check_gradient("dphi", stack_value, s, s->phi, dphi, rh_mlp_size(&s->m));
    check_gradient("dx", stack_value, s, s->x, dx, (int64_t)N * s->m.width[0]);
    memcpy(twice, dphi, sizeof twice); /* gradients add; either may be left out */
    stack_loss(s, dy);
    const double *mask = s->masked ? s->mask : NULL;
    rh_mlp_back(&s->m, s->phi, N, s->x, mask, s->tape, dy, twice, NULL, s->work);
    rh_mlp_back(&s->m, s->phi, N, s->x, mask, s->tape, dy, NULL, dx, s->work);
    for (int64_t i = 0; i < rh_mlp_size(&s->m); i++)
        check("2 dphi", i, twice[i], 2 * dphi[i]);
}

static void first_order(void **state)
{
    (void)state;
    each_stack(look_at_gradient);
}

/* The derivatives along v and rx against differences of outputs and gradients. which: 1 along v, 2 along rx, 3 both. */
static void look_at_second(struct stack *s)
{
    const struct rh_mlp *m = &s->m;
    const double *mask = s->masked ? s->mask : NULL;
    int64_t size = rh_mlp_size(m), outs = (int64_t)N * m->width[m->layers], ins = (int64_t)N * m->width[0];
    double v[MOST], rx[N * 5], phi[MOST], x[N * 5], dy[N * 5], rdy[N * 5];
    struct rh_rng r = rh_stream(2, "mlp", "direction", 0);
    fill(&r, v, MOST, 0.2);
    fill(&r, rx, N * 5, 0.2);
    memcpy(phi, s->phi, sizeof phi);
    memcpy(x, s->x, sizeof x);
    for (int which = 1; which <= 3; which++) {
        const double *along = which & 1 ? v : NULL, *along_x = which & 2 ? rx : NULL;
        double rdphi[MOST] = { 0 }, rdx[N * 5] = { 0 }, y[2][N * 5], g[2][MOST], gx[2][N * 5], ry[N * 5];
        stack_loss(s, dy);
        memcpy(ry, rh_mlp_forward_r(m, phi, N, x, mask, s->tape, along, along_x, s->rtape),
               (size_t)outs * sizeof *ry);
        for (int64_t i = 0; i < outs; i++)
            rdy[i] = s->q * ry[i];
        rh_mlp_back_r(m, phi, N, x, mask, s->tape, s->rtape, along, along_x, dy, rdy, rdphi, rdx, s->work);
        for (int side = 0; side < 2; side++) {
            double step = side ? -STEP : STEP;
            for (int64_t i = 0; i < size; i++)
                s->phi[i] = phi[i] + (along ? step * v[i] : 0);
            for (int64_t i = 0; i < ins; i++)
                s->x[i] = x[i] + (along_x ? step * rx[i] : 0);
            gradient(s, g[side], gx[side]);
            memcpy(y[side], s->tape + rh_mlp_tape(m, N) - outs, (size_t)outs * sizeof *ry);
        }
        memcpy(s->phi, phi, sizeof phi);
        memcpy(s->x, x, sizeof x);
        for (int64_t i = 0; i < outs; i++)
            check("ry", i, ry[i], (y[0][i] - y[1][i]) / (2 * STEP));
        for (int64_t i = 0; i < size; i++)
            check("rdphi", i, rdphi[i], (g[0][i] - g[1][i]) / (2 * STEP));
        for (int64_t i = 0; i < ins; i++)
            check("rdx", i, rdx[i], (gx[0][i] - gx[1][i]) / (2 * STEP));
    }
    /* Without a change of dy, and with parts left out. */
    double all[MOST] = { 0 }, part[MOST] = { 0 }, none[N * 5] = { 0 }, rdx[N * 5] = { 0 };
    rh_mlp_back_r(m, phi, N, x, mask, s->tape, s->rtape, v, rx, dy, none, all, rdx, s->work);
    rh_mlp_back_r(m, phi, N, x, mask, s->tape, s->rtape, v, rx, dy, NULL, part, NULL, s->work);
    assert_memory_equal(all, part, sizeof all);
}

static void second_order(void **state)
{
    (void)state;
    each_stack(look_at_second);
}

static void random_weights_and_masks(void **state)
{
    (void)state;
    struct rh_mlp m = { .layers = 2, .width = { 40, 20, 10 } };
    static double phi[20 * 41 + 10 * 21], mask[2000 * 20];
    struct rh_rng r = rh_stream(3, "mlp", "init", 0);
    rh_mlp_init(&m, &r, phi);
    assert_int_equal(rh_mlp_size(&m), 20 * 41 + 10 * 21);
    double most = 0, squares = 0, limit = sqrt(6.0 / 60);
    for (int i = 0; i < 800; i++) {
        most = fmax(most, fabs(phi[i]));
        squares += phi[i] * phi[i];
    }
    assert_true(most <= limit && most > 0.98 * limit);
    /* A uniform's variance is limit^2 / 3; the mean of 800 squares has a standard error of 0.9 / sqrt(800) = 3 %. */
    assert_true(fabs(squares / 800 / (limit * limit / 3) - 1) < 0.15);
    for (int i = 0; i < 20; i++)
        assert_true(phi[800 + i] == 0);
    assert_int_equal(rh_mlp_mask(&m, 2000), 40000);
    rh_mlp_drop(&m, 2000, 0.25, &r, mask);
    int kept = 0;
    for (int i = 0; i < 40000; i++) {
        assert_true(mask[i] == 0 || mask[i] == 1 / 0.75);
        kept += mask[i] > 0;
    }
    /* 40000 draws with chance 3/4: standard deviation sqrt(40000 * 3 / 16) = 87 */
    assert_true(abs(kept - 30000) < 5 * 87);
}

/* ----------------------------------------------------------------------------------------------- normalisation */

struct norm {
    double x[3 * 5], gain[5], bias[5], c[3 * 5], z[3 * 5], scale[3], y[3 * 5]; /* f = sum of c * y */
};

static double norm_value(void *arg)
{
    struct norm *n = arg;
    rh_nn_norm(3, 5, n->x, n->gain, n->bias, n->z, n->scale, n->y);
    return rh_dot(15, n->c, n->y);
}

static void layers_are_normalised(void **state)
{
    (void)state;
    struct norm n;
    struct rh_rng r = rh_stream(1, "mlp", "norm", 0);
    fill(&r, (double *)&n, sizeof n / sizeof(double), 0.8);
    double dx[15] = { 0 }, dgain[5] = { 0 }, dbias[5] = { 0 };
    norm_value(&n);
    rh_nn_norm_back(3, 5, n.z, n.scale, n.gain, n.c, dgain, dbias, dx);
    check_gradient("dx", norm_value, &n, n.x, dx, 15);
    check_gradient("dgain", norm_value, &n, n.gain, dgain, 5);
    check_gradient("dbias", norm_value, &n, n.bias, dbias, 5);
    rh_nn_norm_back(3, 5, n.z, n.scale, n.gain, n.c, NULL, NULL, NULL);
    /* 1, 2, 3, 4, 5: mean 3, variance 2; the last is 2 / sqrt(2) deviations away, in place */
    struct norm five = { .x = { 1, 2, 3, 4, 5 }, .gain = { 1, 1, 1, 1, 0.5 }, .bias = { 0, 0, 0, 0, 3 } };
    rh_nn_norm(1, 5, five.x, five.gain, five.bias, five.z, five.scale, five.x);
    check("norm", 4, five.x[4], 0.5 * 2 / sqrt(2 + 1e-5) + 3);
    check("norm", 1, five.x[1], -1 / sqrt(2 + 1e-5));
}

/* ----------------------------------------------------------------------------------------------------- softmax */

struct scores {
    double s[5];
    int32_t right;
};

static double softmax_value(void *arg)
{
    struct scores *x = arg;
    double ds[5];
    return rh_nn_softmax(5, x->s, x->right, 1.3, ds);
}

static void softmax(void **state)
{
    (void)state;
    struct rh_rng r = rh_stream(4, "mlp", "softmax", 0);
    for (int32_t right = 0; right < 5; right++) {
        struct scores x = { .right = right }, up, down;
        double ds[5], rs[5], rds[5], by_up[5], by_down[5];
        fill(&r, x.s, 5, 1.5);
        fill(&r, rs, 5, 1);
        rh_nn_softmax(5, x.s, right, 1.3, ds);
        check_gradient("ds", softmax_value, &x, x.s, ds, 5);
        rh_nn_softmax_r(5, x.s, rs, 1.3, rds);
        up = down = x;
        for (int j = 0; j < 5; j++)
            up.s[j] += STEP * rs[j], down.s[j] -= STEP * rs[j];
        rh_nn_softmax(5, up.s, right, 1.3, by_up);
        rh_nn_softmax(5, down.s, right, 1.3, by_down);
        for (int j = 0; j < 5; j++)
            check("rds", j, rds[j], (by_up[j] - by_down[j]) / (2 * STEP));
    }
    /* e^0 : e^log 2 : e^log 5 = 1 : 2 : 5, so the loss of the last is log(8 / 5); and nothing overflows */
    double s[3] = { 0, log(2), log(5) }, ds[3];
    check("loss", 0, rh_nn_softmax(3, s, 2, 1, ds), log(8.0 / 5));
    check("ds", 1, ds[1], 0.25);
    check("ds", 2, ds[2], 5.0 / 8 - 1);
    double large[2] = { 1e4, -1e4 };
    check("large", 0, rh_nn_softmax(2, large, 1, 1, large), 2e4); /* in place */
    check("large", 1, large[1], -1);
}

/* -------------------------------------------------------------------------------------------------- optimisers */

static void adagrad_is_adagrad(void **state)
{
    (void)state;
    struct rh_optimizer_state o = { .kind = RH_ADAGRAD, .rate = 0.3, .decay = 0.1 };
    double w = 2, second = 0, expected = 2, sum = 0;
    static const double g[3] = { 3, -4, 0 };
    for (int t = 0; t < 3; t++) {
        double gradient = g[t];
        rh_nn_step(&o, 0.5);
        rh_nn_descend(&o, 1, &w, &gradient, NULL, &second);
        sum += g[t] * g[t];
        expected = expected * (1 - 0.3 * 0.1) - 0.15 * g[t] / (sqrt(sum) + 1e-10);
        check("w", t, w, expected);
        assert_true(gradient == 0);
    }
    check("second", 0, second, 25);
}

/* --------------------------------------------------------------------------------------------------- embedding */

struct bag {
    struct rh_embedding table;
    double c[3], out[3];
    bool mean, weighted;
};

static const int32_t columns[] = { 4, 1, 4, 0 };
static const float weights[] = { 0.5f, -1, 2, 0.25f };

static double bag_value(void *arg)
{
    struct bag *b = arg;
    memset(b->out, 0, sizeof b->out);
    rh_embedding_bag(&b->table, 4, columns, b->weighted ? weights : NULL, b->mean, b->out);
    return rh_dot(3, b->c, b->out);
}

static void bags(void **state)
{
    (void)state;
    struct test_host h;
    test_host_init(&h, 1, 17);
    for (int kind = 0; kind < 4; kind++) {
        struct rh_rng r = rh_stream(5, "mlp", "bag", 0);
        struct bag b = { .mean = kind & 1, .weighted = kind & 2 };
        assert_int_equal(rh_embedding_init(&h.ctx, &b.table, 6, 3, 0.5, &r), RH_OK);
        fill(&r, b.c, 3, 1);
        bag_value(&b);
        const double *w = b.table.w;
        double sum = b.weighted ? 2.5 * w[4 * 3 + 2] - w[1 * 3 + 2] + 0.25 * w[2]
                                : 2 * w[4 * 3 + 2] + w[1 * 3 + 2] + w[2];
        check("bag", 2, b.out[2], b.mean ? sum / 4 : sum);
        rh_embedding_bag_back(&b.table, 4, columns, b.weighted ? weights : NULL, b.mean, b.c);
        check_gradient("rows", bag_value, &b, b.table.w, b.table.gradient, 18);
        assert_int_equal(b.table.n_touched, 3);
        assert_true(b.table.touched[0] == 4 && b.table.touched[1] == 1 && b.table.touched[2] == 0);
    }
    test_host_release(&h);
}

/* Touched rows move as rh_nn_descend moves them, the others rest; the dense step moves all. */
static void rows_descend(void **state)
{
    (void)state;
    struct test_host h;
    test_host_init(&h, 1, 17);
    struct rh_rng r = rh_stream(5, "mlp", "rows", 0);
    struct rh_embedding t, none;
    assert_int_equal(rh_embedding_init(&h.ctx, &t, 4, 3, 0.5, &r), RH_OK);
    struct rh_optimizer_state o = { .kind = RH_ADAM, .rate = 0.1, .decay = 0.2 };
    double was[12], w[3], g[3] = { 0.3, -0.2, 0.7 }, first[3] = { 0 }, second[3] = { 0 };
    memcpy(was, t.w, sizeof was);
    memcpy(w, t.w + 6, sizeof w);
    rh_axpy(3, 1, g, rh_embedding_gradient(&t, 2));
    rh_axpy(3, 1, g, rh_embedding_gradient(&t, 2));
    assert_int_equal(t.n_touched, 1);
    for (int e = 0; e < 3; e++)
        g[e] *= 2;
    rh_nn_step(&o, 1);
    rh_nn_descend(&o, 3, w, g, first, second);
    rh_embedding_descend(&t, &o);
    assert_memory_equal(t.w + 6, w, sizeof w);
    assert_memory_equal(t.w, was, 6 * sizeof *was);
    assert_memory_equal(t.w + 9, was + 9, 3 * sizeof *was);
    assert_true(t.n_touched == 0 && !t.is_touched[2] && t.gradient[6] == 0);
    rh_embedding_gradient(&t, 1)[0] = 1;
    rh_nn_step(&o, 1);
    rh_embedding_descend_all(&t, &o);
    check("decay of a row without gradient", 0, t.w[0], was[0] * (1 - 0.1 * 0.2));
    assert_true(t.n_touched == 0 && !t.is_touched[1] && t.gradient[3] == 0 && t.w[3] != was[3]);
    assert_int_equal(rh_embedding_init(&h.ctx, &none, 0, 3, 0.5, NULL), RH_OK);
    rh_embedding_descend(&none, &o);
    rh_embedding_descend_all(&none, &o);
    h.fail_at = h.allocations + 3;
    assert_int_equal(rh_embedding_init(&h.ctx, &none, 5, 3, 0.5, NULL), RH_ENOMEM);
    test_host_release(&h);
}

/* A followed table moves as a dense one does: gradients now and then, rests of up to 60 steps, and decay. What is left
 * out, that epsilon does not fade, is at most rate * tail = 0.1 a rest times 1e-8 / sqrt(v), and sqrt(v) is at least
 * sqrt(0.001) * 1: 3e-8 in each of up to 43 rests, of both signs. */
static void check_near(const char *what, int64_t i, double lazy, double dense)
{
    if (!(fabs(lazy - dense) < 5e-7))
        fail_msg("%s[%lld]: %.12g, dense %.12g", what, (long long)i, lazy, dense);
}

static void sleepers_wake_where_they_would_be(void **state)
{
    (void)state;
    struct test_host h;
    test_host_init(&h, 1, 17);
    for (int kind = RH_ADAM; kind <= RH_SGD; kind++) {
        struct rh_rng r = rh_stream(5, "mlp", "sleep", 0), same = r;
        struct rh_embedding dense, lazy;
        struct rh_optimizer_state o = { .kind = kind, .rate = 0.01, .decay = 0.3 };
        assert_int_equal(rh_embedding_init(&h.ctx, &dense, 5, 2, 0.5, &r), RH_OK);
        assert_int_equal(rh_embedding_init(&h.ctx, &lazy, 5, 2, 0.5, &same), RH_OK);
        assert_int_equal(rh_embedding_follow(&h.ctx, &lazy, &o), RH_OK);
        for (int step = 1; step <= 300; step++) {
            /* row 0 in every step, row 1 every 7th, row 2 every 60th, row 3 once, row 4 never */
            const bool has[5] = { true, step % 7 == 1, step % 60 == 2, step == 3, false };
            rh_nn_step(&o, 1);
            for (int32_t row = 0; row < 5; row++) {
                if (!has[row])
                    continue;
                rh_embedding_wake(&lazy, &o, row);
                for (int e = 0; e < 2; e++) {
                    double g = rh_rng_uniform(&r) < 0.5 ? -1 - rh_rng_uniform(&r) : 1 + rh_rng_uniform(&r);
                    check_near("awake", row, rh_embedding_row(&lazy, row)[e], rh_embedding_row(&dense, row)[e]);
                    rh_embedding_gradient(&lazy, row)[e] += g;
                    rh_embedding_gradient(&dense, row)[e] += g;
                }
            }
            rh_embedding_descend(&lazy, &o);
            rh_embedding_descend_all(&dense, &o);
        }
        rh_embedding_wake_all(&lazy, &o);
        for (int i = 0; i < 10; i++)
            check_near("w", i, lazy.w[i], dense.w[i]);
    }
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(first_order),
        cmocka_unit_test(second_order),
        cmocka_unit_test(random_weights_and_masks),
        cmocka_unit_test(layers_are_normalised),
        cmocka_unit_test(softmax),
        cmocka_unit_test(adagrad_is_adagrad),
        cmocka_unit_test(bags),
        cmocka_unit_test(rows_descend),
        cmocka_unit_test(sleepers_wake_where_they_would_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
