#include "base/arena.h"
#include "base/file.h"
#include "store/sql.h"
#include "store/store.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "storefile.h"

/* ------------------------------------------------------------------------------------ one experiment's rows */

static const struct rh_experiment_row experiment_row = { "tiny", "A tiny experiment", "[experiment]\n", "ndcg@10",
                                                         NULL };
static const struct rh_plot_row plot_rows[] = { { "accuracy", "Accuracy", "bars", "algorithm", "ndcg@10",
                                                  "problem" } };
static const struct rh_key_value settings[] = { { "split.k", "5", true }, { "data.shift", "0.25", false } };
static const char *const users[] = { "u17", "u3", "Zo\xc3\xab" };
static const struct rh_removed_row removed_rows[] = { { "books", "5-core", 190, 41, 7 } };
static const struct rh_key_value params[] = { { "neighbors", "20", true }, { "shrink", "10", false } };
static const struct rh_epoch_row epochs[] = { { 1, 0.693, 0.125, 0.5, false }, { 2, 0.5, NAN, 0.25, true } };
static const double ndcg[] = { 0.6309297535714575, 0, 1 }, rmse[] = { 1.25, NAN, 1e-30 };
static const struct rh_metric_row metric_rows[] = {
    { "ndcg@10", "ndcg@10/gain=bin", false, 0.5436432511904858, 3, ndcg },
    { "rmse", "rmse", true, NAN, 2, rmse },
};
static const struct rh_key_value provenance[] = { { "version", "0.1.0", false }, { "blas", "OpenBLAS", false } };

static struct rh_problem_row problem_row(void)
{
    return (struct rh_problem_row){ .identity = "p1", .name = "cold", .label = "cold k=5", .target = "books",
                                    .sources = "movies", .split = "cold_users", .seed = 0xfedcba9876543210u,
                                    .setting = settings, .n_settings = 2 };
}

static struct rh_problem_facts facts(void)
{
    return (struct rh_problem_facts){ .content = "c1",
                                      .users = 120,
                                      .items = 77,
                                      .train_rows = 1234,
                                      .source_rows = 4321,
                                      .test_rows = 31,
                                      .test_queries = 3,
                                      .cold_users = 3,
                                      .shared_users = 60,
                                      .leak = { { "test items in a visible history", 2, 31 } },
                                      .n_leaks = 1,
                                      .removed = removed_rows,
                                      .n_removed = 1,
                                      .query_user = users };
}

static struct rh_run_row run_row(void)
{
    return (struct rh_run_row){ .identity = "r1",
                                .algorithm = "itemknn",
                                .label = "itemknn neighbors=20",
                                .revision = 3,
                                .seed = 42,
                                .param = params,
                                .n_params = 2,
                                .epoch = epochs,
                                .n_epochs = 2,
                                .metric = metric_rows,
                                .n_metrics = 2,
                                .n_queries = 3,
                                .fit_seconds = 0.125,
                                .wall_seconds = 0.75,
                                .cpu_seconds = NAN,
                                .state_bytes = 4096,
                                .peak_bytes = 1 << 20,
                                .tied = 4,
                                .relevant = 31,
                                .threads = 2,
                                .provenance = provenance,
                                .n_provenance = 2 };
}

static int64_t filled(struct rh_store *s, int64_t *problem)
{
    struct rh_error err = { 0 };
    int64_t experiment;
    struct rh_problem_row p = problem_row();
    struct rh_problem_facts f = facts();
    struct rh_run_row r = run_row();
    assert_int_equal(rh_store_begin_experiment(s, &experiment_row, plot_rows, 1, &experiment, &err), RH_OK);
    assert_int_equal(rh_store_problem(s, experiment, 0, &p, problem, &err), RH_OK);
    assert_int_equal(rh_store_problem_facts(s, *problem, &f, &err), RH_OK);
    assert_int_equal(rh_store_put_run(s, experiment, *problem, 0, &r, &err), RH_OK);
    return experiment;
}

/* --------------------------------------------------------------------------------------------------- tests */

