/* mwuf - vectors of new items: an average vector that their features stretch and their first users shift.
 *
 * Zhu, Xie, Zhuang, Ge, Sun, Zhang, Lin and Cao 2021, "Learning to warm up cold item embeddings for cold-start
 * recommendation with meta scaling and shifting networks" (SIGIR), on a factorisation that is trained first and rests
 * (algorithms/lib/new_items.h, which also says how items with train rows play new ones, and what the loss l of a
 * vector on a set of users is). With f the features of an item and U the users known so far,
 *
 *     c = average of all q(i), then cold_steps times  c -= cold_rate l_U'(c)         cold vector, by L_cold
 *     q = c * scale(f) + shift(mean over U of p(u))                                  warm vector, element by element
 *     scale(f) = 1 + W2 relu(f W1) + b2,   shift(m) = V2 relu(V1 m + a1) + a2       the two meta networks
 *
 * The networks are learned by L_warm = l(q) on the users that come later. As in the paper the two losses take turns and
 * no gradient of L_warm goes through the cold vector. The networks begin as scale 1 and shift 0, and of an item that
 * nobody has the mean is 0.
 *
 * What differs: the paper's cold vectors are one table that is learned through all of training; here an item is new
 * again in each epoch, with anything from no user to half of its users known, so that the networks learn every
 * stage, the first one too. Its losses are cross-entropies of a click model.
 *
 * An item with fewer than own_from train rows gets q; the others keep their vectors. With scale = no and shift = no
 * what is left is the average vector and its steps: the twin.
 *
 * Time: epoch O(items (shots d (cold_steps + 1) + hidden (d + nnz(f(i))))). Memory: that of ials, and 16 hidden bytes a
 * column of features. */
#include "algorithms/lib/embedding.h"
#include "algorithms/lib/mlp.h"
#include "algorithms/lib/new_items.h"

#include <string.h>

#define GRAIN 8 /* items that one thread takes at a time */

struct mwuf_params {
    RH_NEW_FIELDS;
    int64_t hidden, cold_steps;
    double cold_rate, rate, decay;
    bool scale, shift;
};

static const struct rh_param mwuf_table[] = {
    RH_NEW_PARAMS(struct mwuf_params),
    RH_BOOL(struct mwuf_params, scale, true, "features stretch the vector; no: they are not looked at"),
    RH_BOOL(struct mwuf_params, shift, true, "users known so far shift the vector"),
    RH_INT(struct mwuf_params, hidden, 16, 1, 1024, "hidden units of each of the two networks"),
    RH_INT(struct mwuf_params, cold_steps, 1, 0, 100, "steps of the cold vector on the users known so far"),
    RH_REAL(struct mwuf_params, cold_rate, 1, 0, 1000, "rate of these steps"),
    RH_REAL(struct mwuf_params, rate, 0.01, 1e-7, 10, "learning rate of the networks (Adam)"),
    RH_REAL(struct mwuf_params, decay, 0.1, 0, 100, "weight decay of the networks: share by a step of rate 1"),
    RH_PARAMS_END,
};

struct mwuf_state {
    const struct mwuf_params *params;
    struct rh_new_items base;
    float *average;           /* [width] of the items with rows */
    struct rh_embedding w;    /* [n_cols x hidden] W1 */
    struct rh_layers stretch; /* [hidden -> width] W2, b2 */
    struct rh_layers move;    /* [width -> hidden -> width] V1, a1, V2, a2 */
    struct rh_optimizer_state adam;
};

/* What a warm vector is made of; rows of n items. */
struct warming {
    float *cold, *mean, *q; /* [n x width] */
    float *h;               /* [n x hidden] relu(f W1) */
    rh_real *stretch, *move; /* tapes */
};

