/* Shared and specific weights, with double for rh_real: two epochs of both outer loops on quadratic losses against an
 * independent script; what they leave alone. */
#include "algorithms/lib/negotiate.h"

#include "testhost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "values.h"

enum { N = 5, FIRST = 2 /* of the weights are in the first part, the others in a second */ };

struct world {
    struct test_host h;
    struct rh_negotiate g;
    double first[FIRST], second[N - FIRST];
    int trained[8], n_trained;
};

static void gradient(int d, const double *w, double *loss, double *g)
{
    double b[N][N], away[N];
    *loss = 0;
    for (int r = 0; r < N; r++) {
        away[r] = w[r] - cos(0.8 * r + 1.1 * d);
        for (int k = 0; k < N; k++)
            b[r][k] = sin(1.3 * r + 0.7 * k + 0.9 * d + 0.4 * r * k);
    }
    for (int r = 0; r < N; r++) {
        g[r] = 0.5 * away[r];
        for (int k = 0; k < N; k++)
            for (int j = 0; j < N; j++)
                g[r] += b[r][j] * b[k][j] / N * away[k];
        *loss += away[r] * g[r] / 2;
    }
}

static int learn(struct rh_ctx *ctx, void *arg, int32_t domain, double *loss)
{
    struct world *w = arg;
    double all[N], g[N];
    (void)ctx;
    w->trained[w->n_trained++] = domain;
    *loss = 0;
    for (int step = 0; step < 2; step++) {
        double now;
        memcpy(all, w->first, sizeof w->first);
        memcpy(all + FIRST, w->second, sizeof w->second);
        gradient(domain, all, &now, g);
        *loss += now / 2;
        for (int k = 0; k < N; k++)
            *(k < FIRST ? &w->first[k] : &w->second[k - FIRST]) -= 0.2 * g[k];
    }
    return domain == 7 ? RH_ECANCEL : RH_OK;
}

static void make(struct world *w)
{
    memset(w, 0, sizeof *w);
    test_host_init(&w->h, 1, 1);
    for (int k = 0; k < N; k++)
        *(k < FIRST ? &w->first[k] : &w->second[k - FIRST]) = sin(1.0 + k);
    assert_int_equal(rh_negotiate_add(&w->h.ctx, &w->g, "first", w->first, FIRST), RH_OK);
    assert_int_equal(rh_negotiate_add(&w->h.ctx, &w->g, "second", w->second, N - FIRST), RH_OK);
}

static void assert_are(const struct world *w, const struct values *all, const char *name, int epoch, bool shared)
{
    char full[32];
    double x[N];
    snprintf(full, sizeof full, "%s%d", name, epoch);
    find(all, full, x, N);
    for (int k = 0; k < N; k++) {
        const double *first = shared ? w->g.part[0].shared : w->g.part[0].specific;
        const double *second = shared ? w->g.part[1].shared : w->g.part[1].specific;
        double is = k < FIRST ? first[k] : second[k - FIRST];
        if (!(fabs(is - x[k]) < 1e-12))
            fail_msg("%s[%d] is %.15g, not %.15g", full, k, is, x[k]);
    }
}

static void two_epochs_are_those_of_the_script(void **state)
{
    (void)state;
    static const int32_t order[2][3] = { { 2, 0, 1 }, { 1, 2, 0 } }, helper[2][2] = { { 1, 2 }, { 2 } };
    static const int32_t helpers[2] = { 2, 1 };
    struct world w;
    make(&w);
    struct values all = read_values(&w.h, "tests/oracle/mamdr_step.values");
    for (int e = 0; e < 2; e++) {
        double loss, expected, helped[2], of_target[2];
        char name[16];
        assert_int_equal(rh_negotiate_shared(&w.h.ctx, &w.g, order[e], 3, 0.5, learn, &w, &loss), RH_OK);
        assert_int_equal(rh_negotiate_specific(&w.h.ctx, &w.g, 0, helper[e], helpers[e], 0.3, learn, &w, of_target),
                         RH_OK);
        w.n_trained = 0;
        snprintf(name, sizeof name, "loss%d", e);
        find(&all, name, &expected, 1);
        assert_true(fabs(loss - expected) < 1e-12);
        snprintf(name, sizeof name, "helped%d", e);
        find(&all, name, helped, helpers[e]);
        for (int k = 0; k < helpers[e]; k++)
            assert_true(fabs(of_target[k] - helped[k]) < 1e-12);
        assert_are(&w, &all, "shared", e, true);
        assert_are(&w, &all, "specific", e, false);
    }
    rh_negotiate_merge(&w.g);
    for (int k = 0; k < FIRST; k++)
        assert_true(w.first[k] == w.g.part[0].shared[k] + w.g.part[0].specific[k]);
    test_host_release(&w.h);
}

/* A domain that fails ends it, and no weight has moved. */
static void a_failure_moves_nothing(void **state)
{
    (void)state;
    static const int32_t order[] = { 1, 7, 2 };
    struct world w;
    double loss[3];
    make(&w);
    assert_int_equal(rh_negotiate_shared(&w.h.ctx, &w.g, order, 3, 0.5, learn, &w, loss), RH_ECANCEL);
    assert_int_equal(w.n_trained, 2);
    assert_int_equal(rh_negotiate_specific(&w.h.ctx, &w.g, 0, order + 1, 2, 0.5, learn, &w, loss), RH_ECANCEL);
    for (int k = 0; k < FIRST; k++) {
        assert_true(w.g.part[0].shared[k] == sin(1.0 + k));
        assert_true(w.g.part[0].specific[k] == 0);
    }
    test_host_release(&w.h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_epochs_are_those_of_the_script),
        cmocka_unit_test(a_failure_moves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
