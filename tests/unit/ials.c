/* ials against plain loops in double: one epoch, each row's least-squares problem by Gaussian elimination. The plugin's
 * source is part of this test, so that its vectors can be looked at. */
#include "../../algorithms/factors/ials.c"
#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define USERS 41
#define ITEMS 29

struct model {
    struct test_host h;
    struct rh_train train;
    struct rh_domain domain;
    struct test_model m;
};

static void assert_near(double x, double expected, double tolerance)
{
    if (!(fabs(x - expected) <= tolerance))
        fail_msg("%.9g, expected %.9g within %g", x, expected, tolerance);
}

static void make(struct model *w, const char *settings, int threads)
{
    struct rh_rng r = rh_stream(23, "rows", "ials", 0);
    struct test_row row[USERS * ITEMS];
    int64_t n = 0;
    test_host_init(&w->h, threads, 7);
    for (int32_t u = 0; u < USERS; u++)
        for (int32_t i = 0; i < ITEMS; i++)
            if (u % 9 != 4 && rh_rng_below(&r, 2 + (uint32_t)i / 4) == 0)
                row[n++] = (struct test_row){ u, i, 1 + (float)rh_rng_below(&r, 9) / 2, 0 };
    w->domain = test_domain(&w->h, "made", USERS, ITEMS, row, n, TEST_VALUES);
    w->train = (struct rh_train){ .n_users = USERS, .n_domains = 1, .domain = &w->domain };
    if (test_fit(&w->h, &ials, settings, &w->train, 0, &w->m) < 0)
        fail_msg("%s", w->h.error.text);
}

static void end(struct model *w)
{
    test_model_release(&w->m);
    test_host_release(&w->h);
}

static double value_of(const struct rh_als_params *p, float rating)
{
    return p->alpha * (p->confidence == RH_ALS_ONES      ? 1
                       : p->confidence == RH_ALS_RATINGS ? rating
                                                         : log(1 + rating / p->epsilon));
}

/* Solves a[d x d] x = b by elimination with pivots; a and b are destroyed. */
static void eliminate(double *a, double *b, int d, double *x)
{
    for (int k = 0; k < d; k++) {
        int best = k;
        for (int r = k + 1; r < d; r++)
            if (fabs(a[r * d + k]) > fabs(a[best * d + k]))
                best = r;
        for (int c = 0; c < d; c++) {
            double t = a[k * d + c];
            a[k * d + c] = a[best * d + c];
            a[best * d + c] = t;
        }
        double t = b[k];
        b[k] = b[best];
        b[best] = t;
        for (int r = k + 1; r < d; r++) {
            double f = a[r * d + k] / a[k * d + k];
            for (int c = k; c < d; c++)
                a[r * d + c] -= f * a[k * d + c];
            b[r] -= f * b[k];
        }
    }
    for (int k = d - 1; k >= 0; k--) {
        x[k] = b[k];
        for (int c = k + 1; c < d; c++)
            x[k] -= a[k * d + c] * x[c];
        x[k] /= a[k * d + k];
    }
}

/* v[user][item]: the rating, 0: none. */
static void table_of(const struct model *w, float v[USERS][ITEMS])
{
    memset(v, 0, sizeof(float) * USERS * ITEMS);
    for (int32_t u = 0; u < USERS; u++)
        for (int64_t k = w->domain.row[u]; k < w->domain.row[u + 1]; k++)
            v[u][w->domain.item[k]] = w->domain.value[k];
}

/* The vector of one row: rating[n_other] against y[n_other x width]. Every pair is looked at. */
static void reference_row(const struct rh_als_params *p, const float *rating, size_t stride, const float *y,
                          int n_other, int width, double *x)
{
    int d = (int)p->factors, n = 0;
    double a[64 * 64] = { 0 }, b[64] = { 0 }, a0 = p->objective == RH_ALS_HU ? 1 : p->unobserved;
    for (int j = 0; j < n_other; j++) {
        float v = rating[(size_t)j * stride];
        double w = v > 0 ? value_of(p, v) : 0, target = p->objective == RH_ALS_HU && v > 0 ? a0 : 0;
        n += v > 0;
        for (int f = 0; f < d; f++) {
            b[f] += (w + target) * y[j * width + f];
            for (int g = 0; g < d; g++)
                a[f * d + g] += (w + a0) * y[j * width + f] * y[j * width + g];
        }
    }
    for (int f = 0; f < d; f++)
        a[f * d + f] += p->reg * pow(n + a0 * n_other, p->nu);
    eliminate(a, b, d, x);
}

