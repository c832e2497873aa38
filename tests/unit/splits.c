/* Every split on a domain written by hand, with the expected part of every row; then what holds for all splits. */
#include "splitworld.h"

static void fixed_splits_label_as_expected(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *split, *settings, *parts, *source;
    } cases[] = {
        /* u2's b and d have the same time: d is later in the file. u3's row of unknown time is never the newest. */
        { "leave_one_out", "", ".v.t .t .vt t.", "...." },
        { "leave_one_out", "order=file validation=no", "...t .t t.. t.", "...." },
        { "leave_one_out", "min_history=2", ".v.t .. ..t ..", "...." },
        { "leave_one_out", "min_history=0 order=file", "..vt vt t.v tv", "...." },
        /* Times 5 10 15 20 25 25 30 35 40 45: the fifth is 25 and takes its twin along, the seventh is 30. The source
         * keeps x24 and x1; rows are u3 x24 y26, zz x1, u1 y(unknown). */
        { "global_time", "train=0.5 validation=0.2", ".v.t .t ... t-", ".-.-" },
        /* the unknown one is the oldest of eleven: the sixth (5.5 rounded) is 25, the eighth 30 */
        { "global_time", "train=0.5 validation=0.2 unknown=train", ".v.t .t ... t.", ".-.." },
        { "global_time", "train=0.5 validation=0.2 new_users=no", ".v.t .t ... --", ".-.-" },
        { "global_time", "train=0.5 validation=0", ".t.t .t ... t-", ".-.-" },
        { "global_time", "train_before=25 validation_before=36", ".v.t .v .vv t-", ".-.-" },
        { "global_time", "train_before=20", ".ttt .t .tt t-", "--.-" },
        { "global_time", "train_before=1970-01-01", "tttt tt ttt t-", "----" },
        { "predefined", "", ".t.v .- ..t t.", "...." },
        { "predefined", "other=train", ".t.v .. ..t t.", "...." },
        { "cold_users", "fraction=1 validation=0 k=1 k_max=1", "sttt st stt ts", "...." },
        { "cold_users", "fraction=1 validation=0 k=0 k_max=1", "-ttt -t -tt t-", "...." },
        { "cold_users", "fraction=1 validation=0 k=2 k_max=2", "stst .. sst ..", "...." },
        { "cold_users", "fraction=1 validation=0 k=1 k_max=2", "st-t .. s-t ..", "...." },
        { "cold_users", "fraction=0 validation=1 k=1 k_max=1", "wvvv wv wvv vw", "...." },
        { "cold_users", "fraction=1 validation=0 k=1 k_max=1 support=file", "sttt st tst ts", "...." },
        { "overlap", "cold=1 validation=0", ".... tt ... tt", "...." },
        { "overlap", "cold=1 validation=0 source_rows=2", ".... .. ... tt", "...." },
        { "overlap", "cold=1 validation=0 k=1 k_max=1", ".... st ... ts", "...." },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (label(w, cases[i].split, cases[i].settings, 3, 0) != RH_OK)
            fail_msg("%s %s: %s", cases[i].split, cases[i].settings, w->err.text);
        if (strcmp(w->parts, cases[i].parts) || strcmp(w->source_label, cases[i].source))
            fail_msg("%s %s: '%s' '%s', expected '%s' '%s'", cases[i].split, cases[i].settings, w->parts,
                     w->source_label, cases[i].parts, cases[i].source);
    }
}

static void days_are_counted_right(void **state)
{
    struct world *w = *state;
    static const struct { /* seconds by date -u -d DAY +%s */
        const char *day;
        int64_t second;
    } days[] = { { "2000-02-29", 951782400 }, { "2000-03-01", 951868800 }, { "2023-12-31", 1703980800 },
                 { "1900-03-01", -2203891200 }, { "1969-12-31", -86400 } };
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        int64_t *time = (int64_t *)w->target->time;
        char setting[64];
        for (int r = 0; r < 11; r++)
            time[r] = days[i].second + (r - 5) * 3600;
        snprintf(setting, sizeof setting, "train_before=%s", days[i].day);
        assert_int_equal(label(w, "global_time", setting, 1, 0), RH_OK);
        assert_string_equal(w->label, ".....tttttt");
    }
}

