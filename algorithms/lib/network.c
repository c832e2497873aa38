#include "algorithms/lib/network.h"
#include "algorithms/lib/preconditions.h"

#include "algorithms/lib/likeness.h"

#include "algorithms/lib/negative.h"

#include <string.h>

#define TILE 512 /* candidates scored together: their sums stay in the first-level cache */

const struct rh_choice rh_activation_words[] = {
    { "relu", RH_RELU, "max(0, x)" },
    { "tanh", RH_TANH, "smooth, between -1 and 1" },
    { NULL, 0, NULL },
};
const struct rh_choice rh_loss_words[] = {
    { "bpr", RH_BPR, "Bayesian personalised ranking: the liked item above the others" },
    { "bce", RH_BCE, "binary cross-entropy: liked or not" },
    { "mse", RH_MSE, "squared error to 1 and 0" },
    { NULL, 0, NULL },
};
const struct rh_choice rh_bag_words[] = {
    { "mean", RH_BAG_MEAN, "weighted mean" },
    { "sum", RH_BAG_SUM, "weighted sum" },
    { "unit", RH_BAG_UNIT, "weights scaled to a length of 1" },
    { NULL, 0, NULL },
};
const struct rh_choice rh_optimizer_words[] = {
    { "adam", RH_ADAM, "Adam with decoupled weight decay" },
    { "sgd", RH_SGD, "plain gradient descent" },
    { "adagrad", RH_ADAGRAD, "AdaGrad: steps shrink with the sum of a weight's squared gradients" },
    { NULL, 0, NULL },
};
const struct rh_choice rh_positives_words[] = {
    { "all", RH_ALL_ROWS, "every row" },
    { "liked", RH_LIKED_ROWS, "rows rated at least the mean of their domain" },
    { NULL, 0, NULL },
};
const struct rh_choice rh_weigh_words[] = {
    { "equal", RH_WEIGH_EQUAL, "each the same" },
    { "similar", RH_WEIGH_SIMILAR, "by how alike the features are of what shared users have there and in the target" },
    { NULL, 0, NULL },
};

/* ------------------------------------------------------------------------------------------------------ set-up */

static double mean_rating(const struct rh_domain *d, int32_t n_users)
{
    double sum = 0;
    int64_t n = d->row[n_users];
    for (int64_t j = 0; d->value && j < n; j++)
        sum += (double)d->value[j];
    return n && d->value ? sum / (double)n : 0;
}

static int make_groups(struct rh_ctx *ctx, struct rh_network *net)
{
    const struct rh_train *train = net->train;
    for (int32_t d = 0; d < train->n_domains; d++) {
        int64_t n = net->first_group[d];
        for (int32_t u = 0; u < train->n_users && net->used[d] && net->weight[d] > 0; u++)
            n += (train->domain[d].row[u + 1] - train->domain[d].row[u] + RH_GROUP - 1) / RH_GROUP;
        if (n > INT32_MAX)
            return ctx->host->fail(ctx, RH_EDATA, "%lld groups of training rows: at most 2147483647", (long long)n);
        net->first_group[d + 1] = (int32_t)n;
    }
    net->group = ctx->host->alloc(ctx, (size_t)net->first_group[train->n_domains], sizeof *net->group);
    if (!net->group)
        return RH_ENOMEM;
    struct rh_group *g = net->group;
    for (int32_t d = 0; d < train->n_domains; d++)
        for (int32_t u = 0; u < train->n_users && net->used[d] && net->weight[d] > 0; u++) {
            int64_t begin = train->domain[d].row[u], n = train->domain[d].row[u + 1] - begin;
            int64_t parts = (n + RH_GROUP - 1) / RH_GROUP;
            for (int64_t k = 0; k < parts; k++)
                *g++ = (struct rh_group){ u, d, begin + k, (int32_t)parts, (int32_t)((n - k + parts - 1) / parts) };
        }
    return RH_OK;
}

