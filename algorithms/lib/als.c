#include "algorithms/lib/als.h"

#include "algorithms/lib/explain.h"
#include "algorithms/lib/invert.h"

#include <cblas.h>
#include <stdio.h>
#include <string.h>

const struct rh_choice rh_als_objectives[] = {
    { "hu", RH_ALS_HU, "Hu et al. 2008: all pairs weigh 1, observed ones alpha v more" },
    { "revisited", RH_ALS_REVISITED, "Rendle et al. 2022: observed pairs alpha v, all pairs `unobserved` towards 0" },
    { NULL, 0, NULL },
};
const struct rh_choice rh_als_solvers[] = {
    { "exact", RH_ALS_EXACT, "Cholesky" },
    { "cg", RH_ALS_CG, "cg_steps steps of conjugate gradients" },
    { NULL, 0, NULL },
};
const struct rh_choice rh_als_values[] = {
    { "ones", RH_ALS_ONES, "v = 1 whatever the rating" },
    { "ratings", RH_ALS_RATINGS, "v = the rating" },
    { "logs", RH_ALS_LOGS, "v = log(1 + rating / epsilon)" },
    { NULL, 0, NULL },
};

/* ------------------------------------------------------------------------------------------------------- rows */

/* w of a row of domain d; `rating` is looked at when ratings count. */
static float weight_of(const struct rh_als *m, int32_t d, const float *rating)
{
    const struct rh_als_params *p = m->params;
    double v = p->confidence == RH_ALS_ONES || !rating ? 1
               : p->confidence == RH_ALS_RATINGS       ? *rating
                                                       : log1p(*rating / p->epsilon);
    return (float)(p->alpha * m->share[d] * (v > 0 ? v : 0));
}

static void count_items(const struct rh_train *train, const double *share, int32_t *first)
{
    for (int32_t d = 0; d < train->n_domains; d++)
        first[d + 1] = first[d] + (share[d] > 0 ? train->domain[d].n_items : 0);
}

/* The rows of a user, domain after domain, so that items ascend. */
static int join_rows(struct rh_ctx *ctx, struct rh_als *m, const struct rh_train *train, struct rh_domain *joint)
{
    int64_t n = 0, at = 0;
    for (int32_t d = 0; d < train->n_domains; d++)
        n += m->share[d] > 0 ? train->domain[d].row[train->n_users] : 0;
    int64_t *row = ctx->host->alloc(ctx, (size_t)train->n_users + 1, sizeof *row);
    int32_t *item = ctx->host->alloc(ctx, (size_t)n + 1, sizeof *item);
    float *weight = ctx->host->alloc(ctx, (size_t)n + 1, sizeof *weight);
    if (!row || !item || !weight)
        return RH_ENOMEM;
    for (int32_t u = 0; u < train->n_users; u++) {
        for (int32_t d = 0; d < train->n_domains; d++) {
            const struct rh_domain *domain = &train->domain[d];
            for (int64_t r = domain->row[u]; m->share[d] > 0 && r < domain->row[u + 1]; r++) {
                item[at] = m->first_item[d] + domain->item[r];
                weight[at++] = weight_of(m, d, domain->value ? &domain->value[r] : NULL);
            }
        }
        row[u + 1] = at;
    }
    *joint =
        (struct rh_domain){ .n_items = m->first_item[train->n_domains], .row = row, .item = item, .value = weight };
    return RH_OK;
}

static int check_values(struct rh_ctx *ctx, const struct rh_als *m, const struct rh_train *train)
{
    for (int32_t d = 0; d < train->n_domains; d++)
        if (m->params->confidence != RH_ALS_ONES && m->share[d] > 0 && !train->domain[d].value)
            return ctx->host->fail(ctx, RH_EDATA, "confidence = %s needs ratings, but domain '%s' has none",
                                   rh_als_values[m->params->confidence].word, train->domain[d].name);
    return RH_OK;
}

