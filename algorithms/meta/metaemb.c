/* metaemb - vectors of items that nobody has seen yet, from their features, made so that they learn fast.
 *
 * Pan, Li, Ao, Tang and He 2019, "Warm up cold-start advertisements: improving CTR predictions via learning to learn ID
 * embeddings" (SIGIR), on a factorisation. Its model is trained first and rests: here implicit least squares
 * (algorithms/lib/als.h), user vectors p(u), item vectors q(i). A generator makes q0(i) = f(i) W from the features f(i)
 * of an item, and is trained on items with train rows as if they were new. For an item two sets a and b of users are
 * drawn, each with `shots` users of the item (label y = 1) and as many others (y = 0); with the loss of a vector q on a
 * set l(q) = mean of (y - p(u) . q)^2 / 2,
 *
 *     q1 = q0 - inner_rate l_a'(q0),     W minimises  alpha l_a(q0) + (1 - alpha) l_b(q1)           (their eq. 9 to 13)
 *
 * so that q0 is good as it is and better after a step. Its derivative by q0 is exact, second order and all:
 * alpha l_a'(q0) + (1 - alpha) (l_b'(q1) - inner_rate mean over a of p (p . l_b'(q1))).
 * Theirs is the cross-entropy of a click model and a tanh generator; squares put the vectors on the scale of those of
 * the other items.
 *
 * An item without train rows gets q0, one with fewer than own_from the q1 of its rows; the others keep their vectors.
 * Users are as in ials: folded in from their history.
 *
 * Time: epoch O(items (shots d + nnz(f(i)) d)). Memory: that of ials, and 16 d bytes a column of features. */
#include "algorithms/lib/als.h"
#include "algorithms/lib/embedding.h"
#include "algorithms/lib/item_features.h"

#include <string.h>

#define GRAIN 8 /* items that one thread takes at a time */

struct metaemb_params {
    RH_ALS_FIELDS;
    RH_ITEM_FEATURES_FIELDS;
    int64_t factor_epochs, shots, batch, own_from;
    double rate, decay, inner_rate, alpha_cold;
};

static const struct rh_param metaemb_table[] = {
    RH_ALS_PARAMS(struct metaemb_params),
    RH_ITEM_FEATURES_PARAMS(struct metaemb_params),
    RH_INT(struct metaemb_params, factor_epochs, 15, 1, 100000, "epochs of the factorisation, before the others"),
    RH_INT(struct metaemb_params, shots, 10, 1, 1000, "users of an item in each of the two sets, at most"),
    RH_REAL(struct metaemb_params, inner_rate, 1, 0, 1000, "rate of the step that a new item's vector takes"),
    RH_REAL(struct metaemb_params, alpha_cold, 0.5, 0, 1, "weight of the loss before that step; the rest is after it"),
    RH_INT(struct metaemb_params, batch, 64, 1, 65536, "items a step of the generator"),
    RH_REAL(struct metaemb_params, rate, 0.01, 1e-7, 10, "learning rate of the generator (Adam)"),
    RH_REAL(struct metaemb_params, decay, 0.1, 0, 100, "weight decay of the generator: share by a step of rate 1"),
    RH_INT(struct metaemb_params, own_from, 1, 1, 1000000000, "train rows from which an item's own vector counts"),
    RH_PARAMS_END,
};

struct metaemb_state {
    const struct metaemb_params *params;
    struct rh_als als;
    double *share; /* [n_domains] 1 for the target */
    struct rh_item_features f;
    struct rh_embedding w; /* [n_cols x width] the generator; not needed for scoring */
    struct rh_optimizer_state adam;
    int32_t *item; /* [n_item] items to learn from: two train rows or more */
    int32_t n_item, target;
};

static int64_t rows_of(const struct metaemb_state *s, int64_t i)
{
    return s->als.item.row[i + 1] - s->als.item.row[i];
}

static void generate(const struct metaemb_state *s, int64_t i, float *q)
{
    int64_t at = s->f.row[i];
    memset(q, 0, (size_t)s->als.width * sizeof *q);
    rh_embedding_bag(&s->w, (int32_t)(s->f.row[i + 1] - at), s->f.col + at, s->f.val + at, false, q);
}

