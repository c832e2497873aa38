/* svdpp - what rating? As svd, where a user is also what he or she has rated, whatever the ratings.
 *
 * Koren 2008, "Factorization meets the neighborhood" (KDD 14), equation 15, with I the n items of the user:
 *
 *     r(u, i) = mu + b(u) + b(i) + q(i) . (p(u) + z),     z = sum of y(j) over I / sqrt(n)
 *
 * by stochastic gradient descent, user by user as in svd; each rating moves all y(j) of I: y(j) += rate (e q(i) /
 * sqrt(n) - reg y(j)). The step is the same for all of them, so within a user's ratings y(j) = c y0(j) + a with a
 * scalar c and a vector a that all share. With z <- (1 - rate reg) z + rate e q(i) a rating costs as much as in svd,
 * instead of n times that, and y is written once a user: from c and a = (z - c z0) / sqrt(n). The numbers are those
 * of the plain loops up to rounding, and with random = numpy_legacy those of SVDpp of Surprise.
 * Offsets move with bias_rate times the rate and bias_reg times the regularisation, as MyMediaLite's (Gantner et al.
 * 2011).
 *
 * Unseen users have p = b = 0 and a z from their history. Time: an epoch O(ratings d). Memory: 8 d bytes a user, 16 d
 * an item, and 8 bytes a rating. */
#include "algorithms/lib/draw.h"
#include "algorithms/lib/rating.h"
#include "algorithms/lib/wide.h"

#include <string.h>

struct pp_params {
    int64_t factors, numpy_seed;
    double rate, reg, bias_rate, bias_reg, init_mean, init_sd;
    int random;
};

static const struct rh_param pp_table[] = {
    RH_INT(struct pp_params, factors, 20, 1, 65536, "number d of factors"),
    RH_REAL(struct pp_params, rate, 0.007, 1e-9, 10, "learning rate"),
    RH_REAL(struct pp_params, reg, 0.02, 0, 1e6, "L2 regularisation of offsets and factors"),
    RH_REAL(struct pp_params, bias_rate, 1, 0, 1e6, "learning rate of offsets, by `rate`"),
    RH_REAL(struct pp_params, bias_reg, 1, 0, 1e6, "L2 regularisation of offsets, by `reg`"),
    RH_REAL(struct pp_params, init_mean, 0, -10, 10, "mean of the initial factors"),
    RH_REAL(struct pp_params, init_sd, 0.1, 0, 10, "standard deviation of the initial factors"),
    RH_DRAW_PARAMS(struct pp_params),
    RH_PARAMS_END,
};

struct pp_state {
    struct rh_sequence rows;
    double mean, rate, reg, bias_rate, bias_reg;
    double *user, *item;     /* [n_users], [n_items] offsets */
    double *p, *q, *y;       /* [n_users x width], [n_items x width] twice */
    double *z, *z0;          /* [width] of the user at work, and at the begin of the rows */
    int32_t width, n_users, n_items, target;
};

static void init_rows(const struct pp_params *p, struct rh_draw *draw, const int32_t *id, int32_t n, int32_t width,
                      double *x)
{
    for (int32_t k = 0; k < n; k++)
        for (int64_t f = 0; f < p->factors; f++)
            x[(int64_t)id[k] * width + f] = p->init_mean + p->init_sd * rh_draw_normal(draw);
}

