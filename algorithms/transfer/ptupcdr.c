/* ptupcdr - personalised transfer of user preferences: a map of one's own from the source to the target.
 *
 * Zhu, Tang, Liu, Zhuang, Xie, Zhang, Lin and He 2022, "Personalized transfer of user preferences for cross-domain
 * recommendation" (WSDM). As in emcdr there is a factorisation of the sources and one of the target, here implicit
 * least squares; in place of one map for all a network makes a matrix for each user from what they did in the source
 * (algorithms/lib/personal.h). It is learned by the task, not by the distance of vectors: with y(u) the mapped vector
 * of a shared user and q the item vectors of the target, the loss is that of the scores y(u) . q(i) of the user's items
 * in the target against those of sampled others (mse towards 1 and 0, as their eq. 8 has it for ratings; bpr; bce).
 *
 * The factorisations are made by fit; epochs are passes over the shared users, in minibatches. The history is the
 * newest `history` items of the user in the sources, the liked ones where there are ratings (above the middle of the
 * scale, if any is).
 *
 * A minibatch is computed in shards of a fixed number of users, whose gradients are added in order: the numbers do not
 * depend on threads. Cost of an epoch: shared users times (that of a map, plus rows d). */
#include "algorithms/lib/bridge.h"
#include "algorithms/lib/personal.h"

#include <stdlib.h>
#include <string.h>

#define SHARD 8 /* users whose gradients are summed by one thread */
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
    struct rh_personal personal;
    rh_real *phi, *gradient, *first, *second; /* [size] */
    struct rh_optimizer_state adam;
    float *middle; /* [n_domains] of the rating scale; -inf: no ratings */
    int64_t size;
};

/* ------------------------------------------------------------------------------------------------------- histories */

struct seen {
    int64_t time;
    int32_t item; /* of the sources' matrix */
};

static int newest_first(const void *x, const void *y)
{
    const struct seen *a = x, *b = y;
    return a->time != b->time ? (a->time < b->time) - (a->time > b->time) : (a->item > b->item) - (a->item < b->item);
}

/* v[.. x d] and, for the empty history, one vector of zeros; returns their number, at most `history`, at least 1. room
 * for all rows of the user in the sources. */
static int64_t gather(const struct ptupcdr_state *s, const struct rh_history *history, struct seen *room, rh_real *v)
{
    const struct rh_als *m = &s->bridge.source;
    int32_t d = s->personal.d;
    int64_t n = 0;
    for (int pass = 0; pass < 2 && !n; pass++) /* the liked; where there is none, all */
        for (int32_t k = 0; k < m->n_domains; k++) {
            const struct rh_history *h = &history[k];
            for (int32_t j = 0; k != s->bridge.domain && j < h->n; j++)
                if (pass || !h->value || h->value[j] > s->middle[k])
                    room[n++] = (struct seen){ h->time ? h->time[j] : INT64_MIN, m->first_item[k] + h->item[j] };
        }
    if (!n) {
        memset(v, 0, (size_t)d * sizeof *v);
        return 1;
    }
    qsort(room, (size_t)n, sizeof *room, newest_first);
    n = n < s->params->history ? n : s->params->history;
    for (int64_t j = 0; j < n; j++)
        memcpy(v + j * d, m->item.x + (int64_t)room[j].item * m->width, (size_t)d * sizeof *v);
    return n;
}

static int64_t rows_in_sources(const struct ptupcdr_state *s, const struct rh_history *history)
{
    int64_t n = 0;
    for (int32_t k = 0; k < s->bridge.source.n_domains; k++)
        n += k != s->bridge.domain ? history[k].n : 0;
    return n;
}

/* y[n x d] of n users with histories (of all domains) and source vectors x[n x width]. */
struct mapping {
    struct rh_personal_users users;
    int64_t *first;
    rh_real *v, *s, *tape, *y;
};

