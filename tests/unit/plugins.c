/* What every built-in algorithm promises, checked on each entry of the generated table: whoever adds an algorithm
 * gets these tests for nothing. Here: the descriptor, and what a fitted model does; one fit serves them all. See
 * plugins_fits.c for fits, plugins_faults.c for what goes wrong. */
#include "pluginworld.h"

#include "base/file.h"
#include "base/param.h"
#include "plugin/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ALL_FLAGS ((1u << 12) - 1)

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
    for_each_algorithm(check_descriptor);
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

/* --------------------------------------------------------------------------------------------- fitted models */

/* A fitted model of each algorithm. The tests leave it as it is. */
struct subject {
    struct test_host host;
    struct test_world world;
    struct test_model model;
    float score[USERS * ITEMS]; /* of all queries in one batch */
};
static struct subject *subject;
static int n_subjects;

static int fit_all(void **state)
{
    (void)state;
    while (rh_builtin_algorithms[n_subjects])
        n_subjects++;
    subject = calloc((size_t)n_subjects, sizeof *subject);
    if (!subject)
        return -1;
    for (int i = 0; i < n_subjects; i++) {
        struct subject *s = &subject[i];
        test_host_init(&s->host, 2, 8);
        make_world(&s->host, &s->world);
        if (test_fit(&s->host, rh_builtin_algorithms[i](), NULL, &s->world.train, EPOCHS, &s->model) < 0 ||
            test_score(&s->host, &s->model, s->world.query, USERS, USERS, s->score, ITEMS) < 0) {
            print_error("%s: %s\n", s->model.algorithm->name, s->host.error.text);
            return -1;
        }
    }
    return 0;
}

static int release_all(void **state)
{
    (void)state;
    for (int i = 0; i < n_subjects; i++) {
        test_model_release(&subject[i].model);
        test_host_release(&subject[i].host);
    }
    free(subject);
    return 0;
}

static void for_each_model(void (*body)(struct subject *s))
{
    for (int i = 0; i < n_subjects; i++) {
        print_message("# %s\n", subject[i].model.algorithm->name);
        body(&subject[i]);
    }
}

/* ------------------------------------------------------------------------------------------------ scoring */

static void check_histories(struct subject *s)
{
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
        test_query_with(&s->host, &s->world.train, USERS - 2, ITEMS, every, rating), /* a cold user: all of it */
        test_query_with(&s->host, &s->world.train, 3, 1, every + ITEMS - 1, rating), /* one item */
    };
    score_queries(&s->host, &s->model, q, 4, 4, out); /* finite is checked there */
}

static void any_history_gives_finite_scores(void **state)
{
    (void)state;
    for_each_model(check_histories);
}

/* A list asks for the same scores as a full ranking, in any order and more than once; rounding may differ a little,
 * as products of matrices of other shapes round otherwise. */
static void check_candidates(struct subject *s)
{
    static float listed[USERS * ITEMS], expected[USERS * ITEMS];
    static const int32_t list[] = { 31, 0, 7, 7, 18 };
    struct rh_query q[USERS];
    for (int32_t u = 0; u < USERS; u++) {
        q[u] = s->world.query[u];
        if (u % 3 == 0)
            continue; /* full rankings and lists in one batch */
        q[u].candidate = list + u % 2;
        q[u].n_candidates = 5 - u % 2;
    }
    score_queries(&s->host, &s->model, q, USERS, 9, listed);
    for (int32_t u = 0; u < USERS; u++)
        for (int32_t c = 0; c < ITEMS; c++) {
            int32_t at = u * ITEMS + c;
            bool asked = c < q[u].n_candidates;
            expected[at] = asked ? s->score[u * ITEMS + (q[u].candidate ? q[u].candidate[c] : c)] : 0;
            listed[at] = asked ? listed[at] : 0;
        }
    assert_near(expected, listed, USERS * ITEMS, "list and full ranking");
}

static void lists_score_like_full_rankings(void **state)
{
    (void)state;
    for_each_model(check_candidates);
}

static void check_batches(struct subject *s)
{
    static float alone[USERS * ITEMS], parallel[USERS * ITEMS];
    s->host.threads = 1;
    score_queries(&s->host, &s->model, s->world.query, USERS, 1, alone);
    assert_near(alone, s->score, USERS * ITEMS, "batch of one and of all");
    s->host.threads = 4;
    score_queries(&s->host, &s->model, s->world.query, USERS, 1, parallel);
    s->host.threads = 2;
    assert_same(alone, parallel, USERS * ITEMS, "one thread and four");
    score_queries(&s->host, &s->model, s->world.query, USERS, 1, parallel);
    assert_same(alone, parallel, USERS * ITEMS, "first time and again");
}

