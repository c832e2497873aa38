#include "algorithms/lib/rating.h"

#include <string.h>

const struct rh_domain *rh_rated_target(struct rh_ctx *ctx, const struct rh_train *train, int *status)
{
    const struct rh_domain *d = &train->domain[train->target];
    *status = RH_OK;
    if (d->value && d->row[train->n_users] > 0)
        return d;
    *status = ctx->host->fail(ctx, RH_EDATA, "predicts ratings, but domain '%s' has no %s", d->name,
                              d->value ? "training rows" : "ratings");
    return NULL;
}

double rh_mean_rating(const float *value, int64_t n)
{
    double sum = 0;
    for (int64_t k = 0; k < n; k++)
        sum += value[k];
    return n > 0 ? sum / (double)n : 0;
}

/* place[k]: the row that comes k-th, of n. The numbers of domain.order have gaps where rows are in another part. */
static int32_t *sort_rows(struct rh_ctx *ctx, const struct rh_domain *d, int64_t n)
{
    int64_t slots = n;
    for (int64_t r = 0; d->order && r < n; r++)
        slots = d->order[r] >= slots ? (int64_t)d->order[r] + 1 : slots;
    int32_t *place = ctx->host->scratch(ctx, (size_t)slots, sizeof *place);
    if (!place)
        return NULL;
    for (int64_t r = 0; r < n; r++)
        place[d->order ? d->order[r] : r] = (int32_t)(r + 1); /* 0: a gap */
    int64_t at = 0;
    for (int64_t s = 0; s < slots; s++)
        if (place[s])
            place[at++] = place[s] - 1;
    return place;
}

static int32_t *users_of_rows(struct rh_ctx *ctx, const struct rh_domain *d, int32_t n_users)
{
    int32_t *user = ctx->host->scratch(ctx, (size_t)d->row[n_users], sizeof *user);
    for (int32_t u = 0; user && u < n_users; u++)
        for (int64_t r = d->row[u]; r < d->row[u + 1]; r++)
            user[r] = u;
    return user;
}

int rh_sequence_make(struct rh_ctx *ctx, const struct rh_domain *d, int32_t n_users, struct rh_sequence *out)
{
    int64_t n = d->row[n_users];
    *out = (struct rh_sequence){
        .user = ctx->host->alloc(ctx, (size_t)n_users, sizeof *out->user),
        .item = ctx->host->alloc(ctx, (size_t)d->n_items, sizeof *out->item),
        .begin = ctx->host->alloc(ctx, (size_t)n_users + 1, sizeof *out->begin),
        .row_item = ctx->host->alloc(ctx, (size_t)n, sizeof *out->row_item),
        .row_value = ctx->host->alloc(ctx, (size_t)n, sizeof *out->row_value),
    };
    int32_t *place = sort_rows(ctx, d, n), *user = users_of_rows(ctx, d, n_users);
    int64_t *next = ctx->host->scratch(ctx, (size_t)n_users, sizeof *next);
    bool *known = ctx->host->scratch(ctx, (size_t)d->n_items, sizeof *known);
    if (!out->user || !out->item || !out->begin || !out->row_item || !out->row_value || !place || !user || !next ||
        !known)
        return RH_ENOMEM;
    for (int64_t k = 0; k < n; k++) { /* users and items by first appearance; next[u] marks seen users */
        int32_t u = user[place[k]], i = d->item[place[k]];
        if (!next[u]) {
            out->user[out->n_users++] = u;
            next[u] = 1;
        }
        if (!known[i])
            out->item[out->n_items++] = i;
        known[i] = true;
    }
    for (int32_t k = 0; k < out->n_users; k++) {
        int32_t u = out->user[k];
        next[u] = out->begin[k];
        out->begin[k + 1] = out->begin[k] + d->row[u + 1] - d->row[u];
    }
    for (int64_t k = 0; k < n; k++) {
        int64_t to = next[user[place[k]]]++;
        out->row_item[to] = d->item[place[k]];
        out->row_value[to] = d->value ? d->value[place[k]] : 1.0f;
    }
    return RH_OK;
}

int rh_by_item_make(struct rh_ctx *ctx, const struct rh_domain *d, int32_t n_users, struct rh_by_item *out)
{
    int64_t n = d->row[n_users];
    *out = (struct rh_by_item){
        .begin = ctx->host->alloc(ctx, (size_t)d->n_items + 1, sizeof *out->begin),
        .user = ctx->host->alloc(ctx, (size_t)n, sizeof *out->user),
        .value = ctx->host->alloc(ctx, (size_t)n, sizeof *out->value),
    };
    int32_t *place = sort_rows(ctx, d, n), *user = users_of_rows(ctx, d, n_users);
    int64_t *next = ctx->host->scratch(ctx, (size_t)d->n_items, sizeof *next);
    if (!out->begin || !out->user || !out->value || !place || !user || !next)
        return RH_ENOMEM;
    for (int64_t k = 0; k < n; k++)
        out->begin[d->item[k] + 1]++;
    for (int32_t i = 0; i < d->n_items; i++) {
        next[i] = out->begin[i];
        out->begin[i + 1] += out->begin[i];
    }
    for (int64_t k = 0; k < n; k++) {
        int64_t to = next[d->item[place[k]]]++;
        out->user[to] = user[place[k]];
        out->value[to] = d->value ? d->value[place[k]] : 1.0f;
    }
    return RH_OK;
}

int rh_baseline_als(struct rh_ctx *ctx, const struct rh_domain *d, int32_t n_users, double user_damping,
                    double item_damping, int64_t epochs, struct rh_baseline *out)
{
    int32_t *count = ctx->host->scratch(ctx, (size_t)d->n_items, sizeof *count);
    out->user = ctx->host->alloc(ctx, (size_t)n_users, sizeof *out->user);
    out->item = ctx->host->alloc(ctx, (size_t)d->n_items, sizeof *out->item);
    if (!count || !out->user || !out->item)
        return RH_ENOMEM;
    out->mean = rh_mean_rating(d->value, d->row[n_users]);
    for (int64_t k = 0; k < d->row[n_users]; k++)
        count[d->item[k]]++;
    for (int64_t e = 0; e < epochs; e++) {
        memset(out->item, 0, (size_t)d->n_items * sizeof *out->item);
        for (int32_t u = 0; u < n_users; u++)
            for (int64_t k = d->row[u]; k < d->row[u + 1]; k++)
                out->item[d->item[k]] += d->value[k] - out->mean - out->user[u];
        for (int32_t i = 0; i < d->n_items; i++)
            out->item[i] = count[i] ? out->item[i] / (item_damping + count[i]) : 0;
        for (int32_t u = 0; u < n_users; u++) {
            double sum = 0;
            for (int64_t k = d->row[u]; k < d->row[u + 1]; k++)
                sum += d->value[k] - out->mean - out->item[d->item[k]];
            int64_t n = d->row[u + 1] - d->row[u];
            out->user[u] = n ? sum / (user_damping + (double)n) : 0;
        }
        int status = ctx->host->tick(ctx, e + 1, epochs);
        if (status < 0)
            return status;
    }
    return RH_OK;
}
