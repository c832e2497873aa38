/* mwuf: the gradient of its networks against differences of plain loops in double, what it is before it has learned,
 * and what it learns. The plugin's source is part of this test. */
#include "../../algorithms/meta/mwuf.c"
#include "testhost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "newitems.h"

enum { D = 3, WIDTH = 16, HIDDEN = 5 };

/* The vector of an item with these users known, from the equations of the plugin's comment, for weights
 * w = [W1][W2, b2][V1, a1, V2, a2]. */
static void plain_vector(const struct mwuf_state *s, const double *w, int32_t item, const struct rh_new_set *known,
                         double *q)
{
    const struct rh_item_features *f = &s->base.f;
    const double *w1 = w, *w2 = w1 + f->n_cols * HIDDEN, *b2 = w2 + WIDTH * HIDDEN, *v1 = b2 + WIDTH;
    const double *a1 = v1 + HIDDEN * WIDTH, *v2 = a1 + HIDDEN, *a2 = v2 + WIDTH * HIDDEN;
    double cold[WIDTH], mean[WIDTH] = { 0 }, g[WIDTH] = { 0 }, h[HIDDEN], m[HIDDEN];
    int n = known->n + known->others;
    for (int k = 0; k < WIDTH; k++)
        cold[k] = (double)s->average[k];
    for (int k = 0; k < n; k++) {
        const float *p = s->base.als.user.x + known->user[k] * WIDTH;
        double error = k < known->n ? -1 : 0;
        for (int j = 0; j < WIDTH; j++)
            error += (double)p[j] * cold[j];
        for (int j = 0; j < WIDTH; j++) {
            g[j] += error * (double)p[j] / n;
            mean[j] += k < known->n ? (double)p[j] / known->n : 0;
        }
    }
    for (int j = 0; j < HIDDEN; j++) {
        h[j] = 0;
        for (int64_t z = f->row[item]; z < f->row[item + 1]; z++)
            h[j] += (double)f->val[z] * w1[f->col[z] * HIDDEN + j];
        h[j] = h[j] > 0 ? h[j] : 0;
        m[j] = a1[j];
        for (int k = 0; k < WIDTH; k++)
            m[j] += v1[j * WIDTH + k] * mean[k];
        m[j] = m[j] > 0 ? m[j] : 0;
    }
    for (int k = 0; k < WIDTH; k++) {
        double scale = 1 + b2[k], shift = a2[k];
        for (int j = 0; j < HIDDEN; j++) {
            scale += w2[k * HIDDEN + j] * h[j];
            shift += v2[k * HIDDEN + j] * m[j];
        }
        q[k] = (cold[k] - s->params->cold_rate * g[k]) * scale + shift;
    }
}

static double plain_loss(const struct mwuf_state *s, const double *w, int32_t item, const struct rh_new_set *known,
                         const struct rh_new_set *later)
{
    double q[WIDTH], sum = 0;
    int n = later->n + later->others;
    plain_vector(s, w, item, known, q);
    for (int k = 0; k < n; k++) {
        double error = k < later->n ? -1 : 0;
        for (int j = 0; j < WIDTH; j++)
            error += (double)s->base.als.user.x[later->user[k] * WIDTH + j] * q[j];
        sum += error * error / 2 / n;
    }
    return sum;
}

/* Random weights in all parts of the networks, in float as the plugin has them and in double. */
static int32_t draw_weights(struct mwuf_state *s, double *w)
{
    struct rh_rng r = rh_stream(5, "weights", "mwuf", 0);
    float *part[] = { s->w.w, s->stretch.phi, s->move.phi };
    int32_t size[] = { s->w.n * s->w.E, (int32_t)s->stretch.size, (int32_t)s->move.size }, n = 0;
    for (int k = 0; k < 3; k++)
        for (int32_t j = 0; j < size[k]; j++)
            w[n++] = (double)(part[k][j] = (float)(0.6 * rh_rng_normal(&r)));
    return n;
}