static void rows_come_back(void **state)
{
    (void)state;
    struct rh_store *s = opened(RH_STORE_WRITE);
    int64_t problem;
    bool done;
    struct rh_error err = { 0 };
    filled(s, &problem);
    rh_store_close(s);

    s = opened(RH_STORE_READ);
    assert_int_equal(rh_store_find_run(s, "r1", &done, &err), RH_OK);
    assert_true(done);
    assert_int_equal(rh_store_find_run(s, "r2", &done, &err), RH_OK);
    assert_false(done);
    assert_text(s, "SELECT title || '|' || primary_metric || '|' || metrics FROM experiment",
                "A tiny experiment|ndcg@10|");
    assert_text(s, "SELECT name || '|' || kind || '|' || x || '|' || y || '|' || series FROM plot",
                "accuracy|bars|algorithm|ndcg@10|problem");
    assert_text(s, "SELECT label || '|' || swept FROM experiment_problem", "cold k=5|split.k");
    assert_text(s, "SELECT printf('%llu', seed) FROM problem", "18364758544493064720");
    assert_text(s, "SELECT group_concat(key || '=' || value) FROM (SELECT * FROM problem_setting ORDER BY position)",
                "split.k=5,data.shift=0.25");
    assert_text(s, "SELECT content || users || ' ' || items || ' ' || train_rows || ' ' || source_rows FROM problem",
                "c1120 77 1234 4321");
    assert_text(s, "SELECT what || count || '/' || total FROM leakage", "test items in a visible history2/31");
    assert_text(s, "SELECT domain || step || rows || ' ' || users || ' ' || items FROM removed",
                "books5-core190 41 7");
    assert_text(s, "SELECT group_concat(key || '=' || value) FROM (SELECT * FROM run_param ORDER BY position)",
                "neighbors=20,shrink=10");
    assert_int_equal(
        number(s, "SELECT count(*) FROM epoch WHERE epoch = 2 AND loss = 0.5 AND validation IS NULL AND best"), 1);
    assert_int_equal(number(s, "SELECT count(*) FROM metric WHERE id = 'rmse' AND value IS NULL AND lower_is_better"),
                     1);
    assert_int_equal(
        number(s, "SELECT cpu_seconds IS NULL AND fit_seconds = 0.125 AND peak_bytes = 1048576 FROM run"), 1);
    assert_text(s, "SELECT value FROM provenance WHERE key = 'blas'", "OpenBLAS");
    rh_store_close(s);
}

static void user_values_are_readable_in_sql(void **state)
{
    (void)state;
    struct rh_store *s = opened(RH_STORE_WRITE);
    int64_t problem;
    filled(s, &problem);
    assert_int_equal(number(s, "SELECT value = 0.6309297535714575 FROM user_value "
                               "WHERE metric = 'ndcg@10' AND user = 'u17'"), 1);
    assert_int_equal(number(s, "SELECT value = 0.0 FROM user_value WHERE metric = 'ndcg@10' AND user = 'u3'"), 1);
    assert_int_equal(number(s, "SELECT value = 1.0 FROM user_value WHERE metric = 'ndcg@10' AND user = 'Zo\xc3\xab'"),
                     1);
    assert_int_equal(number(s, "SELECT value IS NULL FROM user_value WHERE metric = 'rmse' AND position = 1"), 1);
    assert_int_equal(number(s, "SELECT value = 1e-30 FROM user_value WHERE metric = 'rmse' AND position = 2"), 1);

    /* The taking apart of a double in SQL, against the doubles themselves; more than two pieces of 512. */
    static const double hard[] = { 1.0 / 3, -1.0 / 3, 4.9e9,    -0.0, 1e-37,    2e34,
                                   0x1p-124, 0x1.fffffffffffffp0, NAN, INFINITY, 5e-324 };
    enum { HARD = sizeof hard / sizeof *hard, N = 1100 };
    struct rh_problem_facts f = facts();
    const char *names[N];
    double all[N];
    for (int i = 0; i < N; i++) {
        names[i] = "u";
        all[i] = i % 3 ? sqrt(i) : hard[i / 3 % HARD];
    }
    f.content = "c2";
    f.test_queries = N;
    f.query_user = names;
    struct rh_metric_row m = { "all", "all", false, 0, N, all };
    struct rh_run_row r = run_row();
    struct rh_error err = { 0 };
    r.metric = &m;
    r.n_metrics = 1;
    r.n_queries = N;
    assert_int_equal(rh_store_problem_facts(s, problem, &f, &err), RH_OK);
    assert_int_equal(rh_store_put_run(s, 1, problem, 0, &r, &err), RH_OK);
    struct rh_sql q;
    assert_int_equal(rh_sql_open(&q, s, &err, "SELECT value FROM user_value ORDER BY position", ""), RH_OK);
    for (int i = 0; i < N; i++) {
        assert_int_equal(rh_sql_step(&q, &err), RH_OK);
        double x = rh_sql_real(&q, 0);
        if (!isfinite(all[i]))
            assert_true(isnan(x));
        else if (fabs(all[i]) < 0x1p-124)
            assert_true(x == 0);
        else
            assert_true(x == all[i]);
    }
    assert_int_equal(rh_sql_step(&q, &err), RH_DONE);
    rh_sql_close(&q);
    rh_store_close(s);
}

