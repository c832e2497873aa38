/* rp3beta - random walks of three steps over users and items, with popular ends damped.
 *
 * Paudel, Christoffel, Newell and Bernstein 2017, "Updatable, accurate, diverse, and scalable recommendations for
 * interactive applications" (ACM TiiS 7(1)). A walk goes from an item i of the history to one of its n(i) users and on
 * to one of the n(u) items of that user; probabilities are raised to the power alpha, the end j is damped by beta:
 *
 *     w(i, j) = sum over users of i and j of n(i)^-alpha n(u)^-alpha, by n(j)^beta
 *
 * With beta = 0 it is P3alpha (Cooper, Lee, Radinsky and Siddiqui 2014, "Random walks in recommender systems", WWW).
 * Each i keeps its k largest weights, scaled to the sum 1 with `normalize`; then each j keeps the k largest of those
 * that reach it (as Ferrari Dacrema, Cremonesi and Jannach 2019 do). Of equal weights the lower index goes first. The
 * score of j is the sum of w(i, j) over the history.
 *
 * Time: fit see lib/neighbors.h; a query: n_items + |history| k. Memory: 24 k bytes an item. */
#include <rh/plugin.h>

#include "algorithms/lib/explain.h"
#include "algorithms/lib/neighbors.h"
#include "algorithms/lib/topk.h"

#include <string.h>

struct rp3beta_params {
    int64_t neighbors;
    double alpha, beta;
    bool normalize;
};

static const struct rh_param rp3beta_table[] = {
    RH_INT(struct rp3beta_params, neighbors, 100, 1, 1000000, "k: weights kept of an item, from it and to it"),
    RH_REAL(struct rp3beta_params, alpha, 1, 0, 10, "power of the step probabilities"),
    RH_REAL(struct rp3beta_params, beta, 0.5, 0, 10, "how much popular ends are damped; 0: P3alpha"),
    RH_BOOL(struct rp3beta_params, normalize, false, "scale the weights from an item to the sum 1"),
    RH_PARAMS_END,
};

struct rp3beta_state {
    int32_t target, n_items;
    int64_t n_weights;
    int64_t *row;  /* [n_items + 1] */
    int32_t *item; /* [n_weights] what the item of the row leads to */
    float *weight; /* [n_weights] */
};

/* Sets what is not among the k largest that reach an item to 0; `to` has the rows of the items reached. */
static int prune(struct rh_ctx *ctx, struct rh_neighbors *to, int32_t k)
{
    uint64_t *key = ctx->host->scratch(ctx, (size_t)to->n_items + 1, sizeof *key);
    if (!key)
        return RH_ENOMEM;
    for (int32_t j = 0; j < to->n_items; j++) {
        int64_t begin = to->row[j];
        int32_t n = (int32_t)(to->row[j + 1] - begin);
        if (n <= k)
            continue;
        for (int32_t m = 0; m < n; m++)
            key[m] = rh_topk_key(to->weight[begin + m], to->item[begin + m]);
        rh_topk_select(key, n, k);
        uint64_t least = key[k - 1];
        for (int32_t m = 0; m < n; m++)
            if (rh_topk_key(to->weight[begin + m], to->item[begin + m]) < least)
                to->weight[begin + m] = 0;
    }
    return RH_OK;
}

/* The weights from every item that are not 0. */
static int keep(struct rh_ctx *ctx, struct rp3beta_state *s, const struct rh_neighbors *from)
{
    int64_t most = from->row[from->n_items];
    s->n_items = from->n_items;
    s->row = ctx->host->alloc(ctx, (size_t)s->n_items + 1, sizeof *s->row);
    s->item = ctx->host->alloc(ctx, (size_t)most + 1, sizeof *s->item);
    s->weight = ctx->host->alloc(ctx, (size_t)most + 1, sizeof *s->weight);
    if (!s->row || !s->item || !s->weight)
        return RH_ENOMEM;
    for (int32_t i = 0; i < s->n_items; i++) {
        for (int64_t m = from->row[i]; m < from->row[i + 1]; m++)
            if (from->weight[m] > 0) {
                s->item[s->n_weights] = from->item[m];
                s->weight[s->n_weights++] = from->weight[m];
            }
        s->row[i + 1] = s->n_weights;
    }
    return RH_OK;
}

