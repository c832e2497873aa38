/* run/provenance: what a run says about where it came from. */
#include <config.h>

#include "base/text.h"
#include "run/provenance.h"

#include <gsl/gsl_version.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char *value_of(const struct rh_key_value *list, int32_t n, const char *key)
{
    for (int32_t i = 0; i < n; i++)
        if (!strcmp(list[i].key, key))
            return list[i].value;
    fail_msg("no key %s", key);
    return NULL;
}

static void tells_program_libraries_and_machine(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    struct rh_key_value *list = NULL;
    int32_t n = 0;
    assert_int_equal(rh_provenance(&a, 17, &list, &n, &err), RH_OK);
    assert_int_equal(n, 16);
    for (int32_t i = 0; i < n; i++) {
        assert_true(list[i].value[0] != 0);
        assert_false(list[i].swept);
        for (int32_t j = 0; j < i; j++)
            assert_string_not_equal(list[i].key, list[j].key);
    }
    assert_string_equal(value_of(list, n, "program"), PACKAGE_STRING);
    assert_string_equal(value_of(list, n, "threads"), "17");
    assert_string_equal(value_of(list, n, "gsl"), GSL_VERSION);
    assert_string_equal(value_of(list, n, "sqlite"), SQLITE_VERSION);
    assert_non_null(strstr(value_of(list, n, "openblas"), "OpenBLAS"));
    assert_non_null(strstr(value_of(list, n, "libarchive"), "libarchive"));
    assert_non_null(strstr(value_of(list, n, "compiler"), "."));
    assert_non_null(strstr(value_of(list, n, "flags"), "-ffp-contract=off"));

    struct utsname host;
    assert_int_equal(uname(&host), 0);
    assert_non_null(strstr(value_of(list, n, "kernel"), host.release));

    int64_t cpus = 0, memory = 0;
    assert_true(rh_parse_int(value_of(list, n, "cpus"), &cpus));
    assert_in_range(cpus, 1, 65536);
    assert_true(rh_parse_int(value_of(list, n, "memory"), &memory));
    FILE *f = fopen("/proc/meminfo", "r");
    long long kilobytes = 0;
    if (f) { /* the kernel's own account of the same pages */
        assert_int_equal(fscanf(f, "MemTotal: %lld kB", &kilobytes), 1);
        fclose(f);
        assert_int_equal(memory, kilobytes * 1024);
    }
    rh_arena_release(&a);
}

static void commit_is_one_word(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct rh_key_value *list = NULL;
    int32_t n = 0;
    assert_int_equal(rh_provenance(&a, 1, &list, &n, NULL), RH_OK);
    const char *commit = value_of(list, n, "commit");
    assert_in_range(strlen(commit), 7, 100);
    assert_int_equal(strspn(commit, "0123456789abcdefghijklmnopqrstuvwxyz.-"), strlen(commit));
    rh_arena_release(&a);
}

static void lack_of_memory_is_an_error(void **state)
{
    (void)state;
    int failed = 0;
    for (size_t limit = 64; limit < 2000; limit += 64) {
        struct rh_arena a = { .limit = limit };
        struct rh_error err = { 0 };
        struct rh_key_value *list = NULL;
        int32_t n = 0;
        int status = rh_provenance(&a, 1, &list, &n, &err);
        if (status == RH_ENOMEM) {
            assert_null(list);
            assert_non_null(strstr(err.text, "provenance"));
            failed++;
        } else {
            assert_int_equal(status, RH_OK);
        }
        rh_arena_release(&a);
    }
    assert_true(failed > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_program_libraries_and_machine),
        cmocka_unit_test(commit_is_one_word),
        cmocka_unit_test(lack_of_memory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
