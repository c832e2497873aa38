/* A table of vectors, one a user, an item or a feature value, that is moved row by row.
 *
 * A step of training touches few rows: rh_embedding_gradient remembers which, rh_embedding_descend moves these alone
 * (lazy Adam, AdaGrad or gradient descent, nn.h) and forgets the gradient. The order of the additions into a row is
 * that of the calls, so numbers do not depend on threads as long as one thread adds to a table (marking rows is for one
 * thread, too; different tables are independent).
 * A dense user (graph convolution) takes `gradient` as a whole and descends all rows. */
#ifndef RH_ALGORITHMS_LIB_EMBEDDING_H
#define RH_ALGORITHMS_LIB_EMBEDDING_H

#include "algorithms/lib/nn.h"

#include <rh/plugin.h>

struct rh_embedding {
    int32_t n, E;
    rh_real *w;              /* [n x E] */
    rh_real *first, *second; /* [n x E] optimiser's memory */
    rh_real *gradient;       /* [n x E] zero between steps */
    int32_t *touched;        /* [n_touched] rows with a gradient, in order of their first touch */
    int32_t n_touched;
    uint8_t *is_touched; /* [n] */

    /* of a table that is followed; else NULL */
    int64_t *moved; /* [n] the step up to which a row is what it would be had it moved in every step */
    double *tail;   /* [n] rh_nn_tail at that step */
    int64_t now;    /* last step */
    double tail_now;
};

/* Memory by alloc (16 n E bytes) and rows drawn from normal(0, spread); r NULL: zeros. n may be 0. */
int rh_embedding_init(struct rh_ctx *ctx, struct rh_embedding *t, int32_t n, int32_t E, double spread,
                      struct rh_rng *r);

static inline const rh_real *rh_embedding_row(const struct rh_embedding *t, int32_t row)
{
    return t->w + (size_t)row * (size_t)t->E;
}
/* [E] to add to; marks the row. */
static inline rh_real *rh_embedding_gradient(struct rh_embedding *t, int32_t row)
{
    if (!t->is_touched[row]) {
        t->is_touched[row] = 1;
        t->touched[t->n_touched++] = row;
    }
    return t->gradient + (size_t)row * (size_t)t->E;
}

void rh_embedding_descend(struct rh_embedding *t, const struct rh_optimizer_state *o);     /* touched rows */
void rh_embedding_descend_all(struct rh_embedding *t, const struct rh_optimizer_state *o); /* every row */

/* Adam as it is on whole tables, at the price of the touched rows (rh_nn_rest). After rh_embedding_follow (memory by
 * alloc) every row must be woken before it is looked at: it then is as if all rows had moved in all steps. */
int rh_embedding_follow(struct rh_ctx *ctx, struct rh_embedding *t, const struct rh_optimizer_state *o);
void rh_embedding_wake(struct rh_embedding *t, const struct rh_optimizer_state *o, int32_t row);
void rh_embedding_wake_all(struct rh_embedding *t, const struct rh_optimizer_state *o);

/* The part of persist for a table whose n and E are set: its vectors, called `name`; for RH_FOR_RESUMING what the
 * optimiser remembers as well. */
int rh_embedding_persist(struct rh_ctx *ctx, struct rh_embedding *t, const char *name, unsigned purpose);

/* out[E] += the mean (or sum) of rows col[0 .. n-1], each times val (NULL: 1): an embedding bag of a multi-hot
 * feature. The mean divides by n. Its way back adds dout[E] to the rows' gradients alike. */
void rh_embedding_bag(const struct rh_embedding *t, int32_t n, const int32_t *col, const float *val, bool mean,
                      rh_real *out);
void rh_embedding_bag_back(struct rh_embedding *t, int32_t n, const int32_t *col, const float *val, bool mean,
                           const rh_real *dout);

#endif
