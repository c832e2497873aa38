/* Hit rate (success): is there a relevant item among the first k at all? */
#include "metrics/ties.h"

/* Chance that `drawn` of `size` items without replacement hold none of `relevant`: C(size - relevant, drawn) /
 * C(size, drawn), a product with the fewer of the two numbers of factors, each in [0, 1]: no overflow. */
static double chance_of_none(int32_t size, int32_t relevant, int32_t drawn)
{
    int32_t factors = drawn < relevant ? drawn : relevant, others = drawn < relevant ? relevant : drawn;
    double p = 1;
    for (int32_t j = 0; j < factors && p > 0; j++) {
        if (size - j <= others)
            return 0;
        p *= (double)(size - j - others) / (size - j);
    }
    return p;
}

static struct rh_share share(const struct rh_ranked *r, const struct rh_metric_use *use)
{
    /* Every group holds a relevant item, so the first alone decides. */
    const struct rh_tie_group *g = r->group;
    int32_t inside = rh_ranks_inside(g, use->k);
    if (inside == 0 || inside == g->size)
        return (struct rh_share){ inside > 0, 1 };
    return (struct rh_share){ 1.0 - chance_of_none(g->size, g->relevant, inside), 1 };
}

const struct rh_metric rh_metric_hit = {
    .name = "hit",
    .summary = "is a relevant item among the first k",
    .formula = "1 when at least one relevant item is among the first k, else 0; in a tie group of size n with m "
               "relevant that enters the first k with d ranks: 1 - C(n - m, d) / C(n, d)",
    .reference = "Deshpande and Karypis 2004 (hit rate); trec_eval's success",
    .flags = RH_M_AT_K,
    .min = 0,
    .max = 1,
    .variant = (const struct rh_metric_variant[]){ { "ties", rh_ties_mean }, { NULL, NULL } },
    .share = share,
};
