/* ials - implicit alternating least squares: a vector p(u) a user, a vector q(i) an item, every pair has a weight.
 *
 * Hu, Koren and Volinsky 2008, "Collaborative filtering for implicit feedback datasets" (ICDM), with the weights of
 * Rendle, Krichene, Zhang and Koren 2022, "Revisiting the performance of iALS on item recommendation benchmarks"
 * (RecSys). Minimised is, over the observed pairs S and over all pairs of users and items,
 *
 *     sum over S  w(u, i) (1 - p(u).q(i))^2   +   a0 sum over all  (target - p(u).q(i))^2
 *         + sum over u  reg (n(u) + a0 I)^nu |p(u)|^2   +   sum over i  reg (n(i) + a0 U)^nu |q(i)|^2
 *
 * objective = hu:       a0 = 1, w = alpha v, and the target of the second sum is 1 in S and 0 elsewhere (their eq. 3)
 * objective = revisited: w = alpha v, and the target of the second sum is 0 everywhere (iALS++, eq. 2)
 *
 * v is 1, or the rating, or log(1 + rating / epsilon). For fixed q every user has its own least-squares problem,
 *
 *     A p = b,   A = a0 Q'Q + sum w q q' + lambda I,   b = sum t q      t = w + a0 (hu), w (revisited)
 *
 * and the items alike. `exact` gathers the rows of a user, adds one symmetric product to a0 Q'Q and solves by
 * Cholesky; `cg` takes a few steps of conjugate gradients from the last solution (Takacs, Pilaszy and Tikk 2011,
 * "Applications of the conjugate gradient method for implicit feedback collaborative filtering", RecSys) and never
 * makes A.
 *
 * Users are independent, and sums are made in a fixed order: the numbers do not depend on threads. A query's vector is
 * solved for from its history, so unseen users are folded in; without a history all scores are equal.
 *
 * Time of an epoch: exact O(nnz d^2 + (U + I) d^3), cg O(steps (nnz d + (U + I) d^2)). Memory: 4 d bytes a user and
 * item, 16 bytes an interaction. */
#include "algorithms/lib/explain.h"
#include "algorithms/lib/factors.h"
#include "algorithms/lib/invert.h"
#include "algorithms/lib/lapack.h"

#include <cblas.h>
#include <string.h>

enum objective { HU, REVISITED };
enum solver { EXACT, CG };
enum values { ONES, RATINGS, LOGS };

struct ials_params {
    int64_t factors, cg_steps;
    double reg, nu, alpha, unobserved, epsilon, init_sd;
    int objective, solver, confidence;
};

static const struct rh_choice objectives[] = {
    { "hu", HU, "Hu et al. 2008: all pairs weigh 1, observed ones alpha v more" },
    { "revisited", REVISITED, "Rendle et al. 2022: observed pairs alpha v, all pairs `unobserved` towards 0" },
    { NULL, 0, NULL },
};
static const struct rh_choice solvers[] = {
    { "exact", EXACT, "Cholesky" },
    { "cg", CG, "cg_steps steps of conjugate gradients" },
    { NULL, 0, NULL },
};
static const struct rh_choice confidences[] = {
    { "ones", ONES, "v = 1 whatever the rating" },
    { "ratings", RATINGS, "v = the rating" },
    { "logs", LOGS, "v = log(1 + rating / epsilon)" },
    { NULL, 0, NULL },
};

