/* multvae against plain loops in double: the loss of the paper, its gradients by finite differences of those loops,
 * and the scores. The plugin's source is part of this test. */
#include "../../algorithms/autoencoder/multvae.c"
#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define USERS 43
#define ITEMS 37
#define MOST 8192 /* weights */

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
    struct rh_rng r = rh_stream(37, "rows", "multvae", 0);
    struct test_row row[USERS * ITEMS];
    int64_t n = 0;
    memset(w, 0, sizeof *w);
    test_host_init(&w->h, threads, 7);
    for (int32_t u = 0; u < USERS; u++)
        for (int32_t i = 0; i < ITEMS; i++)
            if (u % 9 != 4 && rh_rng_below(&r, 2 + (uint32_t)i / 4) == 0)
                row[n++] = (struct test_row){ u, i, 1, 0 };
    w->domain = test_domain(&w->h, "made", USERS, ITEMS, row, n, 0);
    w->train = (struct rh_train){ .n_users = USERS, .n_domains = 1, .domain = &w->domain };
    if (test_fit(&w->h, &multvae, settings, &w->train, 0, &w->m) < 0)
        fail_msg("%s", w->h.error.text);
}

static void end(struct model *w)
{
    test_model_release(&w->m);
    test_host_release(&w->h);
}

/* ---------------------------------------------------------------------------------------------- plain loops */

/* The scores of one user, from items with input x (their number n), with weights w in the plugin's arrangement.
 * Returns the KL divergence. noise: e[latent], or NULL. */
static double plain_scores(const struct multvae_state *s, const double *w, const int32_t *item, const float *x,
                           int64_t n, const float *noise, double *score)
{
    double h1[64], z[32], h3[64], kl = 0;
    for (int f = 0; f < s->units; f++) {
        h1[f] = w[s->at[B1] + f];
        for (int64_t e = 0; e < n; e++)
            h1[f] += (double)x[e] * w[s->at[W1] + item[e] * s->hidden + f];
        h1[f] = tanh(h1[f]);
    }
    for (int l = 0; l < s->latent; l++) {
        double out[2] = { 0, 0 };
        for (int part = 0; part < (s->model == VAE ? 2 : 1); part++) {
            int o = part * s->latent + l;
            out[part] = w[s->at[B2] + o];
            for (int f = 0; f < s->units; f++)
                out[part] += w[s->at[W2] + o * s->hidden + f] * h1[f];
        }
        z[l] = s->model == DAE ? tanh(out[0]) : out[0] + (noise ? (double)noise[l] * exp(out[1] / 2) : 0);
        if (s->model == VAE)
            kl += (exp(out[1]) + out[0] * out[0] - 1 - out[1]) / 2;
    }
    for (int f = 0; f < s->units; f++) {
        h3[f] = w[s->at[B3] + f];
        for (int l = 0; l < s->latent; l++)
            h3[f] += w[s->at[W3] + f * s->latent + l] * z[l];
        h3[f] = tanh(h3[f]);
    }
    for (int i = 0; i < s->n_items; i++) {
        score[i] = w[s->at[B4] + i];
        for (int f = 0; f < s->units; f++)
            score[i] += w[s->at[W4] + i * s->hidden + f] * h3[f];
    }
    return kl;
}

/* The mean loss of the users of a step. */
static double plain_loss(const struct step *t, const double *w)
{
    const struct multvae_state *s = t->s;
    double loss = 0, score[ITEMS];
    for (int k = 0; k < t->r.n; k++) {
        int64_t from = t->r.entry[k], n = t->r.entry[k + 1] - from;
        double sum = 0, kl = plain_scores(s, w, t->r.item + from, t->r.input + from, n,
                                          t->r.noise ? t->r.noise + (int64_t)k * s->latent : NULL, score);
        for (int i = 0; i < ITEMS; i++)
            sum += exp(score[i]);
        for (int64_t e = 0; e < n; e++)
            loss -= score[t->r.item[from + e]] - log(sum);
        loss += (double)t->beta * kl;
    }
    return loss / t->r.n;
}

/* A step over all users with items, ready for learn; biases are not 0. */
static void make_step(struct model *w, struct step *t)
{
    struct multvae_state *s = w->m.state;
    struct rh_rng r = rh_stream(5, "biases", "multvae", 0);
    for (int k = B1; k <= B4; k += 2)
        for (int64_t c = 0; c < (k == B1 || k == B3 ? s->units : k == B2 ? s->out2 : s->n_items); c++)
            s->w[s->at[k] + c] = (float)(0.3 * rh_rng_normal(&r));
    int64_t entries = most_entries(s, s->learner, s->n_learners);
    int64_t *entry = rh_alloc(&w->h.own, USERS + 1, sizeof *entry);
    int32_t *item = rh_alloc(&w->h.own, (size_t)entries, sizeof *item);
    assert_int_equal(entries, s->row[USERS]);
    *t = (struct step){ .s = s, .epoch = 3, .user = s->learner, .beta = 0.7f, .r = { .n = s->n_learners } };
    assert_true(take_step(&w->h.ctx, s, s->n_learners, entries, t));
    t->r.item = item;
    t->r.entry = entry;
    list_items(s, t->user, t->r.n, item, entry);
}

