/* The transfer network: what `direct`, `adversarial`, `pretrain` and `maml` have in common.
 *
 * Items are described by the item tower (tower.h), users by what they did: with H_d the history of the user in domain
 * d, `own` the domain of the item in question and gamma = source_history,
 *
 *     p = (S_own + gamma sum over others of S_d) / (n_own + gamma sum over others of n_d + shrink)
 *
 * with S_d = sum over j in H_d of a_j t_j, and a_j = 1 for implicit feedback and 1 + rating_gain * 2 (r_j - mean of
 * d) / (width of the scale of d) for ratings, so that a disliked item weighs little or pushes away. A user needs no
 * row in any table: whoever has a history has a vector, and without one p = 0. The feature extractor and the head
 * (net.h) score the pair (p, t_i).
 *
 * Training: for each liked item i of a user, `negatives` items the user has not taken, a ranking loss between them.
 * The vector p of such a row leaves i out of the history (n - 1 items): an item in its own history would be found by
 * likeness to itself, and nothing would be learned. With probability history_dropout the own history is thinned,
 * to anything from all of it to nothing, so that scores from few items, or from the other domains alone, are learned
 * as well. `shrink` makes the vector of a short history short: less is known, so the scores lean on what all like.
 *
 * With weigh_sources = similar each source has a weight w_d by how alike users are there and in the target, measured
 * before anything is learned (likeness.h): gamma becomes gamma w_d, and its rows weigh w_d in the loss. What weighs 0
 * is left alone.
 *
 * Minibatches are made of groups: a user, a domain, and up to RH_GROUP of the liked items. A minibatch is computed in
 * shards of a fixed number of groups, each with its own gradient; these are added in order. So the numbers are the
 * same on any number of threads.
 *
 * Cost of an epoch over R rows with m items each, history sum Z = sum over groups of history lengths, and V tower
 * vectors a minibatch with z features: R m (H + E) * 10 + Z E * 2 + V (z + H) E * 6 operations. */
#ifndef RH_ALGORITHMS_LIB_NETWORK_H
#define RH_ALGORITHMS_LIB_NETWORK_H

#include "algorithms/lib/net.h"
#include "algorithms/lib/tower.h"

#include <rh/plugin.h>

/* ------------------------------------------------------------------------------------------------- parameters */

enum rh_positives { RH_ALL_ROWS = 0, RH_LIKED_ROWS = 1 };
enum rh_weigh { RH_WEIGH_EQUAL = 0, RH_WEIGH_SIMILAR = 1 };

/* First member of each algorithm's parameters: RH_NETWORK_FIELDS; first rows of its table: RH_NETWORK_PARAMS. */
struct rh_network_params {
    int64_t factors, hidden, negatives, batch;
    int activation, loss, bag, optimizer, positives;
    bool idf, item_ids;
    double rate, decay, spread, rating_gain, history_dropout, source_history, shrink;
    int weigh_sources;
};
#define RH_NETWORK_FIELDS                                                                                            \
    union {                                                                                                          \
        struct rh_network_params network;                                                                            \
        struct {                                                                                                     \
            int64_t factors, hidden, negatives, batch;                                                               \
            int activation, loss, bag, optimizer, positives;                                                         \
            bool idf, item_ids;                                                                                      \
            double rate, decay, spread, rating_gain, history_dropout, source_history, shrink;                        \
            int weigh_sources;                                                                                       \
        };                                                                                                           \
    }
extern const struct rh_choice rh_activation_words[], rh_loss_words[], rh_bag_words[], rh_optimizer_words[],
    rh_positives_words[], rh_weigh_words[];
#define RH_NETWORK_PARAMS(S)                                                                                         \
    RH_INT(S, factors, 32, 2, 512, "width of item and user vectors"),                                                \
        RH_INT(S, hidden, 32, 1, 1024, "hidden units of the feature extractor"),                                     \
        RH_ENUM(S, activation, RH_RELU, rh_activation_words, "activation of the hidden units"),                      \
        RH_ENUM(S, loss, RH_BPR, rh_loss_words, "training loss between a liked item and sampled others"),            \
        RH_INT(S, negatives, 4, 1, RH_NET_ITEMS - 1, "sampled items a liked one, none of them of the user"),         \
        RH_ENUM(S, positives, RH_ALL_ROWS, rh_positives_words, "rows that count as liked"),                          \
        RH_INT(S, batch, 32, 1, 4096, "groups a minibatch; a group is a user with up to 32 liked items"),            \
        RH_ENUM(S, optimizer, RH_ADAM, rh_optimizer_words, "rule by which weights move"),                            \
        RH_REAL(S, rate, 0.01, 1e-7, 10, "learning rate"),                                                           \
        RH_REAL(S, decay, 0.3, 0, 100, "weight decay: share taken from a weight by a step of rate 1"),               \
        RH_REAL(S, spread, 0.1, 1e-6, 10, "standard deviation of the random item tower"),                            \
        RH_ENUM(S, bag, RH_BAG_UNIT, rh_bag_words, "how the features of a sparse block add up"),                     \
        RH_BOOL(S, idf, true, "rare features weigh more (inverse document frequency)"),                              \
        RH_BOOL(S, item_ids, true,                                                                                   \
                "each item also has an own vector; no: items are their features alone, which carries over"),         \
        RH_REAL(S, rating_gain, 0.5, 0, 10, "how far a rating changes the weight of a history item; 0: not"),        \
        RH_REAL(S, history_dropout, 0.2, 0, 1,                                                                       \
                "share of training groups that see a thinned history of the domain of their items, or none of it"),  \
        RH_REAL(S, source_history, 0.3, 0, 1,                                                                        \
                "weight of a history item of another domain in the user vector (1: like one of the own)"),           \
        RH_ENUM(S, weigh_sources, RH_WEIGH_EQUAL, rh_weigh_words,                                                    \
                "how much each source counts, in histories and among the rows that are learned from"),               \
        RH_REAL(S, shrink, 5, 0, 1e6,                                                                                \
                "items by which a short history is shortened: its mean is its sum over n + shrink")