static int map_room(struct rh_ctx *ctx, const struct ptupcdr_state *s, int32_t n, struct mapping *m)
{
    size_t d = (size_t)s->personal.d, most = (size_t)n * (size_t)s->params->history;
    m->first = ctx->host->scratch(ctx, (size_t)n + 1, sizeof *m->first);
    m->v = ctx->host->scratch(ctx, most, d * sizeof *m->v);
    m->s = ctx->host->scratch(ctx, (size_t)n, d * sizeof *m->s);
    m->y = ctx->host->scratch(ctx, (size_t)n, d * sizeof *m->y);
    m->tape = ctx->host->scratch(ctx, rh_personal_tape(&s->personal, n, (int64_t)most), sizeof *m->tape);
    return m->first && m->v && m->s && m->y && m->tape ? RH_OK : RH_ENOMEM;
}

static void map_forward(const struct ptupcdr_state *s, int32_t n, struct mapping *m)
{
    m->users = (struct rh_personal_users){ n, m->first, m->v, m->s };
    rh_personal_forward(&s->personal, s->phi, &m->users, m->tape, m->y);
}

/* --------------------------------------------------------------------------------------------------------- learning */

/* The histories of a user in the train view. */
static void history_of(const struct rh_train *train, int32_t user, struct rh_history *out)
{
    for (int32_t k = 0; k < train->n_domains; k++) {
        const struct rh_domain *d = &train->domain[k];
        int64_t from = d->row[user];
        out[k] = (struct rh_history){ (int32_t)(d->row[user + 1] - from), d->item + from,
                                      d->value ? d->value + from : NULL, d->time ? d->time + from : NULL };
    }
}

struct batch {
    struct ptupcdr_state *s;
    const int32_t *user; /* [n_users] */
    int32_t n_users;
    uint64_t number;   /* of the batch, over all epochs */
    rh_real *gradient; /* [shards x size] */
    double *loss;      /* [shards] sums over the users */
};

static bool has(const struct rh_history *h, int32_t item)
{
    for (int32_t lo = 0, hi = h->n; lo < hi;) {
        int32_t mid = lo + (hi - lo) / 2;
        if (h->item[mid] == item)
            return true;
        if (h->item[mid] < item)
            lo = mid + 1;
        else
            hi = mid;
    }
    return false;
}

/* Mean loss over (up to ROWS of) the user's rows in the target; adds its gradient by y to dy[d]. */
static double task_loss(const struct ptupcdr_state *s, const struct rh_history *target, struct rh_rng *r,
                        const rh_real *y, rh_real weight, rh_real *dy)
{
    const struct rh_als *m = &s->bridge.target;
    int32_t d = s->personal.d, n_items = s->train->domain[s->train->target].n_items;
    int32_t count = (int32_t)s->params->negatives + 1, rows = target->n < ROWS ? target->n : ROWS, item[65];
    rh_real score[65], ds[65];
    double loss = 0;
    for (int32_t k = 0; k < rows; k++) {
        /* every row where there are few; else each is as likely as the others */
        item[0] = target->item[rows == target->n ? k : (int32_t)rh_rng_below(r, (uint32_t)target->n)];
        for (int32_t j = 1; j < count; j++)
            for (int tries = 0; tries < 100; tries++) {
                item[j] = (int32_t)rh_rng_below(r, (uint32_t)n_items);
                if (!has(target, item[j]))
                    break;
            }
        for (int32_t j = 0; j < count; j++)
            score[j] = rh_dot(d, y, m->item.x + (int64_t)item[j] * m->width);
        loss += rh_nn_loss(s->params->loss, count, score, weight / (rh_real)rows, ds);
        for (int32_t j = 0; j < count; j++)
            rh_axpy(d, ds[j], m->item.x + (int64_t)item[j] * m->width, dy);
    }
    return loss;
}

