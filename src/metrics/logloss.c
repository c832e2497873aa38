/* Logarithmic loss of scores read as probabilities. */
#include "metrics/ties.h"

#include <float.h>

enum { SIGMOID, SCORE, SCALE };
enum { PROB, OVER };

/* Loss of one label; NaN when the score is no probability. Probabilities keep away from 0 and 1 by the precision of a
 * double, as in scikit-learn. */
static double loss(const struct rh_ranked *r, int32_t prob, double score, bool positive)
{
    if (prob == SIGMOID) {
        double x = positive ? -score : score; /* log(1 + e^x) without overflow */
        return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
    }
    double p = score;
    if (prob == SCALE)
        p = r->scale_max > r->scale_min
                ? fmin(fmax((score - r->scale_min) / (r->scale_max - r->scale_min), 0.0), 1.0)
                : (double)NAN;
    if (!(p >= 0 && p <= 1))
        return (double)NAN;
    p = fmin(fmax(p, DBL_EPSILON), 1 - DBL_EPSILON);
    return -log(positive ? p : 1 - p);
}

static struct rh_share share(const struct rh_ranked *r, const struct rh_metric_use *use)
{
    int32_t prob = use->variant[PROB];
    double sum = 0, n = 0;
    if (use->variant[OVER]) {
        n = r->n_test;
        for (int32_t i = 0; i < r->n_test; i++)
            sum += loss(r, prob, (double)r->test_score[i], r->test_positive[i]);
    } else {
        n = r->n_candidates;
        for (int32_t i = 0; i < r->n_scores; i++)
            if (r->score[i] > -INFINITY)
                sum += loss(r, prob, (double)r->score[i], false);
        for (int32_t i = 0; i < r->n_relevant; i++) {
            double s = (double)r->relevant_score[i];
            sum += loss(r, prob, s, true) - loss(r, prob, s, false);
        }
    }
    return isnan(sum) ? (struct rh_share){ 0, 0 } : (struct rh_share){ sum, n };
}

const struct rh_metric rh_metric_logloss = {
    .name = "logloss",
    .summary = "mean negative log likelihood of the labels, scores read as probabilities",
    .formula = "mean of -log p for positive and -log(1 - p) for negative labels, pooled over all queries; p = "
               "1 / (1 + e^-score) (prob=sigmoid), the score itself (prob=score; undefined for a query with a score "
               "outside 0..1), or the place of the score on the rating scale, 0 to 1 (prob=scale), kept within "
               "2^-52..1 - 2^-52; labels are all candidates, relevant or not (over=candidates), or the held-out "
               "rows, "
               "positive when rated high enough (over=test). Only of models that are trained for it: a ranking score "
               "is no log-odds",
    .reference = "Good 1952; Bishop 2006, section 4.3.2; scikit-learn's log_loss",
    .flags = RH_M_SCORES | RH_M_LOWER_IS_BETTER,
    .min = 0,
    .max = INFINITY,
    .variant =
        (const struct rh_metric_variant[]){
            { "prob",
              (const struct rh_choice[]){ { "sigmoid", SIGMOID, "scores are log-odds" },
                                          { "score", SCORE, "scores are probabilities" },
                                          { "scale", SCALE, "scores are ratings" },
                                          { NULL, 0, NULL } } },
            { "over",
              (const struct rh_choice[]){ { "candidates", 0, "every candidate" },
                                          { "test", 1, "held-out rows alone, where ratings make labels" },
                                          { NULL, 0, NULL } } },
            { NULL, NULL },
        },
    .share = share,
};
