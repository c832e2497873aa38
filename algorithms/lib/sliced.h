/* Vectors of the nodes of a graph, laid out in slices: columns 0 .. 15 of all nodes, then columns 16 .. 31 of all
 * nodes.
 *
 * A pass over the edges of a graph gathers vectors in no order. A slice of a row is one cache line (of floats), and a
 * slice of all rows is small enough for a cache that the whole table would not fit; no slice needs another, so pieces
 * of work are slices, and vectors side by side (a concatenation) are slices one after the other.
 *
 *     column c of row r:  x[(c / RH_SLICE * n + r) * RH_SLICE + c % RH_SLICE]
 *
 * Columns behind the last of a width that is no multiple of RH_SLICE are 0 and stay 0: gradients there are 0, too. */
#ifndef RH_ALGORITHMS_SLICED_H
#define RH_ALGORITHMS_SLICED_H

#include "algorithms/lib/nn.h"
#include "algorithms/lib/pairs.h"

#define RH_SLICE 16
typedef rh_real rh_slice_part __attribute__((vector_size(32), may_alias)); /* eight floats */
#define RH_SLICE_PARTS ((int)(RH_SLICE * sizeof(rh_real) / sizeof(rh_slice_part)))

struct rh_slices {
    int64_t n;      /* rows */
    int32_t slices; /* of a row */
};

static inline int32_t rh_slices_of(int64_t columns)
{
    return (int32_t)((columns + RH_SLICE - 1) / RH_SLICE);
}

/* Numbers in a table. */
static inline int64_t rh_slices_size(const struct rh_slices *s)
{
    return s->n * s->slices * RH_SLICE;
}

/* Row r of slice k, RH_SLICE numbers. */
static inline rh_real *rh_slice_at(const struct rh_slices *s, rh_real *x, int32_t k, int64_t r)
{
    return x + ((int64_t)k * s->n + r) * RH_SLICE;
}

/* A table of zeros, from alloc or scratch; NULL when there is no memory. */
rh_real *rh_slices_take(struct rh_ctx *ctx, const struct rh_slices *s,
                        void *(*take)(struct rh_ctx *ctx, size_t n, size_t elem));

/* Draws N(0, sd^2) into the columns 0 .. columns - 1 of rows [first, first + n): row first + r has the stream
 * (purpose, r), so it does not depend on the others. */
int rh_slices_draw(struct rh_ctx *ctx, const struct rh_slices *s, rh_real *x, int64_t first, int64_t n,
                   int64_t columns, double sd, const char *purpose);

/* factor times rows [first, first + n) to out[n x slices * RH_SLICE], row-major. */
int rh_slices_rows(struct rh_ctx *ctx, const struct rh_slices *s, const rh_real *x, int64_t first, int64_t n,
                   double factor, float *out);

/* A minibatch of triples whose scores are inner products of rows: of the user with the item they have and with one
 * they have not. Row of an item: first_item + its number. */
struct rh_slices_batch {
    const struct rh_triple *t;
    int64_t n; /* <= the most that it was made for */
    int64_t first_item;
    enum rh_loss kind;
    double weight;     /* of the mean over the triples */
    rh_real *ds;       /* [most x 2] derivatives by the scores of a triple */
    double *part_loss; /* [most / 256 + 1] */
};

/* Room for minibatches of at most `most` triples, in scratch memory. */
int rh_slices_batch_init(struct rh_ctx *ctx, struct rh_slices_batch *b, int64_t most);

/* Adds weight * mean loss (rh_nn_loss) to *loss and its gradient to g; f, g: tables of shape s. The same bits on any
 * number of threads: triples are added to a slice in order. */
int rh_slices_learn(struct rh_ctx *ctx, const struct rh_slices *s, const rh_real *f, const struct rh_slices_batch *b,
                    rh_real *g, double *loss);

/* L2 of the rows of a minibatch, as often as they occur: adds factor * x of each row to g. */
int rh_slices_shrink(struct rh_ctx *ctx, const struct rh_slices *s, const rh_real *x, const struct rh_slices_batch *b,
                     rh_real factor, rh_real *g);

/* rh_nn_descend for a whole table, on all threads. */
int rh_slices_descend(struct rh_ctx *ctx, const struct rh_slices *s, const struct rh_optimizer_state *o, rh_real *x,
                      rh_real *g, rh_real *first, rh_real *second);

#endif
