/* split/titles and what is counted with it: editions in the history, items that a source has. */
#include "base/param.h"
#include "small.h"
#include "split/problem.h"
#include "split/titles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void assert_key(const char *title, const char *want)
{
    struct rh_text t = { 0 };
    rh_title_key(title, &t);
    assert_string_equal(t.s ? t.s : "", want);
    rh_text_release(&t);
}

static void editions_have_one_key(void **state)
{
    (void)state;
    assert_key("Blade Runner", "blade runner");
    assert_key("Blade Runner (DVD)", "blade runner");
    assert_key("BLADE RUNNER [Blu-ray]", "blade runner");
    assert_key("Blade Runner: The Director's Cut", "blade runner");
    assert_key("Blade Runner - Special Edition", "blade runner");
    assert_key("Blade Runner (Two-Disc Special Edition) [DVD]", "blade runner");
    assert_key("Blade Runner 25th Anniversary Edition", "blade runner");
    assert_key("Blade Runner (1982)", "blade runner 1982");
    assert_key("Matrix, The (1999)", "matrix 1999");
    assert_key("The Matrix (1999) (Widescreen Edition)", "matrix 1999");
    assert_key("Lilo &amp; Stitch", "lilo and stitch");
    assert_key("Lilo & Stitch", "lilo and stitch");
    assert_key("Don't Look Now", "dont look now");
    assert_key("Pride and Prejudice (Kindle Edition)", "pride and prejudice");
    assert_key("AM\xc3\x89LIE", "am\xc3\xa9lie"); /* Latin letters of two bytes */
}

static void works_keep_theirs(void **state)
{
    (void)state;
    assert_key("Final Cut", "final cut");
    assert_key("Apollo 13", "apollo 13");
    assert_key("The Edition", "edition");
    assert_key("DVD", "dvd");
    assert_key("Seven (Se7en)", "seven se7en");
    assert_key("Psycho (1960)", "psycho 1960");
    assert_key("Psycho (1998)", "psycho 1998");
    assert_key("The", "the");
    assert_key("", "");
    assert_key(" -- ", "");
    char longest[4000];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    struct rh_text t = { 0 };
    rh_title_key(longest, &t);
    assert_int_equal(t.n, 63); /* compared by what comes first */
    rh_text_release(&t);
}

enum { TR = RH_GIVEN_TRAIN, TE = RH_GIVEN_TEST };
/* B000000001 and B000000002 are editions of one film, B000000004 is a book too, B000000005 has a book's title. */
static const struct small_row film_rows[] = {
    { "ann", "B000000001", 5, 0, TR }, { "ann", "B000000003", 4, 0, TR }, { "ann", "B000000002", 4, 0, TE },
    { "bob", "B000000003", 5, 0, TR }, { "bob", "B000000002", 4, 0, TE }, { "bob", "B000000004", 4, 0, TE },
    { "cy", "B000000003", 5, 0, TR },  { "cy", "B000000005", 5, 0, TE },  { "dee", "B000000001", 5, 0, TR },
    { "dee", "B000000005", 5, 0, TE }, { "eve", "B000000001", 5, 0, TR }, { "eve", "17", 5, 0, TE },
};
static const char *const film_title[] = { "Heat (DVD)", "Ran", "Heat", "Dune", "The Trial", "" };
static const struct small_row book_rows[] = {
    { "bob", "B000000004", 1, 0, 0 }, { "cy", "0000000009", 1, 0, 0 }, { "eve", "17", 1, 0, 0 },
};
static const char *const book_title[] = { "Dune: a novel", "Trial, The (Paperback)", "" };

/* ann: the other edition of Heat lies in her history. bob: Dune is the same id in the books (titles differ), Heat is
 * not in his history. cy: the title of a book of his. dee has no book. eve: 17 is a number in two files, no item. */
static void editions_and_sources_are_counted(void **state)
{
    struct rh_domain_data *films = small_domain("films", film_rows, 12, SMALL_VALUE | SMALL_GIVEN);
    struct rh_domain_data *books = small_domain("books", book_rows, 3, 0);
    const struct rh_domain_data *source[] = { books };
    struct rh_error err = { 0 };
    struct rh_problem *p = NULL;
    (void)state;
    films->title = small_strings(films, film_title, 6);
    books->title = small_strings(books, book_title, 3);
    rh_domain_data_hash(films);
    rh_domain_data_hash(books);
    struct rh_problem_spec spec = { .name = "p", .target = films, .n_sources = 1, .source = source,
                                    .split = rh_split_find("predefined"), .seed = 5 };
    assert_int_equal(rh_problem_build(&spec, NULL, &p, &err), RH_OK);
    assert_int_equal(p->leakage.test_rows, 6);
    assert_int_equal(p->leakage.mask_hits, 0);
    assert_int_equal(p->leakage.support_hits, 0);
    assert_int_equal(p->leakage.duplicate_hits, 1);
    assert_int_equal(p->leakage.source_hits, 2);
    rh_problem_free(p);
    /* other people's shop: ids mean something else there, and its users are others */
    spec.user_space = (const char *const[]){ "here", "there" };
    assert_int_equal(rh_problem_build(&spec, NULL, &p, &err), RH_OK);
    assert_int_equal(p->leakage.duplicate_hits, 1);
    assert_int_equal(p->leakage.source_hits, 0);
    rh_problem_free(p);
    rh_domain_data_free(films);
    rh_domain_data_free(books);
}

