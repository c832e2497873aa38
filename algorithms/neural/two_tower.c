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
 * A step is computed in shards of a fixed number of rows, whose gradients by the layers are added in order; a vector's
 * gradient is made by one thread: threads do not change the numbers. */
#include "algorithms/lib/embedding.h"
#include "algorithms/lib/factors.h"
#include "algorithms/lib/mlp.h"
#include "algorithms/lib/tower.h"

#include <string.h>

#define SHARD 64 /* rows a shard */
#define PARTS 8  /* that share out the gradients by the vectors of a step */

#ifdef RH_NN_DOUBLE
#define GEMM cblas_dgemm
#else
#define GEMM cblas_sgemm
#endif
#include <cblas.h>

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

enum side { USER, ITEM, N_SIDES };

struct end { /* the layers of one side */
    struct rh_mlp net;
    int64_t size;
    rh_real *phi, *first, *second; /* [size] */
};

struct two_tower_state {
    const struct two_tower_params *params;
    const struct rh_train *train;
    const struct rh_domain *domain;
    struct rh_tower tower;
    struct rh_embedding *user_table; /* [n_user_blocks] a row a feature */
    int32_t *column;                 /* [widest dense block of the users] 0, 1, 2 .. */
    struct end end[N_SIDES];
    struct rh_optimizer_state rule;
    rh_real *log_p; /* [n_items] */
    int32_t n_rows;
    int32_t *user_of; /* [n_rows] */
    /* made by publish, read by scoring */
    rh_real *vector; /* [n_items x E] t */
    float *item;     /* [n_items x width] v, padded */
    int32_t width;
};

