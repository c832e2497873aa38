/* mean - what rating? The mean of all ratings, of the user's, or of the item's: GlobalAverage, UserAverage and
 * ItemAverage of MyMediaLite. Who has no rating gets the mean of all. A user's mean is that of the history, so unseen
 * users are folded in. Herlocker, Konstan, Borchers and Riedl 1999, "An algorithmic framework for performing
 * collaborative filtering" (SIGIR 22), use the user's mean as their baseline.
 *
 * Time: O(ratings). Memory: 8 bytes an item. */
#include "algorithms/lib/rating.h"

enum { OF_ALL, OF_USER, OF_ITEM };
static const struct rh_choice subjects[] = {
    { "all", OF_ALL, "of all ratings" },
    { "user", OF_USER, "of the user's ratings" },
    { "item", OF_ITEM, "of the item's ratings" },
    { NULL, 0, NULL },
};

struct mean_params {
    int of;
};

static const struct rh_param mean_table[] = {
    RH_ENUM(struct mean_params, of, OF_ALL, subjects, "whose ratings"),
    RH_PARAMS_END,
};

struct mean_state {
    double all;
    double *item; /* [n_items] */
    int32_t n_items, target;
    int of;
};

static int mean_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct mean_state *s = state;
    int status;
    const struct rh_domain *d = rh_rated_target(ctx, train, &status);
    if (!d)
        return status;
    int64_t n = d->row[train->n_users];
    int32_t *count = ctx->host->scratch(ctx, (size_t)d->n_items, sizeof *count);
    s->item = ctx->host->alloc(ctx, (size_t)d->n_items, sizeof *s->item);
    if (!count || !s->item)
        return RH_ENOMEM;
    s->of = ((const struct mean_params *)params)->of;
    s->target = train->target;
    s->n_items = d->n_items;
    s->all = rh_mean_rating(d->value, n);
    for (int64_t k = 0; k < n; k++) {
        s->item[d->item[k]] += d->value[k];
        count[d->item[k]]++;
    }
    for (int32_t i = 0; i < d->n_items; i++)
        s->item[i] = count[i] ? s->item[i] / count[i] : s->all;
    return RH_OK;
}

static int mean_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                      size_t stride)
{
    (void)ctx;
    const struct mean_state *s = state;
    for (int32_t k = 0; k < n; k++) {
        const struct rh_history *h = &query[k].history[s->target];
        double user = s->of == OF_USER && h->value && h->n ? rh_mean_rating(h->value, h->n) : s->all;
        for (int32_t c = 0; c < query[k].n_candidates; c++)
            out[(size_t)k * stride + (size_t)c] =
                (float)(s->of == OF_ITEM ? s->item[rh_candidate(&query[k], c)] : user);
    }
    return RH_OK;
}

static int mean_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct rh_host *host = ctx->host;
    struct mean_state *s = state;
    int status;
    s->of = ((const struct mean_params *)params)->of;
    s->target = train->target;
    if ((status = host->value(ctx, "n_items", &s->n_items, sizeof s->n_items)) < 0 ||
        (status = host->value(ctx, "all", &s->all, sizeof s->all)) < 0)
        return status;
    return host->field(ctx, "item", &s->item, s->n_items, sizeof *s->item);
}

static const struct rh_algorithm mean = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "mean",
    .summary = "predicts the mean rating: of all, of the user, or of the item",
    .reference = "Herlocker, Konstan, Borchers and Riedl 1999, An algorithmic framework for performing "
                 "collaborative filtering, SIGIR 22",
    .cost = "fit O(nnz), memory 8 I bytes; a query O(history + candidates)",
    .advice = "The floor for RMSE and MAE: what is not better than the item's mean has learned nothing. For ranking "
              "use popularity instead.",
    .revision = 1,
    .flags = RH_A_NEEDS_VALUES | RH_A_RATES | RH_A_COLD_USERS,
    .params = mean_table,
    .params_size = sizeof(struct mean_params),
    .state_size = sizeof(struct mean_state),
    .fit = mean_fit,
    .score = mean_score,
    .persist = mean_persist,
};
RH_ALGORITHM(mean)