static const struct rh_param ials_table[] = {
    RH_INT(struct ials_params, factors, 64, 1, 4096, "number d of factors"),
    RH_ENUM(struct ials_params, objective, REVISITED, objectives, "what is minimised"),
    RH_REAL(struct ials_params, alpha, 1, 1e-9, 1e9, "weight of an observed pair"),
    RH_REAL(struct ials_params, unobserved, 0.1, 1e-9, 1e9, "weight a0 of every pair (objective = revisited)"),
    RH_REAL(struct ials_params, reg, 0.03, 0, 1e9, "L2 regularisation"),
    RH_REAL(struct ials_params, nu, 1, 0, 1, "0: the same for all; 1: in proportion to how often a row is seen"),
    RH_ENUM(struct ials_params, confidence, ONES, confidences, "the v of an observed pair"),
    RH_REAL(struct ials_params, epsilon, 1, 1e-9, 1e9, "scale of ratings (confidence = logs)"),
    RH_ENUM(struct ials_params, solver, EXACT, solvers, "how a row is solved for"),
    RH_INT(struct ials_params, cg_steps, 3, 1, 100, "steps a row and epoch (solver = cg)"),
    RH_REAL(struct ials_params, init_sd, 0.1, 0, 10, "standard deviation of an initial vector's length"),
    RH_PARAMS_END,
};

/* One side: whose vectors are found, from which rows of the other's. */
struct side {
    int64_t n;          /* rows */
    const int64_t *row; /* [n + 1] */
    const int32_t *col; /* [row[n]] rows of the other side */
    const float *weight; /* [row[n]] w, or NULL: all alpha */
    float *x;           /* [n x width] */
};

struct ials_state {
    struct side user, item;
    float *gram_of_items; /* [width x width] a0 Q'Q */
    float alpha, unobserved, reg, nu, epsilon;
    int32_t factors, width, cg_steps, target;
    int64_t n_observed;
    int objective, solver, confidence;
};

static float weight_of(const struct ials_state *s, float value)
{
    double v = s->confidence == RATINGS ? value : s->confidence == LOGS ? log1p(value / s->epsilon) : 1;
    return (float)(s->alpha * (v > 0 ? v : 0));
}

/* ----------------------------------------------------------------------------------------- one row's problem */

struct problem {
    const struct ials_state *s;
    const float *gram;  /* [width x width] of the other side, a0 times */
    const float *other; /* [.. x width] */
    int64_t n_other;
    double *loss;       /* [n] the row's share of the objective, or NULL */
    const struct side *side;
};

/* Rows that a solution is made from: y[n x width], with w and t. */
struct gathered {
    float *y, *w, *t;
    int32_t n;
};

struct room {
    struct gathered g;
    float *a;                /* [width x width] */
    float *b, *r, *p, *ap;   /* [width] */
};

static bool take_room(struct rh_ctx *ctx, const struct ials_state *s, int64_t longest, struct room *out)
{
    size_t width = (size_t)s->width, n = (size_t)longest;
    out->g.y = ctx->host->scratch(ctx, n ? n : 1, width * sizeof(float));
    out->g.w = ctx->host->scratch(ctx, n ? n : 1, sizeof(float));
    out->g.t = ctx->host->scratch(ctx, n ? n : 1, sizeof(float));
    out->a = ctx->host->scratch(ctx, width, width * sizeof(float));
    out->b = ctx->host->scratch(ctx, width, sizeof(float));
    out->r = ctx->host->scratch(ctx, width, sizeof(float));
    out->p = ctx->host->scratch(ctx, width, sizeof(float));
    out->ap = ctx->host->scratch(ctx, width, sizeof(float));
    return out->g.y && out->g.w && out->g.t && out->a && out->b && out->r && out->p && out->ap;
}

/* Puts the rows side by side and makes b. */
RH_WIDE static void gather(const struct ials_state *s, const float *other, const int32_t *col, const float *weight,
                           int32_t n, struct room *m)
{
    int32_t width = s->width;
    memset(m->b, 0, (size_t)width * sizeof *m->b);
    m->g.n = n;
    for (int32_t k = 0; k < n; k++) {
        const float *y = other + (int64_t)col[k] * width;
        m->g.w[k] = weight ? weight[k] : s->alpha;
        m->g.t[k] = m->g.w[k] + (s->objective == HU ? s->unobserved : 0);
        memcpy(m->g.y + (int64_t)k * width, y, (size_t)width * sizeof *y);
        rh_factor_add(m->b, m->g.t[k], y, width);
    }
}

static float lambda_of(const struct ials_state *s, int32_t n, int64_t n_other)
{
    return s->nu > 0 ? s->reg * (float)pow((double)n + s->unobserved * (double)n_other, s->nu) : s->reg;
}

