/* coclustering - what rating? That of the group of such users for the group of such items.
 *
 * George and Merugu 2005, "A scalable collaborative filtering framework based on co-clustering" (ICDM 5), with the
 * averages C over all ratings of a co-cluster, of the users' cluster, and of the items':
 *
 *     r(u, i) = C(u, i) + (m(u) - C(u)) + (m(i) - C(i)),       m the mean of the user and of the item
 *
 * In a pass every user goes to the cluster with the least squared error of that, then every item; averages are taken
 * anew before each pass. The first clusters are random. As CoClustering of Surprise; with random = numpy_legacy to
 * the last digit. An unknown user or item gets the mean of all ratings.
 *
 * Time: a pass O(ratings (user clusters + item clusters)). Memory: 12 bytes a user and item, 20 a rating. */
#include "algorithms/lib/draw.h"
#include "algorithms/lib/rating.h"

#include <string.h>

struct cluster_params {
    int64_t user_clusters, item_clusters, passes, numpy_seed;
    int random;
};

static const struct rh_param cluster_table[] = {
    RH_INT(struct cluster_params, user_clusters, 3, 1, 1000, "number of clusters of users"),
    RH_INT(struct cluster_params, item_clusters, 3, 1, 1000, "number of clusters of items"),
    RH_INT(struct cluster_params, passes, 20, 1, 100000, "passes over users and items"),
    RH_DRAW_PARAMS(struct cluster_params),
    RH_PARAMS_END,
};

struct side { /* users or items */
    double *mean;     /* [n] */
    int32_t *cluster; /* [n] -1: no training rows */
    double *average;  /* [n_clusters] of the ratings of a cluster */
    int32_t n, n_clusters;
};

struct cluster_state {
    struct side user, item;
    double *average; /* [user clusters x item clusters] */
    double mean;
};

/* Rows of one side in lists: those of `a` have the other side in `other`. */
struct lists {
    const int64_t *begin;
    const int32_t *other;
    const float *value;
};

static int make_side(struct rh_ctx *ctx, int32_t n, int64_t n_clusters, struct side *s)
{
    s->n = n;
    s->n_clusters = (int32_t)n_clusters;
    s->mean = ctx->host->alloc(ctx, (size_t)n, sizeof *s->mean);
    s->cluster = ctx->host->alloc(ctx, (size_t)n, sizeof *s->cluster);
    s->average = ctx->host->alloc(ctx, (size_t)n_clusters, sizeof *s->average);
    if (!s->mean || !s->cluster || !s->average)
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++)
        s->cluster[k] = -1;
    return RH_OK;
}

/* sums: room for [2 x clusters of users, of items and of both]. */
static void take_averages(struct cluster_state *s, const struct rh_domain *d, double *sums)
{
    int32_t nu = s->user.n_clusters, ni = s->item.n_clusters, n = nu + ni + nu * ni;
    double *count = sums + n;
    memset(sums, 0, (size_t)n * 2 * sizeof *sums);
    for (int32_t u = 0; u < s->user.n; u++)
        for (int64_t k = d->row[u]; k < d->row[u + 1]; k++) {
            int32_t a = s->user.cluster[u], b = s->item.cluster[d->item[k]];
            int32_t at[3] = { a, nu + b, nu + ni + a * ni + b };
            for (int c = 0; c < 3; c++) {
                sums[at[c]] += d->value[k];
                count[at[c]]++;
            }
        }
    for (int32_t c = 0; c < n; c++)
        sums[c] = count[c] > 0 ? sums[c] / count[c] : s->mean;
    memcpy(s->user.average, sums, (size_t)nu * sizeof *sums);
    memcpy(s->item.average, sums + nu, (size_t)ni * sizeof *sums);
    memcpy(s->average, sums + nu + ni, (size_t)nu * (size_t)ni * sizeof *sums);
}

/* The order of the terms is that of Surprise: it decides between clusters that are as good up to rounding. */
static inline double estimate(const struct cluster_state *s, int32_t u, int32_t a, int32_t i, int32_t b)
{
    return s->average[a * s->item.n_clusters + b] + s->user.mean[u] - s->user.average[a] + s->item.mean[i] -
           s->item.average[b];
}

