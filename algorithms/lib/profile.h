/* Users as the sum of the features of their history, and items ranked by their product with it: what `content` and
 * `bm25` share.
 *
 * Every item is a vector over the columns of the chosen sparse feature blocks (genres, categories, words), side by
 * side; the same columns in every domain. The profile of a query is the sum of the vectors of its history, so users
 * are scored who have no history but in a source, and items that nobody has yet. A query whose history has no features
 * gets 0 for every item, as does an item without features.
 *
 * Eight queries are scored together: their profiles lie side by side, one cache line a column, and the items are
 * walked once for all. Time: non-zeros of the items a query. Memory: while scoring 64 bytes a column. */
#ifndef RH_ALGORITHMS_PROFILE_H
#define RH_ALGORITHMS_PROFILE_H

#include <rh/plugin.h>

/* The blocks in use, whose columns stand side by side in their order. */
struct rh_profile_blocks {
    bool *used;     /* [n_item_blocks] */
    int32_t *first; /* [n_item_blocks + 1] column where the block begins; the last: n_cols */
    int32_t n_blocks, n_cols;
};

/* Items of one domain; row == NULL: not in use. */
struct rh_vectors {
    int32_t n_items;
    int64_t *row; /* [n_items + 1] offsets */
    int32_t *col; /* [row[n_items]] ascending inside a row */
    float *val;   /* [row[n_items]] */
};

struct rh_profiles {
    struct rh_vectors *domain; /* [n_domains] what an item of a history adds to a profile */
    float *weight;             /* [row[n_items]] of the target's items: what a profile is multiplied with */
    int32_t n_domains, target, n_cols;
    bool weighted; /* an item of a history counts by its rating */
    bool cosine;   /* products are divided by the length of the profile; weight is the target's val */
    double k3;     /* else: a sum x becomes x (k3 + 1) / (k3 + x) before the product */
};

/* Takes `list` ("all", or names separated by commas) and the columns, in scratch memory. RH_EINVAL: a name that is no
 * sparse block of the target; RH_EDATA: no features; RH_ENOMEM. */
int rh_profile_blocks(struct rh_ctx *ctx, const char *list, const struct rh_train *train,
                      struct rh_profile_blocks *out);

/* The features of a domain as they are, in alloc memory. RH_ENOMEM. */
int rh_profile_vectors(struct rh_ctx *ctx, const struct rh_profile_blocks *b, const struct rh_domain *d,
                       struct rh_vectors *out);

/* Takes the vectors of the target and, with `sources`, of all domains into zeroed s, whose weight, cosine and k3 are
 * left to the caller. RH_ENOMEM. */
int rh_profiles_init(struct rh_ctx *ctx, const struct rh_profile_blocks *b, const struct rh_train *train, bool sources,
                     bool weighted, struct rh_profiles *s);

/* Callbacks of a plugin whose state is a struct rh_profiles. What the sources give to a score is not of the target's
 * history, and left out of its explanation. */
int rh_profiles_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                      size_t stride);
int rh_profiles_explain(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item, int32_t max,
                        int32_t *why, float *weight);

/* For the persist callback; s: weighted, cosine and k3 are set. RH_EDATA: loaded vectors that cannot be right. */
int rh_profiles_persist(struct rh_ctx *ctx, const struct rh_train *train, bool sources, struct rh_profiles *s);

#endif
