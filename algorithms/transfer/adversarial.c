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
 * A step (algorithms/lib/joint.h): critic_steps moves of D on critic_pairs pairs of each side, then one move of G,
 * tower and head. dann moves D once, together with G.
 *
 * With domain_weight = 0 the domains are only trained together: the twin without alignment. Cost: twice `direct`, and
 * critic_steps * 2 critic_pairs * U (H + 2 E) * 6 operations a step, U = critic_hidden. */
#include "algorithms/lib/critic.h"
#include "algorithms/lib/joint.h"

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
    RH_REAL(struct params, domain_weight, 0.02, 0, 1000, "weight of the domain term for the features (lambda)"),
    RH_REAL(struct params, source_weight, 0.5, 0, 1000, "weight of the sources' liked items for the head"),
    RH_REAL(struct params, ramp, 4, 0, 1e6, "epochs over which lambda grows to domain_weight; 0: at once"),
    RH_INT(struct params, critic_hidden, 32, 1, 1024, "hidden units of the critic"),
    RH_INT(struct params, critic_steps, 3, 1, 1000, "moves of the critic for one of the features (dann: 1)"),
    RH_INT(struct params, critic_pairs, 128, 2, 65536, "pairs of each side that the critic sees in a step"),
    RH_REAL(struct params, critic_rate, 0.005, 1e-7, 10, "learning rate of the critic"),
    RH_ENUM(struct params, lipschitz, BY_PENALTY, lipschitz_words, "what keeps a wasserstein critic 1-Lipschitz"),
    RH_REAL(struct params, penalty, 10, 0, 1e6, "weight of the gradient penalty"),
    RH_REAL(struct params, clip, 0.1, 1e-6, 1e3, "largest weight of a clipped critic"),
    RH_PARAMS_END,
};

struct state {
    const struct params *params;
    struct rh_joint joint;
    struct rh_critic critic;
    rh_real *psi, *psi_first, *psi_second;
    struct rh_optimizer_state optimizer; /* of the critic */
};

static int fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    s->params = p;
    struct rh_joint_params joint = { p->domain_weight, p->source_weight, p->ramp, p->critic_pairs };
    int status = rh_joint_init(ctx, &s->joint, "adversarial", &p->network, &joint, train);
    if (status < 0)
        return status;
    s->critic = (struct rh_critic){ rh_net_represented(&s->joint.net.net), (int32_t)p->critic_hidden, RH_RELU };
    s->optimizer = (struct rh_optimizer_state){ .kind = RH_ADAM, .rate = p->critic_rate };
    size_t size = (size_t)rh_critic_size(&s->critic);
    s->psi = ctx->host->alloc(ctx, size, sizeof *s->psi);
    s->psi_first = ctx->host->alloc(ctx, size, sizeof *s->psi);
    s->psi_second = ctx->host->alloc(ctx, size, sizeof *s->psi);
    if (!s->psi || !s->psi_first || !s->psi_second)
        return RH_ENOMEM;
    struct rh_rng r = ctx->host->stream(ctx, "critic", 0);
    rh_critic_init(&s->critic, &r, s->psi);
    return rh_network_publish(ctx, &s->joint.net, "adversarial");
}

/* ------------------------------------------------------------------------------------------------- the game */

struct game {
    struct state *state;
    rh_real *hidden, *work;          /* [2 pairs x U] */
    rh_real *value, *dvalue;         /* [2 pairs] */
    rh_real *between, *penalty_work; /* between: [pairs x G] */
    rh_real *dpsi;
};

static int make_game(struct rh_ctx *ctx, struct state *s, struct game *x)
{
    const struct rh_host *host = ctx->host;
    size_t n = (size_t)s->params->critic_pairs, G = (size_t)s->critic.G, U = (size_t)s->critic.U;
    *x = (struct game){ .state = s };
    x->hidden = host->scratch(ctx, 2 * n * U, sizeof *x->hidden);
    x->work = host->scratch(ctx, 2 * n * U, sizeof *x->work);
    x->value = host->scratch(ctx, 2 * n, sizeof *x->value);
    x->dvalue = host->scratch(ctx, 2 * n, sizeof *x->dvalue);
    x->between = host->scratch(ctx, n * G, sizeof *x->between);
    x->penalty_work = host->scratch(ctx, n * (3 * U + 2 * G), sizeof *x->penalty_work);
    x->dpsi = host->scratch(ctx, (size_t)rh_critic_size(&s->critic), sizeof *x->dpsi);
    return x->hidden && x->work && x->value && x->dvalue && x->between && x->penalty_work && x->dpsi ? RH_OK
                                                                                                     : RH_ENOMEM;
}

