/* harness export. */
#include "cmd_stored.h"

#include "run/export.h"

#include <stdio.h>

int rh_cmd_export(const struct rh_cmd *c, int argc, char **argv)
{
    struct rh_stored_options o = { 0 };
    const char *trec = NULL, *users = NULL;
    bool force = false;
    const struct rh_option option[] = {
        { "trec", "DIR", "write runs, qrels and candidates of every problem into a folder", .value = &trec },
        { "users", "FILE", "write the value of every query or user, as CSV", .value = &users },
        { "force", NULL, "replace files that are there", .flag = &force },
        { "store", "FILE", "where results are (" RH_STORE_DEFAULT ")", .value = &o.store },
        { "data", "DIR", "folder with the raw files", .value = &o.data },
        { "cache", "DIR", "folder for loaded domains, or 'none'", .value = &o.cache },
        { "quiet", NULL, "warnings only", .flag = &o.quiet },
        RH_OPTIONS_END,
    };
    char **name;
    int n, status;
    if (!rh_options(argc, argv, "export EXPERIMENT [--trec DIR] [--users FILE]",
                    "Writes stored runs as files that other programs read.", option, &name, &n, &status))
        return status;
    if (n != 1 || (!trec && !users))
        return rh_usage_error("export takes one experiment and --trec DIR or --users FILE");
    struct rh_error err = { 0 };
    struct rh_text text = { 0 };
    int64_t rows;
    status = RH_OK;
    if (trec) {
        struct rh_stored s = { 0 };
        struct rh_export_summary summary = { 0 };
        status = rh_stored_open(c, &o, RH_STORE_READ, name[0], &s, &err);
        if (status >= 0)
            status = rh_export_trec(&s.recalled, trec, force, &summary, &err);
        rh_stored_close(&s);
        if (status >= 0)
            rh_text_printf(&text, "%d runs in %d files in %s\n", summary.runs, summary.files, trec);
        if (status >= 0 && summary.unkept)
            rh_text_printf(&text, "%d runs have no kept rankings: harness run FILE.ini --keep-rankings\n",
                           summary.unkept);
    }
    if (users && status >= 0) {
        struct rh_store *store = NULL;
        status = rh_store_open(o.store ? o.store : RH_STORE_DEFAULT, RH_STORE_READ, &store, &err);
        if (status >= 0)
            status = rh_export_users(store, name[0], users, force, &rows, &err);
        rh_store_close(store);
        if (status >= 0)
            rh_text_printf(&text, "%lld values in %s\n", (long long)rows, users);
    }
    return rh_finish_report(NULL, &text, status, &err);
}
