#include "algorithms/lib/game.h"

int rh_game_init(struct rh_ctx *ctx, struct rh_game *game, const struct rh_game_params *params, int32_t G)
{
    *game = (struct rh_game){
        .params = *params,
        .critic = { G, (int32_t)params->hidden, RH_RELU },
        .optimizer = { .kind = RH_ADAM, .rate = params->rate },
    };
    size_t size = (size_t)rh_critic_size(&game->critic);
    game->psi = ctx->host->alloc(ctx, size, sizeof *game->psi);
    game->psi_first = ctx->host->alloc(ctx, size, sizeof *game->psi);
    game->psi_second = ctx->host->alloc(ctx, size, sizeof *game->psi);
    if (!game->psi || !game->psi_first || !game->psi_second)
        return RH_ENOMEM;
    struct rh_rng r = ctx->host->stream(ctx, "critic", 0);
    rh_critic_init(&game->critic, &r, game->psi);
    return RH_OK;
}

int rh_game_round(struct rh_ctx *ctx, struct rh_game *game, int64_t pairs, struct rh_game_round *x)
{
    const struct rh_host *host = ctx->host;
    size_t n = (size_t)pairs, G = (size_t)game->critic.G, U = (size_t)game->critic.U;
    *x = (struct rh_game_round){ .game = game };
    x->hidden = host->scratch(ctx, 2 * n * U, sizeof *x->hidden);
    x->work = host->scratch(ctx, 2 * n * U, sizeof *x->work);
    x->value = host->scratch(ctx, 2 * n, sizeof *x->value);
    x->dvalue = host->scratch(ctx, 2 * n, sizeof *x->dvalue);
    x->between = host->scratch(ctx, n * G, sizeof *x->between);
    x->penalty_work = host->scratch(ctx, n * (3 * U + 2 * G), sizeof *x->penalty_work);
    x->dpsi = host->scratch(ctx, (size_t)rh_critic_size(&game->critic), sizeof *x->dpsi);
    return x->hidden && x->work && x->value && x->dvalue && x->between && x->penalty_work && x->dpsi ? RH_OK
                                                                                                     : RH_ENOMEM;
}

/* One move of the critic on the pairs; returns its loss without the penalty. */
static double move_critic(struct rh_ctx *ctx, struct rh_game_round *round, const struct rh_joint_pairs *x,
                          uint64_t step)
{
    struct rh_game *game = round->game;
    const struct rh_game_params *p = &game->params;
    size_t G = (size_t)game->critic.G, n = (size_t)x->n;
    bool wasserstein = p->objective == RH_WASSERSTEIN;
    rh_critic_values(&game->critic, game->psi, 2 * x->n, x->g, round->hidden, round->value);
    double loss = rh_critic_loss(p->objective, x->n, x->n, round->value, round->dvalue);
    rh_critic_back(&game->critic, game->psi, 2 * x->n, x->g, round->hidden, round->dvalue, round->dpsi, NULL,
                   round->work);
    if (wasserstein && !p->clipped) {
        struct rh_rng r = ctx->host->stream(ctx, "penalty", step);
        for (size_t k = 0; k < n; k++) {
            rh_real share = (rh_real)rh_rng_uniform(&r);
            for (size_t j = 0; j < G; j++)
                round->between[k * G + j] = share * x->g[k * G + j] + (1 - share) * x->g[(n + k) * G + j];
        }
        rh_critic_penalty(&game->critic, game->psi, x->n, round->between, (rh_real)p->penalty, round->dpsi,
                          round->penalty_work);
    }
    int64_t size = rh_critic_size(&game->critic);
    rh_nn_step(&game->optimizer, 1);
    rh_nn_descend(&game->optimizer, size, game->psi, round->dpsi, game->psi_first, game->psi_second);
    if (wasserstein && p->clipped)
        rh_nn_clip(size, game->psi, (rh_real)p->clip);
    return loss;
}

double rh_game_play(struct rh_ctx *ctx, void *arg, const struct rh_joint_pairs *x, rh_real lambda, uint64_t step)
{
    struct rh_game_round *round = arg;
    struct rh_game *game = round->game;
    const struct rh_game_params *p = &game->params;
    int64_t moves = p->objective == RH_DANN ? 0 : p->steps;
    double loss = 0;
    for (int64_t i = 0; i < moves; i++)
        loss = move_critic(ctx, round, x, step * (uint64_t)p->steps + (uint64_t)i);
    rh_critic_values(&game->critic, game->psi, 2 * x->n, x->g, round->hidden, round->value);
    rh_critic_feature_loss(p->objective, x->n, x->n, round->value, round->dvalue);
    for (int32_t k = 0; k < 2 * x->n; k++)
        round->dvalue[k] *= lambda;
    rh_critic_back(&game->critic, game->psi, 2 * x->n, x->g, round->hidden, round->dvalue, NULL, x->dg, round->work);
    return p->objective == RH_DANN ? move_critic(ctx, round, x, step) : loss;
}

int rh_game_persist(struct rh_ctx *ctx, struct rh_game *game, unsigned purpose)
{
    const struct rh_host *host = ctx->host;
    int64_t size = rh_critic_size(&game->critic);
    int status = host->field(ctx, "critic", &game->psi, size, sizeof *game->psi);
    if (status < 0 || !(purpose & RH_FOR_RESUMING))
        return status;
    if ((status = host->field(ctx, "critic first", &game->psi_first, size, sizeof *game->psi)) < 0 ||
        (status = host->field(ctx, "critic second", &game->psi_second, size, sizeof *game->psi)) < 0)
        return status;
    return host->value(ctx, "critic steps", &game->optimizer.step, sizeof game->optimizer.step);
}
