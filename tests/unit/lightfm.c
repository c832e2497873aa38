/* lightfm: steps are those of an independent program (tests/oracle/lightfm.py) and go down the derivative of the loss,
 * violators are what they are said to be, and users and items that nobody knew are ranked by what they are. The
 * plugin's source is part of this test. */
#include "../../algorithms/hybrid/lightfm.c"
#include "testhost.h"

#include "base/file.h"
#include "base/stream.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define USERS 5
#define ITEMS 6
#define FACTORS 3

static void assert_near(double x, double expected, double tolerance)
{
    if (!(fabs(x - expected) <= tolerance))
        fail_msg("%.9g, expected %.9g within %g", x, expected, tolerance);
}

struct world {
    struct test_host h;
    struct rh_domain d;
    struct rh_features genre, group;
    struct rh_train train;
    struct test_model m;
};

/* The problem of lightfm.py: features in its order, vectors by its formulas. */
static struct lightfm_state *make(struct world *w, const char *loss, const char *step, const char *rest)
{
    struct test_cell genre[ITEMS * 2], group[USERS];
    struct test_row row[USERS * ITEMS];
    char settings[200];
    int64_t n = 0, n_rows = 0;
    memset(w, 0, sizeof *w);
    test_host_init(&w->h, 1, 5);
    for (int i = 0; i < ITEMS; i++)
        for (int c = 0; c < 2; c++)
            if ((i + c) % 3)
                genre[n++] = (struct test_cell){ i, c, 0.5f * (float)(c + 1) };
    for (int u = 0; u < USERS; u++) {
        group[u] = (struct test_cell){ u, u % 2, 1 };
        for (int i = 0; i < ITEMS; i++)
            if ((u + i) % 2)
                row[n_rows++] = (struct test_row){ u, i, 0, 0 };
    }
    w->genre = test_sparse(&w->h, "genre", ITEMS, 2, genre, n, true);
    w->group = test_sparse(&w->h, "group", USERS, 2, group, USERS, false);
    w->d = test_domain(&w->h, "made", USERS, ITEMS, row, n_rows, 0);
    w->d.item_features = &w->genre;
    w->train = (struct rh_train){ .n_users = USERS, .n_domains = 1, .domain = &w->d, .n_item_blocks = 1,
                                  .n_user_blocks = 1, .user_features = &w->group };
    snprintf(settings, sizeof settings, "factors = %d; idf = no; balance = no; loss = %s; step = %s; %s", FACTORS, loss,
             step, rest);
    if (test_fit(&w->h, &lightfm, settings, &w->train, 0, &w->m) < 0)
        fail_msg("%s", w->h.error.text);
    struct lightfm_state *s = w->m.state;
    struct side *side[] = { &s->user, &s->item };
    for (int t = 0; t < 2; t++)
        for (int f = 0; f < side[t]->n_features; f++) {
            side[t]->bias[f] = (float)(0.1 * cos(f + t));
            for (int k = 0; k < FACTORS; k++)
                side[t]->x[f * s->width + k] = (float)(0.5 * sin(1.3 * f + 0.7 * k + 0.2 * t));
        }
    assert_int_equal(s->user.n_features, USERS + 2);
    assert_int_equal(s->item.n_features, ITEMS + 2);
    return s;
}

static void end(struct world *w)
{
    test_model_release(&w->m);
    test_host_release(&w->h);
}

static struct rh_triple triple(int k)
{
    struct rh_triple t = { k * 7 % USERS, (k * 5 + 1) % ITEMS, (k * 3 + 4) % ITEMS, (float)(1 + k % 3) };
    if (t.other == t.liked)
        t.other = (t.other + 1) % ITEMS;
    return t;
}

