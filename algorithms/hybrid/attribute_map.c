/* attribute_map - factors for items that nobody has seen yet, from their features.
 *
 * Gantner, Drumond, Freudenthaler, Rendle and Schmidt-Thieme 2010, "Learning attribute-to-feature mappings for
 * cold-start recommendations" (ICDM), their linear mapping of item attributes (section IV). Two steps:
 * (1) a factorisation of the target, here implicit least squares (algorithms/lib/als.h; theirs: bpr);
 * (2) a map from the features f(i) of an item to its vector q(i), learned on the items with train rows,
 *
 *     min over W  sum over i  |f(i) W - q(i)|^2 + map_reg |W|^2
 *
 * a ridge regression (theirs: by gradient steps on the same loss), all factors at once by conjugate gradients
 * (algorithms/lib/ridge.h). An item without train rows gets f(i) W, the others keep their own vectors; f has a column
 * of ones, so an item without features gets a vector of the middle. Both steps are repeated in each epoch, so that
 * validation sees a whole model, and the map starts from that of the epoch before.
 *
 * Users are as in ials: folded in from their history. */
#include "algorithms/lib/als.h"
#include "algorithms/lib/ridge.h"

#include <string.h>

struct attribute_map_params {
    RH_ALS_FIELDS;
    RH_ITEM_FEATURES_FIELDS;
    double map_reg;
    int64_t map_steps;
};

static const struct rh_param attribute_map_table[] = {
    RH_ALS_PARAMS(struct attribute_map_params),
    RH_ITEM_FEATURES_PARAMS(struct attribute_map_params),
    RH_REAL(struct attribute_map_params, map_reg, 1, 1e-6, 1e9, "L2 regularisation of the map"),
    RH_INT(struct attribute_map_params, map_steps, 50, 1, 10000, "steps of conjugate gradients an epoch, at most"),
    RH_PARAMS_END,
};

struct attribute_map_state {
    const struct attribute_map_params *params;
    struct rh_als als;
    double *share; /* [n_domains] 1 for the target */
    struct rh_item_features f;
    float *w; /* [f.n_cols x width] the map; not needed for scoring */
    int32_t target;
};

static int set_out(struct rh_ctx *ctx, struct attribute_map_state *s, const struct attribute_map_params *p,
                   const struct rh_train *train)
{
    s->params = p;
    s->target = train->target;
    s->share = ctx->host->alloc(ctx, (size_t)train->n_domains, sizeof *s->share);
    if (!s->share)
        return RH_ENOMEM;
    s->share[train->target] = 1;
    return RH_OK;
}

static bool seen(const struct attribute_map_state *s, int64_t i)
{
    return s->als.item.row[i] < s->als.item.row[i + 1];
}

static int learn_map(struct rh_ctx *ctx, struct attribute_map_state *s)
{
    int32_t width = s->als.width;
    const struct rh_ridge r = { .f = &s->f,
                                .item_rows = s->als.item.row,
                                .y = s->als.item.x,
                                .reg = s->params->map_reg,
                                .width = width,
                                .steps = (int32_t)s->params->map_steps };
    int status = rh_ridge(ctx, &r, s->w);
    for (int32_t i = 0; i < s->f.n_items && status >= 0; i++)
        if (!seen(s, i))
            rh_ridge_apply(&s->f, i, s->w, width, s->als.item.x + (int64_t)i * width);
    return status;
}

static int attribute_map_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct attribute_map_state *s = state;
    const struct attribute_map_params *p = params;
    int status = set_out(ctx, s, p, train);
    if (status >= 0)
        status = rh_item_features(ctx, &p->features, train, ctx->host->alloc, &s->f);
    if (status >= 0)
        status = rh_als_init(ctx, &s->als, &p->als, train, s->share, "attribute_map");
    if (status < 0)
        return status;
    s->w = ctx->host->alloc(ctx, (size_t)s->f.n_cols, (size_t)s->als.width * sizeof *s->w);
    if (!s->w)
        return RH_ENOMEM;
    return ctx->host->purpose(ctx) & RH_FOR_LOADING ? RH_OK : learn_map(ctx, s);
}

static int attribute_map_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct attribute_map_state *s = state;
    size_t row = (size_t)s->als.width * sizeof(float);
    (void)epoch;
    for (int64_t i = 0; i < s->f.n_items; i++) /* mapped vectors have no part in training: 0 solves their problem */
        if (!seen(s, i))
            memset(s->als.item.x + i * s->als.width, 0, row);
    int status = rh_als_epoch(ctx, &s->als, loss);
    return status < 0 ? status : learn_map(ctx, s);
}

static int attribute_map_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n,
                               float *out, size_t stride)
{
    const struct attribute_map_state *s = state;
    return rh_als_answer(ctx, &s->als, s->target, query, n, out, stride);
}

static int attribute_map_explain(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item,
                                 int32_t max, int32_t *why, float *weight)
{
    const struct attribute_map_state *s = state;
    return rh_als_explain(ctx, &s->als, s->target, query, item, max, why, weight);
}

static int attribute_map_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct attribute_map_params *p = params;
    struct attribute_map_state *s = state;
    int status = s->share ? RH_OK : set_out(ctx, s, p, train);
    if (status >= 0)
        status = rh_als_persist(ctx, &s->als, &p->als, train, s->share, "attribute_map");
    if (status < 0 || !s->w || !(ctx->host->purpose(ctx) & RH_FOR_STARTING))
        return status;
    return ctx->host->field(ctx, "map", &s->w, s->f.n_cols, (size_t)s->als.width * sizeof *s->w);
}

static const struct rh_algorithm attribute_map = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "attribute_map",
    .summary = "implicit least squares, and a map from features to factors for items without interactions",
    .reference = "Gantner, Drumond, Freudenthaler, Rendle and Schmidt-Thieme 2010, Learning attribute-to-feature "
                 "mappings for cold-start recommendations (ICDM)",
    .cost = "that of ials, and an epoch O(map_steps nnz(features) d) for the map; memory 4 d (U + I + C) + 16 nnz + "
            "8 nnz(features) bytes for C feature columns, and 4 d (3 C + I) while mapping",
    .advice = "For new items that have features, in a catalogue where others have interactions: these are ranked as "
              "by ials. Tune ials first, then map_reg (by factors of 10) and blocks. Compare with content, which "
              "needs no factors.",
    .revision = 1,
    .flags = RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS | RH_A_RANDOM | RH_A_RESUMES,
    .params = attribute_map_table,
    .params_size = sizeof(struct attribute_map_params),
    .state_size = sizeof(struct attribute_map_state),
    .epochs = 15,
    .fit = attribute_map_fit,
    .epoch = attribute_map_epoch,
    .score = attribute_map_score,
    .explain = attribute_map_explain,
    .persist = attribute_map_persist,
};

RH_ALGORITHM(attribute_map)
