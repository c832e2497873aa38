/* prototypical - a user is two points among the items: the mean of what they like and the mean of what they do not.
 *
 * Snell, Swersky and Zemel 2017, "Prototypical networks for few-shot learning" (NeurIPS): the baseline of meta-learning
 * that has no inner loop. Items have vectors t_i from their features (algorithms/lib/tower.h). In an episode the
 * support of a user makes the prototypes of two classes, liked and not, and an item is of the class whose prototype is
 * nearer:
 *
 *     p(liked | i) = softmax over the classes of -|t_i - c|^2,   log odds  s_i = |t_i - c_not|^2 - |t_i - c_liked|^2
 *                                                                       = 2 t_i . (c_liked - c_not) + constant
 *
 * (their section 2.4: with squared distances the classifier is linear). Trained is the tower, so that the query items
 * of the episode are told apart from sampled others: by cross-entropy, as in the paper (loss = bce), or by pairs (bpr).
 * Episodes are drawn as the tasks of the meta-learners are (algorithms/lib/meta.h).
 *
 *     c_liked = (sum over the history of a_j t_j  +  shrink P) / (n + shrink)     P: mean of what all users like
 *     c_not   = (sum over the support of the mean of its sampled items  +  shrink A) / (n + shrink)
 *                                                                                 A: mean of all items
 *
 * The paper has shrink = 0 and no a_j (here 1, or by ratings, and source_history for rows of other domains, as in
 * algorithms/lib/network.h). Without any support the prototypes are those of all, P and A: what most like. These two
 * are taken anew after each epoch and are constants during it. When a query is scored c_not is A, what sampling
 * estimates.
 *
 * Time: epoch O(rows (negatives + 1) E), a query O((|history| + I) E). Memory: as direct without its layers. */
#include "algorithms/lib/meta.h"

#include <string.h>

struct params {
    int64_t factors, negatives, shots, meta_batch;
    int loss, positives, optimizer, bag, tasks;
    bool idf, item_ids;
    double rate, decay, spread, rating_gain, history_dropout, source_history, shrink;
};

static const struct rh_choice losses[] = {
    { "bce", RH_BCE, "cross-entropy of the two classes" },
    { "bpr", RH_BPR, "Bayesian personalised ranking: the liked item above the others" },
    { "mse", RH_MSE, "squared error to 1 and 0" },
    { NULL, 0, NULL },
};

static const struct rh_param params_table[] = {
    RH_INT(struct params, factors, 32, 2, 512, "width of the vectors"),
    RH_ENUM(struct params, loss, RH_BCE, losses, "training loss between a liked query item and sampled others"),
    RH_INT(struct params, negatives, 4, 1, RH_NET_ITEMS - 1, "sampled items a liked one, none of them of the user"),
    RH_ENUM(struct params, positives, RH_ALL_ROWS, rh_positives_words, "rows that count as liked"),
    RH_ENUM(struct params, optimizer, RH_ADAM, rh_optimizer_words, "rule by which weights move"),
    RH_REAL(struct params, rate, 0.01, 1e-7, 10, "learning rate"),
    RH_REAL(struct params, decay, 0.3, 0, 100, "weight decay: share taken from a weight by a step of rate 1"),
    RH_REAL(struct params, spread, 0.1, 1e-6, 10, "standard deviation of the random item tower"),
    RH_ENUM(struct params, bag, RH_BAG_UNIT, rh_bag_words, "how the features of a sparse block add up"),
    RH_BOOL(struct params, idf, true, "rare features weigh more (inverse document frequency)"),
    RH_BOOL(struct params, item_ids, true, "each item also has an own vector; no: items are their features alone"),
    RH_REAL(struct params, rating_gain, 0.5, 0, 10, "how far a rating changes the weight of a history item; 0: not"),
    RH_REAL(struct params, history_dropout, 0.2, 0, 1, "share of episodes without a support"),
    RH_REAL(struct params, source_history, 0.3, 0, 1, "weight of a history item of another domain in a prototype"),
    RH_REAL(struct params, shrink, 5, 0, 1e6, "items by which a prototype leans to that of all; the paper has 0"),
    RH_INT(struct params, shots, 10, 1, 1024, "support items of an episode, at most"),
    RH_INT(struct params, meta_batch, 32, 1, 4096, "episodes of one step"),
    RH_ENUM(struct params, tasks, RH_TASKS_BOTH, rh_tasks_words, "whose rows are episodes"),
    RH_PARAMS_END,
};

