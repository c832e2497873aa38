/* datasets/: every description can be opened; those whose files are in $HARNESS_DATA load with the counts that are
 * written here (made by an independent program from the files; most are also the published ones); those of sets that
 * are not there load small files made as their documentation says. */
#include "base/file.h"
#include "base/text.h"
#include "data/dataset.h"
#include "data/description.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>
#include <unistd.h>

struct expected {
    const char *dataset, *setting, *domain; /* setting: "key=value", or NULL */
    int64_t read, rows;                     /* before and after duplicates were taken out */
    int32_t users, items;
    double low, high;        /* ratings; 0, 0: implicit */
    int64_t first, last;     /* times, of the last one of duplicates; 0, 0: none */
    int64_t unknown;         /* rows without a time */
    int64_t test;            /* rows of the given test part; 0: no given split */
    int32_t titled;          /* items with a title; -1: no titles */
    const char *item_blocks; /* names in order of the description */
};

static const struct expected table[] = {
    { "ml-100k", NULL, "movies", 100000, 100000, 943, 1682, 1, 5, 874724710, 893286638, 0, 0, 1682, "genre title" },
    { "ml-100k-folds", NULL, "movies", 100000, 100000, 943, 1682, 1, 5, 874724710, 893286638, 0, 20000, 1682,
      "genre title" },
    { "ml-100k-folds", "fold=u5", "movies", 100000, 100000, 943, 1682, 1, 5, 874724710, 893286638, 0, 20000, 1682,
      "genre title" },
    { "ml-100k-folds", "fold=ua", "movies", 100000, 100000, 943, 1682, 1, 5, 874724710, 893286638, 0, 9430, 1682,
      "genre title" },
    { "ml-100k-folds", "fold=ub", "movies", 100000, 100000, 943, 1682, 1, 5, 874724710, 893286638, 0, 9430, 1682,
      "genre title" },
    { "ml-100k-mcrec", NULL, "movies", 100000, 100000, 943, 1682, 0, 0, 0, 0, 0, 20000, 1682, "genre title" },
    { "ml-100k-mcrec-digits", NULL, "movies", 100000, 100000, 943, 1682, 0, 0, 0, 0, 0, 20000, 1682, "digit title" },
    { "ml-1m", NULL, "movies", 1000209, 1000209, 6040, 3706, 1, 5, 956703932, 1046454590, 335024, 0, 3706,
      "genre title description director cast" },
    { "ml-1m-ncf", NULL, "movies", 1006249, 1000209, 6040, 3706, 1, 5, 956703932, 1046454590, 335024, 6040, 3706,
      "genre title" },
    { "ml-1m-melu", NULL, "movies", 1000209, 1000209, 6040, 3706, 1, 5, 956703932, 1046454590, 335024, 0, 3704,
      "rate genre director actor" },
    { "amazon-2014-digital-music", NULL, "music", 6908, 6908, 2490, 382, 1, 5, 893721600, 1404691200, 0, 0, 382,
      "category title description brand" },
    { "amazon-2018-small", NULL, "beauty", 5269, 4092, 991, 85, 1, 5, 1119916800, 1534982400, 0, 0, -1, NULL },
    { "amazon-2018-small", NULL, "fashion", 3176, 3042, 406, 31, 1, 5, 1261699200, 1530748800, 0, 0, -1, NULL },
    { "amazon-2018-small", NULL, "gift_cards", 2972, 2965, 458, 148, 1, 5, 1327968000, 1534896000, 0, 0, 148,
      "category title description brand" },
    /* 151 items are listed, but nearly all titles are a piece of broken HTML, which is no title */
    { "amazon-2018-small", NULL, "magazines", 2375, 2302, 348, 157, 1, 5, 1005523200, 1526774400, 0, 0, 3,
      "category title description brand" },
    { "amazon-movies", NULL, "movies", 57019, 57019, 2579, 3107, 1, 5, 909878400, 1405900800, 0, 0, 3084,
      "genre title cast director" },
    { "amazon-movies-notime", NULL, "movies", 82891, 82891, 7479, 6753, 1, 5, 0, 0, 0, 0, 6753,
      "genre title cast director" },
    { "amazon-movies-dense", NULL, "movies", 68023, 62084, 1381, 1338, 1, 5, 0, 0, 0, 0, 687,
      "genre title cast director" },
    { "amazon-books-dense", NULL, "books", 38149, 31504, 1426, 723, 1, 5, 0, 0, 0, 0, 281,
      "category title description author" },
    { "amazon-kg-movies", NULL, "movies", 67066, 67066, 5648, 4779, 0, 0, 0, 0, 0, 0, -2, NULL },
    { "amazon-kg-books", NULL, "books", 115572, 115572, 10485, 8318, 0, 0, 0, 0, 0, 0, -2, NULL },
    { "amazon-abxi", NULL, "beauty", 50329, 50329, 4474, 10379, 0, 0, 1061683200, 1406073600, 0, 0, -1, "" },
    { "amazon-abxi", NULL, "electronics", 63800, 63800, 4474, 14188, 0, 0, 947116800, 1406073600, 0, 0, -1, "" },
    { "amazon-p5", NULL, "products", 198502, 198502, 22363, 12101, 0, 0, 0, 0, 0, 0, -1, "" },
    { "amazon-p5", "category=sports", "products", 296337, 296337, 35598, 18357, 0, 0, 0, 0, 0, 0, -1, "" },
    { "amazon-cdrib", NULL, "game", 157721, 157721, 25025, 12319, 0, 0, 0, 0, 0, 0, -1, "" },
    { "amazon-cdrib", NULL, "video", 158984, 158984, 19457, 8751, 0, 0, 0, 0, 0, 0, -1, "" },
    { "amazon-disencdr-sport-cloth", NULL, "sport", 100938, 100938, 9928, 30796, 0, 0, 0, 0, 0, 8326, -1, "" },
    { "amazon-disencdr-sport-cloth", NULL, "cloth", 95369, 95369, 9928, 39008, 0, 0, 0, 0, 0, 7540, -1, "" },
    { "amazon-disencdr-phone-electronic", NULL, "phone", 52966, 52966, 3325, 17709, 0, 0, 0, 0, 0, 2559, -1, "" },
    { "amazon-disencdr-phone-electronic", NULL, "electronic", 118114, 118114, 3325, 38706, 0, 0, 0, 0, 0, 2560, -1,
      "" },
    { "amazon-bitgcf", NULL, "electronic", 118879, 118879, 3325, 39463, 0, 0, 0, 0, 0, 3325, -1, "" },
    { "amazon-bitgcf", NULL, "cell", 53732, 53732, 3325, 18462, 0, 0, 0, 0, 0, 3325, -1, "" },
};

