/* itemknn - items like those in the history.
 *
 * Deshpande and Karypis 2004, "Item-based top-N recommendation algorithms", ACM TOIS 22(1): every item j keeps a
 * list of its k most similar items; the score of item i is the sum of s(j, i) over the items j of the history that
 * have i in their lists (`lists_of = history`). Sarwar, Karypis, Konstan and Riedl 2001, "Item-based collaborative
 * filtering recommendation algorithms" (WWW 10) turn the lists round: each candidate i keeps its k most similar
 * items, and those of them count that are in the history. This is the default: it ranks better on MovieLens 100K.
 *
 * Similarities are those of lib/similarity.h, where r is 1 for an interaction, or the rating (`weighted = yes`, in the
 * cosines only), or its weight as a word of information retrieval (`weighting`, in the cosines only). The owner of the
 * list comes first in them, but for `conditional`, whose owner is always the item of the history. `adjusted` is the
 * cosine with r(u, i) - mean of u's ratings (Sarwar et al. 2001, but with the norms taken over all users of an item,
 * not over the common ones: a pair with one common user is no perfect match, and one pass suffices).
 *
 * Only positive similarities are kept; of equal ones the lower item index goes first. `normalize = yes` scales each
 * list to the sum 1, so that items in dense neighbourhoods do not shout down the others (Deshpande and Karypis
 * 2004). With `weighted` an item of the history counts by its rating, whatever the weighting.
 *
 * The list of an item holds no item itself, and is never changed by the query: unseen users are folded in through
 * their history. A user without history gets 0 for every item, as do items that nothing in the history is similar
 * to.
 *
 * Time: fit see lib/neighbors.h; a query: n_items + |history| k. Memory: 8 k bytes an item. */
#include <rh/plugin.h>

#include "algorithms/lib/neighbors.h"
#include "algorithms/lib/similarity.h"

enum { OF_HISTORY, OF_CANDIDATE };

struct itemknn_params {
    int64_t neighbors;
    int similarity, weighting;
    double shrinkage, alpha, tversky_alpha, tversky_beta;
    bool weighted, normalize;
    int lists_of;
};

static const struct rh_choice similarities[] = {
    { "cosine", RH_COSINE, "angle between the columns of two items" },
    { "adjusted", RH_ADJUSTED, "cosine of ratings less the user's mean; needs ratings" },
    { "asymmetric", RH_ASYMMETRIC, "cosine in which one item's norm counts more than the other's, by alpha" },
    { "jaccard", RH_JACCARD, "users of both by users of either" },
    { "dice", RH_DICE, "twice the users of both by the users of each" },
    { "tversky", RH_TVERSKY, "users of both by them and shares of those who have one alone" },
    { "lift", RH_LIFT, "users of both by what chance would bring" },
    { "conditional", RH_CONDITIONAL, "share of an item's users that have the other, damped by its popularity" },
    { NULL },
};
static const struct rh_choice weightings[] = {
    { "none", RH_UNWEIGHTED, "1, or the rating" },
    { "bm25", RH_BM25, "Okapi BM25, items as documents and users as words" },
    { "tfidf", RH_TFIDF, "square root times inverse document frequency" },
    { NULL },
};
static const struct rh_choice owners[] = {
    { "history", OF_HISTORY, "each item of the history brings its most similar items (Deshpande and Karypis)" },
    { "candidate", OF_CANDIDATE, "each candidate keeps its most similar items (Sarwar et al.)" },
    { NULL },
};
static const struct rh_param itemknn_table[] = {
    RH_INT(struct itemknn_params, neighbors, 100, 1, 1000000, "length k of the list of similar items of an item"),
    RH_ENUM(struct itemknn_params, similarity, RH_COSINE, similarities, "how alike two items are"),
    RH_REAL(struct itemknn_params, shrinkage, 0, 0, 1e6,
            "added to the denominator of a similarity: trusts pairs with few common users less"),
    RH_REAL(struct itemknn_params, alpha, 0.5, 0, 2,
            "exponent of the other item's popularity (conditional), of the owner's (asymmetric)"),
    RH_REAL(struct itemknn_params, tversky_alpha, 1, 0, 1000, "weight of users of the owner alone (tversky)"),
    RH_REAL(struct itemknn_params, tversky_beta, 1, 0, 1000, "weight of users of the other alone (tversky)"),
    RH_ENUM(struct itemknn_params, weighting, RH_UNWEIGHTED, weightings,
            "what an interaction counts in the similarity (cosine, asymmetric)"),
    RH_BOOL(struct itemknn_params, weighted, false,
            "ratings weigh: in the cosine, and the items of the history (no: every interaction is 1)"),
    RH_BOOL(struct itemknn_params, normalize, false, "scale the similarities of a list to the sum 1"),
    RH_ENUM(struct itemknn_params, lists_of, OF_CANDIDATE, owners, "whose k most similar items count"),
    RH_PARAMS_END,
};

