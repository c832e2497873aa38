#include "run/build.h"

#include <string.h>

static int load_domain(struct rh_loader *x, const struct rh_plan_domain *d, const struct rh_domain_data **out,
                       struct rh_error *err)
{
    for (int32_t i = 0; i < x->n; i++)
        if (rh_dataset_same(x->loaded[i].dataset, d->dataset) && !strcmp(x->loaded[i].domain, d->domain)) {
            x->loaded[i].used = true;
            *out = x->loaded[i].data;
            return RH_OK;
        }
    if (x->n == (int32_t)(sizeof x->loaded / sizeof *x->loaded))
        return rh_fail(err, RH_EUNSUP, "more than %d domains in one problem", RH_MOST_DOMAINS);
    struct rh_loaded *l = &x->loaded[x->n];
    RH_TRY(rh_dataset_load(d->dataset, x->env, d->domain, &l->data, err));
    l->dataset = d->dataset;
    l->domain = d->domain;
    l->used = true;
    x->n++;
    *out = l->data;
    return RH_OK;
}

static void unload(struct rh_loader *x, bool all)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < x->n; i++) {
        if (all || !x->loaded[i].used)
            rh_domain_data_free(x->loaded[i].data);
        else
            x->loaded[kept++] = x->loaded[i];
    }
    x->n = kept;
}

int rh_loader_build(struct rh_loader *x, const struct rh_plan_problem *q, struct rh_problem **out,
                    struct rh_error *err)
{
    const struct rh_domain_data *target, *source[RH_MOST_DOMAINS];
    if (q->n_sources > RH_MOST_DOMAINS)
        return rh_fail(err, RH_EUNSUP, "problem '%s' has %d sources, at most %d are supported", q->label,
                       q->n_sources, RH_MOST_DOMAINS);
    for (int32_t i = 0; i < x->n; i++)
        x->loaded[i].used = false;
    RH_TRY(load_domain(x, &q->target, &target, err));
    for (int32_t s = 0; s < q->n_sources; s++)
        RH_TRY(load_domain(x, &q->source[s], &source[s], err));
    unload(x, false);
    if (q->split->needs_time && !target->time)
        return rh_fail(err, RH_EDATA, "split %s needs timestamps, and target '%s' has none", q->split->name,
                       target->name);
    if (q->split->needs_given && !target->given)
        return rh_fail(err, RH_EDATA, "split %s needs a dataset with train and test files, and '%s' has none",
                       q->split->name, target->name);
    const char *space[1 + RH_MOST_DOMAINS] = { rh_dataset_namespace(q->target.dataset) };
    for (int32_t s = 0; s < q->n_sources; s++)
        space[1 + s] = rh_dataset_namespace(q->source[s].dataset);
    struct rh_problem_spec spec = {
        .name = q->label,
        .target = target,
        .n_sources = q->n_sources,
        .source = source,
        .user_space = space,
        .split = q->split,
        .params = q->params,
        .seed = q->seed,
        .fold = q->fold,
        .asking = q->asking,
    };
    return rh_problem_build(&spec, x->log, out, err);
}

void rh_loader_release(struct rh_loader *x)
{
    unload(x, true);
}
