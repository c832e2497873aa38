#include "report/ranks.h"
#include "report/report.h"
#include "report/script.h"
#include "store/sql.h"
#include "storeworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "golden.h"

static char folder[64];

static int open_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "%s/rh-plot-XXXXXX", P_tmpdir);
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static struct rh_store *filled(int algorithms)
{
    struct rh_store *s;
    char path[128];
    struct rh_error err = { 0 };
    snprintf(path, sizeof path, "%s/results.sqlite", folder);
    if (rh_store_open(path, RH_STORE_WRITE, &s, &err) < 0 || world_fill(s, algorithms, &err) < 0)
        fail_msg("%s", err.text);
    return s;
}

static bool have_gnuplot(void)
{
    struct rh_text t = { 0 };
    struct rh_error err = { 0 };
    bool have = rh_gnuplot("gnuplot", "", &t, &err) == RH_OK;
    rh_text_release(&t);
    return have;
}

static char *in_folder(char path[static 128], const char *name)
{
    snprintf(path, 128, "%s/%s", folder, name);
    return path;
}

/* Draws, and gives back what was written to `out`. */
static struct rh_text drawn(struct rh_store *s, const struct rh_plot_options *o)
{
    struct rh_text t = { 0 };
    struct rh_error err = { 0 };
    if (rh_plot(s, "made", o, &t, &err) < 0)
        fail_msg("%s", err.text);
    return t;
}

static void assert_refused(struct rh_store *s, const struct rh_plot_options *o, int status, const char *words)
{
    struct rh_text t = { 0 };
    struct rh_error err = { 0 };
    assert_int_equal(rh_plot(s, "made", o, &t, &err), status);
    if (!strstr(err.text, words))
        fail_msg("'%s' does not say '%s'", err.text, words);
    rh_text_release(&t);
}

static void scripts_are_as_before(void **state)
{
    (void)state;
    struct rh_store *s = filled(5);
    struct rh_text t = drawn(s, &(struct rh_plot_options){ .output = "x.svg", .plot = "accuracy", .script = true });
    assert_golden("bars.gp", t.s);
    rh_text_release(&t);
    t = drawn(s, &(struct rh_plot_options){ .output = "x.pdf", .plot = "support", .script = true, .metric = "rmse" });
    assert_golden("lines.gp", t.s);
    rh_text_release(&t);
    t = drawn(s, &(struct rh_plot_options){ .terminal = true, .plot = "accuracy", .width = 60 });
    assert_golden("bars.txt", t.s);
    rh_text_release(&t);
    rh_store_close(s);
}

static void assert_picture(const char *path, const char *magic)
{
    char *bytes;
    size_t n;
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    if (rh_read_file(&a, path, &bytes, &n, &err) < 0)
        fail_msg("%s", err.text);
    assert_true(n > 3000);
    assert_memory_equal(bytes, magic, strlen(magic));
    rh_arena_release(&a);
}

/* Made so that the answer can be read: three users, three systems, one tie. */
static void ranks_follow_the_definition(void **state)
{
    (void)state;
    static const double value[9] = { 0.9, 0.5, 0.1, 0.2, 0.2, 0.7, 0, 0, 0 };
    static const double higher[9] = { 1, 2, 3, 2.5, 2.5, 1, 2, 2, 2 }, lower[9] = { 3, 2, 1, 1.5, 1.5, 3, 2, 2, 2 };
    double rank[9];
    rh_ranks_of(value, 3, 3, false, rank);
    assert_memory_equal(rank, higher, sizeof rank);
    rh_ranks_of(value, 3, 3, true, rank);
    assert_memory_equal(rank, lower, sizeof rank);
}

static void mean_ranks_are_drawn(void **state)
{
    (void)state;
    struct rh_store *s = filled(12);
    struct rh_error err = { 0 };
    assert_int_equal(rh_sql_run(s, &err, "UPDATE plot SET kind = 'cd' WHERE name = 'accuracy'", ""), RH_OK);
    struct rh_text t = drawn(s, &(struct rh_plot_options){ .output = "x.svg", .plot = "accuracy", .script = true });
    assert_golden("cd.gp", t.s);
    rh_text_release(&t);
    t = drawn(s, &(struct rh_plot_options){ .terminal = true, .plot = "accuracy", .width = 90 });
    assert_golden("cd.txt", t.s);
    rh_text_release(&t);
    if (have_gnuplot()) {
        char path[128];
        t = drawn(s, &(struct rh_plot_options){ .output = in_folder(path, "x.svg"), .plot = "accuracy" });
        assert_picture(path, "<?xml");
        rh_text_release(&t);
    }
    assert_refused(s, &(struct rh_plot_options){ .plot = "accuracy", .metric = "auc" }, RH_EDATA,
                   "on no problem have two algorithms values of auc of the same users");
    rh_store_close(s);
}

