/* Minibatches of the transfer network: see network.h. */
#include "algorithms/lib/network.h"

#include <string.h>

#define SHARD 8  /* groups a shard */
#define PIECE 64 /* slots a piece of the items' side */

struct rh_shard {
    rh_real *dt, *db; /* [n_slots x E], [n_slots x H] */
    rh_real *dphi;
    rh_real *work; /* [m x H] and a sum [E] and its gradient [E] */
    double loss;
};

/* ------------------------------------------------------------------------------------------------------ memory */

static int64_t history_length(const struct rh_network *net, const bool *see, int32_t user)
{
    int64_t n = 0;
    for (int32_t d = 0; d < net->train->n_domains; d++)
        if (net->used[d] && see[d])
            n += net->train->domain[d].row[user + 1] - net->train->domain[d].row[user];
    return n;
}

int rh_batch_init(struct rh_ctx *ctx, struct rh_batch *b, struct rh_network *net, int32_t n_groups, const bool *see)
{
    const struct rh_host *host = ctx->host;
    const struct rh_net *n = &net->net;
    size_t E = (size_t)n->E, H = (size_t)n->H, phi = (size_t)rh_net_size(n), groups = (size_t)n_groups;
    *b = (struct rh_batch){ .net = net, .see = see, .m = (int32_t)net->params->negatives + 1 };
    int64_t longest = 0;
    for (int32_t u = 0; u < net->train->n_users; u++) {
        int64_t length = history_length(net, see, u);
        longest = length > longest ? length : longest;
    }
    size_t rows = groups * RH_GROUP, history = groups * (size_t)longest;
    size_t slots = rows * (size_t)b->m + history, items = (size_t)net->tower.n_items;
    slots = slots < items ? slots : items;
    size_t shards = (groups + SHARD - 1) / SHARD, pieces = (slots + PIECE - 1) / PIECE;

    b->first_row = host->scratch(ctx, groups + 1, sizeof *b->first_row);
    b->first_history = host->scratch(ctx, groups + 1, sizeof *b->first_history);
    b->norm = host->scratch(ctx, rows, sizeof *b->norm);
    b->slot = host->scratch(ctx, rows * (size_t)b->m, sizeof *b->slot);
    b->own_weight = host->scratch(ctx, rows, sizeof *b->own_weight);
    b->row_weight = host->scratch(ctx, rows, sizeof *b->row_weight);
    b->history = host->scratch(ctx, history, sizeof *b->history);
    b->history_weight = host->scratch(ctx, history, sizeof *b->history_weight);
    b->p = host->scratch(ctx, rows * E, sizeof *b->p);
    b->dp = host->scratch(ctx, rows * E, sizeof *b->dp);
    struct rh_sides *both[2] = { &b->sides, &b->grad };
    for (int i = 0; i < 2; i++) {
        both[i]->a = host->scratch(ctx, rows * H, sizeof *both[i]->a);
        both[i]->q = host->scratch(ctx, rows * E, sizeof *both[i]->q);
        both[i]->t = host->scratch(ctx, slots * E, sizeof *both[i]->t);
        both[i]->b = host->scratch(ctx, slots * H, sizeof *both[i]->b);
        if (!both[i]->a || !both[i]->q || !both[i]->t || !both[i]->b)
            return RH_ENOMEM;
    }
    b->dphi = host->scratch(ctx, phi, sizeof *b->dphi);
    b->piece_dphi = host->scratch(ctx, pieces * phi, sizeof *b->piece_dphi);
    b->domain_weight = host->scratch(ctx, (size_t)net->train->n_domains, sizeof *b->domain_weight);
    b->shard = host->scratch(ctx, shards, sizeof *b->shard);
    if (!b->first_row || !b->first_history || !b->norm || !b->slot || !b->own_weight || !b->row_weight ||
        !b->history || !b->history_weight || !b->p || !b->dp || !b->dphi || !b->piece_dphi || !b->domain_weight ||
        !b->shard)
        return RH_ENOMEM;
    for (size_t s = 0; s < shards; s++) {
        struct rh_shard *x = &b->shard[s];
        x->dt = host->scratch(ctx, slots * E, sizeof *x->dt);
        x->db = host->scratch(ctx, slots * H, sizeof *x->db);
        x->dphi = host->scratch(ctx, phi, sizeof *x->dphi);
        x->work = host->scratch(ctx, RH_NET_ITEMS * H + E, sizeof *x->work);
        if (!x->dt || !x->db || !x->dphi || !x->work)
            return RH_ENOMEM;
    }
    for (int32_t d = 0; d < net->train->n_domains; d++)
        b->domain_weight[d] = net->weight[d];
    return rh_slots_init(ctx, &b->slots, net->tower.n_items);
}

