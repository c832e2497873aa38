/* meta_sgd: the start and the rate of each weight are learned together. Li, Zhou, Chen, Li 2017, "Meta-SGD: learning to
 * learn quickly for few-shot learning".
 *
 * MAML whose inner step is theta - alpha * grad with a vector alpha: rates that learn how far, and by their sign
 * whether, a weight follows its gradient. Both are differentiated through the inner steps exactly, or with order =
 * first as if the gradients of the support did not depend on the start. Rates begin at inner_rate and move with the
 * network's learning rate (algorithms/lib/learner.h, meta.h). */
#include "algorithms/lib/learner.h"

#include <rh/plugin.h>

struct params {
    RH_LEARNER_FIELDS;
    int order;
};

static const struct rh_param params_table[] = {
    RH_LEARNER_PARAMS(struct params),
    RH_ENUM(struct params, order, RH_SECOND_ORDER, rh_order_words, "order of the derivatives in the outer gradient"),
    RH_PARAMS_END,
};

static struct rh_learner_kind kind_of(const struct params *p)
{
    return (struct rh_learner_kind){ "meta_sgd", (enum rh_meta_order)p->order, false, true };
}

RH_LEARNER_CALLBACKS

static const struct rh_algorithm meta_sgd = {
    RH_LEARNER_DESCRIPTOR,
    .name = "meta_sgd",
    .summary = "MAML with a learned rate for each weight: direction and size of the inner step are learned too",
    .reference = "Li, Zhou, Chen, Li 2017, Meta-SGD: Learning to learn quickly for few-shot learning, arXiv:1707.09835",
    .cost = "task (inner_steps + 1) gradients of O((k + q) m H E), second order some three more a step; query "
            "inner_steps gradients and O(I H E); memory as direct and meta_batch (2 inner_steps + 4) weights of the "
            "network",
    .advice = "When maml depends much on inner_rate: here it is only where the rates begin. One inner step is the "
              "paper's, and often enough; inner_steps = 0 is the twin without adaptation.",
    .revision = 2,
};
RH_ALGORITHM(meta_sgd)
