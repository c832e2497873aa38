/* The best candidates of a query, in order, without sorting the others: a sample of the scores guesses the score at the
 * wanted depth, one pass notes what reaches it, and only that is searched and sorted. A wrong guess costs another pass,
 * never the result. */
#ifndef RH_EVAL_TOP_H
#define RH_EVAL_TOP_H

#include "base/arena.h"
#include "metrics/metric.h"

/* Room for one thread; made once, used for every query. */
struct rh_top {
    int32_t depth;               /* how deep a list reaches, >= 1 */
    int32_t *at;                 /* [most + 1] places among the scores of what may be in the list */
    uint64_t *key;               /* [2 x (most + 1)] for sorting */
    int32_t *item;               /* [most + 1] the list: best score first, ties ascending by item */
    float *score;                /* [most + 1] */
    struct rh_list_group *group; /* [most + 1] its tie groups */
    int32_t n, n_groups;
};

/* `most`: most candidates of a query. RH_ENOMEM. */
int rh_top_make(struct rh_arena *a, int32_t depth, int32_t most, struct rh_top *out, struct rh_error *err);

/* Fills the list: every candidate whose tie group begins within the first `depth`, so that it is longer than `depth`
 * where a tie reaches over the end, and shorter where there are fewer candidates. Scores are finite, or -INFINITY for
 * what is no candidate; candidate[n] names the items, NULL: item i has score i. Both zeros are one score. */
void rh_top_list(struct rh_top *t, const float *score, const int32_t *candidate, int32_t n);

#endif
