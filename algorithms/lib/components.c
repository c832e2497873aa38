#include "algorithms/lib/components.h"

#include "algorithms/lib/lapack.h"

#include <cblas.h>
#include <string.h>

#define BLOCK 1024 /* rows of phi at a time, a multiple of RH_LANDMARK_ROWS */
#define STRIP 64   /* rows of the scatter in a part */
#define RANK 1e-10 /* eigenvalues below this share of the first are taken for 0 */
#define FLAT 1e-12 /* and a scatter below this share of what it is a difference of */

const struct rh_choice rh_kernel_words[] = {
    { "gaussian", RH_KERNEL_GAUSSIAN, "exp(-squared distance / (width * the median of it))" },
    { "linear", RH_KERNEL_LINEAR, "inner product: the components are linear in the features" },
    { NULL, 0, NULL },
};

struct analysis {
    struct rh_landmarks landmarks;
    int32_t m, c, begin, n; /* landmarks, components; rows of the block */
    double *phi;            /* [BLOCK x m] */
    double *scatter;        /* [m x m] Phi' H Phi, the lower triangle by rows */
    double *mean, *gap;     /* [m] of all items; of the target's less the sources' */
    double total;           /* trace of Phi' Phi */
    double *v;              /* [m x c] column by column */
    double *offset;         /* [c] mean' v */
    float *z;
};

/* ----------------------------------------------------------------------------------------------------- scatter */

static int rows_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct analysis *a = arg;
    double *work = ctx->host->scratch(ctx, rh_landmarks_work(&a->landmarks), sizeof *work);
    if (!work)
        return RH_ENOMEM;
    rh_landmarks_rows(&a->landmarks, NULL, a->begin + (int32_t)begin, (int32_t)(end - begin),
                      a->phi + (size_t)begin * (size_t)a->m, work);
    return RH_OK;
}

static int scatter_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    struct analysis *a = arg;
    int m = a->m;
    cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)(end - begin), (int)end, a->n, 1, a->phi + begin, m,
                a->phi, m, 1, a->scatter + begin * m, m);
    return RH_OK;
}

/* Runs a part over the rows of the block at `begin`. */
static int block(struct rh_ctx *ctx, struct analysis *a, rh_part_fn *part)
{
    int32_t items = rh_landmarks_items(&a->landmarks);
    a->n = items - a->begin < BLOCK ? items - a->begin : BLOCK;
    int status = ctx->host->tick(ctx, a->begin, items);
    return status < 0 ? status : ctx->host->parallel(ctx, a->n, RH_LANDMARK_ROWS, part, a);
}

/* Phi' H Phi, the mean, and the gap between the domains. */
static int gather(struct rh_ctx *ctx, struct analysis *a)
{
    const struct rh_landmarks *l = &a->landmarks;
    int32_t items = rh_landmarks_items(l), target = l->train->target;
    int32_t first = l->first_item[target], last = l->first_item[target + 1];
    double of_target = last - first, of_sources = items - of_target;
    int status = RH_OK;
    for (a->begin = 0; a->begin < items && status == RH_OK; a->begin += BLOCK) {
        status = block(ctx, a, rows_part);
        if (status == RH_OK)
            status = ctx->host->parallel(ctx, a->m, STRIP, scatter_part, a);
        for (int32_t k = 0; k < a->n && status == RH_OK; k++) {
            bool is_target = a->begin + k >= first && a->begin + k < last;
            const double *row = a->phi + (size_t)k * (size_t)a->m;
            cblas_daxpy(a->m, 1.0 / items, row, 1, a->mean, 1);
            cblas_daxpy(a->m, is_target ? 1 / of_target : -1 / of_sources, row, 1, a->gap, 1);
        }
    }
    for (size_t i = 0; i < (size_t)a->m; i++)
        a->total += a->scatter[i * (size_t)a->m + i];
    for (int32_t i = 0; i < a->m; i++)
        cblas_daxpy(i + 1, -items * a->mean[i], a->mean, 1, a->scatter + (size_t)i * (size_t)a->m, 1);
    return status;
}

/* ---------------------------------------------------------------------------------------------------- solution */

/* x -> B^-1/2 x, up to a factor, with B = u u' + mu I for a u of length 1: x - (1 - sqrt(mu / (1 + mu))) u (u' x). */
struct whitening {
    double *u, share; /* u[m]; share 0: B = I */
};