static char folder[1024];
static const char *folders[2] = { folder, NULL };

static struct rh_data_env environment(void)
{
    return (struct rh_data_env){ .descriptions = folders, .data = getenv("HARNESS_DATA"), .threads = 2 };
}

static struct rh_dataset *open_set(struct rh_arena *a, const struct rh_data_env *env, const char *name,
                                   const char *setting)
{
    struct rh_error err = { 0 };
    struct rh_dataset *d = NULL;
    const char *equals = setting ? strchr(setting, '=') : NULL;
    struct rh_ini_entry e = { .section = "dataset.x", .file = "test", .line = 1 };
    if (equals) {
        e.key = rh_arena_strndup(a, setting, (size_t)(equals - setting));
        e.value = equals + 1;
    }
    if (rh_dataset_open(a, env, name, &e, equals ? 1 : 0, &d, &err) < 0)
        fail_msg("%s: %s", name, err.text);
    return d;
}

static struct rh_domain_data *load(const struct rh_dataset *d, const struct rh_data_env *env, const char *domain)
{
    struct rh_error err = { 0 };
    struct rh_domain_data *data = NULL;
    if (rh_dataset_load(d, env, domain, &data, &err) < 0)
        fail_msg("%s: %s", domain, err.text);
    if (rh_domain_data_check(data, &err) < 0)
        fail_msg("%s: %s", domain, err.text);
    return data;
}