static void steps_are_those_of_the_other_program(void **state)
{
    (void)state;
    static struct world w;
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    const char *source = getenv("HARNESS_SOURCE");
    char *text, *line, *path = rh_path_join(&a, source ? source : ".", "tests/oracle/lightfm.values"), before[40] = "";
    struct lightfm_state *s = NULL;
    size_t n;
    int lines = 0;
    assert_int_equal(rh_read_file(&a, path, &text, &n, &err), RH_OK);
    while ((line = strsep(&text, "\n")) && *line) {
        char loss[12], step[12], side[12], now[40];
        float sum[16];
        int r, used;
        assert_int_equal(sscanf(line, "%11s %11s %11s %d%n", loss, step, side, &r, &used), 4);
        snprintf(now, sizeof now, "%s %s", loss, step);
        if (strcmp(now, before) != 0) {
            if (s)
                end(&w);
            s = make(&w, loss, step, "rate = 0.2; reg_user = 0.01; reg_item = 0.02");
            struct rh_triple t[30];
            for (int k = 0; k < 30; k++)
                t[k] = triple(k);
            learn_chunk(s, t, 30);
            memcpy(before, now, sizeof before);
        }
        char *at = line + used;
        assert_near(represent(strcmp(side, "user") ? &s->item : &s->user, s->width, r, sum), strtod(at, &at), 2e-5);
        for (int k = 0; k < FACTORS; k++)
            assert_near(sum[k], strtod(at, &at), 2e-5);
        lines++;
    }
    assert_int_equal(lines, 6 * (USERS + ITEMS));
    end(&w);
    rh_arena_release(&a);
}

/* The loss of an example in double, from its definition. */
static double loss_of(const struct lightfm_state *s, const struct rh_triple *t, int label)
{
    double p[FACTORS] = { 0 }, score[2] = { 0 }, user_bias = 0;
    for (int64_t k = s->user.row[t->user]; k < s->user.row[t->user + 1]; k++) {
        user_bias += (double)s->user.val[k] * s->user.bias[s->user.col[k]];
        for (int f = 0; f < FACTORS; f++)
            p[f] += (double)s->user.val[k] * s->user.x[s->user.col[k] * s->width + f];
    }
    for (int side = 0; side < 2; side++) {
        int32_t i = side ? t->other : t->liked;
        for (int64_t k = s->item.row[i]; k < s->item.row[i + 1]; k++) {
            score[side] += (double)s->item.val[k] * s->item.bias[s->item.col[k]];
            for (int f = 0; f < FACTORS; f++)
                score[side] += (double)s->item.val[k] * s->item.x[s->item.col[k] * s->width + f] * p[f];
        }
    }
    if (s->loss == LOGISTIC)
        return log1p(exp(label ? -score[0] - user_bias : score[0] + user_bias));
    double x = score[0] - score[1];
    return s->loss == WARP ? t->weight * fmax(0, 1 - x) : log1p(exp(-x));
}

/* A step of plain gradient descent with rate 1 takes the derivative off, which finite differences of the loss give. */
static void steps_go_down_the_derivative(void **state)
{
    (void)state;
    static struct world w;
    static const char *const losses[] = { "logistic", "bpr", "warp" };
    for (int l = 0; l < 3; l++)
        for (int example = 0; example < 12; example++) {
            struct lightfm_state *s = make(&w, losses[l], "sgd", "rate = 1; tries = 3");
            struct rh_triple t = triple(example);
            struct { float *x; int n; } table[] = {
                { s->user.x, s->user.n_features * s->width }, { s->user.bias, s->user.n_features },
                { s->item.x, s->item.n_features * s->width }, { s->item.bias, s->item.n_features },
            };
            static double slope[4][16 * 16];
            static float was[4][16 * 16];
            for (int k = 0; k < 4; k++)
                for (int f = 0; f < table[k].n; f++) {
                    float x = was[k][f] = table[k].x[f], up = x + 0.001f, down = x - 0.001f;
                    if (k % 2 == 0 && f % s->width >= FACTORS)
                        continue; /* padding */
                    table[k].x[f] = up;
                    double above = loss_of(s, &t, example % 2);
                    table[k].x[f] = down;
                    slope[k][f] = (above - loss_of(s, &t, example % 2)) / ((double)up - (double)down);
                    table[k].x[f] = x;
                }
            double expected = loss_of(s, &t, example % 2);
            double loss = s->loss == LOGISTIC ? learn_label(s, t.user, t.liked, (float)(example % 2))
                                              : learn_pair(s, &t);
            assert_near(loss, expected, 1e-5);
            for (int k = 0; k < 4; k++)
                for (int f = 0; f < table[k].n; f++)
                    if (k % 2 || f % s->width < FACTORS)
                        assert_near((double)was[k][f] - (double)table[k].x[f], slope[k][f], 2e-5);
                    else
                        assert_near(table[k].x[f], 0, 0);
            end(&w);
        }
}

