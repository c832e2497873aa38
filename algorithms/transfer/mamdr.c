/* mamdr: several sources and the target in one network whose weights they share, and weights of the target alone.
 *
 * Luo, Li, Gao, Tang, Wang, Li, Zhu, Zhang and Zhang 2023, "MAMDR: a model agnostic learning framework for multi-domain
 * recommendation" (ICDE), on the transfer network (algorithms/lib/network.h). Their two rules are in
 * algorithms/lib/negotiate.h; their algorithm 3, for the domain that is asked about, is an epoch:
 *
 *   domain negotiation      one pass over each domain, the target included, in random order; the shared weights go
 *                           shared_rate of the way to where that ends
 *   domain regularisation   `helpers` of the sources, drawn anew; from shared + specific a pass over the helper and one
 *                           over the target; the specific weights go specific_rate of the way
 *
 * Queries are answered by shared + specific. All weights are of both kinds: the item tower, items' own vectors, layer
 * and head. The other domains' specific weights, which only their own queries would see, are not learned. The memory of
 * the optimiser goes on through all of it, as in the authors' program. look_steps cuts a look at a helper or at the
 * target from it short, after so many minibatches.
 *
 * With negotiation = no, regularisation = no: one pass over all domains mixed, the twin that is trained jointly, in
 * the same network; `direct` is the twin without sources. */
#include "algorithms/lib/joint.h"
#include "algorithms/lib/negotiate.h"

#include <rh/plugin.h>

#include <string.h>

struct params {
    RH_NETWORK_FIELDS;
    bool negotiation, regularisation;
    double shared_rate, specific_rate;
    int64_t helpers, look_steps;
};

static const struct rh_param params_table[] = {
    RH_NETWORK_PARAMS(struct params),
    RH_BOOL(struct params, negotiation, true, "shared weights by domain negotiation; no: by all domains mixed"),
    RH_BOOL(struct params, regularisation, true, "weights of the target beside the shared ones"),
    RH_REAL(struct params, shared_rate, 0.5, 1e-6, 1, "share of the way that shared weights go in an epoch"),
    RH_REAL(struct params, specific_rate, 0.5, 1e-6, 1, "share of the way that the target's weights go a helper"),
    RH_INT(struct params, helpers, 1, 1, 1000, "sources that the target's weights look at in an epoch, at most all"),
    RH_INT(struct params, look_steps, 0, 0, 1000000000,
           "minibatches of such a look, of the helper and of the target; 0: all there are"),
    RH_PARAMS_END,
};

#define EVERY (-1) /* in place of a domain: all of them, mixed */

struct state {
    const struct params *params;
    struct rh_network net;
    struct rh_negotiate weights;
    bool *all, *one; /* [n_domains] */
    uint64_t pass;   /* number of the next pass, of this epoch and the others */
    bool looking;    /* at a helper, or at the target from one */
};

static int choose_domains(struct rh_ctx *ctx, const struct rh_train *train, struct state *s)
{
    size_t n = (size_t)train->n_domains;
    s->all = ctx->host->alloc(ctx, n, sizeof *s->all);
    s->one = ctx->host->alloc(ctx, n, sizeof *s->one);
    if (!s->all || !s->one)
        return RH_ENOMEM;
    memset(s->all, true, n * sizeof *s->all);
    return RH_OK;
}

static int split_weights(struct rh_ctx *ctx, struct state *s)
{
    struct rh_tower *t = &s->net.tower;
    int status = rh_negotiate_add(ctx, &s->weights, "network", s->net.phi, rh_net_size(&s->net.net));
    if (status >= 0)
        status = rh_negotiate_add(ctx, &s->weights, "table", t->table, (int64_t)t->n_columns * t->E);
    if (status >= 0 && t->own)
        status = rh_negotiate_add(ctx, &s->weights, "own vectors", t->own, (int64_t)t->n_items * t->E);
    return status;
}

static int fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    s->params = p;
    if (choose_domains(ctx, train, s) < 0)
        return RH_ENOMEM;
    int status = rh_network_init(ctx, &s->net, "mamdr", &p->network, train, s->all);
    if (status >= 0)
        status = rh_joint_refuse(ctx, "mamdr", train);
    if (status >= 0)
        status = split_weights(ctx, s);
    return status < 0 ? status : rh_network_publish(ctx, &s->net, "mamdr");
}

static int learn_domain(struct rh_ctx *ctx, void *arg, int32_t domain, double *loss)
{
    struct state *s = arg;
    bool *learn = domain == EVERY ? s->all : s->one;
    int64_t most = s->looking && s->params->look_steps ? s->params->look_steps : INT64_MAX;
    for (int32_t d = 0; d < s->net.train->n_domains; d++)
        s->one[d] = d == domain;
    return rh_network_steps(ctx, &s->net, s->pass++, learn, s->all, RH_PART_ALL, 1, most, loss);
}

