/* collective_ease - the linear model in closed form, with what is known of the items beside who has them.
 *
 * Jeunen, Van Balen and Goethals 2020, "Closed-form models for collaborative filtering with side-information"
 * (RecSys). X is the users x items matrix of ones where there is an interaction, F the items' features, a column an
 * item. As in lib/gram.h, weights B between items with diag(B) = 0 minimise
 *
 *     collective:  |X - X B|^2 + feature_weight |F - F B|^2 + l2 |B|^2
 *
 * as if every feature were one more user, who has the items with it; or two such models are added,
 *
 *     additive:    B = (1 - share) B1 + share B2     |X - X B1|^2 + l2 |B1|^2     |F - F B2|^2 + feature_l2 |B2|^2
 *
 * The score of item j is the sum of B(i, j) over the items i of the history. F is that of lib/item_features.h without
 * its column of ones; with `balance = no` and `idf = no` it is the paper's.
 *
 * Unseen users are folded in through their history; items without interactions are reached through their features. A
 * user without history gets 0 for every item.
 *
 * Time: as ease, and the sum over features of the squared number of their items; additive inverts twice. Memory: 4
 * n^2 bytes, additive 8 n^2 while fitting. */
#include <rh/plugin.h>

#include "algorithms/lib/gram.h"
#include "algorithms/lib/invert.h"
#include "algorithms/lib/item_features.h"
#include "algorithms/lib/item_weights.h"

enum { COLLECTIVE, ADDITIVE };

struct collective_ease_params {
    RH_ITEM_FEATURES_FIELDS;
    double l2, feature_weight, feature_l2, share;
    int combine;
};

static const struct rh_choice combinations[] = {
    { "collective", COLLECTIVE, "one model of interactions and features" },
    { "additive", ADDITIVE, "a model of each, and the sum of their weights" },
    { NULL, 0, NULL },
};
static const struct rh_param collective_ease_table[] = {
    RH_ITEM_FEATURES_PARAMS(struct collective_ease_params),
    RH_REAL(struct collective_ease_params, l2, 500, 1e-3, 1e9, "regularisation"),
    RH_ENUM(struct collective_ease_params, combine, COLLECTIVE, combinations, "how features come in"),
    RH_REAL(struct collective_ease_params, feature_weight, 10, 0, 1e9,
            "what a feature counts where a user counts 1 (collective)"),
    RH_REAL(struct collective_ease_params, feature_l2, 10, 1e-3, 1e9,
            "regularisation of the features' model (additive)"),
    RH_REAL(struct collective_ease_params, share, 0.1, 0, 1, "of the features' model in the sum (additive)"),
    RH_PARAMS_END,
};

/* g += weight F'F */
static int add_features(struct rh_ctx *ctx, const struct collective_ease_params *p, const struct rh_train *train,
                        double weight, float *g)
{
    struct rh_item_features f;
    struct rh_inverted by_column; /* items inside */
    int status = rh_item_features(ctx, &p->features, train, ctx->host->scratch, &f);
    if (status < 0)
        return status;
    const struct rh_domain items = { .n_items = f.n_cols, .row = f.row, .item = f.col };
    status = rh_invert(ctx, &items, f.n_items, f.val, ctx->host->scratch, &by_column);
    if (status < 0)
        return status;
    const struct rh_domain columns = { .n_items = f.n_items, .row = by_column.row, .item = by_column.user };
    return rh_gram_add(ctx, &columns, f.n_cols - 1, by_column.value, weight, g); /* the column of ones is the last */
}

struct sum {
    struct rh_item_weights *s;
    const float *w, *scale; /* of the features' model */
    float share;
};

/* Rows begin..end of the sum of both models, whose weights are as they are. */
static int sum_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct sum *a = arg;
    int64_t n = a->s->n;
    for (int64_t i = begin; i < end; i++)
        for (int64_t j = 0; j < n; j++) {
            float *w = &a->s->w[i * n + j];
            *w = (1 - a->share) * *w * a->s->scale[j] + a->share * a->w[i * n + j] * a->scale[j];
        }
    return RH_OK;
}

static int add_model(struct rh_ctx *ctx, const struct collective_ease_params *p, const struct rh_train *train,
                     struct rh_item_weights *s)
{
    size_t n = (size_t)s->n;
    float *w = ctx->host->scratch(ctx, n * n, sizeof *w), *scale = ctx->host->scratch(ctx, n, sizeof *scale);
    if (!w || !scale)
        return RH_ENOMEM;
    int status = add_features(ctx, p, train, 1, w);
    if (status >= 0)
        status = rh_gram_weights(ctx, s->n, p->feature_l2, "feature_l2", w, scale);
    struct sum sum = { s, w, scale, (float)p->share };
    if (status >= 0)
        status = ctx->host->parallel(ctx, s->n, 64, sum_part, &sum);
    for (int32_t j = 0; j < s->n; j++)
        s->scale[j] = 1;
    return status;
}

static int collective_ease_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct collective_ease_params *p = params;
    struct rh_item_weights *s = state;
    int status = rh_item_weights_new(ctx, train, s);
    if (status >= 0)
        status = rh_gram_count(ctx, &train->domain[train->target], train->n_users, s->w);
    if (status >= 0 && p->combine == COLLECTIVE)
        status = add_features(ctx, p, train, p->feature_weight, s->w);
    if (status >= 0)
        status = rh_gram_weights(ctx, s->n, p->l2, "l2", s->w, s->scale);
    return status >= 0 && p->combine == ADDITIVE ? add_model(ctx, p, train, s) : status;
}

static const struct rh_algorithm collective_ease = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "collective_ease",
    .summary = "linear weights between items in closed form, from interactions and features of items",
    .reference = "Jeunen, Van Balen and Goethals 2020, Closed-form models for collaborative filtering with "
                 "side-information (RecSys)",
    .cost = "fit O(sum over users and features of the squared row length + I^3), score O(|history| I) a query, memory "
            "4 I^2 bytes, additive twice as much while fitting",
    .advice = "ease where items have features and many of them few users: tune l2 first, then feature_weight (0 is "
              "ease). Items without interactions get scores too, but small ones, which seldom come first among known "
              "items. Where all items are well known, features add little.",
    .revision = 1,
    .flags = RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS,
    .params = collective_ease_table,
    .params_size = sizeof(struct collective_ease_params),
    .state_size = sizeof(struct rh_item_weights),
    .fit = collective_ease_fit,
    .score = rh_item_weights_score,
    .explain = rh_item_weights_explain,
    .persist = rh_item_weights_persist,
};
RH_ALGORITHM(collective_ease)