static void random_shares_are_exact(void **state)
{
    struct world *w = *state;
    bool differs = false;
    char first[12] = "";
    for (uint64_t seed = 1; seed <= 20; seed++) {
        assert_int_equal(label(w, "random_ratio", "test=0.5 validation=0.25", seed, 0), RH_OK);
        /* 4 rows: 2 and 1; 2 rows: 1 and none, one must train; 3 rows: 1.5 rounded up, none; 2 rows: 1 */
        const int want[4][2] = { { 2, 1 }, { 1, 0 }, { 2, 0 }, { 1, 0 } };
        char *rest, *user = strtok_r(w->parts, " ", &rest);
        for (int u = 0; u < 4; u++, user = strtok_r(NULL, " ", &rest)) {
            assert_int_equal(count(user, 't'), want[u][0]);
            assert_int_equal(count(user, 'v'), want[u][1]);
        }
        if (seed == 1)
            memcpy(first, w->label, sizeof first);
        differs |= strcmp(first, w->label) != 0;
        assert_int_equal(label(w, "random_ratio", "test=0.5 validation=0.25 scope=all", seed, 0), RH_OK);
        assert_int_equal(count(w->label, 't'), 6);
        assert_int_equal(count(w->label, 'v'), 2);
        assert_int_equal(label(w, "leave_one_out", "order=random", seed, 0), RH_OK);
        assert_int_equal(count(w->label, 't'), 4);
        assert_int_equal(count(w->label, 'v'), 2);
        assert_int_equal(label(w, "predefined", "validation=0.5", seed, 0), RH_OK);
        assert_int_equal(count(w->label, 'v'), 3); /* u0's given one and one of two, one of u2's two */
        assert_int_equal(label(w, "cold_users", "fraction=0.5 validation=0.25 k=1 k_max=1", seed, 0), RH_OK);
        assert_int_equal(count(w->label, 's'), 2);
        assert_int_equal(count(w->label, 'w'), 1);
        assert_int_equal(label(w, "overlap", "cold=0.5 validation=0.5", seed, 0), RH_OK);
        assert_true(!strcmp(w->parts, ".... vv ... tt") || !strcmp(w->parts, ".... tt ... vv"));
    }
    assert_true(differs);
}

static void folds_are_parts_of_one_whole(void **state)
{
    struct world *w = *state;
    int test[11] = { 0 };
    char next[12] = "";
    for (int fold = 2; fold >= 0; fold--) {
        assert_int_equal(label(w, "kfold", "folds=3 validation=yes", 5, fold), RH_OK);
        assert_int_equal(count(w->label, 't'), fold < 2 ? 4 : 3);
        for (int r = 0; r < 11; r++) {
            test[r] += w->label[r] == 't';
            if (*next)
                assert_int_equal(next[r] == 't', w->label[r] == 'v');
        }
        memcpy(next, w->label, sizeof next);
    }
    for (int r = 0; r < 11; r++)
        assert_int_equal(test[r], 1);
    int asked = 0, support = 0;
    for (int fold = 0; fold < 2; fold++) {
        assert_int_equal(label(w, "user_kfold", "folds=2 k=1 k_max=1", 5, fold), RH_OK);
        asked += count(w->label, 't');
        support += count(w->label, 's');
        assert_int_equal(count(w->label, 's'), 2);
    }
    assert_int_equal(asked, 7);
    assert_int_equal(support, 4);
}

/* numpy 1.26: x = arange(11); RandomState(0).shuffle(x) gives 4 9 2 10 6 1 7 8 3 0 5, which KFold cuts into blocks of
 * 4, 4 and 3. The rows u0: a b c d, u1: a c, u2: a b d, u3: a c stand in the file at 0 1 2 3, 4 5, 8 6 7, 10 9. */
static void folds_in_the_order_of_numpy(void **state)
{
    struct world *w = *state;
    static const char *const expected[] = { "..t. t. ... tt", ".t.. .. ttt ..", "t..t .t ... .." };
    static const int32_t order[] = { 9, 5, 2, 8, 0, 10, 7, 4, 6, 3, 1 };
    for (int fold = 0; fold < 3; fold++)
        for (uint64_t seed = 1; seed < 3; seed++) { /* the experiment's seed does not matter */
            assert_int_equal(label(w, "kfold", "folds=3 order=numpy_legacy", seed, fold), RH_OK);
            assert_string_equal(w->parts, expected[fold]);
            assert_memory_equal(w->order, order, sizeof order);
        }
    assert_int_equal(label(w, "kfold", "folds=3", 1, 0), RH_OK);
    assert_memory_equal(w->order, w->target->position, sizeof order);
}

