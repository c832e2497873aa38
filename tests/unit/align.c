/* Distances of samples (algorithms/lib/align.h) against PyTorch (tests/oracle/align.py) and finite differences; with
 * double for rh_real (difference.h). */
#include "algorithms/lib/align.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "difference.h"

#define MOST_ROWS 26
#define WIDTH 4

enum kind { CORAL, QUADRATIC, LINEAR };
static const char *const kind_name[] = { "coral", "quadratic", "linear" };

struct distance {
    enum kind kind;
    int32_t n, d;
    struct rh_mmd mmd;
    double g[2 * MOST_ROWS * 8], dg[2 * MOST_ROWS * 8], bandwidth, weight, work[30000];
};

static void prepare(struct distance *x, enum kind kind, int32_t n, int32_t d, int32_t kernels)
{
    memset(x, 0, sizeof *x);
    x->kind = kind;
    x->n = n;
    x->d = d;
    x->weight = 1;
    x->mmd = (struct rh_mmd){ .kernels = kernels, .linear = kind == LINEAR };
    assert_true(rh_coral_work(n, d) <= sizeof x->work / sizeof *x->work);
    assert_true(rh_mmd_work(&x->mmd, n, d) <= sizeof x->work / sizeof *x->work);
}

/* What work holds does not matter, so it is spoiled; what lies behind it must stay. */
static void spoil(struct distance *x, size_t used)
{
    for (size_t i = 0; i < used; i++)
        x->work[i] = NAN;
    x->work[used] = 123.25;
}

static double value(void *arg)
{
    struct distance *x = arg;
    size_t used = x->kind == CORAL ? rh_coral_work(x->n, x->d) : rh_mmd_work(&x->mmd, x->n, x->d);
    spoil(x, used);
    double v = x->kind == CORAL ? rh_coral(x->n, x->d, x->g, x->weight, x->dg, x->work)
                                : rh_mmd(&x->mmd, x->n, x->d, x->g, &x->bandwidth, x->weight, x->dg, x->work);
    assert_true(x->work[used] == 123.25);
    return v;
}

static void the_values_and_gradients_of_pytorch(void **state)
{
    (void)state;
    enum { ROWS = 6 };
    static struct distance x;
    char path[1000], word[20];
    const char *source = getenv("HARNESS_SOURCE");
    snprintf(path, sizeof path, "%s/tests/oracle/align.expected", source ? source : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (int kind = CORAL; kind <= LINEAR; kind++) {
        double expected;
        prepare(&x, kind, ROWS, WIDTH, 5);
        for (int i = 0; i < ROWS; i++)
            for (int j = 0; j < WIDTH; j++) {
                x.g[i * WIDTH + j] = sin(1.7 * i + 0.9 * j + 0.31 * i * j);
                x.g[(ROWS + i) * WIDTH + j] = 0.4 + 0.8 * cos(0.6 * i - 1.3 * j + 0.17 * i * j);
            }
        double v = value(&x);
        assert_int_equal(fscanf(file, "%19s %lf", word, &expected), 2);
        assert_string_equal(word, kind_name[kind]);
        if (!(fabs(v - expected) < 1e-12))
            fail_msg("%s: %.15g, PyTorch has %.15g", word, v, expected);
        for (int i = 0; i < 2 * ROWS * WIDTH; i++) {
            assert_int_equal(fscanf(file, "%lf", &expected), 1);
            if (!(fabs(x.dg[i] - expected) < 1e-12))
                fail_msg("%s: gradient %d: %.15g, PyTorch has %.15g", word, i, x.dg[i], expected);
        }
    }
    fclose(file);
}

static void gradients_are_differences(void **state)
{
    (void)state;
    static struct distance x;
    static const struct {
        int32_t n, d, kernels;
    } size[] = { { 2, 1, 1 }, { 3, 8, 2 }, { 7, 5, 5 }, { MOST_ROWS, 3, RH_MMD_KERNELS } };
    for (int kind = CORAL; kind <= LINEAR; kind++)
        for (size_t s = 0; s < sizeof size / sizeof *size; s++) {
            struct rh_rng r = rh_stream(1, "align", kind_name[kind], s);
            int32_t all = 2 * size[s].n * size[s].d;
            double gradient[2 * MOST_ROWS * 8];
            prepare(&x, kind, size[s].n, size[s].d, size[s].kernels);
            fill(&r, x.g, all, 0.7);
            for (int32_t i = all / 2; i < all; i++)
                x.g[i] = 0.3 + 1.4 * x.g[i];
            x.weight = 1.7;
            double once = value(&x); /* which fixes the bandwidth */
            for (int32_t i = 0; i < all; i++)
                gradient[i] = x.dg[i] / x.weight;
            assert_true(once == value(&x)); /* and the gradient adds */
            for (int32_t i = 0; i < all; i++)
                check("sum", i, x.dg[i], 2 * x.weight * gradient[i]);
            check_gradient(kind_name[kind], value, &x, x.g, gradient, all);
        }
}

/* The same rows on both sides are no distance apart; rows that are all one point have no bandwidth. */
static void nothing_apart_is_nothing(void **state)
{
    (void)state;
    static struct distance x;
    for (int kind = CORAL; kind <= LINEAR; kind++) {
        struct rh_rng r = rh_stream(1, "align", "equal", 0);
        prepare(&x, kind, 8, 3, 5);
        fill(&r, x.g, 24, 1);
        memcpy(x.g + 24, x.g, 24 * sizeof *x.g);
        assert_true(fabs(value(&x)) < 1e-15);
        assert_true(x.bandwidth > 0 || kind == CORAL);
        x.bandwidth = 0;
        for (int i = 0; i < 48; i++)
            x.g[i] = 0.25;
        memset(x.dg, 0, sizeof x.dg);
        assert_true(value(&x) == 0);
        assert_true(x.bandwidth == 0);
        for (int i = 0; i < 48; i++)
            assert_true(x.dg[i] == 0);
        x.n = 1;
        x.bandwidth = 1;
        assert_true(value(&x) == 0);
    }
}

/* CORAL does not see a shift of the mean; MMD does, and more of a larger one. */
static void who_sees_a_shift_of_the_mean(void **state)
{
    (void)state;
    static struct distance x;
    for (int kind = CORAL; kind <= LINEAR; kind++) {
        double last = 0;
        for (int shift = 1; shift <= 3; shift++) {
            struct rh_rng r = rh_stream(1, "align", "shift", 0);
            prepare(&x, kind, 8, 3, 5);
            fill(&r, x.g, 24, 1);
            for (int i = 0; i < 24; i++)
                x.g[24 + i] = x.g[i] + shift;
            x.bandwidth = 4;
            double v = value(&x);
            if (kind == CORAL)
                assert_true(v < 1e-15);
            else
                assert_true(v > last + 0.05);
            last = v;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_values_and_gradients_of_pytorch),
        cmocka_unit_test(gradients_are_differences),
        cmocka_unit_test(nothing_apart_is_nothing),
        cmocka_unit_test(who_sees_a_shift_of_the_mean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
