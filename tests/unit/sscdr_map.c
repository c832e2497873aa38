/* The loss of sscdr's map, with double for rh_real: against PyTorch and against finite differences. */
#include "algorithms/lib/space_map.h"

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

enum { USERS = 7, D = 5, HIDDEN = 6, SIZE = HIDDEN * D + HIDDEN + D * HIDDEN + D };

struct step {
    struct rh_space_map map;
    double phi[SIZE], dphi[SIZE], first[SIZE], second[SIZE], in[3 * USERS * D], t[USERS * D], room[2000];
    struct rh_space_rows rows;
};

/* wave() of tests/oracle/sscdr_step.py */
static double *wave(double *x, int rows, int cols, double a, double b, double c)
{
    for (int r = 0; r < rows; r++)
        for (int k = 0; k < cols; k++)
            *x++ = 0.6 * sin(a * r + b * k + c * r * k);
    return x;
}

static void make_step(struct step *s)
{
    memset(s, 0, sizeof *s);
    s->map = (struct rh_space_map){ { .layers = 2, .width = { D, HIDDEN, D }, .hidden = RH_TANH, .last = RH_LINEAR },
                                     .margin = 0.5, .weight = 0.7 };
    assert_int_equal(rh_mlp_size(&s->map.net), SIZE);
    assert_true(rh_space_map_room(&s->map, USERS) <= sizeof s->room / sizeof *s->room);
    double *x = wave(s->in, USERS, D, 1.7, 0.9, 0.31);
    wave(wave(x, USERS, D, 0.8, 2.1, 0.23), USERS, D, 1.1, 0.4, -0.29);
    wave(s->t, USERS, D, 0.6, -1.3, 0.17);
    x = wave(s->phi, HIDDEN, D, 0.7, 1.9, 0.11);
    x = wave(x, 1, HIDDEN, 0, 1.3, 0);
    x = wave(x, D, HIDDEN, 1.2, 0.5, 0.37);
    wave(x, 1, D, 0, 0.8, 0);
    s->rows = (struct rh_space_rows){ USERS, s->in, s->t };
}

static double loss(void *arg)
{
    struct step *s = arg;
    double dphi[SIZE] = { 0 };
    return rh_space_map(&s->map, s->phi, &s->rows, 1.0 / USERS, dphi, s->room) / USERS;
}

static void a_step_is_that_of_torch(void **state)
{
    (void)state;
    struct test_host h;
    struct step s;
    double expected, gradient[SIZE], weights[SIZE];
    test_host_init(&h, 1, 1);
    struct values all = read_values(&h, "tests/oracle/sscdr_step.values");
    find(&all, "loss", &expected, 1);
    find(&all, "gradient", gradient, SIZE);
    find(&all, "weights", weights, SIZE);
    make_step(&s);
    double value = rh_space_map(&s.map, s.phi, &s.rows, 1.0 / USERS, s.dphi, s.room) / USERS;
    assert_true(fabs(value - expected) < 1e-12);
    for (int k = 0; k < SIZE; k++)
        if (!(fabs(s.dphi[k] - gradient[k]) < 1e-12))
            fail_msg("gradient[%d] is %.15g, not %.15g", k, s.dphi[k], gradient[k]);
    struct rh_optimizer_state adam = { .kind = RH_ADAM, .rate = 0.01 };
    rh_nn_step(&adam, 1);
    rh_nn_descend(&adam, SIZE, s.phi, s.dphi, s.first, s.second);
    for (int k = 0; k < SIZE; k++)
        if (!(fabs(s.phi[k] - weights[k]) < 1e-9)) /* 1e-8 of Adam's epsilon, times the rate */
            fail_msg("weight %d is %.15g, not %.15g", k, s.phi[k], weights[k]);
    test_host_release(&h);
}

static void gradients_are_those_of_differences(void **state)
{
    (void)state;
    static const double weight[] = { 0.7, 0, 3 };
    for (int k = 0; k < 3; k++) {
        struct step s;
        make_step(&s);
        s.map.weight = weight[k];
        rh_space_map(&s.map, s.phi, &s.rows, 1.0 / USERS, s.dphi, s.room);
        check_gradient("dphi", loss, &s, s.phi, s.dphi, SIZE);
    }
}

/* The mean over the users is that of two parts of them: what shards add up. */
static void parts_add_up(void **state)
{
    (void)state;
    struct step s;
    make_step(&s);
    double whole = rh_space_map(&s.map, s.phi, &s.rows, 1.0 / USERS, s.dphi, s.room), dphi[SIZE] = { 0 }, sum = 0;
    for (int from = 0, n = 3; from < USERS; from += n, n = USERS - 3) {
        double in[3 * USERS * D];
        for (int side = 0; side < 3; side++)
            memcpy(in + side * n * D, s.in + (side * USERS + from) * D, (size_t)(n * D) * sizeof *in);
        struct rh_space_rows rows = { n, in, s.t + from * D };
        sum += rh_space_map(&s.map, s.phi, &rows, 1.0 / USERS, dphi, s.room);
    }
    assert_true(fabs(sum - whole) < 1e-12);
    for (int k = 0; k < SIZE; k++)
        assert_true(fabs(dphi[k] - s.dphi[k]) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_is_that_of_torch),
        cmocka_unit_test(gradients_are_those_of_differences),
        cmocka_unit_test(parts_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