/* One move of the critic on the pairs; returns its loss without the penalty. */
static double move_critic(struct rh_ctx *ctx, struct game *game, const struct rh_joint_pairs *x, uint64_t step)
{
    struct state *s = game->state;
    const struct params *p = s->params;
    size_t G = (size_t)s->critic.G, n = (size_t)x->n;
    bool wasserstein = p->objective == RH_WASSERSTEIN;
    rh_critic_values(&s->critic, s->psi, 2 * x->n, x->g, game->hidden, game->value);
    double loss = rh_critic_loss((enum rh_adversary)p->objective, x->n, x->n, game->value, game->dvalue);
    rh_critic_back(&s->critic, s->psi, 2 * x->n, x->g, game->hidden, game->dvalue, game->dpsi, NULL, game->work);
    if (wasserstein && p->lipschitz == BY_PENALTY) {
        struct rh_rng r = ctx->host->stream(ctx, "penalty", step);
        for (size_t k = 0; k < n; k++) {
            rh_real share = (rh_real)rh_rng_uniform(&r);
            for (size_t j = 0; j < G; j++)
                game->between[k * G + j] = share * x->g[k * G + j] + (1 - share) * x->g[(n + k) * G + j];
        }
        rh_critic_penalty(&s->critic, s->psi, x->n, game->between, (rh_real)p->penalty, game->dpsi,
                          game->penalty_work);
    }
    int64_t size = rh_critic_size(&s->critic);
    rh_nn_step(&s->optimizer, 1);
    rh_nn_descend(&s->optimizer, size, s->psi, game->dpsi, s->psi_first, s->psi_second);
    if (wasserstein && p->lipschitz == BY_CLIP)
        rh_nn_clip(size, s->psi, (rh_real)p->clip);
    return loss;
}

/* The game on the pairs of a step. Returns the last loss of the critic. */
static double play(struct rh_ctx *ctx, void *arg, const struct rh_joint_pairs *x, rh_real lambda, uint64_t step)
{
    struct game *game = arg;
    struct state *s = game->state;
    const struct params *p = s->params;
    int64_t moves = p->objective == RH_DANN ? 0 : p->critic_steps;
    double loss = 0;
    for (int64_t i = 0; i < moves; i++)
        loss = move_critic(ctx, game, x, step * (uint64_t)p->critic_steps + (uint64_t)i);
    rh_critic_values(&s->critic, s->psi, 2 * x->n, x->g, game->hidden, game->value);
    rh_critic_feature_loss((enum rh_adversary)p->objective, x->n, x->n, game->value, game->dvalue);
    for (int32_t k = 0; k < 2 * x->n; k++)
        game->dvalue[k] *= lambda;
    rh_critic_back(&s->critic, s->psi, 2 * x->n, x->g, game->hidden, game->dvalue, NULL, x->dg, game->work);
    return p->objective == RH_DANN ? move_critic(ctx, game, x, step) : loss;
}

static int epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss)
{
    struct state *s = state;
    struct game game;
    int status = make_game(ctx, s, &game);
    return status < 0 ? status : rh_joint_epoch(ctx, &s->joint, number, play, &game, loss);
}

static int score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                 size_t stride)
{
    return rh_joint_score(ctx, &((const struct state *)state)->joint, query, n, out, stride);
}

/* The critic has no part in scores; training goes on against it. */
static int persist_critic(struct rh_ctx *ctx, struct state *s, unsigned purpose)
{
    int64_t size = rh_critic_size(&s->critic);
    int status = RH_OK;
    if (purpose & RH_FOR_STARTING)
        status = ctx->host->field(ctx, "critic", &s->psi, size, sizeof *s->psi);
    if (status < 0 || !(purpose & RH_FOR_RESUMING))
        return status;
    if ((status = ctx->host->field(ctx, "critic first", &s->psi_first, size, sizeof *s->psi)) < 0 ||
        (status = ctx->host->field(ctx, "critic second", &s->psi_second, size, sizeof *s->psi)) < 0)
        return status;
    return ctx->host->value(ctx, "critic steps", &s->optimizer.step, sizeof s->optimizer.step);
}

static int persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct state *s = state;
    int status = rh_joint_persist(ctx, &s->joint, "adversarial", &((const struct params *)params)->network, train);
    return status < 0 || !s->psi ? status : persist_critic(ctx, s, ctx->host->purpose(ctx));
}

static const struct rh_algorithm adversarial = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
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
    .flags = RH_A_USES_SOURCES | RH_A_NEEDS_SOURCES | RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS |
             RH_A_RANDOM | RH_A_RESUMES | RH_A_BY_FEATURES,
    .params = params_table,
    .params_size = sizeof(struct params),
    .state_size = sizeof(struct state),
    .epochs = 12,
    .fit = fit,
    .epoch = epoch,
    .score = score,
    .persist = persist,
};
RH_ALGORITHM(adversarial)
