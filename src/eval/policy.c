#include "eval/policy.h"

bool rh_has_history(const struct rh_query *q, int32_t n_domains)
{
    for (int32_t d = 0; d < n_domains; d++)
        if (q->history[d].n > 0)
            return true;
    return false;
}

/* Needs a relevant candidate to mean anything: not what looks at ratings, at lists or at all scores. */
static bool needs_relevant(const struct rh_metric_use *use)
{
    return !(use->flags & (RH_M_RATING | RH_M_LIST | RH_M_SCORES | RH_M_LOWER_IS_BETTER));
}

struct rh_share rh_policy_share(const struct rh_eval_policy *p, bool has_history, const struct rh_ranked *r,
                                const struct rh_metric_use *use)
{
    if ((p->no_history == RH_ODD_SKIP && !has_history) ||
        (p->few_candidates == RH_ODD_SKIP && r->n_candidates < use->k))
        return (struct rh_share){ 0, 0 };
    if (p->no_relevant == RH_NO_RELEVANT_ZERO && !r->n_relevant && needs_relevant(use))
        return (struct rh_share){ 0, 1 };
    return rh_metric_share(r, use);
}

void rh_policy_hash(struct rh_hash *h, const struct rh_eval_policy *p)
{
    if (!p->no_relevant && !p->few_candidates && !p->no_history)
        return;
    rh_hash_text(h, "policy");
    rh_hash_u64(h, (uint64_t)p->no_relevant);
    rh_hash_u64(h, (uint64_t)p->few_candidates);
    rh_hash_u64(h, (uint64_t)p->no_history);
}
