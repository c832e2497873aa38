/* itemknn_rating - what rating? As this user rated similar items, around a baseline.
 *
 * Sarwar, Karypis, Konstan and Riedl 2001, "Item-based collaborative filtering recommendation algorithms" (WWW 10),
 * in the form of Koren 2008, "Factorization meets the neighborhood" (KDD 14), equations 1 and 3:
 *
 *     b(u, i)     = mu + b(u) + b(i)
 *     r(u, i)     = b(u, i) + sum s(i, j) (r(u, j) - b(u, j)) / (damping + sum s(i, j))
 *
 * over the items j of the history that are among the k most similar ones of i (Koren has damping = 0: more of it
 * leaves a prediction that rests on little near the baseline). mu is the mean of the train ratings, and
 *
 *     b(i)        = sum over the users of i (r(u, i) - mu) / (item_damping + number of users)
 *     b(u)        = sum over the history (r(u, j) - mu - b(j)) / (user_damping + |history|)
 *     s(i, j)     = x(i, j) / (|e(i)| |e(j)| + shrinkage),   e(u, i) = r(u, i) - b(u, i) in train,
 *
 * x(i, j) the inner product of the residuals e of two items; only positive similarities count. The b(u) of a query
 * comes from its history, so unseen users are folded in. Where nothing similar is in the history, the baseline is
 * the prediction: mu + b(i) for a user without history. Predictions are not cut to the rating scale: that is for
 * whoever compares them with ratings.
 *
 * Time: fit see lib/neighbors.h (values); a query: n_items + |history| k. Memory: 8 k + 8 bytes an item. */
#include <rh/plugin.h>

#include "algorithms/lib/explain.h"
#include "algorithms/lib/neighbors.h"

#include <string.h>

struct rating_params {
    int64_t neighbors;
    double shrinkage, damping, item_damping, user_damping;
};

static const struct rh_param rating_table[] = {
    RH_INT(struct rating_params, neighbors, 200, 1, 1000000, "length k of the list of similar items of an item"),
    RH_REAL(struct rating_params, shrinkage, 20, 0, 1e6,
            "added to the denominator of a similarity: trusts pairs with few common users less"),
    RH_REAL(struct rating_params, damping, 0.5, 0, 1e6,
            "added to the sum of similarities: pulls predictions that rest on little to the baseline"),
    RH_REAL(struct rating_params, item_damping, 25, 0, 1e6, "pulls the offset of an item with few ratings to 0"),
    RH_REAL(struct rating_params, user_damping, 10, 0, 1e6, "pulls the offset of a user with few ratings to 0"),
    RH_PARAMS_END,
};

struct rating_state {
    struct rh_neighbors brings; /* item of the history -> items whose ratings it informs */
    double mean;                /* mu */
    double *item;               /* [n_items] b(i) */
    double damping, user_damping;
    int32_t target;
};

/* b(u) of n ratings. */
static double user_offset(const struct rating_state *s, const int32_t *item, const float *value, int64_t n)
{
    double sum = 0;
    for (int64_t m = 0; m < n; m++)
        sum += value[m] - s->mean - s->item[item[m]];
    return n > 0 ? sum / (s->user_damping + (double)n) : 0;
}

/* mu and b(i); item_damping may be 0, and an item without ratings has offset 0. */
static int fit_baseline(struct rh_ctx *ctx, const struct rh_domain *d, int64_t n_rows, double damping,
                        struct rating_state *s)
{
    int32_t *count = ctx->host->scratch(ctx, (size_t)d->n_items, sizeof *count);
    s->item = ctx->host->alloc(ctx, (size_t)d->n_items, sizeof *s->item);
    if (!count || !s->item)
        return RH_ENOMEM;
    for (int64_t k = 0; k < n_rows; k++)
        s->mean += d->value[k] / (double)n_rows;
    for (int64_t k = 0; k < n_rows; k++) {
        s->item[d->item[k]] += d->value[k] - s->mean;
        count[d->item[k]]++;
    }
    for (int32_t i = 0; i < d->n_items; i++)
        s->item[i] = count[i] ? s->item[i] / (damping + count[i]) : 0;
    return RH_OK;
}

static int rating_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct rating_params *p = params;
    struct rating_state *s = state;
    const struct rh_domain *d = &train->domain[train->target];
    int64_t n_rows = d->row[train->n_users];
    if (!d->value)
        return ctx->host->fail(ctx, RH_EDATA, "predicts ratings, but domain '%s' has none", d->name);
    s->target = train->target;
    s->damping = p->damping;
    s->user_damping = p->user_damping;
    int status = fit_baseline(ctx, d, n_rows, p->item_damping, s);
    if (status < 0)
        return status;

    size_t n_items = (size_t)d->n_items;
    float *residual = ctx->host->scratch(ctx, (size_t)n_rows, sizeof *residual);
    double *norm = ctx->host->scratch(ctx, n_items, sizeof *norm);
    double *zero = ctx->host->scratch(ctx, n_items, sizeof *zero);
    if (!residual || !norm || !zero)
        return RH_ENOMEM;
    for (int32_t u = 0; u < train->n_users; u++) {
        int64_t begin = d->row[u], end = d->row[u + 1];
        double offset = s->mean + user_offset(s, d->item + begin, d->value + begin, end - begin);
        for (int64_t k = begin; k < end; k++) {
            residual[k] = (float)(d->value[k] - offset - s->item[d->item[k]]);
            norm[d->item[k]] += (double)residual[k] * residual[k];
        }
    }
    for (size_t i = 0; i < n_items; i++)
        norm[i] = sqrt(norm[i]);
    struct rh_neighbor_job job = { .domain = d,
                                   .n_users = train->n_users,
                                   .value = residual,
                                   .a = norm,
                                   .b = norm,
                                   .c = zero,
                                   .shrinkage = p->shrinkage,
                                   .k = p->neighbors < INT32_MAX ? (int32_t)p->neighbors : INT32_MAX };
    struct rh_neighbors lists;
    status = rh_neighbors_find(ctx, &job, &lists);
    return status < 0 ? status : rh_neighbors_transpose(ctx, &lists, &s->brings);
}

