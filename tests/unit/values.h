/* Reads tests/oracle/NAME: lines "name count v v ...", computed by independent implementations. */
#ifndef RH_TESTS_VALUES_H
#define RH_TESTS_VALUES_H

#include "base/file.h"
#include "testhost.h"

#include <stdlib.h>
#include <string.h>

struct values {
    const char *file;
    char *text;
    size_t n;
};

static inline struct values read_values(struct test_host *h, const char *file)
{
    struct values all = { .file = file };
    const char *source = getenv("HARNESS_SOURCE");
    struct rh_error err = { 0 };
    char *path = rh_path_join(&h->own, source ? source : ".", file);
    if (rh_read_file(&h->own, path, &all.text, &all.n, &err) < 0)
        fail_msg("%s", err.text);
    return all;
}

/* out[n]; fails where the line is missing or has another number of values. */
static inline void find(const struct values *all, const char *name, double *out, int64_t n)
{
    size_t length = strlen(name);
    const char *line = all->text;
    while (line && !(strncmp(line, name, length) == 0 && line[length] == ' ')) {
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    if (!line)
        fail_msg("%s has no '%s'", all->file, name);
    char *at = (char *)(uintptr_t)line + length;
    assert_int_equal(strtoll(at, &at, 10), n);
    for (int64_t i = 0; i < n; i++) {
        char *end;
        out[i] = strtod(at, &end);
        assert_ptr_not_equal(at, end);
        at = end;
    }
}

#endif
