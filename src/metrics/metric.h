/* A metric: one file, one const descriptor, listed in metrics/metrics.c.
 *
 * Ties are never broken: a metric is the expectation over a random order of candidates with equal score (McSherry and
 * Najork 2008). All it needs of a ranking is therefore the tie groups that hold relevant items. */
#ifndef RH_METRICS_METRIC_H
#define RH_METRICS_METRIC_H

#include "base/arena.h"
#include "base/error.h"
#include <stdbool.h>
#include <stdint.h>

/* Candidates with one and the same score, at least one of them relevant. */
struct rh_tie_group {
    int32_t above;    /* candidates with a larger score: the group has ranks above + 1 .. above + size */
    int32_t size;     /* candidates in the group, >= 1 */
    int32_t relevant; /* relevant ones among them, 1 .. size */
};

/* What a metric sees of one query. */
struct rh_ranked {
    int32_t n_candidates; /* ranked items: all of the target but the masked ones */
    int32_t n_relevant;   /* relevant candidates, > 0 for ranking metrics */
    int32_t n_groups;
    const struct rh_tie_group *group; /* [n_groups] best score first */
    int32_t n_rated;                  /* held-out ratings, for metrics of rating prediction */
    const float *predicted;           /* [n_rated] scores, clipped to the rating scale */
    const float *actual;              /* [n_rated] */
};

enum rh_metric_flags {
    RH_M_AT_K = 1u << 0,   /* takes a cut-off: ndcg@10 */
    RH_M_RATING = 1u << 1, /* needs an algorithm that rates, and ratings; else undefined */
    RH_M_LOWER_IS_BETTER = 1u << 2
};

/* A query's share: the metric over many queries is finish(sum of num / sum of weight). weight 0: undefined here. */
struct rh_share {
    double num, weight;
};

struct rh_metric {
    const char *name;       /* "ndcg" */
    const char *definition; /* the variant spelled out: "ndcg@k/gain=bin/ideal=min" */
    const char *summary;    /* one line */
    const char *formula;    /* as text, for docs and describe */
    const char *reference;
    uint32_t flags;
    double min, max; /* range; max may be INFINITY */
    struct rh_share (*share)(const struct rh_ranked *r, int32_t k);
    double (*finish)(double mean); /* NULL: identity; sqrt for RMSE */
};

/* All metrics, NULL-terminated; one by name (or NULL). */
const struct rh_metric *const *rh_metrics(void);
const struct rh_metric *rh_metric_find(const char *name);

/* A metric at a cut-off. */
struct rh_metric_use {
    const struct rh_metric *metric;
    int32_t k;      /* 0 without cut-off */
    const char *id; /* "ndcg@10", "auc" */
    const char *definition; /* "ndcg@10/gain=bin/ideal=min" */
};

/* Expands names ("auc", "ndcg", "recall@20") with the cut-offs: a name without @k of a metric that takes one stands for
 * every cut-off. Unknown names give RH_EINVAL with the nearest. `out` is in the arena, doubles removed. */
int rh_metrics_expand(struct rh_arena *a, const char *const *names, size_t n_names, const int32_t *cutoffs,
                      size_t n_cutoffs, struct rh_metric_use **out, int32_t *n_out, struct rh_error *err);

double rh_metric_finish(const struct rh_metric *m, double num, double weight); /* NaN when weight is 0 */

#endif
