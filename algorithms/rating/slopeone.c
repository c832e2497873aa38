/* slopeone - what rating? What the user gave other items, and how this item is rated against them.
 *
 * Lemire and Maclachlan 2005, "Slope one predictors for online rating-based collaborative filtering" (SDM):
 *
 *     dev(i, j) = mean of r(u, i) - r(u, j) over the c(i, j) users of both
 *     r(u, i)   = mean of the user's ratings + mean of dev(i, j)                           weighted = no
 *     r(u, i)   = sum of (dev(i, j) + r(u, j)) c(i, j) / sum of c(i, j)                    weighted = yes
 *
 * over the items j of the history with c(i, j) > 0. Without such an item: the user's mean; without a history, or for
 * an item without rows: the mean of all ratings. Users are known by their history, so unseen ones are folded in.
 * SlopeOne of Surprise is the unweighted, that of MyMediaLite the weighted one.
 *
 * Time: fit sum over users of |history|^2; a query I |history|, in whole rows. Memory: 8 I^2 bytes. */
#include "algorithms/lib/explain.h"
#include "algorithms/lib/rating.h"
#include "algorithms/lib/wide.h"

#include <string.h>

struct slope_params {
    bool weighted;
};

static const struct rh_param slope_table[] = {
    RH_BOOL(struct slope_params, weighted, false, "items count by the number of common users"),
    RH_PARAMS_END,
};

struct slope_state {
    float *dev;     /* [n_items x n_items] dev(i, j) at i, j; 0 without common users */
    int32_t *count; /* [n_items x n_items] c(i, j) */
    double mean;
    int32_t n_items, target;
    bool weighted;
};

struct job {
    const struct rh_domain *d;
    const struct rh_by_item *by_item;
    struct slope_state *s;
};

static int compare_items(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct job *j = arg;
    const struct rh_domain *d = j->d;
    double *sum = ctx->host->scratch(ctx, (size_t)d->n_items, sizeof *sum);
    if (!sum)
        return RH_ENOMEM;
    for (int64_t i = begin; i < end; i++) {
        int32_t *count = j->s->count + i * d->n_items;
        float *dev = j->s->dev + i * d->n_items;
        memset(sum, 0, (size_t)d->n_items * sizeof *sum);
        for (int64_t k = j->by_item->begin[i]; k < j->by_item->begin[i + 1]; k++) {
            int32_t u = j->by_item->user[k];
            float own = j->by_item->value[k];
            for (int64_t m = d->row[u]; m < d->row[u + 1]; m++) {
                sum[d->item[m]] += own - d->value[m];
                count[d->item[m]]++;
            }
        }
        for (int32_t o = 0; o < d->n_items; o++)
            dev[o] = count[o] ? (float)(sum[o] / count[o]) : 0;
    }
    return RH_OK;
}

static int slope_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct slope_state *s = state;
    int status;
    const struct rh_domain *d = rh_rated_target(ctx, train, &status);
    if (!d)
        return status;
    size_t n = (size_t)d->n_items;
    struct rh_by_item by_item;
    s->weighted = ((const struct slope_params *)params)->weighted;
    s->n_items = d->n_items;
    s->target = train->target;
    s->mean = rh_mean_rating(d->value, d->row[train->n_users]);
    s->dev = ctx->host->alloc(ctx, n, n * sizeof *s->dev);
    s->count = ctx->host->alloc(ctx, n, n * sizeof *s->count);
    if (!s->dev || !s->count)
        return RH_ENOMEM;
    if ((status = rh_by_item_make(ctx, d, train->n_users, &by_item)) < 0)
        return status;
    return ctx->host->parallel(ctx, d->n_items, 16, compare_items, &(struct job){ d, &by_item, s });
}

/* Adds what item j of the history says of every item i: dev(i, j) = -dev(j, i). */
RH_WIDE static void add_item(const struct slope_state *s, int32_t j, double *sum, double *weight)
{
    const float *dev = s->dev + (int64_t)j * s->n_items;
    const int32_t *count = s->count + (int64_t)j * s->n_items;
    for (int32_t i = 0; i < s->n_items; i++) {
        sum[i] -= dev[i];
        weight[i] += count[i] > 0;
    }
}

