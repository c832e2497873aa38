/* The described sets of the data folder, against counts and sums made by awk and Python over the same files. Skipped
 * where HARNESS_DATA is not set or a set is not there. */
#include "data/dataset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct facts {
    int64_t rows, removed;
    int32_t users, items;
    double ratings; /* sum */
    int64_t times;  /* sum of the known ones */
};

/* The domain, or NULL: the set is not there. */
static struct rh_domain_data *open_set(const char *name, const char *domain, const struct rh_ini_entry *settings,
                                       size_t n)
{
    char descriptions[1000];
    const char *data = getenv("HARNESS_DATA"), *source = getenv("HARNESS_SOURCE");
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    struct rh_dataset *d;
    struct rh_domain_data *out;
    snprintf(descriptions, sizeof descriptions, "%s/datasets", source ? source : ".");
    const char *folders[] = { descriptions, NULL };
    struct rh_data_env env = { .descriptions = folders, .data = data, .threads = 2 };
    if (rh_dataset_open(&a, &env, name, settings, n, &d, &err) < 0)
        fail_msg("%s", err.text);
    int status = rh_dataset_load(d, &env, domain, &out, &err);
    rh_arena_release(&a);
    if (status == RH_EIO && strstr(err.text, "cannot find")) {
        print_message("# skipped: %s\n", err.text); /* cmocka's skip() is "not ok" in TAP */
        return NULL;
    }
    if (status < 0 || rh_domain_data_check(out, &err) < 0)
        fail_msg("%s", err.text);
    return out;
}

static void assert_facts(const struct rh_domain_data *d, struct facts f)
{
    double ratings = 0;
    int64_t times = 0, removed = 0;
    for (int64_t k = 0; k < d->n_rows; k++) {
        ratings += d->value ? (double)d->value[k] : 0;
        times += d->time && d->time[k] != RH_NO_TIME ? d->time[k] : 0;
    }
    for (int32_t i = 0; i < d->n_removed; i++)
        removed += d->removed[i].rows;
    assert_int_equal(d->n_rows, f.rows);
    assert_int_equal(removed, f.removed);
    assert_int_equal(d->n_users, f.users);
    assert_int_equal(d->n_items, f.items);
    assert_true(ratings == f.ratings); /* sums of whole and half numbers are exact */
    assert_int_equal(times, f.times);
}

static const struct rh_block *find(const struct rh_block *block, int32_t n, const char *name)
{
    for (int32_t i = 0; i < n; i++)
        if (!strcmp(block[i].name, name))
            return &block[i];
    fail_msg("there is no block %s", name);
    return NULL;
}

static int32_t column(const struct rh_block *b, const char *name)
{
    for (int32_t c = 0; c < b->column.n; c++)
        if (!strcmp(rh_string(&b->column, c), name))
            return c;
    return -1;
}

static void movielens_100k(void **state)
{
    (void)state;
    struct rh_domain_data *d = open_set("ml-100k", "movies", NULL, 0);
    if (!d)
        return;
    assert_facts(d, (struct facts){ 100000, 0, 943, 1682, 352986, 88352885148862 });
    assert_true(d->value_min == 1 && d->value_max == 5);
    /* the first line of u.data is 196, 242, 3, 881250949 */
    assert_string_equal(rh_string(&d->user_id, 0), "196");
    assert_string_equal(rh_string(&d->item_id, 0), "242");
    assert_true(d->position[0] == 0 && d->value[0] == 3 && d->time[0] == 881250949);
    assert_string_equal(rh_string(&d->title, 0), "Kolya (1996)");
    /* 2,893 flags are set; the two "unknown" are dropped by an alias */
    assert_int_equal(find(d->item_block, d->n_item_blocks, "genre")->features.row[1682], 2893 - 2);
    const struct rh_block *gender = find(d->user_block, d->n_user_blocks, "gender");
    int32_t m = column(gender, "m");
    int64_t men = 0;
    for (int64_t k = 0; k < gender->features.row[943]; k++)
        men += gender->features.col[k] == m;
    assert_int_equal(men, 670);
    const struct rh_block *title = find(d->item_block, d->n_item_blocks, "title");
    assert_int_equal(column(title, "1995"), -1);
    assert_true(column(title, "star") >= 0);
    rh_domain_data_free(d);
}

