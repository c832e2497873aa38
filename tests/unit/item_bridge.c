/* item_bridge: what users of a source alone did with items that the target has, too, trains as the target's rows. */
#include "splitworld.h"

#include <unistd.h>

/* Items in order of appearance: A 0, Bx 1, c 2, B 3. u3 is known to the target as well; zz and yy are not. */
static const struct small_row there[] = {
    { "zz", "A", 5, 1, 0 }, { "zz", "Bx", 2, 2, 0 }, { "zz", "c", 1, 3, 0 },
    { "u3", "A", 4, 9, 0 }, { "yy", "B", 3, 7, 0 },  { "yy", "Bx", 4, RH_NO_TIME, 0 },
};

struct bridged {
    struct world w;
    struct rh_domain_data *other;
    struct rh_asking asking;
    char file[64];
};

static int open_world(void **state)
{
    static struct bridged x;
    void *w;
    x = (struct bridged){ .other = small_domain("other", there, 6, SMALL_VALUE | SMALL_TIME) };
    make_world(&w);
    x.w = *(struct world *)w;
    rh_domain_data_hash(x.other);
    rh_params_defaults(rh_asking_params, &x.asking);
    snprintf(x.file, sizeof x.file, "item_bridge.%d", (int)getpid());
    *state = &x;
    return 0;
}

static int close_world(void **state)
{
    struct bridged *x = *state;
    void *w = &x->w;
    rh_domain_data_free(x->other);
    unlink(x->file);
    return free_world(&w);
}

/* text: of the file; NULL: items of equal ids. */
static struct rh_problem *build(struct bridged *x, const char *text, const char *columns)
{
    const struct rh_domain_data *source[] = { x->other };
    const struct rh_split *split = rh_split_find("leave_one_out");
    struct rh_problem_spec spec = { .name = "p", .target = x->w.target, .n_sources = 1, .source = source,
                                    .split = split, .params = params_of(&x->w, split, "validation=no"), .seed = 8,
                                    .asking = &x->asking };
    struct rh_problem *p = NULL;
    x->asking.item_bridge = text ? x->file : "ids";
    x->asking.item_bridge_columns = columns;
    if (text) {
        FILE *f = fopen(x->file, "w");
        assert_true(f && fputs(text, f) >= 0 && fclose(f) == 0);
    }
    x->w.err = (struct rh_error){ 0 };
    rh_problem_build(&spec, NULL, &p, &x->w.err);
    return p;
}

/* Train rows of the target: a, b, c of u0, a of u1, a, b of u2, c of u3. A is a or d, and a has more of them; two of
 * yy's books are b, and the first in the source's order speaks; the target's own user u3 keeps to the own rows. */
static void rows_come_over_the_bridge(void **state)
{
    struct bridged *x = *state;
    static const char *const file[] = { "ml\tname\tasin\n"
                                        "A\t\td\nA\tlonely\ta\nB\t\tb\nBx\t \tb\nc\tx\t\nQ\t\tc\nA\t\tqq\n",
                                        "A,d\nA,a\n\nB,b\n Bx , b\nc\nQ,c\n" };
    static const char *const columns[] = { "ml asin", "1 2" };
    char content[2][RH_HASH_HEX];
    for (int i = 0; i < 2; i++) {
        struct rh_problem *p = build(x, file[i], columns[i]);
        if (!p)
            fail_msg("%s", x->w.err.text);
        const struct rh_domain *d = &p->train.domain[0];
        static const int64_t row[] = { 0, 3, 4, 6, 7, 9, 10 };
        static const int32_t item[] = { 0, 1, 2, 0, 0, 1, 2, 0, 1, 1 }, seen[] = { 3, 1, 2, 1 };
        assert_int_equal(p->train.n_users, 6);
        assert_memory_equal(d->row, row, sizeof row);
        assert_memory_equal(d->item, item, sizeof item);
        assert_true(d->value[0] == 5 && d->value[7] == 5 && d->value[8] == 2 && d->value[9] == 4);
        assert_true(d->time[0] == 10 && d->time[7] == 1 && d->time[8] == 2 && d->time[9] == RH_NO_TIME);
        for (int r = 0; r < 10; r++)
            for (int q = 0; q < r; q++)
                assert_true(d->order[r] != d->order[q] && (r < 7 || d->order[r] > d->order[q]));
        assert_int_equal(p->bridged.rows, 3);
        assert_int_equal(p->bridged.users, 2);
        assert_int_equal(p->bridged.items, 3);
        assert_int_equal(p->leakage.mask_hits, 0);
        assert_int_equal(p->test.n, 4);
        for (int32_t q = 0; q < p->test.n; q++) /* nobody who is asked sees more than before */
            assert_int_equal(p->test.query[q].history[0].n, seen[q]);
        assert_int_equal(p->train.domain[1].row[6], 6); /* the source stays whole */
        memcpy(content[i], p->content, sizeof content[i]);
        rh_problem_free(p);
    }
    assert_string_equal(content[0], content[1]); /* the same problem by whichever file */
    struct rh_problem *p = build(x, NULL, "1 2");
    assert_non_null(p);
    assert_int_equal(p->bridged.rows, 1); /* c of zz */
    assert_int_equal(p->train.domain[0].item[7], 2);
    assert_string_not_equal(p->content, content[0]);
    rh_problem_free(p);
}

static void refuse(struct bridged *x, const char *text, const char *columns, const char *sentence)
{
    assert_null(build(x, text, columns));
    const char *at = strstr(x->w.err.text, sentence);
    if (!at)
        fail_msg("'%s', expected '%s'", x->w.err.text, sentence);
}

static void a_bridge_that_does_not_hold_is_refused(void **state)
{
    struct bridged *x = *state;
    refuse(x, "A\ta\n", "asin 2", "item_bridge_columns = asin 2: expected the column of the sources' item and");
    refuse(x, "A\ta\n", "0 1", "item_bridge_columns = 0 1: ");
    refuse(x, "A\ta\n", "1", "item_bridge_columns = 1: ");
    refuse(x, "A\ta\n", "1 2 3", "item_bridge_columns = 1 2 3: ");
    refuse(x, "ml\tname\nA\ta\n", "ml asin", ":1: has no column 'asin', which item_bridge_columns names");
    refuse(x, "Q\ta\nA\tqq\n", "1 2", "has nothing to join: of 0 items in common no user of the sources alone has one");
    refuse(x, "", "1 2", "has nothing to join");
    x->other->value_max = 10;
    refuse(x, "A\ta\n", "1 2", "item_bridge: domain 'main' has ratings from 1 to 5, and 'other' has others; rows can "
           "be joined on one scale alone");
    x->other->value = NULL;
    refuse(x, "A\ta\n", "1 2", "and 'other' has none;");
}

static void a_bridge_needs_a_source(void **state)
{
    struct bridged *x = *state;
    x->asking.item_bridge = "ids";
    assert_int_equal(rh_asking_check(&x->asking, 0, &x->w.err), RH_EINVAL);
    assert_string_equal(x->w.err.text, "item_bridge = ids joins the items of a source to those of the target, and "
                                       "there is no source; add 'sources = ...'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_come_over_the_bridge, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_bridge_that_does_not_hold_is_refused, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_bridge_needs_a_source, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