static void take_shapes(struct two_tower_state *s, const struct two_tower_params *p, const struct rh_train *train)
{
    *s = (struct two_tower_state){ .params = p, .train = train, .domain = &train->domain[train->target] };
    s->rule =
        (struct rh_optimizer_state){ .kind = (enum rh_optimizer)p->optimizer, .rate = p->rate, .decay = p->decay };
    s->width = rh_factor_width(p->factors);
    for (int side = 0; side < N_SIDES; side++) {
        struct rh_mlp *m = &s->end[side].net;
        *m = (struct rh_mlp){ .layers = (int32_t)p->depth + 1, .hidden = RH_RELU, .last = RH_LINEAR };
        m->width[0] = (int32_t)(side == USER && train->n_user_blocks > 0 ? 2 * p->factors : p->factors);
        for (int32_t l = 1; l <= p->depth; l++)
            m->width[l] = (int32_t)p->hidden;
        m->width[m->layers] = (int32_t)p->factors;
        s->end[side].size = rh_mlp_size(m);
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

/* ----------------------------------------------------------------------------------------------- ends of towers */

/* y /= |y| for n rows of D; length[n]. A row of zeros stays. */
static void normalise(int32_t n, int32_t D, rh_real *y, rh_real *length)
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

/* Bags of a user's features, to out[E], or on the way back (out NULL) from dout[E]. */
static void user_bags(const struct two_tower_state *s, int32_t user, rh_real *out, const rh_real *dout)
{
    for (int32_t b = 0; b < s->train->n_user_blocks; b++) {
        const struct rh_features *f = &s->train->user_features[b];
        const int32_t *col = s->column;
        const float *val = NULL;
        int32_t n = f->n_cols;
        if (f->dense) {
            val = f->dense + (size_t)user * (size_t)n;
        } else if (f->row) {
            n = (int32_t)(f->row[user + 1] - f->row[user]);
            col = f->col + f->row[user];
            val = f->val ? f->val + f->row[user] : NULL;
        } else {
            continue;
        }
        if (out)
            rh_embedding_bag(&s->user_table[b], n, col, val, !f->dense, out);
        else
            rh_embedding_bag_back(&s->user_table[b], n, col, val, !f->dense, dout);
    }
}

/* ---------------------------------------------------------------------------------------------------- one step */

struct shard {
    rh_real *g[N_SIDES]; /* [size] gradient by the layers */
    rh_real *tape[N_SIDES], *work;
    double loss;
};

struct step {
    struct two_tower_state *s;
    int32_t n;
    const int32_t *row;     /* [n] interactions */
    uint64_t number;        /* of the step, in all epochs: random streams */
    int32_t *seen, *n_seen; /* [n x history] slots of the history that is seen, [n] how many */
    int32_t *own;           /* [n] slot of the item in question */
    int32_t *at, *next;     /* [n_items] first row with an item, or -1; [n] next row with the same item, or -1 */
    struct rh_slots slots;
    rh_real *t, *dt;                   /* [slots x E] */
    rh_real *x[N_SIDES], *dx[N_SIDES]; /* [n x width[0]] */
    rh_real *y[N_SIDES], *dy[N_SIDES]; /* [n x D] */
    rh_real *length[N_SIDES];          /* [n] */
    rh_real *score;                    /* [n x n] then the derivatives */
    struct shard *shard;
};

static int32_t shards_of(const struct step *t)
{
    return (t->n + SHARD - 1) / SHARD;
}

/* What rows [begin, end) see of their histories, as items. */
static int draw_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct step *t = arg;
    const struct two_tower_state *s = t->s;
    const struct rh_domain *d = s->domain;
    int64_t most = s->params->history;
    struct rh_rng r = ctx->host->stream(ctx, "histories", t->number << 20 | (uint64_t)(begin / SHARD));
    for (int64_t k = begin; k < end; k++) {
        int64_t row = t->row[k], from = d->row[s->user_of[row]], n = d->row[s->user_of[row] + 1] - from - 1;
        int64_t want = n < most ? n : most;
        if (rh_rng_uniform(&r) < s->params->history_dropout)
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

static void number_items(struct step *t)
{
    const struct two_tower_state *s = t->s;
    rh_slots_clear(&t->slots);
    for (int32_t k = 0; k < t->n; k++) {
        int32_t item = s->domain->item[t->row[k]];
        t->own[k] = rh_slot(&t->slots, item);
        t->next[k] = t->at[item];
        t->at[item] = k;
        for (int32_t j = 0; j < t->n_seen[k]; j++) {
            int32_t *seen = t->seen + (int64_t)k * s->params->history + j;
            *seen = rh_slot(&t->slots, *seen);
        }
    }
}

static int vectors_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct step *t = arg;
    size_t at = (size_t)begin * (size_t)t->s->tower.E;
    (void)ctx;
    rh_tower_vectors(&t->s->tower, t->slots.item + begin, 0, (int32_t)(end - begin), t->t + at);
    memset(t->dt + at, 0, (size_t)(end - begin) * (size_t)t->s->tower.E * sizeof *t->dt);
    return RH_OK;
}

static int forward_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct step *t = arg;
    struct two_tower_state *s = t->s;
    int32_t E = s->tower.E, n = (int32_t)(end - begin);
    (void)ctx;
    for (int64_t k = begin; k < end; k++) {
        rh_real *u = t->x[USER] + k * s->end[USER].net.width[0];
        memset(u, 0, (size_t)s->end[USER].net.width[0] * sizeof *u);
        for (int32_t j = 0; j < t->n_seen[k]; j++)
            rh_axpy(E, 1 / (rh_real)t->n_seen[k], t->t + (size_t)t->seen[k * s->params->history + j] * (size_t)E, u);
        user_bags(s, s->user_of[t->row[k]], u + E, NULL);
        memcpy(t->x[ITEM] + k * E, t->t + (size_t)t->own[k] * (size_t)E, (size_t)E * sizeof *t->t);
    }
    for (int side = 0; side < N_SIDES; side++) {
        const struct end *e = &s->end[side];
        const rh_real *y = rh_mlp_forward(&e->net, e->phi, n, t->x[side] + begin * e->net.width[0], NULL,
                                          t->shard[begin / SHARD].tape[side]);
        memcpy(t->y[side] + begin * E, y, (size_t)n * (size_t)E * sizeof *y);
        if (s->params->normalise)
            normalise(n, E, t->y[side] + begin * E, t->length[side] + begin);
    }
    return RH_OK;
}

/* Loss of rows [begin, end), their derivatives by all scores in place of these, and by u. */
static int softmax_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct step *t = arg;
    const struct two_tower_state *s = t->s;
    struct shard *to = &t->shard[begin / SHARD];
    int32_t E = s->tower.E, n = (int32_t)(end - begin);
    rh_real scale = (rh_real)(1 / s->params->temperature), *block = t->score + begin * t->n;
    (void)ctx;
    GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, n, t->n, E, scale, t->y[USER] + begin * E, E, t->y[ITEM], E, 0,
         block, t->n);
    to->loss = 0;
    for (int64_t k = begin; k < end; k++) {
        rh_real *score = t->score + k * t->n;
        int32_t user = s->user_of[t->row[k]];
        for (int32_t j = 0; j < t->n && s->params->correction; j++)
            score[j] -= s->log_p[s->domain->item[t->row[j]]];
        for (int64_t i = s->domain->row[user]; i < s->domain->row[user + 1]; i++)
            for (int32_t j = t->at[s->domain->item[i]]; j >= 0; j = t->next[j])
                score[j] = j == k ? score[j] : -INFINITY;
        to->loss += (double)rh_nn_softmax(t->n, score, (int32_t)k, 1 / (rh_real)t->n, score);
    }
    GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, E, t->n, scale, block, t->n, t->y[ITEM], E, 0,
         t->dy[USER] + begin * E, E);
    return RH_OK;
}