static void movielens_100k_official_split(void **state)
{
    (void)state;
    struct rh_ini_entry fold = { "dataset.x", "fold", "ua", "x.ini", 3 };
    struct rh_domain_data *d = open_set("ml-100k-folds", "movies", &fold, 1);
    if (!d)
        return;
    int64_t count[4] = { 0 };
    for (int64_t k = 0; k < d->n_rows; k++)
        count[d->given[k]]++;
    assert_int_equal(count[RH_GIVEN_TRAIN], 90570);
    assert_int_equal(count[RH_GIVEN_TEST], 9430);
    assert_int_equal(d->n_rows, 100000);
    rh_domain_data_free(d);
}

static void movielens_100k_split_of_mcrec(void **state)
{
    (void)state;
    struct rh_domain_data *d = open_set("ml-100k-mcrec", "movies", NULL, 0);
    if (!d)
        return;
    int64_t count[4] = { 0 };
    for (int64_t k = 0; k < d->n_rows; k++)
        count[d->given[k]]++;
    assert_int_equal(count[RH_GIVEN_TRAIN], 80000);
    assert_int_equal(count[RH_GIVEN_TEST], 20000);
    assert_null(d->value);
    rh_domain_data_free(d);
}

static void movielens_1m(void **state)
{
    (void)state;
    struct rh_domain_data *d = open_set("ml-1m", "movies", NULL, 0);
    if (!d)
        return;
    assert_facts(d, (struct facts){ 1000209, 0, 6040, 3706, 3582313, 647985876333800 });
    int64_t known = 0;
    for (int64_t k = 0; k < d->n_rows; k++)
        known += d->time[k] != RH_NO_TIME;
    assert_int_equal(known, 665185);
    rh_domain_data_free(d);
}

static void amazon_movies_with_dates(void **state)
{
    (void)state;
    struct rh_domain_data *d = open_set("amazon-movies", "movies", NULL, 0);
    if (!d)
        return;
    assert_facts(d, (struct facts){ 57019, 0, 2579, 3107, 224511, 68276760883200 });
    assert_true(column(find(d->item_block, d->n_item_blocks, "genre"), "film-noir") >= 0);
    rh_domain_data_free(d);
}

static void amazon_dense_has_duplicates(void **state)
{
    (void)state;
    struct rh_ini_entry first = { "dataset.x", "duplicates", "first", "x.ini", 3 };
    struct rh_ini_entry core[] = { { "dataset.x", "core_users", "20", "x.ini", 3 },
                                   { "dataset.x", "core_items", "20", "x.ini", 4 } };
    struct rh_domain_data *d = open_set("amazon-movies-dense", "movies", NULL, 0);
    if (!d)
        return;
    assert_facts(d, (struct facts){ 62084, 68023 - 62084, 1381, 1338, 248949, 0 });
    rh_domain_data_free(d);
    d = open_set("amazon-books-dense", "books", &first, 1);
    if (!d)
        return;
    assert_facts(d, (struct facts){ 31504, 38149 - 31504, 1426, 723, 133646, 0 });
    rh_domain_data_free(d);
    d = open_set("amazon-movies-dense", "movies", core, 2);
    if (!d)
        return;
    assert_facts(d, (struct facts){ 56514, 68023 - 56514, 627, 1286, 225836, 0 });
    rh_domain_data_free(d);
    d = open_set("amazon-books-dense", "books", core, 2);
    if (!d)
        return;
    assert_facts(d, (struct facts){ 21702, 38149 - 21702, 505, 605, 92392, 0 });
    rh_domain_data_free(d);
}

static void amazon_kg_atomic_files(void **state)
{
    (void)state;
    struct rh_domain_data *d = open_set("amazon-kg-books", "books", NULL, 0);
    if (!d)
        return;
    assert_int_equal(d->n_rows, 115572);
    assert_int_equal(d->n_users, 10485);
    assert_int_equal(d->n_items, 8318);
    rh_domain_data_free(d);
}

static void amazon_p5_lists_of_items(void **state)
{
    (void)state;
    struct rh_domain_data *d = open_set("amazon-p5", "products", NULL, 0);
    if (!d)
        return;
    assert_facts(d, (struct facts){ 198502, 0, 22363, 12101, 0, 0 });
    rh_domain_data_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(movielens_100k),
        cmocka_unit_test(movielens_100k_official_split),
        cmocka_unit_test(movielens_100k_split_of_mcrec),
        cmocka_unit_test(movielens_1m),
        cmocka_unit_test(amazon_movies_with_dates),
        cmocka_unit_test(amazon_dense_has_duplicates),
        cmocka_unit_test(amazon_kg_atomic_files),
        cmocka_unit_test(amazon_p5_lists_of_items),
    };
    if (!getenv("HARNESS_DATA")) { /* the plan of TAP itself: cmocka calls a skipped test "not ok" */
        puts("1..0 # SKIP HARNESS_DATA is not set");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
