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
 * A step: a minibatch of target groups and as many source groups; critic_steps moves of D on critic_pairs pairs of
 * each side (a liked and a sampled item in turn), then one move of G, tower and head. dann moves D once, together
 * with G. lambda grows to domain_weight over `ramp` epochs e as 2 / (1 + exp(-10 e / ramp)) - 1 (Ganin et al.).
 *
 * An epoch is a pass over the target with as much of the sources. With domain_weight = 0 the domains are only trained
 * together: the twin without alignment. Cost: twice `direct`, and critic_steps * 2 critic_pairs * U (H + 2 E) * 6
 * operations a step, U = critic_hidden. */
#include "algorithms/lib/critic.h"
#include "algorithms/lib/network.h"

#include <rh/plugin.h>
#include <string.h>

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
    struct rh_network net;
    struct rh_critic critic;
    rh_real *psi, *psi_first, *psi_second;
    struct rh_optimizer_state optimizer; /* of the critic */
    bool *all;
};

static int choose_domains(struct rh_ctx *ctx, const struct rh_train *train, struct state *s)
{
    s->all = ctx->host->alloc(ctx, (size_t)train->n_domains, sizeof *s->all);
    if (!s->all)
        return RH_ENOMEM;
    memset(s->all, true, (size_t)train->n_domains * sizeof *s->all);
    return RH_OK;
}

static int fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    s->params = p;
    if (choose_domains(ctx, train, s) < 0)
        return RH_ENOMEM;
    int status = rh_network_init(ctx, &s->net, "adversarial", &p->network, train, s->all);
    if (status < 0)
        return status;
    s->critic = (struct rh_critic){ rh_net_represented(&s->net.net), (int32_t)p->critic_hidden, RH_RELU };
    s->optimizer = (struct rh_optimizer_state){ .kind = RH_ADAM, .rate = p->critic_rate };
    size_t size = (size_t)rh_critic_size(&s->critic);
    s->psi = ctx->host->alloc(ctx, size, sizeof *s->psi);
    s->psi_first = ctx->host->alloc(ctx, size, sizeof *s->psi);
    s->psi_second = ctx->host->alloc(ctx, size, sizeof *s->psi);
    if (!s->psi || !s->psi_first || !s->psi_second)
        return RH_ENOMEM;
    struct rh_rng r = ctx->host->stream(ctx, "critic", 0);
    rh_critic_init(&s->critic, &r, s->psi);
    return rh_network_publish(ctx, &s->net, "adversarial");
}

/* ------------------------------------------------------------------------------------------------- the game */

/* The pairs of a step: n of the sources, then n of the target. */
struct game {
    int32_t capacity, n; /* of each side */
    int32_t *row, *slot; /* [2 n] */
    rh_real *g, *dg;     /* [2 n x G] */
    rh_real *hidden, *work, *value, *dvalue;
    rh_real *between, *penalty_work; /* [n x G] */
    rh_real *dpsi;
};

static int make_game(struct rh_ctx *ctx, const struct state *s, struct game *x)
{
    const struct rh_host *host = ctx->host;
    size_t n = (size_t)s->params->critic_pairs, G = (size_t)s->critic.G, U = (size_t)s->critic.U;
    *x = (struct game){ .capacity = (int32_t)n };
    x->row = host->scratch(ctx, 2 * n, sizeof *x->row);
    x->slot = host->scratch(ctx, 2 * n, sizeof *x->slot);
    x->g = host->scratch(ctx, 2 * n * G, sizeof *x->g);
    x->dg = host->scratch(ctx, 2 * n * G, sizeof *x->dg);
    x->hidden = host->scratch(ctx, 2 * n * U, sizeof *x->hidden);
    x->work = host->scratch(ctx, 2 * n * U, sizeof *x->work);
    x->value = host->scratch(ctx, 2 * n, sizeof *x->value);
    x->dvalue = host->scratch(ctx, 2 * n, sizeof *x->dvalue);
    x->between = host->scratch(ctx, n * G, sizeof *x->between);
    x->penalty_work = host->scratch(ctx, n * (3 * U + 2 * G), sizeof *x->penalty_work);
    x->dpsi = host->scratch(ctx, (size_t)rh_critic_size(&s->critic), sizeof *x->dpsi);
    return x->row && x->slot && x->g && x->dg && x->hidden && x->work && x->value && x->dvalue && x->between &&
                   x->penalty_work && x->dpsi
               ? RH_OK
               : RH_ENOMEM;
}

