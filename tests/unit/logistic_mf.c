/* logistic_mf against plain loops in double over all pairs: gradients of the objective by finite differences, one
 * epoch, and folding in. The plugin's source is part of this test. */
#include "../../algorithms/factors/logistic_mf.c"
#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define USERS 43
#define ITEMS 300 /* more than a tile */
#define MOST 32   /* width */

struct model {
    struct test_host h;
    struct rh_train train;
    struct rh_domain domain;
    struct test_model m;
    bool has[USERS][ITEMS];
};

static void assert_near(double x, double expected, double tolerance)
{
    if (!(fabs(x - expected) <= tolerance))
        fail_msg("%.9g, expected %.9g within %g", x, expected, tolerance);
}

static void make(struct model *w, const char *settings, int threads)
{
    static struct test_row row[USERS * ITEMS];
    struct rh_rng r = rh_stream(41, "rows", "logistic_mf", 0);
    int64_t n = 0;
    memset(w, 0, sizeof *w);
    test_host_init(&w->h, threads, 7);
    for (int32_t u = 0; u < USERS; u++)
        for (int32_t i = 0; i < ITEMS; i++)
            if (u % 9 != 4 && rh_rng_below(&r, 3 + (uint32_t)i / 10) == 0) {
                row[n++] = (struct test_row){ u, i, 1, 0 };
                w->has[u][i] = true;
            }
    w->domain = test_domain(&w->h, "made", USERS, ITEMS, row, n, 0);
    w->train = (struct rh_train){ .n_users = USERS, .n_domains = 1, .domain = &w->domain };
    if (test_fit(&w->h, &logistic_mf, settings, &w->train, 0, &w->m) < 0)
        fail_msg("%s", w->h.error.text);
}

static void end(struct model *w)
{
    test_model_release(&w->m);
    test_host_release(&w->h);
}

struct plain {
    double p[USERS][MOST], q[ITEMS][MOST];
};

static void copy_model(const struct lmf_state *s, struct plain *x)
{
    memset(x, 0, sizeof *x);
    for (int f = 0; f < s->factors + 2; f++) {
        for (int u = 0; u < USERS; u++)
            x->p[u][f] = (double)s->user.x[u * s->width + f];
        for (int i = 0; i < ITEMS; i++)
            x->q[i][f] = (double)s->item.x[i * s->width + f];
    }
}

/* What depends on the vector of row k of users (or items): the objective of the plugin's header. */
static double objective(const struct model *w, const struct plain *x, bool of_user, int k)
{
    const struct lmf_state *s = w->m.state;
    double sum = 0;
    for (int j = 0; j < (of_user ? ITEMS : USERS); j++) {
        int u = of_user ? k : j, i = of_user ? j : k;
        double score = 0;
        for (int f = 0; f < s->factors + 2; f++)
            score += x->p[u][f] * x->q[i][f];
        sum += log1p(exp(score));
        if (w->has[u][i])
            sum += (double)s->alpha * (log1p(exp(score)) - score);
    }
    for (int f = 0; f < s->factors + 2; f++) {
        double v = of_user ? x->p[k][f] : x->q[k][f];
        sum += f == (of_user ? s->user.fixed : s->item.fixed) ? 0 : 0.5 * (double)s->reg * v * v;
    }
    return sum;
}

/* One step of AdaGrad, sums of squares at 1, for all of a side, along slopes by finite differences. */
static double plain_turn(const struct model *w, struct plain *x, bool of_user)
{
    const struct lmf_state *s = w->m.state;
    double sum = 0;
    for (int k = 0; k < (of_user ? USERS : ITEMS); k++) {
        double *v = of_user ? x->p[k] : x->q[k], moved[MOST];
        sum += objective(w, x, of_user, k);
        if (of_user && w->domain.row[k] == w->domain.row[k + 1])
            continue; /* rows of zeros */
        for (int f = 0; f < s->factors + 2; f++) {
            double was = v[f];
            v[f] = was + 1e-5;
            double above = objective(w, x, of_user, k);
            v[f] = was - 1e-5;
            double slope = (above - objective(w, x, of_user, k)) / 2e-5;
            v[f] = was;
            moved[f] = was;
            if (f != (of_user ? s->user.fixed : s->item.fixed))
                moved[f] -= (double)s->rate * slope / sqrt(1 + slope * slope);
        }
        memcpy(v, moved, sizeof *v * (size_t)(s->factors + 2));
    }
    return sum;
}

