/* What is known of the queries, items and held-out rows of a problem, for the store: by it values are broken down
 * without the data. The subjects and keys are those of schema.sql at problem_fact. */
#ifndef RH_RUN_FACTS_H
#define RH_RUN_FACTS_H

#include "split/problem.h"
#include "store/store.h"

#define RH_FACT_LABELS 1000 /* a user feature with more values is no fact: nobody reads so many strata */

/* Makes the facts in the arena. A user feature is one when every user of a query has one value of it or none: a dense
 * block of one column as a number, a sparse one as the name of its column. RH_ENOMEM. */
int rh_facts_make(struct rh_arena *a, const struct rh_problem *p, struct rh_fact_row **out, int32_t *n,
                  struct rh_error *err);

/* Both: made and stored, once a problem. */
int rh_facts_keep(struct rh_store *s, const struct rh_problem *p, int64_t problem, struct rh_error *err);

#endif
