#include "algorithms/lib/feature_knn.h"

#include "algorithms/lib/invert.h"
#include "algorithms/lib/item_features.h"

#include <string.h>

const struct rh_choice rh_feature_similarity_words[] = {
    { "cosine", RH_COSINE, "angle between two items" },
    { "asymmetric", RH_ASYMMETRIC, "cosine in which one item's length counts more than the other's, by alpha" },
    { "inner", RH_INNER, "inner product: long items are more similar to all" },
    { "jaccard", RH_JACCARD, "what both have by what either has" },
    { "dice", RH_DICE, "twice what both have by what each has" },
    { "tversky", RH_TVERSKY, "what both have by that and shares of what one has alone" },
    { "lift", RH_LIFT, "what both have by what chance would bring" },
    { NULL, 0, NULL },
};
const struct rh_choice rh_feature_weighting_words[] = {
    { "none", RH_UNWEIGHTED, "its value" },
    { "bm25", RH_BM25, "Okapi BM25, items as documents" },
    { "tfidf", RH_TFIDF, "square root times inverse document frequency" },
    { NULL, 0, NULL },
};
const struct rh_choice rh_lists_of_words[] = {
    { "history", RH_LISTS_OF_HISTORY, "each item of the history brings its most similar items" },
    { "candidate", RH_LISTS_OF_CANDIDATE, "each candidate keeps its most similar items" },
    { NULL, 0, NULL },
};

int rh_feature_knn_check(struct rh_ctx *ctx, const void *params)
{
    const struct rh_feature_knn_params *p = params;
    const struct rh_similarity s = { .kind = p->similarity };
    if (p->weighting != RH_UNWEIGHTED && !rh_similarity_of_values(&s))
        return ctx->host->fail(ctx, RH_EINVAL,
                               "weighting needs similarity = cosine, asymmetric or inner: the others look at sets");
    return RH_OK;
}

/* The matrix, one row after the other, as interactions of a domain. */
struct stack {
    struct rh_domain domain;
    int32_t n_rows;
    float *value; /* [row[n_rows]] */
};

/* The features of the target's items, turned round: a row a column of features. The last column, of ones, is none. */
static int turn_features(struct rh_ctx *ctx, const struct rh_feature_knn_params *p, const struct rh_train *train,
                         struct rh_inverted *out)
{
    const struct rh_item_features_params features = { .blocks = p->blocks };
    struct rh_item_features f;
    int status = rh_item_features(ctx, &features, train, ctx->host->scratch, &f);
    if (status < 0)
        return status;
    for (int64_t k = 0; k < f.row[f.n_items]; k++)
        if (f.val[k] < 0 && p->weighting != RH_UNWEIGHTED)
            return ctx->host->fail(ctx, RH_EINVAL,
                                   "blocks = %s: features have negative values, which are no counts of words; "
                                   "weighting = none takes them", p->blocks);
    const struct rh_domain rows = { .n_items = f.n_cols, .row = f.row, .item = f.col };
    status = rh_invert(ctx, &rows, f.n_items, f.val, ctx->host->scratch, out);
    out->n_items--;
    return status;
}

static int build_stack(struct rh_ctx *ctx, const struct rh_feature_knn_params *p, bool interactions,
                       const struct rh_train *train, struct stack *out)
{
    const struct rh_domain *d = &train->domain[train->target];
    struct rh_inverted f;
    int status = turn_features(ctx, p, train, &f);
    if (status < 0)
        return status;
    int32_t n_users = interactions ? train->n_users : 0;
    int64_t at = interactions ? d->row[n_users] : 0;
    size_t n = (size_t)(at + f.row[f.n_items]), n_rows = (size_t)n_users + (size_t)f.n_items;
    if (n_rows > INT32_MAX)
        return ctx->host->fail(ctx, RH_EDATA, "more than %d users and feature columns", INT32_MAX);
    int64_t *row = ctx->host->scratch(ctx, n_rows + 1, sizeof *row);
    int32_t *item = ctx->host->scratch(ctx, n, sizeof *item);
    float *value = ctx->host->scratch(ctx, n, sizeof *value);
    if (!row || !item || !value)
        return RH_ENOMEM;
    for (int64_t k = 0; k < at; k++) {
        item[k] = d->item[k];
        value[k] = p->weighted ? d->value[k] : 1;
    }
    if (interactions)
        memcpy(row, d->row, ((size_t)n_users + 1) * sizeof *row);
    for (int32_t c = 0; c < f.n_items; c++) {
        for (int64_t k = f.row[c]; k < f.row[c + 1]; k++) {
            float x = interactions ? (float)(f.value[k] * p->icm_weight) : f.value[k];
            if (x == 0)
                continue;
            item[at] = f.user[k];
            value[at++] = x;
        }
        row[n_users + c + 1] = at;
    }
    *out = (struct stack){ .domain = { .name = d->name, .n_items = d->n_items, .row = row, .item = item },
                           .n_rows = (int32_t)n_rows, .value = value };
    return RH_OK;
}

static int weigh(struct rh_ctx *ctx, int weighting, struct stack *s)
{
    struct rh_weighting w;
    if (weighting == RH_UNWEIGHTED)
        return RH_OK;
    int status = rh_weighting_learn(ctx, weighting, &s->domain, s->n_rows, s->value, &w);
    if (status >= 0)
        rh_weighting_apply(&w, &s->domain, s->n_rows, s->value, s->value);
    return status;
}

int rh_feature_knn_fit(struct rh_ctx *ctx, const struct rh_feature_knn_params *p, bool interactions,
                       const struct rh_train *train, struct rh_neighbor_model *s)
{
    const struct rh_similarity similarity = { p->similarity, p->shrinkage, p->alpha, p->tversky_alpha,
                                              p->tversky_beta };
    struct stack stack;
    struct rh_neighbors lists;
    if (p->weighted && !train->domain[train->target].value)
        return ctx->host->fail(ctx, RH_EDATA, "weighted = yes needs ratings, but domain '%s' has none",
                               train->domain[train->target].name);
    int status = build_stack(ctx, p, interactions, train, &stack);
    if (status >= 0)
        status = weigh(ctx, p->weighting, &stack);
    struct rh_neighbor_job job = { .domain = &stack.domain, .n_users = stack.n_rows, .k = (int32_t)p->neighbors };
    job.value = rh_similarity_of_values(&similarity) ? stack.value : NULL;
    if (status >= 0)
        status = rh_similarity_describe(ctx, &similarity, &job);
    if (status >= 0)
        status = rh_neighbors_find(ctx, &job, &lists);
    if (status < 0)
        return status;
    if (p->normalize)
        rh_neighbors_scale(&lists);
    s->target = train->target;
    s->weighted = p->weighted;
    s->brings = lists;
    return p->lists_of == RH_LISTS_OF_CANDIDATE ? rh_neighbors_transpose(ctx, &lists, &s->brings) : RH_OK;
}
