/* userknn - what users like this one have.
 *
 * Resnick et al. 1994, "GroupLens: an open architecture for collaborative filtering of netnews"; as top-N method
 * Sarwar, Karypis, Konstan and Riedl 2000, "Analysis of recommendation algorithms for e-commerce". The k train users
 * v most similar to the history of the query vote for their items:
 *
 *     score(u, i) = sum over the neighbours v of s(u, v) r(v, i)
 * with a similarity of lib/similarity.h, in which the items are what two users have in common. r is 1 for an
 * interaction, or the rating (`weighted = yes`: in the cosines and in the votes), or in the cosines its weight as a
 * word of information retrieval (`weighting`). Only positive similarities count; of equal ones the lower user index
 * goes first. `lists_of = neighbor` turns the lists round, as Ferrari Dacrema, Cremonesi and Jannach 2019 do: a train
 * user votes when the query's user is among the k most similar to it.
 *
 * r(u) is the history of the query and nothing else, so unseen users are folded in like known ones. The train row of
 * the query's own user is no neighbour (it would vote for what is already known). A user without history gets 0 for
 * every item, as do items that no neighbour has.
 *
 * Time of a query: users of the items of the history, + n_users, + items of the neighbours, + n_items. Memory: the
 * interactions once more, by item (4 bytes, 8 with ratings), at most 16 bytes each in bitmaps, and 8 bytes a user. */
#include <rh/plugin.h>

#include "algorithms/lib/explain.h"
#include "algorithms/lib/invert.h"
#include "algorithms/lib/similarity.h"
#include "algorithms/lib/tally.h"
#include "algorithms/lib/topk.h"

#include <stdlib.h>
#include <string.h>

enum { OF_QUERY, OF_NEIGHBOR };

struct userknn_params {
    int64_t neighbors;
    int similarity, weighting, lists_of;
    double shrinkage, alpha, tversky_alpha, tversky_beta;
    bool weighted;
};

static const struct rh_choice similarities[] = {
    { "cosine", RH_COSINE, "angle between the rows of two users" },
    { "asymmetric", RH_ASYMMETRIC, "cosine in which one user's norm counts more than the other's, by alpha" },
    { "jaccard", RH_JACCARD, "items of both by items of either" },
    { "dice", RH_DICE, "twice the items of both by the items of each" },
    { "tversky", RH_TVERSKY, "items of both by them and shares of those that one has alone" },
    { "lift", RH_LIFT, "items of both by what chance would bring" },
    { NULL },
};
static const struct rh_choice weightings[] = {
    { "none", RH_UNWEIGHTED, "1, or the rating" },
    { "bm25", RH_BM25, "Okapi BM25, items as documents and users as words" },
    { "tfidf", RH_TFIDF, "square root times inverse document frequency" },
    { NULL },
};
static const struct rh_choice owners[] = {
    { "query", OF_QUERY, "the k users most similar to the one who asks" },
    { "neighbor", OF_NEIGHBOR, "users who have the one who asks among their k most similar" },
    { NULL },
};
static const struct rh_param userknn_table[] = {
    RH_INT(struct userknn_params, neighbors, 50, 1, 1000000, "number k of most similar users that vote"),
    RH_ENUM(struct userknn_params, similarity, RH_COSINE, similarities, "how alike two users are"),
    RH_REAL(struct userknn_params, shrinkage, 0, 0, 1e6,
            "added to the denominator of a similarity: trusts users with few common items less"),
    RH_BOOL(struct userknn_params, weighted, false,
            "ratings weigh: in the cosine, and as votes (no: every interaction is 1)"),
    RH_REAL(struct userknn_params, alpha, 0.5, 0, 2, "exponent of the owner's length (asymmetric)"),
    RH_REAL(struct userknn_params, tversky_alpha, 1, 0, 1000, "weight of items of the owner alone (tversky)"),
    RH_REAL(struct userknn_params, tversky_beta, 1, 0, 1000, "weight of items of the other alone (tversky)"),
    RH_ENUM(struct userknn_params, weighting, RH_UNWEIGHTED, weightings,
            "what an interaction counts in the similarity (cosine, asymmetric)"),
    RH_ENUM(struct userknn_params, lists_of, OF_QUERY, owners, "whose k most similar users count"),
    RH_PARAMS_END,
};

struct userknn_state {
    const struct userknn_params *params;
    const struct rh_domain *domain;
    struct rh_inverted users; /* of an item */
    struct rh_tally tally;    /* of the users of items; unless ratings weigh in the similarity */
    struct rh_similarity similarity;
    struct rh_weighting weighting;
    const float *value;     /* [interactions] what is compared; NULL: sets */
    double *factor, *term;  /* [n_users] of the denominator */
    uint64_t *bar;          /* [n_users] key of the last in a user's list, 0 where all have room; lists_of = neighbor */
    int32_t n_users, target, k;
};