/* Back from the scores to what went into the layers, rows [begin, end) of both sides. */
static int back_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct step *t = arg;
    const struct two_tower_state *s = t->s;
    struct shard *to = &t->shard[begin / SHARD];
    int32_t E = s->tower.E, n = (int32_t)(end - begin);
    (void)ctx;
    GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, n, E, t->n, (rh_real)(1 / s->params->temperature), t->score + begin,
         t->n, t->y[USER], E, 0, t->dy[ITEM] + begin * E, E);
    for (int side = 0; side < N_SIDES; side++) {
        const struct end *e = &s->end[side];
        int64_t in = e->net.width[0];
        if (s->params->normalise)
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
    struct step *t = arg;
    struct two_tower_state *s = t->s;
    int32_t E = s->tower.E, in = s->end[USER].net.width[0];
    (void)ctx, (void)end;
    for (int32_t k = 0; k < t->n; k++) {
        const rh_real *by_mean = t->dx[USER] + (int64_t)k * in;
        if (t->own[k] % PARTS == part)
            rh_axpy(E, 1, t->dx[ITEM] + (int64_t)k * E, t->dt + (int64_t)t->own[k] * E);
        for (int32_t j = 0; j < t->n_seen[k]; j++) {
            int32_t slot = t->seen[(int64_t)k * s->params->history + j];
            if (slot % PARTS == part)
                rh_axpy(E, 1 / (rh_real)t->n_seen[k], by_mean, t->dt + (int64_t)slot * E);
        }
        if (part == 0)
            user_bags(s, s->user_of[t->row[k]], NULL, by_mean + E);
    }
    for (int side = 0; side < N_SIDES; side++) {
        if (part != 1 + side)
            continue;
        struct end *e = &s->end[side];
        for (int32_t i = 1; i < shards_of(t); i++)
            rh_axpy((int32_t)e->size, 1, t->shard[i].g[side], t->shard[0].g[side]);
        rh_nn_descend(&s->rule, e->size, e->phi, t->shard[0].g[side], e->first, e->second);
    }
    for (int32_t b = 0; b < s->train->n_user_blocks && part == 0; b++)
        rh_embedding_descend(&s->user_table[b], &s->rule);
    return RH_OK;
}

/* Forwards and backwards to dx; adds the mean loss of the rows to *loss. */
static int learn(struct rh_ctx *ctx, struct step *t, double *loss)
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
        t->at[t->s->domain->item[t->row[k]]] = -1;
    return status;
}

/* Moves all weights by the gradients that learn left. */
static int move(struct rh_ctx *ctx, struct step *t)
{
    struct two_tower_state *s = t->s;
    rh_nn_step(&s->rule, 1);
    int status = ctx->host->parallel(ctx, PARTS, 1, gather_part, t);
    if (status >= 0)
        status = rh_tower_back(ctx, &s->tower, t->slots.item, t->slots.n, t->dt);
    if (status >= 0)
        status = rh_tower_descend(ctx, &s->tower, &s->rule, t->slots.item, t->slots.n, t->dt);
    return status;
}