static int learn_shard(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct batch *b = arg;
    const struct ptupcdr_state *s = b->s;
    const struct rh_als *source = &s->bridge.source;
    int32_t n = (int32_t)(end - begin), d = s->personal.d, n_domains = s->train->n_domains;
    int64_t shard = begin / SHARD, most = 1;
    for (int64_t k = begin; k < end; k++) {
        int64_t rows = source->user.row[b->user[k] + 1] - source->user.row[b->user[k]];
        most = rows > most ? rows : most;
    }
    struct mapping m;
    size_t longest = (size_t)n * (size_t)s->params->history;
    struct rh_history *history = ctx->host->scratch(ctx, (size_t)n * (size_t)n_domains, sizeof *history);
    struct seen *room = ctx->host->scratch(ctx, (size_t)most, sizeof *room);
    rh_real *dy = ctx->host->scratch(ctx, (size_t)n, (size_t)d * sizeof *dy);
    rh_real *work = ctx->host->scratch(ctx, rh_personal_work(&s->personal, n, (int64_t)longest), sizeof *work);
    if (!history || !room || !dy || !work || map_room(ctx, s, n, &m) < 0)
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++) {
        int32_t user = b->user[begin + k];
        history_of(s->train, user, history + (int64_t)k * n_domains);
        m.first[k + 1] = m.first[k] + gather(s, history + (int64_t)k * n_domains, room, m.v + m.first[k] * d);
        memcpy(m.s + (int64_t)k * d, source->user.x + (int64_t)user * source->width, (size_t)d * sizeof *m.s);
    }
    map_forward(s, n, &m);
    for (int32_t k = 0; k < n; k++) {
        struct rh_rng r = ctx->host->stream(ctx, "ptupcdr rows", b->number * (uint64_t)s->params->batch +
                                                                     (uint64_t)(begin + k));
        b->loss[shard] += task_loss(s, &history[(int64_t)k * n_domains + s->bridge.domain], &r, m.y + (int64_t)k * d,
                                    1 / (rh_real)b->n_users, dy + (int64_t)k * d);
    }
    rh_personal_back(&s->personal, s->phi, &m.users, m.tape, dy, b->gradient + shard * s->size, work);
    return RH_OK;
}

static int learn_batch(struct rh_ctx *ctx, struct batch *b, double *loss)
{
    struct ptupcdr_state *s = b->s;
    int32_t shards = (b->n_users + SHARD - 1) / SHARD;
    memset(b->gradient, 0, (size_t)shards * (size_t)s->size * sizeof *b->gradient);
    memset(b->loss, 0, (size_t)shards * sizeof *b->loss);
    int status = ctx->host->parallel(ctx, b->n_users, SHARD, learn_shard, b);
    if (status < 0)
        return status;
    for (int32_t k = 0; k < shards; k++) {
        const rh_real *g = b->gradient + k * s->size;
        for (int64_t i = 0; i < s->size; i++)
            s->gradient[i] += g[i];
        *loss += b->loss[k] * b->n_users;
    }
    rh_nn_step(&s->adam, 1);
    rh_nn_descend(&s->adam, s->size, s->phi, s->gradient, s->first, s->second);
    return RH_OK;
}

static int ptupcdr_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct ptupcdr_state *s = state;
    int32_t n = s->bridge.n_shared, batch = s->params->batch < n ? (int32_t)s->params->batch : n;
    size_t shards = (size_t)(batch + SHARD - 1) / SHARD;
    int32_t *order = ctx->host->scratch(ctx, (size_t)n, sizeof *order);
    struct batch b = { .s = s };
    b.gradient = ctx->host->scratch(ctx, shards * (size_t)s->size, sizeof *b.gradient);
    b.loss = ctx->host->scratch(ctx, shards, sizeof *b.loss);
    if (!order || !b.gradient || !b.loss)
        return RH_ENOMEM;
    memcpy(order, s->bridge.shared, (size_t)n * sizeof *order);
    struct rh_rng r = ctx->host->stream(ctx, "ptupcdr order", (uint64_t)epoch);
    rh_rng_shuffle(&r, order, n);
    *loss = 0;
    for (int32_t at = 0, k = 0; at < n; at += batch, k++) {
        b.user = order + at;
        b.n_users = n - at < batch ? n - at : batch;
        b.number = (uint64_t)epoch * (uint64_t)((n + batch - 1) / batch) + (uint64_t)k;
        int status = learn_batch(ctx, &b, loss);
        if (status >= 0)
            status = ctx->host->tick(ctx, at, n);
        if (status < 0)
            return status;
    }
    *loss /= n;
    if (!isfinite(*loss) || !rh_nn_finite(s->size, s->phi))
        return ctx->host->fail(ctx, RH_ENUMERIC, "the maps diverged; lower rate below %g", s->params->rate);
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------------ the plugin */