static int take_warming(struct rh_ctx *ctx, const struct mwuf_state *s, int32_t n, struct warming *x)
{
    size_t rows = (size_t)n, width = (size_t)s->base.als.width;
    x->cold = ctx->host->scratch(ctx, rows, width * sizeof *x->cold);
    x->mean = ctx->host->scratch(ctx, rows, width * sizeof *x->mean);
    x->q = ctx->host->scratch(ctx, rows, width * sizeof *x->q);
    x->h = ctx->host->scratch(ctx, rows, (size_t)s->params->hidden * sizeof *x->h);
    x->stretch = ctx->host->scratch(ctx, rh_mlp_tape(&s->stretch.net, n), sizeof *x->stretch);
    x->move = ctx->host->scratch(ctx, rh_mlp_tape(&s->move.net, n), sizeof *x->move);
    return x->cold && x->mean && x->q && x->h && x->stretch && x->move ? RH_OK : RH_ENOMEM;
}

/* Cold vector, mean of the users and hidden units of one item with these users known. g[width]: room. */
static void begin_warming(const struct mwuf_state *s, int64_t item, const struct rh_new_set *known, struct warming *x,
                          int32_t row, float *g)
{
    const struct rh_als *als = &s->base.als;
    const struct rh_item_features *f = &s->base.f;
    int32_t width = als->width, hidden = (int32_t)s->params->hidden;
    float *cold = x->cold + (size_t)row * (size_t)width, *mean = x->mean + (size_t)row * (size_t)width;
    float *h = x->h + (size_t)row * (size_t)hidden;
    memcpy(cold, s->average, (size_t)width * sizeof *cold);
    for (int64_t k = 0; k < s->params->cold_steps && known->n; k++) {
        memset(g, 0, (size_t)width * sizeof *g);
        rh_new_loss(&s->base, known, cold, 1, g);
        rh_factor_add(cold, -(float)s->params->cold_rate, g, width);
    }
    memset(mean, 0, (size_t)width * sizeof *mean);
    for (int32_t k = 0; k < known->n; k++)
        rh_factor_add(mean, 1 / (float)known->n, als->user.x + (int64_t)known->user[k] * width, width);
    memset(h, 0, (size_t)hidden * sizeof *h);
    int64_t at = f->row[item];
    if (s->params->scale)
        rh_embedding_bag(&s->w, (int32_t)(f->row[item + 1] - at), f->col + at, f->val + at, false, h);
    for (int32_t k = 0; k < hidden; k++)
        h[k] = rh_act(RH_RELU, h[k]);
}

/* q of n rows that have begun. */
static void end_warming(const struct mwuf_state *s, int32_t n, struct warming *x)
{
    size_t numbers = (size_t)n * (size_t)s->base.als.width;
    memcpy(x->q, x->cold, numbers * sizeof *x->q);
    if (s->params->scale) {
        const rh_real *stretch = rh_mlp_forward(&s->stretch.net, s->stretch.phi, n, x->h, NULL, x->stretch);
        for (size_t k = 0; k < numbers; k++)
            x->q[k] += x->cold[k] * stretch[k];
    }
    if (s->params->shift)
        rh_axpy((int32_t)numbers, 1, rh_mlp_forward(&s->move.net, s->move.phi, n, x->mean, NULL, x->move), x->q);
}

/* From dq[n x width], the gradient by q: adds to those of the layers, and to dh[n x hidden] that by f W1. */
static void warming_back(const struct mwuf_state *s, int32_t n, const struct warming *x, const float *dq,
                         rh_real *dstretch, rh_real *dmove, float *dh, rh_real *work)
{
    size_t numbers = (size_t)n * (size_t)s->base.als.width, units = (size_t)n * (size_t)s->params->hidden;
    if (s->params->scale) {
        rh_real *by = work, *room = work + numbers;
        for (size_t k = 0; k < numbers; k++)
            by[k] = dq[k] * x->cold[k];
        rh_mlp_back(&s->stretch.net, s->stretch.phi, n, x->h, NULL, x->stretch, by, dstretch, dh, room);
        for (size_t k = 0; k < units; k++)
            dh[k] *= rh_act_1(RH_RELU, x->h[k]);
    }
    if (s->params->shift)
        rh_mlp_back(&s->move.net, s->move.phi, n, x->mean, NULL, x->move, dq, dmove, NULL, work);
}

