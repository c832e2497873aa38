/* Splits over items, windows of time and held-out users, and the keys known and train_core: parts of every row where
 * nothing is drawn, promises where something is, and one sentence for what cannot be. */
#include "splitworld.h"

/* First times: u0 10, u1 15, u2 5, u3 45; a 5, b 25, c 20, d 25. So the newest users are u3, u1; the newest items d, b
 * (equal times: the higher number first). */
static void rows_get_the_expected_part(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *split, *settings;
        int32_t fold;
        const char *parts, *source;
    } cases[] = {
        { "leave_k_out", "k=2", 0, ".t.t .. .tt ..", "...." },
        { "leave_k_out", "k=2 min_history=0", 0, ".t.t tt .tt tt", "...." },
        { "leave_k_out", "k=1 validation=2", 0, ".vvt .t ..t t.", "...." },
        { "leave_k_out", "k=2 order=file", 0, "..tt .. t.t ..", "...." },
        { "cold_items", "fraction=0.25 validation=0.25 by=newest", 0, ".v.t .. .vt ..", "...." },
        /* known times 5 10 15 20 25 25 30 35 40 45: five rows end with 25, which takes its twin along; eight with 35 */
        { "sliding_windows", "windows=2", 0, ".t.- .t ... --", ".-.-" },
        { "sliding_windows", "windows=2", 1, "...t .. ... t-", "...-" },
        { "sliding_windows", "windows=2 train=0.25", 1, "-.-t -. --- t-", "-.--" },
        { "sliding_windows", "windows=2 validation=yes", 1, ".v.t .v ... t-", ".-.-" },
        { "strong_generalisation", "fraction=1 validation=0 visible=0.5 support=first", 0, "stst st sst ts", "...." },
        { "strong_generalisation", "fraction=1 validation=0 visible=1 support=first", 0, "ssst st sst ts", "...." },
        { "strong_generalisation", "fraction=0 validation=1 visible=0 support=first", 0, "vvvv vv vvv vv", "...." },
        { "scenarios", "scenario=warm users=0.25 items=0.5 users_by=newest items_by=newest warm=0 validation=0 k=0 "
          "k_max=0", 0, ".-.- .. .-- --", "...." },
        { "scenarios", "scenario=cold_items users=0.25 items=0.5 users_by=newest items_by=newest warm=0 validation=0",
          0, ".t.t .. .tt --", "...." },
        { "scenarios", "scenario=cold_users users=0.25 items=0.5 users_by=newest items_by=newest warm=0 validation=0 "
          "k=1 k_max=1", 0, ".-.- .. .-- ts", "...." },
        { "scenarios", "scenario=cold_both users=0.75 items=0.5 users_by=newest items_by=newest warm=0 validation=0 "
          "k=1 k_max=1", 0, "-s-t -- .-- --", "...." },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (label(w, cases[i].split, cases[i].settings, 3, cases[i].fold) != RH_OK)
            fail_msg("%s %s: %s", cases[i].split, cases[i].settings, w->err.text);
        if (strcmp(w->parts, cases[i].parts) || strcmp(w->source_label, cases[i].source))
            fail_msg("%s %s: '%s' '%s', expected '%s' '%s'", cases[i].split, cases[i].settings, w->parts,
                     w->source_label, cases[i].parts, cases[i].source);
    }
}

/* int(0.1 * n) rows, and one where that is none but the share is not, while two rows train. */
static void recbole_rounds_down_but_not_to_nothing(void **state)
{
    struct world *w = *state;
    static const int want[4][2] = { { 1, 1 }, { 1, 0 }, { 1, 1 }, { 1, 0 } }; /* of 4, 2, 3, 2 rows */
    assert_int_equal(label(w, "random_ratio", "test=0.1 validation=0.1 rounding=recbole", 1, 0), RH_OK);
    char *rest, *user = strtok_r(w->parts, " ", &rest);
    for (int u = 0; u < 4; u++, user = strtok_r(NULL, " ", &rest)) {
        assert_int_equal(count(user, 't'), want[u][0]);
        assert_int_equal(count(user, 'v'), want[u][1]);
    }
    assert_int_equal(label(w, "random_ratio", "test=0.3 validation=0.3 rounding=recbole", 1, 0), RH_OK);
    assert_int_equal(count(w->label, 't'), 4); /* 1.2, 0.6, 0.9, 0.6 */
}