/* Rows of a side that have an item; evenly spaced ones of them, with the liked and the first sampled item in turn. */
static int32_t choose_side(const struct rh_batch *b, bool target, int32_t wanted, int32_t *row, int32_t *slot)
{
    int32_t there = 0, chosen = 0;
    for (int pass = 0; pass < 2; pass++) {
        int32_t seen = 0;
        for (int32_t g = 0; g < b->n_groups; g++) {
            if ((b->net->group[b->group[g]].domain == b->net->train->target) != target)
                continue;
            for (int32_t k = b->first_row[g]; k < b->first_row[g + 1]; k++) {
                const int32_t *items = b->slot + (size_t)k * (size_t)b->m;
                if (items[0] < 0)
                    continue;
                if (pass == 0) {
                    there++;
                } else {
                    while (chosen < wanted && (int64_t)chosen * there / wanted == seen) {
                        row[chosen] = k;
                        slot[chosen] = items[chosen % 2];
                        chosen++;
                    }
                }
                seen++;
            }
        }
        if (there == 0)
            return 0;
        wanted = wanted < 2 * there ? wanted : 2 * there;
    }
    return chosen;
}

/* One move of the critic on the pairs; returns its loss without the penalty. */
static double move_critic(struct rh_ctx *ctx, struct state *s, struct game *x, uint64_t step)
{
    const struct params *p = s->params;
    size_t G = (size_t)s->critic.G, n = (size_t)x->n;
    bool wasserstein = p->objective == RH_WASSERSTEIN;
    rh_critic_values(&s->critic, s->psi, 2 * x->n, x->g, x->hidden, x->value);
    double loss = rh_critic_loss((enum rh_adversary)p->objective, x->n, x->n, x->value, x->dvalue);
    rh_critic_back(&s->critic, s->psi, 2 * x->n, x->g, x->hidden, x->dvalue, x->dpsi, NULL, x->work);
    if (wasserstein && p->lipschitz == BY_PENALTY) {
        struct rh_rng r = ctx->host->stream(ctx, "penalty", step);
        for (size_t k = 0; k < n; k++) {
            rh_real share = (rh_real)rh_rng_uniform(&r);
            for (size_t j = 0; j < G; j++)
                x->between[k * G + j] = share * x->g[k * G + j] + (1 - share) * x->g[(n + k) * G + j];
        }
        rh_critic_penalty(&s->critic, s->psi, x->n, x->between, (rh_real)p->penalty, x->dpsi, x->penalty_work);
    }
    int64_t size = rh_critic_size(&s->critic);
    rh_nn_step(&s->optimizer, 1);
    rh_nn_descend(&s->optimizer, size, s->psi, x->dpsi, s->psi_first, s->psi_second);
    if (wasserstein && p->lipschitz == BY_CLIP)
        rh_nn_clip(size, s->psi, (rh_real)p->clip);
    return loss;
}

/* The game on a minibatch between learn and back; adds lambda times the gradient of what G lowers. Returns the last
 * loss of the critic. */
static double play(struct rh_ctx *ctx, struct state *s, struct rh_batch *b, struct game *x, rh_real lambda,
                   uint64_t step)
{
    const struct params *p = s->params;
    int32_t n_source = choose_side(b, false, x->capacity, x->row, x->slot);
    int32_t n_target = choose_side(b, true, x->capacity, x->row + n_source, x->slot + n_source);
    if (n_source == 0 || n_target == 0)
        return 0;
    x->n = n_source < n_target ? n_source : n_target;
    memmove(x->row + x->n, x->row + n_source, (size_t)x->n * sizeof *x->row);
    memmove(x->slot + x->n, x->slot + n_source, (size_t)x->n * sizeof *x->slot);
    struct rh_sides grad = rh_batch_extra(b);
    rh_net_represent(&s->net.net, 2 * x->n, x->row, x->slot, b->p, &b->sides, x->g);
    int64_t moves = p->objective == RH_DANN ? 0 : p->critic_steps;
    double loss = 0;
    for (int64_t i = 0; i < moves; i++)
        loss = move_critic(ctx, s, x, step * (uint64_t)p->critic_steps + (uint64_t)i);
    rh_critic_values(&s->critic, s->psi, 2 * x->n, x->g, x->hidden, x->value);
    rh_critic_feature_loss((enum rh_adversary)p->objective, x->n, x->n, x->value, x->dvalue);
    for (int32_t k = 0; k < 2 * x->n; k++)
        x->dvalue[k] *= lambda;
    memset(x->dg, 0, (size_t)(2 * x->n) * (size_t)s->critic.G * sizeof *x->dg);
    rh_critic_back(&s->critic, s->psi, 2 * x->n, x->g, x->hidden, x->dvalue, NULL, x->dg, x->work);
    rh_net_represent_back(&s->net.net, 2 * x->n, x->row, x->slot, b->p, &b->sides, x->g, x->dg, &grad, b->dp);
    if (p->objective == RH_DANN)
        loss = move_critic(ctx, s, x, step);
    return loss;
}

