#include "report/gain.h"
#include "report/write.h"

#include <string.h>

int rh_format_parse(const char *word, enum rh_format *out, struct rh_error *err)
{
    static const char *const words[] = { "text", "md", "latex", "csv", "json", "markdown", "tex" };
    static const enum rh_format formats[] = { RH_FORMAT_TEXT, RH_FORMAT_MARKDOWN, RH_FORMAT_LATEX, RH_FORMAT_CSV,
                                              RH_FORMAT_JSON, RH_FORMAT_MARKDOWN, RH_FORMAT_LATEX };
    enum { N = sizeof words / sizeof *words };
    for (int i = 0; i < N; i++)
        if (!strcmp(word, words[i])) {
            *out = formats[i];
            return RH_OK;
        }
    const char *nearest = rh_nearest(word, words, N);
    return rh_fail(err, RH_EINVAL, "unknown format '%s': allowed text, md, latex, csv, json%s", word,
                   rh_did_you_mean(nearest, (char[RH_HINT]){ 0 }));
}

int rh_table(struct rh_store *s, const char *experiment, const struct rh_table_options *o, struct rh_text *out,
             struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_results r;
    bool intervals = o->interval || (o->format != RH_FORMAT_TEXT && o->format != RH_FORMAT_LATEX);
    int status = rh_results_load(s, &a, experiment, o->metrics, intervals, &r, err);
    if (status >= 0)
        status = rh_results_gains(s, &a, &r, err);
    if (status >= 0) {
        switch (o->format) {
        case RH_FORMAT_TEXT:
            rh_table_text(&r, o, out);
            break;
        case RH_FORMAT_MARKDOWN:
            rh_table_markdown(&r, o, out);
            break;
        case RH_FORMAT_LATEX:
            rh_table_latex(&r, o, out);
            break;
        case RH_FORMAT_CSV:
            rh_table_csv(&r, out);
            break;
        case RH_FORMAT_JSON:
            rh_table_json(&r, out);
            break;
        }
        status = out->failed ? rh_fail_memory(err, "a table", out->n) : RH_OK;
    }
    rh_arena_release(&a);
    return status;
}
