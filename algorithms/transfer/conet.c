/* conet - collaborative cross networks: a tower of dense layers a domain, connected at every layer for shared users.
 *
 * Hu, Zhang and Yang 2018, "CoNet: collaborative cross networks for cross-domain recommendation" (CIKM). The input of
 * the tower of domain d for user u and item i is [p(u); q(d, i)]; the user's vector p(u) is the same in all domains.
 * The hidden layers of the target's tower and of a source's exchange what they have through matrices H
 * (algorithms/lib/ cross.h has the equations); cross = no leaves H out, which is the paper's MLP++, the twin.
 * Minimised by Adam is, over the domains, the sum of the cross-entropies of interactions and as many sampled items,
 * and with sparse > 0 the L1 norm of H (their SCoNet), by shrinking H after each step (a proximal step), so that
 * entries become 0 exactly.
 *
 * What the other tower is given while an item of one domain is judged is left open by the paper. Here it is an
 * interaction of the same user in the other domain, drawn anew in each epoch, and in a query the mean vector of the
 * items of the user's history there. Several sources: the partner of a target's example comes from any of them, each
 * of the user's interactions as likely as another, and a query's score is the mean over sources, with the same
 * weights. A user without a history in the other domain has no partner and the tower stands alone.
 *
 * A user who is cold in the target has p(u) from the sources, and partners from there. Support interactions in the
 * target do not change p(u): there is no folding in. */
#include "algorithms/lib/cross.h"
#include "algorithms/lib/embedding.h"
#include "algorithms/lib/pairs.h"
#include "algorithms/lib/preconditions.h"

#include <stdio.h>
#include <string.h>

#define SHARD 128 /* triples that a part works on, each two rows */
#define BLOCK 256 /* candidates that are scored at once */

static const struct rh_choice losses[] = {
    { "bpr", RH_BPR, "softplus(score of the other - score of the liked item) (Rendle et al. 2009)" },
    { "bce", RH_BCE, "binary cross-entropy, both classes of equal weight" },
    { NULL, 0, NULL },
};

struct conet_params {
    int64_t factors, hidden, depth, batch;
    double rate, decay, sparse, source_weight, spread;
    int loss;
    bool cross;
};

static const struct rh_param conet_table[] = {
    RH_INT(struct conet_params, factors, 32, 1, 1024, "length of the vectors of users and items"),
    RH_INT(struct conet_params, hidden, 32, 1, 4096, "units of the first hidden layer; each next has half as many"),
    RH_INT(struct conet_params, depth, 3, 1, RH_MLP_LAYERS - 1, "hidden layers"),
    RH_BOOL(struct conet_params, cross, true, "towers are connected; no: the twin, which shares users' vectors"),
    RH_REAL(struct conet_params, sparse, 0, 0, 1e6, "L1 regularisation of the connections H"),
    RH_ENUM(struct conet_params, loss, RH_BCE, losses, "of a liked and a sampled item"),
    RH_REAL(struct conet_params, source_weight, 1, 0, 1e6, "weight of the loss of a source against the target's"),
    RH_REAL(struct conet_params, rate, 0.003, 1e-9, 10, "learning rate of Adam"),
    RH_REAL(struct conet_params, decay, 0, 0, 10, "weight decay: share that a step of rate 1 takes from a weight"),
    RH_INT(struct conet_params, batch, 512, 1, 1 << 22, "interactions of the target a step"),
    RH_REAL(struct conet_params, spread, 0.1, 0, 10, "standard deviation of initial vectors"),
    RH_PARAMS_END,
};

struct conet_state {
    const struct conet_params *params;
    int32_t n_users, n_domains, target;
    const struct rh_domain *domain;
    struct rh_cross net;
    rh_real *phi, *dphi, *first, *second; /* weights, gradient, Adam's moments */
    struct rh_embedding user, *item;      /* item: [n_domains] */
    struct rh_pairs *pairs;               /* [n_domains] */
    struct rh_optimizer_state rule;
    /* [n_domains][n_items x hidden] the item's part of the first layer: of the target's own tower at the target's
     * place, else of that source's tower, through H */
    rh_real *by_item;
};

