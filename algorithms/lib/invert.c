#include "algorithms/lib/invert.h"

int rh_invert(struct rh_ctx *ctx, const struct rh_domain *d, int32_t n_users, const float *value,
              void *(*take)(struct rh_ctx *ctx, size_t n, size_t elem), struct rh_inverted *out)
{
    int64_t n_rows = d->row[n_users];
    int64_t *row = take(ctx, (size_t)d->n_items + 2, sizeof *row);
    int32_t *user = take(ctx, (size_t)n_rows, sizeof *user);
    float *carried = value ? take(ctx, (size_t)n_rows, sizeof *carried) : NULL;
    if (!row || !user || (value && !carried))
        return RH_ENOMEM;

    /* A counting sort. Counts stand two places up, so that the offsets move to their place while rows are filled. */
    for (int64_t k = 0; k < n_rows; k++)
        row[d->item[k] + 2]++;
    for (int32_t i = 0; i < d->n_items; i++)
        row[i + 2] += row[i + 1];
    for (int32_t u = 0; u < n_users; u++)
        for (int64_t k = d->row[u]; k < d->row[u + 1]; k++) {
            int64_t to = row[d->item[k] + 1]++;
            user[to] = u;
            if (carried)
                carried[to] = value[k];
        }
    *out = (struct rh_inverted){ d->n_items, row, user, carried };
    return RH_OK;
}