static void gradients_are_those_of_the_loss(void **state)
{
    (void)state;
    const char *const settings[] = { "hidden = 13; latent = 5", "hidden = 18; latent = 7; dropout = 0",
                                     "hidden = 16; latent = 6; model = dae" };
    for (int c = 0; c < 3; c++) {
        static struct model w;
        static struct step t;
        static double plain[MOST];
        make(&w, settings[c], 1 + c);
        struct multvae_state *s = w.m.state;
        make_step(&w, &t);
        assert_int_equal(learn(&w.h.ctx, &t), RH_OK);
        assert_true(s->at[N_ARRAYS] <= MOST);
        for (int64_t k = 0; k < s->at[N_ARRAYS]; k++)
            plain[k] = (double)s->w[k];
        double loss = 0;
        for (int k = 0; k < t.r.n; k++)
            loss += t.loss[k] / t.r.n;
        assert_near(loss, plain_loss(&t, plain), 1e-4);
        int moved = 0;
        for (int64_t k = 0; k < s->at[N_ARRAYS]; k++) {
            double was = plain[k];
            plain[k] = was + 1e-5;
            double above = plain_loss(&t, plain);
            plain[k] = was - 1e-5;
            double slope = (above - plain_loss(&t, plain)) / 2e-5;
            plain[k] = was;
            assert_near((double)s->g[k], slope, 2e-5 + 1e-4 * fabs(slope));
            moved += fabs(slope) > 1e-4;
        }
        assert_true(moved > 500);
        end(&w);
    }
}

static void dropout_thins_the_input(void **state)
{
    (void)state;
    static struct model w;
    static struct step t;
    make(&w, "hidden = 8; latent = 3; dropout = 0.3", 2);
    make_step(&w, &t);
    assert_int_equal(learn(&w.h.ctx, &t), RH_OK);
    int64_t n = t.r.entry[t.r.n], dropped = 0;
    for (int k = 0; k < t.r.n; k++)
        for (int64_t e = t.r.entry[k]; e < t.r.entry[k + 1]; e++) {
            double x = 1 / (0.7 * sqrt((double)(t.r.entry[k + 1] - t.r.entry[k])));
            assert_true(t.r.input[e] == 0 || fabs((double)t.r.input[e] - x) < 1e-6);
            dropped += t.r.input[e] == 0;
        }
    assert_near((double)dropped, 0.3 * (double)n, 4 * sqrt(0.3 * 0.7 * (double)n));
    end(&w);
}

static void scores_equal_plain_loops(void **state)
{
    (void)state;
    static struct model w;
    for (int c = 0; c < 2; c++) {
        static double plain[MOST];
        double loss, expected[ITEMS];
        float out[3 * ITEMS], x[3];
        make(&w, c ? "hidden = 20; latent = 6; batch = 10" : "hidden = 11; latent = 4; model = dae; batch = 16", 2);
        struct multvae_state *s = w.m.state;
        for (int epoch = 1; epoch <= 3; epoch++) {
            assert_int_equal(multvae_epoch(&w.h.ctx, s, epoch, &loss), RH_OK);
            test_host_scratch_back(&w.h);
        }
        for (int64_t k = 0; k < s->at[N_ARRAYS]; k++)
            plain[k] = (double)s->w[k];
        const int32_t some[] = { 2, 17, 30 }, list[] = { 36, 0, 17, 5 };
        struct rh_query q[] = { test_query_with(&w.h, &w.train, 1, 3, some, NULL),
                                test_query_with(&w.h, &w.train, 4, 0, some, NULL),
                                test_query_with(&w.h, &w.train, 9, 2, some, NULL) };
        q[2].candidate = list;
        q[2].n_candidates = 4;
        assert_int_equal(test_score(&w.h, &w.m, q, 3, 3, out, ITEMS), RH_OK);
        for (int k = 0; k < 3; k++) {
            int n = k == 0 ? 3 : k == 1 ? 0 : 2;
            for (int e = 0; e < n; e++)
                x[e] = (float)(1 / sqrt(n));
            plain_scores(s, plain, some, x, n, NULL, expected);
            for (int i = 0; i < q[k].n_candidates; i++)
                assert_near((double)out[k * ITEMS + i], expected[k == 2 ? list[i] : i], 1e-5);
        }
        for (int32_t i = 0; i < ITEMS; i++) /* nothing flows into the padding */
            for (int32_t f = s->units; f < s->hidden; f++)
                assert_true(s->w[s->at[W1] + i * s->hidden + f] == 0 && s->w[s->at[W4] + i * s->hidden + f] == 0);
        end(&w);
    }
}