static void check_times(const struct rh_domain_data *d, const struct expected *x)
{
    int64_t first = INT64_MAX, last = INT64_MIN, unknown = 0;
    if (!x->first) {
        assert_null(d->time);
        return;
    }
    assert_non_null(d->time);
    for (int64_t i = 0; i < d->n_rows; i++) {
        unknown += d->time[i] == RH_NO_TIME;
        first = d->time[i] != RH_NO_TIME && d->time[i] < first ? d->time[i] : first;
        last = d->time[i] > last ? d->time[i] : last;
    }
    assert_int_equal(first, x->first);
    assert_int_equal(last, x->last);
    assert_int_equal(unknown, x->unknown);
}

static void check_texts(const struct rh_domain_data *d, const struct expected *x)
{
    struct rh_text blocks = { 0 };
    int32_t titled = 0;
    for (int32_t i = 0; i < d->title.n; i++)
        titled += rh_string(&d->title, i)[0] != '\0';
    if (x->titled >= 0)
        assert_int_equal(titled, x->titled);
    if (x->titled == -1)
        assert_int_equal(titled, 0);
    for (int32_t i = 0; i < d->n_item_blocks; i++)
        rh_text_printf(&blocks, "%s%s", i ? " " : "", d->item_block[i].name);
    if (x->item_blocks)
        assert_string_equal(blocks.s ? blocks.s : "", x->item_blocks);
    rh_text_release(&blocks);
}

static void real_sets_have_their_counts(void **state)
{
    (void)state;
    struct rh_data_env env = environment();
    if (!env.data || !*env.data) {
        print_message("# skipped: HARNESS_DATA is not set\n"); /* cmocka's skip() is "not ok" in TAP */
        return;
    }
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct expected *x = &table[i];
        struct rh_arena a = { 0 };
        struct rh_dataset *set = open_set(&a, &env, x->dataset, x->setting);
        struct rh_domain_data *d = load(set, &env, x->domain);
        int64_t read = d->n_rows, test = 0;
        for (int32_t k = 0; k < d->n_removed; k++)
            read += d->removed[k].rows;
        if (read != x->read || d->n_rows != x->rows || d->n_users != x->users || d->n_items != x->items)
            fail_msg("%s %s: %lld %lld %d %d instead of %lld %lld %d %d", x->dataset, x->domain, (long long)read,
                     (long long)d->n_rows, d->n_users, d->n_items, (long long)x->read, (long long)x->rows, x->users,
                     x->items);
        if (x->high > 0) {
            assert_non_null(d->value);
            assert_float_equal(d->value_min, x->low, 0);
            assert_float_equal(d->value_max, x->high, 0);
        } else {
            assert_null(d->value);
        }
        check_times(d, x);
        check_texts(d, x);
        assert_true((d->given != NULL) == (x->test > 0));
        for (int64_t k = 0; d->given && k < d->n_rows; k++)
            test += d->given[k] == RH_GIVEN_TEST;
        assert_int_equal(test, x->test);
        rh_domain_data_free(d);
        rh_arena_release(&a);
    }
}

static int32_t shared(const struct rh_strings *x, const struct rh_strings *y)
{
    int32_t n = 0;
    for (int32_t i = 0; i < x->n; i++)
        for (int32_t k = 0; k < y->n; k++)
            if (!strcmp(rh_string(x, i), rh_string(y, k))) {
                n++;
                break;
            }
    return n;
}

