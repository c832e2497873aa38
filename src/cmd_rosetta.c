/* harness rosetta: one run as several libraries would score it. */
#include "cmd.h"

#include "exchange/judge.h"
#include "exchange/names.h"
#include "exchange/rosetta.h"

#include <stdio.h>
#include <string.h>

struct rosetta {
    const char *run, *qrels, *cutoff, *format, *threads;
    bool ignore_ranks;
};

/* The text with every K made the cut-off. */
static char *at_cutoff(struct rh_arena *a, const char *text, int64_t k)
{
    struct rh_text t = { 0 };
    for (const char *p = text; *p; p++)
        if (*p == 'K' && (p == text || strchr("@_(", p[-1])) && (!p[1] || strchr("/)", p[1])))
            rh_text_printf(&t, "%lld", (long long)k);
        else
            rh_text_addn(&t, p, 1);
    char *out = t.failed ? NULL : rh_arena_strdup(a, t.s);
    rh_text_release(&t);
    return out;
}

/* The lines of the table as metrics, each once: line i is value of use[which[i]]. */
static int make_metrics(struct rh_arena *a, int64_t k, struct rh_metric_use **use, int32_t *n_use, int32_t **which,
                        struct rh_error *err)
{
    int32_t n, n_one;
    const struct rh_dialect *d = rh_rosetta(&n);
    struct rh_metric_use *one;
    const char **id = rh_alloc(a, (size_t)n, sizeof *id);
    *which = rh_alloc(a, (size_t)n, sizeof **which);
    if (!id || !*which)
        return rh_fail_memory(err, "the table", (size_t)n * sizeof *id);
    for (int32_t i = 0; i < n; i++)
        if (!(id[i] = at_cutoff(a, d[i].id, k)))
            return rh_fail_memory(err, "the table", 64);
    RH_TRY(rh_metrics_expand(a, id, (size_t)n, NULL, 0, use, n_use, err));
    for (int32_t i = 0; i < n; i++) {
        RH_TRY(rh_metrics_expand(a, &id[i], 1, NULL, 0, &one, &n_one, err));
        while ((*which)[i] < *n_use && strcmp((*use)[(*which)[i]].id, one[0].id))
            (*which)[i]++;
    }
    return RH_OK;
}

static int write_table(struct rh_arena *a, int64_t k, const struct rh_judgement *j, const struct rh_metric_use *use,
                       const int32_t *which, bool csv, struct rh_text *t, struct rh_error *err)
{
    int32_t n, widest = 0;
    const struct rh_dialect *d = rh_rosetta(&n);
    char number[32];
    for (int32_t i = 0; i < n; i++)
        widest = (int32_t)strlen(use[which[i]].id) > widest ? (int32_t)strlen(use[which[i]].id) : widest;
    if (csv)
        rh_text_add(t, "quantity,library,name,value,id,why\n");
    for (int32_t i = 0; i < n; i++) {
        const char *name = at_cutoff(a, d[i].name, k), *id = use[which[i]].id;
        double value = j->mean[which[i]];
        if (!name)
            return rh_fail_memory(err, "the table", 64);
        if (csv) {
            rh_text_printf(t, "%s,%s,%s,%s,%s,", d[i].quantity, d[i].library, name,
                           value == value ? rh_real_text(value, number) : "", id);
            rh_csv_add(t, d[i].why);
            rh_text_add(t, "\n");
            continue;
        }
        if (!i || strcmp(d[i].quantity, d[i - 1].quantity))
            rh_text_printf(t, "%s%s\n", i ? "\n" : "", d[i].quantity);
        snprintf(number, sizeof number, value == value ? "%.4f" : "-", value);
        rh_text_printf(t, "  %-11s  %-20s  %6s  %-*s  %s\n", d[i].library, name, number, widest, id, d[i].why);
    }
    if (csv)
        return RH_OK;
    rh_text_printf(t, "\n%d queries; %lld of %lld relevant items are listed\n", j->n_queries, (long long)j->listed,
                   (long long)j->relevant);
    if (j->tied)
        rh_text_printf(t, "%lld of them with a tied score: expectations here; trec_eval orders them by document, other "
                       "libraries as they come\n", (long long)j->tied);
    return RH_OK;
}

static int score(const struct rosetta *o, struct rh_text *out, struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_run_file *run = NULL, *qrels = NULL;
    struct rh_judge_options options = { .ignore_ranks = o->ignore_ranks, .threads = rh_thread_count(o->threads) };
    struct rh_metric_use *use;
    struct rh_judgement j;
    int32_t n_use, *which;
    int64_t k = 10;
    if (!options.threads)
        return rh_fail(err, RH_EINVAL, "--threads %s is not allowed: expected an integer from 1 to 4096", o->threads);
    if (o->cutoff && (!rh_parse_int(o->cutoff, &k) || k < 1 || k > INT32_MAX))
        return rh_fail(err, RH_EINVAL, "--cutoff '%s' is not an integer from 1", o->cutoff);
    int status = make_metrics(&a, k, &use, &n_use, &which, err);
    if (status >= 0)
        status = rh_run_file_read(o->run, RH_FILE_RUN, options.threads, &run, err);
    if (status >= 0)
        status = rh_run_file_read(o->qrels, RH_FILE_QRELS, options.threads, &qrels, err);
    if (status >= 0)
        status = rh_judge(&a, run, qrels, use, n_use, &options, &j, err);
    if (status >= 0)
        status = write_table(&a, k, &j, use, which, o->format && !strcmp(o->format, "csv"), out, err);
    rh_run_file_free(run);
    rh_run_file_free(qrels);
    rh_arena_release(&a);
    return status;
}

int rh_cmd_rosetta(const struct rh_cmd *c, int argc, char **argv)
{
    struct rosetta o = { 0 };
    const struct rh_option option[] = {
        { "run", "FILE", "a run file: TREC, or CSV with user,item,score", .value = &o.run },
        { "qrels", "FILE", "what is relevant, as TREC has it", .value = &o.qrels },
        { "cutoff", "K", "of all metrics that have one (10)", .value = &o.cutoff },
        { "ignore-ranks", NULL, "let the scores alone decide", .flag = &o.ignore_ranks },
        { "format", "WORD", "text, csv", .value = &o.format },
        { "threads", "N", "processors to use (all)", .value = &o.threads },
        RH_OPTIONS_END,
    };
    char **name;
    int n, status;
    (void)c;
    if (!rh_options(argc, argv, "rosetta --run FILE --qrels FILE [OPTION]...",
                    "Scores one run as several libraries would, side by side, and says why they differ.", option, &name,
                    &n, &status))
        return status;
    if (n || !o.run || !o.qrels)
        return rh_usage_error("rosetta takes --run FILE and --qrels FILE; harness export EXPERIMENT --trec DIR makes "
                              "them of a stored run");
    if (o.format && strcmp(o.format, "text") && strcmp(o.format, "csv"))
        return rh_usage_error("--format '%s': there are text and csv", o.format);
    struct rh_error err = { 0 };
    struct rh_text text = { 0 };
    status = score(&o, &text, &err);
    return rh_finish_report(NULL, &text, status, &err);
}
