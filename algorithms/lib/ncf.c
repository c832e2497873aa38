#include "algorithms/lib/ncf.h"

#include <string.h>

#define WEIGHTS_AT 4096 /* weights of layers that are moved together */

/* ------------------------------------------------------------------------------------------------------- set-up */

void rh_ncf_shape(struct rh_ncf *net, bool gmf, bool mlp, int32_t factors, int32_t depth)
{
    net->part[RH_GMF].net = (struct rh_mlp){ .layers = 1, .width = { factors, 1 }, .last = RH_LINEAR };
    struct rh_mlp *m = &net->part[RH_MLP].net;
    *m = (struct rh_mlp){ .layers = depth + 1, .hidden = RH_RELU, .last = RH_LINEAR };
    for (int32_t l = 0; l <= depth; l++)
        m->width[l] = factors << (depth - l);
    m->width[depth + 1] = 1;
    net->used[RH_GMF] = gmf;
    net->used[RH_MLP] = mlp;
    for (int k = 0; k < RH_NCF_PARTS; k++)
        net->part[k].size = rh_mlp_size(&net->part[k].net);
}

int32_t rh_ncf_width(const struct rh_ncf *net, int table)
{
    return table < RH_MLP_USER ? net->part[RH_GMF].net.width[0] : net->part[RH_MLP].net.width[0] / 2;
}

int rh_ncf_init(struct rh_ctx *ctx, struct rh_ncf *net, int32_t n_users, int32_t n_items, double spread)
{
    for (int k = 0; k < RH_NCF_TABLES; k++) {
        struct rh_rng r = ctx->host->stream(ctx, "vectors", (uint64_t)k),
                      layers = ctx->host->stream(ctx, "layers", (uint64_t)k);
        if (!net->used[k / 2])
            continue;
        int status = rh_embedding_init(ctx, &net->table[k], k % 2 ? n_items : n_users, rh_ncf_width(net, k), spread,
                                       &r);
        if (status == RH_OK)
            status = rh_embedding_follow(ctx, &net->table[k], &net->rule);
        if (status == RH_OK && k % 2 == 0)
            status = rh_layers_init(ctx, &net->part[k / 2], &layers);
        if (status < 0)
            return status;
    }
    return RH_OK;
}

int rh_ncf_persist(struct rh_ctx *ctx, struct rh_ncf *net, int32_t n_users, int32_t n_items)
{
    static const char *const tables[] = { "gmf users", "gmf items", "mlp users", "mlp items" };
    unsigned purpose = ctx->host->purpose(ctx), start = RH_FOR_LOADING | RH_FOR_STARTING;
    int status = RH_OK;
    /* Who starts from a model does so with the shares of the own parameters: they belong to the epochs to come. */
    if ((purpose & start) != start || purpose & RH_FOR_RESUMING)
        status = ctx->host->value(ctx, "shares", net->share, sizeof net->share);
    for (int k = 0; k < RH_NCF_TABLES && status >= 0; k++) {
        net->table[k].n = k % 2 ? n_items : n_users;
        net->table[k].E = rh_ncf_width(net, k);
        if (net->used[k / 2])
            status = rh_embedding_persist(ctx, &net->table[k], tables[k], purpose);
    }
    for (int k = 0; k < RH_NCF_PARTS && status >= 0; k++)
        if (net->used[k])
            status = rh_layers_persist(ctx, &net->part[k], k == RH_GMF ? "gmf layers" : "mlp layers", purpose);
    if (status < 0 || !(purpose & RH_FOR_RESUMING))
        return status;
    if ((status = ctx->host->value(ctx, "alone", &net->alone, sizeof net->alone)) < 0 ||
        (status = ctx->host->value(ctx, "rule", &net->rule.kind, sizeof net->rule.kind)) < 0 ||
        (status = ctx->host->value(ctx, "rate", &net->rule.rate, sizeof net->rule.rate)) < 0)
        return status;
    return ctx->host->value(ctx, "steps", &net->rule.step, sizeof net->rule.step);
}

bool rh_ncf_finite(const struct rh_ncf *net)
{
    bool finite = true;
    for (int k = 0; k < RH_NCF_PARTS; k++)
        if (net->used[k])
            finite = finite && rh_nn_finite(net->part[k].size, net->part[k].phi);
    for (int k = 0; k < RH_NCF_TABLES; k++)
        if (net->used[k / 2])
            finite = finite && rh_nn_finite((int64_t)net->table[k].n * net->table[k].E, net->table[k].w);
    return finite;
}

/* ------------------------------------------------------------------------------------------------------ one step */

struct rh_ncf_shard {
    rh_real *g[RH_NCF_PARTS]; /* [size] gradient by the layers */
    rh_real *tape[RH_NCF_PARTS], *mask, *work;
    rh_real dy[RH_NCF_PARTS][RH_NCF_SHARD];
    double loss;
};