struct state {
    const struct params *params;
    struct rh_network_params tower; /* what the shared parts read */
    struct rh_network net;          /* of which the tower learns; the layers are zero */
    struct rh_meta meta;
    bool *used;             /* [n_domains] */
    rh_real *count;         /* [items of the used domains] liked rows */
    rh_real *liked, *every; /* [n_domains x E] P and A */
    struct rh_task *task;   /* [n_tasks] */
    int32_t n_tasks;
};

/* --------------------------------------------------------------------------------------------- prototypes of all */

static bool is_liked(const struct state *s, int32_t domain, int64_t row)
{
    const struct rh_domain *d = &s->net.train->domain[domain];
    return s->params->positives == RH_ALL_ROWS || !d->value || (double)d->value[row] >= s->net.mean[domain];
}

/* Needs the numbers and means of the network. */
static int count_rows(struct rh_ctx *ctx, struct state *s)
{
    const struct rh_train *train = s->net.train;
    size_t all = (size_t)train->n_domains * (size_t)s->net.net.E;
    s->count = ctx->host->alloc(ctx, (size_t)s->net.tower.n_items, sizeof *s->count);
    s->liked = ctx->host->alloc(ctx, all, sizeof *s->liked);
    s->every = ctx->host->alloc(ctx, all, sizeof *s->every);
    if (!s->count || !s->liked || !s->every)
        return RH_ENOMEM;
    for (int32_t d = 0; d < train->n_domains; d++)
        for (int64_t k = 0; s->used[d] && k < train->domain[d].row[train->n_users]; k++)
            s->count[s->net.tower.first_item[d] + train->domain[d].item[k]] += is_liked(s, d, k);
    return RH_OK;
}

/* P and A of each domain, from the vectors as they are published. */
static void take_prototypes(struct state *s)
{
    size_t E = (size_t)s->net.net.E;
    for (int32_t d = 0; d < s->net.train->n_domains; d++) {
        rh_real *liked = s->liked + (size_t)d * E, *every = s->every + (size_t)d * E, rows = 0;
        int32_t first = s->net.tower.first_item[d], end = s->net.tower.first_item[d + 1];
        memset(liked, 0, E * sizeof *liked);
        memset(every, 0, E * sizeof *every);
        for (int32_t i = first; i < end; i++)
            rows += s->count[i];
        for (int32_t i = first; i < end; i++) {
            const rh_real *t = s->net.vector + (size_t)i * E;
            rh_axpy((int32_t)E, rows > 0 ? s->count[i] / rows : 0, t, liked);
            rh_axpy((int32_t)E, 1 / (rh_real)(end - first), t, every);
        }
    }
}

/* The share of the prototype of all in one whose history has this norm. */
static rh_real share_of_all(const struct state *s, rh_real norm)
{
    return norm > 0 ? (rh_real)s->params->shrink * norm : 1;
}

/* ------------------------------------------------------------------------------------------------------- learning */

struct episodes {
    struct state *s;
    struct rh_meta_batch batch;
    rh_real *prototype, *gradient; /* [n_tasks x 2 x E] liked, not */
    rh_real *norm_not;             /* [n_tasks] 1 / (liked rows of the support + shrink), 0: there are none */
    uint64_t number;
};

static int vectors_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    const struct rh_meta_batch *b = &((struct episodes *)arg)->batch;
    rh_tower_vectors(&b->net->tower, b->slots.item + begin, 0, (int32_t)(end - begin),
                     b->t + (size_t)begin * (size_t)b->net->net.E);
    return RH_OK;
}

