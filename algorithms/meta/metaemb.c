/* metaemb - vectors of items that nobody has seen yet, from their features, made so that they learn fast.
 *
 * Pan, Li, Ao, Tang and He 2019, "Warm up cold-start advertisements: improving CTR predictions via learning to learn ID
 * embeddings" (SIGIR), on a factorisation that is trained first and rests (algorithms/lib/new_items.h, which also says
 * how items with train rows play new ones, and what the loss l of a vector on a set of users is). A generator makes
 * q0(i) = f(i) W from the features f(i) of an item. With a and b the two sets of users of an item,
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
#include "algorithms/lib/embedding.h"
#include "algorithms/lib/new_items.h"

#include <string.h>

#define GRAIN 8 /* items that one thread takes at a time */

struct metaemb_params {
    RH_NEW_FIELDS;
    double rate, decay, inner_rate, alpha_cold;
};

static const struct rh_param metaemb_table[] = {
    RH_NEW_PARAMS(struct metaemb_params),
    RH_REAL(struct metaemb_params, inner_rate, 1, 0, 1000, "rate of the step that a new item's vector takes"),
    RH_REAL(struct metaemb_params, alpha_cold, 0.5, 0, 1, "weight of the loss before that step; the rest is after it"),
    RH_REAL(struct metaemb_params, rate, 0.01, 1e-7, 10, "learning rate of the generator (Adam)"),
    RH_REAL(struct metaemb_params, decay, 0.1, 0, 100, "weight decay of the generator: share by a step of rate 1"),
    RH_PARAMS_END,
};

struct metaemb_state {
    const struct metaemb_params *params;
    struct rh_new_items base;
    struct rh_embedding w; /* [n_cols x width] the generator; not needed for scoring */
    struct rh_optimizer_state adam;
};

static void generate(const struct metaemb_state *s, int64_t i, float *q)
{
    const struct rh_item_features *f = &s->base.f;
    int64_t at = f->row[i];
    memset(q, 0, (size_t)s->base.als.width * sizeof *q);
    rh_embedding_bag(&s->w, (int32_t)(f->row[i + 1] - at), f->col + at, f->val + at, false, q);
}

/* g -= c times (mean over the set of p p') v */
static void curve(const struct rh_als *als, const struct rh_new_set *a, const float *v, float c, float *g)
{
    int32_t width = als->width, n = a->n + a->others;
    for (int32_t k = 0; k < n; k++) {
        const float *p = als->user.x + (int64_t)a->user[k] * width;
        rh_factor_add(g, -c * rh_factor_dot(p, v, width) / (float)n, p, width);
    }
}

/* The loss of an item's q0 and its gradient dq0[width] (written). room[2 width]. */
static double meta_loss(const struct metaemb_state *s, const struct rh_new_set *a, const struct rh_new_set *b,
                        const float *q0, float *dq0, float *room)
{
    const struct metaemb_params *p = s->params;
    int32_t width = s->base.als.width;
    size_t row = (size_t)width * sizeof(float);
    float *q1 = room, *v = room + width, inner = (float)p->inner_rate, cold = (float)p->alpha_cold;
    memset(dq0, 0, row);
    memset(v, 0, row);
    double before = rh_new_loss(&s->base, a, q0, 1, dq0);
    memcpy(q1, q0, row);
    rh_factor_add(q1, -inner, dq0, width);
    double after = rh_new_loss(&s->base, b, q1, 1, v);
    for (int32_t f = 0; f < width; f++)
        dq0[f] = cold * dq0[f] + (1 - cold) * v[f];
    curve(&s->base.als, a, v, (1 - cold) * inner, dq0);
    return p->alpha_cold * before + (1 - p->alpha_cold) * after;
}

/* -------------------------------------------------------------------------------------------------------- learning */

struct step {
    struct metaemb_state *s;
    const struct rh_new_batch *b;
    float *q, *dq; /* [n x width] */
    double *loss;  /* [n] */
};

static int learn_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct step *x = arg;
    const struct metaemb_state *s = x->s;
    const struct rh_new_items *base = &s->base;
    int32_t width = base->als.width;
    int64_t longest = 0;
    for (int64_t k = begin; k < end; k++)
        longest = rh_new_rows(base, x->b->item[k]) > longest ? rh_new_rows(base, x->b->item[k]) : longest;
    int32_t *order = ctx->host->scratch(ctx, (size_t)longest, sizeof *order);
    int32_t *user = ctx->host->scratch(ctx, 4 * (size_t)s->params->shots, sizeof *user);
    float *room = ctx->host->scratch(ctx, 2 * (size_t)width, sizeof *room);
    if (!order || !user || !room)
        return RH_ENOMEM;
    for (int64_t k = begin; k < end; k++) {
        int32_t i = x->b->item[k], n = rh_new_half(base, i);
        struct rh_rng r = ctx->host->stream(ctx, "metaemb sets", x->b->first + (uint64_t)k);
        struct rh_new_set known, later;
        rh_new_draw(base, i, n, n, &r, order, user, &known, &later);
        generate(s, i, x->q + k * width);
        x->loss[k] = meta_loss(s, &known, &later, x->q + k * width, x->dq + k * width, room);
    }
    return RH_OK;
}