static const char *const settings[] = {
    "factors = 5",
    "factors = 17; reg = 0.07; unobserved = 0.31; alpha = 2.5; nu = 0.5",
    "factors = 16; objective = hu; alpha = 7; reg = 0.9; nu = 0",
    "factors = 9; objective = hu; confidence = ratings; alpha = 1.25; reg = 0.4; nu = 0.25",
    "factors = 33; confidence = logs; epsilon = 0.6; alpha = 1.5; reg = 0.11",
};

static void one_epoch_equals_plain_loops(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof settings / sizeof *settings; c++) {
        static struct model w;
        static float v[USERS][ITEMS], first[ITEMS * 64];
        make(&w, settings[c], 1 + (int)c % 3);
        struct rh_als *s = &((struct ials_state *)w.m.state)->als;
        const struct rh_als_params *p = w.m.params;
        double loss = NAN;
        table_of(&w, v);
        memcpy(first, s->item.x, sizeof *first * (size_t)(ITEMS * s->width));
        assert_int_equal(ials_epoch(&w.h.ctx, w.m.state, 1, &loss), RH_OK);
        test_host_scratch_back(&w.h);
        double x[64];
        for (int u = 0; u < USERS; u++) {
            reference_row(p, v[u], 1, first, ITEMS, s->width, x);
            for (int f = 0; f < p->factors; f++)
                assert_near(s->user.x[u * s->width + f], x[f], 2e-5 * (1 + fabs(x[f])));
            for (int f = (int)p->factors; f < s->width; f++)
                assert_true(s->user.x[u * s->width + f] == 0);
        }
        for (int i = 0; i < ITEMS; i++) {
            reference_row(p, &v[0][i], ITEMS, s->user.x, USERS, s->width, x);
            for (int f = 0; f < p->factors; f++)
                assert_near(s->item.x[i * s->width + f], x[f], 2e-4 * (1 + fabs(x[f])));
        }
        end(&w);
    }
}

/* The objective over all pairs, as the header of the plugin has it. */
static double objective_of(const struct rh_als_params *p, const struct rh_als *s, float v[USERS][ITEMS])
{
    double sum = 0, a0 = p->objective == RH_ALS_HU ? 1 : p->unobserved;
    for (int u = 0; u < USERS; u++)
        for (int i = 0; i < ITEMS; i++) {
            double score = 0;
            for (int f = 0; f < s->width; f++)
                score += (double)s->user.x[u * s->width + f] * s->item.x[i * s->width + f];
            if (v[u][i] > 0)
                sum += value_of(p, v[u][i]) * (1 - score) * (1 - score);
            double target = p->objective == RH_ALS_HU && v[u][i] > 0;
            sum += a0 * (target - score) * (target - score);
        }
    for (int k = 0; k < USERS + ITEMS; k++) {
        const float *x = k < USERS ? s->user.x + k * s->width : s->item.x + (k - USERS) * s->width;
        int n = 0, other = k < USERS ? ITEMS : USERS;
        double square = 0;
        for (int j = 0; j < other; j++)
            n += k < USERS ? v[k][j] > 0 : v[j][k - USERS] > 0;
        for (int f = 0; f < s->width; f++)
            square += (double)x[f] * x[f];
        sum += p->reg * pow(n + a0 * other, p->nu) * square;
    }
    return sum;
}

static void the_loss_is_the_objective_and_falls(void **state)
{
    (void)state;
    for (size_t c = 0; c < 2 * sizeof settings / sizeof *settings; c++) {
        static struct model w;
        static float v[USERS][ITEMS];
        char text[200];
        snprintf(text, sizeof text, "%s%s", settings[c / 2], c % 2 ? "; solver = cg; cg_steps = 2" : "");
        make(&w, text, 2);
        table_of(&w, v);
        const struct rh_als_params *p = w.m.params;
        double before = INFINITY, loss = NAN;
        for (int epoch = 1; epoch <= 6; epoch++) {
            assert_int_equal(ials_epoch(&w.h.ctx, w.m.state, epoch, &loss), RH_OK);
            test_host_scratch_back(&w.h);
            double expected = objective_of(p, &((struct ials_state *)w.m.state)->als, v) /
                              (double)w.domain.row[USERS];
            assert_near(loss, expected, 1e-4 * expected);
            assert_true(loss <= before * (1 + 1e-6));
            before = loss;
        }
        end(&w);
    }
}

