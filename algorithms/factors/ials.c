/* ials - implicit alternating least squares on the target. algorithms/lib/als.h has the model, the papers, the
 * equations and the cost. A query's vector is solved for from its history, so unseen users are folded in; without a
 * history all scores are equal. */
#include "algorithms/lib/als.h"

struct ials_params {
    RH_ALS_FIELDS;
};

static const struct rh_param ials_table[] = {
    RH_ALS_PARAMS(struct ials_params),
    RH_PARAMS_END,
};

struct ials_state {
    struct rh_als als;
    double *share; /* [n_domains] 1 for the target */
    int32_t target;
};

static int set_out(struct rh_ctx *ctx, struct ials_state *s, const struct rh_train *train)
{
    s->target = train->target;
    s->share = ctx->host->alloc(ctx, (size_t)train->n_domains, sizeof *s->share);
    if (!s->share)
        return RH_ENOMEM;
    s->share[train->target] = 1;
    return RH_OK;
}

static int ials_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct ials_params *p = params;
    struct ials_state *s = state;
    int status = set_out(ctx, s, train);
    return status < 0 ? status : rh_als_init(ctx, &s->als, &p->als, train, s->share, "ials");
}

static int ials_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct ials_state *s = state;
    (void)epoch;
    return rh_als_epoch(ctx, &s->als, loss);
}

static int ials_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                      size_t stride)
{
    const struct ials_state *s = state;
    return rh_als_answer(ctx, &s->als, s->target, query, n, out, stride);
}

static int ials_explain(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item,
                        int32_t max, int32_t *why, float *weight)
{
    const struct ials_state *s = state;
    return rh_als_explain(ctx, &s->als, s->target, query, item, max, why, weight);
}

static int ials_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct ials_params *p = params;
    struct ials_state *s = state;
    int status = s->share ? RH_OK : set_out(ctx, s, train);
    return status < 0 ? status : rh_als_persist(ctx, &s->als, &p->als, train, s->share, "ials");
}

static const struct rh_algorithm ials = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "ials",
    .summary = "implicit alternating least squares: factors of users and items, every pair weighted",
    .reference = "Hu, Koren and Volinsky 2008, Collaborative filtering for implicit feedback datasets; Rendle, "
                 "Krichene, Zhang and Koren 2022, Revisiting the performance of iALS on item recommendation benchmarks",
    .cost = "epoch O(nnz d^2 + (U + I) d^3) exact, O(steps (nnz d + (U + I) d^2)) cg; score O(|history| d^2 + d^3 + "
            "I d) a query; memory 4 d (U + I) + 16 nnz bytes",
    .advice = "A strong baseline for implicit feedback on any size of data; unseen users are folded in. Tune reg and "
              "unobserved together (each by factors of 3), then factors upwards: more help for long, if reg grows with "
              "them. It cannot score items without interactions.",
    .revision = 1,
    .flags = RH_A_COLD_USERS | RH_A_RANDOM | RH_A_RESUMES,
    .params = ials_table,
    .params_size = sizeof(struct ials_params),
    .state_size = sizeof(struct ials_state),
    .epochs = 15,
    .fit = ials_fit,
    .epoch = ials_epoch,
    .score = ials_score,
    .explain = ials_explain,
    .persist = ials_persist,
};

RH_ALGORITHM(ials)
