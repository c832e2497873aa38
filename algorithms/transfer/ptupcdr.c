/* ptupcdr - personalised transfer of user preferences: a map of one's own from the source to the target.
 *
 * Zhu, Tang, Liu, Zhuang, Xie, Zhang, Lin and He 2022, "Personalized transfer of user preferences for cross-domain
 * recommendation" (WSDM). As in emcdr there is a factorisation of the sources and one of the target, here implicit
 * least squares; in place of one map for all a network makes a matrix for each user from what they did in the source
 * (algorithms/lib/personal.h). It is learned by the task, not by the distance of vectors: with y(u) the mapped vector
 * of a shared user and q the item vectors of the target, the loss is that of the scores y(u) . q(i) of the user's items
 * in the target against those of sampled others (mse towards 1 and 0, as their eq. 8 has it for ratings; bpr; bce).
 *
 * The factorisations are made by fit; epochs are passes over the shared users, in minibatches
 * (algorithms/lib/personal_learn.h). Cost of an epoch: shared users times (that of a map, plus rows d). */
#include "algorithms/lib/bridge.h"
#include "algorithms/lib/negative.h"
#include "algorithms/lib/personal_learn.h"

#define ROWS 32 /* rows of a user that are learned from in an epoch */

static const struct rh_choice losses[] = {
    { "mse", RH_MSE, "squared error: 1 for an item of the user, 0 for another" },
    { "bpr", RH_BPR, "the item above the others (Rendle et al. 2009)" },
    { "bce", RH_BCE, "binary cross-entropy" },
    { NULL, 0, NULL },
};

struct ptupcdr_params {
    RH_ALS_FIELDS;
    int64_t factor_epochs, meta, history, negatives, batch, own_from;
    double rate, decay;
    int loss;
};

static const struct rh_param ptupcdr_table[] = {
    RH_ALS_PARAMS(struct ptupcdr_params),
    RH_INT(struct ptupcdr_params, factor_epochs, 15, 1, 100000, "epochs of the factorisations, before the others"),
    RH_INT(struct ptupcdr_params, meta, 50, 1, 4096, "hidden units of the network that makes the maps"),
    RH_INT(struct ptupcdr_params, history, 20, 1, 1000, "items of the sources that a map is made from"),
    RH_ENUM(struct ptupcdr_params, loss, RH_MSE, losses, "what the maps are learned by"),
    RH_INT(struct ptupcdr_params, negatives, 4, 1, 64, "sampled items for each one of the user"),
    RH_INT(struct ptupcdr_params, batch, 64, 1, 4096, "users a step"),
    RH_REAL(struct ptupcdr_params, rate, 0.01, 1e-7, 10, "learning rate of the maps (Adam)"),
    RH_REAL(struct ptupcdr_params, decay, 0, 0, 100, "weight decay of the maps: share taken by a step of rate 1"),
    RH_INT(struct ptupcdr_params, own_from, 1, 1, 1000000000,
           "rows in the target from which a user's own vector counts"),
    RH_PARAMS_END,
};

struct ptupcdr_state {
    const struct ptupcdr_params *params;
    const struct rh_train *train;
    struct rh_bridge bridge;
    struct rh_personal_model personal;
};

/* Mean loss over (up to ROWS of) the user's rows in the target, each against sampled others. Who has taken every item
 * has nothing to tell apart: no loss. */
static double of_user(const void *arg, struct rh_rng *r, int32_t user, const struct rh_history *history,
                      const rh_real *y, rh_real weight, rh_real *dy)
{
    const struct ptupcdr_state *s = arg;
    const struct rh_als *m = &s->bridge.target;
    const struct rh_history *target = &history[s->train->target];
    const struct rh_domain *domain = &s->train->domain[s->train->target];
    int32_t d = s->personal.shape.d;
    int32_t count = (int32_t)s->params->negatives + 1, rows = target->n < ROWS ? target->n : ROWS, item[65] = { 0 };
    rh_real score[65], ds[65];
    double loss = 0;
    if (target->n >= domain->n_items)
        return 0;
    for (int32_t k = 0; k < rows; k++) {
        /* every row where there are few; else each is as likely as the others */
        item[0] = target->item[rows == target->n ? k : (int32_t)rh_rng_below(r, (uint32_t)target->n)];
        for (int32_t j = 1; j < count; j++)
            item[j] = rh_negative(domain, user, r);
        for (int32_t j = 0; j < count; j++)
            score[j] = rh_dot(d, y, m->item.x + (int64_t)item[j] * m->width);
        loss += rh_nn_loss(s->params->loss, count, score, 1 / (rh_real)rows, ds);
        for (int32_t j = 0; j < count; j++)
            rh_axpy(d, weight * ds[j], m->item.x + (int64_t)item[j] * m->width, dy);
    }
    return loss;
}

