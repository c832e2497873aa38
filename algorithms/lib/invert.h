/* Interactions of a domain turned round: one row an item, users inside. */
#ifndef RH_ALGORITHMS_INVERT_H
#define RH_ALGORITHMS_INVERT_H

#include <rh/plugin.h>

struct rh_inverted {
    int32_t n_items;
    const int64_t *row;  /* [n_items + 1] offsets */
    const int32_t *user; /* [row[n_items]] ascending inside a row */
    const float *value;  /* [row[n_items]], or NULL */
};

/* Inverts `d`, with `value` ([number of interactions], in the order of d->item, or NULL) carried along. The memory
 * comes from `take`: host->alloc or host->scratch. Time O(interactions). RH_ENOMEM. */
int rh_invert(struct rh_ctx *ctx, const struct rh_domain *d, int32_t n_users, const float *value,
              void *(*take)(struct rh_ctx *ctx, size_t n, size_t elem), struct rh_inverted *out);

#endif
