#include "algorithms/lib/pairs.h"

#include <stdatomic.h>
#include <string.h>
#include <threads.h>

#define MOST_BLOCKS 32
#define CACHE (192 * 1024) /* bytes that the item rows of a pair of blocks may take: part of a second-level cache */
#define RANGES 32          /* of users that are drawn for in parallel by rh_pairs_draw */

const struct rh_choice rh_positives_from_words[] = {
    { "interactions", RH_EACH_INTERACTION, "each interaction once an epoch, in random order" },
    { "users", RH_UNIFORM_USERS, "a user, all equally likely, then one of their items; as many as interactions" },
    { NULL, 0, NULL },
};
const struct rh_choice rh_negatives_from_words[] = {
    { "uniform", RH_UNIFORM_ITEMS, "each item that the user has not is as likely as another" },
    { "popularity", RH_POPULAR_ITEMS, "in proportion to popularity^power" },
    { NULL, 0, NULL },
};

/* ----------------------------------------------------------------------------------------------------- drawing */

/* Walker 1977, Vose 1991: columns of equal height, each of one or two items. */
static int make_alias(struct rh_ctx *ctx, struct rh_pairs *p, double power)
{
    size_t n = (size_t)p->n_items;
    double sum = 0, *share = ctx->host->scratch(ctx, n, sizeof *share);
    int32_t *small = ctx->host->scratch(ctx, n, sizeof *small), *large = ctx->host->scratch(ctx, n, sizeof *large);
    p->keep = ctx->host->alloc(ctx, n, sizeof *p->keep);
    p->alias = ctx->host->alloc(ctx, n, sizeof *p->alias);
    if (!share || !small || !large || !p->keep || !p->alias)
        return RH_ENOMEM;
    for (int64_t k = 0; k < p->row[p->n_users]; k++)
        share[p->item[k]]++;
    for (size_t i = 0; i < n; i++)
        sum += share[i] = share[i] > 0 ? pow(share[i], power) : 0;
    int32_t n_small = 0, n_large = 0;
    for (int32_t i = 0; i < p->n_items; i++) {
        share[i] *= (double)n / sum;
        p->keep[i] = 1;
        p->alias[i] = i;
        if (share[i] < 1)
            small[n_small++] = i;
        else
            large[n_large++] = i;
    }
    while (n_small && n_large) {
        int32_t i = small[--n_small], j = large[n_large - 1];
        p->keep[i] = (float)share[i];
        p->alias[i] = j;
        share[j] -= 1 - share[i];
        if (share[j] < 1) {
            n_large--;
            small[n_small++] = j;
        }
    }
    return RH_OK;
}

int rh_pairs_init(struct rh_ctx *ctx, struct rh_pairs *p, const struct rh_domain *d, int32_t n_users, int positives,
                  int negatives, double power)
{
    *p = (struct rh_pairs){ .n_users = n_users, .n_items = d->n_items, .row = d->row, .item = d->item,
                            .positives = positives, .negatives = negatives };
    p->learner = ctx->host->alloc(ctx, (size_t)(n_users ? n_users : 1), sizeof *p->learner);
    if (!p->learner)
        return RH_ENOMEM;
    for (int32_t u = 0; u < n_users; u++) {
        int64_t n = d->row[u + 1] - d->row[u];
        if (n > 0 && n < d->n_items) {
            p->learner[p->n_learners++] = u;
            p->n += n;
        }
    }
    if (!p->n_learners)
        return ctx->host->fail(ctx, RH_EDATA,
                               "no user of domain '%s' has some of its %d items and not all, so there are no pairs to "
                               "learn from; a larger catalogue or fewer filters are needed", d->name, d->n_items);
    return negatives == RH_POPULAR_ITEMS ? make_alias(ctx, p, power) : RH_OK;
}

int32_t rh_pairs_other(const struct rh_pairs *p, struct rh_rng *rng, const uint8_t *taken)
{
    int32_t j = 0;
    for (int tries = 0; tries < 100; tries++) {
        j = (int32_t)rh_rng_below(rng, (uint32_t)p->n_items);
        if (p->alias && rh_rng_uniform(rng) >= (double)p->keep[j])
            j = p->alias[j];
        if (!taken[j])
            return j;
    }
    for (j = (int32_t)rh_rng_below(rng, (uint32_t)p->n_items); taken[j];)
        j = j + 1 < p->n_items ? j + 1 : 0;
    return j;
}

/* The learners of a pass in random order, and how many triples each gets. */
struct order {
    int32_t *user;  /* [n_learners] */
    int64_t *first; /* [n_learners + 1] offsets of their triples */
    int64_t most;   /* of one user */
};

