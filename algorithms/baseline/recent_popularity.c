/* recent_popularity - everybody gets the items that most users have taken lately.
 *
 * Ji, Sun, Zhang and Li 2020, "A re-visit of the popularity baseline in recommender systems" (SIGIR: RecentPop,
 * DecayPop), and 2023, "A critical study on data leakage in recommender system offline evaluation" (ACM TOIS 41(3)).
 * With t the newest interaction of the whole train view, and ages in days:
 *
 *     score(i) = sum over train interactions of i, of age <= window, of 2^(-age / half_life)
 *
 * `window = 0`: all ages; `half_life = 0`: each counts 1. An interaction of unknown time counts nothing.
 *
 * Time: two passes over the interactions; n_items a query. Memory: 4 bytes an item. */
#include <rh/plugin.h>

#define DAY 86400.0

struct recent_popularity_params {
    double window, half_life;
};

struct recent_popularity_state {
    float *score; /* [n_items] */
};

static const struct rh_param recent_popularity_table[] = {
    RH_REAL(struct recent_popularity_params, window, 0, 0, 1e6, "only interactions of the last days; 0: all"),
    RH_REAL(struct recent_popularity_params, half_life, 30, 0, 1e6,
            "days after which an interaction counts half; 0: none is forgotten"),
    RH_PARAMS_END,
};

/* The newest time in the target; INT64_MIN when none is known. */
static int64_t newest_time(const struct rh_domain *d, int32_t n_users)
{
    int64_t newest = INT64_MIN;
    for (int64_t e = 0; d->time && e < d->row[n_users]; e++)
        newest = d->time[e] > newest ? d->time[e] : newest;
    return newest;
}

static int recent_popularity_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct recent_popularity_params *p = params;
    struct recent_popularity_state *s = state;
    const struct rh_domain *d = &train->domain[train->target];
    s->score = ctx->host->alloc(ctx, (size_t)d->n_items, sizeof *s->score);
    double *sum = ctx->host->scratch(ctx, (size_t)d->n_items, sizeof *sum);
    if (!s->score || !sum)
        return RH_ENOMEM;
    int64_t newest = newest_time(d, train->n_users);
    if (newest == INT64_MIN)
        return ctx->host->fail(ctx, RH_EDATA, "no interaction in domain '%s' has a time", d->name);
    for (int64_t e = 0; e < d->row[train->n_users]; e++) {
        double age = ((double)newest - (double)d->time[e]) / DAY;
        if (d->time[e] != INT64_MIN && (p->window == 0 || age <= p->window))
            sum[d->item[e]] += p->half_life > 0 ? exp2(-age / p->half_life) : 1;
    }
    for (int32_t i = 0; i < d->n_items; i++)
        s->score[i] = (float)sum[i];
    return RH_OK;
}

static int recent_popularity_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n,
                                   float *out, size_t stride)
{
    (void)ctx;
    const struct recent_popularity_state *s = state;
    for (int32_t q = 0; q < n; q++)
        for (int32_t c = 0; c < query[q].n_candidates; c++)
            out[(size_t)q * stride + (size_t)c] = s->score[query[q].candidate ? query[q].candidate[c] : c];
    return RH_OK;
}

static int recent_popularity_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train,
                                     void *state)
{
    (void)params;
    struct recent_popularity_state *s = state;
    return ctx->host->field(ctx, "score", &s->score, train->domain[train->target].n_items, sizeof *s->score);
}

static const struct rh_algorithm recent_popularity = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "recent_popularity",
    .summary = "the items with most train interactions lately, for everybody",
    .reference = "Ji, Sun, Zhang and Li 2020, A re-visit of the popularity baseline in recommender systems, SIGIR; "
                 "2023, A critical study on data leakage in recommender system offline evaluation, ACM TOIS 41(3)",
    .cost = "fit O(nnz), score O(I) a query, memory 4 I bytes",
    .advice = "The fair popularity where the split is by time: what people take next week resembles last week more "
              "than last year. Where asked interactions lie all over the time of the data (leave-one-out) popularity "
              "is the better one. Tune half_life, or window with half_life = 0.",
    .revision = 1,
    .flags = RH_A_NEEDS_TIME | RH_A_COLD_USERS,
    .params = recent_popularity_table,
    .params_size = sizeof(struct recent_popularity_params),
    .state_size = sizeof(struct recent_popularity_state),
    .fit = recent_popularity_fit,
    .score = recent_popularity_score,
    .persist = recent_popularity_persist,
};
RH_ALGORITHM(recent_popularity)