static void whiten(const struct analysis *a, const struct whitening *b, double *x)
{
    cblas_daxpy(a->m, -b->share * cblas_ddot(a->m, b->u, 1, x, 1), b->u, 1, x, 1);
}

/* The scatter S becomes B^-1/2 S B^-1/2 = S - s (u w' + w u') + s^2 (u' w) u u' with w = S u. */
static int whiten_scatter(struct rh_ctx *ctx, struct analysis *a, const struct whitening *b)
{
    double *w = ctx->host->scratch(ctx, (size_t)a->m, sizeof *w), s = b->share;
    if (!w)
        return RH_ENOMEM;
    cblas_dsymv(CblasRowMajor, CblasLower, a->m, 1, a->scatter, a->m, b->u, 1, 0, w, 1);
    double square = cblas_ddot(a->m, b->u, 1, w, 1);
    cblas_dsyr2(CblasRowMajor, CblasLower, a->m, -s, b->u, 1, w, 1, a->scatter, a->m);
    cblas_dsyr(CblasRowMajor, CblasLower, a->m, s * s * square, b->u, 1, a->scatter, a->m);
    return RH_OK;
}

/* The leading eigenvectors of the scatter, first the first, into v; its numbers into `value`. */
static int leading(struct rh_ctx *ctx, struct analysis *a, double *value)
{
    const struct rh_host *host = ctx->host;
    int m = a->m, c = a->c, from = m - c + 1, found = 0, info = 0, lwork = 32 * m, liwork = 16 * m;
    double *ascending = host->scratch(ctx, (size_t)m, sizeof *ascending), none = 0, tolerance = 0;
    double *vector = host->scratch(ctx, (size_t)m * (size_t)c, sizeof *vector);
    double *work = host->scratch(ctx, (size_t)lwork, sizeof *work);
    int *support = host->scratch(ctx, 2 * (size_t)m, sizeof *support);
    int *iwork = host->scratch(ctx, (size_t)liwork, sizeof *iwork);
    if (!ascending || !vector || !work || !support || !iwork)
        return RH_ENOMEM;
    /* the lower triangle by rows is the upper one by columns */
    dsyevr_("V", "I", "U", &m, a->scatter, &m, &none, &none, &from, &m, &tolerance, &found, ascending, vector, &m,
            support, work, &lwork, iwork, &liwork, &info, 1, 1, 1);
    for (int k = 0; k < c; k++) {
        value[k] = ascending[c - 1 - k];
        memcpy(a->v + (size_t)k * (size_t)m, vector + (size_t)(c - 1 - k) * (size_t)m, (size_t)m * sizeof *vector);
    }
    return info == 0 && found == c ? RH_OK : RH_ENUMERIC;
}

static void fix_sign(int32_t m, double *v)
{
    int32_t largest = 0;
    for (int32_t i = 1; i < m; i++)
        largest = fabs(v[i]) > fabs(v[largest]) ? i : largest;
    if (v[largest] < 0)
        cblas_dscal(m, -1, v, 1);
}

static int solve(struct rh_ctx *ctx, struct analysis *a, const char *who, const struct rh_components_params *p)
{
    double length = cblas_dnrm2(a->m, a->gap, 1), items = rh_landmarks_items(&a->landmarks), trace = 0;
    double *value = ctx->host->scratch(ctx, (size_t)a->c, sizeof *value);
    struct whitening b = { .u = a->gap };
    if (!value)
        return RH_ENOMEM;
    for (size_t i = 0; i < (size_t)a->m; i++)
        trace += a->scatter[i * (size_t)a->m + i];
    if (!(trace > FLAT * a->total))
        return ctx->host->fail(ctx, RH_EDATA, "%s: all items have the same features, so there are no components", who);
    if (p->match && length > RANK * sqrt(trace / items)) { /* more than rounding */
        b.share = 1 - sqrt(p->mu / (1 + p->mu));
        cblas_dscal(a->m, 1 / length, a->gap, 1);
        if (whiten_scatter(ctx, a, &b) < 0)
            return RH_ENOMEM;
    }
    int status = leading(ctx, a, value);
    if (status == RH_ENUMERIC)
        return ctx->host->fail(ctx, status, "%s: the components of %d landmarks were not found; the features have "
                               "numbers beyond reason", who, a->m);
    if (status < 0)
        return status;
    int32_t there = 0;
    double all = 0;
    for (; there < a->c && value[there] > RANK * value[0]; there++)
        all += p->whiten ? 1 : sqrt(value[there]);
    for (int32_t k = 0; k < there; k++) {
        double *v = a->v + (size_t)k * (size_t)a->m, share = (p->whiten ? 1 : sqrt(value[k])) / all;
        whiten(a, &b, v);
        fix_sign(a->m, v);
        cblas_dscal(a->m, sqrt(items * share / value[k]), v, 1);
        a->offset[k] = cblas_ddot(a->m, a->mean, 1, v, 1);
    }
    memset(a->v + (size_t)there * (size_t)a->m, 0, (size_t)(a->c - there) * (size_t)a->m * sizeof *a->v);
    if (there < a->c)
        ctx->host->log(ctx, 1, "%s: the features of the items have %d components, not %d", who, there, a->c);
    return RH_OK;
}