static int make_order(struct rh_ctx *ctx, const struct rh_pairs *p, int32_t epoch, struct order *o)
{
    size_t n = (size_t)p->n_learners;
    int32_t *drawn = NULL;
    o->user = ctx->host->scratch(ctx, n, sizeof *o->user);
    o->first = ctx->host->scratch(ctx, n + 1, sizeof *o->first);
    if (p->positives == RH_UNIFORM_USERS)
        drawn = ctx->host->scratch(ctx, n, sizeof *drawn);
    if (!o->user || !o->first || (p->positives == RH_UNIFORM_USERS && !drawn))
        return RH_ENOMEM;
    struct rh_rng rng = ctx->host->stream(ctx, "order", (uint64_t)epoch);
    memcpy(o->user, p->learner, n * sizeof *o->user);
    rh_rng_shuffle(&rng, o->user, p->n_learners);
    for (int64_t k = 0; drawn && k < p->n; k++)
        drawn[rh_rng_below(&rng, (uint32_t)n)]++;
    o->most = 0;
    for (size_t k = 0; k < n; k++) {
        int64_t count = drawn ? drawn[k] : p->row[o->user[k] + 1] - p->row[o->user[k]];
        o->first[k + 1] = o->first[k] + count;
        o->most = count > o->most ? count : o->most;
    }
    return RH_OK;
}

/* The triples of learners [begin, end) of the order to `out`; how many. taken[n_items] is 0 before and after. */
static int64_t draw_users(struct rh_ctx *ctx, const struct rh_learning *l, const struct order *o, int32_t epoch,
                          int32_t begin, int32_t end, uint8_t *taken, struct rh_triple *out)
{
    const struct rh_pairs *p = l->pairs;
    int64_t n = 0;
    for (int32_t k = begin; k < end; k++) {
        int32_t u = o->user[k];
        int64_t count = o->first[k + 1] - o->first[k];
        const int32_t *own = p->item + p->row[u];
        uint32_t n_own = (uint32_t)(p->row[u + 1] - p->row[u]);
        struct rh_rng rng = ctx->host->stream(ctx, "triples", (uint64_t)epoch << 32 | (uint32_t)u);
        for (uint32_t r = 0; r < n_own; r++)
            taken[own[r]] = 1;
        for (int64_t c = 0; c < count; c++) {
            int32_t liked = p->positives == RH_UNIFORM_USERS ? own[rh_rng_below(&rng, n_own)] : own[c];
            float weight = 1;
            int32_t other = l->draw ? l->draw(l->draw_arg, &rng, u, liked, taken, &weight)
                                    : rh_pairs_other(p, &rng, taken);
            if (other >= 0)
                out[n++] = (struct rh_triple){ u, liked, other, weight };
        }
        for (uint32_t r = 0; r < n_own; r++)
            taken[own[r]] = 0;
    }
    return n;
}

/* ------------------------------------------------------------------------------------------------------ passes */

struct pass {
    const struct rh_learning *l;
    struct order order;
    int32_t epoch;
    int32_t blocks, pairs, cells;            /* B, B / 2, (B - 1) B / 2 */
    uint8_t *block;                          /* [n_items] */
    int32_t cell[MOST_BLOCKS * MOST_BLOCKS]; /* [B x B] of two blocks */
    int32_t start[MOST_BLOCKS / 2 + 1];      /* [groups + 1] positions in the order, of this chunk */
    struct rh_triple *drawn, *sorted;        /* of this chunk, a group after the other */
    int64_t *offset;                         /* [groups][cells + 1] into sorted */
    uint8_t meet[MOST_BLOCKS * MOST_BLOCKS]; /* [(B - 1) x B / 2 x 2] the two blocks of pair k in round r */
    atomic_int group_at[MOST_BLOCKS / 2], block_at[MOST_BLOCKS]; /* steps that each has behind it in this chunk */
    double *cell_loss; /* [steps x pairs] */
    double loss[MOST_BLOCKS / 2];
};

/* Round r of a tournament of B: the last block meets r, and r + k meets r - k (modulo B - 1). Both items of a triple
 * in one block: in the first round. */
static void pair_blocks(struct pass *s)
{
    int32_t b = s->blocks, m = b - 1;
    for (int32_t r = m - 1; r >= 0; r--)
        for (int32_t k = 0; k < s->pairs; k++) {
            int32_t x = k ? (r + k) % m : m, y = k ? (r - k + m) % m : r;
            s->meet[(r * s->pairs + k) * 2] = (uint8_t)x;
            s->meet[(r * s->pairs + k) * 2 + 1] = (uint8_t)y;
            s->cell[x * b + y] = s->cell[y * b + x] = r * s->pairs + k;
            s->cell[x * b + x] = s->cell[y * b + y] = r * s->pairs + k;
        }
}

