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
#include "algorithms/lib/align.h"
#include "algorithms/lib/joint.h"

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
    RH_JOINT_PARAMS(struct params, 0.3, 4096),
    RH_ENUM(struct params, estimator, QUADRATIC, estimator_words, "how the discrepancy is estimated"),
    RH_INT(struct params, kernels, 5, 1, RH_MMD_KERNELS, "Gaussian kernels, each twice as wide as the one before"),
    RH_PARAMS_END,
};

struct state {
    struct rh_joint joint;
    struct rh_mmd mmd;
};

static int fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    s->mmd = (struct rh_mmd){ .kernels = (int32_t)p->kernels, .linear = p->estimator == LINEAR };
    int status = rh_joint_init(ctx, &s->joint, "mmd", &p->network, &p->joint, train);
    return status < 0 ? status : rh_network_publish(ctx, &s->joint.net, "mmd");
}

struct measure {
    const struct rh_mmd *mmd;
    rh_real *work;
};

static double discrepancy(struct rh_ctx *ctx, void *arg, const struct rh_joint_pairs *x, rh_real lambda,
                          uint64_t step)
{
    (void)ctx, (void)step;
    struct measure *m = arg;
    double bandwidth = 0;
    return rh_mmd(m->mmd, x->n, x->G, x->g, &bandwidth, lambda, x->dg, m->work);
}

static int epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss)
{
    struct state *s = state;
    struct measure m = { .mmd = &s->mmd };
    size_t size = rh_mmd_work(&s->mmd, (int32_t)s->joint.params.pairs, rh_net_represented(&s->joint.net.net));
    m.work = ctx->host->scratch(ctx, size, sizeof *m.work);
    return m.work ? rh_joint_epoch(ctx, &s->joint, number, discrepancy, &m, loss) : RH_ENOMEM;
}

static int score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                 size_t stride)
{
    return rh_joint_score(ctx, &((const struct state *)state)->joint, query, n, out, stride);
}

static int persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct state *s = state;
    return rh_joint_persist(ctx, &s->joint, "mmd", &((const struct params *)params)->network, train);
}

static const struct rh_algorithm mmd = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
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
RH_ALGORITHM(mmd)