/* What scoring needs to know beside the weights and the items' numbers. */
static int describe(struct rh_ctx *ctx, struct rh_network *net, const struct rh_network_params *params,
                    const struct rh_train *train, const bool *used)
{
    size_t domains = (size_t)train->n_domains, items = (size_t)train->domain[train->target].n_items;
    bool any = false; /* source */
    net->params = params;
    net->train = train;
    net->net = (struct rh_net){ .E = (int32_t)params->factors,
                                .H = (int32_t)params->hidden,
                                .act = (enum rh_activation)params->activation,
                                .loss = (enum rh_loss)params->loss };
    net->used = ctx->host->alloc(ctx, domains, sizeof *net->used);
    net->mean = ctx->host->alloc(ctx, domains, sizeof *net->mean);
    net->weight = ctx->host->alloc(ctx, domains, sizeof *net->weight);
    net->by_factor = ctx->host->alloc(ctx, items * (size_t)net->net.E, sizeof *net->by_factor);
    net->by_unit = ctx->host->alloc(ctx, items * (size_t)net->net.H, sizeof *net->by_unit);
    if (!net->used || !net->mean || !net->weight || !net->by_factor || !net->by_unit)
        return RH_ENOMEM;
    for (int32_t d = 0; d < train->n_domains; d++) {
        net->used[d] = used[d];
        net->mean[d] = mean_rating(&train->domain[d], train->n_users);
        net->weight[d] = 1;
        any |= used[d] && d != train->target;
    }
    return params->weigh_sources == RH_WEIGH_SIMILAR && any ? rh_source_weights(ctx, train, net->weight) : RH_OK;
}

int rh_domain_sets_init(struct rh_ctx *ctx, struct rh_domain_sets *of, const struct rh_train *train)
{
    size_t n = (size_t)train->n_domains;
    of->all = ctx->host->alloc(ctx, n, sizeof *of->all);
    of->sources = ctx->host->alloc(ctx, n, sizeof *of->sources);
    of->target = ctx->host->alloc(ctx, n, sizeof *of->target);
    if (!of->all || !of->sources || !of->target)
        return RH_ENOMEM;
    for (int32_t d = 0; d < train->n_domains; d++) {
        of->all[d] = true;
        of->sources[d] = d != train->target;
        of->target[d] = d == train->target;
    }
    return RH_OK;
}

int rh_network_init(struct rh_ctx *ctx, struct rh_network *net, const char *who,
                    const struct rh_network_params *params, const struct rh_train *train, const bool *used)
{
    const struct rh_host *host = ctx->host;
    *net = (struct rh_network){
        .optimizer = { .kind = (enum rh_optimizer)params->optimizer, .rate = params->rate, .decay = params->decay },
    };
    int status = describe(ctx, net, params, train, used);
    if (status == RH_OK)
        status = rh_tower_init(ctx, &net->tower, who, train, used, net->net.E, (enum rh_bag)params->bag, params->idf,
                               params->item_ids, params->spread);
    for (int32_t d = 0; d < train->n_domains && status == RH_OK; d++)
        status = used[d] ? rh_needs_unseen_items(ctx, who, train, d) : RH_OK;
    if (status < 0)
        return status;
    size_t size = (size_t)rh_net_size(&net->net), domains = (size_t)train->n_domains, E = (size_t)net->net.E;
    net->phi = host->alloc(ctx, size, sizeof *net->phi);
    net->phi_first = host->alloc(ctx, size, sizeof *net->phi);
    net->phi_second = host->alloc(ctx, size, sizeof *net->phi);
    net->first_group = host->alloc(ctx, domains + 1, sizeof *net->first_group);
    net->vector = host->alloc(ctx, (size_t)net->tower.n_items * E, sizeof *net->vector);
    if (!net->phi || !net->phi_first || !net->phi_second || !net->first_group || !net->vector)
        return RH_ENOMEM;
    struct rh_rng r = host->stream(ctx, "network", 0);
    rh_net_init(&net->net, &r, net->phi);
    return make_groups(ctx, net);
}

/* ---------------------------------------------------------------------------------------------------- training */

int32_t rh_network_negative(const struct rh_network *net, int32_t domain, int32_t user, struct rh_rng *r)
{
    return rh_negative(&net->train->domain[domain], user, r);
}

