/* What transfer needs of its data, refused in the same words whoever needs it. Each returns RH_OK or RH_EDATA with a
 * sentence that begins with `who`, the name of the algorithm: the cause, then after a semicolon what helps. One pass
 * over the users or the blocks. */
#ifndef RH_ALGORITHMS_LIB_PRECONDITIONS_H
#define RH_ALGORITHMS_LIB_PRECONDITIONS_H

#include <rh/plugin.h>

/* A row in some source. */
int rh_needs_source_rows(struct rh_ctx *ctx, const char *who, const struct rh_train *train);
/* A user with train rows in the target and in a source; `does` says what for: "learns its map from". */
int rh_needs_shared_users(struct rh_ctx *ctx, const char *who, const char *does, const struct rh_train *train);
/* A block of item features that the target fills and a source too; `for_what`: "to align", "to carry over". A target
 * without any features is left to rh_tower_init, which says what it lacks. */
int rh_needs_shared_features(struct rh_ctx *ctx, const char *who, const char *for_what, const struct rh_train *train);
/* A user with some items of the domain and not all: who samples negatives has none otherwise. A domain without a row is
 * passed over. */
int rh_needs_unseen_items(struct rh_ctx *ctx, const char *who, const struct rh_train *train, int32_t domain);

#endif
