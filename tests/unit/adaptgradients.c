/* Meta-learning of a stack of dense layers over fields (melu): gradients against finite differences of the whole
 * meta-objective and against PyTorch's, with double for rh_real (difference.h). */
#include "algorithms/lib/adapt.h"
#include "algorithms/lib/fields.h"

#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "difference.h"
#include "values.h"

#define IN 3
#define H 4
#define SIZE (H * IN + H + H * H + H + H + 1)
#define SUPPORT 5
#define QUERY 3

struct task {
    struct rh_adapt adapt;
    struct rh_adapt_set support, query;
    double phi[SIZE], dphi[SIZE], x[(SUPPORT + QUERY) * IN], dx[(SUPPORT + QUERY) * IN], rating[SUPPORT + QUERY];
    double work[4000];
};

static void make_task(struct task *t, int act, int32_t steps, bool first_order)
{
    struct rh_rng r = rh_stream(8, "adaptgradients", "task", (uint64_t)act);
    *t = (struct task){ .adapt = { { 3, { IN, H, H, 1 }, act, RH_LINEAR, false }, 0.03, steps, first_order } };
    fill(&r, t->phi, SIZE, 0.7);
    fill(&r, t->x, (SUPPORT + QUERY) * IN, 0.9);
    for (int k = 0; k < SUPPORT + QUERY; k++)
        t->rating[k] = 1 + (int)rh_rng_below(&r, 5);
    t->support = (struct rh_adapt_set){ SUPPORT, t->x, t->rating };
    t->query = (struct rh_adapt_set){ QUERY, t->x + SUPPORT * IN, t->rating + SUPPORT };
    assert_true(rh_mlp_size(&t->adapt.mlp) == SIZE);
    assert_true(rh_adapt_work(&t->adapt, SUPPORT) <= sizeof t->work / sizeof *t->work);
}

static double gradient(struct task *t)
{
    memset(t->dphi, 0, sizeof t->dphi);
    memset(t->dx, 0, sizeof t->dx);
    return rh_adapt_task(&t->adapt, t->phi, &t->support, &t->query, t->dphi, t->dx, t->dx + SUPPORT * IN, t->work);
}

static double mean_squared_error(const struct rh_mlp *m, const double *phi, const struct rh_adapt_set *set)
{
    double tape[64], sum = 0;
    assert_true(rh_mlp_tape(m, set->n) <= 64);
    const double *y = rh_mlp_forward(m, phi, set->n, set->x, NULL, tape);
    for (int32_t k = 0; k < set->n; k++)
        sum += (y[k] - set->rating[k]) * (y[k] - set->rating[k]);
    return sum / set->n;
}

/* The meta-objective by the definition. */
static double objective(void *arg)
{
    struct task *t = arg;
    double adapted[SIZE];
    rh_adapt_weights(&t->adapt, t->phi, &t->support, adapted, t->work);
    return mean_squared_error(&t->adapt.mlp, adapted, &t->query);
}

static void second_order_is_the_whole_gradient(void **state)
{
    (void)state;
    static struct task t;
    for (int act = RH_RELU; act <= RH_TANH; act++)
        for (int32_t steps = 0; steps <= 3; steps++) {
            make_task(&t, act, steps, false);
            check("loss", 0, gradient(&t), objective(&t));
            check_gradient("dphi", objective, &t, t.phi, t.dphi, SIZE);
            check_gradient("dx", objective, &t, t.x, t.dx, (SUPPORT + QUERY) * IN);
            double moved = 0;
            for (int i = 0; i < SUPPORT * IN; i++)
                moved += fabs(t.dx[i]);
            assert_true((moved > 0.01) == (steps > 0)); /* the support's rows shape the path */
        }
}

static double support_loss(void *arg)
{
    struct task *t = arg;
    return mean_squared_error(&t->adapt.mlp, t->phi, &t->support);
}

static void a_step_descends_the_support_loss(void **state)
{
    (void)state;
    static struct task t;
    double adapted[SIZE], moved[SIZE];
    make_task(&t, RH_TANH, 1, false);
    rh_adapt_weights(&t.adapt, t.phi, &t.support, adapted, t.work);
    for (int i = 0; i < SIZE; i++)
        moved[i] = (t.phi[i] - adapted[i]) / t.adapt.rate;
    check_gradient("step", support_loss, &t, t.phi, moved, SIZE);
}

static void first_order_is_the_gradient_at_the_end(void **state)
{
    (void)state;
    static struct task t, end;
    make_task(&t, RH_TANH, 2, true);
    make_task(&end, RH_TANH, 0, true);
    rh_adapt_weights(&t.adapt, t.phi, &t.support, end.phi, t.work);
    gradient(&t);
    gradient(&end);
    for (int i = 0; i < SIZE; i++)
        check("dphi", i, t.dphi[i], end.dphi[i]);
    for (int i = 0; i < (SUPPORT + QUERY) * IN; i++)
        check("dx", i, t.dx[i], i < SUPPORT * IN ? 0 : end.dx[i]);
}

