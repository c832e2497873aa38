/* emcdr - embedding and mapping: factors of the source and of the target apart, and a map between their users.
 *
 * Man, Shen, Jin and Cheng 2017, "Cross-domain recommendation: an embedding and mapping approach" (IJCAI). Three steps:
 * (1) a factorisation of the sources and one of the target, here implicit least squares (algorithms/lib/als.h);
 * (2) a map f from the source vector s(u) to the target vector t(u), learned on the users with rows in both,
 *
 *     linear:  min over M  sum |M s(u) - t(u)|^2 + map_reg |M|^2                         (their eq. 6), in closed form
 *     mlp:     f(s) = W2 tanh(W1 s + b1) + b2, the same loss by Adam                     (their eq. 7)
 *
 * (3) a user who is cold in the target gets f(s(u)), s(u) solved for from the history in the sources. Users with at
 * least own_from rows in the target have their own vector. The steps are repeated in each epoch, so that validation
 * sees a whole model. */
#include "algorithms/lib/als.h"
#include "algorithms/lib/lapack.h"
#include "algorithms/lib/nn.h"

#include <cblas.h>
#include <string.h>

enum map { LINEAR, MLP };
static const struct rh_choice maps[] = {
    { "linear", LINEAR, "a matrix" },
    { "mlp", MLP, "a hidden layer of tanh units" },
    { NULL, 0, NULL },
};

struct emcdr_params {
    RH_ALS_FIELDS;
    int map;
    double map_reg, map_rate;
    int64_t hidden, map_steps, own_from;
};

static const struct rh_param emcdr_table[] = {
    RH_ALS_PARAMS(struct emcdr_params),
    RH_ENUM(struct emcdr_params, map, LINEAR, maps, "from source vectors to target vectors"),
    RH_REAL(struct emcdr_params, map_reg, 1, 0, 1e9, "L2 regularisation of a linear map, weight decay of an mlp"),
    RH_INT(struct emcdr_params, hidden, 64, 1, 4096, "units of the hidden layer (map = mlp)"),
    RH_REAL(struct emcdr_params, map_rate, 0.01, 1e-7, 10, "learning rate (map = mlp)"),
    RH_INT(struct emcdr_params, map_steps, 20, 1, 100000, "steps over all shared users in an epoch (map = mlp)"),
    RH_INT(struct emcdr_params, own_from, 1, 1, 1000000000,
           "rows in the target from which a user's own vector counts"),
    RH_PARAMS_END,
};

/* Weights of the mlp in one vector: [w1 hidden x width][b1 hidden][w2 width x hidden][b2 width]. */
struct mlp {
    rh_real *w, *g, *first, *second;
    int32_t width, hidden;
    struct rh_optimizer_state adam;
};
struct mlp_parts {
    rh_real *w1, *b1, *w2, *b2;
};

struct emcdr_state {
    const struct emcdr_params *params;
    struct rh_als source, target;
    double *of_sources, *of_target; /* [n_domains] shares */
    int32_t *shared;                /* [n_shared] users with rows in both */
    int32_t n_shared, domain;       /* domain: the target */
    float *matrix;                  /* [width x width] x' M, row-major */
    struct mlp mlp;
};

static struct mlp_parts parts_of(const struct mlp *m, rh_real *v)
{
    size_t layer = (size_t)m->width * (size_t)m->hidden;
    return (struct mlp_parts){ v, v + layer, v + layer + m->hidden, v + 2 * layer + m->hidden };
}

static int64_t mlp_size(const struct mlp *m)
{
    return 2 * (int64_t)m->width * m->hidden + m->hidden + m->width;
}

