/* The list of metrics, and how variants are shown. */
#ifndef RH_METRICS_CATALOGUE_H
#define RH_METRICS_CATALOGUE_H

#include "metrics/metric.h"

/* Metrics and aliases together are fewer. */
#define RH_MOST_METRIC_NAMES 96

extern const struct rh_metric rh_metric_ndcg, rh_metric_dcg, rh_metric_recall, rh_metric_precision, rh_metric_f1,
    rh_metric_r_precision, rh_metric_hit, rh_metric_mrr, rh_metric_map, rh_metric_auc, rh_metric_gauc,
    rh_metric_logloss, rh_metric_rmse, rh_metric_mae;
extern const struct rh_metric rh_metric_coverage, rh_metric_gini, rh_metric_entropy, rh_metric_popularity,
    rh_metric_lift, rh_metric_novelty, rh_metric_ild, rh_metric_miscalibration, rh_metric_serendipity,
    rh_metric_unexpectedness;

/* The one word of metrics that are expectations over tie order, and of those computed from the expected exposure, so
 * that definitions say so. */
extern const struct rh_choice rh_ties_mean[], rh_ties_exposure[];

/* "gain=bin|exp|linear", "block=NAME". */
void rh_metric_variant_text(const struct rh_metric_variant *v, struct rh_text *out);

/* The block of item features of that name that holds data, or NULL. */
const struct rh_features *rh_metric_block(const struct rh_metric_world *w, const char *name);

#endif
