/* ease - embarrassingly shallow autoencoder.
 *
 * Steck 2019, "Embarrassingly shallow autoencoders for sparse data" (WWW 28). With X the users x items matrix of ones
 * where there is an interaction, the weights B minimise |X - X B|^2 + l2 |B|^2 under diag(B) = 0. With
 * P = (X'X + l2 I)^-1 that is B(i, j) = -P(i, j) / P(j, j) for i != j, and the score of item j is the sum of B(i, j)
 * over the items i of the history. Weights may be negative: an item can speak against another.
 *
 * X'X is counted straight into one triangle, which LAPACK factors and inverts in place (potrf, potri); counts are
 * exact in float up to 2^24 users. P is mirrored and kept whole, so that the rows of a history are added front to back;
 * the division by P(j, j) comes last.
 *
 * Unseen users are folded in through their history. A user without history gets 0 for every item, as does an item
 * without interactions.
 *
 * Time: sum over users of the squared row length, and n^3 multiply-adds (a third of them in potrf); a query:
 * |history| n. Memory: 4 n^2 bytes. */
#include <rh/plugin.h>

#include "algorithms/lib/explain.h"
#include "algorithms/lib/invert.h"
#include "algorithms/lib/lapack.h"

#include <string.h>

#define COUNT_GRAIN 16
#define MIRROR_TILE 64

struct ease_params {
    double l2;
};

static const struct rh_param ease_table[] = {
    RH_REAL(struct ease_params, l2, 500, 1e-3, 1e9, "regularisation: added to the diagonal of the item-item counts"),
    RH_PARAMS_END,
};

struct ease_state {
    int32_t target, n;
    float *p;     /* [n x n] P with zeros in the diagonal */
    float *scale; /* [n] -1 / P(j, j) */
};

struct count_job {
    const struct rh_domain *d;
    const struct rh_inverted *users;
    float *p;
    double l2;
};

/* Rows begin..end of X'X + l2 I, from the diagonal on. */
static int count_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct count_job *job = arg;
    const struct rh_domain *d = job->d;
    for (int64_t i = begin; i < end; i++) {
        float *row = job->p + i * d->n_items;
        for (int64_t m = job->users->row[i]; m < job->users->row[i + 1]; m++) {
            int32_t u = job->users->user[m];
            for (int64_t k = d->row[u + 1]; k-- > d->row[u] && d->item[k] >= i;)
                row[d->item[k]] += 1;
        }
        row[i] = (float)(row[i] + job->l2);
    }
    return RH_OK;
}

/* The lower triangle from the upper, in tiles: both sides of the diagonal stay in the cache. */
static int mirror_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    struct ease_state *s = arg;
    int64_t n = s->n;
    for (int64_t left = 0; left < end; left += MIRROR_TILE)
        for (int64_t i = begin; i < end; i++)
            for (int64_t j = left; j < left + MIRROR_TILE && j < i; j++)
                s->p[i * n + j] = s->p[j * n + i];
    return RH_OK;
}

static int invert(struct rh_ctx *ctx, struct ease_state *s, double l2)
{
    int n = s->n, info = 0;
    spotrf_("L", &n, s->p, &n, &info, 1); /* column-major: the rows from the diagonal on are its lower triangle */
    int status = ctx->host->tick(ctx, 1, 2);
    if (status < 0)
        return status;
    if (info == 0)
        spotri_("L", &n, s->p, &n, &info, 1);
    if (info != 0)
        return ctx->host->fail(ctx, RH_ENUMERIC,
                               "the item-item counts with l2 = %g on the diagonal have no inverse in single "
                               "precision; try a larger l2", l2);
    for (int64_t j = 0; j < n; j++) {
        float diagonal = s->p[j * n + j];
        if (!(diagonal > 0) || !isfinite(1 / diagonal))
            return ctx->host->fail(ctx, RH_ENUMERIC,
                                   "the inverse of the item-item counts is not positive with l2 = %g; try a larger "
                                   "l2", l2);
        s->scale[j] = -1 / diagonal;
        s->p[j * n + j] = 0;
    }
    return ctx->host->parallel(ctx, n, MIRROR_TILE, mirror_part, s);
}