static int mlp_init(struct rh_ctx *ctx, struct mlp *m, const struct emcdr_params *p)
{
    *m = (struct mlp){ .width = rh_factor_width(p->factors), .hidden = (int32_t)p->hidden };
    size_t n = (size_t)mlp_size(m);
    m->w = ctx->host->alloc(ctx, n, sizeof *m->w);
    m->g = ctx->host->alloc(ctx, n, sizeof *m->g);
    m->first = ctx->host->alloc(ctx, n, sizeof *m->first);
    m->second = ctx->host->alloc(ctx, n, sizeof *m->second);
    if (!m->w || !m->g || !m->first || !m->second)
        return RH_ENOMEM;
    struct rh_rng r = ctx->host->stream(ctx, "emcdr map", 0);
    struct mlp_parts at = parts_of(m, m->w);
    double bound = sqrt(6.0 / (m->width + m->hidden)); /* Glorot and Bengio 2010 */
    for (int64_t k = 0; k < (int64_t)m->width * m->hidden; k++) {
        at.w1[k] = (rh_real)(bound * (2 * rh_rng_uniform(&r) - 1));
        at.w2[k] = (rh_real)(bound * (2 * rh_rng_uniform(&r) - 1));
    }
    m->adam = (struct rh_optimizer_state){ .kind = RH_ADAM, .rate = p->map_rate, .decay = p->map_reg };
    return RH_OK;
}

/* h[n x hidden], y[n x width] */
static void mlp_forward(const struct mlp *m, const rh_real *x, int32_t n, rh_real *h, rh_real *y)
{
    struct mlp_parts at = parts_of(m, m->w);
    rh_nn_linear(n, m->width, m->hidden, x, at.w1, at.b1, h);
    for (int64_t k = 0; k < (int64_t)n * m->hidden; k++)
        h[k] = rh_act(RH_TANH, h[k]);
    rh_nn_linear(n, m->hidden, m->width, h, at.w2, at.b2, y);
}

/* Gradient of the mean over rows of |f(x) - t|^2 / 2 into m->g; returns that mean. dh[n x hidden] is room. */
static double mlp_gradient(struct mlp *m, const rh_real *x, const rh_real *t, int32_t n, rh_real *h, rh_real *y,
                           rh_real *dh)
{
    struct mlp_parts at = parts_of(m, m->w), d = parts_of(m, m->g);
    double loss = 0;
    mlp_forward(m, x, n, h, y);
    for (int64_t k = 0; k < (int64_t)n * m->width; k++) {
        y[k] -= t[k];
        loss += (double)y[k] * y[k];
        y[k] /= (rh_real)n;
    }
    memset(dh, 0, (size_t)n * (size_t)m->hidden * sizeof *dh);
    rh_nn_linear_back(n, m->hidden, m->width, h, at.w2, y, dh, d.w2, d.b2);
    for (int64_t k = 0; k < (int64_t)n * m->hidden; k++)
        dh[k] *= rh_act_1(RH_TANH, h[k]);
    rh_nn_linear_back(n, m->width, m->hidden, x, at.w1, dh, NULL, d.w1, d.b1);
    return loss / 2 / n;
}

/* M = (S'S + map_reg I)^-1 S'T for s[n x width], t[n x width]. */
static int ridge(struct rh_ctx *ctx, const struct emcdr_params *p, const float *s, const float *t, int32_t n,
                 float *matrix)
{
    int d = (int)p->factors, width = rh_factor_width(p->factors), info;
    float *a = ctx->host->scratch(ctx, (size_t)width, (size_t)width * sizeof *a);
    float *b = ctx->host->scratch(ctx, (size_t)width, (size_t)width * sizeof *b);
    if (!a || !b)
        return RH_ENOMEM;
    cblas_ssyrk(CblasRowMajor, CblasLower, CblasTrans, width, n, 1, s, width, 0, a, width);
    for (int k = 0; k < d; k++)
        a[k * width + k] += (float)p->map_reg;
    /* b = T'S row-major is S'T column-major: a right-hand side a factor of the target */
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, width, width, n, 1, t, width, s, width, 0, b, width);
    spotrf_("U", &d, a, &width, &info, 1);
    if (info == 0)
        spotrs_("U", &d, &d, a, &width, b, &width, &info, 1);
    if (info)
        return ctx->host->fail(ctx, RH_ENUMERIC, "the map of %d shared users is singular; raise map_reg above %g", n,
                               p->map_reg);
    for (int32_t i = 0; i < width; i++)
        for (int32_t k = 0; k < width; k++)
            matrix[i * width + k] = b[k * width + i];
    return RH_OK;
}