RH_WIDE static void add_item_weighted(const struct slope_state *s, int32_t j, double rating, double *sum,
                                      double *weight)
{
    const float *dev = s->dev + (int64_t)j * s->n_items;
    const int32_t *count = s->count + (int64_t)j * s->n_items;
    for (int32_t i = 0; i < s->n_items; i++) {
        sum[i] += (rating - dev[i]) * count[i];
        weight[i] += count[i];
    }
}

static int slope_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                       size_t stride)
{
    const struct slope_state *s = state;
    size_t items = (size_t)s->n_items;
    double *sum = ctx->host->scratch(ctx, items, sizeof *sum), *weight = ctx->host->scratch(ctx, items, sizeof *weight);
    if (!sum || !weight)
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++) {
        const struct rh_history *h = &query[k].history[s->target];
        int32_t rated = h->value ? h->n : 0;
        double mean = rh_mean_rating(h->value, rated);
        memset(sum, 0, items * sizeof *sum);
        memset(weight, 0, items * sizeof *weight);
        for (int32_t m = 0; m < rated; m++)
            if (s->weighted)
                add_item_weighted(s, h->item[m], h->value[m], sum, weight);
            else
                add_item(s, h->item[m], sum, weight);
        for (int32_t c = 0; c < query[k].n_candidates; c++) {
            int32_t i = rh_candidate(&query[k], c);
            bool known = rated && s->count[(int64_t)i * s->n_items + i]; /* users of the item */
            double slope = weight[i] > 0 ? sum[i] / weight[i] : s->weighted ? mean : 0;
            out[(size_t)k * stride + (size_t)c] = (float)(!known ? s->mean : s->weighted ? slope : mean + slope);
        }
    }
    return RH_OK;
}

/* The parts of the prediction, which is a mean over the rated items of the history: each brings its own rating
 * (weighted: shifted by the slope) and its slope. */
static int slope_explain(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item, int32_t max,
                         int32_t *why, float *weight)
{
    (void)ctx;
    const struct slope_state *s = state;
    const struct rh_history *h = &query->history[s->target];
    int32_t rated = h->value ? h->n : 0, n = 0;
    double all = 0;
    if (!s->count[(int64_t)item * s->n_items + item]) /* nobody rated it: the mean of all ratings */
        return 0;
    for (int32_t m = 0; m < rated; m++) {
        int32_t count = s->count[(int64_t)h->item[m] * s->n_items + item];
        all += s->weighted ? count : count > 0;
    }
    for (int32_t m = 0; m < rated; m++) {
        int64_t at = (int64_t)h->item[m] * s->n_items + item;
        double rating = h->value[m], dev = s->dev[at], share = all > 0 ? 1 / all : 0;
        double part = s->weighted && all > 0 ? (rating - dev) * s->count[at] * share : rating / rated;
        if (!s->weighted && s->count[at])
            part -= dev * share;
        n = rh_insert_part(why, weight, n, max, h->item[m], (float)part);
    }
    return n;
}

static int slope_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct rh_host *host = ctx->host;
    struct slope_state *s = state;
    int status;
    s->weighted = ((const struct slope_params *)params)->weighted;
    s->target = train->target;
    if ((status = host->value(ctx, "n_items", &s->n_items, sizeof s->n_items)) < 0 ||
        (status = host->value(ctx, "mean", &s->mean, sizeof s->mean)) < 0 ||
        (status = host->field(ctx, "dev", &s->dev, (int64_t)s->n_items * s->n_items, sizeof *s->dev)) < 0)
        return status;
    return host->field(ctx, "count", &s->count, (int64_t)s->n_items * s->n_items, sizeof *s->count);
}

static const struct rh_algorithm slopeone = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "slopeone",
    .summary = "predicts ratings from the mean differences between items that the same users rated",
    .reference = "Lemire and Maclachlan 2005, Slope one predictors for online rating-based collaborative filtering, "
                 "SDM",
    .cost = "fit O(sum over users of |history|^2), memory 8 I^2 bytes; a query O(I |history|)",
    .advice = "Nothing to tune and near the neighbourhoods in error. Not for many items: its memory is quadratic in "
              "them.",
    .revision = 1,
    .flags = RH_A_NEEDS_VALUES | RH_A_RATES | RH_A_COLD_USERS,
    .params = slope_table,
    .params_size = sizeof(struct slope_params),
    .state_size = sizeof(struct slope_state),
    .fit = slope_fit,
    .score = slope_score,
    .explain = slope_explain,
    .persist = slope_persist,
};
RH_ALGORITHM(slopeone)