static void a_sweep_over_k_asks_the_same_rows(void **state)
{
    struct world *w = *state;
    char asked[12] = "";
    for (int k = 0; k <= 2; k++) {
        char setting[80];
        snprintf(setting, sizeof setting, "fraction=0.5 validation=0.5 support=random k=%d k_max=2", k);
        assert_int_equal(label(w, "cold_users", setting, 11, 0), RH_OK);
        for (int r = 0; r < 11; r++) {
            if (!k)
                asked[r] = w->label[r] == 't' || w->label[r] == 'v' ? w->label[r] : ' ';
            else
                assert_int_equal(asked[r], w->label[r] == 't' || w->label[r] == 'v' ? w->label[r] : ' ');
        }
    }
}

static void impossible_settings_are_refused(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *split, *settings;
        int status;
        const char *says;
    } cases[] = {
        { "random_ratio", "test=0.5 validation=0.5", RH_EINVAL,
          "test + validation = 1 leaves nothing to train on; it must be below 1" },
        { "leave_one_out", "min_history=4", RH_EDATA, "leaves no test row: every user has fewer than 5 rows" },
        { "global_time", "train=0.75 validation=0.25", RH_EINVAL,
          "train + validation = 1 leaves nothing to ask; it must be below 1" },
        { "global_time", "validation_before=3", RH_EINVAL, "validation_before needs train_before too" },
        { "global_time", "train_before=2001-02-29", RH_EINVAL,
          "train_before = 2001-02-29 is not an instant: expected YYYY-MM-DD, or unix seconds (not milliseconds) from "
          "-62135596800 to 253402300799" },
        { "global_time", "train_before=1388534400000", RH_EINVAL,
          "train_before = 1388534400000 is not an instant: expected YYYY-MM-DD, or unix seconds (not milliseconds) "
          "from -62135596800 to 253402300799" },
        { "global_time", "train_before=30 validation_before=20", RH_EINVAL,
          "validation_before = 20 is earlier than train_before = 30" },
        { "cold_users", "k=7 k_max=5", RH_EINVAL,
          "k = 7 is larger than k_max = 5; raise k_max (the asked rows are those after the first k_max, so that they "
          "are the same for every k)" },
        { "cold_users", "fraction=0.9 validation=0.25", RH_EINVAL,
          "fraction + validation = 1.15 is more than all users" },
        { "cold_users", "k_max=5", RH_EDATA, "no user that could be held out has more than k_max = 5 rows" },
        { "overlap", "cold=0.75 validation=0.5", RH_EINVAL,
          "cold + validation = 1.25 is more than all overlapping users" },
        { "overlap", "source_rows=3", RH_EDATA,
          "no user has 3 or more rows in a source: the domains share no such user" },
        { "kfold", "folds=2 validation=yes", RH_EINVAL,
          "validation = yes with folds = 2 leaves nothing to train on; it takes 3" },
        { "user_kfold", "folds=2 validation=yes", RH_EINVAL,
          "validation = yes with folds = 2 leaves nobody to train on; it takes 3" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(label(w, cases[i].split, cases[i].settings, 1, 0), cases[i].status);
        assert_string_equal(w->err.text, cases[i].says);
    }
    w->source->time = NULL;
    assert_int_equal(label(w, "global_time", "", 1, 0), RH_EDATA);
    assert_int_equal(label(w, "global_time", "unknown=train", 1, 0), RH_OK);
    w->target->time = NULL;
    assert_int_equal(label(w, "cold_users", "k=1 k_max=1", 1, 0), RH_EDATA);
    assert_string_equal(w->err.text, "domain 'main' has no timestamps; write support = file for the order of the "
                                     "source files, or support = random");
    assert_int_equal(label(w, "cold_users", "k=0 k_max=0", 1, 0), RH_OK);
}

/* ------------------------------------------------------------------------------- what holds for all splits */

static bool contains(const int32_t *x, int32_t n, int32_t item)
{
    for (int32_t i = 0; i < n; i++)
        if (x[i] == item)
            return true;
    return false;
}

