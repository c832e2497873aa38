/* nmf_rating - what rating? The product of factors that are not negative.
 *
 * Luo, Zhou, Xia and Zhu 2014, "An efficient non-negative matrix-factorization-based approach to collaborative
 * filtering for recommender systems" (IEEE TII 10(2)), on the observed ratings alone: r(u, i) = p(u) . q(i), and in
 * every epoch
 *
 *     p(u) <- p(u) * sum r q(i) / (sum r(u, i) q(i) + n(u) reg p(u)),        element by element, over the items of u
 *     q(i) likewise, with the p of the last epoch,
 *
 * which keeps them at or above 0. NMF of Surprise (biased=False); with random = numpy_legacy to the last digit. Who
 * has no training rows gets the mean of all ratings.
 *
 * Time: an epoch 12 d operations a rating. Memory: 24 d bytes a user and item, and 8 bytes a rating. */
#include "algorithms/lib/draw.h"
#include "algorithms/lib/rating.h"
#include "algorithms/lib/wide.h"

#include <string.h>

struct nmf_params {
    int64_t factors, numpy_seed;
    double user_reg, item_reg, init_low, init_high;
    int random;
};

static const struct rh_param nmf_table[] = {
    RH_INT(struct nmf_params, factors, 15, 1, 65536, "number d of factors"),
    RH_REAL(struct nmf_params, user_reg, 0.06, 0, 1e6, "regularisation of the users' factors"),
    RH_REAL(struct nmf_params, item_reg, 0.06, 0, 1e6, "regularisation of the items' factors"),
    RH_REAL(struct nmf_params, init_low, 0, 0, 100, "initial factors are uniform, from here"),
    RH_REAL(struct nmf_params, init_high, 1, 1e-6, 100, "to here"),
    RH_DRAW_PARAMS(struct nmf_params),
    RH_PARAMS_END,
};

struct side { /* users or items */
    double *x;         /* [n x width] factors */
    double *num, *den; /* [n x width] sums of an epoch */
    int64_t *count;    /* [n] training rows */
    double reg;
    int32_t n;
};

struct nmf_state {
    struct rh_sequence rows;
    struct side user, item;
    double mean;
    int32_t width;
};

static int nmf_check(struct rh_ctx *ctx, const void *params)
{
    const struct nmf_params *p = params;
    if (p->init_low >= p->init_high)
        return ctx->host->fail(ctx, RH_EINVAL, "init_low = %g is not below init_high = %g", p->init_low, p->init_high);
    return RH_OK;
}

static int make_side(struct rh_ctx *ctx, int32_t n, int32_t width, double reg, struct side *out)
{
    size_t row = (size_t)width * sizeof(double);
    *out = (struct side){
        .x = ctx->host->alloc(ctx, (size_t)n, row),
        .num = ctx->host->alloc(ctx, (size_t)n, row),
        .den = ctx->host->alloc(ctx, (size_t)n, row),
        .count = ctx->host->alloc(ctx, (size_t)n, sizeof *out->count),
        .reg = reg,
        .n = n,
    };
    return out->x && out->num && out->den && out->count ? RH_OK : RH_ENOMEM;
}

static void init_rows(const struct nmf_params *p, struct rh_draw *draw, const int32_t *id, int32_t n, int32_t width,
                      double *x)
{
    for (int32_t k = 0; k < n; k++)
        for (int64_t f = 0; f < p->factors; f++)
            x[(int64_t)id[k] * width + f] = p->init_low + (p->init_high - p->init_low) * rh_draw_uniform(draw);
}

static int nmf_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct nmf_params *p = params;
    struct nmf_state *s = state;
    int status;
    const struct rh_domain *d = rh_rated_target(ctx, train, &status);
    struct rh_draw *draw = ctx->host->scratch(ctx, 1, sizeof *draw);
    if (!d)
        return status;
    int64_t n = d->row[train->n_users];
    for (int64_t k = 0; k < n; k++)
        if (d->value[k] < 0)
            return ctx->host->fail(ctx, RH_EDATA, "factors that are not negative cannot give the rating %g of domain "
                                   "'%s'", (double)d->value[k], d->name);
    s->mean = rh_mean_rating(d->value, n);
    s->width = rh_wide_padded((int32_t)p->factors);
    if (!draw || make_side(ctx, train->n_users, s->width, p->user_reg, &s->user) < 0 ||
        make_side(ctx, d->n_items, s->width, p->item_reg, &s->item) < 0)
        return RH_ENOMEM;
    if ((status = rh_sequence_make(ctx, d, train->n_users, &s->rows)) < 0)
        return status;
    for (int32_t u = 0; u < train->n_users; u++)
        s->user.count[u] = d->row[u + 1] - d->row[u];
    for (int64_t k = 0; k < n; k++)
        s->item.count[d->item[k]]++;
    rh_draw_start(ctx, p->random, p->numpy_seed, draw);
    init_rows(p, draw, s->rows.user, s->rows.n_users, s->width, s->user.x);
    init_rows(p, draw, s->rows.item, s->rows.n_items, s->width, s->item.x);
    return RH_OK;
}