RH_WIDE static void scale_rows(const struct ials_state *s, struct room *m)
{
    for (int32_t k = 0; k < m->g.n; k++) {
        float root = sqrtf(m->g.w[k]), *y = m->g.y + (int64_t)k * s->width;
        for (int32_t f = 0; f < s->width; f++)
            y[f] *= root;
    }
}

/* A into m->a (lower triangle), then x = A^-1 b. */
static int solve_exact(struct rh_ctx *ctx, const struct problem *q, float lambda, struct room *m, float *x)
{
    const struct ials_state *s = q->s;
    int d = s->factors, width = s->width, one = 1, info;
    memcpy(m->a, q->gram, (size_t)width * (size_t)width * sizeof *m->a);
    scale_rows(s, m);
    if (m->g.n)
        cblas_ssyrk(CblasRowMajor, CblasLower, CblasTrans, width, m->g.n, 1, m->g.y, width, 1, m->a, width);
    for (int f = 0; f < d; f++)
        m->a[(size_t)f * (size_t)width + (size_t)f] += lambda;
    memcpy(x, m->b, (size_t)width * sizeof *x);
    spotrf_("U", &d, m->a, &width, &info, 1); /* row-major lower is column-major upper */
    if (info == 0)
        spotrs_("U", &d, &one, m->a, &width, x, &width, &info, 1);
    if (info)
        return ctx->host->fail(ctx, RH_ENUMERIC, "a least-squares problem of a row is singular; raise reg above %g",
                               (double)s->reg);
    return RH_OK;
}

/* out = A v, without A. */
RH_WIDE static void multiply(const struct problem *q, float lambda, const struct room *m, const float *v, float *out)
{
    int32_t width = q->s->width;
    for (int32_t f = 0; f < width; f++)
        out[f] = lambda * v[f];
    for (int32_t f = 0; f < width; f++)
        rh_factor_add(out, v[f], q->gram + (int64_t)f * width, width);
    for (int32_t k = 0; k < m->g.n; k++) {
        const float *y = m->g.y + (int64_t)k * width;
        rh_factor_add(out, m->g.w[k] * rh_factor_dot(y, v, width), y, width);
    }
}

RH_WIDE static void solve_cg(const struct problem *q, float lambda, struct room *m, float *x)
{
    int32_t width = q->s->width;
    multiply(q, lambda, m, x, m->r);
    for (int32_t f = 0; f < width; f++)
        m->p[f] = m->r[f] = m->b[f] - m->r[f];
    float rr = rh_factor_dot(m->r, m->r, width);
    for (int32_t step = 0; step < q->s->cg_steps && rr > 1e-20f; step++) {
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

static int solve(struct rh_ctx *ctx, const struct problem *q, const int32_t *col, const float *weight, int32_t n,
                 struct room *m, float *x, double *loss)
{
    const struct ials_state *s = q->s;
    float lambda = lambda_of(s, n, q->n_other);
    gather(s, q->other, col, weight, n, m);
    if (s->solver == EXACT) {
        int status = solve_exact(ctx, q, lambda, m, x);
        if (status < 0)
            return status;
        memset(m->r, 0, (size_t)s->width * sizeof *m->r);
    } else
        solve_cg(q, lambda, m, x);
    if (loss) { /* x'Ax - 2 b'x + c with Ax = b - r */
        double sum = 0;
        for (int32_t k = 0; k < n; k++)
            sum += m->g.t[k];
        for (int32_t f = 0; f < s->width; f++)
            sum -= (double)x[f] * ((double)m->b[f] + m->r[f]);
        *loss = sum;
    }
    return RH_OK;
}

/* --------------------------------------------------------------------------------------------------- training */

static int64_t longest_row(const struct side *side, int64_t begin, int64_t end)
{
    int64_t longest = 0;
    for (int64_t r = begin; r < end; r++)
        if (side->row[r + 1] - side->row[r] > longest)
            longest = side->row[r + 1] - side->row[r];
    return longest;
}

static int solve_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct problem *q = arg;
    const struct side *side = q->side;
    struct room m;
    if (!take_room(ctx, q->s, longest_row(side, begin, end), &m))
        return RH_ENOMEM;
    for (int64_t r = begin; r < end; r++) {
        int64_t at = side->row[r];
        int status = solve(ctx, q, side->col + at, side->weight ? side->weight + at : NULL,
                           (int32_t)(side->row[r + 1] - at), &m, side->x + r * q->s->width,
                           q->loss ? q->loss + r : NULL);
        if (status < 0)
            return status;
    }
    return RH_OK;
}

#define GRAM_ROWS 2048 /* rows of one partial product; fixed, so that the sum is the same on any number of threads */

struct gram_job {
    const float *x;
    float *part; /* [pieces x width x width] */
    int32_t width;
    float scale;
};

static int gram_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct gram_job *j = arg;
    int width = j->width;
    for (int64_t r = begin; r < end; r += GRAM_ROWS) { /* the host may give several pieces in one part */
        int64_t n = end - r < GRAM_ROWS ? end - r : GRAM_ROWS;
        cblas_ssyrk(CblasRowMajor, CblasLower, CblasTrans, width, (int)n, j->scale, j->x + r * width, width, 0,
                    j->part + (size_t)(r / GRAM_ROWS) * (size_t)width * (size_t)width, width);
    }
    return RH_OK;
}