int rh_network_pass(struct rh_ctx *ctx, struct rh_network *net, uint64_t pass, const bool *learn, const bool *see,
                    unsigned parts, double factor, double *loss)
{
    return rh_network_steps(ctx, net, pass, learn, see, parts, factor, INT64_MAX, loss);
}

int rh_network_steps(struct rh_ctx *ctx, struct rh_network *net, uint64_t pass, const bool *learn, const bool *see,
                     unsigned parts, double factor, int64_t most, double *loss)
{
    int32_t n_domains = net->train->n_domains, n = 0;
    int32_t *order = ctx->host->scratch(ctx, (size_t)net->first_group[n_domains], sizeof *order);
    struct rh_batch b;
    int32_t size = (int32_t)net->params->batch;
    if (!order)
        return RH_ENOMEM;
    for (int32_t d = 0; d < n_domains; d++)
        for (int32_t g = net->first_group[d]; learn[d] && g < net->first_group[d + 1]; g++)
            order[n++] = g;
    struct rh_rng r = ctx->host->stream(ctx, "order", pass);
    rh_rng_shuffle(&r, order, n);
    if (n == 0) {
        *loss = 0;
        return RH_OK;
    }
    n = most < (n + size - 1) / size ? (int32_t)most * size : n;
    int status = rh_batch_init(ctx, &b, net, size < n ? size : n, see);
    double sum = 0;
    int64_t rows = 0;
    for (int32_t at = 0; at < n && status == RH_OK; at += size) {
        status = ctx->host->tick(ctx, at, n);
        if (status == RH_OK)
            status = rh_batch_draw(ctx, &b, pass, order + at, n - at < size ? n - at : size);
        if (status == RH_OK && net->prepare)
            status = net->prepare(ctx, net->prepare_arg, &b);
        if (status == RH_OK)
            status = rh_batch_learn(ctx, &b);
        if (status == RH_OK)
            status = rh_batch_back(ctx, &b);
        if (status == RH_OK)
            status = rh_batch_apply(ctx, &b, parts, factor);
        sum += b.loss * (double)b.counted;
        rows += b.counted;
    }
    *loss = rows ? sum / (double)rows : 0;
    return status;
}

void rh_network_forget(struct rh_network *net)
{
    struct rh_tower *t = &net->tower;
    size_t size = (size_t)rh_net_size(&net->net) * sizeof(rh_real);
    size_t table = (size_t)t->n_columns * (size_t)t->E * sizeof(rh_real);
    net->optimizer.step = 0;
    memset(net->phi_first, 0, size);
    memset(net->phi_second, 0, size);
    memset(t->table_first, 0, table);
    memset(t->table_second, 0, table);
}

int rh_network_anchor(struct rh_ctx *ctx, struct rh_network *net, double strength)
{
    struct rh_tower *t = &net->tower;
    size_t size = (size_t)rh_net_size(&net->net), table = (size_t)t->n_columns * (size_t)t->E;
    rh_real *phi = ctx->host->alloc(ctx, size, sizeof *phi), *rows = ctx->host->alloc(ctx, table, sizeof *rows);
    if (!phi || !rows)
        return RH_ENOMEM;
    memcpy(phi, net->phi, size * sizeof *phi);
    memcpy(rows, t->table, table * sizeof *rows);
    net->anchor = phi;
    t->anchor = rows;
    t->pull = strength * net->params->rate;
    t->pull = t->pull < 1 ? t->pull : 1;
    return RH_OK;
}

/* A part of phi, from `at` on. */
static void move_part(struct rh_network *net, int64_t at, int64_t n, rh_real *dphi)
{
    struct rh_optimizer_state o = net->optimizer;
    if (net->anchor) {
        o.decay = 0;
        rh_nn_pull(n, (rh_real)net->tower.pull, net->anchor + at, net->phi + at);
    }
    rh_nn_descend(&o, n, net->phi + at, dphi + at, net->phi_first + at, net->phi_second + at);
}