/* The rows of the k-th user; returns the sum of the squared errors. */
RH_WIDE static double gather_user(const struct nmf_state *s, int32_t k)
{
    const struct rh_sequence *r = &s->rows;
    int32_t width = s->width;
    int64_t at = (int64_t)r->user[k] * width;
    const rh_wide *p = (const rh_wide *)(s->user.x + at);
    rh_wide *num = (rh_wide *)(s->user.num + at), *den = (rh_wide *)(s->user.den + at);
    double sum = 0;
    for (int64_t n = r->begin[k]; n < r->begin[k + 1]; n++) {
        int64_t i = (int64_t)r->row_item[n] * width;
        const rh_wide *q = (const rh_wide *)(s->item.x + i);
        rh_wide *item_num = (rh_wide *)(s->item.num + i), *item_den = (rh_wide *)(s->item.den + i);
        double rating = r->row_value[n], is = rh_wide_dot((const double *)q, (const double *)p, width);
        for (int32_t f = 0; f < width / 4; f++) {
            num[f] += q[f] * rating;
            den[f] += q[f] * is;
            item_num[f] += p[f] * rating;
            item_den[f] += p[f] * is;
        }
        sum += (rating - is) * (rating - is);
    }
    return sum;
}

static void update(const struct side *s, int32_t width)
{
    for (int32_t a = 0; a < s->n; a++)
        for (int64_t k = (int64_t)a * width; k < (int64_t)(a + 1) * width; k++) {
            double den = s->den[k] + (double)s->count[a] * s->reg * s->x[k];
            if (s->x[k] != 0 && den > 0)
                s->x[k] *= s->num[k] / den;
        }
    memset(s->num, 0, (size_t)s->n * (size_t)width * sizeof *s->num);
    memset(s->den, 0, (size_t)s->n * (size_t)width * sizeof *s->den);
}

static int nmf_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    (void)epoch;
    struct nmf_state *s = state;
    double sum = 0;
    for (int32_t k = 0; k < s->rows.n_users; k++) {
        sum += gather_user(s, k);
        int status = k % 64 ? RH_OK : ctx->host->tick(ctx, k, s->rows.n_users);
        if (status < 0)
            return status;
    }
    update(&s->user, s->width);
    update(&s->item, s->width);
    *loss = sum / (double)s->rows.begin[s->rows.n_users];
    return RH_OK;
}

RH_WIDE static void score_query(const struct nmf_state *s, const struct rh_query *q, float *out)
{
    const double *p = s->user.x + (int64_t)q->user * s->width;
    for (int32_t c = 0; c < q->n_candidates; c++) {
        int32_t i = rh_candidate(q, c);
        bool known = s->user.count[q->user] && s->item.count[i];
        out[c] = (float)(known ? rh_wide_dot(s->item.x + (int64_t)i * s->width, p, s->width) : s->mean);
    }
}

static int nmf_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                     size_t stride)
{
    (void)ctx;
    for (int32_t k = 0; k < n; k++)
        score_query(state, &query[k], out + (size_t)k * stride);
    return RH_OK;
}

static int nmf_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)params, (void)train;
    const struct rh_host *host = ctx->host;
    struct nmf_state *s = state;
    struct side *user = &s->user, *item = &s->item;
    unsigned start = RH_FOR_LOADING | RH_FOR_STARTING;
    bool starts = (host->purpose(ctx) & start) == start;
    int status;
    if ((status = host->value(ctx, "n_users", &user->n, sizeof user->n)) < 0 ||
        (status = host->value(ctx, "n_items", &item->n, sizeof item->n)) < 0 ||
        (status = host->value(ctx, "width", &s->width, sizeof s->width)) < 0 ||
        (status = host->value(ctx, "mean", &s->mean, sizeof s->mean)) < 0 ||
        (!starts && /* a start counts its own training rows */
         ((status = host->field(ctx, "user_rows", &user->count, user->n, sizeof *user->count)) < 0 ||
          (status = host->field(ctx, "item_rows", &item->count, item->n, sizeof *item->count)) < 0)) ||
        (status = host->field(ctx, "user_factors", &user->x, (int64_t)user->n * s->width, sizeof *user->x)) < 0)
        return status;
    return host->field(ctx, "item_factors", &item->x, (int64_t)item->n * s->width, sizeof *item->x);
}

static const struct rh_algorithm nmf_rating = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "nmf_rating",
    .summary = "non-negative matrix factorisation of the observed ratings",
    .reference = "Luo, Zhou, Xia and Zhu 2014, An efficient non-negative matrix-factorization-based approach to "
                 "collaborative filtering for recommender systems, IEEE Transactions on Industrial Informatics 10(2)",
    .cost = "epoch O(nnz d), one after the other; memory 24 (U + I) d + 8 nnz bytes; a query O(candidates d)",
    .advice = "Factors that are sums of parts and so can be read; its error is behind that of svd. It has no "
              "learning rate: tune the number of factors and the regularisation.",
    .revision = 1,
    .flags = RH_A_NEEDS_VALUES | RH_A_RATES | RH_A_RANDOM | RH_A_RESUMES,
    .params = nmf_table,
    .params_size = sizeof(struct nmf_params),
    .state_size = sizeof(struct nmf_state),
    .epochs = 50,
    .check = nmf_check,
    .fit = nmf_fit,
    .epoch = nmf_epoch,
    .score = nmf_score,
    .persist = nmf_persist,
};
RH_ALGORITHM(nmf_rating)
