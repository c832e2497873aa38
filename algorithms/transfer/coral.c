/* coral: transfer through features whose correlations are alike in the source and the target.
 *
 * Deep CORAL (Sun and Saenko 2016, "Deep CORAL: correlation alignment for deep domain adaptation"): the transfer
 * network trained on both domains (algorithms/lib/joint.h), and lambda times the squared distance of the covariances
 * of its representations G(p, t) of source pairs and of target pairs (algorithms/lib/align.h). No critic, nothing
 * drawn for it, no second optimiser: where second moments tell the domains apart it is the steadiest of the aligned
 * methods. It does not see a shift of the mean; `mmd` does.
 *
 * With domain_weight = 0: the twin without alignment. Cost: twice `direct`, and pairs * (H + 2 E)^2 * 8 operations a
 * step. */
#include "algorithms/lib/aligned.h"

#include <rh/plugin.h>

struct params {
    RH_NETWORK_FIELDS;
    RH_JOINT_FIELDS;
};

static const struct rh_param params_table[] = {
    RH_NETWORK_PARAMS(struct params),
    RH_JOINT_PARAMS(struct params, RH_CORAL_WEIGHT, 65536),
    RH_PARAMS_END,
};

static struct rh_aligned_kind kind_of(const struct params *p)
{
    return (struct rh_aligned_kind){ .name = "coral", .term = RH_BY_CORAL, .joint = p->joint };
}

RH_ALIGNED_CALLBACKS

static const struct rh_algorithm coral = {
    RH_ALIGNED_DESCRIPTOR,
    .name = "coral",
    .summary = "feature transfer: representations with the same correlations in the source and the target",
    .reference = "Sun and Saenko 2016, Deep CORAL: Correlation alignment for deep domain adaptation",
    .cost = "epoch twice that of direct, and O(pairs x (H + 2 E)^2) a step, memory as direct",
    .advice = "When features mean something else in the source than in the target, and a critic is too restless. "
              "Tune domain_weight first, with domain_weight = 0 as the twin without alignment; judge it against "
              "direct too.",
    .revision = 1,
};
RH_ALGORITHM(coral)
