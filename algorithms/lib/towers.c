#include "algorithms/lib/towers.h"

#include <cblas.h>
#include <stdio.h>
#include <string.h>

#define SHARD 64 /* rows a shard */
#define PARTS 8  /* that share out the gradients by the vectors of a step */

#ifdef RH_NN_DOUBLE
#define GEMM cblas_dgemm
#else
#define GEMM cblas_sgemm
#endif

/* ------------------------------------------------------------------------------------------------------- set-up */

int rh_towers_describe(struct rh_ctx *ctx, struct rh_towers *net)
{
    int32_t widest = 1;
    net->domain = &net->train->domain[net->train->target];
    for (int32_t b = 0; b < net->train->n_user_blocks; b++)
        if (net->train->user_features[b].dense && net->train->user_features[b].n_cols > widest)
            widest = net->train->user_features[b].n_cols;
    net->column = ctx->host->alloc(ctx, (size_t)widest, sizeof *net->column);
    net->user_table = ctx->host->alloc(ctx, (size_t)net->train->n_user_blocks + 1, sizeof *net->user_table);
    if (!net->column || !net->user_table)
        return RH_ENOMEM;
    for (int32_t c = 0; c < widest; c++)
        net->column[c] = c;
    return RH_OK;
}

static int take_rows(struct rh_ctx *ctx, struct rh_towers *net)
{
    const struct rh_domain *d = net->domain;
    int64_t n = d->row[net->train->n_users];
    if (n > INT32_MAX || n == 0)
        return ctx->host->fail(ctx, RH_EDATA, "domain '%s' has %lld interactions, 1 to 2147483647 are allowed",
                               d->name, (long long)n);
    net->n_rows = (int32_t)n;
    net->user_of = ctx->host->alloc(ctx, (size_t)n, sizeof *net->user_of);
    net->log_p = ctx->host->alloc(ctx, (size_t)d->n_items, sizeof *net->log_p);
    if (!net->user_of || !net->log_p)
        return RH_ENOMEM;
    for (int32_t u = 0; u < net->train->n_users; u++)
        for (int64_t j = d->row[u]; j < d->row[u + 1]; j++) {
            net->user_of[j] = u;
            net->log_p[d->item[j]] += 1;
        }
    for (int32_t i = 0; i < d->n_items; i++) /* items without rows are in no minibatch */
        net->log_p[i] = (rh_real)log((double)net->log_p[i] / (double)n);
    return RH_OK;
}

/* Items' own vectors begin at random, for there may be no features to tell items apart; items without interactions keep
 * 0, so that they are their features alone. */
static int take_vectors(struct rh_ctx *ctx, struct rh_towers *net, enum rh_bag bag, bool idf, double spread)
{
    int32_t E = net->E;
    bool *used = ctx->host->scratch(ctx, (size_t)net->train->n_domains, sizeof *used);
    if (!used)
        return RH_ENOMEM;
    used[net->train->target] = true;
    int status = rh_tower_init(ctx, &net->tower, NULL, net->train, used, E, bag, idf, true, spread);
    if (status < 0)
        return status;
    struct rh_rng r = ctx->host->stream(ctx, "own vectors", 0);
    for (int32_t i = 0; i < net->domain->n_items; i++)
        for (int32_t f = 0; f < E && isfinite(net->log_p[i]); f++)
            net->tower.own[(size_t)i * (size_t)E + (size_t)f] = (rh_real)(spread * rh_rng_normal(&r));
    for (int32_t b = 0; b < net->train->n_user_blocks && status >= 0; b++) {
        r = ctx->host->stream(ctx, "user features", (uint64_t)b);
        status = rh_embedding_init(ctx, &net->user_table[b], net->train->user_features[b].n_cols, E, spread, &r);
    }
    for (int side = 0; side < RH_SIDES && status >= 0; side++) {
        r = ctx->host->stream(ctx, "layers", (uint64_t)side);
        status = rh_layers_init(ctx, &net->end[side], &r);
    }
    return status;
}

int rh_towers_init(struct rh_ctx *ctx, struct rh_towers *net, enum rh_bag bag, bool idf, double spread)
{
    int status = rh_towers_describe(ctx, net);
    status = status < 0 ? status : take_rows(ctx, net);
    return status < 0 ? status : take_vectors(ctx, net, bag, idf, spread);
}