/* 7 of 11 rows are dealt to three folds, those of a (4) and c (3); b and d have too few. */
static void items_are_dealt_to_folds(void **state)
{
    struct world *w = *state;
    int asked[11] = { 0 };
    for (int fold = 0; fold < 3; fold++) {
        assert_int_equal(label(w, "item_kfold", "folds=3", 9, fold), RH_OK);
        assert_int_equal(count(w->label, 't'), fold ? 2 : 3);
        for (int r = 0; r < 11; r++)
            asked[r] += w->label[r] == 't';
    }
    for (int r = 0; r < 11; r++)
        assert_int_equal(asked[r], w->target->item[r] == 0 || w->target->item[r] == 2);
}

static void what_cannot_be_is_said(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *split, *settings;
        int status;
        const char *says;
    } cases[] = {
        { "leave_k_out", "k=9", RH_EDATA, "leaves no test row: every user has fewer than 10 rows" },
        { "item_kfold", "folds=6", RH_EDATA, "leaves no test row: every item has fewer than folds = 6 rows" },
        { "item_kfold", "folds=2 validation=yes", RH_EINVAL,
          "validation = yes with folds = 2 leaves nothing to train on; it takes 3" },
        { "cold_users", "fraction=0.01 k=1 k_max=1", RH_EDATA,
          "fraction = 0.01 of 4 users with more than k_max rows is none; it takes 0.125 or more" },
        { "overlap", "cold=0.01", RH_EDATA,
          "cold = 0.01 of 2 overlapping users with more than k_max rows is none; it takes 0.25 or more" },
        { "cold_items", "fraction=0.01", RH_EDATA, "fraction = 0.01 of 4 items is none; it takes 0.125 or more" },
        { "cold_items", "fraction=0.75 validation=0.25", RH_EINVAL,
          "fraction + validation = 1 leaves no item to train on; it must be below 1" },
        { "strong_generalisation", "fraction=0.75 validation=0.5", RH_EINVAL,
          "fraction + validation = 1.25 is more than all users" },
        { "strong_generalisation", "fraction=0.01", RH_EDATA,
          "fraction = 0.01 of 4 users with two rows or more is none; it takes 0.125 or more" },
        { "scenarios", "users=1", RH_EINVAL, "users = 1 leaves nobody warm to train on; it must be below 1" },
        { "scenarios", "warm=0.5 validation=0.5", RH_EINVAL,
          "warm + validation = 1 leaves nothing to train on; it must be below 1" },
        { "scenarios", "rows_min=13 rows_max=12", RH_EINVAL, "rows_max = 12 is below rows_min = 13" },
        { "scenarios", "rows_max=10 asked=10", RH_EINVAL,
          "asked = 10 leaves nothing visible of rows_max = 10 rows" },
        { "scenarios", "items=0.01", RH_EDATA, "items = 0.01 of 4 items is none; it takes 0.125 or more" },
        { "sliding_windows", "asked=0", RH_EINVAL, "asked = 0 leaves nothing to ask; it must lie between 0 and 1" },
        { "sliding_windows", "asked=1", RH_EINVAL,
          "asked = 1 leaves nothing to train on in the first window; it must lie between 0 and 1" },
        { "sliding_windows", "windows=100", RH_EDATA,
          "window 1 is empty: too many rows have one time for windows = 100" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(label(w, cases[i].split, cases[i].settings, 1, 0), cases[i].status);
        assert_string_equal(w->err.text, cases[i].says);
    }
    w->target->time = NULL;
    assert_int_equal(label(w, "cold_items", "by=newest", 1, 0), RH_EDATA);
    assert_string_equal(w->err.text, "domain 'main' has no timestamps; write by = random");
}

