/* Stored runs as files for other programs. Into a folder, for every problem of an experiment (labels made safe for a
 * file's name; folds and repeats numbered):
 *
 *   PROBLEM.qrels          query 0 item 1: the relevant held-out items
 *   PROBLEM.items          one item a line: the target's items
 *   PROBLEM.seen           query item: the items that are no candidates of the query, because it has seen them
 *   PROBLEM.candidates     query item: the candidates, where the problem lists them
 *   PROBLEM.ALGORITHM.run  query Q0 item rank score algorithm: the kept ranking
 *
 * and values of users as one CSV. Files are written whole or not at all, and no file is replaced without leave. */
#ifndef RH_RUN_EXPORT_H
#define RH_RUN_EXPORT_H

#include "run/recall.h"

struct rh_export_summary {
    int32_t files, runs;
    int32_t unkept; /* runs without kept rankings, passed over */
};

/* RH_EINVAL: a file is there and `force` is not given; no run of the experiment has kept rankings, with how to get
 * them. RH_EUNSUP: an id that TREC cannot hold. */
int rh_export_trec(struct rh_recalled *r, const char *folder, bool force, struct rh_export_summary *out,
                   struct rh_error *err);

/* experiment,problem,algorithm,user,metric,value for every done run; an undefined value is empty. Reads the store
 * alone; RH_EINVAL: no such experiment, or the file is there. */
int rh_export_users(struct rh_store *s, const char *experiment, const char *path, bool force, int64_t *rows,
                    struct rh_error *err);

#endif
