/* harness table, harness plot: read the store only. */
#include "cmd.h"

#include "report/report.h"

int rh_cmd_table(const struct rh_cmd *c, int argc, char **argv)
{
    (void)c;
    const char *path = RH_STORE_DEFAULT, *format = "text";
    struct rh_table_options o = { .colour = rh_terminal_colour(), .width = rh_terminal_width() };
    const struct rh_option option[] = {
        { "metric", "LIST", "metrics, such as ndcg@10,auc", .value = &o.metrics },
        { "format", "WORD", "text, md, latex, csv, json", .value = &format },
        { "store", "FILE", "where results are (" RH_STORE_DEFAULT ")", .value = &path },
        RH_OPTIONS_END,
    };
    char **name;
    int n, status;
    if (!rh_options(argc, argv, "table EXPERIMENT [OPTION]...",
                    "Prints the comparison of an experiment's stored runs.", option, &name, &n, &status))
        return status;
    if (n != 1)
        return rh_usage_error("table takes one experiment, such as cross_domain");
    struct rh_error err = { 0 };
    struct rh_store *store = NULL;
    struct rh_text text = { 0 };
    status = rh_format_parse(format, &o.format, &err);
    if (status >= 0)
        status = rh_store_open(path, RH_STORE_READ, &store, &err);
    if (status >= 0)
        status = rh_table(store, name[0], &o, &text, &err);
    return rh_finish_report(store, &text, status, &err);
}

int rh_cmd_plot(const struct rh_cmd *c, int argc, char **argv)
{
    (void)c;
    const char *path = RH_STORE_DEFAULT;
    struct rh_plot_options o = { 0 };
    const struct rh_option option[] = {
        { "output", "FILE", "picture: .svg, .png or .pdf (results/EXPERIMENT-PLOT.svg)", .value = &o.output },
        { "plot", "NAME", "only [plot.NAME]", .value = &o.plot },
        { "metric", "ID", "what is drawn, such as ndcg@10", .value = &o.metric },
        { "terminal", NULL, "draw in the terminal", .flag = &o.terminal },
        { "script", NULL, "print the gnuplot script instead", .flag = &o.script },
        { "store", "FILE", "where results are (" RH_STORE_DEFAULT ")", .value = &path },
        RH_OPTIONS_END,
    };
    char **name;
    int n, status;
    if (!rh_options(argc, argv, "plot EXPERIMENT [OPTION]...", "Draws an experiment's stored runs with gnuplot.",
                    option, &name, &n, &status))
        return status;
    if (n != 1)
        return rh_usage_error("plot takes one experiment, such as cross_domain");
    struct rh_error err = { 0 };
    struct rh_store *store = NULL;
    struct rh_text text = { 0 };
    status = rh_store_open(path, RH_STORE_READ, &store, &err);
    if (status >= 0)
        status = rh_plot(store, name[0], &o, &text, &err);
    return rh_finish_report(store, &text, status, &err);
}