static int take_step(struct rh_ctx *ctx, struct two_tower_state *s, int32_t n, struct step *t)
{
    const struct rh_host *host = ctx->host;
    size_t rows = (size_t)n, E = (size_t)s->tower.E * sizeof(rh_real), items = (size_t)s->domain->n_items;
    size_t slots = rows * ((size_t)s->params->history + 1), shards = (rows + SHARD - 1) / SHARD;
    slots = slots < items ? slots : items;
    *t = (struct step){ .s = s, .n = n };
    t->seen = host->scratch(ctx, rows, (size_t)s->params->history * sizeof *t->seen);
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
    for (int side = 0; side < N_SIDES; side++) {
        const struct rh_mlp *m = &s->end[side].net;
        t->x[side] = host->scratch(ctx, rows, (size_t)m->width[0] * sizeof(rh_real));
        t->dx[side] = host->scratch(ctx, rows, (size_t)m->width[0] * sizeof(rh_real));
        t->y[side] = host->scratch(ctx, rows, E);
        t->dy[side] = host->scratch(ctx, rows, E);
        t->length[side] = host->scratch(ctx, rows, sizeof(rh_real));
        if (!t->x[side] || !t->dx[side] || !t->y[side] || !t->dy[side] || !t->length[side])
            return RH_ENOMEM;
        for (size_t i = 0; i < shards; i++) {
            struct shard *x = &t->shard[i];
            x->g[side] = host->scratch(ctx, (size_t)s->end[side].size, sizeof(rh_real));
            x->tape[side] = host->scratch(ctx, rh_mlp_tape(m, SHARD), sizeof(rh_real));
            x->work = host->scratch(ctx, rh_mlp_work(m, SHARD), sizeof(rh_real)); /* both sides' are as large */
            if (!x->g[side] || !x->tape[side] || !x->work)
                return RH_ENOMEM;
        }
    }
    return rh_slots_init(ctx, &t->slots, s->domain->n_items);
}

/* ------------------------------------------------------------------------------------------------------ scoring */

static int publish_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct two_tower_state *s = arg;
    const struct end *e = &s->end[ITEM];
    int32_t E = (int32_t)s->params->factors, n = (int32_t)(end - begin);
    rh_real *tape = ctx->host->scratch(ctx, rh_mlp_tape(&e->net, SHARD), sizeof *tape);
    rh_real *y = ctx->host->scratch(ctx, SHARD, (size_t)E * sizeof *y), length[SHARD];
    if (!tape || !y)
        return RH_ENOMEM;
    memcpy(y, rh_mlp_forward(&e->net, e->phi, n, s->vector + begin * E, NULL, tape), (size_t)(n * E) * sizeof *y);
    if (s->params->normalise)
        normalise(n, E, y, length);
    for (int32_t k = 0; k < n; k++)
        for (int32_t f = 0; f < E; f++)
            s->item[(begin + k) * s->width + f] = (float)y[k * E + f];
    return RH_OK;
}

/* Makes the items' ends from their vectors. */
static int publish(struct rh_ctx *ctx, struct two_tower_state *s)
{
    bool finite = rh_nn_finite((int64_t)s->domain->n_items * s->params->factors, s->vector);
    for (int side = 0; side < N_SIDES; side++)
        finite = finite && rh_nn_finite(s->end[side].size, s->end[side].phi);
    for (int32_t b = 0; b < s->train->n_user_blocks; b++)
        finite = finite && rh_nn_finite((int64_t)s->user_table[b].n * s->user_table[b].E, s->user_table[b].w);
    if (!finite)
        return ctx->host->fail(ctx, RH_ENUMERIC, "the weights are no numbers any more; lower rate, which is %g",
                               s->params->rate);
    return ctx->host->parallel(ctx, s->domain->n_items, SHARD, publish_part, s);
}

