/* The personal bridge: its value against plain loops, its gradient against finite differences; with double for rh_real
 * (difference.h). */
#include "algorithms/lib/personal.h"

#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "difference.h"

enum { N = 3, D = 3, META = 4, HISTORY = 8, SIZE = (D * D + D) + (D + 1) + (META * D + META) + (D * D * META + D * D) };

/* f = sum of c * y + y * y / 2 */
struct bridge {
    struct rh_personal b;
    struct rh_personal_users users;
    int64_t first[N + 1];
    double phi[SIZE], v[HISTORY * D], s[N * D], c[N * D], tape[1000], work[1000], y[N * D];
};

static void make(struct bridge *x)
{
    static const int64_t first[N + 1] = { 0, 4, 5, 8 }; /* histories of 4, 1 and 3 items */
    struct rh_rng r = rh_stream(3, "personal", "bridge", 0);
    *x = (struct bridge){ .b = rh_personal_make(D, META) };
    memcpy(x->first, first, sizeof first);
    fill(&r, x->phi, SIZE, 0.8);
    fill(&r, x->v, HISTORY * D, 0.9);
    fill(&r, x->s, N * D, 0.9);
    fill(&r, x->c, N * D, 0.7);
    x->users = (struct rh_personal_users){ N, x->first, x->v, x->s };
    assert_int_equal(rh_personal_size(&x->b), SIZE);
    assert_true(rh_personal_tape(&x->b, N, HISTORY) <= 1000 && rh_personal_work(&x->b, N, HISTORY) <= 1000);
}

static double value(void *arg)
{
    struct bridge *x = arg;
    double sum = 0;
    rh_personal_forward(&x->b, x->phi, &x->users, x->tape, x->y);
    for (int k = 0; k < N * D; k++)
        sum += x->c[k] * x->y[k] + x->y[k] * x->y[k] / 2;
    return sum;
}

static double relu(double a)
{
    return a > 0 ? a : 0;
}

static void equals_plain_loops(void **state)
{
    (void)state;
    static struct bridge x;
    make(&x);
    value(&x);
    const double *w1 = x.phi, *b1 = w1 + D * D, *w2 = b1 + D, *b2 = w2 + D;
    const double *g1 = b2 + 1, *c1 = g1 + META * D, *g2 = c1 + META, *c2 = g2 + D * D * META;
    for (int u = 0; u < N; u++) {
        double e[HISTORY], sum = 0, p[D] = { 0 }, hidden[META];
        for (int64_t j = x.first[u]; j < x.first[u + 1]; j++) {
            e[j] = b2[0];
            for (int k = 0; k < D; k++) {
                double a = b1[k];
                for (int f = 0; f < D; f++)
                    a += w1[k * D + f] * x.v[j * D + f];
                e[j] += w2[k] * relu(a);
            }
            sum += exp(e[j]);
        }
        for (int64_t j = x.first[u]; j < x.first[u + 1]; j++)
            for (int f = 0; f < D; f++)
                p[f] += exp(e[j]) / sum * x.v[j * D + f];
        for (int k = 0; k < META; k++) {
            hidden[k] = c1[k];
            for (int f = 0; f < D; f++)
                hidden[k] += g1[k * D + f] * p[f];
            hidden[k] = relu(hidden[k]);
        }
        for (int i = 0; i < D; i++) {
            double y = 0;
            for (int f = 0; f < D; f++) {
                double w = c2[i * D + f];
                for (int k = 0; k < META; k++)
                    w += g2[(i * D + f) * META + k] * hidden[k];
                y += w * x.s[u * D + f];
            }
            if (fabs(x.y[u * D + i] - y) > 1e-12)
                fail_msg("user %d, %d: %.12g, expected %.12g", u, i, x.y[u * D + i], y);
        }
    }
}

static void gradient_is_that_of_differences(void **state)
{
    (void)state;
    static struct bridge x;
    static double dphi[SIZE], dy[N * D];
    make(&x);
    value(&x);
    for (int k = 0; k < N * D; k++)
        dy[k] = x.c[k] + x.y[k];
    rh_personal_back(&x.b, x.phi, &x.users, x.tape, dy, dphi, x.work);
    check_gradient("phi", value, &x, x.phi, dphi, SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_plain_loops),
        cmocka_unit_test(gradient_is_that_of_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