/* --------------------------------------------------------------------------------------------------- users of items */

/* n users of the item with y = 1, then n others with y = 0. */
struct sample {
    int32_t n;
    const int32_t *user; /* [2 n] */
};

static bool has_user(const struct metaemb_state *s, int64_t i, int32_t user)
{
    int64_t lo = s->als.item.row[i], hi = s->als.item.row[i + 1];
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (s->als.item.col[mid] == user)
            return true;
        if (s->als.item.col[mid] < user)
            lo = mid + 1;
        else
            hi = mid;
    }
    return false;
}

/* n users who do not have the item, into out; of one that everybody has, users who do (y is then wrong for an item that
 * needs no help). */
static void draw_others(const struct metaemb_state *s, int64_t i, struct rh_rng *r, int32_t n, int32_t *out)
{
    for (int32_t k = 0; k < n; k++)
        for (int tries = 0; tries < 100; tries++) {
            out[k] = (int32_t)rh_rng_below(r, (uint32_t)s->als.user.n);
            if (!has_user(s, i, out[k]))
                break;
        }
}

/* Mean loss of q on the sample; adds c times its gradient to g. */
static double loss_on(const struct metaemb_state *s, const struct sample *a, const float *q, float c, float *g)
{
    int32_t width = s->als.width, n = 2 * a->n;
    double sum = 0;
    for (int32_t k = 0; k < n; k++) {
        const float *p = s->als.user.x + (int64_t)a->user[k] * width;
        float error = rh_factor_dot(p, q, width) - (k < a->n ? 1.0f : 0.0f);
        rh_factor_add(g, c * error / (float)n, p, width);
        sum += (double)error * (double)error / 2 / n;
    }
    return sum;
}

/* g -= c times (mean over the sample of p p') v */
static void curve(const struct metaemb_state *s, const struct sample *a, const float *v, float c, float *g)
{
    int32_t width = s->als.width, n = 2 * a->n;
    for (int32_t k = 0; k < n; k++) {
        const float *p = s->als.user.x + (int64_t)a->user[k] * width;
        rh_factor_add(g, -c * rh_factor_dot(p, v, width) / (float)n, p, width);
    }
}

/* The loss of an item's q0 and its gradient dq0[width] (written). room[2 width]. */
static double meta_loss(const struct metaemb_state *s, const struct sample *a, const struct sample *b, const float *q0,
                        float *dq0, float *room)
{
    const struct metaemb_params *p = s->params;
    int32_t width = s->als.width;
    size_t row = (size_t)width * sizeof(float);
    float *q1 = room, *v = room + width, inner = (float)p->inner_rate, cold = (float)p->alpha_cold;
    memset(dq0, 0, row);
    memset(v, 0, row);
    double before = loss_on(s, a, q0, 1, dq0);
    memcpy(q1, q0, row);
    rh_factor_add(q1, -inner, dq0, width);
    double after = loss_on(s, b, q1, 1, v);
    for (int32_t f = 0; f < width; f++)
        dq0[f] = cold * dq0[f] + (1 - cold) * v[f];
    curve(s, a, v, (1 - cold) * inner, dq0);
    return p->alpha_cold * before + (1 - p->alpha_cold) * after;
}

/* -------------------------------------------------------------------------------------------------------- learning */

struct batch {
    const struct metaemb_state *s;
    const int32_t *item; /* [n] */
    uint64_t first;      /* number of the first item among those of all epochs */
    float *q, *dq;       /* [n x width] */
    double *loss;        /* [n] */
};

