/* two_tower - a tower of layers for the user, one for the item, and the product of what they make of them.
 *
 * Covington, Adams and Sargin 2016, "Deep neural networks for YouTube recommendations" (RecSys): the user is the mean
 * of the vectors of the items in the history, beside user features, under dense layers. Yi et al. 2019,
 * "Sampling-bias-corrected neural modeling for large corpus item recommendations" (RecSys): the item has a tower of its
 * own; both ends are normalised; the negatives of an interaction are the other items of its minibatch:
 *
 *     t_i = own vector of i + bags of its features (tower.h)                                          [E]
 *     u = normal(layers_u([mean of t_j over the history without i ; bags of the user's features]))
 *     v_i = normal(layers_i(t_i))
 *     s(u, i) = u . v_i / temperature
 *     loss = - log softmax over j of the minibatch (s(u, j) - log p_j) at j = i
 *
 * p_j, the share of j in the interactions, is the chance to be such a negative: without the correction popular items
 * are pushed down for being popular. Items that the user has taken are no negatives of the user.
 *
 * Of a long history `history` items at random are seen in training; with probability history_dropout only some of
 * these, down to none. A query sees all of its history: unseen users are answered like all others. Items without
 * interactions are described by their features.
 *
 * Threads do not change the numbers (towers.h). */
#include "algorithms/lib/factors.h"
#include "algorithms/lib/towers.h"

#include <string.h>

#define TILE 64 /* items whose ends are made together */

struct two_tower_params {
    int64_t factors, hidden, depth, batch, history;
    double rate, decay, temperature, spread, history_dropout;
    int optimizer, bag;
    bool correction, normalise, idf;
};

static const struct rh_choice optimizers[] = {
    { "adam", RH_ADAM, "Adam with decoupled weight decay" },
    { "adagrad", RH_ADAGRAD, "AdaGrad, as in Yi et al." },
    { "sgd", RH_SGD, "plain gradient descent" },
    { NULL, 0, NULL },
};

static const struct rh_choice bags[] = {
    { "mean", RH_BAG_MEAN, "weighted mean of their vectors" },
    { "sum", RH_BAG_SUM, "weighted sum" },
    { "unit", RH_BAG_UNIT, "weighted sum, weights of length 1" },
    { NULL, 0, NULL },
};

static const struct rh_param two_tower_table[] = {
    RH_INT(struct two_tower_params, factors, 32, 2, 1024, "width of items' vectors and of both towers' ends"),
    RH_INT(struct two_tower_params, hidden, 64, 1, 4096, "units of each hidden layer"),
    RH_INT(struct two_tower_params, depth, 1, 0, RH_MLP_LAYERS - 1, "hidden layers of each tower; 0: a linear map"),
    RH_INT(struct two_tower_params, batch, 512, 2, 1 << 14,
           "interactions a step; each has the others' items as negatives"),
    RH_REAL(struct two_tower_params, temperature, 0.1, 1e-4, 1e4,
            "by which scores are divided; small: hard negatives count"),
    RH_BOOL(struct two_tower_params, normalise, true, "both ends have length 1, so that scores are cosines"),
    RH_BOOL(struct two_tower_params, correction, true,
            "take log p of an item from its score in training (logQ correction)"),
    RH_INT(struct two_tower_params, history, 50, 1, 1 << 20, "items of a history that training sees at once"),
    RH_REAL(struct two_tower_params, history_dropout, 0.1, 0, 1,
            "share of interactions whose history is thinned, to any length"),
    RH_ENUM(struct two_tower_params, optimizer, RH_ADAM, optimizers, "rule by which weights move"),
    RH_REAL(struct two_tower_params, rate, 0.003, 1e-9, 10, "learning rate"),
    RH_REAL(struct two_tower_params, decay, 0, 0, 100, "weight decay: share taken from a weight by a step of rate 1"),
    RH_REAL(struct two_tower_params, spread, 0.1, 1e-9, 10, "standard deviation of initial vectors"),
    RH_ENUM(struct two_tower_params, bag, RH_BAG_UNIT, bags, "how the features of a sparse block add up"),
    RH_BOOL(struct two_tower_params, idf, true, "rare item features weigh more (inverse document frequency)"),
    RH_PARAMS_END,
};

struct two_tower_state {
    const struct two_tower_params *params;
    struct rh_towers net;
    /* made by publish, read by scoring */
    rh_real *vector; /* [n_items x E] t */
    float *item;     /* [n_items x width] v, padded */
    int32_t n_items, width;
};

