/* CoNet in double (rh_real): gradients against PyTorch and finite differences, queries against PyTorch, partners,
 * shrunk connections, what it refuses and what it learns. */
#include "../../algorithms/transfer/conet.c"
#include "testhost.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "difference.h"
#include "values.h"

#define USERS 4
#define DOMAINS 3
#define SETTINGS "factors = 3; hidden = 4; depth = 2; source_weight = 0.6"
static const int32_t items[DOMAINS] = { 5, 4, 3 };

struct made {
    struct test_host h;
    struct rh_domain domain[DOMAINS];
    struct rh_train train;
    struct test_model m;
    struct conet_state *s;
    struct step w;
};

/* EXAMPLES of tests/oracle/conet.py */
static const struct joint examples[DOMAINS][4] = {
    { { { 0, 0, 1, 1 }, 1, 2 }, { { 1, 3, 2, 1 }, -1, -1 }, { { 2, 1, 0, 1 }, 2, 0 }, { { 0, 4, 1, 1 }, 2, 1 } },
    { { { 0, 2, 0, 1 }, 0, 1 }, { { 3, 1, 2, 1 }, -1, -1 } },
    { { { 2, 0, 1, 1 }, 0, 3 } },
};
static const int n_examples[DOMAINS] = { 4, 2, 1 };

static const struct test_row rows[DOMAINS][7] = {
    { { 0, 0, 1, 0 }, { 0, 4, 1, 0 }, { 1, 3, 1, 0 }, { 2, 1, 1, 0 }, { 2, 3, 1, 0 } },
    { { 0, 0, 1, 0 }, { 0, 2, 1, 0 }, { 0, 3, 1, 0 }, { 3, 1, 1, 0 } },
    { { 0, 1, 1, 0 }, { 2, 0, 1, 0 } },
};
static const int n_rows[DOMAINS] = { 5, 4, 2 };

static void make(struct made *w, const char *settings, int threads)
{
    memset(w, 0, sizeof *w);
    test_host_init(&w->h, threads, 3);
    for (int d = 0; d < DOMAINS; d++)
        w->domain[d] = test_domain(&w->h, "made", USERS, items[d], rows[d], n_rows[d], 0);
    w->train = (struct rh_train){ .n_users = USERS, .n_domains = DOMAINS, .domain = w->domain };
    if (test_fit(&w->h, &conet, settings, &w->train, 0, &w->m) < 0)
        fail_msg("%s", w->h.error.text);
    w->s = w->m.state;
    assert_int_equal(step_init(&w->h.ctx, w->s, 7, &w->w), RH_OK);
}

static void end(struct made *w)
{
    test_model_release(&w->m);
    test_host_release(&w->h);
}

/* The made weights of the script. */
static void set_weights(struct conet_state *s)
{
    for (int64_t k = 0; k < rh_cross_size(&s->net); k++)
        s->phi[k] = 0.7 * sin(0.37 * pow((double)k, 1.5));
    for (int t = -1; t < DOMAINS; t++) {
        struct rh_embedding *e = t < 0 ? &s->user : &s->item[t];
        double offset = t < 0 ? 0.5 : t + 1.0;
        for (int32_t r = 0; r < e->n; r++)
            for (int c = 0; c < 3; c++)
                e->w[r * 3 + c] = 0.8 * sin(1.3 * r + 2.1 * c + 0.7 * r * c + offset);
    }
}

static double whole_loss(void *arg)
{
    struct made *w = arg;
    struct conet_state *s = w->s;
    double loss = 0;
    int64_t at = 0;
    w->w.n = 0;
    for (int d = 0; d < DOMAINS; at += n_examples[d++])
        deal(&w->w, d, examples[d], n_examples[d], w->w.sorted + at);
    memset(s->dphi, 0, (size_t)rh_cross_size(&s->net) * sizeof *s->dphi);
    for (int t = -1; t < DOMAINS; t++) {
        struct rh_embedding *e = t < 0 ? &s->user : &s->item[t];
        memset(e->gradient, 0, (size_t)e->n * (size_t)e->E * sizeof *e->gradient);
    }
    assert_int_equal(gradient(&w->h.ctx, s, &w->w, &loss), RH_OK);
    return loss;
}

