/* BiTGCF in double (rh_real): vectors, loss and gradients against PyTorch, for a pair of domains as the paper writes
 * it and for three; gradients against finite differences; queries against the vectors that were learned; what it
 * refuses and what it learns. */
#include "../../algorithms/transfer/bitgcf.c"
#include "testhost.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "difference.h"
#include "values.h"

#define USERS 6
#define DOMAINS 3
static const int32_t items[DOMAINS] = { 7, 5, 4 };

struct made {
    struct test_host h;
    struct rh_domain domain[DOMAINS];
    struct rh_train train;
    struct test_model m;
    struct bitgcf_state *s;
    struct step w;
};

/* edge() of tests/oracle/bitgcf.py */
static bool edge(int d, int32_t u, int32_t i)
{
    if (d == 0)
        return u == 5 ? i == 1 : u < 4 && i != 2 && (3 * u + 2 * i + u * i) % 4 < 2;
    return u != 5 && (u != 2 || d != 1) && (2 * u + i + d + u * i) % 3 < 2;
}

static void build(struct made *w, int domains, int threads)
{
    memset(w, 0, sizeof *w);
    test_host_init(&w->h, threads, 3);
    for (int d = 0; d < domains; d++) {
        struct test_row row[USERS * 7];
        int64_t n = 0;
        for (int32_t u = 0; u < USERS; u++)
            for (int32_t i = 0; i < items[d]; i++)
                if (edge(d, u, i))
                    row[n++] = (struct test_row){ u, i, 1, 0 };
        w->domain[d] = test_domain(&w->h, "made", USERS, items[d], row, n, 0);
    }
    w->train = (struct rh_train){ .n_users = USERS, .n_domains = domains, .domain = w->domain };
}

static const struct rh_triple triples[] = { { 0, 0, 1, 1 }, { 1, 3, 2, 1 }, { 0, 1, 2, 1 }, { 3, 3, 0, 1 } };
static const int64_t n_triples[DOMAINS] = { 4, 4, 4 };

/* A fitted model without epochs, and a step with the triples of the script in every domain. */
static void make(struct made *w, const char *settings, int domains, int threads)
{
    build(w, domains, threads);
    if (test_fit(&w->h, &bitgcf, settings, &w->train, 0, &w->m) < 0)
        fail_msg("%s", w->h.error.text);
    w->s = w->m.state;
    assert_int_equal(step_init(&w->h.ctx, w->s, n_triples, &w->w), RH_OK);
    for (int d = 0; d < domains; d++) {
        w->w.batch[d].t = triples;
        w->w.batch[d].n = n_triples[d];
    }
}

static void end(struct made *w)
{
    test_model_release(&w->m);
    test_host_release(&w->h);
}

static double at(const struct rh_slices *shape, double *x, int64_t r, int c)
{
    return rh_slice_at(shape, x, c / RH_SLICE, r)[c % RH_SLICE];
}

/* ----------------------------------------------------------------------------------------------------- gradients */

static void pytorch_agrees(void **state)
{
    (void)state;
    static struct made w;
    for (int several = 0; several < 2; several++) {
        int domains = several ? 3 : 2, parts = several ? 1 : 3;
        const char *prefix = several ? "three" : "pair";
        double loss = 0, expected[63];
        char name[32];
        make(&w, several ? "factors = 3; lambda_target = 0.7; lambda_source = 0.9; reg = 0.07; source_weight = 0.6; "
                           "layers = 3; join = mean"
                         : "factors = 3; lambda_target = 0.7; lambda_source = 0.9; reg = 0.07; source_weight = 0.6; "
                           "layers = 2; join = concat", domains, 1);
        struct values all = read_values(&w.h, "tests/oracle/bitgcf.values");
        for (int d = 0; d < domains; d++)
            for (int32_t r = 0; r < USERS + items[d]; r++)
                for (int c = 0; c < 3; c++)
                    rh_slice_at(&w.s->net.domain[d].shape, w.s->net.domain[d].x, 0, r)[c] =
                        0.6 * sin(1.3 * r + 2.1 * c + 0.7 * r * c + 0.5 + d);
        assert_int_equal(gradient(&w.h.ctx, w.s, &w.w, &loss), RH_OK);
        snprintf(name, sizeof name, "%s-loss", prefix);
        find(&all, name, expected, 1);
        check("loss", several, loss, expected[0]);
        snprintf(name, sizeof name, "%s-items", prefix);
        find(&all, name, expected, items[0] * 3 * parts);
        for (int k = 0; k < items[0] * 3 * parts; k++) { /* three columns of each part, which begin slices */
            int row = k / (3 * parts), column = k % (3 * parts);
            check("items", k, at(&w.w.t[0].joint, w.w.t[0].f, USERS + row, column / 3 * RH_SLICE + column % 3),
                  expected[k]);
        }
        for (int d = 0; d < domains; d++) {
            snprintf(name, sizeof name, "%s-gradient%d", prefix, d);
            find(&all, name, expected, (USERS + items[d]) * 3);
            for (int k = 0; k < (USERS + items[d]) * 3; k++)
                check(name, k, at(&w.s->net.domain[d].shape, w.w.t[d].dh, k / 3, k % 3), expected[k]);
        }
        end(&w);
    }
}