/* What transfer rests on: the users that two sets have in common, and the names of genres. */
static void real_sets_share_users_and_genres(void **state)
{
    (void)state;
    static const struct {
        const char *set[2], *domain[2];
        int32_t users;
    } pairs[] = {
        { { "amazon-movies-dense", "amazon-books-dense" }, { "movies", "books" }, 1329 },
        { { "amazon-movies", "amazon-books-dense" }, { "movies", "books" }, 555 },
        { { "amazon-movies", "amazon-2014-digital-music" }, { "movies", "music" }, 337 },
        { { "amazon-cdrib", "amazon-cdrib" }, { "game", "video" }, 2179 },
    };
    struct rh_data_env env = environment();
    if (!env.data || !*env.data) {
        print_message("# skipped: HARNESS_DATA is not set\n"); /* cmocka's skip() is "not ok" in TAP */
        return;
    }
    struct rh_arena a = { 0 };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct rh_domain_data *d[2];
        for (int k = 0; k < 2; k++)
            d[k] = load(open_set(&a, &env, pairs[i].set[k], NULL), &env, pairs[i].domain[k]);
        assert_int_equal(shared(&d[0]->user_id, &d[1]->user_id), pairs[i].users);
        rh_domain_data_free(d[0]);
        rh_domain_data_free(d[1]);
    }
    struct rh_domain_data *lens = load(open_set(&a, &env, "ml-100k", NULL), &env, "movies");
    struct rh_domain_data *amazon = load(open_set(&a, &env, "amazon-movies", NULL), &env, "movies");
    assert_string_equal(lens->item_block[0].name, "genre");
    assert_string_equal(amazon->item_block[0].name, "genre");
    assert_int_equal(lens->item_block[0].column.n, 18); /* 19 flags, "unknown" is none */
    assert_int_equal(shared(&lens->item_block[0].column, &amazon->item_block[0].column), 18);
    rh_domain_data_free(lens);
    rh_domain_data_free(amazon);
    rh_arena_release(&a);
}

static void all_descriptions_open(void **state)
{
    (void)state;
    struct rh_data_env env = environment();
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    const char *const *name;
    int32_t n = 0;
    assert_int_equal(rh_description_list(&a, folders, &name, &n, &err), RH_OK);
    assert_true(n >= 28);
    for (int32_t i = 0; i < n; i++) {
        if (!strcmp(name[i], "synthetic")) /* has no files; tests/unit/synthetic.c is about it */
            continue;
        struct rh_dataset *d = open_set(&a, &env, name[i], NULL);
        const struct rh_description *said = rh_dataset_description(d);
        assert_string_equal(rh_dataset_name(d), name[i]);
        assert_true(rh_dataset_domain_count(d) >= 1);
        assert_true(*said->home && *said->licence && *said->citation);
    }
    assert_string_equal(rh_dataset_summary(open_set(&a, &env, "amazon-2018", "category=Books")),
                        "Amazon 2018, Books");
    assert_string_equal(rh_dataset_namespace(open_set(&a, &env, "amazon-p5", "category=sports")), "amazon-p5-sports");
    assert_string_equal(rh_dataset_namespace(open_set(&a, &env, "amazon-movies", NULL)), "amazon");
    assert_string_equal(rh_dataset_namespace(open_set(&a, &env, "ml-1m", NULL)), "ml-1m");
    rh_arena_release(&a);
}

/* ------------------------------------------------------------------------------------------- made files */

struct made {
    const char *dataset, *setting;
    struct {
        const char *name, *bytes; /* "folder/file", or "folder/x.zip:member" */
    } file[3];
    int32_t users, items;
    int64_t rows;
    double first_rating; /* of the first user's first item */
    int64_t first_time;
    const char *title;   /* of the first item */
    const char *columns; /* of block 0 */
};

#define MOVIES_CSV                                                                                                   \
    "movieId,title,genres\n1,Toy Story (1995),Adventure|Children|IMAX\n"                                             \
    "11,\"American President, The (1995)\",Drama|Romance\n3,None (1990),(no genres listed)\n"
#define RATINGS_CSV "userId,movieId,rating,timestamp\n1,1,4.5,964982703\n1,11,4.0,964981247\n2,3,0.5,1445714835\n"
#define REVIEWS_5                                                                                                    \
    "{\"reviewerID\": \"A1\", \"asin\": \"0001\", \"overall\": 5.0, \"unixReviewTime\": 1388534400}\n"               \
    "{\"overall\": 1.0, \"unixReviewTime\": 1388620800, \"reviewerID\": \"A2\", \"asin\": \"B2\"}\n"

