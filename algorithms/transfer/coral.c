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
#include "algorithms/lib/align.h"
#include "algorithms/lib/joint.h"

#include <rh/plugin.h>

struct params {
    RH_NETWORK_FIELDS;
    RH_JOINT_FIELDS;
};

static const struct rh_param params_table[] = {
    RH_NETWORK_PARAMS(struct params),
    RH_JOINT_PARAMS(struct params, 100, 65536),
    RH_PARAMS_END,
};

struct state {
    struct rh_joint joint;
};

static int fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    int status = rh_joint_init(ctx, &s->joint, "coral", &p->network, &p->joint, train);
    return status < 0 ? status : rh_network_publish(ctx, &s->joint.net, "coral");
}

static double distance(struct rh_ctx *ctx, void *arg, const struct rh_joint_pairs *x, rh_real lambda, uint64_t step)
{
    (void)ctx, (void)step;
    return rh_coral(x->n, x->G, x->g, lambda, x->dg, arg);
}

static int epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss)
{
    struct state *s = state;
    size_t size = rh_coral_work((int32_t)s->joint.params.pairs, rh_net_represented(&s->joint.net.net));
    rh_real *work = ctx->host->scratch(ctx, size, sizeof *work);
    return work ? rh_joint_epoch(ctx, &s->joint, number, distance, work, loss) : RH_ENOMEM;
}

static int score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                 size_t stride)
{
    return rh_joint_score(ctx, &((const struct state *)state)->joint, query, n, out, stride);
}

static int persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct state *s = state;
    return rh_joint_persist(ctx, &s->joint, "coral", &((const struct params *)params)->network, train);
}

static const struct rh_algorithm coral = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "coral",
    .summary = "feature transfer: representations with the same correlations in the source and the target",
    .reference = "Sun and Saenko 2016, Deep CORAL: Correlation alignment for deep domain adaptation",
    .cost = "epoch twice that of direct, and O(pairs x (H + 2 E)^2) a step, memory as direct",
    .advice = "When features mean something else in the source than in the target, and a critic is too restless. "
              "Tune domain_weight first, with domain_weight = 0 as the twin without alignment; judge it against "
              "direct too.",
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
RH_ALGORITHM(coral)