int rh_towers_persist(struct rh_ctx *ctx, struct rh_towers *net, bool made)
{
    unsigned purpose = ctx->host->purpose(ctx);
    int status = RH_OK;
    for (int32_t b = 0; b < net->train->n_user_blocks && status >= 0; b++) {
        char name[32];
        snprintf(name, sizeof name, "user features %d", (int)b);
        net->user_table[b].n = net->train->user_features[b].n_cols;
        net->user_table[b].E = net->E;
        status = rh_embedding_persist(ctx, &net->user_table[b], name, purpose);
    }
    for (int side = 0; side < RH_SIDES && status >= 0; side++)
        status = rh_layers_persist(ctx, &net->end[side], side == RH_USER_SIDE ? "user layers" : "item layers",
                                   purpose);
    if (status >= 0 && made && purpose & RH_FOR_STARTING)
        status = rh_tower_persist(ctx, &net->tower, purpose);
    if (status >= 0 && purpose & RH_FOR_RESUMING)
        status = ctx->host->value(ctx, "steps", &net->rule.step, sizeof net->rule.step);
    return status;
}

/* ----------------------------------------------------------------------------------------------- ends of towers */

void rh_towers_normalise(int32_t n, int32_t D, rh_real *y, rh_real *length)
{
    for (int32_t k = 0; k < n; k++, y += D) {
        length[k] = rh_real_sqrt(rh_dot(D, y, y));
        rh_real factor = length[k] > 0 ? 1 / length[k] : 0;
        for (int32_t e = 0; e < D; e++)
            y[e] *= factor;
    }
}

/* From the gradient d by y / |y| = z to that by y: (d - (d . z) z) / |y|. */
static void normalise_back(int32_t n, int32_t D, const rh_real *z, const rh_real *length, rh_real *d)
{
    for (int32_t k = 0; k < n; k++, z += D, d += D) {
        rh_real along = rh_dot(D, d, z), factor = length[k] > 0 ? 1 / length[k] : 0;
        for (int32_t e = 0; e < D; e++)
            d[e] = (d[e] - along * z[e]) * factor;
    }
}

/* A user's features in one block: n columns and their values (NULL: 1). */
static int32_t features_of(const struct rh_towers *net, int32_t block, int32_t user, const int32_t **col,
                           const float **val)
{
    const struct rh_features *f = &net->train->user_features[block];
    *col = net->column;
    *val = NULL;
    if (f->dense) {
        *val = f->dense + (size_t)user * (size_t)f->n_cols;
        return f->n_cols;
    }
    if (!f->row)
        return 0;
    *col = f->col + f->row[user];
    *val = f->val ? f->val + f->row[user] : NULL;
    return (int32_t)(f->row[user + 1] - f->row[user]);
}

void rh_towers_user_bags(const struct rh_towers *net, int32_t user, rh_real *out)
{
    const int32_t *col;
    const float *val;
    for (int32_t b = 0; b < net->train->n_user_blocks; b++) {
        int32_t n = features_of(net, b, user, &col, &val);
        rh_embedding_bag(&net->user_table[b], n, col, val, !net->train->user_features[b].dense, out);
    }
}

static void user_bags_back(struct rh_towers *net, int32_t user, const rh_real *dout)
{
    const int32_t *col;
    const float *val;
    for (int32_t b = 0; b < net->train->n_user_blocks; b++) {
        int32_t n = features_of(net, b, user, &col, &val);
        rh_embedding_bag_back(&net->user_table[b], n, col, val, !net->train->user_features[b].dense, dout);
    }
}

/* ---------------------------------------------------------------------------------------------------- one step */

struct rh_towers_shard {
    rh_real *g[RH_SIDES]; /* [size] gradient by the layers */
    rh_real *tape[RH_SIDES], *work;
    double loss;
};

static int32_t shards_of(const struct rh_towers_step *t)
{
    return (t->n + SHARD - 1) / SHARD;
}

