/* What a run keeps of its evaluation: where the held-out rows came out, and on request the best items of every query.
 * Everything has its place before the evaluation begins, so threads need no lock and nothing depends on their order. */
#ifndef RH_RUN_KEEP_H
#define RH_RUN_KEEP_H

#include "base/arena.h"
#include "eval/evaluate.h"
#include "store/store.h"

struct rh_keeper {
    const struct rh_queries *queries;
    int64_t *row;    /* [n + 1] first held-out row of a query */
    int64_t *place;  /* [n + 1] first place in the rankings of a query */
    int32_t *length; /* [n] how many of its places are taken */
    int32_t *above, *tied;
    float *predicted;
    int32_t *item;
    float *score;
    bool rates; /* some outcome had predictions */
    struct rh_eval_sink sink;
};

/* Room for a run in the arena; depth 0 keeps no rankings. Give keeper->sink to the evaluation. RH_ENOMEM. */
int rh_keeper_make(struct rh_arena *a, const struct rh_queries *queries, int32_t depth, struct rh_keeper *out,
                   struct rh_error *err);

/* After the evaluation: what to store, in the keeper's memory. */
void rh_keeper_rows(struct rh_keeper *k, struct rh_run_test *test, struct rh_run_ranking *ranking);

/* The names of the numbers in kept rankings: the target's items and titles, once a problem. */
int rh_keep_items(struct rh_store *s, const struct rh_problem *p, int64_t problem, struct rh_error *err);

#endif
