#include "algorithms/lib/likeness.h"

#include <string.h>

/* Sums of features over the columns of all blocks, of which few are met at a time. */
struct profile {
    double *x;      /* [columns] */
    int32_t *met;   /* [n] columns that may differ from 0 */
    uint8_t *known; /* [columns] */
    int32_t n;
};

struct meter {
    const struct rh_train *train;
    int32_t *first; /* [n_item_blocks + 1] columns where blocks begin */
    int32_t n_columns;
    struct profile own, other; /* of a user in the target and in a source */
    double *mean_own, *mean_other; /* [columns] */
};

static int take_profile(struct rh_ctx *ctx, size_t columns, struct profile *p)
{
    p->x = ctx->host->scratch(ctx, columns, sizeof *p->x);
    p->met = ctx->host->scratch(ctx, columns, sizeof *p->met);
    p->known = ctx->host->scratch(ctx, columns, 1);
    return p->x && p->met && p->known ? RH_OK : RH_ENOMEM;
}

static int open_meter(struct rh_ctx *ctx, const struct rh_train *train, struct meter *m)
{
    int64_t columns = 0;
    *m = (struct meter){ .train = train };
    m->first = ctx->host->scratch(ctx, (size_t)train->n_item_blocks + 1, sizeof *m->first);
    if (!m->first)
        return RH_ENOMEM;
    for (int32_t b = 0; b < train->n_item_blocks; b++) {
        columns += train->domain[train->target].item_features[b].n_cols;
        if (columns > INT32_MAX)
            return ctx->host->fail(ctx, RH_EDATA, "%lld feature columns: at most 2147483647", (long long)columns);
        m->first[b + 1] = (int32_t)columns;
    }
    m->n_columns = (int32_t)columns;
    size_t n = (size_t)columns + 1;
    m->mean_own = ctx->host->scratch(ctx, n, sizeof *m->mean_own);
    m->mean_other = ctx->host->scratch(ctx, n, sizeof *m->mean_other);
    if (!m->mean_own || !m->mean_other || take_profile(ctx, n, &m->own) < 0 || take_profile(ctx, n, &m->other) < 0)
        return RH_ENOMEM;
    return RH_OK;
}

static void add(struct profile *p, int32_t column, double x)
{
    if (!p->known[column]) {
        p->known[column] = 1;
        p->met[p->n++] = column;
    }
    p->x[column] += x;
}

/* Adds block f of an item, scaled to length 1. */
static void add_block(const struct rh_features *f, int32_t item, int32_t first, struct profile *p)
{
    double square = 0;
    if (f->dense) {
        const float *x = f->dense + (int64_t)item * f->n_cols;
        for (int32_t c = 0; c < f->n_cols; c++)
            square += (double)x[c] * (double)x[c];
        for (int32_t c = 0; c < f->n_cols && square > 0; c++)
            add(p, first + c, (double)x[c] / sqrt(square));
        return;
    }
    for (int64_t k = f->row[item]; k < f->row[item + 1]; k++)
        square += f->val ? (double)f->val[k] * (double)f->val[k] : 1;
    for (int64_t k = f->row[item]; k < f->row[item + 1] && square > 0; k++)
        add(p, first + f->col[k], (f->val ? (double)f->val[k] : 1) / sqrt(square));
}

/* The profile of a user in domain d, not centred; false: there is none. */
static bool make_profile(const struct meter *m, int32_t d, int32_t user, struct profile *p)
{
    const struct rh_domain *x = &m->train->domain[d];
    int64_t n = x->row[user + 1] - x->row[user];
    for (int32_t k = 0; k < p->n; k++)
        p->x[p->met[k]] = p->known[p->met[k]] = 0;
    p->n = 0;
    for (int64_t e = x->row[user]; e < x->row[user + 1]; e++)
        for (int32_t b = 0; b < m->train->n_item_blocks; b++)
            if (x->item_features[b].row || x->item_features[b].dense)
                add_block(&x->item_features[b], x->item[e], m->first[b], p);
    for (int32_t k = 0; k < p->n; k++)
        p->x[p->met[k]] /= (double)n;
    return p->n > 0;
}

/* Whether a user has a profile in the target and in source d; both are made. */
static bool both(struct meter *m, int32_t d, int32_t user)
{
    const struct rh_domain *own = &m->train->domain[m->train->target], *other = &m->train->domain[d];
    return own->row[user] < own->row[user + 1] && other->row[user] < other->row[user + 1] &&
           make_profile(m, m->train->target, user, &m->own) && make_profile(m, d, user, &m->other);
}

