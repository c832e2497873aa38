/* How often each column occurs in a set of rows of a sparse 0/1 matrix: items that the users of an item have, users
 * that have the items of a history.
 *
 * A short row is walked, one addition an entry. A row that is long enough for it to pay also has a bitmap, and
 * bitmaps are added 128 columns at a time by full adders made of logic operations (a carry-save adder; Harley and
 * Seal, see Warren, "Hacker's Delight", 2nd edition, 5-1): the counts stand in bit planes, the plane p holding the
 * bit of weight 2^p of every column. Sixteen rows of 128 columns cost 15 full adders of 5 operations, where walking
 * costs several operations an entry: from a density of about 1 % on, bitmaps are the faster way. */
#ifndef RH_ALGORITHMS_TALLY_H
#define RH_ALGORITHMS_TALLY_H

#include <rh/plugin.h>

struct rh_tally {
    int32_t n_cols;
    const int64_t *row;   /* [n_rows + 1] offsets; borrowed */
    const int32_t *col;   /* [row[n_rows]] borrowed */
    int32_t *bitmap;      /* [n_rows] number of the bitmap of a row, or -1 */
    uint16_t *bits;       /* [bitmaps + 1 x words] column c: bit c % 16 of word c / 16; the last bitmap is empty */
    int64_t words, empty; /* length of a bitmap, a multiple of 8; number of the empty one */
};

/* The memory comes from `take` (host->alloc or host->scratch): at most 16 bytes an entry, and a bitmap. RH_ENOMEM. */
int rh_tally_build(struct rh_ctx *ctx, int32_t n_rows, int32_t n_cols, const int64_t *row, const int32_t *col,
                   void *(*take)(struct rh_ctx *ctx, size_t n, size_t elem), struct rh_tally *out);

/* Size in bytes of the work space of rh_tally_add, 16-byte aligned, any contents. */
size_t rh_tally_space(const struct rh_tally *t);

/* Adds to count[c] the number of the n rows that have column c, and marks the groups of 16 columns where something
 * may have been added: touched[c / 16] = 1. `count` has room for n_cols rounded up to 128 elements, `touched` for a
 * sixteenth of that. */
void rh_tally_add(const struct rh_tally *t, const int32_t *rows, int64_t n, void *space, int32_t *count,
                  unsigned char *touched);

#endif