/* What does not depend on training. */
static int shape(struct rh_ctx *ctx, struct rh_als *m, const struct rh_als_params *params,
                 const struct rh_train *train, const double *share)
{
    int32_t *first = ctx->host->alloc(ctx, (size_t)train->n_domains + 1, sizeof *first);
    double *kept = ctx->host->alloc(ctx, (size_t)train->n_domains, sizeof *kept);
    if (!first || !kept)
        return RH_ENOMEM;
    count_items(train, share, first);
    memcpy(kept, share, (size_t)train->n_domains * sizeof *kept);
    *m = (struct rh_als){ .params = params,
                          .user.n = train->n_users,
                          .item.n = first[train->n_domains],
                          .first_item = first,
                          .share = kept,
                          .a0 = params->objective == RH_ALS_HU ? 1 : (float)params->unobserved,
                          .width = rh_factor_width(params->factors),
                          .n_domains = train->n_domains };
    return check_values(ctx, m, train);
}

/* ------------------------------------------------------------------------------------------------------- Q'Q */

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
    for (int64_t r = begin; r < end; r += GRAM_ROWS) {
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

static int gram_of_items(struct rh_ctx *ctx, struct rh_als *m)
{
    return gram(ctx, m->item.x, m->item.n, m->width, m->a0, m->gram);
}

/* --------------------------------------------------------------------------------------------------- training */

int rh_als_init(struct rh_ctx *ctx, struct rh_als *m, const struct rh_als_params *params,
                const struct rh_train *train, const double *share, const char *purpose)
{
    struct rh_domain joint;
    struct rh_inverted by_item;
    int32_t parts = 0, only = 0;
    char name[64];
    int status = shape(ctx, m, params, train, share);
    if (status < 0)
        return status;
    for (int32_t d = 0; d < train->n_domains; d++)
        if (share[d] > 0) {
            parts++;
            only = d;
        }
    if (parts == 1 && params->confidence == RH_ALS_ONES && share[only] == 1) {
        joint = train->domain[only];
        joint.value = NULL; /* all weigh alpha */
    } else if ((status = join_rows(ctx, m, train, &joint)) < 0)
        return status;
    status = rh_invert(ctx, &joint, train->n_users, joint.value, ctx->host->alloc, &by_item);
    if (status < 0)
        return status;
    double sd = params->init_sd / sqrt((double)params->factors);
    m->user = (struct rh_als_side){ .n = train->n_users, .row = joint.row, .col = joint.item, .weight = joint.value };
    m->item =
        (struct rh_als_side){ .n = joint.n_items, .row = by_item.row, .col = by_item.user, .weight = by_item.value };
    snprintf(name, sizeof name, "%s users", purpose);
    m->user.x = rh_factors_new(ctx, m->user.n, params->factors, sd, name);
    snprintf(name, sizeof name, "%s items", purpose);
    m->item.x = rh_factors_new(ctx, m->item.n, params->factors, sd, name);
    m->gram = ctx->host->alloc(ctx, (size_t)m->width, (size_t)m->width * sizeof(float));
    return m->user.x && m->item.x && m->gram ? gram_of_items(ctx, m) : RH_ENOMEM;
}

struct half_job {
    struct rh_als_problem problem;
    const struct rh_als_side *side;
    double *loss; /* [n] each row's share of the objective, or NULL */
};

static int solve_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct half_job *j = arg;
    const struct rh_als_side *side = j->side;
    int32_t width = j->problem.model->width;
    int64_t longest = 0;
    for (int64_t r = begin; r < end; r++)
        if (side->row[r + 1] - side->row[r] > longest)
            longest = side->row[r + 1] - side->row[r];
    struct rh_als_room *room = rh_als_room(ctx, width, longest);
    if (!room)
        return RH_ENOMEM;
    for (int64_t r = begin; r < end; r++) {
        int64_t at = side->row[r];
        int status = rh_als_solve(ctx, &j->problem, side->col + at, side->weight ? side->weight + at : NULL,
                                  (int32_t)(side->row[r + 1] - at), room, side->x + r * width,
                                  j->loss ? j->loss + r : NULL);
        if (status < 0)
            return status;
    }
    return RH_OK;
}

