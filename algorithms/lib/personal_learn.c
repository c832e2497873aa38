#include "algorithms/lib/personal_learn.h"

#include <stdlib.h>
#include <string.h>

#define SHARD 8 /* users whose gradients are summed by one thread */

int rh_personal_open(struct rh_ctx *ctx, struct rh_personal_model *m, const struct rh_personal_options *o,
                     const struct rh_train *train)
{
    m->shape = rh_personal_make((int32_t)o->factors, (int32_t)o->meta);
    m->size = rh_personal_size(&m->shape);
    m->history = o->history;
    m->batch = o->batch;
    m->adam = (struct rh_optimizer_state){ .kind = RH_ADAM, .rate = o->rate, .decay = o->decay };
    m->n_domains = train->n_domains;
    m->target = train->target;
    m->middle = ctx->host->alloc(ctx, (size_t)train->n_domains, sizeof *m->middle);
    if (!m->middle)
        return RH_ENOMEM;
    for (int32_t k = 0; k < train->n_domains; k++)
        m->middle[k] = (train->domain[k].value_min + train->domain[k].value_max) / 2;
    return RH_OK;
}

int rh_personal_start(struct rh_ctx *ctx, struct rh_personal_model *m)
{
    const struct rh_host *host = ctx->host;
    m->phi = host->alloc(ctx, (size_t)m->size, sizeof *m->phi);
    m->gradient = host->alloc(ctx, (size_t)m->size, sizeof *m->gradient);
    m->first = host->alloc(ctx, (size_t)m->size, sizeof *m->first);
    m->second = host->alloc(ctx, (size_t)m->size, sizeof *m->second);
    if (!m->phi || !m->gradient || !m->first || !m->second)
        return RH_ENOMEM;
    struct rh_rng r = host->stream(ctx, "personal maps", 0);
    rh_personal_init(&m->shape, &r, m->phi);
    return RH_OK;
}

int rh_personal_persist(struct rh_ctx *ctx, struct rh_personal_model *m)
{
    int status = ctx->host->field(ctx, "maps", &m->phi, m->size, sizeof *m->phi);
    if (status < 0 || !(ctx->host->purpose(ctx) & RH_FOR_RESUMING))
        return status;
    if ((status = ctx->host->field(ctx, "maps first", &m->first, m->size, sizeof *m->phi)) < 0 ||
        (status = ctx->host->field(ctx, "maps second", &m->second, m->size, sizeof *m->phi)) < 0)
        return status;
    return ctx->host->value(ctx, "maps steps", &m->adam.step, sizeof m->adam.step);
}

/* ------------------------------------------------------------------------------------------------------- histories */

struct seen {
    int64_t time;
    int32_t item; /* row of the item vectors */
};

static int newest_first(const void *x, const void *y)
{
    const struct seen *a = x, *b = y;
    return a->time != b->time ? (a->time < b->time) - (a->time > b->time) : (a->item > b->item) - (a->item < b->item);
}

static int64_t rows_in_sources(const struct rh_personal_model *m, const struct rh_history *history)
{
    int64_t n = 0;
    for (int32_t k = 0; k < m->n_domains; k++)
        n += k != m->target ? history[k].n : 0;
    return n;
}

/* Vectors of the items that a map is made from, at most m->history, into v[.. x d]; of the empty history one of zeros.
 * Returns how many. `room` is for all rows of the user in the sources. */
static int64_t gather(const struct rh_personal_model *m, const struct rh_history *history, struct seen *room,
                      rh_real *v)
{
    int32_t d = m->shape.d;
    int64_t n = 0;
    for (int pass = 0; pass < 2 && !n; pass++) /* the liked; where there is none, all */
        for (int32_t k = 0; k < m->n_domains; k++) {
            const struct rh_history *h = &history[k];
            for (int32_t j = 0; k != m->target && j < h->n; j++)
                if (pass || !h->value || h->value[j] > m->middle[k])
                    room[n++] = (struct seen){ h->time ? h->time[j] : INT64_MIN, m->first_item[k] + h->item[j] };
        }
    if (!n) {
        memset(v, 0, (size_t)d * sizeof *v);
        return 1;
    }
    qsort(room, (size_t)n, sizeof *room, newest_first);
    n = n < m->history ? n : m->history;
    for (int64_t j = 0; j < n; j++)
        memcpy(v + j * d, m->item + (int64_t)room[j].item * m->width, (size_t)d * sizeof *v);
    return n;
}

