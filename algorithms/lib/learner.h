/* The whole of a meta-learner on the transfer network: what `maml`, `fomaml`, `anil`, `reptile` and `meta_sgd` have
 * in common. They differ in the gradient of the outer loop and in what the inner loop moves (meta.h).
 *
 * Every user of a domain is a task. Their rows are cut anew in each epoch into a support set of 1 to `shots` items
 * and a query set. The inner loop takes inner_steps gradient steps on the support loss; the outer loop moves the
 * start, the shared item tower included, so that the loss on the query after these steps falls. Whose rows are tasks
 * says `tasks`.
 *
 * What a step buys. Look at the linear head alone, s = q . t with q = p * w2 + w3, and at the ranking loss of a liked
 * t_j against sampled items, whose mean is m_j: a step adds rate * sum over j of g_j (t_j - m_j) to q, g_j being the
 * weight of row j times sigma(-margin), about a half where nothing is known. The network that reads the history has
 * in p * w2 the same sum of the liked, times learned weights: reading is an inner step that was learned (a user
 * vector, amortised), and adaptation adds to it what it leaves out, the less expected items' larger weight
 * (sigma) and what goes through the hidden layer. Little, for users with few items. It takes the place of reading,
 * not more, when history = no: then the network is that of Finn et al., whose input is no support, and all that is
 * known of a user goes through the steps.
 *
 * So the support loss must weigh like the user vector: row j has a_j / (k + shrink), of k that count, with a_j and
 * `shrink` of network.h. With a mean, 1 / k, one item would move the start as far as thirty do. Descent from a start
 * is, for a few steps, a posterior mode under a normal prior around it (Grant et al. 2018, "Recasting gradient-based
 * meta-learning as hierarchical Bayes"), and there the likelihood of k items has weight k against the prior's. Drawn
 * items are noise in m_j, of size 1 / sqrt(support_negatives) beside t_j, so one item deserves many.
 *
 * Features may be transferred first; then their start is meta-learned on the tasks. init = sources makes init_epochs
 * passes over the sources as `pretrain` does; coral, mmd and adversarial make as many epochs over the sources and the
 * target together with the term of the plugin of that name and its usual settings (aligned.h), lambda times
 * init_align. init_align = 0 is the twin that is trained on both and not aligned.
 *
 * When a query is scored its history in the target is the support: adapt, then score every candidate with the adapted
 * weights. No history (k = 0), no adaptation: the start scores. The sampled items of such a support avoid the history
 * that is visible, and depend on the user alone. Of a long history RH_LEARNER_SUPPORT items, evenly spaced, are in
 * the support; all are in the user vector.
 *
 * inner_steps = 0 is the twin without adaptation: the same tasks, the same outer loop. With history = no as well, all
 * users without rows in a source get one ranking.
 *
 * Cost of a task with k support and q query rows, S = inner_steps, r items of all rows: (S + 1) gradients
 * of 6 r H E operations, for second order S times about three more on the support. Of a query: S gradients on the
 * support, and one product of 2 items H E. Memory: as `direct`, and in an epoch meta_batch times (S + 4) weights of
 * the network, with learned rates 2 S + 4. */
#ifndef RH_ALGORITHMS_LIB_LEARNER_H
#define RH_ALGORITHMS_LIB_LEARNER_H

#include "algorithms/lib/meta.h"

#define RH_LEARNER_SUPPORT 64 /* items of a query's history in the inner loop, at most */

enum rh_init { RH_INIT_NONE, RH_INIT_SOURCES, RH_INIT_CORAL, RH_INIT_MMD, RH_INIT_ADVERSARIAL };

/* First member of each meta-learner's parameters: RH_LEARNER_FIELDS; first rows of its table: RH_LEARNER_PARAMS. */
struct rh_learner_params {
    RH_NETWORK_FIELDS;
    int tasks, init;
    bool history;
    int64_t shots, inner_steps, meta_batch, init_epochs, support_negatives;
    double inner_rate, init_align;
};
#define RH_LEARNER_FIELDS                                                                                            \
    union {                                                                                                          \
        struct rh_learner_params learner;                                                                            \
        struct {                                                                                                     \
            RH_NETWORK_FIELDS;                                                                                       \
            int tasks, init;                                                                                         \
            bool history;                                                                                            \
            int64_t shots, inner_steps, meta_batch, init_epochs, support_negatives;                                  \
            double inner_rate, init_align;                                                                           \
        };                                                                                                           \
    }
