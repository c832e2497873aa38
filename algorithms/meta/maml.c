/* maml: a start from which few items of a new user suffice. Finn, Abbeel, Levine 2017, "Model-agnostic meta-learning
 * for fast adaptation of deep networks"; for recommendation Lee et al. 2019, "MeLU".
 *
 * Every user is a task. Their rows are cut anew in each epoch into a support set of 1 to `shots` items and a query
 * set. The inner loop takes inner_steps gradient steps of rate inner_rate on the support loss; the outer loop moves
 * the start, the shared item tower included, so that the loss on the query after these steps falls
 * (algorithms/lib/meta.h has the equations). order = second differentiates through the inner steps exactly, by
 * Hessian-vector products; first takes the gradient where the inner loop ended. What adapts: the layer and the head
 * of the transfer network, as in MeLU, where embeddings rest; or the head alone (Raghu et al. 2020, "Rapid learning
 * or feature reuse?", ANIL).
 *
 * When a query is scored its history in the target is the support: adapt, then score every candidate with the adapted
 * weights. No history, no adaptation. The sampled items of such a support avoid the history that is visible, and
 * depend on the user alone. Of a long history SUPPORT items, evenly spaced, are in the support; all are in the user
 * vector.
 *
 * inner_steps = 0 is the twin without adaptation: the same tasks, the same outer loop.
 *
 * Cost of a task with k support and q query rows of m items, S = inner_steps, r = (k + q) m items: (S + 1) gradients
 * of 6 r H E operations, for second order S times about three more on the support. Of a query: S gradients on the
 * support, and one product of 2 items H E. Memory: as `direct`, and in an epoch meta_batch times (S + 4) weights of
 * the network. */
#include "algorithms/lib/meta.h"

#include <rh/plugin.h>
#include <string.h>

#define SUPPORT 64 /* items of a query's history in the inner loop, at most */

enum order { FIRST_ORDER = 1, SECOND_ORDER = 2 };
enum adapts { ADAPTS_LAYERS, ADAPTS_HEAD };

struct params {
    RH_NETWORK_FIELDS;
    int order, adapt;
    int64_t shots, inner_steps, meta_batch;
    double inner_rate;
    bool source_tasks;
};

static const struct rh_choice order_words[] = {
    { "second", SECOND_ORDER, "exact gradient through the inner steps" },
    { "first", FIRST_ORDER, "second derivatives left out" },
    { NULL, 0, NULL },
};
static const struct rh_choice adapt_words[] = {
    { "layers", ADAPTS_LAYERS, "all after the item tower" },
    { "head", ADAPTS_HEAD, "the head alone" },
    { NULL, 0, NULL },
};
static const struct rh_param params_table[] = {
    RH_NETWORK_PARAMS(struct params),
    RH_ENUM(struct params, order, SECOND_ORDER, order_words, "order of the derivatives in the outer gradient"),
    RH_ENUM(struct params, adapt, ADAPTS_LAYERS, adapt_words, "weights that the inner loop moves"),
    RH_INT(struct params, inner_steps, 2, 0, 100, "gradient steps on the support; 0: the twin without adaptation"),
    RH_REAL(struct params, inner_rate, 0.2, 0, 100, "learning rate of the inner steps"),
    RH_INT(struct params, shots, 10, 1, 1024, "support items of a training task, at most"),
    RH_INT(struct params, meta_batch, 32, 1, 4096, "tasks of one outer step"),
    RH_BOOL(struct params, source_tasks, true, "users of the sources are tasks too, with their rows there"),
    RH_PARAMS_END,
};

struct state {
    const struct params *params;
    struct rh_network net;
    struct rh_meta meta;
    bool *used;
    struct rh_task *task; /* [n_tasks] users with two rows or more in a domain */
    int32_t n_tasks;
};

