/* What algorithms that predict ratings share: the training rows in the order in which they came, the mean, and the
 * baseline of Koren 2010, "Factor in the neighbors" (ACM TKDD 4(1)), mu + b(u) + b(i). */
#ifndef RH_ALGORITHMS_RATING_H
#define RH_ALGORITHMS_RATING_H

#include <rh/plugin.h>

/* Candidate c of a query. */
static inline int32_t rh_candidate(const struct rh_query *q, int32_t c)
{
    return q->candidate ? q->candidate[c] : c;
}

/* The target of train, when it has ratings and rows; else NULL, and the failure is recorded in *status. */
const struct rh_domain *rh_rated_target(struct rh_ctx *ctx, const struct rh_train *train, int *status);

/* Mean of n ratings, 0 of none. */
double rh_mean_rating(const float *value, int64_t n);

/* The rows of a domain user by user, users and the rows of each in the order of domain.order. That order is what
 * gradient descent depends on: it is that of Surprise's Trainset.all_ratings(). */
struct rh_sequence {
    int32_t n_users, n_items; /* that have rows */
    int32_t *user;            /* [n_users] in the order in which they appear first */
    int32_t *item;            /* [n_items] likewise */
    int64_t *begin;           /* [n_users + 1] rows of user[k] */
    int32_t *row_item;        /* [begin[n_users]] */
    float *row_value;         /* [begin[n_users]] */
};
/* In alloc memory: 8 bytes a row; scratch: 8 more. */
int rh_sequence_make(struct rh_ctx *ctx, const struct rh_domain *d, int32_t n_users, struct rh_sequence *out);

/* The rows of a domain item by item, those of an item in the order of domain.order. */
struct rh_by_item {
    int64_t *begin; /* [n_items + 1] */
    int32_t *user;  /* [begin[n_items]] */
    float *value;   /* [begin[n_items]] */
};
int rh_by_item_make(struct rh_ctx *ctx, const struct rh_domain *d, int32_t n_users, struct rh_by_item *out);

struct rh_baseline {
    double mean;
    double *user, *item; /* [n_users], [n_items]; 0 without rows */
};
/* Alternating least squares: `epochs` times b(i) = sum (r - mu - b(u)) / (item_damping + n(i)), then the users alike.
 * `out` is in alloc memory. */
int rh_baseline_als(struct rh_ctx *ctx, const struct rh_domain *d, int32_t n_users, double user_damping,
                    double item_damping, int64_t epochs, struct rh_baseline *out);

#endif