/* The prototypes of a task, from the vectors of the slots. */
static void make_prototypes(struct episodes *x, int64_t at)
{
    const struct rh_meta_batch *b = &x->batch;
    const struct state *s = x->s;
    int32_t E = s->net.net.E, m = b->m, counted = 0;
    size_t width = (size_t)E, domain = (size_t)b->task[at].domain;
    rh_real *liked = x->prototype + 2 * (size_t)at * width, *not = liked + width;
    rh_real norm = b->norm_query[at];
    memset(liked, 0, 2 * width * sizeof *liked);
    for (int64_t h = b->first_history[at]; h < b->first_history[at + 1]; h++)
        rh_axpy(E, norm * b->history_weight[h], b->t + (size_t)b->history[h] * width, liked);
    rh_axpy(E, share_of_all(s, norm), s->liked + domain * width, liked);
    size_t first = (size_t)b->first_row[at], end = first + (size_t)b->n_support[at];
    for (size_t k = first; k < end; k++)
        counted += b->slot[k * (size_t)m] >= 0;
    norm = x->norm_not[at] = counted ? 1 / ((rh_real)counted + (rh_real)s->params->shrink) : 0;
    for (size_t k = first; k < end && counted; k++)
        for (size_t j = k * (size_t)m + 1; j < (k + 1) * (size_t)m; j++)
            if (b->slot[j] >= 0)
                rh_axpy(E, norm / (rh_real)(m - 1), b->t + (size_t)b->slot[j] * width, not);
    rh_axpy(E, share_of_all(s, norm), s->every + domain * width, not);
}

/* Loss of the query rows of a task; fills the gradients by its prototypes and by the items of these rows. */
static int task_part(struct rh_ctx *ctx, void *arg, int64_t at, int64_t end)
{
    (void)ctx, (void)end;
    struct episodes *x = arg;
    struct rh_meta_batch *b = &x->batch;
    int32_t E = x->s->net.net.E, m = b->m;
    size_t width = (size_t)E;
    make_prototypes(x, at);
    const rh_real *liked = x->prototype + 2 * (size_t)at * width, *not = liked + width;
    rh_real *dliked = x->gradient + 2 * (size_t)at * width, *dnot = dliked + width;
    rh_real w[512], dw[512] = { 0 }, s[RH_NET_ITEMS], ds[RH_NET_ITEMS], constant, dconstant = 0;
    double loss = 0;
    for (int32_t e = 0; e < E; e++)
        w[e] = 2 * (liked[e] - not[e]);
    constant = rh_dot(E, not, not) - rh_dot(E, liked, liked);
    for (size_t k = (size_t)(b->first_row[at] + b->n_support[at]); k < (size_t)b->first_row[at + 1]; k++) {
        const int32_t *slot = b->slot + k * (size_t)m;
        rh_real *dt = b->drow_t + k * (size_t)m * width;
        memset(dt, 0, (size_t)m * width * sizeof *dt);
        if (slot[0] < 0)
            continue;
        for (int32_t j = 0; j < m; j++)
            s[j] = constant + rh_dot(E, w, b->t + (size_t)slot[j] * width);
        loss += (double)rh_nn_loss(x->s->net.net.loss, m, s, b->weight[k], ds);
        for (int32_t j = 0; j < m; j++) {
            rh_axpy(E, ds[j], w, dt + (size_t)j * width);
            rh_axpy(E, ds[j], b->t + (size_t)slot[j] * width, dw);
            dconstant += ds[j];
        }
    }
    for (int32_t e = 0; e < E; e++) {
        dliked[e] = 2 * dw[e] - 2 * dconstant * liked[e];
        dnot[e] = 2 * dconstant * not[e] - 2 * dw[e];
    }
    b->task_loss[at] = loss;
    return RH_OK;
}

/* Adds a task's gradients to dt of the slots. */
static void scatter(struct episodes *x, int64_t at, rh_real share)
{
    struct rh_meta_batch *b = &x->batch;
    int32_t E = x->s->net.net.E;
    size_t width = (size_t)E, m = (size_t)b->m, first = (size_t)b->first_row[at];
    size_t middle = first + (size_t)b->n_support[at];
    const rh_real *dliked = x->gradient + 2 * (size_t)at * width, *dnot = dliked + width;
    for (int64_t h = b->first_history[at]; h < b->first_history[at + 1]; h++)
        rh_axpy(E, share * b->norm_query[at] * b->history_weight[h], dliked, b->dt + (size_t)b->history[h] * width);
    for (size_t j = first * m; j < (size_t)b->first_row[at + 1] * m; j++) {
        bool support = j < middle * m;
        if (b->slot[j] < 0 || (support && j % m == 0))
            continue;
        rh_real weight = support ? share * x->norm_not[at] / (rh_real)(m - 1) : share;
        rh_axpy(E, weight, support ? dnot : b->drow_t + j * width, b->dt + (size_t)b->slot[j] * width);
    }
}

