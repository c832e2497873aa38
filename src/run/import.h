/* A run of another program as a run of a stored experiment: judged on the problem as built anew, with its truth, its
 * candidates and its masks, by the metrics of the experiment, exactly like a run of an algorithm here.
 *
 * What the file does not list counts as below all that it lists, tied: metrics are expectations over the order of the
 * rest. Scores are not taken for ratings: metrics of rating prediction are undefined. */
#ifndef RH_RUN_IMPORT_H
#define RH_RUN_IMPORT_H

#include "run/recall.h"

struct rh_import_options {
    const char *file, *name; /* the run, and what it is called in tables */
    const struct rh_recalled_problem *problem;
    bool ignore_ranks;
    int threads;
    const volatile sig_atomic_t *cancel;
};

struct rh_import_summary {
    int64_t lines;
    int64_t not_candidates;     /* lines of items that the query does not rank: seen ones, or not in its list */
    int32_t not_asked;          /* users of the file that the problem has, and does not ask about */
    int32_t queries, absent;    /* of the problem; those that the file has no line of */
    int64_t candidates, listed; /* of all queries; those that the file lists */
    struct rh_metric_row first; /* of the primary metric */
};

/* Stores the run and links it to the experiment; one of the same name is replaced. RH_EDATA with FILE:LINE: a user or
 * an item that the problem does not have, an item twice, ranks that contradict scores. RH_EINVAL: the name is one of an
 * algorithm of the experiment, or no user of the file is asked about. */
int rh_import(struct rh_recalled *r, const struct rh_import_options *o, struct rh_import_summary *out,
              struct rh_error *err);

#endif
