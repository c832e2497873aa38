/* Pairwise learning: which triples are drawn, that those learned from at once have nothing in common, gradients
 * against finite differences, and whole epochs against plain loops in double over the same triples. */
#include "../../algorithms/factors/bpr.c"
#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define USERS 60
#define ITEMS 37
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

/* Users 4, 13, .. have nothing, user 5 has all, user 6 all but item 36. */
static void make(struct model *w, const char *settings, int threads)
{
    struct rh_rng r = rh_stream(29, "rows", "bpr", 0);
    struct test_row row[USERS * ITEMS];
    int64_t n = 0;
    memset(w, 0, sizeof *w);
    test_host_init(&w->h, threads, 7);
    for (int32_t u = 0; u < USERS; u++)
        for (int32_t i = 0; i < ITEMS; i++)
            if (u == 5 || (u == 6 && i < 36) || (u > 6 && u % 9 != 4 && rh_rng_below(&r, 2 + (uint32_t)i / 4) == 0)) {
                row[n++] = (struct test_row){ u, i, 1, 0 };
                w->has[u][i] = true;
            }
    w->domain = test_domain(&w->h, "made", USERS, ITEMS, row, n, 0);
    w->train = (struct rh_train){ .n_users = USERS, .n_domains = 1, .domain = &w->domain };
    if (test_fit(&w->h, &bpr, settings, &w->train, 0, &w->m) < 0)
        fail_msg("%s", w->h.error.text);
}

static void end(struct model *w)
{
    test_model_release(&w->m);
    test_host_release(&w->h);
}

/* ------------------------------------------------------------------------------------------------------ triples */

struct record {
    struct rh_triple t[MOST];
    int n, atomic_errors;
    int user[USERS], item[ITEMS]; /* in work */
};

static double keep_record(void *arg, const struct rh_triple *t, int64_t n)
{
    struct record *r = arg;
    for (int64_t k = 0; k < n; k++) {
        int *busy[] = { &r->user[t[k].user], &r->item[t[k].liked], &r->item[t[k].other] };
        for (int b = 0; b < 3; b++)
            if (__atomic_add_fetch(busy[b], 1, __ATOMIC_SEQ_CST) != 1)
                __atomic_add_fetch(&r->atomic_errors, 1, __ATOMIC_SEQ_CST);
        int at = __atomic_fetch_add(&r->n, 1, __ATOMIC_SEQ_CST);
        if (at < MOST)
            r->t[at] = t[k];
        for (int b = 0; b < 3; b++)
            __atomic_sub_fetch(busy[b], 1, __ATOMIC_SEQ_CST);
    }
    return 0;
}

static void record_pass(struct model *w, int32_t epoch, int64_t chunk, struct record *r)
{
    const struct bpr_state *s = w->m.state;
    struct rh_learning l = { .pairs = &s->pairs, .learn = keep_record, .learn_arg = r, .chunk = chunk, .width = 16 };
    double loss;
    memset(r, 0, sizeof *r);
    assert_int_equal(rh_pairs_pass(&w->h.ctx, &l, epoch, &loss), RH_OK);
    test_host_scratch_back(&w->h);
    assert_in_range(r->n, 1, MOST);
    assert_int_equal(r->atomic_errors, 0);
    for (int k = 0; k < r->n; k++) {
        assert_true(w->has[r->t[k].user][r->t[k].liked]);
        assert_false(w->has[r->t[k].user][r->t[k].other]);
        assert_true(r->t[k].weight == 1);
    }
}

static void each_interaction_comes_once(void **state)
{
    (void)state;
    static struct model w;
    static struct record r;
    for (int64_t chunk = 0; chunk <= 100; chunk += 50) {
        int seen[USERS][ITEMS] = { { 0 } };
        make(&w, "factors = 3", 1 + (int)chunk / 40);
        record_pass(&w, 1 + (int)chunk, chunk, &r);
        for (int k = 0; k < r.n; k++)
            seen[r.t[k].user][r.t[k].liked]++;
        for (int u = 0; u < USERS; u++)
            for (int i = 0; i < ITEMS; i++)
                assert_int_equal(seen[u][i], w.has[u][i] && u != 5); /* nothing can be below the items of user 5 */
        end(&w);
    }
}

