/* What only some metrics want to see of a query: ratings by tie group, and scores of held-out rows. */
#ifndef RH_EVAL_GATHER_H
#define RH_EVAL_GATHER_H

#include "base/arena.h"
#include "metrics/metric.h"

/* Room for one thread. */
struct rh_gather {
    int32_t capacity;
    uint64_t *key; /* [2 x capacity] group and rating, to be sorted */
    float *group_value, *ideal_value; /* [capacity] */
    float *test_score;       /* [capacity] */
    uint8_t *test_positive;  /* [capacity] */
    int32_t n;               /* ratings taken */
};

/* `capacity`: most held-out rows of a query. RH_ENOMEM. */
int rh_gather_make(struct rh_arena *a, int32_t capacity, struct rh_gather *out, struct rh_error *err);

/* Begins with n = 0; takes the rating of one relevant candidate of a tie group. */
void rh_gather_rating(struct rh_gather *g, int32_t group, float value);
/* Sorts what was taken and shows it. */
void rh_gather_show(struct rh_gather *g, struct rh_ranked *ranked);

#endif