static void a_run_of_the_same_identity_is_replaced_whole(void **state)
{
    (void)state;
    struct rh_store *s = opened(RH_STORE_WRITE);
    struct rh_error err = { 0 };
    int64_t problem, experiment = filled(s, &problem), other;
    struct rh_experiment_row e = experiment_row;
    struct rh_problem_row p = problem_row();
    e.name = "other";
    assert_int_equal(rh_store_begin_experiment(s, &e, NULL, 0, &other, &err), RH_OK);
    assert_int_equal(rh_store_problem(s, other, 0, &p, &problem, &err), RH_OK);
    assert_int_equal(rh_store_link_run(s, other, 0, "r1", "knn", NULL, &err), RH_OK);

    struct rh_run_row r = run_row();
    bool done;
    r.status = RH_ENUMERIC;
    r.message = "diverged in epoch 3";
    assert_int_equal(rh_store_put_run(s, experiment, problem, 0, &r, &err), RH_OK);
    assert_int_equal(rh_store_find_run(s, "r1", &done, &err), RH_OK);
    assert_false(done);
    assert_int_equal(number(s, "SELECT count(*) FROM run"), 1);
    assert_int_equal(number(s, "SELECT count(*) FROM metric"), 0);
    assert_int_equal(number(s, "SELECT count(*) FROM metric_user"), 0);
    assert_int_equal(number(s, "SELECT count(*) FROM run_param"), 2);
    assert_text(s, "SELECT status || ': ' || message FROM run", "numeric: diverged in epoch 3");
    assert_text(s, "SELECT label FROM experiment_run WHERE experiment = 2", "knn"); /* the other's link holds */
    rh_store_close(s);
}

static void a_new_version_of_an_experiment_forgets_its_links_alone(void **state)
{
    (void)state;
    struct rh_store *s = opened(RH_STORE_WRITE);
    struct rh_error err = { 0 };
    int64_t problem, again, experiment = filled(s, &problem);
    struct rh_problem_row p = problem_row();
    assert_int_equal(rh_store_begin_experiment(s, &experiment_row, NULL, 0, &again, &err), RH_OK);
    assert_int_equal(again, experiment);
    assert_int_equal(number(s, "SELECT count(*) FROM experiment_run"), 0);
    assert_int_equal(number(s, "SELECT count(*) FROM experiment_problem"), 0);
    assert_int_equal(number(s, "SELECT count(*) FROM plot"), 0);
    assert_int_equal(number(s, "SELECT count(*) FROM run WHERE status = 'done'"), 1);
    p.label = "renamed";
    assert_int_equal(rh_store_problem(s, experiment, 3, &p, &again, &err), RH_OK);
    assert_int_equal(again, problem);
    assert_int_equal(rh_store_link_run(s, experiment, 7, "r1", "x", NULL, &err), RH_OK);
    assert_text(
        s, "SELECT problem || ' ' || algorithm || ' ' || value || ' ' || others || ' ' || status FROM leaderboard",
        "renamed x 0.5436 rmse - done");
    assert_int_equal(rh_store_link_run(s, experiment, 8, "nobody", "x", NULL, &err), RH_EBUG);
    rh_store_close(s);
}

