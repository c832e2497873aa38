/* The sections [published] and [published.ROW] of an experiment: the table that it is about. They decide nothing about
 * runs; `harness reproduce` compares with them.
 *
 *     [published]
 *     source = who, where, when
 *     table = which one of it
 *     protocol = how it was made
 *     departures = what is done otherwise here; another thing
 *
 *     [published.SVD]                     ; a row, as the table calls it
 *     algorithm = svd                     ; its label here; ROW when missing
 *     problem = folds                     ; may be left out when there is one problem
 *     cells = rmse 0.934, mae 0.737       ; METRIC VALUE [within TOLERANCE] [rounding | exact | seed]
 *     note = one sentence
 */
#ifndef RH_CONFIG_PUBLISHED_H
#define RH_CONFIG_PUBLISHED_H

#include "config/expand.h"

/* Fills p->plan->published (NULL without such sections); problems, algorithms and metrics are known already. RH_EINVAL
 * with FILE:LINE. */
int rh_read_published(struct rh_planning *p);

#endif