/* Draws the triples of groups and sorts them by cell, in the order in which they were drawn. */
static int draw_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct pass *s = arg;
    const struct rh_pairs *p = s->l->pairs;
    uint8_t *taken = ctx->host->scratch(ctx, (size_t)p->n_items, 1);
    int64_t *next = ctx->host->scratch(ctx, (size_t)s->cells + 1, sizeof *next);
    if (!taken || !next)
        return RH_ENOMEM;
    for (int64_t g = begin; g < end; g++) {
        int64_t base = s->order.first[s->start[g]] - s->order.first[s->start[0]];
        int64_t *offset = s->offset + g * (s->cells + 1);
        struct rh_triple *t = s->drawn + base;
        int64_t n = draw_users(ctx, s->l, &s->order, s->epoch, s->start[g], s->start[g + 1], taken, t);
        memset(next, 0, ((size_t)s->cells + 1) * sizeof *next);
        for (int64_t k = 0; k < n; k++)
            next[s->cell[s->block[t[k].liked] * s->blocks + s->block[t[k].other]] + 1]++;
        offset[0] = next[0] = base;
        for (int32_t c = 0; c < s->cells; c++)
            offset[c + 1] = next[c + 1] += next[c];
        for (int64_t k = 0; k < n; k++)
            s->sorted[next[s->cell[s->block[t[k].liked] * s->blocks + s->block[t[k].other]]]++] = t[k];
    }
    return RH_OK;
}

static void wait_for(atomic_int *at, int32_t step)
{
    for (int32_t tries = 0; atomic_load_explicit(at, memory_order_acquire) != step; tries++)
        if (tries > 100)
            thrd_yield(); /* the thread that is waited for may not be running */
}

/* Cells [begin, end), numbered as they are to be learned from: a step after the other, pair by pair. In each step a
 * block and a group take part once, so that a cell may begin when its group and its blocks have the steps before it
 * behind them. Cells begin in order, so the first that is not finished never waits, and no step needs a barrier: those
 * make all threads wait for one that has lost its processor. */
static int learn_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct pass *s = arg;
    (void)ctx;
    for (int64_t at = begin; at < end; at++) {
        int32_t step = (int32_t)(at / s->pairs), k = (int32_t)(at % s->pairs);
        int32_t round = step / s->pairs, g = (k + step % s->pairs) % s->pairs;
        const uint8_t *meet = s->meet + (round * s->pairs + k) * 2;
        const int64_t *offset = s->offset + (int64_t)g * (s->cells + 1) + round * s->pairs + k;
        atomic_int *resource[] = { &s->group_at[g], &s->block_at[meet[0]], &s->block_at[meet[1]] };
        for (int r = 0; r < 3 && !s->l->free; r++)
            wait_for(resource[r], step);
        s->cell_loss[at] = s->l->learn(s->l->learn_arg, s->sorted + offset[0], offset[1] - offset[0]);
        for (int r = 0; r < 3; r++)
            atomic_store_explicit(resource[r], step + 1, memory_order_release);
    }
    return RH_OK;
}

/* Learns from learners [from, to) of the order. */
static int learn_chunk(struct rh_ctx *ctx, struct pass *s, int32_t from, int32_t to)
{
    const int64_t *first = s->order.first;
    int64_t n = first[to] - first[from], cells = (int64_t)s->cells * s->pairs;
    for (int32_t g = 0, k = from; g <= s->pairs; g++) {
        while (k < to && first[k] - first[from] < n * g / s->pairs)
            k++;
        s->start[g] = g < s->pairs ? k : to;
    }
    for (int32_t k = 0; k < s->blocks; k++)
        atomic_store(&s->block_at[k], 0);
    for (int32_t k = 0; k < s->pairs; k++)
        atomic_store(&s->group_at[k], 0);
    int status = ctx->host->parallel(ctx, s->pairs, 1, draw_part, s);
    if (status >= 0)
        status = ctx->host->parallel(ctx, cells, 1, learn_part, s);
    for (int64_t at = 0; status >= 0 && at < cells; at++)
        s->loss[at % s->pairs] += s->cell_loss[at];
    return status;
}

/* Enough blocks for two of them to fit the cache; but cells of fewer than some 64 triples are not worth a step. */
static int32_t blocks_for(const struct rh_learning *l, int64_t chunk)
{
    double by_cache = 2.0 * l->pairs->n_items * l->width * (double)sizeof(float) / CACHE;
    double by_work = cbrt((double)chunk / 16);
    int32_t b = (int32_t)fmin(MOST_BLOCKS, fmax(4, fmin(fmax(by_cache, 8), by_work)));
    return b / 2 * 2;
}