/* An item with users known, and one without any. */
static void the_gradient_is_that_of_differences(void **state)
{
    (void)state;
    struct test_host h;
    struct test_model m;
    struct rh_domain d;
    struct rh_features words;
    test_host_init(&h, 1, 4);
    struct rh_train train = make_train(&h, &d, &words);
    assert_int_equal(test_fit(&h, &mwuf, "factors = 3; hidden = 5; cold_rate = 0.7", &train, 0, &m), RH_OK);
    struct mwuf_state *s = m.state;
    static double w[1000];
    int32_t n = draw_weights(s, w), columns = s->base.f.n_cols * HIDDEN;
    assert_int_equal(s->base.als.width, WIDTH);
    assert_int_equal(n, columns + WIDTH * (HIDDEN + 1) + HIDDEN * (WIDTH + 1) + WIDTH * (HIDDEN + 1));
    static const int32_t in_a[] = { 0, 4, 1, 2 }, in_b[] = { 12, 16, 20, 5, 6, 7 };
    const struct rh_new_set known[] = { { 2, 2, in_a }, { 0, 0, in_a } }, later = { 3, 3, in_b };
    for (int set = 0; set < 2; set++) {
        struct warming x;
        _Alignas(64) float room[WIDTH], dq[WIDTH] = { 0 };
        static float work[4096];
        struct { float stretch[500], move[500], h[HIDDEN]; } g = { { 0 }, { 0 }, { 0 } };
        double expected[WIDTH], most[3] = { 0 };
        assert_true(back_work(s, 1) <= 4096 && s->stretch.size <= 500 && s->move.size <= 500);
        assert_int_equal(take_warming(&h.ctx, s, 1, &x), RH_OK);
        begin_warming(s, 4, &known[set], &x, 0, room);
        end_warming(s, 1, &x);
        plain_vector(s, w, 4, &known[set], expected);
        for (int k = 0; k < WIDTH; k++)
            assert_near(x.q[k], expected[k], 1e-5);
        assert_near(rh_new_loss(&s->base, &later, x.q, 1, dq), plain_loss(s, w, 4, &known[set], &later), 1e-5);
        warming_back(s, 1, &x, dq, g.stretch, g.move, g.h, work);
        for (int32_t k = 0; k < n; k++) {
            int part = k < columns ? 0 : k < columns + s->stretch.size ? 1 : 2;
            double at = w[k], is = 0;
            w[k] = at + 1e-5;
            double up = plain_loss(s, w, 4, &known[set], &later);
            w[k] = at - 1e-5;
            double down = plain_loss(s, w, 4, &known[set], &later);
            w[k] = at;
            if (part == 0) /* the way back of a bag: the gradient of its sum times the value of the column */
                for (int64_t z = s->base.f.row[4]; z < s->base.f.row[5]; z++)
                    is += s->base.f.col[z] == k / HIDDEN ? (double)(s->base.f.val[z] * g.h[k % HIDDEN]) : 0;
            else
                is = part == 1 ? (double)g.stretch[k - columns] : (double)g.move[k - columns - s->stretch.size];
            assert_near(is, (up - down) / 2e-5, 2e-6);
            most[part] = fabs(is) > most[part] ? fabs(is) : most[part];
        }
        for (int part = 0; part < 3; part++)
            assert_true(most[part] > 1e-3);
    }
    test_model_release(&m);
    test_host_release(&h);
}

/* Before the first epoch, and always without scale and shift, a new item has the average vector. */
static void begins_as_the_average(void **state)
{
    (void)state;
    static const char *const settings[] = { "factors = 3", "factors = 3; scale = no; shift = no" };
    for (int k = 0; k < 2; k++) {
        struct test_host h;
        struct test_model m;
        struct rh_domain d;
        struct rh_features words;
        test_host_init(&h, 1, 4);
        struct rh_train train = make_train(&h, &d, &words);
        assert_int_equal(test_fit(&h, &mwuf, settings[k], &train, k, &m), RH_OK);
        const struct mwuf_state *s = m.state;
        const float *q = s->base.als.item.x;
        for (int f = 0; f < D; f++) {
            double sum = 0;
            for (int i = 0; i < 11; i++)
                sum += (double)q[i * WIDTH + f] / 11;
            assert_near(q[11 * WIDTH + f], sum, 1e-5);
        }
        test_model_release(&m);
        test_host_release(&h);
    }
}

/* Scale alone: users of its word like the item that nobody has. Shift alone: users like the one that has it like the
 * item, whatever its word. */
static void each_network_knows_its_part(void **state)
{
    (void)state;
    static const char *const settings[] = { "shift = no; cold_steps = 0", "scale = no; cold_steps = 0; own_from = 2" };
    for (int k = 0; k < 2; k++) {
        struct test_host h;
        struct test_model m;
        struct rh_domain d;
        struct rh_features words;
        char text[100];
        test_host_init(&h, 2, 4);
        struct rh_train train = make_train(&h, &d, &words);
        snprintf(text, sizeof text, "factors = 6; decay = 0; rate = 0.03; %s", settings[k]);
        assert_int_equal(test_fit(&h, &mwuf, text, &train, 200, &m), RH_OK);
        const struct mwuf_state *s = m.state;
        for (int i = 10; i < 12; i++)
            for (int f = 6; f < WIDTH; f++)
                assert_true(s->base.als.item.x[i * WIDTH + f] == 0);
        assert_liked(&h, &m, &train, k ? 10 : 11, k ? 2 : 3, 0.5); /* user 2 has item 10 */
        test_model_release(&m);
        test_host_release(&h);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gradient_is_that_of_differences),
        cmocka_unit_test(begins_as_the_average),
        cmocka_unit_test(each_network_knows_its_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
