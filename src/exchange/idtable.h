/* From the items of a file to numbers of one's own: a table of ids. */
#ifndef RH_EXCHANGE_IDTABLE_H
#define RH_EXCHANGE_IDTABLE_H

#include "exchange/runfile.h"

struct rh_id_table {
    uint32_t *slot; /* [slots] id + 1 */
    uint32_t slots;
    const char *const *id; /* [n] borrowed */
};

/* A table of n different ids, in the arena. RH_ENOMEM. */
int rh_id_table_make(struct rh_arena *a, const char *const *id, int32_t n, struct rh_id_table *out,
                     struct rh_error *err);
/* The number of an id, or -1. */
int32_t rh_id_table_find(const struct rh_id_table *t, struct rh_span id);

#endif
