/* Strata: groups of queries or of held-out rows, by what the store knows of them (problem_fact). */
#ifndef RH_REPORT_STRATA_H
#define RH_REPORT_STRATA_H

#include "report/users.h"

#define RH_BINS 4 /* strata of a number, where nothing else is said */

/* How numbers are cut: into so many strata of about equal size, equal values together; or at edges. */
struct rh_bins {
    int32_t n;    /* strata; 0: edges */
    double *edge; /* [n_edges] ascending: a value belongs to the stratum from the last edge that is not above it */
    int32_t n_edges;
};
/* "4", "5,20", or "5," for one edge. NULL: RH_BINS. RH_EINVAL with a sentence. */
int rh_bins_parse(struct rh_arena *a, const char *text, struct rh_bins *out, struct rh_error *err);

struct rh_strata {
    const char *by;     /* as asked for */
    bool rows;          /* units are held-out rows; else queries */
    int32_t n;          /* strata */
    const char **label; /* [n] "12-40", "f", "unknown" at the end */
    int64_t n_units;    /* problem after problem of the part */
    int32_t *of;        /* [n_units] stratum */
    int64_t *query;     /* [n_units] rows: the query that holds it out, numbered over the part; NULL: the unit itself */
    int64_t *start;     /* [n_problems + 1] first unit of a problem */
};

/* Is this a breakdown of held-out rows? */
bool rh_strata_of_rows(const char *by);

/* `by`: a fact of queries ("history", "train_rows" or "activity", "source_rows", "test_rows", "candidates",
 * "user.NAME"), "cold" (users without a train row in the target), "overlap" (users with rows in a source), or of
 * held-out rows: "popularity" (of the item), "new" (items without a train row), "time", "value". All is in the arena.
 * RH_EINVAL: no such fact, says which there are; RH_EDATA: the problems were stored before facts were. */
int rh_strata_load(struct rh_store *s, struct rh_arena *a, const struct rh_users *u, const char *by,
                   const struct rh_bins *bins, struct rh_strata *out, struct rh_error *err);

#endif