int rh_pairs_pass(struct rh_ctx *ctx, const struct rh_learning *l, int32_t epoch, double *loss)
{
    const struct rh_pairs *p = l->pairs;
    int64_t chunk = l->chunk ? l->chunk : p->n >= 1 << 23 ? 1 << 20 : 1 << 18;
    chunk = chunk < p->n ? chunk : p->n;
    struct pass *s = ctx->host->scratch(ctx, 1, sizeof *s);
    int32_t *item = ctx->host->scratch(ctx, (size_t)p->n_items, sizeof *item);
    if (!s || !item)
        return RH_ENOMEM;
    *s = (struct pass){ .l = l, .epoch = epoch, .blocks = blocks_for(l, chunk) };
    s->pairs = s->blocks / 2;
    s->cells = (s->blocks - 1) * s->pairs;
    pair_blocks(s);
    int status = make_order(ctx, p, epoch, &s->order);
    if (status < 0)
        return status;
    size_t most = (size_t)(chunk > s->order.most ? chunk : s->order.most);
    s->block = ctx->host->scratch(ctx, (size_t)p->n_items, 1);
    s->drawn = ctx->host->scratch(ctx, most, sizeof *s->drawn);
    s->sorted = ctx->host->scratch(ctx, most, sizeof *s->sorted);
    s->offset = ctx->host->scratch(ctx, (size_t)s->pairs, ((size_t)s->cells + 1) * sizeof *s->offset);
    s->cell_loss = ctx->host->scratch(ctx, (size_t)s->cells * (size_t)s->pairs, sizeof *s->cell_loss);
    if (!s->block || !s->drawn || !s->sorted || !s->offset || !s->cell_loss)
        return RH_ENOMEM;
    struct rh_rng rng = ctx->host->stream(ctx, "blocks", (uint64_t)epoch);
    for (int32_t i = 0; i < p->n_items; i++)
        item[i] = i;
    rh_rng_shuffle(&rng, item, p->n_items);
    for (int32_t i = 0; i < p->n_items; i++)
        s->block[item[i]] = (uint8_t)(i % s->blocks);
    for (int32_t from = 0, to; status >= 0 && from < p->n_learners; from = to) {
        for (to = from + 1; to < p->n_learners && s->order.first[to + 1] - s->order.first[from] <= chunk;)
            to++;
        status = learn_chunk(ctx, s, from, to);
        if (status >= 0)
            status = ctx->host->tick(ctx, to, p->n_learners);
    }
    *loss = 0;
    for (int32_t k = 0; k < s->pairs; k++)
        *loss += s->loss[k];
    return status;
}

/* --------------------------------------------------------------------------------------------------- all at once */

struct whole {
    const struct rh_learning *l;
    struct order order;
    int32_t epoch;
    struct rh_triple *t;
    int64_t n[RANGES];
};

static int32_t range_start(const struct whole *w, int64_t k)
{
    return (int32_t)((int64_t)w->l->pairs->n_learners * k / RANGES);
}

static int whole_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct whole *w = arg;
    uint8_t *taken = ctx->host->scratch(ctx, (size_t)w->l->pairs->n_items, 1);
    if (!taken)
        return RH_ENOMEM;
    for (int64_t k = begin; k < end; k++) {
        int32_t from = range_start(w, k);
        w->n[k] = draw_users(ctx, w->l, &w->order, w->epoch, from, range_start(w, k + 1), taken,
                             w->t + w->order.first[from]);
    }
    return RH_OK;
}

int rh_pairs_draw(struct rh_ctx *ctx, const struct rh_learning *l, int32_t epoch, struct rh_triple **t, int64_t *n)
{
    struct whole w = { .l = l, .epoch = epoch };
    int status = make_order(ctx, l->pairs, epoch, &w.order);
    if (status < 0)
        return status;
    *t = w.t = ctx->host->scratch(ctx, (size_t)l->pairs->n, sizeof **t);
    if (!w.t)
        return RH_ENOMEM;
    status = ctx->host->parallel(ctx, RANGES, 1, whole_part, &w);
    *n = 0;
    for (int k = 0; k < RANGES; k++) {
        memmove(w.t + *n, w.t + w.order.first[range_start(&w, k)], (size_t)w.n[k] * sizeof *w.t);
        *n += w.n[k];
    }
    struct rh_rng rng = ctx->host->stream(ctx, "shuffle", (uint64_t)epoch);
    for (int64_t k = *n - 1; k > 0; k--) {
        int64_t r = (int64_t)(rh_rng_uniform(&rng) * (double)(k + 1));
        struct rh_triple x = w.t[k];
        w.t[k] = w.t[r];
        w.t[r] = x;
    }
    return status;
}
