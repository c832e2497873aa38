/* The game of adversarial transfer as a term of joint training (joint.h): a domain critic (critic.h) learns to tell
 * the pairs of the sources from those of the target, and the representations learn that it cannot.
 *
 * A step: `steps` moves of the critic on the pairs (dann: one, together with the representations), then the gradient
 * that lowers what it sees. The critic has an Adam of its own. A wasserstein critic is kept 1-Lipschitz by the
 * gradient penalty at points between the domains, or by clipping its weights. Cost of a move: 2 pairs * U * G * 6
 * operations. */
#ifndef RH_ALGORITHMS_LIB_GAME_H
#define RH_ALGORITHMS_LIB_GAME_H

#include "algorithms/lib/critic.h"
#include "algorithms/lib/joint.h"

struct rh_game_params {
    enum rh_adversary objective;
    bool clipped; /* a wasserstein critic by `clip`; else by `penalty` */
    int64_t hidden, steps;
    double rate, penalty, clip;
};

struct rh_game {
    struct rh_game_params params;
    struct rh_critic critic;
    rh_real *psi, *psi_first, *psi_second; /* [rh_critic_size] */
    struct rh_optimizer_state optimizer;
};

/* A random critic of representations of width G. */
int rh_game_init(struct rh_ctx *ctx, struct rh_game *game, const struct rh_game_params *params, int32_t G);

/* Room for the moves of an epoch, from scratch, for up to `pairs` pairs of each side. */
struct rh_game_round {
    struct rh_game *game;
    rh_real *hidden, *work;          /* [2 pairs x U] */
    rh_real *value, *dvalue;         /* [2 pairs] */
    rh_real *between, *penalty_work; /* between: [pairs x G] */
    rh_real *dpsi;
};
int rh_game_round(struct rh_ctx *ctx, struct rh_game *game, int64_t pairs, struct rh_game_round *round);

/* The term; arg: a struct rh_game_round. Returns the last loss of the critic. */
double rh_game_play(struct rh_ctx *ctx, void *arg, const struct rh_joint_pairs *x, rh_real lambda, uint64_t step);

/* The part of persist that training on needs: the critic; for RH_FOR_RESUMING the memory of its optimiser. */
int rh_game_persist(struct rh_ctx *ctx, struct rh_game *game, unsigned purpose);

#endif
