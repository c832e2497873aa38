/* harness rosetta: one run as several libraries would score it. */
#include "cmd_stored.h"

#include "exchange/judge.h"
#include "exchange/names.h"
#include "exchange/rosetta.h"
#include "run/remeasure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COLUMNS "quantity,library,name,value,id,why"

struct rosetta {
    const char *run, *qrels, *cutoff, *format;
    bool ignore_ranks;
    struct rh_stored_options stored;
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

/* The lines of the table; `value` [n_use]. In CSV `head` stands before each. */
static int write_table(int64_t k, const double *value, const struct rh_metric_use *use, const int32_t *which,
                       const char *head, bool csv, struct rh_text *t, struct rh_error *err)
{
    struct rh_arena a = { 0 };
    int32_t n, widest = 0;
    const struct rh_dialect *d = rh_rosetta(&n);
    char number[32];
    int status = RH_OK;
    for (int32_t i = 0; i < n; i++)
        widest = (int32_t)strlen(use[which[i]].id) > widest ? (int32_t)strlen(use[which[i]].id) : widest;
    for (int32_t i = 0; i < n && status >= 0; i++) {
        const char *name = at_cutoff(&a, d[i].name, k), *id = use[which[i]].id;
        double x = value[which[i]];
        if (!name) {
            status = rh_fail_memory(err, "the table", 64);
        } else if (csv) {
            rh_text_printf(t, "%s%s,%s,%s,%s,%s,", head, d[i].quantity, d[i].library, name,
                           x == x ? rh_real_text(x, number) : "", id);
            rh_csv_add(t, d[i].why);
            rh_text_add(t, "\n");
        } else {
            if (!i || strcmp(d[i].quantity, d[i - 1].quantity))
                rh_text_printf(t, "%s%s\n", i ? "\n" : "", d[i].quantity);
            snprintf(number, sizeof number, x == x ? "%.4f" : "-", x);
            rh_text_printf(t, "  %-11s  %-20s  %6s  %-*s  %s\n", d[i].library, name, number, widest, id, d[i].why);
        }
    }
    rh_arena_release(&a);
    return status;
}

/* ------------------------------------------------------------------------------------------------- two files */

static void write_counts(const struct rh_judgement *j, struct rh_text *t)
{
    rh_text_printf(t, "\n%d queries; %lld of %lld relevant items are listed\n", j->n_queries, (long long)j->listed,
                   (long long)j->relevant);
    if (j->tied)
        rh_text_printf(t, "%lld of them with a tied score: expectations here; trec_eval orders them by document, other "
                       "libraries as they come\n", (long long)j->tied);
}

static int score_files(const struct rosetta *o, int64_t k, struct rh_text *out, struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_run_file *run = NULL, *qrels = NULL;
    struct rh_judge_options options = { .ignore_ranks = o->ignore_ranks,
                                        .threads = rh_thread_count(o->stored.threads) };
    struct rh_metric_use *use;
    struct rh_judgement j;
    int32_t n_use, *which;
    bool csv = o->format && !strcmp(o->format, "csv");
    if (!options.threads)
        return rh_fail(err, RH_EINVAL, "--threads %s is not allowed: expected an integer from 1 to 4096",
                       o->stored.threads);
    int status = make_metrics(&a, k, &use, &n_use, &which, err);
    if (status >= 0)
        status = rh_run_file_read(o->run, RH_FILE_RUN, options.threads, &run, err);
    if (status >= 0)
        status = rh_run_file_read(o->qrels, RH_FILE_QRELS, options.threads, &qrels, err);
    if (status >= 0)
        status = rh_judge(&a, run, qrels, use, n_use, &options, &j, err);
    if (status >= 0 && csv)
        rh_text_add(out, COLUMNS "\n");
    if (status >= 0)
        status = write_table(k, j.mean, use, which, "", csv, out, err);
    if (status >= 0 && !csv)
        write_counts(&j, out);
    rh_run_file_free(run);
    rh_run_file_free(qrels);
    rh_arena_release(&a);
    return status;
}

/* -------------------------------------------------------------------------------------------- a stored experiment */

/* What a run's values are written with. */
struct telling {
    int64_t k;
    const struct rh_metric_use *use;
    int32_t n_use;
    const int32_t *which;
    bool csv;
    struct rh_text *out;
    struct rh_error err; /* the first that went wrong */
};

static void tell_run(void *arg, const char *problem, const char *label, const struct rh_metric_row *row)
{
    struct telling *t = arg;
    struct rh_text head = { 0 };
    struct rh_arena a = { 0 };
    double *value = rh_alloc(&a, (size_t)t->n_use, sizeof *value);
    if (t->csv) {
        rh_csv_add(&head, problem);
        rh_text_add(&head, ",");
        rh_csv_add(&head, label);
        rh_text_add(&head, ",");
    } else {
        rh_text_printf(t->out, "%s%s on %s\n\n", t->out->n ? "\n" : "", label, problem);
    }
    for (int32_t i = 0; value && i < t->n_use; i++)
        value[i] = row[i].value;
    if (!value || head.failed)
        rh_fail_memory(&t->err, "the table", 64);
    else
        write_table(t->k, value, t->use, t->which, head.s ? head.s : "", t->csv, t->out, &t->err);
    rh_text_release(&head);
    rh_arena_release(&a);
}

static int score_stored(const struct rh_cmd *c, const struct rosetta *o, int64_t k, const char *experiment,
                        struct rh_text *out, struct rh_error *err)
{
    struct rh_stored s = { 0 };
    struct rh_arena a = { 0 };
    struct rh_metric_use *use;
    int32_t *which;
    struct telling telling = { .k = k, .out = out, .csv = o->format && !strcmp(o->format, "csv") };
    struct rh_remeasure_summary summary;
    int status = make_metrics(&a, k, &use, &telling.n_use, &which, err);
    if (status >= 0)
        status = rh_stored_open(c, &o->stored, RH_STORE_READ, experiment, &s, err);
    if (status >= 0) {
        struct rh_remeasure_options remeasure = { .use = use, .n_use = telling.n_use, .threads = s.env.threads,
                                                  .cancel = c->cancel, .tell = tell_run, .arg = &telling };
        telling.use = use;
        telling.which = which;
        if (telling.csv)
            rh_text_add(out, "problem,algorithm," COLUMNS "\n");
        status = rh_remeasure(&s.recalled, &remeasure, &summary, err);
    }
    if (status >= 0 && telling.err.status < 0)
        status = rh_fail(err, telling.err.status, "%s", telling.err.text);
    rh_stored_close(&s);
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
        { "store", "FILE", "where results are (" RH_STORE_DEFAULT ")", .value = &o.stored.store },
        { "data", "DIR", "folder with the raw files", .value = &o.stored.data },
        { "cache", "DIR", "folder for loaded domains, or 'none'", .value = &o.stored.cache },
        { "threads", "N", "processors to use (all)", .value = &o.stored.threads },
        RH_OPTIONS_END,
    };
    char **name;
    int n, status;
    int64_t k = 10;
    if (!rh_options(argc, argv, "rosetta EXPERIMENT, or rosetta --run FILE --qrels FILE [OPTION]...",
                    "Scores runs as several libraries would, side by side, and says why they differ.", option, &name,
                    &n, &status))
        return status;
    bool files = o.run || o.qrels;
    if (files ? n || !o.run || !o.qrels : n != 1)
        return rh_usage_error("rosetta takes one experiment, or --run FILE and --qrels FILE");
    if (o.format && strcmp(o.format, "text") && strcmp(o.format, "csv"))
        return rh_usage_error("--format '%s': there are text and csv", o.format);
    if (o.cutoff && (!rh_parse_int(o.cutoff, &k) || k < 1 || k > INT32_MAX))
        return rh_usage_error("--cutoff '%s' is not an integer from 1", o.cutoff);
    struct rh_error err = { 0 };
    struct rh_text text = { 0 };
    status = files ? score_files(&o, k, &text, &err) : score_stored(c, &o, k, name[0], &text, &err);
    return rh_finish_report(NULL, &text, status, &err);
}
