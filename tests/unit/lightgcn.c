/* LightGCN in double (rh_real): products with the adjacency against a dense matrix, gradients against finite
 * differences, two steps against PyTorch, unseen users against the formula, and what it learns on a made world. */
#include "../../algorithms/baseline/popularity.c"
#include "../../algorithms/graph/lightgcn.c"
#include "testhost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "difference.h"
#include "values.h"

/* ------------------------------------------------------------------------------------------------- a made graph */

#define USERS 6
#define ITEMS 7
#define NODES (USERS + ITEMS)

struct made {
    struct test_host h;
    struct rh_domain domain;
    struct rh_train train;
    struct test_model m;
    struct lightgcn_state *s;
    struct step w;
    double a[NODES][NODES]; /* normalised adjacency */
};

/* The graph of tests/oracle/lightgcn.py: user 4 and item 2 have no edges. */
static void make(struct made *w, const char *settings, int threads)
{
    struct test_row row[USERS * ITEMS];
    int64_t n = 0;
    double degree[NODES] = { 0 };
    memset(w, 0, sizeof *w);
    test_host_init(&w->h, threads, 3);
    for (int32_t u = 0; u < USERS; u++)
        for (int32_t i = 0; i < ITEMS; i++)
            if (u == 5 ? i == 1 : u < 4 && i != 2 && (3 * u + 2 * i + u * i) % 4 < 2) {
                row[n++] = (struct test_row){ u, i, 1, 0 };
                w->a[u][USERS + i] = w->a[USERS + i][u] = 1;
                degree[u]++;
                degree[USERS + i]++;
            }
    for (int r = 0; r < NODES; r++)
        for (int c = 0; c < NODES; c++)
            w->a[r][c] *= degree[r] > 0 && degree[c] > 0 ? 1 / sqrt(degree[r] * degree[c]) : 0;
    w->domain = test_domain(&w->h, "made", USERS, ITEMS, row, n, 0);
    w->train = (struct rh_train){ .n_users = USERS, .n_domains = 1, .domain = &w->domain };
    if (test_fit(&w->h, &lightgcn, settings, &w->train, 0, &w->m) < 0)
        fail_msg("%s", w->h.error.text);
    w->s = w->m.state;
    assert_int_equal(step_init(&w->h.ctx, w->s, &w->w), RH_OK);
}

static void end(struct made *w)
{
    test_model_release(&w->m);
    test_host_release(&w->h);
}

static double *cell(const struct made *w, double *x, int r, int c)
{
    return &rh_slice_at(&w->s->shape, x, c / RH_SLICE, r)[c % RH_SLICE];
}

/* ------------------------------------------------------------------------------------------------------ products */

/* y = a x for `columns` columns */
static void dense(const struct made *w, int columns, double x[][40], double y[][40])
{
    for (int r = 0; r < NODES; r++)
        for (int c = 0; c < columns; c++) {
            double sum = 0;
            for (int k = 0; k < NODES; k++)
                sum += w->a[r][k] * x[k][c];
            y[r][c] = sum;
        }
}

static void layers_are_powers_of_the_adjacency(void **state)
{
    (void)state;
    static struct made w;
    enum { COLUMNS = 37 }; /* of three slices, the last not full */
    for (int layers = 0; layers <= 4; layers++) {
        static double x[NODES][40], sum[NODES][40], power[NODES][40], next[NODES][40];
        char settings[60];
        snprintf(settings, sizeof settings, "factors = %d; layers = %d", COLUMNS, layers);
        make(&w, settings, 1 + layers % 2);
        for (int r = 0; r < NODES; r++)
            for (int c = 0; c < COLUMNS; c++)
                sum[r][c] = power[r][c] = x[r][c] = *cell(&w, w.s->x, r, c);
        assert_true(x[0][36] != 0 && x[4][0] == 0); /* nothing is learned of user 4 */
        assert_int_equal(rh_graph_mean(&w.h.ctx, &w.s->graph, &w.s->shape, layers, w.s->x, w.w.spare, w.w.f), RH_OK);
        for (int l = 1; l <= layers; l++) {
            for (int r = 0; l == layers && r < NODES; r++)
                for (int c = 0; c < COLUMNS; c++)
                    check("all layers but the last", r, *cell(&w, w.w.spare, r, c), sum[r][c]);
            dense(&w, COLUMNS, power, next);
            memcpy(power, next, sizeof power);
            for (int r = 0; r < NODES; r++)
                for (int c = 0; c < COLUMNS; c++)
                    sum[r][c] += power[r][c];
        }
        for (int r = 0; r < NODES; r++)
            for (int c = 0; c < 48; c++)
                check("mean", r, *cell(&w, w.w.f, r, c), c < COLUMNS ? sum[r][c] / (layers + 1) : 0);
        end(&w);
    }
}

/* ----------------------------------------------------------------------------------------------------- gradients */

