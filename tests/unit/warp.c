/* warp: violators are what they are said to be, their weights are those of the papers, and an epoch equals plain
 * loops in double over the same pairs. The plugin's source is part of this test. */
#include "../../algorithms/factors/warp.c"
#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define USERS 50
#define ITEMS 41
#define MOST 2048 /* triples */

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
    struct rh_rng r = rh_stream(31, "rows", "warp", 0);
    struct test_row row[USERS * ITEMS];
    int64_t n = 0;
    memset(w, 0, sizeof *w);
    test_host_init(&w->h, threads, 7);
    for (int32_t u = 0; u < USERS; u++)
        for (int32_t i = 0; i < ITEMS; i++)
            if (u % 9 != 4 && rh_rng_below(&r, 2 + (uint32_t)i / 4) == 0) {
                row[n++] = (struct test_row){ u, i, 1, 0 };
                w->has[u][i] = true;
            }
    w->domain = test_domain(&w->h, "made", USERS, ITEMS, row, n, 0);
    w->train = (struct rh_train){ .n_users = USERS, .n_domains = 1, .domain = &w->domain };
    if (test_fit(&w->h, &warp, settings, &w->train, 0, &w->m) < 0)
        fail_msg("%s", w->h.error.text);
}

static void end(struct model *w)
{
    test_model_release(&w->m);
    test_host_release(&w->h);
}

static double score_of(const struct rh_pair_model *m, int32_t u, int32_t i)
{
    double sum = m->bias.x ? (double)m->bias.x[i] : 0;
    for (int f = 0; f < m->factors; f++)
        sum += (double)m->user.x[u * m->width + f] * (double)m->item.x[i * m->width + f];
    return sum;
}

static void weights_are_those_of_the_papers(void **state)
{
    (void)state;
    static struct model w;
    make(&w, "rank = harmonic; most = 4", 1);
    const struct warp_state *s = w.m.state;
    assert_near((double)s->weight[0], 1, 1e-6);
    assert_near((double)s->weight[1], 1.5, 1e-6);
    assert_near((double)s->weight[3], 25.0 / 12, 1e-6); /* 1 + 1/2 + 1/3 + 1/4 */
    assert_near((double)s->weight[39], 4, 1e-6);        /* 4.279 is above most */
    end(&w);
    make(&w, "rank = log", 1);
    s = w.m.state;
    assert_near((double)s->weight[0], 0, 1e-6);
    assert_near((double)s->weight[39], 3.68887945411394, 1e-6); /* log 40 */
    end(&w);
}

/* The draw against a second walk along the same random numbers. */
static void violators_violate(void **state)
{
    (void)state;
    static struct model w;
    make(&w, "factors = 5; init_sd = 0.9; tries = 7; rank = harmonic", 1);
    struct warp_state *s = w.m.state;
    int found = 0, none = 0, later = 0;
    for (int i = 0; i < ITEMS; i++)
        s->model.bias.x[i] = 0.2f * (float)(i % 5);
    for (int32_t u = 0; u < USERS; u++) {
        uint8_t taken[ITEMS];
        for (int i = 0; i < ITEMS; i++)
            taken[i] = w.has[u][i];
        for (int32_t liked = 0; liked < ITEMS; liked++) {
            if (!taken[liked])
                continue;
            struct rh_rng rng = rh_stream(1, "walk", "warp", (uint64_t)(u * ITEMS + liked)), same = rng;
            float weight = -1;
            int32_t j = find_violator(s, &rng, u, liked, taken, &weight), n = 0, last = -1;
            while (n < 7) {
                n++;
                last = rh_pairs_other(&s->pairs, &same, taken);
                if (score_of(&s->model, u, last) > score_of(&s->model, u, liked) - 1)
                    break;
                last = -1;
            }
            assert_int_equal(j, last);
            if (j < 0) {
                none++;
                continue;
            }
            found++;
            later += n > 1;
            assert_false(taken[j]);
            double expected = 0;
            for (int k = 1; k <= 40 / n; k++)
                expected += 1.0 / k;
            assert_near((double)weight, expected, 1e-5);
        }
    }
    assert_true(found > 100 && none > 5 && later > 50);
    end(&w);
}

struct record {
    struct rh_triple t[MOST];
    int n;
};

static double keep_record(void *arg, const struct rh_triple *t, int64_t n)
{
    struct record *r = arg;
    for (int64_t k = 0; k < n && r->n < MOST; k++)
        r->t[r->n++] = t[k];
    return 0;
}

struct plain {
    double p[USERS][24], q[ITEMS][24], b[ITEMS];
    double sp[USERS][24], sq[ITEMS][24], sb[ITEMS];
};

static void move(const struct rh_pair_model *m, double *weight, double *squares, double gradient)
{
    double scale = m->step == RH_PAIR_ADAGRAD ? sqrt(1 + *squares) : 1;
    *weight -= (double)m->rate * gradient / scale;
    *squares += gradient * gradient;
}