static int conet_check(struct rh_ctx *ctx, const void *params)
{
    const struct conet_params *p = params;
    if (p->hidden >> (p->depth - 1) < 1)
        return ctx->host->fail(ctx, RH_EINVAL, "hidden = %lld units cannot be halved for depth = %lld layers",
                               (long long)p->hidden, (long long)p->depth);
    if (p->rate * p->decay > 0.5)
        return ctx->host->fail(ctx, RH_EINVAL, "rate * decay = %g, at most is 0.5: a step would take that share of "
                               "every weight", p->rate * p->decay);
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------------- examples */

struct joint { /* a triple of one domain, and an interaction of the user in another */
    struct rh_triple t;
    int32_t other, partner; /* -1: none */
};

struct drawn {
    struct joint *joint;
    int64_t n;
};

/* A partner for a triple of domain d: any interaction of the user in the sources, or in the target. */
static void find_partner(const struct conet_state *s, int32_t d, struct rh_rng *r, struct joint *j)
{
    int64_t n = 0;
    int32_t u = j->t.user;
    j->other = j->partner = -1;
    for (int32_t e = 0; e < s->n_domains; e++)
        if ((e == s->target) != (d == s->target))
            n += s->domain[e].row[u + 1] - s->domain[e].row[u];
    if (!s->params->cross || n == 0)
        return;
    int64_t at = (int64_t)(rh_rng_uniform(r) * (double)n);
    for (int32_t e = 0; e < s->n_domains; e++) {
        if ((e == s->target) == (d == s->target))
            continue;
        int64_t have = s->domain[e].row[u + 1] - s->domain[e].row[u];
        if (at < have) {
            j->other = e;
            j->partner = s->domain[e].item[s->domain[e].row[u] + at];
            return;
        }
        at -= have;
    }
}

static int draw(struct rh_ctx *ctx, const struct conet_state *s, int32_t epoch, int32_t d, struct drawn *of)
{
    const struct rh_learning drawing = { .pairs = &s->pairs[d] };
    int32_t number = epoch * s->n_domains + d; /* every domain has random numbers of its own */
    struct rh_triple *t;
    int status = rh_pairs_draw(ctx, &drawing, number, &t, &of->n);
    if (status < 0)
        return status;
    struct rh_rng r = ctx->host->stream(ctx, "partners", (uint64_t)number);
    of->joint = ctx->host->scratch(ctx, (size_t)of->n, sizeof *of->joint);
    if (!of->joint)
        return RH_ENOMEM;
    for (int64_t k = 0; k < of->n; k++) {
        of->joint[k].t = t[k];
        find_partner(s, d, &r, &of->joint[k]);
    }
    return RH_OK;
}

/* ---------------------------------------------------------------------------------------------------------- steps */

struct shard { /* triples of one domain with partners in one other */
    int32_t own, other, n;
    const struct joint *joint; /* [n] */
    double loss;
    rh_real share;      /* weight of a triple */
    rh_real *dphi;      /* [size of phi] */
    rh_real *dx[2];     /* [2 n x 2 E] */
};

struct step {
    const struct conet_state *s;
    struct shard *shard; /* [most] */
    int32_t n, most;
    struct joint *sorted; /* [most joints of a step] */
    rh_real *dphi, *dx;   /* room of all shards */
};

/* [p(u); q(d, i)] of rows 2 k (liked) and 2 k + 1 (other item), and of the partner for both. */
static void fill_inputs(const struct conet_state *s, const struct shard *b, rh_real *x[2])
{
    int32_t E = s->user.E;
    size_t half = (size_t)E * sizeof(rh_real);
    for (int32_t k = 0; k < 2 * b->n; k++) {
        const struct joint *j = &b->joint[k / 2];
        rh_real *own = x[0] + (size_t)k * 2 * (size_t)E, *other = x[1] + (size_t)k * 2 * (size_t)E;
        memcpy(own, rh_embedding_row(&s->user, j->t.user), half);
        memcpy(own + E, rh_embedding_row(&s->item[b->own], k % 2 ? j->t.other : j->t.liked), half);
        if (b->other < 0)
            continue;
        memcpy(other, own, half);
        memcpy(other + E, rh_embedding_row(&s->item[b->other], j->partner), half);
    }
}

static int shard_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct step *w = arg;
    const struct conet_state *s = w->s;
    size_t row = 2 * (size_t)s->user.E * sizeof(rh_real), rows = 2 * SHARD;
    rh_real *x[2] = { ctx->host->scratch(ctx, rows, row), ctx->host->scratch(ctx, rows, row) };
    rh_real *tape = ctx->host->scratch(ctx, rh_cross_tape(&s->net, 2 * SHARD), sizeof *tape);
    rh_real *work = ctx->host->scratch(ctx, rh_cross_work(&s->net, 2 * SHARD), sizeof *work);
    rh_real *ds = ctx->host->scratch(ctx, rows, sizeof *ds);
    if (!x[0] || !x[1] || !tape || !work || !ds)
        return RH_ENOMEM;
    for (int64_t k = begin; k < end; k++) {
        struct shard *b = &w->shard[k];
        const struct rh_cross_rows r = { b->own, b->other, 2 * b->n, { x[0], x[1] } };
        fill_inputs(s, b, x);
        const rh_real *score = rh_cross_forward(&s->net, s->phi, &r, tape);
        b->loss = 0;
        for (int32_t t = 0; t < b->n; t++)
            b->loss += (double)rh_nn_loss((enum rh_loss)s->params->loss, 2, score + 2 * t, b->share, ds + 2 * t);
        memset(b->dphi, 0, (size_t)rh_cross_size(&s->net) * sizeof *b->dphi);
        rh_cross_back(&s->net, s->phi, &r, tape, ds, b->dphi, b->dx, work);
    }
    return RH_OK;
}

