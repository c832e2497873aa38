/* logistic_mf - logistic matrix factorisation: the probability that a user takes an item, from factors and biases.
 *
 * Johnson 2014, "Logistic matrix factorization for implicit feedback data" (NIPS workshop on distributed machine
 * learning). With s(u, i) = p(u).q(i) + b(u) + b(i), minimised is, over the observed pairs S and over all pairs,
 *
 *     sum over S  alpha (log(1 + e^s) - s)  +  sum over all  log(1 + e^s)  +  reg / 2 (|p|^2 + |q|^2 + b^2)
 *
 * (minus their eq. 3 with every count r = 1). Users and items take turns: an epoch is one step of AdaGrad along the
 * exact gradient for all users, then one for all items. The sums over all pairs are matrix products of tiles that stay
 * in the cache. Users without interactions are rows of zeros: they neither learn nor say anything about items.
 *
 * Rows are independent and sums have a fixed order: threads do not change the numbers. Without a row in training a
 * user is folded in: fold_steps steps from zero with the items fixed, which is a concave problem. */
#include "algorithms/lib/factors.h"
#include "algorithms/lib/invert.h"
#include "algorithms/lib/vexp.h"

#include <cblas.h>
#include <string.h>

#define ROWS 32  /* that a part moves together */
#define TILE 256 /* rows of the other side */

struct lmf_params {
    int64_t factors, fold_steps;
    double rate, alpha, reg, init_sd;
};

static const struct rh_param lmf_table[] = {
    RH_INT(struct lmf_params, factors, 32, 1, 4096, "number d of factors"),
    RH_REAL(struct lmf_params, alpha, 1, 1e-9, 1e9, "weight of an observed pair"),
    RH_REAL(struct lmf_params, reg, 0.6, 0, 1e9, "L2 regularisation"),
    RH_REAL(struct lmf_params, rate, 1, 1e-9, 1e3, "learning rate of AdaGrad, whose sums of squares begin at 1"),
    RH_REAL(struct lmf_params, init_sd, 0.1, 0, 10, "standard deviation of initial elements"),
    RH_INT(struct lmf_params, fold_steps, 30, 1, 10000, "steps for a user who was not in training"),
    RH_PARAMS_END,
};

/* A row is (factors, bias of a user, bias of an item): a user's last is fixed at 1, an item's last but one. So a
 * score is one inner product. */
struct side {
    int64_t n;
    const int64_t *row; /* [n + 1] */
    const int32_t *col;
    float *x, *squares; /* [n x width] */
    int32_t fixed;      /* column */
};

struct lmf_state {
    struct side user, item;
    float alpha, reg, rate;
    int32_t factors, width, fold_steps, target;
};

static void take_params(struct lmf_state *s, const struct lmf_params *p, const struct rh_train *train)
{
    const struct rh_domain *d = &train->domain[train->target];
    *s = (struct lmf_state){
        .user = { .n = train->n_users, .row = d->row, .col = d->item, .fixed = (int32_t)p->factors + 1 },
        .item = { .n = d->n_items, .fixed = (int32_t)p->factors },
        .alpha = (float)p->alpha, .reg = (float)p->reg, .rate = (float)p->rate, .factors = (int32_t)p->factors,
        .width = rh_factor_width(p->factors + 2), .fold_steps = (int32_t)p->fold_steps, .target = train->target,
    };
}

/* s becomes 1 / (1 + e^-s); returns the sum of log(1 + e^s). */
static inline __attribute__((always_inline)) double to_probability(float *s, int32_t n)
{
    double sum = 0;
#pragma omp simd
    for (int32_t k = 0; k < n; k++)
        s[k] = 1 / (1 + rh_exp(-s[k]));
    for (int32_t k = 0; k < n; k += 8) {
        double product = 1; /* of 1 - p, none below 1e-38 */
        for (int32_t j = k; j < k + 8 && j < n; j++)
            product *= fmax(1 - (double)s[j], 1e-38);
        sum -= log(product);
    }
    return sum;
}

/* Rows x[n x width] that have the items col[row[k] .. row[k + 1]) take one step, the other side fixed. Adds to *loss
 * their share of the objective before it. tile[ROWS x TILE], d[ROWS x width]: room. */
