/* From the plan of a problem to the problem: its domains are loaded, once for all problems that follow each other. */
#ifndef RH_RUN_BUILD_H
#define RH_RUN_BUILD_H

#include "config/plan.h"
#include "split/problem.h"

#define RH_MOST_DOMAINS 16 /* sources of one problem */

/* Zero but for env and log, to start with. */
struct rh_loader {
    const struct rh_data_env *env;
    struct rh_log *log;
    struct rh_loaded {
        const struct rh_dataset *dataset;
        const char *domain; /* its name: within one plan the two decide the content */
        struct rh_domain_data *data;
        bool used; /* by the problem at hand */
    } loaded[2 * RH_MOST_DOMAINS];
    int32_t n;
};

/* The domains of the last problem built stay loaded, those that it has no use for are given back: so free a problem
 * before the next is built. */
int rh_loader_build(struct rh_loader *x, const struct rh_plan_problem *q, struct rh_problem **out,
                    struct rh_error *err);
void rh_loader_release(struct rh_loader *x);

#endif
