/* A loaded domain: interactions as compressed sparse rows, features, ids and titles of one dataset.
 *
 * Immutable after loading. All arrays live in one arena or in one read-only memory map of a cache file; the reader of
 * this header need not know which. Users and items are numbered from 0 in the order of their ids' first appearance in
 * the source files after filters. Shapes: U = n_users, I = n_items, N = n_rows. */
#ifndef RH_DATA_DOMAIN_H
#define RH_DATA_DOMAIN_H

#include "base/arena.h"
#include "base/hash.h"
#include <rh/plugin.h>

/* n NUL-terminated UTF-8 texts in one pool. */
struct rh_strings {
    int32_t n;
    const int64_t *offset; /* [n + 1] into pool */
    const char *pool;
};
static inline const char *rh_string(const struct rh_strings *s, int32_t i)
{
    return s->pool + s->offset[i];
}

/* A block of features with the names of its columns (none for a dense block). features.name == name. */
struct rh_block {
    const char *name;
    struct rh_strings column; /* n == features.n_cols, or 0 for dense */
    struct rh_features features;
};

/* One step of the filter ledger: what it removed. */
struct rh_removed {
    char step[64]; /* "rating >= 3", "5-core", "duplicates (kept last)" */
    int64_t rows;
    int64_t users, items; /* that have no row left because of this step */
};

/* Part of a row in a dataset with predefined train and test files. */
enum rh_given_part { RH_GIVEN_NONE = 0, RH_GIVEN_TRAIN = 1, RH_GIVEN_VALIDATION = 2, RH_GIVEN_TEST = 3 };

struct rh_domain_data {
    const char *name;          /* "movies" */
    char content[RH_HASH_HEX]; /* SHA-256 over all that follows: equal content, equal hash */
    int32_t n_users, n_items;
    int64_t n_rows;
    struct rh_strings user_id; /* [U] as in the files */
    struct rh_strings item_id; /* [I] */
    struct rh_strings title;   /* [I], or n == 0; an unknown title is "" */
    const int64_t *row;        /* [U + 1] */
    const int32_t *item;       /* [N] ascending inside a row, none twice */
    const float *value;        /* [N], or NULL: implicit feedback */
    const int64_t *time;       /* [N] unix seconds, or NULL; RH_NO_TIME where unknown */
    const int32_t *position;   /* [N] number of the row in the source files, after filters: file order */
    const uint8_t *given;      /* [N] enum rh_given_part, or NULL */
    /* [U], [I] 1: the publisher calls this user, or item, cold; both or neither is NULL: nothing is said */
    const uint8_t *cold_user, *cold_item;
    float value_min, value_max; /* the rating scale; 0, 0 when implicit */
    int32_t n_item_blocks, n_user_blocks;
    const struct rh_block *item_block; /* [n_item_blocks] each with n_rows == I */
    const struct rh_block *user_block; /* [n_user_blocks] each with n_rows == U */
    int32_t n_removed;
    const struct rh_removed *removed; /* [n_removed] in the order of the steps */

    /* ownership: one of the two */
    struct rh_arena arena;
    void *map;
    size_t map_size;
};

#define RH_NO_TIME INT64_MIN

/* Fills in `content`. Called once by whoever builds a domain. */
void rh_domain_data_hash(struct rh_domain_data *d);
/* Checks every promise of this header; RH_EBUG with the broken one. For tests, and after a cache is mapped. */
int rh_domain_data_check(const struct rh_domain_data *d, struct rh_error *err);
/* Frees the domain and `d` itself (allocated with malloc); NULL is fine. */
void rh_domain_data_free(struct rh_domain_data *d);

#endif