static size_t back_work(const struct mwuf_state *s, int32_t n)
{
    size_t a = rh_mlp_work(&s->stretch.net, n), b = rh_mlp_work(&s->move.net, n);
    return (size_t)n * (size_t)s->base.als.width + (a > b ? a : b);
}

/* -------------------------------------------------------------------------------------------------------- learning */

struct step {
    struct mwuf_state *s;
    const struct rh_new_batch *b;
    float *dh;               /* [n x hidden] */
    double *loss;            /* [n] */
    rh_real *stretch, *move; /* [pieces x size] gradients of the layers */
    rh_real *sum;            /* [largest size] */
};

/* Draws the users of an item of the batch, of whom any number up to half are known, and begins. */
static void draw(struct rh_ctx *ctx, const struct step *x, int64_t k, int32_t row, int32_t *order, int32_t *user,
                 struct warming *w, float *g, struct rh_new_set *later)
{
    const struct mwuf_state *s = x->s;
    int32_t item = x->b->item[k], half = rh_new_half(&s->base, item);
    struct rh_rng r = ctx->host->stream(ctx, "mwuf sets", x->b->first + (uint64_t)k);
    struct rh_new_set known;
    rh_new_draw(&s->base, item, (int32_t)rh_rng_below(&r, (uint32_t)half + 1), half, &r, order, user, &known, later);
    begin_warming(s, item, &known, w, row, g);
}

static int learn_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct step *x = arg;
    const struct mwuf_state *s = x->s;
    int32_t n = (int32_t)(end - begin), width = s->base.als.width;
    size_t shots = (size_t)s->params->shots;
    int64_t longest = 0;
    struct rh_new_set later[GRAIN];
    struct warming w;
    for (int64_t k = begin; k < end; k++)
        longest = rh_new_rows(&s->base, x->b->item[k]) > longest ? rh_new_rows(&s->base, x->b->item[k]) : longest;
    int32_t *order = ctx->host->scratch(ctx, (size_t)longest, sizeof *order);
    int32_t *user = ctx->host->scratch(ctx, 4 * shots, GRAIN * sizeof *user);
    float *dq = ctx->host->scratch(ctx, (size_t)n + 1, (size_t)width * sizeof *dq);
    rh_real *work = ctx->host->scratch(ctx, back_work(s, n), sizeof *work);
    if (!order || !user || !dq || !work || take_warming(ctx, s, n, &w) < 0)
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++)
        draw(ctx, x, begin + k, k, order, user + 4 * shots * (size_t)k, &w, dq + (size_t)n * (size_t)width, &later[k]);
    end_warming(s, n, &w);
    for (int32_t k = 0; k < n; k++) {
        size_t at = (size_t)k * (size_t)width;
        x->loss[begin + k] = rh_new_loss(&s->base, &later[k], w.q + at, 1 / (float)x->b->n, dq + at);
    }
    size_t piece = (size_t)(begin / GRAIN);
    float *dh = x->dh + (size_t)begin * (size_t)s->params->hidden;
    memset(dh, 0, (size_t)n * (size_t)s->params->hidden * sizeof *dh);
    memset(x->stretch + piece * (size_t)s->stretch.size, 0, (size_t)s->stretch.size * sizeof *x->stretch);
    memset(x->move + piece * (size_t)s->move.size, 0, (size_t)s->move.size * sizeof *x->move);
    warming_back(s, n, &w, dq, x->stretch + piece * (size_t)s->stretch.size, x->move + piece * (size_t)s->move.size,
                 dh, work);
    return RH_OK;
}

/* Adds the pieces up, in order, and moves the layers. */
static void descend(const struct step *x, struct rh_layers *l, const rh_real *piece)
{
    memset(x->sum, 0, (size_t)l->size * sizeof *x->sum);
    for (int32_t k = 0; k < (x->b->n + GRAIN - 1) / GRAIN; k++)
        rh_axpy((int32_t)l->size, 1, piece + (size_t)k * (size_t)l->size, x->sum);
    rh_nn_descend(&x->s->adam, l->size, l->phi, x->sum, l->first, l->second);
}

