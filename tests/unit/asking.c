/* split/asking, candidates, candidate_file, sampled, placebo: the candidates of queries and the shuffled problems. */
#include "base/param.h"
#include "small.h"
#include "split/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

enum { TR = RH_GIVEN_TRAIN, TE = RH_GIVEN_TEST };

/* Items a b c d e are 0 .. 4. Train: a b c (a twice, b twice, c once). Test: c d e b. */
static const struct small_row rows[] = {
    { "ann", "a", 5, 0, TR }, { "ann", "b", 4, 0, TR }, { "ann", "c", 3, 0, TE }, { "ann", "d", 3, 0, TE },
    { "bob", "a", 4, 0, TR }, { "bob", "c", 2, 0, TR }, { "bob", "e", 2, 0, TE }, { "cy", "b", 1, 0, TR },
    { "dee", "c", 1, 0, TR }, { "dee", "b", 1, 0, TE },
};
/* Shared users: ann bob cy, with 3, 1 and 2 source rows; zoe is not shared. */
static const struct small_row source_rows[] = {
    { "ann", "x", 1, 0, 0 }, { "ann", "y", 1, 0, 0 }, { "ann", "z", 1, 0, 0 }, { "bob", "x", 1, 0, 0 },
    { "cy", "y", 1, 0, 0 },  { "cy", "z", 1, 0, 0 },  { "zoe", "x", 1, 0, 0 },
};

struct world {
    struct rh_domain_data *target, *source;
    struct rh_asking asking;
    struct rh_error err;
};

static int make_world(void **state)
{
    static struct world w;
    const char *genre[] = { "red", "red blue", "", "blue", "green" };
    const char *other[] = { "red", "green", "blue green" };
    w = (struct world){ .target = small_domain("movies", rows, 10, SMALL_VALUE | SMALL_GIVEN),
                        .source = small_domain("books", source_rows, 7, 0) };
    struct rh_block *block = small_take(w.target, 1, sizeof *block);
    *block = small_block(w.target, "genre", "red blue green", genre, 5);
    w.target->item_block = block;
    w.target->n_item_blocks = 1;
    block = small_take(w.source, 1, sizeof *block);
    *block = small_block(w.source, "genre", "red blue green", other, 3);
    w.source->item_block = block;
    w.source->n_item_blocks = 1;
    rh_domain_data_hash(w.target);
    rh_domain_data_hash(w.source);
    assert_int_equal(rh_domain_data_check(w.target, &w.err), RH_OK);
    rh_params_defaults(rh_asking_params, &w.asking);
    *state = &w;
    return 0;
}

static int free_world(void **state)
{
    struct world *w = *state;
    rh_domain_data_free(w->target);
    rh_domain_data_free(w->source);
    return 0;
}

static struct rh_problem *build(struct world *w)
{
    const struct rh_domain_data *source[] = { w->source };
    struct rh_problem_spec spec = { .name = "p", .target = w->target, .n_sources = 1, .source = source,
                                    .split = rh_split_find("predefined"), .seed = 5, .asking = &w->asking };
    struct rh_problem *p = NULL;
    w->err = (struct rh_error){ 0 };
    if (rh_problem_build(&spec, NULL, &p, &w->err) < 0)
        assert_null(p);
    return p;
}

#define ASSERT_INTS(array, n, ...)                                                                             \
    do {                                                                                                       \
        const int32_t want_[] = { __VA_ARGS__ };                                                               \
        assert_int_equal(n, sizeof want_ / sizeof *want_);                                                     \
        assert_memory_equal(array, want_, sizeof want_);                                                       \
    } while (0)
#define ASSERT_CANDIDATES(q, ...) ASSERT_INTS((q).candidate, (q).n_candidates, __VA_ARGS__)

