/* data/: mistakes of descriptions, identity, the cache. */
#include <config.h>

#include "base/file.h"
#include "base/param.h"
#include "base/text.h"
#include "data/cache.h"
#include "data/dataset.h"
#include "data/description.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "folder.h"
#include "opened.h"

/* Found by fuzzing: alternatives of which the first is empty. */
static void a_column_may_be_a_bar_alone(void **state)
{
    static const char *const readers[] = { "jsonl", "pyliteral", "delimited" };
    (void)state;
    write_file("bar.txt", "{\"user\": \"a\", \"item\": \"b\"}\n");
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        struct opened o;
        struct rh_domain_data *d;
        struct rh_arena a = { 0 };
        const char *text = rh_arena_printf(&a, "[dataset]\ntitle = T\nfolder = .\n[domain]\ninteractions = bar.txt\n"
                                               "user = |\nitem = a||b\nreader = %s\nheader = yes\n", readers[i]);
        assert_int_equal(open_text(&o, text, ""), RH_OK);
        assert_int_equal(rh_dataset_load(o.d, &o.env, "test", &d, &o.err), RH_EDATA);
        assert_says(o.err, "bar.txt:1");
        close_all(&o, NULL);
        rh_arena_release(&a);
    }
}

/* ----------------------------------------------------------------------------------------- descriptions */

static void mistakes_of_descriptions_have_places(void **state)
{
    static const char *const bad[][2] = {
        { "[dataset]\ntitel = T\n", "test.ini:2: [dataset] has no key 'titel'; did you mean 'title'?" },
        { "[dataset]\ntitle = T\n[domian]\n", "test.ini:3: there is no section [domian]; did you mean [domain]?" },
        { "[dataset]\nhome = T\n[domain]\ninteractions = a\n", "the key title of [dataset] is missing" },
        { "[dataset]\ntitle = T\n", "there is no section [domain]" },
        { "[dataset]\ntitle = T\n[domain]\nuser = a\n", "needs the key interactions, or train and test" },
        { "[dataset]\ntitle = T\n[domain]\ninteractions = a\ntest = b\n", "one or the other" },
        { "[dataset]\ntitle = T\n[domain]\ninteractions = a\nraeder = b\n",
          "has no key 'raeder'; did you mean 'reader'?" },
        { "[dataset]\ntitle = T\n[domain]\ninteractions = a\nreader = delimitd\n",
          "there is no reader 'delimitd'; did you mean 'delimited'?" },
        { "[dataset]\ntitle = T\n[domain]\ninteractions = a\nheader = maybe\n",
          "header = maybe is not allowed: expected yes | no" },
        { "[dataset]\ntitle = T\n[domain]\ninteractions = a\nencoding = utf16\n", "expected utf8 | latin1" },
        { "[dataset]\ntitle = T\n[domain]\ninteractions = a\nrating_scale = 5 1\n",
          "test.ini:5: rating_scale = 5 1 is not allowed" },
        { "[dataset]\ntitle = T\n[domain]\ninteractions = a\ntime_format = seconds\n",
          "test.ini:5: time_format = seconds" },
        { "[dataset]\ntitle = T\n[domain]\ninteractions = {x}\n", "there is no variable {x} in [variables]" },
        { "[dataset]\ntitle = T\n[domain]\ninteractions = a\n[items]\nfile = b\nblock.g = genre 3\n",
          "test.ini:7: block.g = genre 3 is not allowed: expected list COLUMN" },
        { "[dataset]\ntitle = T\n[domain]\ninteractions = a\n[items]\nfile = b\nblock.g = bucket 3 9 5\n",
          "ascending numbers" },
        { "[dataset]\ntitle = T\n[domain]\ninteractions = a\n[items]\nfile = b\nblock.g = flags x a, b\n",
          "flags NUMBER" },
        { "[dataset]\ntitle = T\n[domain]\ninteractions = a\n[items]\nid = b\n",
          "test.ini:5: the section needs the key file" },
        { "[dataset]\ntitle = T\n[domain.movies]\ninteractions = a\n[items]\nfile = b\ndomain = moves\n",
          "there is no domain 'moves'; did you mean 'movies'?" },
        { "[dataset]\ntitle = T\n[users]\nfile = b\ntitle = c\n[domain]\ninteractions = a\n", "users have no title" },
        { "[dataset]\ntitle = T\n[options]\ncore_user = 3\n[domain]\ninteractions = a\n",
          "test.ini:4: dataset test has no option 'core_user'; did you mean 'core_users'?" },
        { "[dataset]\ntitle = T\n[options]\ncore_users = many\n[domain]\ninteractions = a\n",
          "test.ini:4: core_users = many is not allowed: expected integer 0 to 1000000" },
        { "[dataset]\ntitle = T\n[variables]\nimplicit = 3\n[domain]\ninteractions = a\n",
          "has the name of an option" },
        { "[dataset]\ntitle = T\ngenerator = magic\n", "expected synthetic" },
        { "[dataset]\ntitle = T\ngenerator = synthetic\n[domain]\ninteractions = a\n",
          "generated data has no files" },
    };
    struct opened o;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(open_text(&o, bad[i][0], ""), RH_EINVAL);
        assert_says(o.err, bad[i][1]);
    }
    assert_int_equal(open_text(&o, PLAIN, "duplicats=last"), RH_EINVAL);
    assert_says(o.err, "x.ini:5: dataset test has no option 'duplicats'; did you mean 'duplicates'?");
    assert_int_equal(open_text(&o, PLAIN, "duplicates=lst"), RH_EINVAL);
    assert_says(o.err, "x.ini:5: duplicates = lst is not allowed: expected last | first");
    assert_int_equal(open_text(&o, PLAIN, "from=yesterday"), RH_EINVAL);
    assert_says(o.err, "from = yesterday is not allowed");
    assert_int_equal(open_text(&o, PLAIN, "from=2001-01-02 until=2001-01-01"), RH_EINVAL);
    assert_says(o.err, "is later than until");
    struct rh_error err = { 0 };
    const char *folders[] = { folder_path, NULL };
    struct rh_data_env env = { .descriptions = folders };
    struct rh_arena a = { 0 };
    struct rh_dataset *d;
    assert_int_equal(rh_dataset_open(&a, &env, "tset", NULL, 0, &d, &err), RH_EINVAL);
    assert_says(err, "there is no dataset 'tset'; did you mean 'test'?");
    rh_arena_release(&a);
    err = (struct rh_error){ 0 };
    assert_int_equal(rh_params_sane(rh_data_params, sizeof(struct rh_data_options), &err), RH_OK);
}

