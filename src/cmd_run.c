/* harness run, harness check. */
#include "cmd.h"

#include "config/plan.h"
#include "report/report.h"
#include "run/execute.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Deep enough for every cut-off in use; a thousand, the custom of TREC, would make a store ten times as large. */
#define KEPT_DEPTH "100"

/* What both commands take. */
struct common {
    const char *set[RH_MANY];
    int32_t n_set;
    const char *data, *cache, *store, *threads, *format, *metric, *keep;
    bool force, quiet, verbose;
};

/* A plan with all that it lives in. */
struct planned {
    struct rh_arena arena;
    struct rh_registry registry;
    struct rh_data_env env;
    struct rh_log log;
    const struct rh_plan *plan;
};

static int make_plan(const struct rh_cmd *c, const struct common *o, const char *file, struct planned *p,
                     struct rh_error *err)
{
    rh_log_init(&p->log, stderr, o->quiet ? RH_LOG_WARNING : o->verbose ? RH_LOG_DETAIL : RH_LOG_INFO);
    p->env.log = &p->log;
    p->env.cancel = c->cancel;
    p->env.threads = rh_thread_count(o->threads);
    if (!p->env.threads)
        return rh_fail(err, RH_EINVAL, "--threads %s is not allowed: expected an integer from 1 to 4096", o->threads);
    struct rh_plan_input in = {
        .file = file,
        .set = o->set,
        .n_set = o->n_set,
        .data = o->data,
        .cache = o->cache,
        .store = o->store,
        .installed = c->installed,
        .plugin_path = getenv("RH_PLUGIN_PATH"),
    };
    if (o->keep) { /* as a setting, so that it stands in the stored text of the experiment too */
        const char **set = rh_alloc(&p->arena, (size_t)o->n_set + 1, sizeof *set);
        char *keep = rh_arena_printf(&p->arena, "experiment.keep_rankings=%s", o->keep);
        if (!set || !keep)
            return rh_fail_memory(err, "the options", 64);
        memcpy(set, o->set, (size_t)o->n_set * sizeof *set);
        set[in.n_set++] = keep;
        in.set = set;
    }
    RH_TRY(rh_registry_init(&p->registry, &p->arena, err));
    return rh_plan_read(&p->arena, &in, &p->registry, &p->env, &p->plan, err);
}

int rh_cmd_check(const struct rh_cmd *c, int argc, char **argv)
{
    struct common o = { 0 };
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
    struct planned p = { 0 };
    struct rh_error err = { 0 };
    struct rh_text text = { 0 };
    if (make_plan(c, &o, file[0], &p, &err) < 0) {
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
    struct common o = { 0 };
    const struct rh_option option[] = {
        { "set", "SECTION.KEY=VALUE", "replace a value of the file; may be repeated", .many = o.set,
          .n_many = &o.n_set },
        { "data", "DIR", "folder with the raw files (else [data] path, $HARNESS_DATA, ./data)", .value = &o.data },
        { "cache", "DIR", "folder for loaded domains, or 'none'", .value = &o.cache },
        { "store", "FILE", "where results go (else [experiment] store, " RH_STORE_DEFAULT ")", .value = &o.store },
        { "force", NULL, "run again what is stored", .flag = &o.force },
        { "keep-rankings", "N", "store the best N items of every query (" KEPT_DEPTH ")", .value = &o.keep,
          .alone = KEPT_DEPTH },
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
    struct planned p = { 0 };
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
        status = make_plan(c, &o, file[0], &p, &err);
    if (status >= 0)
        status = rh_store_open(p.plan->store, RH_STORE_WRITE, &store, &err);
    if (status >= 0) {
        struct rh_execute_options x = {
            .force = o.force, .threads = p.env.threads, .log = &p.log, .cancel = c->cancel
        };
        status = rh_execute(p.plan, &p.env, store, &x, &summary, &err);
        rh_log(&p.log, RH_LOG_INFO, "run", "%d done, %d found in %s, %d failed", summary.done, summary.stored,
               p.plan->store, summary.failed);
    }
    if (status >= 0)
        status = rh_table(store, p.plan->name, &table, &text, &err);
    int exit_status = rh_finish_report(store, &text, status, &err);
    rh_arena_release(&p.arena);
    return exit_status == RH_EXIT_OK && summary.failed ? RH_EXIT_FAILED : exit_status;
}
