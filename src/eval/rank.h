/* From scores to tie groups without sorting the scores: one pass counts, for each distinct score of a relevant item,
 * the candidates above it and level with it. */
#ifndef RH_EVAL_RANK_H
#define RH_EVAL_RANK_H

#include "base/arena.h"
#include "metrics/metric.h"

/* Room for one thread; made once, used for every query. */
struct rh_ranker {
    int32_t capacity;       /* most relevant items of a query */
    uint32_t *key;          /* [2 x capacity] for sorting */
    float *level;           /* [capacity + 1] distinct scores of relevant items, ascending, closed by infinity */
    int32_t *relevant;      /* [capacity + 1] relevant items at each level */
    int32_t *tied;          /* [capacity + 1] candidates at each level */
    int32_t *passed;        /* [capacity + 1] candidates by the number of levels below them */
    int32_t *count;         /* [buckets + 1] scores in a bucket */
    int32_t *first;         /* [buckets + 1] first level in a bucket that holds one */
    uint8_t *open;          /* [buckets + 1] does a bucket hold a level? */
};

/* RH_ENOMEM. */
int rh_ranker_make(struct rh_arena *a, int32_t capacity, struct rh_ranker *out, struct rh_error *err);

/* The tie groups of n scores, best first, into group[n_relevant]; returns how many. `relevant` [n_relevant, 1 ..
 * capacity] holds the scores of the relevant items, which are among the n; it is sorted in place. Scores are finite,
 * or -INFINITY for what is no candidate (never for a relevant one). */
int32_t rh_rank(struct rh_ranker *r, const float *score, int32_t n, float *relevant, int32_t n_relevant,
                struct rh_tie_group *group);

/* After rh_rank: the group of a relevant item's score among the n_groups. */
int32_t rh_rank_group(const struct rh_ranker *r, int32_t n_groups, float score);

/* Index of the first score that is not finite, or -1. */
int32_t rh_first_not_finite(const float *score, int32_t n);

#endif
