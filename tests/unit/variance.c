/* Variance components against statsmodels' mean squares (tests/oracle/variance.py) and by hand. */
#include "base/arena.h"
#include "base/file.h"
#include "report/variance.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_near(double x, double expected, double tolerance)
{
    if (!(fabs(x - expected) <= tolerance))
        fail_msg("%.17g instead of %.17g", x, expected);
}

static void read_line(const char *text, const char *word, double *out, int n)
{
    const char *at = strstr(text, word);
    assert_non_null(at);
    at += strlen(word);
    for (int i = 0; i < n; i++) {
        char *end;
        out[i] = strtod(at, &end);
        assert_true(end != at);
        at = end;
    }
}

static void agrees_with_statsmodels(void **state)
{
    (void)state;
    enum { SPLITS = 4, INITS = 3, USERS = 6, N = SPLITS * INITS * USERS };
    char path[1000], *text;
    size_t bytes;
    double x[N], expected[5], sum = 0;
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    struct rh_variance v;
    const char *source = getenv("HARNESS_SOURCE");
    snprintf(path, sizeof path, "%s/tests/oracle/variance.expected", source ? source : ".");
    if (rh_read_file(&a, path, &text, &bytes, &err) < 0)
        fail_msg("%s", err.text);
    read_line(text, "values ", x, N);
    read_line(text, "components ", expected, 5);
    rh_variance_of(x, SPLITS, INITS, USERS, &v);
    const double got[] = { v.split, v.init, v.user, v.user_split, v.noise };
    for (int i = 0; i < 5; i++)
        assert_near(got[i], fmax(expected[i], 0), 1e-13);
    for (int i = 0; i < N; i++)
        sum += x[i];
    assert_near(v.mean, sum / N, 1e-15);
    assert_near(v.error * v.error,
                v.split / 4 + v.init / 12 + v.user / 6 + v.user_split / 24 + v.noise / 72, 1e-15);
    rh_arena_release(&a);
}

static void missing_levels_are_not_made_up(void **state)
{
    (void)state;
    struct rh_variance v;
    /* one run of three users 1, 2, 6: variance ((2)^2 + 1 + 3^2) / 2 = 7 */
    rh_variance_of((const double[]){ 1, 2, 6 }, 1, 1, 3, &v);
    assert_true(isnan(v.split) && isnan(v.init) && isnan(v.user_split) && isnan(v.noise));
    assert_near(v.user, 7, 1e-14);
    assert_near(v.error, sqrt(7 / 3.0), 1e-14);
    /* two initialisations that differ by 2 for each of two users who differ by 4: mean squares init 2 * 2 * 1^2 = 4,
     * user 2 * 2 * 2^2 = 16, noise 0; so init 4 / 2 = 2 and user 16 / 2 = 8 */
    rh_variance_of((const double[]){ 1, 5, 3, 7 }, 1, 2, 2, &v);
    assert_true(isnan(v.split) && isnan(v.user_split));
    assert_near(v.noise, 0, 1e-14);
    assert_near(v.init, 2, 1e-14);
    assert_near(v.user, 8, 1e-14);
    /* the same as two splits: their variance is 2, and of the initialisation nothing is known */
    rh_variance_of((const double[]){ 1, 5, 3, 7 }, 2, 1, 2, &v);
    assert_true(isnan(v.init) && isnan(v.noise));
    assert_near(v.split, 2, 1e-14);
    assert_near(v.user, 8, 1e-14);
    assert_near(v.user_split, 0, 1e-14);
    assert_near(v.error, sqrt(2 / 2.0 + 8 / 2.0), 1e-14);
    /* users change places: no variance of splits or users is left, none is negative */
    rh_variance_of((const double[]){ 1, 5, 5, 1 }, 2, 1, 2, &v);
    assert_true(v.split == 0 && v.user == 0);
    assert_near(v.user_split, 16, 1e-14); /* four times 2^2 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_statsmodels),
        cmocka_unit_test(missing_levels_are_not_made_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