static void add_rows(struct conet_state *s, const struct shard *b)
{
    int32_t E = s->user.E;
    for (int32_t k = 0; k < 2 * b->n; k++) {
        const struct joint *j = &b->joint[k / 2];
        const rh_real *own = b->dx[0] + (size_t)k * 2 * (size_t)E, *other = b->dx[1] + (size_t)k * 2 * (size_t)E;
        rh_axpy(E, 1, own, rh_embedding_gradient(&s->user, j->t.user));
        rh_axpy(E, 1, own + E, rh_embedding_gradient(&s->item[b->own], k % 2 ? j->t.other : j->t.liked));
        if (b->other < 0)
            continue;
        rh_axpy(E, 1, other, rh_embedding_gradient(&s->user, j->t.user));
        rh_axpy(E, 1, other + E, rh_embedding_gradient(&s->item[b->other], j->partner));
    }
}

/* n examples of domain d become shards, those with the same partner domain together, in order. */
static void deal(struct step *w, int32_t d, const struct joint *joint, int64_t n, struct joint *sorted)
{
    const struct conet_state *s = w->s;
    size_t E = (size_t)s->user.E;
    int64_t at = 0;
    for (int32_t e = -1; e < s->n_domains; e++) {
        int64_t from = at;
        for (int64_t k = 0; k < n; k++)
            if (joint[k].other == e)
                sorted[at++] = joint[k];
        for (; from < at; from += SHARD, w->n++) {
            struct shard *b = &w->shard[w->n];
            *b = (struct shard){ .own = d, .other = e, .joint = sorted + from,
                                 .n = (int32_t)(at - from < SHARD ? at - from : SHARD),
                                 .share = (rh_real)((d == s->target ? 1 : s->params->source_weight) / (double)n),
                                 .dphi = w->dphi + w->n * rh_cross_size(&s->net) };
            for (size_t side = 0; side < 2; side++)
                b->dx[side] = w->dx + ((size_t)w->n * 2 + side) * 2 * SHARD * 2 * E;
        }
    }
}

/* Gradients of the dealt examples into dphi and the tables; adds the loss to *loss. */
static int gradient(struct rh_ctx *ctx, struct conet_state *s, struct step *w, double *loss)
{
    int status = ctx->host->parallel(ctx, w->n, 1, shard_part, w);
    for (int32_t k = 0; k < w->n && status >= 0; k++) {
        int64_t size = rh_cross_size(&s->net);
        *loss += w->shard[k].loss;
        for (int64_t f = 0; f < size; f++)
            s->dphi[f] += w->shard[k].dphi[f];
        add_rows(s, &w->shard[k]);
    }
    return status;
}