static const struct rh_triple triples[] = { /* TRIPLES of the script; a user and an item come twice */
    { 0, 0, 1, 1 }, { 1, 3, 6, 1 }, { 1, 6, 2, 1 }, { 3, 5, 3, 1 }, { 5, 1, 0, 1 }, { 0, 0, 4, 1 },
};
#define N_TRIPLES ((int64_t)(sizeof triples / sizeof *triples))

static double whole_loss(void *arg)
{
    struct made *w = arg;
    double loss = 0, size = 0;
    assert_int_equal(gradient(&w->h.ctx, w->s, &w->w, &loss), RH_OK);
    for (int64_t t = 0; t < N_TRIPLES; t++)
        for (int c = 0; c < w->s->width; c++) {
            double x = *cell(w, w->s->x, triples[t].user, c), y = *cell(w, w->s->x, USERS + triples[t].liked, c);
            double z = *cell(w, w->s->x, USERS + triples[t].other, c);
            size += x * x + y * y + z * z;
        }
    return loss + w->s->params->reg / 2 * size / (double)N_TRIPLES;
}

static void gradients_are_those_of_the_loss(void **state)
{
    (void)state;
    static struct made w;
    for (int layers = 0; layers <= 3; layers++) {
        char settings[80];
        snprintf(settings, sizeof settings, "factors = 32; reg = 0.3; init_sd = 0.5; batch = 6; layers = %d", layers);
        make(&w, settings, 1);
        w.w.batch.t = triples;
        w.w.batch.n = N_TRIPLES;
        whole_loss(&w);
        int64_t n = rh_slices_size(&w.s->shape);
        double *g = rh_alloc(&w.h.own, (size_t)n, sizeof *g);
        memcpy(g, w.w.f, (size_t)n * sizeof *g);
        check_gradient("x", whole_loss, &w, w.s->x, g, n);
        end(&w);
    }
}

static void two_steps_are_those_of_pytorch(void **state)
{
    (void)state;
    static struct made w;
    double loss, expected[NODES * 3];
    make(&w, "factors = 3; layers = 3; reg = 0.07; rate = 0.02; batch = 6", 1);
    struct values all = read_values(&w.h, "tests/oracle/lightgcn.values");
    for (int r = 0; r < NODES; r++)
        for (int c = 0; c < 3; c++)
            *cell(&w, w.s->x, r, c) = 0.6 * sin(1.3 * r + 2.1 * c + 0.7 * r * c + 0.5);
    assert_int_equal(rh_graph_mean(&w.h.ctx, &w.s->graph, &w.s->shape, 3, w.s->x, w.w.spare, w.w.f), RH_OK);
    find(&all, "propagated", expected, NODES * 3);
    for (int k = 0; k < NODES * 3; k++)
        check("propagated", k, *cell(&w, w.w.f, k / 3, k % 3), expected[k]);
    struct rh_optimizer_state rule = { .kind = RH_ADAM, .rate = 0.02 };
    w.w.batch.t = triples;
    w.w.batch.n = N_TRIPLES;
    for (int step = 1; step <= 2; step++) {
        char name[3][12];
        snprintf(name[0], sizeof name[0], "loss%d", step);
        snprintf(name[1], sizeof name[1], "gradient%d", step);
        snprintf(name[2], sizeof name[2], "vectors%d", step);
        rh_nn_step(&rule, 1);
        loss = 0;
        assert_int_equal(gradient(&w.h.ctx, w.s, &w.w, &loss), RH_OK);
        find(&all, name[0], expected, 1);
        check("loss", step, loss, expected[0]);
        find(&all, name[1], expected, NODES * 3);
        for (int k = 0; k < NODES * 3; k++)
            check("gradient", k, *cell(&w, w.w.f, k / 3, k % 3), expected[k]);
        rh_slices_descend(&w.h.ctx, &w.s->shape, &rule, w.s->x, w.w.f, w.s->first, w.s->second);
        find(&all, name[2], expected, NODES * 3);
        for (int k = 0; k < NODES * 3; k++)
            check("vectors", k, *cell(&w, w.s->x, k / 3, k % 3), expected[k]);
    }
    end(&w);
}

/* ------------------------------------------------------------------------------------------------------- queries */

