/* The losses of domain separation (algorithms/lib/separation.h) against PyTorch (tests/oracle/dsn.py) and finite
 * differences; with double for rh_real (difference.h). */
#include "algorithms/lib/separation.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "difference.h"
#include "values.h"

enum { N = 5, E = 3, Y = 4, U = 2 };
#define ALPHA 0.7
#define BETA 1.3
#define WORK 2000

static void wave(double *x, int rows, int cols, double a, double b, double c, double d)
{
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < cols; j++)
            x[i * cols + j] = sin(a * i + b * j + c * i * j + d);
}

static void compare(const struct values *all, const char *name, const double *x, int64_t n)
{
    double expected[100];
    assert_true(n <= 100);
    find(all, name, expected, n);
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(x[i] - expected[i]) < 1e-12))
            fail_msg("%s[%lld]: %.15g, PyTorch has %.15g", name, (long long)i, x[i], expected[i]);
}

/* What work holds does not matter, so it is spoiled; what lies behind it must stay. */
static double *spoiled(size_t used)
{
    static double work[WORK];
    assert_true(used < WORK);
    for (size_t i = 0; i < used; i++)
        work[i] = NAN;
    work[used] = 123.25;
    return work;
}

/* Both losses through their networks at one point: value, and the gradients by c and phi. */
struct point {
    struct rh_separation s;
    int32_t n;
    double alpha, beta, c[200], dc[200], y[200], phi[400], dphi[400];
};

static double total(void *arg)
{
    struct point *x = arg;
    size_t used = rh_separation_work(&x->s, x->n);
    double *work = spoiled(used);
    struct rh_separation_losses l = rh_separate(&x->s, x->phi, x->n, x->c, x->y, x->alpha, x->beta, x->dphi, x->dc,
                                                work);
    assert_true(work[used] == 123.25);
    return x->alpha * l.reconstruction + x->beta * l.difference;
}

static void the_values_and_gradients_of_pytorch(void **state)
{
    (void)state;
    static struct point x;
    struct test_host h;
    double a[2 * N * Y], b[2 * N * Y], da[2 * N * Y] = { 0 }, db[2 * N * Y] = { 0 };
    test_host_init(&h, 1, 1);
    struct values all = read_values(&h, "tests/oracle/dsn.values");

    wave(a, N, Y, 1.1, 0.7, 0.3, 0);
    wave(b, N, Y, 0.4, 1.9, 0.2, 0.5);
    double v = rh_simse(N, Y, a, b, 1, db);
    compare(&all, "simse", &v, 1);
    compare(&all, "simse_guess", db, N * Y);

    memset(db, 0, sizeof db);
    wave(a, N, E, 0.9, 1.3, 0.21, 0);
    wave(b, N, E, 1.7, 0.6, 0.33, 1);
    v = rh_difference(N, E, a, b, 1, da, db, spoiled(rh_difference_work(N, E)));
    compare(&all, "difference", &v, 1);
    compare(&all, "difference_c", da, N * E);
    compare(&all, "difference_p", db, N * E);

    x = (struct point){ .s = rh_separation(E, Y, U), .n = N, .alpha = ALPHA, .beta = BETA };
    wave(x.c, 2 * N, E, 0.9, 1.3, 0.21, 0);
    wave(x.y, 2 * N, Y, 1.1, 0.7, 0.3, 0);
    int64_t size = rh_separation_size(&x.s);
    for (int64_t i = 0; i < size; i++)
        x.phi[i] = 0.6 * sin(1.37 * (double)i);
    total(&x);
    struct rh_separation_losses l = rh_separate(&x.s, x.phi, N, x.c, x.y, 0, 0, x.dphi, x.dc,
                                                spoiled(rh_separation_work(&x.s, N))); /* weights 0 add nothing */
    compare(&all, "reconstruction", &l.reconstruction, 1);
    compare(&all, "separation", &l.difference, 1);
    compare(&all, "separation_c", x.dc, 2 * N * E);
    compare(&all, "separation_phi", x.dphi, size);
    test_host_release(&h);
}