static int make_tasks(struct rh_ctx *ctx, const struct rh_train *train, struct state *s)
{
    int64_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        n = 0;
        for (int32_t d = 0; d < train->n_domains; d++)
            for (int32_t u = 0; s->used[d] && u < train->n_users; u++)
                if (train->domain[d].row[u + 1] - train->domain[d].row[u] >= 2) {
                    if (pass)
                        s->task[n] = (struct rh_task){ u, d };
                    n++;
                }
        if (n == 0 || n > INT32_MAX)
            return ctx->host->fail(ctx, RH_EDATA,
                                   "maml makes a task of each user with two rows or more in a domain: %lld found, "
                                   "1 to 2147483647 are allowed",
                                   (long long)n);
        if (!pass && !(s->task = ctx->host->alloc(ctx, (size_t)n, sizeof *s->task)))
            return RH_ENOMEM;
    }
    s->n_tasks = (int32_t)n;
    return RH_OK;
}

static int choose_domains(struct rh_ctx *ctx, const struct params *p, const struct rh_train *train, struct state *s)
{
    s->params = p;
    s->used = ctx->host->alloc(ctx, (size_t)train->n_domains, sizeof *s->used);
    if (!s->used)
        return RH_ENOMEM;
    for (int32_t d = 0; d < train->n_domains; d++)
        s->used[d] = d == train->target || p->source_tasks;
    return RH_OK;
}

static struct rh_meta adaptation_of(const struct state *s)
{
    const struct params *p = s->params;
    return (struct rh_meta){ s->net.net, p->inner_rate, (int32_t)p->inner_steps, p->order == FIRST_ORDER,
                             p->adapt == ADAPTS_HEAD };
}

static int fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    int status = choose_domains(ctx, p, train, s);
    if (status == RH_OK)
        status = rh_network_init(ctx, &s->net, "maml", &p->network, train, s->used);
    s->meta = adaptation_of(s);
    if (status == RH_OK)
        status = make_tasks(ctx, train, s);
    return status < 0 ? status : rh_network_publish(ctx, &s->net, "maml");
}

static int epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss)
{
    struct state *s = state;
    const struct params *p = s->params;
    int32_t size = p->meta_batch < s->n_tasks ? (int32_t)p->meta_batch : s->n_tasks;
    struct rh_task *task = ctx->host->scratch(ctx, (size_t)s->n_tasks, sizeof *task);
    int32_t *order = ctx->host->scratch(ctx, (size_t)s->n_tasks, sizeof *order);
    struct rh_meta_batch b;
    if (!task || !order)
        return RH_ENOMEM;
    for (int32_t i = 0; i < s->n_tasks; i++)
        order[i] = i;
    struct rh_rng r = ctx->host->stream(ctx, "order", (uint64_t)number);
    rh_rng_shuffle(&r, order, s->n_tasks);
    for (int32_t i = 0; i < s->n_tasks; i++)
        task[i] = s->task[order[i]];
    int status = rh_meta_batch_init(ctx, &b, &s->net, &s->meta, size, (int32_t)p->shots, s->used);
    double sum = 0;
    for (int32_t at = 0; at < s->n_tasks && status == RH_OK; at += size) {
        int32_t n = s->n_tasks - at < size ? s->n_tasks - at : size;
        status = ctx->host->tick(ctx, at, s->n_tasks);
        if (status == RH_OK)
            status = rh_meta_batch_draw(ctx, &b, (uint64_t)number, (uint64_t)at, task + at, n);
        if (status == RH_OK)
            status = rh_meta_batch_learn(ctx, &b);
        if (status == RH_OK && !isfinite(b.loss))
            status = ctx->host->fail(ctx, RH_ENUMERIC,
                                     "maml diverged: the loss of a query set is not finite; try an inner_rate below "
                                     "%g or a rate below %g",
                                     p->inner_rate, p->rate);
        if (status == RH_OK)
            status = rh_network_move(ctx, &s->net, &b.slots, b.dt, b.dphi, RH_PART_ALL, 1);
        sum += b.loss * n;
    }
    *loss = sum / s->n_tasks;
    return status < 0 ? status : rh_network_publish(ctx, &s->net, "maml");
}