/* u3, b and d are marked cold. In file order u0 has b and then d of them, u2 b and then d, u3 c and then a. */
static void marks_of_the_data_make_the_scenarios(void **state)
{
    struct world *w = *state;
    static const uint8_t user[] = { 0, 0, 0, 1 }, item[] = { 0, 1, 0, 1 }, all[] = { 1, 1, 1, 1 };
    static const struct {
        const char *settings, *parts;
    } cases[] = {
        { "scenario=cold_items asked=1", ".s.t .. .st --" },
        { "scenario=cold_items asked=1 rows_min=2 rows_max=2", ".s.t .. -st --" }, /* u2 has one warm row */
        { "scenario=cold_items rows_min=2", ".t.t .. -tt --" },
        { "scenario=cold_items asked=1 rows_max=1 rows_min=0 asked=0", "---- -- .-- --" },
        { "scenario=cold_users asked=1", ".-.- .. .-- ts" },
        { "scenario=cold_users asked=1 rows_min=2", ".-.- .. --- ts" },
        { "scenario=cold_users asked=1 rows_min=3", "---- -- --- --" },
        { "scenario=cold_users asked=2", ".-.- .. .-- --" }, /* nothing would be visible */
        { "scenario=cold_both asked=1", ".-.- .. .-- --" },
    };
    char settings[256];
    assert_int_equal(label(w, "scenarios", "users_by=given", 1, 0), RH_EDATA);
    assert_string_equal(w->err.text, "users_by = given: domain 'main' does not say which users are cold; its "
                                     "description needs cold_users or cold_both");
    w->target->cold_user = all;
    w->target->cold_item = item;
    assert_int_equal(label(w, "scenarios", "users_by=given", 1, 0), RH_EDATA);
    assert_string_equal(w->err.text, "users_by = given: domain 'main' calls all 4 users cold");
    w->target->cold_user = user;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(settings, sizeof settings, "users_by=given items_by=given warm=0 validation=0 support=file %s",
                 cases[i].settings);
        if (label(w, "scenarios", settings, 3, 0) != RH_OK)
            fail_msg("%s: %s", settings, w->err.text);
        if (strcmp(w->parts, cases[i].parts))
            fail_msg("%s: '%s', expected '%s'", settings, w->parts, cases[i].parts);
    }
    assert_int_equal(label(w, "scenarios", "scenario=warm users_by=given items_by=given validation=0 asked=1 warm=1",
                           3, 0), RH_EINVAL); /* a share of 1 leaves nothing, whatever is asked */
    assert_int_equal(label(w, "scenarios", "scenario=warm users_by=given items_by=given validation=0 asked=1", 3, 0),
                     RH_OK);
    assert_int_equal(count(w->label, 't'), 2); /* one each of u0 and u1; u2 has only one row of a warm item */
    assert_int_equal(count(w->label, '.'), 3);
}

/* The rows that train and validate are the same in all four; the asked ones are those the name says. */
static void scenarios_share_one_training_set(void **state)
{
    struct world *w = *state;
    static const char *const scenario[] = { "warm", "cold_users", "cold_items", "cold_both" };
    const struct rh_domain_data *t = w->target;
    char got[4][4096];
    bool warm_user[100] = { 0 }, warm_item[100] = { 0 };
    for (int s = 0; s < 4; s++) {
        char setting[64];
        snprintf(setting, sizeof setting, "scenario=%s k=1 k_max=1", scenario[s]);
        assert_int_equal(label(w, "scenarios", setting, 7, 0), RH_OK);
        memcpy(got[s], w->label, sizeof got[s]);
    }
    for (int32_t u = 0; u < t->n_users; u++)
        for (int64_t r = t->row[u]; r < t->row[u + 1]; r++)
            if (got[0][r] == '.')
                warm_user[u] = warm_item[t->item[r]] = true;
    int asked[4] = { 0 };
    for (int32_t u = 0; u < t->n_users; u++)
        for (int64_t r = t->row[u]; r < t->row[u + 1]; r++)
            for (int s = 0; s < 4; s++) {
                assert_int_equal(got[s][r] == '.', got[0][r] == '.');
                assert_int_equal(got[s][r] == 'v', got[0][r] == 'v');
                if (got[s][r] != 't' && got[s][r] != 's')
                    continue;
                assert_int_equal(warm_user[u], s == 0 || s == 2);
                assert_int_equal(warm_item[t->item[r]], s == 0 || s == 1);
                asked[s]++;
            }
    for (int s = 0; s < 4; s++)
        assert_true(asked[s] > 0);
}

static void cold_users_and_items_do_not_train(void **state)
{
    struct world *w = *state;
    const struct rh_domain_data *t = w->target;
    assert_int_equal(label(w, "cold_items", "", 5, 0), RH_OK);
    for (int64_t r = 0; r < t->n_rows; r++)
        for (int64_t q = 0; q < t->n_rows; q++)
            assert_true(t->item[r] != t->item[q] || w->label[r] == w->label[q]);
    assert_int_equal(label(w, "strong_generalisation", "", 5, 0), RH_OK);
    int held = 0;
    for (int32_t u = 0; u < t->n_users; u++) {
        int n[128] = { 0 };
        for (int64_t r = t->row[u]; r < t->row[u + 1]; r++)
            n[(unsigned char)w->label[r]]++;
        held += n['t'] > 0;
        assert_true(!(n['t'] + n['s']) || !(n['.'] + n['v'] + n['w']));
        assert_true(!(n['v'] + n['w']) || !n['.']);
        if (n['t'])
            assert_int_equal(n['s'], (int)(0.8 * (double)(n['s'] + n['t']) + 0.5));
    }
    assert_int_equal(held, 12); /* a fifth of 60 */
}

