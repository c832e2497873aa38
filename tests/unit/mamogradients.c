/* The network and the memories of mamo (algorithms/lib/memories.h): gradients against finite differences, and a whole
 * outer step against PyTorch's, with double for rh_real (difference.h). */
#include "algorithms/lib/memories.h"

#include "testhost.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "difference.h"
#include "values.h"

/* The shapes of tests/oracle/mamo_step.py. */
enum { U = 4, I = 5, H = 6, E = 3, K = 3, WIDTH = I + U, ROWS = 7, USER = H * U + H + E * H + E,
       PHI = USER + H * I + H + E * H + E + E * 2 * E + E + E + 1, TASK = 4 * E * E, THETA = PHI + TASK, ROOM = 2000 };

struct case_ {
    struct rh_memories m;
    struct rh_memories_set set;
    double theta[THETA], dtheta[THETA], x[ROWS * WIDTH], dx[ROWS * WIDTH], profile[U], rating[ROWS], work[ROOM];
    double profiles[K * U], gradients[K * USER], preferences[K * TASK];
};

static void make_shape(struct case_ *t)
{
    memset(t, 0, sizeof *t);
    t->m = (struct rh_memories){ .slots = K, .steps = 2, .rate = 0.02, .tau = 0.3, .alpha = 0.5, .beta = 0.05,
                                 .gamma = 0.1, .profile = t->profiles, .gradient = t->gradients,
                                 .preference = t->preferences };
    rh_memories_shape(&t->m, U, I, H, E);
    assert_int_equal(rh_memories_user(&t->m), USER);
    assert_int_equal(rh_memories_phi(&t->m), PHI);
    assert_int_equal(rh_memories_theta(&t->m), THETA);
    assert_true(rh_memories_work(&t->m, ROWS) <= ROOM);
    t->set = (struct rh_memories_set){ ROWS, WIDTH, t->profile, t->x, t->rating };
}

/* The profile stands in x once for each row; the network reads `profile`. */
static double loss_of(void *arg)
{
    struct case_ *t = arg;
    const double *y = rh_memories_predict(&t->m, t->theta, &t->set, t->work);
    double sum = 0;
    for (int k = 0; k < t->set.n; k++)
        sum += (y[k] - t->rating[k]) * (y[k] - t->rating[k]);
    return sum / t->set.n;
}

static void gradients_are_those_of_the_loss(void **state)
{
    (void)state;
    static struct case_ t;
    make_shape(&t);
    struct rh_rng r = rh_stream(2, "mamogradients", "case", 0);
    fill(&r, t.theta, THETA, 0.6);
    fill(&r, t.x, ROWS * WIDTH, 1);
    fill(&r, t.profile, U, 1);
    for (int k = 0; k < ROWS; k++)
        t.rating[k] = 1 + (int)rh_rng_below(&r, 5);
    check("loss", 0, rh_memories_loss(&t.m, t.theta, &t.set, t.dtheta, t.dx, t.work), loss_of(&t));
    check_gradient("theta", loss_of, &t, t.theta, t.dtheta, THETA);
    for (int k = 0; k < ROWS; k++) {
        check_gradient("item", loss_of, &t, t.x + k * WIDTH, t.dx + k * WIDTH, I);
        for (int j = 0; j < U && k > 0; j++)
            assert_true(t.dx[k * WIDTH + I + j] == 0);
    }
    check_gradient("profile", loss_of, &t, t.profile, t.dx + I, U);
    double moved = 0;
    for (int j = 0; j < U; j++)
        moved += fabs(t.dx[I + j]);
    assert_true(moved > 0.01);
}

/* ---------------------------------------------------------------------------------------------------- PyTorch */

static void compare(const struct values *all, const char *name, const double *made, int64_t n)
{
    double want[K * THETA];
    assert_true(n <= K * THETA);
    find(all, name, want, n);
    for (int64_t i = 0; i < n; i++)
        if (!(fabs(made[i] - want[i]) <= 1e-11 + 1e-11 * fabs(want[i])))
            fail_msg("%s[%d]: %.17g, by torch %.17g", name, (int)i, made[i], want[i]);
}

static const char *of(const char *name, int u)
{
    static char full[32];
    snprintf(full, sizeof full, "%s_%d", name, u);
    return full;
}

static void find_memories(struct case_ *t, const struct values *all)
{
    find(all, "profiles", t->profiles, K * U);
    find(all, "gradients", t->gradients, K * USER);
    find(all, "preferences", t->preferences, K * TASK);
}

