#include "algorithms/lib/joint.h"
#include "algorithms/lib/preconditions.h"

#include <string.h>

/* ------------------------------------------------------------------------------------------------------ set-up */

int rh_joint_refuse(struct rh_ctx *ctx, const char *who, const struct rh_train *train)
{
    int status = rh_needs_source_rows(ctx, who, train);
    return status < 0 ? status : rh_needs_shared_features(ctx, who, "to align", train);
}

static int choose_domains(struct rh_ctx *ctx, const struct rh_train *train, struct rh_joint *joint)
{
    joint->all = ctx->host->alloc(ctx, (size_t)train->n_domains, sizeof *joint->all);
    if (!joint->all)
        return RH_ENOMEM;
    memset(joint->all, true, (size_t)train->n_domains * sizeof *joint->all);
    return RH_OK;
}

int rh_joint_init(struct rh_ctx *ctx, struct rh_joint *joint, const char *who,
                  const struct rh_network_params *network, const struct rh_joint_params *params,
                  const struct rh_train *train)
{
    *joint = (struct rh_joint){ .who = who, .params = *params };
    if (choose_domains(ctx, train, joint) < 0)
        return RH_ENOMEM;
    int status = rh_joint_refuse(ctx, who, train);
    return status < 0 ? status : rh_network_init(ctx, &joint->net, who, network, train, joint->all);
}

int rh_joint_take(struct rh_ctx *ctx, struct rh_joint *joint, const char *who, const struct rh_network *net,
                  const struct rh_joint_params *params)
{
    *joint = (struct rh_joint){ .who = who, .params = *params, .net = *net, .all = net->used };
    return rh_joint_refuse(ctx, who, net->train);
}

/* ------------------------------------------------------------------------------------------------------- pairs */

static int make_pairs(struct rh_ctx *ctx, const struct rh_joint *joint, struct rh_joint_pairs *x)
{
    const struct rh_host *host = ctx->host;
    size_t n = (size_t)joint->params.pairs, G = (size_t)rh_net_represented(&joint->net.net);
    *x = (struct rh_joint_pairs){ .capacity = (int32_t)n, .G = (int32_t)G };
    x->row = host->scratch(ctx, 2 * n, sizeof *x->row);
    x->slot = host->scratch(ctx, 2 * n, sizeof *x->slot);
    x->item = host->scratch(ctx, 2 * n, sizeof *x->item);
    x->g = host->scratch(ctx, 2 * n * G, sizeof *x->g);
    x->dg = host->scratch(ctx, 2 * n * G, sizeof *x->dg);
    return x->row && x->slot && x->item && x->g && x->dg ? RH_OK : RH_ENOMEM;
}

/* Rows of a side that have an item; evenly spaced ones of them, with the liked and the first sampled item in turn. */
static int32_t choose_side(const struct rh_batch *b, bool target, int32_t wanted, int32_t *row, int32_t *slot)
{
    int32_t there = 0, chosen = 0;
    for (int pass = 0; pass < 2; pass++) {
        int32_t seen = 0;
        for (int32_t g = 0; g < b->n_groups; g++) {
            if ((b->net->group[b->group[g]].domain == b->net->train->target) != target)
                continue;
            for (int32_t k = b->first_row[g]; k < b->first_row[g + 1]; k++) {
                const int32_t *items = b->slot + (size_t)k * (size_t)b->m;
                if (items[0] < 0)
                    continue;
                if (pass == 0) {
                    there++;
                } else {
                    while (chosen < wanted && (int64_t)chosen * there / wanted == seen) {
                        row[chosen] = k;
                        slot[chosen] = items[chosen % 2];
                        chosen++;
                    }
                }
                seen++;
            }
        }
        if (there == 0)
            return 0;
        wanted = wanted < 2 * there ? wanted : 2 * there;
    }
    return chosen;
}

/* The term on a minibatch between learn and back: adds lambda times its gradient to the minibatch's. */
static double align(struct rh_ctx *ctx, struct rh_joint *joint, struct rh_batch *b, struct rh_joint_pairs *x,
                    rh_joint_term *term, void *arg, rh_real lambda, uint64_t step)
{
    int32_t n_source = choose_side(b, false, x->capacity, x->row, x->slot);
    int32_t n_target = choose_side(b, true, x->capacity, x->row + n_source, x->slot + n_source);
    if (n_source == 0 || n_target == 0)
        return 0;
    x->n = n_source < n_target ? n_source : n_target;
    memmove(x->row + x->n, x->row + n_source, (size_t)x->n * sizeof *x->row);
    memmove(x->slot + x->n, x->slot + n_source, (size_t)x->n * sizeof *x->slot);
    for (int32_t k = 0; k < 2 * x->n; k++)
        x->item[k] = b->slots.item[x->slot[k]];
    struct rh_sides grad = rh_batch_extra(b);
    rh_net_represent(&joint->net.net, 2 * x->n, x->row, x->slot, b->p, &b->sides, x->g);
    memset(x->dg, 0, (size_t)(2 * x->n) * (size_t)x->G * sizeof *x->dg);
    double value = term(ctx, arg, x, lambda, step);
    rh_net_represent_back(&joint->net.net, 2 * x->n, x->row, x->slot, b->p, &b->sides, x->g, x->dg, &grad, b->dp);
    return value;
}

