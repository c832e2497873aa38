#include "algorithms/lib/learner.h"

#include "algorithms/lib/aligned.h"

#include <string.h>

const struct rh_choice rh_init_words[] = {
    { "none", RH_INIT_NONE, "nothing: meta-learning from a random start" },
    { "sources", RH_INIT_SOURCES, "item tower, layer and head that were trained on the sources" },
    { "coral", RH_INIT_CORAL, "the same, trained on the sources and the target, aligned as coral does" },
    { "mmd", RH_INIT_MMD, "aligned as mmd does" },
    { "adversarial", RH_INIT_ADVERSARIAL, "aligned by a critic" },
    { NULL, 0, NULL },
};
const struct rh_choice rh_adapt_words[] = {
    { "layers", RH_ADAPTS_LAYERS, "all after the item tower" },
    { "head", RH_ADAPTS_HEAD, "the head alone" },
    { NULL, 0, NULL },
};
const struct rh_choice rh_order_words[] = {
    { "second", RH_SECOND_ORDER, "exact gradient through the inner steps" },
    { "first", RH_FIRST_ORDER, "second derivatives left out" },
    { NULL, 0, NULL },
};

/* ------------------------------------------------------------------------------------------------------ set-up */

/* What both a new and a loaded learner need. */
static int describe(struct rh_ctx *ctx, struct rh_learner *s, struct rh_learner_kind kind,
                    const struct rh_learner_params *params, const struct rh_train *train)
{
    bool alone = params->tasks == RH_TASKS_TARGET && params->init == RH_INIT_NONE;
    s->kind = kind;
    s->params = params;
    s->used = ctx->host->alloc(ctx, (size_t)train->n_domains, sizeof *s->used);
    s->seen = ctx->host->alloc(ctx, (size_t)train->n_domains, sizeof *s->seen);
    if (!s->used || !s->seen)
        return RH_ENOMEM;
    for (int32_t d = 0; d < train->n_domains; d++) {
        s->used[d] = d == train->target || !alone;
        s->seen[d] = s->used[d] && (d != train->target || params->history);
    }
    bool starts = params->init != RH_INIT_NONE;
    if ((params->tasks == RH_TASKS_SOURCES || starts) && train->n_domains < 2)
        return ctx->host->fail(ctx, RH_EINVAL, "%s with %s = %s needs a source domain; this problem has none",
                               kind.name, starts ? "init" : "tasks",
                               starts ? rh_init_words[params->init].word : "sources");
    return RH_OK;
}

static void plan_adaptation(struct rh_learner *s)
{
    s->meta = (struct rh_meta){ .net = s->net.net,
                                .rate = s->params->inner_rate,
                                .steps = (int32_t)s->params->inner_steps,
                                .order = s->kind.order,
                                .head_only = s->kind.head_only,
                                .rates = s->rates,
                                .blind = !s->params->history,
                                .negatives = (int32_t)s->params->support_negatives };
}

/* Rates that are learned begin as the one that is given, without weight decay: zero is no natural rate. */
static int make_rates(struct rh_ctx *ctx, struct rh_learner *s)
{
    size_t size = (size_t)rh_net_size(&s->net.net);
    s->rates = ctx->host->alloc(ctx, size, sizeof *s->rates);
    s->rates_first = ctx->host->alloc(ctx, size, sizeof *s->rates);
    s->rates_second = ctx->host->alloc(ctx, size, sizeof *s->rates);
    if (!s->rates || !s->rates_first || !s->rates_second)
        return RH_ENOMEM;
    for (size_t i = 0; i < size; i++)
        s->rates[i] = (rh_real)s->params->inner_rate;
    s->rates_optimizer = s->net.optimizer;
    s->rates_optimizer.decay = 0;
    return RH_OK;
}

