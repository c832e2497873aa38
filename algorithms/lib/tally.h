/* How often each column occurs in a set of rows of a sparse 0/1 matrix: items that the users of an item have, users
 * that have the items of a history.
 *
 * Columns are frequent or rare, by the share of row uses that have them. What a row has among the rare ones is
 * walked, one addition an entry. What it has among the frequent ones is walked too when that is little; otherwise
 * the row has a bitmap of the frequent columns, and bitmaps are added 128 columns at a time by full adders made of
 * logic operations (a carry-save adder; Harley and Seal, see Warren, "Hacker's Delight", 2nd edition, 5-1): the
 * counts stand in bit planes, the plane p holding the bit of weight 2^p of every column. Sixteen rows of 128 columns
 * cost 15 full adders of 5 operations, where walking costs several operations an entry: from a density of about 1 %
 * on, bitmaps are the faster way. Leaving the rare columns out also keeps bitmaps short, and so in the cache. */
#ifndef RH_ALGORITHMS_TALLY_H
#define RH_ALGORITHMS_TALLY_H

#include <rh/plugin.h>

/* What is needed of a row, side by side: in large data it comes from far away. */
struct rh_tally_row {
    const int32_t *walk; /* [n_walk] columns to be walked: all, or the rare ones of a row with a bitmap */
    int32_t n_walk;
    int32_t bitmap; /* its number, or -1 */
};

struct rh_tally {
    int32_t n_cols, n_frequent, n_bitmaps;
    int32_t *frequent;        /* [n_frequent] columns, ascending: of the bits of a bitmap */
    struct rh_tally_row *row; /* [n_rows] */
    uint16_t *bits;           /* [n_bitmaps + 1 x words] bit b: b % 16 of word b / 16; the last bitmap is empty */
    int64_t words;            /* length of a bitmap, a multiple of 8 */
};

/* The memory comes from `take` (host->alloc or host->scratch): at most 20 bytes an entry, 8 bytes a row and column,
 * and a bitmap. RH_ENOMEM. */
int rh_tally_build(struct rh_ctx *ctx, int32_t n_rows, int32_t n_cols, const int64_t *row, const int32_t *col,
                   void *(*take)(struct rh_ctx *ctx, size_t n, size_t elem), struct rh_tally *out);

/* Size in bytes of the work space of rh_tally_add, 16-byte aligned, any contents. */
size_t rh_tally_space(const struct rh_tally *t);

/* Adds to count[c] the number of the n rows that have column c, and marks the groups of 16 columns where something
 * may have been added: touched[c / 16] = 1. `count` has n_cols elements, `touched` one for 16 of them. */
void rh_tally_add(const struct rh_tally *t, const int32_t *rows, int64_t n, void *space, int32_t *count,
                  unsigned char *touched);

#endif
