/* A table that numbers texts from 0 in the order of their first appearance. The texts are borrowed. */
#ifndef RH_SPLIT_NAMES_H
#define RH_SPLIT_NAMES_H

#include "base/arena.h"
#include "base/error.h"

struct rh_names {
    const char **name; /* [n] */
    int32_t n, capacity;
    int32_t *slot; /* [mask + 1] number + 1, 0: free; open addressing, at most half full */
    uint32_t mask;
};

/* Room for `capacity` texts, all of it taken from the arena at once. */
int rh_names_init(struct rh_names *t, struct rh_arena *a, int64_t capacity, struct rh_error *err);
/* The number of `s`; a new text gets the next one. */
int32_t rh_names_add(struct rh_names *t, const char *s);
/* The number of `s`, or -1. */
int32_t rh_names_find(const struct rh_names *t, const char *s);

#endif