/* ---------------------------------------------------------------------------------------------------- network */

#define RH_GROUP 32 /* liked items of a group at most */

struct rh_group {
    int32_t user, domain;
    int64_t first;     /* row of the domain */
    int32_t stride, n; /* rows first, first + stride, .. */
};

struct rh_batch;
/* Called with each minibatch of a pass between drawing it and learning from it. */
typedef int rh_network_prepare(struct rh_ctx *ctx, void *arg, struct rh_batch *b);

struct rh_network {
    const struct rh_network_params *params;
    const struct rh_train *train;
    struct rh_net net;
    struct rh_tower tower;
    rh_real *phi, *phi_first, *phi_second; /* [rh_net_size] */
    struct rh_optimizer_state optimizer;
    rh_real *anchor;        /* [rh_net_size] or NULL: see rh_network_anchor */
    rh_network_prepare *prepare; /* or NULL; with prepare_arg */
    void *prepare_arg;
    bool *used;             /* [n_domains] */
    double *mean;           /* [n_domains] rating, or 0 */
    double *weight;         /* [n_domains] 0 to 1, the target's 1 (likeness.h): of rows in the loss, and in histories */
    struct rh_group *group; /* by domain, then user */
    int32_t *first_group;   /* [n_domains + 1] */
    /* made by rh_network_publish, read by scoring */
    rh_real *vector;    /* [tower.n_items x E] */
    rh_real *by_factor; /* [E x target items] the target's vectors, transposed */
    rh_real *by_unit;   /* [H x target items] their part of the hidden layer, B transposed */
};

enum rh_network_part { RH_PART_TOWER = 1, RH_PART_LAYER = 2, RH_PART_HEAD = 4, RH_PART_ALL = 7 };

/* Which domains a network learns from or looks at: [n_domains] each. */
struct rh_domain_sets {
    bool *all, *sources, *target;
};
int rh_domain_sets_init(struct rh_ctx *ctx, struct rh_domain_sets *of, const struct rh_train *train);

/* Makes an untrained network. used[d]: domain d takes part. `who` begins the sentence of a refusal. */
int rh_network_init(struct rh_ctx *ctx, struct rh_network *net, const char *who,
                    const struct rh_network_params *params, const struct rh_train *train, const bool *used);

/* One pass over the groups of domains with learn[d], in random order. Histories of domains with see[d] are looked at.
 * Moves the parts in `parts`, with the rate times `factor`. `pass` numbers the random streams: a number once. */
int rh_network_pass(struct rh_ctx *ctx, struct rh_network *net, uint64_t pass, const bool *learn, const bool *see,
                    unsigned parts, double factor, double *loss);
/* The same, of at most so many minibatches. */
int rh_network_steps(struct rh_ctx *ctx, struct rh_network *net, uint64_t pass, const bool *learn, const bool *see,
                     unsigned parts, double factor, int64_t most, double *loss);

/* Forgets the optimiser's memory of the gradients by all but items' own vectors: what is trained next begins anew. */
void rh_network_forget(struct rh_network *net);

/* Moves the parts against the gradients by the vectors of the items in slots (dt, used up) and by phi (dphi). */
int rh_network_move(struct rh_ctx *ctx, struct rh_network *net, const struct rh_slots *slots, rh_real *dt,
                    rh_real *dphi, unsigned parts, double factor);

/* From here on the weights are pulled to what they are now, by a share of `strength` times the rate a step, instead of
 * decaying towards 0: L2-SP (Li, Grandvalet and Davoine 2018, "Explicit inductive bias for transfer learning with
 * convolutional networks"). Items' own vectors, which no source has, decay as before. */
int rh_network_anchor(struct rh_ctx *ctx, struct rh_network *net, double strength);

/* Makes what scoring reads; at the end of fit and of each epoch. RH_ENUMERIC when the weights are not finite. */
int rh_network_publish(struct rh_ctx *ctx, struct rh_network *net, const char *who);