/* Users whose maps are made at a time. */
struct group {
    struct rh_personal_users users;
    int64_t *first;
    rh_real *v, *s, *tape, *y;
    struct seen *room;
};

static int take_group(struct rh_ctx *ctx, const struct rh_personal_model *m, int32_t n, int64_t longest,
                      struct group *g)
{
    const struct rh_host *host = ctx->host;
    size_t d = (size_t)m->shape.d, most = (size_t)n * (size_t)m->history;
    g->first = host->scratch(ctx, (size_t)n + 1, sizeof *g->first);
    g->v = host->scratch(ctx, most, d * sizeof *g->v);
    g->s = host->scratch(ctx, (size_t)n, d * sizeof *g->s);
    g->y = host->scratch(ctx, (size_t)n, d * sizeof *g->y);
    g->tape = host->scratch(ctx, rh_personal_tape(&m->shape, n, (int64_t)most), sizeof *g->tape);
    g->room = host->scratch(ctx, (size_t)longest + 1, sizeof *g->room);
    return g->first && g->v && g->s && g->y && g->tape && g->room ? RH_OK : RH_ENOMEM;
}

static void put_user(const struct rh_personal_model *m, const struct rh_history *history, const float *x, int32_t k,
                     struct group *g)
{
    int32_t d = m->shape.d;
    g->first[k + 1] = g->first[k] + gather(m, history, g->room, g->v + g->first[k] * d);
    memcpy(g->s + (int64_t)k * d, x, (size_t)d * sizeof *g->s);
}

static void map_group(const struct rh_personal_model *m, int32_t n, struct group *g)
{
    g->users = (struct rh_personal_users){ n, g->first, g->v, g->s };
    rh_personal_forward(&m->shape, m->phi, &g->users, g->tape, g->y);
}

int rh_personal_map(struct rh_ctx *ctx, const struct rh_personal_model *m, const struct rh_query *query, int32_t n,
                    const float *x, float *mapped)
{
    struct group g;
    int64_t longest = 0;
    int32_t d = m->shape.d, piece = n < SHARD ? n : SHARD;
    for (int32_t k = 0; k < n; k++) {
        int64_t rows = rows_in_sources(m, query[k].history);
        longest = rows > longest ? rows : longest;
    }
    if (take_group(ctx, m, piece, longest, &g) < 0)
        return RH_ENOMEM;
    for (int32_t from = 0; from < n; from += piece) {
        int32_t users = n - from < piece ? n - from : piece;
        for (int32_t k = 0; k < users; k++)
            put_user(m, query[from + k].history, x + (int64_t)(from + k) * m->width, k, &g);
        map_group(m, users, &g);
        for (int32_t k = 0; k < users; k++)
            memcpy(mapped + (int64_t)(from + k) * m->width, g.y + (int64_t)k * d, (size_t)d * sizeof *mapped);
    }
    return RH_OK;
}

/* --------------------------------------------------------------------------------------------------------- learning */

struct batch {
    struct rh_personal_model *m;
    const struct rh_train *train;
    rh_personal_task *task;
    const void *arg;
    const int32_t *user; /* [n] */
    int32_t n;
    uint64_t first;    /* number of the first user among those of all epochs */
    rh_real *gradient; /* [shards x size] */
    double *loss;      /* [shards] sums over the users */
};

static void history_of(const struct rh_train *train, int32_t user, struct rh_history *out)
{
    for (int32_t k = 0; k < train->n_domains; k++) {
        const struct rh_domain *d = &train->domain[k];
        int64_t from = d->row[user];
        out[k] = (struct rh_history){ (int32_t)(d->row[user + 1] - from), d->item + from,
                                      d->value ? d->value + from : NULL, d->time ? d->time + from : NULL };
    }
}

