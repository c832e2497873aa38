/* New metrics of a stored run, without fitting: the problem is built anew, and in the place of the algorithm stands
 * what the store kept of it.
 *
 *   accuracy metrics   from where the held-out rows came out: any order of the other candidates that puts as many
 *                      above and beside them gives the same tie groups, and so the same bits
 *   ratings            from the stored predictions
 *   lists              from the kept rankings, where they reach: past the cut-off and all that is tied with it
 *
 * Metrics of all scores (log loss) cannot be had. */
#ifndef RH_RUN_REPLAY_H
#define RH_RUN_REPLAY_H

#include "eval/evaluate.h"
#include "split/problem.h"
#include "store/store.h"

/* What the store has of one run on a problem. */
struct rh_stored_run {
    const char *label;
    struct rh_run_test test;       /* above NULL: it was stored by an earlier program */
    struct rh_run_ranking ranking; /* item NULL: not kept */
};

/* Values of `use` into `row`, one each, in the arena. `eval` as for any evaluation, with a world. RH_EUNSUP, with what
 * would help: the store does not suffice for one of the metrics; RH_EIO: what is stored does not fit the problem. */
int rh_replay(struct rh_arena *a, const struct rh_problem *problem, const struct rh_stored_run *run,
              const struct rh_metric_use *use, int32_t n_use, const struct rh_eval_options *eval,
              struct rh_metric_row *row, struct rh_error *err);

#endif
