/* The nearest neighbours of every item, by how items occur together in the rows of users.
 *
 * With x(i, j) the co-occurrence of two items - the number of users that have both, or the sum over them of value(u,
 * i) * value(u, j) - the similarity that item i, the owner of a list, gives to item j is
 *
 *     s(i, j) = x(i, j) / (a[i] * b[j] + (own_c[i] + c[j]) + shrinkage - gamma * x(i, j))
 *
 * which is cosine with a = b = norms; Jaccard with a = b = 0, c = counts, gamma = 1; conditional probability with a
 * = counts, b = counts^alpha; lib/similarity.h has more of them. Only s > 0 counts (and a denominator > 0); of equal
 * similarities the lower item index comes first. Similarities are computed in double and kept as float.
 *
 * Time: counts by lib/tally.h, values by one multiplication for each user and pair of items; then some operations a
 * pair of items. No more of the matrix x than a row a thread is ever in memory; lists while at work and result: 8 k
 * bytes an item each. The result is the same on any number of threads. */
#ifndef RH_ALGORITHMS_NEIGHBORS_H
#define RH_ALGORITHMS_NEIGHBORS_H

#include <rh/plugin.h>

struct rh_neighbor_job {
    const struct rh_domain *domain;
    int32_t n_users;
    const float *value;      /* [interactions] in the order of domain->item, or NULL: count */
    const double *a, *b, *c; /* [n_items] each, >= 0 */
    const double *own_c;     /* [n_items] >= 0, or NULL: c */
    double gamma, shrinkage; /* shrinkage >= 0 */
    int32_t k;               /* length of a list at most, > 0 */
};

/* Lists of items, one an item; inside a list in no promised (but always the same) order. */
struct rh_neighbors {
    int32_t n_items;
    const int64_t *row;  /* [n_items + 1] offsets */
    const int32_t *item; /* [row[n_items]] */
    float *weight;       /* [row[n_items]] similarities */
};

/* The memory of the result is the run's (host->alloc). RH_ENOMEM, RH_ECANCEL. */
int rh_neighbors_find(struct rh_ctx *ctx, const struct rh_neighbor_job *job, struct rh_neighbors *out);

/* Turns lists round: j stands in the list of i in `out` when i stands in the list of j in `in`; lists ascend. The
 * memory is the run's. RH_ENOMEM. */
int rh_neighbors_transpose(struct rh_ctx *ctx, const struct rh_neighbors *in, struct rh_neighbors *out);

/* Scales the weights of each list to the sum 1. */
void rh_neighbors_scale(struct rh_neighbors *lists);

/* Saves or loads lists of n_items items, from a plugin's persist. RH_EDATA: loaded lists that cannot be right. */
int rh_neighbors_persist(struct rh_ctx *ctx, int32_t n_items, struct rh_neighbors *lists);

/* What is left of a fit when scores are sums over the history: an item of it brings weights to other items, times its
 * rating with `weighted`. An item that nothing in the history leads to gets 0. */
struct rh_neighbor_model {
    struct rh_neighbors brings;
    int32_t target; /* the domain whose history counts */
    bool weighted;
};

/* Callbacks of a plugin whose state is a struct rh_neighbor_model. Time: n_items + |history| k a query. */
int rh_neighbor_model_score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                            size_t stride);
int rh_neighbor_model_explain(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t item,
                              int32_t max, int32_t *why, float *weight);
int rh_neighbor_model_persist(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state);

#endif