static int pp_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct pp_params *p = params;
    struct pp_state *s = state;
    int status;
    const struct rh_domain *d = rh_rated_target(ctx, train, &status);
    struct rh_draw *draw = ctx->host->scratch(ctx, 1, sizeof *draw);
    if (!d)
        return status;
    s->n_users = train->n_users;
    s->n_items = d->n_items;
    s->target = train->target;
    s->width = rh_wide_padded((int32_t)p->factors);
    s->rate = p->rate;
    s->reg = p->reg;
    s->bias_rate = p->rate * p->bias_rate;
    s->bias_reg = p->reg * p->bias_reg;
    s->mean = rh_mean_rating(d->value, d->row[train->n_users]);
    size_t users = (size_t)s->n_users, items = (size_t)s->n_items, row = (size_t)s->width * sizeof(double);
    s->user = ctx->host->alloc(ctx, users, sizeof *s->user);
    s->item = ctx->host->alloc(ctx, items, sizeof *s->item);
    s->p = ctx->host->alloc(ctx, users, row);
    s->q = ctx->host->alloc(ctx, items, row);
    s->y = ctx->host->alloc(ctx, items, row);
    s->z = ctx->host->alloc(ctx, 1, row);
    s->z0 = ctx->host->alloc(ctx, 1, row);
    if (!draw || !s->user || !s->item || !s->p || !s->q || !s->y || !s->z || !s->z0)
        return RH_ENOMEM;
    if ((status = rh_sequence_make(ctx, d, train->n_users, &s->rows)) < 0)
        return status;
    rh_draw_start(ctx, p->random, p->numpy_seed, draw);
    init_rows(p, draw, s->rows.user, s->rows.n_users, s->width, s->p);
    init_rows(p, draw, s->rows.item, s->rows.n_items, s->width, s->q);
    init_rows(p, draw, s->rows.item, s->rows.n_items, s->width, s->y);
    return RH_OK;
}

/* z = sum of y(j) over n items / sqrt(n). */
RH_WIDE static void sum_implicit(const struct pp_state *s, const int32_t *item, int64_t n, double *out)
{
    rh_wide *z = (rh_wide *)out;
    memset(out, 0, (size_t)s->width * sizeof *out);
    for (int64_t m = 0; m < n; m++) {
        const rh_wide *y = (const rh_wide *)(s->y + (int64_t)item[m] * s->width);
        for (int32_t f = 0; f < s->width / 4; f++)
            z[f] += y[f];
    }
    double scale = n > 0 ? 1 / sqrt((double)n) : 0;
    for (int32_t f = 0; f < s->width / 4; f++)
        z[f] *= scale;
}

/* y(j) = c y(j) + (z - c z0) / sqrt(n) of the user's items. */
RH_WIDE static void write_implicit(const struct pp_state *s, const int32_t *item, int64_t n, double c)
{
    rh_wide *a = (rh_wide *)s->z;
    const rh_wide *z0 = (const rh_wide *)s->z0;
    double scale = 1 / sqrt((double)n);
    for (int32_t f = 0; f < s->width / 4; f++)
        a[f] = (a[f] - c * z0[f]) * scale;
    for (int64_t m = 0; m < n; m++) {
        rh_wide *y = (rh_wide *)(s->y + (int64_t)item[m] * s->width);
        for (int32_t f = 0; f < s->width / 4; f++)
            y[f] = c * y[f] + a[f];
    }
}

/* The rows of the k-th user; returns the sum of the squared errors. */
RH_WIDE static double learn_rows(const struct pp_state *s, int32_t k)
{
    const struct rh_sequence *r = &s->rows;
    int32_t u = r->user[k], width = s->width;
    double rate = s->rate, reg = s->reg, keep = 1 - rate * reg, sum = 0;
    rh_wide *p = (rh_wide *)(s->p + (int64_t)u * width), *z = (rh_wide *)s->z;
    for (int64_t n = r->begin[k]; n < r->begin[k + 1]; n++) {
        int32_t i = r->row_item[n];
        rh_wide *q = (rh_wide *)(s->q + (int64_t)i * width), dot = { 0 };
        for (int32_t f = 0; f < width / 4; f++)
            dot += q[f] * (p[f] + z[f]);
        double e = r->row_value[n] - (s->mean + s->user[u] + s->item[i] + (dot[0] + dot[1] + (dot[2] + dot[3])));
        s->user[u] += s->bias_rate * (e - s->bias_reg * s->user[u]);
        s->item[i] += s->bias_rate * (e - s->bias_reg * s->item[i]);
        for (int32_t f = 0; f < width / 4; f++) {
            rh_wide pf = p[f], qf = q[f];
            p[f] = pf + rate * (e * qf - reg * pf);
            q[f] = qf + rate * (e * (pf + z[f]) - reg * qf);
            z[f] = keep * z[f] + rate * e * qf;
        }
        sum += e * e;
    }
    return sum;
}

