/* Elastic net of the columns of a sparse matrix X of ones by coordinate descent on the residuals of its rows, eight
 * columns in the lanes of a vector register: w(j) minimises |x(j) - X w|^2 / 2 + l1 |w|_1 + l2 |w|^2 / 2 with w(j) = 0.
 *
 * A pass costs two walks over the entries of X for all eight; no matrix of columns is made. For slim. */
#ifndef RH_ALGORITHMS_LIB_ELASTIC_ROWS_H
#define RH_ALGORITHMS_LIB_ELASTIC_ROWS_H

#include "algorithms/lib/invert.h"

#define RH_ELASTIC_LANES 8

struct rh_elastic {
    float l1, l2;
    float tolerance; /* a pass that moves no weight of a column by this share of its largest one is the last */
    float too_small; /* a move by less than this share is not made */
    int64_t passes;  /* at most */
    bool positive;   /* w >= 0 */
};

/* The weights of n <= 8 columns, w[x->n_items x 8], which begins as 0; residual[n_rows x 8] is work space, any
 * contents. Both at 32-byte boundaries. Time: passes x 2 entries. */
void rh_elastic_rows(const struct rh_elastic *e, const struct rh_inverted *x, int32_t n_rows, const int32_t *column,
                     int32_t n, float *w, float *residual);

#endif
