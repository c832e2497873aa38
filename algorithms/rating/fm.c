/* fm - what rating? A factorisation machine over user, item and their features.
 *
 * Rendle 2010, "Factorization machines" (ICDM 10): with x the sparse vector of all that is known of a rating,
 *
 *     r(x) = w0 + sum w(a) x(a) + sum over pairs a < b of v(a) . v(b) x(a) x(b)
 *          = w0 + sum w(a) x(a) + (|s|^2 - sum |v(a) x(a)|^2) / 2,         s = sum v(a) x(a)
 *
 * by stochastic gradient descent on the squared error, user by user in the order of the training data. x has a 1 for
 * the user and one for the item (`ids`), and the columns of their feature blocks (`features`), each block divided by
 * the root of its sum of squares, so that long texts do not weigh more. w0 is the mean of the ratings. Without
 * features it is svd.
 *
 * The ids of unseen users and items have no training rows and so no weights: they are known by their features alone.
 * Time: an epoch O(d) operations for every entry of x of a rating; a query |candidates| d. Memory: 8 (d + 1) bytes a
 * user, item and column, 16 bytes an entry of the blocks, 8 (d + 2) bytes a user and item for the sums. */
#include "algorithms/lib/draw.h"
#include "algorithms/lib/rating.h"
#include "algorithms/lib/wide.h"

#include <string.h>

struct fm_params {
    int64_t factors, numpy_seed;
    double rate, reg, init_sd;
    bool ids, features;
    int random;
};

static const struct rh_param fm_table[] = {
    RH_INT(struct fm_params, factors, 16, 1, 65536, "number d of factors"),
    RH_BOOL(struct fm_params, ids, true, "user and item themselves are known"),
    RH_BOOL(struct fm_params, features, true, "their features are known"),
    RH_REAL(struct fm_params, rate, 0.005, 1e-9, 10, "learning rate"),
    RH_REAL(struct fm_params, reg, 0.02, 0, 1e6, "L2 regularisation"),
    RH_REAL(struct fm_params, init_sd, 0.05, 0, 10, "standard deviation of the initial factors"),
    RH_DRAW_PARAMS(struct fm_params),
    RH_PARAMS_END,
};

/* What is known of each user (or item): entries of x, numbered over all sides. */
struct side {
    int64_t *begin; /* [n + 1] */
    int32_t *entry; /* [begin[n]] */
    double *x;      /* [begin[n]] */
    double *sum;    /* [n x width] of v x: made when all is learned */
    double *alone;  /* [n] sum of w x, and of the pairs inside this side */
    int32_t n;
};

struct fm_state {
    struct rh_sequence rows;
    struct side user, item;
    double *w, *v; /* [n_entries], [n_entries x width] */
    double mean, rate, reg;
    double *s;     /* [width] of the rating at work */
    int32_t n_entries, width;
};

/* Entries of row r of a block, and the k-th of them. */
static inline int64_t block_entries(const struct rh_features *b, int32_t r)
{
    return b->row ? b->row[r + 1] - b->row[r] : b->dense ? b->n_cols : 0;
}

static inline double block_value(const struct rh_features *b, int32_t r, int64_t k, int32_t *col)
{
    if (b->row) {
        *col = b->col[b->row[r] + k];
        return b->val ? (double)b->val[b->row[r] + k] : 1;
    }
    *col = (int32_t)k;
    return b->dense[(int64_t)r * b->n_cols + k];
}

/* Lists the entries of one side; *next is the first number that is free. `known`: has training rows. */
static int make_side(struct rh_ctx *ctx, const struct fm_params *p, const struct rh_features *block, int32_t n_blocks,
                     int32_t n, const bool *known, int64_t *next, struct side *s)
{
    int64_t total = 0, first = *next + (p->ids ? n : 0), own = *next;
    s->n = n;
    n_blocks = p->features ? n_blocks : 0;
    for (int32_t r = 0; r < n; r++) {
        total += p->ids && known[r];
        for (int32_t b = 0; b < n_blocks; b++)
            total += block_entries(&block[b], r);
    }
    s->begin = ctx->host->alloc(ctx, (size_t)n + 1, sizeof *s->begin);
    s->entry = ctx->host->alloc(ctx, (size_t)total, sizeof *s->entry);
    s->x = ctx->host->alloc(ctx, (size_t)total, sizeof *s->x);
    if (!s->begin || (total && (!s->entry || !s->x)))
        return RH_ENOMEM;
    *next = first;
    for (int32_t b = 0; b < n_blocks; b++)
        *next += block[b].n_cols;
    if (*next > INT32_MAX)
        return ctx->host->fail(ctx, RH_EDATA, "%lld users, items and feature columns are too many", (long long)*next);
    int64_t at = 0;
    for (int32_t r = 0; r < n; r++) {
        int64_t base = first;
        if (p->ids && known[r]) {
            s->entry[at] = (int32_t)(own + r);
            s->x[at++] = 1;
        }
        for (int32_t b = 0; b < n_blocks; base += block[b++].n_cols) {
            int64_t from = at;
            double squares = 0;
            for (int64_t k = 0; k < block_entries(&block[b], r); k++) {
                int32_t col;
                double x = block_value(&block[b], r, k, &col);
                if (x == 0)
                    continue;
                s->entry[at] = (int32_t)(base + col);
                s->x[at++] = x;
                squares += x * x;
            }
            for (int64_t k = from; k < at; k++)
                s->x[k] /= sqrt(squares);
        }
        s->begin[r + 1] = at;
    }
    return RH_OK;
}