/* out[width x width] = scale X'X, both triangles. */
static int gram(struct rh_ctx *ctx, const float *x, int64_t n, int32_t width, float scale, float *out)
{
    int64_t pieces = (n + GRAM_ROWS - 1) / GRAM_ROWS;
    size_t size = (size_t)width * (size_t)width;
    struct gram_job j = { .x = x, .width = width, .scale = scale };
    j.part = ctx->host->scratch(ctx, (size_t)(pieces ? pieces : 1), size * sizeof *j.part);
    if (!j.part)
        return RH_ENOMEM;
    int status = ctx->host->parallel(ctx, n, GRAM_ROWS, gram_part, &j);
    if (status < 0)
        return status;
    memset(out, 0, size * sizeof *out);
    for (int64_t piece = 0; piece < pieces; piece++)
        for (size_t k = 0; k < size; k++)
            out[k] += j.part[(size_t)piece * size + k];
    for (int32_t f = 0; f < width; f++)
        for (int32_t g = 0; g < f; g++)
            out[(size_t)g * (size_t)width + (size_t)f] = out[(size_t)f * (size_t)width + (size_t)g];
    return RH_OK;
}

/* Solves for all rows of `side`, the other side fixed. */
static int half(struct rh_ctx *ctx, const struct ials_state *s, const struct side *side, const struct side *other,
                float *gram_room, double *loss)
{
    struct problem q = { .s = s, .gram = gram_room, .other = other->x, .n_other = other->n, .loss = loss,
                         .side = side };
    int status = gram(ctx, other->x, other->n, s->width, s->unobserved, gram_room);
    return status < 0 ? status : ctx->host->parallel(ctx, side->n, 32, solve_part, &q);
}

static float *weights_of(struct rh_ctx *ctx, const struct ials_state *s, const float *value, int64_t n, int *status)
{
    float *w = ctx->host->alloc(ctx, (size_t)(n ? n : 1), sizeof *w);
    *status = w ? RH_OK : RH_ENOMEM;
    for (int64_t k = 0; w && k < n; k++)
        w[k] = weight_of(s, value[k]);
    return w;
}

static void take_params(struct ials_state *s, const struct ials_params *p, const struct rh_train *train)
{
    *s = (struct ials_state){
        .alpha = (float)p->alpha, .unobserved = p->objective == HU ? 1 : (float)p->unobserved, .reg = (float)p->reg,
        .nu = (float)p->nu, .epsilon = (float)p->epsilon, .factors = (int32_t)p->factors,
        .width = rh_factor_width(p->factors), .cg_steps = (int32_t)p->cg_steps, .target = train->target,
        .n_observed = train->domain[train->target].row[train->n_users], .objective = p->objective, .solver = p->solver,
        .confidence = p->confidence,
    };
}

