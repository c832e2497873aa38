/* The network of neural collaborative filtering and one step of its training: see algorithms/neural/neumf.c, which
 * draws the examples and scores.
 *
 * Two parts, GMF and MLP, each with vectors of users and items (embedding.h) and layers over what it makes of them
 * (mlp.h), with the head as their last layer. A step is computed in shards of a fixed number of examples, each with its
 * own gradient by the layers; these are added in order, and a table is moved by one thread: threads do not change the
 * numbers. */
#ifndef RH_ALGORITHMS_LIB_NCF_H
#define RH_ALGORITHMS_LIB_NCF_H

#include "algorithms/lib/embedding.h"
#include "algorithms/lib/mlp.h"

#include <rh/plugin.h>

#define RH_NCF_SHARD 64 /* examples a shard */

enum rh_ncf_part { RH_GMF, RH_MLP, RH_NCF_PARTS };
/* part t / 2, side t % 2 */
enum rh_ncf_table { RH_GMF_USER, RH_GMF_ITEM, RH_MLP_USER, RH_MLP_ITEM, RH_NCF_TABLES };

struct rh_ncf {
    struct rh_embedding table[RH_NCF_TABLES]; /* of the parts that are used; followed */
    bool used[RH_NCF_PARTS];
    struct rh_layers part[RH_NCF_PARTS]; /* with the head as their last layer */
    rh_real share[RH_NCF_PARTS];         /* of a part in the score */
    bool alone;                          /* the parts learn each for itself: from scores without shares */
    struct rh_optimizer_state rule;
    double dropout; /* share of MLP's hidden units that training drops */
};

/* Sizes: factors F, depth L hidden layers of the MLP, which halve from F 2^(L-1) to F. */
void rh_ncf_shape(struct rh_ncf *net, bool gmf, bool mlp, int32_t factors, int32_t depth);
/* Width of a table's rows. */
int32_t rh_ncf_width(const struct rh_ncf *net, int table);
/* Memory by alloc, and random weights. */
int rh_ncf_init(struct rh_ctx *ctx, struct rh_ncf *net, int32_t n_users, int32_t n_items, double spread);
/* The part of persist, of a network whose shape is set. */
int rh_ncf_persist(struct rh_ctx *ctx, struct rh_ncf *net, int32_t n_users, int32_t n_items);
bool rh_ncf_finite(const struct rh_ncf *net);

struct rh_ncf_shard;
struct rh_ncf_step {
    struct rh_ncf *net;
    int32_t n, m;           /* examples; of m in turn the first is liked */
    const int32_t *row[2];  /* [n] users, items of this step, all awake */
    const int32_t *next[2]; /* [n_next] of the one after it */
    int32_t n_next;
    uint64_t number;                             /* of the step, in all epochs: the random streams of dropout */
    rh_real *x[RH_NCF_PARTS], *dx[RH_NCF_PARTS]; /* [n x width[0]] what the layers see, and the gradient by it */
    struct rh_ncf_shard *shard;                  /* [shards] */
    int64_t first_piece[RH_NCF_PARTS + 1]; /* of the layers' weights in the loop that moves, behind the tables */
};

/* Memory, by scratch, for steps of up to n examples. */
int rh_ncf_step_init(struct rh_ctx *ctx, struct rh_ncf *net, int32_t n, int32_t m, struct rh_ncf_step *t);
/* Forwards and backwards through the layers; the gradients stay in t. Adds the sum of the examples' losses to *loss:
 * the binary cross-entropy of their scores, or where parts are alone the mean of the parts'. */
int rh_ncf_learn(struct rh_ctx *ctx, struct rh_ncf_step *t, double *loss);
/* Moves all weights by the gradients of t, and wakes the rows of the step after it. With n = 0 does only the latter. */
int rh_ncf_move(struct rh_ctx *ctx, struct rh_ncf_step *t);

#endif