/* Counts of 40 passes against what is expected, in standard deviations of a binomial. */
static void draws_are_as_likely_as_they_should_be(void **state)
{
    (void)state;
    static struct model w;
    static struct record r;
    for (int popular = 0; popular < 2; popular++) {
        make(&w, popular ? "positives = users; negatives = popularity; power = 0.75" : "positives = users", 2);
        const struct rh_pairs *p = &((struct bpr_state *)w.m.state)->pairs;
        double weight[ITEMS] = { 0 }, per_user[USERS] = { 0 }, of_item[ITEMS] = { 0 }, expected[ITEMS] = { 0 };
        int total = 0;
        for (int i = 0; i < ITEMS; i++) {
            for (int u = 0; u < USERS; u++)
                weight[i] += w.has[u][i];
            weight[i] = popular ? pow(weight[i], 0.75) : 1;
        }
        for (int epoch = 1; epoch <= 40; epoch++) {
            record_pass(&w, epoch, 64, &r);
            for (int k = 0; k < r.n; k++) {
                per_user[r.t[k].user]++;
                of_item[r.t[k].other]++;
            }
            total += r.n;
        }
        assert_int_equal(total, 40 * p->n);
        for (int l = 0; l < p->n_learners; l++) {
            int u = p->learner[l];
            double share = 1.0 / p->n_learners, sum = 0;
            assert_near(per_user[u], total * share, 4.5 * sqrt(total * share));
            for (int i = 0; i < ITEMS; i++)
                sum += w.has[u][i] ? 0 : weight[i];
            for (int i = 0; i < ITEMS; i++)
                expected[i] += w.has[u][i] ? 0 : per_user[u] * weight[i] / sum;
        }
        for (int i = 0; i < ITEMS; i++)
            assert_near(of_item[i], expected[i], 4.5 * sqrt(expected[i]));
        end(&w);
    }
}

/* An item without interactions is never drawn by popularity; the user of all others gets it all the same. */
static void a_free_item_is_found(void **state)
{
    (void)state;
    static struct test_host h;
    struct test_row row[9];
    struct rh_pairs p;
    uint8_t taken[10] = { 0 };
    for (int32_t i = 0; i < 9; i++) {
        row[i] = (struct test_row){ 0, i, 1, 0 };
        taken[i] = 1;
    }
    test_host_init(&h, 1, 3);
    struct rh_domain d = test_domain(&h, "made", 1, 10, row, 9, 0);
    assert_int_equal(rh_pairs_init(&h.ctx, &p, &d, 1, RH_EACH_INTERACTION, RH_POPULAR_ITEMS, 1), RH_OK);
    struct rh_rng rng = rh_stream(1, "free", "item", 0);
    assert_int_equal(rh_pairs_other(&p, &rng, taken), 9);
    test_host_release(&h);
}

static void nobody_to_learn_from_is_refused(void **state)
{
    (void)state;
    static struct test_host h;
    struct test_row row[] = { { 0, 0, 1, 0 }, { 0, 1, 1, 0 } };
    struct test_model m;
    test_host_init(&h, 1, 3);
    struct rh_domain d = test_domain(&h, "made", 2, 2, row, 2, 0);
    struct rh_train train = { .n_users = 2, .n_domains = 1, .domain = &d };
    assert_int_equal(test_fit(&h, &bpr, NULL, &train, 0, &m), RH_EDATA);
    assert_non_null(strstr(h.error.text, "no user of domain 'made' has some of its 2 items and not all"));
    test_model_release(&m);
    test_host_release(&h);
}

/* ------------------------------------------------------------------------------------------------------- epochs */

struct plain { /* a model in double */
    double p[USERS][24], q[ITEMS][24], b[ITEMS];
    double sp[USERS][24], sq[ITEMS][24], sb[ITEMS];
    double mp[USERS][24], mq[ITEMS][24], mb[ITEMS];
};

