/* biased_mf - what rating? As svd, through a logistic function that keeps predictions on the scale.
 *
 * Rendle and Schmidt-Thieme 2008, "Online-updating regularized kernel matrix factorization models for large-scale
 * recommender systems" (RecSys 2, logistic kernel), as MyMediaLite builds it (Gantner et al. 2011, RecSys 5). With the
 * scale from lo to hi, g = 1 / (1 + exp(-s)) and mu the s of the mean rating,
 *
 *     s = mu + b(u) + b(i) + q(i) . p(u),     r(u, i) = lo + (hi - lo) g(s)
 *
 * by stochastic gradient descent on the squared error. With e = (r - r(u, i)) (hi - lo) g (1 - g), for each rating
 *
 *     b    += bias_rate rate (e - bias_reg reg b)
 *     p(u) += rate (e q(i) - reg_user p(u)),   q(i) += rate (e p(u) - reg_item q(i)) with the old p(u)
 *
 * The reg of b(u) is reg_user, that of b(i) reg_item; with frequency = yes both are divided by the root of the number
 * of ratings of the user or item (as Menon and Elkan 2010). Ratings come in one random order, the same in each epoch,
 * one after the other: the numbers do not depend on threads. bold_driver = yes halves the rate when an epoch has
 * raised the objective, the squared error and the regularisation, and else raises it by 5 % (Gemulla et al. 2011).
 *
 * A user or item without training rows has offset and factors 0. Time: an epoch 10 d operations a rating, with the
 * bold driver 12 d. Memory: 8 (d + 1) bytes a user and item, d rounded up to a multiple of 8, and 12 bytes a rating. */
#include "algorithms/lib/rating.h"
#include "algorithms/lib/wide.h"

struct mf_params {
    int64_t factors;
    double rate, bias_rate, reg_user, reg_item, bias_reg, init_sd;
    bool frequency, bold_driver;
};

static const struct rh_param mf_table[] = {
    RH_INT(struct mf_params, factors, 10, 1, 65536, "number d of factors"),
    RH_REAL(struct mf_params, rate, 0.01, 1e-9, 10, "learning rate"),
    RH_REAL(struct mf_params, bias_rate, 1, 0, 1e6, "learning rate of offsets, by `rate`"),
    RH_REAL(struct mf_params, reg_user, 0.015, 0, 1e6, "L2 regularisation of what belongs to a user"),
    RH_REAL(struct mf_params, reg_item, 0.015, 0, 1e6, "L2 regularisation of what belongs to an item"),
    RH_REAL(struct mf_params, bias_reg, 0.01, 0, 1e6, "L2 regularisation of offsets, by that of the factors"),
    RH_BOOL(struct mf_params, frequency, false, "divide the regularisation by the root of the number of ratings"),
    RH_BOOL(struct mf_params, bold_driver, false, "let the rate follow the objective"),
    RH_REAL(struct mf_params, init_sd, 0.1, 0, 10, "standard deviation of the initial factors"),
    RH_PARAMS_END,
};

struct mf_side { /* of the users, or of the items */
    int32_t n;
    double *offset; /* [n] */
    double *x;      /* [n x width] factors */
    double *reg;    /* [n] L2 regularisation; only while learning, as the count */
    int32_t *count; /* [n] ratings */
};

struct mf_state {
    const struct mf_params *params;
    struct mf_side user, item;
    int32_t *row_user, *row_item; /* [n_rows] in the order of learning */
    float *row_value;
    int64_t n_rows;
    double lo, range, mean; /* the scale, and mu */
    double rate, objective; /* now, and after the last epoch */
    int32_t width;
};

static int make_side(struct rh_ctx *ctx, const struct mf_params *p, double reg, const char *purpose,
                     const int32_t *row, struct mf_state *s, struct mf_side *side)
{
    const struct rh_host *host = ctx->host;
    size_t n = (size_t)side->n;
    side->offset = host->alloc(ctx, n, sizeof *side->offset);
    side->x = host->alloc(ctx, n, (size_t)s->width * sizeof *side->x);
    side->reg = host->alloc(ctx, n, sizeof *side->reg);
    side->count = host->alloc(ctx, n, sizeof *side->count);
    if (!side->offset || !side->x || !side->reg || !side->count)
        return RH_ENOMEM;
    for (int64_t k = 0; k < s->n_rows; k++)
        side->count[row[k]]++;
    struct rh_rng r = host->stream(ctx, purpose, 0);
    for (int32_t k = 0; k < side->n; k++) {
        for (int64_t f = 0; f < p->factors; f++) { /* drawn for all, so that who has no rows moves nobody's draws */
            double draw = p->init_sd * rh_rng_normal(&r);
            side->x[(int64_t)k * s->width + f] = side->count[k] ? draw : 0;
        }
        side->reg[k] = p->frequency && side->count[k] ? reg / sqrt(side->count[k]) : reg;
    }
    return RH_OK;
}