static void variables_choose_files(void **state)
{
    struct opened o;
    (void)state;
    write_file("red.csv", "user,item\n1,2\n");
    write_file("blue.csv", "user,item\n1,2\n3,4\n");
    const char *text = "[dataset]\ntitle = The {colour} one\nfolder = .\n[variables]\ncolour = red\n[domain]\n"
                       "interactions = {colour}.csv\n[url]\n{colour}.csv = http://example.org/{colour}\n";
    assert_int_equal(open_text(&o, text, "colour=blue"), RH_OK);
    struct rh_domain_data *d = load(&o, "test");
    assert_int_equal(d->n_rows, 2);
    assert_string_equal(rh_dataset_summary(o.d), "The blue one");
    assert_string_equal(rh_dataset_description(o.d)->url.pair[0].value, "http://example.org/blue");
    assert_string_equal(rh_dataset_description(o.d)->url.pair[0].key, "blue.csv");
    struct opened red, again;
    assert_int_equal(open_text(&red, text, "colour=red"), RH_OK);
    assert_int_equal(open_text(&again, text, "colour=blue"), RH_OK);
    assert_string_equal(rh_dataset_options(o.d), rh_dataset_options(red.d));
    assert_false(rh_dataset_same(o.d, red.d));
    assert_true(rh_dataset_same(o.d, again.d));
    rh_arena_release(&red.a);
    rh_arena_release(&again.a);
    close_all(&o, d);
}

/* ----------------------------------------------------------------------------------------------- cache */

static void identity_follows_options_and_bytes(void **state)
{
    struct opened o, other;
    char first[RH_HASH_HEX], second[RH_HASH_HEX];
    (void)state;
    write_file("r.tsv", ROWS);
    assert_int_equal(open_text(&o, PLAIN, ""), RH_OK);
    assert_int_equal(rh_dataset_identity(o.d, &o.env, first, &o.err), RH_OK);
    assert_int_equal(open_text(&other, PLAIN, "duplicates=last rating_min=-1e9"), RH_OK); /* the defaults */
    assert_string_equal(rh_dataset_options(o.d), rh_dataset_options(other.d));
    assert_int_equal(rh_dataset_identity(other.d, &o.env, second, &o.err), RH_OK);
    assert_string_equal(first, second);
    rh_arena_release(&other.a);
    assert_int_equal(open_text(&other, PLAIN, "duplicates=mean"), RH_OK);
    assert_int_equal(rh_dataset_identity(other.d, &o.env, second, &o.err), RH_OK);
    assert_string_not_equal(first, second);
    rh_arena_release(&other.a);
    write_file("r.tsv", ROWS "cy\tx\t3\t4\n");
    assert_int_equal(rh_dataset_identity(o.d, &o.env, second, &o.err), RH_OK);
    assert_string_not_equal(first, second);
    rh_arena_release(&o.a);
}

static const char *only_file(const char *folder)
{
    static char path[1200];
    struct rh_arena a = { 0 };
    char command[1400];
    snprintf(command, sizeof command, "ls %s/*", in_folder(folder));
    FILE *p = popen(command, "r");
    assert_non_null(p);
    assert_non_null(fgets(path, sizeof path, p));
    path[strcspn(path, "\n")] = '\0';
    char more[10];
    assert_null(fgets(more, sizeof more, p));
    pclose(p);
    rh_arena_release(&a);
    return path;
}

