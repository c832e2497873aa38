/* baseline - what rating? Mean, and how much this user and this item deviate from it.
 *
 * Koren 2010, "Factor in the neighbors: scalable and accurate collaborative filtering" (ACM TKDD 4(1)), section 2.1:
 *
 *     r(u, i) = mu + b(u) + b(i)
 *
 * by alternating least squares (items first), or by stochastic gradient descent in the order of the training data. It
 * is BaselineOnly of Surprise, and with als the UserItemBaseline of MyMediaLite. A user or item without rows has b =
 * 0.
 *
 * Time: a pass O(ratings). Memory: 8 bytes a user and item. */
#include "algorithms/lib/rating.h"

enum { METHOD_ALS, METHOD_SGD };
static const struct rh_choice methods[] = {
    { "als", METHOD_ALS, "alternating least squares, items first" },
    { "sgd", METHOD_SGD, "stochastic gradient descent, rating by rating" },
    { NULL, 0, NULL },
};

struct baseline_params {
    int64_t passes;
    double user_damping, item_damping, rate, reg;
    int method;
};

static const struct rh_param baseline_table[] = {
    RH_ENUM(struct baseline_params, method, METHOD_ALS, methods, "how it is learned"),
    RH_INT(struct baseline_params, passes, 10, 1, 100000, "passes over the ratings"),
    RH_REAL(struct baseline_params, user_damping, 15, 0, 1e9, "als: pulls b of a user with few ratings to 0"),
    RH_REAL(struct baseline_params, item_damping, 10, 0, 1e9, "als: pulls b of an item with few ratings to 0"),
    RH_REAL(struct baseline_params, rate, 0.005, 1e-9, 10, "sgd: learning rate"),
    RH_REAL(struct baseline_params, reg, 0.02, 0, 1e6, "sgd: L2 regularisation"),
    RH_PARAMS_END,
};

struct baseline_state {
    struct rh_baseline b;
    int32_t n_users, n_items;
};

static int descend(struct rh_ctx *ctx, const struct baseline_params *p, const struct rh_domain *d, int32_t n_users,
                   struct rh_baseline *b)
{
    struct rh_sequence r;
    int status = rh_baseline_als(ctx, d, n_users, 0, 0, 0, b); /* memory and the mean */
    if (status < 0 || (status = rh_sequence_make(ctx, d, n_users, &r)) < 0)
        return status;
    for (int64_t e = 0; e < p->passes; e++) {
        for (int32_t k = 0; k < r.n_users; k++) {
            double *user = &b->user[r.user[k]];
            for (int64_t n = r.begin[k]; n < r.begin[k + 1]; n++) {
                double *item = &b->item[r.row_item[n]], error = r.row_value[n] - (b->mean + *user + *item);
                *user += p->rate * (error - p->reg * *user);
                *item += p->rate * (error - p->reg * *item);
            }
        }
        if ((status = ctx->host->tick(ctx, e + 1, p->passes)) < 0)
            return status;
    }
    return RH_OK;
}

static int baseline_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct baseline_params *p = params;
    struct baseline_state *s = state;
    int status;
    const struct rh_domain *d = rh_rated_target(ctx, train, &status);
    if (!d)
        return status;
    s->n_users = train->n_users;
    s->n_items = d->n_items;
    return p->method == METHOD_SGD ? descend(ctx, p, d, train->n_users, &s->b)
                                   : rh_baseline_als(ctx, d, train->n_users, p->user_damping, p->item_damping,
                                                     p->passes, &s->b);
}

static int baseline_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                          size_t stride)
{
    (void)ctx;
    const struct baseline_state *s = state;
    for (int32_t k = 0; k < n; k++)
        for (int32_t c = 0; c < query[k].n_candidates; c++)
            out[(size_t)k * stride + (size_t)c] =
                (float)(s->b.mean + s->b.user[query[k].user] + s->b.item[rh_candidate(&query[k], c)]);
    return RH_OK;
}

static int baseline_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)params, (void)train;
    const struct rh_host *host = ctx->host;
    struct baseline_state *s = state;
    int status;
    if ((status = host->value(ctx, "n_users", &s->n_users, sizeof s->n_users)) < 0 ||
        (status = host->value(ctx, "n_items", &s->n_items, sizeof s->n_items)) < 0 ||
        (status = host->value(ctx, "mean", &s->b.mean, sizeof s->b.mean)) < 0 ||
        (status = host->field(ctx, "user", &s->b.user, s->n_users, sizeof *s->b.user)) < 0)
        return status;
    return host->field(ctx, "item", &s->b.item, s->n_items, sizeof *s->b.item);
}

static const struct rh_algorithm baseline = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "baseline",
    .summary = "predicts ratings as the mean plus an offset of the user and one of the item",
    .reference = "Koren 2010, Factor in the neighbors: scalable and accurate collaborative filtering, ACM TKDD 4(1)",
    .cost = "fit O(passes nnz), memory 8 (U + I) bytes; a query O(candidates)",
    .advice = "What every method that predicts ratings has to beat; most of what can be explained is in it. Its "
              "ranking is the same for every user, so judge it by RMSE and MAE only.",
    .revision = 1,
    .flags = RH_A_NEEDS_VALUES | RH_A_RATES,
    .params = baseline_table,
    .params_size = sizeof(struct baseline_params),
    .state_size = sizeof(struct baseline_state),
    .fit = baseline_fit,
    .score = baseline_score,
    .persist = baseline_persist,
};
RH_ALGORITHM(baseline)
