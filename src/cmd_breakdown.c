/* harness breakdown: reads the store only. */
#include "cmd.h"

#include "report/breakdown.h"

int rh_cmd_breakdown(const struct rh_cmd *c, int argc, char **argv)
{
    (void)c;
    const char *path = RH_STORE_DEFAULT, *format = "text";
    struct rh_breakdown_options o = { .width = rh_terminal_width() };
    const struct rh_option option[] = {
        { "by", "LIST", "history, cold, overlap, user.gender, popularity, time, ... (history)", .value = &o.by },
        { "metric", "LIST", "metrics, such as ndcg@10 (the primary one)", .value = &o.metrics },
        { "bins", "TEXT", "strata of a number: how many, or edges such as 5,20 (4)", .value = &o.bins },
        { "format", "WORD", "text, md, latex, csv, json", .value = &format },
        { "store", "FILE", "where results are (" RH_STORE_DEFAULT ")", .value = &path },
        RH_OPTIONS_END,
    };
    char **name;
    int n, status;
    if (!rh_options(argc, argv, "breakdown EXPERIMENT [OPTION]...",
                    "Breaks stored values down by strata of users, items and time.", option, &name, &n, &status))
        return status;
    if (n != 1)
        return rh_usage_error("breakdown takes one experiment, such as cross_domain");
    struct rh_error err = { 0 };
    struct rh_store *store = NULL;
    struct rh_text text = { 0 };
    status = rh_format_parse(format, &o.format, &err);
    if (status >= 0)
        status = rh_store_open(path, RH_STORE_READ, &store, &err);
    if (status >= 0)
        status = rh_breakdown_report(store, name[0], &o, &text, &err);
    return rh_finish_report(store, &text, status, &err);
}