/* The rows of d in one random order. */
static int shuffle_rows(struct rh_ctx *ctx, const struct rh_domain *d, int32_t n_users, struct mf_state *s)
{
    struct rh_sequence rows;
    int status = rh_sequence_make(ctx, d, n_users, &rows);
    if (status < 0)
        return status;
    size_t n = (size_t)rows.begin[rows.n_users];
    int32_t *order = ctx->host->scratch(ctx, n, sizeof *order), *of = ctx->host->scratch(ctx, n, sizeof *of);
    s->n_rows = (int64_t)n;
    s->row_user = ctx->host->alloc(ctx, n, sizeof *s->row_user);
    s->row_item = ctx->host->alloc(ctx, n, sizeof *s->row_item);
    s->row_value = ctx->host->alloc(ctx, n, sizeof *s->row_value);
    if (!order || !of || !s->row_user || !s->row_item || !s->row_value)
        return RH_ENOMEM;
    if (n > INT32_MAX)
        return ctx->host->fail(ctx, RH_EDATA, "biased_mf orders at most %d ratings, and there are %zu", INT32_MAX, n);
    for (int32_t k = 0; k < rows.n_users; k++)
        for (int64_t m = rows.begin[k]; m < rows.begin[k + 1]; m++)
            of[m] = rows.user[k];
    for (int32_t k = 0; k < (int32_t)n; k++)
        order[k] = k;
    struct rh_rng r = ctx->host->stream(ctx, "order", 0);
    rh_rng_shuffle(&r, order, (int32_t)n);
    for (size_t k = 0; k < n; k++) {
        s->row_user[k] = of[order[k]];
        s->row_item[k] = rows.row_item[order[k]];
        s->row_value[k] = rows.row_value[order[k]];
    }
    return RH_OK;
}

/* The logit of a rating, kept away from the ends of the scale: all ratings may be the best there is. */
static double logit(double share)
{
    share = share < 1e-3 ? 1e-3 : share > 1 - 1e-3 ? 1 - 1e-3 : share;
    return log(share / (1 - share));
}

/* The sum of the squared errors. */
RH_WIDE static double squared_error(const struct mf_state *s)
{
    double sum = 0;
    for (int64_t k = 0; k < s->n_rows; k++) {
        int32_t u = s->row_user[k], i = s->row_item[k];
        double dot = rh_wide_dot(s->user.x + (int64_t)u * s->width, s->item.x + (int64_t)i * s->width, s->width);
        double g = 1 / (1 + exp(-(s->mean + s->user.offset[u] + s->item.offset[i] + dot)));
        double e = s->row_value[k] - (s->lo + s->range * g);
        sum += e * e;
    }
    return sum;
}

static double penalty(const struct mf_state *s, const struct mf_side *side)
{
    double sum = 0;
    for (int32_t k = 0; k < side->n; k++) {
        const double *x = side->x + (int64_t)k * s->width;
        double square = s->params->bias_reg * side->offset[k] * side->offset[k];
        for (int32_t f = 0; f < s->width; f++)
            square += x[f] * x[f];
        sum += side->reg[k] * square * (s->params->frequency ? side->count[k] > 0 : side->count[k]);
    }
    return sum;
}

static int mf_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct mf_params *p = params;
    struct mf_state *s = state;
    int status;
    const struct rh_domain *d = rh_rated_target(ctx, train, &status);
    if (!d)
        return status;
    s->params = p;
    s->user.n = train->n_users;
    s->item.n = d->n_items;
    s->width = rh_wide_padded((int32_t)p->factors);
    s->rate = p->rate;
    s->lo = (double)d->value_min;
    s->range = (double)d->value_max - s->lo;
    if (!(s->range > 0))
        return ctx->host->fail(ctx, RH_EDATA, "biased_mf needs ratings that differ: all of %s are %g", d->name, s->lo);
    s->mean = logit((rh_mean_rating(d->value, d->row[train->n_users]) - s->lo) / s->range);
    if ((status = shuffle_rows(ctx, d, train->n_users, s)) < 0 ||
        (status = make_side(ctx, p, p->reg_user, "init", s->row_user, s, &s->user)) < 0 ||
        (status = make_side(ctx, p, p->reg_item, "init items", s->row_item, s, &s->item)) < 0)
        return status;
    if (p->bold_driver)
        s->objective = squared_error(s) + penalty(s, &s->user) + penalty(s, &s->item);
    return RH_OK;
}