static double plain_epoch(const struct rh_pair_model *m, struct plain *w, const struct record *r, int *won)
{
    double loss = 0;
    for (int k = 0; k < r->n; k++) {
        int u = r->t[k].user, a = r->t[k].liked, b = r->t[k].other;
        double x = w->b[a] - w->b[b], g;
        for (int f = 0; f < m->factors; f++)
            x += w->p[u][f] * (w->q[a][f] - w->q[b][f]);
        g = x < 1 ? (double)r->t[k].weight : 0;
        *won += x >= 1;
        loss += g * (1 - x);
        for (int f = 0; f < m->factors; f++) {
            double p = w->p[u][f], qa = w->q[a][f], qb = w->q[b][f];
            move(m, &w->p[u][f], &w->sp[u][f], (double)m->reg_user * p - g * (qa - qb));
            move(m, &w->q[a][f], &w->sq[a][f], (double)m->reg_liked * qa - g * p);
            move(m, &w->q[b][f], &w->sq[b][f], (double)m->reg_other * qb + g * p);
        }
        if (m->bias.x) {
            move(m, &w->b[a], &w->sb[a], (double)m->reg_bias * w->b[a] - g);
            move(m, &w->b[b], &w->sb[b], (double)m->reg_bias * w->b[b] + g);
        }
    }
    return loss;
}

static void epochs_equal_plain_loops(void **state)
{
    (void)state;
    const char *const settings[] = {
        "factors = 10; init_sd = 0.3",
        "factors = 17; init_sd = 0.3; rank = harmonic; step = sgd; reg_user = 0.02; reg_liked = 0.01",
        "factors = 8; init_sd = 0.6; bias = no; reg_user = 0.1; tries = 30; most = 2",
    };
    int won = 0;
    for (int c = 0; c < 3; c++) {
        static struct model w;
        static struct plain x;
        static struct record r;
        make(&w, settings[c], 1);
        struct warp_state *s = w.m.state;
        struct rh_pair_model *m = &s->model;
        double loss = NAN;
        s->chunk = 1 << 20; /* one chunk: the record sees the model that the epoch's draws see */
        struct rh_learning look = { .pairs = &s->pairs, .draw = find_violator, .draw_arg = s, .chunk = s->chunk,
                                    .learn = keep_record, .learn_arg = &r, .width = m->width };
        memset(&r, 0, sizeof r);
        memset(&x, 0, sizeof x);
        assert_int_equal(rh_pairs_pass(&w.h.ctx, &look, 1, &loss), RH_OK);
        for (int f = 0; f < m->factors; f++) {
            for (int u = 0; u < USERS; u++)
                x.p[u][f] = (double)m->user.x[u * m->width + f];
            for (int i = 0; i < ITEMS; i++)
                x.q[i][f] = (double)m->item.x[i * m->width + f];
        }
        double expected = plain_epoch(m, &x, &r, &won) / (double)s->pairs.n;
        assert_int_equal(warp_epoch(&w.h.ctx, s, 1, &loss), RH_OK);
        assert_near(loss, expected, 1e-4 * expected);
        for (int f = 0; f < m->width; f++) {
            for (int u = 0; u < USERS; u++)
                assert_near((double)m->user.x[u * m->width + f], f < m->factors ? x.p[u][f] : 0, 5e-5);
            for (int i = 0; i < ITEMS; i++)
                assert_near((double)m->item.x[i * m->width + f], f < m->factors ? x.q[i][f] : 0, 5e-5);
        }
        for (int i = 0; i < ITEMS && m->bias.x; i++)
            assert_near((double)m->bias.x[i], x.b[i], 5e-5);
        end(&w);
    }
    assert_true(won > 0); /* pairs that needed no step any more have come up */
}

static void threads_change_nothing(void **state)
{
    (void)state;
    static struct model one, many;
    make(&one, "chunk = 100", 1);
    make(&many, "chunk = 100", 5);
    for (int epoch = 1; epoch <= 3; epoch++) {
        double loss[2] = { 0, 1 };
        assert_int_equal(warp_epoch(&one.h.ctx, one.m.state, epoch, &loss[0]), RH_OK);
        assert_int_equal(warp_epoch(&many.h.ctx, many.m.state, epoch, &loss[1]), RH_OK);
        assert_memory_equal(&loss[0], &loss[1], sizeof *loss);
        test_host_scratch_back(&one.h);
        test_host_scratch_back(&many.h);
    }
    const struct rh_pair_model *a = &((struct warp_state *)one.m.state)->model;
    const struct rh_pair_model *b = &((struct warp_state *)many.m.state)->model;
    assert_memory_equal(a->user.x, b->user.x, (size_t)(USERS * a->width) * sizeof(float));
    assert_memory_equal(a->item.x, b->item.x, (size_t)(ITEMS * a->width) * sizeof(float));
    end(&one);
    end(&many);
}

static void held_out_items_come_first(void **state)
{
    (void)state;
    static struct test_host h;
    struct test_world world;
    struct test_model m;
    test_host_init(&h, 2, 5);
    test_world(&h, &(struct test_world_spec){ .n_users = 300, .n_warm = 300, .n_items = 120, .n_domains = 1,
                                              .n_tastes = 4, .rows = 20, .support = 0, .noise = 0.1, .seed = 12 },
               &world);
    assert_int_equal(test_fit(&h, test_algorithm("popularity"), NULL, &world.train, -1, &m), RH_OK);
    double popular = test_world_auc(&h, &world, &m, 0, 300);
    test_model_release(&m);
    assert_int_equal(test_fit(&h, &warp, "factors = 4; reg_user = 0.02; reg_liked = 0.02; reg_other = 0.02",
                              &world.train, 30, &m), RH_OK);
    double auc = test_world_auc(&h, &world, &m, 0, 300);
    if (!(auc > popular + 0.25))
        fail_msg("auc %.4f, of popularity %.4f", auc, popular);
    test_model_release(&m);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_those_of_the_papers),
        cmocka_unit_test(violators_violate),
        cmocka_unit_test(epochs_equal_plain_loops),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(held_out_items_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