static void take_shapes(struct two_tower_state *s, const struct two_tower_params *p, const struct rh_train *train)
{
    *s = (struct two_tower_state){ .params = p, .n_items = train->domain[train->target].n_items };
    s->net =
        (struct rh_towers){ .train = train,
                            .E = (int32_t)p->factors,
                            .history = p->history,
                            .history_dropout = p->history_dropout,
                            .temperature = p->temperature,
                            .normalise = p->normalise,
                            .correction = p->correction,
                            .rule = { .kind = (enum rh_optimizer)p->optimizer, .rate = p->rate, .decay = p->decay } };
    s->width = rh_factor_width(p->factors);
    for (int side = 0; side < RH_SIDES; side++) {
        struct rh_mlp *m = &s->net.end[side].net;
        *m = (struct rh_mlp){ .layers = (int32_t)p->depth + 1, .hidden = RH_RELU, .last = RH_LINEAR };
        m->width[0] = (int32_t)(side == RH_USER_SIDE && train->n_user_blocks > 0 ? 2 * p->factors : p->factors);
        for (int32_t l = 1; l <= p->depth; l++)
            m->width[l] = (int32_t)p->hidden;
        m->width[m->layers] = (int32_t)p->factors;
        s->net.end[side].size = rh_mlp_size(m);
    }
}

static int two_tower_check(struct rh_ctx *ctx, const void *params)
{
    const struct two_tower_params *p = params;
    if (p->rate * p->decay >= 1)
        return ctx->host->fail(ctx, RH_EINVAL,
                               "rate * decay = %g, below 1 is allowed: a step takes that share of "
                               "every weight",
                               p->rate * p->decay);
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------------ scoring */

static int publish_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct two_tower_state *s = arg;
    const struct rh_layers *e = &s->net.end[RH_ITEM_SIDE];
    int32_t E = (int32_t)s->params->factors, n = (int32_t)(end - begin);
    rh_real *tape = ctx->host->scratch(ctx, rh_mlp_tape(&e->net, TILE), sizeof *tape);
    rh_real *y = ctx->host->scratch(ctx, TILE, (size_t)E * sizeof *y), length[TILE];
    if (!tape || !y)
        return RH_ENOMEM;
    memcpy(y, rh_mlp_forward(&e->net, e->phi, n, s->vector + begin * E, NULL, tape), (size_t)(n * E) * sizeof *y);
    if (s->params->normalise)
        rh_towers_normalise(n, E, y, length);
    for (int32_t k = 0; k < n; k++)
        for (int32_t f = 0; f < E; f++)
            s->item[(begin + k) * s->width + f] = (float)y[k * E + f];
    return RH_OK;
}

/* Makes the items' ends from their vectors. */
static int publish(struct rh_ctx *ctx, struct two_tower_state *s)
{
    bool finite = rh_nn_finite((int64_t)s->n_items * s->params->factors, s->vector);
    for (int side = 0; side < RH_SIDES; side++)
        finite = finite && rh_nn_finite(s->net.end[side].size, s->net.end[side].phi);
    for (int32_t b = 0; b < s->net.train->n_user_blocks; b++)
        finite = finite &&
                 rh_nn_finite((int64_t)s->net.user_table[b].n * s->net.user_table[b].E, s->net.user_table[b].w);
    if (!finite)
        return ctx->host->fail(ctx, RH_ENUMERIC, "the weights are no numbers any more; lower rate, which is %g",
                               s->params->rate);
    return ctx->host->parallel(ctx, s->n_items, TILE, publish_part, s);
}

/* user[width]: the end of the user's tower, over the temperature. */
static int user_end(struct rh_ctx *ctx, const struct two_tower_state *s, const struct rh_query *q, float *user)
{
    const struct rh_layers *e = &s->net.end[RH_USER_SIDE];
    const struct rh_history *h = &q->history[s->net.train->target];
    int32_t E = (int32_t)s->params->factors;
    rh_real *x = ctx->host->scratch(ctx, (size_t)e->net.width[0], sizeof *x), length;
    rh_real *tape = ctx->host->scratch(ctx, rh_mlp_tape(&e->net, 1), sizeof *tape), *y;
    if (!x || !tape)
        return RH_ENOMEM;
    for (int32_t j = 0; j < h->n; j++)
        rh_axpy(E, 1 / (rh_real)h->n, s->vector + (size_t)h->item[j] * (size_t)E, x);
    rh_towers_user_bags(&s->net, q->user, x + E);
    rh_mlp_forward(&e->net, e->phi, 1, x, NULL, tape);
    y = tape + rh_mlp_tape(&e->net, 1) - (size_t)E;
    if (s->params->normalise)
        rh_towers_normalise(1, E, y, &length);
    for (int32_t f = 0; f < E; f++)
        user[f] = (float)(y[f] / (rh_real)s->params->temperature);
    return RH_OK;
}

static int two_tower_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                           size_t stride)
{
    const struct two_tower_state *s = state;
    float *user = ctx->host->scratch(ctx, (size_t)n, (size_t)s->width * sizeof *user);
    if (!user)
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++) {
        int status = user_end(ctx, s, &query[k], user + (size_t)k * (size_t)s->width);
        if (status < 0)
            return status;
    }
    rh_factors_score(user, s->item, NULL, s->n_items, s->width, query, n, out, stride);
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------- fit, epochs */