int rh_network_move(struct rh_ctx *ctx, struct rh_network *net, const struct rh_slots *slots, rh_real *dt,
                    rh_real *dphi, unsigned parts, double factor)
{
    int64_t layer = rh_net_layer_size(&net->net), size = rh_net_size(&net->net);
    int status = RH_OK;
    rh_nn_step(&net->optimizer, factor);
    if (parts & RH_PART_TOWER) {
        status = rh_tower_back(ctx, &net->tower, slots->item, slots->n, dt);
        if (status == RH_OK)
            status = rh_tower_descend(ctx, &net->tower, &net->optimizer, slots->item, slots->n, dt);
    }
    if (parts & RH_PART_LAYER)
        move_part(net, 0, layer, dphi);
    if (parts & RH_PART_HEAD)
        move_part(net, layer, size - layer, dphi);
    return status;
}

/* ----------------------------------------------------------------------------------------------------- scoring */

static int publish_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)ctx;
    struct rh_network *net = arg;
    size_t E = (size_t)net->net.E;
    rh_tower_vectors(&net->tower, NULL, (int32_t)begin, (int32_t)(end - begin), net->vector + (size_t)begin * E);
    return RH_OK;
}

/* by_factor and by_unit from the vectors and phi; false: some weight is not finite. */
static bool lay_out(struct rh_network *net)
{
    int32_t E = net->net.E, n = net->train->domain[net->train->target].n_items;
    const rh_real *t = net->vector + (size_t)net->tower.first_item[net->train->target] * (size_t)E;
    for (size_t i = 0; i < (size_t)n; i++)
        for (size_t e = 0; e < (size_t)E; e++)
            net->by_factor[e * (size_t)n + i] = t[i * (size_t)E + e];
    rh_network_units(net, net->phi, net->by_unit);
    return rh_nn_finite(rh_net_size(&net->net), net->phi) &&
           rh_nn_finite((int64_t)net->tower.n_items * E, net->vector);
}

int rh_network_publish(struct rh_ctx *ctx, struct rh_network *net, const char *who)
{
    int status = ctx->host->parallel(ctx, net->tower.n_items, 256, publish_part, net);
    if (status < 0)
        return status;
    if (!lay_out(net))
        return ctx->host->fail(ctx, RH_ENUMERIC, "%s diverged: its weights are not finite; try a rate below %g", who,
                               net->params->rate);
    return RH_OK;
}

static int persist_memory(struct rh_ctx *ctx, struct rh_network *net)
{
    int64_t size = rh_net_size(&net->net);
    int status;
    if ((status = ctx->host->field(ctx, "first moments", &net->phi_first, size, sizeof *net->phi)) < 0 ||
        (status = ctx->host->field(ctx, "second moments", &net->phi_second, size, sizeof *net->phi)) < 0)
        return status;
    return ctx->host->value(ctx, "steps", &net->optimizer.step, sizeof net->optimizer.step);
}

int rh_network_persist(struct rh_ctx *ctx, struct rh_network *net, const char *who,
                       const struct rh_network_params *params, const struct rh_train *train, const bool *used)
{
    const struct rh_host *host = ctx->host;
    unsigned purpose = host->purpose(ctx);
    bool loading = purpose & RH_FOR_LOADING, made = net->phi;
    int status = RH_OK;
    if (!made)
        status = describe(ctx, net, params, train, used);
    if (!made && status == RH_OK)
        status = rh_tower_number(ctx, &net->tower, who, train, used);
    if (status >= 0)
        status = host->field(ctx, "network", &net->phi, rh_net_size(&net->net), sizeof *net->phi);
    if (status >= 0 && !(loading && made)) /* a tower makes them anew */
        status = host->field(ctx, "item_vectors", &net->vector, (int64_t)net->tower.n_items * net->net.E,
                             sizeof *net->vector);
    if (status >= 0 && made && purpose & RH_FOR_STARTING)
        status = rh_tower_persist(ctx, &net->tower, purpose);
    if (status >= 0 && made && purpose & RH_FOR_RESUMING)
        status = persist_memory(ctx, net);
    if (status < 0 || !loading)
        return status;
    if (made)
        return rh_network_publish(ctx, net, who);
    return lay_out(net) ? RH_OK : host->fail(ctx, RH_EDATA, "the saved model of %s has weights that are not finite",
                                             who);
}