static int userknn_check(struct rh_ctx *ctx, const void *params)
{
    const struct userknn_params *p = params;
    if (p->weighting != RH_UNWEIGHTED && p->similarity != RH_COSINE && p->similarity != RH_ASYMMETRIC)
        return ctx->host->fail(ctx, RH_EINVAL,
                               "weighting needs similarity = cosine or asymmetric: the others look at sets");
    return RH_OK;
}

/* What is compared: ratings, weights, or NULL for sets. */
static int choose_values(struct rh_ctx *ctx, const struct rh_train *train, struct userknn_state *s)
{
    const struct rh_domain *d = &train->domain[train->target];
    s->value = s->params->weighted && rh_similarity_of_values(&s->similarity) ? d->value : NULL;
    if (s->params->weighting == RH_UNWEIGHTED)
        return RH_OK;
    float *weight = ctx->host->alloc(ctx, (size_t)d->row[train->n_users], sizeof *weight);
    int status = rh_weighting_learn(ctx, s->params->weighting, d, train->n_users, s->value, &s->weighting);
    if (!weight || status < 0)
        return RH_ENOMEM;
    rh_weighting_apply(&s->weighting, d, train->n_users, s->value, weight);
    s->value = weight;
    return RH_OK;
}

/* All that comes from the train rows as they are: it need not be saved. */
static int take_rows(struct rh_ctx *ctx, const struct userknn_params *p, const struct rh_train *train,
                     struct userknn_state *s)
{
    const struct rh_domain *d = &train->domain[train->target];
    if (p->weighted && !d->value)
        return ctx->host->fail(ctx, RH_EDATA, "weighted = yes needs ratings, but domain '%s' has none", d->name);
    s->params = p;
    s->domain = d;
    s->n_users = train->n_users;
    s->target = train->target;
    s->k = p->neighbors < train->n_users ? (int32_t)p->neighbors : train->n_users;
    s->similarity = (struct rh_similarity){ p->similarity, p->shrinkage, p->alpha, p->tversky_alpha, p->tversky_beta };
    int status = choose_values(ctx, train, s);
    if (status >= 0)
        status = rh_invert(ctx, d, train->n_users, s->value, ctx->host->alloc, &s->users);
    if (status >= 0 && !s->value)
        status = rh_tally_build(ctx, d->n_items, train->n_users, s->users.row, s->users.user, ctx->host->alloc,
                                &s->tally);
    return status;
}

/* Where the list of each user ends, from the lists themselves: users are the items of the matrix turned round. */
static int find_bars(struct rh_ctx *ctx, struct userknn_state *s)
{
    struct rh_domain turned = { .n_items = s->n_users, .row = s->users.row, .item = s->users.user };
    struct rh_neighbor_job job = { .domain = &turned, .n_users = s->domain->n_items, .value = s->users.value,
                                   .k = s->k };
    struct rh_neighbors lists;
    int status = rh_similarity_describe(ctx, &s->similarity, &job);
    if (status >= 0)
        status = rh_neighbors_find(ctx, &job, &lists);
    s->bar = ctx->host->alloc(ctx, (size_t)s->n_users, sizeof *s->bar);
    if (status < 0 || !s->bar)
        return status < 0 ? status : RH_ENOMEM;
    for (int32_t v = 0; v < s->n_users; v++) {
        uint64_t last = UINT64_MAX;
        for (int64_t m = lists.row[v]; m < lists.row[v + 1]; m++) {
            uint64_t key = rh_topk_key(lists.weight[m], lists.item[m]);
            last = key < last ? key : last;
        }
        s->bar[v] = lists.row[v + 1] - lists.row[v] < s->k ? 0 : last;
    }
    return RH_OK;
}

static int userknn_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct userknn_params *p = params;
    struct userknn_state *s = state;
    const struct rh_domain *d = &train->domain[train->target];
    int status = take_rows(ctx, p, train, s);
    if (status < 0)
        return status;
    s->factor = ctx->host->alloc(ctx, (size_t)train->n_users, sizeof *s->factor);
    s->term = ctx->host->alloc(ctx, (size_t)train->n_users, sizeof *s->term);
    if (!s->factor || !s->term)
        return RH_ENOMEM;
    for (int32_t u = 0; u < train->n_users; u++) {
        double square = 0;
        for (int64_t k = d->row[u]; k < d->row[u + 1]; k++)
            square += s->value ? (double)s->value[k] * s->value[k] : 1;
        struct rh_similarity_part part = rh_similarity_part(&s->similarity, square);
        s->factor[u] = p->lists_of == OF_NEIGHBOR ? part.own_factor : part.factor;
        s->term[u] = p->lists_of == OF_NEIGHBOR ? part.own_term : part.term;
    }
    return p->lists_of == OF_NEIGHBOR ? find_bars(ctx, s) : RH_OK;
}

