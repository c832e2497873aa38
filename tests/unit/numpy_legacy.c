/* include/rh/numpy_legacy.h against numpy: tests/oracle/numpy_legacy.values, written by numpy_legacy.py beside it.
 * Every number has to be the same bit for bit. */
#include "base/arena.h"
#include <rh/numpy_legacy.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST 100000

static int32_t number_behind(const char *text)
{
    return (int32_t)strtol(text, NULL, 10);
}

/* Value k of n of a call; a permutation is drawn at its first value. */
static double draw(struct rh_numpy *r, const char *call, int32_t k, int32_t *x)
{
    if (!strcmp(call, "random_sample"))
        return rh_numpy_uniform(r);
    if (!strcmp(call, "standard_normal"))
        return rh_numpy_normal(r);
    if (!strcmp(call, "uniform_2_5"))
        return 2 + (5.0 - 2.0) * rh_numpy_uniform(r);
    if (!strcmp(call, "normal_1_0.1"))
        return 1 + 0.1 * rh_numpy_normal(r);
    if (!strncmp(call, "randint_", 8))
        return rh_numpy_at_most(r, (uint32_t)number_behind(call + 8) - 1);
    int32_t n = number_behind(strchr(call, '_') + 1);
    assert_in_range(n, 1, MOST);
    if (k == 0) {
        for (int32_t i = 0; i < n; i++)
            x[i] = i;
        rh_numpy_shuffle(r, x, n);
    }
    if (!strncmp(call, "permutation_", 12))
        return x[k];
    assert_int_equal(strncmp(call, "shuffle_", 8), 0);
    double sum = 0; /* below 2^53: exact */
    for (int32_t i = 0; i < n; i++)
        sum += (double)x[i] * i;
    return k == 0 ? x[0] : k == 1 ? x[1] : k == 2 ? x[77777] : k == 3 ? x[n - 1] : sum;
}

static void every_number_is_numpys(void **state)
{
    (void)state;
    char path[4096], call[64];
    const char *source = getenv("HARNESS_SOURCE");
    snprintf(path, sizeof path, "%s/tests/oracle/numpy_legacy.values", source ? source : ".");
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    int32_t *x = malloc(MOST * sizeof *x), n, lines = 0;
    assert_non_null(x);
    static struct rh_numpy r;
    unsigned long seed, last = 5; /* no seed of the file */
    while (fscanf(f, "%lu %63s %d", &seed, call, &n) == 3) {
        if (seed != last)
            rh_numpy_seed(&r, (uint32_t)seed);
        last = seed;
        lines++;
        for (int32_t k = 0; k < n; k++) {
            double expected;
            assert_int_equal(fscanf(f, "%lf", &expected), 1);
            double is = draw(&r, call, k, x);
            if (memcmp(&is, &expected, sizeof is) != 0)
                fail_msg("seed %lu, %s, number %d: %.17g, numpy has %.17g", seed, call, k, is, expected);
        }
    }
    assert_int_equal(lines, 4 * 11);
    free(x);
    fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_number_is_numpys) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