/* ------------------------------------------------------------------------------------------------------ scoring */

struct adaptation {
    int32_t *slot;   /* [SUPPORT x m] */
    rh_real *weight; /* [SUPPORT] */
    rh_real *p;      /* [SUPPORT x E] */
    rh_real *t;      /* [SUPPORT x m x E] */
    rh_real *phi;    /* [rh_net_size] */
    rh_real *work;
    rh_real *by_unit;      /* [H x items] */
    rh_real *user, *q, *a; /* [E], [E], [H] */
};

static int take_memory(struct rh_ctx *ctx, const struct state *s, struct adaptation *x)
{
    const struct rh_host *host = ctx->host;
    const struct rh_net *net = &s->net.net;
    size_t E = (size_t)net->E, H = (size_t)net->H, m = (size_t)s->params->negatives + 1;
    size_t items = (size_t)s->net.train->domain[s->net.train->target].n_items;
    x->slot = host->scratch(ctx, SUPPORT * m, sizeof *x->slot);
    x->weight = host->scratch(ctx, SUPPORT, sizeof *x->weight);
    x->p = host->scratch(ctx, SUPPORT * E, sizeof *x->p);
    x->t = host->scratch(ctx, SUPPORT * m * E, sizeof *x->t);
    x->phi = host->scratch(ctx, (size_t)rh_net_size(net), sizeof *x->phi);
    x->work = host->scratch(ctx, rh_meta_work(&s->meta, SUPPORT, SUPPORT * (int32_t)m), sizeof *x->work);
    x->by_unit = host->scratch(ctx, H * items, sizeof *x->by_unit);
    x->user = host->scratch(ctx, 2 * E + H, sizeof *x->user);
    if (!x->slot || !x->weight || !x->p || !x->t || !x->phi || !x->work || !x->by_unit || !x->user)
        return RH_ENOMEM;
    x->q = x->user + E;
    x->a = x->q + E;
    return RH_OK;
}

/* An item that is not in the history; -1 when all are. */
static int32_t outside(const struct rh_history *h, int32_t n_items, struct rh_rng *r)
{
    if (h->n >= n_items)
        return -1;
    int32_t x = (int32_t)rh_rng_below(r, (uint32_t)(n_items - h->n));
    for (int32_t j = 0; j < h->n && h->item[j] <= x; j++)
        x++;
    return x;
}

/* The support of a query: its history in the target, each item with the user vector of the others. */
static struct rh_net_set support_of(struct rh_ctx *ctx, const struct state *s, const struct rh_query *query,
                                    struct adaptation *x)
{
    const struct rh_network *net = &s->net;
    int32_t target = net->train->target, n_items = net->train->domain[target].n_items;
    const struct rh_history *h = &query->history[target];
    size_t E = (size_t)net->net.E, m = (size_t)s->params->negatives + 1;
    const rh_real *vector = net->vector + (size_t)net->tower.first_item[target] * E;
    int32_t n = h->n < SUPPORT ? h->n : SUPPORT, liked = 0;
    double total = h->n;
    for (int32_t d = 0; d < net->train->n_domains; d++)
        if (d != target && net->used[d])
            total += net->params->source_history * query->history[d].n;
    /* user = all * (sum over the history); of the others: rest * (that sum less the item) */
    rh_real all = rh_history_norm(net, total), rest = rh_history_norm(net, total - 1);
    rh_real ratio = all > 0 ? rest / all : 0;
    struct rh_rng r = ctx->host->stream(ctx, "support of a query", (uint64_t)query->user);
    for (size_t k = 0; k < (size_t)n; k++) {
        size_t j = k * (size_t)h->n / (size_t)n;
        const rh_real *own = vector + (size_t)h->item[j] * E;
        rh_real share = rest * (rh_real)rh_history_weight(net, target, h->value, (int64_t)j);
        for (size_t e = 0; e < E; e++)
            x->p[k * E + e] = ratio * x->user[e] - share * own[e];
        bool counts = s->params->positives == RH_ALL_ROWS || !h->value || (double)h->value[j] >= net->mean[target];
        for (size_t c = 0; c < m; c++) {
            int32_t item = c ? outside(h, n_items, &r) : h->item[j];
            bool there = counts && item >= 0;
            x->slot[k * m + c] = there ? (int32_t)(k * m + c) : -1;
            if (there)
                memcpy(x->t + (k * m + c) * E, vector + (size_t)item * E, E * sizeof *x->t);
        }
        counts = counts && x->slot[k * m + 1] >= 0;
        if (!counts)
            x->slot[k * m] = -1;
        liked += counts;
    }
    for (int32_t k = 0; k < n; k++)
        x->weight[k] = liked ? 1 / (rh_real)liked : 0;
    return (struct rh_net_set){ { liked ? n : 0, (int32_t)m, x->slot, x->weight }, n * (int32_t)m, x->p, x->t };
}