static int make_sums(struct rh_ctx *ctx, int32_t width, struct side *s)
{
    s->sum = ctx->host->alloc(ctx, (size_t)s->n, (size_t)width * sizeof *s->sum);
    s->alone = ctx->host->alloc(ctx, (size_t)s->n, sizeof *s->alone);
    return s->sum && s->alone ? RH_OK : RH_ENOMEM;
}

/* The sums of one user or item as the weights are now. */
RH_WIDE static void sum_up(const struct fm_state *m, const struct side *s, int32_t r)
{
    rh_wide *sum = (rh_wide *)(s->sum + (int64_t)r * m->width);
    double linear = 0, squares = 0;
    memset(sum, 0, (size_t)m->width * sizeof(double));
    for (int64_t k = s->begin[r]; k < s->begin[r + 1]; k++) {
        const rh_wide *v = (const rh_wide *)(m->v + (int64_t)s->entry[k] * m->width);
        double x = s->x[k];
        linear += m->w[s->entry[k]] * x;
        squares += x * x * rh_wide_dot((const double *)v, (const double *)v, m->width);
        for (int32_t f = 0; f < m->width / 4; f++)
            sum[f] += v[f] * x;
    }
    s->alone[r] = linear + 0.5 * (rh_wide_dot((const double *)sum, (const double *)sum, m->width) - squares);
}

static void sum_up_all(const struct fm_state *m)
{
    for (int32_t u = 0; u < m->user.n; u++)
        sum_up(m, &m->user, u);
    for (int32_t i = 0; i < m->item.n; i++)
        sum_up(m, &m->item, i);
}

static int fm_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct fm_params *p = params;
    struct fm_state *m = state;
    int status;
    const struct rh_domain *d = rh_rated_target(ctx, train, &status);
    if (!d)
        return status;
    struct rh_draw *draw = ctx->host->scratch(ctx, 1, sizeof *draw);
    bool *known_user = ctx->host->scratch(ctx, (size_t)train->n_users, sizeof *known_user);
    bool *known_item = ctx->host->scratch(ctx, (size_t)d->n_items, sizeof *known_item);
    if (!draw || !known_user || !known_item)
        return RH_ENOMEM;
    for (int32_t u = 0; u < train->n_users; u++)
        known_user[u] = d->row[u] < d->row[u + 1];
    for (int64_t k = 0; k < d->row[train->n_users]; k++)
        known_item[d->item[k]] = true;
    int64_t next = 0;
    if ((status = make_side(ctx, p, train->user_features, train->n_user_blocks, train->n_users, known_user, &next,
                            &m->user)) < 0 ||
        (status = make_side(ctx, p, d->item_features, train->n_item_blocks, d->n_items, known_item, &next,
                            &m->item)) < 0)
        return status;
    m->n_entries = (int32_t)next;
    m->width = rh_wide_padded((int32_t)p->factors);
    m->rate = p->rate;
    m->reg = p->reg;
    m->mean = rh_mean_rating(d->value, d->row[train->n_users]);
    m->w = ctx->host->alloc(ctx, (size_t)next, sizeof *m->w);
    m->v = ctx->host->alloc(ctx, (size_t)next, (size_t)m->width * sizeof *m->v);
    m->s = ctx->host->alloc(ctx, (size_t)m->width, sizeof *m->s);
    if ((next && (!m->w || !m->v)) || !m->s || make_sums(ctx, m->width, &m->user) < 0 ||
        make_sums(ctx, m->width, &m->item) < 0)
        return RH_ENOMEM;
    if ((status = rh_sequence_make(ctx, d, train->n_users, &m->rows)) < 0)
        return status;
    rh_draw_start(ctx, p->random, p->numpy_seed, draw);
    for (int64_t e = 0; e < next; e++)
        for (int64_t f = 0; f < p->factors; f++)
            m->v[e * m->width + f] = p->init_sd * rh_draw_normal(draw);
    sum_up_all(m);
    return RH_OK;
}