static int rating_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                        size_t stride)
{
    const struct rating_state *s = state;
    const struct rh_neighbors *b = &s->brings;
    struct {
        double residual, weight;
    } *sum = ctx->host->scratch(ctx, (size_t)b->n_items, sizeof *sum); /* [n_items] */
    if (!sum)
        return RH_ENOMEM;
    for (int32_t q = 0; q < n; q++) {
        const struct rh_history *h = &query[q].history[s->target];
        int32_t known = h->value ? h->n : 0; /* items without a rating say nothing here */
        double offset = s->mean + user_offset(s, h->item, h->value, known);
        for (int32_t m = 0; m < known; m++) {
            double residual = h->value[m] - offset - s->item[h->item[m]];
            for (int64_t k = b->row[h->item[m]]; k < b->row[h->item[m] + 1]; k++) {
                sum[b->item[k]].residual += residual * b->weight[k];
                sum[b->item[k]].weight += b->weight[k];
            }
        }
        float *row = out + (size_t)q * stride;
        for (int32_t c = 0; c < query[q].n_candidates; c++) {
            int32_t i = query[q].candidate ? query[q].candidate[c] : c;
            double near = sum[i].weight > 0 ? sum[i].residual / (s->damping + sum[i].weight) : 0;
            row[c] = (float)(offset + s->item[i] + near);
        }
        memset(sum, 0, (size_t)b->n_items * sizeof *sum);
    }
    return RH_OK;
}

/* How far each rated item of the history moves the prediction from the offsets. */
static int rating_explain(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item,
                          int32_t max, int32_t *why, float *weight)
{
    (void)ctx;
    const struct rating_state *s = state;
    const struct rh_neighbors *b = &s->brings;
    const struct rh_history *h = &query->history[s->target];
    int32_t known = h->value ? h->n : 0, n = 0;
    double offset = s->mean + user_offset(s, h->item, h->value, known), sum = 0;
    for (int pass = 0; pass < 2; pass++)
        for (int32_t m = 0; m < known; m++)
            for (int64_t k = b->row[h->item[m]]; k < b->row[h->item[m] + 1]; k++) {
                if (b->item[k] != item)
                    continue;
                double residual = h->value[m] - offset - s->item[h->item[m]];
                if (pass == 0)
                    sum += b->weight[k];
                else
                    n = rh_insert_part(why, weight, n, max, h->item[m],
                                       (float)(residual * b->weight[k] / (s->damping + sum)));
            }
    return n;
}

static int rating_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct rating_params *p = params;
    struct rating_state *s = state;
    int32_t n_items = train->domain[train->target].n_items;
    s->target = train->target;
    s->damping = p->damping;
    s->user_damping = p->user_damping;
    int status = ctx->host->value(ctx, "mean", &s->mean, sizeof s->mean);
    if (status >= 0)
        status = ctx->host->field(ctx, "item_offset", &s->item, n_items, sizeof *s->item);
    return status < 0 ? status : rh_neighbors_persist(ctx, n_items, &s->brings);
}

static const struct rh_algorithm itemknn_rating = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "itemknn_rating",
    .summary = "predicts ratings from the user's ratings of similar items, around a baseline",
    .reference = "Sarwar et al. 2001, Item-based collaborative filtering recommendation algorithms; Koren 2008, "
                 "Factorization meets the neighborhood, equations 1 and 3",
    .cost = "fit O(sum over users of the squared row length), score O(I + |history| k) a query, memory (8 k + 8) I "
            "bytes",
    .advice = "To predict ratings (RMSE, MAE), not to rank. Tune neighbors and shrinkage, then damping; the item "
              "and user dampings matter with few ratings. knn_rating chooses the neighbours among what the user "
              "rated, and needs a matrix of all pairs of items for it; this one keeps one list an item.",
    .revision = 1,
    .flags = RH_A_NEEDS_VALUES | RH_A_RATES | RH_A_COLD_USERS,
    .params = rating_table,
    .params_size = sizeof(struct rating_params),
    .state_size = sizeof(struct rating_state),
    .fit = rating_fit,
    .score = rating_score,
    .explain = rating_explain,
    .persist = rating_persist,
};
RH_ALGORITHM(itemknn_rating)
