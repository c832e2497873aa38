#include "cmd_stored.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>

int rh_stored_open(const struct rh_cmd *c, const struct rh_stored_options *o, enum rh_store_mode mode,
                   const char *experiment, struct rh_stored *out, struct rh_error *err)
{
    rh_log_init(&out->log, stderr, o->quiet ? RH_LOG_WARNING : RH_LOG_INFO);
    out->env.log = &out->log;
    out->env.cancel = c->cancel;
    out->env.threads = rh_thread_count(o->threads);
    if (!out->env.threads)
        return rh_fail(err, RH_EINVAL, "--threads %s is not allowed: expected an integer from 1 to 4096", o->threads);
    struct rh_plan_input in = {
        .data = o->data,
        .cache = o->cache,
        .installed = c->installed,
        .plugin_path = getenv("RH_PLUGIN_PATH"),
    };
    const char *store = o->store ? o->store : RH_STORE_DEFAULT;
    if (!rh_file_exists(store)) /* a writer would make it */
        mode = RH_STORE_READ;
    RH_TRY(rh_store_open(store, mode, &out->store, err));
    RH_TRY(rh_registry_init(&out->registry, &out->arena, err));
    return rh_recall(&out->arena, out->store, experiment, &in, &out->registry, &out->env, &out->recalled, err);
}

void rh_stored_close(struct rh_stored *s)
{
    rh_loader_release(&s->recalled.loader);
    rh_store_close(s->store);
    rh_arena_release(&s->arena);
}