static int learn(struct rh_ctx *ctx, void *arg, const struct rh_new_batch *b, double *loss)
{
    struct step *x = arg;
    struct mwuf_state *s = x->s;
    const struct rh_item_features *f = &s->base.f;
    x->b = b;
    int status = ctx->host->parallel(ctx, b->n, GRAIN, learn_part, x);
    if (status < 0)
        return status;
    for (int32_t k = 0; k < b->n; k++)
        *loss += x->loss[k];
    rh_nn_step(&s->adam, 1);
    for (int32_t k = 0; k < b->n && s->params->scale; k++) { /* in order: the sums do not depend on threads */
        int64_t row = f->row[b->item[k]];
        rh_embedding_bag_back(&s->w, (int32_t)(f->row[b->item[k] + 1] - row), f->col + row, f->val + row, false,
                              x->dh + (size_t)k * (size_t)s->params->hidden);
    }
    if (s->params->scale) {
        rh_embedding_descend(&s->w, &s->adam);
        descend(x, &s->stretch, x->stretch);
    }
    if (s->params->shift)
        descend(x, &s->move, x->move);
    return RH_OK;
}

/* The warm vector of an item of whom all users are known. */
static int make(struct rh_ctx *ctx, const void *arg, int64_t i, float *q)
{
    const struct mwuf_state *s = arg;
    struct warming w;
    size_t width = (size_t)s->base.als.width;
    int32_t *user = ctx->host->scratch(ctx, 2 * (size_t)rh_new_rows(&s->base, i) + 1, sizeof *user);
    float *g = ctx->host->scratch(ctx, width, sizeof *g);
    if (!user || !g || take_warming(ctx, s, 1, &w) < 0)
        return RH_ENOMEM;
    struct rh_rng r = ctx->host->stream(ctx, "mwuf few", (uint64_t)i);
    struct rh_new_set all = rh_new_all(&s->base, i, &r, user);
    begin_warming(s, i, &all, &w, 0, g);
    end_warming(s, 1, &w);
    memcpy(q, w.q, width * sizeof *q);
    return RH_OK;
}

static int mwuf_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct mwuf_state *s = state;
    size_t size = (size_t)rh_new_batch_size(&s->base), pieces = (size + GRAIN - 1) / GRAIN;
    size_t stretch = (size_t)s->stretch.size, move = (size_t)s->move.size;
    struct step x = { .s = s };
    x.dh = ctx->host->scratch(ctx, size, (size_t)s->params->hidden * sizeof *x.dh);
    x.loss = ctx->host->scratch(ctx, size, sizeof *x.loss);
    x.stretch = ctx->host->scratch(ctx, pieces, stretch * sizeof *x.stretch);
    x.move = ctx->host->scratch(ctx, pieces, move * sizeof *x.move);
    x.sum = ctx->host->scratch(ctx, stretch > move ? stretch : move, sizeof *x.sum);
    if (!x.dh || !x.loss || !x.stretch || !x.move || !x.sum)
        return RH_ENOMEM;
    int status = rh_new_epoch(ctx, &s->base, epoch, learn, &x, loss);
    if (status >= 0)
        status = rh_new_write(ctx, &s->base, make, s);
    return status < 0 || s->params->scale || s->params->shift ? status : RH_DONE; /* nothing learns */
}

/* ------------------------------------------------------------------------------------------------------ the plugin */

/* Random layers, of which the last are zero: scale 1, shift 0. */
static int make_networks(struct rh_ctx *ctx, struct mwuf_state *s)
{
    int32_t width = s->base.als.width, hidden = (int32_t)s->params->hidden;
    struct rh_rng r = ctx->host->stream(ctx, "mwuf networks", 0);
    s->stretch.net = (struct rh_mlp){ .layers = 1, .width = { hidden, width }, .last = RH_LINEAR };
    s->move.net = (struct rh_mlp){ .layers = 2, .width = { width, hidden, width }, .last = RH_LINEAR };
    int status = rh_embedding_init(ctx, &s->w, s->base.f.n_cols, hidden, 0.3, &r);
    if (status >= 0)
        status = rh_layers_init(ctx, &s->stretch, &r);
    if (status >= 0)
        status = rh_layers_init(ctx, &s->move, &r);
    if (status < 0)
        return status;
    int64_t size, last = rh_mlp_layer(&s->move.net, 2, &size);
    memset(s->stretch.phi, 0, (size_t)s->stretch.size * sizeof *s->stretch.phi);
    memset(s->move.phi + last, 0, (size_t)size * sizeof *s->move.phi);
    return RH_OK;
}

