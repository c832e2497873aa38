/* Comparing with a file of tests/golden. With GOLDEN_UPDATE=1 in the environment the file is written anew: look at
 * the difference before committing it. */
#ifndef RH_TEST_GOLDEN_H
#define RH_TEST_GOLDEN_H

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_golden(const char *name, const char *text)
{
    char path[1000], *expected;
    size_t n;
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    const char *source = getenv("HARNESS_SOURCE");
    snprintf(path, sizeof path, "%s/tests/golden/%s", source ? source : ".", name);
    if (getenv("GOLDEN_UPDATE"))
        assert_int_equal(rh_write_file(path, text, strlen(text), &err), RH_OK);
    if (rh_read_file(&a, path, &expected, &n, &err) < 0)
        fail_msg("%s", err.text);
    if (strcmp(text, expected)) {
        size_t same = 0;
        while (text[same] && text[same] == expected[same])
            same++;
        size_t start = same > 60 ? same - 60 : 0;
        fail_msg("%s differs at byte %zu:\n... %.120s\ninstead of\n... %.120s", name, same, text + start,
                 expected + start);
    }
    rh_arena_release(&a);
}

#endif