/* Rows begin .. end - 1; returns the sum of the squared errors before each step. */
RH_WIDE static double learn_rows(struct mf_state *s, int64_t begin, int64_t end)
{
    int32_t width = s->width;
    double rate = s->rate, bias_rate = rate * s->params->bias_rate, bias_reg = s->params->bias_reg, sum = 0;
    for (int64_t k = begin; k < end; k++) {
        int32_t u = s->row_user[k], i = s->row_item[k];
        rh_wide *p = (rh_wide *)(s->user.x + (int64_t)u * width), *q = (rh_wide *)(s->item.x + (int64_t)i * width);
        double *bu = &s->user.offset[u], *bi = &s->item.offset[i];
        double reg_u = s->user.reg[u], reg_i = s->item.reg[i];
        double dot = rh_wide_dot((const double *)p, (const double *)q, width);
        double g = 1 / (1 + exp(-(s->mean + *bu + *bi + dot)));
        double error = s->row_value[k] - (s->lo + s->range * g), e = error * s->range * g * (1 - g);
        *bu += bias_rate * (e - bias_reg * reg_u * *bu);
        *bi += bias_rate * (e - bias_reg * reg_i * *bi);
        for (int32_t f = 0; f < width / 4; f++) {
            rh_wide pf = p[f], qf = q[f];
            p[f] = pf + rate * (e * qf - reg_u * pf);
            q[f] = qf + rate * (e * pf - reg_i * qf);
        }
        sum += error * error;
    }
    return sum;
}

static int mf_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    (void)epoch;
    struct mf_state *s = state;
    enum { PIECE = 1 << 14 };
    double sum = 0;
    for (int64_t k = 0; k < s->n_rows; k += PIECE) {
        sum += learn_rows(s, k, k + PIECE < s->n_rows ? k + PIECE : s->n_rows);
        int status = ctx->host->tick(ctx, k, s->n_rows);
        if (status < 0)
            return status;
    }
    *loss = sum / (double)s->n_rows;
    if (!isfinite(*loss))
        return ctx->host->fail(ctx, RH_ENUMERIC, "gradient descent diverged; try a smaller rate than %g, or a smaller "
                               "bias_rate", s->rate);
    if (s->params->bold_driver) {
        double now = squared_error(s) + penalty(s, &s->user) + penalty(s, &s->item);
        s->rate *= now > s->objective ? 0.5 : now < s->objective ? 1.05 : 1;
        s->objective = now;
    }
    return RH_OK;
}

RH_WIDE static void score_query(const struct mf_state *s, const struct rh_query *q, float *out)
{
    const double *p = s->user.x + (int64_t)q->user * s->width;
    for (int32_t c = 0; c < q->n_candidates; c++) {
        int32_t i = rh_candidate(q, c);
        double dot = rh_wide_dot(s->item.x + (int64_t)i * s->width, p, s->width);
        double logistic = 1 / (1 + exp(-(s->mean + s->user.offset[q->user] + s->item.offset[i] + dot)));
        out[c] = (float)(s->lo + s->range * logistic);
    }
}

static int mf_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                    size_t stride)
{
    (void)ctx;
    for (int32_t k = 0; k < n; k++)
        score_query(state, &query[k], out + (size_t)k * stride);
    return RH_OK;
}

static int persist_side(struct rh_ctx *ctx, const char *offset, const char *factors, int32_t width,
                        struct mf_side *side)
{
    int status = ctx->host->field(ctx, offset, &side->offset, side->n, sizeof *side->offset);
    return status < 0 ? status : ctx->host->field(ctx, factors, &side->x, (int64_t)side->n * width, sizeof *side->x);
}

static int mf_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct mf_state *s = state;
    int status;
    s->params = params;
    s->user.n = train->n_users;
    s->item.n = train->domain[train->target].n_items;
    s->width = rh_wide_padded((int32_t)s->params->factors);
    if ((status = ctx->host->value(ctx, "lo", &s->lo, sizeof s->lo)) < 0 ||
        (status = ctx->host->value(ctx, "range", &s->range, sizeof s->range)) < 0 ||
        (status = ctx->host->value(ctx, "mean", &s->mean, sizeof s->mean)) < 0 ||
        (status = persist_side(ctx, "user_offset", "user_factors", s->width, &s->user)) < 0)
        return status;
    return persist_side(ctx, "item_offset", "item_factors", s->width, &s->item);
}

static const struct rh_algorithm biased_mf = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "biased_mf",
    .summary = "matrix factorisation of ratings through a logistic function, by stochastic gradient descent",
    .reference = "Rendle and Schmidt-Thieme 2008, Online-updating regularized kernel matrix factorization models for "
                 "large-scale recommender systems, RecSys; Gantner, Rendle, Freudenthaler and Schmidt-Thieme 2011, "
                 "MyMediaLite: a free recommender system library, RecSys",
    .cost = "epoch O(nnz d), one after the other; memory 8 (U + I) (d + 1) + 12 nnz bytes; a query O(candidates d)",
    .advice = "A factorisation that cannot leave the rating scale, and the most accurate of the plain ones with its "
              "regularisation tuned: many factors, bold_driver = yes, rate around 0.07, reg around 0.1. It knows "
              "nothing of users that were not in training.",
    .revision = 1,
    .flags = RH_A_NEEDS_VALUES | RH_A_RATES | RH_A_RANDOM,
    .params = mf_table,
    .params_size = sizeof(struct mf_params),
    .state_size = sizeof(struct mf_state),
    .epochs = 30,
    .fit = mf_fit,
    .epoch = mf_epoch,
    .score = mf_score,
    .persist = mf_persist,
};
RH_ALGORITHM(biased_mf)
