/* Compressed sparse rows in work: sorted, without duplicates, filtered, numbered again. Part of the builder. */
#ifndef RH_DATA_CSR_H
#define RH_DATA_CSR_H

#include "data/dataset.h"
#include "data/ids.h"

struct rh_csr {
    int32_t n_users, n_items;
    int64_t n_rows;
    int64_t *row;      /* [n_users + 1] */
    int32_t *item;     /* [n_rows] */
    float *value;      /* [n_rows] or NULL */
    int64_t *time;     /* [n_rows] or NULL */
    int32_t *position; /* [n_rows] */
    uint8_t *given;    /* [n_rows] or NULL */
};

struct rh_ledger {
    int32_t n;
    struct rh_removed entry[8];
};

/* Zeroed arrays in the arena. */
int rh_csr_new(struct rh_arena *a, int32_t n_users, int32_t n_items, int64_t n_rows, bool has_value, bool has_time,
               bool has_given, struct rh_csr *out, struct rh_error *err);

/* Adds to *e how many users and items of the id maps have no row. */
void rh_csr_count_lost(const struct rh_csr *c, struct rh_removed *e);

/* Sorts every row by item (before: by position), resolves duplicates by the rule. Names the ids in the refusal. */
int rh_csr_duplicates(struct rh_csr *c, int rule, const struct rh_ids *user, const struct rh_ids *item, int threads,
                      struct rh_removed *e, struct rh_error *err);
/* Drops ratings outside [lo, hi]. */
int rh_csr_rating(struct rh_csr *c, double lo, double hi, struct rh_removed *e, struct rh_error *err);
/* Keeps the largest part in which every user has `users` rows and every item `items`. */
int rh_csr_core(struct rh_csr *c, int64_t users, int64_t items, struct rh_removed *e, struct rh_error *err);

struct rh_csr_order { /* what has become of the old numbers; NULL: nothing changed */
    int32_t *user; /* [new n_users] old number of each new one */
    int32_t *item; /* [new n_items] */
};
/* Numbers users, items and positions anew, by first appearance among the rows that are left; the new arrays are in
 * `a`, the old ones are not used any more. */
int rh_csr_renumber(struct rh_csr *c, struct rh_arena *a, struct rh_csr_order *order, int threads,
                    struct rh_error *err);
void rh_csr_order_release(struct rh_csr_order *order);

#endif
