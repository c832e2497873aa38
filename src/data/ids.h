/* Texts numbered from 0 in the order of their first appearance: the id maps of users and items, the columns of
 * feature blocks. A hash table over one pool of texts; ids that are plain integers, as in most rating files, take a
 * table without hashing. */
#ifndef RH_DATA_IDS_H
#define RH_DATA_IDS_H

#include "data/domain.h"

struct rh_ids { /* zero it to start */
    int32_t n;
    int64_t *offset; /* [n + 1] */
    char *pool;
    size_t pool_n, pool_capacity;
    int32_t capacity; /* of offset, less one */
    int32_t *direct;  /* [direct_n] number + 1 of the id that is this integer; 0: not there */
    uint32_t direct_n;
    struct rh_ids_slot *slot; /* [n_slots] open addressing, for all other texts */
    uint32_t n_slots, n_hashed;
};

#define RH_IDS_DIRECT (1u << 24) /* integers below it are looked up without hashing */
#define RH_IDS_FULL (-1)
#define RH_IDS_MEMORY (-2)

/* The number of a text, which is added when it is new. RH_IDS_FULL: there are 2^31 - 2 already; RH_IDS_MEMORY. A text
 * that reads like an integer below RH_IDS_DIRECT, without sign and leading zeros, is the same as that integer. */
int32_t rh_ids_add(struct rh_ids *ids, const char *s, size_t n);
int32_t rh_ids_add_int_slowly(struct rh_ids *ids, uint32_t x);
int32_t rh_ids_find(const struct rh_ids *ids, const char *s, size_t n); /* -1: not there */
void rh_ids_truncate(struct rh_ids *ids, int32_t n); /* forgets the texts from number n on */
void rh_ids_release(struct rh_ids *ids);

/* True when the text is such an integer. */
bool rh_ids_integer(const char *s, size_t n, uint32_t *out);

/* The same for an integer below RH_IDS_DIRECT. */
static inline int32_t rh_ids_add_int(struct rh_ids *ids, uint32_t x)
{
    if (x < ids->direct_n && ids->direct[x])
        return ids->direct[x] - 1;
    return rh_ids_add_int_slowly(ids, x);
}

static inline const char *rh_ids_text(const struct rh_ids *ids, int32_t i)
{
    return ids->pool + ids->offset[i];
}

/* The texts of order[0 .. n), or of all when order is NULL, in the arena. */
int rh_ids_strings(const struct rh_ids *ids, const int32_t *order, int32_t n, struct rh_arena *a,
                   struct rh_strings *out, struct rh_error *err);

#endif