static struct rh_problem *build(struct world *w, const struct rh_asking *asking)
{
    const struct rh_domain_data *source[] = { w->source };
    struct rh_problem_spec spec = { .name = "p", .target = w->target, .n_sources = 1, .source = source,
                                    .split = rh_split_find("random_ratio"), .seed = 8, .asking = asking };
    struct rh_problem *p = NULL;
    w->err = (struct rh_error){ 0 };
    rh_problem_build(&spec, NULL, &p, &w->err);
    return p;
}

/* 30 users are in both domains, all train. Their source rows stay, with users of their own when not known. */
static void unknown_links_make_strangers(void **state)
{
    struct world *w = *state;
    struct rh_asking asking;
    rh_params_defaults(rh_asking_params, &asking);
    struct rh_problem *all = build(w, &asking);
    assert_int_equal(all->n_shared_users, 30);
    bool before[90] = { 0 };
    for (int i = 0; i <= 2; i++) { /* a larger share knows what a smaller one knows */
        asking.known = 0.5 * i;
        struct rh_problem *p = build(w, &asking);
        assert_non_null(p);
        int shared = 15 * i, n = 0;
        assert_int_equal(p->n_shared_users, shared);
        assert_int_equal(p->unlinked.users, 30 - shared);
        assert_int_equal(p->train.n_users, 90 + 30 - shared);
        assert_int_equal(p->user_id.n, p->train.n_users);
        assert_int_equal(p->test.n, all->test.n);
        assert_int_equal(p->leakage.test_rows, all->leakage.test_rows);
        const int64_t *there = p->train.domain[1].row, *here = p->train.domain[0].row;
        assert_int_equal(there[p->train.n_users], w->source->n_rows);
        for (int32_t u = 0; u < 60; u++) {
            bool linked = there[u] < there[u + 1];
            assert_true(linked || !before[u]);
            before[u] = linked;
            n += linked;
        }
        assert_int_equal(n, shared);
        for (int32_t u = 90; u < p->train.n_users; u++)
            assert_true(here[u] == here[u + 1] && there[u] < there[u + 1]);
        assert_true((strcmp(p->content, all->content) == 0) == (i == 2));
        rh_problem_free(p);
    }
    rh_problem_free(all);
}

static void the_core_trains_and_everyone_is_asked(void **state)
{
    struct world *w = *state;
    struct rh_asking asking;
    rh_params_defaults(rh_asking_params, &asking);
    struct rh_problem *all = build(w, &asking);
    asking.train_core = 9;
    struct rh_problem *p = build(w, &asking);
    assert_non_null(p);
    const struct rh_domain *d = &p->train.domain[0];
    int32_t of_item[100] = { 0 };
    for (int64_t r = 0; r < d->row[p->train.n_users]; r++)
        of_item[d->item[r]]++;
    for (int32_t i = 0; i < d->n_items; i++)
        assert_true(!of_item[i] || of_item[i] >= 9);
    for (int32_t u = 0; u < p->train.n_users; u++)
        assert_true(d->row[u] == d->row[u + 1] || d->row[u + 1] - d->row[u] >= 9);
    assert_true(p->outside_core.rows > 0 && p->outside_core.users > 0);
    assert_int_equal(d->row[p->train.n_users] + p->outside_core.rows, all->train.domain[0].row[all->train.n_users]);
    assert_int_equal(p->leakage.cold_user_train_rows, 0);
    assert_int_equal(p->test.n, all->test.n);
    for (int32_t i = 0; i < p->test.n; i++) { /* who is asked sees all that was seen before */
        assert_int_equal(p->test.query[i].history[0].n, all->test.query[i].history[0].n);
        assert_int_equal(p->test.truth[i].n, all->test.truth[i].n);
        assert_int_equal(p->test.truth[i].n_mask, all->test.truth[i].n_mask);
    }
    rh_problem_free(p);
    rh_problem_free(all);
    asking.train_core = 1000;
    assert_null(build(w, &asking));
    assert_string_equal(w->err.text, "train_core = 1000 leaves nothing to train on in problem 'p': no 1000-core in its "
                                     "train rows");
}

int main(void)
{
#define WITH(world, f) cmocka_unit_test_setup_teardown(f, world, free_world)
    const struct CMUnitTest tests[] = {
        WITH(make_world, rows_get_the_expected_part),
        WITH(make_world, recbole_rounds_down_but_not_to_nothing),
        WITH(make_world, items_are_dealt_to_folds),
        WITH(make_world, what_cannot_be_is_said),
        WITH(make_world, marks_of_the_data_make_the_scenarios),
        WITH(make_random_world, scenarios_share_one_training_set),
        WITH(make_random_world, cold_users_and_items_do_not_train),
        WITH(make_random_world, unknown_links_make_strangers),
        WITH(make_random_world, the_core_trains_and_everyone_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