static void rows_of(const struct emcdr_state *s, const float *x, int32_t width, float *out)
{
    for (int32_t k = 0; k < s->n_shared; k++)
        memcpy(out + (int64_t)k * width, x + (int64_t)s->shared[k] * width, (size_t)width * sizeof *out);
}

static int learn_map(struct rh_ctx *ctx, struct emcdr_state *s)
{
    const struct emcdr_params *p = s->params;
    int32_t width = s->source.width, n = s->n_shared;
    size_t row = (size_t)width * sizeof(float);
    float *x = ctx->host->scratch(ctx, (size_t)n, row), *t = ctx->host->scratch(ctx, (size_t)n, row);
    if (!x || !t)
        return RH_ENOMEM;
    rows_of(s, s->source.user.x, width, x);
    rows_of(s, s->target.user.x, width, t);
    if (p->map == LINEAR)
        return ridge(ctx, p, x, t, n, s->matrix);
    float *h = ctx->host->scratch(ctx, (size_t)n, (size_t)p->hidden * sizeof *h);
    float *dh = ctx->host->scratch(ctx, (size_t)n, (size_t)p->hidden * sizeof *dh);
    float *y = ctx->host->scratch(ctx, (size_t)n, row);
    if (!h || !dh || !y)
        return RH_ENOMEM;
    for (int64_t step = 0; step < p->map_steps; step++) {
        int status = ctx->host->tick(ctx, step, p->map_steps);
        if (status < 0)
            return status;
        mlp_gradient(&s->mlp, x, t, n, h, y, dh);
        rh_nn_step(&s->mlp.adam, 1);
        rh_nn_descend(&s->mlp.adam, mlp_size(&s->mlp), s->mlp.w, s->mlp.g, s->mlp.first, s->mlp.second);
    }
    if (!rh_nn_finite(mlp_size(&s->mlp), s->mlp.w))
        return ctx->host->fail(ctx, RH_ENUMERIC, "the map diverged; lower map_rate below %g", p->map_rate);
    return RH_OK;
}

static int set_out(struct rh_ctx *ctx, struct emcdr_state *s, const struct emcdr_params *p,
                   const struct rh_train *train)
{
    size_t width = (size_t)rh_factor_width(p->factors);
    s->params = p;
    s->domain = train->target;
    s->of_sources = ctx->host->alloc(ctx, (size_t)train->n_domains, sizeof *s->of_sources);
    s->of_target = ctx->host->alloc(ctx, (size_t)train->n_domains, sizeof *s->of_target);
    s->matrix = ctx->host->alloc(ctx, width, width * sizeof *s->matrix);
    if (!s->of_sources || !s->of_target || !s->matrix)
        return RH_ENOMEM;
    for (int32_t d = 0; d < train->n_domains; d++) {
        s->of_sources[d] = d != train->target;
        s->of_target[d] = d == train->target;
    }
    return p->map == MLP ? mlp_init(ctx, &s->mlp, p) : RH_OK;
}

static int emcdr_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct emcdr_state *s = state;
    const struct emcdr_params *p = params;
    int status = set_out(ctx, s, p, train);
    if (status >= 0)
        status = rh_als_init(ctx, &s->source, &p->als, train, s->of_sources, "emcdr source");
    if (status >= 0)
        status = rh_als_init(ctx, &s->target, &p->als, train, s->of_target, "emcdr target");
    if (status < 0)
        return status;
    s->shared = ctx->host->alloc(ctx, (size_t)train->n_users + 1, sizeof *s->shared);
    if (!s->shared)
        return RH_ENOMEM;
    for (int32_t u = 0; u < train->n_users; u++)
        if (s->source.user.row[u] < s->source.user.row[u + 1] && s->target.user.row[u] < s->target.user.row[u + 1])
            s->shared[s->n_shared++] = u;
    if (!s->n_shared)
        return ctx->host->fail(ctx, RH_EDATA,
                               "emcdr learns its map from users with train rows in the target and in a "
                               "source, and there is none");
    return learn_map(ctx, s);
}

