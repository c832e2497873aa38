/* data/: files become rows, filtered rows, features. Small files, numbers by hand. */
#include <config.h>

#include "data/dataset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "folder.h"
#include "opened.h"

static void rows_are_sorted_and_numbered_by_appearance(void **state)
{
    struct opened o;
    (void)state;
    write_file("r.tsv", ROWS);
    assert_int_equal(open_text(&o, PLAIN, ""), RH_OK);
    assert_string_equal(rh_dataset_name(o.d), "test");
    assert_string_equal(rh_dataset_summary(o.d), "Test");
    assert_string_equal(rh_dataset_namespace(o.d), "test");
    assert_int_equal(rh_dataset_domain_count(o.d), 1);
    struct rh_domain_data *d = load(&o, "test");
    /* kept: bob/y (file row 2), ann/x at 700 (3), ann/z (4), bob/x (5): bob and y come first now */
    assert_string_equal(rows_of(d), "bob/y=2@510#0 bob/x=1#3 ann/x=5@700#1 ann/z=4@650#2");
    assert_true(d->value_min == 1 && d->value_max == 5);
    assert_int_equal(d->n_removed, 1);
    assert_string_equal(d->removed[0].step, "duplicates (kept last)");
    assert_int_equal(d->removed[0].rows, 2);
    assert_int_equal(d->removed[0].users, 0);
    close_all(&o, d);
}

static void duplicates_have_rules(void **state)
{
    static const char *const expected[][2] = {
        { "duplicates=first", "ann/x=3@500#0" }, { "duplicates=mean", "ann/x=3.16667@700#1" }, /* (3 + 5 + 1.5) / 3 */
        { "duplicates=max", "ann/x=5@700#1" },   { "duplicates=min", "ann/x=1.5@700#1" },
        { "duplicates=sum", "ann/x=9.5@700#1" },
    };
    (void)state;
    write_file("r.tsv", ROWS);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct opened o;
        assert_int_equal(open_text(&o, PLAIN, expected[i][0]), RH_OK);
        struct rh_domain_data *d = load(&o, "test");
        if (!strstr(rows_of(d), expected[i][1]))
            fail_msg("%s: %s", expected[i][0], rows_of(d));
        close_all(&o, d);
    }
    struct opened o;
    struct rh_domain_data *d;
    assert_int_equal(open_text(&o, PLAIN, "duplicates=error"), RH_OK);
    assert_int_equal(rh_dataset_load(o.d, &o.env, "test", &d, &o.err), RH_EDATA);
    assert_says(o.err, "dataset test: user 'ann' has item 'x' 3 times, first in rows 1 and 3");
    assert_null(d);
    close_all(&o, d);
}

static void filters_work_in_order_and_account(void **state)
{
    struct opened o;
    (void)state;
    write_file("r.tsv", ROWS);
    assert_int_equal(open_text(&o, PLAIN, "from=505 until=1970-01-01 rating_min=2.5"), RH_OK);
    struct rh_domain_data *d = load(&o, "test");
    /* window: drops ann/x at 500 and bob/x of unknown time; duplicates: ann/x at 600; rating: bob/y=2, and so bob */
    assert_string_equal(rows_of(d), "ann/x=5@700#0 ann/z=4@650#1");
    assert_int_equal(d->n_removed, 3);
    assert_string_equal(d->removed[0].step, "time window from 505 until 1970-01-01");
    assert_int_equal(d->removed[0].rows, 2);
    assert_int_equal(d->removed[1].rows, 1);
    assert_string_equal(d->removed[2].step, "rating >= 2.5");
    assert_int_equal(d->removed[2].rows, 1);
    assert_int_equal(d->removed[2].users, 1);
    assert_int_equal(d->removed[2].items, 1);
    close_all(&o, d);

    assert_int_equal(open_text(&o, PLAIN, "implicit=yes rating_max=3"), RH_OK);
    d = load(&o, "test");
    assert_string_equal(rows_of(d), "bob/y@510#0 bob/x#1"); /* ann's last x is 5, her z is 4 */
    assert_true(d->value_min == 0 && d->value_max == 0);
    close_all(&o, d);

    assert_int_equal(open_text(&o, PLAIN, "rating_min=6"), RH_OK);
    assert_int_equal(rh_dataset_load(o.d, &o.env, "test", &d, &o.err), RH_EDATA);
    assert_says(o.err, "no row is left after the filter 'rating >= 6', which removed the last 4");
    close_all(&o, NULL);
}