static void copy_model(const struct rh_pair_model *m, struct plain *x)
{
    memset(x, 0, sizeof *x);
    for (int f = 0; f < m->factors; f++) {
        for (int u = 0; u < USERS; u++)
            x->p[u][f] = (double)m->user.x[u * m->width + f];
        for (int i = 0; i < ITEMS; i++)
            x->q[i][f] = (double)m->item.x[i * m->width + f];
    }
    for (int i = 0; i < ITEMS; i++)
        x->b[i] = m->bias.x ? (double)m->bias.x[i] : 0;
}

/* The loss of one triple with its regularisation, as the header of pairwise.h has it. */
static double loss_of(const struct rh_pair_model *m, const struct plain *w, const struct rh_triple *t,
                      bool regularised)
{
    double x = w->b[t->liked] - w->b[t->other], reg = 0;
    for (int f = 0; f < m->factors; f++) {
        double p = w->p[t->user][f], a = w->q[t->liked][f], b = w->q[t->other][f];
        x += p * (a - b);
        reg += (double)m->reg_user * p * p + (double)m->reg_liked * a * a + (double)m->reg_other * b * b;
    }
    if (m->bias.x)
        reg += (double)m->reg_bias * (w->b[t->liked] * w->b[t->liked] + w->b[t->other] * w->b[t->other]);
    double loss = m->loss == RH_PAIR_LOG ? log1p(exp(-x)) : (double)t->weight * fmax(0, 1 - x);
    return loss + (regularised ? reg / 2 : 0);
}

/* Derivative of the loss by *weight, by finite differences. */
static double slope(const struct rh_pair_model *m, struct plain *w, const struct rh_triple *t, double *weight)
{
    double was = *weight, step = 1e-5;
    *weight = was + step;
    double above = loss_of(m, w, t, true);
    *weight = was - step;
    double below = loss_of(m, w, t, true);
    *weight = was;
    return (above - below) / (2 * step);
}

#define REGULARISED "factors = 17; reg_user = 0.31; reg_liked = 0.17; reg_other = 0.05; reg_bias = 0.4; rate = 0.25"

static void steps_follow_the_gradient(void **state)
{
    (void)state;
    const char *const settings[] = { REGULARISED "; init_sd = 0.4", REGULARISED "; init_sd = 0.4; step = adagrad",
                                     REGULARISED "; bias = no" };
    for (int c = 0; c < 6; c++) {
        static struct model w;
        static struct plain x;
        make(&w, settings[c / 2], 1);
        struct rh_pair_model *m = &((struct bpr_state *)w.m.state)->model;
        m->loss = c % 2 ? RH_PAIR_HINGE : RH_PAIR_LOG;
        for (int i = 0; i < ITEMS && m->bias.x; i++)
            m->bias.x[i] = 0.1f * (float)(i % 7) - 0.3f;
        /* a pass in which user 8 has item 3 and nothing else: one triple, the other item as it is drawn */
        int64_t row[USERS + 1] = { 0 };
        for (int u = 8; u < USERS; u++)
            row[u + 1] = 1;
        struct rh_domain d = { .name = "one", .n_items = ITEMS, .row = row, .item = (int32_t[]){ 3 } };
        struct rh_pairs one;
        struct record seen = { .n = 0 };
        double loss = NAN;
        assert_int_equal(rh_pairs_init(&w.h.ctx, &one, &d, USERS, RH_EACH_INTERACTION, RH_UNIFORM_ITEMS, 1), RH_OK);
        struct rh_learning l = { .pairs = &one, .learn = keep_record, .learn_arg = &seen, .width = 16 };
        assert_int_equal(rh_pairs_pass(&w.h.ctx, &l, 1, &loss), RH_OK);
        assert_int_equal(seen.n, 1);
        const struct rh_triple real = seen.t[0];
        copy_model(m, &x);
        assert_int_equal(rh_pair_model_pass(&w.h.ctx, m, &l, 1, &loss), RH_OK);
        assert_near(loss, loss_of(m, &x, &real, false), 1e-5);
        for (int f = 0; f < m->factors; f++) {
            const float *now[] = { m->user.x + real.user * m->width + f, m->item.x + real.liked * m->width + f,
                                   m->item.x + real.other * m->width + f };
            double *then[] = { &x.p[real.user][f], &x.q[real.liked][f], &x.q[real.other][f] };
            for (int k = 0; k < 3; k++)
                assert_near((*then[k] - (double)*now[k]) / (double)m->rate, slope(m, &x, &real, then[k]), 2e-5);
        }
        if (m->bias.x) {
            for (int k = 0; k < 2; k++) {
                int32_t i = k ? real.other : real.liked;
                assert_near((x.b[i] - (double)m->bias.x[i]) / 0.25, slope(m, &x, &real, &x.b[i]), 2e-5);
            }
        }
        end(&w);
    }
}

