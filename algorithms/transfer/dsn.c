/* dsn: transfer through what both domains share of an item, kept apart from what only one of them has.
 *
 * Domain separation networks (Bousmalis et al. 2016): the transfer network trained on sources and target together
 * (algorithms/lib/joint.h), and lambda (the ramp of joint.h) times
 *
 *     alpha L_recon + beta L_diff + gamma L_similarity
 *
 * The shared encoder is the item tower: t, the vector that scores are made of, is what it makes of an item of any
 * domain. Beside it each side has a private encoder, and a decoder, which both sides share, has to describe the item
 * from the sum of the two encodings (algorithms/lib/separation.h). What a domain's items have that does not help the
 * other's can live in the private part, which L_diff holds away from the shared one; head and users see the shared
 * part alone. L_similarity makes the representations G(p, t) of pairs alike, as `mmd` does (similarity = mmd) or as
 * `adversarial` with objective = dann (similarity = dann).
 *
 * The paper encodes and reconstructs images. Here features are bags of many columns, so the description that a
 * private encoder reads and the decoder reconstructs is `description` principal components of them (components.h,
 * without a condition on the domains), 1 in the mean square. Its similarity loss is of encodings of rows; here, as in
 * this laboratory's aligned methods, of pairs of a user and an item, of whose representation t is a part.
 *
 * With alpha = beta = 0 it is `mmd`, or `adversarial`; with gamma = 0 too the domains are only trained together: the
 * twin without separation. Cost: that of the aligned method, and pairs * (24 U (Y + E) + 24 E^2) operations a step,
 * U = private_hidden, Y = description. */
#include "algorithms/lib/aligned.h"
#include "algorithms/lib/components.h"
#include "algorithms/lib/separation.h"

#include <rh/plugin.h>

#include <string.h>

#define LANDMARKS 400 /* items that the description is found with */

enum similarity { BY_MMD, BY_DANN };

struct params {
    RH_NETWORK_FIELDS;
    double alpha, beta, gamma, source_weight, ramp;
    int similarity;
    int64_t pairs, description, private_hidden;
};

static const struct rh_choice similarity_words[] = {
    { "mmd", BY_MMD, "the mean discrepancy of five Gaussian kernels is small" },
    { "dann", BY_DANN, "a critic does not tell the domains apart; gradient reversed" },
    { NULL, 0, NULL },
};
static const struct rh_param params_table[] = {
    RH_NETWORK_PARAMS(struct params),
    RH_REAL(struct params, alpha, 0.1, 0, 1e6, "weight of the reconstruction by shared and private encodings"),
    RH_REAL(struct params, beta, 0.03, 0, 1e6, "weight of the difference of shared and private encodings"),
    RH_REAL(struct params, gamma, RH_MMD_WEIGHT, 0, 1e6, "weight of the similarity; all three 0: the twin"),
    RH_REAL(struct params, source_weight, RH_SOURCE_WEIGHT, 0, 1000, "weight of the sources' liked items"),
    RH_REAL(struct params, ramp, RH_ALIGN_RAMP, 0, 1e6, "epochs over which the weights grow; 0: at once"),
    RH_ENUM(struct params, similarity, BY_MMD, similarity_words, "how the representations are made alike"),
    RH_INT(struct params, pairs, RH_ALIGN_PAIRS, 2, 4096, "pairs of each side that the losses see in a step"),
    RH_INT(struct params, description, 16, 1, 1024, "principal components of item features that are reconstructed"),
    RH_INT(struct params, private_hidden, 32, 1, 1024, "hidden units of the private encoders and of the decoder"),
    RH_PARAMS_END,
};

struct state {
    const struct params *params;
    struct rh_joint joint;
    struct rh_game game; /* of BY_DANN */
    struct rh_separation separation;
    rh_real *phi, *phi_first, *phi_second; /* [rh_separation_size] */
    struct rh_optimizer_state optimizer;   /* of phi */
    float *described;                      /* [items of all domains x description] */
};

/* The description of all items, its numbers 1 in the mean square. */
static int describe(struct rh_ctx *ctx, const struct params *p, const struct rh_train *train, struct state *s)
{
    const struct rh_components_params components = { .components = p->description,
                                                     .landmarks = p->description > LANDMARKS ? p->description
                                                                                             : LANDMARKS,
                                                     .kernel = RH_KERNEL_LINEAR, .mu = 1, .width = 1 };
    size_t n = (size_t)s->joint.net.tower.n_items * (size_t)p->description;
    s->described = ctx->host->alloc(ctx, n, sizeof *s->described);
    if (!s->described)
        return RH_ENOMEM;
    int status = rh_components(ctx, "dsn", &components, train, s->described, NULL);
    for (size_t i = 0; i < n; i++)
        s->described[i] *= sqrtf((float)p->description);
    return status;
}

