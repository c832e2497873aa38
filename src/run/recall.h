/* A stored experiment, planned again from its stored text, so that its problems can be built as they were: for other
 * runs to be judged on them, and for new metrics. */
#ifndef RH_RUN_RECALL_H
#define RH_RUN_RECALL_H

#include "run/build.h"

struct rh_recalled_problem {
    int64_t id; /* in the store; 0: the store does not have it */
    const char *name, *label;
    const char *tag;     /* the label; with "/0", "/1", ... where folds or repeats share it */
    const char *content; /* NULL: it was never built */
    int32_t number;      /* in the plan */
};

struct rh_recalled {
    struct rh_store *store;
    int64_t experiment; /* in the store */
    const struct rh_plan *plan;
    struct rh_recalled_problem *problem; /* [n_problems] in the order of the plan */
    int32_t n_problems;
    struct rh_loader loader;
};

/* Number of an experiment. RH_EINVAL: there is none of this name; says the nearest. */
int rh_recall_experiment(struct rh_store *s, const char *name, int64_t *out, struct rh_error *err);

/* RH_EINVAL: no such experiment. `in` brings the folders; its file, text and settings are the
 * experiment's. All is in the arena but the loader, which the caller releases. */
int rh_recall(struct rh_arena *a, struct rh_store *s, const char *name, const struct rh_plan_input *in,
              struct rh_registry *registry, struct rh_data_env *env, struct rh_recalled *out, struct rh_error *err);

/* The problem with this name, label or tag. RH_EINVAL: there is none, or there are several, or no name is given; says
 * which there are. */
int rh_recall_find(const struct rh_recalled *r, const char *name, const struct rh_recalled_problem **out,
                   struct rh_error *err);

/* Builds it. RH_EDATA: what comes out is not what was stored, because data, program or settings have changed. */
int rh_recall_build(struct rh_recalled *r, const struct rh_recalled_problem *p, struct rh_problem **out,
                    struct rh_error *err);

#endif