static int rp3beta_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct rp3beta_params *p = params;
    struct rp3beta_state *s = state;
    const struct rh_domain *d = &train->domain[train->target];
    size_t n = (size_t)d->n_items;
    float *value = ctx->host->scratch(ctx, (size_t)d->row[train->n_users] + 1, sizeof *value);
    double *a = ctx->host->scratch(ctx, n, sizeof *a), *b = ctx->host->scratch(ctx, n, sizeof *b);
    double *zero = ctx->host->scratch(ctx, n, sizeof *zero);
    if (!value || !a || !b || !zero)
        return RH_ENOMEM;
    for (int32_t u = 0; u < train->n_users; u++) /* both factors of a product have it, hence half the power */
        for (int64_t k = d->row[u]; k < d->row[u + 1]; k++) {
            value[k] = (float)pow((double)(d->row[u + 1] - d->row[u]), -p->alpha / 2);
            a[d->item[k]] += 1;
        }
    for (size_t i = 0; i < n; i++) {
        b[i] = pow(a[i], p->beta);
        a[i] = pow(a[i], p->alpha);
    }
    struct rh_neighbor_job job = { .domain = d, .n_users = train->n_users, .value = value };
    job.a = a;
    job.b = b;
    job.c = zero;
    job.k = (int32_t)p->neighbors;
    struct rh_neighbors from, to, again;
    int status = rh_neighbors_find(ctx, &job, &from);
    if (status < 0)
        return status;
    if (p->normalize)
        rh_neighbors_scale(&from);
    s->target = train->target;
    if ((status = rh_neighbors_transpose(ctx, &from, &to)) < 0 || (status = prune(ctx, &to, job.k)) < 0 ||
        (status = rh_neighbors_transpose(ctx, &to, &again)) < 0)
        return status;
    return keep(ctx, s, &again);
}

static int rp3beta_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                         size_t stride)
{
    const struct rp3beta_state *s = state;
    double *sum = ctx->host->scratch(ctx, (size_t)s->n_items, sizeof *sum);
    if (!sum)
        return RH_ENOMEM;
    for (int32_t q = 0; q < n; q++) {
        const struct rh_history *h = &query[q].history[s->target];
        memset(sum, 0, (size_t)s->n_items * sizeof *sum);
        for (int32_t m = 0; m < h->n; m++)
            for (int64_t k = s->row[h->item[m]]; k < s->row[h->item[m] + 1]; k++)
                sum[s->item[k]] += s->weight[k];
        for (int32_t c = 0; c < query[q].n_candidates; c++)
            out[(size_t)q * stride + (size_t)c] = (float)sum[query[q].candidate ? query[q].candidate[c] : c];
    }
    return RH_OK;
}

static int rp3beta_explain(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item,
                           int32_t max, int32_t *why, float *weight)
{
    (void)ctx;
    const struct rp3beta_state *s = state;
    const struct rh_history *h = &query->history[s->target];
    int32_t n = 0;
    for (int32_t m = 0; m < h->n; m++)
        for (int64_t k = s->row[h->item[m]]; k < s->row[h->item[m] + 1]; k++)
            if (s->item[k] == item)
                n = rh_insert_part(why, weight, n, max, h->item[m], s->weight[k]);
    return n;
}

static int rp3beta_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)params;
    struct rp3beta_state *s = state;
    int status;
    s->target = train->target;
    s->n_items = train->domain[train->target].n_items;
    if ((status = ctx->host->value(ctx, "weights", &s->n_weights, sizeof s->n_weights)) < 0 ||
        (status = ctx->host->field(ctx, "row", &s->row, (int64_t)s->n_items + 1, sizeof *s->row)) < 0 ||
        (status = ctx->host->field(ctx, "item", &s->item, s->n_weights, sizeof *s->item)) < 0)
        return status;
    return ctx->host->field(ctx, "weight", &s->weight, s->n_weights, sizeof *s->weight);
}

static const struct rh_algorithm rp3beta = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "rp3beta",
    .summary = "random walks from the history over users to items, with popular ends damped",
    .reference = "Paudel et al. 2017, Updatable, accurate, diverse, and scalable recommendations for interactive "
                 "applications (ACM TiiS); with beta = 0: Cooper et al. 2014, Random walks in recommender systems",
    .cost = "fit O(sum over users of the squared row length), score O(I + |history| k) a query, memory 24 k I bytes",
    .advice = "Quick, and less drawn to popular items than itemknn. Tune beta, alpha, neighbors, in this order. "
              "It cannot score items without interactions.",
    .revision = 1,
    .flags = RH_A_COLD_USERS,
    .params = rp3beta_table,
    .params_size = sizeof(struct rp3beta_params),
    .state_size = sizeof(struct rp3beta_state),
    .fit = rp3beta_fit,
    .score = rp3beta_score,
    .explain = rp3beta_explain,
    .persist = rp3beta_persist,
};
RH_ALGORITHM(rp3beta)