/* Ratings less the mean of their user. */
static const float *centred(struct rh_ctx *ctx, const struct rh_domain *d, int32_t n_users)
{
    float *value = ctx->host->scratch(ctx, (size_t)d->row[n_users], sizeof *value);
    for (int32_t u = 0; value && u < n_users; u++) {
        double sum = 0;
        for (int64_t k = d->row[u]; k < d->row[u + 1]; k++)
            sum += d->value[k];
        double mean = sum / (double)(d->row[u + 1] - d->row[u]);
        for (int64_t k = d->row[u]; k < d->row[u + 1]; k++)
            value[k] = (float)(d->value[k] - mean);
    }
    return value;
}

static int itemknn_check(struct rh_ctx *ctx, const void *params)
{
    const struct itemknn_params *p = params;
    if (p->weighting != RH_UNWEIGHTED && p->similarity != RH_COSINE && p->similarity != RH_ASYMMETRIC)
        return ctx->host->fail(ctx, RH_EINVAL,
                               "weighting needs similarity = cosine or asymmetric: the others look at sets");
    return RH_OK;
}

static const float *reweighted(struct rh_ctx *ctx, int kind, const struct rh_domain *d, int32_t n_users,
                               const float *value)
{
    struct rh_weighting w;
    float *out = ctx->host->scratch(ctx, (size_t)d->row[n_users], sizeof *out);
    if (!out || rh_weighting_learn(ctx, kind, d, n_users, value, &w) < 0)
        return NULL;
    rh_weighting_apply(&w, d, n_users, value, out);
    return out;
}

/* What is compared: ratings, weights, or NULL for sets. */
static int choose_values(struct rh_ctx *ctx, const struct itemknn_params *p, struct rh_neighbor_job *job)
{
    const struct rh_domain *d = job->domain;
    bool cosine = p->similarity == RH_COSINE || p->similarity == RH_ASYMMETRIC;
    job->value = cosine && p->weighted ? d->value : NULL;
    if (p->similarity == RH_ADJUSTED)
        job->value = centred(ctx, d, job->n_users);
    else if (p->weighting != RH_UNWEIGHTED)
        job->value = reweighted(ctx, p->weighting, d, job->n_users, job->value);
    else
        return RH_OK;
    return job->value ? RH_OK : RH_ENOMEM;
}

static int itemknn_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct itemknn_params *p = params;
    struct rh_neighbor_model *s = state;
    const struct rh_domain *d = &train->domain[train->target];
    if (!d->value && (p->weighted || p->similarity == RH_ADJUSTED))
        return ctx->host->fail(ctx, RH_EDATA, "%s needs ratings, but domain '%s' has none",
                               p->weighted ? "weighted = yes" : "similarity = adjusted", d->name);
    struct rh_neighbor_job job = { .domain = d, .n_users = train->n_users, .k = (int32_t)p->neighbors };
    struct rh_similarity similarity = { p->similarity, p->shrinkage, p->alpha, p->tversky_alpha, p->tversky_beta };
    struct rh_neighbors lists;
    int status = choose_values(ctx, p, &job);
    if (status >= 0)
        status = rh_similarity_describe(ctx, &similarity, &job);
    if (p->similarity == RH_CONDITIONAL && p->lists_of == OF_CANDIDATE) {
        const double *own = job.a; /* the item of the history does not own the list */
        job.a = job.b;
        job.b = own;
    }
    if (status >= 0)
        status = rh_neighbors_find(ctx, &job, &lists);
    if (status < 0)
        return status;
    if (p->normalize)
        rh_neighbors_scale(&lists);
    s->target = train->target;
    s->weighted = p->weighted;
    s->brings = lists;
    return p->lists_of == OF_CANDIDATE ? rh_neighbors_transpose(ctx, &lists, &s->brings) : RH_OK;
}

static const struct rh_algorithm itemknn = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "itemknn",
    .summary = "items similar to those in the history, by who interacted with both",
    .reference = "Deshpande and Karypis 2004, Item-based top-N recommendation algorithms; Sarwar et al. 2001, "
                 "Item-based collaborative filtering recommendation algorithms",
    .cost = "fit O(sum over users of the squared row length), score O(I + |history| k) a query, memory 8 k I bytes",
    .advice = "A strong and quick choice where users have some history; unseen users are folded in. Tune neighbors, "
              "shrinkage and similarity, in this order. It cannot score items without interactions.",
    .revision = 1,
    .flags = RH_A_COLD_USERS,
    .params = itemknn_table,
    .params_size = sizeof(struct itemknn_params),
    .state_size = sizeof(struct rh_neighbor_model),
    .check = itemknn_check,
    .fit = itemknn_fit,
    .score = rh_neighbor_model_score,
    .explain = rh_neighbor_model_explain,
    .persist = rh_neighbor_model_persist,
};
RH_ALGORITHM(itemknn)
