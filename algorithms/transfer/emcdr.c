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
#include "algorithms/lib/bridge.h"
#include "algorithms/lib/lapack.h"
#include "algorithms/lib/mlp.h"

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

/* The map of hidden units, and the memory of its optimiser. */
struct mlp {
    struct rh_mlp shape;
    rh_real *w, *g, *first, *second; /* [rh_mlp_size] */
    struct rh_optimizer_state adam;
};

struct emcdr_state {
    const struct emcdr_params *params;
    struct rh_bridge bridge;
    float *matrix; /* [width x width] x' M, row-major */
    struct mlp mlp;
};

static int mlp_init(struct rh_ctx *ctx, struct mlp *m, const struct emcdr_params *p)
{
    int32_t width = rh_factor_width(p->factors);
    *m = (struct mlp){ .shape = { .layers = 2, .width = { width, (int32_t)p->hidden, width }, .hidden = RH_TANH,
                                  .last = RH_LINEAR } };
    size_t n = (size_t)rh_mlp_size(&m->shape);
    m->w = ctx->host->alloc(ctx, n, sizeof *m->w);
    m->g = ctx->host->alloc(ctx, n, sizeof *m->g);
    m->first = ctx->host->alloc(ctx, n, sizeof *m->first);
    m->second = ctx->host->alloc(ctx, n, sizeof *m->second);
    if (!m->w || !m->g || !m->first || !m->second)
        return RH_ENOMEM;
    struct rh_rng r = ctx->host->stream(ctx, "emcdr map", 0);
    rh_mlp_init(&m->shape, &r, m->w);
    m->adam = (struct rh_optimizer_state){ .kind = RH_ADAM, .rate = p->map_rate, .decay = p->map_reg };
    return RH_OK;
}

/* Gradient of the mean over rows of |f(x) - t|^2 / 2 into m->g; returns that mean. dy[n x width], tape and work (sizes
 * of mlp.h) are room. */
static double mlp_gradient(struct mlp *m, const rh_real *x, const rh_real *t, int32_t n, rh_real *tape, rh_real *dy,
                           rh_real *work)
{
    const rh_real *y = rh_mlp_forward(&m->shape, m->w, n, x, NULL, tape);
    double loss = 0;
    for (int64_t k = 0; k < (int64_t)n * m->shape.width[2]; k++) {
        rh_real e = y[k] - t[k];
        loss += (double)e * e;
        dy[k] = e / (rh_real)n;
    }
    rh_mlp_back(&m->shape, m->w, n, x, NULL, tape, dy, m->g, NULL, work);
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
    for (int32_t k = 0; k < s->bridge.n_shared; k++)
        memcpy(out + (int64_t)k * width, x + (int64_t)s->bridge.shared[k] * width, (size_t)width * sizeof *out);
}

static int learn_map(struct rh_ctx *ctx, struct emcdr_state *s)
{
    const struct emcdr_params *p = s->params;
    int32_t width = s->bridge.source.width, n = s->bridge.n_shared;
    size_t row = (size_t)width * sizeof(float);
    float *x = ctx->host->scratch(ctx, (size_t)n, row), *t = ctx->host->scratch(ctx, (size_t)n, row);
    if (!x || !t)
        return RH_ENOMEM;
    rows_of(s, s->bridge.source.user.x, width, x);
    rows_of(s, s->bridge.target.user.x, width, t);
    if (p->map == LINEAR)
        return ridge(ctx, p, x, t, n, s->matrix);
    const struct rh_mlp *shape = &s->mlp.shape;
    float *tape = ctx->host->scratch(ctx, rh_mlp_tape(shape, n), sizeof *tape);
    float *work = ctx->host->scratch(ctx, rh_mlp_work(shape, n), sizeof *work);
    float *dy = ctx->host->scratch(ctx, (size_t)n, row);
    if (!tape || !work || !dy)
        return RH_ENOMEM;
    for (int64_t step = 0; step < p->map_steps; step++) {
        int status = ctx->host->tick(ctx, step, p->map_steps);
        if (status < 0)
            return status;
        mlp_gradient(&s->mlp, x, t, n, tape, dy, work);
        rh_nn_step(&s->mlp.adam, 1);
        rh_nn_descend(&s->mlp.adam, rh_mlp_size(shape), s->mlp.w, s->mlp.g, s->mlp.first, s->mlp.second);
    }
    if (!rh_nn_finite(rh_mlp_size(shape), s->mlp.w))
        return ctx->host->fail(ctx, RH_ENUMERIC, "the map diverged; lower map_rate below %g", p->map_rate);
    return RH_OK;
}