static void ascending(const int32_t *x, int32_t n, int32_t below)
{
    for (int32_t i = 0; i < n; i++) {
        assert_in_range(x[i], 0, below - 1);
        assert_true(!i || x[i - 1] < x[i]);
    }
}

static int64_t check_queries(const struct rh_problem *p, const struct rh_queries *q)
{
    int64_t asked = 0;
    for (int32_t i = 0; i < q->n; i++) {
        const struct rh_query *query = &q->query[i];
        const struct rh_truth *truth = &q->truth[i];
        int32_t n_items = p->train.domain[0].n_items;
        assert_true(!i || q->query[i - 1].user < query->user);
        assert_int_equal(query->n_candidates, n_items);
        assert_true(truth->n > 0);
        ascending(truth->item, truth->n, n_items);
        ascending(truth->mask, truth->n_mask, n_items);
        for (int32_t d = 0; d < p->train.n_domains; d++)
            ascending(query->history[d].item, query->history[d].n, p->train.domain[d].n_items);
        for (int32_t k = 0; k < truth->n; k++) {
            assert_false(contains(truth->mask, truth->n_mask, truth->item[k]));
            assert_false(contains(query->history[0].item, query->history[0].n, truth->item[k]));
        }
        for (int32_t k = 0; k < query->history[0].n; k++)
            assert_true(contains(truth->mask, truth->n_mask, query->history[0].item[k]));
        asked += truth->n;
    }
    return asked;
}

static void every_split_keeps_the_promises(void **state)
{
    struct world *w = *state;
    int n = 0;
    for (const struct rh_split *const *s = rh_splits(); *s; s++, n++) {
        const struct rh_split *split = *s;
        assert_ptr_equal(rh_split_find(split->name), split);
        assert_true(split->summary && *split->summary && split->reference && *split->reference && split->revision);
        if (rh_params_sane(split->params, split->params_size, &w->err) < 0)
            fail_msg("%s: %s", split->name, w->err.text);
        void *params = params_of(w, split, "");
        if (split->check)
            assert_int_equal(split->check(params, &w->err), RH_OK);
        int32_t folds = split->folds ? split->folds(params) : 1;
        for (int32_t fold = 0; fold < folds; fold++) {
            char again[4096];
            assert_int_equal(label(w, split->name, "", 12345, fold), RH_OK);
            memcpy(again, w->label, sizeof again);
            assert_int_equal(label(w, split->name, "", 12345, fold), RH_OK);
            assert_string_equal(w->label, again);

            const struct rh_domain_data *source[] = { w->source };
            struct rh_problem_spec spec = { .name = split->name, .target = w->target, .n_sources = 1,
                                            .source = source, .split = split, .params = params, .seed = 12345,
                                            .fold = fold };
            struct rh_problem *p, *twin;
            if (rh_problem_build(&spec, NULL, &p, &w->err) < 0)
                fail_msg("%s: %s", split->name, w->err.text);
            spec.name = "another";
            spec.params = NULL; /* the defaults */
            assert_int_equal(rh_problem_build(&spec, NULL, &twin, &w->err), RH_OK);
            assert_string_equal(p->content, twin->content);
            rh_problem_free(twin);

            assert_int_equal(check_queries(p, &p->test), count(w->label, 't'));
            assert_int_equal(check_queries(p, &p->validation), count(w->label, 'v'));
            assert_int_equal(p->train.domain[0].row[p->train.n_users], count(w->label, '.'));
            assert_int_equal(p->n_unused, count(w->label, '-'));
            assert_int_equal(p->leakage.train_rows, count(w->label, '.'));
            assert_int_equal(p->leakage.test_rows, count(w->label, 't'));
            assert_int_equal(p->leakage.mask_hits, 0);
            assert_int_equal(p->leakage.cold_user_train_rows, 0);
            if (split->needs_time) {
                assert_int_equal(p->leakage.future_pairs, 0);
                assert_int_equal(p->leakage.test_rows_before_train, 0);
                assert_int_equal(p->leakage.future_source_rows, 0);
            }
            assert_int_equal(p->train.n_users, 90);
            rh_problem_free(p);
        }
        struct rh_problem_spec spec = { .name = split->name, .target = w->target, .split = split, .params = params,
                                        .fold = folds };
        struct rh_problem *p;
        w->err = (struct rh_error){ 0 };
        assert_int_equal(rh_problem_build(&spec, NULL, &p, &w->err), RH_EINVAL);
    }
    assert_int_equal(n, 14);
    assert_null(rh_split_find("leave_two_out"));
}

