/* nmf - non-negative factors of the matrix of interactions.
 *
 * With X the users x items matrix, 0 where there is no interaction, the rows of W and H >= 0 minimise
 *
 *     |X - W H|^2 / 2  +  alpha (l1_ratio |.|_1 + (1 - l1_ratio) |.|^2 / 2)  of W, times I, and of H, times U
 *
 * as scikit-learn's NMF does, which Ferrari Dacrema, Cremonesi and Jannach 2019 rank with. Two solvers:
 *
 * cd: coordinate descent (Cichocki and Phan 2009, "Fast local algorithms for large scale nonnegative matrix and tensor
 *     factorizations", IEICE Transactions). Each number of a row of W in turn goes where the error is least, or to 0,
 *     in a new random order of the factors for every side and epoch; then H alike. Converged when the moves of an
 *     epoch, as the sum of projected gradients, are less than `tolerance` of the first epoch's.
 * mu: multiplicative updates (Lee and Seung 2001, "Algorithms for non-negative matrix factorization", NIPS 13), without
 *     regularisation. Converged when ten epochs lower the error by less than `tolerance` of the first.
 *
 * A user is a query's history x and nothing else: the w >= 0 that minimises |x - w H|^2 / 2 and what regularises it,
 * by coordinate descent to convergence. So unseen users are folded in like all others, and a score is w h(i). With no
 * history, or of items without interactions, scores are 0.
 *
 * Time of an epoch, d factors: nnz d + (U + I) d^2 multiplications each for W and H; a query: |history| d + some 50
 * d^2 + I d. Memory: 4 d bytes a user and item, as much again for products. */
#include <rh/plugin.h>

#include "algorithms/lib/draw.h"
#include "algorithms/lib/factors.h"
#include "algorithms/lib/invert.h"

#include <cblas.h>
#include <string.h>

#define GRAIN 64
#define CHUNK 1024        /* rows whose products are summed in single precision, before they are in double */
#define MU_PERIOD 10      /* epochs between two looks at the error */
#define FOLD_PASSES 500   /* passes over a query's factors at most */
#define FOLD_CLOSE 1e-6f  /* of the largest factor: what the last pass moves */

enum { CD, MU };

struct nmf_params {
    int64_t factors, numpy_seed;
    int solver, random;
    double alpha, l1_ratio, tolerance;
    bool weighted;
};

static const struct rh_choice solvers[] = {
    { "cd", CD, "coordinate descent" },
    { "mu", MU, "multiplicative updates" },
    { NULL, 0, NULL },
};
static const struct rh_param nmf_table[] = {
    RH_INT(struct nmf_params, factors, 20, 1, 4096, "number d of factors"),
    RH_ENUM(struct nmf_params, solver, CD, solvers, "how factors are improved"),
    RH_REAL(struct nmf_params, alpha, 0, 0, 1e6, "regularisation, of an error that is the mean over all cells (cd)"),
    RH_REAL(struct nmf_params, l1_ratio, 0, 0, 1, "share of the regularisation that is L1"),
    RH_REAL(struct nmf_params, tolerance, 1e-4, 0, 1, "when to stop: see the solvers; 0: never"),
    RH_BOOL(struct nmf_params, weighted, false, "interactions are their ratings (no: every one is 1)"),
    RH_DRAW_PARAMS(struct nmf_params),
    RH_PARAMS_END,
};

/* One of the two matrices, a row a user or an item. */
struct side {
    int64_t n;
    const int64_t *row;  /* [n + 1] */
    const int32_t *col;  /* rows of the other side */
    const float *value;  /* NULL: ones */
    float *x;            /* [n x width], the padding 0 */
    float *product;      /* [n x width] of the interactions with the other side */
    double *moved;       /* [pieces of GRAIN rows] sum of projected gradients */
    float l1, l2;
};

