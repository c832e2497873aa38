/* Two towers of layers, of users and of items, and one step of their training by softmax over a minibatch: see
 * algorithms/neural/two_tower.c, which has the model, its parameters, and scores.
 *
 * A step is computed in shards of a fixed number of rows, whose gradients by the layers are added in order; a vector's
 * gradient is made by one thread: threads do not change the numbers. */
#ifndef RH_ALGORITHMS_LIB_TOWERS_H
#define RH_ALGORITHMS_LIB_TOWERS_H

#include "algorithms/lib/embedding.h"
#include "algorithms/lib/mlp.h"
#include "algorithms/lib/tower.h"

#include <rh/plugin.h>

enum rh_towers_side { RH_USER_SIDE, RH_ITEM_SIDE, RH_SIDES };

struct rh_towers {
    /* set by the caller, with the nets of the ends and the rule */
    const struct rh_train *train;
    int32_t E;              /* width of vectors and ends */
    int64_t history;        /* items of a history that a step sees at most */
    double history_dropout; /* share of rows whose history is thinned */
    double temperature;
    bool normalise, correction;
    struct rh_optimizer_state rule;
    struct rh_layers end[RH_SIDES];

    const struct rh_domain *domain;  /* the target */
    struct rh_tower tower;           /* t, the items' vectors */
    struct rh_embedding *user_table; /* [n_user_blocks] a row a feature */
    int32_t *column;                 /* [widest dense block of the users] 0, 1, 2 .. */
    rh_real *log_p;                  /* [n_items] log of their share of the rows */
    int32_t n_rows;
    int32_t *user_of; /* [n_rows] */
};

/* What scoring needs of the memory, by alloc: the users' tables without their weights. */
int rh_towers_describe(struct rh_ctx *ctx, struct rh_towers *net);
/* All else, and random weights. */
int rh_towers_init(struct rh_ctx *ctx, struct rh_towers *net, enum rh_bag bag, bool idf, double spread);
/* The part of persist that is the users' tables and the layers; `made`: rh_towers_init was called, so that there is a
 * tower of items and something to go on with. */
int rh_towers_persist(struct rh_ctx *ctx, struct rh_towers *net, bool made);

/* out[E] += bags of a user's features. */
void rh_towers_user_bags(const struct rh_towers *net, int32_t user, rh_real *out);
/* y /= |y| for n rows of E; length[n]. A row of zeros stays. */
void rh_towers_normalise(int32_t n, int32_t E, rh_real *y, rh_real *length);

struct rh_towers_shard;
struct rh_towers_step {
    struct rh_towers *net;
    int32_t n;
    const int32_t *row;     /* [n] interactions */
    uint64_t number;        /* of the step, in all epochs: random streams */
    int32_t *seen, *n_seen; /* [n x history] slots of the history that is seen, [n] how many */
    int32_t *own;           /* [n] slot of the item in question */
    int32_t *at, *next;     /* [n_items] first row with an item, or -1; [n] next row with the same item, or -1 */
    struct rh_slots slots;
    rh_real *t, *dt;                     /* [slots x E] */
    rh_real *x[RH_SIDES], *dx[RH_SIDES]; /* [n x width[0]] */
    rh_real *y[RH_SIDES], *dy[RH_SIDES]; /* [n x D] */
    rh_real *length[RH_SIDES];           /* [n] */
    rh_real *score;                      /* [n x n] then the derivatives */
    struct rh_towers_shard *shard;
};

/* Memory, by scratch, for steps of n rows. */
int rh_towers_step_init(struct rh_ctx *ctx, struct rh_towers *net, int32_t n, struct rh_towers_step *t);
/* Forwards and backwards to dx; adds the mean loss of the rows to *loss. */
int rh_towers_learn(struct rh_ctx *ctx, struct rh_towers_step *t, double *loss);
/* Moves all weights by the gradients that learn left. */
int rh_towers_move(struct rh_ctx *ctx, struct rh_towers_step *t);

#endif