static double whole_loss(void *arg)
{
    struct made *w = arg;
    double loss = 0;
    assert_int_equal(gradient(&w->h.ctx, w->s, &w->w, &loss), RH_OK);
    for (int d = 0; d < w->train.n_domains; d++) {
        const struct rh_exchange_domain *of = &w->s->net.domain[d];
        double size = 0;
        for (int t = 0; t < 4; t++)
            for (int c = 0; c < w->s->width; c++) {
                double x = at(&of->shape, of->x, triples[t].user, c);
                double y = at(&of->shape, of->x, USERS + triples[t].liked, c);
                double z = at(&of->shape, of->x, USERS + triples[t].other, c);
                size += x * x + y * y + z * z;
            }
        loss += w->w.batch[d].weight * w->s->params->reg / 2 * size / 4;
    }
    return loss;
}

static void gradients_are_those_of_the_loss(void **state)
{
    (void)state;
    static const char *const settings[] = {
        "factors = 17; layers = 1; reg = 0.3; init_sd = 0.5; loss = bpr; join = concat",
        "factors = 17; layers = 3; reg = 0.3; init_sd = 0.5; source_weight = 2; lambda_target = 0.2; join = concat",
        "factors = 17; layers = 2; reg = 0.3; init_sd = 0.5; join = mean; lambda_source = 0",
        "factors = 17; layers = 2; reg = 0.3; init_sd = 0.5; transfer = no",
    };
    static struct made w;
    for (int k = 0; k < 4; k++) {
        make(&w, settings[k], k % 2 ? 3 : 2, 1);
        whole_loss(&w);
        double *g[DOMAINS];
        for (int d = 0; d < w.train.n_domains; d++) {
            int64_t n = rh_slices_size(&w.s->net.domain[d].shape);
            g[d] = rh_alloc(&w.h.own, (size_t)n, sizeof *g[d]);
            memcpy(g[d], w.w.t[d].dh, (size_t)n * sizeof *g[d]);
        }
        for (int d = 0; d < w.train.n_domains; d++) {
            const struct rh_slices *shape = &w.s->net.domain[d].shape;
            for (int64_t r = 0; r < shape->n; r++) { /* every node, the first and the last column */
                double *x = w.s->net.domain[d].x;
                if (at(shape, x, r, 0) == 0)
                    continue; /* a user who is not in the domain: a vector of 0 has no direction */
                for (int part = 0; part < 2; part++)
                    check_gradient("x", whole_loss, &w, rh_slice_at(shape, x, part, r),
                                   rh_slice_at(shape, g[d], part, r), 1);
            }
        }
        end(&w);
    }
}

/* ------------------------------------------------------------------------------------------------------- queries */

/* A known user's score is the product of the vectors that were learned, whichever way they are joined. */
static void queries_follow_the_layers(void **state)
{
    (void)state;
    static struct made w;
    for (int mean = 0; mean < 2; mean++) {
        float out[USERS * 7];
        struct rh_query q[USERS];
        make(&w, mean ? "factors = 20; layers = 3; join = mean; init_sd = 1"
                      : "factors = 20; layers = 2; join = concat; init_sd = 1", 3, 1);
        for (int32_t u = 0; u < USERS; u++)
            q[u] = test_query(&w.h, &w.train, u);
        assert_int_equal(test_score(&w.h, &w.m, q, USERS, 4, out, 7), RH_OK);
        assert_int_equal(step_init(&w.h.ctx, w.s, n_triples, &w.w), RH_OK);
        assert_int_equal(rh_exchange_forward(&w.h.ctx, &w.s->net, w.w.t), RH_OK);
        const struct rh_slices *joint = &w.w.t[0].joint;
        for (int32_t u = 0; u < USERS; u++) /* user 4 has a history in the sources alone */
            for (int32_t i = 0; i < 7; i++) {
                double sum = 0;
                for (int c = 0; c < joint->slices * RH_SLICE; c++)
                    sum += at(joint, w.w.t[0].f, u, c) * at(joint, w.w.t[0].f, USERS + i, c);
                assert_true(fabs((double)out[u * 7 + i] - sum) < 1e-5 * (1 + fabs(sum)));
            }
        assert_true(out[4 * 7] != 0 && out[4 * 7] != out[4 * 7 + 1]);
        end(&w);
    }
}

