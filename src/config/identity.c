#include "config/plan.h"

#include "base/hash.h"
#include "data/input.h"

#include <string.h>

/* What a problem is made from, apart from the split's own revision: bump when the same data and labels give another
 * problem. */
#define PROBLEM_REVISION 1
#define RUN_REVISION 1

static void hash_domain(struct rh_hash *h, const struct rh_plan_domain *d, const char *identity)
{
    rh_hash_text(h, identity);
    rh_hash_text(h, d->domain);
}

/* Nothing for all candidates and no placebo, so that what was stored before these keys were is found. */
/* The bytes of the file at a place, and what of it the place names. */
static int hash_place(struct rh_hash *h, const char *key, const char *place, struct rh_error *err)
{
    char file[RH_HASH_HEX], path[4096];
    size_t n = rh_place_file(place);
    if (n >= sizeof path)
        return rh_fail(err, RH_EINVAL, "%s: a path of %zu bytes is too long", key, n);
    memcpy(path, place, n);
    path[n] = '\0';
    RH_TRY(rh_hash_file(path, file, err));
    rh_hash_text(h, file);
    rh_hash_text(h, place + n);
    return RH_OK;
}

static int hash_asking(struct rh_hash *h, const struct rh_plan_problem *q, struct rh_error *err)
{
    const struct rh_asking *a = q->asking;
    for (int32_t i = 0; i < q->n_settings; i++) {
        const char *key = q->setting[i].key;
        bool candidates = !strcmp(key, "problem.candidates") || !strncmp(key, "problem.negatives", 17) ||
                          !strcmp(key, "problem.correction");
        if ((candidates && a->candidates != RH_UNIVERSE_ALL) ||
            (!strcmp(key, "problem.placebo") && a->placebo != RH_PLACEBO_NONE) ||
            (!strcmp(key, "problem.known") && a->known < 1) ||
            (!strcmp(key, "problem.train_core") && a->train_core > 1)) {
            rh_hash_text(h, key);
            rh_hash_text(h, q->setting[i].value);
        }
    }
    if (a->item_bridge[0]) {
        rh_hash_text(h, "problem.item_bridge");
        if (!strcmp(a->item_bridge, RH_BRIDGE_IDS)) {
            rh_hash_text(h, a->item_bridge);
        } else {
            rh_hash_text(h, a->item_bridge_columns);
            RH_TRY(hash_place(h, "item_bridge", a->item_bridge, err));
        }
    }
    if (a->candidates_file[0])
        RH_TRY(hash_place(h, "candidates_file", a->candidates_file, err));
    return RH_OK;
}

int rh_plan_problem_identity(const struct rh_plan *p, int32_t problem, const struct rh_data_env *env,
                             char hex[static RH_HASH_HEX], struct rh_error *err)
{
    const struct rh_plan_problem *q = &p->problem[problem];
    struct rh_hash h;
    char data[RH_HASH_HEX];
    rh_hash_init(&h);
    rh_hash_text(&h, "problem");
    rh_hash_u64(&h, PROBLEM_REVISION);
    RH_TRY(rh_dataset_identity(q->target.dataset, env, data, err));
    hash_domain(&h, &q->target, data);
    rh_hash_u64(&h, (uint64_t)q->n_sources);
    for (int32_t s = 0; s < q->n_sources; s++) {
        RH_TRY(rh_dataset_identity(q->source[s].dataset, env, data, err));
        hash_domain(&h, &q->source[s], data);
    }
    rh_hash_text(&h, q->split->name);
    rh_hash_u64(&h, q->split->revision);
    for (int32_t i = 0; i < q->n_settings; i++)
        if (!strncmp(q->setting[i].key, "split.", 6)) {
            rh_hash_text(&h, q->setting[i].key);
            rh_hash_text(&h, q->setting[i].value);
        }
    rh_hash_u64(&h, q->seed);
    rh_hash_u64(&h, (uint64_t)q->fold);
    RH_TRY(hash_asking(&h, q, err));
    rh_hash_hex(&h, hex);
    return RH_OK;
}

void rh_plan_fit_identity(const struct rh_plan *p, const char *problem_identity, const struct rh_plan_run *run,
                          char hex[static RH_HASH_HEX])
{
    const struct rh_plan_algorithm *g = &p->algorithm[run->algorithm];
    struct rh_hash h;
    rh_hash_init(&h);
    rh_hash_text(&h, "fit");
    rh_hash_u64(&h, RUN_REVISION);
    rh_hash_text(&h, problem_identity);
    rh_hash_text(&h, g->algorithm->name);
    rh_hash_u64(&h, g->algorithm->revision);
    for (int32_t i = 0; i < g->n_params; i++) {
        rh_hash_text(&h, g->param[i].key);
        rh_hash_text(&h, g->init_hash && !strcmp(g->param[i].key, "init_from") ? g->init_hash : g->param[i].value);
    }
    if (g->patience) /* else validation is only looked at */
        rh_hash_text(&h, p->validate.definition);
    rh_hash_u64(&h, (uint64_t)run->init);
    rh_hash_hex(&h, hex);
}

void rh_plan_run_identity(const struct rh_plan *p, const char *fit_identity, char hex[static RH_HASH_HEX])
{
    struct rh_hash h;
    char number[32];
    rh_hash_init(&h);
    rh_hash_text(&h, "run");
    rh_hash_text(&h, fit_identity);
    for (int32_t m = 0; m < p->n_metrics; m++)
        rh_hash_text(&h, p->metric[m].definition);
    rh_hash_text(&h, rh_real_text(p->relevant_from, number));
    if (p->relevant_best)
        rh_hash_u64(&h, (uint64_t)p->relevant_best);
    rh_policy_hash(&h, &p->policy);
    rh_hash_hex(&h, hex);
}

uint64_t rh_plan_run_seed(const struct rh_plan *p, const struct rh_plan_run *run)
{
    return p->problem[run->problem].seed + ((uint64_t)run->init << 32);
}