static int32_t shards_of(const struct rh_ncf_step *t)
{
    return (t->n + RH_NCF_SHARD - 1) / RH_NCF_SHARD;
}

/* What the layers see of examples [begin, end). */
static void gather(const struct rh_ncf_step *t, int64_t begin, int64_t end)
{
    const struct rh_ncf *net = t->net;
    size_t F = (size_t)net->table[RH_GMF_USER].E, E = (size_t)net->table[RH_MLP_USER].E;
    for (int64_t k = begin; k < end; k++) {
        if (net->used[RH_GMF]) {
            rh_real *x = t->x[RH_GMF] + (size_t)k * F;
            const rh_real *p = rh_embedding_row(&net->table[RH_GMF_USER], t->row[0][k]);
            const rh_real *q = rh_embedding_row(&net->table[RH_GMF_ITEM], t->row[1][k]);
#pragma omp simd
            for (size_t f = 0; f < F; f++)
                x[f] = p[f] * q[f];
        }
        if (net->used[RH_MLP]) {
            rh_real *x = t->x[RH_MLP] + (size_t)k * 2 * E;
            memcpy(x, rh_embedding_row(&net->table[RH_MLP_USER], t->row[0][k]), E * sizeof *x);
            memcpy(x + E, rh_embedding_row(&net->table[RH_MLP_ITEM], t->row[1][k]), E * sizeof *x);
        }
    }
}

/* Loss of n examples, of which the first is number `begin` of the step, from the outputs of the parts; and the
 * derivatives by these. */
static double cross_entropy(const struct rh_ncf_step *t, int64_t begin, int32_t n, const rh_real *const *y,
                            struct rh_ncf_shard *to)
{
    const struct rh_ncf *net = t->net;
    rh_real weight = 1 / (rh_real)t->n;
    double loss = 0;
    for (int32_t k = 0; k < n; k++) {
        rh_real label = (begin + k) % t->m == 0, sum = 0;
        for (int part = 0; part < RH_NCF_PARTS; part++) {
            if (!net->used[part])
                continue;
            sum += y[part][k];
            if (net->alone) {
                loss += (double)rh_softplus(label > 0 ? -y[part][k] : y[part][k]) / 2;
                to->dy[part][k] = weight * (rh_sigmoid(y[part][k]) - label);
            }
        }
        if (net->alone)
            continue;
        loss += (double)rh_softplus(label > 0 ? -sum : sum);
        to->dy[RH_GMF][k] = to->dy[RH_MLP][k] = weight * (rh_sigmoid(sum) - label);
    }
    return loss;
}

static int learn_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct rh_ncf_step *t = arg;
    const struct rh_ncf *net = t->net;
    struct rh_ncf_shard *to = &t->shard[begin / RH_NCF_SHARD];
    int32_t n = (int32_t)(end - begin);
    const rh_real *y[RH_NCF_PARTS] = { NULL }, *mask = NULL;
    gather(t, begin, end);
    if (net->used[RH_MLP] && net->dropout > 0) {
        struct rh_rng r = ctx->host->stream(ctx, "dropout", t->number << 32 | (uint64_t)begin);
        rh_mlp_drop(&net->part[RH_MLP].net, n, net->dropout, &r, to->mask);
        mask = to->mask;
    }
    for (int k = 0; k < RH_NCF_PARTS; k++)
        if (net->used[k])
            y[k] = rh_mlp_forward(&net->part[k].net, net->part[k].phi, n, t->x[k] + begin * net->part[k].net.width[0],
                                  k == RH_MLP ? mask : NULL, to->tape[k]);
    to->loss = cross_entropy(t, begin, n, y, to);
    for (int k = 0; k < RH_NCF_PARTS; k++) {
        const struct rh_layers *p = &net->part[k];
        if (!net->used[k])
            continue;
        size_t at = (size_t)begin * (size_t)p->net.width[0], size = (size_t)n * (size_t)p->net.width[0];
        memset(to->g[k], 0, (size_t)p->size * sizeof *to->g[k]);
        memset(t->dx[k] + at, 0, size * sizeof *t->dx[k]);
        rh_mlp_back(&p->net, p->phi, n, t->x[k] + at, k == RH_MLP ? mask : NULL, to->tape[k], to->dy[k], to->g[k],
                    t->dx[k] + at, to->work);
    }
    return RH_OK;
}

/* The gradient by one table from those by what the layers saw, example after example. */
static void scatter(struct rh_ncf_step *t, int table)
{
    struct rh_ncf *net = t->net;
    struct rh_embedding *to = &net->table[table];
    int side = table % 2;
    for (int32_t k = 0; k < t->n; k++) {
        rh_real *g = rh_embedding_gradient(to, t->row[side][k]);
        if (table < RH_MLP_USER) /* the product rule */
            rh_axpy_product(to->E, 1, t->dx[RH_GMF] + (size_t)k * (size_t)to->E,
                            rh_embedding_row(&net->table[1 - side], t->row[1 - side][k]), g);
        else
            rh_axpy(to->E, 1, t->dx[RH_MLP] + ((size_t)k * 2 + (size_t)side) * (size_t)to->E, g);
    }
}