RH_WIDE static void ascend(const struct lmf_state *s, const struct side *other, int32_t fixed, float *x,
                           float *squares, int32_t n, const int64_t *row, const int32_t *col, float *tile,
                           float *d, double *loss)
{
    int32_t width = s->width;
    memset(d, 0, (size_t)n * (size_t)width * sizeof *d);
    for (int64_t from = 0; from < other->n; from += TILE) {
        int32_t m = (int32_t)(other->n - from < TILE ? other->n - from : TILE);
        const float *y = other->x + from * width;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, m, width, 1, x, width, y, width, 0, tile, m);
        *loss += to_probability(tile, n * m);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, width, m, -1, tile, m, y, width, 1, d, width);
    }
    for (int32_t k = 0; k < n; k++) {
        if (fixed == s->user.fixed && row[k] == row[k + 1])
            continue;
        float *own = x + (int64_t)k * width, *g = d + (int64_t)k * width, *sum = squares + (int64_t)k * width;
        for (int64_t e = row[k]; e < row[k + 1]; e++) {
            const float *y = other->x + (int64_t)col[e] * width;
            float score = rh_factor_dot(own, y, width), p = 1 / (1 + expf(-score));
            rh_factor_add(g, s->alpha * (1 - p), y, width);
            *loss += (double)s->alpha * (score > 0 ? log1p(exp(-(double)score)) : log1p(exp((double)score)) - score);
        }
        for (int32_t f = 0; f < s->factors + 2; f++) {
            if (f == fixed)
                continue;
            *loss += 0.5 * (double)s->reg * own[f] * own[f];
            g[f] -= s->reg * own[f];
            sum[f] += g[f] * g[f];
            own[f] += s->rate * g[f] / sqrtf(sum[f]);
        }
    }
}

struct turn {
    const struct lmf_state *s;
    const struct side *side, *other;
    double *loss; /* [parts] */
};

static int turn_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct turn *t = arg;
    int32_t width = t->s->width;
    float *tile = ctx->host->scratch(ctx, ROWS, TILE * sizeof *tile);
    float *d = ctx->host->scratch(ctx, ROWS, (size_t)width * sizeof *d);
    if (!tile || !d)
        return RH_ENOMEM;
    ascend(t->s, t->other, t->side->fixed, t->side->x + begin * width, t->side->squares + begin * width,
           (int32_t)(end - begin), t->side->row + begin, t->side->col, tile, d, &t->loss[begin / ROWS]);
    return RH_OK;
}

/* One step for all rows of a side; *loss: the objective before it, less the other side's regularisation. */
static int turn(struct rh_ctx *ctx, const struct lmf_state *s, const struct side *side, const struct side *other,
                double *loss)
{
    struct turn t = { .s = s, .side = side, .other = other };
    int64_t parts = side->n / ROWS + 1;
    t.loss = ctx->host->scratch(ctx, (size_t)parts, sizeof *t.loss);
    if (!t.loss)
        return RH_ENOMEM;
    int status = ctx->host->parallel(ctx, side->n, ROWS, turn_part, &t);
    *loss = 0;
    for (int64_t k = 0; k < parts; k++)
        *loss += t.loss[k];
    return status;
}

static int lmf_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct lmf_state *s = state;
    double first;
    int status = turn(ctx, s, &s->user, &s->item, &first);
    if (status < 0 || (status = ctx->host->tick(ctx, 1, 2)) < 0 ||
        (status = turn(ctx, s, &s->item, &s->user, loss)) < 0)
        return status;
    *loss /= (double)s->user.n * (double)s->item.n;
    if (!isfinite(*loss))
        return ctx->host->fail(ctx, RH_ENUMERIC, "the factors are no numbers any more in epoch %d; lower rate, which "
                               "is %g", epoch, (double)s->rate);
    return RH_OK;
}

