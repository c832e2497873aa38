#include "algorithms/lib/space.h"

#include "algorithms/lib/nn.h"

#include <stdio.h>
#include <string.h>

#define AHEAD 8 /* triples ahead that rows are fetched */

/* -------------------------------------------------------------------------------------------------------- points */

void rh_space_open(struct rh_space *m, int32_t n_users, int32_t n_items, int64_t factors)
{
    *m = (struct rh_space){ .n_users = n_users, .n_items = n_items, .factors = (int32_t)factors,
                             .width = rh_factor_width(factors), .others = 1 };
}

int rh_space_start(struct rh_ctx *ctx, struct rh_space *m, const struct rh_domain *d, const char *who)
{
    char users[64], items[64];
    snprintf(users, sizeof users, "%s users", who);
    snprintf(items, sizeof items, "%s items", who);
    int status = rh_pairs_init(ctx, &m->pairs, d, m->n_users, RH_EACH_INTERACTION, RH_UNIFORM_ITEMS, 0);
    if (status < 0)
        return status;
    m->user = rh_factors_new(ctx, m->n_users, m->factors, RH_SPACE_SPREAD, users);
    m->item = rh_factors_new(ctx, m->n_items, m->factors, RH_SPACE_SPREAD, items);
    if (!m->user || !m->item)
        return RH_ENOMEM;
    for (int32_t u = 0; u < m->n_users; u++)
        if (d->row[u] == d->row[u + 1])
            memset(m->user + (int64_t)u * m->width, 0, (size_t)m->width * sizeof *m->user);
        else
            rh_ball(m->user + (int64_t)u * m->width, m->width);
    for (int32_t i = 0; i < m->n_items; i++)
        rh_ball(m->item + (int64_t)i * m->width, m->width);
    return RH_OK;
}

int rh_space_persist(struct rh_ctx *ctx, struct rh_space *m, const char *who)
{
    char name[64];
    size_t row = (size_t)m->width * sizeof(float);
    snprintf(name, sizeof name, "%s users", who);
    int status = ctx->host->field(ctx, name, &m->user, m->n_users, row);
    snprintf(name, sizeof name, "%s items", who);
    return status < 0 ? status : ctx->host->field(ctx, name, &m->item, m->n_items, row);
}

/* ------------------------------------------------------------------------------------------------------ learning */

/* |p - a|^2 - |p - b|^2 */
static inline __attribute__((always_inline)) float nearer(const float *p, const float *a, const float *b,
                                                          int32_t width)
{
    const rh_lanes *x = (const rh_lanes *)p, *y = (const rh_lanes *)a, *z = (const rh_lanes *)b;
    rh_lanes s = { 0 };
    for (int32_t k = 0; k < width / 8; k++) {
        rh_lanes to_a = x[k] - y[k], to_b = x[k] - z[k];
        s += to_a * to_a - to_b * to_b;
    }
    return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
}

static inline __attribute__((always_inline)) void fetch_row(const float *x, int32_t width)
{
    for (int32_t f = 0; f < width; f += RH_FACTOR_PAD)
        __builtin_prefetch(x + f, 1);
}

RH_WIDE static double learn(void *arg, const struct rh_triple *t, int64_t n)
{
    const struct rh_space *m = arg;
    int32_t width = m->width;
    float step = 2 * m->rate;
    double loss = 0;
    for (int64_t k = 0; k < n; k++) {
        if (k + AHEAD < n) {
            fetch_row(m->user + (int64_t)t[k + AHEAD].user * width, width);
            fetch_row(m->item + (int64_t)t[k + AHEAD].liked * width, width);
            fetch_row(m->item + (int64_t)t[k + AHEAD].other * width, width);
        }
        float *user = m->user + (int64_t)t[k].user * width, *liked = m->item + (int64_t)t[k].liked * width;
        float *other = m->item + (int64_t)t[k].other * width;
        float x = m->margin + nearer(user, liked, other, width);
        if (!(x > 0)) {
            loss += x == x ? 0 : (double)x; /* what is no number is to be seen */
            continue;
        }
        loss += (double)x;
        rh_lanes *p = (rh_lanes *)user, *a = (rh_lanes *)liked, *b = (rh_lanes *)other;
        for (int32_t l = 0; l < width / 8; l++) {
            rh_lanes was = p[l], was_a = a[l], was_b = b[l];
            p[l] = was + step * (was_a - was_b);
            a[l] = was_a + step * (was - was_a);
            b[l] = was_b - step * (was - was_b);
        }
        rh_ball(user, width);
        rh_ball(liked, width);
        rh_ball(other, width);
    }
    return loss;
}

/* The nearest of some drawn items. */
static int32_t draw_near(const void *arg, struct rh_rng *rng, int32_t user, int32_t liked, const uint8_t *taken,
                         float *weight)
{
    const struct rh_space *m = arg;
    const float *p = m->user + (int64_t)user * m->width;
    int32_t best = rh_pairs_other(&m->pairs, rng, taken);
    (void)liked, (void)weight;
    for (int32_t k = 1; k < m->others; k++) {
        int32_t j = rh_pairs_other(&m->pairs, rng, taken);
        if (nearer(p, m->item + (int64_t)j * m->width, m->item + (int64_t)best * m->width, m->width) < 0)
            best = j;
    }
    return best;
}

int rh_space_pass(struct rh_ctx *ctx, struct rh_space *m, int32_t number, double *loss)
{
    struct rh_learning l = { .pairs = &m->pairs, .learn = learn, .learn_arg = m, .width = m->width };
    if (m->others > 1) {
        l.draw = draw_near;
        l.draw_arg = m;
    }
    int status = rh_pairs_pass(ctx, &l, number, loss);
    if (status < 0)
        return status;
    *loss /= (double)m->pairs.n;
    if (!isfinite(*loss) || !rh_nn_finite((int64_t)m->n_items * m->width, m->item) ||
        !rh_nn_finite((int64_t)m->n_users * m->width, m->user))
        return ctx->host->fail(ctx, RH_ENUMERIC, "the points are no numbers any more; lower rate, which is %g",
                               (double)m->rate);
    return RH_OK;
}

/* ----------------------------------------------------------------------------------------------------- neighbours */

struct gathering {
    const int64_t *row;
    const int32_t *col;
    const float *own, *other;
    int32_t width;
    float *out;
};

static int gather_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    const struct gathering *g = arg;
    size_t row = (size_t)g->width * sizeof(float);
    (void)ctx;
    for (int64_t r = begin; r < end; r++) {
        float *out = g->out + r * g->width;
        const float *own = g->own + r * g->width;
        int64_t n = g->row[r + 1] - g->row[r];
        if (n == 0) {
            memcpy(out, own, row);
            continue;
        }
        memset(out, 0, row);
        for (int64_t e = g->row[r]; e < g->row[r + 1]; e++)
            rh_factor_add(out, 1, g->other + (int64_t)g->col[e] * g->width, g->width);
        for (int32_t f = 0; f < g->width; f++)
            out[f] = own[f] + out[f] / (float)n;
        rh_ball(out, g->width);
    }
    return RH_OK;
}

int rh_space_gather(struct rh_ctx *ctx, int32_t n, const int64_t *row, const int32_t *col, const float *own,
                     const float *other, int32_t width, float *out)
{
    struct gathering g = { row, col, own, other, width, out };
    return ctx->host->parallel(ctx, n, 256, gather_part, &g);
}