/* What rows [begin, end) see of their histories, as items. */
static int draw_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct rh_towers_step *t = arg;
    const struct rh_towers *net = t->net;
    const struct rh_domain *d = net->domain;
    int64_t most = net->history;
    struct rh_rng r = ctx->host->stream(ctx, "histories", t->number << 20 | (uint64_t)(begin / SHARD));
    for (int64_t k = begin; k < end; k++) {
        int64_t row = t->row[k], from = d->row[net->user_of[row]], n = d->row[net->user_of[row] + 1] - from - 1;
        int64_t want = n < most ? n : most;
        if (rh_rng_uniform(&r) < net->history_dropout)
            want = rh_rng_below(&r, (uint32_t)want + 1);
        /* Selection sampling (Knuth, algorithm S): every set of `want` of the n others is as likely. */
        int32_t *seen = t->seen + k * most;
        t->n_seen[k] = 0;
        for (int64_t j = 0; j < n && t->n_seen[k] < want; j++)
            if (want == n || (int64_t)rh_rng_below(&r, (uint32_t)(n - j)) < want - t->n_seen[k])
                seen[t->n_seen[k]++] = d->item[from + j + (from + j >= row)];
    }
    return RH_OK;
}

static void number_items(struct rh_towers_step *t)
{
    const struct rh_towers *net = t->net;
    rh_slots_clear(&t->slots);
    for (int32_t k = 0; k < t->n; k++) {
        int32_t item = net->domain->item[t->row[k]];
        t->own[k] = rh_slot(&t->slots, item);
        t->next[k] = t->at[item];
        t->at[item] = k;
        for (int32_t j = 0; j < t->n_seen[k]; j++) {
            int32_t *seen = t->seen + (int64_t)k * net->history + j;
            *seen = rh_slot(&t->slots, *seen);
        }
    }
}

static int vectors_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct rh_towers_step *t = arg;
    size_t at = (size_t)begin * (size_t)t->net->E;
    (void)ctx;
    rh_tower_vectors(&t->net->tower, t->slots.item + begin, 0, (int32_t)(end - begin), t->t + at);
    memset(t->dt + at, 0, (size_t)(end - begin) * (size_t)t->net->E * sizeof *t->dt);
    return RH_OK;
}

static int forward_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct rh_towers_step *t = arg;
    struct rh_towers *net = t->net;
    int32_t E = net->E, n = (int32_t)(end - begin);
    (void)ctx;
    for (int64_t k = begin; k < end; k++) {
        rh_real *u = t->x[RH_USER_SIDE] + k * net->end[RH_USER_SIDE].net.width[0];
        memset(u, 0, (size_t)net->end[RH_USER_SIDE].net.width[0] * sizeof *u);
        for (int32_t j = 0; j < t->n_seen[k]; j++)
            rh_axpy(E, 1 / (rh_real)t->n_seen[k], t->t + (size_t)t->seen[k * net->history + j] * (size_t)E, u);
        rh_towers_user_bags(net, net->user_of[t->row[k]], u + E);
        memcpy(t->x[RH_ITEM_SIDE] + k * E, t->t + (size_t)t->own[k] * (size_t)E, (size_t)E * sizeof *t->t);
    }
    for (int side = 0; side < RH_SIDES; side++) {
        const struct rh_layers *e = &net->end[side];
        const rh_real *y = rh_mlp_forward(&e->net, e->phi, n, t->x[side] + begin * e->net.width[0], NULL,
                                          t->shard[begin / SHARD].tape[side]);
        memcpy(t->y[side] + begin * E, y, (size_t)n * (size_t)E * sizeof *y);
        if (net->normalise)
            rh_towers_normalise(n, E, t->y[side] + begin * E, t->length[side] + begin);
    }
    return RH_OK;
}