static int project_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct analysis *a = arg;
    int n = (int)(end - begin);
    double *z = ctx->host->scratch(ctx, (size_t)n * (size_t)a->c, sizeof *z);
    int status = z ? rows_part(ctx, arg, begin, end) : RH_ENOMEM;
    if (status < 0)
        return status;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, a->c, a->m, 1, a->phi + begin * a->m, a->m, a->v, a->m, 0,
                z, a->c);
    for (int64_t k = 0; k < n; k++)
        for (int64_t j = 0; j < a->c; j++)
            a->z[(a->begin + begin + k) * a->c + j] = (float)(z[k * a->c + j] - a->offset[j]);
    return RH_OK;
}

static int project(struct rh_ctx *ctx, struct analysis *a)
{
    int32_t items = rh_landmarks_items(&a->landmarks);
    int status = RH_OK;
    for (a->begin = 0; a->begin < items && status == RH_OK; a->begin += BLOCK)
        status = block(ctx, a, project_part);
    return status;
}

/* The squared distance of the domains' means in z. */
static double gap_of(const struct analysis *a)
{
    const struct rh_landmarks *l = &a->landmarks;
    int32_t items = rh_landmarks_items(l), target = l->train->target;
    int32_t first = l->first_item[target], last = l->first_item[target + 1];
    double square = 0;
    for (int32_t j = 0; j < a->c; j++) {
        double gap = 0;
        for (int32_t i = 0; i < items; i++) {
            double x = (double)a->z[(size_t)i * (size_t)a->c + (size_t)j];
            gap += i >= first && i < last ? x / (last - first) : -x / (items - (last - first));
        }
        square += gap * gap;
    }
    return square;
}

int rh_components(struct rh_ctx *ctx, const char *who, const struct rh_components_params *params,
                  const struct rh_train *train, float *z, double *gap)
{
    const struct rh_host *host = ctx->host;
    struct analysis a = { .z = z };
    int status = rh_landmarks_init(ctx, &a.landmarks, who, train, (enum rh_kernel)params->kernel, params->width,
                                   (int32_t)params->landmarks);
    if (status < 0)
        return status;
    if (a.landmarks.n < params->components)
        return host->fail(ctx, RH_EDATA, "%s: %d items with features do not have components = %lld", who,
                          a.landmarks.n, (long long)params->components);
    size_t m = (size_t)a.landmarks.n, c = (size_t)params->components;
    a.m = (int32_t)m;
    a.c = (int32_t)c;
    a.phi = host->scratch(ctx, BLOCK * m, sizeof *a.phi);
    a.scatter = host->scratch(ctx, m * m, sizeof *a.scatter);
    a.mean = host->scratch(ctx, m, sizeof *a.mean);
    a.gap = host->scratch(ctx, m, sizeof *a.gap);
    a.v = host->scratch(ctx, m * c, sizeof *a.v);
    a.offset = host->scratch(ctx, c, sizeof *a.offset);
    if (!a.phi || !a.scatter || !a.mean || !a.gap || !a.v || !a.offset)
        return RH_ENOMEM;
    status = gather(ctx, &a);
    if (status == RH_OK)
        status = solve(ctx, &a, who, params);
    if (status == RH_OK)
        status = project(ctx, &a);
    if (status == RH_OK && gap)
        *gap = gap_of(&a);
    return status;
}
