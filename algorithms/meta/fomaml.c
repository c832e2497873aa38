/* fomaml: MAML of first order. Finn, Abbeel, Levine 2017, section 5.2; analysed in Nichol, Achiam, Schulman 2018, "On
 * first-order meta-learning algorithms".
 *
 * The outer loop follows the query's gradient at the weights where the inner loop ended, as if these did not depend on
 * the start: no second derivatives, and a task costs as much as its gradients (algorithms/lib/learner.h, meta.h). */
#include "algorithms/lib/learner.h"

#include <rh/plugin.h>

struct params {
    RH_LEARNER_FIELDS;
    int adapt;
};

static const struct rh_param params_table[] = {
    RH_LEARNER_PARAMS(struct params),
    RH_ENUM(struct params, adapt, RH_ADAPTS_LAYERS, rh_adapt_words, "weights that the inner loop moves"),
    RH_PARAMS_END,
};

static struct rh_learner_kind kind_of(const struct params *p)
{
    return (struct rh_learner_kind){ "fomaml", RH_FIRST_ORDER, p->adapt == RH_ADAPTS_HEAD, false };
}

RH_LEARNER_CALLBACKS

static const struct rh_algorithm fomaml = {
    RH_LEARNER_DESCRIPTOR,
    .name = "fomaml",
    .summary = "first-order MAML: the query's gradient where the inner loop ended, without second derivatives",
    .reference = "Finn, Abbeel, Levine 2017, Model-agnostic meta-learning for fast adaptation of deep networks, "
                 "section 5.2; Nichol, Achiam, Schulman 2018, On first-order meta-learning algorithms",
    .cost = "task (inner_steps + 1) gradients of O((k + q) m H E); query inner_steps gradients and O(I H E); memory as "
            "direct and meta_batch (inner_steps + 4) weights of the network",
    .advice = "The cheap MAML: begin with it, then see whether maml is worth its time. Tune inner_rate and "
              "inner_steps; inner_steps = 0 is the twin without adaptation.",
    .revision = 2,
};
RH_ALGORITHM(fomaml)
