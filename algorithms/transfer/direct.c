/* direct: the transfer network trained on the target alone.
 *
 * The twin without transfer of `adversarial`, `pretrain` and `maml`: the same item tower, user vectors, feature
 * extractor, head, loss and number of passes (algorithms/lib/network.h has the equations and the cost), and no source
 * domain anywhere, neither in training nor in the histories that it looks at. What one of the others gains over it is
 * the gain of transfer.
 *
 * The head beside the hidden layer follows He et al. 2017, "Neural collaborative filtering" (NeuMF); users as means
 * of their items follow Kabbur et al. 2013, "FISM"; the loss is Rendle et al. 2009, "BPR", by default.
 *
 * Memory: 4 (columns + items) E for the tower with its optimiser, 3 for each feature of an item, items (2 E + H) for
 * scoring, all of 4 bytes. */
#include "algorithms/lib/network.h"

#include <rh/plugin.h>

struct params {
    RH_NETWORK_FIELDS;
};

static const struct rh_param params_table[] = {
    RH_NETWORK_PARAMS(struct params),
    RH_PARAMS_END,
};

struct state {
    struct rh_network net;
    bool *target; /* [n_domains] the target, and nothing else */
};

static int choose_domains(struct rh_ctx *ctx, const struct rh_train *train, struct state *s)
{
    s->target = ctx->host->alloc(ctx, (size_t)train->n_domains, sizeof *s->target);
    if (!s->target)
        return RH_ENOMEM;
    s->target[train->target] = true;
    return RH_OK;
}

static int fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    if (choose_domains(ctx, train, s) < 0)
        return RH_ENOMEM;
    int status = rh_network_init(ctx, &s->net, "direct", &p->network, train, s->target);
    return status < 0 ? status : rh_network_publish(ctx, &s->net, "direct");
}

static int epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss)
{
    struct state *s = state;
    int status = rh_network_pass(ctx, &s->net, (uint64_t)number, s->target, s->target, RH_PART_ALL, 1, loss);
    return status < 0 ? status : rh_network_publish(ctx, &s->net, "direct");
}

static int score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                 size_t stride)
{
    const struct state *s = state;
    return rh_network_score(ctx, &s->net, s->target, query, n, out, stride);
}

static int persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    if (!s->target && choose_domains(ctx, train, s) < 0)
        return RH_ENOMEM;
    return rh_network_persist(ctx, &s->net, "direct", &p->network, train, s->target);
}

static const struct rh_algorithm direct = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "direct",
    .summary = "the transfer network trained on the target alone: the twin without transfer",
    .reference = "He et al. 2017, Neural collaborative filtering; Kabbur et al. 2013, FISM",
    .cost = "epoch O(rows x (negatives + 1) x H E), score O(I H) a query, memory 16 (columns + I) E bytes for the "
            "tower, 12 for each feature of an item and 4 I (2 E + H) for scoring, with E the embedding and H the "
            "hidden size",
    .advice = "The twin without transfer of adversarial, pretrain and maml: give it the same settings. Tune the "
              "learning rate and the number of epochs first.",
    .revision = 1,
    .flags = RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS | RH_A_RANDOM |
             RH_A_RESUMES | RH_A_BY_FEATURES,
    .params = params_table,
    .params_size = sizeof(struct params),
    .state_size = sizeof(struct state),
    .epochs = 12,
    .fit = fit,
    .epoch = epoch,
    .score = score,
    .persist = persist,
};
RH_ALGORITHM(direct)
