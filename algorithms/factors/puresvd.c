/* puresvd - scores from the first singular vectors of the matrix of interactions.
 *
 * Cremonesi, Koren and Turrin 2010, "Performance of recommender algorithms on top-N recommendation tasks" (RecSys).
 * With X = U S V' the users x items matrix, 0 where there is no interaction, and V the first `factors` right singular
 * vectors, the score of item i is x V v(i)', x the row of the user: no vector of the user is learned, so that unseen
 * users are folded in like all others.
 *
 * V comes from subspace iteration on X'X from a random start (Halko, Martinsson and Tropp 2011, "Finding structure
 * with randomness", SIAM Review 53(2), algorithms 4.4 and 5.1): a random matrix of l = factors + oversample columns
 * is multiplied by X'X and made orthonormal, `iterations` times, and the best vectors of the space it spans are taken
 * from the small matrix Q'X'X Q. What falls out where singular values lie close together depends on the random start;
 * more iterations bring all starts to the same vectors.
 *
 * An item without interactions gets 0, as does everything without history.
 *
 * Time: (iterations + 1) 2 nnz l + (iterations + 1) 2 I l^2 + U l^2 multiplications; a query: (|history| + I)
 * factors. */
#include <rh/plugin.h>

#include "algorithms/lib/explain.h"
#include "algorithms/lib/factors.h"
#include "algorithms/lib/invert.h"
#include "algorithms/lib/lapack.h"

#include <cblas.h>
#include <string.h>

#define GRAIN 64
#define CHUNK 1024      /* users whose products are summed in single precision, before they are in double */
#define NOTHING 1e-6    /* of the largest eigenvalue of X'X: what is below is noise */

struct puresvd_params {
    int64_t factors, iterations, oversample;
    bool weighted;
};

static const struct rh_param puresvd_table[] = {
    RH_INT(struct puresvd_params, factors, 20, 1, 4096, "number of singular vectors"),
    RH_INT(struct puresvd_params, iterations, 10, 0, 1000,
           "multiplications of the random start by X'X, after the first"),
    RH_INT(struct puresvd_params, oversample, 10, 0, 1000, "columns of the random start more than factors"),
    RH_BOOL(struct puresvd_params, weighted, false, "interactions are their ratings (no: every one is 1)"),
    RH_PARAMS_END,
};

struct puresvd_state {
    float *item; /* [n_items x width] V, the padding 0 */
    int32_t n_items, width, target;
    bool weighted;
};

struct svd {
    const struct rh_domain *d;
    const float *value; /* ratings, or NULL */
    struct rh_inverted users;
    float *v; /* [n_items x width] */
    float *z; /* [n_users x width] X v */
    int32_t n_users, l, width;
};

/* out[width] = sum of the rows of x that are listed, times value[k] if there are values */
RH_WIDE static void sum_rows(const float *x, int32_t width, const int32_t *list, const float *value, int64_t n,
                             float *out)
{
    memset(out, 0, (size_t)width * sizeof *out);
    for (int64_t k = 0; k < n; k++)
        rh_factor_add(out, value ? value[k] : 1, x + (int64_t)list[k] * width, width);
}

static int users_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct svd *s = arg;
    for (int64_t u = begin; u < end; u++) {
        int64_t from = s->d->row[u];
        sum_rows(s->v, s->width, s->d->item + from, s->value ? s->value + from : NULL, s->d->row[u + 1] - from,
                 s->z + u * s->width);
    }
    return RH_OK;
}

static int items_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct svd *s = arg;
    for (int64_t i = begin; i < end; i++) {
        int64_t from = s->users.row[i];
        sum_rows(s->z, s->width, s->users.user + from, s->value ? s->users.value + from : NULL,
                 s->users.row[i + 1] - from, s->v + i * s->width);
    }
    return RH_OK;
}