static void other_content_makes_runs_stale(void **state)
{
    (void)state;
    struct rh_store *s = opened(RH_STORE_WRITE);
    struct rh_error err = { 0 };
    int64_t problem;
    bool done;
    filled(s, &problem);
    struct rh_problem_facts f = facts();
    assert_int_equal(rh_store_problem_facts(s, problem, &f, &err), RH_OK);
    assert_int_equal(rh_store_find_run(s, "r1", &done, &err), RH_OK);
    assert_true(done); /* the same content again changes nothing */
    f.content = "c2";
    f.test_queries = 2;
    assert_int_equal(rh_store_problem_facts(s, problem, &f, &err), RH_OK);
    assert_int_equal(rh_store_find_run(s, "r1", &done, &err), RH_OK);
    assert_false(done);
    assert_int_equal(number(s, "SELECT count(*) FROM problem_query"), 2);
    assert_int_equal(number(s, "SELECT count(*) FROM user_value"), 0);
    assert_text(s, "SELECT status FROM run", "stale");
    rh_store_close(s);
}

static void a_full_disk_leaves_whole_runs(void **state)
{
    (void)state;
    struct rh_store *s = opened(RH_STORE_WRITE);
    struct rh_error err = { 0 };
    int64_t problem, experiment = filled(s, &problem), pages = number(s, "PRAGMA page_count");
    char limit[64];
    snprintf(limit, sizeof limit, "PRAGMA max_page_count = %d", (int)pages + 2);
    number(s, limit);
    static double many[50000];
    struct rh_metric_row m[] = { { "ndcg@10", "n", false, 0.5, 50000, many },
                                 { "auc", "a", false, 0.5, 50000, many } };
    struct rh_run_row r = run_row();
    r.identity = "r2";
    r.metric = m;
    r.n_metrics = 2;
    r.n_queries = 50000;
    assert_int_equal(rh_store_put_run(s, experiment, problem, 1, &r, &err), RH_EIO);
    assert_non_null(strstr(err.text, "the disk is full"));
    assert_int_equal(number(s, "SELECT count(*) FROM run"), 1);
    assert_int_equal(number(s, "SELECT count(*) FROM metric"), 2);
    assert_int_equal(number(s, "SELECT count(*) FROM experiment_run"), 1);
    number(s, "PRAGMA max_page_count = 1000000");
    err = (struct rh_error){ 0 };
    assert_int_equal(rh_store_put_run(s, experiment, problem, 1, &r, &err), RH_OK); /* and goes on */
    assert_text(s, "PRAGMA integrity_check", "ok");
    rh_store_close(s);
}

static void a_locked_store_says_so(void **state)
{
    (void)state;
    struct rh_store *s = opened(RH_STORE_WRITE), *t = opened(RH_STORE_WRITE), *reader;
    struct rh_error err = { 0 };
    int64_t experiment;
    assert_int_equal(rh_sql_begin(s, &err), RH_OK);
    sqlite3_busy_timeout(rh_store_db(t), 30);
    assert_int_equal(rh_store_begin_experiment(t, &experiment_row, NULL, 0, &experiment, &err), RH_EIO);
    assert_non_null(strstr(err.text, "is locked by another program"));
    reader = opened(RH_STORE_READ); /* a reader does not wait for a writer */
    assert_int_equal(number(reader, "SELECT count(*) FROM run"), 0);
    rh_store_close(reader);
    assert_int_equal(rh_sql_end(s, RH_OK, &err), RH_OK);
    err = (struct rh_error){ 0 };
    assert_int_equal(rh_store_begin_experiment(t, &experiment_row, NULL, 0, &experiment, &err), RH_OK);
    rh_store_close(s);
    rh_store_close(t);
}