static void gradients_are_differences(void **state)
{
    (void)state;
    static struct point x;
    static const struct {
        int32_t n, E, Y, U;
        double alpha, beta;
    } shape[] = { { 1, 2, 3, 2, 1, 1 }, { 2, 1, 1, 1, 0.3, 2 }, { 7, 4, 3, 5, 1, 0 }, { 9, 5, 6, 3, 0, 1.5 },
                  { 12, 6, 8, 4, 0.8, 0.6 } };
    for (size_t s = 0; s < sizeof shape / sizeof *shape; s++) {
        struct rh_rng r = rh_stream(1, "separation", "shapes", s);
        double dc[200], dphi[400];
        x = (struct point){ .s = rh_separation(shape[s].E, shape[s].Y, shape[s].U), .n = shape[s].n,
                            .alpha = shape[s].alpha, .beta = shape[s].beta };
        int32_t codes = 2 * x.n * x.s.E, size = (int32_t)rh_separation_size(&x.s);
        assert_true(size <= 400 && codes <= 200 && 2 * x.n * x.s.Y <= 200);
        fill(&r, x.c, codes, 1);
        fill(&r, x.y, 2 * x.n * x.s.Y, 1);
        rh_separation_init(&x.s, &r, x.phi);
        double once = total(&x);
        memcpy(dc, x.dc, sizeof dc);
        memcpy(dphi, x.dphi, sizeof dphi);
        assert_true(once == total(&x)); /* and the gradients add */
        for (int32_t i = 0; i < codes; i++)
            check("sum by c", i, x.dc[i], 2 * dc[i]);
        for (int32_t i = 0; i < size; i++)
            check("sum by phi", i, x.dphi[i], 2 * dphi[i]);
        check_gradient("c", total, &x, x.c, dc, codes);
        check_gradient("phi", total, &x, x.phi, dphi, size);
    }
}

/* A shift of all numbers of a row is no error. Of n = 4 rows c has two with +-1 on the one axis and two on the other;
 * with p = c, C' C = diag(2, 2), and |.|_F^2 / n^2 = 8 / 16. Rows that are all alike count for nothing. */
static void what_the_losses_are_blind_to(void **state)
{
    (void)state;
    const double x[] = { 1, 2, 3, -1, 0, 5 }, moved[] = { 3, 4, 5, -2, -1, 4 };
    double unused[12] = { 0 };
    assert_true(fabs(rh_simse(2, 3, x, moved, 1, unused)) < 1e-15);
    for (int i = 0; i < 6; i++)
        assert_true(fabs(unused[i]) < 1e-15);
    /* errors 3, 0, 0 in one row: 9 / 3 - 9 / 9 = 2 */
    const double zero[3] = { 0 }, off[] = { 3, 0, 0 };
    assert_true(fabs(rh_simse(1, 3, zero, off, 1, unused) - 2) < 1e-15);

    const double c[] = { 1, 0, -1, 0, 0, 1, 0, -1 }, p[] = { 0, 1, 0, 1, 0, 1, 0, 1 };
    const double q[] = { 0, 2, 0, 2, 0, -2, 0, -2 };
    double dc[8] = { 0 }, dp[8] = { 0 };
    double *work = spoiled(rh_difference_work(4, 2));
    assert_true(fabs(rh_difference(4, 2, c, c, 1, dc, dp, work) - 0.5) < 1e-15);
    memset(dp, 0, sizeof dp);
    assert_true(rh_difference(4, 2, c, p, 1, dc, dp, work) == 0); /* p is its mean */
    for (int i = 0; i < 8; i++)
        assert_true(dp[i] == 0);
    /* C' Q: rows (1,0) (-1,0) (0,1) (0,-1) with (0,1) (0,1) (0,-1) (0,-1): (0, 1 - 1; 0, -1 + 1) = 0 */
    assert_true(fabs(rh_difference(4, 2, c, q, 1, dc, dp, work)) < 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_values_and_gradients_of_pytorch),
        cmocka_unit_test(gradients_are_differences),
        cmocka_unit_test(what_the_losses_are_blind_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
