/* What becomes of queries that a metric was not made for. Every one of them is counted, whatever the policy. */
#ifndef RH_EVAL_POLICY_H
#define RH_EVAL_POLICY_H

#include "base/hash.h"
#include "metrics/metric.h"

enum rh_no_relevant { RH_NO_RELEVANT_SKIP, RH_NO_RELEVANT_ZERO };
enum rh_odd_query { RH_ODD_KEEP, RH_ODD_SKIP };

/* All zero: ranking metrics are undefined for a query without a relevant candidate, all other queries count. The
 * fields are int for parameter tables. */
struct rh_eval_policy {
    int no_relevant;    /* enum rh_no_relevant: metrics that need a relevant candidate where there is none */
    int few_candidates; /* enum rh_odd_query: metrics at k where fewer than k are ranked */
    int no_history;     /* the same for users of whom the model may look at nothing, in no domain */
};

/* Is there anything that the model may look at? */
bool rh_has_history(const struct rh_query *q, int32_t n_domains);

/* The share of one query in a metric, as the policy wants it. */
struct rh_share rh_policy_share(const struct rh_eval_policy *p, bool has_history, const struct rh_ranked *r,
                                const struct rh_metric_use *use);

/* For identities of runs: nothing for the policy that is all zero. */
void rh_policy_hash(struct rh_hash *h, const struct rh_eval_policy *p);

#endif
