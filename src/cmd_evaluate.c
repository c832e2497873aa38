/* harness evaluate: metrics of what is there already, without fitting. */
#include "cmd_stored.h"

#include "base/file.h"
#include "config/section.h"
#include "exchange/judge.h"
#include "report/report.h"
#include "run/remeasure.h"

#include <stdio.h>
#include <string.h>

#define FILE_METRICS "map@all,ndcg@all,mrr,ndcg@10,recall@10,recall@100,precision@10"

struct evaluate {
    const char *run, *qrels, *metrics, *cutoffs, *ties, *users, *format;
    bool ignore_ranks;
    struct rh_stored_options stored;
};

/* "5,10" as numbers. */
static int read_cutoffs(struct rh_arena *a, const char *text, int32_t **out, int32_t *n, struct rh_error *err)
{
    const char **word = rh_list(a, text ? text : "", n);
    *out = rh_alloc(a, (size_t)*n + 1, sizeof **out);
    if (!word || !*out)
        return rh_fail_memory(err, "the cut-offs", 64);
    for (int32_t i = 0; i < *n; i++) {
        int64_t k;
        if (!rh_parse_int(word[i], &k) || k < 1 || k > INT32_MAX)
            return rh_fail(err, RH_EINVAL, "--cutoffs: '%s' is not an integer from 1", word[i]);
        (*out)[i] = (int32_t)k;
    }
    return RH_OK;
}

static int read_metrics(struct rh_arena *a, const struct evaluate *o, const char *otherwise,
                        struct rh_metric_use **use, int32_t *n_use, struct rh_error *err)
{
    int32_t n, n_cutoffs, *cutoff;
    const char **name = rh_list(a, o->metrics ? o->metrics : otherwise, &n);
    if (!name)
        return rh_fail_memory(err, "the metrics", 64);
    if (!n)
        return rh_fail(err, RH_EINVAL, "--metrics names no metric; see harness list metrics");
    RH_TRY(read_cutoffs(a, o->cutoffs, &cutoff, &n_cutoffs, err));
    return rh_metrics_expand(a, name, (size_t)n, cutoff, (size_t)n_cutoffs, use, n_use, err);
}

/* ------------------------------------------------------------------------------------------------- two files */

static void write_number(struct rh_text *t, double x)
{
    char number[32];
    rh_text_add(t, x == x ? rh_real_text(x, number) : "");
}

/* As CSV: the values of every query. */
static int write_queries(const struct rh_run_file *run, const struct rh_judgement *j, const struct rh_metric_use *use,
                         int32_t n_use, const char *path, struct rh_error *err)
{
    struct rh_text t = { 0 };
    rh_text_add(&t, "query,metric,value\n");
    for (int32_t i = 0; i < j->n_queries; i++)
        for (int32_t m = 0; m < n_use; m++) {
            const struct rh_span id = run->query[j->query[i]].id;
            rh_text_addn(&t, id.s, id.n);
            rh_text_printf(&t, ",%s,", use[m].id);
            write_number(&t, j->value[(int64_t)m * j->n_queries + i]);
            rh_text_add(&t, "\n");
        }
    int status = t.failed ? rh_fail_memory(err, "values of queries", t.n) : rh_write_file(path, t.s, t.n, err);
    rh_text_release(&t);
    return status;
}

static void write_means(const struct rh_judgement *j, const struct rh_metric_use *use, int32_t n_use, bool csv,
                        struct rh_text *t)
{
    int width = 6;
    for (int32_t m = 0; m < n_use; m++)
        width = (int)strlen(use[m].id) > width ? (int)strlen(use[m].id) : width;
    if (csv)
        rh_text_add(t, "metric,definition,value,queries\n");
    for (int32_t m = 0; m < n_use; m++) {
        if (csv) {
            rh_text_printf(t, "%s,%s,", use[m].id, use[m].definition);
            write_number(t, j->mean[m]);
            rh_text_printf(t, ",%d\n", j->defined[m]);
        } else if (j->defined[m]) {
            rh_text_printf(t, "%-*s  %.4f\n", width, use[m].id, j->mean[m]);
        } else {
            rh_text_printf(t, "%-*s  -\n", width, use[m].id);
        }
    }
    if (csv)
        return;
    rh_text_printf(t, "\n%d queries; %lld of %lld relevant items are listed", j->n_queries, (long long)j->listed,
                   (long long)j->relevant);
    if (j->tied)
        rh_text_printf(t, ", %lld with a tied score", (long long)j->tied);
    rh_text_add(t, "\n");
    if (j->missing || j->unjudged)
        rh_text_printf(t, "%d judged queries are not in the run, %d of the run are not judged: not counted\n",
                       j->missing, j->unjudged);
}