/* The cluster of least error for member x of the users (or items). */
static int32_t best_cluster(const struct cluster_state *s, const struct lists *rows, int32_t x, bool users)
{
    const struct side *own = users ? &s->user : &s->item, *others = users ? &s->item : &s->user;
    int32_t best = 0;
    double least = INFINITY;
    for (int32_t c = 0; c < own->n_clusters; c++) {
        double error = 0;
        for (int64_t k = rows->begin[x]; k < rows->begin[x + 1]; k++) {
            int32_t o = rows->other[k], oc = others->cluster[o];
            double e = rows->value[k] - (users ? estimate(s, x, c, o, oc) : estimate(s, o, oc, x, c));
            error += e * e;
        }
        if (error < least) {
            least = error;
            best = c;
        }
    }
    return best;
}

struct job {
    struct cluster_state *s;
    const struct lists *rows;
    const int32_t *member; /* [n] of place; NULL: the place itself */
    bool users;
};

/* Members do not see each other's new clusters: they are of the side that does not count in their errors. */
static int reassign(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct job *j = arg;
    struct side *own = j->users ? &j->s->user : &j->s->item;
    for (int64_t k = begin; k < end; k++) {
        struct lists at = *j->rows;
        int32_t x = j->member ? j->member[k] : (int32_t)k;
        at.begin = j->rows->begin + k - x; /* list k is that of member x */
        if (j->rows->begin[k] < j->rows->begin[k + 1])
            own->cluster[x] = best_cluster(j->s, &at, x, j->users);
    }
    return RH_OK;
}

static int learn(struct rh_ctx *ctx, const struct cluster_params *p, const struct rh_domain *d,
                 const struct rh_sequence *sequence, const struct rh_by_item *by_item, struct cluster_state *s)
{
    struct lists of_users = { sequence->begin, sequence->row_item, sequence->row_value };
    struct lists of_items = { by_item->begin, by_item->user, by_item->value };
    struct job users = { s, &of_users, sequence->user, true }, items = { s, &of_items, NULL, false };
    size_t n = (size_t)(s->user.n_clusters + s->item.n_clusters + s->user.n_clusters * s->item.n_clusters);
    double *sums = ctx->host->scratch(ctx, 2 * n, sizeof *sums);
    int status = sums ? RH_OK : RH_ENOMEM;
    for (int64_t pass = 0; status >= 0 && pass < p->passes; pass++) {
        take_averages(s, d, sums);
        if ((status = ctx->host->parallel(ctx, sequence->n_users, 64, reassign, &users)) >= 0 &&
            (status = ctx->host->parallel(ctx, s->item.n, 64, reassign, &items)) >= 0)
            status = ctx->host->tick(ctx, pass + 1, p->passes);
    }
    if (status >= 0)
        take_averages(s, d, sums);
    return status;
}

static int cluster_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct cluster_params *p = params;
    struct cluster_state *s = state;
    struct rh_sequence sequence;
    struct rh_by_item by_item;
    int status;
    const struct rh_domain *d = rh_rated_target(ctx, train, &status);
    struct rh_draw *draw = ctx->host->scratch(ctx, 1, sizeof *draw);
    if (!d)
        return status;
    s->mean = rh_mean_rating(d->value, d->row[train->n_users]);
    s->average = ctx->host->alloc(ctx, (size_t)p->user_clusters, (size_t)p->item_clusters * sizeof *s->average);
    if (!draw || !s->average || make_side(ctx, train->n_users, p->user_clusters, &s->user) < 0 ||
        make_side(ctx, d->n_items, p->item_clusters, &s->item) < 0)
        return RH_ENOMEM;
    if ((status = rh_sequence_make(ctx, d, train->n_users, &sequence)) < 0 ||
        (status = rh_by_item_make(ctx, d, train->n_users, &by_item)) < 0)
        return status;
    rh_draw_start(ctx, p->random, p->numpy_seed, draw);
    for (int32_t k = 0; k < sequence.n_users; k++)
        s->user.cluster[sequence.user[k]] = rh_draw_below(draw, s->user.n_clusters);
    for (int32_t k = 0; k < sequence.n_items; k++)
        s->item.cluster[sequence.item[k]] = rh_draw_below(draw, s->item.n_clusters);
    for (int32_t u = 0; u < train->n_users; u++)
        s->user.mean[u] = rh_mean_rating(d->value + d->row[u], d->row[u + 1] - d->row[u]);
    for (int32_t i = 0; i < d->n_items; i++)
        s->item.mean[i] = rh_mean_rating(by_item.value + by_item.begin[i], by_item.begin[i + 1] - by_item.begin[i]);
    return learn(ctx, p, d, &sequence, &by_item, s);
}