static void pytorch_agrees(void **state)
{
    (void)state;
    static struct made w;
    double expected[219];
    make(&w, SETTINGS, 1);
    set_weights(w.s);
    struct values all = read_values(&w.h, "tests/oracle/conet.values");
    double loss = whole_loss(&w);
    find(&all, "loss", expected, 1);
    check("loss", 0, loss, expected[0]);
    assert_int_equal(rh_cross_size(&w.s->net), 219);
    find(&all, "weights", expected, 219);
    for (int k = 0; k < 219; k++)
        check("weights", k, w.s->dphi[k], expected[k]);
    find(&all, "users", expected, USERS * 3);
    for (int k = 0; k < USERS * 3; k++)
        check("users", k, w.s->user.gradient[k], expected[k]);
    for (int d = 0; d < DOMAINS; d++) {
        char name[16];
        snprintf(name, sizeof name, "items%d", d);
        find(&all, name, expected, items[d] * 3);
        for (int k = 0; k < items[d] * 3; k++)
            check(name, k, w.s->item[d].gradient[k], expected[k]);
    }
    end(&w);
}

static void gradients_are_those_of_the_loss(void **state)
{
    (void)state;
    static const char *const settings[] = { "factors = 5; hidden = 6; depth = 1; loss = bpr; spread = 1",
                                            "factors = 5; hidden = 9; depth = 4; spread = 1" };
    static struct made w;
    for (int c = 0; c < 2; c++) {
        make(&w, settings[c], 1);
        struct conet_state *s = w.s;
        struct rh_rng r = w.h.table.stream(&w.h.ctx, "test", 0);
        for (int64_t k = 0; k < rh_cross_size(&s->net); k++) /* biases too */
            s->phi[k] += s->phi[k] == 0 && k < DOMAINS * rh_mlp_size(&s->net.tower) ? 0.3 * rh_rng_normal(&r) : 0;
        whole_loss(&w);
        int64_t size = rh_cross_size(&s->net);
        double *g = rh_alloc(&w.h.own, (size_t)size, sizeof *g);
        memcpy(g, s->dphi, (size_t)size * sizeof *g);
        check_gradient("weights", whole_loss, &w, s->phi, g, size);
        for (int t = -1; t < DOMAINS; t++) {
            struct rh_embedding *e = t < 0 ? &s->user : &s->item[t];
            whole_loss(&w);
            memcpy(g, e->gradient, (size_t)e->n * 5 * sizeof *g);
            check_gradient(t < 0 ? "users" : "items", whole_loss, &w, e->w, g, e->n * 5);
        }
        end(&w);
    }
}

static void queries_are_answered_as_by_pytorch(void **state)
{
    (void)state;
    static struct made w;
    static const int32_t list[] = { 3, 1 };
    double expected[5];
    float out[3 * 5];
    make(&w, SETTINGS, 1);
    set_weights(w.s);
    assert_int_equal(publish(&w.h.ctx, w.s), RH_OK);
    struct values all = read_values(&w.h, "tests/oracle/conet.values");
    struct rh_query q[3] = { test_query(&w.h, &w.train, 0), test_query(&w.h, &w.train, 0),
                             test_query(&w.h, &w.train, 0) };
    struct rh_history nothing[DOMAINS] = { { 0 } };
    q[1].history = nothing;
    q[2].candidate = list;
    q[2].n_candidates = 2;
    assert_int_equal(test_score(&w.h, &w.m, q, 3, 3, out, 5), RH_OK);
    find(&all, "scores", expected, 5);
    for (int i = 0; i < 5; i++)
        assert_true(fabs((double)out[i] - expected[i]) < 1e-6);
    assert_true(fabs((double)out[10] - expected[3]) < 1e-6 && fabs((double)out[11] - expected[1]) < 1e-6);
    find(&all, "alone", expected, 5);
    for (int i = 0; i < 5; i++)
        assert_true(fabs((double)out[5 + i] - expected[i]) < 1e-6);
    end(&w);
}

