/* Items that nobody has seen yet, or hardly anybody: what the methods that make vectors for them have in common.
 *
 * There is a factorisation that is trained first and rests: implicit least squares (als.h), user vectors p(u), item
 * vectors q(i). Items with two train rows or more then play new items: in each epoch two sets of users are drawn for
 * each, the ones that are known so far and those that come later. A set has users of the item (y = 1) and as many
 * others (y = 0), who do not have it; there are none of an item that everybody has. The loss of a vector q on a set is
 *
 *     l(q) = mean over the set of (y - p(u) . q)^2 / 2
 *
 * A method says how a vector is made of the features of an item and of the users known so far (metaemb, mwuf). Items
 * with fewer than own_from train rows get such a vector, the others keep theirs. Users are as in ials: folded in from
 * their history.
 *
 * Cost of a loss with its gradient: 4 d operations a user of the set. */
#ifndef RH_ALGORITHMS_LIB_NEW_ITEMS_H
#define RH_ALGORITHMS_LIB_NEW_ITEMS_H

#include "algorithms/lib/als.h"
#include "algorithms/lib/item_features.h"

/* First member of an algorithm's parameters: RH_NEW_FIELDS; first rows of its table: RH_NEW_PARAMS. */
struct rh_new_params {
    RH_ALS_FIELDS;
    RH_ITEM_FEATURES_FIELDS;
    int64_t factor_epochs, shots, batch, own_from;
};
#define RH_NEW_FIELDS                                                                                                \
    union {                                                                                                          \
        struct rh_new_params news;                                                                                   \
        struct {                                                                                                     \
            RH_ALS_FIELDS;                                                                                           \
            RH_ITEM_FEATURES_FIELDS;                                                                                 \
            int64_t factor_epochs, shots, batch, own_from;                                                           \
        };                                                                                                           \
    }
#define RH_NEW_PARAMS(S)                                                                                             \
    RH_ALS_PARAMS(S),                                                                                                \
        RH_ITEM_FEATURES_PARAMS(S),                                                                                  \
        RH_INT(S, factor_epochs, 15, 1, 100000, "epochs of the factorisation, before the others"),                   \
        RH_INT(S, shots, 10, 1, 1000, "users of an item in each of the two sets, at most"),                          \
        RH_INT(S, batch, 64, 1, 65536, "items a step"),                                                              \
        RH_INT(S, own_from, 1, 1, 1000000000, "train rows from which an item's own vector counts")

struct rh_new_items {
    const struct rh_new_params *params;
    const char *who; /* begins names of streams, and sentences */
    struct rh_als als;
    double *share; /* [n_domains] 1 for the target */
    struct rh_item_features f;
    int32_t *item; /* [n_item] items to learn from: two train rows or more */
    int32_t n_item, target;
};

/* The factorisation (no more than its shapes when a model will be loaded over it), the features, the items to learn
 * from. RH_EDATA: there is no such item. */
int rh_new_fit(struct rh_ctx *ctx, struct rh_new_items *c, const char *who, const struct rh_new_params *params,
               const struct rh_train *train);
/* The part of persist that scoring needs: the vectors. What makes them is the method's own. */
int rh_new_persist(struct rh_ctx *ctx, struct rh_new_items *c, const char *who, const struct rh_new_params *params,
                   const struct rh_train *train);

static inline int64_t rh_new_rows(const struct rh_new_items *c, int64_t item)
{
    return c->als.item.row[item + 1] - c->als.item.row[item];
}

/* n users of the item with y = 1, then others with y = 0: n, or none. */
struct rh_new_set {
    int32_t n, others;
    const int32_t *user; /* [n + others] */
};
/* How many users of an item each of the two sets may have: half of them, `shots` at most. */
static inline int32_t rh_new_half(const struct rh_new_items *c, int32_t item)
{
    int64_t half = rh_new_rows(c, item) / 2;
    return (int32_t)(half < c->params->shots ? half : c->params->shots);
}
/* Draws a set of n and one of m users of the item, different ones. order[rows of the item], user[2 (n + m)]. */
void rh_new_draw(const struct rh_new_items *c, int32_t item, int32_t n, int32_t m, struct rh_rng *r, int32_t *order,
                 int32_t *user, struct rh_new_set *known, struct rh_new_set *later);
/* All users of the item, and as many others. user[2 rows] */
struct rh_new_set rh_new_all(const struct rh_new_items *c, int64_t item, struct rh_rng *r, int32_t *user);

/* Mean loss of q on the set, 0 of an empty one; adds `weight` times its gradient to g[width]. */
double rh_new_loss(const struct rh_new_items *c, const struct rh_new_set *set, const float *q, float weight, float *g);

/* ------------------------------------------------------------------------------------------------------ learning */

/* Items in the order of an epoch, a minibatch of them; the random stream of item k is number first + k. */
struct rh_new_batch {
    const int32_t *item; /* [n] */
    int32_t n;
    uint64_t first;
};
int32_t rh_new_batch_size(const struct rh_new_items *c); /* n at most */
/* Learns from a minibatch; *loss receives the sum over its items. */
typedef int rh_new_learn(struct rh_ctx *ctx, void *arg, const struct rh_new_batch *b, double *loss);
/* One pass over the items to learn from, in random order; *loss is their mean. */
int rh_new_epoch(struct rh_ctx *ctx, const struct rh_new_items *c, int32_t epoch, rh_new_learn *learn, void *arg,
                 double *loss);

/* Makes the vector q[width] of one item; on several threads at once, for different items. */
typedef int rh_new_make(struct rh_ctx *ctx, const void *arg, int64_t item, float *q);
/* Makes those of the items with fewer than own_from rows. RH_ENUMERIC: one of them is not finite. */
int rh_new_write(struct rh_ctx *ctx, struct rh_new_items *c, rh_new_make *make, const void *arg);

#endif