static void steps_are_of_adam_and_reg_pulls_weights(void **state)
{
    (void)state;
    static struct model w;
    static float before[MOST];
    static struct step t;
    make(&w, "hidden = 8; latent = 3; dropout = 0; rate = 0.01; reg = 0.4; model = dae", 1);
    struct multvae_state *s = w.m.state;
    make_step(&w, &t);
    memcpy(before, s->w, (size_t)s->at[N_ARRAYS] * sizeof *before);
    assert_int_equal(learn(&w.h.ctx, &t), RH_OK);
    rh_nn_step(&s->rule, 1);
    static float g[MOST];
    memcpy(g, s->g, (size_t)s->at[N_ARRAYS] * sizeof *g);
    for (t.array = 0; t.array < N_ARRAYS; t.array++)
        assert_int_equal(descend_part(&w.h.ctx, &t, 0, s->at[t.array + 1] - s->at[t.array]), RH_OK);
    for (int array = 0; array < N_ARRAYS; array++)
        for (int64_t k = s->at[array]; k < s->at[array + 1]; k++) {
            /* first step: rate g / (|g| + 1e-8), with the gradient of reg sum of squares in weights, not in biases */
            double slope = (double)g[k] + (array % 2 == 0 ? 2 * 0.4 * (double)before[k] : 0);
            assert_near((double)s->w[k], (double)before[k] - 0.01 * slope / (fabs(slope) + 1e-8), 1e-5);
            assert_true(s->g[k] == 0);
        }
    end(&w);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    static struct model one, many;
    make(&one, "hidden = 150; latent = 20; batch = 35", 1);
    make(&many, "hidden = 150; latent = 20; batch = 35", 5);
    const struct multvae_state *a = one.m.state, *b = many.m.state;
    for (int epoch = 1; epoch <= 3; epoch++) {
        double loss[2] = { 0, 1 };
        assert_int_equal(multvae_epoch(&one.h.ctx, one.m.state, epoch, &loss[0]), RH_OK);
        assert_int_equal(multvae_epoch(&many.h.ctx, many.m.state, epoch, &loss[1]), RH_OK);
        assert_memory_equal(&loss[0], &loss[1], sizeof *loss);
        test_host_scratch_back(&one.h);
        test_host_scratch_back(&many.h);
    }
    assert_memory_equal(a->w, b->w, (size_t)a->at[N_ARRAYS] * sizeof(float));
    end(&one);
    end(&many);
}

static void the_exponential_is_one(void **state)
{
    (void)state;
    for (double x = -86.9; x < 87.9; x += 0.00917)
        assert_near((double)rh_exp((float)x) / exp((double)(float)x), 1, 2e-7);
    assert_true(rh_exp(0) == 1);
    assert_true(rh_exp(-1000) < 1e-37f && rh_exp(-1000) > 0 && isfinite(rh_exp(1000)));
}

static void divergence_is_told(void **state)
{
    (void)state;
    static struct model w;
    double loss;
    make(&w, "hidden = 8; latent = 3; rate = 1; reg = 1000000", 1);
    struct multvae_state *s = w.m.state;
    s->w[s->at[W4]] = INFINITY;
    assert_int_equal(multvae_epoch(&w.h.ctx, s, 1, &loss), RH_ENUMERIC);
    assert_non_null(strstr(w.h.error.text, "lower rate, which is 1"));
    end(&w);
}

static void held_out_items_come_first(void **state)
{
    (void)state;
    static struct test_host h;
    struct test_world world;
    struct test_model m;
    test_host_init(&h, 2, 5);
    test_world(&h, &(struct test_world_spec){ .n_users = 400, .n_warm = 350, .n_items = 100, .n_domains = 1,
                                              .n_tastes = 4, .rows = 20, .support = 8, .noise = 0.1, .seed = 12 },
               &world);
    assert_int_equal(test_fit(&h, test_algorithm("popularity"), NULL, &world.train, -1, &m), RH_OK);
    double popular[] = { test_world_auc(&h, &world, &m, 0, 350), test_world_auc(&h, &world, &m, 350, 400) };
    test_model_release(&m);
    for (int c = 0; c < 2; c++) {
        assert_int_equal(test_fit(&h, &multvae, c ? "hidden = 32; latent = 8; batch = 50; rate = 0.003; model = dae"
                                                  : "hidden = 32; latent = 8; batch = 50; rate = 0.003",
                                  &world.train, 40, &m), RH_OK);
        for (int cold = 0; cold < 2; cold++) {
            double auc = test_world_auc(&h, &world, &m, cold ? 350 : 0, cold ? 400 : 350);
            if (!(auc > popular[cold] + 0.15))
                fail_msg("auc %.4f, of popularity %.4f", auc, popular[cold]);
        }
        test_model_release(&m);
    }
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_those_of_the_loss),
        cmocka_unit_test(dropout_thins_the_input),
        cmocka_unit_test(scores_equal_plain_loops),
        cmocka_unit_test(steps_are_of_adam_and_reg_pulls_weights),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(the_exponential_is_one),
        cmocka_unit_test(divergence_is_told),
        cmocka_unit_test(held_out_items_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