static void without_support_nothing_adapts(void **state)
{
    (void)state;
    static struct task t;
    double adapted[SIZE];
    make_task(&t, RH_TANH, 3, false);
    t.support.n = 0;
    rh_adapt_weights(&t.adapt, t.phi, &t.support, adapted, t.work);
    assert_memory_equal(adapted, t.phi, sizeof adapted);
    gradient(&t);
    check_gradient("dphi", objective, &t, t.phi, t.dphi, SIZE);
}

/* ---------------------------------------------------------------------------------------------------- PyTorch */

/* The world of tests/oracle/melu_step.py. */
enum { ITEMS = 7, USERS = 4, FIELDS = 5, WIDE = 3, UNITS = 4, USER = 1, N_S = 4, N_Q = 3,
       PHI = UNITS * FIELDS * WIDE + UNITS + UNITS * UNITS + UNITS + UNITS + 1 };

static void make_features(struct test_host *h, const struct values *all, struct rh_features item[3],
                          struct rh_features user[2])
{
    static const struct test_cell one[] = { { 0, 0, 1 }, { 1, 2, 1 }, { 2, 1, 1 }, { 3, 0, 1 }, { 4, 2, 1 },
                                            { 5, 1, 1 } };
    static const struct test_cell several[] = { { 0, 0, 1 }, { 0, 1, 1 }, { 1, 2, 1 }, { 2, 1, 1 }, { 2, 3, 1 },
                                                { 2, 4, 1 }, { 4, 0, 1 }, { 4, 4, 1 }, { 5, 2, 1 }, { 5, 3, 1 },
                                                { 6, 1, 1 } };
    static const struct test_cell user_one[] = { { 0, 0, 1 }, { 1, 1, 1 }, { 2, 0, 1 }, { 3, 1, 1 } };
    static const struct test_cell user_several[] = { { 0, 0, 1 }, { 1, 1, 1 }, { 1, 2, 1 }, { 2, 0, 1 }, { 2, 1, 1 },
                                                     { 2, 2, 1 } };
    double dense[ITEMS * 2];
    find(all, "dense", dense, ITEMS * 2);
    float *x = rh_alloc(&h->own, ITEMS * 2, sizeof *x);
    for (int i = 0; i < ITEMS * 2; i++)
        x[i] = (float)dense[i]; /* quarters: exact */
    item[0] = test_sparse(h, "one", ITEMS, 3, one, 6, false);
    item[1] = test_sparse(h, "several", ITEMS, 5, several, 11, false);
    item[2] = (struct rh_features){ .name = "layer", .n_rows = ITEMS, .n_cols = 2, .dense = x };
    user[0] = test_sparse(h, "user_one", USERS, 2, user_one, 4, false);
    user[1] = test_sparse(h, "user_several", USERS, 3, user_several, 6, false);
}

static void compare(const struct values *all, const char *run, const char *name, const double *made, int64_t n)
{
    char full[64];
    double want[PHI];
    snprintf(full, sizeof full, "%s_%s", run, name);
    find(all, full, want, n);
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(made[i] - want[i]) <= 1e-11 + 1e-11 * fabs(want[i])))
            fail_msg("%s[%d]: %.17g, by torch %.17g", full, (int)i, made[i], want[i]);
}

