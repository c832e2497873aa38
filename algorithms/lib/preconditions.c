#include "algorithms/lib/preconditions.h"
#include "algorithms/lib/tower.h"

static int64_t rows_of(const struct rh_domain *d, int32_t user)
{
    return d->row[user + 1] - d->row[user];
}

int rh_needs_source_rows(struct rh_ctx *ctx, const char *who, const struct rh_train *train)
{
    for (int32_t d = 0; d < train->n_domains; d++)
        if (d != train->target && train->domain[d].row[train->n_users] > 0)
            return RH_OK;
    return ctx->host->fail(ctx, RH_EDATA, "%s needs interactions in a source domain, but there are none; name a domain "
                           "with rows in sources =", who);
}

int rh_needs_shared_users(struct rh_ctx *ctx, const char *who, const char *does, const struct rh_train *train)
{
    for (int32_t u = 0; u < train->n_users; u++)
        if (rows_of(&train->domain[train->target], u) > 0)
            for (int32_t d = 0; d < train->n_domains; d++)
                if (d != train->target && rows_of(&train->domain[d], u) > 0)
                    return RH_OK;
    return ctx->host->fail(ctx, RH_EDATA, "%s %s users with train rows in the target and in a source, and there is "
                           "none; do the datasets have one namespace of users? Without shared users, item features can "
                           "transfer (coral, pretrain)", who, does);
}

int rh_needs_shared_features(struct rh_ctx *ctx, const char *who, const char *for_what, const struct rh_train *train)
{
    const struct rh_domain *target = &train->domain[train->target];
    bool any = false;
    for (int32_t b = 0; b < train->n_item_blocks; b++) {
        bool filled = rh_tower_fills(&target->item_features[b]);
        any |= filled;
        for (int32_t d = 0; d < train->n_domains && filled; d++)
            if (d != train->target && rh_tower_fills(&train->domain[d].item_features[b]))
                return RH_OK;
    }
    if (!any)
        return RH_OK;
    return ctx->host->fail(ctx, RH_EDATA, "%s needs item features that the sources share with '%s', but no block of "
                           "features is filled in both, so there is nothing %s; give the blocks of both the same name",
                           who, target->name, for_what);
}

int rh_needs_unseen_items(struct rh_ctx *ctx, const char *who, const struct rh_train *train, int32_t domain)
{
    const struct rh_domain *d = &train->domain[domain];
    for (int32_t u = 0; u < train->n_users; u++) {
        int64_t n = rows_of(d, u);
        if (n > 0 && n < d->n_items)
            return RH_OK;
    }
    if (d->row[train->n_users] == 0)
        return RH_OK;
    return ctx->host->fail(ctx, RH_EDATA, "%s has nothing to tell apart: no training row of '%s' belongs to a user who "
                           "left some of its %d items out; a larger catalogue or fewer filters are needed", who,
                           d->name, d->n_items);
}