/* Loss of rows [begin, end), their derivatives by all scores in place of these, and by u. */
static int softmax_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct rh_towers_step *t = arg;
    const struct rh_towers *net = t->net;
    struct rh_towers_shard *to = &t->shard[begin / SHARD];
    int32_t E = net->E, n = (int32_t)(end - begin);
    rh_real scale = (rh_real)(1 / net->temperature), *block = t->score + begin * t->n;
    (void)ctx;
    GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, n, t->n, E, scale, t->y[RH_USER_SIDE] + begin * E, E,
         t->y[RH_ITEM_SIDE], E, 0, block, t->n);
    to->loss = 0;
    for (int64_t k = begin; k < end; k++) {
        rh_real *score = t->score + k * t->n;
        int32_t user = net->user_of[t->row[k]];
        for (int32_t j = 0; j < t->n && net->correction; j++)
            score[j] -= net->log_p[net->domain->item[t->row[j]]];
        for (int64_t i = net->domain->row[user]; i < net->domain->row[user + 1]; i++)
            for (int32_t j = t->at[net->domain->item[i]]; j >= 0; j = t->next[j])
                score[j] = j == k ? score[j] : -INFINITY;
        to->loss += (double)rh_nn_softmax(t->n, score, (int32_t)k, 1 / (rh_real)t->n, score);
    }
    GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, E, t->n, scale, block, t->n, t->y[RH_ITEM_SIDE], E, 0,
         t->dy[RH_USER_SIDE] + begin * E, E);
    return RH_OK;
}

/* Back from the scores to what went into the layers, rows [begin, end) of both sides. */
static int back_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct rh_towers_step *t = arg;
    const struct rh_towers *net = t->net;
    struct rh_towers_shard *to = &t->shard[begin / SHARD];
    int32_t E = net->E, n = (int32_t)(end - begin);
    (void)ctx;
    GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, n, E, t->n, (rh_real)(1 / net->temperature), t->score + begin, t->n,
         t->y[RH_USER_SIDE], E, 0, t->dy[RH_ITEM_SIDE] + begin * E, E);
    for (int side = 0; side < RH_SIDES; side++) {
        const struct rh_layers *e = &net->end[side];
        int64_t in = e->net.width[0];
        if (net->normalise)
            normalise_back(n, E, t->y[side] + begin * E, t->length[side] + begin, t->dy[side] + begin * E);
        memset(to->g[side], 0, (size_t)e->size * sizeof *to->g[side]);
        memset(t->dx[side] + begin * in, 0, (size_t)(n * in) * sizeof *t->dx[side]);
        rh_mlp_back(&e->net, e->phi, n, t->x[side] + begin * in, NULL, to->tape[side], t->dy[side] + begin * E,
                    to->g[side], t->dx[side] + begin * in, to->work);
    }
    return RH_OK;
}

/* The gradients by the vectors whose slots belong to this part, row after row; the first parts do the users' tables and
 * the layers as well, each by one thread. */
static int gather_part(struct rh_ctx *ctx, void *arg, int64_t part, int64_t end)
{
    struct rh_towers_step *t = arg;
    struct rh_towers *net = t->net;
    int32_t E = net->E, in = net->end[RH_USER_SIDE].net.width[0];
    (void)ctx, (void)end;
    for (int32_t k = 0; k < t->n; k++) {
        const rh_real *by_mean = t->dx[RH_USER_SIDE] + (int64_t)k * in;
        if (t->own[k] % PARTS == part)
            rh_axpy(E, 1, t->dx[RH_ITEM_SIDE] + (int64_t)k * E, t->dt + (int64_t)t->own[k] * E);
        for (int32_t j = 0; j < t->n_seen[k]; j++) {
            int32_t slot = t->seen[(int64_t)k * net->history + j];
            if (slot % PARTS == part)
                rh_axpy(E, 1 / (rh_real)t->n_seen[k], by_mean, t->dt + (int64_t)slot * E);
        }
        if (part == 0)
            user_bags_back(net, net->user_of[t->row[k]], by_mean + E);
    }
    for (int side = 0; side < RH_SIDES; side++) {
        if (part != 1 + side)
            continue;
        struct rh_layers *e = &net->end[side];
        for (int32_t i = 1; i < shards_of(t); i++)
            rh_axpy((int32_t)e->size, 1, t->shard[i].g[side], t->shard[0].g[side]);
        rh_nn_descend(&net->rule, e->size, e->phi, t->shard[0].g[side], e->first, e->second);
    }
    for (int32_t b = 0; b < net->train->n_user_blocks && part == 0; b++)
        rh_embedding_descend(&net->user_table[b], &net->rule);
    return RH_OK;
}

