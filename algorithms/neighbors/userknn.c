/* userknn - what users like this one have.
 *
 * Resnick et al. 1994, "GroupLens: an open architecture for collaborative filtering of netnews"; as top-N method
 * Sarwar, Karypis, Konstan and Riedl 2000, "Analysis of recommendation algorithms for e-commerce". The k train users
 * v most similar to the history of the query vote for their items:
 *
 *     score(u, i) = sum over the neighbours v of s(u, v) r(v, i)
 *     cosine       s(u, v) = x(u, v) / (|r(u)| |r(v)| + h)
 *     jaccard      s(u, v) = x / (n(u) + n(v) - x + h) on sets
 *
 * with x(u, v) = sum over common items of r(u, i) r(v, i), where r is 1 for an interaction, or the rating (`weighted
 * = yes`: in the cosine and in the votes), n the number of items and h = shrinkage. Only positive similarities
 * count; of equal ones the lower user index goes first.
 *
 * r(u) is the history of the query and nothing else, so unseen users are folded in like known ones. The train row of
 * the query's own user is no neighbour (it would vote for what is already known). A user without history gets 0 for
 * every item, as do items that no neighbour has.
 *
 * Time of a query: users of the items of the history, + n_users, + items of the neighbours, + n_items. Memory: the
 * interactions once more, by item (4 bytes, 8 with ratings) and 8 bytes a user. */
#include <rh/plugin.h>

#include "algorithms/lib/invert.h"
#include "algorithms/lib/topk.h"

#include <stdlib.h>
#include <string.h>

enum { COSINE, JACCARD };

struct userknn_params {
    int64_t neighbors;
    int similarity;
    double shrinkage;
    bool weighted;
};

static const struct rh_choice similarities[] = {
    { "cosine", COSINE, "angle between the rows of two users" },
    { "jaccard", JACCARD, "items of both by items of either" },
    { NULL },
};
static const struct rh_param userknn_table[] = {
    RH_INT(struct userknn_params, neighbors, 100, 1, 1000000, "number k of most similar users that vote"),
    RH_ENUM(struct userknn_params, similarity, COSINE, similarities, "how alike two users are"),
    RH_REAL(struct userknn_params, shrinkage, 0, 0, 1e6,
            "added to the denominator of a similarity: trusts users with few common items less"),
    RH_BOOL(struct userknn_params, weighted, false,
            "ratings weigh: in the cosine, and as votes (no: every interaction is 1)"),
    RH_PARAMS_END,
};

struct userknn_state {
    const struct userknn_params *params;
    const struct rh_domain *domain;
    struct rh_inverted users; /* of an item */
    double *size;             /* [n_users] norm (cosine) or number of items (jaccard) of a row */
    int32_t n_users, target, k;
};

static int userknn_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct userknn_params *p = params;
    struct userknn_state *s = state;
    const struct rh_domain *d = &train->domain[train->target];
    if (p->weighted && !d->value)
        return ctx->host->fail(ctx, RH_EDATA, "weighted = yes needs ratings, but domain '%s' has none", d->name);
    s->params = p;
    s->domain = d;
    s->n_users = train->n_users;
    s->target = train->target;
    s->k = p->neighbors < train->n_users ? (int32_t)p->neighbors : train->n_users;
    s->size = ctx->host->alloc(ctx, (size_t)train->n_users, sizeof *s->size);
    if (!s->size)
        return RH_ENOMEM;
    const float *value = p->weighted && p->similarity == COSINE ? d->value : NULL;
    for (int32_t u = 0; u < train->n_users; u++) {
        for (int64_t k = d->row[u]; k < d->row[u + 1]; k++)
            s->size[u] += value ? (double)value[k] * value[k] : 1;
        if (p->similarity == COSINE)
            s->size[u] = sqrt(s->size[u]);
    }
    return rh_invert(ctx, d, train->n_users, value, false, ctx->host->alloc, &s->users);
}

/* Scratch memory of a call of score. */
struct desk {
    double *common;      /* [n_users] x(u, v); zero between queries */
    struct rh_topk near; /* the neighbours */
    double *votes;       /* [n_items]; zero between queries */
};

