/* Rows of user, item, rating and time become a domain: ids, compressed sparse rows, duplicates resolved, filters
 * applied and accounted for. Features are joined afterwards (data/features.h). */
#ifndef RH_DATA_BUILDER_H
#define RH_DATA_BUILDER_H

#include "data/dataset.h"
#include "data/ids.h"

struct rh_builder { /* zero it to start; what the rows have must be the same for all of them */
    bool has_value, has_time, has_given;
    struct rh_ids user, item;
    int64_t n, capacity;
    int32_t *row_user, *row_item; /* [n] numbers in the id maps */
    float *row_value;             /* [n] if has_value */
    int64_t *row_time;            /* [n] if has_time; RH_NO_TIME: unknown */
    uint8_t *row_given;           /* [n] if has_given: enum rh_given_part */
};

/* Room for `more` rows. RH_EDATA: more than 2^31 - 1 rows. */
int rh_builder_reserve(struct rh_builder *b, int64_t more, struct rh_error *err);

/* Appends a row; room must have been reserved. */
static inline void rh_builder_push(struct rh_builder *b, int32_t user, int32_t item, float value, int64_t time,
                                   uint8_t given)
{
    int64_t k = b->n++;
    b->row_user[k] = user;
    b->row_item[k] = item;
    if (b->has_value)
        b->row_value[k] = value;
    if (b->has_time)
        b->row_time[k] = time;
    if (b->has_given)
        b->row_given[k] = given;
}

/* Forgets all rows and ids from these numbers on: a file is read again in another way. */
void rh_builder_rewind(struct rh_builder *b, int64_t n, int32_t n_users, int32_t n_items);

/* Adds an id; RH_EDATA when there are 2^31 - 2 already. */
int rh_builder_id(struct rh_ids *ids, const char *what, const char *s, size_t n, int32_t *out, struct rh_error *err);

struct rh_build {
    const char *name;                     /* of the domain */
    const struct rh_data_options *options;
    int64_t from, until;                  /* time window, both included; INT64_MIN, INT64_MAX: open */
    bool scaled;                          /* the rating scale is given, else as found */
    float scale_min, scale_max;
    int threads;
};

/* Makes the domain without features and without its hash; frees the rows early, and the builder in any case.
 * RH_EDATA: no row is left, or a duplicate where none is allowed. Free with rh_domain_data_free. */
int rh_builder_finish(struct rh_builder *b, const struct rh_build *how, struct rh_domain_data **out,
                      struct rh_error *err);
void rh_builder_release(struct rh_builder *b);

#endif
