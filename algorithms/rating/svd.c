/* svd - what rating? Mean, offsets of user and item, and the product of their factors.
 *
 * Funk 2006, "Netflix update: try this at home"; Koren, Bell and Volinsky 2009, "Matrix factorization techniques for
 * recommender systems" (IEEE Computer 42(8)):
 *
 *     r(u, i) = mu + b(u) + b(i) + q(i) . p(u)            (biased = no: the product alone)
 *
 * by stochastic gradient descent on the squared error with L2 regularisation. For each rating e = r - r(u, i), then
 *
 *     b += rate (e - reg b),   p(u) += rate (e q(i) - reg p(u)),   q(i) += rate (e p(u) - reg q(i))
 *
 * with the old p(u) in the last. Ratings come user by user, in the order of the training data: one after the other,
 * so that the numbers do not depend on threads and are those of Surprise (with random = numpy_legacy to the last
 * digit).
 *
 * A user or item without training rows has offset and factors 0. Without offsets such a pair gets the mean.
 * Time: an epoch 10 d operations a rating. Memory: 8 (d + 1) bytes a user and item, d rounded up to a multiple of 8,
 * and 8 bytes a rating. */
#include "algorithms/lib/draw.h"
#include "algorithms/lib/rating.h"
#include "algorithms/lib/wide.h"

struct svd_params {
    int64_t factors, numpy_seed;
    double rate, reg, init_mean, init_sd;
    bool biased;
    int random;
};

static const struct rh_param svd_table[] = {
    RH_INT(struct svd_params, factors, 100, 1, 65536, "number d of factors"),
    RH_BOOL(struct svd_params, biased, true, "mean and offsets beside the factors"),
    RH_REAL(struct svd_params, rate, 0.005, 1e-9, 10, "learning rate"),
    RH_REAL(struct svd_params, reg, 0.02, 0, 1e6, "L2 regularisation of offsets and factors"),
    RH_REAL(struct svd_params, init_mean, 0, -10, 10, "mean of the initial factors"),
    RH_REAL(struct svd_params, init_sd, 0.1, 0, 10, "standard deviation of the initial factors"),
    RH_DRAW_PARAMS(struct svd_params),
    RH_PARAMS_END,
};

struct svd_state {
    struct rh_sequence rows;
    double fallback, mean;  /* mean of the ratings; mu, 0 when not biased */
    double rate, reg;
    double *user, *item;    /* [n_users], [n_items] offsets */
    double *p, *q;          /* [n_users x width], [n_items x width] */
    bool *known_user, *known_item; /* have training rows */
    int32_t width, n_users, n_items;
    bool biased;
};

static void init_rows(const struct svd_params *p, struct rh_draw *draw, const int32_t *id, int32_t n, int32_t width,
                      double *x, bool *known)
{
    for (int32_t k = 0; k < n; k++) {
        known[id[k]] = true;
        for (int64_t f = 0; f < p->factors; f++)
            x[(int64_t)id[k] * width + f] = p->init_mean + p->init_sd * rh_draw_normal(draw);
    }
}

static int take_memory(struct rh_ctx *ctx, struct svd_state *s)
{
    size_t users = (size_t)s->n_users, items = (size_t)s->n_items, row = (size_t)s->width * sizeof(double);
    s->user = ctx->host->alloc(ctx, users, sizeof *s->user);
    s->item = ctx->host->alloc(ctx, items, sizeof *s->item);
    s->p = ctx->host->alloc(ctx, users, row);
    s->q = ctx->host->alloc(ctx, items, row);
    s->known_user = ctx->host->alloc(ctx, users, sizeof *s->known_user);
    s->known_item = ctx->host->alloc(ctx, items, sizeof *s->known_item);
    return s->user && s->item && s->p && s->q && s->known_user && s->known_item ? RH_OK : RH_ENOMEM;
}

static int svd_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct svd_params *p = params;
    struct svd_state *s = state;
    int status;
    const struct rh_domain *d = rh_rated_target(ctx, train, &status);
    struct rh_draw *draw = ctx->host->scratch(ctx, 1, sizeof *draw);
    if (!d)
        return status;
    s->n_users = train->n_users;
    s->n_items = d->n_items;
    s->width = rh_wide_padded((int32_t)p->factors);
    s->biased = p->biased;
    s->rate = p->rate;
    s->reg = p->reg;
    s->fallback = rh_mean_rating(d->value, d->row[train->n_users]);
    s->mean = p->biased ? s->fallback : 0;
    if (!draw || take_memory(ctx, s) < 0)
        return RH_ENOMEM;
    status = rh_sequence_make(ctx, d, train->n_users, &s->rows);
    if (status < 0)
        return status;
    rh_draw_start(ctx, p->random, p->numpy_seed, draw);
    init_rows(p, draw, s->rows.user, s->rows.n_users, s->width, s->p, s->known_user);
    init_rows(p, draw, s->rows.item, s->rows.n_items, s->width, s->q, s->known_item);
    return RH_OK;
}