/* -------------------------------------------------------------------------------------------------------- draw */

struct drawing {
    struct rh_batch *batch;
    uint64_t pass;
};

/* Whether row j of the domain is in a history of which this share is kept: the same answer each time it is asked. The
 * mixer is splitmix64's (Steele, Lea, Flood 2014). */
static bool is_kept(uint64_t key, int64_t j, double share)
{
    uint64_t x = key + (uint64_t)j * 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    x ^= x >> 31;
    return (double)(x >> 11) * 0x1.0p-53 < share;
}

/* The share of an own history of n rows that this group sees: all of it, or with probability history_dropout one that
 * leaves between n and half a row, each order of size as likely as another. */
static double draw_share(const struct rh_batch *b, const struct rh_group *group, int64_t n, struct rh_rng *r)
{
    bool thinned = rh_rng_uniform(r) < b->net->params->history_dropout;
    double share = pow(0.5 / (double)n, rh_rng_uniform(r));
    return !b->see[group->domain] ? 0 : thinned ? share : 1;
}

/* Items of the rows and of the history of groups [begin, end), by their number through all domains, in place of the
 * slots that they will get. */
static int draw_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct drawing *s = arg;
    struct rh_batch *b = s->batch;
    struct rh_network *net = b->net;
    const struct rh_network_params *params = net->params;
    const struct rh_train *train = net->train;
    uint64_t n_groups = (uint64_t)net->first_group[train->n_domains];
    for (int64_t g = begin; g < end; g++) {
        const struct rh_group *group = &net->group[b->group[g]];
        const struct rh_domain *own = &train->domain[group->domain];
        struct rh_rng r = ctx->host->stream(ctx, "rows", s->pass * n_groups + (uint64_t)b->group[g]);
        double kept = draw_share(b, group, own->row[group->user + 1] - own->row[group->user], &r), weight = 0;
        uint64_t key = rh_rng_next(&r);
        int64_t h = b->first_history[g];
        for (int32_t d = 0; d < train->n_domains; d++) {
            bool is_own = d == group->domain;
            double share = rh_history_share(net, group->domain, d);
            if (!net->used[d] || !b->see[d] || share == 0)
                continue;
            const struct rh_domain *x = &train->domain[d];
            for (int64_t j = x->row[group->user]; j < x->row[group->user + 1]; j++) {
                if (is_own && !is_kept(key, j, kept))
                    continue;
                b->history[h] = net->tower.first_item[d] + x->item[j];
                b->history_weight[h++] = (rh_real)(share * rh_history_weight(net, d, x->value, j));
                weight += share;
            }
        }
        for (; h < b->first_history[g + 1]; h++)
            b->history[h] = -1;
        for (int32_t k = 0; k < group->n; k++) {
            size_t row = (size_t)b->first_row[g] + (size_t)k;
            int64_t at = group->first + (int64_t)k * group->stride;
            int32_t *items = b->slot + row * (size_t)b->m;
            bool liked =
                params->positives == RH_ALL_ROWS || !own->value || (double)own->value[at] >= net->mean[group->domain];
            items[0] = liked ? net->tower.first_item[group->domain] + own->item[at] : -1;
            bool in_history = is_kept(key, at, kept);
            b->own_weight[row] = in_history ? (rh_real)rh_history_weight(net, group->domain, own->value, at) : 0;
            b->norm[row] = rh_history_norm(net, weight - in_history);
            for (int32_t j = 1; j < b->m; j++) {
                int32_t item = liked ? rh_network_negative(net, group->domain, group->user, &r) : -1;
                items[j] = item < 0 ? -1 : net->tower.first_item[group->domain] + item;
            }
            if (b->m > 1 && items[1] < 0) /* the user has taken everything: nothing to tell apart */
                items[0] = -1;
        }
    }
    return RH_OK;
}