/* user[width]: the end of the user's tower, over the temperature. */
static int user_end(struct rh_ctx *ctx, const struct two_tower_state *s, const struct rh_query *q, float *user)
{
    const struct end *e = &s->end[USER];
    const struct rh_history *h = &q->history[s->train->target];
    int32_t E = (int32_t)s->params->factors;
    rh_real *x = ctx->host->scratch(ctx, (size_t)e->net.width[0], sizeof *x), length;
    rh_real *tape = ctx->host->scratch(ctx, rh_mlp_tape(&e->net, 1), sizeof *tape), *y;
    if (!x || !tape)
        return RH_ENOMEM;
    for (int32_t j = 0; j < h->n; j++)
        rh_axpy(E, 1 / (rh_real)h->n, s->vector + (size_t)h->item[j] * (size_t)E, x);
    user_bags(s, q->user, x + E, NULL);
    rh_mlp_forward(&e->net, e->phi, 1, x, NULL, tape);
    y = tape + rh_mlp_tape(&e->net, 1) - (size_t)E;
    if (s->params->normalise)
        normalise(1, E, y, &length);
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
    rh_factors_score(user, s->item, NULL, s->domain->n_items, s->width, query, n, out, stride);
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------- fit, epochs */

/* All items' vectors, then their ends. */
static int refresh(struct rh_ctx *ctx, struct two_tower_state *s)
{
    rh_tower_vectors(&s->tower, NULL, 0, s->domain->n_items, s->vector);
    return publish(ctx, s);
}

static int take_rows(struct rh_ctx *ctx, struct two_tower_state *s)
{
    const struct rh_domain *d = s->domain;
    int64_t n = d->row[s->train->n_users];
    if (n > INT32_MAX || n == 0)
        return ctx->host->fail(ctx, RH_EDATA, "domain '%s' has %lld interactions, 1 to 2147483647 are allowed",
                               d->name, (long long)n);
    s->n_rows = (int32_t)n;
    s->user_of = ctx->host->alloc(ctx, (size_t)n, sizeof *s->user_of);
    s->log_p = ctx->host->alloc(ctx, (size_t)d->n_items, sizeof *s->log_p);
    if (!s->user_of || !s->log_p)
        return RH_ENOMEM;
    for (int32_t u = 0; u < s->train->n_users; u++)
        for (int64_t j = d->row[u]; j < d->row[u + 1]; j++) {
            s->user_of[j] = u;
            s->log_p[d->item[j]] += 1;
        }
    for (int32_t i = 0; i < d->n_items; i++) /* items without rows are in no minibatch */
        s->log_p[i] = (rh_real)log((double)s->log_p[i] / (double)n);
    return RH_OK;
}

static int take_columns(struct rh_ctx *ctx, struct two_tower_state *s)
{
    int32_t widest = 1;
    for (int32_t b = 0; b < s->train->n_user_blocks; b++)
        if (s->train->user_features[b].dense && s->train->user_features[b].n_cols > widest)
            widest = s->train->user_features[b].n_cols;
    s->column = ctx->host->alloc(ctx, (size_t)widest, sizeof *s->column);
    s->user_table = ctx->host->alloc(ctx, (size_t)s->train->n_user_blocks + 1, sizeof *s->user_table);
    if (!s->column || !s->user_table)
        return RH_ENOMEM;
    for (int32_t c = 0; c < widest; c++)
        s->column[c] = c;
    return RH_OK;
}

/* Items' own vectors begin at random, for there may be no features to tell items apart; items without interactions keep
 * 0, so that they are their features alone. */
static int take_vectors(struct rh_ctx *ctx, struct two_tower_state *s)
{
    const struct two_tower_params *p = s->params;
    int32_t E = (int32_t)p->factors;
    bool *used = ctx->host->scratch(ctx, (size_t)s->train->n_domains, sizeof *used);
    if (!used)
        return RH_ENOMEM;
    used[s->train->target] = true;
    int status = rh_tower_init(ctx, &s->tower, NULL, s->train, used, E, (enum rh_bag)p->bag, p->idf, true, p->spread);
    if (status < 0)
        return status;
    struct rh_rng r = ctx->host->stream(ctx, "own vectors", 0);
    for (int32_t i = 0; i < s->domain->n_items; i++)
        for (int32_t f = 0; f < E && isfinite(s->log_p[i]); f++)
            s->tower.own[(size_t)i * (size_t)E + (size_t)f] = (rh_real)(p->spread * rh_rng_normal(&r));
    for (int32_t b = 0; b < s->train->n_user_blocks && status >= 0; b++) {
        r = ctx->host->stream(ctx, "user features", (uint64_t)b);
        status = rh_embedding_init(ctx, &s->user_table[b], s->train->user_features[b].n_cols, E, p->spread, &r);
    }
    for (int side = 0; side < N_SIDES && status >= 0; side++) {
        struct end *e = &s->end[side];
        r = ctx->host->stream(ctx, "layers", (uint64_t)side);
        e->phi = ctx->host->alloc(ctx, (size_t)e->size, sizeof *e->phi);
        e->first = ctx->host->alloc(ctx, (size_t)e->size, sizeof *e->first);
        e->second = ctx->host->alloc(ctx, (size_t)e->size, sizeof *e->second);
        if (!e->phi || !e->first || !e->second)
            return RH_ENOMEM;
        rh_mlp_init(&e->net, &r, e->phi);
    }
    return status;
}

static int take_ends(struct rh_ctx *ctx, struct two_tower_state *s)
{
    s->item = ctx->host->alloc(ctx, (size_t)s->domain->n_items, (size_t)s->width * sizeof *s->item);
    return s->item ? RH_OK : RH_ENOMEM;
}

static int two_tower_fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct two_tower_state *s = state;
    int status;
    take_shapes(s, params, train);
    if ((status = take_rows(ctx, s)) < 0 || (status = take_columns(ctx, s)) < 0 ||
        (status = take_vectors(ctx, s)) < 0 || (status = take_ends(ctx, s)) < 0)
        return status;
    s->vector = ctx->host->alloc(ctx, (size_t)s->domain->n_items, (size_t)s->tower.E * sizeof *s->vector);
    return s->vector ? refresh(ctx, s) : RH_ENOMEM;
}