/* One gradient, by hand; returns the loss. */
static double gradient_of(const struct rh_pair_model *m, const struct plain *w, const struct rh_triple *t, double *gp,
                          double *ga, double *gb, double *gba, double *gbb)
{
    double x = w->b[t->liked] - w->b[t->other];
    for (int f = 0; f < m->factors; f++)
        x += w->p[t->user][f] * (w->q[t->liked][f] - w->q[t->other][f]);
    double g = 1 / (1 + exp(x));
    for (int f = 0; f < m->factors; f++) {
        gp[f] = (double)m->reg_user * w->p[t->user][f] - g * (w->q[t->liked][f] - w->q[t->other][f]);
        ga[f] = (double)m->reg_liked * w->q[t->liked][f] - g * w->p[t->user][f];
        gb[f] = (double)m->reg_other * w->q[t->other][f] + g * w->p[t->user][f];
    }
    *gba = m->bias.x ? (double)m->reg_bias * w->b[t->liked] - g : 0;
    *gbb = m->bias.x ? (double)m->reg_bias * w->b[t->other] + g : 0;
    return log1p(exp(-x));
}

static void move(const struct rh_pair_model *m, double *weight, double *squares, double gradient)
{
    if (m->step == RH_PAIR_ADAGRAD) {
        *weight -= (double)m->rate * gradient / sqrt(1 + *squares);
        *squares += gradient * gradient;
    } else {
        *weight -= (double)m->rate * gradient;
    }
}

static double plain_epoch(const struct rh_pair_model *m, struct plain *w, const struct record *r)
{
    double loss = 0, gp[24], ga[24], gb[24], gba, gbb;
    for (int k = 0; k < r->n; k++) {
        const struct rh_triple *t = &r->t[k];
        loss += gradient_of(m, w, t, gp, ga, gb, &gba, &gbb);
        for (int f = 0; f < m->factors; f++) {
            move(m, &w->p[t->user][f], &w->sp[t->user][f], gp[f]);
            move(m, &w->q[t->liked][f], &w->sq[t->liked][f], ga[f]);
            move(m, &w->q[t->other][f], &w->sq[t->other][f], gb[f]);
        }
        move(m, &w->b[t->liked], &w->sb[t->liked], gba);
        move(m, &w->b[t->other], &w->sb[t->other], gbb);
    }
    return loss / r->n;
}

static void adam(double rate, int64_t step, double gradient, double *w, double *first, double *second)
{
    *first = 0.9 * *first + 0.1 * gradient;
    *second = 0.999 * *second + 0.001 * gradient * gradient;
    *w -= rate * (*first / (1 - pow(0.9, (double)step))) / (sqrt(*second / (1 - pow(0.999, (double)step))) + 1e-8);
}