static void torch_agrees(void **state)
{
    (void)state;
    static const int32_t shown[2] = { 4, 3 }, rows[2] = { 7, 5 };
    static struct case_ t;
    double phi[PHI], a[2][K], profile[2][U], adapted[2][THETA], dtheta[2][THETA] = { 0 }, room[THETA];
    struct test_host h;
    test_host_init(&h, 1, 1);
    struct values all = read_values(&h, "tests/oracle/mamo_step.values");
    make_shape(&t);
    find(&all, "phi", phi, PHI);
    find_memories(&t, &all);
    for (int u = 0; u < 2; u++) {
        double items[ROWS * I], ditems[ROWS * I];
        find(&all, of("profile", u), profile[u], U);
        find(&all, of("items", u), items, rows[u] * I);
        find(&all, of("rating", u), t.rating, rows[u]);
        for (int k = 0; k < rows[u]; k++) {
            memcpy(t.x + k * WIDTH, items + k * I, I * sizeof *items);
            memcpy(t.x + k * WIDTH + I, profile[u], U * sizeof *items);
        }
        rh_memories_attend(&t.m, profile[u], a[u]);
        compare(&all, of("attention", u), a[u], K);
        rh_memories_read(&t.m, phi, a[u], adapted[u]);
        struct rh_memories_set support = { shown[u], WIDTH, profile[u], t.x, t.rating };
        struct rh_memories_set query = { rows[u] - shown[u], WIDTH, profile[u], t.x + shown[u] * WIDTH,
                                         t.rating + shown[u] };
        rh_memories_adapt(&t.m, adapted[u], &support, room, t.work);
        compare(&all, of("adapted", u), adapted[u], THETA);
        memset(t.dx, 0, sizeof t.dx);
        double loss = rh_memories_loss(&t.m, adapted[u], &query, dtheta[u], t.dx, t.work);
        compare(&all, of("loss", u), &loss, 1);
        compare(&all, of("dtheta", u), dtheta[u], THETA);
        compare(&all, of("dprofile", u), t.dx + I, U);
        for (int k = 0; k < query.n; k++)
            memcpy(ditems + k * I, t.dx + k * WIDTH, I * sizeof *ditems);
        compare(&all, of("ditems", u), ditems, query.n * I);
    }
    for (int rule = 0; rule < 2; rule++) {
        find_memories(&t, &all);
        t.m.printed = rule == 1;
        for (int u = 0; u < 2; u++)
            rh_memories_write(&t.m, profile[u], a[u], adapted[u], dtheta[u]);
        compare(&all, rule ? "printed_profiles" : "attended_profiles", t.profiles, K * U);
        compare(&all, rule ? "printed_gradients" : "attended_gradients", t.gradients, K * USER);
        compare(&all, rule ? "printed_preferences" : "attended_preferences", t.preferences, K * TASK);
    }
    test_host_release(&h);
}

/* Two users of a kind write the same into an attended slot: it stays what it is, where a printed one fades. The
 * attention is (1/2, 1/2) for slots that are the same; with alpha = 1/2: 1/4 + 3/4 = 1, and 1/4 + 1/2 = 3/4. */
static void a_printed_slot_fades(void **state)
{
    (void)state;
    static struct case_ t;
    make_shape(&t);
    t.m.slots = 2;
    double a[2], theta[THETA] = { 0 }, gradient[THETA] = { 0 };
    for (int i = 0; i < 2 * U; i++)
        t.profiles[i] = 1;
    for (int i = 0; i < U; i++)
        t.profile[i] = 1;
    rh_memories_attend(&t.m, t.profile, a);
    assert_true(a[0] == 0.5 && a[1] == 0.5);
    rh_memories_write(&t.m, t.profile, a, theta, gradient);
    assert_true(t.profiles[0] == 1 && t.profiles[2 * U - 1] == 1);
    t.m.printed = true;
    rh_memories_write(&t.m, t.profile, a, theta, gradient);
    assert_true(t.profiles[0] == 0.75 && t.profiles[2 * U - 1] == 0.75);
}

/* Without slots phi is all of theta, and nothing is read or written. */
static void without_slots_all_start_alike(void **state)
{
    (void)state;
    static struct case_ t;
    make_shape(&t);
    t.m.slots = 0;
    assert_int_equal(rh_memories_phi(&t.m), THETA);
    struct rh_rng r = rh_stream(2, "mamogradients", "twin", 0);
    double phi[THETA], room[THETA];
    fill(&r, phi, THETA, 0.6);
    rh_memories_attend(&t.m, t.profile, NULL);
    rh_memories_read(&t.m, phi, NULL, t.theta);
    assert_memory_equal(t.theta, phi, sizeof phi);
    t.set.n = 0;
    rh_memories_adapt(&t.m, t.theta, &t.set, room, t.work);
    assert_memory_equal(t.theta, phi, sizeof phi);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_those_of_the_loss),
        cmocka_unit_test(torch_agrees),
        cmocka_unit_test(a_printed_slot_fades),
        cmocka_unit_test(without_slots_all_start_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