static int cluster_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                         size_t stride)
{
    (void)ctx;
    const struct cluster_state *s = state;
    for (int32_t k = 0; k < n; k++) {
        int32_t u = query[k].user, a = s->user.cluster[u];
        for (int32_t c = 0; c < query[k].n_candidates; c++) {
            int32_t i = rh_candidate(&query[k], c), b = s->item.cluster[i];
            out[(size_t)k * stride + (size_t)c] = (float)(a >= 0 && b >= 0 ? estimate(s, u, a, i, b) : s->mean);
        }
    }
    return RH_OK;
}

static int persist_side(struct rh_ctx *ctx, struct side *s, const char *const name[5])
{
    const struct rh_host *host = ctx->host;
    int status;
    if ((status = host->value(ctx, name[0], &s->n, sizeof s->n)) < 0 ||
        (status = host->value(ctx, name[1], &s->n_clusters, sizeof s->n_clusters)) < 0 ||
        (status = host->field(ctx, name[2], &s->mean, s->n, sizeof *s->mean)) < 0 ||
        (status = host->field(ctx, name[3], &s->cluster, s->n, sizeof *s->cluster)) < 0)
        return status;
    for (int32_t k = 0; k < s->n; k++)
        if (s->cluster[k] < -1 || s->cluster[k] >= s->n_clusters)
            return host->fail(ctx, RH_EDATA, "the saved model has a cluster %d of %d", s->cluster[k], s->n_clusters);
    return host->field(ctx, name[4], &s->average, s->n_clusters, sizeof *s->average);
}

static int cluster_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)params, (void)train;
    static const char *const users[] = { "n_users", "user_clusters", "user_mean", "user_cluster", "user_average" };
    static const char *const items[] = { "n_items", "item_clusters", "item_mean", "item_cluster", "item_average" };
    struct cluster_state *s = state;
    int status;
    if ((status = persist_side(ctx, &s->user, users)) < 0 || (status = persist_side(ctx, &s->item, items)) < 0 ||
        (status = ctx->host->value(ctx, "mean", &s->mean, sizeof s->mean)) < 0)
        return status;
    return ctx->host->field(ctx, "average", &s->average, (int64_t)s->user.n_clusters * s->item.n_clusters,
                            sizeof *s->average);
}

static const struct rh_algorithm coclustering = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "coclustering",
    .summary = "predicts ratings from the averages of a cluster of users for a cluster of items",
    .reference = "George and Merugu 2005, A scalable collaborative filtering framework based on co-clustering, ICDM "
                 "5",
    .cost = "pass O(nnz (user_clusters + item_clusters)); memory 12 (U + I) + 20 nnz bytes; a query O(candidates)",
    .advice = "A small model that is fast to ask and easy to read, little better than the baseline. More than a few "
              "clusters do not help on small data.",
    .revision = 1,
    .flags = RH_A_NEEDS_VALUES | RH_A_RATES | RH_A_RANDOM,
    .params = cluster_table,
    .params_size = sizeof(struct cluster_params),
    .state_size = sizeof(struct cluster_state),
    .fit = cluster_fit,
    .score = cluster_score,
    .persist = cluster_persist,
};
RH_ALGORITHM(coclustering)
