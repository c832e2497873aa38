/* The least-squares problem of one row. */
#include "algorithms/lib/als.h"
#include "algorithms/lib/lapack.h"

#include <cblas.h>
#include <string.h>

/* Rows that a solution is made from, side by side, with w and t; and what a solver needs. */
struct rh_als_room {
    float *y;              /* [n x width] */
    float *w, *t;          /* [n] */
    float *a;              /* [width x width] */
    float *b, *r, *p, *ap; /* [width] */
    int32_t n;
};

struct rh_als_room *rh_als_room(struct rh_ctx *ctx, int32_t width, int64_t longest)
{
    size_t d = (size_t)width, n = longest > 0 ? (size_t)longest : 1;
    struct rh_als_room *m = ctx->host->scratch(ctx, 1, sizeof *m);
    if (!m)
        return NULL;
    m->y = ctx->host->scratch(ctx, n, d * sizeof(float));
    m->w = ctx->host->scratch(ctx, n, sizeof(float));
    m->t = ctx->host->scratch(ctx, n, sizeof(float));
    m->a = ctx->host->scratch(ctx, d, d * sizeof(float));
    m->b = ctx->host->scratch(ctx, d, sizeof(float));
    m->r = ctx->host->scratch(ctx, d, sizeof(float));
    m->p = ctx->host->scratch(ctx, d, sizeof(float));
    m->ap = ctx->host->scratch(ctx, d, sizeof(float));
    return m->y && m->w && m->t && m->a && m->b && m->r && m->p && m->ap ? m : NULL;
}

#define TOGETHER 4 /* rows that are worked on side by side: what they are added to is read and written once for all */
#define AHEAD 12   /* rows ahead that one is fetched: they lie anywhere */

typedef float rh_quad __attribute__((vector_size(16)));

/* c[r] = y[r] . v of four rows that follow one another, each summed up as rh_factor_dot does. */
static inline __attribute__((always_inline)) void dot_four(const float *y, const float *v, int32_t width, float *c)
{
    const rh_lanes *x = (const rh_lanes *)v;
    rh_lanes s[TOGETHER] = { 0 }, t[TOGETHER] = { 0 };
    for (int32_t k = 0; k < width / 8; k += 2)
        for (int r = 0; r < TOGETHER; r++) {
            const rh_lanes *row = (const rh_lanes *)(y + (int64_t)r * width);
            s[r] += row[k] * x[k];
            t[r] += row[k + 1] * x[k + 1];
        }
    rh_quad half[TOGETHER], part[4];
    for (int r = 0; r < TOGETHER; r++) {
        s[r] += t[r];
        half[r] = (rh_quad){ s[r][0], s[r][1], s[r][2], s[r][3] } + (rh_quad){ s[r][4], s[r][5], s[r][6], s[r][7] };
    }
    for (int l = 0; l < 4; l++)
        part[l] = (rh_quad){ half[0][l], half[1][l], half[2][l], half[3][l] };
    part[0] = (part[0] + part[1]) + (part[2] + part[3]);
    for (int r = 0; r < TOGETHER; r++)
        c[r] = part[0][r];
}

/* out += sum over four rows of c[r] y[r], added in the order of the rows. */
static inline __attribute__((always_inline)) void add_four(float *out, const float *c, const float *y, int32_t width)
{
    rh_lanes *o = (rh_lanes *)out;
    const rh_lanes *row = (const rh_lanes *)y;
    int32_t n = width / 8;
    for (int32_t k = 0; k < n; k++) {
        rh_lanes sum = o[k];
        for (int r = 0; r < TOGETHER; r++)
            sum += c[r] * row[r * n + k];
        o[k] = sum;
    }
}

/* Puts the rows side by side and makes b. */
RH_WIDE static void gather(const struct rh_als_problem *q, const int32_t *col, const float *weight, int32_t n,
                           struct rh_als_room *m)
{
    const struct rh_als *model = q->model;
    int32_t width = model->width, done = 0;
    float alpha = (float)model->params->alpha, more = model->params->objective == RH_ALS_HU ? model->a0 : 0;
    memset(m->b, 0, (size_t)width * sizeof *m->b);
    m->n = n;
    for (int32_t k = 0; k < n; k++) {
        if (k + AHEAD < n)
            for (int32_t f = 0; f < width; f += 16)
                __builtin_prefetch(q->other + (int64_t)col[k + AHEAD] * width + f);
        m->w[k] = weight ? weight[k] : alpha;
        m->t[k] = m->w[k] + more;
        memcpy(m->y + (int64_t)k * width, q->other + (int64_t)col[k] * width, (size_t)width * sizeof *m->y);
        if (k + 1 - done == TOGETHER) {
            add_four(m->b, m->t + done, m->y + (int64_t)done * width, width);
            done = k + 1;
        }
    }
    for (; done < n; done++)
        rh_factor_add(m->b, m->t[done], m->y + (int64_t)done * width, width);
}

static float lambda_of(const struct rh_als_problem *q, int32_t n)
{
    const struct rh_als_params *p = q->model->params;
    return (float)(p->reg * pow(n + q->model->a0 * (double)q->n_other, p->nu)); /* nu = 0: pow is 1 */
}