/* Passes of the network over the sources, as `pretrain` makes them. */
static int pretrain(struct rh_ctx *ctx, struct rh_learner *s)
{
    const struct rh_train *train = s->net.train;
    bool *sources = ctx->host->scratch(ctx, (size_t)train->n_domains, sizeof *sources);
    if (!sources)
        return RH_ENOMEM;
    for (int32_t d = 0; d < train->n_domains; d++)
        sources[d] = d != train->target;
    int status = RH_OK;
    for (int64_t e = 1; e <= s->params->init_epochs && status == RH_OK; e++) {
        double loss;
        status = rh_network_pass(ctx, &s->net, (uint64_t)e, sources, sources, RH_PART_ALL, 1, &loss);
        ctx->host->log(ctx, 2, "sources, pass %lld: loss %.4f", (long long)e, loss);
    }
    return status;
}

/* Joint passes over the sources and the target, as `coral`, `mmd` and `adversarial` make them. The network is theirs
 * meanwhile: its memory is that of the run, so it stays when they are gone. */
static int align(struct rh_ctx *ctx, struct rh_learner *s)
{
    static const enum rh_aligner term[] = {
        [RH_INIT_CORAL] = RH_BY_CORAL, [RH_INIT_MMD] = RH_BY_MMD, [RH_INIT_ADVERSARIAL] = RH_BY_CRITIC
    };
    struct rh_aligned aligned = { 0 };
    struct rh_aligned_kind kind = rh_aligned_usual(s->kind.name, term[s->params->init]);
    kind.joint.domain_weight *= s->params->init_align;
    int status = rh_aligned_take(ctx, &aligned, kind, &s->net);
    for (int64_t e = 1; e <= s->params->init_epochs && status == RH_OK; e++) {
        double loss;
        status = rh_aligned_epoch(ctx, &aligned, (int32_t)e, &loss);
    }
    s->net = aligned.joint.net;
    return status;
}

/* What is known before the first task; nothing to do when weights will be loaded over it. */
static int transfer(struct rh_ctx *ctx, struct rh_learner *s)
{
    if (s->params->init == RH_INIT_NONE || ctx->host->purpose(ctx) & RH_FOR_LOADING)
        return RH_OK;
    int status = s->params->init == RH_INIT_SOURCES ? pretrain(ctx, s) : align(ctx, s);
    rh_network_forget(&s->net);
    return status;
}

/* Without the tasks of sources that weigh nothing. */
static int leave_strangers(struct rh_ctx *ctx, struct rh_learner *s, const char *who)
{
    int32_t n = 0;
    for (int32_t k = 0; k < s->n_tasks; k++)
        if (s->net.weight[s->task[k].domain] > 0)
            s->task[n++] = s->task[k];
    s->n_tasks = n;
    if (n)
        return RH_OK;
    return ctx->host->fail(ctx, RH_EDATA, "%s has no tasks: tasks = sources, and users are alike in none of them and "
                                          "in the target (weigh_sources = similar)", who);
}

int rh_learner_fit(struct rh_ctx *ctx, struct rh_learner *s, struct rh_learner_kind kind,
                   const struct rh_learner_params *params, const struct rh_train *train)
{
    int status = describe(ctx, s, kind, params, train);
    if (status == RH_OK)
        status = rh_network_init(ctx, &s->net, kind.name, &params->network, train, s->used);
    if (status == RH_OK && kind.learns_rates)
        status = make_rates(ctx, s);
    if (status == RH_OK)
        status = rh_meta_tasks(ctx, kind.name, (enum rh_tasks)params->tasks, train, &s->task,
                               &s->n_tasks);
    if (status == RH_OK)
        status = leave_strangers(ctx, s, kind.name);
    if (status == RH_OK)
        status = transfer(ctx, s);
    plan_adaptation(s);
    return status < 0 ? status : rh_network_publish(ctx, &s->net, kind.name);
}