static int two_tower_epoch(struct rh_ctx *ctx, void *state, int32_t epoch, double *loss)
{
    struct two_tower_state *s = state;
    int32_t batch = (int32_t)(s->params->batch < s->n_rows ? s->params->batch : s->n_rows), steps = 0;
    int32_t *order = ctx->host->scratch(ctx, (size_t)s->n_rows, sizeof *order);
    struct step t;
    if (!order)
        return RH_ENOMEM;
    int status = take_step(ctx, s, batch, &t);
    for (int32_t k = 0; k < s->n_rows; k++)
        order[k] = k;
    struct rh_rng r = ctx->host->stream(ctx, "order", (uint64_t)epoch);
    rh_rng_shuffle(&r, order, s->n_rows);
    *loss = 0;
    /* What is left of a pass is no full step, in which negatives would be few; in another order it is another part. */
    for (int32_t k = 0; status >= 0 && k + batch <= s->n_rows; k += batch, steps++) {
        t.row = order + k;
        t.number = (uint64_t)epoch << 32 | (uint32_t)steps;
        status = learn(ctx, &t, loss);
        status = status < 0 ? status : move(ctx, &t);
        status = status < 0 ? status : ctx->host->tick(ctx, k + batch, s->n_rows);
    }
    *loss /= steps;
    return status < 0 ? status : refresh(ctx, s);
}

static int two_tower_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct two_tower_state *s = state;
    bool loading = !s->params;
    int status = RH_OK;
    if (loading) {
        take_shapes(s, params, train);
        if ((status = take_columns(ctx, s)) < 0 || (status = take_ends(ctx, s)) < 0)
            return status;
    }
    int64_t E = s->params->factors;
    status = ctx->host->field(ctx, "item vectors", &s->vector, s->domain->n_items * E, sizeof *s->vector);
    for (int32_t b = 0; b < train->n_user_blocks && status >= 0; b++) {
        char name[32] = "user features ";
        size_t at = strlen(name);
        for (int32_t rest = b + 1; rest > 0; rest /= 10)
            name[at++] = (char)('0' + rest % 10);
        struct rh_embedding *t = &s->user_table[b];
        t->n = train->user_features[b].n_cols;
        t->E = (int32_t)E;
        status = ctx->host->field(ctx, name, &t->w, t->n * E, sizeof *t->w);
    }
    if (status >= 0)
        status = ctx->host->field(ctx, "user layers", &s->end[USER].phi, s->end[USER].size, sizeof(rh_real));
    if (status >= 0)
        status = ctx->host->field(ctx, "item layers", &s->end[ITEM].phi, s->end[ITEM].size, sizeof(rh_real));
    return status < 0 || !loading ? status : publish(ctx, s);
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
        "from "
        "their features. Tune temperature, rate and the number of epochs (early stopping) first, then batch, which "
        "is the number of negatives.",
    .revision = 1,
    .flags = RH_A_RANDOM | RH_A_COLD_USERS | RH_A_COLD_ITEMS,
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
