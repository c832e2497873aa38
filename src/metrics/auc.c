/* Area under the ROC curve of one query: the probability that a relevant candidate scores above one that is not. */
#include "metrics/ties.h"

double rh_pairs_won(const struct rh_ranked *r)
{
    int64_t other = (int64_t)r->n_candidates - r->n_relevant, relevant_above = 0;
    double pairs = 0; /* won, ties half; a multiple of 1/2 below 2^53: exact */
    for (int32_t i = 0; i < r->n_groups; i++) {
        const struct rh_tie_group *g = &r->group[i];
        int64_t other_above = g->above - relevant_above, other_tied = g->size - g->relevant;
        int64_t other_below = other - other_above - other_tied;
        pairs += g->relevant * ((double)other_below + 0.5 * (double)other_tied);
        relevant_above += g->relevant;
    }
    return pairs / ((double)r->n_relevant * (double)other);
}

/* The first k ranks count as they are; behind them all is taken to be in random order, so that a relevant item there
 * wins half of its pairs. With h hits among the first k and o others: pairs won by hits, plus (h + R) / 2 for each
 * other behind the cut-off. Only a tie that reaches over the cut-off makes h random. */
static double won_at(const struct rh_ranked *r, int32_t k, double other)
{
    double relevant = r->n_relevant;
    double hits = 0, others = 0, won = 0; /* in the groups above */
    for (int32_t i = 0; i < r->n_groups; i++) {
        const struct rh_tie_group *g = &r->group[i];
        int32_t inside = rh_ranks_inside(g, k);
        if (inside == 0)
            break;
        won += hits * (g->above - hits - others); /* others between the groups */
        others = g->above - hits;
        double n = g->size, m = g->relevant, d = inside, h = d * m / n;
        double pairs = n > 1 ? d * (d - 1) / 2 * m * (n - m) / (n * (n - 1)) : 0; /* a hit before an other, inside */
        won += hits * (d - h) + pairs;
        if (inside < g->size || g->above + g->size >= k) {
            /* E[(hits + H + R) / 2 * (other - others - D + H)], H hypergeometric with mean h */
            double variance = n > 1 ? h * (1 - m / n) * (n - d) / (n - 1) : 0;
            double left = other - others - d;
            return won + ((hits + relevant + h) * (left + h) + variance) / 2;
        }
        hits += m;
        others += n - m;
    }
    double last = fmin(k, r->n_candidates) - hits; /* others among the first k */
    won += hits * (last - others);
    return won + (hits + relevant) / 2 * (other - last);
}

enum { OTHERS, ONE_CLASS };

static struct rh_share share(const struct rh_ranked *r, const struct rh_metric_use *use)
{
    bool masked_too = use->variant[OTHERS] && r->n_items > r->n_candidates;
    double other = (double)(masked_too ? r->n_items : r->n_candidates) - r->n_relevant;
    if (other == 0)
        return use->variant[ONE_CLASS] ? (struct rh_share){ 0.5, 1 } : (struct rh_share){ 0, 0 };
    if (masked_too || (use->k && use->k < r->n_candidates))
        return (struct rh_share){ won_at(r, rh_cut(use->k), other) / (r->n_relevant * other), 1 };
    return (struct rh_share){ rh_pairs_won(r), 1 };
}

const struct rh_metric rh_metric_auc = {
    .name = "auc",
    .summary = "chance that a relevant item scores above another candidate",
    .formula = "(number of pairs (relevant, other) with score(relevant) > score(other) + half the tied pairs) / "
               "(R * (N - R)); where R = N undefined (one_class=skip) or 1/2 (one_class=half); auc@k knows the "
               "order of "
               "the first k ranks and takes what is behind them to be in random order",
    .reference = "Mann and Whitney 1947; Hanley and McNeil 1982; per user Rendle et al. 2009 (BPR); one_class=half "
                 "is "
                 "MyMediaLite's; auc@k/others=items is that of the library implicit",
    .flags = RH_M_AT_K | RH_M_ALL | RH_M_BARE_ALL,
    .min = 0,
    .max = 1,
    .variant =
        (const struct rh_metric_variant[]){
            { "others",
              (const struct rh_choice[]){ { "candidates", 0, "candidates that are not relevant" },
                                          { "items", 1, "all items that are not relevant, masked ones last" },
                                          { NULL, 0, NULL } } },
            { "one_class",
              (const struct rh_choice[]){ { "skip", 0, "undefined where every candidate is relevant" },
                                          { "half", 1, "1/2 there" },
                                          { NULL, 0, NULL } } },
            { "ties", rh_ties_mean },
            { NULL, NULL },
        },
    .share = share,
};
