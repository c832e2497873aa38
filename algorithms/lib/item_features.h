/* All features of a domain's items as one sparse matrix, a row an item: blocks side by side, and a column of ones
 * last. What regresses on features starts from here. */
#ifndef RH_ALGORITHMS_LIB_ITEM_FEATURES_H
#define RH_ALGORITHMS_LIB_ITEM_FEATURES_H

#include <rh/plugin.h>

/* Fields of an algorithm's parameters, and the rows of its table. */
struct rh_item_features_params {
    const char *blocks;
    bool balance, idf;
};
#define RH_ITEM_FEATURES_FIELDS                                                                                      \
    union {                                                                                                          \
        struct rh_item_features_params features;                                                                     \
        struct {                                                                                                     \
            const char *blocks;                                                                                      \
            bool balance, idf;                                                                                       \
        };                                                                                                           \
    }
#define RH_ITEM_FEATURES_PARAMS(S)                                                                                   \
    RH_STR(S, blocks, "all", "names of item feature blocks, separated by commas; all: every one"),                   \
        RH_BOOL(S, balance, true, "every block of an item is scaled to length 1"),                                   \
        RH_BOOL(S, idf, true, "columns of sparse blocks weigh more the rarer they are")

/* Is `name` one of the words of `list`, which commas or spaces separate? */
bool rh_block_listed(const char *list, const char *name);
/* RH_EINVAL unless every word of `list` is a block of d that has data (`sparse`: in sparse form). */
int rh_blocks_check(struct rh_ctx *ctx, const char *list, const struct rh_domain *d, int32_t n_blocks, bool sparse);

struct rh_item_features {
    int32_t n_items, n_cols; /* n_cols counts the column of ones */
    int64_t *row;            /* [n_items + 1] offsets */
    int32_t *col;            /* [row[n_items]] ascending inside a row */
    float *val;              /* [row[n_items]] */
};

/* The features of the target's items: value * idf(c), idf(c) = 1 + ln((1 + I) / (1 + n(c))) as in algorithms/content,
 * then `balance`. Zeros of dense blocks are left out. Memory from `take`: host->alloc or host->scratch; 8 bytes a
 * non-zero. RH_EINVAL: an unknown name in `blocks`; RH_EDATA: no features; RH_ENOMEM. */
int rh_item_features(struct rh_ctx *ctx, const struct rh_item_features_params *params, const struct rh_train *train,
                     void *(*take)(struct rh_ctx *ctx, size_t n, size_t elem), struct rh_item_features *out);
/* The same of the users of the train view: n_items is their number. */
int rh_user_features(struct rh_ctx *ctx, const struct rh_item_features_params *params, const struct rh_train *train,
                     void *(*take)(struct rh_ctx *ctx, size_t n, size_t elem), struct rh_item_features *out);

#endif
