/* harness reproduce: does a published table come out? */
#include "cmd_plan.h"

#include "report/reproduce.h"

int rh_cmd_reproduce(const struct rh_cmd *c, int argc, char **argv)
{
    struct rh_plan_options o = { 0 };
    const struct rh_option option[] = {
        { "set", "SECTION.KEY=VALUE", "replace a value of the file; may be repeated", .many = o.set,
          .n_many = &o.n_set },
        { "data", "DIR", "folder with the raw files (else [data] path, $HARNESS_DATA, ./data)", .value = &o.data },
        { "cache", "DIR", "folder for loaded domains, or 'none'", .value = &o.cache },
        { "store", "FILE", "where results are (else [experiment] store, " RH_STORE_DEFAULT ")", .value = &o.store },
        { "force", NULL, "run again what is stored", .flag = &o.force },
        { "threads", "N", "processors to use (all)", .value = &o.threads },
        { "format", "WORD", "of the comparison: text, md, csv", .value = &o.format },
        { "quiet", NULL, "warnings only", .flag = &o.quiet },
        { "verbose", NULL, "more detail", .flag = &o.verbose },
        RH_OPTIONS_END,
    };
    char **file;
    int n, status;
    if (!rh_options(argc, argv, "reproduce FILE [OPTION]...",
                    "Runs what is not stored of an experiment with a published table, and compares cell by cell. The "
                    "exit\nstatus is 0 when all cells hold.",
                    option, &file, &n, &status))
        return status;
    if (n != 1)
        return rh_usage_error("reproduce takes one file, such as experiments/papers/surprise_ml100k.ini");
    struct rh_planned p = { 0 };
    struct rh_error err = { 0 };
    struct rh_store *store = NULL;
    struct rh_execute_summary summary = { 0 };
    struct rh_text text = { 0 };
    struct rh_reproduce_options r = { .width = rh_terminal_width() };
    bool holds = false;
    status = rh_format_parse(o.format ? o.format : "text", &r.format, &err);
    if (status >= 0 && r.format != RH_FORMAT_TEXT && r.format != RH_FORMAT_MARKDOWN && r.format != RH_FORMAT_CSV)
        status = rh_fail(&err, RH_EINVAL, "--format %s is not allowed: reproduce writes text, md or csv", o.format);
    if (status >= 0)
        status = rh_make_plan(c, &o, file[0], &p, &err);
    if (status >= 0 && !p.plan->published)
        status = rh_fail(&err, RH_EINVAL, "%s: has no published table; add [published] and [published.ROW], or use "
                         "harness run", file[0]);
    if (status >= 0)
        status = rh_run_plan(c, &o, &p, &store, &summary, &err);
    if (status >= 0)
        status = rh_reproduce(store, p.plan->name, p.plan->published, &r, &text, &holds, &err);
    int exit_status = rh_finish_report(store, &text, status, &err);
    rh_arena_release(&p.arena);
    return exit_status == RH_EXIT_OK && !holds ? RH_EXIT_FAILED : exit_status;
}