RH_WIDE static void scale_rows(int32_t width, struct rh_als_room *m)
{
    for (int32_t k = 0; k < m->n; k++) {
        float root = sqrtf(m->w[k]), *y = m->y + (int64_t)k * width;
        for (int32_t f = 0; f < width; f++)
            y[f] *= root;
    }
}

/* A into m->a (lower triangle), then x = A^-1 b. The gathered rows are scaled. */
static int solve_exact(struct rh_ctx *ctx, const struct rh_als_problem *q, float lambda, struct rh_als_room *m,
                       const float *b, float *x)
{
    int d = (int)q->model->params->factors, width = q->model->width, one = 1, info;
    memcpy(m->a, q->gram, (size_t)width * (size_t)width * sizeof *m->a);
    scale_rows(width, m);
    if (m->n)
        cblas_ssyrk(CblasRowMajor, CblasLower, CblasTrans, width, m->n, 1, m->y, width, 1, m->a, width);
    for (int f = 0; f < d; f++)
        m->a[(size_t)f * (size_t)width + (size_t)f] += lambda;
    memcpy(x, b, (size_t)width * sizeof *x);
    spotrf_("U", &d, m->a, &width, &info, 1); /* row-major lower is column-major upper */
    if (info == 0)
        spotrs_("U", &d, &one, m->a, &width, x, &width, &info, 1);
    if (info)
        return ctx->host->fail(ctx, RH_ENUMERIC, "a least-squares problem of a row is singular; raise reg above %g",
                               q->model->params->reg);
    return RH_OK;
}

/* out = A v, without A. */
RH_WIDE static void multiply(const struct rh_als_problem *q, float lambda, const struct rh_als_room *m,
                             const float *v, float *out)
{
    int32_t width = q->model->width, k = 0; /* a multiple of TOGETHER */
    for (int32_t f = 0; f < width; f++)
        out[f] = lambda * v[f];
    for (int32_t f = 0; f < width; f += TOGETHER)
        add_four(out, v + f, q->gram + (int64_t)f * width, width);
    for (; k + TOGETHER <= m->n; k += TOGETHER) {
        const float *y = m->y + (int64_t)k * width;
        float c[TOGETHER];
        dot_four(y, v, width, c);
        for (int r = 0; r < TOGETHER; r++)
            c[r] *= m->w[k + r];
        add_four(out, c, y, width);
    }
    for (; k < m->n; k++) {
        const float *y = m->y + (int64_t)k * width;
        rh_factor_add(out, m->w[k] * rh_factor_dot(y, v, width), y, width);
    }
}

/* m->r is b - A x at the end. */
RH_WIDE static void solve_cg(const struct rh_als_problem *q, float lambda, struct rh_als_room *m, float *x)
{
    int32_t width = q->model->width;
    multiply(q, lambda, m, x, m->r);
    for (int32_t f = 0; f < width; f++)
        m->p[f] = m->r[f] = m->b[f] - m->r[f];
    float rr = rh_factor_dot(m->r, m->r, width);
    for (int64_t step = 0; step < q->model->params->cg_steps && rr > 1e-20f; step++) {
        multiply(q, lambda, m, m->p, m->ap);
        float a = rr / rh_factor_dot(m->p, m->ap, width);
        rh_factor_add(x, a, m->p, width);
        rh_factor_add(m->r, -a, m->ap, width);
        float next = rh_factor_dot(m->r, m->r, width), b = next / rr;
        rr = next;
        for (int32_t f = 0; f < width; f++)
            m->p[f] = m->r[f] + b * m->p[f];
    }
}

int rh_als_solve(struct rh_ctx *ctx, const struct rh_als_problem *q, const int32_t *col, const float *weight,
                 int32_t n, struct rh_als_room *m, float *x, double *loss)
{
    float lambda = lambda_of(q, n);
    gather(q, col, weight, n, m);
    if (q->model->params->solver == RH_ALS_EXACT) {
        int status = solve_exact(ctx, q, lambda, m, m->b, x);
        if (status < 0)
            return status;
        memset(m->r, 0, (size_t)q->model->width * sizeof *m->r);
    } else
        solve_cg(q, lambda, m, x);
    if (loss) { /* x'Ax - 2 b'x + c with Ax = b - r */
        double sum = 0;
        for (int32_t k = 0; k < n; k++)
            sum += m->t[k];
        for (int32_t f = 0; f < q->model->width; f++)
            sum -= (double)x[f] * ((double)m->b[f] + m->r[f]);
        *loss = sum;
    }
    return RH_OK;
}

int rh_als_inverse(struct rh_ctx *ctx, const struct rh_als_problem *q, const int32_t *col, const float *weight,
                   int32_t n, struct rh_als_room *m, const float *b, float *x, float *t)
{
    gather(q, col, weight, n, m);
    if (n)
        memcpy(t, m->t, (size_t)n * sizeof *t);
    return solve_exact(ctx, q, lambda_of(q, n), m, b, x);
}