static void apart_the_sources_do_not_matter(void **state)
{
    (void)state;
    static struct made w;
    make(&w, "factors = 5; transfer = no; source_weight = 1", 2, 1);
    double loss = 0;
    w.w.batch[1].n = 0;
    assert_int_equal(gradient(&w.h.ctx, w.s, &w.w, &loss), RH_OK);
    for (int64_t k = 0; k < rh_slices_size(&w.s->net.domain[1].shape); k++)
        assert_true(w.w.t[1].dh[k] == 0);
    end(&w);
    make(&w, "factors = 5; source_weight = 1", 2, 1);
    w.w.batch[1].n = 0;
    double largest = 0;
    assert_int_equal(gradient(&w.h.ctx, w.s, &w.w, &loss), RH_OK);
    for (int64_t k = 0; k < rh_slices_size(&w.s->net.domain[1].shape); k++)
        largest = fmax(largest, fabs(w.w.t[1].dh[k]));
    assert_true(largest > 1e-4);
    end(&w);
}

/* -------------------------------------------------------------------------------------------------------- fitting */

static void it_refuses_what_it_cannot_use(void **state)
{
    (void)state;
    static struct made w;
    double loss;
    build(&w, 1, 1);
    static const struct test_row row[] = { { 4, 0, 1, 0 }, { 4, 2, 1, 0 } }; /* user 4 is not in the target */
    w.domain[1] = test_domain(&w.h, "apart", USERS, 5, row, 2, 0);
    w.train.n_domains = 2;
    assert_int_equal(test_fit(&w.h, &bitgcf, NULL, &w.train, 0, &w.m), RH_EDATA);
    assert_non_null(strstr(w.h.error.text, "bitgcf transfers over users with train rows in the target and in a source, "
                                           "and there is none; "));
    end(&w);
    make(&w, "factors = 5", 2, 1);
    w.s->net.domain[1].x[0] = NAN;
    assert_int_equal(bitgcf_epoch(&w.h.ctx, w.s, 1, &loss), RH_ENUMERIC);
    assert_non_null(strstr(w.h.error.text, "no numbers any more in epoch 1; lower rate, which is 0.01"));
    end(&w);
}

/* Tastes are shared by the domains of a made world: users who are known in the source alone profit; to the twin they
 * are strangers, and it knows nothing. */
static void it_learns_from_the_source(void **state)
{
    (void)state;
    struct test_host h;
    struct test_world world;
    double auc[2][2];
    test_host_init(&h, 1, 5);
    test_world(&h, &(struct test_world_spec){ .n_users = 200, .n_warm = 150, .n_items = 60, .n_domains = 2,
                                              .n_tastes = 4, .rows = 16, .support = 0, .noise = 0.1, .seed = 12 },
               &world);
    for (int transfer = 0; transfer < 2; transfer++) {
        struct test_model m;
        assert_int_equal(test_fit(&h, &bitgcf, transfer ? "factors = 16; batch = 512; rate = 0.02"
                                                        : "factors = 16; batch = 512; rate = 0.02; transfer = no",
                                  &world.train, 12, &m), RH_OK);
        auc[transfer][0] = test_world_auc(&h, &world, &m, 0, 150);
        auc[transfer][1] = test_world_auc(&h, &world, &m, 150, 200);
        print_message("# auc %.4f of known users, %.4f of users of the source\n", auc[transfer][0], auc[transfer][1]);
        test_model_release(&m);
    }
    assert_true(auc[0][0] > 0.7 && auc[1][0] > auc[0][0] - 0.02);
    assert_true(auc[0][1] == 0.5 && auc[1][1] > 0.65);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pytorch_agrees),
        cmocka_unit_test(gradients_are_those_of_the_loss),
        cmocka_unit_test(queries_follow_the_layers),
        cmocka_unit_test(apart_the_sources_do_not_matter),
        cmocka_unit_test(it_refuses_what_it_cannot_use),
        cmocka_unit_test(it_learns_from_the_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