/* The gradients by GMF's two tables need each other's rows from before the step: both are gathered, then moved. So the
 * tables of a part are one piece of the loop. */
static void move_tables(struct rh_ncf_step *t, int part)
{
    struct rh_ncf *net = t->net;
    for (int side = 0; side < 2 && t->n > 0; side++)
        scatter(t, 2 * part + side);
    for (int side = 0; side < 2; side++) {
        struct rh_embedding *table = &net->table[2 * part + side];
        if (t->n > 0)
            rh_embedding_descend(table, &net->rule);
        for (int32_t k = 0; k < t->n_next; k++)
            rh_embedding_wake(table, &net->rule, t->next[side][k]);
    }
}

static int move_part(struct rh_ctx *ctx, void *arg, int64_t piece, int64_t end)
{
    struct rh_ncf_step *t = arg;
    struct rh_ncf *net = t->net;
    (void)ctx, (void)end;
    if (piece < RH_NCF_PARTS) {
        if (net->used[piece])
            move_tables(t, (int)piece);
        return RH_OK;
    }
    int k = piece - RH_NCF_PARTS < t->first_piece[RH_MLP] ? RH_GMF : RH_MLP;
    struct rh_layers *p = &net->part[k];
    int64_t from = (piece - RH_NCF_PARTS - t->first_piece[k]) * WEIGHTS_AT;
    int64_t n = p->size - from < WEIGHTS_AT ? p->size - from : WEIGHTS_AT;
    rh_real *g = t->shard[0].g[k] + from;
    for (int32_t i = 1; i < shards_of(t); i++)
        rh_axpy((int32_t)n, 1, t->shard[i].g[k] + from, g);
    rh_nn_descend(&net->rule, n, p->phi + from, g, p->first + from, p->second + from);
    return RH_OK;
}

int rh_ncf_learn(struct rh_ctx *ctx, struct rh_ncf_step *t, double *loss)
{
    int status = ctx->host->parallel(ctx, t->n, RH_NCF_SHARD, learn_part, t);
    for (int32_t i = 0; i < shards_of(t); i++)
        *loss += t->shard[i].loss;
    return status;
}

int rh_ncf_move(struct rh_ctx *ctx, struct rh_ncf_step *t)
{
    if (t->n > 0)
        rh_nn_step(&t->net->rule, 1);
    return ctx->host->parallel(ctx, RH_NCF_PARTS + (t->n > 0 ? t->first_piece[RH_NCF_PARTS] : 0), 1, move_part, t);
}

int rh_ncf_step_init(struct rh_ctx *ctx, struct rh_ncf *net, int32_t n, int32_t m, struct rh_ncf_step *t)
{
    size_t cell = sizeof(rh_real), rows = (size_t)n, shards = (rows + RH_NCF_SHARD - 1) / RH_NCF_SHARD;
    *t = (struct rh_ncf_step){ .net = net, .n = n, .m = m };
    t->shard = ctx->host->scratch(ctx, shards, sizeof *t->shard);
    for (int k = 0; k < RH_NCF_PARTS; k++) {
        const struct rh_layers *p = &net->part[k];
        t->first_piece[k + 1] = t->first_piece[k] + (net->used[k] ? (p->size + WEIGHTS_AT - 1) / WEIGHTS_AT : 0);
        if (!net->used[k])
            continue;
        t->x[k] = ctx->host->scratch(ctx, rows, (size_t)p->net.width[0] * cell);
        t->dx[k] = ctx->host->scratch(ctx, rows, (size_t)p->net.width[0] * cell);
        if (!t->shard || !t->x[k] || !t->dx[k])
            return RH_ENOMEM;
        for (size_t i = 0; i < shards; i++) {
            struct rh_ncf_shard *x = &t->shard[i];
            x->g[k] = ctx->host->scratch(ctx, (size_t)p->size, cell);
            x->tape[k] = ctx->host->scratch(ctx, rh_mlp_tape(&p->net, RH_NCF_SHARD), cell);
            x->work = ctx->host->scratch(ctx, rh_mlp_work(&p->net, RH_NCF_SHARD), cell); /* MLP's is the larger one */
            if (k == RH_MLP)
                x->mask = ctx->host->scratch(ctx, rh_mlp_mask(&p->net, RH_NCF_SHARD), cell);
            if (!x->g[k] || !x->tape[k] || !x->work || (k == RH_MLP && !x->mask))
                return RH_ENOMEM;
        }
    }
    return RH_OK;
}
