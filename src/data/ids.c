#include "data/ids.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rh_ids_slot {
    uint32_t hash;
    int32_t number; /* + 1; 0: free */
};

bool rh_ids_integer(const char *s, size_t n, uint32_t *out)
{
    if (n == 0 || n > 8 || (s[0] == '0' && n > 1))
        return false;
    uint32_t x = 0;
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)(s[i] - '0') > 9)
            return false;
        x = x * 10 + (uint32_t)(s[i] - '0');
    }
    *out = x;
    return x < RH_IDS_DIRECT;
}

/* Eight bytes at a time through the mixer; ids are short. */
static uint32_t hash_text(const char *s, size_t n)
{
    uint64_t h = n, word;
    for (; n >= 8; s += 8, n -= 8) {
        memcpy(&word, s, 8);
        h = rh_mix64(h ^ word);
    }
    word = 0;
    memcpy(&word, s, n);
    return (uint32_t)(rh_mix64(h ^ word) >> 32);
}

static bool grow(void **p, size_t n, size_t elem)
{
    void *grown = realloc(*p, n * elem);
    if (grown)
        *p = grown;
    return grown != NULL;
}

static int32_t append(struct rh_ids *ids, const char *s, size_t n)
{
    if (ids->n >= INT32_MAX - 1)
        return RH_IDS_FULL;
    if (ids->n == ids->capacity) {
        int32_t capacity = ids->capacity < 1024            ? 1024
                           : ids->capacity > INT32_MAX / 2 ? INT32_MAX - 1
                                                           : ids->capacity * 2;
        if (!grow((void **)&ids->offset, (size_t)capacity + 1, sizeof *ids->offset))
            return RH_IDS_MEMORY;
        ids->capacity = capacity;
        ids->offset[0] = 0;
    }
    if (ids->pool_capacity - ids->pool_n < n + 1) {
        size_t capacity = ids->pool_capacity * 2 + n + 8192;
        if (!grow((void **)&ids->pool, capacity, 1))
            return RH_IDS_MEMORY;
        ids->pool_capacity = capacity;
    }
    if (n)
        memcpy(ids->pool + ids->pool_n, s, n);
    ids->pool[ids->pool_n + n] = '\0';
    ids->pool_n += n + 1;
    ids->offset[ids->n + 1] = (int64_t)ids->pool_n;
    return ids->n++;
}

int32_t rh_ids_add_int_slowly(struct rh_ids *ids, uint32_t x)
{
    if (x >= ids->direct_n) {
        uint32_t n = ids->direct_n ? ids->direct_n : 4096;
        while (n <= x)
            n *= 2;
        if (!grow((void **)&ids->direct, n, sizeof *ids->direct))
            return RH_IDS_MEMORY;
        memset(ids->direct + ids->direct_n, 0, (n - ids->direct_n) * sizeof *ids->direct);
        ids->direct_n = n;
    }
    if (ids->direct[x])
        return ids->direct[x] - 1;
    char text[16];
    int length = snprintf(text, sizeof text, "%u", x);
    int32_t number = append(ids, text, (size_t)length);
    if (number >= 0)
        ids->direct[x] = number + 1;
    return number;
}

static bool is_text(const struct rh_ids *ids, int32_t i, const char *s, size_t n)
{
    return (size_t)(ids->offset[i + 1] - ids->offset[i]) == n + 1 && !memcmp(ids->pool + ids->offset[i], s, n);
}

/* The slot of the text, or the free one where it belongs. */
static uint32_t probe(const struct rh_ids *ids, uint32_t hash, const char *s, size_t n)
{
    uint32_t mask = ids->n_slots - 1, at = hash & mask;
    while (ids->slot[at].number && (ids->slot[at].hash != hash || !is_text(ids, ids->slot[at].number - 1, s, n)))
        at = (at + 1) & mask;
    return at;
}