/* Work space of a call of score. */
struct desk {
    void *planes;      /* of the tally */
    int32_t *count;    /* [n_users padded] x(u, v) as counts, or NULL */
    double *sum;       /* [n_users] x(u, v) of values, or NULL */
    float *mine;       /* [n_items] values of the history, when there are any */
    unsigned char *touched; /* [n_users padded / 16] */
    float *similarity;     /* [n_users padded] */
    uint64_t *group;       /* of lib/topk.h */
    uint64_t *key;         /* of lib/topk.h: the neighbours */
    double *votes;         /* [n_items] */
};

static bool set_desk(struct rh_ctx *ctx, const struct userknn_state *s, struct desk *d)
{
    size_t n = (size_t)s->n_users;
    *d = (struct desk){
        .touched = ctx->host->scratch(ctx, RH_TOPK_GROUPS(n + 128), 1),
        .similarity = ctx->host->scratch(ctx, RH_TOPK_ROOM(n), sizeof *d->similarity),
        .group = ctx->host->scratch(ctx, RH_TOPK_GROUPS(n), sizeof *d->group),
        .key = ctx->host->scratch(ctx, RH_TOPK_ROOM(n) + 1, sizeof *d->key),
        .votes = ctx->host->scratch(ctx, (size_t)s->domain->n_items, sizeof *d->votes),
    };
    if (s->users.value) {
        d->sum = ctx->host->scratch(ctx, n, sizeof *d->sum);
        d->mine = ctx->host->scratch(ctx, (size_t)s->domain->n_items, sizeof *d->mine);
    } else {
        d->planes = ctx->host->scratch(ctx, rh_tally_space(&s->tally), 1);
        d->count = ctx->host->scratch(ctx, n + 128, sizeof *d->count);
    }
    bool counted = d->planes && d->count, summed = d->sum && d->mine;
    return d->touched && d->similarity && d->group && d->key && d->votes && (counted || summed);
}

/* x(u, v) of the history with every train user v, in desk->count or desk->sum; returns the sum of squares of r(u). */
static double meet(const struct userknn_state *s, const struct rh_history *h, struct desk *desk)
{
    if (desk->count) {
        memset(desk->count, 0, (size_t)s->n_users * sizeof *desk->count);
        rh_tally_add(&s->tally, h->item, h->n, desk->planes, desk->count, desk->touched);
        return h->n;
    }
    double square = 0, idf = rh_weighting_idf(&s->weighting, h->n);
    bool weighs = s->params->weighting != RH_UNWEIGHTED, rated = s->params->weighted && h->value;
    memset(desk->touched, 1, RH_TOPK_GROUPS(s->n_users));
    memset(desk->sum, 0, (size_t)s->n_users * sizeof *desk->sum);
    for (int32_t m = 0; m < h->n; m++) {
        int32_t i = h->item[m];
        double r = rated ? h->value[m] : 1, mine = desk->mine[m] = weighs ? rh_weighting_of(&s->weighting, idf, i, r)
                                                                          : (float)r;
        square += mine * mine;
        for (int64_t k = s->users.row[i]; k < s->users.row[i + 1]; k++)
            desk->sum[s->users.user[k]] += mine * s->users.value[k];
    }
    return square;
}

static int by_user(const void *a, const void *b)
{
    int32_t u = rh_topk_index(*(const uint64_t *)a), v = rh_topk_index(*(const uint64_t *)b);
    return (u > v) - (u < v);
}

/* Puts the neighbours of a history into desk->key, ascending by user; returns how many there are. */
static int32_t find_neighbors(const struct userknn_state *s, const struct rh_history *h, int32_t self,
                              struct desk *desk)
{
    struct rh_similarity_part own = rh_similarity_part(&s->similarity, meet(s, h, desk));
    const double *factor = s->factor, *term = s->term;
    double shrinkage = rh_similarity_shrinkage(&s->similarity), gamma = rh_similarity_gamma(&s->similarity);
    double my_factor = s->bar ? own.factor : own.own_factor, my_term = s->bar ? own.term : own.own_term;
    for (int32_t v = 0; v < s->n_users; v++) {
        double x = desk->count ? desk->count[v] : desk->sum[v];
        double below = factor[v] * my_factor + (term[v] + my_term) + shrinkage - gamma * x;
        desk->similarity[v] = x > 0 ? (float)(x / below) : 0;
    }
    for (int32_t v = 0; s->bar && v < s->n_users; v++)
        if (desk->similarity[v] > 0 && rh_topk_key(desk->similarity[v], self) < s->bar[v])
            desk->similarity[v] = 0;
    desk->similarity[self] = 0;
    int32_t k = s->bar ? s->n_users : s->k;
    int32_t n = rh_topk_nearest(desk->similarity, desk->touched, s->n_users, k, desk->group, desk->key);
    qsort(desk->key, (size_t)n, sizeof *desk->key, by_user); /* their rows are read in the order of memory */
    return n;
}

