/* Metrics of a run file against a file of judgements, as trec_eval takes them: a query counts when it is in both files;
 * relevant is what is judged above 0, and the judgement is the rating that gains are made of; a relevant item that is
 * not listed wins nothing. */
#ifndef RH_EXCHANGE_JUDGE_H
#define RH_EXCHANGE_JUDGE_H

#include "exchange/runfile.h"
#include "metrics/metric.h"

enum rh_tie_rule {
    RH_TIES_EXPECTED,  /* the expectation over a random order, as everywhere here */
    RH_TIES_TREC_EVAL, /* in descending order of the bytes of the item's id, as trec_eval sorts them */
};

struct rh_judge_options {
    enum rh_tie_rule ties;
    bool ignore_ranks; /* do not look whether the ranks agree with the scores */
    int threads;
};

struct rh_judgement {
    int32_t n_queries;          /* in both files, in the order of the run */
    const int32_t *query;       /* [n_queries] in run->query */
    double *value;              /* [n_metrics x n_queries] NaN: undefined */
    double *mean;               /* [n_metrics] over the queries where it is defined */
    int32_t *defined;           /* [n_metrics] */
    int32_t unjudged;           /* queries of the run without judgement */
    int32_t missing;            /* judged queries that the run does not answer */
    int64_t relevant, listed;   /* relevant items of the queries; those that the run lists */
    int64_t tied;               /* listed relevant items whose score another item shares */
};

/* The result is in the arena. RH_EDATA with FILE:LINE for an item twice in a query and for ranks that contradict the
 * scores; RH_EUNSUP for a metric that two files do not suffice for; RH_EINVAL when no query is in both. */
int rh_judge(struct rh_arena *a, const struct rh_run_file *run, const struct rh_run_file *qrels,
             const struct rh_metric_use *use, int32_t n_use, const struct rh_judge_options *options,
             struct rh_judgement *out, struct rh_error *err);

#endif
