/* Fields: a user and an item described by their contents alone, as the content networks for cold start do it.
 *
 * Each block of features of the users and of the target's items is a field with a table of vectors of width E. Side by
 * side they are the row that a network reads, the item's fields first:
 *
 *     x(u, i) = [ item field 1 ; .. ; user field 1 ; .. ]                                           [E x fields]
 *
 * A row of a sparse block is the mean of its columns' vectors (a layer without bias, divided by the number of ones),
 * of a dense block the vector times the table. Nothing of the row is known: zeros. Tables start as Lee et al. 2019,
 * "MeLU", have them: normal(0, 1) where no row has two columns, which is an embedding of one value; else, a layer on
 * n columns, uniform in +- 1 / sqrt(n).
 *
 * Cost of a row with z columns in all: z E multiply-adds there and back. Memory: 16 E bytes a column. */
#ifndef RH_ALGORITHMS_LIB_FIELDS_H
#define RH_ALGORITHMS_LIB_FIELDS_H

#include "algorithms/lib/embedding.h"

#include <rh/plugin.h>

struct rh_field {
    const struct rh_features *of;
    struct rh_embedding table; /* [of->n_cols x E] */
    int32_t at;                /* where it begins in x */
};
struct rh_fields {
    int32_t E, n, n_item;      /* fields in all, and those of items, which come first */
    int32_t width, item_width; /* of x, and of its part that is the item's */
    struct rh_field *field;    /* [n] */
    int32_t *column;           /* 0, 1, 2 ..: the columns of a dense row */
};

/* Memory and random tables for the users' blocks and those of the target's items that have data. RH_EDATA when items
 * have none, with a sentence that begins with `who`. */
int rh_fields_init(struct rh_ctx *ctx, struct rh_fields *f, const char *who, const struct rh_train *train, int32_t E);
/* The part of persist: the tables, and for RH_FOR_RESUMING what the optimiser remembers of them. Loading into zeroed
 * `f` makes fields that cannot be trained on. */
int rh_fields_persist(struct rh_ctx *ctx, struct rh_fields *f, const char *who, const struct rh_train *train,
                      int32_t E);

/* x[item_width] of an item; x[width - item_width] of a user. */
void rh_fields_item(const struct rh_fields *f, int32_t item, rh_real *x);
void rh_fields_user(const struct rh_fields *f, int32_t user, rh_real *x);

/* Adds dx[n x width], the gradient by the rows of n pairs, to the gradients of the tables. A run of pairs of the same
 * user is added as one. Fields are shared out to threads; inside one the order is that of the pairs. */
int rh_fields_back(struct rh_ctx *ctx, struct rh_fields *f, int32_t n, const int32_t *user, const int32_t *item,
                   const rh_real *dx);
/* Moves all rows of all tables and forgets the gradients. */
int rh_fields_descend(struct rh_ctx *ctx, struct rh_fields *f, const struct rh_optimizer_state *o);
bool rh_fields_finite(const struct rh_fields *f);

#endif
