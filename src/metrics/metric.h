/* A metric: one file, one const descriptor, listed in metrics/metrics.c.
 *
 * Ties are never broken: a metric is the expectation over a random order of candidates with equal score (McSherry and
 * Najork, "Computing information retrieval performance measures efficiently in the presence of tied scores", ECIR
 * 2008). All it needs of a ranking is therefore the tie groups that hold relevant items. */
#ifndef RH_METRICS_METRIC_H
#define RH_METRICS_METRIC_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include <rh/plugin.h>
#include <stdbool.h>
#include <stdint.h>

/* Candidates with one and the same score, at least one of them relevant. */
struct rh_tie_group {
    int32_t above;    /* candidates with a larger score: the group has ranks above + 1 .. above + size */
    int32_t size;     /* candidates in the group, >= 1 */
    int32_t relevant; /* relevant ones among them, 1 .. size */
};

/* Candidates with one and the same score in a list of the best: items list[above .. above + size). */
struct rh_list_group {
    int32_t above, size;
};

/* Sums over ranks that all queries share, so that a tie group of any size costs two look-ups. Entry i is the sum over
 * the ranks 1 .. i, added in that order; entry 0 is 0. */
struct rh_rank_sums {
    int32_t n;
    const double *discount; /* [n + 1] of 1 / log2(rank + 1) */
    const double *harmonic; /* [n + 1] of 1 / rank */
};

/* Sums for up to n ranks, in the arena; n >= 0. RH_ENOMEM. */
int rh_rank_sums_make(struct rh_arena *a, int32_t n, struct rh_rank_sums *out, struct rh_error *err);

/* What a metric sees of one query. */
struct rh_ranked {
    int32_t n_candidates; /* ranked items: all of the target but the masked ones */
    int32_t n_relevant;   /* relevant candidates, > 0 for ranking metrics */
    int32_t n_groups;
    const struct rh_tie_group *group; /* [n_groups] best score first */
    const struct rh_rank_sums *sums;  /* sums->n >= n_candidates */
    int32_t n_rated;                  /* held-out ratings, for metrics of rating prediction */
    const float *predicted;           /* [n_rated] scores, clipped to the rating scale */
    const float *actual;              /* [n_rated] */
    /* The best candidates, for metrics that look at what is recommended (RH_M_LIST), else none. Every candidate whose
     * tie group begins within the largest cut-off in use is there: whole groups, best score first. */
    int32_t n_list, n_list_groups;
    const int32_t *list;                    /* [n_list] items; within a group ascending */
    const struct rh_list_group *list_group; /* [n_list_groups] */
    const uint8_t *list_relevant;           /* [n_list] is it relevant? */
    const struct rh_history *history;       /* of the user in the target, what the model may look at */
    const struct rh_metric_world *world;
};

/* What metrics may know of the problem beside the query. All of the target. */
struct rh_metric_world {
    int32_t n_items;
    int32_t n_users;           /* users with train rows */
    int64_t n_rows;            /* train rows */
    const int32_t *popularity; /* [n_items] train rows of an item */
    int32_t n_blocks;
    const char *const *block_name;   /* [n_blocks] */
    const struct rh_features *block; /* [n_blocks] features of the items */
};

enum rh_metric_flags {
    RH_M_AT_K = 1u << 0,   /* takes a cut-off: ndcg@10 */
    RH_M_RATING = 1u << 1, /* needs an algorithm that rates, and ratings; else undefined */
    RH_M_LOWER_IS_BETTER = 1u << 2,
    RH_M_ALL = 1u << 3,     /* with RH_M_AT_K: also defined over the whole list, as ndcg@all */
    RH_M_BARE_ALL = 1u << 4, /* with RH_M_ALL: the bare name means the whole list, not every cut-off: mrr */
    RH_M_LIST = 1u << 5 /* looks at what is recommended, and at the world */
};

/* A query's share: the metric over many queries is finish(sum of num / sum of weight). weight 0: undefined here. */
struct rh_share {
    double num, weight;
};

struct rh_metric {
    const char *name;       /* "ndcg" */
    const char *definition; /* the variant spelled out: "ndcg@k/gain=bin/ideal=min", @k becomes @10 or @all */
    const char *summary;    /* one line */
    const char *formula;    /* as text, for docs and describe */
    const char *reference;
    uint32_t flags;
    double min, max; /* range; max may be INFINITY */
    /* k: the cut-off, 0 for none. A ranking metric is not asked when n_relevant is 0. */
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
    const char *id; /* "ndcg@10", "auc", "mrr", "ndcg@all" */
    const char *definition; /* "ndcg@10/gain=bin/ideal=min" */
};

/* Expands names ("auc", "ndcg", "recall@20", "map@all", "mrr") with the cut-offs: a name without @k of a metric that
 * takes one stands for every cut-off, unless the metric is RH_M_BARE_ALL. Unknown names and cut-offs that make no
 * sense give RH_EINVAL with what is allowed and the nearest name. `out` is in the arena, in the order of the names,
 * doubles removed. */
int rh_metrics_expand(struct rh_arena *a, const char *const *names, size_t n_names, const int32_t *cutoffs,
                      size_t n_cutoffs, struct rh_metric_use **out, int32_t *n_out, struct rh_error *err);

double rh_metric_finish(const struct rh_metric *m, double num, double weight); /* NaN when weight is 0 */

/* docs/metrics.md as text: conventions, then every metric from its descriptor. */
void rh_metrics_markdown(struct rh_text *t);

#endif