static bool more_slots(struct rh_ids *ids)
{
    uint32_t n = ids->n_slots ? ids->n_slots * 2 : 1024;
    struct rh_ids_slot *slot = n ? calloc(n, sizeof *slot) : NULL;
    if (!slot)
        return false;
    for (uint32_t i = 0; i < ids->n_slots; i++)
        if (ids->slot[i].number) {
            uint32_t at = ids->slot[i].hash & (n - 1);
            while (slot[at].number)
                at = (at + 1) & (n - 1);
            slot[at] = ids->slot[i];
        }
    free(ids->slot);
    ids->slot = slot;
    ids->n_slots = n;
    return true;
}

int32_t rh_ids_add(struct rh_ids *ids, const char *s, size_t n)
{
    uint32_t x;
    if (rh_ids_integer(s, n, &x))
        return rh_ids_add_int(ids, x);
    if (ids->n_hashed >= ids->n_slots / 2 && !more_slots(ids))
        return RH_IDS_MEMORY;
    uint32_t hash = hash_text(s, n), at = probe(ids, hash, s, n);
    if (ids->slot[at].number)
        return ids->slot[at].number - 1;
    int32_t number = append(ids, s, n);
    if (number >= 0) {
        ids->slot[at] = (struct rh_ids_slot){ hash, number + 1 };
        ids->n_hashed++;
    }
    return number;
}

int32_t rh_ids_find(const struct rh_ids *ids, const char *s, size_t n)
{
    uint32_t x;
    if (rh_ids_integer(s, n, &x))
        return x < ids->direct_n ? ids->direct[x] - 1 : -1;
    return ids->n_slots ? ids->slot[probe(ids, hash_text(s, n), s, n)].number - 1 : -1;
}

void rh_ids_truncate(struct rh_ids *ids, int32_t n)
{
    for (int32_t i = n; i < ids->n; i++) {
        uint32_t x;
        if (rh_ids_integer(rh_ids_text(ids, i), strlen(rh_ids_text(ids, i)), &x))
            ids->direct[x] = 0;
    }
    if (n < ids->n) {
        ids->n = n;
        ids->pool_n = (size_t)ids->offset[n];
    }
    /* Slots cannot be taken out of an open table one by one: fill it again. */
    if (ids->n_slots)
        memset(ids->slot, 0, ids->n_slots * sizeof *ids->slot);
    ids->n_hashed = 0;
    for (int32_t i = 0; i < ids->n; i++) {
        const char *s = rh_ids_text(ids, i);
        size_t length = strlen(s);
        uint32_t x;
        if (rh_ids_integer(s, length, &x))
            continue;
        uint32_t hash = hash_text(s, length), at = probe(ids, hash, s, length);
        ids->slot[at] = (struct rh_ids_slot){ hash, i + 1 };
        ids->n_hashed++;
    }
}

void rh_ids_release(struct rh_ids *ids)
{
    free(ids->offset);
    free(ids->pool);
    free(ids->direct);
    free(ids->slot);
    *ids = (struct rh_ids){ 0 };
}

int rh_ids_strings(const struct rh_ids *ids, const int32_t *order, int32_t n, struct rh_arena *a,
                   struct rh_strings *out, struct rh_error *err)
{
    *out = (struct rh_strings){ .n = n };
    size_t bytes = 0;
    for (int32_t i = 0; i < n; i++) {
        int32_t k = order ? order[i] : i;
        bytes += (size_t)(ids->offset[k + 1] - ids->offset[k]);
    }
    int64_t *offset = rh_alloc(a, (size_t)n + 1, sizeof *offset);
    char *pool = rh_alloc(a, bytes, 1);
    if (!offset || !pool)
        return rh_fail_memory(err, "ids", bytes + ((size_t)n + 1) * sizeof *offset);
    for (int32_t i = 0; i < n; i++) {
        int32_t k = order ? order[i] : i;
        size_t length = (size_t)(ids->offset[k + 1] - ids->offset[k]);
        memcpy(pool + offset[i], ids->pool + ids->offset[k], length);
        offset[i + 1] = offset[i] + (int64_t)length;
    }
    out->offset = offset;
    out->pool = pool;
    return RH_OK;
}