int rh_batch_draw(struct rh_ctx *ctx, struct rh_batch *b, uint64_t pass, const int32_t *group, int32_t n_groups)
{
    struct rh_network *net = b->net;
    b->group = group;
    b->n_groups = n_groups;
    b->n_shards = (n_groups + SHARD - 1) / SHARD;
    for (int32_t g = 0; g < n_groups; g++) {
        const struct rh_group *x = &net->group[group[g]];
        b->first_row[g + 1] = b->first_row[g] + x->n;
        b->first_history[g + 1] = b->first_history[g] + history_length(net, b->see, x->user);
    }
    b->n_rows = b->first_row[n_groups];
    struct drawing s = { b, pass };
    int status = ctx->host->parallel(ctx, n_groups, SHARD, draw_part, &s);
    if (status < 0)
        return status;

    rh_slots_clear(&b->slots);
    for (int64_t i = 0; i < (int64_t)b->n_rows * b->m; i++)
        if (b->slot[i] >= 0)
            b->slot[i] = rh_slot(&b->slots, b->slot[i]);
    for (int64_t i = 0; i < b->first_history[n_groups]; i++)
        if (b->history[i] >= 0)
            b->history[i] = rh_slot(&b->slots, b->history[i]);

    b->counted = 0;
    for (int32_t k = 0; k < b->n_rows; k++)
        b->counted += b->slot[(size_t)k * (size_t)b->m] >= 0;
    for (int32_t g = 0; g < n_groups; g++)
        for (int32_t k = b->first_row[g]; k < b->first_row[g + 1]; k++)
            b->row_weight[k] =
                (rh_real)(b->counted ? b->domain_weight[net->group[group[g]].domain] / (double)b->counted : 0);
    return RH_OK;
}

/* ----------------------------------------------------------------------------------------------------- forward */

static int items_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    struct rh_batch *b = arg;
    size_t E = (size_t)b->net->net.E, H = (size_t)b->net->net.H, at = (size_t)begin;
    int32_t n = (int32_t)(end - begin);
    rh_tower_vectors(&b->net->tower, b->slots.item + begin, 0, n, b->sides.t + at * E);
    rh_net_items(&b->net->net, b->net->phi, n, b->sides.t + at * E, b->sides.b + at * H);
    return RH_OK;
}

/* p of the rows of group g: the sum over the history, less the liked item itself. */
static void user_vectors(struct rh_batch *b, int64_t g, rh_real *sum)
{
    size_t E = (size_t)b->net->net.E;
    memset(sum, 0, E * sizeof *sum);
    for (int64_t h = b->first_history[g]; h < b->first_history[g + 1] && b->history[h] >= 0; h++)
        rh_axpy((int32_t)E, b->history_weight[h], b->sides.t + (size_t)b->history[h] * E, sum);
    for (int32_t k = b->first_row[g]; k < b->first_row[g + 1]; k++) {
        rh_real *p = b->p + (size_t)k * E;
        memset(p, 0, E * sizeof *p);
        int32_t liked = b->slot[(size_t)k * (size_t)b->m];
        if (liked < 0 || b->norm[k] == 0)
            continue;
        rh_axpy((int32_t)E, b->norm[k], sum, p);
        rh_axpy((int32_t)E, -b->norm[k] * b->own_weight[k], b->sides.t + (size_t)liked * E, p);
    }
}

static int learn_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    struct rh_batch *b = arg;
    const struct rh_net *net = &b->net->net;
    struct rh_shard *shard = &b->shard[begin / SHARD];
    size_t E = (size_t)net->E, H = (size_t)net->H;
    size_t slots = (size_t)b->slots.n, row = (size_t)b->first_row[begin];
    size_t n = (size_t)b->first_row[end] - row;
    memset(shard->dt, 0, slots * E * sizeof *shard->dt);
    memset(shard->db, 0, slots * H * sizeof *shard->db);
    memset(shard->dphi, 0, (size_t)rh_net_size(net) * sizeof *shard->dphi);
    memset(b->dp + row * E, 0, n * E * sizeof *b->dp);
    memset(b->grad.a + row * H, 0, n * H * sizeof *b->grad.a);
    memset(b->grad.q + row * E, 0, n * E * sizeof *b->grad.q);
    for (int64_t g = begin; g < end; g++)
        user_vectors(b, g, shard->work);
    rh_net_users(net, b->net->phi, (int32_t)n, b->p + row * E, b->sides.a + row * H, b->sides.q + row * E);
    struct rh_lesson lesson = b->lesson;
    lesson.score = lesson.score ? lesson.score + row * (size_t)b->m : NULL;
    struct rh_net_rows pairs = { (int32_t)n, b->m, b->slot + row * (size_t)b->m, b->row_weight + row,
                              lesson.score ? &lesson : NULL };
    struct rh_sides sides = { b->sides.a + row * H, b->sides.q + row * E, b->sides.t, b->sides.b };
    struct rh_sides grad = { b->grad.a + row * H, b->grad.q + row * E, shard->dt, shard->db };
    shard->loss = rh_net_pairs(net, b->net->phi, &pairs, &sides, &grad, shard->dphi, shard->work);
    return RH_OK;
}