/* f(i) . f(u) for a known user, with a list of candidates too; for others the history's part alone. */
static void queries_follow_the_formula(void **state)
{
    (void)state;
    static struct made w;
    static const int32_t seen[] = { 0, 4, 6 }, list[] = { 5, 0 };
    for (int layers = 0; layers <= 3; layers += 3) {
        float out[3 * ITEMS] = { 0 }, again[2];
        make(&w, layers ? "factors = 20; layers = 3; init_sd = 1" : "factors = 20; layers = 0; init_sd = 1", 1);
        struct rh_query q[] = { test_query(&w.h, &w.train, 1), test_query(&w.h, &w.train, 4),
                                test_query_with(&w.h, &w.train, 4, 3, seen, NULL) };
        struct rh_query listed = q[0];
        listed.candidate = list;
        listed.n_candidates = 2;
        assert_int_equal(test_score(&w.h, &w.m, q, 3, 3, out, ITEMS), RH_OK);
        assert_int_equal(test_score(&w.h, &w.m, &listed, 1, 1, again, 2), RH_OK);
        assert_int_equal(step_init(&w.h.ctx, w.s, &w.w), RH_OK);
        rh_graph_mean(&w.h.ctx, &w.s->graph, &w.s->shape, layers, w.s->x, w.w.spare, w.w.f);
        for (int i = 0; i < ITEMS; i++) {
            double of_known = 0, of_new = 0;
            for (int c = 0; c < 20; c++) {
                double x = 0, f = *cell(&w, w.w.f, USERS + i, c);
                of_known += *cell(&w, w.w.f, 1, c) * f;
                /* an edge to each: 1 / sqrt(3 d(i)) times layers 0 .. 2, over 4 */
                for (int m = 0; layers && m < 3; m++)
                    x += *cell(&w, w.w.spare, USERS + seen[m], c) * w.s->graph.scale[USERS + seen[m]] / sqrt(3) / 4;
                of_new += x * f;
            }
            double bound = 2e-6 * (1 + fabs(of_known) + fabs(of_new));
            assert_true(fabs((double)out[i] - of_known) < bound);
            assert_true(out[ITEMS + i] == 0); /* nothing is known */
            assert_true(fabs((double)out[2 * ITEMS + i] - of_new) < bound);
        }
        assert_true(fabsf(again[0] - out[5]) < 1e-5f && fabsf(again[1] - out[0]) < 1e-5f);
        end(&w);
    }
}

/* The parts of a score of an unseen user add up to it. */
static void explanations_add_up(void **state)
{
    (void)state;
    static struct made w;
    static const int32_t seen[] = { 0, 4, 6 };
    make(&w, "factors = 20; init_sd = 1", 1);
    float out[ITEMS], weight[3];
    int32_t why[3];
    struct rh_query q = test_query_with(&w.h, &w.train, 4, 3, seen, NULL);
    assert_int_equal(test_score(&w.h, &w.m, &q, 1, 1, out, ITEMS), RH_OK);
    for (int32_t i = 0; i < ITEMS; i++) {
        assert_int_equal(lightgcn_explain(&w.h.ctx, w.s, &q, i, 3, why, weight), 3);
        assert_true(fabsf(weight[0] + weight[1] + weight[2] - out[i]) < 1e-5f * (1 + fabsf(out[i])));
    }
    end(&w);
}

static void divergence_is_told(void **state)
{
    (void)state;
    static struct made w;
    double loss;
    make(&w, "factors = 3", 1);
    w.s->x[0] = NAN;
    assert_int_equal(lightgcn_epoch(&w.h.ctx, w.s, 1, &loss), RH_ENUMERIC);
    assert_non_null(strstr(w.h.error.text, "no numbers any more in epoch 1; lower rate, which is 0.005"));
    end(&w);
}

/* Of a made world, known and unseen users alike. */
static void held_out_items_come_first(void **state)
{
    (void)state;
    struct test_host h;
    struct test_world world;
    struct test_model m;
    test_host_init(&h, 1, 5);
    test_world(&h, &(struct test_world_spec){ .n_users = 400, .n_warm = 350, .n_items = 100, .n_domains = 1,
                                              .n_tastes = 4, .rows = 20, .support = 8, .noise = 0.1, .seed = 12 },
               &world);
    assert_int_equal(test_fit(&h, &popularity, NULL, &world.train, -1, &m), RH_OK);
    double popular[] = { test_world_auc(&h, &world, &m, 0, 350), test_world_auc(&h, &world, &m, 350, 400) };
    test_model_release(&m);
    assert_int_equal(test_fit(&h, &lightgcn, "factors = 16; batch = 512; rate = 0.02", &world.train, 15, &m), RH_OK);
    for (int unseen = 0; unseen < 2; unseen++) {
        double auc = test_world_auc(&h, &world, &m, unseen ? 350 : 0, unseen ? 400 : 350);
        print_message("# auc %.4f, of popularity %.4f\n", auc, popular[unseen]);
        assert_true(auc > popular[unseen] + 0.15);
    }
    test_model_release(&m);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_are_powers_of_the_adjacency),
        cmocka_unit_test(gradients_are_those_of_the_loss),
        cmocka_unit_test(two_steps_are_those_of_pytorch),
        cmocka_unit_test(queries_follow_the_formula),
        cmocka_unit_test(explanations_add_up),
        cmocka_unit_test(divergence_is_told),
        cmocka_unit_test(held_out_items_come_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