static void universes_are_what_their_names_say(void **state)
{
    struct world *w = *state;
    struct rh_problem *p = build(w);
    char all[RH_HASH_HEX];
    assert_non_null(p);
    assert_null(p->test.query[0].candidate);
    assert_int_equal(p->not_candidates.rows, 0);
    memcpy(all, p->content, sizeof all);
    rh_problem_free(p);

    w->asking.candidates = RH_UNIVERSE_TRAIN;
    assert_non_null(p = build(w));
    for (int32_t i = 0; i < p->test.n; i++)
        ASSERT_CANDIDATES(p->test.query[i], 0, 1, 2);
    assert_true(strcmp(p->content, all)); /* another problem */
    /* out: ann's d and bob's e; bob is left with nothing, ann has c */
    assert_string_equal(p->not_candidates.step, "candidates = train");
    assert_int_equal(p->not_candidates.rows, 2);
    assert_int_equal(p->not_candidates.items, 2);
    assert_int_equal(p->not_candidates.users, 1);
    rh_problem_free(p);

    w->asking.candidates = RH_UNIVERSE_TEST;
    assert_non_null(p = build(w));
    ASSERT_CANDIDATES(p->test.query[0], 1, 2, 3, 4);
    assert_int_equal(p->not_candidates.rows, 0);
    rh_problem_free(p);
    w->asking.candidates = RH_UNIVERSE_UNION;
    assert_non_null(p = build(w));
    ASSERT_CANDIDATES(p->test.query[1], 0, 1, 2, 3, 4);
    rh_problem_free(p);
    w->asking.candidates = RH_UNIVERSE_OVERLAP;
    assert_non_null(p = build(w));
    ASSERT_CANDIDATES(p->test.query[2], 1, 2);
    assert_int_equal(p->not_candidates.rows, 2);
    rh_problem_free(p);

    w->asking.candidates = RH_UNIVERSE_HELD_OUT;
    assert_non_null(p = build(w));
    for (int32_t i = 0; i < p->test.n; i++) {
        assert_int_equal(p->test.query[i].n_candidates, p->test.truth[i].n);
        assert_memory_equal(p->test.query[i].candidate, p->test.truth[i].item,
                            (size_t)p->test.truth[i].n * sizeof(int32_t));
    }
    rh_problem_free(p);
}

static const char *write_lists(const char *text)
{
    static char path[64];
    snprintf(path, sizeof path, "candidates.%d", (int)getpid());
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    return path;
}

static struct rh_problem *build_with(struct world *w, int candidates, const char *text)
{
    w->asking.candidates = candidates;
    w->asking.candidates_file = write_lists(text);
    struct rh_problem *p = build(w);
    unlink(w->asking.candidates_file);
    return p;
}

static void files_name_candidates(void **state)
{
    struct world *w = *state;
    struct rh_problem *p = build_with(w, RH_UNIVERSE_FILE, "e\nc\n\nc\nb\n");
    assert_non_null(p);
    ASSERT_CANDIDATES(p->test.query[0], 1, 2, 4);
    ASSERT_CANDIDATES(p->test.query[2], 1, 2, 4);
    assert_int_equal(p->not_candidates.rows, 1); /* ann's d */
    rh_problem_free(p);

    p = build_with(w, RH_UNIVERSE_FILE, "dee\tb\nann\td\nann\tc\nbob\te\nbob\tb\nann\te\n");
    assert_non_null(p);
    ASSERT_CANDIDATES(p->test.query[0], 2, 3, 4);
    ASSERT_CANDIDATES(p->test.query[1], 1, 4);
    ASSERT_CANDIDATES(p->test.query[2], 1);
    rh_problem_free(p);

    p = build_with(w, RH_UNIVERSE_FILE, "(ann, c)\td\te\n(bob,e)\td\n(dee,b)\tb\ta\n");
    assert_non_null(p);
    ASSERT_CANDIDATES(p->test.query[0], 3, 4); /* the pair in front is no candidate */
    ASSERT_CANDIDATES(p->test.query[2], 0, 1);
    rh_problem_free(p);
}

static void refuse(struct world *w, int candidates, const char *text, const char *sentence)
{
    assert_null(build_with(w, candidates, text));
    char want[400];
    snprintf(want, sizeof want, "%s%s", w->asking.candidates_file, sentence);
    assert_string_equal(w->err.text, want);
}