static int set_out(struct rh_ctx *ctx, struct emcdr_state *s, const struct emcdr_params *p)
{
    size_t width = (size_t)rh_factor_width(p->factors);
    s->params = p;
    s->matrix = ctx->host->alloc(ctx, width, width * sizeof *s->matrix);
    if (!s->matrix)
        return RH_ENOMEM;
    return p->map == MLP ? mlp_init(ctx, &s->mlp, p) : RH_OK;
}

static int emcdr_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct emcdr_state *s = state;
    const struct emcdr_params *p = params;
    int status = set_out(ctx, s, p);
    if (status >= 0)
        status = rh_bridge_init(ctx, &s->bridge, &p->als, train, "emcdr");
    return status < 0 || ctx->host->purpose(ctx) & RH_FOR_LOADING ? status : learn_map(ctx, s);
}

static int emcdr_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct emcdr_state *s = state;
    (void)epoch;
    int status = rh_bridge_epoch(ctx, &s->bridge, loss);
    return status < 0 ? status : learn_map(ctx, s);
}

static int map_users(struct rh_ctx *ctx, const void *map, const struct rh_query *query, int32_t n, const float *x,
                     float *mapped)
{
    const struct emcdr_state *s = map;
    int32_t width = s->bridge.source.width;
    (void)query;
    if (s->params->map == LINEAR) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, width, width, 1, x, width, s->matrix, width, 0,
                    mapped, width);
        return RH_OK;
    }
    float *tape = ctx->host->scratch(ctx, rh_mlp_tape(&s->mlp.shape, n), sizeof *tape);
    if (!tape)
        return RH_ENOMEM;
    memcpy(mapped, rh_mlp_forward(&s->mlp.shape, s->mlp.w, n, x, NULL, tape), (size_t)n * (size_t)width * sizeof *x);
    return RH_OK;
}

static int emcdr_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                       size_t stride)
{
    const struct emcdr_state *s = state;
    return rh_bridge_score(ctx, &s->bridge, s->params->own_from, map_users, s, query, n, out, stride);
}

static int persist_mlp(struct rh_ctx *ctx, struct mlp *m)
{
    int64_t n = rh_mlp_size(&m->shape);
    int status = ctx->host->field(ctx, "map", &m->w, n, sizeof *m->w);
    if (status < 0 || !(ctx->host->purpose(ctx) & RH_FOR_RESUMING))
        return status;
    if ((status = ctx->host->field(ctx, "map first", &m->first, n, sizeof *m->w)) < 0 ||
        (status = ctx->host->field(ctx, "map second", &m->second, n, sizeof *m->w)) < 0)
        return status;
    return ctx->host->value(ctx, "map steps", &m->adam.step, sizeof m->adam.step);
}

static int emcdr_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct emcdr_params *p = params;
    struct emcdr_state *s = state;
    int status = s->params ? RH_OK : set_out(ctx, s, p);
    if (status >= 0)
        status = rh_bridge_persist(ctx, &s->bridge, &p->als, train);
    if (status < 0)
        return status;
    int32_t width = rh_factor_width(p->factors);
    return p->map == LINEAR ? ctx->host->field(ctx, "map", &s->matrix, width, (size_t)width * sizeof *s->matrix)
                            : persist_mlp(ctx, &s->mlp);
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
    .revision = 2,
    .flags = RH_A_USES_SOURCES | RH_A_NEEDS_SOURCES | RH_A_COLD_USERS | RH_A_RANDOM | RH_A_RESUMES,
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