/* The part of each (user, item) by a split that draws nothing does not depend on the order of the file. */
static void file_order_changes_nothing_but_ties(void **state)
{
    struct world *w = *state;
    static const char *const settings[][2] = {
        { "leave_one_out", "" }, { "global_time", "" }, { "global_time", "unknown=train new_users=no" },
        { "predefined", "other=train" }, { "cold_users", "fraction=1 validation=0 k=1 k_max=1" },
        { "overlap", "cold=1 validation=0 k=1 k_max=1" },
    };
    struct small_row rows[11];
    memcpy(rows, main_rows, sizeof rows);
    rows[7].time = 26; /* u2's two rows at one time are no longer tied */
    struct rh_domain_data *d[2], *hand_made = w->target;
    d[0] = small_domain("main", rows, 11, SMALL_VALUE | SMALL_TIME | SMALL_GIVEN);
    for (int r = 0; r < 11; r++) /* 7 r + 3 runs through all of 11 */
        rows[r] = main_rows[(7 * r + 3) % 11];
    for (int r = 0; r < 11; r++)
        if (rows[r].time == 25 && *rows[r].item == 'd')
            rows[r].time = 26;
    d[1] = small_domain("main", rows, 11, SMALL_VALUE | SMALL_TIME | SMALL_GIVEN);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        char part[2][4][4]; /* by the numbers in the names of users and items */
        memset(part, ' ', sizeof part);
        for (int k = 0; k < 2; k++) {
            w->target = d[k];
            assert_int_equal(label(w, settings[i][0], settings[i][1], 7, 0), RH_OK);
            for (int32_t u = 0; u < 4; u++)
                for (int64_t r = d[k]->row[u]; r < d[k]->row[u + 1]; r++)
                    part[k][rh_string(&d[k]->user_id, u)[1] - '0'][*rh_string(&d[k]->item_id, d[k]->item[r]) - 'a'] =
                        w->label[r];
        }
        if (memcmp(part[0], part[1], sizeof part[0]))
            fail_msg("%s %s: the order of the file matters", settings[i][0], settings[i][1]);
    }
    w->target = hand_made;
    rh_domain_data_free(d[0]);
    rh_domain_data_free(d[1]);
}

/* The count by sorting equals the count by looking at all pairs. */
static void future_pairs_equal_a_plain_count(void **state)
{
    struct world *w = *state;
    assert_int_equal(label(w, "random_ratio", "", 4, 0), RH_OK);
    const struct rh_domain_data *t = w->target;
    int64_t pairs = 0, later = 0;
    for (int64_t a = 0; a < t->n_rows; a++)
        for (int64_t b = 0; b < t->n_rows; b++)
            if (w->label[a] == 't' && w->label[b] == '.' && t->time[a] != RH_NO_TIME && t->time[b] != RH_NO_TIME) {
                pairs++;
                later += t->time[b] > t->time[a];
            }
    struct rh_problem_spec spec = { .name = "p", .target = t, .split = rh_split_find("random_ratio"), .seed = 4 };
    struct rh_problem *p;
    assert_int_equal(rh_problem_build(&spec, NULL, &p, &w->err), RH_OK);
    assert_int_equal(p->leakage.future_pairs_sampled, pairs);
    assert_int_equal(p->leakage.future_pairs, later);
    assert_true(later > 0);
    rh_problem_free(p);
}

int main(void)
{
#define WITH(world, f) cmocka_unit_test_setup_teardown(f, world, free_world)
    const struct CMUnitTest tests[] = {
        WITH(make_world, fixed_splits_label_as_expected),
        WITH(make_world, days_are_counted_right),
        WITH(make_world, random_shares_are_exact),
        WITH(make_world, folds_are_parts_of_one_whole),
        WITH(make_world, folds_in_the_order_of_numpy),
        WITH(make_world, a_sweep_over_k_asks_the_same_rows),
        WITH(make_world, impossible_settings_are_refused),
        WITH(make_world, file_order_changes_nothing_but_ties),
        WITH(make_random_world, every_split_keeps_the_promises),
        WITH(make_random_world, future_pairs_equal_a_plain_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