/* Whom the search finds is above the margin and not of the user; with few tries it finds fewer. */
static void violators_violate(void **state)
{
    (void)state;
    static struct world w;
    int found[2];
    for (int few = 0; few < 2; few++) {
        struct lightfm_state *s = make(&w, "warp", "adagrad", few ? "tries = 1" : "tries = 30; most = 1.2");
        struct rh_triple t[USERS * ITEMS];
        struct search f = { s, t, 0 };
        int n = 0;
        assert_int_equal(represent_all(&w.h.ctx, s), RH_OK);
        for (int u = 0; u < USERS; u++)
            for (int i = 0; i < ITEMS; i++)
                if ((u + i) % 2)
                    t[n++] = (struct rh_triple){ u, i, -7, 0 };
        assert_int_equal(find_violators(&w.h.ctx, &f, 0, n), RH_OK);
        found[few] = 0;
        for (int k = 0; k < n; k++) {
            if (t[k].other < 0)
                continue;
            found[few]++;
            assert_false((t[k].user + t[k].other) % 2);
            const float *p = s->model.user.x + t[k].user * s->width, *q = s->model.item.x;
            double x = s->model.bias.x[t[k].other] - s->model.bias.x[t[k].liked];
            for (int c = 0; c < FACTORS; c++)
                x += p[c] * (q[t[k].other * s->width + c] - q[t[k].liked * s->width + c]);
            assert_true(x > -1);
            /* log 5, but at most 1.2; log 2, log 1 after one, two and more vain draws */
            double allowed[] = { few ? log(5) : 1.2, log(2), 0 };
            assert_true(fabs(t[k].weight - allowed[0]) < 1e-6 || fabs(t[k].weight - allowed[1]) < 1e-6 ||
                        t[k].weight == 0);
        }
        test_host_scratch_back(&w.h);
        end(&w);
    }
    assert_true(found[1] > 0 && found[1] < found[0]);
}

static void refuses(const char *settings, const char *text)
{
    static struct world w;
    struct test_model m;
    make(&w, "bpr", "sgd", "");
    assert_int_equal(test_fit(&w.h, &lightfm, settings, &w.train, 0, &m), RH_EINVAL);
    if (!strstr(w.h.error.text, text))
        fail_msg("%s", w.h.error.text);
    test_model_release(&m);
    end(&w);
}

static void bad_settings_are_refused_with_a_sentence(void **state)
{
    (void)state;
    refuses("blocks = colour", "domain 'made' has no item features 'colour'; it has: genre");
    refuses("user_blocks = age", "domain 'made' has no user features 'age'; it has: group");
    refuses("own = no; user_blocks = none", "own = no leaves the users of domain 'made' without a vector");
}

/* Cold users whose group tells their taste: the world's users from n_warm on have no row at all. */
static void unseen_users_are_known_by_their_features(void **state)
{
    (void)state;
    struct test_host h;
    struct test_world w;
    test_host_init(&h, 2, 8);
    test_world(&h, &(struct test_world_spec){ .n_users = 240, .n_warm = 200, .n_items = 90, .n_domains = 1,
                                              .n_tastes = 2, .rows = 20, .noise = 0.05, .seed = 5 }, &w);
    static struct test_cell cell[240];
    for (int32_t u = 0; u < 240; u++) { /* a group of the users whose items are mostly of the first genre */
        const struct rh_features *g = &w.train.domain[0].item_features[0];
        int first = 0, all = 0;
        for (int32_t k = 0; k < w.n_relevant[u]; k++)
            for (int64_t c = g->row[w.relevant[u][k]]; c < g->row[w.relevant[u][k] + 1]; c++, all++)
                first += g->col[c] == 0;
        cell[u] = (struct test_cell){ u, 2 * first > all, 1 };
    }
    struct rh_features group = test_sparse(&h, "group", 240, 2, cell, 240, false);
    struct test_model m;
    double auc[2];
    for (int known = 0; known < 2; known++) {
        w.train.n_user_blocks = known;
        w.train.user_features = &group;
        assert_int_equal(test_fit(&h, &lightfm, "factors = 8", &w.train, 20, &m), RH_OK);
        auc[known] = test_world_auc(&h, &w, &m, 200, 240);
        test_model_release(&m);
    }
    print_message("# cold users: auc %.4f, with their group %.4f\n", auc[0], auc[1]);
    assert_true(auc[1] > auc[0] + 0.1 && auc[1] > 0.7);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_those_of_the_other_program),
        cmocka_unit_test(steps_go_down_the_derivative),
        cmocka_unit_test(violators_violate),
        cmocka_unit_test(bad_settings_are_refused_with_a_sentence),
        cmocka_unit_test(unseen_users_are_known_by_their_features),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