/* User 0 has three and one interactions in the sources, and two in the target; user 1 is in the target alone. */
static void partners_are_the_users_own(void **state)
{
    (void)state;
    static struct made w;
    int seen[DOMAINS][5] = { { 0 } };
    make(&w, SETTINGS, 1);
    struct rh_rng r = w.h.table.stream(&w.h.ctx, "test", 1);
    for (int k = 0; k < 4000; k++) {
        struct joint j = { .t = { 0, 0, 1, 1 } };
        find_partner(w.s, 0, &r, &j);
        assert_in_range(j.other, 1, 2);
        seen[j.other][j.partner]++;
        find_partner(w.s, 2, &r, &j);
        assert_int_equal(j.other, 0);
        seen[0][j.partner]++;
    }
    static const int expected[DOMAINS][5] = { { 2000, 0, 0, 0, 2000 }, { 1000, 0, 1000, 1000 }, { 0, 1000 } };
    for (int d = 0; d < DOMAINS; d++)
        for (int i = 0; i < 5; i++) /* within 4.5 standard deviations of a binomial */
            assert_true(abs(seen[d][i] - expected[d][i]) <= 4.5 * sqrt(expected[d][i]));
    struct joint j = { .t = { 1, 3, 0, 1 } };
    find_partner(w.s, 0, &r, &j);
    assert_true(j.other == -1 && j.partner == -1);
    end(&w);
}

/* sparse = 0.5 at rate 0.1: 0.05 nearer to 0. */
static void connections_become_sparse(void **state)
{
    (void)state;
    static struct made w;
    make(&w, SETTINGS "; sparse = 0.5; rate = 0.1", 1);
    int64_t h = rh_cross_unit(&w.s->net, 1, 1, NULL);
    w.s->phi[h] = 0.25;
    w.s->phi[h + 1] = -0.25;
    w.s->phi[h + 2] = 0.04;
    descend(w.s); /* without a gradient Adam moves nothing */
    assert_true(fabs(w.s->phi[h] - 0.2) < 1e-12 && fabs(w.s->phi[h + 1] + 0.2) < 1e-12 && w.s->phi[h + 2] == 0);
    end(&w);
}

static void it_refuses_what_it_cannot_use(void **state)
{
    (void)state;
    static struct made w;
    double loss;
    void *params;
    make(&w, SETTINGS, 1);
    w.s->user.w[0] = NAN;
    assert_int_equal(conet_epoch(&w.h.ctx, w.s, 1, &loss), RH_ENUMERIC);
    assert_non_null(strstr(w.h.error.text, "no numbers any more in epoch 1; lower rate, which is 0.003"));
    end(&w);
    make(&w, SETTINGS, 1);
    assert_int_equal(test_params(&w.h, &conet, "hidden = 4; depth = 4", &params), RH_EINVAL);
    assert_string_equal(w.h.error.text, "hidden = 4 units cannot be halved for depth = 4 layers");
    end(&w);
    make(&w, SETTINGS, 1);
    test_model_release(&w.m);
    w.domain[0] = test_domain(&w.h, "apart", USERS, 5, rows[0] + 2, 1, 0); /* user 1, who is in no source */
    assert_int_equal(test_fit(&w.h, &conet, NULL, &w.train, 0, &w.m), RH_EDATA);
    assert_non_null(strstr(w.h.error.text, "conet connects its towers over users with train rows in the target and in "
                                           "a source, and there is none; "));
    end(&w);
}

/* Tastes are shared by the domains of a made world: users of the source alone are judged far better than by chance.
 * */
static void it_learns_from_the_source(void **state)
{
    (void)state;
    struct test_host h;
    struct test_world world;
    struct test_model m;
    test_host_init(&h, 1, 5);
    test_world(&h, &(struct test_world_spec){ .n_users = 200, .n_warm = 150, .n_items = 60, .n_domains = 2,
                                              .n_tastes = 4, .rows = 16, .support = 0, .noise = 0.1, .seed = 12 },
               &world);
    assert_int_equal(test_fit(&h, &conet, "factors = 8; hidden = 16; depth = 2; rate = 0.01; batch = 128",
                              &world.train, 12, &m), RH_OK);
    double known = test_world_auc(&h, &world, &m, 0, 150), new = test_world_auc(&h, &world, &m, 150, 200);
    print_message("# auc %.4f of known users, %.4f of users of the source\n", known, new);
    assert_true(known > 0.65 && new > 0.6);
    test_model_release(&m);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pytorch_agrees),
        cmocka_unit_test(gradients_are_those_of_the_loss),
        cmocka_unit_test(queries_are_answered_as_by_pytorch),
        cmocka_unit_test(partners_are_the_users_own),
        cmocka_unit_test(connections_become_sparse),
        cmocka_unit_test(it_refuses_what_it_cannot_use),
        cmocka_unit_test(it_learns_from_the_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
