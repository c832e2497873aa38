/* distill: what the teacher says is learned, and nothing of it where its share is 0. */
#include "testhost.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define USERS 90
#define WARM 60
#define ITEMS 120
static const struct test_world_spec spec = { .n_users = USERS,
                                             .n_warm = WARM,
                                             .n_items = ITEMS,
                                             .n_domains = 3,
                                             .n_tastes = 6,
                                             .rows = 20,
                                             .support = 4,
                                             .noise = 0.3,
                                             .ratings = true,
                                             .seed = 5 };

struct told {
    double warm, cold;         /* AUC */
    float score[USERS * ITEMS];
};

static void fit(const char *name, const char *settings, int32_t epochs, struct told *out)
{
    struct test_host h;
    struct test_world w;
    struct test_model m;
    test_host_init(&h, 1, 23);
    test_world(&h, &spec, &w);
    if (test_fit(&h, test_algorithm(name), settings, &w.train, epochs, &m) < 0)
        fail_msg("%s", h.error.text);
    out->warm = test_world_auc(&h, &w, &m, 0, WARM);
    out->cold = test_world_auc(&h, &w, &m, WARM, USERS);
    assert_int_equal(test_score(&h, &m, w.query, USERS, USERS, out->score, ITEMS), RH_OK);
    test_model_release(&m);
    test_host_release(&h);
}

/* Mean over the users of the correlation of two models' scores of the items. */
static double agreement(const struct told *x, const struct told *y)
{
    double sum = 0;
    for (int u = 0; u < USERS; u++) {
        const float *a = x->score + u * ITEMS, *b = y->score + u * ITEMS;
        double ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;
        for (int i = 0; i < ITEMS; i++) {
            ma += (double)a[i] / ITEMS;
            mb += (double)b[i] / ITEMS;
        }
        for (int i = 0; i < ITEMS; i++) {
            ab += ((double)a[i] - ma) * ((double)b[i] - mb);
            aa += ((double)a[i] - ma) * ((double)a[i] - ma);
            bb += ((double)b[i] - mb) * ((double)b[i] - mb);
        }
        sum += ab / sqrt(aa * bb) / USERS;
    }
    return sum;
}

/* With the whole of the loss from a teacher that has never learned from the target's rows, the student comes to rank as
 * that teacher does, which is `pretrain` as it is; by itself it does not. */
static void the_student_ranks_as_it_is_told(void **state)
{
    (void)state;
    static struct told teacher, told, half, alone;
    fit("pretrain", "mode = direct; source_epochs = 12", 1, &teacher);
    fit("distill", "teach = sources; teacher_epochs = 12; share = 1; temperature = 1", 24, &told);
    fit("distill", "teach = sources; teacher_epochs = 12; share = 0.5; temperature = 1", 24, &half);
    fit("distill", "share = 0", 24, &alone);
    double a = agreement(&teacher, &told), b = agreement(&teacher, &half), c = agreement(&teacher, &alone);
    print_message("# agreement with the teacher: told %.3f, half %.3f, alone %.3f\n", a, b, c);
    assert_true(a > 0.9 && a > b + 0.02 && b > c + 0.02);
}

/* A teacher of any size, who has seen both domains, is enough to learn from. */
static void learns(void **state)
{
    (void)state;
    static const char *const settings[] = { "", "share = 1", "share = 1; teacher_factors = 8; teacher_hidden = 12",
                                            "teach = sources; share = 0.2; temperature = 5; item_ids = no" };
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        static struct told x;
        fit("distill", settings[i], 24, &x);
        print_message("# %s: warm %.3f, cold %.3f\n", settings[i], x.warm, x.cold);
        assert_true(x.warm > 0.74 && x.cold > 0.74);
    }
}

static void no_share_is_no_teacher(void **state)
{
    (void)state;
    static struct told x, y, z;
    fit("distill", "share = 0", 2, &x);
    fit("distill", "share = 0; teach = sources; temperature = 9; teacher_factors = 4", 2, &y);
    fit("distill", "share = 0.001", 2, &z);
    assert_memory_equal(x.score, y.score, sizeof x.score);
    assert_memory_not_equal(x.score, z.score, sizeof x.score);
}

static void a_teacher_of_width_one_is_refused(void **state)
{
    (void)state;
    struct test_host h;
    struct test_world w;
    struct test_model m;
    test_host_init(&h, 1, 23);
    test_world(&h, &spec, &w);
    assert_int_equal(test_fit(&h, test_algorithm("distill"), "teacher_factors = 1", &w.train, 1, &m), RH_EINVAL);
    assert_string_equal(h.error.text, "distill: teacher_factors = 1 is too narrow; 2 or more, or 0 for the student's");
    test_model_release(&m);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_student_ranks_as_it_is_told),
        cmocka_unit_test(learns),
        cmocka_unit_test(no_share_is_no_teacher),
        cmocka_unit_test(a_teacher_of_width_one_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