/* ------------------------------------------------------------------------------------------------- an epoch */

/* Groups of a side in random order. */
static int32_t *shuffled(struct rh_ctx *ctx, const struct rh_network *net, bool target, uint64_t epoch, int32_t *n)
{
    int32_t *order = ctx->host->scratch(ctx, (size_t)net->first_group[net->train->n_domains], sizeof *order);
    *n = 0;
    if (!order)
        return NULL;
    for (int32_t d = 0; d < net->train->n_domains; d++)
        for (int32_t g = net->first_group[d]; g < net->first_group[d + 1]; g++)
            if ((d == net->train->target) == target)
                order[(*n)++] = g;
    struct rh_rng r = ctx->host->stream(ctx, target ? "order" : "source order", epoch);
    rh_rng_shuffle(&r, order, *n);
    return order;
}

int rh_joint_epoch(struct rh_ctx *ctx, struct rh_joint *joint, int32_t number, rh_joint_term *term, void *arg,
                   double *loss)
{
    const struct rh_joint_params *p = &joint->params;
    struct rh_network *net = &joint->net;
    int32_t n_target, n_source, size = (int32_t)net->params->batch;
    int32_t *target = shuffled(ctx, net, true, (uint64_t)number, &n_target);
    int32_t *source = shuffled(ctx, net, false, (uint64_t)number, &n_source);
    int32_t *group = ctx->host->scratch(ctx, 2 * (size_t)size, sizeof *group);
    struct rh_batch b;
    struct rh_joint_pairs x;
    if (!target || !source || !group)
        return RH_ENOMEM;
    int status = make_pairs(ctx, joint, &x);
    if (status == RH_OK)
        status = rh_batch_init(ctx, &b, net, 2 * size, joint->all);
    if (status < 0)
        return status;
    for (int32_t d = 0; d < net->train->n_domains; d++)
        b.domain_weight[d] = d == net->train->target ? 1 : p->source_weight * net->weight[d];
    double lambda = p->domain_weight * (p->ramp > 0 ? 2 / (1 + exp(-10 * number / p->ramp)) - 1 : 1);
    int32_t steps = (n_target + size - 1) / size, from = 0;
    double sum = 0, rows = 0, seen = 0;
    for (int32_t step = 0; step < steps && status == RH_OK; step++) {
        int32_t n = 0;
        for (int32_t k = step * size; k < (step + 1) * size && k < n_target; k++)
            group[n++] = target[k];
        for (int32_t k = n; k > 0 && n_source > 0; k--)
            group[n++] = source[from++ % n_source];
        uint64_t draw = (uint64_t)number * (uint64_t)steps + (uint64_t)step;
        status = ctx->host->tick(ctx, step, steps);
        if (status == RH_OK)
            status = rh_batch_draw(ctx, &b, draw, group, n);
        if (status == RH_OK)
            status = rh_batch_learn(ctx, &b);
        if (status == RH_OK && lambda > 0)
            seen += align(ctx, joint, &b, &x, term, arg, (rh_real)lambda, draw);
        if (status == RH_OK)
            status = rh_batch_back(ctx, &b);
        if (status == RH_OK)
            status = rh_batch_apply(ctx, &b, RH_PART_ALL, 1);
        sum += b.loss * (double)b.counted;
        rows += (double)b.counted;
    }
    if (status < 0)
        return status;
    *loss = rows > 0 ? sum / rows : 0;
    if (lambda > 0)
        ctx->host->log(ctx, 2, "epoch %d: loss %.4f, of the domains %.4f", number, *loss, seen / steps);
    return rh_network_publish(ctx, net, joint->who);
}

int rh_joint_score(struct rh_ctx *ctx, const struct rh_joint *joint, const struct rh_query *query, int32_t n,
                   float *out, size_t stride)
{
    return rh_network_score(ctx, &joint->net, joint->all, query, n, out, stride);
}

int rh_joint_persist(struct rh_ctx *ctx, struct rh_joint *joint, const char *who,
                     const struct rh_network_params *network, const struct rh_train *train)
{
    if (!joint->all && choose_domains(ctx, train, joint) < 0)
        return RH_ENOMEM;
    return rh_network_persist(ctx, &joint->net, who, network, train, joint->all);
}
