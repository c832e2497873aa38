/* split/problem.c: users and features joined, train views, queries, masks, leakage; all numbers by hand. */
#include "base/param.h"
#include "split/problem.h"
#include "small.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Items m1 m2 m3 m4 are 0 1 2 3; users ann bob cy dee are 0 1 2 3. */
static const struct small_row movie_rows[] = {
    { "ann", "m1", 5, 100, 0 }, { "ann", "m2", 3, 300, 0 }, { "bob", "m1", 4, 250, 0 },
    { "ann", "m3", 2, 200, 0 }, { "bob", "m4", 1, 50, 0 },  { "cy", "m2", 5, 400, 0 },
    { "bob", "m2", 4, 250, 0 }, { "dee", "m4", 3, RH_NO_TIME, 0 }, { "dee", "m1", 4, 90, 0 },
};
static const struct small_row book_rows[] = {
    { "dee", "b1", 5, 95, 0 }, { "zoe", "b2", 4, 10, 0 }, { "ann", "b1", 3, 500, 0 }, { "ann", "b3", 2, 20, 0 },
};
static const struct small_row game_rows[] = { { "zoe", "g1", 1, 0, 0 }, { "eve", "g1", 1, 0, 0 } };

struct world {
    struct rh_domain_data *movies, *books, *games;
    const struct rh_domain_data *source[2];
    struct rh_error err;
};

static void add_item_blocks(struct rh_domain_data *d, const struct rh_block *blocks, int32_t n)
{
    d->item_block = rh_arena_copy(&d->arena, blocks, (size_t)n, sizeof *blocks);
    d->n_item_blocks = n;
}

static int make_world(void **state)
{
    static struct world w;
    w = (struct world){ .movies = small_domain("movies", movie_rows, 9, SMALL_VALUE | SMALL_TIME),
                        .books = small_domain("books", book_rows, 4, SMALL_VALUE | SMALL_TIME),
                        .games = small_domain("games", game_rows, 2, 0) };
    const char *movie_genres[] = { "drama", "comedy drama", "comedy", "" };
    const char *book_genres[] = { "poem comedy", "drama", "poem" };
    const char *book_titles[] = { "the sea", "the hill", "hill" };
    const char *movie_users[] = { "young", "old", "", "young" };
    const char *book_users[] = { "poet", "old", "young" };
    struct rh_block movie[] = { small_block(w.movies, "genre", "comedy drama", movie_genres, 4) };
    struct rh_block book[] = { small_block(w.books, "title", "hill sea the", book_titles, 3),
                               small_block(w.books, "genre", "poem comedy drama", book_genres, 3) };
    struct rh_block *movie_user = small_take(w.movies, 1, sizeof *movie_user);
    struct rh_block *book_user = small_take(w.books, 1, sizeof *book_user);
    *movie_user = small_block(w.movies, "age", "old young", movie_users, 4);
    *book_user = small_block(w.books, "age", "young poet old", book_users, 3);
    add_item_blocks(w.movies, movie, 1);
    add_item_blocks(w.books, book, 2);
    w.movies->user_block = movie_user;
    w.books->user_block = book_user;
    w.movies->n_user_blocks = w.books->n_user_blocks = 1;
    rh_domain_data_hash(w.movies);
    rh_domain_data_hash(w.books);
    rh_domain_data_hash(w.games);
    w.source[0] = w.books;
    w.source[1] = w.games;
    assert_int_equal(rh_domain_data_check(w.movies, &w.err), RH_OK);
    assert_int_equal(rh_domain_data_check(w.books, &w.err), RH_OK);
    *state = &w;
    return 0;
}

static int free_world(void **state)
{
    struct world *w = *state;
    rh_domain_data_free(w->movies);
    rh_domain_data_free(w->books);
    rh_domain_data_free(w->games);
    return 0;
}

/* A split that says what the test tells it. */
struct said {
    uint8_t target[9], books[4];
};
static int say(const struct rh_split_input *in, const void *params, struct rh_split_output *out, struct rh_error *err)
{
    const struct said *s = params;
    (void)err;
    memcpy(out->target, s->target, sizeof s->target);
    if (in->n_sources)
        memcpy(out->source[0], s->books, sizeof s->books);
    return RH_OK;
}
static const struct rh_split spoken = { .name = "spoken", .revision = 1, .label = say };