/* The rows of the k-th user; returns the sum of the squared errors. */
RH_WIDE static double learn_user(const struct svd_state *s, int32_t k)
{
    const struct rh_sequence *r = &s->rows;
    int32_t u = r->user[k], width = s->width;
    double rate = s->rate, reg = s->reg, sum = 0;
    rh_wide *p = (rh_wide *)(s->p + (int64_t)u * width);
    for (int64_t n = r->begin[k]; n < r->begin[k + 1]; n++) {
        int32_t i = r->row_item[n];
        rh_wide *q = (rh_wide *)(s->q + (int64_t)i * width);
        double dot = rh_wide_dot((const double *)q, (const double *)p, width);
        double e = r->row_value[n] - (s->mean + s->user[u] + s->item[i] + dot);
        if (s->biased) {
            s->user[u] += rate * (e - reg * s->user[u]);
            s->item[i] += rate * (e - reg * s->item[i]);
        }
        for (int32_t f = 0; f < width / 4; f++) {
            rh_wide pf = p[f], qf = q[f];
            p[f] = pf + rate * (e * qf - reg * pf);
            q[f] = qf + rate * (e * pf - reg * qf);
        }
        sum += e * e;
    }
    return sum;
}

static int svd_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    (void)epoch;
    struct svd_state *s = state;
    double sum = 0;
    for (int32_t k = 0; k < s->rows.n_users; k++) {
        sum += learn_user(s, k);
        int status = k % 64 ? RH_OK : ctx->host->tick(ctx, k, s->rows.n_users);
        if (status < 0)
            return status;
    }
    *loss = sum / (double)s->rows.begin[s->rows.n_users];
    if (!isfinite(*loss))
        return ctx->host->fail(ctx, RH_ENUMERIC, "gradient descent diverged; try a smaller rate than %g", s->rate);
    return RH_OK;
}

RH_WIDE static void score_query(const struct svd_state *s, const struct rh_query *q, float *out)
{
    const double *p = s->p + (int64_t)q->user * s->width;
    for (int32_t c = 0; c < q->n_candidates; c++) {
        int32_t i = rh_candidate(q, c);
        double dot = rh_wide_dot(s->q + (int64_t)i * s->width, p, s->width);
        bool known = s->biased || (s->known_user[q->user] && s->known_item[i]);
        out[c] = (float)(known ? s->mean + s->user[q->user] + s->item[i] + dot : s->fallback);
    }
}

static int svd_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                     size_t stride)
{
    (void)ctx;
    for (int32_t k = 0; k < n; k++)
        score_query(state, &query[k], out + (size_t)k * stride);
    return RH_OK;
}

static int svd_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)train;
    const struct rh_host *host = ctx->host;
    struct svd_state *s = state;
    unsigned start = RH_FOR_LOADING | RH_FOR_STARTING;
    bool starts = (host->purpose(ctx) & start) == start;
    int status;
    s->biased = ((const struct svd_params *)params)->biased;
    if ((status = host->value(ctx, "n_users", &s->n_users, sizeof s->n_users)) < 0 ||
        (status = host->value(ctx, "n_items", &s->n_items, sizeof s->n_items)) < 0 ||
        (status = host->value(ctx, "width", &s->width, sizeof s->width)) < 0 ||
        (status = host->value(ctx, "fallback", &s->fallback, sizeof s->fallback)) < 0 ||
        (status = host->value(ctx, "mean", &s->mean, sizeof s->mean)) < 0 ||
        (status = host->field(ctx, "user_offset", &s->user, s->n_users, sizeof *s->user)) < 0 ||
        (status = host->field(ctx, "item_offset", &s->item, s->n_items, sizeof *s->item)) < 0 ||
        (!starts && /* whom a start knows, its own training rows say */
         ((status = host->field(ctx, "known_user", &s->known_user, s->n_users, sizeof *s->known_user)) < 0 ||
          (status = host->field(ctx, "known_item", &s->known_item, s->n_items, sizeof *s->known_item)) < 0)) ||
        (status = host->field(ctx, "user_factors", &s->p, (int64_t)s->n_users * s->width, sizeof *s->p)) < 0)
        return status;
    return host->field(ctx, "item_factors", &s->q, (int64_t)s->n_items * s->width, sizeof *s->q);
}

static const struct rh_algorithm svd = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "svd",
    .summary = "matrix factorisation of ratings with offsets by stochastic gradient descent (Funk)",
    .reference = "Funk 2006, Netflix update: try this at home; Koren, Bell and Volinsky 2009, Matrix factorization "
                 "techniques for recommender systems, IEEE Computer 42(8)",
    .cost = "epoch O(nnz d), one after the other; memory 8 (U + I) (d + 1) + 8 nnz bytes; a query O(candidates d)",
    .advice = "The standard for predicting ratings. Tune rate and epochs together first, then reg; on small data 20 "
              "factors do as well as 100. For ranking it is beaten by methods that learn from what was not rated.",
    .revision = 1,
    .flags = RH_A_NEEDS_VALUES | RH_A_RATES | RH_A_RANDOM | RH_A_RESUMES,
    .params = svd_table,
    .params_size = sizeof(struct svd_params),
    .state_size = sizeof(struct svd_state),
    .epochs = 20,
    .fit = svd_fit,
    .epoch = svd_epoch,
    .score = svd_score,
    .persist = svd_persist,
};
RH_ALGORITHM(svd)
