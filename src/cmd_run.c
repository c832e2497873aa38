/* harness run, harness check. */
#include "cmd_plan.h"

#include "report/report.h"

/* Deep enough for every cut-off in use; a thousand, the custom of TREC, would make a store ten times as large. */
#define KEPT_DEPTH "100"

int rh_cmd_check(const struct rh_cmd *c, int argc, char **argv)
{
    struct rh_plan_options o = { 0 };
    const struct rh_option option[] = {
        { "set", "SECTION.KEY=VALUE", "replace a value of the file; may be repeated", .many = o.set,
          .n_many = &o.n_set },
        { "store", "FILE", "where results would go", .value = &o.store },
        { "data", "DIR", "folder with the raw files", .value = &o.data },
        RH_OPTIONS_END,
    };
    char **file;
    int n, status;
    if (!rh_options(argc, argv, "check FILE [OPTION]...",
                    "Reads an experiment, checks all that can be checked without data, and prints the plan.", option,
                    &file, &n, &status))
        return status;
    if (n != 1)
        return rh_usage_error("check takes one file, such as experiments/cross_domain.ini");
    struct rh_planned p = { 0 };
    struct rh_error err = { 0 };
    struct rh_text text = { 0 };
    if (rh_make_plan(c, &o, file[0], &p, &err) < 0) {
        status = rh_complain(&err);
    } else {
        rh_plan_text(p.plan, &text);
        status = rh_print(text.s);
    }
    rh_text_release(&text);
    rh_arena_release(&p.arena);
    return status;
}

int rh_cmd_run(const struct rh_cmd *c, int argc, char **argv)
{
    struct rh_plan_options o = { 0 };
    const struct rh_option option[] = {
        { "set", "SECTION.KEY=VALUE", "replace a value of the file; may be repeated", .many = o.set,
          .n_many = &o.n_set },
        { "data", "DIR", "folder with the raw files (else [data] path, $HARNESS_DATA, ./data)", .value = &o.data },
        { "cache", "DIR", "folder for loaded domains, or 'none'", .value = &o.cache },
        { "store", "FILE", "where results go (else [experiment] store, " RH_STORE_DEFAULT ")", .value = &o.store },
        { "force", NULL, "run again what is stored", .flag = &o.force },
        { "keep-rankings", "N", "store the best N items of every query (" KEPT_DEPTH ")", .value = &o.keep,
          .alone = KEPT_DEPTH },
        { "save-models", "DIR", "save the fitted models (models beside the store)", .value = &o.models, .alone = "" },
        { "checkpoint", "N", "keep a long fit every N seconds (300), 0: every epoch, or none", .value = &o.checkpoint },
        { "threads", "N", "processors to use (all)", .value = &o.threads },
        { "metric", "LIST", "metrics of the table, such as ndcg@10,auc", .value = &o.metric },
        { "format", "WORD", "of the table: text, md, latex, csv, json", .value = &o.format },
        { "quiet", NULL, "warnings only", .flag = &o.quiet },
        { "verbose", NULL, "more detail", .flag = &o.verbose },
        RH_OPTIONS_END,
    };
    char **file;
    int n, status;
    if (!rh_options(
            argc, argv, "run FILE [OPTION]...",
            "Runs an experiment: what is stored already is recognised and not run again. Then prints its table.",
            option, &file, &n, &status))
        return status;
    if (n != 1)
        return rh_usage_error("run takes one file, such as experiments/cross_domain.ini");
    struct rh_planned p = { 0 };
    struct rh_error err = { 0 };
    struct rh_store *store = NULL;
    struct rh_execute_summary summary = { 0 };
    struct rh_text text = { 0 };
    struct rh_table_options table = { .metrics = o.metric,
                                      .colour = rh_terminal_colour(),
                                      .width = rh_terminal_width() };
    /* before hours of work, not after */
    status = rh_format_parse(o.format ? o.format : "text", &table.format, &err);
    if (status >= 0)
        status = rh_make_plan(c, &o, file[0], &p, &err);
    if (status >= 0)
        status = rh_run_plan(c, &o, &p, &store, &summary, &err);
    if (status >= 0)
        status = rh_table(store, p.plan->name, &table, &text, &err);
    int exit_status = rh_finish_report(store, &text, status, &err);
    rh_arena_release(&p.arena);
    return exit_status == RH_EXIT_OK && summary.failed ? RH_EXIT_FAILED : exit_status;
}