struct nmf_state {
    const struct nmf_params *params;
    struct side user, item;
    float *gram;    /* [d x width] of the items: H H' + l2 on the diagonal */
    float *other;   /* [d x width] of whichever side is not at work */
    int32_t *order; /* [d] of the factors, for cd */
    struct rh_draw draw;
    double squares; /* |X|^2 */
    double first;   /* what `tolerance` is a share of; 0: not known yet */
    double last;    /* error at the last look (mu) */
    int32_t d, width, target;
    float l1;       /* of a user */
    bool weighted;
};

/* ------------------------------------------------------------------------------------------- coordinate descent */

/* One pass over the factors of a row; returns the sum of projected gradients. g[d x width] is the Gram matrix of the
 * other side with l2 on the diagonal, b[d] the product of the row with the other side, less l1. */
RH_WIDE static float descend(float *x, const float *b, const float *g, const int32_t *order, int32_t d, int32_t width,
                             float *largest, float *farthest)
{
    float moved = 0;
    for (int32_t k = 0; k < d; k++) {
        int32_t f = order ? order[k] : k;
        float gradient = rh_factor_dot(g + (int64_t)f * width, x, width) - b[f], old = x[f];
        moved += old == 0 && gradient > 0 ? 0 : fabsf(gradient);
        float diagonal = g[(int64_t)f * width + f];
        if (!(diagonal > 0))
            continue;
        float next = old - gradient / diagonal;
        x[f] = next > 0 ? next : 0;
        *largest = fmaxf(*largest, x[f]);
        *farthest = fmaxf(*farthest, fabsf(x[f] - old));
    }
    return moved;
}

RH_WIDE static void multiply(float *x, const float *b, const float *g, int32_t d, int32_t width, float *denominator)
{
    for (int32_t f = 0; f < d; f++)
        denominator[f] = rh_factor_dot(g + (int64_t)f * width, x, width);
    for (int32_t f = 0; f < d; f++)
        x[f] *= b[f] / (denominator[f] > 0 ? denominator[f] : 1.1920929e-7f);
}

/* out[width] = sum of the listed rows of x, times value[k] if there are values, less l1 in the d factors */
RH_WIDE static void sum_rows(const float *x, int32_t d, int32_t width, const int32_t *list, const float *value,
                             int64_t n, float l1, float *out)
{
    for (int32_t f = 0; f < width; f++)
        out[f] = f < d ? -l1 : 0;
    for (int64_t k = 0; k < n; k++)
        rh_factor_add(out, value ? value[k] : 1, x + (int64_t)list[k] * width, width);
}

/* --------------------------------------------------------------------------------------------------- epochs */

struct updating {
    struct nmf_state *s;
    struct side *own;
    const float *other; /* [rows x width] */
};

static int product_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct updating *u = arg;
    const struct side *own = u->own;
    for (int64_t r = begin; r < end; r++) {
        int64_t from = own->row[r];
        sum_rows(u->other, u->s->d, u->s->width, own->col + from, own->value ? own->value + from : NULL,
                 own->row[r + 1] - from, own->l1, own->product + r * u->s->width);
    }
    return RH_OK;
}

static int update_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct updating *u = arg;
    const struct nmf_state *s = u->s;
    float largest = 0, farthest = 0, *denominator = ctx->host->scratch(ctx, (size_t)s->width, sizeof *denominator);
    double moved = 0;
    if (!denominator)
        return RH_ENOMEM;
    for (int64_t r = begin; r < end; r++) {
        float *x = u->own->x + r * s->width;
        const float *b = u->own->product + r * s->width;
        if (s->params->solver == MU)
            multiply(x, b, s->other, s->d, s->width, denominator);
        else
            moved += descend(x, b, s->other, s->order, s->d, s->width, &largest, &farthest);
    }
    u->own->moved[begin / GRAIN] = moved;
    return RH_OK;
}

