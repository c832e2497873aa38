/* cmf - collective matrix factorisation: one vector a user for all domains, one vector an item of each.
 *
 * Singh and Gordon 2008, "Relational learning via collective matrix factorization" (KDD): matrices that share an entity
 * share its factors. Here the domains share their users, so the model is one implicit factorisation of the matrices
 * side by side, the rows of the sources weighing `source_weight` of the target's; algorithms/lib/als.h has the
 * objective. A user who is cold in the target has a vector from the history in the sources. The twin without transfer
 * is ials with the same settings. */
#include "algorithms/lib/als.h"
#include "algorithms/lib/preconditions.h"

struct cmf_params {
    RH_ALS_FIELDS;
    double source_weight;
};

static const struct rh_param cmf_table[] = {
    RH_ALS_PARAMS(struct cmf_params),
    RH_REAL(struct cmf_params, source_weight, 0.5, 1e-9, 1e9,
            "weight of a row of a source against one of the target"),
    RH_PARAMS_END,
};

struct cmf_state {
    struct rh_als als;
    double *share; /* [n_domains] */
    int32_t target;
};

static int set_out(struct rh_ctx *ctx, struct cmf_state *s, const struct cmf_params *p, const struct rh_train *train)
{
    s->target = train->target;
    s->share = ctx->host->alloc(ctx, (size_t)train->n_domains, sizeof *s->share);
    if (!s->share)
        return RH_ENOMEM;
    for (int32_t d = 0; d < train->n_domains; d++)
        s->share[d] = d == train->target ? 1 : p->source_weight;
    return RH_OK;
}

static int cmf_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct cmf_params *p = params;
    struct cmf_state *s = state;
    int status = rh_needs_shared_users(ctx, "cmf", "joins the domains by", train);
    if (status >= 0)
        status = set_out(ctx, s, p, train);
    return status < 0 ? status : rh_als_init(ctx, &s->als, &p->als, train, s->share, "cmf");
}

static int cmf_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct cmf_state *s = state;
    (void)epoch;
    return rh_als_epoch(ctx, &s->als, loss);
}

static int cmf_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                     size_t stride)
{
    const struct cmf_state *s = state;
    return rh_als_answer(ctx, &s->als, s->target, query, n, out, stride);
}

/* The part of the target's history; what the sources add is not shown. */
static int cmf_explain(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item, int32_t max,
                       int32_t *why, float *weight)
{
    const struct cmf_state *s = state;
    return rh_als_explain(ctx, &s->als, s->target, query, item, max, why, weight);
}

static int cmf_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct cmf_params *p = params;
    struct cmf_state *s = state;
    int status = s->share ? RH_OK : set_out(ctx, s, p, train);
    return status < 0 ? status : rh_als_persist(ctx, &s->als, &p->als, train, s->share, "cmf");
}

static const struct rh_algorithm cmf = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "cmf",
    .summary = "collective matrix factorisation: users share their factors over all domains",
    .reference = "Singh and Gordon 2008, Relational learning via collective matrix factorization, KDD; Hu, Koren and "
                 "Volinsky 2008, Collaborative filtering for implicit feedback datasets",
    .cost = "that of ials over the rows and items of all domains together: epoch O(nnz d^2 + (U + I) d^3), memory "
            "4 d (U + I) + 24 nnz bytes",
    .advice = "The first thing to try where domains share users: a user who is cold in the target is served from the "
              "history in the sources. Tune source_weight, then reg and unobserved as for ials, its twin without "
              "transfer; with unrelated domains it can fall below that.",
    .revision = 1,
    .flags = RH_A_USES_SOURCES | RH_A_NEEDS_SOURCES | RH_A_COLD_USERS | RH_A_RANDOM | RH_A_RESUMES,
    .params = cmf_table,
    .params_size = sizeof(struct cmf_params),
    .state_size = sizeof(struct cmf_state),
    .epochs = 15,
    .fit = cmf_fit,
    .epoch = cmf_epoch,
    .score = cmf_score,
    .explain = cmf_explain,
    .persist = cmf_persist,
};

RH_ALGORITHM(cmf)
