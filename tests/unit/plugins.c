/* What every built-in algorithm promises, checked on each entry of the generated table: whoever adds an algorithm
 * gets these tests for nothing. Iterative algorithms run two epochs. */
#include "testhost.h"

#include "base/file.h"
#include "base/param.h"
#include "base/stream.h"
#include "plugin/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const struct rh_algorithm *(*const rh_builtin_algorithms[])(void);

#define EPOCHS 2
#define USERS 40
#define WARM 31
#define ITEMS 33
#define ALL_FLAGS ((1u << 12) - 1)

/* Runs body for every algorithm, with its name in front of a failure. */
static void for_each(void (*body)(const struct rh_algorithm *a))
{
    int n = 0;
    for (; rh_builtin_algorithms[n]; n++) {
        print_message("# %s\n", rh_builtin_algorithms[n]()->name);
        body(rh_builtin_algorithms[n]());
    }
    assert_true(n > 0);
}

/* ------------------------------------------------------------------------------------------------ descriptor */

static void check_descriptor(const struct rh_algorithm *a)
{
    struct rh_error err = { 0 };
    assert_int_equal(a->abi, RH_ABI);
    assert_int_equal(a->size, sizeof(struct rh_algorithm));
    assert_non_null(a->name);
    assert_true(*a->name && a->name[strspn(a->name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0');
    int same = 0;
    for (int i = 0; rh_builtin_algorithms[i]; i++)
        same += strcmp(rh_builtin_algorithms[i]()->name, a->name) == 0;
    assert_int_equal(same, 1);
    assert_true(a->summary && *a->summary && !strchr(a->summary, '\n') && strlen(a->summary) <= 118);
    assert_true(a->reference && *a->reference && !strchr(a->reference, '\n'));
    assert_true(a->cost && *a->cost && !strchr(a->cost, '\n'));
    assert_true(a->advice && *a->advice && !strchr(a->advice, '\n'));
    assert_non_null(a->persist);
    assert_true(a->revision >= 1);
    assert_int_equal(a->flags & ~ALL_FLAGS, 0);
    if (a->flags & RH_A_NEEDS_SOURCES)
        assert_true(a->flags & RH_A_USES_SOURCES);
    if (rh_params_sane(a->params, a->params_size, &err) < 0)
        fail_msg("%s", err.text);
    assert_true(a->fit && a->score && a->state_size > 0);
    assert_int_equal(a->epoch != NULL, a->epochs > 0);
}

static void descriptors_are_sane(void **state)
{
    (void)state;
    for_each(check_descriptor);
}

/* ----------------------------------------------------------------------------------------------- a small world */

/* Two domains with ratings, times, item and user features, warm and cold users: all that an algorithm may ask for. */
static void make_world(struct test_host *h, struct test_world *w)
{
    test_world(h, &(struct test_world_spec){ .n_users = USERS, .n_warm = WARM, .n_items = ITEMS, .n_domains = 2,
                                              .n_tastes = 3, .rows = 10, .support = 3, .noise = 0.4, .shift = 0.25,
                                              .ratings = true, .seed = 61 }, w);
    struct test_cell cell[USERS];
    for (int32_t u = 0; u < USERS; u++)
        cell[u] = (struct test_cell){ u, (u * 7) % 5, 1 };
    struct rh_features *user = rh_alloc(&h->own, 1, sizeof *user);
    *user = test_sparse(h, "group", USERS, 5, cell, USERS, false);
    w->train.n_user_blocks = 1;
    w->train.user_features = user;
}

static void fit(struct test_host *h, const struct rh_algorithm *a, const struct rh_train *train, struct test_model *m)
{
    int status = test_fit(h, a, NULL, train, EPOCHS, m);
    if (status < 0)
        fail_msg("%s: status %d: %s", a->name, status, h->error.text);
}

static void score(struct test_host *h, const struct test_model *m, const struct rh_query *q, int32_t n, int32_t batch,
                  float *out)
{
    int status = test_score(h, m, q, n, batch, out, ITEMS);
    if (status < 0)
        fail_msg("%s: status %d: %s", m->algorithm->name, status, h->error.text);
}

static void assert_same(const float *x, const float *y, int32_t n, const char *what)
{
    for (int32_t k = 0; k < n; k++)
        if (memcmp(&x[k], &y[k], sizeof *x) != 0)
            fail_msg("%s: query %d, item %d: %.9g and %.9g", what, k / ITEMS, k % ITEMS, (double)x[k], (double)y[k]);
}

static void assert_near(const float *x, const float *y, int32_t n, const char *what)
{
    double largest = 0;
    for (int32_t k = 0; k < n; k++)
        largest = fmax(largest, fabs(x[k]));
    for (int32_t k = 0; k < n; k++)
        if (fabs((double)x[k] - y[k]) > 1e-5 * largest)
            fail_msg("%s: query %d, item %d: %.9g and %.9g", what, k / ITEMS, k % ITEMS, (double)x[k], (double)y[k]);
}

/* ------------------------------------------------------------------------------------------------ scoring */

static void check_histories(const struct rh_algorithm *a)
{
    struct test_host h;
    test_host_init(&h, 2, 8);
    struct test_world w;
    make_world(&h, &w);
    struct test_model m;
    fit(&h, a, &w.train, &m);

    int32_t every[ITEMS];
    float rating[ITEMS], out[4 * ITEMS];
    for (int32_t i = 0; i < ITEMS; i++) {
        every[i] = i;
        rating[i] = 1 + (float)(i % 5);
    }
    struct rh_history nothing[2] = { 0 };
    const struct rh_query q[] = {
        { 0, nothing, ITEMS, NULL },        /* a warm user who is allowed to remember nothing */
        { USERS - 1, nothing, ITEMS, NULL }, /* a cold user of whom nothing is known */
        test_query_with(&h, &w.train, USERS - 2, ITEMS, every, rating), /* a cold user who has seen it all */
        test_query_with(&h, &w.train, 3, 1, every + ITEMS - 1, rating), /* one item */
    };
    score(&h, &m, q, 4, 4, out); /* finite is checked there */
    test_model_release(&m);
    test_host_release(&h);
}

static void any_history_gives_finite_scores(void **state)
{
    (void)state;
    for_each(check_histories);
}

/* A list asks for the same scores as a full ranking, in any order and more than once; rounding may differ a little,
 * as products of matrices of other shapes round otherwise. */
static void check_candidates(const struct rh_algorithm *a)
{
    struct test_host h;
    test_host_init(&h, 2, 8);
    struct test_world w;
    make_world(&h, &w);
    struct test_model m;
    fit(&h, a, &w.train, &m);
    static float all[USERS * ITEMS], listed[USERS * ITEMS], expected[USERS * ITEMS];
    score(&h, &m, w.query, USERS, 9, all);
    static const int32_t list[] = { 31, 0, 7, 7, 18 };
    struct rh_query q[USERS];
    for (int32_t u = 0; u < USERS; u++) {
        q[u] = w.query[u];
        if (u % 3 == 0)
            continue; /* full rankings and lists in one batch */
        q[u].candidate = list + u % 2;
        q[u].n_candidates = 5 - u % 2;
    }
    score(&h, &m, q, USERS, 9, listed);
    for (int32_t u = 0; u < USERS; u++)
        for (int32_t c = 0; c < ITEMS; c++) {
            int32_t at = u * ITEMS + c;
            bool asked = c < q[u].n_candidates;
            expected[at] = asked ? all[u * ITEMS + (q[u].candidate ? q[u].candidate[c] : c)] : 0;
            listed[at] = asked ? listed[at] : 0;
        }
    assert_near(expected, listed, USERS * ITEMS, "list and full ranking");
    test_model_release(&m);
    test_host_release(&h);
}

static void lists_score_like_full_rankings(void **state)
{
    (void)state;
    for_each(check_candidates);
}

static void check_batches(const struct rh_algorithm *a)
{
    static float alone[USERS * ITEMS], together[USERS * ITEMS], parallel[USERS * ITEMS];
    struct test_host h;
    test_host_init(&h, 4, 8);
    struct test_world w;
    make_world(&h, &w);
    struct test_model m;
    fit(&h, a, &w.train, &m);
    h.threads = 1;
    score(&h, &m, w.query, USERS, 1, alone);
    score(&h, &m, w.query, USERS, USERS, together);
    assert_near(alone, together, USERS * ITEMS, "batch of one and of all");
    h.threads = 4;
    score(&h, &m, w.query, USERS, 1, parallel);
    assert_same(alone, parallel, USERS * ITEMS, "one thread and four");
    h.threads = 1;
    score(&h, &m, w.query, USERS, 1, parallel);
    assert_same(alone, parallel, USERS * ITEMS, "first time and again");
    test_model_release(&m);
    test_host_release(&h);
}

static void batches_and_threads_do_not_matter(void **state)
{
    (void)state;
    for_each(check_batches);
}

/* -------------------------------------------------------------------------------------------------- fitting */

static void fit_and_score(const struct rh_algorithm *a, int threads, uint64_t seed, float *out)
{
    struct test_host h;
    test_host_init(&h, threads, seed);
    struct test_world w;
    make_world(&h, &w);
    struct test_model m;
    fit(&h, a, &w.train, &m);
    score(&h, &m, w.query, USERS, 6, out);
    test_model_release(&m);
    test_host_release(&h);
}

static void check_repeats(const struct rh_algorithm *a)
{
    static float first[USERS * ITEMS], other[USERS * ITEMS];
    fit_and_score(a, 1, 8, first);
    fit_and_score(a, 1, 8, other);
    assert_same(first, other, USERS * ITEMS, "first fit and again");
    fit_and_score(a, 2, 8, other);
    assert_same(first, other, USERS * ITEMS, "fit on one thread and two");
    fit_and_score(a, 5, 8, other);
    assert_same(first, other, USERS * ITEMS, "fit on one thread and five");
    fit_and_score(a, 1, 9, other);
    bool same = memcmp(first, other, sizeof first) == 0;
    if (same != !(a->flags & RH_A_RANDOM))
        fail_msg("%s: the seed %s, against its flags", a->name, same ? "does not matter" : "matters");
}

static void fitting_repeats_bit_for_bit(void **state)
{
    (void)state;
    for_each(check_repeats);
}

/* The same world with user u called order[u]. */
static struct rh_train rename_users(struct test_host *h, const struct rh_train *train, const int32_t *order)
{
    struct rh_domain *domain = rh_alloc(&h->own, (size_t)train->n_domains, sizeof *domain);
    for (int32_t d = 0; d < train->n_domains; d++) {
        const struct rh_domain *x = &train->domain[d];
        int64_t n = x->row[train->n_users];
        struct test_row *row = rh_alloc(&h->own, (size_t)n, sizeof *row);
        for (int32_t u = 0; u < train->n_users; u++)
            for (int64_t k = x->row[u]; k < x->row[u + 1]; k++)
                row[k] = (struct test_row){ order[u], x->item[k], x->value[k], x->time[k] };
        domain[d] = test_domain(h, x->name, train->n_users, x->n_items, row, n, TEST_VALUES | TEST_TIMES);
        domain[d].item_features = x->item_features;
    }
    struct test_cell cell[USERS];
    for (int32_t u = 0; u < USERS; u++)
        cell[u] = (struct test_cell){ order[u], train->user_features->col[train->user_features->row[u]], 1 };
    struct rh_features *user = rh_alloc(&h->own, 1, sizeof *user);
    *user = test_sparse(h, "group", USERS, 5, cell, USERS, false);
    struct rh_train renamed = *train;
    renamed.domain = domain;
    renamed.user_features = user;
    return renamed;
}

/* An algorithm that draws no random numbers does not care how users are numbered. (Ties between neighbours are broken
 * by number where a set is cut, so neighbour lists are left uncut here.) */
static void check_renaming(const struct rh_algorithm *a)
{
    if (a->flags & RH_A_RANDOM)
        return;
    static float out[USERS * ITEMS], renamed_out[USERS * ITEMS], back[USERS * ITEMS];
    struct test_host h;
    test_host_init(&h, 2, 8);
    struct test_world w;
    make_world(&h, &w);
    int32_t order[USERS];
    for (int32_t u = 0; u < USERS; u++)
        order[u] = u;
    struct rh_rng r = rh_stream(3, "order", "", 0);
    rh_rng_shuffle(&r, order, USERS);
    struct rh_train renamed = rename_users(&h, &w.train, order);
    struct rh_query q[USERS];
    for (int32_t u = 0; u < USERS; u++) {
        q[order[u]] = w.query[u];
        q[order[u]].user = order[u];
    }
    struct test_model m, n;
    fit(&h, a, &w.train, &m);
    fit(&h, a, &renamed, &n);
    score(&h, &m, w.query, USERS, 6, out);
    score(&h, &n, q, USERS, 6, renamed_out);
    for (int32_t u = 0; u < USERS; u++)
        memcpy(back + u * ITEMS, renamed_out + order[u] * ITEMS, ITEMS * sizeof *back);
    assert_near(out, back, USERS * ITEMS, "users renamed");
    test_model_release(&m);
    test_model_release(&n);
    test_host_release(&h);
}

static void names_of_users_do_not_matter(void **state)
{
    (void)state;
    for_each(check_renaming);
}

/* What is asked for is what is flagged: without ratings, times, features or sources an algorithm that does not need
 * them still works; one that needs them says so with a sentence, or is kept from it by the host. */
static void check_needs(const struct rh_algorithm *a)
{
    static float out[USERS * ITEMS];
    struct test_host h;
    test_host_init(&h, 2, 8);
    struct test_world w;
    make_world(&h, &w);
    struct rh_domain *domain = (struct rh_domain *)w.train.domain;
    for (int32_t d = 0; d < 2; d++) {
        if (!(a->flags & RH_A_NEEDS_VALUES)) {
            domain[d].value = NULL;
            domain[d].value_min = domain[d].value_max = 0;
        }
        if (!(a->flags & RH_A_NEEDS_TIME))
            domain[d].time = NULL;
    }
    if (!(a->flags & RH_A_NEEDS_ITEM_FEATURES))
        w.train.n_item_blocks = 0;
    if (!(a->flags & RH_A_NEEDS_USER_FEATURES))
        w.train.n_user_blocks = 0;
    if (!(a->flags & RH_A_NEEDS_SOURCES))
        w.train.n_domains = 1;
    for (int32_t u = 0; u < USERS; u++)
        for (int32_t d = 0; d < w.train.n_domains; d++) {
            struct rh_history *x = (struct rh_history *)&w.query[u].history[d];
            x->value = domain[d].value ? x->value : NULL;
            x->time = domain[d].time ? x->time : NULL;
        }
    struct test_model m;
    fit(&h, a, &w.train, &m);
    score(&h, &m, w.query, USERS, 6, out);
    test_model_release(&m);
    test_host_release(&h);
}

static void what_is_not_flagged_is_not_needed(void **state)
{
    (void)state;
    for_each(check_needs);
}

/* ---------------------------------------------------------------------------------------------- memory, cancel */

/* All that a model knows lies in the memory of the run: when that is put back, so are its scores. */
static void check_snapshot(const struct rh_algorithm *a)
{
    if (!a->epoch)
        return;
    static float best[USERS * ITEMS], later[USERS * ITEMS], again[USERS * ITEMS];
    struct test_host h;
    test_host_init(&h, 2, 8);
    struct test_world w;
    make_world(&h, &w);
    struct test_model m;
    fit(&h, a, &w.train, &m);
    score(&h, &m, w.query, USERS, 6, best);
    struct rh_snapshot s = { 0 };
    assert_true(rh_snapshot_take(&s, &h.run));
    double loss = NAN;
    int status = a->epoch(&h.ctx, m.state, EPOCHS + 1, &loss);
    test_host_scratch_back(&h);
    if (status < 0)
        fail_msg("%s: epoch %d: %s", a->name, EPOCHS + 1, h.error.text);
    assert_true(isfinite(loss));
    score(&h, &m, w.query, USERS, 6, later);
    rh_snapshot_restore(&s, &h.run);
    score(&h, &m, w.query, USERS, 6, again);
    assert_same(best, again, USERS * ITEMS, "snapshot and restored");
    if (status != RH_DONE)
        assert_true(memcmp(best, later, sizeof best) != 0);
    rh_snapshot_release(&s);
    test_model_release(&m);
    test_host_release(&h);
}

/* A saved model, loaded on a state of zeros instead of a fit, scores as the fitted one: score needs nothing else. */
static void check_saving(const struct rh_algorithm *a)
{
    if (!a->persist)
        return;
    static float fitted[USERS * ITEMS], loaded[USERS * ITEMS];
    struct test_host h;
    test_host_init(&h, 2, 8);
    struct test_world w;
    make_world(&h, &w);
    struct test_model m;
    fit(&h, a, &w.train, &m);
    score(&h, &m, w.query, USERS, 6, fitted);
    struct rh_saved saved;
    struct test_model other = { .algorithm = a, .params = m.params, .state = rh_alloc(&h.run, a->state_size, 1) };
    assert_non_null(other.state);
    int status = test_save(&h, &m, &w.train, 0, &saved);
    if (status >= 0)
        status = test_load(&h, &other, &w.train, 0, false, &saved);
    if (status < 0)
        fail_msg("%s: status %d: %s", a->name, status, h.error.text);
    rh_saved_release(&saved);
    test_model_release(&m); /* the loaded model does not lean on the fitted one's own objects */
    score(&h, &other, w.query, USERS, 6, loaded);
    assert_same(fitted, loaded, USERS * ITEMS, "saved and loaded");
    test_model_release(&other);
    test_host_release(&h);
}

/* Interrupted after an epoch and gone on from what was written: the same numbers as without. */
static void check_resuming(const struct rh_algorithm *a)
{
    if (!(a->flags & RH_A_RESUMES))
        return;
    static float whole[USERS * ITEMS], resumed[USERS * ITEMS], started[USERS * ITEMS], loaded[USERS * ITEMS];
    unsigned resuming = RH_FOR_STARTING | RH_FOR_RESUMING;
    struct rh_saved checkpoint, model;
    struct test_host h;
    test_host_init(&h, 2, 8);
    struct test_world w;
    make_world(&h, &w);
    struct test_model m, other, fresh = { .algorithm = a };
    double loss, again;
    if (test_fit(&h, a, NULL, &w.train, 1, &m) < 0 || test_save(&h, &m, &w.train, resuming, &checkpoint) < 0 ||
        test_save(&h, &m, &w.train, RH_FOR_STARTING, &model) < 0 || a->epoch(&h.ctx, m.state, 2, &loss) < 0)
        fail_msg("%s: %s", a->name, h.error.text);
    test_host_scratch_back(&h);
    score(&h, &m, w.query, USERS, 6, whole);
    h.purpose = RH_FOR_LOADING;
    if (test_fit(&h, a, NULL, &w.train, 0, &other) < 0)
        fail_msg("%s: %s", a->name, h.error.text);
    if (test_load(&h, &other, &w.train, resuming, true, &checkpoint) < 0 ||
        a->epoch(&h.ctx, other.state, 2, &again) < 0)
        fail_msg("%s: %s", a->name, h.error.text);
    test_host_scratch_back(&h);
    score(&h, &other, w.query, USERS, 6, resumed);
    assert_same(whole, resumed, USERS * ITEMS, "resumed");
    assert_memory_equal(&loss, &again, sizeof loss);
    test_model_release(&other);

    /* a start needs no memory of the optimiser; nor does a loaded model that only scores */
    h.purpose = RH_FOR_LOADING;
    if (test_fit(&h, a, NULL, &w.train, 0, &other) < 0 ||
        test_load(&h, &other, &w.train, RH_FOR_STARTING, true, &model) < 0)
        fail_msg("%s: %s", a->name, h.error.text);
    score(&h, &other, w.query, USERS, 6, started);
    fresh.params = m.params;
    fresh.state = rh_alloc(&h.run, a->state_size, 1);
    if (test_load(&h, &fresh, &w.train, 0, false, &model) < 0)
        fail_msg("%s: %s", a->name, h.error.text);
    score(&h, &fresh, w.query, USERS, 6, loaded);
    assert_same(loaded, started, USERS * ITEMS, "loaded alone and over a fit");
    if (a->epoch(&h.ctx, other.state, 1, &again) < 0)
        fail_msg("%s: %s", a->name, h.error.text);
    rh_saved_release(&checkpoint);
    rh_saved_release(&model);
    test_model_release(&m);
    test_model_release(&other);
    test_model_release(&fresh);
    test_host_release(&h);
}

static void interrupted_training_goes_on(void **state)
{
    (void)state;
    for_each(check_resuming);
}

static void saved_models_score_the_same(void **state)
{
    (void)state;
    for_each(check_saving);
}

static void models_live_in_the_memory_of_the_run(void **state)
{
    (void)state;
    for_each(check_snapshot);
}

/* Refuses the allocation with number `at`; the number of allocations of a whole run when `at` is 0. */
static int64_t run_refusing(const struct rh_algorithm *a, int64_t at)
{
    static float out[USERS * ITEMS];
    struct test_host h;
    test_host_init(&h, 1, 8);
    struct test_world w;
    make_world(&h, &w);
    h.fail_at = at;
    struct test_model m;
    int status = test_fit(&h, a, NULL, &w.train, 1, &m);
    if (status >= 0)
        status = test_score(&h, &m, w.query, USERS, USERS, out, ITEMS);
    if (status != (at ? RH_ENOMEM : RH_OK))
        fail_msg("%s: allocation %lld refused: status %d: %s", a->name, (long long)at, status, h.error.text);
    int64_t n = h.allocations;
    test_model_release(&m);
    test_host_release(&h);
    return n;
}

/* Every allocation fails once; of very many, a sample (all of the first 60). */
static void check_no_memory(const struct rh_algorithm *a)
{
    int64_t n = run_refusing(a, 0);
    for (int64_t at = 1; at <= n; at += at < 60 ? 1 : 1 + n / 40)
        run_refusing(a, at);
}

static void refused_memory_is_an_error_and_no_more(void **state)
{
    (void)state;
    for_each(check_no_memory);
}

static void check_cancel(const struct rh_algorithm *a)
{
    for (int64_t at = 1; at <= 3; at++) {
        struct test_host h;
        test_host_init(&h, 2, 8);
        struct test_world w;
        make_world(&h, &w);
        h.cancel_at = at;
        struct test_model m;
        int status = test_fit(&h, a, NULL, &w.train, 1, &m);
        assert_int_equal(status, h.ticks >= at ? RH_ECANCEL : RH_OK);
        test_model_release(&m);
        test_host_release(&h);
    }
}

static void cancelling_ends_a_fit(void **state)
{
    (void)state;
    for_each(check_cancel);
}

/* ------------------------------------------------------------------------------------------------ explaining */

static void check_explanations(const struct rh_algorithm *a)
{
    if (!a->explain)
        return;
    struct test_host h;
    test_host_init(&h, 2, 8);
    struct test_world w;
    make_world(&h, &w);
    struct test_model m;
    fit(&h, a, &w.train, &m);
    int found = 0;
    for (int32_t u = 0; u < USERS; u++)
        for (int32_t item = 0; item < ITEMS; item++) {
            int32_t why[4] = { -1, -1, -1, -1 };
            float weight[4] = { NAN, NAN, NAN, NAN };
            int n = a->explain(&h.ctx, m.state, &w.query[u], item, 3, why, weight);
            test_host_scratch_back(&h);
            assert_in_range(n, 0, 3);
            for (int k = 0; k < n; k++) {
                const struct rh_history *x = &w.query[u].history[w.train.target];
                int32_t at = 0;
                while (at < x->n && x->item[at] != why[k])
                    at++;
                assert_true(at < x->n);
                assert_true(isfinite(weight[k]));
                assert_true(k == 0 || weight[k] <= weight[k - 1]);
            }
            assert_int_equal(why[3], -1);
            found += n;
        }
    assert_true(found > 0);
    test_model_release(&m);
    test_host_release(&h);
}

static void explanations_come_from_the_history(void **state)
{
    (void)state;
    for_each(check_explanations);
}

static void the_page_is_what_the_descriptors_say(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct rh_text t = { 0 };
    struct rh_error err = { 0 };
    const char *source = getenv("HARNESS_SOURCE");
    char *page;
    size_t n;
    rh_algorithms_markdown(rh_builtin_algorithms, &t);
    assert_false(t.failed);
    if (rh_read_file(&a, rh_path_join(&a, source ? source : ".", "docs/algorithms.md"), &page, &n, &err) < 0)
        fail_msg("%s", err.text);
    if (strcmp(page, t.s) != 0)
        fail_msg("docs/algorithms.md is old: HARNESS_WRITE_DOCS=docs/algorithms.md tests/unit/plugins");
    rh_text_release(&t);
    rh_arena_release(&a);
}

/* Instead of the tests: the page, into the file of this name. */
static int write_page(const char *path)
{
    struct rh_text t = { 0 };
    struct rh_error err = { 0 };
    rh_algorithms_markdown(rh_builtin_algorithms, &t);
    int status = t.failed ? RH_ENOMEM : rh_write_file(path, t.s, t.n, &err);
    if (status < 0)
        print_error("%s\n", err.text);
    rh_text_release(&t);
    return status < 0;
}

int main(void)
{
    const char *path = getenv("HARNESS_WRITE_DOCS");
    if (path)
        return write_page(path);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptors_are_sane),
        cmocka_unit_test(the_page_is_what_the_descriptors_say),
        cmocka_unit_test(any_history_gives_finite_scores),
        cmocka_unit_test(lists_score_like_full_rankings),
        cmocka_unit_test(batches_and_threads_do_not_matter),
        cmocka_unit_test(fitting_repeats_bit_for_bit),
        cmocka_unit_test(names_of_users_do_not_matter),
        cmocka_unit_test(what_is_not_flagged_is_not_needed),
        cmocka_unit_test(models_live_in_the_memory_of_the_run),
        cmocka_unit_test(saved_models_score_the_same),
        cmocka_unit_test(interrupted_training_goes_on),
        cmocka_unit_test(refused_memory_is_an_error_and_no_more),
        cmocka_unit_test(cancelling_ends_a_fit),
        cmocka_unit_test(explanations_come_from_the_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
