/* The item tower: one vector an item, from its features, shared by all domains.
 *
 *     t_i = sum over blocks of bag(features of i in the block) [+ v_i]                    [E]
 *
 * A sparse block (genres, words of a title) is an embedding bag: the weighted mean, sum, or unit-length sum of the
 * rows of `table` that belong to its columns. A dense block (a text vector) is a linear layer, x_i times its rows of
 * `table`. Blocks have the same columns in every domain, so the table carries what was learned from one to another.
 * v_i is an own vector of the item, zero until learned, so a never-seen item is described by its features alone.
 *
 * The items of all used domains are numbered through: item i of domain d is first_item[d] + i.
 *
 * A step of training needs only the items of its minibatch. They get slots 0, 1, 2 .. in order of appearance.
 * Cost of a pass over n items with z features each: n z E multiply-adds forward, the same backward. Memory beside the
 * table and its optimiser: 12 bytes a feature of an item. */
#ifndef RH_ALGORITHMS_LIB_TOWER_H
#define RH_ALGORITHMS_LIB_TOWER_H

#include "algorithms/lib/nn.h"

#include <rh/plugin.h>

enum rh_bag { RH_BAG_MEAN = 0, RH_BAG_SUM = 1, RH_BAG_UNIT = 2 };

struct rh_tower {
    int32_t E;
    enum rh_bag bag;
    const struct rh_train *train;
    int32_t n_domains;
    int32_t *first_item;   /* [n_domains + 1]; a domain that is not used has no items */
    int32_t n_items;       /* of all used domains */
    int32_t *first_column; /* [n_blocks + 1] of the train's item blocks in the table */
    int32_t n_blocks, n_columns;
    rh_real *idf;    /* [n_columns] or NULL: 1; ln((1 + items) / (1 + items with the column)) + 1 */
    rh_real *factor; /* [n_items x n_blocks] what makes the bag of a sparse row; unused for dense blocks */
    rh_real **weight; /* [n_domains x n_blocks] of the features in the vectors of the items; dense: NULL */
    /* The features once more for the way back, sorted by the part of the table that their columns belong to: part p
     * has those of item i in [part_row[p n_items + i], part_row[p n_items + i + 1]). */
    int64_t *part_row;    /* [parts x n_items + 1] */
    int32_t *part_column; /* number of the column in its part */
    rh_real *part_weight;
    rh_real *table, *table_first, *table_second, *table_gradient; /* [n_columns x E] */
    uint8_t *touched;                                             /* [n_columns] table_gradient has something there */
    const rh_real *anchor; /* [n_columns x E] or NULL: what the table is pulled to, instead of decaying towards 0 */
    double pull;           /* share of the way to the anchor that a step goes */
    rh_real *own, *own_first, *own_second;                        /* [n_items x E] or NULL: no own vectors */
};

/* RH_EDATA when the target has no item features, with a sentence that begins with `who`. */
int rh_tower_check(struct rh_ctx *ctx, const char *who, const struct rh_train *train);

/* Memory and random table (normal, standard deviation `spread`). used[d]: domain d takes part. RH_EDATA when the
 * target has no item features, with a sentence that begins with `who`; who NULL: features may be missing. */
int rh_tower_init(struct rh_ctx *ctx, struct rh_tower *tower, const char *who, const struct rh_train *train,
                  const bool *used, int32_t E, enum rh_bag bag, bool idf, bool own, double spread);

/* Numbers the items of the used domains through, and no more: what a tower is needed for whose vectors are there.
 * RH_EDATA: too many. */
int rh_tower_number(struct rh_ctx *ctx, struct rh_tower *tower, const char *who, const struct rh_train *train,
                    const bool *used);

/* The part of persist that training on needs: the table and, unless for RH_FOR_OTHERS, the own vectors; for
 * RH_FOR_RESUMING their moments. */
int rh_tower_persist(struct rh_ctx *ctx, struct rh_tower *tower, unsigned purpose);

/* Whether a block has any feature of any item. */
bool rh_tower_fills(const struct rh_features *f);

static inline int32_t rh_tower_domain_items(const struct rh_tower *t, int32_t domain)
{
    return t->first_item[domain + 1] - t->first_item[domain];
}

/* out[n x E]: vectors of items `item` (numbered through; NULL: begin, begin + 1, ..). */
void rh_tower_vectors(const struct rh_tower *tower, const int32_t *item, int32_t begin, int32_t n, rh_real *out);
/* From dout[n x E], the gradient by the vectors of n different items: adds to table_gradient on all threads. The
 * gradient by an own vector is dout itself. */
int rh_tower_back(struct rh_ctx *ctx, struct rh_tower *tower, const int32_t *item, int32_t n, const rh_real *dout);
/* Moves the touched rows of the table, and the own vectors of the items by dout (which is used up), then forgets the
 * gradient. */
int rh_tower_descend(struct rh_ctx *ctx, struct rh_tower *tower, const struct rh_optimizer_state *o,
                     const int32_t *item, int32_t n, rh_real *dout);

/* Numbers the items of a minibatch. */
struct rh_slots {
    int32_t n;
    int32_t *item; /* [n] */
    int32_t *of;   /* [n_items] slot, or -1 */
};
int rh_slots_init(struct rh_ctx *ctx, struct rh_slots *s, int32_t n_items); /* in scratch */
static inline int32_t rh_slot(struct rh_slots *s, int32_t item)
{
    if (s->of[item] < 0) {
        s->of[item] = s->n;
        s->item[s->n++] = item;
    }
    return s->of[item];
}
void rh_slots_clear(struct rh_slots *s);

#endif