void rh_network_units(const struct rh_network *net, const rh_real *phi, rh_real *by_unit)
{
    int32_t n = net->train->domain[net->train->target].n_items;
    struct rh_net_parts x = rh_net_parts(&net->net, (rh_real *)(uintptr_t)phi);
    rh_nn_product(net->net.H, net->net.E, n, x.wt, net->by_factor, by_unit);
}

void rh_network_user(const struct rh_network *net, const struct rh_history *history, const bool *see, rh_real *p)
{
    size_t E = (size_t)net->net.E;
    double weight = 0;
    memset(p, 0, E * sizeof *p);
    for (int32_t d = 0; d < net->train->n_domains; d++) {
        double share = rh_history_share(net, net->train->target, d);
        if (!net->used[d] || !see[d] || share == 0)
            continue;
        for (int32_t j = 0; j < history[d].n; j++) {
            size_t i = (size_t)net->tower.first_item[d] + (size_t)history[d].item[j];
            rh_axpy((int32_t)E, (rh_real)(share * rh_history_weight(net, d, history[d].value, j)),
                    net->vector + i * E, p);
        }
        weight += share * history[d].n;
    }
    rh_real norm = rh_history_norm(net, weight);
    for (size_t e = 0; e < E; e++)
        p[e] *= norm;
}

/* Scores of candidates [begin, begin + n): first the products, factor by factor, then the hidden units, unit by unit;
 * so every candidate has the same sequence of sums wherever it stands. `item` NULL: candidate c is item c. */
static void score_tile(const struct rh_network *net, struct rh_net_parts x, const rh_real *by_unit, const rh_real *a,
                       const rh_real *q, const int32_t *item, int32_t begin, int32_t n, float *restrict out)
{
    size_t items = (size_t)net->train->domain[net->train->target].n_items;
    rh_real sum[TILE];
    for (int32_t c = 0; c < n; c++)
        sum[c] = *x.c;
    for (size_t e = 0; e < (size_t)net->net.E; e++) {
        const rh_real *row = net->by_factor + e * items;
        rh_real w = q[e];
        if (item)
            for (int32_t c = 0; c < n; c++)
                sum[c] += w * row[item[begin + c]];
        else
            rh_axpy(n, w, row + begin, sum);
    }
    for (size_t h = 0; h < (size_t)net->net.H; h++) {
        const rh_real *row = by_unit + h * items;
        rh_real w = x.w1[h], shift = a[h];
        if (item || net->net.act != RH_RELU) {
            for (int32_t c = 0; c < n; c++)
                sum[c] += w * rh_act(net->net.act, shift + row[item ? item[begin + c] : begin + c]);
        } else {
#pragma omp simd
            for (int32_t c = 0; c < n; c++)
                sum[c] += w * rh_act(RH_RELU, shift + row[begin + c]);
        }
    }
    for (int32_t c = 0; c < n; c++)
        out[begin + c] = (float)sum[c];
}

void rh_network_score_items(const struct rh_network *net, const rh_real *phi, const rh_real *by_unit,
                            const rh_real *a, const rh_real *q, const struct rh_query *query, float *out)
{
    struct rh_net_parts x = rh_net_parts(&net->net, (rh_real *)(uintptr_t)phi);
    for (int32_t at = 0; at < query->n_candidates; at += TILE) {
        int32_t n = query->n_candidates - at < TILE ? query->n_candidates - at : TILE;
        score_tile(net, x, by_unit, a, q, query->candidate, at, n, out);
    }
}

int rh_network_score(struct rh_ctx *ctx, const struct rh_network *net, const bool *see, const struct rh_query *query,
                     int32_t n, float *out, size_t stride)
{
    size_t E = (size_t)net->net.E, H = (size_t)net->net.H;
    rh_real *work = ctx->host->scratch(ctx, 2 * E + H, sizeof *work);
    if (!work)
        return RH_ENOMEM;
    rh_real *p = work, *q = work + E, *a = work + 2 * E;
    for (int32_t i = 0; i < n; i++) {
        rh_network_user(net, query[i].history, see, p);
        rh_net_users(&net->net, net->phi, 1, p, a, q);
        rh_network_score_items(net, net->phi, net->by_unit, a, q, &query[i], out + (size_t)i * stride);
    }
    return RH_OK;
}
