/* A metric: one file, one const descriptor, listed in metrics/metrics.c.
 *
 * Ties are never broken: a metric is the expectation over a random order of candidates with equal score (McSherry and
 * Najork, "Computing information retrieval performance measures efficiently in the presence of tied scores", ECIR
 * 2008). All that an accuracy metric needs of a ranking is therefore the tie groups that hold relevant items; a metric
 * of what is recommended gets the groups of the best candidates. */
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

/* Sums over ranks that all queries share, so that a tie group of any size costs two look-ups. Entry i of a sum is over
 * the ranks 1 .. i, added in that order; entry 0 is 0. */
struct rh_rank_sums {
    int32_t n;
    const double *discount;      /* [n + 1] of 1 / log2(rank + 1) */
    const double *discount_term; /* [n + 1] 1 / log2(rank + 1) itself: deep in the list a difference of sums is rough */
    const double *late;          /* [n + 1] of 1 / max(1, log2(rank)), the discount of Jarvelin and Kekalainen */
    const double *late_term;     /* [n + 1] */
    const double *harmonic;      /* [n + 1] of 1 / rank */
};

/* Sums for up to n ranks, in the arena; n >= 0. RH_ENOMEM. */
int rh_rank_sums_make(struct rh_arena *a, int32_t n, struct rh_rank_sums *out, struct rh_error *err);

/* What metrics may know of the problem beside the query. All of the target. */
struct rh_metric_world {
    const char *name; /* of the target, for messages */
    int32_t n_items;
    int32_t n_users;           /* users with train rows */
    int64_t n_rows;            /* train rows */
    const int32_t *popularity; /* [n_items] train rows of an item */
    int32_t n_blocks;
    const char *const *block_name;   /* [n_blocks] */
    const struct rh_features *block; /* [n_blocks] features of the items */
};

/* What a metric sees of one query. What stands below a flag is there when a metric in use has the flag. */
struct rh_ranked {
    int32_t n_candidates; /* ranked items: all of the target but the masked ones */
    int32_t n_relevant;   /* relevant candidates, > 0 for ranking metrics */
    int32_t n_groups;
    const struct rh_tie_group *group; /* [n_groups] best score first */
    const struct rh_rank_sums *sums;  /* sums->n >= n_candidates */
    int32_t n_items; /* of the target, masked ones among them; 0: not known, then the candidates are all */

    /* RH_M_RATING: held-out ratings, relevant or not */
    int32_t n_rated;
    const float *predicted; /* [n_rated] scores, clipped to the rating scale */
    const float *actual;    /* [n_rated] */

    /* RH_M_GRADED: ratings of the relevant candidates; 1 where the data has none */
    const float *group_value;  /* [n_relevant] in the order of the groups, ascending within one */
    const float *ideal_value;  /* [n_relevant] descending */
    double value_from;         /* the rating from which on an item is relevant, or the lowest of the scale */

    /* RH_M_SCORES: the scores themselves */
    int32_t n_scores;            /* of the query, masked ones among them */
    const float *score;          /* [n_scores] -INFINITY: masked */
    int32_t n_test;              /* held-out rows that were scored, masked or not */
    const float *test_score;     /* [n_test] */
    const uint8_t *test_positive; /* [n_test] rated high enough to be relevant */
    const float *relevant_score; /* [n_relevant] */
    double scale_min, scale_max; /* the rating scale; equal: there is none */

    /* RH_M_LIST: what is recommended. Every candidate whose tie group begins within the largest cut-off in use is
     * there: whole groups, best score first. */
    int32_t n_list, n_list_groups;
    const int32_t *list;                    /* [n_list] items; within a group ascending */
    const struct rh_list_group *list_group; /* [n_list_groups] */
    const uint8_t *list_relevant;           /* [n_list] is it relevant? */
    int32_t n_history;                      /* of the user in the target: what the model may look at */
    const int32_t *history;                 /* [n_history] items, ascending */
    const struct rh_metric_world *world;
    double *scratch; /* [use->n_scratch] zero, and to be left so */
};

/* How often each item is recommended within one cut-off, over all queries with a candidate: for metrics of a whole run.
 * A tie that reaches over the cut-off gives each of its items the same chance. */
struct rh_exposure {
    int32_t n_items;
    int64_t n_queries;
    double total;           /* sum of expected */
    const double *expected; /* [n_items] expected number of queries that recommend the item */
    const double *sorted;   /* [n_items] the same numbers, ascending */
    const double *covered;  /* [n_items] chance that one does at all, queries being independent */
};