/* Every connection nearer to 0 by `step`, and no farther than 0. */
static void shrink(struct conet_state *s, rh_real step)
{
    for (int64_t k = s->n_domains * rh_mlp_size(&s->net.tower); k < rh_cross_size(&s->net); k++) {
        rh_real size = rh_real_abs(s->phi[k]) - step;
        s->phi[k] = size > 0 ? (s->phi[k] > 0 ? size : -size) : 0;
    }
}

static void descend(struct conet_state *s)
{
    const struct conet_params *p = s->params;
    rh_nn_step(&s->rule, 1);
    rh_nn_descend(&s->rule, rh_cross_size(&s->net), s->phi, s->dphi, s->first, s->second);
    if (p->sparse > 0)
        shrink(s, (rh_real)(p->rate * p->sparse));
    rh_embedding_descend(&s->user, &s->rule);
    for (int32_t d = 0; d < s->n_domains; d++)
        rh_embedding_descend(&s->item[d], &s->rule);
}

/* Room for steps whose minibatches have `joints` examples in all. */
static int step_init(struct rh_ctx *ctx, const struct conet_state *s, int64_t joints, struct step *w)
{
    int32_t groups = s->n_domains * (s->n_domains + 1);
    *w = (struct step){ .s = s, .most = (int32_t)(joints / SHARD) + groups };
    w->shard = ctx->host->scratch(ctx, (size_t)w->most, sizeof *w->shard);
    w->sorted = ctx->host->scratch(ctx, (size_t)joints, sizeof *w->sorted);
    w->dphi = ctx->host->scratch(ctx, (size_t)w->most, (size_t)rh_cross_size(&s->net) * sizeof *w->dphi);
    w->dx = ctx->host->scratch(ctx, (size_t)w->most, 8 * SHARD * (size_t)s->user.E * sizeof *w->dx);
    return w->shard && w->sorted && w->dphi && w->dx ? RH_OK : RH_ENOMEM;
}

