/* The store: one SQLite file with everything that a run leaves. The only SQL that writes is here; the schema with its
 * comments is store/schema.sql. WAL, busy timeout, foreign keys, STRICT tables, version in user_version.
 *
 * One transaction a run: a killed program leaves whole runs and nothing else. Functions return an enum rh_status; on
 * failure nothing of the call is in the file. Two programs may write to one store: a writer waits up to ten seconds
 * for the other's transaction. Texts that may be missing are NULL or "". */
#ifndef RH_STORE_STORE_H
#define RH_STORE_STORE_H

#include "base/error.h"
#include <stdbool.h>
#include <stdint.h>

struct rh_store;
struct sqlite3;

#define RH_STORE_VERSION 3
#define RH_STORE_DEFAULT "results/harness.sqlite" /* where results are when nobody says */

enum rh_store_mode { RH_STORE_READ, RH_STORE_WRITE };

/* RH_STORE_WRITE makes the file and its folder. A store of an earlier version is brought up to date in one transaction,
 * in either mode; its runs have no run_test. RH_EIO: missing, read-only, not a database; RH_EUNSUP: its schema is
 * newer than this program ("... has schema 4, this program knows up to 3; use a newer harness"). */
int rh_store_open(const char *path, enum rh_store_mode mode, struct rh_store **out, struct rh_error *err);
void rh_store_close(struct rh_store *s); /* NULL is fine */
struct sqlite3 *rh_store_db(struct rh_store *s); /* for report/, which only reads */
const char *rh_store_path(const struct rh_store *s);

struct rh_key_value {
    const char *key, *value;
    bool swept; /* given more than one value in the experiment: part of the label */
};

struct rh_experiment_row {
    const char *name, *title;
    const char *ini;           /* the whole text */
    const char *primary_metric; /* id of the first metric */
    const char *metrics;        /* ids of the table's columns, separated by commas; NULL: all that its runs have */
};

/* [plot.NAME] sections: what to draw. */
struct rh_plot_row {
    const char *name, *title;
    const char *kind;   /* "bars" | "lines" */
    const char *x;      /* "algorithm", or the key of a swept setting */
    const char *y;      /* metric id */
    const char *series; /* "algorithm", "problem" or a key; "" */
};

/* Starts a new version of an experiment: its list of problems, runs and plots is replaced by what the calls below
 * link to it; stored runs stay. */
int rh_store_begin_experiment(struct rh_store *s, const struct rh_experiment_row *e, const struct rh_plot_row *plots,
                              int32_t n_plots, int64_t *experiment, struct rh_error *err);

struct rh_problem_row {
    const char *identity;    /* unique */
    const char *name, *label; /* "cold", "cold k=5" */
    const char *target, *sources, *split;
    int32_t fold;
    uint64_t seed;
    const struct rh_key_value *setting; /* effective settings of datasets and split, "split.k", "data.shift" */
    int32_t n_settings;
};

/* What is known once a problem is built. */
struct rh_problem_facts {
    const char *content;
    int64_t users, items, train_rows, source_rows, test_rows, test_queries, validation_queries, cold_users,
        shared_users, unused_rows;
    struct {
        const char *what; /* goes on after "3 of 67 ": "test rows older than a train row of their user" */
        int64_t count, of;
    } leak[16];
    int32_t n_leaks;
    struct rh_removed_row {
        const char *domain, *step;
        int64_t rows, users, items;
    } const *removed;
    int32_t n_removed;
    const char *const *query_user; /* [test_queries] user ids in query order */
};

/* Inserts the problem if its identity is new, and links it to the experiment at `position`. Name, label and what is
 * swept belong to the link: another experiment may call the same problem otherwise. */
int rh_store_problem(struct rh_store *s, int64_t experiment, int32_t position, const struct rh_problem_row *p,
                     int64_t *problem, struct rh_error *err);
/* Writes the facts unless they are stored already, as `content` tells. Where the stored content differs, the runs
 * measured on it become 'stale': not done, so that they are run again. */
int rh_store_problem_facts(struct rh_store *s, int64_t problem, const struct rh_problem_facts *f,
                           struct rh_error *err);

/* What is known of its queries, items and held-out rows: the subjects and keys of schema.sql. Written once, after the
 * facts above; forgotten with them where the content differs. */
struct rh_fact_row {
    const char *subject, *key;
    const char *labels;  /* one a line; NULL: the values are numbers */
    const double *value; /* [n] NaN: unknown */
    int64_t n;
};
int rh_store_problem_values(struct rh_store *s, int64_t problem, const struct rh_fact_row *fact, int32_t n,
                            struct rh_error *err);

/* The target's items in the order of the problem's numbers, written once; the facts come first. `title` [n] may be
 * NULL, and so may each. */