static bool take_side(struct rh_ctx *ctx, const struct lmf_state *s, struct side *side, double sd,
                      const char *purpose)
{
    side->x = rh_factors_new(ctx, side->n, s->width, sd, purpose);
    side->squares = ctx->host->alloc(ctx, (size_t)side->n, (size_t)s->width * sizeof *side->squares);
    for (int64_t k = 0; side->x && side->squares && k < side->n * s->width; k++) {
        int32_t f = (int32_t)(k % s->width);
        side->squares[k] = 1;
        if (f >= s->factors)
            side->x[k] = f == side->fixed;
    }
    for (int64_t k = 0; side == &s->user && side->x && k < side->n; k++)
        if (side->row[k] == side->row[k + 1])
            memset(side->x + k * s->width, 0, (size_t)s->width * sizeof *side->x);
    return side->x && side->squares;
}

static int lmf_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct lmf_state *s = state;
    const struct lmf_params *p = params;
    struct rh_inverted by_item;
    take_params(s, p, train);
    int status = rh_invert(ctx, &train->domain[train->target], train->n_users, NULL, ctx->host->alloc, &by_item);
    if (status < 0)
        return status;
    s->item.row = by_item.row;
    s->item.col = by_item.user;
    if (!take_side(ctx, s, &s->user, p->init_sd, "users") || !take_side(ctx, s, &s->item, p->init_sd, "items"))
        return RH_ENOMEM;
    return RH_OK;
}

static int lmf_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                     size_t stride)
{
    const struct lmf_state *s = state;
    size_t row = (size_t)s->width * sizeof(float);
    float *x = ctx->host->scratch(ctx, (size_t)n, row), *squares = ctx->host->scratch(ctx, 1, row);
    float *tile = ctx->host->scratch(ctx, TILE, sizeof *tile), *d = ctx->host->scratch(ctx, 1, row);
    if (!x || !squares || !tile || !d)
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++) {
        float *own = x + (int64_t)k * s->width;
        const struct rh_history *h = &query[k].history[s->target];
        int32_t u = query[k].user;
        if (s->user.row[u + 1] > s->user.row[u]) {
            memcpy(own, s->user.x + (int64_t)u * s->width, row);
            continue;
        }
        double loss = 0;
        own[s->user.fixed] = 1;
        for (int32_t f = 0; f < s->width; f++)
            squares[f] = 1;
        for (int32_t step = 0; h->n && step < s->fold_steps; step++)
            ascend(s, &s->item, s->user.fixed, own, squares, 1, (int64_t[]){ 0, h->n }, h->item, tile, d, &loss);
    }
    rh_factors_score(x, s->item.x, NULL, (int32_t)s->item.n, s->width, query, n, out, stride);
    return RH_OK;
}

static int lmf_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct lmf_state *s = state;
    if (!s->width) /* loading */
        take_params(s, params, train);
    size_t row = (size_t)s->width * sizeof(float);
    int status;
    if ((status = ctx->host->field(ctx, "users", &s->user.x, s->user.n, row)) < 0 ||
        (status = ctx->host->field(ctx, "items", &s->item.x, s->item.n, row)) < 0 ||
        !(ctx->host->purpose(ctx) & RH_FOR_RESUMING) ||
        (status = ctx->host->field(ctx, "squares of users", &s->user.squares, s->user.n, row)) < 0)
        return status;
    return ctx->host->field(ctx, "squares of items", &s->item.squares, s->item.n, row);
}

static const struct rh_algorithm logistic_mf = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "logistic_mf",
    .summary = "logistic matrix factorisation: the probability that a user takes an item, from factors and biases",
    .reference = "Johnson 2014, Logistic matrix factorization for implicit feedback data, NIPS workshop on "
                 "distributed machine learning",
    .cost = "epoch O(U I d) by matrix products; score O(I d) a query, O(fold_steps I d) for an unseen user; memory "
            "16 d (U + I) bytes",
    .advice = "A probabilistic relative of ials for small and middle-sized data: an epoch looks at every pair of a "
              "user and an item. Tune alpha, reg and the number of epochs (early stopping). Unseen users are "
              "folded in.",
    .revision = 1,
    .flags = RH_A_COLD_USERS | RH_A_RANDOM | RH_A_RESUMES,
    .params = lmf_table,
    .params_size = sizeof(struct lmf_params),
    .state_size = sizeof(struct lmf_state),
    .epochs = 30,
    .fit = lmf_fit,
    .epoch = lmf_epoch,
    .score = lmf_score,
    .persist = lmf_persist,
};

RH_ALGORITHM(logistic_mf)