static int userknn_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                         size_t stride)
{
    const struct userknn_state *s = state;
    const struct rh_domain *d = s->domain;
    struct desk desk;
    if (!set_desk(ctx, s, &desk))
        return RH_ENOMEM;
    for (int32_t q = 0; q < n; q++) {
        int32_t neighbors = find_neighbors(s, &query[q].history[s->target], query[q].user, &desk);
        memset(desk.votes, 0, (size_t)d->n_items * sizeof *desk.votes);
        for (int32_t m = 0; m < neighbors; m++) {
            int32_t v = rh_topk_index(desk.key[m]);
            double near = rh_topk_similarity(desk.key[m]);
            for (int64_t k = d->row[v]; k < d->row[v + 1]; k++)
                desk.votes[d->item[k]] += s->params->weighted ? near * d->value[k] : near;
        }
        float *row = out + (size_t)q * stride;
        for (int32_t c = 0; c < query[q].n_candidates; c++)
            row[c] = (float)desk.votes[query[q].candidate ? query[q].candidate[c] : c];
    }
    return RH_OK;
}

/* How much of the votes for `item` is due to each item of the history. A similarity is a sum over the common items, so
 * the vote of a neighbour is shared out among these as they are in the sum: the parts add up to the score. */
static int userknn_explain(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item,
                           int32_t max, int32_t *why, float *weight)
{
    const struct userknn_state *s = state;
    const struct rh_domain *d = s->domain;
    const struct rh_history *h = &query->history[s->target];
    const float *value = s->value;
    double *part = ctx->host->scratch(ctx, (size_t)h->n, sizeof *part);
    struct desk desk;
    if (!part || !set_desk(ctx, s, &desk))
        return RH_ENOMEM;
    int32_t neighbors = find_neighbors(s, h, query->user, &desk), n = 0;
    for (int32_t m = 0; m < neighbors; m++) {
        int32_t v = rh_topk_index(desk.key[m]);
        int64_t vote = d->row[v], end = d->row[v + 1];
        while (vote < end && d->item[vote] != item)
            vote++;
        if (vote == end)
            continue;
        double share = (double)rh_topk_similarity(desk.key[m]) / (desk.count ? desk.count[v] : desk.sum[v]);
        if (s->params->weighted)
            share *= d->value[vote];
        int64_t k = d->row[v];
        for (int32_t j = 0; j < h->n; j++) {
            while (k < end && d->item[k] < h->item[j])
                k++;
            if (k < end && d->item[k] == h->item[j])
                part[j] += value ? share * value[k] * desk.mine[j] : share;
        }
    }
    for (int32_t j = 0; j < h->n; j++)
        if (part[j] != 0)
            n = rh_insert_part(why, weight, n, max, h->item[j], (float)part[j]);
    return n;
}

static int userknn_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct userknn_state *s = state;
    int status = s->factor ? RH_OK : take_rows(ctx, params, train, s);
    if (status >= 0)
        status = ctx->host->field(ctx, "factor", &s->factor, train->n_users, sizeof *s->factor);
    if (status >= 0)
        status = ctx->host->field(ctx, "term", &s->term, train->n_users, sizeof *s->term);
    if (status >= 0 && s->params->lists_of == OF_NEIGHBOR)
        status = ctx->host->field(ctx, "bar", &s->bar, train->n_users, sizeof *s->bar);
    return status;
}

static const struct rh_algorithm userknn = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "userknn",
    .summary = "items of the users whose histories are most similar",
    .reference = "Resnick et al. 1994, GroupLens: an open architecture for collaborative filtering of netnews; "
                 "Sarwar et al. 2000, Analysis of recommendation algorithms for e-commerce",
    .cost = "fit O(nnz), score O(users of the items of the history + U + items of the k neighbours + I) a query, "
            "memory 4 nnz bytes (8 with ratings), at most 16 nnz of bitmaps, and 8 U",
    .advice = "Strong where users have many items and there are fewer users than items; unseen users are folded in "
              "through their history. Tune neighbors, then shrinkage. Queries are slow with many users.",
    .revision = 1,
    .flags = RH_A_COLD_USERS,
    .params = userknn_table,
    .params_size = sizeof(struct userknn_params),
    .state_size = sizeof(struct userknn_state),
    .check = userknn_check,
    .fit = userknn_fit,
    .score = userknn_score,
    .explain = userknn_explain,
    .persist = userknn_persist,
};
RH_ALGORITHM(userknn)
