/* Why a model scores an item as it does: one fitted run asked about one user. */
#ifndef RH_RUN_EXPLAIN_H
#define RH_RUN_EXPLAIN_H

#include "config/plan.h"
#include "plugin/instance.h"
#include "run/build.h"
#include "split/problem.h"

/* Which run: the first of these labels in the plan. */
struct rh_explain_which {
    const char *algorithm; /* section or label; NULL: the only one there is */
    const char *problem;   /* name or label; NULL: the only one there is */
};

/* A run brought back to life: its problem, and its model from a file or fitted again. */
struct rh_revived {
    const struct rh_plan_algorithm *algorithm;
    struct rh_problem *problem;
    struct rh_instance *instance;
    const char *model; /* the file that it came from; NULL: fitted now */
    bool folds;        /* it is one of several folds or repeats of its problem */
};

/* RH_EINVAL: no such run, or several, with the names there are; RH_EUNSUP: the algorithm does not explain, said before
 * any data is read. `store` may be NULL: then it is fitted. The log is told of a fit. All is in the arena but problem
 * and instance, which rh_revived_release gives back, whatever the status is. */
int rh_revive(struct rh_arena *a, const struct rh_plan *plan, const struct rh_explain_which *which,
              struct rh_loader *loader, struct rh_store *store, int threads, struct rh_log *log,
              struct rh_revived *out, struct rh_error *err);
void rh_revived_release(struct rh_revived *r);

/* The user with this id. RH_EINVAL: there is none. */
int rh_explain_user(const struct rh_problem *p, const char *id, int32_t *out, struct rh_error *err);
/* The target item with this id, else the only one with this title. RH_EINVAL: there is none, or several of them. */
int rh_explain_item(const struct rh_problem *p, const char *name, int32_t *out, struct rh_error *err);

struct rh_explained {
    int32_t item;
    float score;
    int32_t above, tied; /* candidates with a larger score, and with the same, itself among them; tied 0: it is no
                            candidate: the user has it already, or the problem does not ask for it */
    int32_t n_reasons;
    const int32_t *reason; /* [n_reasons] items of the history, most important first */
    const float *weight;   /* [n_reasons] */
};

struct rh_explanation {
    int32_t n_history;    /* items of the target that the model looks at */
    int32_t n_candidates; /* that are ranked */
    int32_t n;
    const struct rh_explained *item; /* [n] the item asked for, if any, then the best candidates, best first */
};

/* The user's query is the test query where there is one, else what the train part has of the user. `item` -1: none is
 * asked for. RH_EUNSUP: the user was not in training, and the algorithm cannot score such. In the arena. */
int rh_explain(struct rh_arena *a, const struct rh_revived *r, int32_t user, int32_t item, int32_t top,
               int32_t most_reasons, struct rh_explanation *out, struct rh_error *err);

#endif