static int score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                 size_t stride)
{
    const struct state *s = state;
    const struct rh_network *net = &s->net;
    struct adaptation x;
    int status = take_memory(ctx, s, &x);
    if (status < 0)
        return status;
    for (int32_t i = 0; i < n; i++) {
        const rh_real *by_unit = net->by_unit, *phi = net->phi;
        rh_network_user(net, query[i].history, s->used, x.user);
        struct rh_net_set support = support_of(ctx, s, &query[i], &x);
        if (support.pairs.n > 0 && s->meta.steps > 0) {
            rh_meta_adapt(&s->meta, net->phi, &support, x.phi, x.work);
            phi = x.phi;
            if (!rh_nn_finite(rh_net_size(&net->net), phi))
                return ctx->host->fail(ctx, RH_ENUMERIC,
                                       "maml diverged while it adapted to user %d; try an inner_rate below %g",
                                       query[i].user, s->params->inner_rate);
            if (!s->meta.head_only) {
                rh_network_units(net, phi, x.by_unit);
                by_unit = x.by_unit;
            }
        }
        rh_net_users(&net->net, phi, 1, x.user, x.a, x.q);
        rh_network_score_items(net, phi, by_unit, x.a, x.q, &query[i], out + (size_t)i * stride);
    }
    return RH_OK;
}

static int persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    if (!s->used && choose_domains(ctx, p, train, s) < 0)
        return RH_ENOMEM;
    int status = rh_network_persist(ctx, &s->net, "maml", &p->network, train, s->used);
    s->meta = adaptation_of(s);
    return status;
}

static const struct rh_algorithm maml = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "maml",
    .summary = "meta-learning: a start from which a few items of a user suffice, adapted to each query's history",
    .reference = "Finn, Abbeel, Levine 2017, Model-agnostic meta-learning for fast adaptation of deep networks; "
                 "Lee et al. 2019, MeLU",
    .cost = "task (inner_steps + 1) gradients of O((k + q) m H E), second order some three more a step; query "
            "inner_steps gradients and O(I H E); memory as direct and meta_batch (inner_steps + 4) weights of the "
            "network",
    .advice = "For new users with few items. Tune inner_rate and inner_steps, with order = first before the dearer "
              "second; inner_steps = 0 is the twin without adaptation.",
    .revision = 1,
    .flags = RH_A_USES_SOURCES | RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS | RH_A_RANDOM,
    .params = params_table,
    .params_size = sizeof(struct params),
    .state_size = sizeof(struct state),
    .epochs = 12,
    .fit = fit,
    .epoch = epoch,
    .score = score,
    .persist = persist,
};
RH_ALGORITHM(maml)