static int pp_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    (void)epoch;
    struct pp_state *s = state;
    const struct rh_sequence *r = &s->rows;
    double sum = 0;
    for (int32_t k = 0; k < r->n_users; k++) {
        const int32_t *item = r->row_item + r->begin[k];
        int64_t n = r->begin[k + 1] - r->begin[k];
        sum_implicit(s, item, n, s->z);
        memcpy(s->z0, s->z, (size_t)s->width * sizeof *s->z);
        sum += learn_rows(s, k);
        write_implicit(s, item, n, pow(1 - s->rate * s->reg, (double)n));
        int status = k % 64 ? RH_OK : ctx->host->tick(ctx, k, r->n_users);
        if (status < 0)
            return status;
    }
    *loss = sum / (double)r->begin[r->n_users];
    if (!isfinite(*loss))
        return ctx->host->fail(ctx, RH_ENUMERIC, "gradient descent diverged; try a smaller rate than %g, or a smaller "
                               "bias_rate", s->rate);
    return RH_OK;
}

RH_WIDE static void score_query(const struct pp_state *s, const struct rh_query *q, double *taste, float *out)
{
    const struct rh_history *h = &q->history[s->target];
    const double *p = s->p + (int64_t)q->user * s->width;
    sum_implicit(s, h->item, h->n, taste);
    for (int32_t f = 0; f < s->width; f++)
        taste[f] += p[f];
    for (int32_t c = 0; c < q->n_candidates; c++) {
        int32_t i = rh_candidate(q, c);
        out[c] = (float)(s->mean + s->user[q->user] + s->item[i] +
                         rh_wide_dot(s->q + (int64_t)i * s->width, taste, s->width));
    }
}

static int pp_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                    size_t stride)
{
    const struct pp_state *s = state;
    double *taste = ctx->host->scratch(ctx, (size_t)s->width, sizeof *taste);
    if (!taste)
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++)
        score_query(s, &query[k], taste, out + (size_t)k * stride);
    return RH_OK;
}

static int pp_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)params;
    const struct rh_host *host = ctx->host;
    struct pp_state *s = state;
    int status;
    s->target = train->target;
    if ((status = host->value(ctx, "n_users", &s->n_users, sizeof s->n_users)) < 0 ||
        (status = host->value(ctx, "n_items", &s->n_items, sizeof s->n_items)) < 0 ||
        (status = host->value(ctx, "width", &s->width, sizeof s->width)) < 0 ||
        (status = host->value(ctx, "mean", &s->mean, sizeof s->mean)) < 0 ||
        (status = host->field(ctx, "user_offset", &s->user, s->n_users, sizeof *s->user)) < 0 ||
        (status = host->field(ctx, "item_offset", &s->item, s->n_items, sizeof *s->item)) < 0 ||
        (status = host->field(ctx, "user_factors", &s->p, (int64_t)s->n_users * s->width, sizeof *s->p)) < 0 ||
        (status = host->field(ctx, "item_factors", &s->q, (int64_t)s->n_items * s->width, sizeof *s->q)) < 0)
        return status;
    return host->field(ctx, "implicit_factors", &s->y, (int64_t)s->n_items * s->width, sizeof *s->y);
}

static const struct rh_algorithm svdpp = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "svdpp",
    .summary = "SVD++: matrix factorisation of ratings that also learns from what was rated at all",
    .reference = "Koren 2008, Factorization meets the neighborhood: a multifaceted collaborative filtering model, "
                 "KDD 14, equation 15",
    .cost = "epoch O(nnz d), one after the other; memory 8 (U + 2 I) d + 8 nnz bytes; a query O((history + "
            "candidates) d)",
    .advice = "A little better than svd for the same factors, and here at the same cost. Tune rate and epochs "
              "together, then reg.",
    .revision = 1,
    .flags = RH_A_NEEDS_VALUES | RH_A_RATES | RH_A_COLD_USERS | RH_A_RANDOM | RH_A_RESUMES,
    .params = pp_table,
    .params_size = sizeof(struct pp_params),
    .state_size = sizeof(struct pp_state),
    .epochs = 20,
    .fit = pp_fit,
    .epoch = pp_epoch,
    .score = pp_score,
    .persist = pp_persist,
};
RH_ALGORITHM(svdpp)