static int set_out(struct rh_ctx *ctx, struct ptupcdr_state *s, const struct ptupcdr_params *p,
                   const struct rh_train *train)
{
    s->params = p;
    s->train = train;
    s->personal = rh_personal_make((int32_t)p->factors, (int32_t)p->meta);
    s->size = rh_personal_size(&s->personal);
    s->adam = (struct rh_optimizer_state){ .kind = RH_ADAM, .rate = p->rate, .decay = p->decay };
    s->middle = ctx->host->alloc(ctx, (size_t)train->n_domains, sizeof *s->middle);
    if (!s->middle)
        return RH_ENOMEM;
    for (int32_t k = 0; k < train->n_domains; k++)
        s->middle[k] = (train->domain[k].value_min + train->domain[k].value_max) / 2;
    return RH_OK;
}

static int check(struct rh_ctx *ctx, const void *params)
{
    const struct ptupcdr_params *p = params;
    if (p->factors > 256)
        return ctx->host->fail(ctx, RH_EINVAL,
                               "factors = %lld: a map has factors x factors numbers for each user, and ptupcdr goes "
                               "up to 256", (long long)p->factors);
    return RH_OK;
}

static int ptupcdr_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct ptupcdr_params *p = params;
    struct ptupcdr_state *s = state;
    double loss;
    int status = set_out(ctx, s, p, train);
    if (status >= 0)
        status = rh_bridge_init(ctx, &s->bridge, &p->als, train, "ptupcdr");
    for (int64_t e = 0; e < p->factor_epochs && status >= 0; e++)
        if ((status = rh_bridge_epoch(ctx, &s->bridge, &loss)) >= 0)
            status = ctx->host->tick(ctx, e, p->factor_epochs);
    if (status < 0)
        return status;
    s->phi = ctx->host->alloc(ctx, (size_t)s->size, sizeof *s->phi);
    s->gradient = ctx->host->alloc(ctx, (size_t)s->size, sizeof *s->gradient);
    s->first = ctx->host->alloc(ctx, (size_t)s->size, sizeof *s->first);
    s->second = ctx->host->alloc(ctx, (size_t)s->size, sizeof *s->second);
    if (!s->phi || !s->gradient || !s->first || !s->second)
        return RH_ENOMEM;
    struct rh_rng r = ctx->host->stream(ctx, "ptupcdr maps", 0);
    rh_personal_init(&s->personal, &r, s->phi);
    return RH_OK;
}

static int map_users(struct rh_ctx *ctx, const void *map, const struct rh_query *query, int32_t n, const float *x,
                     float *mapped)
{
    const struct ptupcdr_state *s = map;
    int32_t width = s->bridge.source.width, d = s->personal.d;
    struct mapping m;
    int64_t most = 1;
    for (int32_t k = 0; k < n; k++) {
        int64_t rows = rows_in_sources(s, query[k].history);
        most = rows > most ? rows : most;
    }
    int32_t piece = n < SHARD ? n : SHARD; /* users whose maps are made at a time */
    struct seen *room = ctx->host->scratch(ctx, (size_t)most, sizeof *room);
    if (!room || map_room(ctx, s, piece, &m) < 0)
        return RH_ENOMEM;
    for (int32_t from = 0; from < n; from += piece) {
        int32_t users = n - from < piece ? n - from : piece;
        m.first[0] = 0;
        for (int32_t k = 0; k < users; k++) {
            m.first[k + 1] = m.first[k] + gather(s, query[from + k].history, room, m.v + m.first[k] * d);
            memcpy(m.s + (int64_t)k * d, x + (int64_t)(from + k) * width, (size_t)d * sizeof *m.s);
        }
        map_forward(s, users, &m);
        for (int32_t k = 0; k < users; k++)
            memcpy(mapped + (int64_t)(from + k) * width, m.y + (int64_t)k * d, (size_t)d * sizeof *mapped);
    }
    return RH_OK;
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
    return status < 0 ? status : ctx->host->field(ctx, "maps", &s->phi, s->size, sizeof *s->phi);
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
    .advice = "As emcdr, where users differ in how they carry over and thousands are shared; with some hundreds the one "
              "map of emcdr is safer. Keep factors small (10 to 32): a map has factors^2 numbers. Tune rate and epochs.",
    .revision = 1,
    .flags = RH_A_USES_SOURCES | RH_A_NEEDS_SOURCES | RH_A_COLD_USERS | RH_A_RANDOM,
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
