/* A store in a fresh folder, for the tests of the store: include it after cmocka.h. */
#ifndef STOREFILE_H
#define STOREFILE_H

#include "base/arena.h"
#include "base/file.h"
#include "store/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64], path[128];

static inline int fresh_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s/rh-store-XXXXXX", P_tmpdir);
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/results.sqlite", folder);
    return 0;
}

static inline int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static inline struct rh_store *opened(enum rh_store_mode mode)
{
    struct rh_store *s;
    struct rh_error err = { 0 };
    int status = rh_store_open(path, mode, &s, &err);
    if (status != RH_OK)
        print_message("%s\n", err.text);
    assert_int_equal(status, RH_OK);
    return s;
}

static inline int64_t number(struct rh_store *s, const char *sql)
{
    int64_t x;
    struct rh_error err = { 0 };
    if (rh_sql_number(s, &x, -1, &err, sql, "") != RH_OK)
        fail_msg("%s", err.text);
    return x;
}

static inline void assert_text(struct rh_store *s, const char *sql, const char *expected)
{
    struct rh_sql q;
    struct rh_error err = { 0 };
    struct rh_arena a = { 0 };
    assert_int_equal(rh_sql_open(&q, s, &err, sql, ""), RH_OK);
    assert_int_equal(rh_sql_step(&q, &err), RH_OK);
    assert_string_equal(rh_sql_text(&q, 0, &a), expected);
    rh_sql_close(&q);
    rh_arena_release(&a);
}

static inline void assert_refused(enum rh_store_mode mode, int status, const char *words)
{
    struct rh_store *s;
    struct rh_error err = { 0 };
    assert_int_equal(rh_store_open(path, mode, &s, &err), status);
    assert_null(s);
    if (!strstr(err.text, words))
        fail_msg("'%s' does not say '%s'", err.text, words);
}

static inline void write_bytes(const void *bytes, size_t n)
{
    struct rh_error err = { 0 };
    assert_int_equal(rh_write_file(path, bytes, n, &err), RH_OK);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh_folder, remove_folder)

#endif