static struct rh_problem *build(struct world *w, int32_t n_sources, const struct rh_split *split, const void *params)
{
    struct rh_problem_spec spec = { .name = "p", .target = w->movies, .n_sources = n_sources, .source = w->source,
                                    .split = split, .params = params, .seed = 17 };
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

static void users_are_joined_by_id(void **state)
{
    struct rh_problem *p = build(*state, 2, rh_split_find("leave_one_out"), NULL);
    assert_non_null(p);
    const char *want[] = { "ann", "bob", "cy", "dee", "zoe", "eve" };
    assert_int_equal(p->train.n_users, 6);
    assert_int_equal(p->user_id.n, 6);
    for (int i = 0; i < 6; i++)
        assert_string_equal(rh_string(&p->user_id, i), want[i]);
    assert_int_equal(p->train.n_domains, 3);
    assert_int_equal(p->train.target, 0);
    const struct rh_domain *books = &p->train.domain[1];
    const int64_t rows[] = { 0, 2, 2, 2, 3, 4, 4 };
    assert_memory_equal(books->row, rows, sizeof rows);
    ASSERT_INTS(books->item, books->row[6], 0, 2, 0, 1);
    assert_true(books->value[0] == 3 && books->value[1] == 2 && books->value[2] == 5 && books->value[3] == 4);
    assert_int_equal(books->time[0], 500);
    const struct rh_domain *games = &p->train.domain[2];
    assert_int_equal(games->row[4], 0);
    assert_int_equal(games->row[6], 2);
    assert_null(games->value);
    assert_null(games->time);
    assert_int_equal(p->n_shared_users, 2);
    rh_problem_free(p);
}

/* ann and dee of another site are other people; zoe is the same for the two sources of that site. */
static void users_of_other_namespaces_are_others(void **state)
{
    struct world *w = *state;
    static const char *const space[] = { "here", "there", "there" };
    struct said said = { .target = { [1] = RH_TEST } };
    struct rh_problem_spec spec = { .name = "p", .target = w->movies, .n_sources = 2, .source = w->source,
                                    .user_space = space, .split = &spoken, .params = &said, .seed = 17 };
    struct rh_problem *p = NULL;
    assert_int_equal(rh_problem_build(&spec, NULL, &p, &w->err), RH_OK);
    const char *want[] = { "ann", "bob", "cy", "dee", "there\x1f" "dee", "there\x1fzoe", "there\x1f" "ann",
                           "there\x1f" "eve" };
    assert_int_equal(p->train.n_users, 8);
    for (int i = 0; i < 8; i++)
        assert_string_equal(rh_string(&p->user_id, i), want[i]);
    assert_int_equal(p->n_shared_users, 0);
    rh_problem_free(p);
}

static void last_rows_are_asked(void **state)
{
    struct world *w = *state;
    struct rh_problem *p = build(w, 2, rh_split_find("leave_one_out"), NULL);
    assert_non_null(p);
    /* train: ann m1, bob m4, cy m2, dee m4 (unknown time: not the newest) */
    const struct rh_domain *movies = &p->train.domain[0];
    const int64_t rows[] = { 0, 1, 2, 3, 4, 4, 4 };
    assert_memory_equal(movies->row, rows, sizeof rows);
    ASSERT_INTS(movies->item, 4, 0, 3, 1, 3);
    /* bob's m1 and m2 have the same time: m2 is later in the file */
    assert_int_equal(p->test.n, 3);
    const int32_t user[] = { 0, 1, 3 }, asked[] = { 1, 1, 0 };
    for (int i = 0; i < 3; i++) {
        assert_int_equal(p->test.query[i].user, user[i]);
        assert_int_equal(p->test.query[i].n_candidates, 4);
        assert_null(p->test.query[i].candidate);
        assert_int_equal(p->test.truth[i].n, 1);
        assert_int_equal(p->test.truth[i].item[0], asked[i]);
        /* warm: history points into the train view */
        assert_ptr_equal(p->test.query[i].history[0].item, movies->item + movies->row[user[i]]);
        assert_ptr_equal(p->test.query[i].history[0].time, movies->time + movies->row[user[i]]);
    }
    assert_true(p->test.truth[1].value[0] == 4);
    ASSERT_INTS(p->test.truth[0].mask, p->test.truth[0].n_mask, 0, 2); /* train m1 and validation m3 */
    ASSERT_INTS(p->test.truth[1].mask, p->test.truth[1].n_mask, 0, 3);
    ASSERT_INTS(p->test.truth[2].mask, p->test.truth[2].n_mask, 3);
    assert_ptr_equal(p->test.truth[2].mask, movies->item + 3);
    /* source histories: ann b1 b3, bob none, dee b1 */
    ASSERT_INTS(p->test.query[0].history[1].item, p->test.query[0].history[1].n, 0, 2);
    assert_int_equal(p->test.query[1].history[1].n, 0);
    ASSERT_INTS(p->test.query[2].history[1].item, p->test.query[2].history[1].n, 0);
    assert_int_equal(p->test.query[2].history[2].n, 0);
    /* validation: ann m3, bob m1; the test item is not masked */
    assert_int_equal(p->validation.n, 2);
    assert_int_equal(p->validation.truth[0].item[0], 2);
    assert_int_equal(p->validation.truth[1].item[0], 0);
    ASSERT_INTS(p->validation.truth[0].mask, p->validation.truth[0].n_mask, 0);
    assert_int_equal(p->n_cold_users, 0);
    assert_int_equal(p->n_unused, 0);
    rh_problem_free(p);
}

static void leakage_is_counted_exactly(void **state)
{
    struct world *w = *state;
    struct rh_problem *p = build(w, 2, rh_split_find("leave_one_out"), NULL);
    assert_non_null(p);
    const struct rh_leakage *l = &p->leakage;
    assert_int_equal(l->test_rows, 3);
    assert_int_equal(l->train_rows, 4);
    assert_int_equal(l->future_pairs_sampled, 9); /* test 300 250 90, train 100 50 400 and one unknown */
    assert_int_equal(l->future_pairs, 4);         /* 400 after all three, 100 after 90 */
    assert_int_equal(l->test_rows_before_train, 0);
    assert_int_equal(l->mask_hits, 0);
    assert_int_equal(l->cold_user_train_rows, 0);
    assert_int_equal(l->future_source_rows, 2); /* ann's b1 at 500 after 300, dee's at 95 after 90 */
    rh_problem_free(p);

    /* ann m1 (100) asked while m2 (300) trains and m3 is support: a split that does wrong is found out */
    struct said said = { .target = { RH_TEST, RH_TRAIN, RH_SUPPORT, RH_TRAIN, RH_TRAIN, RH_TRAIN, RH_TRAIN, RH_TRAIN,
                                     RH_TRAIN } };
    p = build(w, 0, &spoken, &said);
    assert_non_null(p);
    assert_int_equal(p->leakage.cold_user_train_rows, 1);
    assert_int_equal(p->leakage.test_rows_before_train, 1);
    assert_int_equal(p->leakage.future_pairs_sampled, 6);
    assert_int_equal(p->leakage.future_pairs, 4); /* 300 250 250 400 after 100; 50 and 90 not */
    rh_problem_free(p);
}

static void support_is_seen_by_its_own_query_alone(void **state)
{
    struct world *w = *state;
    /* rows: ann m1 m2 m3 | bob m1 m2 m4 | cy m2 | dee m1 m4 */
    struct said said = { .target = { RH_SUPPORT, RH_TEST, RH_UNUSED, RH_VALIDATION_SUPPORT, RH_VALIDATION,
                                     RH_VALIDATION, RH_TRAIN, RH_TEST, RH_TRAIN },
                         .books = { RH_UNUSED, RH_TRAIN, RH_UNUSED, RH_TRAIN } };
    struct rh_problem *p = build(w, 1, &spoken, &said);
    assert_non_null(p);
    assert_int_equal(p->test.n, 2);
    assert_int_equal(p->n_cold_users, 1);
    assert_int_equal(p->n_unused, 1);
    ASSERT_INTS(p->test.query[0].history[0].item, p->test.query[0].history[0].n, 0);
    assert_true(p->test.query[0].history[0].value[0] == 5);
    assert_int_equal(p->test.query[0].history[0].time[0], 100);
    ASSERT_INTS(p->test.truth[0].mask, p->test.truth[0].n_mask, 0);
    ASSERT_INTS(p->test.truth[0].item, p->test.truth[0].n, 1);
    /* source rows of dee (b1) and of ann (b1) dropped: books are dee b1 | zoe b2 | ann b1 b3 */
    assert_int_equal(p->train.domain[1].row[p->train.n_users], 2);
    ASSERT_INTS(p->test.query[0].history[1].item, p->test.query[0].history[1].n, 2);
    assert_int_equal(p->test.query[1].history[1].n, 0);
    /* bob validates: m1 visible, m2 and m4 asked */
    assert_int_equal(p->validation.n, 1);
    assert_int_equal(p->validation.query[0].user, 1);
    ASSERT_INTS(p->validation.query[0].history[0].item, p->validation.query[0].history[0].n, 0);
    ASSERT_INTS(p->validation.truth[0].item, p->validation.truth[0].n, 1, 3);
    ASSERT_INTS(p->validation.truth[0].mask, p->validation.truth[0].n_mask, 0);
    assert_int_equal(p->train.domain[0].row[4], 2);
    rh_problem_free(p);
}

static void assert_row(const struct rh_features *f, int32_t r, int32_t n, const int32_t *col)
{
    assert_int_equal(f->row[r + 1] - f->row[r], n);
    for (int32_t k = 0; k < n; k++)
        assert_int_equal(f->col[f->row[r] + k], col[k]);
}
#define ASSERT_ROW(f, r, ...)                                                                                  \
    do {                                                                                                       \
        const int32_t want_[] = { __VA_ARGS__ };                                                               \
        assert_row(f, r, sizeof want_ / sizeof *want_, want_);                                                 \
    } while (0)

static void feature_blocks_are_joined_by_name(void **state)
{
    struct world *w = *state;
    struct rh_problem *p = build(w, 2, rh_split_find("leave_one_out"), NULL);
    assert_non_null(p);
    assert_int_equal(p->train.n_item_blocks, 2);
    assert_string_equal(p->item_block_name[0], "genre");
    assert_string_equal(p->item_block_name[1], "title");
    /* genre: comedy 0, drama 1 (movies), poem 2 (books add) */
    for (int d = 0; d < 3; d++) {
        assert_int_equal(p->train.domain[d].item_features[0].n_cols, 3);
        assert_int_equal(p->train.domain[d].item_features[1].n_cols, 3);
        assert_int_equal(p->train.domain[d].item_features[0].n_rows, p->train.domain[d].n_items);
        assert_string_equal(p->train.domain[d].item_features[1].name, "title");
    }
    assert_ptr_equal(p->train.domain[0].item_features[0].col, w->movies->item_block[0].features.col);
    const struct rh_features *genre = &p->train.domain[1].item_features[0];
    ASSERT_ROW(genre, 0, 0, 2); /* "poem comedy" was 0 1 in books */
    ASSERT_ROW(genre, 1, 1);
    ASSERT_ROW(genre, 2, 2);
    assert_null(p->train.domain[0].item_features[1].row);
    assert_null(p->train.domain[0].item_features[1].dense);
    assert_ptr_equal(p->train.domain[1].item_features[1].row, w->books->item_block[0].features.row);
    assert_null(p->train.domain[2].item_features[0].row);
    /* age: old 0, young 1, poet 2; cy has nothing; dee and ann speak through movies, zoe through books */
    assert_int_equal(p->train.n_user_blocks, 1);
    const struct rh_features *age = &p->train.user_features[0];
    assert_int_equal(age->n_rows, 6);
    assert_int_equal(age->n_cols, 3);
    ASSERT_ROW(age, 0, 1);
    ASSERT_ROW(age, 1, 0);
    assert_row(age, 2, 0, NULL);
    ASSERT_ROW(age, 3, 1);
    ASSERT_ROW(age, 4, 0);
    assert_row(age, 5, 0, NULL);
    rh_problem_free(p);
    p = build(w, 0, rh_split_find("leave_one_out"), NULL);
    assert_ptr_equal(p->train.user_features[0].row, w->movies->user_block[0].features.row);
    assert_ptr_equal(p->user_id.pool, w->movies->user_id.pool);
    rh_problem_free(p);
}

static void dense_blocks_join_when_equally_wide(void **state)
{
    struct world *w = *state;
    static const float movie[] = { 1, 2, 3, 4, 5, 6, 7, 8 }, book[] = { 9, 10, 11, 12, 13, 14 };
    static const float movie_user[] = { .1f, .2f, .3f, .4f }, book_user[] = { .5f, .6f, .7f };
    struct rh_block m = { .name = "text", .features = { "text", 4, 2, NULL, NULL, NULL, movie } };
    struct rh_block k = { .name = "text", .features = { "text", 3, 2, NULL, NULL, NULL, book } };
    struct rh_block mu = { .name = "taste", .features = { "taste", 4, 1, NULL, NULL, NULL, movie_user } };
    struct rh_block ku = { .name = "taste", .features = { "taste", 3, 1, NULL, NULL, NULL, book_user } };
    w->movies->n_item_blocks = w->books->n_item_blocks = 1;
    w->movies->item_block = &m;
    w->books->item_block = &k;
    w->movies->user_block = &mu;
    w->books->user_block = &ku;
    struct rh_problem *p = build(w, 2, rh_split_find("leave_one_out"), NULL);
    assert_non_null(p);
    assert_ptr_equal(p->train.domain[1].item_features[0].dense, book);
    assert_null(p->train.domain[2].item_features[0].dense);
    assert_int_equal(p->train.domain[2].item_features[0].n_cols, 2);
    const float taste[] = { .1f, .2f, .3f, .4f, .6f, 0 };
    assert_memory_equal(p->train.user_features[0].dense, taste, sizeof taste);
    rh_problem_free(p);
    k.features.n_cols = 3;
    assert_null(build(w, 1, rh_split_find("leave_one_out"), NULL));
    assert_int_equal(w->err.status, RH_EDATA);
    assert_string_equal(w->err.text, "block 'text' has 2 columns in domain 'movies' and 3 in 'books'; dense blocks "
                                     "are joined only when they are equally wide");
    k.features = (struct rh_features){ "text", 3, 0, w->books->row, NULL, NULL, NULL };
    assert_null(build(w, 1, rh_split_find("leave_one_out"), NULL));
    assert_string_equal(w->err.text, "block 'text' is dense in domain 'movies' and sparse in 'books'; they cannot be "
                                     "joined");
}

static void content_tells_problems_apart(void **state)
{
    struct world *w = *state;
    const struct rh_split *split = rh_split_find("leave_one_out");
    struct rh_problem *a = build(w, 1, split, NULL), *b = build(w, 1, split, NULL), *c = build(w, 2, split, NULL);
    struct said said = { .target = { RH_TEST } };
    struct rh_problem *d = build(w, 1, &spoken, &said);
    said.books[1] = RH_UNUSED;
    struct rh_problem *e = build(w, 1, &spoken, &said);
    assert_true(a && b && c && d && e);
    assert_string_equal(a->content, b->content);
    assert_string_not_equal(a->content, c->content);
    assert_string_not_equal(a->content, d->content);
    assert_string_not_equal(d->content, e->content);
    rh_problem_free(a);
    rh_problem_free(b);
    rh_problem_free(c);
    rh_problem_free(d);
    rh_problem_free(e);
}

static void what_cannot_be_asked_is_said(void **state)
{
    struct world *w = *state;
    struct said none = { .target = { 0 } };
    assert_null(build(w, 0, &spoken, &none));
    assert_int_equal(w->err.status, RH_EDATA);
    assert_string_equal(w->err.text, "split spoken leaves no test row in domain 'movies': of 9 rows it makes 9 "
                                     "train, 0 test, 0 validation, 0 support and 0 unused");
    memset(none.target, RH_TEST, sizeof none.target);
    assert_null(build(w, 0, &spoken, &none));
    assert_string_equal(w->err.text, "split spoken leaves no train row in domain 'movies': of 9 rows it makes 0 "
                                     "train, 9 test, 0 validation, 0 support and 0 unused");
    none.target[3] = 6;
    assert_null(build(w, 0, &spoken, &none));
    assert_int_equal(w->err.status, RH_EBUG);
    none.target[3] = RH_TRAIN;
    none.books[2] = RH_TEST;
    assert_null(build(w, 1, &spoken, &none));
    assert_int_equal(w->err.status, RH_EBUG);
    struct rh_split needs = spoken;
    needs.needs_given = true;
    assert_null(build(w, 0, &needs, &none));
    assert_string_equal(w->err.text, "split spoken needs a dataset that comes in train and test files; domain "
                                     "'movies' does not");
    needs.needs_given = false;
    needs.needs_sources = true;
    assert_null(build(w, 0, &needs, &none));
    assert_string_equal(w->err.text, "split spoken needs a source domain and problem 'p' has none");
    w->movies->time = NULL;
    assert_null(build(w, 0, rh_split_find("leave_one_out"), NULL));
    assert_string_equal(w->err.text, "split leave_one_out of domain 'movies': domain 'movies' has no timestamps; "
                                     "write order = file for the order of the source files, or order = random");
}

int main(void)
{
#define WITH_WORLD(f) cmocka_unit_test_setup_teardown(f, make_world, free_world)
    const struct CMUnitTest tests[] = {
        WITH_WORLD(users_are_joined_by_id),
        WITH_WORLD(users_of_other_namespaces_are_others),
        WITH_WORLD(last_rows_are_asked),
        WITH_WORLD(leakage_is_counted_exactly),
        WITH_WORLD(support_is_seen_by_its_own_query_alone),
        WITH_WORLD(feature_blocks_are_joined_by_name),
        WITH_WORLD(dense_blocks_join_when_equally_wide),
        WITH_WORLD(content_tells_problems_apart),
        WITH_WORLD(what_cannot_be_asked_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