static void an_epoch_equals_plain_loops(void **state)
{
    (void)state;
    const char *const settings[] = { "factors = 5",
                                     "factors = 14; alpha = 3.5; reg = 0.2; rate = 0.3; init_sd = 0.5" };
    for (int c = 0; c < 2; c++) {
        static struct model w;
        static struct plain x;
        double loss = NAN;
        make(&w, settings[c], 1 + c);
        struct lmf_state *s = w.m.state;
        copy_model(s, &x);
        plain_turn(&w, &x, true);
        double expected = plain_turn(&w, &x, false);
        assert_int_equal(lmf_epoch(&w.h.ctx, s, 1, &loss), RH_OK);
        assert_near(loss, expected / (USERS * ITEMS), 1e-5 * loss);
        for (int f = 0; f < s->width; f++) {
            for (int u = 0; u < USERS; u++)
                assert_near((double)s->user.x[u * s->width + f], x.p[u][f], 2e-4);
            for (int i = 0; i < ITEMS; i++)
                assert_near((double)s->item.x[i * s->width + f], x.q[i][f], 2e-4);
        }
        end(&w);
    }
}

/* Many steps of folding in lead to where the objective of the user is flat. */
static void folding_in_finds_the_minimum(void **state)
{
    (void)state;
    static struct model w;
    static struct plain x;
    double loss;
    float out[ITEMS];
    make(&w, "factors = 4; fold_steps = 4000; reg = 1", 1);
    struct lmf_state *s = w.m.state;
    for (int epoch = 1; epoch <= 10; epoch++) {
        assert_int_equal(lmf_epoch(&w.h.ctx, s, epoch, &loss), RH_OK);
        test_host_scratch_back(&w.h);
    }
    const int32_t some[] = { 1, 2, 30, 200 };
    struct rh_query q = test_query_with(&w.h, &w.train, 4, 4, some, NULL); /* user 4 has no row */
    assert_int_equal(test_score(&w.h, &w.m, &q, 1, 1, out, ITEMS), RH_OK);
    copy_model(s, &x);
    float unknown[ITEMS];
    struct rh_query nothing = test_query_with(&w.h, &w.train, 4, 0, some, NULL); /* the order of the biases */
    assert_int_equal(test_score(&w.h, &w.m, &nothing, 1, 1, unknown, ITEMS), RH_OK);
    for (int i = 0; i < ITEMS; i++)
        assert_near((double)unknown[i], x.q[i][s->factors + 1], 1e-6);
    for (int k = 0; k < 4; k++)
        w.has[4][some[k]] = true;
    /* plain gradient descent to the same minimum */
    for (int f = 0; f < MOST; f++)
        x.p[4][f] = f == s->user.fixed;
    for (int step = 0; step < 3000; step++) {
        double g[MOST] = { 0 };
        for (int f = 0; f < s->factors + 1; f++)
            g[f] = (double)s->reg * x.p[4][f];
        for (int i = 0; i < ITEMS; i++) {
            double score = 0;
            for (int f = 0; f < s->factors + 2; f++)
                score += x.p[4][f] * x.q[i][f];
            double p = 1 / (1 + exp(-score)), pull = w.has[4][i] ? (double)s->alpha * (1 - p) : 0;
            for (int f = 0; f < s->factors + 1; f++)
                g[f] += (p - pull) * x.q[i][f];
        }
        for (int f = 0; f < s->factors + 1; f++)
            x.p[4][f] -= 0.005 * g[f];
    }
    for (int i = 0; i < ITEMS; i++) {
        double score = 0;
        for (int f = 0; f < s->factors + 2; f++)
            score += x.p[4][f] * x.q[i][f];
        assert_near((double)out[i], score, 1e-3);
    }
    end(&w);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    static struct model one, many;
    make(&one, "factors = 20", 1);
    make(&many, "factors = 20", 5);
    for (int epoch = 1; epoch <= 3; epoch++) {
        double loss[2] = { 0, 1 };
        assert_int_equal(lmf_epoch(&one.h.ctx, one.m.state, epoch, &loss[0]), RH_OK);
        assert_int_equal(lmf_epoch(&many.h.ctx, many.m.state, epoch, &loss[1]), RH_OK);
        assert_memory_equal(&loss[0], &loss[1], sizeof *loss);
        test_host_scratch_back(&one.h);
        test_host_scratch_back(&many.h);
    }
    const struct lmf_state *a = one.m.state, *b = many.m.state;
    assert_memory_equal(a->user.x, b->user.x, (size_t)(USERS * a->width) * sizeof(float));
    assert_memory_equal(a->item.x, b->item.x, (size_t)(ITEMS * a->width) * sizeof(float));
    end(&one);
    end(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_epoch_equals_plain_loops),
        cmocka_unit_test(folding_in_finds_the_minimum),
        cmocka_unit_test(threads_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