static void pictures_are_drawn(void **state)
{
    (void)state;
    char path[128];
    if (!have_gnuplot()) {
        print_message("gnuplot is not installed\n");
        skip();
    }
    struct rh_store *s = filled(12);
    struct rh_text t = drawn(s, &(struct rh_plot_options){ 0 });
    assert_picture(in_folder(path, "made-accuracy.svg"), "<?xml"); /* beside the store */
    assert_picture(in_folder(path, "made-support.svg"), "<?xml");
    assert_non_null(strstr(t.s, "made-accuracy.svg\n"));
    rh_text_release(&t);
    t = drawn(s, &(struct rh_plot_options){ .output = in_folder(path, "deep/er/x.PNG") });
    assert_picture(in_folder(path, "deep/er/x-accuracy.PNG"), "\x89PNG");
    assert_picture(in_folder(path, "deep/er/x-support.PNG"), "\x89PNG");
    rh_text_release(&t);
    t = drawn(s,
              &(struct rh_plot_options){ .output = in_folder(path, "|x.pdf"), .plot = "support", .metric = "auc" });
    assert_picture(path, "%PDF");
    rh_text_release(&t);
    t = drawn(s, &(struct rh_plot_options){ .terminal = true, .plot = "support", .width = 90, .height = 28 });
    assert_non_null(strstr(t.s, "adversarial objective=wasserstein"));
    assert_non_null(strstr(t.s, "userknn (failed)"));
    rh_text_release(&t);
    rh_store_close(s);
}

/* A script that `plot --script` writes draws the same picture when gnuplot runs it. */
static void a_script_stands_alone(void **state)
{
    (void)state;
    char path[128], script[128], command[400];
    struct rh_error err = { 0 };
    if (!have_gnuplot()) {
        print_message("gnuplot is not installed\n");
        skip();
    }
    struct rh_store *s = filled(3);
    struct rh_text t = drawn(s, &(struct rh_plot_options){ .output = in_folder(path, "it's.svg"), .plot = "accuracy",
                                                           .script = true });
    assert_false(rh_file_exists(path));
    assert_int_equal(rh_write_file(in_folder(script, "x.gp"), t.s, t.n, &err), RH_OK);
    snprintf(command, sizeof command, "gnuplot -d '%s'", script);
    assert_int_equal(system(command), 0);
    assert_picture(path, "<?xml");
    rh_text_release(&t);
    rh_store_close(s);
}

/* Names are texts, whatever is in them. */
static void names_are_never_run(void **state)
{
    (void)state;
    static const char *const nasty = "a'; system 'touch pwned' # `touch pwned` \" $x \\n %s %d <&> _^{}@ \xff\n| x";
    char path[128];
    if (!have_gnuplot()) {
        print_message("gnuplot is not installed\n");
        skip();
    }
    struct rh_store *s = filled(2);
    struct rh_error err = { 0 };
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(rh_sql_run(s, &err, "UPDATE experiment_run SET label = label || ?", "t", nasty), RH_OK);
    assert_int_equal(rh_sql_run(s, &err, "UPDATE experiment_problem SET label = label || ?", "t", nasty), RH_OK);
    assert_int_equal(rh_sql_run(s, &err, "UPDATE experiment SET title = ?", "t", nasty), RH_OK);
    assert_int_equal(rh_sql_run(s, &err, "UPDATE plot SET title = ?", "t", nasty), RH_OK);
    struct rh_text t = drawn(s, &(struct rh_plot_options){ .output = in_folder(path, "x.svg") });
    assert_picture(in_folder(path, "x-accuracy.svg"), "<?xml");
    assert_picture(in_folder(path, "x-support.svg"), "<?xml");
    assert_false(rh_file_exists("pwned"));
    rh_text_release(&t);
    rh_store_close(s);
    assert_int_equal(chdir("/"), 0);
}

static void an_experiment_without_plots_has_an_overview(void **state)
{
    (void)state;
    struct rh_store *s = filled(2);
    struct rh_error err = { 0 };
    assert_int_equal(rh_sql_run(s, &err, "DELETE FROM plot", ""), RH_OK);
    struct rh_text t = drawn(s, &(struct rh_plot_options){ .terminal = true });
    assert_non_null(strstr(t.s, "made: ndcg@10"));
    assert_non_null(strstr(t.s, "\ncold k=5\n"));
    rh_text_release(&t);
    t = drawn(s, &(struct rh_plot_options){ .script = true });
    assert_non_null(strstr(t.s, "made-overview.svg'"));
    rh_text_release(&t);
    rh_store_close(s);
}