int rh_towers_learn(struct rh_ctx *ctx, struct rh_towers_step *t, double *loss)
{
    const struct rh_host *host = ctx->host;
    int status = host->parallel(ctx, t->n, SHARD, draw_part, t);
    number_items(t);
    status = status < 0 ? status : host->parallel(ctx, t->slots.n, SHARD, vectors_part, t);
    status = status < 0 ? status : host->parallel(ctx, t->n, SHARD, forward_part, t);
    status = status < 0 ? status : host->parallel(ctx, t->n, SHARD, softmax_part, t);
    status = status < 0 ? status : host->parallel(ctx, t->n, SHARD, back_part, t);
    for (int32_t i = 0; i < shards_of(t); i++)
        *loss += t->shard[i].loss;
    for (int32_t k = 0; k < t->n; k++)
        t->at[t->net->domain->item[t->row[k]]] = -1;
    return status;
}

int rh_towers_move(struct rh_ctx *ctx, struct rh_towers_step *t)
{
    struct rh_towers *net = t->net;
    rh_nn_step(&net->rule, 1);
    int status = ctx->host->parallel(ctx, PARTS, 1, gather_part, t);
    if (status >= 0)
        status = rh_tower_back(ctx, &net->tower, t->slots.item, t->slots.n, t->dt);
    if (status >= 0)
        status = rh_tower_descend(ctx, &net->tower, &net->rule, t->slots.item, t->slots.n, t->dt);
    return status;
}

int rh_towers_step_init(struct rh_ctx *ctx, struct rh_towers *net, int32_t n, struct rh_towers_step *t)
{
    const struct rh_host *host = ctx->host;
    size_t rows = (size_t)n, E = (size_t)net->E * sizeof(rh_real), items = (size_t)net->domain->n_items;
    size_t slots = rows * ((size_t)net->history + 1), shards = (rows + SHARD - 1) / SHARD;
    slots = slots < items ? slots : items;
    *t = (struct rh_towers_step){ .net = net, .n = n };
    t->seen = host->scratch(ctx, rows, (size_t)net->history * sizeof *t->seen);
    t->n_seen = host->scratch(ctx, rows, sizeof *t->n_seen);
    t->own = host->scratch(ctx, rows, sizeof *t->own);
    t->next = host->scratch(ctx, rows, sizeof *t->next);
    t->at = host->scratch(ctx, items, sizeof *t->at);
    t->t = host->scratch(ctx, slots, E);
    t->dt = host->scratch(ctx, slots, E);
    t->score = host->scratch(ctx, rows, rows * sizeof *t->score);
    t->shard = host->scratch(ctx, shards, sizeof *t->shard);
    if (!t->seen || !t->n_seen || !t->own || !t->next || !t->at || !t->t || !t->dt || !t->score || !t->shard)
        return RH_ENOMEM;
    memset(t->at, -1, items * sizeof *t->at);
    for (int side = 0; side < RH_SIDES; side++) {
        const struct rh_mlp *m = &net->end[side].net;
        t->x[side] = host->scratch(ctx, rows, (size_t)m->width[0] * sizeof(rh_real));
        t->dx[side] = host->scratch(ctx, rows, (size_t)m->width[0] * sizeof(rh_real));
        t->y[side] = host->scratch(ctx, rows, E);
        t->dy[side] = host->scratch(ctx, rows, E);
        t->length[side] = host->scratch(ctx, rows, sizeof(rh_real));
        if (!t->x[side] || !t->dx[side] || !t->y[side] || !t->dy[side] || !t->length[side])
            return RH_ENOMEM;
        for (size_t i = 0; i < shards; i++) {
            struct rh_towers_shard *x = &t->shard[i];
            x->g[side] = host->scratch(ctx, (size_t)net->end[side].size, sizeof(rh_real));
            x->tape[side] = host->scratch(ctx, rh_mlp_tape(m, SHARD), sizeof(rh_real));
            x->work = host->scratch(ctx, rh_mlp_work(m, SHARD), sizeof(rh_real)); /* both sides' are as large */
            if (!x->g[side] || !x->tape[side] || !x->work)
                return RH_ENOMEM;
        }
    }
    return rh_slots_init(ctx, &t->slots, net->domain->n_items);
}