static int learn_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct batch *b = arg;
    const struct metaemb_state *s = b->s;
    int32_t width = s->als.width, shots = (int32_t)s->params->shots;
    int64_t longest = 0;
    for (int64_t k = begin; k < end; k++)
        longest = rows_of(s, b->item[k]) > longest ? rows_of(s, b->item[k]) : longest;
    int32_t *order = ctx->host->scratch(ctx, (size_t)longest, sizeof *order);
    int32_t *user = ctx->host->scratch(ctx, 4 * (size_t)shots, sizeof *user);
    float *room = ctx->host->scratch(ctx, 2 * (size_t)width, sizeof *room);
    if (!order || !user || !room)
        return RH_ENOMEM;
    for (int64_t k = begin; k < end; k++) {
        int32_t i = b->item[k], rows = (int32_t)rows_of(s, i), n = rows / 2 < shots ? rows / 2 : shots;
        struct rh_rng r = ctx->host->stream(ctx, "metaemb sets", b->first + (uint64_t)k);
        memcpy(order, s->als.item.col + s->als.item.row[i], (size_t)rows * sizeof *order);
        rh_rng_shuffle(&r, order, rows);
        memcpy(user, order, (size_t)n * sizeof *user);
        memcpy(user + 2 * n, order + n, (size_t)n * sizeof *user);
        draw_others(s, i, &r, n, user + n);
        draw_others(s, i, &r, n, user + 3 * n);
        generate(s, i, b->q + k * width);
        b->loss[k] = meta_loss(s, &(struct sample){ n, user }, &(struct sample){ n, user + 2 * n }, b->q + k * width,
                               b->dq + k * width, room);
    }
    return RH_OK;
}

/* q1 of an item with few rows: the step on them and as many others. */
static int adapt(struct rh_ctx *ctx, const struct metaemb_state *s, int64_t i, float *q)
{
    int32_t width = s->als.width, n = (int32_t)rows_of(s, i);
    int32_t *user = ctx->host->scratch(ctx, 2 * (size_t)n, sizeof *user);
    float *g = ctx->host->scratch(ctx, (size_t)width, sizeof *g);
    if (!user || !g)
        return RH_ENOMEM;
    struct rh_rng r = ctx->host->stream(ctx, "metaemb few", (uint64_t)i);
    memcpy(user, s->als.item.col + s->als.item.row[i], (size_t)n * sizeof *user);
    draw_others(s, i, &r, n, user + n);
    loss_on(s, &(struct sample){ n, user }, q, 1, g);
    rh_factor_add(q, -(float)s->params->inner_rate, g, width);
    return RH_OK;
}

static int write_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct metaemb_state *s = arg;
    int status = RH_OK;
    for (int64_t i = begin; i < end && status >= 0; i++) {
        float *q = s->als.item.x + i * s->als.width;
        if (rows_of(s, i) >= s->params->own_from)
            continue;
        generate(s, i, q);
        if (rows_of(s, i))
            status = adapt(ctx, s, i, q);
    }
    return status;
}

/* The vectors of items with fewer than own_from rows. */
static int write_items(struct rh_ctx *ctx, struct metaemb_state *s)
{
    if (!rh_nn_finite((int64_t)s->w.n * s->w.E, s->w.w))
        return ctx->host->fail(ctx, RH_ENUMERIC, "metaemb diverged; lower rate below %g or inner_rate below %g",
                               s->params->rate, s->params->inner_rate);
    return ctx->host->parallel(ctx, s->f.n_items, 64, write_part, s);
}

static int metaemb_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct metaemb_state *s = state;
    int32_t n = s->n_item, size = s->params->batch < n ? (int32_t)s->params->batch : n, width = s->als.width;
    int32_t *order = ctx->host->scratch(ctx, (size_t)n, sizeof *order);
    struct batch b = { .s = s };
    b.q = ctx->host->scratch(ctx, (size_t)size, (size_t)width * sizeof *b.q);
    b.dq = ctx->host->scratch(ctx, (size_t)size, (size_t)width * sizeof *b.dq);
    b.loss = ctx->host->scratch(ctx, (size_t)size, sizeof *b.loss);
    if (!order || !b.q || !b.dq || !b.loss)
        return RH_ENOMEM;
    memcpy(order, s->item, (size_t)n * sizeof *order);
    struct rh_rng r = ctx->host->stream(ctx, "metaemb order", (uint64_t)epoch);
    rh_rng_shuffle(&r, order, n);
    *loss = 0;
    for (int32_t at = 0; at < n; at += size) {
        int32_t count = n - at < size ? n - at : size;
        b.item = order + at;
        b.first = (uint64_t)epoch * (uint64_t)n + (uint64_t)at;
        int status = ctx->host->parallel(ctx, count, GRAIN, learn_part, &b);
        if (status >= 0)
            status = ctx->host->tick(ctx, at, n);
        if (status < 0)
            return status;
        for (int32_t k = 0; k < count; k++) { /* in order: the sums do not depend on threads */
            int64_t row = s->f.row[b.item[k]];
            float *dq = b.dq + (int64_t)k * width;
            for (int32_t f = 0; f < width; f++)
                dq[f] /= (float)count;
            rh_embedding_bag_back(&s->w, (int32_t)(s->f.row[b.item[k] + 1] - row), s->f.col + row, s->f.val + row,
                                  false, dq);
            *loss += b.loss[k] / n;
        }
        rh_nn_step(&s->adam, 1);
        rh_embedding_descend(&s->w, &s->adam);
    }
    return write_items(ctx, s);
}