static void batches_and_threads_do_not_matter(void **state)
{
    (void)state;
    for_each_model(check_batches);
}

/* ------------------------------------------------------------------------------------------------- memory, files */

/* All that a model knows lies in the memory of the run: when that is put back, so are its scores. */
static void check_snapshot(struct subject *s)
{
    static float later[USERS * ITEMS], again[USERS * ITEMS];
    const struct rh_algorithm *a = s->model.algorithm;
    if (!a->epoch)
        return;
    struct rh_snapshot kept = { 0 };
    assert_true(rh_snapshot_take(&kept, &s->host.run));
    double loss = NAN;
    int status = a->epoch(&s->host.ctx, s->model.state, EPOCHS + 1, &loss);
    test_host_scratch_back(&s->host);
    if (status < 0)
        fail_msg("%s: epoch %d: %s", a->name, EPOCHS + 1, s->host.error.text);
    assert_true(isfinite(loss));
    score_queries(&s->host, &s->model, s->world.query, USERS, USERS, later);
    rh_snapshot_restore(&kept, &s->host.run);
    score_queries(&s->host, &s->model, s->world.query, USERS, USERS, again);
    assert_same(s->score, again, USERS * ITEMS, "snapshot and restored");
    if (status != RH_DONE)
        assert_true(memcmp(s->score, later, sizeof later) != 0);
    rh_snapshot_release(&kept);
}

static void models_live_in_the_memory_of_the_run(void **state)
{
    (void)state;
    for_each_model(check_snapshot);
}

/* A saved model, loaded on a state of zeros instead of a fit, scores as the fitted one: score needs nothing else. What
 * is loaded has a host of its own, so that it cannot lean on the fitted one's memory. */
static void check_saving(struct subject *s)
{
    static float loaded[USERS * ITEMS];
    const struct rh_algorithm *a = s->model.algorithm;
    struct rh_saved saved;
    struct test_host h;
    struct test_world w;
    test_host_init(&h, 2, 8);
    make_world(&h, &w);
    struct test_model other = { .algorithm = a, .state = rh_alloc(&h.run, a->state_size, 1) };
    assert_non_null(other.state);
    int status = test_params(&h, a, NULL, &other.params);
    if (test_save(&s->host, &s->model, &s->world.train, 0, &saved) < 0)
        fail_msg("%s: %s", a->name, s->host.error.text);
    if (status >= 0)
        status = test_load(&h, &other, &w.train, 0, false, &saved);
    if (status < 0)
        fail_msg("%s: status %d: %s", a->name, status, h.error.text);
    rh_saved_release(&saved);
    score_queries(&h, &other, w.query, USERS, USERS, loaded);
    assert_same(s->score, loaded, USERS * ITEMS, "saved and loaded");
    test_model_release(&other);
    test_host_release(&h);
}

static void saved_models_score_the_same(void **state)
{
    (void)state;
    for_each_model(check_saving);
}

/* ------------------------------------------------------------------------------------------------ explaining */

static void check_explanations(struct subject *s)
{
    const struct rh_algorithm *a = s->model.algorithm;
    if (!a->explain)
        return;
    int found = 0;
    for (int32_t u = 0; u < USERS; u++)
        for (int32_t item = 0; item < ITEMS; item++) {
            int32_t why[4] = { -1, -1, -1, -1 };
            float weight[4] = { NAN, NAN, NAN, NAN };
            int n = a->explain(&s->host.ctx, s->model.state, &s->world.query[u], item, 3, why, weight);
            test_host_scratch_back(&s->host);
            if (n == RH_EUNSUP) { /* with other settings it does */
                assert_true(s->host.error.text[0]);
                s->host.error = (struct rh_error){ 0 };
                return;
            }
            assert_in_range(n, 0, 3);
            for (int k = 0; k < n; k++) {
                const struct rh_history *x = &s->world.query[u].history[s->world.train.target];
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
}

static void explanations_come_from_the_history(void **state)
{
    (void)state;
    for_each_model(check_explanations);
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
        cmocka_unit_test(models_live_in_the_memory_of_the_run),
        cmocka_unit_test(saved_models_score_the_same),
        cmocka_unit_test(explanations_come_from_the_history),
    };
    return cmocka_run_group_tests(tests, fit_all, release_all);
}
