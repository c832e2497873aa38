/* Average precision. */
#include "metrics/ties.h"

#define FEW_RANKS 64

/* Expected sum over the first `inside` ranks of the group of rel(i) * (relevant items up to i) / i, with `before`
 * relevant items above the group. Place j of n holds a relevant item with chance m / n; given that, the j - 1 places
 * before it hold (j - 1) (m - 1) / (n - 1) on average (McSherry and Najork 2008). */
static double expected_precisions(const struct rh_tie_group *g, int32_t inside, int32_t before,
                                  const double *harmonic)
{
    double above = g->above, n = g->size, m = g->relevant;
    if (g->size == 1)
        return (before + 1.0) / (above + 1.0);
    double density = (m - 1) / (n - 1), sum = 0;
    if (inside <= FEW_RANKS) {
        for (int32_t j = 1; j <= inside; j++)
            sum += (before + 1.0 + (j - 1) * density) / (above + j);
    } else {
        /* (j - 1) / (above + j) = 1 - (above + 1) / (above + j); a large group leaves digits enough */
        double reciprocals = harmonic[g->above + inside] - harmonic[g->above];
        sum = (before + 1.0) * reciprocals + density * (inside - (above + 1.0) * reciprocals);
    }
    return sum * m / n;
}

static struct rh_share share(const struct rh_ranked *r, int32_t k)
{
    double sum = 0;
    int32_t before = 0;
    k = rh_cut(k);
    for (int32_t i = 0; i < r->n_groups; i++) {
        const struct rh_tie_group *g = &r->group[i];
        int32_t inside = rh_ranks_inside(g, k);
        if (inside == 0)
            break;
        sum += expected_precisions(g, inside, before, r->sums->harmonic);
        before += g->relevant;
    }
    return (struct rh_share){ fmin(sum / (r->n_relevant < k ? r->n_relevant : k), 1.0), 1 };
}

const struct rh_metric rh_metric_map = {
    .name = "map",
    .definition = "map@k/by=min/ties=mean",
    .summary = "mean over the relevant items of the precision at their rank",
    .formula = "(sum over ranks i = 1..k of rel(i) * precision@i) / min(R, k)",
    .reference = "Buckley and Voorhees 2000; trec_eval's map_cut divides by R instead of min(R, k)",
    .flags = RH_M_AT_K | RH_M_ALL,
    .min = 0,
    .max = 1,
    .share = share,
};
