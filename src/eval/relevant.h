/* Which held-out rows of a query are relevant. */
#ifndef RH_EVAL_RELEVANT_H
#define RH_EVAL_RELEVANT_H

#include "split/problem.h"

/* Row i of the truth is relevant when it is rated at least `from`, and, where best > 0, is one of the `best` highest
 * rated rows of the query. Which of equal ratings belong to these is decided by a draw that depends on the items of the
 * truth alone: the same for every algorithm. Without ratings every row is relevant. Time O(n) where best > 0. */
bool rh_is_relevant(const struct rh_truth *t, int32_t i, double from, int32_t best);

#endif
