#include "algorithms/lib/gram.h"

#include "algorithms/lib/invert.h"
#include "algorithms/lib/lapack.h"
#include "algorithms/lib/tally.h"

#include <cblas.h>
#include <string.h>

#define GRAIN 16  /* rows of counts a part */
#define SHARE 512 /* rows between two ticks */
#define BLOCK 128 /* rows swept at once, and rows of a tile that is updated at once */
#define STRIP 256 /* columns of a swept block that are solved for at once */

/* Parts of at most SHARE rows each, with a tick before every one. */
static int in_shares(struct rh_ctx *ctx, int32_t n, rh_part_fn *part, void *arg, int32_t *first)
{
    int status = RH_OK;
    for (*first = 0; *first < n && status >= 0; *first += SHARE) {
        status = ctx->host->tick(ctx, *first, n);
        if (status >= 0)
            status = ctx->host->parallel(ctx, n - *first < SHARE ? n - *first : SHARE, GRAIN, part, arg);
    }
    return status < 0 ? status : RH_OK;
}

/* ------------------------------------------------------------------------------------------------ counts */

struct counting {
    struct rh_inverted users; /* of an item */
    struct rh_tally items;    /* of a user */
    const struct rh_domain *d;
    const float *value; /* of a row's items */
    double scale;
    float *g;
    int32_t n, first;
};

static int count_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct counting *c = arg;
    size_t n = (size_t)c->n;
    int32_t *count = ctx->host->scratch(ctx, n + 128, sizeof *count);
    unsigned char *touched = ctx->host->scratch(ctx, n / 16 + 16, 1);
    void *space = ctx->host->scratch(ctx, rh_tally_space(&c->items), 1);
    if (!count || !touched || !space)
        return RH_ENOMEM;
    for (int64_t i = c->first + begin; i < c->first + end; i++) {
        float *row = c->g + i * c->n;
        int64_t from = c->users.row[i];
        rh_tally_add(&c->items, c->users.user + from, c->users.row[i + 1] - from, space, count, touched);
        for (int32_t j = 0; j < c->n; j++)
            row[j] = (float)count[j];
        memset(count, 0, n * sizeof *count);
    }
    return RH_OK;
}

int rh_gram_count(struct rh_ctx *ctx, const struct rh_domain *d, int32_t n_users, float *g)
{
    struct counting c = { .g = g, .n = d->n_items };
    int status = rh_invert(ctx, d, n_users, NULL, ctx->host->scratch, &c.users);
    if (status >= 0)
        status = rh_tally_build(ctx, n_users, d->n_items, d->row, d->item, ctx->host->scratch, &c.items);
    return status < 0 ? status : in_shares(ctx, c.n, count_part, &c, &c.first);
}

/* Whole rows: every product is made twice, in the same order of rows, so that the sum stays symmetric. */
static int add_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct counting *c = arg;
    double *sum = ctx->host->scratch(ctx, (size_t)c->n, sizeof *sum);
    if (!sum)
        return RH_ENOMEM;
    for (int64_t i = c->first + begin; i < c->first + end; i++) {
        memset(sum, 0, (size_t)c->n * sizeof *sum);
        for (int64_t m = c->users.row[i]; m < c->users.row[i + 1]; m++) {
            int32_t r = c->users.user[m];
            double x = c->users.value[m];
            for (int64_t k = c->d->row[r]; k < c->d->row[r + 1]; k++)
                sum[c->d->item[k]] += x * c->value[k];
        }
        float *row = c->g + i * c->n;
        for (int32_t j = 0; j < c->n; j++)
            row[j] = (float)(row[j] + c->scale * sum[j]);
    }
    return RH_OK;
}

int rh_gram_add(struct rh_ctx *ctx, const struct rh_domain *d, int32_t n_rows, const float *value, double scale,
                float *g)
{
    struct counting c = { .d = d, .value = value, .scale = scale, .g = g, .n = d->n_items };
    int status = rh_invert(ctx, d, n_rows, value, ctx->host->scratch, &c.users);
    return status < 0 ? status : in_shares(ctx, c.n, add_part, &c, &c.first);
}

/* ----------------------------------------------------------------------------------------------- inverse */

/* Swept are rows k .. k + m - 1. With the block A(k,k) = U'U and the rest of its rows C, a sweep sets
 *
 *     A(i,j) -= C(i)' A(k,k)^-1 C(j)     A(k,j) = A(k,k)^-1 C(j)     A(k,k) = -A(k,k)^-1
 *
 * and when every block has been swept, the matrix is minus its inverse. Only the part from the diagonal on is kept up
 * to date. */
struct sweep {
    float *g;
    float *panel; /* [BLOCK x n] C, then U^-T C, then A(k,k)^-1 C; 0 in the columns of the block */
    float *u;     /* [BLOCK x BLOCK] in rows of BLOCK: U */
    int32_t n, k, m;
};

/* Columns [begin, end) of U^-T C. Left of the block, C stands in the block's columns. */
static int open_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct sweep *s = arg;
    int64_t n = s->n, k = s->k, m = s->m;
    int64_t left = end < k ? end : k, right = begin > k + m ? begin : k + m;
    for (int64_t j = begin; j < left; j++)
        for (int64_t r = 0; r < m; r++)
            s->panel[r * n + j] = s->g[j * n + k + r];
    for (int64_t r = 0; r < m; r++) {
        for (int64_t j = begin > k ? begin : k; j < end && j < k + m; j++)
            s->panel[r * n + j] = 0;
        for (int64_t j = right; j < end; j++)
            s->panel[r * n + j] = s->g[(k + r) * n + j];
    }
    cblas_strsm(CblasRowMajor, CblasLeft, CblasUpper, CblasTrans, CblasNonUnit, s->m, (int)(end - begin), 1, s->u,
                BLOCK, s->panel + begin, s->n);
    return RH_OK;
}

