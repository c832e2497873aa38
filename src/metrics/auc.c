/* Area under the ROC curve of one query: the probability that a relevant candidate scores above one that is not. */
#include "metrics/ties.h"

static struct rh_share share(const struct rh_ranked *r, int32_t k)
{
    (void)k;
    int64_t other = (int64_t)r->n_candidates - r->n_relevant;
    if (other == 0)
        return (struct rh_share){ 0, 0 };
    int64_t relevant_above = 0;
    double pairs = 0; /* won, ties half; a multiple of 1/2 below 2^53: exact */
    for (int32_t i = 0; i < r->n_groups; i++) {
        const struct rh_tie_group *g = &r->group[i];
        int64_t other_above = g->above - relevant_above, other_tied = g->size - g->relevant;
        int64_t other_below = other - other_above - other_tied;
        pairs += g->relevant * ((double)other_below + 0.5 * (double)other_tied);
        relevant_above += g->relevant;
    }
    return (struct rh_share){ pairs / ((double)r->n_relevant * (double)other), 1 };
}

const struct rh_metric rh_metric_auc = {
    .name = "auc",
    .definition = "auc/ties=half",
    .summary = "chance that a relevant item scores above another candidate",
    .formula = "(number of pairs (relevant, other) with score(relevant) > score(other) + half the tied pairs) / "
               "(R * (N - R)); undefined when R = N",
    .reference = "Mann and Whitney 1947; Hanley and McNeil 1982; per user Rendle et al. 2009 (BPR)",
    .min = 0,
    .max = 1,
    .share = share,
};