/* What score needs beside the weights: the items' parts of first layers. */
static int publish(struct rh_ctx *ctx, struct conet_state *s)
{
    int32_t E = s->user.E, width = s->net.tower.width[1], n = s->item[s->target].n;
    const rh_real *w = s->phi + s->target * rh_mlp_size(&s->net.tower);
    rh_real *half = ctx->host->scratch(ctx, (size_t)width, (size_t)E * sizeof *half);
    if (!half)
        return RH_ENOMEM;
    for (int32_t k = 0; k < width; k++)
        memcpy(half + (size_t)k * (size_t)E, w + ((size_t)k * 2 + 1) * (size_t)E, (size_t)E * sizeof *half);
    for (int32_t e = 0; e < s->n_domains; e++) {
        rh_real *to = s->by_item + (size_t)e * (size_t)n * (size_t)width;
        if (e == s->target)
            rh_nn_linear(n, E, width, s->item[e].w, half, NULL, to);
        else
            rh_nn_product(n, E, width, s->item[s->target].w,
                          s->phi + rh_cross_unit(&s->net, e, 1, NULL) + (int64_t)E * width, to);
    }
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------------------ fit */

/* Shapes, and arrays of domains; in fit and when a model is loaded. */
static int set_out(struct rh_ctx *ctx, struct conet_state *s, const struct conet_params *p,
                   const struct rh_train *train)
{
    s->params = p;
    s->n_users = train->n_users;
    s->n_domains = train->n_domains;
    s->target = train->target;
    s->domain = train->domain;
    s->rule = (struct rh_optimizer_state){ .kind = RH_ADAM, .rate = p->rate, .decay = p->decay };
    s->net = (struct rh_cross){ .n_domains = train->n_domains, .target = train->target };
    s->net.tower = (struct rh_mlp){ .layers = (int32_t)p->depth + 1, .hidden = RH_RELU, .last = RH_LINEAR };
    s->net.tower.width[0] = 2 * (int32_t)p->factors;
    for (int32_t l = 1; l <= p->depth; l++)
        s->net.tower.width[l] = (int32_t)(p->hidden >> (l - 1));
    s->net.tower.width[p->depth + 1] = 1;
    s->user.n = train->n_users;
    s->user.E = (int32_t)p->factors;
    s->item = ctx->host->alloc(ctx, (size_t)s->n_domains, sizeof *s->item);
    s->pairs = ctx->host->alloc(ctx, (size_t)s->n_domains, sizeof *s->pairs);
    if (!s->item || !s->pairs)
        return RH_ENOMEM;
    for (int32_t d = 0; d < s->n_domains; d++) {
        s->item[d].n = train->domain[d].n_items;
        s->item[d].E = (int32_t)p->factors;
    }
    return RH_OK;
}

/* Users with rows nowhere have a vector of 0, for nothing is learned of them. */
static int32_t look_at_users(struct conet_state *s)
{
    int32_t shared = 0;
    for (int32_t u = 0; u < s->n_users; u++) {
        int64_t all = 0, in_target = s->domain[s->target].row[u + 1] - s->domain[s->target].row[u];
        for (int32_t d = 0; d < s->n_domains; d++)
            all += s->domain[d].row[u + 1] - s->domain[d].row[u];
        shared += in_target > 0 && in_target < all;
        if (!all)
            memset(s->user.w + (size_t)u * (size_t)s->user.E, 0, (size_t)s->user.E * sizeof *s->user.w);
    }
    return shared;
}

static int conet_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct conet_state *s = state;
    const struct conet_params *p = params;
    int status = set_out(ctx, s, p, train);
    if (status < 0)
        return status;
    size_t size = (size_t)rh_cross_size(&s->net), parts = (size_t)s->n_domains * (size_t)s->item[s->target].n;
    s->phi = ctx->host->alloc(ctx, size, sizeof *s->phi);
    s->dphi = ctx->host->alloc(ctx, size, sizeof *s->dphi);
    s->first = ctx->host->alloc(ctx, size, sizeof *s->first);
    s->second = ctx->host->alloc(ctx, size, sizeof *s->second);
    s->by_item = ctx->host->alloc(ctx, parts, (size_t)s->net.tower.width[1] * sizeof *s->by_item);
    if (!s->phi || !s->dphi || !s->first || !s->second || !s->by_item)
        return RH_ENOMEM;
    struct rh_rng r = ctx->host->stream(ctx, "weights", 0);
    rh_cross_init(&s->net, &r, p->cross, s->phi);
    r = ctx->host->stream(ctx, "users", 0);
    status = rh_embedding_init(ctx, &s->user, s->user.n, s->user.E, p->spread, &r);
    for (int32_t d = 0; d < s->n_domains && status >= 0; d++) {
        r = ctx->host->stream(ctx, "items", (uint64_t)d);
        status = rh_embedding_init(ctx, &s->item[d], s->item[d].n, s->item[d].E, p->spread, &r);
        if (status >= 0)
            status = rh_pairs_init(ctx, &s->pairs[d], &train->domain[d], s->n_users, RH_EACH_INTERACTION,
                                   RH_UNIFORM_ITEMS, 1);
    }
    if (status < 0)
        return status;
    if (look_at_users(s) == 0 && p->cross)
        return rh_needs_shared_users(ctx, "conet", "connects its towers over", train);
    return publish(ctx, s);
}

static bool all_finite(const struct conet_state *s)
{
    bool finite = rh_nn_finite(rh_cross_size(&s->net), s->phi) &&
                  rh_nn_finite((int64_t)s->user.n * s->user.E, s->user.w);
    for (int32_t d = 0; d < s->n_domains; d++)
        finite = finite && rh_nn_finite((int64_t)s->item[d].n * s->item[d].E, s->item[d].w);
    return finite;
}