static void the_core_is_the_largest_part_where_both_bounds_hold(void **state)
{
    struct opened o;
    (void)state;
    /* a, b, c have p and q; d hangs on by r, s; e by q and t; without r, s, t: d goes, e goes */
    write_file("r.tsv", "d\tr\n"
                        "a\tp\n"
                        "a\tq\n"
                        "e\tq\n"
                        "b\tp\n"
                        "b\tq\n"
                        "d\ts\n"
                        "c\tq\n"
                        "c\tp\n"
                        "e\tt\n"
                        "d\tp\n");
    const char *text = "[dataset]\ntitle = T\nfolder = .\n[options]\ncore_users = 2\ncore_items = 3\n[domain.core]\n"
                       "interactions = r.tsv\nuser = 1\nitem = 2\n";
    assert_int_equal(open_text(&o, text, ""), RH_OK);
    struct rh_domain_data *d = load(&o, "core");
    assert_string_equal(rows_of(d), "a/p#0 a/q#1 b/p#2 b/q#3 c/p#5 c/q#4");
    assert_string_equal(d->removed[1].step, "core: users >= 2, items >= 3 rows");
    assert_int_equal(d->removed[1].rows, 5);
    assert_int_equal(d->removed[1].users, 2);
    assert_int_equal(d->removed[1].items, 3);
    close_all(&o, d);
}

static void parts_of_a_split_are_kept(void **state)
{
    struct opened o;
    (void)state;
    write_file("a.train", "1\t7\n2\t8\n");
    write_file("a.test", "2 9 10\n");
    assert_int_equal(open_text(&o, "[dataset]\ntitle = T\nfolder = .\n[domain]\ntrain = a.train\ntest = a.test\n"
                                   "separator = tab\ntest_reader = userlist\nuser = 1\nitem = 2\n", ""), RH_OK);
    struct rh_domain_data *d = load(&o, "test");
    assert_string_equal(rows_of(d), "1/7#0:1 2/8#1:1 2/9#2:3 2/10#3:3");
    close_all(&o, d);
}

/* The test file calls users and items by their place in the train file; features still join by the ids of the files. */
static void numbers_stand_for_ids(void **state)
{
    struct opened o;
#define NUMBERED "[dataset]\ntitle = T\nfolder = .\n[domain]\ntrain = n.train\ntest = n.test\nids = numbers\n"      \
                 "user = 1\nitem = 2\nrating = 3\n[items]\nfile = n.items\nseparator = tab\nid = 1\ntitle = 2\n"
    (void)state;
    write_file("n.train", "ann::x::1\nbob::y::2\nann::y::3\nbob::x::4\n");
    write_file("n.test", "0\t1\t3\n"); /* ann and y, who are in the train file, too */
    write_file("n.items", "y\tYes\nx\tNo\n");
    assert_int_equal(open_text(&o, NUMBERED, ""), RH_OK);
    struct rh_domain_data *d = load(&o, "test");
    assert_string_equal(rows_of(d), "0/0=1#0:1 0/1=3#3:3 1/0=4#2:1 1/1=2#1:1");
    assert_string_equal(rh_string(&d->title, 0), "No");
    assert_string_equal(rh_string(&d->title, 1), "Yes");
    close_all(&o, d);

    assert_int_equal(open_text(&o, NUMBERED, "rating_min=2"), RH_OK); /* numbers are those before filters */
    d = load(&o, "test");
    assert_string_equal(rows_of(d), "1/1=2#0:1 1/0=4#1:1 0/1=3#2:3");
    close_all(&o, d);

    static const char *const refused[][2] = {
        { "2\t1\t3\n", "n.test:1: user '2' is not allowed: with ids = numbers expected 0 to 1, as many users as the "
                        "file before has" },
        { "0\ty\t3\n", "n.test:1: item 'y' is not allowed: with ids = numbers expected 0 to 1" },
        { "-1\t1\t3\n", "n.test:1: user '-1' is not allowed" },
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        write_file("n.test", refused[i][0]);
        assert_int_equal(open_text(&o, NUMBERED, ""), RH_OK);
        assert_int_equal(rh_dataset_load(o.d, &o.env, "test", &d, &o.err), RH_EDATA);
        assert_says(o.err, refused[i][1]);
        close_all(&o, NULL);
    }
}

