/* popularity - everybody gets the items that most users have: score(u, i) = number of train interactions of i in the
 * target.
 *
 * Not personal, yet hard to beat for many methods (Cremonesi, Koren and Turrin 2010, "Performance of recommender
 * algorithms on top-N recommendation tasks": TopPop). Counts are exact up to 2^24.
 *
 * Time: one pass over the interactions; a copy of n_items floats a query. Memory: 4 bytes an item. */
#include <rh/plugin.h>

#include <string.h>

struct popularity_params {
    char none; /* there is nothing to set */
};

struct popularity_state {
    float *count; /* [n_items] */
};

static const struct rh_param popularity_table[] = { RH_PARAMS_END };

static int popularity_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)params;
    struct popularity_state *s = state;
    const struct rh_domain *d = &train->domain[train->target];
    int64_t n_rows = d->row[train->n_users];
    s->count = ctx->host->alloc(ctx, (size_t)d->n_items, sizeof *s->count);
    int32_t *count = ctx->host->scratch(ctx, (size_t)d->n_items, sizeof *count);
    if (!s->count || !count)
        return RH_ENOMEM;
    for (int64_t k = 0; k < n_rows; k++)
        count[d->item[k]]++; /* at most one a user: no overflow */
    for (int32_t i = 0; i < d->n_items; i++)
        s->count[i] = (float)count[i];
    return RH_OK;
}

static int popularity_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n,
                            float *out, size_t stride)
{
    (void)ctx;
    const struct popularity_state *s = state;
    for (int32_t q = 0; q < n; q++) {
        float *row = out + (size_t)q * stride;
        if (!query[q].candidate)
            memcpy(row, s->count, (size_t)query[q].n_candidates * sizeof *row);
        else
            for (int32_t c = 0; c < query[q].n_candidates; c++)
                row[c] = s->count[query[q].candidate[c]];
    }
    return RH_OK;
}

static int popularity_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)params;
    struct popularity_state *s = state;
    return ctx->host->field(ctx, "count", &s->count, train->domain[train->target].n_items, sizeof *s->count);
}

static const struct rh_algorithm popularity = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "popularity",
    .summary = "the items with most train interactions in the target, for everybody",
    .reference = "Cremonesi, Koren and Turrin 2010, Performance of recommender algorithms on top-N recommendation "
                 "tasks (TopPop)",
    .cost = "fit O(nnz), score O(I) a query, memory 4 I bytes",
    .advice = "The baseline of every table: what does not beat it has learnt nothing personal. There is nothing to "
              "tune.",
    .revision = 1,
    .flags = RH_A_COLD_USERS,
    .params = popularity_table,
    .params_size = sizeof(struct popularity_params),
    .state_size = sizeof(struct popularity_state),
    .fit = popularity_fit,
    .score = popularity_score,
    .persist = popularity_persist,
};
RH_ALGORITHM(popularity)
