/* Evaluation: score queries in batches, mask, find the tie groups of the relevant items, and take all metrics and all
 * cut-offs in one pass. Memory: one tile of batch x candidates floats a thread, plus queries x metrics doubles. The
 * batches do not depend on the number of threads, so neither do the numbers.
 *
 * Relevant is a held-out item that is a candidate: not masked, in the query's candidate list if it has one, rated at
 * least `relevant_from`, among the `relevant_best` (eval/relevant.h). A held-out rating is predicted even when the item
 * is masked or not relevant. */
#ifndef RH_EVAL_EVALUATE_H
#define RH_EVAL_EVALUATE_H

#include "base/arena.h"
#include "base/log.h"
#include "eval/policy.h"
#include "metrics/metric.h"
#include "split/problem.h"
#include <signal.h>

/* Where scores come from. Called from several threads with different `thread`; fills out[i * stride + c]. */
struct rh_scorer {
    int (*score)(void *arg, int thread, const struct rh_query *query, int32_t n, float *out, size_t stride,
                 struct rh_error *err);
    void *arg;
    bool rates; /* scores are on the rating scale */
};

/* How one query came out, for who wants to keep it. All arrays are borrowed until put returns. */
struct rh_outcome {
    int32_t n_top;          /* min(depth, candidates) */
    const int32_t *top;     /* [n_top] the best candidates: score descending, ties ascending by item */
    const float *top_score; /* [n_top] */
    int32_t n_test;         /* held-out rows, in the order of the truth; relevant or not */
    const int32_t *above;   /* [n_test] candidates with a larger score; -1: not a relevant candidate */
    const int32_t *tied;    /* [n_test] candidates with the same score, itself among them; 0 where above is -1 */
    const float *predicted; /* [n_test] score, clipped to the rating scale, NaN where it was not asked for; NULL: the
                               algorithm does not rate or the data has no ratings */
};

/* Who keeps outcomes. put is called once a query, in any order, from several threads at once (never twice at once for
 * one `thread`). A failure is its own business: it remembers it, and the caller asks after the evaluation. */
struct rh_eval_sink {
    void (*put)(void *arg, int thread, int32_t query, const struct rh_outcome *outcome);
    void *arg;
    int32_t depth; /* best candidates of a query, >= 0 */
};

struct rh_eval_options {
    int threads;
    double relevant_from; /* a held-out item is relevant when its rating is at least this; -INFINITY: all are */
    int32_t relevant_best; /* and one of the so many highest of the query (eval/relevant.h); 0: however many */
    struct rh_eval_policy policy;
    int32_t n_domains;          /* histories of a query, to count those who have none; 0: nobody is counted */
    float value_min, value_max; /* rating scale for clipping; equal: no clipping */
    struct rh_log *log;         /* progress steps, between the caller's begin and end; may be NULL */
    const volatile sig_atomic_t *cancel; /* may be NULL */
    const struct rh_eval_sink *sink;     /* may be NULL: then nothing is spent on it */
    const struct rh_metric_world *world; /* for metrics with RH_M_LIST (see rh_metrics_check); else may be NULL */
};

struct rh_evaluation {
    int32_t n_queries, n_metrics;
    double *value;    /* [n_metrics x n_queries] per query, metric by metric; NaN: undefined, as everywhere of a metric
                         with RH_M_RUN */
    double *mean;     /* [n_metrics] over the queries where it is defined; NaN: nowhere; of the run with RH_M_RUN */
    int32_t *defined; /* [n_metrics] number of queries where it is defined; with RH_M_RUN those with a candidate */
    int64_t n_scores; /* candidates scored */
    int64_t tied;     /* relevant items whose score is shared by another candidate */
    int64_t relevant; /* relevant items in all */
    int32_t no_relevant;    /* queries without a relevant candidate */
    int32_t few_candidates; /* queries with fewer candidates than the largest cut-off in use */
    int32_t no_history;     /* queries without a history in any domain */
};

/* Queries of one call of the scorer, the last batch but for its end, when `widest` is the most candidates of a query.
 * */
int32_t rh_evaluate_rows(int32_t widest);

/* The result is in the arena. A score that is not finite: RH_ENUMERIC with query user and item. RH_ECANCEL when told
 * to stop, RH_EBUG when a query breaks its contract (items out of range or not ascending, a candidate twice), else
 * what the scorer returned. On failure `out` holds nothing of use. */
int rh_evaluate(struct rh_arena *a, const struct rh_queries *queries, int32_t n_items,
                const struct rh_metric_use *use, int32_t n_use, const struct rh_scorer *scorer,
                const struct rh_eval_options *options, struct rh_evaluation *out, struct rh_error *err);

#endif