static int by_user(const void *a, const void *b)
{
    int32_t u = rh_topk_index(*(const uint64_t *)a), v = rh_topk_index(*(const uint64_t *)b);
    return (u > v) - (u < v);
}

/* Fills desk->near with the neighbours of a history, ascending by user. */
static void find_neighbors(const struct userknn_state *s, const struct rh_history *h, int32_t self, struct desk *desk)
{
    bool cosine = s->params->similarity == COSINE;
    double own = 0, shrinkage = s->params->shrinkage;
    for (int32_t m = 0; m < h->n; m++) {
        int32_t i = h->item[m];
        double mine = s->users.value && h->value ? h->value[m] : 1;
        own += mine * mine;
        for (int64_t k = s->users.row[i]; k < s->users.row[i + 1]; k++)
            desk->common[s->users.user[k]] += s->users.value ? mine * s->users.value[k] : 1;
    }
    own = cosine ? sqrt(own) : own;
    desk->near.n = 0;
    desk->near.least = 0;
    for (int32_t v = 0; v < s->n_users; v++) {
        double x = desk->common[v];
        if (!(x > 0) || v == self)
            continue;
        double below = cosine ? own * s->size[v] + shrinkage : own + s->size[v] - x + shrinkage;
        rh_topk_push(&desk->near, (float)(x / below), v);
    }
    memset(desk->common, 0, (size_t)s->n_users * sizeof *desk->common);
    if (desk->near.n > desk->near.k)
        rh_topk_shrink(&desk->near);
    qsort(desk->near.key, (size_t)desk->near.n, sizeof *desk->near.key, by_user);
}

static int userknn_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                         size_t stride)
{
    const struct userknn_state *s = state;
    const struct rh_domain *d = s->domain;
    int64_t capacity = 2 * (int64_t)s->k + 32; /* more than k; n_users + 1 is enough for everybody */
    if (capacity > (int64_t)s->n_users + 1)
        capacity = (int64_t)s->n_users + 1;
    struct desk desk = {
        .common = ctx->host->scratch(ctx, (size_t)s->n_users, sizeof *desk.common),
        .near = { .key = ctx->host->scratch(ctx, (size_t)capacity, sizeof *desk.near.key),
                  .k = s->k,
                  .capacity = (int32_t)capacity },
        .votes = ctx->host->scratch(ctx, (size_t)d->n_items, sizeof *desk.votes),
    };
    if (!desk.common || !desk.near.key || !desk.votes)
        return RH_ENOMEM;
    for (int32_t q = 0; q < n; q++) {
        find_neighbors(s, &query[q].history[s->target], query[q].user, &desk);
        for (int32_t m = 0; m < desk.near.n; m++) {
            int32_t v = rh_topk_index(desk.near.key[m]);
            double near = rh_topk_similarity(desk.near.key[m]);
            for (int64_t k = d->row[v]; k < d->row[v + 1]; k++)
                desk.votes[d->item[k]] += s->params->weighted ? near * d->value[k] : near;
        }
        float *row = out + (size_t)q * stride;
        for (int32_t c = 0; c < query[q].n_candidates; c++)
            row[c] = (float)desk.votes[query[q].candidate ? query[q].candidate[c] : c];
        memset(desk.votes, 0, (size_t)d->n_items * sizeof *desk.votes);
    }
    return RH_OK;
}

static const struct rh_algorithm userknn = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "userknn",
    .summary = "items of the users whose histories are most similar",
    .reference = "Resnick et al. 1994, GroupLens: an open architecture for collaborative filtering of netnews; "
                 "Sarwar et al. 2000, Analysis of recommendation algorithms for e-commerce",
    .revision = 1,
    .flags = RH_A_COLD_USERS,
    .params = userknn_table,
    .params_size = sizeof(struct userknn_params),
    .state_size = sizeof(struct userknn_state),
    .fit = userknn_fit,
    .score = userknn_score,
};
RH_ALGORITHM(userknn)
