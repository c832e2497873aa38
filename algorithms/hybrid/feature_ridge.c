/* feature_ridge - a linear model of each user over the features of items.
 *
 * A profile learned from the items that a user met against all others: Pazzani and Billsus 1997, "Learning and
 * revising user profiles: the identification of interesting web sites" (Machine Learning 27), here by ridge
 * regression (Hoerl and Kennard 1970, Technometrics 12). With f(i) the features of item i and H the history, the
 * weights w minimise
 *
 *     sum over H  (1 - f(i).w)^2   +   unobserved sum over all other items  (f(i).w)^2   +   reg |w|^2
 *
 * and f(i).w is the score. All but the history is the same for every user: with the Cholesky factor L of
 * G = unobserved F'F + reg I and z(i) = L^-1 f(i), the problem becomes, c = 1 - unobserved,
 *
 *     score(i) = z(i).v     (I + c Z'Z) v = Z'1                    Z: the rows z(i) of the history
 *                           v = Z's, (I + c Z Z') s = 1            the same, in the space of the history
 *
 * and each query is solved in the smaller space. So s = 1 - c Z v, and s(h) z(h).z(i) is the part of h in the score.
 *
 * Users are folded in through their history, and items need no interactions, only features. A user without history
 * gets 0 for every item.
 *
 * Time, C columns: fit O(I C^2 + C^3); a query O(|H| C min(|H|, C) + I C). Memory: 4 I C bytes, 4 C^2 more in fit. */
#include "algorithms/lib/explain.h"
#include "algorithms/lib/factors.h"
#include "algorithms/lib/invert.h"
#include "algorithms/lib/item_features.h"
#include "algorithms/lib/lapack.h"

#include <cblas.h>
#include <string.h>

#define ROWS 256 /* items solved for at once */

struct feature_ridge_params {
    RH_ITEM_FEATURES_FIELDS;
    double unobserved, reg;
};

static const struct rh_param feature_ridge_table[] = {
    RH_ITEM_FEATURES_PARAMS(struct feature_ridge_params),
    RH_REAL(struct feature_ridge_params, unobserved, 0.1, 0, 1, "weight of an item that is not in the history"),
    RH_REAL(struct feature_ridge_params, reg, 1, 1e-4, 1e9, "L2 regularisation"),
    RH_PARAMS_END,
};

struct feature_ridge_state {
    float *z; /* [n_items x width] */
    float c;  /* 1 - unobserved */
    int32_t n_items, n_cols, width, target;
};

struct fitting {
    struct feature_ridge_state *s;
    const struct feature_ridge_params *params;
    struct rh_item_features f;
    struct rh_inverted by_col; /* items inside */
    float *g;                  /* [width x width] lower triangle of G, then L */
};

/* Rows begin..end of G, up to the diagonal. */
static int gram_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct fitting *j = arg;
    const struct rh_item_features *f = &j->f;
    float a0 = (float)j->params->unobserved;
    for (int64_t c = begin; c < end; c++) {
        float *row = j->g + c * j->s->width;
        for (int64_t m = j->by_col.row[c]; m < j->by_col.row[c + 1]; m++) {
            int32_t i = j->by_col.user[m];
            float x = a0 * j->by_col.value[m];
            for (int64_t k = f->row[i]; k < f->row[i + 1] && f->col[k] <= c; k++)
                row[f->col[k]] += x * f->val[k];
        }
        row[c] += (float)j->params->reg;
    }
    return RH_OK;
}

/* Z = F L^-T, row by row L^-1 f(i) */
static int solve_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct fitting *j = arg;
    const struct rh_item_features *f = &j->f;
    int32_t width = j->s->width;
    for (int64_t first = begin; first < end; first += ROWS) {
        int64_t n = end - first < ROWS ? end - first : ROWS;
        float *z = j->s->z + first * width;
        for (int64_t i = first; i < first + n; i++)
            for (int64_t k = f->row[i]; k < f->row[i + 1]; k++)
                z[(i - first) * width + f->col[k]] = f->val[k];
        cblas_strsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (int)n, f->n_cols, 1, j->g,
                    width, z, width);
    }
    return RH_OK;
}