/* Loss of the drawn episodes, and its gradient by the vectors of the slots. */
static int learn(struct rh_ctx *ctx, struct episodes *x)
{
    struct rh_meta_batch *b = &x->batch;
    int status = ctx->host->parallel(ctx, b->slots.n, 64, vectors_part, x);
    if (status == RH_OK)
        status = ctx->host->parallel(ctx, b->n_tasks, 1, task_part, x);
    if (status < 0)
        return status;
    memset(b->dt, 0, (size_t)b->slots.n * (size_t)x->s->net.net.E * sizeof *b->dt);
    b->loss = 0;
    for (int32_t i = 0; i < b->n_tasks; i++) { /* in order: the sums do not depend on threads */
        b->loss += b->task_loss[i] / b->n_tasks;
        scatter(x, i, 1 / (rh_real)b->n_tasks);
    }
    return RH_OK;
}

static int step(struct rh_ctx *ctx, void *arg, uint64_t first, const struct rh_task *task, int32_t n, double *loss)
{
    struct episodes *x = arg;
    struct rh_meta_batch *b = &x->batch;
    int status = rh_meta_batch_draw(ctx, b, x->number, first, task, n);
    if (status == RH_OK)
        status = learn(ctx, x);
    if (status == RH_OK)
        status = rh_network_move(ctx, &x->s->net, &b->slots, b->dt, b->dphi, RH_PART_TOWER, 1);
    *loss = b->loss;
    return status;
}

/* Memory, from scratch, for steps of up to `size` episodes. */
static int begin(struct rh_ctx *ctx, struct state *s, int32_t size, struct episodes *x)
{
    size_t numbers = 2 * (size_t)size * (size_t)s->net.net.E;
    x->s = s;
    x->prototype = ctx->host->scratch(ctx, numbers, sizeof *x->prototype);
    x->gradient = ctx->host->scratch(ctx, numbers, sizeof *x->gradient);
    x->norm_not = ctx->host->scratch(ctx, (size_t)size, sizeof *x->norm_not);
    if (!x->prototype || !x->gradient || !x->norm_not)
        return RH_ENOMEM;
    return rh_meta_batch_init(ctx, &x->batch, &s->net, &s->meta, size, (int32_t)s->params->shots, s->used);
}

static int epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss)
{
    struct state *s = state;
    int32_t size = s->params->meta_batch < s->n_tasks ? (int32_t)s->params->meta_batch : s->n_tasks;
    struct episodes x = { .number = (uint64_t)number };
    int status = begin(ctx, s, size, &x);
    if (status == RH_OK)
        status = rh_meta_pass(ctx, s->task, s->n_tasks, size, (uint64_t)number, step, &x, loss);
    if (status == RH_OK)
        status = rh_network_publish(ctx, &s->net, "prototypical");
    take_prototypes(s);
    return status;
}

/* ------------------------------------------------------------------------------------------------------ the plugin */

static int describe(struct rh_ctx *ctx, struct state *s, const struct params *p, const struct rh_train *train)
{
    s->params = p;
    s->tower = (struct rh_network_params){
        .factors = p->factors, .hidden = 1, .negatives = p->negatives, .batch = 1, .loss = p->loss, .bag = p->bag,
        .optimizer = p->optimizer, .positives = p->positives, .idf = p->idf, .item_ids = p->item_ids, .rate = p->rate,
        .decay = p->decay, .spread = p->spread, .rating_gain = p->rating_gain, .history_dropout = p->history_dropout,
        .source_history = p->source_history, .shrink = p->shrink
    };
    s->used = ctx->host->alloc(ctx, (size_t)train->n_domains, sizeof *s->used);
    if (!s->used)
        return RH_ENOMEM;
    for (int32_t d = 0; d < train->n_domains; d++)
        s->used[d] = d == train->target || p->tasks != RH_TASKS_TARGET;
    if (p->tasks == RH_TASKS_SOURCES && train->n_domains < 2)
        return ctx->host->fail(ctx, RH_EINVAL, "prototypical with tasks = sources needs a source domain; this problem "
                               "has none");
    return RH_OK;
}