/* sum of (x - mean)^2, where |mean|^2 is known */
static double centred_square(const struct profile *p, const double *mean, double mean_square)
{
    double s = mean_square;
    for (int32_t k = 0; k < p->n; k++) {
        int32_t c = p->met[k];
        s += p->x[c] * (p->x[c] - 2 * mean[c]);
    }
    return s;
}

static double dot(const double *x, const double *y, int32_t n)
{
    double s = 0;
    for (int32_t c = 0; c < n; c++)
        s += x[c] * y[c];
    return s;
}

static int32_t find_means(struct meter *m, int32_t d)
{
    int32_t n = 0;
    memset(m->mean_own, 0, (size_t)m->n_columns * sizeof *m->mean_own);
    memset(m->mean_other, 0, (size_t)m->n_columns * sizeof *m->mean_other);
    for (int32_t u = 0; u < m->train->n_users; u++) {
        if (!both(m, d, u))
            continue;
        n++;
        for (int32_t k = 0; k < m->own.n; k++)
            m->mean_own[m->own.met[k]] += m->own.x[m->own.met[k]];
        for (int32_t k = 0; k < m->other.n; k++)
            m->mean_other[m->other.met[k]] += m->other.x[m->other.met[k]];
    }
    for (int32_t c = 0; c < m->n_columns && n > 0; c++) {
        m->mean_own[c] /= n;
        m->mean_other[c] /= n;
    }
    return n;
}

static void measure(struct meter *m, int32_t d, struct rh_likeness *like)
{
    double sum = 0, squares = 0;
    *like = (struct rh_likeness){ 0 };
    if (find_means(m, d) < 2)
        return;
    double own_square = dot(m->mean_own, m->mean_own, m->n_columns);
    double other_square = dot(m->mean_other, m->mean_other, m->n_columns);
    double cross = dot(m->mean_own, m->mean_other, m->n_columns);
    for (int32_t u = 0; u < m->train->n_users; u++) {
        if (!both(m, d, u))
            continue;
        double product = cross; /* (x - m)(y - m') = xy - xm' - my + mm' */
        for (int32_t k = 0; k < m->own.n; k++) {
            int32_t c = m->own.met[k];
            product += m->own.x[c] * ((m->other.known[c] ? m->other.x[c] : 0) - m->mean_other[c]);
        }
        for (int32_t k = 0; k < m->other.n; k++)
            product -= m->other.x[m->other.met[k]] * m->mean_own[m->other.met[k]];
        double lengths = centred_square(&m->own, m->mean_own, own_square) *
                         centred_square(&m->other, m->mean_other, other_square);
        double cosine = lengths > 1e-20 ? product / sqrt(lengths) : 0;
        sum += cosine;
        squares += cosine * cosine;
        like->users++;
    }
    like->mean = sum / like->users;
    double variance = (squares - sum * like->mean) / (like->users - 1);
    like->error = sqrt((variance > 0 ? variance : 0) / like->users);
}

int rh_likeness(struct rh_ctx *ctx, const struct rh_train *train, struct rh_likeness *like)
{
    struct meter m;
    int status = open_meter(ctx, train, &m);
    for (int32_t d = 0; d < train->n_domains && status >= 0; d++) {
        status = ctx->host->tick(ctx, d, train->n_domains);
        if (d != train->target && status >= 0)
            measure(&m, d, &like[d]);
    }
    return status;
}

int rh_source_weights(struct rh_ctx *ctx, const struct rh_train *train, double *weight)
{
    struct rh_likeness *like = ctx->host->scratch(ctx, (size_t)train->n_domains, sizeof *like);
    if (!like)
        return RH_ENOMEM;
    int status = rh_likeness(ctx, train, like);
    if (status < 0)
        return status;
    double most = 0;
    for (int32_t d = 0; d < train->n_domains; d++) {
        double sure = like[d].mean - 2 * like[d].error;
        weight[d] = d == train->target || like[d].users < RH_LIKENESS_USERS || sure < 0 ? 0 : sure;
        most = weight[d] > most ? weight[d] : most;
    }
    for (int32_t d = 0; d < train->n_domains; d++) {
        bool told = d != train->target && like[d].users >= RH_LIKENESS_USERS;
        weight[d] = !told ? 1 : most > 0 ? weight[d] / most : 0;
        if (told)
            ctx->host->log(ctx, 2, "source '%s' has weight %.3f: likeness %.3f +- %.3f over %d shared users",
                           train->domain[d].name, weight[d], like[d].mean, like[d].error, like[d].users);
    }
    return RH_OK;
}
