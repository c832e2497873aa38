/* Built-in algorithms by name; apart from testhost.c, so that a test can do without the built-ins. */
#include "testhost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

extern const struct rh_algorithm *(*const rh_builtin_algorithms[])(void);

const struct rh_algorithm *test_algorithm(const char *name)
{
    for (size_t i = 0; rh_builtin_algorithms[i]; i++) {
        const struct rh_algorithm *a = rh_builtin_algorithms[i]();
        if (strcmp(a->name, name) == 0)
            return a;
    }
    fail_msg("no algorithm is called '%s'", name);
    return NULL;
}