/* All items' vectors, then their ends. */
static int refresh(struct rh_ctx *ctx, struct two_tower_state *s)
{
    rh_tower_vectors(&s->net.tower, NULL, 0, s->n_items, s->vector);
    return publish(ctx, s);
}

static int take_ends(struct rh_ctx *ctx, struct two_tower_state *s)
{
    s->item = ctx->host->alloc(ctx, (size_t)s->n_items, (size_t)s->width * sizeof *s->item);
    return s->item ? RH_OK : RH_ENOMEM;
}

static int two_tower_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct two_tower_state *s = state;
    const struct two_tower_params *p = params;
    take_shapes(s, p, train);
    int status = rh_towers_init(ctx, &s->net, (enum rh_bag)p->bag, p->idf, p->spread);
    if (status < 0 || (status = take_ends(ctx, s)) < 0)
        return status;
    s->vector = ctx->host->alloc(ctx, (size_t)s->n_items, (size_t)s->net.E * sizeof *s->vector);
    return s->vector ? refresh(ctx, s) : RH_ENOMEM;
}

static int two_tower_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct two_tower_state *s = state;
    int32_t batch = (int32_t)(s->params->batch < s->net.n_rows ? s->params->batch : s->net.n_rows), steps = 0;
    int32_t *order = ctx->host->scratch(ctx, (size_t)s->net.n_rows, sizeof *order);
    struct rh_towers_step t;
    if (!order)
        return RH_ENOMEM;
    int status = rh_towers_step_init(ctx, &s->net, batch, &t);
    for (int32_t k = 0; k < s->net.n_rows; k++)
        order[k] = k;
    struct rh_rng r = ctx->host->stream(ctx, "order", (uint64_t)epoch);
    rh_rng_shuffle(&r, order, s->net.n_rows);
    *loss = 0;
    /* What is left of a pass is no full step, in which negatives would be few; in another order it is another part. */
    for (int32_t k = 0; status >= 0 && k + batch <= s->net.n_rows; k += batch, steps++) {
        t.row = order + k;
        t.number = (uint64_t)epoch << 32 | (uint32_t)steps;
        status = rh_towers_learn(ctx, &t, loss);
        status = status < 0 ? status : rh_towers_move(ctx, &t);
        status = status < 0 ? status : ctx->host->tick(ctx, k + batch, s->net.n_rows);
    }
    *loss /= steps;
    return status < 0 ? status : refresh(ctx, s);
}

static int two_tower_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct two_tower_state *s = state;
    bool made = s->params, loading = ctx->host->purpose(ctx) & RH_FOR_LOADING;
    int status = RH_OK;
    if (!made) {
        take_shapes(s, params, train);
        if ((status = rh_towers_describe(ctx, &s->net)) < 0 || (status = take_ends(ctx, s)) < 0)
            return status;
    }
    if (!(made && loading)) /* the tower makes them anew */
        status = ctx->host->field(ctx, "item vectors", &s->vector, (int64_t)s->n_items * s->net.E, sizeof *s->vector);
    status = status < 0 ? status : rh_towers_persist(ctx, &s->net, made);
    if (status < 0 || !loading)
        return status;
    return made ? refresh(ctx, s) : publish(ctx, s);
}

static const struct rh_algorithm two_tower = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "two_tower",
    .summary =
        "layers over a user's history and features, layers over an item's, sampled softmax with logQ correction",
    .reference =
        "Yi, Yang, Hong, Cheng, Heldt, Kumthekar, Zhao, Wei and Chi 2019, Sampling-bias-corrected neural modeling "
        "for large corpus item recommendations, RecSys; Covington, Adams and Sargin 2016, Deep neural networks "
        "for YouTube recommendations, RecSys",
    .cost = "epoch O(nnz (history E + E hidden + batch E)); score O(|history| E + E hidden + I E) a query; memory 16 "
            "(I + "
            "feature columns) E + 4 batch^2 bytes",
    .advice =
        "For many users who come and go: unseen ones are answered from their history and features, and new items "
        "from their features. Tune temperature, rate and the number of epochs (early stopping) first, then batch, "
        "which is the number of negatives.",
    .revision = 1,
    .flags = RH_A_RANDOM | RH_A_COLD_USERS | RH_A_COLD_ITEMS | RH_A_RESUMES,
    .params = two_tower_table,
    .params_size = sizeof(struct two_tower_params),
    .state_size = sizeof(struct two_tower_state),
    .epochs = 20,
    .check = two_tower_check,
    .fit = two_tower_fit,
    .epoch = two_tower_epoch,
    .score = two_tower_score,
    .persist = two_tower_persist,
};

RH_ALGORITHM(two_tower)