/* From ratings to the tables of the fields, as melu's outer step goes. */
static void torch_agrees(void **state)
{
    (void)state;
    static const char *const names[FIELDS] = { "one", "several", "layer", "user_one", "user_several" };
    static const int32_t item[N_S + N_Q] = { 0, 2, 3, 5, 1, 6, 4 };
    static const int32_t user[N_S + N_Q] = { USER, USER, USER, USER, USER, USER, USER };
    static double x[(N_S + N_Q) * FIELDS * WIDE], dx[(N_S + N_Q) * FIELDS * WIDE], work[6000];
    double phi[PHI], rating[N_S + N_Q];
    struct test_host h;
    test_host_init(&h, 2, 1);
    struct values all = read_values(&h, "tests/oracle/melu_step.values");
    struct rh_features of_item[3], of_user[2];
    make_features(&h, &all, of_item, of_user);
    struct test_row row = { 0, 0, 3, 0 };
    struct rh_domain domain = test_domain(&h, "it", USERS, ITEMS, &row, 1, TEST_VALUES);
    domain.item_features = of_item;
    struct rh_train train = { .n_users = USERS, .n_domains = 1, .domain = &domain, .n_item_blocks = 3,
                              .n_user_blocks = 2, .user_features = of_user };
    struct rh_fields f = { 0 };
    assert_int_equal(rh_fields_init(&h.ctx, &f, "it", &train, WIDE), RH_OK);
    assert_int_equal(f.n, FIELDS);
    assert_int_equal(f.n_item, 3);
    for (int k = 0; k < FIELDS; k++)
        find(&all, names[k], f.field[k].table.w, (int64_t)f.field[k].table.n * WIDE);
    find(&all, "phi", phi, PHI);
    find(&all, "y_support", rating, N_S);
    find(&all, "y_query", rating + N_S, N_Q);
    for (int k = 0; k < N_S + N_Q; k++) {
        rh_fields_item(&f, item[k], x + k * f.width);
        rh_fields_user(&f, user[k], x + k * f.width + f.item_width);
    }
    struct rh_adapt_set support = { N_S, x, rating }, query = { N_Q, x + N_S * f.width, rating + N_S };
    for (int i = 0; i < 4; i++) {
        char run[16];
        double adapted[PHI], dphi[PHI] = { 0 };
        struct rh_adapt adapt = { { 3, { f.width, UNITS, UNITS, 1 }, RH_RELU, RH_LINEAR, false }, 0.01,
                                  i / 2 ? 3 : 1, i % 2 };
        snprintf(run, sizeof run, "%s_%d", i % 2 ? "first" : "second", i / 2 ? 3 : 1);
        assert_true(rh_mlp_size(&adapt.mlp) == PHI && rh_adapt_work(&adapt, N_S) <= sizeof work / sizeof *work);
        rh_adapt_weights(&adapt, phi, &support, adapted, work);
        compare(&all, run, "adapted", adapted, PHI);
        memset(dx, 0, sizeof dx);
        double loss = rh_adapt_task(&adapt, phi, &support, &query, dphi, dx, dx + N_S * f.width, work);
        compare(&all, run, "loss", &loss, 1);
        compare(&all, run, "dphi", dphi, PHI);
        assert_int_equal(rh_fields_back(&h.ctx, &f, N_S + N_Q, user, item, dx), RH_OK);
        for (int k = 0; k < FIELDS; k++) {
            char name[32];
            snprintf(name, sizeof name, "d%s", names[k]);
            int64_t n = (int64_t)f.field[k].table.n * WIDE;
            compare(&all, run, name, f.field[k].table.gradient, n);
            memset(f.field[k].table.gradient, 0, (size_t)n * sizeof(double));
        }
    }
    test_host_release(&h);
}

/* An embedding of one value starts as normal(0, 1); a layer on n columns inside +- 1 / sqrt(n). */
static void tables_start_as_they_should(void **state)
{
    (void)state;
    enum { N = 400, E = 32 };
    struct test_host h;
    test_host_init(&h, 1, 1);
    struct test_cell one[N], two[2 * N];
    for (int32_t i = 0; i < N; i++) {
        one[i] = (struct test_cell){ i, i, 1 };
        two[2 * i] = (struct test_cell){ i, i, 1 };
        two[2 * i + 1] = (struct test_cell){ i, (i + 1) % N, 1 };
    }
    struct rh_features block[2] = { test_sparse(&h, "one", N, N, one, N, false),
                                    test_sparse(&h, "two", N, N, two, 2 * N, false) };
    struct test_row row = { 0, 0, 3, 0 };
    struct rh_domain domain = test_domain(&h, "it", 1, N, &row, 1, TEST_VALUES);
    domain.item_features = block;
    struct rh_train train = { .n_users = 1, .n_domains = 1, .domain = &domain, .n_item_blocks = 2 };
    struct rh_fields f = { 0 };
    assert_int_equal(rh_fields_init(&h.ctx, &f, "it", &train, E), RH_OK);
    assert_int_equal(f.width, 2 * E);
    assert_int_equal(f.item_width, 2 * E);
    double square[2] = { 0 }, largest[2] = { 0 };
    for (int k = 0; k < 2; k++)
        for (int64_t i = 0; i < N * E; i++) {
            square[k] += f.field[k].table.w[i] * f.field[k].table.w[i] / (N * E);
            largest[k] = fmax(largest[k], fabs(f.field[k].table.w[i]));
        }
    /* 12,800 numbers: the mean square of a normal has a standard deviation of sqrt(2 / 12800) = 0.0125 */
    assert_true(fabs(square[0] - 1) < 0.06 && largest[0] > 3);
    /* 1 / sqrt(400) = 0.05; the mean square of a uniform is a third of its square */
    assert_true(largest[1] <= 0.05 && fabs(square[1] - 0.0025 / 3) < 0.00005);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_order_is_the_whole_gradient),
        cmocka_unit_test(a_step_descends_the_support_loss),
        cmocka_unit_test(first_order_is_the_gradient_at_the_end),
        cmocka_unit_test(without_support_nothing_adapts),
        cmocka_unit_test(torch_agrees),
        cmocka_unit_test(tables_start_as_they_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