/* Lists of pairs, or one id a line; what the domain does not have is passed over. */
static void cold_users_and_items_are_marked(void **state)
{
    struct opened o;
    char without[RH_HASH_HEX];
#define MARKED "[dataset]\ntitle = T\nfolder = .\n[domain]\ninteractions = m.tsv\nuser = 1\nitem = 2\n"
    (void)state;
    write_file("m.tsv", "1\t7\n2\t8\n3\t9\n");
    write_file("u.json", "{\"2\": [\"7\"], \"5\": []}");
    write_file("i.txt", "9\n99\n");
    write_file("b.json", "{\"3\": [\"8\"]}");
    write_file("strangers.txt", "77\n");
    assert_int_equal(open_text(&o, MARKED, ""), RH_OK);
    struct rh_domain_data *d = load(&o, "test");
    assert_null(d->cold_user);
    assert_null(d->cold_item);
    memcpy(without, d->content, sizeof without);
    close_all(&o, d);

    assert_int_equal(open_text(&o, MARKED "cold_users = u.json\ncold_both = b.json\ncold_reader = jsonlists\n", ""),
                     RH_OK);
    d = load(&o, "test");
    assert_memory_equal(d->cold_user, ((uint8_t[]){ 0, 1, 1 }), 3);
    assert_memory_equal(d->cold_item, ((uint8_t[]){ 0, 1, 0 }), 3);
    assert_string_not_equal(d->content, without);
    close_all(&o, d);

    assert_int_equal(open_text(&o, MARKED "cold_items = i.txt\n", ""), RH_OK);
    d = load(&o, "test");
    assert_memory_equal(d->cold_user, ((uint8_t[]){ 0, 0, 0 }), 3);
    assert_memory_equal(d->cold_item, ((uint8_t[]){ 0, 0, 1 }), 3);
    close_all(&o, d);

    assert_int_equal(open_text(&o, MARKED "cold_users = strangers.txt\n", ""), RH_OK);
    assert_int_equal(rh_dataset_load(o.d, &o.env, "test", &d, &o.err), RH_EDATA);
    assert_says(o.err, "strangers.txt: none of its users is one of domain 'test'");
    close_all(&o, NULL);
}

/* ------------------------------------------------------------------------------------------- big files */

/* Rows that take several blocks, users as integers and as texts. */
static void write_big(const char *name, int64_t n, const char *last)
{
    FILE *f = fopen(in_folder(name), "wb");
    uint32_t x = 99;
    assert_non_null(f);
    fprintf(f, "userId,movieId,rating,timestamp\r\n");
    for (int64_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        fprintf(f, "%s%u,%u,%.1f,%u\r\n", x >> 31 ? "u" : "", x >> 20 & 1023, x >> 8 & 4095, (x >> 4 & 9) / 2.0 + 0.5,
                1000000000 + (x >> 3));
    }
    fputs(last, f);
    assert_int_equal(fclose(f), 0);
}