static void bad_files_are_refused(void **state)
{
    struct world *w = *state;
    refuse(w, RH_UNIVERSE_FILE, "a\nq\n", ":2: item 'q' is not one of the 5 items of domain 'movies'");
    refuse(w, RH_UNIVERSE_FILE, "eve\ta\n", ":1: user 'eve' is not one of the 4 users of domain 'movies'");
    refuse(w, RH_UNIVERSE_FILE, "ann\ta\nb\n", ":2: the lines before are of the form USER<tab>ITEM, this one is not");
    refuse(w, RH_UNIVERSE_FILE, "ann\ta\tb\n", ":1: expected a user and an item, separated by a tab");
    refuse(w, RH_UNIVERSE_FILE, "\n", ": names no candidate");
    refuse(w, RH_UNIVERSE_FILE, "ann\tc\n", " gives no candidate to user 'bob', who is asked");
}

static void negatives_are_strangers(void **state)
{
    struct world *w = *state;
    w->asking.candidates = RH_UNIVERSE_SAMPLED;
    w->asking.negatives = 2;
    struct rh_problem *p = build(w);
    assert_non_null(p);
    assert_null(p->test.query[0].candidate); /* the full queries stay */
    assert_int_equal(p->sampled.queries.n, 3);
    /* ann knows a b c d: only e is left */
    ASSERT_CANDIDATES(p->sampled.queries.query[0], 2, 3, 4);
    assert_int_equal(p->sampled.drawn[0], 1);
    assert_int_equal(p->sampled.pool[0], 1);
    /* bob knows a c e: b and d */
    ASSERT_CANDIDATES(p->sampled.queries.query[1], 4, 1, 3);
    assert_int_equal(p->sampled.pool[1], 2);
    /* dee knows c b: two of a d e */
    assert_int_equal(p->sampled.drawn[2], 2);
    assert_int_equal(p->sampled.pool[2], 3);
    assert_int_equal(p->sampled.queries.query[2].candidate[0], 1);
    rh_problem_free(p);

    /* by popularity items without a train row are never drawn: dee can only get a */
    w->asking.negatives_by = RH_NEGATIVES_POPULARITY;
    assert_null(build(w)); /* and ann nothing at all */
    assert_string_equal(w->err.text, "user 'ann' of problem 'p' gets no negative: there is no other item");

    w->asking.negatives_by = RH_NEGATIVES_UNIFORM;
    p = build_with(w, RH_UNIVERSE_SAMPLED, "(ann,c)\te\ta\n(bob,e)\tb\n(dee,b)\td\ta\n");
    assert_non_null(p);
    ASSERT_CANDIDATES(p->sampled.queries.query[0], 2, 3, 4); /* a is known to ann */
    ASSERT_CANDIDATES(p->sampled.queries.query[1], 4, 1);
    ASSERT_CANDIDATES(p->sampled.queries.query[2], 1, 0, 3);
    rh_problem_free(p);
}

enum { CROWD = 600, SHELF = 12 };

/* Each of 600 users has one train and one test row. Sum of (drawn - expected)^2 / expected over the 12 items; expected
 * is, over the users that may get the item, negatives x weight / weights of all they may get (for one negative, or for
 * equal weights). */
