/* adversarial: transfer through features that no critic can tell apart by domain.
 *
 * The feature extractor G of the transfer network (algorithms/lib/network.h, net.h) maps pairs of a user and an item
 * of any domain to one representation. A domain critic D (algorithms/lib/critic.h) learns to tell source pairs from
 * target pairs, G learns that it cannot, and one scoring head on G is trained on the liked items of source and
 * target:
 *
 *     min over G, head   loss_target + source_weight * loss_source + lambda * (what D sees of the domain)
 *     max over D         the same last term
 *
 * objective = wasserstein: E_s D(G) - E_t D(G), Arjovsky et al. 2017, "Wasserstein GAN", and Shen et al. 2018,
 *             "Wasserstein distance guided representation learning" (WDGRL)
 *             gan: the log form, Goodfellow et al. 2014; features and exchanged labels: Tzeng et al. 2017 (ADDA)
 *             dann: gradient reversal, Ganin et al. 2016, "Domain-adversarial training of neural networks"
 *
 * A step (algorithms/lib/joint.h, game.h): critic_steps moves of D on critic_pairs pairs of each side, then one move
 * of G, tower and head. dann moves D once, together with G.
 *
 * With domain_weight = 0 the domains are only trained together: the twin without alignment. Cost: twice `direct`, and
 * critic_steps * 2 critic_pairs * U (H + 2 E) * 6 operations a step, U = critic_hidden. */
#include "algorithms/lib/aligned.h"

#include <rh/plugin.h>

enum lipschitz { BY_PENALTY, BY_CLIP };

struct params {
    RH_NETWORK_FIELDS;
    int objective, lipschitz;
    int64_t critic_hidden, critic_steps, critic_pairs;
    double domain_weight, source_weight, critic_rate, penalty, clip, ramp;
};

static const struct rh_choice objective_words[] = {
    { "wasserstein", RH_WASSERSTEIN, "distance of means under a 1-Lipschitz critic" },
    { "gan", RH_GAN, "log form, labels of the domains exchanged for the features" },
    { "dann", RH_DANN, "log form, gradient reversed for the features" },
    { NULL, 0, NULL },
};
static const struct rh_choice lipschitz_words[] = {
    { "penalty", BY_PENALTY, "gradient penalty at points between the domains" },
    { "clip", BY_CLIP, "weights of the critic clipped" },
    { NULL, 0, NULL },
};
static const struct rh_param params_table[] = {
    RH_NETWORK_PARAMS(struct params),
    RH_ENUM(struct params, objective, RH_WASSERSTEIN, objective_words, "game between features and critic"),
    RH_REAL(struct params, domain_weight, RH_CRITIC_WEIGHT, 0, 1000,
            "weight of the domain term for the features (lambda)"),
    RH_REAL(struct params, source_weight, RH_SOURCE_WEIGHT, 0, 1000,
            "weight of the sources' liked items for the head"),
    RH_REAL(struct params, ramp, RH_ALIGN_RAMP, 0, 1e6,
            "epochs over which lambda grows to domain_weight; 0: at once"),
    RH_INT(struct params, critic_hidden, RH_CRITIC_HIDDEN, 1, 1024, "hidden units of the critic"),
    RH_INT(struct params, critic_steps, RH_CRITIC_STEPS, 1, 1000,
            "moves of the critic for one of the features (dann: 1)"),
    RH_INT(struct params, critic_pairs, RH_ALIGN_PAIRS, 2, 65536,
            "pairs of each side that the critic sees in a step"),
    RH_REAL(struct params, critic_rate, RH_CRITIC_RATE, 1e-7, 10, "learning rate of the critic"),
    RH_ENUM(struct params, lipschitz, BY_PENALTY, lipschitz_words, "what keeps a wasserstein critic 1-Lipschitz"),
    RH_REAL(struct params, penalty, RH_CRITIC_PENALTY, 0, 1e6, "weight of the gradient penalty"),
    RH_REAL(struct params, clip, RH_CRITIC_CLIP, 1e-6, 1e3, "largest weight of a clipped critic"),
    RH_PARAMS_END,
};

static struct rh_aligned_kind kind_of(const struct params *p)
{
    return (struct rh_aligned_kind){
        .name = "adversarial",
        .term = RH_BY_CRITIC,
        .joint = { p->domain_weight, p->source_weight, p->ramp, p->critic_pairs },
        .game = { .objective = (enum rh_adversary)p->objective,
                  .clipped = p->lipschitz == BY_CLIP,
                  .hidden = p->critic_hidden,
                  .steps = p->critic_steps,
                  .rate = p->critic_rate,
                  .penalty = p->penalty,
                  .clip = p->clip },
    };
}

RH_ALIGNED_CALLBACKS

static const struct rh_algorithm adversarial = {
    RH_ALIGNED_DESCRIPTOR,
    .name = "adversarial",
    .summary = "feature transfer: a representation of users and items that a critic cannot tell apart by domain",
    .reference = "Ganin et al. 2016, Domain-adversarial training of neural networks (dann); Shen et al. 2018, "
                 "Wasserstein distance guided representation learning (wasserstein); Tzeng et al. 2017, Adversarial "
                 "discriminative domain adaptation (gan)",
    .cost = "epoch twice that of direct, and O(critic_steps x critic_pairs x critic_hidden x (H + E)) a step, "
            "memory as direct and the critic",
    .advice = "When features mean something else in the source than in the target. Tune domain_weight first, with "
              "domain_weight = 0 as the twin without alignment, then critic_steps; judge it against direct too.",
    .revision = 1,
};
RH_ALGORITHM(adversarial)