/* Makes the columns of v orthonormal: row-major v is its transpose to LAPACK, whose rows are made orthonormal. */
static int orthonormalise(struct rh_ctx *ctx, const struct svd *s)
{
    int n = s->d->n_items, l = s->l, lda = s->width, block = 64 * l, info = 0;
    float *tau = ctx->host->scratch(ctx, (size_t)l, sizeof *tau);
    float *work = ctx->host->scratch(ctx, (size_t)block, sizeof *work);
    if (!tau || !work)
        return RH_ENOMEM;
    sgelqf_(&l, &n, s->v, &lda, tau, work, &block, &info);
    if (info == 0)
        sorglq_(&l, &n, &l, s->v, &lda, tau, work, &block, &info);
    if (info != 0)
        return ctx->host->fail(ctx, RH_EBUG, "LAPACK refuses argument %d of an LQ decomposition", -info);
    return RH_OK;
}

/* The best `factors` vectors of the space that v spans: v becomes v W, W the first eigenvectors of z'z. */
static int rotate(struct rh_ctx *ctx, const struct svd *s, int32_t factors)
{
    size_t l = (size_t)s->l, width = (size_t)s->width;
    int n = s->l, room = 64 * s->l, info = 0;
    double *c = ctx->host->scratch(ctx, l * l, sizeof *c), *eigenvalue = ctx->host->scratch(ctx, l, sizeof *c);
    double *work = ctx->host->scratch(ctx, (size_t)room, sizeof *work);
    float *part = ctx->host->scratch(ctx, l * l, sizeof *part), *w = ctx->host->scratch(ctx, l * l, sizeof *w);
    float *row = ctx->host->scratch(ctx, l, sizeof *row);
    if (!c || !eigenvalue || !work || !part || !w || !row)
        return RH_ENOMEM;
    for (int64_t u = 0; u < s->n_users; u += CHUNK) {
        int m = s->n_users - u < CHUNK ? (int)(s->n_users - u) : CHUNK;
        cblas_ssyrk(CblasRowMajor, CblasUpper, CblasTrans, s->l, m, 1, s->z + u * s->width, s->width, 0, part, s->l);
        for (size_t k = 0; k < l * l; k++)
            c[k] += part[k];
    }
    dsyev_("V", "L", &n, c, &n, eigenvalue, work, &room, &info, 1, 1); /* row k: the vector of the k-th smallest */
    if (info != 0)
        return ctx->host->fail(ctx, RH_ENUMERIC, "the singular vectors do not converge; are there values not finite?");
    for (int32_t f = 0; f < factors; f++)
        for (size_t k = 0; k < l && eigenvalue[n - 1 - f] > NOTHING * eigenvalue[n - 1]; k++)
            w[k * l + (size_t)f] = (float)c[(l - 1 - (size_t)f) * l + k];
    for (int64_t i = 0; i < s->d->n_items; i++) {
        float *v = s->v + (size_t)i * width;
        cblas_sgemv(CblasRowMajor, CblasTrans, s->l, s->l, 1, w, s->l, v, 1, 0, row, 1);
        memcpy(v, row, l * sizeof *v);
    }
    return RH_OK;
}

static int decompose(struct rh_ctx *ctx, struct svd *s, const struct puresvd_params *p)
{
    for (int64_t step = 0; step <= p->iterations; step++) {
        int status = ctx->host->tick(ctx, step, p->iterations + 1);
        if (status >= 0)
            status = ctx->host->parallel(ctx, s->n_users, GRAIN, users_part, s);
        if (status >= 0)
            status = ctx->host->parallel(ctx, s->d->n_items, GRAIN, items_part, s);
        if (status >= 0)
            status = orthonormalise(ctx, s);
        if (status < 0)
            return status;
    }
    int status = ctx->host->parallel(ctx, s->n_users, GRAIN, users_part, s);
    return status < 0 ? status : rotate(ctx, s, s->l < p->factors ? s->l : (int32_t)p->factors);
}