static int conet_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct conet_state *s = state;
    int64_t steps = (s->pairs[s->target].n + s->params->batch - 1) / s->params->batch, joints = 0;
    struct drawn *of = ctx->host->scratch(ctx, (size_t)s->n_domains, sizeof *of);
    struct step w = { 0 };
    int status = of ? RH_OK : RH_ENOMEM;
    for (int32_t d = 0; d < s->n_domains && status >= 0; d++) {
        status = draw(ctx, s, epoch, d, &of[d]);
        joints += of[d].n / steps + 1;
    }
    if (status >= 0)
        status = step_init(ctx, s, joints, &w);
    double sum = 0;
    for (int64_t k = 0; status >= 0 && k < steps; k++) {
        int64_t at = 0;
        w.n = 0;
        for (int32_t d = 0; d < s->n_domains; d++) {
            int64_t from = of[d].n * k / steps, n = of[d].n * (k + 1) / steps - from;
            deal(&w, d, of[d].joint + from, n, w.sorted + at);
            at += n;
        }
        if ((status = gradient(ctx, s, &w, &sum)) < 0)
            return status;
        descend(s);
        status = ctx->host->tick(ctx, k + 1, steps);
    }
    if (status < 0)
        return status;
    *loss = sum / (double)steps;
    if (!isfinite(*loss) || !all_finite(s))
        return ctx->host->fail(ctx, RH_ENUMERIC, "the weights are no numbers any more in epoch %d; lower rate, which "
                               "is %g", epoch, s->params->rate);
    return publish(ctx, s);
}

/* -------------------------------------------------------------------------------------------------------- queries */

struct asked { /* room for the queries of a call */
    rh_real *x[2];     /* [2 E] the user with no item, and with the mean item of a history */
    rh_real *start[2]; /* [width of the first layer] what candidates have in common there, of both towers */
    rh_real *tape;
    float *score; /* [largest number of candidates] */
};

/* What the first layers of both towers are without a candidate's part. */
static void begin_query(const struct conet_state *s, const struct rh_query *q, int32_t e, struct asked *a)
{
    int32_t E = s->user.E, in = 2 * E, width = s->net.tower.width[1];
    const rh_real *p = rh_embedding_row(&s->user, q->user), *w[2], *h = NULL;
    w[0] = s->phi + s->target * rh_mlp_size(&s->net.tower);
    memset(a->x[0], 0, (size_t)in * sizeof *a->x[0]);
    memset(a->x[1], 0, (size_t)in * sizeof *a->x[1]);
    memcpy(a->x[0], p, (size_t)E * sizeof *p);
    memcpy(a->x[1], p, (size_t)E * sizeof *p);
    rh_nn_linear(1, in, width, a->x[0], w[0], w[0] + (int64_t)in * width, a->start[0]);
    if (e < 0)
        return;
    w[1] = s->phi + e * rh_mlp_size(&s->net.tower);
    h = s->phi + rh_cross_unit(&s->net, e, 1, NULL);
    for (int32_t k = 0; k < q->history[e].n; k++)
        rh_axpy(E, 1 / (rh_real)q->history[e].n, rh_embedding_row(&s->item[e], q->history[e].item[k]), a->x[1] + E);
    rh_nn_linear_back(1, width, in, NULL, h, a->x[1], a->start[0], NULL, NULL);
    rh_nn_linear(1, in, width, a->x[1], w[1], w[1] + (int64_t)in * width, a->start[1]);
    rh_nn_linear_back(1, width, in, NULL, h, a->x[0], a->start[1], NULL, NULL);
}

/* score[n_candidates] += share of the scores with the history in source e as partner; e -1: none */
static void score_with(const struct conet_state *s, const struct rh_query *q, int32_t e, rh_real share,
                       struct asked *a)
{
    int32_t width = s->net.tower.width[1], n_items = s->item[s->target].n;
    begin_query(s, q, e, a);
    for (int32_t from = 0; from < q->n_candidates; from += BLOCK) {
        int32_t n = q->n_candidates - from < BLOCK ? q->n_candidates - from : BLOCK;
        struct rh_cross_rows r = { s->target, e, n, { NULL, NULL } };
        for (int side = 0; side <= (e >= 0); side++) {
            const rh_real *part = s->by_item + (size_t)(side ? e : s->target) * (size_t)n_items * (size_t)width;
            rh_real *first = rh_cross_first(&s->net, n, side, a->tape);
            for (int32_t k = 0; k < n; k++) {
                int32_t i = q->candidate ? q->candidate[from + k] : from + k;
                for (int32_t c = 0; c < width; c++)
                    first[(size_t)k * (size_t)width + (size_t)c] =
                        rh_act(RH_RELU, a->start[side][c] + part[(size_t)i * (size_t)width + (size_t)c]);
            }
        }
        const rh_real *score = rh_cross_rest(&s->net, s->phi, &r, a->tape);
        for (int32_t k = 0; k < n; k++)
            a->score[from + k] += (float)(share * score[k]);
    }
}

