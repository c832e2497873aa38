#include "algorithms/lib/aligned.h"

struct rh_aligned_kind rh_aligned_usual(const char *name, enum rh_aligner term)
{
    static const double weight[] = { RH_CORAL_WEIGHT, RH_MMD_WEIGHT, RH_CRITIC_WEIGHT };
    return (struct rh_aligned_kind){
        .name = name,
        .term = term,
        .joint = { weight[term], RH_SOURCE_WEIGHT, RH_ALIGN_RAMP, RH_ALIGN_PAIRS },
        .mmd = { .kernels = RH_MMD_USUAL_KERNELS },
        .game = { .objective = RH_WASSERSTEIN,
                  .hidden = RH_CRITIC_HIDDEN,
                  .steps = RH_CRITIC_STEPS,
                  .rate = RH_CRITIC_RATE,
                  .penalty = RH_CRITIC_PENALTY,
                  .clip = RH_CRITIC_CLIP },
    };
}

static int make_term(struct rh_ctx *ctx, struct rh_aligned *s)
{
    if (s->kind.term != RH_BY_CRITIC)
        return RH_OK;
    return rh_game_init(ctx, &s->game, &s->kind.game, rh_net_represented(&s->joint.net.net));
}

int rh_aligned_take(struct rh_ctx *ctx, struct rh_aligned *s, struct rh_aligned_kind kind,
                    const struct rh_network *net)
{
    s->kind = kind;
    int status = rh_joint_take(ctx, &s->joint, kind.name, net, &kind.joint);
    return status < 0 ? status : make_term(ctx, s);
}

int rh_aligned_fit(struct rh_ctx *ctx, struct rh_aligned *s, struct rh_aligned_kind kind,
                   const struct rh_network_params *network, const struct rh_train *train)
{
    s->kind = kind;
    int status = rh_joint_init(ctx, &s->joint, kind.name, network, &kind.joint, train);
    if (status == RH_OK)
        status = make_term(ctx, s);
    return status < 0 ? status : rh_network_publish(ctx, &s->joint.net, kind.name);
}

/* ------------------------------------------------------------------------------------------------- the terms */

static double correlate(struct rh_ctx *ctx, void *arg, const struct rh_joint_pairs *x, rh_real lambda, uint64_t step)
{
    (void)ctx, (void)step;
    return rh_coral(x->n, x->G, x->g, lambda, x->dg, arg);
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

int rh_aligned_epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss)
{
    struct rh_aligned *s = state;
    int32_t pairs = (int32_t)s->kind.joint.pairs, G = rh_net_represented(&s->joint.net.net);
    if (s->kind.term == RH_BY_CRITIC) {
        struct rh_game_round round;
        int status = rh_game_round(ctx, &s->game, pairs, &round);
        return status < 0 ? status : rh_joint_epoch(ctx, &s->joint, number, rh_game_play, &round, loss);
    }
    bool coral = s->kind.term == RH_BY_CORAL;
    size_t size = coral ? rh_coral_work(pairs, G) : rh_mmd_work(&s->kind.mmd, pairs, G);
    rh_real *work = ctx->host->scratch(ctx, size, sizeof *work);
    struct measure m = { &s->kind.mmd, work };
    if (!work)
        return RH_ENOMEM;
    return rh_joint_epoch(ctx, &s->joint, number, coral ? correlate : discrepancy, coral ? (void *)work : &m, loss);
}

/* ------------------------------------------------------------------------------------------- other callbacks */

int rh_aligned_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                     size_t stride)
{
    return rh_joint_score(ctx, &((const struct rh_aligned *)state)->joint, query, n, out, stride);
}

int rh_aligned_persist(struct rh_ctx *ctx, struct rh_aligned *s, struct rh_aligned_kind kind,
                       const struct rh_network_params *network, const struct rh_train *train)
{
    unsigned purpose = ctx->host->purpose(ctx);
    int status = RH_OK;
    s->kind = kind;
    if (kind.term == RH_BY_CRITIC && s->game.psi && purpose & RH_FOR_STARTING)
        status = rh_game_persist(ctx, &s->game, purpose);
    return status < 0 ? status : rh_joint_persist(ctx, &s->joint, kind.name, network, train);
}
