/* A made experiment in a store, for tests of reports: problems "cold k=1", "cold k=5", "cold k=10" (one fold each, k
 * swept, generated data, the first with leakage) and "warm" (two folds); algorithms that differ by formula; one that
 * failed on every problem and one that failed on one fold of "warm". */
#ifndef RH_TEST_STOREWORLD_H
#define RH_TEST_STOREWORLD_H

#include "store/store.h"

/* Fills the store; `algorithms` 1 .. 12 of them. RH_OK, or a failure of the store. */
int world_fill(struct rh_store *s, int algorithms, struct rh_error *err);
/* The per-query value of algorithm a for query q of fold f at k, by formula. */
double world_value(int a, int k, int f, int q);

#endif
