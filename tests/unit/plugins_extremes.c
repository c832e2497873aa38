/* What every built-in algorithm promises about its parameters (see plugins.c): with each number at either end of its
 * range it learns and scores something finite, or it refuses with a sentence that names the parameter. A learning rate
 * at its largest is what shows: with plain gradient descent, where that is a choice, nearly every model diverges. */
#include "pluginworld.h"

#include "base/param.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LONGER 4 /* epochs: enough for what diverges to leave the range of numbers */

static float out[USERS * ITEMS];

static int run(const struct rh_algorithm *a, const char *settings, struct rh_error *why)
{
    struct test_host h;
    struct test_world w;
    struct test_model m = { 0 };
    test_host_init(&h, 1, 8);
    make_small_world(&h, &w);
    void *params;
    int status = test_params(&h, a, settings, &params);
    if (status >= 0 && a->check)
        status = a->check(&h.ctx, params);
    if (status >= 0) {
        status = test_fit(&h, a, settings, &w.train, LONGER, &m);
        if (status >= 0)
            status = test_score(&h, &m, w.query, w.n_queries, w.n_queries, out, ITEMS);
        test_model_release(&m);
    }
    *why = h.error;
    why->status = status;
    test_host_release(&h);
    return status;
}

/* Does the sentence help? A rate that is too large is named; what diverges because another number is wild may name any
 * parameter to change. Scores that are not finite are refused by the host, which names the rates. */
static bool helps(const struct rh_algorithm *a, const struct rh_param *changed, const struct rh_error *why)
{
    size_t n = strlen(changed->name);
    bool rate = n >= 4 && !strcmp(changed->name + n - 4, "rate"), named = strstr(why->text, changed->name);
    for (const struct rh_param *p = a->params; p->type != RH_P_END && !rate; p++)
        named |= strstr(why->text, p->name) != NULL;
    return named || (rate && why->status == RH_ENUMERIC && !strncmp(why->text, "query ", 6));
}

static int wrong;

static void check_settings(const struct rh_algorithm *a, const struct rh_param *p, const char *settings)
{
    struct rh_error why;
    int status = run(a, settings, &why);
    if (status >= 0 || helps(a, p, &why))
        return;
    wrong++;
    print_error("%s with %s: status %d: %s\n", a->name, settings, status, why.text);
}

static void check_ends(const struct rh_algorithm *a)
{
    const struct rh_param *optimizer = rh_param_find(a->params, "optimizer");
    for (const struct rh_param *p = a->params; p->type != RH_P_END; p++) {
        char number[32], settings[120];
        if (p->type != RH_P_REAL)
            continue;
        for (int end = 0; end < 2; end++) {
            snprintf(settings, sizeof settings, "%s = %s", p->name, rh_real_text(end ? p->max : p->min, number));
            check_settings(a, p, settings);
            if (!optimizer || !end)
                continue;
            snprintf(settings, sizeof settings, "%s = %s; optimizer = sgd", p->name, number);
            check_settings(a, p, settings);
        }
    }
}

static void numbers_at_their_ends_do_no_harm(void **state)
{
    (void)state;
    for_each_algorithm(check_ends);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_at_their_ends_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