/* With a large reg every epoch shrinks the vectors by more than it pulls them: the end is 0, which is said once. */
static void factors_that_vanish_are_told(void **state)
{
    static struct model w;
    double loss;
    (void)state;
    for (int large = 0; large < 2; large++) {
        make(&w, large ? "factors = 4; reg = 30" : "factors = 4", 1);
        w.h.logged = 0;
        for (int epoch = 1; epoch <= 30; epoch++) {
            assert_int_equal(ials_epoch(&w.h.ctx, w.m.state, epoch, &loss), RH_OK);
            test_host_scratch_back(&w.h);
        }
        assert_int_equal(w.h.logged, large);
        end(&w);
    }
}

static void many_steps_of_cg_are_exact(void **state)
{
    (void)state;
    static struct model exact, cg;
    make(&exact, "factors = 12", 1);
    make(&cg, "factors = 12; solver = cg; cg_steps = 60", 2);
    double loss = NAN;
    assert_int_equal(ials_epoch(&exact.h.ctx, exact.m.state, 1, &loss), RH_OK);
    assert_int_equal(ials_epoch(&cg.h.ctx, cg.m.state, 1, &loss), RH_OK);
    const struct rh_als *a = &((struct ials_state *)exact.m.state)->als, *b = &((struct ials_state *)cg.m.state)->als;
    for (int k = 0; k < USERS * a->width; k++)
        assert_near(a->user.x[k], b->user.x[k], 1e-5);
    end(&exact);
    end(&cg);
}

/* out = A v, a row after the other. */
static void multiply_plainly(const struct rh_als_problem *q, float lambda, const int32_t *col, int32_t n,
                             const float *v, float *out)
{
    int32_t width = q->model->width;
    float alpha = (float)q->model->params->alpha;
    for (int32_t f = 0; f < width; f++)
        out[f] = lambda * v[f];
    for (int32_t f = 0; f < width; f++)
        rh_factor_add(out, v[f], q->gram + (int64_t)f * width, width);
    for (int32_t k = 0; k < n; k++) {
        const float *y = q->other + (int64_t)col[k] * width;
        rh_factor_add(out, alpha * rh_factor_dot(y, v, width), y, width);
    }
}

/* Three steps of conjugate gradients (Hestenes and Stiefel 1952) from x. */
static void solve_plainly(const struct rh_als_problem *q, const int32_t *col, int32_t n, float *x)
{
    _Alignas(64) float b[64] = { 0 }, r[64], p[64], ap[64];
    int32_t width = q->model->width;
    const struct rh_als_params *params = q->model->params;
    float lambda = (float)(params->reg * pow(n + (double)q->model->a0 * (double)q->n_other, params->nu));
    for (int32_t k = 0; k < n; k++)
        rh_factor_add(b, (float)params->alpha, q->other + (int64_t)col[k] * width, width);
    multiply_plainly(q, lambda, col, n, x, r);
    for (int32_t f = 0; f < width; f++)
        p[f] = r[f] = b[f] - r[f];
    float rr = rh_factor_dot(r, r, width);
    for (int step = 0; step < 3; step++) {
        multiply_plainly(q, lambda, col, n, p, ap);
        float a = rr / rh_factor_dot(p, ap, width);
        rh_factor_add(x, a, p, width);
        rh_factor_add(r, -a, ap, width);
        float next = rh_factor_dot(r, r, width), more = next / rr;
        rr = next;
        for (int32_t f = 0; f < width; f++)
            p[f] = r[f] + more * p[f];
    }
}

