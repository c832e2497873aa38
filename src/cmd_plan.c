#include "cmd_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECKPOINT 300 /* seconds: what an interruption costs at most, beside the epoch at work */

int rh_make_plan(const struct rh_cmd *c, const struct rh_plan_options *o, const char *file, struct rh_planned *p,
                 struct rh_error *err)
{
    rh_log_init(&p->log, stderr, o->quiet ? RH_LOG_WARNING : o->verbose ? RH_LOG_DETAIL : RH_LOG_INFO);
    p->env.log = &p->log;
    p->env.cancel = c->cancel;
    p->env.threads = rh_thread_count(o->threads);
    if (!p->env.threads)
        return rh_fail(err, RH_EINVAL, "--threads %s is not allowed: expected an integer from 1 to 4096", o->threads);
    struct rh_plan_input in = {
        .file = file,
        .set = o->set,
        .n_set = o->n_set,
        .data = o->data,
        .cache = o->cache,
        .store = o->store,
        .installed = c->installed,
        .plugin_path = getenv("RH_PLUGIN_PATH"),
    };
    if (o->keep) { /* as a setting, so that it stands in the stored text of the experiment too */
        const char **set = rh_alloc(&p->arena, (size_t)o->n_set + 1, sizeof *set);
        char *keep = rh_arena_printf(&p->arena, "experiment.keep_rankings=%s", o->keep);
        if (!set || !keep)
            return rh_fail_memory(err, "the options", 64);
        memcpy(set, o->set, (size_t)o->n_set * sizeof *set);
        set[in.n_set++] = keep;
        in.set = set;
    }
    RH_TRY(rh_registry_init(&p->registry, &p->arena, err));
    return rh_plan_read(&p->arena, &in, &p->registry, &p->env, &p->plan, err);
}

int rh_run_plan(const struct rh_cmd *c, const struct rh_plan_options *o, struct rh_planned *p,
                struct rh_store **store, struct rh_execute_summary *summary, struct rh_error *err)
{
    struct rh_execute_options x = {
        .force = o->force, .checkpoint = CHECKPOINT, .models = o->models, .threads = p->env.threads,
        .log = &p->log, .cancel = c->cancel
    };
    if (o->checkpoint && !strcmp(o->checkpoint, "none"))
        x.checkpoint = -1;
    else if (o->checkpoint && (!rh_parse_real(o->checkpoint, &x.checkpoint) || x.checkpoint < 0))
        return rh_fail(err, RH_EINVAL, "--checkpoint %s is not allowed: expected seconds from 0, or none",
                       o->checkpoint);
    RH_TRY(rh_store_open(p->plan->store, RH_STORE_WRITE, store, err));
    int status = rh_execute(p->plan, &p->env, *store, &x, summary, err);
    rh_log(&p->log, RH_LOG_INFO, "run", "%d done, %d found in %s, %d failed", summary->done, summary->stored,
           p->plan->store, summary->failed);
    return status;
}