#define BIG                                                                                                    \
    "[dataset]\ntitle = Big\nfolder = .\n[domain]\ninteractions = big.csv\nuser = userId\nitem = movieId\n"        \
    "rating = rating\ntime = timestamp\nrating_scale = 0.5 5\n"

static void any_number_of_threads_reads_the_same(void **state)
{
    char content[5][RH_HASH_HEX];
    (void)state;
    write_big("big.csv", 400000, "");
    for (int threads = 1; threads <= 4; threads++) {
        struct opened o;
        assert_int_equal(open_text(&o, BIG, ""), RH_OK);
        o.env.threads = threads;
        struct rh_domain_data *d = load(&o, "test");
        assert_int_equal(d->n_rows + d->removed[0].rows, 400000);
        memcpy(content[threads], d->content, RH_HASH_HEX);
        assert_string_equal(content[threads], content[1]);
        close_all(&o, d);
    }
    /* A quote at the end: all is read again, by the careful reader, with the same result and one row more. */
    write_big("big.csv", 400000, "\"999999\",\"7\",\"4.5\",\"1000\"\n");
    struct opened o;
    assert_int_equal(open_text(&o, BIG, ""), RH_OK);
    struct rh_domain_data *d = load(&o, "test");
    assert_int_equal(d->n_rows + d->removed[0].rows, 400001);
    assert_string_equal(rh_string(&d->user_id, d->n_users - 1), "999999");
    close_all(&o, d);
    assert_int_equal(open_text(&o, BIG, "until=2100-01-01 from=1001"), RH_OK); /* without that row again */
    d = load(&o, "test");
    struct rh_domain_data *same;
    write_big("big.csv", 400000, "");
    same = load(&o, "test");
    assert_int_equal(d->n_rows, same->n_rows);
    assert_memory_equal(d->item, same->item, (size_t)d->n_rows * sizeof *d->item);
    assert_memory_equal(d->position, same->position, (size_t)d->n_rows * sizeof *d->position);
    rh_domain_data_free(same);
    close_all(&o, d);
}