static int make_networks(struct rh_ctx *ctx, const struct params *p, struct state *s)
{
    s->separation = rh_separation(s->joint.net.net.E, (int32_t)p->description, (int32_t)p->private_hidden);
    s->optimizer = (struct rh_optimizer_state){ .kind = RH_ADAM, .rate = p->rate };
    size_t size = (size_t)rh_separation_size(&s->separation);
    s->phi = ctx->host->alloc(ctx, size, sizeof *s->phi);
    s->phi_first = ctx->host->alloc(ctx, size, sizeof *s->phi);
    s->phi_second = ctx->host->alloc(ctx, size, sizeof *s->phi);
    if (!s->phi || !s->phi_first || !s->phi_second)
        return RH_ENOMEM;
    struct rh_rng r = ctx->host->stream(ctx, "separation", 0);
    rh_separation_init(&s->separation, &r, s->phi);
    return RH_OK;
}

static int fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    bool any = p->alpha > 0 || p->beta > 0 || p->gamma > 0;
    const struct rh_joint_params joint = { any ? 1 : 0, p->source_weight, p->ramp, p->pairs };
    const struct rh_game_params game = { .objective = RH_DANN, .hidden = RH_CRITIC_HIDDEN, .steps = 1,
                                         .rate = RH_CRITIC_RATE };
    s->params = p;
    int status = rh_joint_init(ctx, &s->joint, "dsn", &p->network, &joint, train);
    if (status == RH_OK)
        status = describe(ctx, p, train, s);
    if (status == RH_OK)
        status = make_networks(ctx, p, s);
    if (status == RH_OK && p->similarity == BY_DANN)
        status = rh_game_init(ctx, &s->game, &game, rh_net_represented(&s->joint.net.net));
    return status < 0 ? status : rh_network_publish(ctx, &s->joint.net, "dsn");
}

/* ---------------------------------------------------------------------------------------------------- training */

/* Room for the losses of an epoch. */
struct losses {
    struct state *state;
    struct rh_mmd mmd;
    struct rh_game_round round;
    rh_real *c, *dc, *y;  /* [2 pairs x E], [2 pairs x description] */
    rh_real *dphi, *work; /* work: of separation, and of mmd */
    double reconstruction, difference, steps;
};

static int make_losses(struct rh_ctx *ctx, struct state *s, struct losses *x)
{
    const struct rh_host *host = ctx->host;
    int32_t pairs = (int32_t)s->params->pairs, G = rh_net_represented(&s->joint.net.net);
    size_t n = 2 * (size_t)pairs, E = (size_t)s->separation.E;
    *x = (struct losses){ .state = s, .mmd = { .kernels = RH_MMD_USUAL_KERNELS } };
    size_t work = rh_separation_work(&s->separation, pairs), of_mmd = rh_mmd_work(&x->mmd, pairs, G);
    x->c = host->scratch(ctx, n * E, sizeof *x->c);
    x->dc = host->scratch(ctx, n * E, sizeof *x->dc);
    x->y = host->scratch(ctx, n * (size_t)s->separation.Y, sizeof *x->y);
    x->dphi = host->scratch(ctx, (size_t)rh_separation_size(&s->separation), sizeof *x->dphi);
    x->work = host->scratch(ctx, work > of_mmd ? work : of_mmd, sizeof *x->work);
    if (!x->c || !x->dc || !x->y || !x->dphi || !x->work)
        return RH_ENOMEM;
    return s->params->similarity == BY_DANN ? rh_game_round(ctx, &s->game, pairs, &x->round) : RH_OK;
}