static int ials_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct ials_params *p = params;
    struct ials_state *s = state;
    const struct rh_domain *d = &train->domain[train->target];
    struct rh_inverted by_item;
    int status;
    if (p->confidence != ONES && !d->value)
        return ctx->host->fail(ctx, RH_EDATA, "confidence = %s needs ratings, but domain '%s' has none",
                               confidences[p->confidence].word, d->name);
    take_params(s, p, train);
    s->user = (struct side){ .n = train->n_users, .row = d->row, .col = d->item };
    if (p->confidence != ONES && !(s->user.weight = weights_of(ctx, s, d->value, s->n_observed, &status)))
        return status;
    status = rh_invert(ctx, d, train->n_users, s->user.weight, ctx->host->alloc, &by_item);
    if (status < 0)
        return status;
    s->item = (struct side){ .n = d->n_items, .row = by_item.row, .col = by_item.user, .weight = by_item.value };
    double sd = p->init_sd / sqrt((double)p->factors);
    s->user.x = rh_factors_new(ctx, s->user.n, p->factors, sd, "users");
    s->item.x = rh_factors_new(ctx, s->item.n, p->factors, sd, "items");
    s->gram_of_items = ctx->host->alloc(ctx, (size_t)s->width, (size_t)s->width * sizeof(float));
    if (!s->user.x || !s->item.x || !s->gram_of_items)
        return RH_ENOMEM;
    return gram(ctx, s->item.x, s->item.n, s->width, s->unobserved, s->gram_of_items);
}

static int ials_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct ials_state *s = state;
    (void)epoch;
    double sum = 0, *of_item = ctx->host->scratch(ctx, (size_t)(s->item.n ? s->item.n : 1), sizeof *of_item);
    if (!of_item)
        return RH_ENOMEM;
    int status = half(ctx, s, &s->user, &s->item, s->gram_of_items, NULL);
    if (status < 0 || (status = ctx->host->tick(ctx, 1, 2)) < 0)
        return status;
    status = half(ctx, s, &s->item, &s->user, s->gram_of_items, of_item);
    if (status < 0)
        return status;
    for (int64_t i = 0; i < s->item.n; i++)
        sum += of_item[i];
    for (int64_t u = 0; u < s->user.n; u++) {
        const float *x = s->user.x + u * s->width;
        double square = 0;
        for (int32_t f = 0; f < s->width; f++)
            square += (double)x[f] * x[f];
        sum += square * lambda_of(s, (int32_t)(s->user.row[u + 1] - s->user.row[u]), s->item.n);
    }
    *loss = s->n_observed ? sum / (double)s->n_observed : 0;
    return gram(ctx, s->item.x, s->item.n, s->width, s->unobserved, s->gram_of_items);
}

/* ----------------------------------------------------------------------------------------------------- answers */

/* The vectors of n queries, from their histories. */
static int fold_in(struct rh_ctx *ctx, const struct ials_state *s, const struct rh_query *query, int32_t n, float *x)
{
    const struct problem q = { .s = s, .gram = s->gram_of_items, .other = s->item.x, .n_other = s->item.n };
    int32_t longest = 0;
    struct room m;
    for (int32_t k = 0; k < n; k++)
        if (query[k].history[s->target].n > longest)
            longest = query[k].history[s->target].n;
    float *weight = ctx->host->scratch(ctx, (size_t)longest + 1, sizeof *weight);
    if (!weight || !take_room(ctx, s, longest, &m))
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++) {
        const struct rh_history *h = &query[k].history[s->target];
        float *own = x + (int64_t)k * s->width;
        if (!h->n)
            continue;
        for (int32_t i = 0; i < h->n; i++)
            weight[i] = h->value ? weight_of(s, h->value[i]) : s->alpha;
        if (s->solver == CG) /* from where training left off, or from 0 */
            memcpy(own, s->user.x + (int64_t)query[k].user * s->width, (size_t)s->width * sizeof *own);
        int status = solve(ctx, &q, h->item, weight, h->n, &m, own, NULL);
        if (status < 0)
            return status;
    }
    return RH_OK;
}

