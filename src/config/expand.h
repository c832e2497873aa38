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
    bool recalled;        /* of a stored experiment: files that it began with may be gone */
    struct rh_error *err;
};

/* The model that an algorithm starts from, from the key init_from: a file beside the experiment, in the working or the
 * data folder; or a run of the store, by the first digits of its identity. Path and hash are in the arena. */
int rh_find_init(struct rh_planning *p, const struct rh_algorithm *alg, const struct rh_ini_entry *entry,
                 const char *value, const char **path, const char **hash);

int rh_expand_problems(struct rh_planning *p);
int rh_expand_algorithms(struct rh_planning *p);
/* Checks that the twin of every algorithm is one. */
int rh_expand_twins(struct rh_planning *p);
/* Pairs problems with algorithms and checks what algorithms need of a problem. */
int rh_expand_runs(struct rh_planning *p);

#endif