/* ------------------------------------------------------------------------------------------------- an epoch */

/* Groups of a side in random order. */
static int32_t *shuffled(struct rh_ctx *ctx, const struct rh_network *net, bool target, uint64_t epoch, int32_t *n)
{
    int32_t *order = ctx->host->scratch(ctx, (size_t)net->first_group[net->train->n_domains], sizeof *order);
    *n = 0;
    if (!order)
        return NULL;
    for (int32_t d = 0; d < net->train->n_domains; d++)
        for (int32_t g = net->first_group[d]; g < net->first_group[d + 1]; g++)
            if ((d == net->train->target) == target)
                order[(*n)++] = g;
    struct rh_rng r = ctx->host->stream(ctx, target ? "order" : "source order", epoch);
    rh_rng_shuffle(&r, order, *n);
    return order;
}

static int epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss)
{
    struct state *s = state;
    const struct params *p = s->params;
    int32_t n_target, n_source, size = (int32_t)p->batch;
    int32_t *target = shuffled(ctx, &s->net, true, (uint64_t)number, &n_target);
    int32_t *source = shuffled(ctx, &s->net, false, (uint64_t)number, &n_source);
    int32_t *group = ctx->host->scratch(ctx, 2 * (size_t)size, sizeof *group);
    struct rh_batch b;
    struct game x;
    if (!target || !source || !group)
        return RH_ENOMEM;
    int status = make_game(ctx, s, &x);
    if (status == RH_OK)
        status = rh_batch_init(ctx, &b, &s->net, 2 * size, s->all);
    if (status < 0)
        return status;
    for (int32_t d = 0; d < s->net.train->n_domains; d++)
        b.domain_weight[d] = d == s->net.train->target ? 1 : p->source_weight;
    double lambda = p->domain_weight * (p->ramp > 0 ? 2 / (1 + exp(-10 * number / p->ramp)) - 1 : 1);
    int32_t steps = (n_target + size - 1) / size, from = 0;
    double sum = 0, rows = 0, seen = 0;
    for (int32_t step = 0; step < steps && status == RH_OK; step++) {
        int32_t n = 0;
        for (int32_t k = step * size; k < (step + 1) * size && k < n_target; k++)
            group[n++] = target[k];
        for (int32_t k = n; k > 0 && n_source > 0; k--)
            group[n++] = source[from++ % n_source];
        uint64_t draw = (uint64_t)number * (uint64_t)steps + (uint64_t)step;
        status = ctx->host->tick(ctx, step, steps);
        if (status == RH_OK)
            status = rh_batch_draw(ctx, &b, draw, group, n);
        if (status == RH_OK)
            status = rh_batch_learn(ctx, &b);
        if (status == RH_OK && lambda > 0)
            seen += play(ctx, s, &b, &x, (rh_real)lambda, draw);
        if (status == RH_OK)
            status = rh_batch_back(ctx, &b);
        if (status == RH_OK)
            status = rh_batch_apply(ctx, &b, RH_PART_ALL, 1);
        sum += b.loss * (double)b.counted;
        rows += (double)b.counted;
    }
    *loss = rows > 0 ? sum / rows : 0;
    if (lambda > 0 && steps > 0)
        ctx->host->log(ctx, 2, "epoch %d: loss %.4f, critic's %.4f", number, *loss, seen / steps);
    return status < 0 ? status : rh_network_publish(ctx, &s->net, "adversarial");
}

static int score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                 size_t stride)
{
    const struct state *s = state;
    return rh_network_score(ctx, &s->net, s->all, query, n, out, stride);
}

/* The critic stays behind: it has no part in scores. */
static int persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    s->params = p;
    if (!s->all && choose_domains(ctx, train, s) < 0)
        return RH_ENOMEM;
    return rh_network_persist(ctx, &s->net, "adversarial", &p->network, train, s->all);
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
             RH_A_RANDOM,
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
