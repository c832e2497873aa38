/* Reciprocal rank of the first relevant item. */
#include "metrics/ties.h"

/* Expectation of 1 / (above + J) for J <= last, J the place of the first of m relevant among n items in random order:
 * P(J = j) = C(n - j, m - 1) / C(n, m). */
static double expected_reciprocal(const struct rh_tie_group *g, int32_t last, const double *harmonic)
{
    int32_t above = g->above, n = g->size, m = g->relevant;
    if (m == n)
        return 1.0 / (above + 1.0);
    if (m == 1) /* J is uniform */
        return (harmonic[above + last] - harmonic[above]) / n;
    /* A constant scorer comes here for every query: sum over j of C(n - j, r) / j = C(n, r) (H(n) - H(r)). Where m is
     * near n that difference loses digits, and the loop below is short. */
    if (above == 0 && last == n - m + 1 && m <= n / 8)
        return (double)m / (n - m + 1) * (harmonic[n] - harmonic[m - 1]);
    double sum = 0, later = 1; /* later: P(J > j) */
    for (int32_t j = 1; j <= last; j++) {
        double left = n - j + 1.0;
        sum += later * m / left / (above + (double)j);
        later *= (left - m) / left;
        if (later < 0x1p-60 * sum) /* all that is to come is below the last bit */
            break;
    }
    return sum;
}

static struct rh_share share(const struct rh_ranked *r, const struct rh_metric_use *use)
{
    const struct rh_tie_group *g = r->group;
    int32_t inside = rh_ranks_inside(g, rh_cut(use->k)), latest = g->size - g->relevant + 1;
    if (inside == 0)
        return (struct rh_share){ 0, 1 };
    return (struct rh_share){ expected_reciprocal(g, inside < latest ? inside : latest, r->sums->harmonic), 1 };
}

const struct rh_metric rh_metric_mrr = {
    .name = "mrr",
    .summary = "one over the rank of the first relevant item",
    .formula = "1 / (rank of the first relevant item), 0 when that rank is beyond k; in a tie group of size n with m "
               "relevant below a others: sum over j of C(n - j, m - 1) / C(n, m) / (a + j)",
    .reference = "Voorhees 1999 (TREC-8 question answering)",
    .flags = RH_M_AT_K | RH_M_ALL | RH_M_BARE_ALL,
    .min = 0,
    .max = 1,
    .variant = (const struct rh_metric_variant[]){ { "ties", rh_ties_mean }, { NULL, NULL } },
    .share = share,
};