static double badness(struct world *w, int64_t negatives, int by)
{
    static char user[CROWD][8], item[SHELF][4];
    static struct small_row crowd[2 * CROWD];
    double drawn[SHELF] = { 0 }, expected[SHELF] = { 0 }, weight[SHELF] = { 0 }, sum = 0;
    for (int i = 0; i < SHELF; i++)
        snprintf(item[i], sizeof item[i], "%c", 'a' + i);
    for (int u = 0; u < CROWD; u++) {
        int train = u % 3 ? u % SHELF : u % 4; /* some items twice as often as others, some never */
        snprintf(user[u], sizeof user[u], "u%d", u % 1000);
        crowd[2 * u] = (struct small_row){ user[u], item[train], 1, 0, TR };
        crowd[2 * u + 1] = (struct small_row){ user[u], item[(train + 1 + u % 5) % SHELF], 1, 0, TE };
    }
    struct rh_domain_data *target = small_domain("crowd", crowd, 2 * CROWD, SMALL_GIVEN);
    struct rh_problem *p = NULL;
    rh_domain_data_hash(target);
    w->asking.candidates = RH_UNIVERSE_SAMPLED;
    w->asking.negatives = negatives;
    w->asking.negatives_by = by;
    struct rh_problem_spec spec = { .name = "p", .target = target, .split = rh_split_find("predefined"), .seed = 3,
                                    .asking = &w->asking };
    assert_int_equal(rh_problem_build(&spec, NULL, &p, &w->err), RH_OK);
    const struct rh_domain *view = &p->train.domain[0];
    for (int64_t r = 0; r < view->row[p->train.n_users]; r++)
        weight[view->item[r]]++;
    for (int i = 0; i < SHELF && by == RH_NEGATIVES_UNIFORM; i++)
        weight[i] = 1;
    for (int32_t q = 0; q < p->test.n; q++) {
        const struct rh_query *query = &p->sampled.queries.query[q];
        bool known[SHELF] = { false };
        double all = 0;
        known[p->test.truth[q].item[0]] = known[query->history[0].item[0]] = true;
        assert_int_equal(p->sampled.drawn[q], negatives);
        assert_int_equal(p->sampled.pool[q], SHELF - 2);
        for (int i = 0; i < SHELF; i++)
            all += known[i] ? 0 : weight[i];
        for (int i = 0; i < SHELF; i++)
            expected[i] += known[i] ? 0 : (double)negatives * weight[i] / all;
        for (int32_t c = query->n_candidates - p->sampled.drawn[q]; c < query->n_candidates; c++) {
            assert_false(known[query->candidate[c]]);
            known[query->candidate[c]] = true; /* none twice */
            drawn[query->candidate[c]]++;
        }
    }
    for (int i = 0; i < SHELF; i++) {
        if (expected[i] > 0)
            sum += (drawn[i] - expected[i]) * (drawn[i] - expected[i]) / expected[i];
        else
            assert_true(drawn[i] == 0); /* nobody's favourite */
    }
    rh_problem_free(p);
    rh_domain_data_free(target);
    return sum;
}

/* 35 is beyond the 99.97th percentile of chi-square with 11 degrees of freedom; without replacement it is less. Eight
 * of ten exhaust the rejection, so that the second way of drawing is looked at too. */
static void negatives_are_drawn_as_it_says(void **state)
{
    struct world *w = *state;
    assert_true(badness(w, 1, RH_NEGATIVES_UNIFORM) < 35);
    assert_true(badness(w, 4, RH_NEGATIVES_UNIFORM) < 35);
    assert_true(badness(w, 8, RH_NEGATIVES_UNIFORM) < 35);
    assert_true(badness(w, 1, RH_NEGATIVES_POPULARITY) < 35);
}

/* ann, bob, cy swap their source rows; nobody keeps the own ones; degrees and users stay. */
static void a_placebo_of_users_keeps_all_but_the_link(void **state)
{
    struct world *w = *state;
    struct rh_problem *p = build(w);
    w->asking.placebo = RH_PLACEBO_USERS;
    struct rh_problem *q = build(w);
    assert_non_null(p);
    assert_non_null(q);
    const int64_t *before = p->train.domain[1].row, *after = q->train.domain[1].row;
    assert_int_equal(p->train.n_users, q->train.n_users);
    assert_int_equal(p->n_shared_users, 3);
    assert_int_equal(q->n_shared_users, 3);
    int64_t sum = 0, squares = 0;
    for (int32_t u = 0; u < 3; u++) { /* degrees 3, 1, 2 are all different: another degree is another user */
        int64_t n = after[u + 1] - after[u];
        assert_int_not_equal(n, before[u + 1] - before[u]);
        sum += n;
        squares += n * n;
    }
    assert_int_equal(sum, 6);
    assert_int_equal(squares, 14);
    assert_int_equal(after[5] - after[4], 1); /* zoe, whom nobody is linked to */
    /* the target is the same: train rows, queries, truths */
    assert_memory_equal(p->train.domain[0].row, q->train.domain[0].row, 6 * sizeof *before);
    assert_int_equal(p->test.n, q->test.n);
    for (int32_t i = 0; i < p->test.n; i++)
        assert_memory_equal(p->test.truth[i].item, q->test.truth[i].item,
                            (size_t)p->test.truth[i].n * sizeof(int32_t));
    assert_true(strcmp(p->content, q->content));
    rh_problem_free(p);
    rh_problem_free(q);
}

