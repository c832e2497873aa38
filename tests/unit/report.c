#include "report/report.h"
#include "report/results.h"
#include "store/sql.h"
#include "storeworld.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "golden.h"

static struct rh_store *store;

static int fill(void **state)
{
    (void)state;
    struct rh_error err = { 0 };
    return rh_store_open(":memory:", RH_STORE_WRITE, &store, &err) < 0 || world_fill(store, 5, &err) < 0;
}

static int drop(void **state)
{
    (void)state;
    rh_store_close(store);
    return 0;
}

static void assert_table(const struct rh_table_options *o, const char *golden)
{
    struct rh_text t = { 0 }, again = { 0 };
    struct rh_error err = { 0 };
    if (rh_table(store, "made", o, &t, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(rh_table(store, "made", o, &again, &err), RH_OK);
    assert_string_equal(t.s, again.s);
    assert_golden(golden, t.s);
    rh_text_release(&t);
    rh_text_release(&again);
}

static void tables_are_as_before(void **state)
{
    (void)state;
    assert_table(&(struct rh_table_options){ .format = RH_FORMAT_TEXT }, "table.txt");
    assert_table(&(struct rh_table_options){ .format = RH_FORMAT_TEXT, .width = 50, .interval = true },
                 "table-narrow.txt");
    assert_table(
        &(struct rh_table_options){ .format = RH_FORMAT_TEXT, .width = 100, .colour = true, .metrics = "rmse,ndcg" },
        "table-colour.txt");
    assert_table(&(struct rh_table_options){ .format = RH_FORMAT_MARKDOWN }, "table.md");
    assert_table(&(struct rh_table_options){ .format = RH_FORMAT_LATEX, .interval = true }, "table.tex");
    assert_table(&(struct rh_table_options){ .format = RH_FORMAT_CSV }, "table.csv");
    assert_table(&(struct rh_table_options){ .format = RH_FORMAT_JSON }, "table.json");
}

static void assert_near(double x, double expected)
{
    if (!(fabs(x - expected) <= 1e-14 * fabs(expected)))
        fail_msg("%.17g instead of %.17g", x, expected);
}

/* Half-width by the definition, in two passes over all users. */
static double half_width(const double *x, int n)
{
    double mean = 0, squares = 0;
    for (int i = 0; i < n; i++)
        mean += x[i] / n;
    for (int i = 0; i < n; i++)
        squares += (x[i] - mean) * (x[i] - mean);
    return 1.959963984540054 * sqrt(squares / (n - 1) / n);
}

static void intervals_count_every_user_once(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct rh_results r;
    struct rh_error err = { 0 };
    double x[60], sum[2] = { 0 };
    assert_int_equal(rh_results_load(store, &a, "made", NULL, true, &r, &err), RH_OK);
    assert_int_equal(r.n_parts, 4);
    assert_int_equal(r.primary_column, 0);

    for (int q = 0; q < 40; q++)
        x[q] = world_value(4, 5, 0, q);
    assert_string_equal(r.part[1].row[4].label, "content");
    assert_near(r.part[1].row[4].cell[0].interval, half_width(x, 40));
    assert_true(isnan(r.part[1].row[4].cell[0].sd));

    /* Two folds that share 20 of their 40 users: 60 users, the shared ones with the mean of their two values. */
    for (int u = 0; u < 60; u++) {
        double first = world_value(4, 0, 0, u), second = world_value(4, 0, 1, u - 20);
        x[u] = u < 20 ? first : u < 40 ? (first + second) / 2 : second;
        sum[0] += u < 40 ? first / 40 : 0;
        sum[1] += u >= 20 ? second / 40 : 0;
    }
    const struct rh_row *row = &r.part[3].row[4];
    assert_int_equal(row->runs, 2);
    assert_near(row->cell[0].value, (sum[0] + sum[1]) / 2);
    assert_near(row->cell[0].interval, half_width(x, 60));
    if (fabs(row->cell[0].sd - fabs(sum[0] - sum[1]) / sqrt(2)) > 1e-15) /* of two values */
        fail_msg("sd %g", row->cell[0].sd);
    assert_true(isnan(row->cell[1].interval)); /* no values of users */
    assert_true(isnan(row->cell[2].interval)); /* RMSE is not the mean over users */
    assert_string_equal(r.part[3].row[2].status, "partly");
    assert_int_equal(r.part[3].row[2].failed, 1);
    rh_arena_release(&a);
}

static void assert_no_table(const char *experiment, const char *metrics, const char *words)
{
    struct rh_text t = { 0 };
    struct rh_error err = { 0 };
    assert_int_equal(rh_table(store, experiment, &(struct rh_table_options){ .metrics = metrics }, &t, &err),
                     RH_EINVAL);
    if (!strstr(err.text, words))
        fail_msg("'%s' does not say '%s'", err.text, words);
    rh_text_release(&t);
}

static void unknown_names_are_refused_with_the_nearest(void **state)
{
    (void)state;
    enum rh_format f;
    struct rh_error err = { 0 };
    assert_no_table("maed", NULL, "did you mean 'made'?");
    assert_no_table("something", NULL, "it has made");
    assert_no_table("made", "ndcg@10,rsme", "did you mean 'rmse'?");
    assert_no_table("made", "novelty@5", "it has ndcg@10, auc, rmse");
    assert_int_equal(rh_format_parse("md", &f, &err), RH_OK);
    assert_int_equal(f, RH_FORMAT_MARKDOWN);
    assert_int_equal(rh_format_parse("jsn", &f, &err), RH_EINVAL);
    assert_non_null(strstr(err.text, "did you mean 'json'?"));
}

/* Every query of docs/schema.md runs and finds something; every table and view is spoken of. */
static void documented_queries_run(void **state)
{
    (void)state;
    char path[1000], *doc, *at;
    size_t n;
    int queries = 0;
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    const char *source = getenv("HARNESS_SOURCE");
    snprintf(path, sizeof path, "%s/docs/schema.md", source ? source : ".");
    if (rh_read_file(&a, path, &doc, &n, &err) < 0)
        fail_msg("%s", err.text);
    for (at = doc; (at = strstr(at, "```sql\n")); queries++) {
        char *sql = at + strlen("```sql\n"), *end = strstr(sql, "```");
        struct rh_sql q;
        assert_non_null(end);
        if (rh_sql_open(&q, store, &err, rh_arena_strndup(&a, sql, (size_t)(end - sql)), "") < 0)
            fail_msg("%s\n%.*s", err.text, (int)(end - sql), sql);
        if (rh_sql_step(&q, &err) != RH_OK)
            fail_msg("finds nothing: %.*s", (int)(end - sql), sql);
        rh_sql_close(&q);
        at = end;
    }
    assert_true(queries >= 9);
    struct rh_sql q;
    int status;
    assert_int_equal(
        rh_sql_open(&q, store, &err, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')", ""), RH_OK);
    while ((status = rh_sql_step(&q, &err)) == RH_OK) {
        const char *row = rh_arena_printf(&a, "\n| `%s` |", rh_sql_text(&q, 0, &a));
        if (!strstr(doc, row))
            fail_msg("docs/schema.md says nothing of %s", row);
    }
    assert_int_equal(status, RH_DONE);
    rh_sql_close(&q);
    rh_arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_as_before),
        cmocka_unit_test(intervals_count_every_user_once),
        cmocka_unit_test(documented_queries_run),
        cmocka_unit_test(unknown_names_are_refused_with_the_nearest),
    };
    return cmocka_run_group_tests(tests, fill, drop);
}