/* g[d x width] = x'x + l2 I */
static int gram(struct rh_ctx *ctx, const struct nmf_state *s, const struct side *side, float l2, float *g)
{
    size_t width = (size_t)s->width;
    float *part = ctx->host->scratch(ctx, width * width, sizeof *part);
    double *sum = ctx->host->scratch(ctx, width * width, sizeof *sum);
    if (!part || !sum)
        return RH_ENOMEM;
    for (int64_t r = 0; r < side->n; r += CHUNK) {
        int m = side->n - r < CHUNK ? (int)(side->n - r) : CHUNK;
        cblas_ssyrk(CblasRowMajor, CblasUpper, CblasTrans, s->width, m, 1, side->x + r * s->width, s->width, 0, part,
                    s->width);
        for (size_t k = 0; k < width * width; k++)
            sum[k] += part[k];
    }
    for (size_t f = 0; f < (size_t)s->d; f++)
        for (size_t k = 0; k < width; k++)
            g[f * width + k] = (float)(sum[k < f ? k * width + f : f * width + k] + (k == f ? l2 : 0));
    return RH_OK;
}

static void new_order(struct rh_ctx *ctx, struct nmf_state *s, int32_t epoch, int side)
{
    for (int32_t f = 0; f < s->d; f++)
        s->order[f] = f;
    if (!s->draw.numpy)
        s->draw.rng = ctx->host->stream(ctx, side ? "order of items" : "order of users", (uint64_t)epoch);
    if (s->draw.numpy)
        rh_numpy_shuffle(&s->draw.legacy, s->order, s->d);
    else
        rh_rng_shuffle(&s->draw.rng, s->order, s->d);
}

/* Improves one side; its products with the other side stay in own->product. */
static int update(struct rh_ctx *ctx, struct nmf_state *s, int32_t epoch, struct side *own, const struct side *other,
                  double *moved)
{
    struct updating u = { s, own, other->x };
    int status = gram(ctx, s, other, own->l2, s->other);
    if (status >= 0)
        status = ctx->host->parallel(ctx, own->n, GRAIN, product_part, &u);
    if (s->params->solver == CD)
        new_order(ctx, s, epoch, own == &s->item);
    if (status >= 0)
        status = ctx->host->parallel(ctx, own->n, GRAIN, update_part, &u);
    for (int64_t piece = 0; piece < (own->n + GRAIN - 1) / GRAIN; piece++)
        *moved += own->moved[piece];
    return status;
}

/* |X - W H|^2 / 2, from products that are at hand: item.product is W'X less l1, `other` W'W and l2, `gram` H H' and
 * l2. */
static double error(const struct nmf_state *s)
{
    double cross = 0, square = 0;
    for (int64_t i = 0; i < s->item.n; i++)
        for (int32_t f = 0; f < s->d; f++)
            cross += (s->item.product[i * s->width + f] + (double)s->item.l1) * s->item.x[i * s->width + f];
    for (int32_t f = 0; f < s->d; f++)
        for (int32_t k = 0; k < s->d; k++) {
            double w = s->other[f * s->width + k], h = s->gram[f * s->width + k];
            square += f == k ? (w - s->item.l2) * (h - s->user.l2) : w * h;
        }
    double e = s->squares - 2 * cross + square;
    return e > 0 ? e / 2 : 0;
}

static bool converged(struct nmf_state *s, int32_t epoch, double moved, double e)
{
    double tolerance = s->params->tolerance;
    if (s->params->solver == CD) {
        if (s->first == 0)
            s->first = moved;
        return moved <= tolerance * s->first && tolerance > 0;
    }
    bool done = epoch % MU_PERIOD == 0 && s->first > 0 && (s->last - sqrt(2 * e)) / s->first < tolerance;
    if (s->first == 0)
        s->first = s->last = sqrt(2 * e);
    if (epoch % MU_PERIOD == 0)
        s->last = sqrt(2 * e);
    return done && tolerance > 0;
}