static int emcdr_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct emcdr_state *s = state;
    double of_source, of_target;
    (void)epoch;
    int status = rh_als_epoch(ctx, &s->source, &of_source);
    if (status >= 0)
        status = rh_als_epoch(ctx, &s->target, &of_target);
    if (status >= 0)
        status = learn_map(ctx, s);
    if (status >= 0)
        *loss = of_source + of_target;
    return status;
}

static int emcdr_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                       size_t stride)
{
    const struct emcdr_state *s = state;
    int32_t width = s->source.width;
    size_t row = (size_t)width * sizeof(float);
    float *x = ctx->host->scratch(ctx, (size_t)n, row), *own = ctx->host->scratch(ctx, (size_t)n, row);
    float *mapped = ctx->host->scratch(ctx, (size_t)n, row);
    float *h = ctx->host->scratch(ctx, (size_t)n, (size_t)s->params->hidden * sizeof *h);
    if (!x || !own || !mapped || !h)
        return RH_ENOMEM;
    int status = rh_als_fold_in(ctx, &s->source, query, n, x);
    if (status >= 0)
        status = rh_als_fold_in(ctx, &s->target, query, n, own);
    if (status < 0)
        return status;
    if (s->params->map == MLP)
        mlp_forward(&s->mlp, x, n, h, mapped);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, width, width, 1, x, width, s->matrix, width, 0,
                    mapped, width);
    for (int32_t k = 0; k < n; k++) {
        int64_t elsewhere = 0;
        for (int32_t d = 0; d < s->source.n_domains; d++)
            elsewhere += d != s->domain ? query[k].history[d].n : 0;
        if (query[k].history[s->domain].n < s->params->own_from && elsewhere)
            memcpy(own + (int64_t)k * width, mapped + (int64_t)k * width, row);
    }
    rh_als_score(&s->target, s->domain, own, query, n, out, stride);
    return RH_OK;
}

static int emcdr_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct emcdr_params *p = params;
    struct emcdr_state *s = state;
    int status = s->params ? RH_OK : set_out(ctx, s, p, train);
    if (status >= 0)
        status = rh_als_persist(ctx, &s->source, &p->als, train, s->of_sources, "source");
    if (status >= 0)
        status = rh_als_persist(ctx, &s->target, &p->als, train, s->of_target, "target");
    if (status >= 0)
        status = p->map == LINEAR ? ctx->host->field(ctx, "map", &s->matrix, s->source.width,
                                                     (size_t)s->source.width * sizeof *s->matrix)
                                  : ctx->host->field(ctx, "map", &s->mlp.w, mlp_size(&s->mlp), sizeof *s->mlp.w);
    return status;
}

static const struct rh_algorithm emcdr = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "emcdr",
    .summary = "factors of source and target apart, and a map that carries cold users over",
    .reference =
        "Man, Shen, Jin and Cheng 2017, Cross-domain recommendation: an embedding and mapping approach, IJCAI",
    .cost =
        "that of ials on the sources and on the target, and an epoch O(shared (d^2 + hidden d steps)) for the map",
    .advice =
        "For users who are cold in the target and known in a source, where enough others are in both to learn the "
        "map from (some hundreds). The linear map needs fewer. Compare with cmf, and with ials as the twin.",
    .revision = 1,
    .flags = RH_A_USES_SOURCES | RH_A_NEEDS_SOURCES | RH_A_COLD_USERS | RH_A_RANDOM,
    .params = emcdr_table,
    .params_size = sizeof(struct emcdr_params),
    .state_size = sizeof(struct emcdr_state),
    .epochs = 15,
    .fit = emcdr_fit,
    .epoch = emcdr_epoch,
    .score = emcdr_score,
    .persist = emcdr_persist,
};

RH_ALGORITHM(emcdr)
