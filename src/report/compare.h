/* Comparisons: every algorithm of an experiment against one of them, or all pairs of them, problem by problem, with
 * what can be said about the differences. Users are the units: a user who is asked on several folds or seeds counts
 * once, with the mean over those queries where both algorithms have a value. docs/compare.md has the formulas. */
#ifndef RH_REPORT_COMPARE_H
#define RH_REPORT_COMPARE_H

#include "report/paired.h"
#include "report/report.h"
#include "report/results.h"

#define RH_COMPARE_LEVEL 0.05 /* corrected p below it: a difference is shown */

struct rh_compare_options {
    enum rh_format format;    /* no latex */
    const char *metrics;      /* comma-separated ids; NULL: the primary metric of the experiment */
    const char *baseline;     /* label; NULL: the first whose algorithm is not `random` */
    bool all_pairs;           /* every pair of algorithms; `baseline` is NULL */
    bool twins;               /* every algorithm that has a twin with it; `baseline` is NULL */
    enum rh_test test;
    enum rh_correction correction;
    double threshold;         /* smallest difference that matters in practice; 0: none stated */
    int width;                /* of the terminal, for sentences; 0: no limit */
};

enum rh_verdict {
    RH_VERDICT_NONE,       /* not compared */
    RH_VERDICT_BETTER,
    RH_VERDICT_WORSE,
    RH_VERDICT_BETTER_LITTLE, /* shown, but smaller than the threshold */
    RH_VERDICT_WORSE_LITTLE,
    RH_VERDICT_OPEN,       /* no difference shown */
    RH_VERDICT_EQUAL       /* none shown, and the interval lies inside the threshold */
};

struct rh_comparison {
    const struct rh_part *part;
    const struct rh_column *column;
    const struct rh_row *row;
    const char *against;     /* the baseline of this pair; of all pairs the one that the experiment names first */
    struct rh_paired paired; /* of algorithm - baseline */
    double value, baseline;  /* means over the users of the pairs */
    double corrected;        /* p in its family; NaN: not compared. Tukey's is not made from paired.p */
    int64_t wins, ties, losses; /* users for whom the algorithm is better, equal, worse */
    bool pooled;             /* the metric of a run is not the mean over users */
    const char *why;         /* it is not compared; NULL: it is */
    enum rh_verdict verdict;
};

struct rh_comparisons {
    struct rh_results results;
    const char *baseline;     /* NULL: all pairs, or twins */
    struct rh_comparison *of; /* [n] part after part, metric after metric, baseline after baseline, in the order of the
                               * algorithms */
    int32_t n;
    int32_t family;    /* those with a p-value: corrected together */
    int32_t n_metrics; /* compared */
};

/* All is in the arena. RH_EINVAL: unknown experiment, metric or baseline, with the nearest. */
int rh_comparisons_load(struct rh_store *s, struct rh_arena *a, const char *experiment,
                        const struct rh_compare_options *o, struct rh_comparisons *out, struct rh_error *err);
void rh_comparisons_write(const struct rh_comparisons *c, const struct rh_compare_options *o, struct rh_text *t);

/* Both: the comparison as text. */
int rh_compare(struct rh_store *s, const char *experiment, const struct rh_compare_options *o, struct rh_text *out,
               struct rh_error *err);

/* "better", "better by less than the threshold 0.01: not relevant in practice", ... */
void rh_verdict_words(const struct rh_comparison *c, const struct rh_compare_options *o, struct rh_text *t);

#endif