static int conet_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                       size_t stride)
{
    const struct conet_state *s = state;
    size_t in = (size_t)s->net.tower.width[0], width = (size_t)s->net.tower.width[1];
    struct asked a = { .tape = ctx->host->scratch(ctx, rh_cross_tape(&s->net, BLOCK), sizeof *a.tape) };
    bool room = a.tape;
    for (int side = 0; side < 2; side++) {
        a.x[side] = ctx->host->scratch(ctx, in, sizeof *a.x[side]);
        a.start[side] = ctx->host->scratch(ctx, width, sizeof *a.start[side]);
        room = room && a.x[side] && a.start[side];
    }
    if (!room)
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++) {
        const struct rh_query *q = &query[k];
        int64_t all = 0;
        for (int32_t e = 0; e < s->n_domains && s->params->cross; e++)
            all += e == s->target ? 0 : q->history[e].n;
        a.score = out + (size_t)k * stride;
        memset(a.score, 0, (size_t)q->n_candidates * sizeof *a.score);
        if (!all)
            score_with(s, q, -1, 1, &a);
        for (int32_t e = 0; e < s->n_domains && all; e++)
            if (e != s->target && q->history[e].n)
                score_with(s, q, e, (rh_real)q->history[e].n / (rh_real)all, &a);
    }
    return RH_OK;
}

static int conet_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct conet_state *s = state;
    int status = s->params ? RH_OK : set_out(ctx, s, params, train);
    if (status < 0)
        return status;
    int64_t parts = (int64_t)s->n_domains * s->item[s->target].n;
    size_t row = (size_t)s->user.E * sizeof(rh_real);
    if ((status = ctx->host->field(ctx, "weights", &s->phi, rh_cross_size(&s->net), sizeof *s->phi)) < 0 ||
        (status = ctx->host->field(ctx, "first", &s->by_item, parts,
                                   (size_t)s->net.tower.width[1] * sizeof *s->by_item)) < 0 ||
        (status = ctx->host->field(ctx, "users", &s->user.w, s->user.n, row)) < 0)
        return status;
    for (int32_t d = 0; d < s->n_domains && status >= 0; d++) {
        char name[32];
        snprintf(name, sizeof name, "items %d", (int)d);
        status = ctx->host->field(ctx, name, &s->item[d].w, s->item[d].n, row);
    }
    return status;
}

static const struct rh_algorithm conet = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "conet",
    .summary = "a tower of layers a domain, connected at every layer for shared users",
    .reference = "Hu, Zhang and Yang 2018, CoNet: collaborative cross networks for cross-domain recommendation, CIKM",
    .cost = "with S weights of a tower: epoch O(interactions of all domains x S), score O(I S) a query and source "
            "with a history; memory 16 (U + I) d + 4 D I hidden bytes",
    .advice = "For users shared by the domains, many of them with few interactions in the target. Judge it by its "
              "twin, cross = no, which shares users' vectors alone, and by ials. Scores are slow: every pair goes "
              "through both towers. Tune rate and the number of epochs (early stopping), then factors and sparse. A "
              "user's support interactions in the target do not count.",
    .revision = 1,
    .flags = RH_A_USES_SOURCES | RH_A_NEEDS_SOURCES | RH_A_COLD_USERS | RH_A_RANDOM,
    .params = conet_table,
    .params_size = sizeof(struct conet_params),
    .state_size = sizeof(struct conet_state),
    .epochs = 20,
    .check = conet_check,
    .fit = conet_fit,
    .epoch = conet_epoch,
    .score = conet_score,
    .persist = conet_persist,
};

RH_ALGORITHM(conet)