/* Means of gradients, then every weight of the model moves. */
static double plain_adam(const struct rh_pair_model *m, struct plain *w, const struct rh_triple *t, int64_t n)
{
    double loss = 0;
    int64_t step = 0;
    for (int64_t from = 0; from < n; from += m->batch) {
        static double p[USERS][24], q[ITEMS][24], b[ITEMS];
        int64_t to = from + m->batch < n ? from + m->batch : n;
        memset(p, 0, sizeof p);
        memset(q, 0, sizeof q);
        memset(b, 0, sizeof b);
        for (int64_t k = from; k < to; k++) {
            double gp[24], ga[24], gb[24], gba, gbb, share = 1 / (double)(to - from);
            loss += gradient_of(m, w, &t[k], gp, ga, gb, &gba, &gbb);
            for (int f = 0; f < m->factors; f++) {
                p[t[k].user][f] += share * gp[f];
                q[t[k].liked][f] += share * ga[f];
                q[t[k].other][f] += share * gb[f];
            }
            b[t[k].liked] += share * gba;
            b[t[k].other] += share * gbb;
        }
        step++;
        for (int f = 0; f < m->factors; f++) {
            for (int u = 0; u < USERS; u++)
                adam((double)m->rate, step, p[u][f], &w->p[u][f], &w->mp[u][f], &w->sp[u][f]);
            for (int i = 0; i < ITEMS; i++)
                adam((double)m->rate, step, q[i][f], &w->q[i][f], &w->mq[i][f], &w->sq[i][f]);
        }
        for (int i = 0; i < ITEMS; i++)
            adam((double)m->rate, step, b[i], &w->b[i], &w->mb[i], &w->sb[i]);
    }
    return loss / (double)n;
}

static void assert_same_model(const struct rh_pair_model *m, const struct plain *x, double tolerance)
{
    for (int f = 0; f < m->width; f++) {
        for (int u = 0; u < USERS; u++)
            assert_near((double)m->user.x[u * m->width + f], f < m->factors ? x->p[u][f] : 0, tolerance);
        for (int i = 0; i < ITEMS; i++)
            assert_near((double)m->item.x[i * m->width + f], f < m->factors ? x->q[i][f] : 0, tolerance);
    }
    for (int i = 0; i < ITEMS && m->bias.x; i++)
        assert_near((double)m->bias.x[i], x->b[i], tolerance);
}

static void epochs_equal_plain_loops(void **state)
{
    (void)state;
    const char *const settings[] = {
        "factors = 10; positives = users",
        "factors = 16; bias = no; rate = 0.2; reg_user = 0.1; reg_liked = 0.05; reg_other = 0.02",
        "factors = 17; negatives = popularity; reg_bias = 0.3; rate = 0.3",
        "factors = 9; step = adagrad; rate = 0.2; reg_user = 0.02; reg_bias = 0.1",
        "factors = 20; step = adam; batch = 100; rate = 0.01; init = xavier; bias = no",
        "factors = 7; step = adam; batch = 33; rate = 0.02; positives = users; reg_user = 0.3; reg_bias = 0.2",
    };
    for (size_t c = 0; c < sizeof settings / sizeof *settings; c++) {
        static struct model w;
        static struct plain x;
        static struct record r;
        make(&w, settings[c], 1); /* one thread: the record is in the order in which the pass learns */
        struct bpr_state *s = w.m.state;
        double loss = NAN, expected;
        copy_model(&s->model, &x);
        if (s->model.step == RH_PAIR_ADAM) {
            struct rh_learning l = { .pairs = &s->pairs };
            struct rh_triple *t;
            int64_t n;
            assert_int_equal(rh_pairs_draw(&w.h.ctx, &l, 1, &t, &n), RH_OK);
            assert_int_equal(n, s->pairs.n);
            expected = plain_adam(&s->model, &x, t, n);
        } else {
            record_pass(&w, 1, 0, &r);
            expected = plain_epoch(&s->model, &x, &r);
        }
        assert_int_equal(bpr_epoch(&w.h.ctx, s, 1, &loss), RH_OK);
        assert_near(loss, expected, 1e-5);
        assert_same_model(&s->model, &x, s->model.step == RH_PAIR_ADAM ? 1e-4 : 2e-5);
        end(&w);
    }
}

