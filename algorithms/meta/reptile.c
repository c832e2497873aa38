/* reptile: the start moves towards where training on a task leads. Nichol, Achiam, Schulman 2018, "On first-order
 * meta-learning algorithms".
 *
 * A task is descended for inner_steps steps on its support and one on its query set, which are two minibatches of its
 * rows; the sum of the gradients on that path, (start - end) / inner_rate, is what the optimiser of the start gets, as
 * the paper does with Adam. With inner_steps = 0 that is training on the tasks together. The item tower rests during
 * the path and moves by the same sum of its gradients (algorithms/lib/learner.h, meta.h). */
#include "algorithms/lib/learner.h"

#include <rh/plugin.h>

struct params {
    RH_LEARNER_FIELDS;
};

static const struct rh_param params_table[] = {
    RH_LEARNER_PARAMS(struct params),
    RH_PARAMS_END,
};

static struct rh_learner_kind kind_of(const struct params *p)
{
    (void)p;
    return (struct rh_learner_kind){ "reptile", RH_ALONG_PATH, false, false };
}

RH_LEARNER_CALLBACKS

static const struct rh_algorithm reptile = {
    RH_LEARNER_DESCRIPTOR,
    .name = "reptile",
    .summary = "meta-learning by moving the start towards where training on each task leads",
    .reference = "Nichol, Achiam, Schulman 2018, On first-order meta-learning algorithms",
    .cost = "task (inner_steps + 1) gradients of O((k + q) m H E); query inner_steps gradients and O(I H E); memory as "
            "direct and meta_batch (inner_steps + 4) weights of the network",
    .advice = "As cheap as fomaml, and it learns from the support rows as well. Tune inner_rate and inner_steps, where "
              "more steps pay more than in maml; inner_steps = 0 is the twin without adaptation.",
    .revision = 2,
};
RH_ALGORITHM(reptile)