static int ials_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                      size_t stride)
{
    const struct ials_state *s = state;
    float *x = ctx->host->scratch(ctx, (size_t)n, (size_t)s->width * sizeof *x);
    if (!x)
        return RH_ENOMEM;
    int status = fold_in(ctx, s, query, n, x);
    if (status < 0)
        return status;
    rh_factors_score(x, s->item.x, NULL, (int32_t)s->item.n, s->width, query, n, out, stride);
    return RH_OK;
}

/* The score is sum over the history of t q(i)' A^-1 q(item) (Hu et al., section 5): one part an item. */
static int ials_explain(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item,
                        int32_t max, int32_t *why, float *weight)
{
    const struct ials_state *s = state;
    const struct rh_history *h = &query->history[s->target];
    struct problem q = { .s = s, .gram = s->gram_of_items, .other = s->item.x, .n_other = s->item.n };
    float *w = ctx->host->scratch(ctx, (size_t)h->n + 1, sizeof *w);
    float *x = ctx->host->scratch(ctx, (size_t)s->width, sizeof *x);
    struct room m;
    if (!w || !x || !take_room(ctx, s, h->n, &m))
        return RH_ENOMEM;
    for (int32_t k = 0; k < h->n; k++)
        w[k] = h->value ? weight_of(s, h->value[k]) : s->alpha;
    gather(s, s->item.x, h->item, w, h->n, &m);
    memcpy(m.b, s->item.x + (int64_t)item * s->width, (size_t)s->width * sizeof *m.b);
    int status = solve_exact(ctx, &q, lambda_of(s, h->n, s->item.n), &m, x);
    if (status < 0)
        return status;
    int32_t n = 0;
    for (int32_t k = 0; k < h->n; k++) {
        float part = m.g.t[k] * rh_factor_dot(s->item.x + (int64_t)h->item[k] * s->width, x, s->width);
        n = rh_insert_part(why, weight, n, max, h->item[k], part);
    }
    return n;
}

static int ials_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct ials_state *s = state;
    int status;
    take_params(s, params, train);
    s->user.n = train->n_users;
    s->item.n = train->domain[train->target].n_items;
    size_t row = (size_t)s->width * sizeof(float);
    if ((status = ctx->host->field(ctx, "users", &s->user.x, s->user.n, row)) < 0 ||
        (status = ctx->host->field(ctx, "items", &s->item.x, s->item.n, row)) < 0)
        return status;
    return ctx->host->field(ctx, "gram", &s->gram_of_items, s->width, row);
}

static const struct rh_algorithm ials = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "ials",
    .summary = "implicit alternating least squares: factors of users and items, every pair weighted",
    .reference = "Hu, Koren and Volinsky 2008, Collaborative filtering for implicit feedback datasets; Rendle, "
                 "Krichene, Zhang and Koren 2022, Revisiting the performance of iALS on item recommendation benchmarks",
    .cost = "epoch O(nnz d^2 + (U + I) d^3) exact, O(steps (nnz d + (U + I) d^2)) cg; score O(|history| d^2 + d^3 + "
            "I d) a query; memory 4 d (U + I) + 16 nnz bytes",
    .advice = "A strong baseline for implicit feedback on any size of data; unseen users are folded in. Tune reg and "
              "unobserved together (each by factors of 3), then factors upwards: more help for long, if reg grows with "
              "them. It cannot score items without interactions.",
    .revision = 1,
    .flags = RH_A_COLD_USERS | RH_A_RANDOM,
    .params = ials_table,
    .params_size = sizeof(struct ials_params),
    .state_size = sizeof(struct ials_state),
    .epochs = 15,
    .fit = ials_fit,
    .epoch = ials_epoch,
    .score = ials_score,
    .explain = ials_explain,
    .persist = ials_persist,
};

RH_ALGORITHM(ials)
