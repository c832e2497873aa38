/* The plugins of tests/plugins, which make check builds as modules: each loads, has the one entry point, needs no
 * symbol of the host, and does the one thing it is there for. And an algorithm of the program, built as a module
 * from the same source, gives the same bits. */
#include "testhost.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define USERS 30
#define ITEMS 20

/* The descriptor of a module; it stays loaded. */
static const struct rh_algorithm *load(const char *name)
{
    char path[4096];
    const char *build = getenv("HARNESS_BUILD");
    snprintf(path, sizeof path, "%s/tests/plugins/%s.so", build ? build : ".", name);
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!module)
        fail_msg("%s", dlerror());
    const struct rh_algorithm *(*entry)(void);
    *(void **)&entry = dlsym(module, "rh_algorithm_entry");
    if (!entry)
        fail_msg("%s has no entry point: %s", path, dlerror());
    const struct rh_algorithm *a = entry();
    assert_non_null(a);
    assert_string_equal(a->name, name);
    return a;
}

/* Fits and scores everybody; the first status that is not success, or RH_OK. */
static int run(struct test_host *h, const struct rh_algorithm *a, const char *settings, float *out)
{
    struct test_world w;
    test_world(h, &(struct test_world_spec){ .n_users = USERS, .n_warm = USERS, .n_items = ITEMS, .n_domains = 1,
                                              .n_tastes = 3, .rows = 8, .noise = 0.4, .seed = 61 }, &w);
    struct test_model m;
    int status = test_fit(h, a, settings, &w.train, -1, &m);
    if (status >= 0)
        status = test_score(h, &m, w.query, USERS, 7, out, ITEMS);
    test_model_release(&m);
    return status;
}

static void check(const char *name, const char *settings, int expected, const char *text)
{
    static float out[USERS * ITEMS];
    struct test_host h;
    test_host_init(&h, 2, 8);
    assert_int_equal(run(&h, load(name), settings, out), expected);
    assert_string_equal(h.error.text, text);
    test_host_release(&h);
}

static void modules_do_what_they_are_for(void **state)
{
    (void)state;
    check("null", "", RH_OK, "");
    check("nan", "", RH_ENUMERIC, "query 0, candidate 19: score nan");
    check("nan", "value = inf", RH_ENUMERIC, "query 0, candidate 19: score inf");
    check("nan", "value = nothing", RH_EBUG, "query 0, candidate 19: left out");
    check("failing", "", RH_EDATA, "nothing can be learned from this");
    check("failing", "where = check", RH_EINVAL, "these parameters do not go together");
    check("failing", "where = epoch", RH_ENUMERIC, "the loss has left the earth");
    check("failing", "where = score", RH_ENUMERIC, "this query has no answer");
    check("failing", "where = score; silent = yes", RH_ENUMERIC, "");
    check("failing", "where = nowhere", RH_OK, "");
    check("crowded", "", RH_ENOMEM, "");
    check("crowded", "overflow = yes", RH_ENOMEM, "");
    check("crowded", "megabytes = 1", RH_OK, "");
    check("slow", "seconds = 0.002", RH_OK, "");
    assert_int_equal(load("wrong_abi")->abi, RH_ABI + 1);
}

static void slow_can_be_interrupted(void **state)
{
    (void)state;
    static float out[USERS * ITEMS];
    struct test_host h;
    test_host_init(&h, 1, 8);
    h.cancel_at = 3;
    assert_int_equal(run(&h, load("slow"), "seconds = 1000", out), RH_ECANCEL);
    assert_int_equal(h.ticks, 3);
    test_host_release(&h);
}

static void one_source_two_linkages(void **state)
{
    (void)state;
    static float linked[USERS * ITEMS], loaded[USERS * ITEMS];
    struct test_host h;
    test_host_init(&h, 2, 8);
    const struct rh_algorithm *module = load("itemknn"), *builtin = test_algorithm("itemknn");
    assert_ptr_not_equal(module, builtin);
    assert_int_equal(run(&h, builtin, "neighbors = 4", linked), RH_OK);
    assert_int_equal(run(&h, module, "neighbors = 4", loaded), RH_OK);
    assert_memory_equal(linked, loaded, sizeof linked);
    int not_zero = 0;
    for (int i = 0; i < USERS * ITEMS; i++)
        not_zero += loaded[i] != 0;
    assert_true(not_zero > USERS);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modules_do_what_they_are_for),
        cmocka_unit_test(slow_can_be_interrupted),
        cmocka_unit_test(one_source_two_linkages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