/* What does not depend on the features. */
static void shape(struct feature_ridge_state *s, const struct feature_ridge_params *p, const struct rh_train *train)
{
    s->c = (float)(1 - p->unobserved);
    s->target = train->target;
    s->n_items = train->domain[train->target].n_items;
}

static int feature_ridge_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct feature_ridge_state *s = state;
    struct fitting j = { .s = s, .params = params };
    int info = 0;
    shape(s, params, train);
    int status = rh_item_features(ctx, &j.params->features, train, ctx->host->scratch, &j.f);
    if (status < 0)
        return status;
    s->n_cols = j.f.n_cols;
    s->width = rh_factor_width(s->n_cols);
    const struct rh_domain rows = { .n_items = j.f.n_cols, .row = j.f.row, .item = j.f.col };
    if ((status = rh_invert(ctx, &rows, j.f.n_items, j.f.val, ctx->host->scratch, &j.by_col)) < 0)
        return status;
    size_t row = (size_t)s->width * sizeof(float);
    s->z = ctx->host->alloc(ctx, (size_t)s->n_items, row);
    j.g = ctx->host->scratch(ctx, (size_t)s->width, row);
    if (!s->z || !j.g)
        return RH_ENOMEM;
    status = ctx->host->parallel(ctx, s->n_cols, 16, gram_part, &j);
    if (status >= 0)
        status = ctx->host->tick(ctx, 1, 3);
    if (status < 0)
        return status;
    spotrf_("U", &s->n_cols, j.g, &s->width, &info, 1); /* row-major lower is column-major upper */
    if (info)
        return ctx->host->fail(ctx, RH_ENUMERIC,
                               "the features of the items are too alike in single precision for reg = %g; try a "
                               "larger reg", j.params->reg);
    return ctx->host->parallel(ctx, s->n_items, ROWS, solve_part, &j);
}

/* Scratch memory for queries with histories of up to `longest` items. */
struct room {
    float *x; /* [longest x width] rows z(i) of a history */
    float *a; /* [m x m] m = min(longest, n_cols) */
    float *t; /* [longest] */
};

static bool make_room(struct rh_ctx *ctx, const struct feature_ridge_state *s, const struct rh_query *query,
                      int32_t n, struct room *r)
{
    int32_t longest = 1;
    for (int32_t q = 0; q < n; q++)
        if (query[q].history[s->target].n > longest)
            longest = query[q].history[s->target].n;
    size_t m = (size_t)(longest < s->n_cols ? longest : s->n_cols);
    r->x = ctx->host->scratch(ctx, (size_t)longest, (size_t)s->width * sizeof *r->x);
    r->a = ctx->host->scratch(ctx, m, m * sizeof *r->a);
    r->t = ctx->host->scratch(ctx, (size_t)longest, sizeof *r->t);
    return r->x && r->a && r->t;
}

/* v[width] of a history. */
static int profile(struct rh_ctx *ctx, const struct feature_ridge_state *s, const struct rh_history *h,
                   const struct room *r, float *v)
{
    bool by_history = h->n < s->n_cols;
    int n = h->n, cols = s->n_cols, m = by_history ? n : cols, one = 1, info = 0;
    memset(v, 0, (size_t)s->width * sizeof *v);
    if (n == 0)
        return RH_OK;
    for (int k = 0; k < n; k++) {
        memcpy(r->x + (int64_t)k * s->width, s->z + (int64_t)h->item[k] * s->width,
               (size_t)s->width * sizeof *r->x);
        r->t[k] = 1;
    }
    cblas_ssyrk(CblasRowMajor, CblasLower, by_history ? CblasNoTrans : CblasTrans, m, by_history ? cols : n, s->c,
                r->x, s->width, 0, r->a, m);
    for (int k = 0; k < m; k++)
        r->a[(size_t)k * (size_t)m + (size_t)k] += 1;
    float *b = by_history ? r->t : v; /* the right-hand side, then the solution */
    if (!by_history)
        cblas_sgemv(CblasRowMajor, CblasTrans, n, cols, 1, r->x, s->width, r->t, 1, 0, v, 1);
    spotrf_("U", &m, r->a, &m, &info, 1);
    if (info == 0)
        spotrs_("U", &m, &one, r->a, &m, b, &m, &info, 1);
    if (info)
        return ctx->host->fail(ctx, RH_ENUMERIC,
                               "the model of a user is singular in single precision; try a larger reg");
    if (by_history)
        cblas_sgemv(CblasRowMajor, CblasTrans, n, cols, 1, r->x, s->width, r->t, 1, 0, v, 1);
    return RH_OK;
}