/* Domains with rows, in random order, to domain[n_domains]; without the target when it is not wanted. How many. */
static int32_t shuffled(struct rh_ctx *ctx, const struct state *s, const char *purpose, int32_t epoch, bool target,
                        int32_t *domain)
{
    int32_t n = 0;
    struct rh_rng r = ctx->host->stream(ctx, purpose, (uint64_t)epoch);
    for (int32_t d = 0; d < s->net.train->n_domains; d++)
        if (s->net.first_group[d] < s->net.first_group[d + 1] && (target || d != s->net.train->target))
            domain[n++] = d;
    rh_rng_shuffle(&r, domain, n);
    return n;
}

static int regularise(struct rh_ctx *ctx, struct state *s, int32_t epoch, int32_t *helper)
{
    int32_t n = shuffled(ctx, s, "helpers", epoch, false, helper), target = s->net.train->target;
    double *loss = ctx->host->scratch(ctx, (size_t)n + 1, sizeof *loss);
    if (!loss)
        return RH_ENOMEM;
    n = n < s->params->helpers ? n : (int32_t)s->params->helpers;
    int status = rh_negotiate_specific(ctx, &s->weights, target, helper, n, (rh_real)s->params->specific_rate,
                                       learn_domain, s, loss);
    for (int32_t h = 0; h < n && status >= 0; h++)
        ctx->host->log(ctx, 2, "epoch %d: loss of the target %.4f, seen from '%s'", epoch, loss[h],
                       s->net.train->domain[helper[h]].name);
    return status;
}

static int epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss)
{
    struct state *s = state;
    const struct params *p = s->params;
    int32_t n = s->net.train->n_domains, *domain = ctx->host->scratch(ctx, (size_t)n, sizeof *domain);
    if (!domain)
        return RH_ENOMEM;
    s->pass = (uint64_t)number * 3 * (uint64_t)n; /* n domains, and two passes for each helper */
    s->looking = false;
    int32_t every = EVERY, count = shuffled(ctx, s, "domains", number, true, domain);
    int status = p->negotiation ? rh_negotiate_shared(ctx, &s->weights, domain, count, (rh_real)p->shared_rate,
                                                      learn_domain, s, loss)
                                : rh_negotiate_shared(ctx, &s->weights, &every, 1, 1, learn_domain, s, loss);
    s->looking = true;
    if (status >= 0 && p->regularisation)
        status = regularise(ctx, s, number, domain);
    if (status < 0)
        return status;
    rh_negotiate_merge(&s->weights);
    return rh_network_publish(ctx, &s->net, "mamdr");
}

static int score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                 size_t stride)
{
    const struct state *s = state;
    return rh_network_score(ctx, &s->net, s->all, query, n, out, stride);
}

static int persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    unsigned purpose = ctx->host->purpose(ctx);
    if (!s->all && choose_domains(ctx, train, s) < 0)
        return RH_ENOMEM;
    int status = rh_network_persist(ctx, &s->net, "mamdr", &p->network, train, s->all);
    if (status >= 0 && s->weights.n_parts && purpose & RH_FOR_STARTING)
        status = rh_negotiate_persist(ctx, &s->weights, purpose & RH_FOR_OTHERS ? "own vectors" : NULL);
    return status;
}

static const struct rh_algorithm mamdr = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "mamdr",
    .summary = "several sources and the target in one network: weights that all share, and weights of the target",
    .reference = "Luo et al. 2023, MAMDR: A model agnostic learning framework for multi-domain recommendation, ICDE",
    .cost = "epoch a pass over every domain and, for each helper, one over it and one over the target, each O(rows x "
            "(negatives + 1) x H E), score O(I H) a query, memory as direct and 8 (columns + I) E bytes more",
    .advice = "For two and more sources. Its twin is itself with negotiation = no and regularisation = no, the same "
              "network trained on all domains mixed; direct is the one without sources. Against a source of no use "
              "weigh_sources = similar does more than either rule. Tune the number of epochs, then specific_rate and "
              "helpers.",
    .revision = 1,
    .flags = RH_A_USES_SOURCES | RH_A_NEEDS_SOURCES | RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS |
             RH_A_RANDOM | RH_A_RESUMES | RH_A_BY_FEATURES,
    .params = params_table,
    .params_size = sizeof(struct params),
    .state_size = sizeof(struct state),
    .epochs = 12,
    .fit = fit,
    .epoch = epoch,
    .score = score,
    .persist = persist,
};
RH_ALGORITHM(mamdr)