static void the_first_bad_row_is_named_whatever_the_threads(void **state)
{
    static const char *const bad[][2] = {
        { "5,6,high,1000\n", "big.csv:300002: rating 'high' is not allowed: expected a number from 0.5 to 5" },
        { "5,6,nan,1000\n", "rating 'nan' is not allowed" },
        { "5,6,inf,1000\n", "rating 'inf' is not allowed" },
        { "5,6,5.5,1000\n", "rating '5.5' is not allowed" },
        { "5,6,,1000\n", "big.csv:300002: there is no rating" },
        { "5,6,4,-3\n", "time '-3' is not allowed: expected unix seconds" },
        { "5,6,4,1588687728923\n", "milliseconds? set time_format = unix_ms" },
        { "5,6,4,99999999999999999999\n", "time '99999999999999999999' is not allowed" },
        { "5,6,4,2004-05-06\n", "a date? set time_format = YYYY-MM-DD" },
        { ",6,4,1000\n", "big.csv:300002: the user id is empty" },
        { "5,,4,1000\n", "big.csv:300002: the item id is empty" },
        { "5,6,4\n", "big.csv:300002: 3 columns split at 'comma', the header has 4" },
        { "5\t6\t4\t1000\n", "did you mean separator = tab?" },
        { "caf\xe9,6,4,1000\n", "big.csv:300002: an id with bytes that are not UTF-8" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char two[200];
        snprintf(two, sizeof two, "%s5,6,worse,1\n", bad[i][0]);
        write_big("big.csv", 300000, two);
        for (int threads = 1; threads <= 2; threads++) {
            struct opened o;
            struct rh_domain_data *d;
            assert_int_equal(open_text(&o, BIG, ""), RH_OK);
            o.env.threads = threads;
            assert_int_equal(rh_dataset_load(o.d, &o.env, "test", &d, &o.err), RH_EDATA);
            assert_says(o.err, bad[i][1]);
            close_all(&o, NULL);
        }
    }
}

static void small_things_of_files_are_fine(void **state)
{
    struct opened o;
    (void)state;
    write_file("r.tsv", "\xef\xbb\xbf" "user\titem\trating\ttime\r\n 01\t7 \t4\t10\r\n\r\n1\t7\t4\t10");
    assert_int_equal(
        open_text(&o,
                  "[dataset]\ntitle = T\nfolder = .\n[domain]\ninteractions = none | r.tsv\nrating = rating\n"
                  "time = when|time\n",
                  ""),
        RH_OK);
    struct rh_domain_data *d = load(&o, "test");
    assert_string_equal(rows_of(d), "01/7=4@10#0 1/7=4@10#1"); /* 01 is not 1 */
    close_all(&o, d);
}

static void files_that_are_not_there_get_a_hint(void **state)
{
    struct opened o;
    struct rh_domain_data *d;
    char hex[RH_HASH_HEX];
    (void)state;
    assert_int_equal(open_text(&o, "[dataset]\ntitle = T\n[domain]\ninteractions = nowhere.csv\n", ""), RH_OK);
    assert_int_equal(rh_dataset_load(o.d, &o.env, "test", &d, &o.err), RH_EIO);
    assert_says(o.err, "cannot find nowhere.csv");
    assert_says(o.err, "harness data fetch test");
    o.err = (struct rh_error){ 0 };
    assert_int_equal(rh_dataset_identity(o.d, &o.env, hex, &o.err), RH_EIO);
    o.err = (struct rh_error){ 0 };
    assert_int_equal(rh_dataset_load(o.d, &o.env, "tset", &d, &o.err), RH_EINVAL);
    assert_says(o.err, "has no domain 'tset'; did you mean 'test'?");
    close_all(&o, NULL);
    write_file("empty.csv", "");
    write_file("header.csv", "user,item\n");
    assert_int_equal(open_text(&o,
                               "[dataset]\ntitle = T\nfolder = .\n[domain.a]\ninteractions = empty.csv\n[domain.b]\n"
                               "interactions = header.csv\n",
                               ""),
                     RH_OK);
    assert_int_equal(rh_dataset_load(o.d, &o.env, "a", &d, &o.err), RH_EDATA);
    assert_says(o.err, "empty.csv: the file is empty");
    o.err = (struct rh_error){ 0 };
    assert_int_equal(rh_dataset_load(o.d, &o.env, "b", &d, &o.err), RH_EDATA);
    assert_says(o.err, "header.csv: the file has no rows");
    close_all(&o, NULL);
}

/* -------------------------------------------------------------------------------------------- features */

static void features_are_joined_by_id(void **state)
{
    struct opened o;
    (void)state;
    write_file("r.csv", "user,item\nu1,10\nu1,20\nu2,30\n");
    write_file("movies.dat", "20::M\xc3\xbcnchen Express (1995)::Sci-Fi|War::1::0::0\n"
                             "99::Unseen::War::1::1::1\n"
                             "10::The express Express of 1995::Science Fiction|Unknown::0::1::1\n");
    write_file("more.csv", "id,tags,name\n30,\"['Film-Noir', 'a, b', 'War']\",Third\n10,[x],Never\n");
    write_file("people.csv", "id,age,sex\nu2,56,F\nu1,17.5,\n");
    const char *text =
        "[dataset]\ntitle = T\nfolder = .\n[options]\ntoken_min_items = 1\ntoken_max_share = 1\n"
        "[domain]\ninteractions = r.csv\n"
        "[items.first]\nfile = movies.dat\nseparator = ::\nid = 1\ntitle = 2\nblock.genre = list 3 by bar\n"
        "block.mark = flags 4 Red, Green, Blue\nblock.title = tokens 2\nblock.digit = values 4, 5, 6\n"
        "[items.second]\nfile = more.csv\nid = id\ntitle = name\nblock.genre = list tags\nblock.title = tokens name\n"
        "[items.third]\nfile = absent.csv\noptional = yes\nid = id\nblock.extra = value x\n"
        "[users]\nfile = people.csv\nid = id\nblock.age = bucket age 18 56\nblock.sex = value sex\n"
        "[alias.genre]\nscience fiction = sci-fi\nunknown =\n";
    assert_int_equal(open_text(&o, text, ""), RH_OK);
    struct rh_domain_data *d = load(&o, "test");
    assert_int_equal(d->n_item_blocks, 5);
    assert_int_equal(d->n_user_blocks, 2);
    assert_string_equal(rh_string(&d->title, 0), "The express Express of 1995");
    assert_string_equal(rh_string(&d->title, 1), "M\xc3\xbcnchen Express (1995)");
    assert_string_equal(rh_string(&d->title, 2), "Third");
    assert_string_equal(block_text(&d->item_block[0], &d->item_id),
                        "genre: 10{sci-fi x} 20{sci-fi war} 30{a, b film-noir war}");
    assert_string_equal(block_text(&d->item_block[1], &d->item_id), "mark: 10{blue green} 20{red} 30{}");
    assert_string_equal(block_text(&d->item_block[2], &d->item_id),
                        "title: 10{express*2 never*1} 20{express*1 m\xc3\xbcnchen*1} 30{third*1}");
    assert_string_equal(block_text(&d->item_block[3], &d->item_id), "digit: 10{0*1 1*2} 20{0*2 1*1} 30{}");
    assert_string_equal(d->item_block[4].name, "extra");
    assert_int_equal(d->item_block[4].features.n_cols, 0);
    assert_null(d->item_block[4].features.row);
    assert_string_equal(block_text(&d->user_block[0], &d->user_id), "age: u1{under 18} u2{56 and over}");
    assert_int_equal(d->user_block[0].features.n_cols, 3);
    assert_string_equal(block_text(&d->user_block[1], &d->user_id), "sex: u1{} u2{f}");
    close_all(&o, d);

    assert_int_equal(open_text(&o, NULL, "token_min_items=2"), RH_OK); /* express alone is in two of three */
    d = load(&o, "test");
    assert_int_equal(d->item_block[2].features.n_cols, 1);
    close_all(&o, d);
    assert_int_equal(open_text(&o, NULL, "token_max_share=0.5 token_limit=2"),
                     RH_OK); /* m\xc3..., never, third: two */
    d = load(&o, "test");
    assert_int_equal(d->item_block[2].features.n_cols, 2);
    assert_string_equal(rh_string(&d->item_block[2].column, 0), "m\xc3\xbcnchen");
    close_all(&o, d);

    write_file("people.csv", "id,age,sex\nu2,old,F\n");
    assert_int_equal(open_text(&o, text, ""), RH_OK);
    assert_int_equal(rh_dataset_load(o.d, &o.env, "test", &d, &o.err), RH_EDATA);
    assert_says(o.err, "people.csv:2: 'old' is not allowed for block 'age': expected a number");
    close_all(&o, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_sorted_and_numbered_by_appearance),
        cmocka_unit_test(duplicates_have_rules),
        cmocka_unit_test(filters_work_in_order_and_account),
        cmocka_unit_test(the_core_is_the_largest_part_where_both_bounds_hold),
        cmocka_unit_test(parts_of_a_split_are_kept),
        cmocka_unit_test(numbers_stand_for_ids),
        cmocka_unit_test(cold_users_and_items_are_marked),
        cmocka_unit_test(any_number_of_threads_reads_the_same),
        cmocka_unit_test(the_first_bad_row_is_named_whatever_the_threads),
        cmocka_unit_test(small_things_of_files_are_fine),
        cmocka_unit_test(files_that_are_not_there_get_a_hint),
        cmocka_unit_test(features_are_joined_by_id),
    };
    return cmocka_run_group_tests(tests, folder_open, folder_close);
}