static int feature_ridge_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n,
                               float *out, size_t stride)
{
    const struct feature_ridge_state *s = state;
    float *v = ctx->host->scratch(ctx, (size_t)n, (size_t)s->width * sizeof *v);
    struct room r;
    int status = v && make_room(ctx, s, query, n, &r) ? RH_OK : RH_ENOMEM;
    for (int32_t q = 0; q < n && status >= 0; q++)
        status = profile(ctx, s, &query[q].history[s->target], &r, v + (int64_t)q * s->width);
    if (status >= 0)
        rh_factors_score(v, s->z, NULL, s->n_items, s->width, query, n, out, stride);
    return status;
}

static int feature_ridge_explain(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item,
                                 int32_t max, int32_t *why, float *weight)
{
    const struct feature_ridge_state *s = state;
    const struct rh_history *h = &query->history[s->target];
    const float *z = s->z + (int64_t)item * s->width;
    float *v = ctx->host->scratch(ctx, (size_t)s->width, sizeof *v);
    struct room r;
    int32_t n = 0;
    int status = v && make_room(ctx, s, query, 1, &r) ? profile(ctx, s, h, &r, v) : RH_ENOMEM;
    for (int32_t k = 0; k < h->n && status >= 0; k++) {
        const float *x = s->z + (int64_t)h->item[k] * s->width;
        if (h->item[k] != item)
            n = rh_insert_part(why, weight, n, max, h->item[k],
                               (1 - s->c * rh_factor_dot(x, v, s->width)) * rh_factor_dot(x, z, s->width));
    }
    return status < 0 ? status : n;
}

static int feature_ridge_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct feature_ridge_state *s = state;
    shape(s, params, train);
    int status = ctx->host->value(ctx, "columns", &s->n_cols, sizeof s->n_cols);
    if (status < 0)
        return status;
    if (s->n_cols < 1 || s->n_cols > INT32_MAX - RH_FACTOR_PAD)
        return ctx->host->fail(ctx, RH_EDATA, "a saved feature_ridge cannot have %d columns", s->n_cols);
    s->width = rh_factor_width(s->n_cols);
    return ctx->host->field(ctx, "items", &s->z, s->n_items, (size_t)s->width * sizeof *s->z);
}

static const struct rh_algorithm feature_ridge = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "feature_ridge",
    .summary = "each user's ridge regression on item features, the history against all other items",
    .reference = "Pazzani and Billsus 1997, Learning and revising user profiles: the identification of interesting "
                 "web sites (Machine Learning 27); Hoerl and Kennard 1970, Ridge regression (Technometrics 12)",
    .cost = "fit O(I C^2 + C^3) for C feature columns, score O(|history| C min(|history|, C) + I C) a query, memory "
            "4 I C bytes, and 4 C^2 in fit",
    .advice = "For new items and for users with some history, where features tell much; unlike content it learns "
              "which features do not matter to a user. Choose blocks with few columns (genres, categories: words of "
              "texts are costly), then tune reg and unobserved by factors of 3. It does not learn from other users.",
    .revision = 1,
    .flags = RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS,
    .params = feature_ridge_table,
    .params_size = sizeof(struct feature_ridge_params),
    .state_size = sizeof(struct feature_ridge_state),
    .fit = feature_ridge_fit,
    .score = feature_ridge_score,
    .explain = feature_ridge_explain,
    .persist = feature_ridge_persist,
};

RH_ALGORITHM(feature_ridge)