static int learn_shard(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct batch *b = arg;
    const struct rh_personal_model *m = b->m;
    int32_t n = (int32_t)(end - begin), d = m->shape.d;
    int64_t shard = begin / SHARD, longest = 0;
    size_t most = (size_t)n * (size_t)m->history;
    struct group g;
    struct rh_history *history = ctx->host->scratch(ctx, (size_t)n * (size_t)m->n_domains, sizeof *history);
    rh_real *dy = ctx->host->scratch(ctx, (size_t)n, (size_t)d * sizeof *dy);
    rh_real *work = ctx->host->scratch(ctx, rh_personal_work(&m->shape, n, (int64_t)most), sizeof *work);
    if (!history || !dy || !work)
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++) {
        history_of(b->train, b->user[begin + k], history + (int64_t)k * m->n_domains);
        int64_t rows = rows_in_sources(m, history + (int64_t)k * m->n_domains);
        longest = rows > longest ? rows : longest;
    }
    if (take_group(ctx, m, n, longest, &g) < 0)
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++)
        put_user(m, history + (int64_t)k * m->n_domains, m->user + (int64_t)b->user[begin + k] * m->width, k, &g);
    map_group(m, n, &g);
    for (int32_t k = 0; k < n; k++) {
        struct rh_rng r = ctx->host->stream(ctx, "personal rows", b->first + (uint64_t)(begin + k));
        b->loss[shard] += b->task(b->arg, &r, b->user[begin + k], history + (int64_t)k * m->n_domains,
                                  g.y + (int64_t)k * d, 1 / (rh_real)b->n, dy + (int64_t)k * d);
    }
    rh_personal_back(&m->shape, m->phi, &g.users, g.tape, dy, b->gradient + shard * m->size, work);
    return RH_OK;
}

static int learn_batch(struct rh_ctx *ctx, struct batch *b, double *loss)
{
    struct rh_personal_model *m = b->m;
    int32_t shards = (b->n + SHARD - 1) / SHARD;
    memset(b->gradient, 0, (size_t)shards * (size_t)m->size * sizeof *b->gradient);
    memset(b->loss, 0, (size_t)shards * sizeof *b->loss);
    int status = ctx->host->parallel(ctx, b->n, SHARD, learn_shard, b);
    if (status < 0)
        return status;
    for (int32_t k = 0; k < shards; k++) {
        const rh_real *g = b->gradient + k * m->size;
        for (int64_t i = 0; i < m->size; i++)
            m->gradient[i] += g[i];
        *loss += b->loss[k];
    }
    rh_nn_step(&m->adam, 1);
    rh_nn_descend(&m->adam, m->size, m->phi, m->gradient, m->first, m->second);
    return RH_OK;
}

int rh_personal_epoch(struct rh_ctx *ctx, struct rh_personal_model *m, const struct rh_train *train,
                      const int32_t *user, int32_t n, int32_t epoch, rh_personal_task *task, const void *arg,
                      double *loss)
{
    int32_t batch = m->batch < n ? (int32_t)m->batch : n;
    size_t shards = (size_t)(batch + SHARD - 1) / SHARD;
    int32_t *order = ctx->host->scratch(ctx, (size_t)n, sizeof *order);
    struct batch b = { .m = m, .train = train, .task = task, .arg = arg };
    b.gradient = ctx->host->scratch(ctx, shards * (size_t)m->size, sizeof *b.gradient);
    b.loss = ctx->host->scratch(ctx, shards, sizeof *b.loss);
    if (!order || !b.gradient || !b.loss)
        return RH_ENOMEM;
    memcpy(order, user, (size_t)n * sizeof *order);
    struct rh_rng r = ctx->host->stream(ctx, "personal order", (uint64_t)epoch);
    rh_rng_shuffle(&r, order, n);
    *loss = 0;
    for (int32_t at = 0; at < n; at += batch) {
        b.user = order + at;
        b.n = n - at < batch ? n - at : batch;
        b.first = (uint64_t)epoch * (uint64_t)n + (uint64_t)at;
        int status = learn_batch(ctx, &b, loss);
        if (status >= 0)
            status = ctx->host->tick(ctx, at, n);
        if (status < 0)
            return status;
    }
    *loss /= n;
    if (!isfinite(*loss) || !rh_nn_finite(m->size, m->phi))
        return ctx->host->fail(ctx, RH_ENUMERIC, "the maps diverged; lower their learning rate below %g",
                               m->adam.rate);
    return RH_OK;
}