static void the_cache_gives_back_the_same_domain(void **state)
{
    struct opened o;
    char content[RH_HASH_HEX];
    FILE *log = tmpfile();
    struct rh_log logger;
    (void)state;
    rh_log_init(&logger, log, RH_LOG_WARNING);
    write_file("r.csv", "user,item\nu1,10\nu1,20\nu2,30\n");
    write_file("movies.csv", "item,title,genre\n10,Ten,War\n30,Thirty,War\n");
    assert_int_equal(
        open_text(&o,
                  "[dataset]\ntitle = T\nfolder = .\n[domain]\ninteractions = r.csv\n[items]\nfile = movies.csv\n"
                  "title = title\nblock.genre = value genre\n",
                  ""),
        RH_OK);
    char cache[300];
    snprintf(cache, sizeof cache, "%s", in_folder("cache"));
    o.env.cache = cache;
    o.env.log = &logger;
    struct rh_domain_data *d = load(&o, "test");
    assert_non_null(d->map);
    memcpy(content, d->content, sizeof content);
    rh_domain_data_free(d);

    d = load(&o, "test");
    assert_non_null(d->map);
    assert_string_equal(rows_of(d), "u1/10#0 u1/20#1 u2/30#2");
    assert_string_equal(rh_string(&d->title, 2), "Thirty");
    assert_string_equal(block_text(&d->item_block[0], &d->item_id), "genre: 10{war} 20{} 30{war}");
    rh_domain_data_hash(d);
    assert_string_equal(d->content, content);
    rh_domain_data_free(d);
    assert_int_equal(ftell(log), 0);

    /* Every byte changed in turn, and every length cut: always the same domain, built anew, and a line in the log. */
    char *whole, path[1200];
    size_t n;
    struct rh_error err = { 0 };
    snprintf(path, sizeof path, "%s", only_file("cache/domains"));
    assert_int_equal(rh_read_file(&o.a, path, &whole, &n, &err), RH_OK);
    for (size_t at = 0; at < n; at += 37) {
        whole[at] ^= 0x20;
        assert_int_equal(rh_write_file(path, whole, n, &err), RH_OK);
        whole[at] ^= 0x20;
        long before = ftell(log);
        d = load(&o, "test");
        assert_string_equal(d->content, content);
        rh_domain_data_free(d);
        assert_true(ftell(log) > before);
    }
    for (size_t length = 1; length < n; length += n / 7) {
        assert_int_equal(rh_write_file(path, whole, length, &err), RH_OK);
        d = load(&o, "test");
        assert_string_equal(d->content, content);
        rh_domain_data_free(d);
    }
    o.env.cache = "/proc/nowhere"; /* cannot be written: a line in the log, and the domain all the same */
    long before = ftell(log);
    d = load(&o, "test");
    assert_null(d->map);
    assert_string_equal(d->content, content);
    assert_true(ftell(log) > before);
    fclose(log);
    close_all(&o, d);
}

static void file_hashes_are_remembered(void **state)
{
    char first[RH_HASH_HEX], second[RH_HASH_HEX], cache[300];
    struct rh_error err = { 0 };
    (void)state;
    snprintf(cache, sizeof cache, "%s", in_folder("memo"));
    const char *path = write_file("h", "abc");
    assert_int_equal(rh_cache_file_hash(cache, path, first, &err), RH_OK);
    /* FIPS 180-4, the example "abc" */
    assert_string_equal(first, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    char forged[66];
    snprintf(forged, sizeof forged, "%064d\n", 7);
    assert_int_equal(rh_write_file(only_file("memo/hashes"), forged, 65, &err), RH_OK);
    assert_int_equal(rh_cache_file_hash(cache, path, second, &err), RH_OK);
    assert_memory_equal(second, forged, 64); /* it was the memo that spoke */
    assert_int_equal(rh_write_file(only_file("memo/hashes"), "damaged", 7, &err), RH_OK);
    assert_int_equal(rh_cache_file_hash(cache, path, second, &err), RH_OK);
    assert_string_equal(first, second);
}

static void the_generator_is_a_dataset(void **state)
{
    struct opened o;
    (void)state;
    assert_int_equal(open_text(&o, "[dataset]\ntitle = G\ngenerator = synthetic\n", ""), RH_OK);
    assert_true(rh_dataset_domain_count(o.d) >= 2);
    struct rh_domain_data *d = load(&o, rh_dataset_domain(o.d, 0));
    assert_true(d->n_rows > 1000);
    close_all(&o, d);
    assert_int_equal(open_text(&o, NULL, "sed=4"), RH_EINVAL);
    assert_says(o.err, "has no option 'sed'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_column_may_be_a_bar_alone),
        cmocka_unit_test(mistakes_of_descriptions_have_places),
        cmocka_unit_test(variables_choose_files),
        cmocka_unit_test(identity_follows_options_and_bytes),
        cmocka_unit_test(the_cache_gives_back_the_same_domain),
        cmocka_unit_test(file_hashes_are_remembered),
        cmocka_unit_test(the_generator_is_a_dataset),
    };
    return cmocka_run_group_tests(tests, folder_open, folder_close);
}
