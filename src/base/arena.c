#include "base/arena.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGN 64u
#define SMALLEST_CHUNK ((size_t)64 * 1024)
#define HUGE_PAGE ((uintptr_t)2 << 20)

struct rh_arena_chunk {
    struct rh_arena_chunk *next;
    size_t size;  /* usable bytes behind this header */
    size_t used;  /* bytes handed out */
    size_t dirty; /* bytes that may be other than zero: handed out at some time */
    _Alignas(ALIGN) unsigned char bytes[];
};

static size_t round_up(size_t n)
{
    return (n + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
}

/* Large tables are read in places that lie far apart: with pages of 4 KiB each such access looks up its page too, which
 * costs more than the access, and so does the first touch of each. A wish; whether it comes true changes no number. */
static void ask_for_huge_pages(void *raw, size_t size)
{
#ifdef MADV_HUGEPAGE
    uintptr_t begin = ((uintptr_t)raw + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
    uintptr_t end = ((uintptr_t)raw + size) & ~(HUGE_PAGE - 1);
    if (begin < end)
        (void)madvise((void *)begin, end - begin, MADV_HUGEPAGE);
#else
    (void)raw;
    (void)size;
#endif
}

static struct rh_arena_chunk *chunk_new(size_t size)
{
    /* calloc: the system hands out zero pages on first touch only. */
    size_t whole = sizeof(struct rh_arena_chunk) + size + ALIGN + sizeof(void *);
    void *raw = calloc(1, whole);
    if (!raw)
        return NULL;
    ask_for_huge_pages(raw, whole);
    uintptr_t p = ((uintptr_t)raw + sizeof(void *) + ALIGN - 1) & ~(uintptr_t)(ALIGN - 1);
    ((void **)p)[-1] = raw;
    struct rh_arena_chunk *c = (void *)p;
    c->size = size;
    return c;
}

void *rh_alloc(struct rh_arena *a, size_t n, size_t elem)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, elem, &bytes) || bytes > SIZE_MAX / 2)
        return NULL;
    bytes = round_up(bytes ? bytes : 1);
    if (a->limit && a->used + bytes > a->limit)
        return NULL;
    struct rh_arena_chunk *c = a->last;
    while (c && c->size - c->used < bytes && c->next) {
        c = c->next; /* kept by a rewind */
        c->used = 0;
    }
    if (!c || c->size - c->used < bytes) {
        size_t size = a->used / 2; /* grow geometrically, so that small blocks make few chunks */
        if (size > (size_t)64 << 20)
            size = (size_t)64 << 20;
        if (size < SMALLEST_CHUNK)
            size = SMALLEST_CHUNK;
        if (size < bytes)
            size = bytes;
        struct rh_arena_chunk *fresh = chunk_new(round_up(size));
        if (!fresh)
            return NULL;
        if (c)
            c->next = fresh;
        else
            a->first = fresh;
        c = fresh;
    }
    a->last = c;
    unsigned char *p = c->bytes + c->used;
    if (c->used < c->dirty) {
        size_t stale = c->dirty - c->used;
        memset(p, 0, stale < bytes ? stale : bytes);
    }
    c->used += bytes;
    if (c->dirty < c->used)
        c->dirty = c->used;
    a->used += bytes;
    if (a->used > a->peak)
        a->peak = a->used;
    return p;
}

char *rh_arena_strndup(struct rh_arena *a, const char *s, size_t n)
{
    char *copy = rh_alloc(a, n + 1, 1);
    if (copy)
        memcpy(copy, s, n);
    return copy;
}

char *rh_arena_trim(struct rh_arena *a, const char *s, size_t n)
{
    while (n && isspace((unsigned char)*s)) {
        s++;
        n--;
    }
    while (n && isspace((unsigned char)s[n - 1]))
        n--;
    return rh_arena_strndup(a, s, n);
}

char *rh_arena_strdup(struct rh_arena *a, const char *s)
{
    return rh_arena_strndup(a, s, strlen(s));
}

char *rh_arena_printf(struct rh_arena *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n < 0)
        return NULL;
    char *s = rh_alloc(a, (size_t)n + 1, 1);
    if (!s)
        return NULL;
    va_start(ap, fmt);
    vsnprintf(s, (size_t)n + 1, fmt, ap);
    va_end(ap);
    return s;
}

void *rh_arena_copy(struct rh_arena *a, const void *p, size_t n, size_t elem)
{
    void *copy = rh_alloc(a, n, elem);
    if (copy && n)
        memcpy(copy, p, n * elem);
    return copy;
}

struct rh_arena_mark rh_arena_mark(const struct rh_arena *a)
{
    return (struct rh_arena_mark){ a->last, a->last ? a->last->used : 0, a->used };
}

void rh_arena_rewind(struct rh_arena *a, struct rh_arena_mark m)
{
    /* Chunks behind the mark keep their memory; rh_alloc resets their `used` when it gets there. */
    a->last = m.chunk ? m.chunk : a->first;
    if (a->last)
        a->last->used = m.chunk ? m.chunk_used : 0;
    a->used = m.used;
}

void rh_arena_release(struct rh_arena *a)
{
    for (struct rh_arena_chunk *c = a->first, *next; c; c = next) {
        next = c->next;
        free(((void **)c)[-1]);
    }
    *a = (struct rh_arena){ .peak = a->peak, .limit = a->limit };
}

bool rh_snapshot_take(struct rh_snapshot *s, const struct rh_arena *a)
{
    if (s->capacity < a->used) {
        unsigned char *bytes = realloc(s->bytes, a->used);
        if (!bytes)
            return false;
        s->bytes = bytes;
        s->capacity = a->used;
    }
    size_t at = 0;
    for (struct rh_arena_chunk *c = a->first; c; c = c->next) {
        memcpy(s->bytes + at, c->bytes, c->used);
        at += c->used;
        if (c == a->last)
            break;
    }
    s->used = at;
    return true;
}

void rh_snapshot_restore(const struct rh_snapshot *s, struct rh_arena *a)
{
    size_t at = 0;
    for (struct rh_arena_chunk *c = a->first; c && at < s->used; c = c->next) {
        size_t n = s->used - at < c->used ? s->used - at : c->used;
        memcpy(c->bytes, s->bytes + at, n);
        at += n;
    }
}

void rh_snapshot_release(struct rh_snapshot *s)
{
    free(s->bytes);
    *s = (struct rh_snapshot){ 0 };
}