/* clang-format off */
static const struct made made[] = {
    { "ml-latest-small", NULL,
      { { "ml-latest-small/ratings.csv", RATINGS_CSV }, { "ml-latest-small/movies.csv", MOVIES_CSV } },
      2, 3, 3, 4.5, 964982703, "Toy Story (1995)", "adventure children drama imax romance" },
    { "ml-20m", NULL,
      { { "ml-20m.zip:ml-20m/ratings.csv", RATINGS_CSV }, { "ml-20m.zip:ml-20m/movies.csv", MOVIES_CSV } },
      2, 3, 3, 4.5, 964982703, "Toy Story (1995)", "adventure children drama imax romance" },
    { "ml-32m", NULL,
      { { "ml-32m/ml-32m.zip:ml-32m/ratings.csv", RATINGS_CSV },
        { "ml-32m/ml-32m.zip:ml-32m/movies.csv", MOVIES_CSV } },
      2, 3, 3, 4.5, 964982703, "Toy Story (1995)", "adventure children drama imax romance" },
    { "ml-1m", NULL,
      { { "ml-1m/ml-1m.zip:ml-1m/ratings.dat", "1::1193::5::978300760\n1::661::3::978302109\n" },
        { "ml-1m/ml-1m.zip:ml-1m/movies.dat", "1193::Mis\xe9rables, Les (1995)::Children's|Drama\n" },
        { "ml-1m/ml-1m.zip:ml-1m/users.dat", "1::F::1::10::48067\n" } },
      1, 2, 2, 5, 978300760, "Mis\xc3\xa9rables, Les (1995)", "children drama" },
    { "amazon-2014", "category=Beauty",
      { { "amazon-2014/reviews_Beauty_5.json.gz", REVIEWS_5 },
        { "amazon-2014/meta_Beauty.json.gz",
          "{'asin': '0001', 'title': \"Sam's Balm &amp; Oil\", 'categories': [['Beauty', 'Skin Care']]}\n"
          "{'asin': 'B2', 'categories': [['Beauty', 'Hair']], 'brand': 'Sam'}\n" } },
      2, 2, 2, 5, 1388534400, "Sam's Balm & Oil", "beauty hair skin care" },
    { "amazon-2014-ratings", "category=Beauty",
      { { "amazon-2014/ratings_Beauty.csv", "A1,0001,5.0,1369699200\nA2,B2,1.0,1355443200\n" } },
      2, 2, 2, 5, 1369699200, NULL, NULL },
    { "amazon-2018", "category=Software",
      { { "amazon-2018/Software.json.gz", REVIEWS_5 },
        { "amazon-2018/meta_Software.json.gz",
          "{\"category\": [\"Software\", \"Games &amp; More\"], \"title\": \"Solitaire\", \"asin\": \"0001\"}\n" } },
      2, 2, 2, 5, 1388534400, "Solitaire", "games & more software" },
    { "amazon-2018-ratings", "category=Software",
      { { "amazon-2018/Software.csv", "0001,A1,4.0,1425600000\nB2,A2,1.0,1355443200\n" } },
      2, 2, 2, 4, 1425600000, NULL, NULL },
    { "amazon-2023", "category=All_Beauty",
      { { "amazon-2023/All_Beauty.jsonl.gz",
          "{\"rating\": 5.0, \"title\": \"Such\", \"images\": [], \"asin\": \"B00YQ6X8EO\", \"parent_asin\": \"B00Y\", "
          "\"user_id\": \"AGKH\", \"timestamp\": 1588687728923, \"verified_purchase\": true}\n" },
        { "amazon-2023/meta_All_Beauty.jsonl",
          "{\"main_category\": \"All Beauty\", \"title\": \"Spray\", \"price\": null, \"store\": \"Howard\", "
          "\"categories\": [\"Hair\"], \"details\": {\"Brand\": \"H\"}, \"parent_asin\": \"B00Y\"}\n" } },
      1, 1, 1, 5, 1588687728, "Spray", "hair" },
    { "amazon-2023-ratings", "category=All_Beauty",
      { { "amazon-2023/All_Beauty.csv", "user_id,parent_asin,rating,timestamp\nAGKH,B00Y,3.0,1588687728923\n" } },
      1, 1, 1, 3, 1588687728, NULL, NULL },
    { "goodbooks-10k", NULL,
      { { "goodbooks-10k/ratings.csv", "user_id,book_id,rating\n1,258,5\n2,258,3\n" },
        { "goodbooks-10k/books.csv",
          "book_id,authors,original_title,title\n258,\"Carlos Ruiz, Lucia\",La sombra,The Shadow\n" } },
      2, 1, 2, 5, 0, "The Shadow", NULL },
};
/* clang-format on */