static int persist_memory(struct rh_ctx *ctx, struct rh_learner *s)
{
    int64_t size = rh_net_size(&s->net.net);
    int status;
    if ((status = ctx->host->field(ctx, "rates_first", &s->rates_first, size, sizeof *s->rates)) < 0 ||
        (status = ctx->host->field(ctx, "rates_second", &s->rates_second, size, sizeof *s->rates)) < 0)
        return status;
    return ctx->host->value(ctx, "rate_steps", &s->rates_optimizer.step, sizeof s->rates_optimizer.step);
}

int rh_learner_persist(struct rh_ctx *ctx, struct rh_learner *s, struct rh_learner_kind kind,
                       const struct rh_learner_params *params, const struct rh_train *train)
{
    int status = s->used ? RH_OK : describe(ctx, s, kind, params, train);
    if (status >= 0)
        status = rh_network_persist(ctx, &s->net, kind.name, &params->network, train, s->used);
    if (status >= 0 && kind.learns_rates)
        status = ctx->host->field(ctx, "inner_rates", &s->rates, rh_net_size(&s->net.net), sizeof *s->rates);
    if (status >= 0 && kind.learns_rates && !rh_nn_finite(rh_net_size(&s->net.net), s->rates))
        return ctx->host->fail(ctx, RH_EDATA, "the saved model of %s has inner rates that are not finite", kind.name);
    if (status >= 0 && kind.learns_rates && ctx->host->purpose(ctx) & RH_FOR_RESUMING)
        status = persist_memory(ctx, s);
    plan_adaptation(s);
    return status;
}

/* ---------------------------------------------------------------------------------------------------- training */

struct pass {
    struct rh_learner *s;
    struct rh_meta_batch batch;
    uint64_t number;
};

static int step(struct rh_ctx *ctx, void *arg, uint64_t first, const struct rh_task *task, int32_t n, double *loss)
{
    struct pass *x = arg;
    struct rh_learner *s = x->s;
    struct rh_meta_batch *b = &x->batch;
    int status = rh_meta_batch_draw(ctx, b, x->number, first, task, n);
    if (status == RH_OK)
        status = rh_meta_batch_learn(ctx, b);
    if (status == RH_OK && !isfinite(b->loss))
        status = ctx->host->fail(ctx, RH_ENUMERIC,
                                 "%s diverged: the loss of a query set is not finite; try an inner_rate below "
                                 "%g or a rate below %g",
                                 s->kind.name, s->params->inner_rate, s->params->rate);
    if (status == RH_OK)
        status = rh_network_move(ctx, &s->net, &b->slots, b->dt, b->dphi, RH_PART_ALL, 1);
    if (status == RH_OK && s->rates) {
        rh_nn_step(&s->rates_optimizer, 1);
        rh_nn_descend(&s->rates_optimizer, rh_net_size(&s->net.net), s->rates, b->drates, s->rates_first,
                      s->rates_second);
    }
    *loss = b->loss;
    return status;
}

int rh_learner_epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss)
{
    struct rh_learner *s = state;
    const struct rh_learner_params *p = s->params;
    int32_t size = p->meta_batch < s->n_tasks ? (int32_t)p->meta_batch : s->n_tasks;
    struct pass x = { .s = s, .number = (uint64_t)number };
    int status = rh_meta_batch_init(ctx, &x.batch, &s->net, &s->meta, size, (int32_t)p->shots, s->used);
    if (status == RH_OK)
        status = rh_meta_pass(ctx, s->task, s->n_tasks, size, (uint64_t)number, step, &x, loss);
    return status < 0 ? status : rh_network_publish(ctx, &s->net, s->kind.name);
}

/* ------------------------------------------------------------------------------------------------------ scoring */

