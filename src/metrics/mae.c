/* Mean absolute error of predicted ratings. */
#include "metrics/ties.h"

static struct rh_share share(const struct rh_ranked *r, const struct rh_metric_use *use)
{
    (void)use;
    double sum = 0;
    for (int32_t i = 0; i < r->n_rated; i++) {
        double error = (double)r->predicted[i] - r->actual[i];
        sum += fabs(error);
    }
    return (struct rh_share){ sum, r->n_rated };
}

const struct rh_metric rh_metric_mae = {
    .name = "mae",
    .summary = "mean absolute error of predicted ratings",
    .formula = "sum of |predicted - actual| / number of held-out ratings, pooled over all queries; "
               "predictions are clipped to the rating scale",
    .reference = "Shardanand and Maes 1995; Herlocker et al. 2004",
    .flags = RH_M_RATING | RH_M_LOWER_IS_BETTER,
    .min = 0,
    .max = INFINITY,
    .variant =
        (const struct rh_metric_variant[]){
            { "over",
              (const struct rh_choice[]){ { "ratings", 0, "each rating counts the same" },
                                          { NULL, 0, NULL } } },
            { "clip", (const struct rh_choice[]){ { "scale", 0, "to the rating scale" }, { NULL, 0, NULL } } },
            { NULL, NULL },
        },
    .share = share,
};
