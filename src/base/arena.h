/* Memory that is given back all at once. Blocks are zeroed, 64-byte aligned and stay where they are, so pointers
 * into an arena survive a snapshot and its restoration. Not thread-safe: one arena a thread or one owner. */
#ifndef RH_BASE_ARENA_H
#define RH_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct rh_arena_chunk;

struct rh_arena {
    struct rh_arena_chunk *first, *last;
    size_t used;  /* bytes handed out, with alignment */
    size_t peak;  /* largest `used` so far */
    size_t limit; /* refuse to go beyond this many bytes; 0: no limit */
};

/* A point to return to. */
struct rh_arena_mark {
    struct rh_arena_chunk *chunk;
    size_t chunk_used, used;
};

/* A zeroed struct rh_arena is ready for use. */
void *rh_alloc(struct rh_arena *a, size_t n, size_t elem); /* NULL: no memory, over the limit, or overflow */
char *rh_arena_strdup(struct rh_arena *a, const char *s);
char *rh_arena_strndup(struct rh_arena *a, const char *s, size_t n);
/* A copy without the white space at both ends. */
char *rh_arena_trim(struct rh_arena *a, const char *s, size_t n);
char *rh_arena_printf(struct rh_arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void *rh_arena_copy(struct rh_arena *a, const void *p, size_t n, size_t elem);

struct rh_arena_mark rh_arena_mark(const struct rh_arena *a);
/* Gives back all that was allocated after the mark; the memory is kept for the next use. */
void rh_arena_rewind(struct rh_arena *a, struct rh_arena_mark m);
void rh_arena_release(struct rh_arena *a);

/* A copy of the contents of the whole arena, to be put back in place later. Allocations made after the snapshot are
 * kept by a restoration, with their contents. */
struct rh_snapshot {
    unsigned char *bytes;
    size_t capacity;
    size_t used; /* 0: nothing taken */
};
bool rh_snapshot_take(struct rh_snapshot *s, const struct rh_arena *a); /* false: no memory; s is unchanged */
void rh_snapshot_restore(const struct rh_snapshot *s, struct rh_arena *a);
void rh_snapshot_release(struct rh_snapshot *s);

#endif