static void write_runs(const char *prefix, int n)
{
    struct rh_store *s;
    struct rh_error err = { 0 };
    int64_t experiment, problem;
    struct rh_experiment_row e = experiment_row;
    struct rh_problem_row p = problem_row();
    struct rh_problem_facts f = facts();
    char identity[32];
    e.name = prefix;
    if (rh_store_open(path, RH_STORE_WRITE, &s, &err) < 0 ||
        rh_store_begin_experiment(s, &e, NULL, 0, &experiment, &err) < 0 ||
        rh_store_problem(s, experiment, 0, &p, &problem, &err) < 0 ||
        rh_store_problem_facts(s, problem, &f, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        _exit(1);
    }
    for (int i = 0; i < n; i++) {
        struct rh_run_row r = run_row();
        snprintf(identity, sizeof identity, "%s%d", prefix, i);
        r.identity = identity;
        if (rh_store_put_run(s, experiment, problem, i, &r, &err) < 0) {
            fprintf(stderr, "%s\n", err.text);
            _exit(1);
        }
    }
    rh_store_close(s);
}

static void two_programs_write_at_once(void **state)
{
    (void)state;
    pid_t child[2];
    for (int i = 0; i < 2; i++) {
        child[i] = fork();
        assert_true(child[i] >= 0);
        if (!child[i]) {
            write_runs(i ? "b" : "a", 100);
            _exit(0);
        }
    }
    for (int i = 0; i < 2; i++) {
        int status;
        assert_int_equal(waitpid(child[i], &status, 0), child[i]);
        assert_int_equal(status, 0);
    }
    struct rh_store *s = opened(RH_STORE_READ);
    assert_int_equal(number(s, "SELECT count(*) FROM run"), 200);
    assert_int_equal(number(s, "SELECT count(*) FROM metric_user"), 400);
    assert_int_equal(number(s, "SELECT count(*) FROM problem"), 1);
    rh_store_close(s);
}

static void a_killed_program_leaves_whole_runs(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (!child) {
            write_runs("k", 100000);
            _exit(0);
        }
        usleep((unsigned)(1000 + 3701 * round));
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        struct rh_store *s;
        struct rh_error err = { 0 };
        if (rh_store_open(path, RH_STORE_READ, &s, &err) == RH_OK) { /* with the log as it was left */
            assert_int_equal(number(s, "SELECT 2 * (SELECT count(*) FROM run) - (SELECT count(*) FROM metric)"), 0);
            rh_store_close(s);
        }
        s = opened(RH_STORE_WRITE);
        assert_text(s, "PRAGMA integrity_check", "ok");
        assert_int_equal(number(s, "SELECT 2 * (SELECT count(*) FROM run) - (SELECT count(*) FROM metric)"), 0);
        assert_int_equal(number(s, "SELECT 2 * (SELECT count(*) FROM run) - (SELECT count(*) FROM metric_user)"), 0);
        assert_int_equal(number(s, "SELECT 2 * (SELECT count(*) FROM run) - (SELECT count(*) FROM provenance)"), 0);
        assert_int_equal(number(s, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
        rh_store_close(s);
    }
}

static void bad_files_are_refused(void **state)
{
    (void)state;
    assert_refused(RH_STORE_READ, RH_EIO, "there is no store");
    static const char other[] = "neither fish nor fowl, but longer than a header of a hundred bytes: "
                                "....................................";
    assert_true(sizeof other > 100);
    write_bytes(other, sizeof other);
    assert_refused(RH_STORE_READ, RH_EIO, "not an SQLite database");
    assert_refused(RH_STORE_WRITE, RH_EIO, "not an SQLite database");
    write_bytes("x", 1);
    assert_refused(RH_STORE_WRITE, RH_EIO, "not an SQLite database");
    write_bytes("", 0);
    assert_refused(RH_STORE_READ, RH_EIO, "no run was stored yet");
    rh_store_close(opened(RH_STORE_WRITE)); /* an empty file is a new store */

    struct rh_store *s = opened(RH_STORE_WRITE);
    number(s, "PRAGMA user_version = 4");
    rh_store_close(s);
    assert_refused(RH_STORE_READ, RH_EUNSUP, "has schema 4, this program knows up to 3; use a newer harness");
    assert_refused(RH_STORE_WRITE, RH_EUNSUP, "has schema 4");

    unlink(path);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE diary (day)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_refused(RH_STORE_WRITE, RH_EIO, "not a results store of harness");

    unlink(path);
    assert_int_equal(mkdir(path, 0777), 0);
    assert_refused(RH_STORE_WRITE, RH_EIO, "is a folder");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0666), 0);
    assert_refused(RH_STORE_WRITE, RH_EIO, "not a regular file");
}