extern const struct rh_choice rh_init_words[], rh_adapt_words[], rh_order_words[];
#define RH_LEARNER_PARAMS(S)                                                                                         \
    RH_NETWORK_PARAMS(S),                                                                                            \
        RH_INT(S, inner_steps, 2, 0, 100, "gradient steps on the support; 0: the twin without adaptation"),          \
        RH_REAL(S, inner_rate, 0.5, 0, 100, "learning rate of the inner steps"),                                     \
        RH_INT(S, shots, 10, 1, 1024, "support items of a training task, at most"),                                  \
        RH_INT(S, support_negatives, 16, 1, RH_NET_ITEMS - 1,                                                        \
               "sampled items a liked one of the support"),                                                          \
        RH_BOOL(S, history, true, "user vectors read the support; no: adaptation alone carries it"),                 \
        RH_INT(S, meta_batch, 32, 1, 4096, "tasks of one outer step"),                                               \
        RH_ENUM(S, tasks, RH_TASKS_BOTH, rh_tasks_words, "whose rows are tasks"),                                    \
        RH_ENUM(S, init, RH_INIT_NONE, rh_init_words, "what is transferred before the first task"),                  \
        RH_INT(S, init_epochs, 6, 1, 10000, "passes that transfer features before the first task"),                  \
        RH_REAL(S, init_align, 1, 0, 1e6, "strength of an aligned init; 0: domains are trained together, not aligned")

enum rh_adapts { RH_ADAPTS_LAYERS, RH_ADAPTS_HEAD }; /* words of rh_adapt_words */

/* What makes the one meta-learner different from the other. */
struct rh_learner_kind {
    const char *name; /* begins the sentence of a refusal */
    enum rh_meta_order order;
    bool head_only, learns_rates;
};

/* A state of zeroes, then fit or persist. It is all there is in the state of a plugin. */
struct rh_learner {
    struct rh_learner_kind kind;
    const struct rh_learner_params *params;
    struct rh_network net;
    struct rh_meta meta;
    rh_real *rates, *rates_first, *rates_second; /* [rh_net_size] or NULL */
    struct rh_optimizer_state rates_optimizer;
    bool *used;           /* [n_domains] whose rows are looked at */
    bool *seen;           /* [n_domains] by the user vector of a query */
    struct rh_task *task; /* [n_tasks] users with two rows or more in a domain */
    int32_t n_tasks;
};

int rh_learner_fit(struct rh_ctx *ctx, struct rh_learner *s, struct rh_learner_kind kind,
                   const struct rh_learner_params *params, const struct rh_train *train);
int rh_learner_persist(struct rh_ctx *ctx, struct rh_learner *s, struct rh_learner_kind kind,
                       const struct rh_learner_params *params, const struct rh_train *train);
/* The callbacks of a plugin whose state is a struct rh_learner. Those that need to know its kind are written by
 * RH_LEARNER_CALLBACKS, after `struct params` and kind_of(params); RH_LEARNER_DESCRIPTOR is what their descriptors
 * have in common. */
int rh_learner_epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss);
int rh_learner_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                     size_t stride);
#define RH_LEARNER_CALLBACKS                                                                                         \
    static int fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)                \
    {                                                                                                                \
        const struct params *p = params;                                                                             \
        return rh_learner_fit(ctx, state, kind_of(p), &p->learner, train);                                           \
    }                                                                                                                \
    static int persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)            \
    {                                                                                                                \
        const struct params *p = params;                                                                             \
        return rh_learner_persist(ctx, state, kind_of(p), &p->learner, train);                                       \
    }
#define RH_LEARNER_DESCRIPTOR                                                                                        \
    .abi = RH_ABI, .size = sizeof(struct rh_algorithm),                                                              \
    .flags = RH_A_USES_SOURCES | RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS | RH_A_RANDOM |        \
             RH_A_RESUMES | RH_A_BY_FEATURES,                                                                        \
    .params = params_table, .params_size = sizeof(struct params), .state_size = sizeof(struct rh_learner),           \
    .epochs = 12, .fit = fit, .epoch = rh_learner_epoch, .score = rh_learner_score, .persist = persist

#endif