static int learn(struct rh_ctx *ctx, void *arg, const struct rh_new_batch *b, double *loss)
{
    struct step *x = arg;
    struct metaemb_state *s = x->s;
    const struct rh_item_features *f = &s->base.f;
    int32_t width = s->base.als.width;
    x->b = b;
    int status = ctx->host->parallel(ctx, b->n, GRAIN, learn_part, x);
    if (status < 0)
        return status;
    for (int32_t k = 0; k < b->n; k++) { /* in order: the sums do not depend on threads */
        int64_t row = f->row[b->item[k]];
        float *dq = x->dq + (int64_t)k * width;
        for (int32_t j = 0; j < width; j++)
            dq[j] /= (float)b->n;
        rh_embedding_bag_back(&s->w, (int32_t)(f->row[b->item[k] + 1] - row), f->col + row, f->val + row, false, dq);
        *loss += x->loss[k];
    }
    rh_nn_step(&s->adam, 1);
    rh_embedding_descend(&s->w, &s->adam);
    return RH_OK;
}

/* q0 of an item without rows; of one with few, q1: the step on them and as many others. */
static int make(struct rh_ctx *ctx, const void *arg, int64_t i, float *q)
{
    const struct metaemb_state *s = arg;
    int32_t width = s->base.als.width, n = (int32_t)rh_new_rows(&s->base, i);
    generate(s, i, q);
    if (!n)
        return RH_OK;
    int32_t *user = ctx->host->scratch(ctx, 2 * (size_t)n, sizeof *user);
    float *g = ctx->host->scratch(ctx, (size_t)width, sizeof *g);
    if (!user || !g)
        return RH_ENOMEM;
    struct rh_rng r = ctx->host->stream(ctx, "metaemb few", (uint64_t)i);
    struct rh_new_set all = rh_new_all(&s->base, i, &r, user);
    rh_new_loss(&s->base, &all, q, 1, g);
    rh_factor_add(q, -(float)s->params->inner_rate, g, width);
    return RH_OK;
}

static int metaemb_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct metaemb_state *s = state;
    size_t size = (size_t)rh_new_batch_size(&s->base), width = (size_t)s->base.als.width;
    struct step x = { .s = s };
    x.q = ctx->host->scratch(ctx, size, width * sizeof *x.q);
    x.dq = ctx->host->scratch(ctx, size, width * sizeof *x.dq);
    x.loss = ctx->host->scratch(ctx, size, sizeof *x.loss);
    if (!x.q || !x.dq || !x.loss)
        return RH_ENOMEM;
    int status = rh_new_epoch(ctx, &s->base, epoch, learn, &x, loss);
    return status < 0 ? status : rh_new_write(ctx, &s->base, make, s);
}

/* ------------------------------------------------------------------------------------------------------ the plugin */

static int metaemb_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct metaemb_state *s = state;
    const struct metaemb_params *p = params;
    s->params = p;
    int status = rh_new_fit(ctx, &s->base, "metaemb", &p->news, train);
    if (status < 0)
        return status;
    s->adam = (struct rh_optimizer_state){ .kind = RH_ADAM, .rate = p->rate, .decay = p->decay };
    if ((status = rh_embedding_init(ctx, &s->w, s->base.f.n_cols, s->base.als.width, 0, NULL)) < 0)
        return status;
    return ctx->host->purpose(ctx) & RH_FOR_LOADING ? RH_OK : rh_new_write(ctx, &s->base, make, s);
}

static int metaemb_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                         size_t stride)
{
    const struct metaemb_state *s = state;
    return rh_als_answer(ctx, &s->base.als, s->base.target, query, n, out, stride);
}

static int metaemb_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct metaemb_params *p = params;
    struct metaemb_state *s = state;
    unsigned purpose = ctx->host->purpose(ctx);
    int status = rh_new_persist(ctx, &s->base, "metaemb", &p->news, train);
    if (status >= 0 && purpose & RH_FOR_STARTING)
        status = rh_embedding_persist(ctx, &s->w, "generator", purpose);
    if (status >= 0 && purpose & RH_FOR_RESUMING)
        status = ctx->host->value(ctx, "generator steps", &s->adam.step, sizeof s->adam.step);
    return status;
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
    .revision = 2,
    .flags = RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS | RH_A_RANDOM | RH_A_RESUMES,
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