/* Writes a file below `data`; members of one archive that follow each other are written together. */
static void write_made(struct rh_arena *a, const char *data, const struct made *m)
{
    struct rh_error err = { 0 };
    struct archive *zip = NULL;
    for (size_t i = 0; i < 3 && m->file[i].name; i++) {
        const char *colon = strchr(m->file[i].name, ':');
        size_t length = strlen(m->file[i].bytes);
        char *path = rh_path_join(a, data, m->file[i].name);
        if (!colon) {
            assert_int_equal(rh_write_file(path, m->file[i].bytes, length, &err), RH_OK);
            continue;
        }
        *strchr(path, ':') = '\0';
        assert_int_equal(rh_make_parent(path, &err), RH_OK);
        if (!zip) {
            zip = archive_write_new();
            assert_int_equal(archive_write_set_format_zip(zip), ARCHIVE_OK);
            assert_int_equal(archive_write_open_filename(zip, path), ARCHIVE_OK);
        }
        struct archive_entry *e = archive_entry_new();
        archive_entry_set_pathname(e, colon + 1);
        archive_entry_set_filetype(e, AE_IFREG);
        archive_entry_set_perm(e, 0644);
        archive_entry_set_size(e, (int64_t)length);
        assert_int_equal(archive_write_header(zip, e), ARCHIVE_OK);
        assert_int_equal(archive_write_data(zip, m->file[i].bytes, length), length);
        archive_entry_free(e);
    }
    if (zip)
        assert_int_equal(archive_write_free(zip), ARCHIVE_OK);
}

static void remove_made(struct rh_arena *a, const char *data, const struct made *m)
{
    for (size_t i = 0; i < 3 && m->file[i].name; i++) {
        char *path = rh_path_join(a, data, m->file[i].name);
        path[strcspn(path, ":")] = '\0';
        unlink(path);
        *strrchr(path, '/') = '\0';
        if (strcmp(path, data) != 0)
            rmdir(path);
    }
}

static void check_made(const struct rh_domain_data *d, const struct made *m)
{
    assert_int_equal(d->n_users, m->users);
    assert_int_equal(d->n_items, m->items);
    assert_int_equal(d->n_rows, m->rows);
    assert_float_equal(d->value[0], m->first_rating, 0);
    if (m->first_time)
        assert_int_equal(d->time[0], m->first_time);
    else
        assert_null(d->time);
    if (m->title)
        assert_string_equal(rh_string(&d->title, 0), m->title);
    if (m->columns) {
        struct rh_text columns = { 0 };
        for (int32_t i = 0; i < d->item_block[0].column.n; i++)
            rh_text_printf(&columns, "%s%s", i ? " " : "", rh_string(&d->item_block[0].column, i));
        assert_string_equal(columns.s, m->columns);
        rh_text_release(&columns);
    }
}

static void absent_sets_load_as_documented(void **state)
{
    (void)state;
    const char *temporary = getenv("TMPDIR");
    char data[256];
    snprintf(data, sizeof data, "%s/harness-made-XXXXXX", temporary && *temporary ? temporary : P_tmpdir);
    assert_non_null(mkdtemp(data));
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        struct rh_arena a = { 0 };
        struct rh_data_env env = { .descriptions = folders, .data = data, .threads = 2 };
        write_made(&a, data, &made[i]);
        struct rh_dataset *set = open_set(&a, &env, made[i].dataset, made[i].setting);
        struct rh_domain_data *d = load(set, &env, rh_dataset_domain(set, 0));
        check_made(d, &made[i]);
        rh_domain_data_free(d);
        remove_made(&a, data, &made[i]);
        rh_arena_release(&a);
    }
    assert_int_equal(rmdir(data), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_descriptions_open),
        cmocka_unit_test(absent_sets_load_as_documented),
        cmocka_unit_test(real_sets_have_their_counts),
        cmocka_unit_test(real_sets_share_users_and_genres),
    };
    const char *source = getenv("HARNESS_SOURCE");
    snprintf(folder, sizeof folder, "%s/datasets", source ? source : ".");
    return cmocka_run_group_tests_name("datasets", tests, NULL, NULL);
}