static int evaluate_files(const struct evaluate *o, struct rh_text *out, struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_run_file *run = NULL, *qrels = NULL;
    struct rh_metric_use *use;
    struct rh_judgement j;
    struct rh_judge_options options = { .ignore_ranks = o->ignore_ranks,
                                        .threads = rh_thread_count(o->stored.threads) };
    int32_t n_use = 0;
    if (!options.threads)
        return rh_fail(err, RH_EINVAL, "--threads %s is not allowed: expected an integer from 1 to 4096",
                       o->stored.threads);
    if (o->ties && !strcmp(o->ties, "trec_eval"))
        options.ties = RH_TIES_TREC_EVAL;
    else if (o->ties && strcmp(o->ties, "expected"))
        return rh_fail(err, RH_EINVAL, "--ties '%s': there are expected and trec_eval", o->ties);
    int status = read_metrics(&a, o, FILE_METRICS, &use, &n_use, err);
    if (status >= 0)
        status = rh_run_file_read(o->run, RH_FILE_RUN, options.threads, &run, err);
    if (status >= 0)
        status = rh_run_file_read(o->qrels, RH_FILE_QRELS, options.threads, &qrels, err);
    if (status >= 0)
        status = rh_judge(&a, run, qrels, use, n_use, &options, &j, err);
    if (status >= 0)
        write_means(&j, use, n_use, o->format && !strcmp(o->format, "csv"), out);
    if (status >= 0 && o->users)
        status = write_queries(run, &j, use, n_use, o->users, err);
    rh_run_file_free(run);
    rh_run_file_free(qrels);
    rh_arena_release(&a);
    return status;
}

/* -------------------------------------------------------------------------------------------- a stored experiment */

/* The ids as --metric of the table takes them. */
static void list_ids(const struct rh_metric_use *use, int32_t n, struct rh_text *t)
{
    for (int32_t i = 0; i < n; i++)
        rh_text_printf(t, "%s%s", i ? "," : "", use[i].id);
}

static int evaluate_stored(const struct rh_cmd *c, const struct evaluate *o, const char *experiment,
                           struct rh_text *out, struct rh_error *err)
{
    struct rh_stored s = { 0 };
    struct rh_text ids = { 0 };
    struct rh_metric_use *use = NULL;
    struct rh_remeasure_options remeasure = { .cancel = c->cancel };
    struct rh_remeasure_summary summary = { 0 };
    struct rh_table_options table = { .colour = rh_terminal_colour(), .width = rh_terminal_width() };
    struct rh_arena a = { 0 };
    int status = rh_format_parse(o->format ? o->format : "text", &table.format, err);
    if (status >= 0)
        status = read_metrics(&a, o, "", &use, &remeasure.n_use, err);
    if (status >= 0)
        status = rh_stored_open(c, &o->stored, RH_STORE_WRITE, experiment, &s, err);
    if (status >= 0) {
        remeasure.use = use;
        remeasure.threads = s.env.threads;
        status = rh_remeasure(&s.recalled, &remeasure, &summary, err);
        rh_log(&s.log, RH_LOG_INFO, "evaluate", "%d runs measured, %d had the metrics, %d failed", summary.runs,
               summary.stored, summary.failed);
    }
    list_ids(use, status >= 0 ? remeasure.n_use : 0, &ids);
    table.metrics = ids.s;
    if (status >= 0)
        status = rh_table(s.store, experiment, &table, out, err);
    rh_text_release(&ids);
    rh_stored_close(&s);
    rh_arena_release(&a);
    return status;
}

int rh_cmd_evaluate(const struct rh_cmd *c, int argc, char **argv)
{
    struct evaluate o = { 0 };
    const struct rh_option option[] = {
        { "metrics", "LIST", "what to compute, such as ndcg@20,map", .value = &o.metrics },
        { "cutoffs", "LIST", "for metrics named without one, such as 5,10", .value = &o.cutoffs },
        { "run", "FILE", "a run file: TREC, or CSV with user,item,score", .value = &o.run },
        { "qrels", "FILE", "what is relevant, as TREC has it", .value = &o.qrels },
        { "ties", "WORD", "order of equal scores: expected, trec_eval (expected)", .value = &o.ties },
        { "ignore-ranks", NULL, "let the scores alone decide", .flag = &o.ignore_ranks },
        { "users", "FILE", "write the value of every query, as CSV", .value = &o.users },
        { "format", "WORD", "text, csv; of a table also md, latex, json", .value = &o.format },
        { "store", "FILE", "where results are (" RH_STORE_DEFAULT ")", .value = &o.stored.store },
        { "data", "DIR", "folder with the raw files", .value = &o.stored.data },
        { "cache", "DIR", "folder for loaded domains, or 'none'", .value = &o.stored.cache },
        { "threads", "N", "processors to use (all)", .value = &o.stored.threads },
        { "quiet", NULL, "warnings only", .flag = &o.stored.quiet },
        RH_OPTIONS_END,
    };
    char **name;
    int n, status;
    if (!rh_options(argc, argv, "evaluate EXPERIMENT --metrics LIST, or --run FILE --qrels FILE [OPTION]...",
                    "Computes metrics without fitting: new ones of a stored experiment, or those of a run file.",
                    option, &name, &n, &status))
        return status;
    bool files = o.run || o.qrels;
    if (files && o.format && strcmp(o.format, "text") && strcmp(o.format, "csv"))
        return rh_usage_error("--format '%s': there are text and csv", o.format);
    if (files ? n || !o.run || !o.qrels : n != 1)
        return rh_usage_error("evaluate takes one experiment, or --run FILE and --qrels FILE");
    if (!files && !o.metrics)
        return rh_usage_error("evaluate needs --metrics LIST, such as ndcg@20,map");
    if (!files && (o.ties || o.ignore_ranks || o.users))
        return rh_usage_error("--ties, --ignore-ranks and --users are for --run FILE; see harness export for values of "
                              "users");
    struct rh_error err = { 0 };
    struct rh_text text = { 0 };
    status = files ? evaluate_files(&o, &text, &err) : evaluate_stored(c, &o, name[0], &text, &err);
    return rh_finish_report(NULL, &text, status, &err);
}