static int puresvd_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct puresvd_params *p = params;
    struct puresvd_state *s = state;
    const struct rh_domain *d = &train->domain[train->target];
    struct svd svd = { .d = d, .value = p->weighted ? d->value : NULL, .n_users = train->n_users };
    if (p->weighted && !d->value)
        return ctx->host->fail(ctx, RH_EDATA, "weighted = yes needs ratings, but domain '%s' has none", d->name);
    svd.l = (int32_t)(p->factors + p->oversample);
    svd.l = svd.l < d->n_items ? svd.l : d->n_items;
    svd.width = rh_factor_width(svd.l);
    svd.v = rh_factors_new(ctx, d->n_items, svd.l, 1, "start");
    svd.z = ctx->host->scratch(ctx, (size_t)train->n_users, (size_t)svd.width * sizeof *svd.z);
    if (!svd.v || !svd.z)
        return RH_ENOMEM;
    int status = rh_invert(ctx, d, train->n_users, svd.value, ctx->host->scratch, &svd.users);
    if (status >= 0)
        status = decompose(ctx, &svd, p);
    *s = (struct puresvd_state){ svd.v, d->n_items, svd.width, train->target, p->weighted };
    return status;
}

static int puresvd_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                         size_t stride)
{
    const struct puresvd_state *s = state;
    float *user = ctx->host->scratch(ctx, (size_t)n, (size_t)s->width * sizeof *user);
    if (!user)
        return RH_ENOMEM;
    for (int32_t q = 0; q < n; q++) {
        const struct rh_history *h = &query[q].history[s->target];
        sum_rows(s->item, s->width, h->item, s->weighted ? h->value : NULL, h->n, user + (int64_t)q * s->width);
    }
    rh_factors_score(user, s->item, NULL, s->n_items, s->width, query, n, out, stride);
    return RH_OK;
}

static int puresvd_explain(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item,
                           int32_t max, int32_t *why, float *weight)
{
    (void)ctx;
    const struct puresvd_state *s = state;
    const struct rh_history *h = &query->history[s->target];
    const float *v = s->item + (int64_t)item * s->width;
    int32_t n = 0;
    for (int32_t m = 0; m < h->n; m++) {
        float part = rh_factor_dot(s->item + (int64_t)h->item[m] * s->width, v, s->width);
        n = rh_insert_part(why, weight, n, max, h->item[m], s->weighted && h->value ? part * h->value[m] : part);
    }
    return n;
}

static int puresvd_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct puresvd_params *p = params;
    struct puresvd_state *s = state;
    s->target = train->target;
    s->n_items = train->domain[train->target].n_items;
    s->weighted = p->weighted;
    int64_t l = p->factors + p->oversample;
    s->width = rh_factor_width(l < s->n_items ? l : s->n_items);
    return ctx->host->field(ctx, "item", &s->item, (int64_t)s->n_items * s->width, sizeof *s->item);
}

static const struct rh_algorithm puresvd = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "puresvd",
    .summary = "the first singular vectors of the interactions, zeros where there are none",
    .reference = "Cremonesi, Koren and Turrin 2010, Performance of recommender algorithms on top-N recommendation "
                 "tasks (RecSys); Halko, Martinsson and Tropp 2011, Finding structure with randomness (SIAM Review)",
    .cost = "fit O(iterations (nnz l + I l^2) + U l^2), l = factors + oversample, score O((|history| + I) l) a query, "
            "memory 4 I l bytes, 4 (U + I) l while fitting",
    .advice = "Quick and without a learning rate: tune factors (5 to 200), nothing else. With few factors it leans to "
              "popular items; ials and ease rank better. It cannot score items without interactions.",
    .revision = 1,
    .flags = RH_A_COLD_USERS | RH_A_RANDOM,
    .params = puresvd_table,
    .params_size = sizeof(struct puresvd_params),
    .state_size = sizeof(struct puresvd_state),
    .fit = puresvd_fit,
    .score = puresvd_score,
    .explain = puresvd_explain,
    .persist = puresvd_persist,
};
RH_ALGORITHM(puresvd)
