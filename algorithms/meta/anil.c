/* anil: almost no inner loop. Raghu, Raghu, Bengio, Vinyals 2020, "Rapid learning or feature reuse? Towards
 * understanding the effectiveness of MAML".
 *
 * Only the head of the transfer network adapts to a user; item tower and layer, the features, are meta-learned and
 * then stay as they are. All candidates of all users so share their hidden layers, which makes a query much cheaper
 * than MAML's (algorithms/lib/learner.h, meta.h). */
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
    return (struct rh_learner_kind){ "anil", (enum rh_meta_order)p->order, true, false };
}

RH_LEARNER_CALLBACKS

static const struct rh_algorithm anil = {
    RH_LEARNER_DESCRIPTOR,
    .name = "anil",
    .summary = "almost no inner loop: MAML whose head alone adapts to a user, over features that stay",
    .reference = "Raghu, Raghu, Bengio, Vinyals 2020, Rapid learning or feature reuse? Towards understanding the "
                 "effectiveness of MAML",
    .cost = "task (inner_steps + 1) gradients of O((k + q) m H E), second order some three more a step; query "
            "inner_steps gradients and O(I (H + E)); memory as direct and meta_batch (inner_steps + 4) weights of "
            "the network",
    .advice = "When queries must be quick, or to see whether maml learns more than features: if anil does as well, it "
              "does not. Tune inner_rate and inner_steps; inner_steps = 0 is the twin without adaptation.",
    .revision = 2,
};
RH_ALGORITHM(anil)