static int ease_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct ease_params *p = params;
    struct ease_state *s = state;
    const struct rh_domain *d = &train->domain[train->target];
    struct rh_inverted users;
    int status = rh_invert(ctx, d, train->n_users, NULL, ctx->host->scratch, &users);
    if (status < 0)
        return status;
    s->target = train->target;
    s->n = d->n_items;
    s->p = ctx->host->alloc(ctx, (size_t)s->n * (size_t)s->n, sizeof *s->p);
    s->scale = ctx->host->alloc(ctx, (size_t)s->n, sizeof *s->scale);
    if (!s->p || !s->scale)
        return RH_ENOMEM;
    struct count_job job = { .d = d, .users = &users, .p = s->p, .l2 = p->l2 };
    status = ctx->host->parallel(ctx, s->n, COUNT_GRAIN, count_part, &job);
    return status < 0 ? status : invert(ctx, s, p->l2);
}

static void score_all(const struct ease_state *s, const struct rh_history *h, float *restrict row)
{
    memset(row, 0, (size_t)s->n * sizeof *row);
    for (int32_t m = 0; m < h->n; m++) {
        const float *restrict p = s->p + (size_t)h->item[m] * (size_t)s->n;
        for (int32_t j = 0; j < s->n; j++)
            row[j] += p[j];
    }
    for (int32_t j = 0; j < s->n; j++)
        row[j] *= s->scale[j];
}

static int ease_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                      size_t stride)
{
    (void)ctx;
    const struct ease_state *s = state;
    for (int32_t q = 0; q < n; q++) {
        const struct rh_history *h = &query[q].history[s->target];
        float *row = out + (size_t)q * stride;
        if (!query[q].candidate) {
            score_all(s, h, row);
            continue;
        }
        for (int32_t c = 0; c < query[q].n_candidates; c++) { /* in the same order of additions as score_all */
            int32_t j = query[q].candidate[c];
            const float *p = s->p + (size_t)j * (size_t)s->n; /* symmetric: one row for one candidate */
            float sum = 0;
            for (int32_t m = 0; m < h->n; m++)
                sum += p[h->item[m]];
            row[c] = sum * s->scale[j];
        }
    }
    return RH_OK;
}

static int ease_explain(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item,
                        int32_t max, int32_t *why, float *weight)
{
    (void)ctx;
    const struct ease_state *s = state;
    const struct rh_history *h = &query->history[s->target];
    const float *p = s->p + (size_t)item * (size_t)s->n;
    int32_t n = 0;
    for (int32_t m = 0; m < h->n; m++)
        if (h->item[m] != item)
            n = rh_insert_part(why, weight, n, max, h->item[m], p[h->item[m]] * s->scale[item]);
    return n;
}

static int ease_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)params;
    struct ease_state *s = state;
    s->target = train->target;
    s->n = train->domain[train->target].n_items;
    int status = ctx->host->field(ctx, "inverse", &s->p, (int64_t)s->n * s->n, sizeof *s->p);
    return status < 0 ? status : ctx->host->field(ctx, "scale", &s->scale, s->n, sizeof *s->scale);
}

static const struct rh_algorithm ease = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "ease",
    .summary = "linear weights between items in closed form, an item never its own reason",
    .reference = "Steck 2019, Embarrassingly shallow autoencoders for sparse data (WWW)",
    .cost = "fit O(sum over users of the squared row length + I^3), score O(|history| I) a query, memory 4 I^2 bytes",
    .advice = "Among the strongest linear models, with one parameter: tune l2 (10 to 10000). Time grows with the "
              "cube of the items, memory with the square: for very many items take neighbourhoods (itemknn) or factors "
              "(ials). It cannot score items without interactions.",
    .revision = 1,
    .flags = RH_A_COLD_USERS,
    .params = ease_table,
    .params_size = sizeof(struct ease_params),
    .state_size = sizeof(struct ease_state),
    .fit = ease_fit,
    .score = ease_score,
    .explain = ease_explain,
    .persist = ease_persist,
};
RH_ALGORITHM(ease)
