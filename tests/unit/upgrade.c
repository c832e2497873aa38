/* Stores of an earlier version, and what later versions brought: held-out rows, kept rankings, places of models. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "storefile.h"

/* ---------------------------------------------------------------------------------------- an earlier version */

/* A store as harness wrote it before schema 2: two runs of one problem. */
static void write_version_1(void)
{
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    char dump[512], *sql, *why = NULL;
    const char *source = getenv("HARNESS_SOURCE");
    sqlite3 *db;
    snprintf(dump, sizeof dump, "%s/tests/golden/store-v1.dump", source ? source : ".");
    assert_int_equal(rh_read_file(&a, dump, &sql, &(size_t){ 0 }, &err), RH_OK);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s", why);
    sqlite3_close(db);
    rh_arena_release(&a);
}

static void assert_old_runs(struct rh_store *s)
{
    assert_int_equal(number(s, "PRAGMA user_version"), 3);
    assert_int_equal(number(s, "PRAGMA application_id"), 0x52485354);
    assert_text(s, "SELECT group_concat(label || '|' || twin, ' ') FROM experiment_run", "popularity| itemknn|");
    assert_text(s, "SELECT group_concat(printf('%.4f', value), ' ') FROM (SELECT * FROM metric WHERE id = 'ndcg@5' "
                   "ORDER BY run)", "0.7079 0.5722");
    assert_int_equal(number(s, "SELECT count(*) FROM user_value WHERE metric = 'auc'"), 24);
    assert_int_equal(number(s, "SELECT count(*) FROM leaderboard"), 2);
    assert_int_equal(number(s, "SELECT (SELECT count(*) FROM run_test) + (SELECT count(*) FROM ranking) + "
                               "(SELECT count(*) FROM model) + "
                               "(SELECT count(*) FROM problem_fact)"), 0);
    assert_int_equal(number(s, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

/* Names, columns, order and constraints; not the comments. */
static void schema_of(struct rh_store *s, struct rh_arena *a, const char **out)
{
    struct rh_sql q;
    struct rh_error err = { 0 };
    assert_int_equal(
        rh_sql_open(&q, s, &err, "SELECT group_concat(text, char(10)) FROM (SELECT m.type || ' ' || m.name || ' ' || "
                    "coalesce(group_concat(c.name || ' ' || c.type || c.'notnull' || coalesce(c.dflt_value, '-') || "
                    "c.pk), '') AS text FROM sqlite_schema m LEFT JOIN pragma_table_info(m.name) c GROUP BY m.name "
                    "ORDER BY m.name)", ""), RH_OK);
    assert_int_equal(rh_sql_step(&q, &err), RH_OK);
    *out = rh_sql_text(&q, 0, a);
    rh_sql_close(&q);
}

static void an_earlier_version_is_brought_up_to_date(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    const char *upgraded, *fresh;
    for (int read = 0; read <= 1; read++) {
        unlink(path);
        write_version_1();
        struct rh_store *s = opened(read ? RH_STORE_READ : RH_STORE_WRITE);
        assert_old_runs(s);
        schema_of(s, &a, &upgraded);
        rh_store_close(s);
    }
    unlink(path);
    struct rh_store *s = opened(RH_STORE_WRITE);
    schema_of(s, &a, &fresh);
    assert_string_equal(upgraded, fresh);
    rh_store_close(s);
    rh_arena_release(&a);
}

static void an_earlier_version_that_may_not_be_changed_says_so(void **state)
{
    (void)state;
    bool root = geteuid() == 0;
    write_version_1();
    chmod(folder, 0555);
    chmod(path, 0444);
    if (root)
        assert_int_equal(seteuid(65534), 0);
    assert_refused(RH_STORE_READ, RH_EIO, "has schema 1 and must be brought to 3 to be read: store");
    if (root)
        assert_int_equal(seteuid(0), 0);
    chmod(folder, 0777);
    chmod(path, 0666);
}

/* An upgrade that stops half-way leaves the old store. */
static void a_stopped_upgrade_changes_nothing(void **state)
{
    (void)state;
    write_version_1();
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    const char *in_the_way = "CREATE TABLE t (x); CREATE INDEX ranking ON t (x)";
    assert_int_equal(sqlite3_exec(db, in_the_way, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    struct rh_store *s;
    struct rh_error err = { 0 };
    assert_true(rh_store_open(path, RH_STORE_WRITE, &s, &err) < 0);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_stmt *q;
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT (SELECT user_version FROM pragma_user_version) = 1 AND "
                                        "(SELECT count(*) FROM pragma_table_info('experiment_run')) = 4 AND "
                                        "(SELECT count(*) FROM leaderboard) = 2 AND NOT EXISTS "
                                        "(SELECT 1 FROM sqlite_schema WHERE name = 'run_test')", -1, &q, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(q, 0), 1);
    sqlite3_finalize(q);
    sqlite3_close(db);
}

/* ----------------------------------------------------------------------------------------------- what is kept */

static void held_out_rows_and_rankings_come_back(void **state)
{
    (void)state;
    static const int32_t above[] = { 0, 7, -1, 2147483647 }, tied[] = { 1, 3, 0, 1 }, item[] = { 4, 2, 0, 1, 2 };
    static const float predicted[] = { 4.5f, -0.0f, 0.5f, 1 }, score[] = { 9, 1, 1, 0.5f, -1 };
    static const char *const items[] = { "tt1", "tt2", "x" }, *const titles[] = { "Alien", NULL, "" };
    struct rh_store *s = opened(RH_STORE_WRITE);
    struct rh_error err = { 0 };
    struct rh_experiment_row e = { .name = "kept", .primary_metric = "auc" };
    struct rh_problem_row p = { .identity = "p", .name = "p", .label = "p", .target = "t", .split = "kfold" };
    struct rh_run_row r = { .identity = "r1", .algorithm = "popularity", .label = "popularity" };
    int64_t problem, experiment;
    int32_t depth;
    assert_int_equal(rh_store_begin_experiment(s, &e, NULL, 0, &experiment, &err), RH_OK);
    assert_int_equal(rh_store_problem(s, experiment, 0, &p, &problem, &err), RH_OK);
    assert_int_equal(rh_store_kept_depth(s, "r1", &depth, &err), RH_OK);
    assert_int_equal(depth, 0);
    r.test = (struct rh_run_test){ 4, above, tied, predicted };
    r.ranking = (struct rh_run_ranking){ 2, 5, item, score };
    r.model = (struct rh_model_row){ "models/r1.model", "ff", 1234 };
    assert_int_equal(rh_store_problem_items(s, problem, 3, items, titles, &err), RH_OK);
    assert_int_equal(rh_store_problem_items(s, problem, 3, items, titles, &err), RH_OK); /* once is enough */
    for (int twice = 0; twice < 2; twice++)
        assert_int_equal(rh_store_put_run(s, experiment, problem, 0, &r, &err), RH_OK);
    rh_store_close(s);

    s = opened(RH_STORE_READ);
    assert_int_equal(rh_store_kept_depth(s, "r1", &depth, &err), RH_OK);
    assert_int_equal(depth, 2);
    assert_text(s, "SELECT hex(above) FROM run_test", "0000000007000000FFFFFFFFFFFFFF7F");
    assert_text(s, "SELECT hex(predicted) FROM run_test", "00009040000000800000003F0000803F");
    assert_text(s, "SELECT group_concat(position || item || title) FROM problem_item", "0tt1Alien,1tt2,2x");
    struct rh_arena a = { 0 };
    struct rh_model_row model;
    assert_int_equal(rh_store_find_model(s, "r1", &a, &model, &err), RH_OK);
    assert_string_equal(model.path, "models/r1.model");
    assert_string_equal(model.hash, "ff");
    assert_int_equal(model.bytes, 1234);
    assert_int_equal(rh_store_find_model(s, "r2", &a, &model, &err), RH_OK);
    assert_null(model.path);
    struct rh_sql q;
    const int32_t *words;
    const float *floats;
    int64_t n;
    assert_int_equal(rh_sql_open(&q, s, &err, "SELECT item, score, NULL, x'0102' FROM ranking", ""), RH_OK);
    assert_int_equal(rh_sql_step(&q, &err), RH_OK);
    assert_int_equal(rh_sql_words(&q, 0, &a, &words, &n, &err), RH_OK);
    assert_int_equal(n, 5);
    assert_memory_equal(words, item, sizeof item);
    assert_int_equal(rh_sql_words(&q, 1, &a, &floats, &n, &err), RH_OK);
    assert_memory_equal(floats, score, sizeof score);
    assert_int_equal(rh_sql_words(&q, 2, &a, &words, &n, &err), RH_OK);
    assert_null(words);
    assert_int_equal(n, 0);
    assert_int_equal(rh_sql_words(&q, 3, &a, &words, &n, &err), RH_EIO);
    assert_non_null(strstr(err.text, "is damaged"));
    rh_sql_close(&q);
    rh_arena_release(&a);
    rh_store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_earlier_version_is_brought_up_to_date),
        TEST(an_earlier_version_that_may_not_be_changed_says_so),
        TEST(a_stopped_upgrade_changes_nothing),
        TEST(held_out_rows_and_rankings_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