static void a_damaged_store_is_reported(void **state)
{
    (void)state;
    struct rh_store *s = opened(RH_STORE_WRITE);
    struct rh_error err = { 0 };
    int64_t problem, count;
    filled(s, &problem);
    int64_t size = number(s, "SELECT page_size FROM pragma_page_size");
    int64_t page = number(s, "SELECT rootpage FROM sqlite_schema WHERE name = 'run'");
    rh_store_close(s);
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    fseek(f, (long)((page - 1) * size), SEEK_SET);
    for (int i = 0; i < 100; i++)
        fputc(0xff, f);
    fclose(f);
    s = opened(RH_STORE_READ);
    assert_int_equal(rh_sql_number(s, &count, 0, &err, "SELECT sum(queries) FROM run", ""), RH_EIO);
    assert_non_null(strstr(err.text, "is damaged"));
    rh_store_close(s);
}

/* Permissions do not bind root, so the test steps down from it. */
static void permissions_are_respected(void **state)
{
    (void)state;
    bool root = geteuid() == 0;
    int64_t problem;
    chmod(folder, 0777);
    if (root)
        assert_int_equal(seteuid(65534), 0);
    struct rh_store *s = opened(RH_STORE_WRITE);
    filled(s, &problem);
    rh_store_close(s);
    assert_int_equal(chmod(path, 0444), 0);
    assert_refused(RH_STORE_WRITE, RH_EIO, "is read-only");
    if (root)
        assert_int_equal(seteuid(0), 0);
    chmod(folder, 0555);
    if (root)
        assert_int_equal(seteuid(65534), 0);
    s = opened(RH_STORE_READ); /* WAL, no log left, a folder that may not be written */
    assert_int_equal(number(s, "SELECT count(*) FROM run"), 1);
    rh_store_close(s);
    snprintf(path, sizeof path, "%s/new.sqlite", folder);
    assert_refused(RH_STORE_WRITE, RH_EIO, "cannot open store");
    if (root)
        assert_int_equal(seteuid(0), 0);
    chmod(folder, 0777);
}

static void a_missing_folder_is_made(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "%s/a/b/results.sqlite", folder);
    rh_store_close(opened(RH_STORE_WRITE));
    assert_true(rh_file_exists(path));
    snprintf(path, sizeof path, "%s/a/b/results.sqlite/c/d.sqlite", folder);
    assert_refused(RH_STORE_WRITE, RH_EIO, "cannot");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_come_back),
        TEST(user_values_are_readable_in_sql),
        TEST(a_run_of_the_same_identity_is_replaced_whole),
        TEST(a_new_version_of_an_experiment_forgets_its_links_alone),
        TEST(other_content_makes_runs_stale),
        TEST(a_full_disk_leaves_whole_runs),
        TEST(a_locked_store_says_so),
        TEST(two_programs_write_at_once),
        TEST(a_killed_program_leaves_whole_runs),
        TEST(bad_files_are_refused),
        TEST(a_damaged_store_is_reported),
        TEST(permissions_are_respected),
        TEST(a_missing_folder_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
