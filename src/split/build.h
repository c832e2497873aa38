/* What the parts of the problem builder share: users.c, join.c, queries.c, leakage.c and problem.c, which calls them
 * in this order. Private to split/. Domain 0 is the target, 1 .. are the sources. */
#ifndef RH_SPLIT_BUILD_H
#define RH_SPLIT_BUILD_H

#include "split/problem.h"

struct rh_build {
    const struct rh_problem_spec *spec;
    struct rh_problem *p;
    struct rh_arena work; /* gone when the problem is built */
    int32_t n_domains;
    const struct rh_domain_data **domain; /* [n_domains], in the problem's arena */
    struct rh_domain *view;               /* [n_domains] what becomes train.domain */
    const int32_t **user;                 /* [n_domains][n_users] the domain's number of this problem user, or -1 */
    uint8_t **label;                      /* [n_domains][rows of the domain] enum rh_part */
};

/* rh_alloc, with the usual sentence in err. */
static inline void *rh_build_alloc(struct rh_arena *a, size_t n, size_t elem, const char *what, struct rh_error *err)
{
    void *p = rh_alloc(a, n, elem);
    if (!p)
        rh_fail_memory(err, what, n * elem);
    return p;
}

/* Number of users, their ids, and which user of each domain they are. */
int rh_build_users(struct rh_build *b, struct rh_error *err);
/* Joins item and user feature blocks by name. */
int rh_build_features(struct rh_build *b, struct rh_error *err);
/* The train view of every domain, then the queries of test and validation. */
int rh_build_train(struct rh_build *b, struct rh_error *err);
int rh_build_queries(struct rh_build *b, struct rh_error *err);
/* Fills in p->leakage; looks at the finished problem, not at what the builder meant to do. */
int rh_build_leakage(struct rh_build *b, struct rh_error *err);

#endif