int rh_store_problem_items(struct rh_store *s, int64_t problem, int32_t n, const char *const *item,
                           const char *const *title, struct rh_error *err);

/* Is a run with this identity stored as done? */
int rh_store_find_run(struct rh_store *s, const char *identity, bool *done, struct rh_error *err);
/* To which depth its rankings are kept; 0: they are not. */
int rh_store_kept_depth(struct rh_store *s, const char *identity, int32_t *depth, struct rh_error *err);

/* The saved model of a run, in the arena; path NULL: there is none. */
struct rh_arena;
struct rh_model_row;
int rh_store_find_model(struct rh_store *s, const char *identity, struct rh_arena *a, struct rh_model_row *out,
                        struct rh_error *err);
/* The same for the run whose identity begins with `begin`, hex digits. RH_EINVAL: there is none, or it has no model, or
 * there are several. */
int rh_store_named_model(struct rh_store *s, const char *begin, struct rh_arena *a, struct rh_model_row *out,
                         struct rh_error *err);
/* A path of the store, from its folder, as a path that can be opened; in the arena, NULL: no memory. */
const char *rh_store_place(struct rh_arena *a, const char *store, const char *path);

struct rh_run_row {
    const char *identity; /* unique; a stored run of the same identity is replaced */
    const char *algorithm, *label; /* "itemknn", "itemknn neighbors=20" */
    const char *twin; /* label of the run without transfer that it is judged against; NULL: none */
    uint32_t revision;
    uint64_t seed;
    int status;          /* RH_OK: done; negative: failed, with message and no metrics */
    const char *message; /* "" when done */
    const struct rh_key_value *param; /* effective parameters */
    int32_t n_params;
    const struct rh_epoch_row {
        int32_t epoch;
        double loss, validation; /* NaN: none */
        double seconds;
        bool best;
    } *epoch;
    int32_t n_epochs;
    const struct rh_metric_row {
        const char *id, *definition;
        bool lower_is_better;
        double value;        /* NaN: undefined, stored as NULL */
        int32_t defined;     /* queries */
        const double *users; /* [n_queries] per query, NaN: undefined; in the order of query_user; NULL: it has one
                                value a run */
    } *metric;
    int32_t n_metrics, n_queries;
    double fit_seconds, score_seconds, wall_seconds, cpu_seconds;
    int64_t state_bytes, peak_bytes; /* of the plugin's memory; of the process */
    const struct rh_odd_row {
        const char *what; /* goes on after "12 of 600 ": "queries without a relevant candidate (left out)" */
        int64_t count;
    } *odd; /* [n_odd] queries that a metric was not made for */
    int32_t n_odd;
    int64_t tied, relevant;          /* relevant items with a tied score; relevant items */
    struct rh_run_test {             /* where the held-out rows came out, query by query; above NULL: not known */
        int64_t n;
        const int32_t *above, *tied; /* [n] -1 and 0 where the row is not a relevant candidate */
        const float *predicted;      /* [n] or NULL: the algorithm does not rate */
    } test;
    struct rh_run_ranking { /* the best candidates, query by query; item NULL: not kept */
        int32_t depth;      /* a query has min(depth, its candidates) of them */
        int64_t n;
        const int32_t *item; /* [n] best first, ties ascending by item */
        const float *score;  /* [n] */
    } ranking;
    struct rh_model_row { /* the fitted model as a file; path NULL: not saved */
        const char *path; /* from the folder of the store unless absolute */
        const char *hash; /* SHA-256 of the file */
        int64_t bytes;
    } model;
    int32_t threads;
    const struct rh_key_value *provenance; /* program version, commit, compiler, flags, blas, cpu, ... */
    int32_t n_provenance;
};

/* Writes the run and links it, in one transaction. */
int rh_store_put_run(struct rh_store *s, int64_t experiment, int64_t problem, int32_t position,
                     const struct rh_run_row *r, struct rh_error *err);
/* The same for a run that another program made, whose algorithm is RH_IMPORTED: it takes the place of one of the same
 * label and problem, or stands behind all others, and stays linked when the experiment is run again. */
#define RH_IMPORTED "import"
int rh_store_put_import(struct rh_store *s, int64_t experiment, int64_t problem, const struct rh_run_row *r,
                        struct rh_error *err);
/* Adds values to a stored run, behind those it has; what it has of the same id is replaced. */
int rh_store_add_metrics(struct rh_store *s, int64_t run, const struct rh_metric_row *metric, int32_t n_metrics,
                         int32_t n_queries, struct rh_error *err);
/* Links a stored run to the experiment; `label` and `twin` (or NULL) are this experiment's. */
int rh_store_link_run(struct rh_store *s, int64_t experiment, int32_t position, const char *identity,
                      const char *label, const char *twin, struct rh_error *err);

#endif