/* Numbers for ids. Film 1 and book 8 have the users ann, bob, cy; film 2 (ann, bob, dee) and book 9 (ann, bob, eve) do
 * not agree; film 3 and book 7 do, with two users, which is too few. */
static const struct small_row sport_rows[] = {
    { "ann", "1", 1, 0, TE }, { "ann", "2", 1, 0, TR }, { "ann", "3", 1, 0, TR }, { "bob", "1", 1, 0, TR },
    { "bob", "2", 1, 0, TE }, { "bob", "3", 1, 0, TE }, { "cy", "1", 1, 0, TE },  { "cy", "4", 1, 0, TR },
    { "dee", "2", 1, 0, TR },
};
static const struct small_row cloth_rows[] = {
    { "ann", "7", 1, 0, 0 }, { "ann", "8", 1, 0, 0 }, { "ann", "9", 1, 0, 0 }, { "bob", "7", 1, 0, 0 },
    { "bob", "8", 1, 0, 0 }, { "bob", "9", 1, 0, 0 }, { "cy", "8", 1, 0, 0 },  { "eve", "9", 1, 0, 0 },
};

static void doubles_are_known_by_their_users(void **state)
{
    struct rh_domain_data *sport = small_domain("sport", sport_rows, 9, SMALL_GIVEN);
    struct rh_domain_data *cloth = small_domain("cloth", cloth_rows, 8, 0);
    const struct rh_domain_data *source[] = { cloth };
    struct rh_asking asking;
    struct rh_error err = { 0 };
    struct rh_problem *p = NULL, *q = NULL;
    (void)state;
    rh_params_defaults(rh_asking_params, &asking);
    rh_domain_data_hash(sport);
    rh_domain_data_hash(cloth);
    struct rh_problem_spec spec = { .name = "p", .target = sport, .n_sources = 1, .source = source, .asking = &asking,
                                    .split = rh_split_find("predefined"), .seed = 5 };
    assert_int_equal(rh_problem_build(&spec, NULL, &p, &err), RH_OK);
    assert_int_equal(p->leakage.test_rows, 4);
    assert_int_equal(p->leakage.source_hits, 2); /* ann and cy are asked for item 1, and have item 8 */
    asking.placebo = RH_PLACEBO_DOUBLES;
    assert_int_equal(rh_problem_build(&spec, NULL, &q, &err), RH_OK);
    assert_int_equal(q->leakage.source_hits, 0);
    assert_int_equal(q->doubles.items, 1);
    assert_int_equal(q->doubles.rows, 3);
    assert_int_equal(q->train.domain[1].row[q->train.n_users], 5);
    assert_int_equal(q->train.domain[0].row[q->train.n_users], p->train.domain[0].row[p->train.n_users]);
    assert_int_equal(q->test.n, p->test.n);
    assert_true(strcmp(p->content, q->content));
    rh_problem_free(p);
    rh_problem_free(q);
    /* with the link shuffled each of ann, bob and cy has the rows of another of them, item 8 among them */
    asking.placebo = RH_PLACEBO_USERS;
    assert_int_equal(rh_problem_build(&spec, NULL, &p, &err), RH_OK);
    assert_int_equal(p->leakage.source_hits, 2);
    rh_problem_free(p);
    rh_domain_data_free(sport);
    /* no double: refused */
    const struct small_row apart[] = { { "ann", "1", 1, 0, TE }, { "ann", "2", 1, 0, TR } };
    sport = small_domain("sport", apart, 2, SMALL_GIVEN);
    rh_domain_data_hash(sport);
    spec.target = sport;
    asking.placebo = RH_PLACEBO_DOUBLES;
    assert_int_equal(rh_problem_build(&spec, NULL, &p, &err), RH_EDATA);
    assert_non_null(strstr(err.text, "placebo = doubles has nothing to drop"));
    rh_domain_data_free(sport);
    rh_domain_data_free(cloth);
    err = (struct rh_error){ 0 };
    assert_int_equal(rh_asking_check(&asking, 0, &err), RH_EINVAL);
    assert_non_null(strstr(err.text, "there is no source"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(editions_have_one_key),
        cmocka_unit_test(works_keep_theirs),
        cmocka_unit_test(editions_and_sources_are_counted),
        cmocka_unit_test(doubles_are_known_by_their_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