struct adaptation {
    int32_t *slot;   /* [RH_LEARNER_SUPPORT x m] */
    rh_real *weight; /* [RH_LEARNER_SUPPORT] */
    rh_real *p;      /* [RH_LEARNER_SUPPORT x E] */
    rh_real *t;      /* [RH_LEARNER_SUPPORT x m x E] */
    rh_real *phi;    /* [rh_net_size] */
    rh_real *work;
    rh_real *by_unit;      /* [H x items] */
    rh_real *user, *q, *a; /* [E], [E], [H] */
};

static int take_memory(struct rh_ctx *ctx, const struct rh_learner *s, struct adaptation *x)
{
    const struct rh_host *host = ctx->host;
    const struct rh_net *net = &s->net.net;
    size_t E = (size_t)net->E, H = (size_t)net->H, m = (size_t)s->params->support_negatives + 1;
    size_t items = (size_t)s->net.train->domain[s->net.train->target].n_items;
    x->slot = host->scratch(ctx, RH_LEARNER_SUPPORT * m, sizeof *x->slot);
    x->weight = host->scratch(ctx, RH_LEARNER_SUPPORT, sizeof *x->weight);
    x->p = host->scratch(ctx, RH_LEARNER_SUPPORT * E, sizeof *x->p);
    x->t = host->scratch(ctx, RH_LEARNER_SUPPORT * m * E, sizeof *x->t);
    x->phi = host->scratch(ctx, (size_t)rh_net_size(net), sizeof *x->phi);
    x->work = host->scratch(ctx, rh_meta_work(&s->meta, RH_LEARNER_SUPPORT, RH_LEARNER_SUPPORT * (int32_t)m),
                            sizeof *x->work);
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
static struct rh_net_set support_of(struct rh_ctx *ctx, const struct rh_learner *s, const struct rh_query *query,
                                    struct adaptation *x)
{
    const struct rh_network *net = &s->net;
    int32_t target = net->train->target, n_items = net->train->domain[target].n_items;
    const struct rh_history *h = &query->history[target];
    size_t E = (size_t)net->net.E, m = (size_t)s->params->support_negatives + 1;
    const rh_real *vector = net->vector + (size_t)net->tower.first_item[target] * E;
    int32_t n = h->n < RH_LEARNER_SUPPORT ? h->n : RH_LEARNER_SUPPORT, liked = 0;
    double total = h->n;
    for (int32_t d = 0; d < net->train->n_domains; d++)
        if (d != target && net->used[d])
            total += rh_history_share(net, target, d) * query->history[d].n;
    /* user = all * (sum over the history); of the others: rest * (that sum less the item) */
    rh_real all = rh_history_norm(net, total), rest = rh_history_norm(net, total - 1);
    rh_real ratio = all > 0 ? rest / all : 0;
    if (!s->params->history) { /* nothing to leave out */
        ratio = 1;
        rest = 0;
    }
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
        x->weight[k] = rh_support_weight(net, target, h->value, (int64_t)k * h->n / n, liked);
    return (struct rh_net_set){ { liked ? n : 0, (int32_t)m, x->slot, x->weight }, n * (int32_t)m, x->p, x->t };
}

int rh_learner_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                     size_t stride)
{
    const struct rh_learner *s = state;
    const struct rh_network *net = &s->net;
    struct adaptation x;
    int status = take_memory(ctx, s, &x);
    if (status < 0)
        return status;
    for (int32_t i = 0; i < n; i++) {
        const rh_real *by_unit = net->by_unit, *phi = net->phi;
        rh_network_user(net, query[i].history, s->seen, x.user);
        struct rh_net_set support = support_of(ctx, s, &query[i], &x);
        if (support.pairs.n > 0 && s->meta.steps > 0) {
            rh_meta_adapt(&s->meta, net->phi, &support, x.phi, x.work);
            phi = x.phi;
            if (!rh_nn_finite(rh_net_size(&net->net), phi))
                return ctx->host->fail(ctx, RH_ENUMERIC,
                                       "%s diverged while it adapted to user %d; try an inner_rate below %g",
                                       s->kind.name, query[i].user, s->params->inner_rate);
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
