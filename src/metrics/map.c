/* Average precision. */
#include "metrics/ties.h"

#define FEW_RANKS 64

enum { DIV_MIN, DIV_REL, DIV_K };

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

/* Expected sum over ranks i = 1 .. k of (relevant items up to i) / i. Within a group the items up to place j hold
 * j m / n relevant ones on average. `n`: ranks there are. */
static double all_precisions(const struct rh_ranked *r, int32_t k, int32_t n)
{
    const double *harmonic = r->sums->harmonic;
    int32_t last = k < n ? k : n, before = 0;
    double sum = 0;
    for (int32_t i = 0; i < r->n_groups; i++) {
        const struct rh_tie_group *g = &r->group[i];
        int32_t inside = rh_ranks_inside(g, last), next = i + 1 < r->n_groups ? r->group[i + 1].above : last;
        if (inside == 0)
            break;
        /* j / (above + j) = 1 - above / (above + j) */
        double reciprocals = harmonic[g->above + inside] - harmonic[g->above];
        sum += before * reciprocals + (double)g->relevant / g->size * (inside - g->above * reciprocals);
        before += g->relevant;
        next = next < last ? next : last; /* ranks between this group and the next */
        if (next > g->above + g->size)
            sum += before * (harmonic[next] - harmonic[g->above + g->size]);
    }
    /* Ranks that no item has keep the relevant ones found. */
    for (int32_t rank = n + 1; rank <= k; rank++)
        sum += (double)r->n_relevant / rank;
    return sum;
}

enum { DIV, AT };

static struct rh_share share(const struct rh_ranked *r, const struct rh_metric_use *use)
{
    double sum = 0;
    int32_t before = 0, k = rh_cut(use->k), n = r->n_candidates;
    if (use->variant[AT]) {
        k = use->k ? use->k : n;
        return (struct rh_share){ fmin(all_precisions(r, k, n) / k, 1.0), 1 };
    }
    for (int32_t i = 0; i < r->n_groups; i++) {
        const struct rh_tie_group *g = &r->group[i];
        int32_t inside = rh_ranks_inside(g, k);
        if (inside == 0)
            break;
        sum += expected_precisions(g, inside, before, r->sums->harmonic);
        before += g->relevant;
    }
    int32_t of = r->n_relevant; /* where k is not smaller */
    if (use->variant[DIV] == DIV_K)
        of = use->k ? k : n;
    else if (use->variant[DIV] == DIV_MIN && k < of)
        of = k;
    return (struct rh_share){ fmin(sum / of, 1.0), 1 };
}

const struct rh_metric rh_metric_map = {
    .name = "map",
    .summary = "mean over the relevant items of the precision at their rank",
    .formula = "(sum over ranks i = 1..k of rel(i) * precision@i) / min(R, k) (div=min), / R (div=rel) or / k "
               "(div=k); "
               "with at=ranks the mean of precision@i over all ranks i = 1..k, "
               "relevant or not; over the whole list k = N",
    .reference = "Buckley and Voorhees 2000; div=rel is trec_eval's map_cut, at=ranks the MAP of Elliot",
    .flags = RH_M_AT_K | RH_M_ALL,
    .min = 0,
    .max = 1,
    .variant =
        (const struct rh_metric_variant[]){
            { "div",
              (const struct rh_choice[]){ { "min", DIV_MIN, "min(R, k), so that a perfect ranking has 1" },
                                          { "rel", DIV_REL, "R, the number of relevant items" },
                                          { "k", DIV_K, "the cut-off" },
                                          { NULL, 0, NULL } } },
            { "at",
              (const struct rh_choice[]){ { "hits", 0, "precisions at the ranks of relevant items" },
                                          { "ranks", 1, "precisions at every rank; div is not used" },
                                          { NULL, 0, NULL } } },
            { "ties", rh_ties_mean },
            { NULL, NULL },
        },
    .share = share,
};