static int fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    int status = describe(ctx, s, p, train);
    if (status == RH_OK)
        status = rh_network_init(ctx, &s->net, "prototypical", &s->tower, train, s->used);
    if (status == RH_OK)
        status = rh_meta_tasks(ctx, "prototypical", (enum rh_tasks)p->tasks, train, &s->task, &s->n_tasks);
    if (status == RH_OK)
        status = count_rows(ctx, s);
    if (status < 0)
        return status;
    memset(s->net.phi, 0, (size_t)rh_net_size(&s->net.net) * sizeof *s->net.phi);
    s->meta = (struct rh_meta){ .net = s->net.net };
    status = rh_network_publish(ctx, &s->net, "prototypical");
    take_prototypes(s);
    return status;
}

static int score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                 size_t stride)
{
    const struct state *s = state;
    int32_t E = s->net.net.E, target = s->net.train->target;
    size_t width = (size_t)E;
    const rh_real *every = s->every + (size_t)target * width, hidden[1] = { 0 };
    rh_real *liked = ctx->host->scratch(ctx, 2 * width, sizeof *liked), *w = liked + width;
    if (!liked)
        return RH_ENOMEM;
    for (int32_t i = 0; i < n; i++) {
        double rows = 0;
        for (int32_t d = 0; d < s->net.train->n_domains; d++)
            rows += !s->used[d] ? 0 : (d == target ? 1 : s->params->source_history) * query[i].history[d].n;
        rh_network_user(&s->net, query[i].history, s->used, liked);
        rh_axpy(E, share_of_all(s, rh_history_norm(&s->net, rows)), s->liked + (size_t)target * width, liked);
        for (int32_t e = 0; e < E; e++)
            w[e] = 2 * (liked[e] - every[e]);
        float *to = out + (size_t)i * stride, constant = (float)(rh_dot(E, every, every) - rh_dot(E, liked, liked));
        rh_network_score_items(&s->net, s->net.phi, s->net.by_unit, hidden, w, &query[i], to);
        for (int32_t c = 0; c < query[i].n_candidates; c++)
            to[c] += constant;
    }
    return RH_OK;
}

static int persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct state *s = state;
    bool loading = ctx->host->purpose(ctx) & RH_FOR_LOADING;
    int status = s->params ? RH_OK : describe(ctx, s, params, train);
    if (status >= 0)
        status = rh_network_persist(ctx, &s->net, "prototypical", &s->tower, train, s->used);
    if (status >= 0 && !s->count)
        status = count_rows(ctx, s);
    if (status >= 0 && loading)
        take_prototypes(s);
    return status;
}

static const struct rh_algorithm prototypical = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "prototypical",
    .summary = "items near the mean of what a user likes and far from the mean of the others, learned in episodes",
    .reference = "Snell, Swersky and Zemel 2017, Prototypical networks for few-shot learning, NeurIPS",
    .cost = "epoch O(rows x (negatives + 1) x E), query O((|history| + I) E), memory 16 (columns + I) E bytes for the "
            "tower and 8 I E for scoring, with E the width",
    .advice = "The baseline of meta-learning without an inner loop: put it beside maml, whose item tower and episodes "
              "it has. direct is the same tower without episodes. Tune rate, decay and epochs first; shrink = 0 is "
              "the paper's, and users with one or two items are then taken at their word.",
    .revision = 1,
    .flags = RH_A_USES_SOURCES | RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS | RH_A_RANDOM |
             RH_A_RESUMES | RH_A_BY_FEATURES,
    .params = params_table,
    .params_size = sizeof(struct params),
    .state_size = sizeof(struct state),
    .epochs = 12,
    .fit = fit,
    .epoch = epoch,
    .score = score,
    .persist = persist,
};
RH_ALGORITHM(prototypical)
