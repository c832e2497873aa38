/* A split: the protocol that says, row by row, what of the target domain may be seen and what is asked. One file a
 * protocol; each ends with one const descriptor and is listed in split/splits.c. A split only labels rows: building
 * queries, masks, features and leakage counts is the same for all (split/problem.c). */
#ifndef RH_SPLIT_SPLIT_H
#define RH_SPLIT_SPLIT_H

#include "data/domain.h"

enum rh_part {
    RH_TRAIN = 0,              /* seen by fit; in the history of this user's queries */
    RH_TEST = 1,               /* asked */
    RH_VALIDATION = 2,         /* asked while fitting (early stopping); masked in test queries */
    RH_SUPPORT = 3,            /* not seen by fit; in the history of this user's test query (k-shot) */
    RH_VALIDATION_SUPPORT = 4, /* the same for the validation query */
    RH_UNUSED = 5              /* in no part; counted */
};

struct rh_split_input {
    const struct rh_domain_data *target;
    int32_t n_sources;
    const struct rh_domain_data *const *source; /* [n_sources] */
    /* source_user[s][u]: the user of source s that is user u of the target (same id), or -1 */
    const int32_t *const *source_user;
    uint64_t seed;         /* streams: rh_stream(seed, identity, purpose, index) */
    const char *identity;  /* of the data: the same seed on the same data gives the same split in any experiment */
    int32_t fold, n_folds; /* 0 and 1 unless the split makes folds */
};

struct rh_split_output {
    uint8_t *target;        /* [target N] enum rh_part, zeroed: RH_TRAIN */
    uint8_t *const *source; /* [n_sources][source N] zeroed: kept; RH_UNUSED drops the row (time cuts) */
    int32_t *order;         /* [target N] rh_domain.order of each row; filled with its position in the files */
    bool ordered;           /* set when the split wrote an order of its own, which then belongs to the content */
};

struct rh_split {
    const char *name, *summary, *reference;
    uint32_t revision;
    bool needs_time, needs_given, needs_sources;
    bool warm_support; /* support rows may belong to users who train, too */
    const struct rh_param *params;
    size_t params_size;
    int32_t (*folds)(const void *params); /* how many problems it makes; NULL: one */
    int (*check)(const void *params, struct rh_error *err); /* rules between parameters; may be NULL */
    int (*label)(const struct rh_split_input *in, const void *params, struct rh_split_output *out,
                 struct rh_error *err);
};

/* All splits, NULL-terminated, and one by name (or NULL). */
const struct rh_split *const *rh_splits(void);
const struct rh_split *rh_split_find(const char *name);

#endif
