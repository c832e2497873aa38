/* What run, check and reproduce share: options, and the plan of an experiment with all that it lives in. */
#ifndef RH_COMMAND_CMD_PLAN_H
#define RH_COMMAND_CMD_PLAN_H

#include "cmd.h"

#include "config/plan.h"
#include "run/execute.h"

struct rh_plan_options {
    const char *set[RH_MANY];
    int32_t n_set;
    const char *data, *cache, *store, *threads, *format, *metric, *keep, *models, *checkpoint;
    bool force, quiet, verbose;
};

struct rh_planned {
    struct rh_arena arena;
    struct rh_registry registry;
    struct rh_data_env env;
    struct rh_log log;
    const struct rh_plan *plan;
};

/* Reads the experiment; its log goes to stderr. Give p->arena back whatever the status is. */
int rh_make_plan(const struct rh_cmd *c, const struct rh_plan_options *o, const char *file, struct rh_planned *p,
                 struct rh_error *err);
/* Opens its store and runs what is not in it. *store is to be closed whatever the status is. */
int rh_run_plan(const struct rh_cmd *c, const struct rh_plan_options *o, struct rh_planned *p,
                struct rh_store **store, struct rh_execute_summary *summary, struct rh_error *err);

#endif
