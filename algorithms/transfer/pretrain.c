/* pretrain: model transfer. The transfer network (algorithms/lib/network.h) is trained on the sources; then
 *
 *     mode = direct     it is applied to the target as it is: the target's training rows are never learned from, only
 *                       looked at in the histories of queries;
 *     mode = finetune   training goes on with the target: all weights, the layer and head, or the head alone, at the
 *                       learning rate times rate_factor (Yosinski et al. 2014, "How transferable are features in deep
 *                       neural networks?"; the parts that rest are the transferred features). tune = gradual begins
 *                       with the head, and takes in the layer in the second epoch and the tower in the third (Howard
 *                       and Ruder 2018, "Universal language model fine-tuning", ACL). l2_sp pulls the weights to those
 *                       of the sources instead of to 0 (Li, Grandvalet and Davoine 2018, "Explicit inductive bias for
 *                       transfer learning with convolutional networks", ICML).
 *
 * The source_epochs passes over the sources are made by fit; epochs are passes over the target, so that the host's
 * early stopping judges fine-tuning alone. What carries over is the item tower of shared features, the layer, and the
 * head; an item's own vector (item_ids) cannot, so an item of the target starts at its features. Cost: as `direct`,
 * for the rows of the sources source_epochs times, and for the target's once an epoch. */
#include "algorithms/lib/network.h"
#include "algorithms/lib/preconditions.h"

#include <rh/plugin.h>

enum mode { MODE_DIRECT, MODE_FINETUNE };

struct params {
    RH_NETWORK_FIELDS;
    int mode, tune;
    int64_t source_epochs;
    double rate_factor, l2_sp;
};

#define GRADUAL 0 /* of `tune`: parts of the network are not 0 */

static const struct rh_choice mode_words[] = {
    { "direct", MODE_DIRECT, "the source model as it is" },
    { "finetune", MODE_FINETUNE, "the source model trained on with the target" },
    { NULL, 0, NULL },
};
static const struct rh_choice tune_words[] = {
    { "all", RH_PART_ALL, "item tower, layer and head" },
    { "layers", RH_PART_LAYER | RH_PART_HEAD, "layer and head; the item tower rests" },
    { "head", RH_PART_HEAD, "the head alone" },
    { "gradual", GRADUAL, "the head, from the second epoch the layer too, from the third all" },
    { NULL, 0, NULL },
};
static const struct rh_param params_table[] = {
    RH_NETWORK_PARAMS(struct params),
    RH_ENUM(struct params, mode, MODE_FINETUNE, mode_words, "what happens after the sources"),
    RH_INT(struct params, source_epochs, 6, 1, 10000, "passes over the sources, before the epochs on the target"),
    RH_ENUM(struct params, tune, RH_PART_ALL, tune_words, "parts that move in fine-tuning"),
    RH_REAL(struct params, rate_factor, 1, 1e-6, 1000, "learning rate of fine-tuning by that of the sources"),
    RH_REAL(struct params, l2_sp, 0, 0, 1000,
            "pull to the weights of the sources in place of decay: share of the way by a step of rate 1; 0: none"),
    RH_PARAMS_END,
};

struct state {
    const struct params *params;
    struct rh_network net;
    struct rh_domain_sets of;
    double source_loss;
};

static int fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    s->params = p;
    if (rh_domain_sets_init(ctx, &s->of, train) < 0)
        return RH_ENOMEM;
    int status = rh_needs_source_rows(ctx, "pretrain", train);
    if (status >= 0)
        status = rh_needs_shared_features(ctx, "pretrain", "to carry over", train);
    if (status >= 0)
        status = rh_network_init(ctx, &s->net, "pretrain", &p->network, train, s->of.all);
    bool loads = ctx->host->purpose(ctx) & RH_FOR_LOADING; /* over what the passes would make */
    for (int64_t e = 1; e <= p->source_epochs && !loads && status == RH_OK; e++) {
        status = rh_network_pass(ctx, &s->net, (uint64_t)e, s->of.sources, s->of.sources, RH_PART_ALL, 1,
                                 &s->source_loss);
        ctx->host->log(ctx, 2, "sources, pass %lld: loss %.4f", (long long)e, s->source_loss);
    }
    if (status < 0)
        return status;
    /* The optimiser's memory is of the sources' gradients: fine-tuning starts without it. */
    rh_network_forget(&s->net);
    if (p->l2_sp > 0 && (status = rh_network_anchor(ctx, &s->net, p->l2_sp)) < 0)
        return status;
    return rh_network_publish(ctx, &s->net, "pretrain");
}

static unsigned parts_in(const struct params *p, int32_t epoch)
{
    if (p->tune != GRADUAL)
        return (unsigned)p->tune;
    return epoch == 1 ? RH_PART_HEAD : epoch == 2 ? RH_PART_HEAD | RH_PART_LAYER : RH_PART_ALL;
}

static int epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss)
{
    struct state *s = state;
    const struct params *p = s->params;
    if (p->mode == MODE_DIRECT) {
        *loss = s->source_loss;
        return RH_DONE;
    }
    int status = rh_network_pass(ctx, &s->net, (uint64_t)p->source_epochs + (uint64_t)number, s->of.target, s->of.all,
                                 parts_in(p, number), p->rate_factor, loss);
    return status < 0 ? status : rh_network_publish(ctx, &s->net, "pretrain");
}

static int score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                 size_t stride)
{
    const struct state *s = state;
    return rh_network_score(ctx, &s->net, s->of.all, query, n, out, stride);
}

static int persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    s->params = p;
    if (!s->of.all && rh_domain_sets_init(ctx, &s->of, train) < 0)
        return RH_ENOMEM;
    int status = rh_network_persist(ctx, &s->net, "pretrain", &p->network, train, s->of.all);
    if (status >= 0 && ctx->host->purpose(ctx) & RH_FOR_STARTING)
        status = ctx->host->value(ctx, "source_loss", &s->source_loss, sizeof s->source_loss);
    return status;
}

static const struct rh_algorithm pretrain = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "pretrain",
    .summary = "model transfer: trained on the sources, then applied as it is or fine-tuned on the target",
    .reference = "Yosinski et al. 2014, How transferable are features in deep neural networks?",
    .cost = "fit source_epochs passes over the sources, epoch one pass over the target, each O(rows x (negatives + "
            "1) x H E), score O(I H) a query, memory as direct",
    .advice = "When the sources are larger than the target and share features with it. Begin with mode = finetune, "
              "and tune rate_factor and what is tuned; on a small target l2_sp (0.1 to 10) or tune = gradual keeps "
              "more of the sources. mode = direct shows what carries over at all. Judge it against direct.",
    .revision = 1,
    .flags = RH_A_USES_SOURCES | RH_A_NEEDS_SOURCES | RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS |
             RH_A_RANDOM | RH_A_RESUMES | RH_A_BY_FEATURES,
    .params = params_table,
    .params_size = sizeof(struct params),
    .state_size = sizeof(struct state),
    .epochs = 8,
    .fit = fit,
    .epoch = epoch,
    .score = score,
    .persist = persist,
};
RH_ALGORITHM(pretrain)