/* ------------------------------------------------------------------------------------------------------ the plugin */

static int set_out(struct rh_ctx *ctx, struct metaemb_state *s, const struct metaemb_params *p,
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

static int metaemb_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct metaemb_state *s = state;
    const struct metaemb_params *p = params;
    double loss;
    int status = set_out(ctx, s, p, train);
    if (status >= 0)
        status = rh_item_features(ctx, &p->features, train, ctx->host->alloc, &s->f);
    if (status >= 0)
        status = rh_als_init(ctx, &s->als, &p->als, train, s->share, "metaemb");
    for (int64_t e = 0; e < p->factor_epochs && status >= 0; e++)
        if ((status = rh_als_epoch(ctx, &s->als, &loss)) >= 0)
            status = ctx->host->tick(ctx, e, p->factor_epochs);
    if (status < 0)
        return status;
    s->item = ctx->host->alloc(ctx, (size_t)s->f.n_items, sizeof *s->item);
    if (!s->item)
        return RH_ENOMEM;
    for (int32_t i = 0; i < s->f.n_items; i++)
        if (rows_of(s, i) >= 2)
            s->item[s->n_item++] = i;
    if (!s->n_item)
        return ctx->host->fail(ctx, RH_EDATA,
                               "metaemb learns from items with two train rows or more, and there is none");
    s->adam = (struct rh_optimizer_state){ .kind = RH_ADAM, .rate = p->rate, .decay = p->decay };
    if ((status = rh_embedding_init(ctx, &s->w, s->f.n_cols, s->als.width, 0, NULL)) < 0)
        return status;
    return write_items(ctx, s);
}

static int metaemb_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                         size_t stride)
{
    const struct metaemb_state *s = state;
    return rh_als_answer(ctx, &s->als, s->target, query, n, out, stride);
}

static int metaemb_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct metaemb_params *p = params;
    struct metaemb_state *s = state;
    int status = s->share ? RH_OK : set_out(ctx, s, p, train);
    return status < 0 ? status : rh_als_persist(ctx, &s->als, &p->als, train, s->share, "metaemb");
}

static const struct rh_algorithm metaemb = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "metaemb",
    .summary = "vectors of new items from their features, trained to be good at once and better after a step",
    .reference = "Pan, Li, Ao, Tang and He 2019, Warm up cold-start advertisements: improving CTR predictions via "
                 "learning to learn ID embeddings, SIGIR",
    .cost = "fit that of ials; epoch O(items (shots + nnz(features) / item) d); memory that of ials and 16 d bytes a "
            "column of features",
    .advice = "For items that are new or have a handful of rows (own_from), where features tell something. Compare "
              "with attribute_map, which regresses on vectors instead of on what users did; tune epochs and rate "
              "first, then inner_rate with own_from above 1.",
    .revision = 1,
    .flags = RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS | RH_A_RANDOM,
    .params = metaemb_table,
    .params_size = sizeof(struct metaemb_params),
    .state_size = sizeof(struct metaemb_state),
    .epochs = 10,
    .fit = metaemb_fit,
    .epoch = metaemb_epoch,
    .score = metaemb_score,
    .persist = metaemb_persist,
};

RH_ALGORITHM(metaemb)