int rh_batch_learn(struct rh_ctx *ctx, struct rh_batch *b)
{
    int status = ctx->host->parallel(ctx, b->slots.n, PIECE, items_part, b);
    if (status == RH_OK)
        status = ctx->host->parallel(ctx, b->n_groups, SHARD, learn_part, b);
    b->loss = 0;
    for (int32_t s = 0; s < b->n_shards; s++)
        b->loss += b->shard[s].loss;
    return status;
}

struct rh_sides rh_batch_extra(struct rh_batch *b)
{
    return (struct rh_sides){ b->grad.a, b->grad.q, b->shard[0].dt, b->shard[0].db };
}

/* ---------------------------------------------------------------------------------------------------- backward */

static int users_back_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    struct rh_batch *b = arg;
    const struct rh_net *net = &b->net->net;
    struct rh_shard *shard = &b->shard[begin / SHARD];
    size_t E = (size_t)net->E, H = (size_t)net->H, row = (size_t)b->first_row[begin];
    rh_net_users_back(net, b->net->phi, b->first_row[end] - (int32_t)row, b->p + row * E, b->grad.a + row * H,
                      b->grad.q + row * E, shard->dphi, b->dp + row * E);
    rh_real *dsum = shard->work;
    for (int64_t g = begin; g < end; g++) {
        memset(dsum, 0, E * sizeof *dsum);
        for (int32_t k = b->first_row[g]; k < b->first_row[g + 1]; k++) {
            int32_t liked = b->slot[(size_t)k * (size_t)b->m];
            if (liked < 0 || b->norm[k] == 0)
                continue;
            rh_axpy((int32_t)E, b->norm[k], b->dp + (size_t)k * E, dsum);
            rh_axpy((int32_t)E, -b->norm[k] * b->own_weight[k], b->dp + (size_t)k * E, shard->dt + (size_t)liked * E);
        }
        for (int64_t h = b->first_history[g]; h < b->first_history[g + 1] && b->history[h] >= 0; h++)
            rh_axpy((int32_t)E, b->history_weight[h], dsum, shard->dt + (size_t)b->history[h] * E);
    }
    return RH_OK;
}

/* The shards' gradients by the items added up, in order, and taken back through the layer. */
static int items_back_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    struct rh_batch *b = arg;
    const struct rh_net *net = &b->net->net;
    size_t E = (size_t)net->E, H = (size_t)net->H, at = (size_t)begin, n = (size_t)(end - begin);
    rh_real *dt = b->grad.t + at * E, *db = b->grad.b + at * H;
    rh_real *dphi = b->piece_dphi + (size_t)(begin / PIECE) * (size_t)rh_net_size(net);
    memset(dphi, 0, (size_t)rh_net_size(net) * sizeof *dphi);
    memcpy(dt, b->shard[0].dt + at * E, n * E * sizeof *dt);
    memcpy(db, b->shard[0].db + at * H, n * H * sizeof *db);
    for (int32_t s = 1; s < b->n_shards; s++) {
        rh_axpy((int32_t)(n * E), 1, b->shard[s].dt + at * E, dt);
        rh_axpy((int32_t)(n * H), 1, b->shard[s].db + at * H, db);
    }
    rh_net_items_back(net, b->net->phi, (int32_t)n, b->sides.t + at * E, db, dphi, dt);
    return RH_OK;
}

int rh_batch_back(struct rh_ctx *ctx, struct rh_batch *b)
{
    int32_t size = (int32_t)rh_net_size(&b->net->net), pieces = (b->slots.n + PIECE - 1) / PIECE;
    int status = ctx->host->parallel(ctx, b->n_groups, SHARD, users_back_part, b);
    if (status == RH_OK)
        status = ctx->host->parallel(ctx, b->slots.n, PIECE, items_back_part, b);
    memset(b->dphi, 0, (size_t)size * sizeof *b->dphi);
    for (int32_t s = 0; s < b->n_shards; s++)
        rh_axpy(size, 1, b->shard[s].dphi, b->dphi);
    for (int32_t k = 0; k < pieces; k++)
        rh_axpy(size, 1, b->piece_dphi + (size_t)k * (size_t)size, b->dphi);
    return status;
}

int rh_batch_apply(struct rh_ctx *ctx, struct rh_batch *b, unsigned parts, double factor)
{
    return rh_network_move(ctx, b->net, &b->slots, b->grad.t, b->dphi, parts, factor);
}
