/* The values that a metric has for users, put together from the runs of a row. The same user may be asked on several
 * problems of a part (folds, seeds), and a problem may have several runs of one row (seeds of the algorithm). */
#ifndef RH_REPORT_USERS_H
#define RH_REPORT_USERS_H

#include "report/results.h"

/* The queries of a part, one after another: those of its first problem, of its second, ...; and who asks them. */
struct rh_users {
    int64_t n;        /* users */
    int64_t n_queries;
    int64_t *start;   /* [n_problems + 1] where the queries of a problem start */
    int32_t *user;    /* [n_queries] numbers by the order of the ids; NULL: one problem, each query another user */
    const struct rh_part *part;
};

int rh_users_load(struct rh_store *s, struct rh_arena *a, const struct rh_part *p, struct rh_users *out,
                  struct rh_error *err);

/* Values of a row, query by query: sums over the runs where they are defined, and how many those are. */
struct rh_query_values {
    double *sum;        /* [n_queries] */
    int32_t *count;     /* [n_queries] */
    bool mean_of_users; /* each run's value is the mean of these; else it is pooled otherwise, as RMSE is */
};
int rh_query_values_new(struct rh_arena *a, const struct rh_users *u, struct rh_query_values *out,
                        struct rh_error *err);
/* Starts anew with the values of `row`; those of failed and stale runs stay away. */
int rh_query_values_load(struct rh_store *s, const struct rh_users *u, const struct rh_row *row, const char *metric,
                         struct rh_query_values *out, struct rh_error *err);

/* The 8 bytes of a double in the store. */
double rh_little_endian_double(const unsigned char *p);

static inline int64_t rh_user_of(const struct rh_users *u, int64_t query)
{
    return u->user ? u->user[query] : query;
}

#endif
