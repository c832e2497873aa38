/* What every built-in algorithm promises when things go wrong (see plugins.c): memory that is refused, an interruption,
 * a file with wrong numbers in it. A very small world, for each of them is tried at every place. */
#include "pluginworld.h"

#include "base/hash.h"
#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static float out[USERS * ITEMS];

/* Fits, scores and gives back, on one thread; the status of the first that failed. */
static int run(struct test_host *h, const struct rh_algorithm *a, int64_t fail_at, int64_t cancel_at)
{
    struct test_world w;
    struct test_model m;
    test_host_init(h, 1, 8);
    make_small_world(h, &w);
    h->fail_at = fail_at;
    h->cancel_at = cancel_at;
    int status = test_fit(h, a, NULL, &w.train, 1, &m);
    if (status >= 0)
        status = test_score(h, &m, w.query, w.n_queries, w.n_queries, out, ITEMS);
    test_model_release(&m);
    test_host_release(h);
    return status;
}

/* Every allocation fails once. */
static void check_no_memory(const struct rh_algorithm *a)
{
    struct test_host h;
    int status = run(&h, a, 0, 0);
    if (status < 0)
        fail_msg("%s: %s", a->name, h.error.text);
    int64_t n = h.allocations;
    for (int64_t at = 1; at <= n; at++)
        if ((status = run(&h, a, at, 0)) != RH_ENOMEM)
            fail_msg("%s: allocation %lld of %lld refused: status %d: %s", a->name, (long long)at, (long long)n,
                     status, h.error.text);
}

static void refused_memory_is_an_error_and_no_more(void **state)
{
    (void)state;
    for_each_algorithm(check_no_memory);
}

/* Interrupted at every tick, and given back as it is then. */
static void check_cancel(const struct rh_algorithm *a)
{
    struct test_host h;
    run(&h, a, 0, 0);
    int64_t n = h.ticks;
    for (int64_t at = 1; at <= n; at++) {
        int status = run(&h, a, 0, at);
        if (status != RH_ECANCEL)
            fail_msg("%s: cancelled at tick %lld of %lld: status %d", a->name, (long long)at, (long long)n, status);
    }
}

static void cancelling_ends_a_fit(void **state)
{
    (void)state;
    for_each_algorithm(check_cancel);
}

/* Makes the checksum right, so that what is behind it is reached. */
static void seal(struct rh_saved *s)
{
    struct rh_hash hash;
    char hex[RH_HASH_HEX];
    rh_hash_init(&hash);
    rh_hash_bytes(&hash, s->bytes, s->n - 64);
    rh_hash_hex(&hash, hex);
    memcpy(s->bytes + s->n - 64, hex, 64);
}

/* A model file with a right checksum and a wrong number in it, wherever that is: refused, or it scores something; no
 * memory but its own is read, which a crash here or a sanitizer shows. */
static void check_wrong_files(const struct rh_algorithm *a)
{
    static const uint32_t wrong[] = { 0x7fffffff, 0xffffffff, 0x00000400, 0x80000000 };
    struct test_host h;
    struct test_world w;
    struct test_model m;
    struct rh_saved saved;
    test_host_init(&h, 1, 8);
    make_small_world(&h, &w);
    if (test_fit(&h, a, NULL, &w.train, 1, &m) < 0 || test_save(&h, &m, &w.train, 0, &saved) < 0)
        fail_msg("%s: %s", a->name, h.error.text);
    size_t step = saved.n / 256 / 4 * 4 + 4;
    for (size_t at = 8; at + 68 < saved.n; at += step) {
        struct test_host other;
        struct test_world same;
        uint32_t was;
        test_host_init(&other, 1, 8);
        make_small_world(&other, &same);
        struct test_model loaded = { .algorithm = a, .params = m.params,
                                     .state = rh_alloc(&other.run, a->state_size, 1) };
        memcpy(&was, saved.bytes + at, sizeof was);
        memcpy(saved.bytes + at, &wrong[at / step % 4], sizeof was);
        seal(&saved);
        if (test_load(&other, &loaded, &same.train, 0, false, &saved) >= 0)
            test_score(&other, &loaded, same.query, same.n_queries, 3, out, ITEMS);
        memcpy(saved.bytes + at, &was, sizeof was);
        test_model_release(&loaded);
        test_host_release(&other);
    }
    rh_saved_release(&saved);
    test_model_release(&m);
    test_host_release(&h);
}

static void wrong_files_do_no_harm(void **state)
{
    (void)state;
    for_each_algorithm(check_wrong_files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_memory_is_an_error_and_no_more),
        cmocka_unit_test(cancelling_ends_a_fit),
        cmocka_unit_test(wrong_files_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