static int update_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct sweep *s = arg;
    int64_t n = s->n;
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)(end - begin), (int)(n - begin), s->m, -1,
                s->panel + begin, s->n, s->panel + begin, s->n, 1, s->g + begin * n + begin, s->n);
    return RH_OK;
}

static int close_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct sweep *s = arg;
    int64_t n = s->n, k = s->k, m = s->m;
    int64_t left = end < k ? end : k, right = begin > k + m ? begin : k + m;
    cblas_strsm(CblasRowMajor, CblasLeft, CblasUpper, CblasNoTrans, CblasNonUnit, s->m, (int)(end - begin), 1, s->u,
                BLOCK, s->panel + begin, s->n);
    for (int64_t j = begin; j < left; j++)
        for (int64_t r = 0; r < m; r++)
            s->g[j * n + k + r] = s->panel[r * n + j];
    for (int64_t r = 0; r < m; r++)
        for (int64_t j = right; j < end; j++)
            s->g[(k + r) * n + j] = s->panel[r * n + j];
    return RH_OK;
}

/* One block. Row-major from the diagonal on is the lower triangle of LAPACK's column-major. */
static int sweep_block(struct rh_ctx *ctx, struct sweep *s)
{
    int info = 0, block = BLOCK;
    int64_t n = s->n;
    for (int64_t r = 0; r < s->m; r++)
        memcpy(s->u + r * BLOCK, s->g + (s->k + r) * n + s->k, (size_t)s->m * sizeof *s->u);
    spotrf_("L", &s->m, s->u, &block, &info, 1);
    if (info != 0)
        return RH_ENUMERIC;
    int status = ctx->host->parallel(ctx, n, STRIP, open_part, s);
    if (status >= 0)
        status = ctx->host->parallel(ctx, n, BLOCK, update_part, s);
    if (status >= 0)
        status = ctx->host->parallel(ctx, n, STRIP, close_part, s);
    if (status < 0)
        return status;
    spotri_("L", &s->m, s->u, &block, &info, 1);
    for (int64_t r = 0; r < s->m; r++)
        for (int64_t c = r; c < s->m; c++)
            s->g[(s->k + r) * n + s->k + c] = -s->u[r * BLOCK + c];
    return info ? RH_ENUMERIC : RH_OK;
}

/* Turns the sign, and mirrors what is right of the diagonal in tiles: both sides stay in the cache. */
static int negate_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct sweep *s = arg;
    for (int64_t i = begin; i < end; i++)
        for (int64_t j = i; j < s->n; j++)
            s->g[i * s->n + j] = -s->g[i * s->n + j];
    return RH_OK;
}

static int mirror_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct sweep *s = arg;
    int64_t n = s->n;
    for (int64_t left = 0; left < end; left += BLOCK)
        for (int64_t i = begin; i < end; i++)
            for (int64_t j = left; j < left + BLOCK && j < i; j++)
                s->g[i * n + j] = s->g[j * n + i];
    return RH_OK;
}

int rh_gram_invert(struct rh_ctx *ctx, int32_t n, double ridge, float *g)
{
    struct sweep s = { .g = g, .n = n };
    s.panel = ctx->host->scratch(ctx, (size_t)n * BLOCK, sizeof *s.panel);
    s.u = ctx->host->scratch(ctx, (size_t)BLOCK * BLOCK, sizeof *s.u);
    if (!s.panel || !s.u)
        return RH_ENOMEM;
    for (int64_t i = 0; i < n; i++)
        g[i * n + i] = (float)(g[i * n + i] + ridge);
    int status = RH_OK;
    for (s.k = 0; s.k < n && status >= 0; s.k += BLOCK) {
        s.m = n - s.k < BLOCK ? n - s.k : BLOCK;
        status = ctx->host->tick(ctx, s.k, n);
        if (status >= 0)
            status = sweep_block(ctx, &s);
    }
    if (status >= 0)
        status = ctx->host->parallel(ctx, n, BLOCK, negate_part, &s);
    return status < 0 ? status : ctx->host->parallel(ctx, n, BLOCK, mirror_part, &s);
}

int rh_gram_weights(struct rh_ctx *ctx, int32_t n, double ridge, const char *key, float *g, float *scale)
{
    int status = rh_gram_invert(ctx, n, ridge, g);
    if (status == RH_ENUMERIC)
        return ctx->host->fail(ctx, RH_ENUMERIC,
                               "the item-item matrix with %s = %g on the diagonal has no inverse in single precision; "
                               "try a larger %s", key, ridge, key);
    if (status < 0)
        return status;
    for (int64_t j = 0; j < n; j++) {
        float diagonal = g[j * n + j];
        if (!(diagonal > 0) || !isfinite(1 / diagonal))
            return ctx->host->fail(ctx, RH_ENUMERIC,
                                   "the inverse of the item-item matrix is not positive with %s = %g; try a larger %s",
                                   key, ridge, key);
        scale[j] = -1 / diagonal;
        g[j * n + j] = 0;
    }
    return RH_OK;
}
