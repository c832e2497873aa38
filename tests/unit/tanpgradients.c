/* The network and the loss of tanp (algorithms/lib/process.h): gradients against finite differences, and an outer step
 * against PyTorch's, with double for rh_real (difference.h). */
#include "algorithms/lib/process.h"

#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "difference.h"
#include "values.h"

/* The shapes of tests/oracle/tanp_step.py. */
enum { X = 4, H = 5, Z = 3, T = 2, K = 3, ROWS = 5, MOST = 500, ROOM = 3000 };

struct case_ {
    struct rh_process p;
    struct rh_process_set set;
    double phi[MOST], dphi[MOST], x[ROWS * X], dx[ROWS * X], y[ROWS], noise[Z], d[K], work[ROOM];
    double unused_phi[MOST], unused_x[ROWS * X];
};

static void make_shape(struct case_ *t, enum rh_modulation modulation, int32_t z, int32_t k)
{
    memset(t, 0, sizeof *t);
    t->p = (struct rh_process){ .X = X, .H = H, .Z = z, .T = T, .K = k, .modulation = modulation, .nu = 1.5,
                                .lambda = 0.7, .kl = 0.9 };
    rh_process_shape(&t->p);
    assert_true(t->p.size <= MOST && rh_process_work(&t->p, ROWS) <= ROOM);
    t->set = (struct rh_process_set){ 3, ROWS, t->x, t->y };
}

static double loss_of(void *arg)
{
    struct case_ *t = arg;
    return rh_process_loss(&t->p, t->phi, &t->set, t->noise, t->p.K > 0 ? t->d : NULL, t->unused_phi, t->unused_x,
                           t->work);
}

static void check_case(enum rh_modulation modulation, int32_t z, int32_t k, int32_t n_support, uint64_t seed)
{
    static struct case_ t;
    make_shape(&t, modulation, z, k);
    struct rh_rng r = rh_stream(3, "tanpgradients", "case", seed);
    fill(&r, t.phi, t.p.size, 0.6);
    fill(&r, t.x, ROWS * X, 1);
    fill(&r, t.noise, Z, 1);
    for (int i = 0; i < ROWS; i++)
        t.y[i] = 1 + (int)rh_rng_below(&r, 5);
    t.set.n_support = n_support;
    for (int i = 0; i < K; i++)
        t.d[i] = (i + 1) / 6.0; /* 1/6, 2/6, 3/6 */
    check("loss", 0,
          rh_process_loss(&t.p, t.phi, &t.set, t.noise, k > 0 ? t.d : NULL, t.dphi, t.dx, t.work), loss_of(&t));
    check_gradient("phi", loss_of, &t, t.phi, t.dphi, t.p.size);
    check_gradient("x", loss_of, &t, t.x, t.dx, ROWS * X);
}

static void gradients_are_those_of_the_loss(void **state)
{
    (void)state;
    uint64_t seed = 0;
    for (int modulation = RH_GATING; modulation <= RH_PLAIN; modulation++)
        for (int32_t n_support = 0; n_support <= 3; n_support += 3) {
            check_case(modulation, Z, K, n_support, seed++);
            check_case(modulation, 0, K, n_support, seed++);
            check_case(modulation, Z, 0, n_support, seed++);
        }
}

/* ---------------------------------------------------------------------------------------------------- PyTorch */

static void compare(const struct values *all, const char *kind, const char *name, int u, const double *made, int64_t n)
{
    char full[64];
    double want[MOST];
    snprintf(full, sizeof full, u < 0 ? "%s_%s" : "%s_%s_%d", kind, name, u);
    find(all, full, want, n);
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(made[i] - want[i]) <= 1e-10 + 1e-11 * fabs(want[i])))
            fail_msg("%s[%d]: %.17g, by torch %.17g", full, (int)i, made[i], want[i]);
}

static void find_rows(struct case_ *t, const struct values *all, int u)
{
    static const int32_t shown[2] = { 3, 0 }, rows[2] = { 5, 2 };
    char name[8];
    t->set.n_support = shown[u];
    t->set.n = rows[u];
    snprintf(name, sizeof name, "x_%d", u);
    find(all, name, t->x, rows[u] * X);
    snprintf(name, sizeof name, "y_%d", u);
    find(all, name, t->y, rows[u]);
    snprintf(name, sizeof name, "noise_%d", u);
    find(all, name, t->noise, Z);
}

