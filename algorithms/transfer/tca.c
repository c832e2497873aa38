/* tca: transfer through components of the item features in which the source and the target lie together.
 *
 * Pan, Tsang, Kwok and Yang 2011, "Domain adaptation via transfer component analysis": before anything is learned from
 * users, the features of the items of all domains are turned into `components` numbers by one map that keeps the items'
 * scatter and brings the means of the domains together (algorithms/lib/components.h, which says what departs from the
 * paper). They are the only features that the transfer network then sees, trained on sources and target together
 * (algorithms/lib/joint.h, without a term). The paper classifies rows of both domains; here rows are items, and what is
 * learned on them is who likes what.
 *
 * With match = no the components are the kernel principal components of the same items: the twin. All that stands
 * between the two is the condition on the means; `coral` with domain_weight = 0 is the same network on the features as
 * they are.
 *
 * Cost: that of coral without its term, E tables of `components` rows, and the components once. */
#include "algorithms/lib/components.h"
#include "algorithms/lib/joint.h"

#include <rh/plugin.h>

struct params {
    RH_NETWORK_FIELDS;
    double source_weight;
    RH_COMPONENTS_FIELDS;
};

static const struct rh_param params_table[] = {
    RH_NETWORK_PARAMS(struct params),
    RH_REAL(struct params, source_weight, 0.5, 0, 1000, "weight of the sources' liked items for the head"),
    RH_COMPONENTS_PARAMS(struct params),
    RH_PARAMS_END,
};

struct state {
    struct rh_joint joint;
    struct rh_train view; /* the train view with the components in place of the items' features */
    float *z;             /* [n_items x components] of all domains */
    int64_t n_items;
};

static int check(struct rh_ctx *ctx, const void *params)
{
    const struct params *p = params;
    if (p->landmarks < p->components)
        return ctx->host->fail(ctx, RH_EINVAL, "landmarks = %lld: at least components = %lld", (long long)p->landmarks,
                               (long long)p->components);
    return RH_OK;
}

/* The view: each domain with one dense block of items. */
static int look(struct rh_ctx *ctx, const struct params *p, const struct rh_train *train, struct state *s)
{
    size_t domains = (size_t)train->n_domains;
    struct rh_domain *domain = ctx->host->alloc(ctx, domains, sizeof *domain);
    struct rh_features *block = ctx->host->alloc(ctx, domains, sizeof *block);
    for (size_t d = 0; d < domains; d++)
        s->n_items += train->domain[d].n_items;
    s->z = ctx->host->alloc(ctx, (size_t)s->n_items, (size_t)p->components * sizeof *s->z);
    if (!domain || !block || !s->z)
        return RH_ENOMEM;
    float *z = s->z;
    for (size_t d = 0; d < domains; d++) {
        domain[d] = train->domain[d];
        domain[d].item_features = &block[d];
        block[d] = (struct rh_features){ .name = "components", .n_rows = domain[d].n_items,
                                         .n_cols = (int32_t)p->components, .dense = z };
        z += (size_t)domain[d].n_items * (size_t)p->components;
    }
    s->view = *train;
    s->view.domain = domain;
    s->view.n_item_blocks = 1;
    return RH_OK;
}

static int fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    const struct rh_joint_params joint = { .source_weight = p->source_weight, .pairs = 2 };
    double gap = 0;
    int status = rh_tower_check(ctx, "tca", train);
    if (status == RH_OK)
        status = rh_joint_refuse(ctx, "tca", train);
    if (status == RH_OK)
        status = look(ctx, p, train, s);
    if (status == RH_OK && !(ctx->host->purpose(ctx) & RH_FOR_LOADING))
        status = rh_components(ctx, "tca", &p->analysis, train, s->z, &gap);
    if (status == RH_OK)
        status = rh_joint_init(ctx, &s->joint, "tca", &p->network, &joint, &s->view);
    if (status < 0)
        return status;
    ctx->host->log(ctx, 2, "%lld components: the means of the domains are %.4g apart, items 1 from the mean of all",
                   (long long)p->components, sqrt(gap));
    return rh_network_publish(ctx, &s->joint.net, "tca");
}

static int epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss)
{
    struct state *s = state;
    return rh_joint_epoch(ctx, &s->joint, number, NULL, NULL, loss);
}

static int score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                 size_t stride)
{
    return rh_joint_score(ctx, &((const struct state *)state)->joint, query, n, out, stride);
}

/* Scoring reads the vectors that the network made of the components; training on from a model, the components. */
static int persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    int status = RH_OK;
    if (s->z && ctx->host->purpose(ctx) & RH_FOR_STARTING)
        status = ctx->host->field(ctx, "components", &s->z, s->n_items * p->components, sizeof *s->z);
    return status < 0 ? status : rh_joint_persist(ctx, &s->joint, "tca", &p->network, train);
}

static const struct rh_algorithm tca = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "tca",
    .summary = "feature transfer: components of the item features in which the domains' means meet",
    .reference = "Pan, Tsang, Kwok and Yang 2011, Domain adaptation via transfer component analysis, IEEE Transactions "
                 "on Neural Networks 22(2)",
    .cost = "fit O(I landmarks (features + landmarks) + landmarks^3), epoch twice that of direct on items with "
            "`components` features, memory as direct and 4 I components + 8 landmarks^2 bytes",
    .advice = "When items of the domains are described alike but not in the same place, and there are many columns of "
              "features for few items. Tune components first; match = no is the twin, kernel principal components "
              "without a condition on the domains. It moves means alone: coral, mmd and adversarial see more.",
    .revision = 1,
    .flags = RH_A_USES_SOURCES | RH_A_NEEDS_SOURCES | RH_A_NEEDS_ITEM_FEATURES | RH_A_COLD_USERS | RH_A_COLD_ITEMS |
             RH_A_RANDOM | RH_A_RESUMES,
    .params = params_table,
    .params_size = sizeof(struct params),
    .state_size = sizeof(struct state),
    .epochs = 12,
    .check = check,
    .fit = fit,
    .epoch = epoch,
    .score = score,
    .persist = persist,
};
RH_ALGORITHM(tca)
