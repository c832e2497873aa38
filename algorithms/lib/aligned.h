/* The whole of joint training (joint.h) with one of three terms: what `coral`, `mmd` and `adversarial` are, and where
 * the meta-learners may start from (learner.h). They differ in how they measure how far apart the representations of
 * the domains are:
 *
 *     coral    the distance of the covariances (align.h)
 *     mmd      the maximum mean discrepancy (align.h); the bandwidth follows the pairs of each step
 *     critic   what a critic that learns along sees (game.h) */
#ifndef RH_ALGORITHMS_LIB_ALIGNED_H
#define RH_ALGORITHMS_LIB_ALIGNED_H

#include "algorithms/lib/align.h"
#include "algorithms/lib/game.h"
#include "algorithms/lib/joint.h"

enum rh_aligner { RH_BY_CORAL, RH_BY_MMD, RH_BY_CRITIC };

/* Usual settings: defaults of the plugins, and what the meta-learners take. The weights (of the term, lambda) differ
 * because the terms have different scales. */
#define RH_CORAL_WEIGHT 100
#define RH_MMD_WEIGHT 0.3
#define RH_CRITIC_WEIGHT 0.02
#define RH_MMD_USUAL_KERNELS 5
#define RH_CRITIC_HIDDEN 32
#define RH_CRITIC_STEPS 3
#define RH_CRITIC_RATE 0.005
#define RH_CRITIC_PENALTY 10
#define RH_CRITIC_CLIP 0.1

/* What makes the one aligned method different from the other. */
struct rh_aligned_kind {
    const char *name; /* begins the sentence of a refusal */
    enum rh_aligner term;
    struct rh_joint_params joint;
    struct rh_mmd mmd;          /* of RH_BY_MMD */
    struct rh_game_params game; /* of RH_BY_CRITIC */
};
/* With the usual settings. */
struct rh_aligned_kind rh_aligned_usual(const char *name, enum rh_aligner term);

/* A state of zeroes, then fit or persist. It is all there is in the state of a plugin. */
struct rh_aligned {
    struct rh_aligned_kind kind;
    struct rh_joint joint;
    struct rh_game game; /* of RH_BY_CRITIC */
};

int rh_aligned_fit(struct rh_ctx *ctx, struct rh_aligned *s, struct rh_aligned_kind kind,
                   const struct rh_network_params *network, const struct rh_train *train);
/* The same with a network that is there (rh_joint_take); it stands in s->joint.net afterwards. */
int rh_aligned_take(struct rh_ctx *ctx, struct rh_aligned *s, struct rh_aligned_kind kind,
                    const struct rh_network *net);
/* For RH_A_RESUMES. For scoring the term stays behind: it has no part in scores. */
int rh_aligned_persist(struct rh_ctx *ctx, struct rh_aligned *s, struct rh_aligned_kind kind,
                       const struct rh_network_params *network, const struct rh_train *train);
/* The callbacks of a plugin whose state is a struct rh_aligned. Those that need to know its kind are written by
 * RH_ALIGNED_CALLBACKS, after `struct params`, which has RH_NETWORK_FIELDS, and kind_of(params);
 * RH_ALIGNED_DESCRIPTOR is what their descriptors have in common. */
int rh_aligned_epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss);
int rh_aligned_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                     size_t stride);
#define RH_ALIGNED_CALLBACKS                                                                                         \
    static int fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)                \
    {                                                                                                                \
        const struct params *p = params;                                                                             \
        return rh_aligned_fit(ctx, state, kind_of(p), &p->network, train);                                           \
    }                                                                                                                \
    static int persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)            \
    {                                                                                                                \
        const struct params *p = params;                                                                             \
        return rh_aligned_persist(ctx, state, kind_of(p), &p->network, train);                                       \
    }
#define RH_ALIGNED_DESCRIPTOR                                                                                        \
    .abi = RH_ABI, .size = sizeof(struct rh_algorithm),                                                              \
    .flags = RH_A_USES_SOURCES | RH_A_NEEDS_SOURCES | RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS | \
             RH_A_RANDOM | RH_A_RESUMES | RH_A_BY_FEATURES,                                                          \
    .params = params_table, .params_size = sizeof(struct params), .state_size = sizeof(struct rh_aligned),           \
    .epochs = 12, .fit = fit, .epoch = rh_aligned_epoch, .score = rh_aligned_score, .persist = persist

#endif