static int take_average(struct rh_ctx *ctx, struct mwuf_state *s)
{
    const struct rh_als *als = &s->base.als;
    int64_t n = 0;
    if (!s->average && !(s->average = ctx->host->alloc(ctx, (size_t)als->width, sizeof *s->average)))
        return RH_ENOMEM;
    for (int64_t i = 0; i < als->item.n; i++)
        n += rh_new_rows(&s->base, i) > 0;
    for (int64_t i = 0; i < als->item.n; i++)
        if (rh_new_rows(&s->base, i) > 0)
            rh_factor_add(s->average, 1 / (float)n, als->item.x + i * als->width, als->width);
    return RH_OK;
}

static int mwuf_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct mwuf_state *s = state;
    const struct mwuf_params *p = params;
    s->params = p;
    int status = rh_new_fit(ctx, &s->base, "mwuf", &p->news, train);
    if (status >= 0)
        status = take_average(ctx, s);
    if (status >= 0)
        status = make_networks(ctx, s);
    s->adam = (struct rh_optimizer_state){ .kind = RH_ADAM, .rate = p->rate, .decay = p->decay };
    return status < 0 || ctx->host->purpose(ctx) & RH_FOR_LOADING ? status : rh_new_write(ctx, &s->base, make, s);
}

static int mwuf_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                      size_t stride)
{
    const struct mwuf_state *s = state;
    return rh_als_answer(ctx, &s->base.als, s->base.target, query, n, out, stride);
}

static int mwuf_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct mwuf_params *p = params;
    struct mwuf_state *s = state;
    unsigned purpose = ctx->host->purpose(ctx);
    int status = rh_new_persist(ctx, &s->base, "mwuf", &p->news, train);
    if (status < 0 || !(purpose & RH_FOR_STARTING))
        return status;
    if ((status = ctx->host->field(ctx, "average", &s->average, s->base.als.width, sizeof *s->average)) < 0 ||
        (status = rh_embedding_persist(ctx, &s->w, "scale columns", purpose)) < 0 ||
        (status = rh_layers_persist(ctx, &s->stretch, "scale", purpose)) < 0 ||
        (status = rh_layers_persist(ctx, &s->move, "shift", purpose)) < 0 || !(purpose & RH_FOR_RESUMING))
        return status;
    return ctx->host->value(ctx, "steps", &s->adam.step, sizeof s->adam.step);
}

static const struct rh_algorithm mwuf = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "mwuf",
    .summary = "vectors of new items: the average vector, scaled by their features and shifted by their first users",
    .reference = "Zhu, Xie, Zhuang, Ge, Sun, Zhang, Lin and Cao 2021, Learning to warm up cold item embeddings for "
                 "cold-start recommendation with meta scaling and shifting networks, SIGIR",
    .cost = "fit that of ials; epoch O(items (shots d (cold_steps + 1) + hidden (d + nnz(features) / item))); memory "
            "that of ials and 16 hidden bytes a column of features",
    .advice = "For items that are new or have a handful of rows (own_from), where features tell something. The twin is "
              "itself with scale = no and shift = no: the average vector; below it is ials, which cannot score new "
              "items. Compare with metaemb. Tune epochs and rate first, then cold_rate with own_from above 1; where "
              "all items that are asked have no row at all, cold_steps = 0.",
    .revision = 1,
    .flags = RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS | RH_A_RANDOM | RH_A_RESUMES,
    .params = mwuf_table,
    .params_size = sizeof(struct mwuf_params),
    .state_size = sizeof(struct mwuf_state),
    .epochs = 30,
    .fit = mwuf_fit,
    .epoch = mwuf_epoch,
    .score = mwuf_score,
    .persist = mwuf_persist,
};

RH_ALGORITHM(mwuf)
