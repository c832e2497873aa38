/* Factor models that learn to put an item that a user has above one they have not: what `bpr` and `warp` share.
 *
 *     score(u, i) = p(u).q(i) + b(i),   x = score(u, liked) - score(u, other)
 *
 * Losses of a triple: log (softplus(-x), Rendle et al. 2009) or hinge (weight max(0, 1 - x), Weston et al. 2011),
 * plus (reg_user |p|^2 + reg_liked |q(liked)|^2 + reg_other |q(other)|^2 + reg_bias (b(liked)^2 + b(other)^2)) / 2.
 *  */
#ifndef RH_ALGORITHMS_PAIRWISE_H
#define RH_ALGORITHMS_PAIRWISE_H

#include "algorithms/lib/pairs.h"

enum rh_pair_loss { RH_PAIR_LOG, RH_PAIR_HINGE };
enum rh_pair_step { RH_PAIR_SGD, RH_PAIR_ADAGRAD, RH_PAIR_ADAM };
enum rh_pair_init { RH_INIT_NORMAL, RH_INIT_XAVIER };

extern const struct rh_choice rh_pair_step_words[], rh_pair_init_words[];

struct rh_pair_table { /* rows of one side */
    int64_t n;
    /* [n x width] weights; adagrad: second, sums of squared gradients; adam: both moments */
    float *x, *first, *second;
};

struct rh_pair_model {
    struct rh_pair_table user, item, bias; /* bias: rows of 1; x NULL: none */
    int32_t factors, width;
    int loss, step;
    float rate, reg_user, reg_liked, reg_other, reg_bias;
    int64_t batch, steps; /* adam: triples a step; steps made */
};

/* Tables with random vectors, and what `step` needs; users without a row in pairs have a vector of zeros, for nothing
 * is learned about them. m: sizes and settings are set. */
int rh_pair_model_init(struct rh_ctx *ctx, struct rh_pair_model *m, const struct rh_pairs *pairs, int init, double sd,
                       bool bias);
/* One pass; l->pairs, draw and chunk are set. *loss: mean over the triples of a pass, without regularisation.
 * RH_ENUMERIC when it is no number any more. */
int rh_pair_model_pass(struct rh_ctx *ctx, struct rh_pair_model *m, struct rh_learning *l, int32_t epoch,
                       double *loss);
/* For the score callback. A query is answered by the row of its user. */
int rh_pair_model_score(struct rh_ctx *ctx, const struct rh_pair_model *m, const struct rh_query *query, int32_t n,
                        float *out, size_t stride);
/* m: sizes are set. */
int rh_pair_model_persist(struct rh_ctx *ctx, struct rh_pair_model *m, bool bias);

#endif