/* ------------------------------------------------------------------------------------------------------ the plugin */

static int check(struct rh_ctx *ctx, const void *params)
{
    const struct ptupcdr_params *p = params;
    if (p->factors > 256)
        return ctx->host->fail(ctx, RH_EINVAL,
                               "factors = %lld: a map has factors x factors numbers for each user, and ptupcdr goes "
                               "up to 256", (long long)p->factors);
    return RH_OK;
}

static int set_out(struct rh_ctx *ctx, struct ptupcdr_state *s, const struct ptupcdr_params *p,
                   const struct rh_train *train)
{
    s->params = p;
    s->train = train;
    return rh_personal_open(ctx, &s->personal,
                            &(struct rh_personal_options){ p->factors, p->meta, p->history, p->batch, p->rate,
                                                           p->decay }, train);
}

/* Where the maps find the vectors of the sources. */
static void connect(struct ptupcdr_state *s)
{
    const struct rh_als *m = &s->bridge.source;
    s->personal.first_item = m->first_item;
    s->personal.item = m->item.x;
    s->personal.user = m->user.x;
    s->personal.width = m->width;
}

static int ptupcdr_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct ptupcdr_params *p = params;
    struct ptupcdr_state *s = state;
    double loss;
    int status = set_out(ctx, s, p, train);
    if (status >= 0)
        status = rh_bridge_init(ctx, &s->bridge, &p->als, train, "ptupcdr");
    bool loading = ctx->host->purpose(ctx) & RH_FOR_LOADING;
    for (int64_t e = 0; e < p->factor_epochs && status >= 0 && !loading; e++)
        if ((status = rh_bridge_epoch(ctx, &s->bridge, &loss)) >= 0)
            status = ctx->host->tick(ctx, e, p->factor_epochs);
    if (status < 0)
        return status;
    connect(s);
    return rh_personal_start(ctx, &s->personal);
}

static int ptupcdr_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct ptupcdr_state *s = state;
    return rh_personal_epoch(ctx, &s->personal, s->train, s->bridge.shared, s->bridge.n_shared, epoch, of_user, s,
                             loss);
}

static int map_users(struct rh_ctx *ctx, const void *map, const struct rh_query *query, int32_t n, const float *x,
                     float *mapped)
{
    const struct ptupcdr_state *s = map;
    return rh_personal_map(ctx, &s->personal, query, n, x, mapped);
}

static int ptupcdr_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                         size_t stride)
{
    const struct ptupcdr_state *s = state;
    return rh_bridge_score(ctx, &s->bridge, s->params->own_from, map_users, s, query, n, out, stride);
}

static int ptupcdr_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct ptupcdr_params *p = params;
    struct ptupcdr_state *s = state;
    int status = s->params ? RH_OK : set_out(ctx, s, p, train);
    if (status >= 0)
        status = rh_bridge_persist(ctx, &s->bridge, &p->als, train);
    if (status >= 0)
        connect(s);
    return status < 0 ? status : rh_personal_persist(ctx, &s->personal);
}

static const struct rh_algorithm ptupcdr = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "ptupcdr",
    .summary = "factors of source and target apart, and a map for each user, made from their history in the source",
    .reference = "Zhu, Tang, Liu, Zhuang, Xie, Zhang, Lin and He 2022, Personalized transfer of user preferences for "
                 "cross-domain recommendation, WSDM",
    .cost = "that of ials on the sources and on the target; epoch O(shared (meta d^2 + history d^2 + rows d)); a query "
            "O(meta d^2) more than ials; memory as two ials and 16 meta d^2 bytes",
    .advice = "As emcdr, where users differ in how they carry over and thousands are shared; with some hundreds the "
              "one map of emcdr is safer. Keep factors small (10 to 32): a map has factors^2 numbers. Tune rate and "
              "epochs.",
    .revision = 2,
    .flags = RH_A_USES_SOURCES | RH_A_NEEDS_SOURCES | RH_A_COLD_USERS | RH_A_RANDOM | RH_A_RESUMES,
    .params = ptupcdr_table,
    .params_size = sizeof(struct ptupcdr_params),
    .state_size = sizeof(struct ptupcdr_state),
    .epochs = 10,
    .check = check,
    .fit = ptupcdr_fit,
    .epoch = ptupcdr_epoch,
    .score = ptupcdr_score,
    .persist = ptupcdr_persist,
};

RH_ALGORITHM(ptupcdr)
