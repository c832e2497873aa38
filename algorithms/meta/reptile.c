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

static int fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    return rh_learner_fit(ctx, state, kind_of(p), &p->learner, train);
}

static int persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    return rh_learner_persist(ctx, state, kind_of(p), &p->learner, train);
}

static const struct rh_algorithm reptile = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "reptile",
    .summary = "meta-learning by moving the start towards where training on each task leads",
    .reference = "Nichol, Achiam, Schulman 2018, On first-order meta-learning algorithms",
    .cost = "task (inner_steps + 1) gradients of O((k + q) m H E); query inner_steps gradients and O(I H E); memory as "
            "direct and meta_batch (inner_steps + 4) weights of the network",
    .advice = "As cheap as fomaml, and it learns from the support rows as well. Tune inner_rate and inner_steps, where "
              "more steps pay more than in maml; inner_steps = 0 is the twin without adaptation.",
    .revision = 1,
    .flags = RH_A_USES_SOURCES | RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS | RH_A_RANDOM |
             RH_A_RESUMES | RH_A_BY_FEATURES,
    .params = params_table,
    .params_size = sizeof(struct params),
    .state_size = sizeof(struct rh_learner),
    .epochs = 12,
    .fit = fit,
    .epoch = rh_learner_epoch,
    .score = rh_learner_score,
    .persist = persist,
};
RH_ALGORITHM(reptile)
