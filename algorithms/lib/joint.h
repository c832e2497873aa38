/* Training on the sources and the target together while a term on their representations ties the domains: what
 * `adversarial`, `coral` and `mmd` have in common.
 *
 *     min over tower, G, head   loss_target + source_weight * loss_source + lambda * term(G of sources, G of target)
 *
 * A step: a minibatch of target groups and as many source groups (network.h), and from their rows `pairs` pairs of
 * each side, a liked and a sampled item in turn, whose representations G(p, t) (net.h) the term sees. lambda grows to
 * domain_weight over `ramp` epochs e as 2 / (1 + exp(-10 e / ramp)) - 1 (Ganin et al. 2016).
 *
 * An epoch is a pass over the target with as much of the sources. With domain_weight = 0 the domains are only trained
 * together, with the same minibatches: the twin without alignment. */
#ifndef RH_ALGORITHMS_LIB_JOINT_H
#define RH_ALGORITHMS_LIB_JOINT_H

#include "algorithms/lib/network.h"

struct rh_joint_params {
    double domain_weight, source_weight, ramp;
    int64_t pairs; /* of each side in a step, at least 2 */
};
/* Members and rows of the parameters of algorithms that take them as they are. `weight`: domain_weight's default. */
#define RH_JOINT_FIELDS                                                                                              \
    union {                                                                                                          \
        struct rh_joint_params joint;                                                                                \
        struct {                                                                                                     \
            double domain_weight, source_weight, ramp;                                                               \
            int64_t pairs;                                                                                           \
        };                                                                                                           \
    }
#define RH_SOURCE_WEIGHT 0.5 /* defaults, of parameters of other names too */
#define RH_ALIGN_RAMP 4
#define RH_ALIGN_PAIRS 128
#define RH_JOINT_PARAMS(S, weight, most_pairs)                                                                       \
    RH_REAL(S, domain_weight, weight, 0, 1e6, "weight of the alignment (lambda); 0: the twin without it"),           \
        RH_REAL(S, source_weight, RH_SOURCE_WEIGHT, 0, 1000, "weight of the sources' liked items for the head"),     \
        RH_REAL(S, ramp, RH_ALIGN_RAMP, 0, 1e6, "epochs over which lambda grows to domain_weight; 0: at once"),      \
        RH_INT(S, pairs, RH_ALIGN_PAIRS, 2, most_pairs,                                                              \
            "pairs of each side whose representations are aligned in a step")

struct rh_joint {
    const char *who; /* begins the sentence of a refusal */
    struct rh_joint_params params;
    struct rh_network net;
    bool *all; /* [n_domains] every domain is learned from and looked at */
};

/* RH_EDATA, with a sentence, where no source has interactions, or no source a block of features that the target has. */
int rh_joint_refuse(struct rh_ctx *ctx, const char *who, const struct rh_train *train);

/* Makes an untrained network over all domains. RH_EDATA, with a sentence: the sources have no interactions, or no
 * features that the target has too. */
int rh_joint_init(struct rh_ctx *ctx, struct rh_joint *joint, const char *who,
                  const struct rh_network_params *network, const struct rh_joint_params *params,
                  const struct rh_train *train);

/* The same with a network that is there and looks at every domain; its weights and its optimiser go on. */
int rh_joint_take(struct rh_ctx *ctx, struct rh_joint *joint, const char *who, const struct rh_network *net,
                  const struct rh_joint_params *params);

/* The pairs of a step: n of the sources, then n of the target. */
struct rh_joint_pairs {
    int32_t capacity, n; /* of each side */
    int32_t G;
    int32_t *row, *slot; /* [2 n] */
    int32_t *item;       /* [2 n] numbered through (tower.h) */
    rh_real *g, *dg;     /* [2 n x G] */
};

/* A term of the pairs: adds lambda times its gradient by g to dg, returns its value. `step` numbers random streams: a
 * number once. Called on one thread. */
typedef double rh_joint_term(struct rh_ctx *ctx, void *arg, const struct rh_joint_pairs *x, rh_real lambda,
                             uint64_t step);

/* Epoch `number` and publishing. *loss: of the head, without the term. */
int rh_joint_epoch(struct rh_ctx *ctx, struct rh_joint *joint, int32_t number, rh_joint_term *term, void *arg,
                   double *loss);

int rh_joint_score(struct rh_ctx *ctx, const struct rh_joint *joint, const struct rh_query *query, int32_t n,
                   float *out, size_t stride);
/* The term stays behind: it has no part in scores. */
int rh_joint_persist(struct rh_ctx *ctx, struct rh_joint *joint, const char *who,
                     const struct rh_network_params *network, const struct rh_train *train);

#endif