/* Moves the entries of one side: their gradients are x and x (s - v x). */
RH_WIDE static void move(const struct fm_state *m, const struct side *side, int32_t r, double e)
{
    const rh_wide *s = (const rh_wide *)m->s;
    for (int64_t k = side->begin[r]; k < side->begin[r + 1]; k++) {
        rh_wide *v = (rh_wide *)(m->v + (int64_t)side->entry[k] * m->width);
        double x = side->x[k], ex = e * x, *w = &m->w[side->entry[k]];
        *w += m->rate * (ex - m->reg * *w);
        for (int32_t f = 0; f < m->width / 4; f++)
            v[f] += m->rate * (ex * (s[f] - v[f] * x) - m->reg * v[f]);
    }
}

static double predict(const struct fm_state *m, int32_t u, int32_t i)
{
    return m->mean + m->user.alone[u] + m->item.alone[i] +
           rh_wide_dot(m->user.sum + (int64_t)u * m->width, m->item.sum + (int64_t)i * m->width, m->width);
}

static int fm_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    (void)epoch;
    struct fm_state *m = state;
    const struct rh_sequence *r = &m->rows;
    double total = 0;
    for (int32_t k = 0; k < r->n_users; k++) {
        int32_t u = r->user[k];
        for (int64_t n = r->begin[k]; n < r->begin[k + 1]; n++) {
            int32_t i = r->row_item[n];
            sum_up(m, &m->user, u); /* features are shared: others have moved them */
            sum_up(m, &m->item, i);
            for (int32_t f = 0; f < m->width; f++)
                m->s[f] = m->user.sum[(int64_t)u * m->width + f] + m->item.sum[(int64_t)i * m->width + f];
            double e = r->row_value[n] - predict(m, u, i);
            move(m, &m->user, u, e);
            move(m, &m->item, i, e);
            total += e * e;
        }
        int status = k % 64 ? RH_OK : ctx->host->tick(ctx, k, r->n_users);
        if (status < 0)
            return status;
    }
    sum_up_all(m);
    *loss = total / (double)r->begin[r->n_users];
    if (!isfinite(*loss))
        return ctx->host->fail(ctx, RH_ENUMERIC, "gradient descent diverged; try a smaller rate than %g", m->rate);
    return RH_OK;
}

static int fm_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                    size_t stride)
{
    (void)ctx;
    for (int32_t k = 0; k < n; k++)
        for (int32_t c = 0; c < query[k].n_candidates; c++)
            out[(size_t)k * stride + (size_t)c] =
                (float)predict(state, query[k].user, rh_candidate(&query[k], c));
    return RH_OK;
}

/* The sums say all that scoring needs; what epochs move is of the entries. */
static int fm_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    (void)params, (void)train;
    const struct rh_host *host = ctx->host;
    struct fm_state *m = state;
    struct side *user = &m->user, *item = &m->item;
    int status;
    if ((status = host->value(ctx, "n_users", &user->n, sizeof user->n)) < 0 ||
        (status = host->value(ctx, "n_items", &item->n, sizeof item->n)) < 0 ||
        (status = host->value(ctx, "width", &m->width, sizeof m->width)) < 0 ||
        (status = host->value(ctx, "mean", &m->mean, sizeof m->mean)) < 0 ||
        (status = host->field(ctx, "user_alone", &user->alone, user->n, sizeof *user->alone)) < 0 ||
        (status = host->field(ctx, "item_alone", &item->alone, item->n, sizeof *item->alone)) < 0 ||
        (status = host->field(ctx, "user_sum", &user->sum, (int64_t)user->n * m->width, sizeof *user->sum)) < 0)
        return status;
    status = host->field(ctx, "item_sum", &item->sum, (int64_t)item->n * m->width, sizeof *item->sum);
    if (status < 0 || !(host->purpose(ctx) & RH_FOR_STARTING) ||
        (status = host->field(ctx, "weights", &m->w, m->n_entries, sizeof *m->w)) < 0)
        return status;
    return host->field(ctx, "factors", &m->v, (int64_t)m->n_entries * m->width, sizeof *m->v);
}

static const struct rh_algorithm fm = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "fm",
    .summary = "factorisation machine for ratings over user, item and the features of both",
    .reference = "Rendle 2010, Factorization machines, ICDM 10",
    .cost = "epoch O(nnz d (1 + features of a user and an item)), one after the other; memory 16 (U + I) d + 8 d "
            "columns bytes; a query O(candidates d)",
    .advice = "Ratings with features: it predicts for new users and items too, when they have some. Without "
              "features it is svd. Tune rate and epochs together, then reg; leave long text blocks out when they "
              "slow it down.",
    .revision = 1,
    .flags = RH_A_NEEDS_VALUES | RH_A_RATES | RH_A_COLD_USERS | RH_A_COLD_ITEMS | RH_A_RANDOM | RH_A_RESUMES,
    .params = fm_table,
    .params_size = sizeof(struct fm_params),
    .state_size = sizeof(struct fm_state),
    .epochs = 20,
    .fit = fm_fit,
    .epoch = fm_epoch,
    .score = fm_score,
    .persist = fm_persist,
};
RH_ALGORITHM(fm)