/* Solves for all rows of `side`, the other side fixed, whose a0 X'X is in m->gram. */
static int half(struct rh_ctx *ctx, struct rh_als *m, const struct rh_als_side *side, const struct rh_als_side *other,
                double *loss)
{
    struct half_job j = { { .model = m, .gram = m->gram, .other = other->x, .n_other = other->n }, side, loss };
    return ctx->host->parallel(ctx, side->n, 32, solve_part, &j);
}

/* sum over users of lambda |p|^2. */
static double penalty_of_users(const struct rh_als *m)
{
    double sum = 0;
    for (int64_t u = 0; u < m->user.n; u++) {
        const float *x = m->user.x + u * m->width;
        double square = 0, n = (double)(m->user.row[u + 1] - m->user.row[u]);
        for (int32_t f = 0; f < m->width; f++)
            square += (double)x[f] * x[f];
        sum += square * m->params->reg * pow(n + m->a0 * (double)m->item.n, m->params->nu);
    }
    return sum;
}

/* With lambda in proportion to the other side, 0 is where all vectors end when reg and unobserved are too large for a
 * sparse catalogue: every score is 0 then, which looks like a method that knows nothing. Told from m->gram: the mean
 * square of an item's length is below 1e-10. */
static bool has_vanished(const struct rh_als *m)
{
    double trace = 0;
    for (int32_t f = 0; f < m->width; f++)
        trace += m->gram[(size_t)f * m->width + f];
    return trace < 1e-10 * m->a0 * (double)m->item.n;
}

int rh_als_epoch(struct rh_ctx *ctx, struct rh_als *m, double *loss)
{
    bool had_vanished = has_vanished(m);
    double sum = 0, *of_item = ctx->host->scratch(ctx, (size_t)m->item.n + 1, sizeof *of_item);
    if (!of_item)
        return RH_ENOMEM;
    int status = half(ctx, m, &m->user, &m->item, NULL);
    if (status >= 0)
        status = ctx->host->tick(ctx, 1, 2);
    if (status >= 0)
        status = gram(ctx, m->user.x, m->user.n, m->width, m->a0, m->gram);
    if (status >= 0)
        status = half(ctx, m, &m->item, &m->user, of_item);
    if (status < 0)
        return status;
    for (int64_t i = 0; i < m->item.n; i++)
        sum += of_item[i];
    int64_t observed = m->user.row[m->user.n];
    *loss = observed ? (sum + penalty_of_users(m)) / (double)observed : 0;
    status = gram_of_items(ctx, m);
    if (status >= 0 && !had_vanished && has_vanished(m))
        ctx->host->log(ctx, 0, "the factors have shrunk to nothing: reg = %g with unobserved = %g is too much for %lld "
                       "users and %lld items with %lld rows; divide either by ten", m->params->reg,
                       m->params->unobserved, (long long)m->user.n, (long long)m->item.n, (long long)observed);
    return status;
}

/* ----------------------------------------------------------------------------------------------------- answers */

static int64_t history_length(const struct rh_als *m, const struct rh_query *q)
{
    int64_t n = 0;
    for (int32_t d = 0; d < m->n_domains; d++)
        n += m->share[d] > 0 ? q->history[d].n : 0;
    return n;
}

/* The history as rows of the joint matrix; returns how many. */
static int32_t join_history(const struct rh_als *m, const struct rh_query *q, int32_t *item, float *weight)
{
    int32_t n = 0;
    for (int32_t d = 0; d < m->n_domains; d++)
        for (int32_t k = 0; m->share[d] > 0 && k < q->history[d].n; k++) {
            item[n] = m->first_item[d] + q->history[d].item[k];
            weight[n++] = weight_of(m, d, q->history[d].value ? &q->history[d].value[k] : NULL);
        }
    return n;
}

