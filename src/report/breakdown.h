/* Breakdowns: values of users by strata of users, and what held-out rows contribute by strata of rows, all from what is
 * stored. Users are the units of every interval; docs/breakdown.md has the formulas. */
#ifndef RH_REPORT_BREAKDOWN_H
#define RH_REPORT_BREAKDOWN_H

#include "report/report.h"
#include "report/strata.h"

#define RH_BREAKDOWN_LEAST 10 /* users of a stratum below which it has no interval and no part in the gap */

struct rh_breakdown_options {
    enum rh_format format;
    const char *by;      /* comma-separated; NULL: history */
    const char *metrics; /* comma-separated ids; NULL: the primary one; of rows recall at its k, and mrr */
    const char *bins;    /* see rh_bins_parse */
    int width;           /* of the terminal; 0: no limit */
};

struct rh_slice {
    double value;     /* NaN: undefined */
    double low, high; /* 95 % interval, BCa bootstrap over users; NaN: fewer than RH_BREAKDOWN_LEAST users */
    int64_t users, units; /* with a value; units are queries or held-out rows */
};

struct rh_gap { /* between the strata with the largest and the smallest value, among those with enough users */
    double value, low, high; /* largest - smallest; the interval is that of this pair of strata */
    double ratio;            /* largest / smallest; NaN where the smallest is not above 0 */
    int32_t most, least;     /* strata; -1: there are no two */
};

struct rh_broken { /* one algorithm */
    const struct rh_row *row;
    struct rh_slice *slice; /* [strata->n] */
    struct rh_gap gap;
    bool there; /* it has values */
};

struct rh_breakdown { /* of one problem by one key in one metric */
    const struct rh_part *part;
    const struct rh_strata *strata;
    const char *metric;
    bool lower_is_better, pooled;
    struct rh_broken *of; /* [part->n_rows] */
};

struct rh_breakdowns {
    struct rh_results results;
    struct rh_breakdown *of; /* [n] problem after problem, key after key, metric after metric */
    int32_t n;
};

/* Chance that a relevant row is among the first k when its ties are in random order: its place is one of above + 1 ..
 * above + tied, each as likely. And the mean of 1 / place. */
double rh_row_hit(int32_t above, int32_t tied, int32_t k);
double rh_row_reciprocal(int32_t above, int32_t tied);

/* All is in the arena. RH_EINVAL: unknown experiment, metric or key. */
int rh_breakdowns_load(struct rh_store *s, struct rh_arena *a, const char *experiment,
                       const struct rh_breakdown_options *o, struct rh_breakdowns *out, struct rh_error *err);
void rh_breakdowns_write(const struct rh_breakdowns *b, const struct rh_breakdown_options *o, struct rh_text *t);

/* Both: the breakdown as text. */
int rh_breakdown_report(struct rh_store *s, const char *experiment, const struct rh_breakdown_options *o,
                        struct rh_text *out, struct rh_error *err);

/* The intervals and the gap of one algorithm: `share` [n] are (user, stratum, sum, weight), the value of a stratum is
 * the sum of its sums by the sum of its weights. Resamples take users with all their shares. */
struct rh_share {
    int64_t user; /* ascending */
    int32_t stratum;
    double sum, weight;
};
int rh_slices(struct rh_arena *a, const struct rh_share *share, int64_t n, int32_t n_strata, const char *identity,
              struct rh_slice *slice, struct rh_gap *gap, struct rh_error *err);

#endif
