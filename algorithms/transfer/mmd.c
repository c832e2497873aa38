/* mmd: transfer through features whose distributions are alike in the source and the target, by kernel means.
 *
 * Deep adaptation networks (Long et al. 2015, "Learning transferable features with deep adaptation networks"): the
 * transfer network trained on both domains (algorithms/lib/joint.h), and lambda times the maximum mean discrepancy
 * between its representations G(p, t) of source pairs and of target pairs, under several Gaussian kernels at once
 * (algorithms/lib/align.h). Their widths are powers of two around the median squared distance of the pairs of a step,
 * so they follow the representations as these grow. Unlike DAN's, the kernels weigh the same, and the one layer that
 * there is here is aligned, not three.
 *
 * With domain_weight = 0: the twin without alignment. Cost: twice `direct`, and a step (2 pairs)^2 * (4 (H + 2 E) +
 * kernels) operations for estimator = quadratic, pairs * (H + 2 E) * 16 for linear. */
#include "algorithms/lib/aligned.h"

#include <rh/plugin.h>

enum estimator { QUADRATIC, LINEAR };

struct params {
    RH_NETWORK_FIELDS;
    RH_JOINT_FIELDS;
    int estimator;
    int64_t kernels;
};

static const struct rh_choice estimator_words[] = {
    { "quadratic", QUADRATIC, "all pairs of a step with one another" },
    { "linear", LINEAR, "each pair with one other: cheap and noisy" },
    { NULL, 0, NULL },
};
static const struct rh_param params_table[] = {
    RH_NETWORK_PARAMS(struct params),
    RH_JOINT_PARAMS(struct params, RH_MMD_WEIGHT, 4096),
    RH_ENUM(struct params, estimator, QUADRATIC, estimator_words, "how the discrepancy is estimated"),
    RH_INT(struct params, kernels, RH_MMD_USUAL_KERNELS, 1, RH_MMD_KERNELS,
           "Gaussian kernels, each twice as wide as the one before"),
    RH_PARAMS_END,
};

static struct rh_aligned_kind kind_of(const struct params *p)
{
    return (struct rh_aligned_kind){ .name = "mmd",
                                     .term = RH_BY_MMD,
                                     .joint = p->joint,
                                     .mmd = { .kernels = (int32_t)p->kernels, .linear = p->estimator == LINEAR } };
}

RH_ALIGNED_CALLBACKS

static const struct rh_algorithm mmd = {
    RH_ALIGNED_DESCRIPTOR,
    .name = "mmd",
    .summary = "feature transfer: representations with the same kernel means in the source and the target",
    .reference = "Long et al. 2015, Learning transferable features with deep adaptation networks; Gretton et al. 2012, "
                 "A kernel two-sample test",
    .cost = "epoch twice that of direct, and O(pairs^2 x (H + 2 E)) a step (quadratic) or O(pairs x (H + 2 E)) "
            "(linear), memory as direct and 32 pairs^2 bytes (quadratic)",
    .advice = "When features mean something else in the source than in the target, and a critic is too restless. "
              "Tune domain_weight first, with domain_weight = 0 as the twin without alignment; judge it against "
              "direct too. Keep estimator = quadratic unless a step has thousands of pairs.",
    .revision = 2,
};
RH_ALGORITHM(mmd)
