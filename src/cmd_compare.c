/* harness compare: reads the store only. */
#include "cmd.h"

#include "report/compare.h"
#include "report/variance.h"

#include <math.h>
#include <string.h>

static int read_threshold(const char *text, double *out, struct rh_error *err)
{
    if (text && (!rh_parse_real(text, out) || *out < 0))
        return rh_fail(err, RH_EINVAL, "threshold '%s' is no difference: a number from 0, such as 0.01", text);
    return RH_OK;
}

static int read_pairs(const char *word, struct rh_compare_options *o, struct rh_error *err)
{
    o->all_pairs = !strcmp(word, "all");
    o->twins = !strcmp(word, "twin");
    if (!o->all_pairs && !o->twins && strcmp(word, "baseline") != 0)
        return rh_fail(err, RH_EINVAL, "unknown pairs '%s': allowed baseline, all, twin", word);
    if (o->twins && o->baseline)
        return rh_fail(err, RH_EINVAL, "--pairs twin compares every algorithm with its own twin: leave out --baseline");
    if (o->all_pairs && o->baseline)
        return rh_fail(err, RH_EINVAL, "--pairs all compares every algorithm with every other: leave out --baseline");
    return RH_OK;
}

int rh_cmd_compare(const struct rh_cmd *c, int argc, char **argv)
{
    (void)c;
    const char *path = RH_STORE_DEFAULT, *format = "text", *test = "t", *correction = "holm", *threshold = NULL;
    const char *pairs = "baseline";
    bool variance = false;
    struct rh_compare_options o = { .width = rh_terminal_width() };
    const struct rh_option option[] = {
        { "metric", "LIST", "metrics, such as ndcg@10,auc (the primary one)", .value = &o.metrics },
        { "baseline", "LABEL", "compared with (the first algorithm that is not random)", .value = &o.baseline },
        { "pairs", "WORD", "baseline, all, twin: each against one, each, its twin (baseline)", .value = &pairs },
        { "variance", NULL, "instead: how much comes from splits, initialisations and users", .flag = &variance },
        { "test", "WORD", "t, permutation, wilcoxon (t)", .value = &test },
        { "correction", "WORD", "holm, bh or none of all p-values printed, or tukey (holm)", .value = &correction },
        { "threshold", "X", "smallest difference that matters in practice", .value = &threshold },
        { "format", "WORD", "text, md, csv, json", .value = &format },
        { "store", "FILE", "where results are (" RH_STORE_DEFAULT ")", .value = &path },
        RH_OPTIONS_END,
    };
    char **name;
    int n, status;
    if (!rh_options(argc, argv, "compare EXPERIMENT [OPTION]...",
                    "Tests the differences between an experiment's algorithms and one of them, over users.", option,
                    &name, &n, &status))
        return status;
    if (n != 1)
        return rh_usage_error("compare takes one experiment, such as cross_domain");
    struct rh_error err = { 0 };
    struct rh_store *store = NULL;
    struct rh_text text = { 0 };
    status = rh_format_parse(format, &o.format, &err);
    if (status >= 0)
        status = rh_test_parse(test, &o.test, &err);
    if (status >= 0)
        status = rh_correction_parse(correction, &o.correction, &err);
    if (status >= 0)
        status = read_pairs(pairs, &o, &err);
    if (status >= 0)
        status = read_threshold(threshold, &o.threshold, &err);
    if (status >= 0)
        status = rh_store_open(path, RH_STORE_READ, &store, &err);
    struct rh_variance_options v = { .format = o.format, .metrics = o.metrics, .width = o.width };
    if (status >= 0 && variance)
        status = rh_variance(store, name[0], &v, &text, &err);
    else if (status >= 0)
        status = rh_compare(store, name[0], &o, &text, &err);
    return rh_finish_report(store, &text, status, &err);
}