int rh_als_fold_in(struct rh_ctx *ctx, const struct rh_als *m, const struct rh_query *query, int32_t n, float *x)
{
    const struct rh_als_problem q = { .model = m, .gram = m->gram, .other = m->item.x, .n_other = m->item.n };
    int64_t longest = 0;
    for (int32_t k = 0; k < n; k++)
        if (history_length(m, &query[k]) > longest)
            longest = history_length(m, &query[k]);
    int32_t *item = ctx->host->scratch(ctx, (size_t)longest + 1, sizeof *item);
    float *weight = ctx->host->scratch(ctx, (size_t)longest + 1, sizeof *weight);
    struct rh_als_room *room = rh_als_room(ctx, m->width, longest);
    if (!item || !weight || !room)
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++) {
        int32_t rows = join_history(m, &query[k], item, weight);
        float *own = x + (int64_t)k * m->width;
        memset(own, 0, (size_t)m->width * sizeof *own);
        if (rows && m->params->solver == RH_ALS_CG) /* from where training left off; 0 for unseen users */
            memcpy(own, m->user.x + (int64_t)query[k].user * m->width, (size_t)m->width * sizeof *own);
        int status = rows ? rh_als_solve(ctx, &q, item, weight, rows, room, own, NULL) : RH_OK;
        if (status < 0)
            return status;
    }
    return RH_OK;
}

void rh_als_score(const struct rh_als *m, int32_t domain, const float *x, const struct rh_query *query, int32_t n,
                  float *out, size_t stride)
{
    int32_t first = m->first_item[domain];
    rh_factors_score(x, m->item.x + (int64_t)first * m->width, NULL, m->first_item[domain + 1] - first, m->width,
                     query, n, out, stride);
}

int rh_als_answer(struct rh_ctx *ctx, const struct rh_als *m, int32_t domain, const struct rh_query *query, int32_t n,
                  float *out, size_t stride)
{
    float *x = ctx->host->scratch(ctx, (size_t)n, (size_t)m->width * sizeof *x);
    int status = x ? rh_als_fold_in(ctx, m, query, n, x) : RH_ENOMEM;
    if (status >= 0)
        rh_als_score(m, domain, x, query, n, out, stride);
    return status;
}

int rh_als_explain(struct rh_ctx *ctx, const struct rh_als *m, int32_t domain, const struct rh_query *query,
                   int32_t item, int32_t max, int32_t *why, float *weight)
{
    const struct rh_als_problem q = { .model = m, .gram = m->gram, .other = m->item.x, .n_other = m->item.n };
    int64_t length = history_length(m, query);
    int32_t *row = ctx->host->scratch(ctx, (size_t)length + 1, sizeof *row), n = 0;
    float *w = ctx->host->scratch(ctx, (size_t)length + 1, sizeof *w);
    float *t = ctx->host->scratch(ctx, (size_t)length + 1, sizeof *t);
    float *x = ctx->host->scratch(ctx, (size_t)m->width, sizeof *x);
    struct rh_als_room *room = rh_als_room(ctx, m->width, length);
    if (!row || !w || !t || !x || !room)
        return RH_ENOMEM;
    int32_t rows = join_history(m, query, row, w), first = m->first_item[domain], last = m->first_item[domain + 1];
    int status = rh_als_inverse(ctx, &q, row, w, rows, room, m->item.x + (int64_t)(first + item) * m->width, x, t);
    if (status < 0)
        return status;
    for (int32_t k = 0; k < rows; k++)
        if (row[k] >= first && row[k] < last)
            n = rh_insert_part(why, weight, n, max, row[k] - first,
                               t[k] * rh_factor_dot(m->item.x + (int64_t)row[k] * m->width, x, m->width));
    return n;
}

int rh_als_persist(struct rh_ctx *ctx, struct rh_als *m, const struct rh_als_params *params,
                   const struct rh_train *train, const double *share, const char *purpose)
{
    char name[64];
    size_t row = (size_t)rh_factor_width(params->factors) * sizeof(float);
    int status = RH_OK;
    if (!m->gram) /* loading */
        status = shape(ctx, m, params, train, share);
    const struct {
        const char *what;
        float **x;
        int64_t n;
    } field[] = { { "users", &m->user.x, m->user.n },
                  { "items", &m->item.x, m->item.n },
                  { "gram", &m->gram, m->width } };
    for (int k = 0; k < 3 && status >= 0; k++) {
        snprintf(name, sizeof name, "%s %s", purpose, field[k].what);
        status = ctx->host->field(ctx, name, field[k].x, field[k].n, row);
    }
    return status;
}