/* Reconstruction and difference of the items of the pairs, and a move of their networks. t is the end of g. */
static double separate(struct losses *losses, const struct rh_joint_pairs *x, rh_real lambda)
{
    struct state *s = losses->state;
    const struct params *p = s->params;
    size_t n = 2 * (size_t)x->n, E = (size_t)s->separation.E, Y = (size_t)s->separation.Y, G = (size_t)x->G;
    for (size_t k = 0; k < n; k++) {
        memcpy(losses->c + k * E, x->g + (k + 1) * G - E, E * sizeof *losses->c);
        memcpy(losses->y + k * Y, s->described + (size_t)x->item[k] * Y, Y * sizeof *losses->y);
    }
    memset(losses->dc, 0, n * E * sizeof *losses->dc);
    struct rh_separation_losses of = rh_separate(&s->separation, s->phi, x->n, losses->c, losses->y,
                                                 lambda * (rh_real)p->alpha, lambda * (rh_real)p->beta, losses->dphi,
                                                 losses->dc, losses->work);
    for (size_t k = 0; k < n; k++)
        rh_axpy((int32_t)E, 1, losses->dc + k * E, x->dg + (k + 1) * G - E);
    rh_nn_step(&s->optimizer, 1);
    rh_nn_descend(&s->optimizer, rh_separation_size(&s->separation), s->phi, losses->dphi, s->phi_first,
                  s->phi_second);
    losses->reconstruction += of.reconstruction;
    losses->difference += of.difference;
    losses->steps++;
    return p->alpha * of.reconstruction + p->beta * of.difference;
}

static double term(struct rh_ctx *ctx, void *arg, const struct rh_joint_pairs *x, rh_real lambda, uint64_t step)
{
    struct losses *losses = arg;
    const struct params *p = losses->state->params;
    rh_real weight = lambda * (rh_real)p->gamma;
    double sum = 0, bandwidth = 0;
    if (weight > 0 && p->similarity == BY_DANN)
        sum += p->gamma * rh_game_play(ctx, &losses->round, x, weight, step);
    else if (weight > 0)
        sum += p->gamma * rh_mmd(&losses->mmd, x->n, x->G, x->g, &bandwidth, weight, x->dg, losses->work);
    return p->alpha > 0 || p->beta > 0 ? sum + separate(losses, x, lambda) : sum;
}

static int epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss)
{
    struct state *s = state;
    struct losses losses;
    int status = make_losses(ctx, s, &losses);
    if (status == RH_OK)
        status = rh_joint_epoch(ctx, &s->joint, number, term, &losses, loss);
    if (status >= 0 && losses.steps > 0)
        ctx->host->log(ctx, 2, "epoch %d: reconstruction %.4f, difference %.5f (both sides)", number,
                       losses.reconstruction / losses.steps, losses.difference / losses.steps);
    return status;
}

/* ------------------------------------------------------------------------------------------------- and the rest */

static int score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                 size_t stride)
{
    return rh_joint_score(ctx, &((const struct state *)state)->joint, query, n, out, stride);
}

/* Private encoders and decoder belong to the description of these items, so only a checkpoint has them. */
static int persist_networks(struct rh_ctx *ctx, struct state *s, unsigned purpose)
{
    const struct rh_host *host = ctx->host;
    int64_t size = rh_separation_size(&s->separation);
    int status = RH_OK;
    if (s->game.psi)
        status = rh_game_persist(ctx, &s->game, purpose);
    if (status < 0 || !(purpose & RH_FOR_RESUMING))
        return status;
    if ((status = host->field(ctx, "separation", &s->phi, size, sizeof *s->phi)) < 0 ||
        (status = host->field(ctx, "separation first", &s->phi_first, size, sizeof *s->phi)) < 0 ||
        (status = host->field(ctx, "separation second", &s->phi_second, size, sizeof *s->phi)) < 0)
        return status;
    return host->value(ctx, "separation steps", &s->optimizer.step, sizeof s->optimizer.step);
}

static int persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    unsigned purpose = ctx->host->purpose(ctx);
    int status = s->phi && purpose & RH_FOR_STARTING ? persist_networks(ctx, s, purpose) : RH_OK;
    return status < 0 ? status : rh_joint_persist(ctx, &s->joint, "dsn", &p->network, train);
}

static const struct rh_algorithm dsn = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "dsn",
    .summary = "feature transfer: what items share over domains apart from what is a domain's own",
    .reference = "Bousmalis, Trigeorgis, Silberman, Krishnan and Erhan 2016, Domain separation networks",
    .cost = "epoch as mmd or adversarial, and O(pairs x (private_hidden (description + E) + E^2)) a step, fit O(I x "
            "400 x (features + 400)) for the description, memory as those and 4 I description bytes",
    .advice = "When items have much that only their own domain knows, beside what both share. Tune gamma first, then "
              "alpha and beta; alpha = beta = gamma = 0 is the twin, and alpha = beta = 0 is mmd, so that what the "
              "separation adds can be told from what alignment does.",
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
RH_ALGORITHM(dsn)