/* Rows are worked on four at a time; every sum is made in the order that one at a time has. */
static void cg_is_that_of_plain_loops_bit_by_bit(void **state)
{
    (void)state;
    const char *const of_cg[] = { "factors = 12; solver = cg", "factors = 64; solver = cg; alpha = 2.5" };
    for (int c = 0; c < 2; c++) {
        static struct model w;
        double loss;
        make(&w, of_cg[c], 2);
        assert_int_equal(ials_epoch(&w.h.ctx, w.m.state, 1, &loss), RH_OK);
        test_host_scratch_back(&w.h);
        const struct rh_als *m = &((struct ials_state *)w.m.state)->als;
        const struct rh_als_problem q = { .model = m, .gram = m->gram, .other = m->item.x, .n_other = ITEMS };
        int32_t col[ITEMS];
        for (int32_t n = 1; n <= ITEMS; n++) {
            _Alignas(64) float x[64] = { 0 }, expected[64] = { 0 };
            for (int32_t k = 0; k < n; k++)
                col[k] = (k * 7 + n) % ITEMS;
            for (int32_t f = 0; f < m->params->factors; f++)
                x[f] = expected[f] = 0.01f * (float)(f - n);
            struct rh_als_room *room = rh_als_room(&w.h.ctx, m->width, n);
            assert_int_equal(rh_als_solve(&w.h.ctx, &q, col, NULL, n, room, x, NULL), RH_OK);
            test_host_scratch_back(&w.h);
            solve_plainly(&q, col, n, expected);
            assert_memory_equal(x, expected, sizeof x);
        }
        end(&w);
    }
}

static void threads_change_nothing(void **state)
{
    (void)state;
    const char *const solvers[] = { "factors = 12", "factors = 12; solver = cg" };
    for (int c = 0; c < 2; c++) {
        static struct model one, two;
        double loss[2];
        make(&one, solvers[c], 1);
        make(&two, solvers[c], 2);
        assert_int_equal(ials_epoch(&one.h.ctx, one.m.state, 1, &loss[0]), RH_OK);
        assert_int_equal(ials_epoch(&two.h.ctx, two.m.state, 1, &loss[1]), RH_OK);
        assert_memory_equal(&loss[0], &loss[1], sizeof *loss);
        const struct rh_als *a = &((struct ials_state *)one.m.state)->als;
        const struct rh_als *b = &((struct ials_state *)two.m.state)->als;
        assert_memory_equal(a->user.x, b->user.x, (size_t)(USERS * a->width) * sizeof(float));
        assert_memory_equal(a->item.x, b->item.x, (size_t)(ITEMS * a->width) * sizeof(float));
        end(&one);
        end(&two);
    }
}

static void explanations_add_up_to_the_score(void **state)
{
    (void)state;
    static struct model w;
    make(&w, "factors = 8", 1);
    double loss = NAN;
    for (int epoch = 1; epoch <= 3; epoch++) {
        assert_int_equal(ials_epoch(&w.h.ctx, w.m.state, epoch, &loss), RH_OK);
        test_host_scratch_back(&w.h);
    }
    struct rh_query q = test_query(&w.h, &w.train, 3);
    float score[ITEMS], weight[ITEMS];
    int32_t why[ITEMS];
    assert_int_equal(test_score(&w.h, &w.m, &q, 1, 1, score, ITEMS), RH_OK);
    assert_true(q.history->n > 3);
    for (int32_t i = 0; i < ITEMS; i++) {
        int32_t n = ials_explain(&w.h.ctx, w.m.state, &q, i, ITEMS, why, weight);
        test_host_scratch_back(&w.h);
        assert_int_equal(n, q.history->n);
        double sum = 0;
        for (int32_t k = 0; k < n; k++)
            sum += weight[k];
        assert_near(sum, score[i], 1e-5);
        assert_int_equal(ials_explain(&w.h.ctx, w.m.state, &q, i, 2, why, weight), 2);
        test_host_scratch_back(&w.h);
        assert_true(weight[0] >= weight[1]);
    }
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_epoch_equals_plain_loops),
        cmocka_unit_test(factors_that_vanish_are_told),
        cmocka_unit_test(the_loss_is_the_objective_and_falls),
        cmocka_unit_test(many_steps_of_cg_are_exact),
        cmocka_unit_test(cg_is_that_of_plain_loops_bit_by_bit),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(explanations_add_up_to_the_score),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
