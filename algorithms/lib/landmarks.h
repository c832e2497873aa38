/* Kernels of items by their features: how like a chosen few, the landmarks, is each item of any domain?
 *
 * The landmarks are items of the problem, as many of the target as of the sources as far as there are, drawn without
 * replacement among items that have features; where there is room for all of those, all.
 *
 * x_i lays the feature blocks of item i side by side. A row of a sparse block is scaled to length 1 (an empty one stays
 * 0) after its columns got the weights idf(c) = 1 + ln((1 + items) / (1 + items with c)), counted over all domains, so
 * that a word weighs the same wherever it stands. A dense block is multiplied by one number that makes |x|^2 1 in the
 * mean over all items, so that its geometry stays. Then
 *
 *     linear     k(x, y) = x . y
 *     gaussian   k(x, y) = exp(-|x - y|^2 / (width b)), b the median squared distance of different landmarks
 *
 * and phi(x) = (k(x, l_1) .. k(x, l_m)) is the empirical kernel map (Schoelkopf et al. 1999, "Input space versus
 * feature space in kernel-based methods"). All in double.
 *
 * Cost of n rows: dense blocks 2 n m columns operations (BLAS), sparse ones two for each pair of a feature of the item
 * and a landmark that has it, and n m exponentials. */
#ifndef RH_ALGORITHMS_LIB_LANDMARKS_H
#define RH_ALGORITHMS_LIB_LANDMARKS_H

#include <rh/plugin.h>

enum rh_kernel { RH_KERNEL_GAUSSIAN = 0, RH_KERNEL_LINEAR = 1 };

#define RH_LANDMARK_ROWS 64 /* at most made at once. BLAS rounds by shape: cut loops over rows at fixed places */

struct rh_landmarks {
    const struct rh_train *train;
    enum rh_kernel kernel;
    double scale;            /* width b of the Gaussian */
    int32_t n;               /* landmarks, m */
    int32_t *first_item;     /* [n_domains + 1] item i of domain d is number first_item[d] + i */
    int32_t *item;           /* [n] ascending, numbered through */
    double *square;          /* [n] |x|^2 of the landmarks */
    int32_t *first_column;   /* [n_blocks + 1] */
    double *idf;             /* [columns] of sparse blocks */
    double *dense_factor;    /* [n_blocks] of dense blocks */
    double **dense;          /* [n_blocks] [n x columns of the block], or NULL: the block is sparse */
    int64_t *column_row;     /* [columns + 1] landmarks with a column of a sparse block: offsets into the next two */
    int32_t *column_landmark;
    double *column_value;
};

/* In scratch. At most `most` landmarks. RH_EDATA, with a sentence that begins with `who`: too many items or columns, or
 * no item has features; one has some that are not finite; landmarks that are mostly alike, under a Gaussian. */
int rh_landmarks_init(struct rh_ctx *ctx, struct rh_landmarks *l, const char *who, const struct rh_train *train,
                      enum rh_kernel kernel, double width, int32_t most);

static inline int32_t rh_landmarks_items(const struct rh_landmarks *l) /* of all domains */
{
    return l->first_item[l->train->n_domains];
}

/* phi[n x m] of items `item` (numbered through; NULL: begin, begin + 1, ..), n <= RH_LANDMARK_ROWS. work:
 * rh_landmarks_work numbers. */
void rh_landmarks_rows(const struct rh_landmarks *l, const int32_t *item, int32_t begin, int32_t n, double *phi,
                       double *work);
size_t rh_landmarks_work(const struct rh_landmarks *l);

#endif
