/* Inside config/: from sections with sweeps to problems, algorithms and runs. */
#ifndef RH_CONFIG_EXPAND_H
#define RH_CONFIG_EXPAND_H

#include "config/plan.h"

/* What the steps of planning share. */
struct rh_planning {
    struct rh_arena *a;
    struct rh_ini *ini;
    const struct rh_registry *registry;
    const struct rh_data_env *env;
    struct rh_plan *plan; /* being filled */
    struct rh_error *err;
};

int rh_expand_problems(struct rh_planning *p);
int rh_expand_algorithms(struct rh_planning *p);
/* Checks that the twin of every algorithm is one. */
int rh_expand_twins(struct rh_planning *p);
/* Pairs problems with algorithms and checks what algorithms need of a problem. */
int rh_expand_runs(struct rh_planning *p);

#endif
