/* Discounted gains, expected over tie order: each rank of a tie group holds on average the mean gain of the group. */
#include "metrics/ties.h"

const struct rh_choice rh_gains[] = {
    { "bin", RH_GAIN_BIN, "1 when relevant" },
    { "exp", RH_GAIN_EXP, "2^rating - 1" },
    { "linear", RH_GAIN_LINEAR, "the rating" },
    { "above", RH_GAIN_ABOVE, "2^(rating - t + 1) - 1, t the rating from which on an item is relevant" },
    { NULL, 0, NULL },
};

const struct rh_choice rh_discounts[] = {
    { "log2", RH_DISCOUNT_LOG2, "1 / log2(rank + 1)" },
    { "late", RH_DISCOUNT_LATE, "1 / max(1, log2(rank)): the first two ranks count alike" },
    { NULL, 0, NULL },
};

/* No gain is negative: a rating below zero counts as nothing. */
static double gain_of(const struct rh_ranked *r, int32_t gain, double value)
{
    double g = gain == RH_GAIN_LINEAR ? value : exp2(gain == RH_GAIN_EXP ? value : value - r->value_from + 1.0) - 1.0;
    return g > 0 ? g : 0;
}

double rh_expected_dcg(const struct rh_ranked *r, int32_t k, int32_t gain, int32_t discount)
{
    const double *sum = discount == RH_DISCOUNT_LOG2 ? r->sums->discount : r->sums->late;
    const double *term = discount == RH_DISCOUNT_LOG2 ? r->sums->discount_term : r->sums->late_term;
    const float *value = r->group_value;
    double dcg = 0;
    for (int32_t i = 0; i < r->n_groups; i++) {
        const struct rh_tie_group *g = &r->group[i];
        int32_t inside = rh_ranks_inside(g, k);
        double gains = g->relevant;
        if (inside == 0)
            break;
        if (gain != RH_GAIN_BIN) {
            gains = 0;
            for (int32_t j = 0; j < g->relevant; j++)
                gains += gain_of(r, gain, (double)value[j]);
            value += g->relevant;
        }
        /* One rank: the term itself. Deep in the list a difference of sums would lose digits; and added in the order
         * of the sums, the terms of a perfect ranking make its ideal to the last bit. */
        if (g->size == 1)
            dcg += term[g->above + 1] * gains;
        else
            dcg += (sum[g->above + inside] - sum[g->above]) * gains / g->size;
    }
    return dcg;
}

double rh_ideal_dcg(const struct rh_ranked *r, int32_t k, int32_t gain, int32_t discount)
{
    int32_t n = r->n_relevant < k ? r->n_relevant : k;
    if (gain == RH_GAIN_BIN)
        return (discount == RH_DISCOUNT_LOG2 ? r->sums->discount : r->sums->late)[n];
    const double *term = discount == RH_DISCOUNT_LOG2 ? r->sums->discount_term : r->sums->late_term;
    double ideal = 0;
    for (int32_t i = 0; i < n; i++)
        ideal += term[i + 1] * gain_of(r, gain, (double)r->ideal_value[i]);
    return ideal;
}
