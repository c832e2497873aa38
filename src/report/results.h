/* What a report shows of an experiment, read from the store into memory: parts (problems) x rows (algorithms) x
 * columns (metrics). Folds and seeds share the label of a part or row and are averaged in its cells. */
#ifndef RH_REPORT_RESULTS_H
#define RH_REPORT_RESULTS_H

#include "base/arena.h"
#include "store/store.h"

struct rh_column {
    const char *id, *definition;
    bool lower_is_better;
};

struct rh_cell {
    double value;    /* mean over the runs where it is defined; NaN: nowhere */
    double sd;       /* sample standard deviation over those runs; NaN below two */
    double
        interval; /* half-width of the 95 % confidence interval of the mean over users, normal theory; NaN: unknown */
    int64_t defined; /* queries where it is defined, over all runs */
};

struct rh_row {
    const char *label, *algorithm;
    const char *twin;     /* label of the row without transfer that it is judged against; "": none */
    struct rh_gain *gain; /* [RH_GAINS] over its twin, report/gain.h; NULL: has no twin, or not filled */
    int32_t tried, twin_tried; /* settings of its section in this part, and of its twin's; filled with the gains */
    double twin_seconds;       /* of its twin; NaN: unknown */
    int32_t runs, failed; /* all; those without values */
    const char *message;  /* of the first failed run, or "" */
    const char *status;   /* "done", "partly", or the word of the first failure */
    double seconds;       /* mean wall time of a run */
    struct rh_cell *cell; /* [n_columns] */
    struct rh_key_value *param; /* [n_params] of its first run */
    int32_t n_params;
    int64_t *run, *problem; /* [runs] ids; NULL unless filled */
};

struct rh_part {
    const char *label, *name, *target, *sources, *split;
    int64_t *problem; /* [n_problems] ids: folds and seeds of one label */
    int32_t n_problems;
    int32_t n_built;   /* problems whose facts are known; the facts below are means over them, test_queries the sum */
    int64_t users, items, train_rows, source_rows, test_rows, test_queries, cold_users, shared_users;
    bool generated;    /* data from the built-in generator */
    struct rh_key_value *setting; /* [n_settings] of its first problem */
    int32_t n_settings;
    struct rh_leak {
        const char *what;
        int64_t count, of; /* sums over its problems */
    } *leak;
    int32_t n_leaks;
    struct rh_leak *odd; /* [n_odd] queries that a metric was not made for, of test_queries */
    int32_t n_odd;
    struct rh_removed_row *removed; /* [n_removed] of its first problem */
    int32_t n_removed;
    struct rh_row *row;
    int32_t n_rows, row_capacity;
    const char *gain_note; /* a sentence about the gains; NULL: there are none */
};

struct rh_results {
    const char *name, *title, *primary;
    struct rh_column *column;
    int32_t n_columns, n_parts, primary_column; /* -1: the primary metric is not among the columns */
    struct rh_part *part;
    bool gain_shown[4]; /* [RH_GAINS] columns that have a gain */
};

/* `metrics` chooses and orders the columns (NULL: the experiment's own choice); "ndcg" stands for every "ndcg@...".
 * All is in the arena. RH_EINVAL: unknown experiment or metric, with the nearest. */
int rh_results_load(struct rh_store *s, struct rh_arena *a, const char *experiment, const char *metrics,
                    bool intervals, struct rh_results *out, struct rh_error *err);

/* Fills the intervals of a column (-1: of all columns) from the values of users; called by the above. A user asked in
 * several runs counts once, with the mean of the values. A metric whose value is not the mean over users has no
 * interval. */
int rh_results_intervals(struct rh_store *s, struct rh_arena *a, const struct rh_results *r, int32_t column,
                         struct rh_error *err);

#endif