static void threads_change_nothing(void **state)
{
    (void)state;
    const char *const settings[] = { "factors = 12", "factors = 12; step = adagrad", "step = adam; batch = 50" };
    for (int c = 0; c < 3; c++) {
        static struct model one, many;
        make(&one, settings[c], 1);
        make(&many, settings[c], 5);
        for (int epoch = 1; epoch <= 3; epoch++) {
            double loss[2] = { 0, 1 };
            assert_int_equal(bpr_epoch(&one.h.ctx, one.m.state, epoch, &loss[0]), RH_OK);
            assert_int_equal(bpr_epoch(&many.h.ctx, many.m.state, epoch, &loss[1]), RH_OK);
            assert_memory_equal(&loss[0], &loss[1], sizeof *loss);
            test_host_scratch_back(&one.h);
            test_host_scratch_back(&many.h);
        }
        const struct rh_pair_model *a = &((struct bpr_state *)one.m.state)->model;
        const struct rh_pair_model *b = &((struct bpr_state *)many.m.state)->model;
        assert_memory_equal(a->user.x, b->user.x, (size_t)(USERS * a->width) * sizeof(float));
        assert_memory_equal(a->item.x, b->item.x, (size_t)(ITEMS * a->width) * sizeof(float));
        end(&one);
        end(&many);
    }
}

/* One thread cannot race: the same numbers. Four may lose a step now and then, but learn all the same. */
static void without_order_it_learns_too(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 4; threads += 3) {
        static struct model ordered, racing;
        double loss[2] = { 0 };
        make(&ordered, "factors = 12", 1);
        make(&racing, "factors = 12; ordered = no", threads);
        for (int epoch = 1; epoch <= 10; epoch++) {
            assert_int_equal(bpr_epoch(&ordered.h.ctx, ordered.m.state, epoch, &loss[0]), RH_OK);
            assert_int_equal(bpr_epoch(&racing.h.ctx, racing.m.state, epoch, &loss[1]), RH_OK);
            test_host_scratch_back(&ordered.h);
            test_host_scratch_back(&racing.h);
        }
        if (threads == 1)
            assert_memory_equal(&loss[0], &loss[1], sizeof *loss);
        assert_near(loss[1], loss[0], 0.1 * loss[0]);
        assert_true(loss[1] < 0.69); /* log 2: what a model that knows nothing has */
        end(&ordered);
        end(&racing);
    }
}

static void large_differences_are_finite_and_divergence_is_told(void **state)
{
    (void)state;
    static struct model w;
    make(&w, "factors = 4; init_sd = 10; reg_user = 0; reg_liked = 0; reg_other = 0", 1);
    double loss = NAN;
    assert_int_equal(bpr_epoch(&w.h.ctx, w.m.state, 1, &loss), RH_OK);
    assert_true(isfinite(loss) && loss > 0);
    end(&w);
    make(&w, "rate = 100; reg_user = 1000; reg_liked = 1000", 1);
    int status = RH_OK;
    for (int epoch = 1; status == RH_OK && epoch <= 50; epoch++)
        status = bpr_epoch(&w.h.ctx, w.m.state, epoch, &loss);
    assert_int_equal(status, RH_ENUMERIC);
    assert_non_null(strstr(w.h.error.text, "lower rate, which is 100"));
    end(&w);
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
    assert_int_equal(test_fit(&h, test_algorithm("itemknn"), NULL, &world.train, -1, &m), RH_OK);
    double neighbours = test_world_auc(&h, &world, &m, 0, 300);
    test_model_release(&m);
    assert_int_equal(test_fit(&h, &bpr, "factors = 4; reg_user = 0.02; reg_liked = 0.02; reg_other = 0.02",
                              &world.train, 40, &m), RH_OK);
    double auc = test_world_auc(&h, &world, &m, 0, 300);
    if (!(auc > popular + 0.1 && auc > neighbours - 0.01))
        fail_msg("auc %.4f, of popularity %.4f, of itemknn %.4f", auc, popular, neighbours);
    test_model_release(&m);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_interaction_comes_once),
        cmocka_unit_test(draws_are_as_likely_as_they_should_be),
        cmocka_unit_test(a_free_item_is_found),
        cmocka_unit_test(nobody_to_learn_from_is_refused),
        cmocka_unit_test(steps_follow_the_gradient),
        cmocka_unit_test(epochs_equal_plain_loops),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(without_order_it_learns_too),
        cmocka_unit_test(large_differences_are_finite_and_divergence_is_told),
        cmocka_unit_test(held_out_items_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
