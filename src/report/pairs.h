/* Pairs of two rows of a part: for each user who has a value of both, what one algorithm got and what the other got. */
#ifndef RH_REPORT_PAIRS_H
#define RH_REPORT_PAIRS_H

#include "report/paired.h"
#include "report/users.h"

struct rh_pairs {
    const struct rh_users *users;
    struct rh_query_values base, other;
    double *mine, *theirs; /* [n] means of the other and of the base over the queries that both have */
    double *difference;    /* [n] mine - theirs */
    int32_t *stratum;      /* [n] the one problem of these queries, or n_problems: several */
    int64_t *who;          /* [n] the user's number, ascending */
    int32_t *count;        /* [users] work */
    int64_t n;
};

/* Room for the pairs of a part, whose users stay the caller's. */
int rh_pairs_new(struct rh_arena *a, const struct rh_users *u, struct rh_pairs *out, struct rh_error *err);

/* One pair a user, from the values in `base` and `other`; folds and seeds average only what both were asked. */
void rh_pairs_make(struct rh_pairs *p);

/* The statistics of the pairs. The random numbers come from the five names alone, so that a table and a comparison say
 * the same of the same difference. */
struct rh_pair_names {
    const char *experiment, *metric, *problem, *base, *other;
};
int rh_pairs_statistics(struct rh_arena *a, const struct rh_pairs *p, enum rh_test test,
                        const struct rh_pair_names *names, struct rh_paired *out, struct rh_error *err);

#endif