static int nmf_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct nmf_state *s = state;
    double moved = 0;
    int status = update(ctx, s, epoch, &s->user, &s->item, &moved);
    if (status >= 0)
        status = update(ctx, s, epoch, &s->item, &s->user, &moved);
    if (status >= 0)
        status = gram(ctx, s, &s->item, s->user.l2, s->gram);
    if (status < 0)
        return status;
    double e = error(s);
    if (!isfinite(e))
        return ctx->host->fail(ctx, RH_ENUMERIC, "the factors are not finite after epoch %d", epoch);
    *loss = e / ((double)s->user.n * (double)s->item.n);
    return converged(s, epoch, moved, e) ? RH_DONE : RH_OK;
}

/* --------------------------------------------------------------------------------------------------- start */

/* Halves of a normal distribution, of a size that makes the mean of W H that of X. */
static void draw_rows(struct rh_ctx *ctx, struct nmf_state *s, struct side *side, const char *purpose, double size)
{
    for (int64_t k = 0; s->draw.numpy && k < side->n * s->d; k++) { /* of H: the first factor of all rows comes first */
        int64_t r = side == &s->item ? k % side->n : k / s->d, f = side == &s->item ? k / side->n : k % s->d;
        side->x[r * s->width + f] = (float)fabs(size * rh_draw_normal(&s->draw));
    }
    for (int64_t r = 0; !s->draw.numpy && r < side->n; r++) {
        struct rh_rng rng = ctx->host->stream(ctx, purpose, (uint64_t)r);
        for (int32_t f = 0; f < s->d; f++)
            side->x[r * s->width + f] = (float)fabs(size * rh_rng_normal(&rng));
    }
}

static bool take(struct rh_ctx *ctx, const struct nmf_state *s, struct side *side)
{
    size_t row = (size_t)s->width * sizeof(float);
    side->x = ctx->host->alloc(ctx, (size_t)side->n, row);
    side->product = ctx->host->alloc(ctx, (size_t)side->n, row);
    side->moved = ctx->host->alloc(ctx, (size_t)side->n / GRAIN + 1, sizeof *side->moved);
    return side->x && side->product && side->moved;
}

static int nmf_check(struct rh_ctx *ctx, const void *params)
{
    const struct nmf_params *p = params;
    if (p->solver == MU && p->alpha > 0)
        return ctx->host->fail(ctx, RH_EINVAL, "solver = mu has no regularisation: alpha = 0, or solver = cd");
    return RH_OK;
}

/* What score needs beside the vectors of items. */
static void set_up(struct nmf_state *s, const struct nmf_params *p, const struct rh_train *train)
{
    const struct rh_domain *d = &train->domain[train->target];
    s->params = p;
    s->d = (int32_t)p->factors;
    s->width = rh_factor_width(s->d);
    s->target = train->target;
    s->weighted = p->weighted;
    s->user.n = train->n_users;
    s->item.n = d->n_items;
    s->user.l1 = s->l1 = (float)(p->alpha * p->l1_ratio * d->n_items);
    s->user.l2 = (float)(p->alpha * (1 - p->l1_ratio) * d->n_items);
    s->item.l1 = (float)(p->alpha * p->l1_ratio * train->n_users);
    s->item.l2 = (float)(p->alpha * (1 - p->l1_ratio) * train->n_users);
}