enum rh_metric_flags {
    RH_M_AT_K = 1u << 0,   /* takes a cut-off: ndcg@10 */
    RH_M_RATING = 1u << 1, /* needs an algorithm that rates, and ratings; else undefined */
    RH_M_LOWER_IS_BETTER = 1u << 2,
    RH_M_ALL = 1u << 3,      /* with RH_M_AT_K: also defined over the whole list, as ndcg@all */
    RH_M_BARE_ALL = 1u << 4, /* with RH_M_ALL: the bare name means the whole list, not every cut-off: mrr */
    RH_M_LIST = 1u << 5,     /* looks at what is recommended; asked of every query with a candidate */
    RH_M_RUN = 1u << 6,      /* with RH_M_LIST: one value a run and none a query, from `total` instead of `share` */
    RH_M_GRADED = 1u << 7,   /* needs ratings of relevant items unless its first variant, the gain, is 0 */
    RH_M_SCORES = 1u << 8    /* looks at all scores; asked of every query with a candidate */
};

/* What a metric leaves open: "gain" is one of these words. A metric's table ends with key == NULL. */
struct rh_metric_variant {
    const char *key;
    const struct rh_choice *choice; /* the first is the default; NULL: the name of a block of item features */
};
#define RH_MOST_VARIANTS 5

/* A metric at a cut-off, in one of its variants. */
struct rh_metric_use {
    const struct rh_metric *metric;
    int32_t k; /* 0 without cut-off */
    uint32_t flags; /* of the metric, without RH_M_GRADED where the variant does without */
    int32_t variant[RH_MOST_VARIANTS]; /* value of the chosen word, in the order of metric->variant */
    const char *block;      /* name of the feature block, where a variant is one */
    const char *id;         /* "ndcg@10", "auc", "mrr", "ndcg@all/gain=exp": variants that are not the default */
    const char *definition; /* "ndcg@10/gain=bin/ideal=min/discount=log2/ties=mean": all variants */
    const void *state;      /* from prepare, within one evaluation */
    size_t n_scratch;       /* doubles that share wants as scratch; from prepare */
};

/* A query's share: the metric over many queries is finish(sum of num / sum of weight). weight 0: undefined here. */
struct rh_share {
    double num, weight;
};

struct rh_metric {
    const char *name;      /* "ndcg" */
    const char *summary;   /* one line */
    const char *formula;   /* as text, for docs and describe */
    const char *reference;
    uint32_t flags;
    double min, max;       /* range; may be infinite */
    const struct rh_metric_variant *variant; /* NULL: none */
    /* Looks at the world once an evaluation, before the queries; may be NULL. */
    int (*prepare)(struct rh_arena *a, const struct rh_metric_world *w, struct rh_metric_use *use,
                   struct rh_error *err);
    /* Without RH_M_RATING, _LIST and _SCORES it is not asked when n_relevant is 0. */
    struct rh_share (*share)(const struct rh_ranked *r, const struct rh_metric_use *use);
    double (*finish)(double mean); /* NULL: identity; sqrt for RMSE */
    double (*total)(const struct rh_exposure *e, const struct rh_metric_use *use); /* RH_M_RUN; NaN: undefined */
};

/* All metrics, NULL-terminated; one by name (or NULL). */
const struct rh_metric *const *rh_metrics(void);
const struct rh_metric *rh_metric_find(const char *name);

/* Other names of metrics, as papers and programs have them; closed by name == NULL. */
struct rh_metric_alias {
    const char *name, *stands_for; /* "map_cut", "map" */
    const char *variants;          /* that it brings along: "div=rel"; "" */
    const char *of;                /* who calls it so */
};
const struct rh_metric_alias *rh_metric_aliases(void);

/* Expands names ("auc", "ndcg", "recall@20/div=min", "map@all", "mrr") with the cut-offs: a name without @k of a metric
 * that takes one stands for every cut-off, unless the metric is RH_M_BARE_ALL. Unknown names, variants and words, and
 * cut-offs that make no sense give RH_EINVAL with what is allowed and the nearest. `out` is in the arena, in the order
 * of the names, doubles removed; aliases have become what they stand for. */
int rh_metrics_expand(struct rh_arena *a, const char *const *names, size_t n_names, const int32_t *cutoffs,
                      size_t n_cutoffs, struct rh_metric_use **out, int32_t *n_out, struct rh_error *err);

/* Has the world what the metrics in use need? RH_EDATA names the feature block that is missing and those there are. */
int rh_metrics_check(const struct rh_metric_world *w, const struct rh_metric_use *use, int32_t n,
                     struct rh_error *err);

/* The value of a query: NaN when it is undefined there. */
static inline struct rh_share rh_metric_share(const struct rh_ranked *r, const struct rh_metric_use *use)
{
    bool asked = use->flags & RH_M_RATING                  ? r->n_rated > 0
                 : use->flags & (RH_M_LIST | RH_M_SCORES) ? r->n_candidates > 0
                                                           : r->n_relevant > 0;
    return asked && use->metric->share ? use->metric->share(r, use) : (struct rh_share){ 0, 0 };
}
double rh_metric_finish(const struct rh_metric *m, double num, double weight); /* NaN when weight is 0 */

/* docs/metrics.md as text: conventions, then every metric from its descriptor. */
void rh_metrics_markdown(struct rh_text *t);

#endif
