/* maml: a start from which few items of a new user suffice. Finn, Abbeel, Levine 2017, "Model-agnostic meta-learning
 * for fast adaptation of deep networks"; for recommendation Lee et al. 2019, "MeLU".
 *
 * algorithms/lib/learner.h has the loops, meta.h the equations. order = second differentiates through the inner steps
 * exactly, by Hessian-vector products; first takes the gradient where the inner loop ended, which `fomaml` is about.
 * What adapts: the layer and the head of the transfer network, as in MeLU, where embeddings rest; or the head alone,
 * which `anil` is about. */
#include "algorithms/lib/learner.h"

#include <rh/plugin.h>

struct params {
    RH_LEARNER_FIELDS;
    int order, adapt;
};

static const struct rh_param params_table[] = {
    RH_LEARNER_PARAMS(struct params),
    RH_ENUM(struct params, order, RH_SECOND_ORDER, rh_order_words, "order of the derivatives in the outer gradient"),
    RH_ENUM(struct params, adapt, RH_ADAPTS_LAYERS, rh_adapt_words, "weights that the inner loop moves"),
    RH_PARAMS_END,
};

static struct rh_learner_kind kind_of(const struct params *p)
{
    return (struct rh_learner_kind){ "maml", (enum rh_meta_order)p->order, p->adapt == RH_ADAPTS_HEAD, false };
}

RH_LEARNER_CALLBACKS

static const struct rh_algorithm maml = {
    RH_LEARNER_DESCRIPTOR,
    .name = "maml",
    .summary = "meta-learning: a start from which a few items of a user suffice, adapted to each query's history",
    .reference = "Finn, Abbeel, Levine 2017, Model-agnostic meta-learning for fast adaptation of deep networks; "
                 "Lee et al. 2019, MeLU",
    .cost = "task (inner_steps + 1) gradients of O((k + q) m H E), second order some three more a step; query "
            "inner_steps gradients and O(I H E); memory as direct and meta_batch (inner_steps + 4) weights of the "
            "network",
    .advice = "For new users with few items. inner_steps = 0 is the twin without adaptation; history = no the network "
              "of Finn et al., which knows of a user what adaptation tells: there it beats its twin by much, and "
              "equals the twin that reads the history, which little can be added to. Tune inner_rate (without "
              "history begin at 1), with order = first before the dearer second. init = coral or sources with tasks = "
              "target transfers features first and meta-learns on them.",
    .revision = 2,
};
RH_ALGORITHM(maml)