static int nmf_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct nmf_params *p = params;
    struct nmf_state *s = state;
    const struct rh_domain *d = &train->domain[train->target];
    int64_t n = d->row[train->n_users];
    if (p->weighted && !d->value)
        return ctx->host->fail(ctx, RH_EDATA, "weighted = yes needs ratings, but domain '%s' has none", d->name);
    if (p->weighted && d->value_min < 0)
        return ctx->host->fail(ctx, RH_EDATA, "weighted = yes needs ratings that are not negative, but the least of "
                               "domain '%s' is %g", d->name, (double)d->value_min);
    set_up(s, p, train);
    struct rh_inverted users;
    int status = rh_invert(ctx, d, train->n_users, p->weighted ? d->value : NULL, ctx->host->alloc, &users);
    if (status < 0)
        return status;
    s->user.row = d->row;
    s->user.col = d->item;
    s->user.value = p->weighted ? d->value : NULL;
    s->item.row = users.row;
    s->item.col = users.user;
    s->item.value = users.value;
    s->gram = ctx->host->alloc(ctx, (size_t)s->d * (size_t)s->width, sizeof *s->gram);
    s->other = ctx->host->alloc(ctx, (size_t)s->d * (size_t)s->width, sizeof *s->other);
    s->order = ctx->host->alloc(ctx, (size_t)s->d, sizeof *s->order);
    if (!take(ctx, s, &s->user) || !take(ctx, s, &s->item) || !s->gram || !s->other || !s->order)
        return RH_ENOMEM;
    double sum = 0;
    for (int64_t k = 0; k < n; k++) {
        double x = s->user.value ? s->user.value[k] : 1;
        sum += x;
        s->squares += x * x;
    }
    double size = sqrt(sum / (double)s->user.n / (double)s->item.n / s->d);
    rh_draw_start(ctx, p->random, p->numpy_seed, &s->draw);
    draw_rows(ctx, s, &s->item, "items", size);
    draw_rows(ctx, s, &s->user, "users", size);
    rh_draw_start(ctx, p->random, p->numpy_seed, &s->draw); /* scikit-learn seeds its orders anew */
    return gram(ctx, s, &s->item, s->user.l2, s->gram);
}

/* --------------------------------------------------------------------------------------------------- scores */

static int nmf_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                     size_t stride)
{
    const struct nmf_state *s = state;
    size_t width = (size_t)s->width;
    float *user = ctx->host->scratch(ctx, (size_t)n * width, sizeof *user);
    float *b = ctx->host->scratch(ctx, width, sizeof *b);
    if (!user || !b)
        return RH_ENOMEM;
    for (int32_t q = 0; q < n; q++) {
        const struct rh_history *h = &query[q].history[s->target];
        float *x = user + (size_t)q * width, largest = 0, farthest = 1;
        sum_rows(s->item.x, s->d, s->width, h->item, s->weighted ? h->value : NULL, h->n, s->l1, b);
        for (int pass = 0; pass < FOLD_PASSES && h->n > 0 && farthest > FOLD_CLOSE * largest; pass++) {
            largest = farthest = 0;
            descend(x, b, s->gram, NULL, s->d, s->width, &largest, &farthest);
        }
    }
    rh_factors_score(user, s->item.x, NULL, (int32_t)s->item.n, s->width, query, n, out, stride);
    return RH_OK;
}

static int nmf_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct nmf_state *s = state;
    set_up(s, params, train);
    int status = ctx->host->field(ctx, "item", &s->item.x, s->item.n * s->width, sizeof *s->item.x);
    return status < 0 ? status : ctx->host->field(ctx, "gram", &s->gram, (int64_t)s->d * s->width, sizeof *s->gram);
}

static const struct rh_algorithm nmf = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "nmf",
    .summary = "non-negative factors of the interactions, zeros where there are none",
    .reference = "Lee and Seung 2001, Algorithms for non-negative matrix factorization (NIPS 13); Cichocki and Phan "
                 "2009, Fast local algorithms for large scale nonnegative matrix and tensor factorizations (IEICE)",
    .cost = "epoch O(nnz d + (U + I) d^2), score O(|history| d + d^2 + I d) a query, memory 8 (U + I) d bytes",
    .advice = "Factors that only add up can be read as topics. Tune factors (10 to 100). Ranks somewhat below puresvd "
              "and well below ease; cd converges in fewer epochs than mu. It cannot score items without interactions.",
    .revision = 1,
    .flags = RH_A_COLD_USERS | RH_A_RANDOM,
    .params = nmf_table,
    .params_size = sizeof(struct nmf_params),
    .state_size = sizeof(struct nmf_state),
    .epochs = 200,
    .check = nmf_check,
    .fit = nmf_fit,
    .epoch = nmf_epoch,
    .score = nmf_score,
    .persist = nmf_persist,
};
RH_ALGORITHM(nmf)