static int by_value(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return a < b ? -1 : a > b;
}

/* The rows of a block as sets of columns, one bit a column. */
static void sets_of(const struct rh_features *f, uint32_t *set)
{
    for (int32_t r = 0; r < f->n_rows; r++) {
        set[r] = 0;
        for (int64_t k = f->row[r]; k < f->row[r + 1]; k++)
            set[r] |= 1u << f->col[k];
    }
}

static void a_placebo_of_features_keeps_the_rows(void **state)
{
    struct world *w = *state;
    struct rh_problem *p = build(w);
    w->asking.placebo = RH_PLACEBO_FEATURES;
    struct rh_problem *q = build(w);
    assert_non_null(p);
    assert_non_null(q);
    for (int32_t d = 0; d < 2; d++) {
        uint32_t was[5], is[5];
        int32_t n = p->train.domain[d].n_items, same = 0;
        sets_of(p->train.domain[d].item_features, was);
        sets_of(q->train.domain[d].item_features, is);
        for (int32_t i = 0; i < n; i++)
            same += was[i] == is[i];
        assert_int_equal(same, 0); /* all rows of a block differ here, and no item keeps its own */
        qsort(was, (size_t)n, sizeof *was, by_value);
        qsort(is, (size_t)n, sizeof *is, by_value);
        assert_memory_equal(was, is, (size_t)n * sizeof *was);
    }
    rh_problem_free(p);
    rh_problem_free(q);
    w->target->n_item_blocks = w->source->n_item_blocks = 0;
    assert_null(build(w));
    assert_string_equal(w->err.text, "placebo = features has nothing to shuffle: no domain of problem 'p' has item "
                                     "features");
}

static void keys_are_checked_against_each_other(void **state)
{
    struct world *w = *state;
    struct rh_asking *q = &w->asking;
    assert_int_equal(rh_asking_check(q, 0, &w->err), RH_OK);
    q->placebo = RH_PLACEBO_USERS;
    assert_int_equal(rh_asking_check(q, 1, &w->err), RH_OK);
    assert_int_equal(rh_asking_check(q, 0, &w->err), RH_EINVAL);
    assert_string_equal(w->err.text, "placebo = users shuffles which source user is which target user, and there is "
                                     "no source; add 'sources = ...'");
    w->err = (struct rh_error){ 0 };
    q->placebo = RH_PLACEBO_NONE;
    q->candidates = RH_UNIVERSE_FILE;
    assert_int_equal(rh_asking_check(q, 0, &w->err), RH_EINVAL);
    assert_string_equal(w->err.text, "candidates = file needs the key 'candidates_file'");
    w->err = (struct rh_error){ 0 };
    q->candidates = RH_UNIVERSE_TEST;
    q->candidates_file = "x";
    assert_int_equal(rh_asking_check(q, 0, &w->err), RH_EINVAL);
    assert_string_equal(w->err.text, "candidates_file = x is not looked at with candidates = test; write candidates "
                                     "= file, or sampled");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_world, free_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(universes_are_what_their_names_say),
        TEST(files_name_candidates),
        TEST(bad_files_are_refused),
        TEST(negatives_are_strangers),
        TEST(negatives_are_drawn_as_it_says),
        TEST(a_placebo_of_users_keeps_all_but_the_link),
        TEST(a_placebo_of_features_keeps_the_rows),
        TEST(keys_are_checked_against_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