static void compare_task(struct case_ *t, const struct values *all, const char *kind, int u, const double *d)
{
    double met[Z + 6 * H];
    memset(t->dphi, 0, sizeof t->dphi);
    memset(t->dx, 0, sizeof t->dx);
    double loss = rh_process_loss(&t->p, t->phi, &t->set, t->noise, d, t->dphi, t->dx, t->work);
    compare(all, kind, "loss", u, &loss, 1);
    compare(all, kind, "dphi", u, t->dphi, t->p.size);
    compare(all, kind, "dx", u, t->dx, t->set.n * X);
    assert_int_equal(rh_process_met(&t->p), Z + 6 * H);
    int32_t n = t->set.n_support;
    struct rh_process_set support = { n, n, t->x, t->y };
    rh_process_meet(&t->p, t->phi, &support, met, t->work);
    const double *y = rh_process_predict(&t->p, t->phi, met, t->set.n - n, t->x + n * X, t->work);
    compare(all, kind, "predicted", u, y, t->set.n - n);
}

static void torch_agrees(void **state)
{
    (void)state;
    static const char *const kinds[] = { [RH_GATING] = "gating", [RH_FILM] = "film", [RH_PLAIN] = "none" };
    static struct case_ t;
    struct test_host h;
    test_host_init(&h, 1, 1);
    struct values all = read_values(&h, "tests/oracle/tanp_step.values");
    for (int kind = RH_GATING; kind <= RH_PLAIN; kind++) {
        char name[16];
        double c[2 * K];
        make_shape(&t, kind, Z, K);
        snprintf(name, sizeof name, "%s_phi", kinds[kind]);
        find(&all, name, t.phi, t.p.size);
        for (int u = 0; u < 2 && kind != RH_PLAIN; u++) {
            find_rows(&t, &all, u);
            rh_process_assign(&t.p, t.phi, &t.set, c + u * K, t.work);
        }
        if (kind != RH_PLAIN) {
            compare(&all, kinds[kind], "assigned", -1, c, 2 * K);
            rh_process_sharpen(2, K, c);
            compare(&all, kinds[kind], "sharpened", -1, c, 2 * K);
        }
        for (int u = 0; u < 2; u++) {
            find_rows(&t, &all, u);
            compare_task(&t, &all, kinds[kind], u, kind == RH_PLAIN ? NULL : c + u * K);
        }
    }
    test_host_release(&h);
}

/* The order of the support does not matter, but for rounding. */
static void the_support_is_a_set(void **state)
{
    (void)state;
    static struct case_ t;
    double met[2][Z + 6 * H];
    make_shape(&t, RH_GATING, Z, K);
    struct rh_rng r = rh_stream(3, "tanpgradients", "order", 0);
    fill(&r, t.phi, t.p.size, 0.6);
    fill(&r, t.x, ROWS * X, 1);
    fill(&r, t.y, ROWS, 2);
    t.set.n_support = ROWS;
    rh_process_meet(&t.p, t.phi, &t.set, met[0], t.work);
    for (int j = 0; j < X; j++) {
        double swap = t.x[j];
        t.x[j] = t.x[3 * X + j];
        t.x[3 * X + j] = swap;
    }
    double swap = t.y[0];
    t.y[0] = t.y[3];
    t.y[3] = swap;
    rh_process_meet(&t.p, t.phi, &t.set, met[1], t.work);
    for (int i = 0; i < Z + 6 * H; i++)
        assert_true(fabs(met[0][i] - met[1][i]) < 1e-13);
}

/* Two tasks, two centroids. Column sums of c: 1.2, 0.8. First: .64 / 1.2, .04 / .8 = 32/60, 3/60: 32/35, 3/35; second:
 * .16 / 1.2, .36 / .8 = 8/60, 27/60: 8/35, 27/35. */
static void assignments_are_sharpened(void **state)
{
    (void)state;
    double c[4] = { 0.8, 0.2, 0.4, 0.6 };
    static const double want[4] = { 32.0 / 35, 3.0 / 35, 8.0 / 35, 27.0 / 35 };
    rh_process_sharpen(2, 2, c);
    for (int i = 0; i < 4; i++)
        assert_true(fabs(c[i] - want[i]) < 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_those_of_the_loss),
        cmocka_unit_test(torch_agrees),
        cmocka_unit_test(the_support_is_a_set),
        cmocka_unit_test(assignments_are_sharpened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