/* The whole of a plugin's persist beside its own state: saves the head, the layer and the item vectors, or makes of
 * them, in a zeroed `net`, a network that scores and cannot be trained on. For starting and resuming (RH_A_RESUMES) the
 * tower and the memory of the optimiser go beside them, and are loaded over what rh_network_init made; what was made
 * for scoring follows. RH_EDATA: loaded weights that are not finite. */
int rh_network_persist(struct rh_ctx *ctx, struct rh_network *net, const char *who,
                       const struct rh_network_params *params, const struct rh_train *train, const bool *used);

/* p[E] of a user with this history for items of the target. Domains with see[d] are looked at. */
void rh_network_user(const struct rh_network *net, const struct rh_history *history, const bool *see, rh_real *p);

/* out[n_candidates]: scores of candidates by a user with a[H], q[E] (rh_net_users), the head of phi, and by_unit of
 * phi's layer. Same value for an item whatever the other candidates are. */
void rh_network_score_items(const struct rh_network *net, const rh_real *phi, const rh_real *by_unit,
                            const rh_real *a, const rh_real *q, const struct rh_query *query, float *out);
/* by_unit[H x target items] = Wt by_factor, for the layer of phi. */
void rh_network_units(const struct rh_network *net, const rh_real *phi, rh_real *by_unit);

/* The whole of an algorithm's score callback. */
int rh_network_score(struct rh_ctx *ctx, const struct rh_network *net, const bool *see, const struct rh_query *query,
                     int32_t n, float *out, size_t stride);

/* Weight a_j of an item with this rating in a history. */
static inline double rh_history_weight(const struct rh_network *net, int32_t domain, const float *value, int64_t j)
{
    const struct rh_domain *d = &net->train->domain[domain];
    double width = (double)d->value_max - (double)d->value_min;
    if (!value || !(width > 0))
        return 1;
    return 1 + net->params->rating_gain * 2 * ((double)value[j] - net->mean[domain]) / width;
}

/* By which a history in domain d counts for items of domain `own`. */
static inline double rh_history_share(const struct rh_network *net, int32_t own, int32_t d)
{
    return d == own ? 1 : net->params->source_history * net->weight[d];
}

/* 1 / (weight + shrink) of a history of this weight, 0 of an empty one. */
static inline rh_real rh_history_norm(const struct rh_network *net, double weight)
{
    return (rh_real)(weight > 1e-6 ? 1 / (weight + net->params->shrink) : 0);
}

/* An item of `domain` that the user has no train row for, or -1 when none is found. Numbered within the domain. */
int32_t rh_network_negative(const struct rh_network *net, int32_t domain, int32_t user, struct rh_rng *r);

/* ------------------------------------------------------------------------------------------------- minibatches */

struct rh_batch {
    struct rh_network *net;
    const bool *see;
    int32_t m; /* items a row */
    int32_t n_groups, n_rows, n_shards;
    const int32_t *group;   /* [n_groups] */
    int32_t *first_row;     /* [n_groups + 1] */
    int64_t *first_history; /* [n_groups + 1] */
    rh_real *norm;          /* [n_rows] rh_history_norm of the history without the item in question */
    int32_t *slot;          /* [n_rows x m] */
    rh_real *own_weight;    /* [n_rows] weight of the liked item in the sum, to be taken out */
    rh_real *row_weight;    /* [n_rows] in the loss */
    struct rh_lesson lesson; /* score [n_rows x m] of a teacher, or NULL */
    int32_t *history;       /* [first_history[n_groups]] slots */
    rh_real *history_weight;
    struct rh_slots slots;
    rh_real *p, *dp;        /* [n_rows x E] */
    struct rh_sides sides;  /* a, q of the rows; t, b of the slots */
    struct rh_sides grad;   /* of a, q; and the sums of t, b over the shards */
    rh_real *dphi;          /* [rh_net_size] */
    struct rh_shard *shard; /* [most shards] */
    rh_real *piece_dphi;    /* [pieces of slots x rh_net_size] */
    double *domain_weight;  /* [n_domains] of the rows of a domain in the loss; 1 */
    double loss;            /* mean over the rows, weighted */
    int64_t counted;        /* rows with an item liked and one sampled */
};

/* Memory, from scratch, for minibatches of up to n_groups groups. */
int rh_batch_init(struct rh_ctx *ctx, struct rh_batch *b, struct rh_network *net, int32_t n_groups, const bool *see);
/* Draws the rows of these groups; `pass` numbers the streams. */
int rh_batch_draw(struct rh_ctx *ctx, struct rh_batch *b, uint64_t pass, const int32_t *group, int32_t n_groups);
/* Forward, loss, and the gradients by the sides: fills p, sides, grad.a, grad.q, dp = 0, and the shards. */
int rh_batch_learn(struct rh_ctx *ctx, struct rh_batch *b);
/* Where another loss may add its gradients by t and b of the slots, between learn and back. */
struct rh_sides rh_batch_extra(struct rh_batch *b);
/* Back to dphi and grad.t. */
int rh_batch_back(struct rh_ctx *ctx, struct rh_batch *b);
/* Moves the weights; ends the minibatch. */
int rh_batch_apply(struct rh_ctx *ctx, struct rh_batch *b, unsigned parts, double factor);

#endif