/* A swept parameter of one algorithm is an x axis too; the others stand level beside it. */
static void parameters_are_an_axis(void **state)
{
    (void)state;
    struct rh_store *s = filled(3);
    struct rh_error err = { 0 };
    struct rh_plot_row plot = { "sweep", "", "lines", "neighbors", "ndcg@10", "" };
    struct rh_arena a = { 0 };
    struct rh_results r;
    struct rh_chart c;
    static const char *const edits[] = {
        "DELETE FROM experiment_problem WHERE label <> 'cold k=5'",
        "DELETE FROM run_param WHERE run IN (SELECT id FROM run WHERE algorithm = 'popularity')",
        "UPDATE run_param SET value = '100' WHERE run IN (SELECT id FROM run WHERE algorithm = 'random')",
        "UPDATE experiment_run SET label = 'itemknn neighbors=100' WHERE label = 'random'",
    };
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++)
        assert_int_equal(rh_sql_run(s, &err, edits[i], ""), RH_OK);
    assert_int_equal(rh_results_load(s, &a, "made", NULL, true, &r, &err), RH_OK);
    assert_int_equal(rh_chart_make(&a, &r, &plot, NULL, &c, &err), RH_OK);
    assert_true(c.numeric);
    assert_int_equal(c.x.n, 2);
    assert_string_equal(c.x.name[0], "20");
    assert_true(c.x_value[1] == 100);
    assert_int_equal(c.series.n, 2);
    assert_string_equal(c.series.name[0], "itemknn");
    assert_string_equal(c.series.name[1], "popularity");
    assert_string_equal(c.panel.name[0], "cold k=5");
    assert_true(rh_chart_mark(&c, 0, 0, 0)->value > rh_chart_mark(&c, 0, 0, 1)->value);
    assert_true(rh_chart_mark(&c, 0, 1, 0)->value == rh_chart_mark(&c, 0, 1, 1)->value);
    rh_arena_release(&a);
    rh_store_close(s);
}

static void what_cannot_be_drawn_is_said(void **state)
{
    (void)state;
    char path[128];
    struct rh_store *s = filled(2);
    struct rh_error err = { 0 };
    assert_refused(s, &(struct rh_plot_options){ .output = "x.gif" }, RH_EINVAL, "must end in .svg, .png or .pdf");
    assert_refused(s, &(struct rh_plot_options){ .output = "a.svg/x" }, RH_EINVAL, "must end in");
    assert_refused(s, &(struct rh_plot_options){ .plot = "acuracy" }, RH_EINVAL, "did you mean 'accuracy'");
    assert_refused(s, &(struct rh_plot_options){ .metric = "ndcg@01" }, RH_EINVAL, "did you mean 'ndcg@10'?");
    assert_refused(s, &(struct rh_plot_options){ .plot = "accuracy", .gnuplot = "no-such-gnuplot" }, RH_EUNSUP,
                   "install gnuplot-nox, or write the script with --script");
    assert_int_equal(rh_sql_run(s, &err, "UPDATE plot SET x = 'suport' WHERE name = 'support'", ""), RH_OK);
    assert_refused(s, &(struct rh_plot_options){ .plot = "support" }, RH_EINVAL, "has a setting 'suport'");
    assert_int_equal(rh_sql_run(s, &err, "UPDATE plot SET kind = 'pie' WHERE name = 'support'", ""), RH_OK);
    assert_refused(s, &(struct rh_plot_options){ .plot = "support" }, RH_EINVAL, "allowed bars, lines, cd");
    assert_int_equal(rh_sql_run(s, &err, "UPDATE run SET status = 'data'", ""), RH_OK);
    assert_int_equal(rh_sql_run(s, &err, "DELETE FROM metric", ""), RH_OK);
    assert_refused(s, &(struct rh_plot_options){ .plot = "accuracy" }, RH_EDATA, "nothing to draw");
    rh_store_close(s);
    s = filled(2);
    if (have_gnuplot())
        assert_refused(
            s, &(struct rh_plot_options){ .plot = "accuracy", .output = in_folder(path, "results.sqlite/x.svg") },
            RH_EIO, "cannot");
    rh_store_close(s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(scripts_are_as_before),
        TEST(ranks_follow_the_definition),
        TEST(mean_ranks_are_drawn),
        TEST(pictures_are_drawn),
        TEST(a_script_stands_alone),
        TEST(names_are_never_run),
        TEST(an_experiment_without_plots_has_an_overview),
        TEST(parameters_are_an_axis),
        TEST(what_cannot_be_drawn_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
