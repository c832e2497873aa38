/* All systems (rows) of a part side by side: one value a user and system, for statistics that look at all at once. */
#ifndef RH_REPORT_SYSTEMS_H
#define RH_REPORT_SYSTEMS_H

#include "report/users.h"

struct rh_systems {
    const struct rh_row **row; /* [n] those that have values of users, in the order of the part */
    int32_t n;
    bool *complete;            /* [n_queries of the users] all of these systems have a value */
    double *value;             /* [n_users x n] means over the complete queries; users ascending by number */
    int64_t n_users;           /* with a complete query */
};

/* `users` are those of the part. A failed fold of one system takes that fold from all: only so do they stand side by
 * side. All is in the arena. */
int rh_systems_load(struct rh_store *s, struct rh_arena *a, const struct rh_users *users, const char *metric,
                    struct rh_systems *out, struct rh_error *err);
/* The place of a row among the systems; -1: it has no values. */
int32_t rh_systems_find(const struct rh_systems *s, const struct rh_row *row);
/* Forgets the values of queries that not all systems have. */
void rh_systems_mask(const struct rh_systems *s, int64_t n_queries, struct rh_query_values *v);

/* Randomised Tukey HSD (Carterette 2012; Sakai 2018): under the hypothesis that all systems are alike, the systems'
 * labels may be exchanged inside every user. Of RH_TUKEY_PERMUTATIONS such exchanges the largest difference between two
 * means is kept, and p of a pair is the share of them at least as large as the pair's own difference, the observed
 * labels counted in (Phipson and Smyth 2010). p [n x n], symmetric, 1 on the diagonal: corrected for all pairs of
 * systems; all NaN with fewer than two users or systems. `critical` (or NULL) is the difference of two means beyond
 * which p is below `level`. The random numbers come from `identity`; the result does not depend on the number of
 * threads. O(permutations x users x systems). */
#define RH_TUKEY_PERMUTATIONS 10000
int rh_tukey(struct rh_arena *a, const double *value, int64_t n_users, int32_t n, const char *identity, double level,
             double *p, double *critical, struct rh_error *err);

#endif
