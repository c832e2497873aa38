#include "plugin/persist.h"

#include "base/hash.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

static const char magic[8] = { 'R', 'H', 'M', 'O', 'D', 'E', 'L', '1' };
enum { DIGEST = RH_HASH_HEX - 1 };

static int check_machine(struct rh_error *err)
{
    if (__BYTE_ORDER == __LITTLE_ENDIAN)
        return RH_OK;
    return rh_fail(err, RH_EUNSUP, "models are saved and loaded on little-endian machines only");
}

static void digest(const unsigned char *bytes, size_t n, char hex[static RH_HASH_HEX])
{
    struct rh_hash h;
    rh_hash_init(&h);
    rh_hash_bytes(&h, bytes, n);
    rh_hash_hex(&h, hex);
}

static int put(struct rh_saved *s, const void *p, size_t n, struct rh_error *err)
{
    if (n > SIZE_MAX / 4 - s->n)
        return rh_fail_memory(err, "a saved model", n);
    if (s->n + n > s->capacity) {
        size_t capacity = 2 * (s->n + n);
        unsigned char *bytes = realloc(s->bytes, capacity);
        if (!bytes)
            return rh_fail_memory(err, "a saved model", capacity);
        s->bytes = bytes;
        s->capacity = capacity;
    }
    if (n)
        memcpy(s->bytes + s->n, p, n);
    s->n += n;
    return RH_OK;
}

static int put_u64(struct rh_saved *s, uint64_t x, struct rh_error *err)
{
    x = htole64(x);
    return put(s, &x, sizeof x, err);
}

static int put_text(struct rh_saved *s, const char *text, struct rh_error *err)
{
    size_t n = text ? strlen(text) : 0;
    RH_TRY(put_u64(s, n, err));
    return put(s, text, n, err);
}

int rh_saved_begin(struct rh_saved *s, const struct rh_algorithm *alg, const struct rh_model_key *key,
                   struct rh_error *err)
{
    *s = (struct rh_saved){ .writing = true };
    RH_TRY(check_machine(err));
    RH_TRY(put(s, magic, sizeof magic, err));
    RH_TRY(put_text(s, alg->name, err));
    RH_TRY(put_u64(s, alg->revision, err));
    RH_TRY(put_text(s, key->params, err));
    RH_TRY(put_text(s, key->problem, err));
    RH_TRY(put_text(s, key->users, err));
    RH_TRY(put_text(s, key->items, err));
    return put_text(s, key->columns, err);
}

int rh_saved_put(struct rh_saved *s, const char *name, const void *p, size_t n, size_t elem, struct rh_error *err)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, elem, &bytes))
        return rh_fail_memory(err, "a saved model", SIZE_MAX);
    RH_TRY(put_text(s, name, err));
    RH_TRY(put_u64(s, elem, err));
    RH_TRY(put_u64(s, n, err));
    return put(s, p, bytes, err);
}

int rh_saved_end(struct rh_saved *s, struct rh_error *err)
{
    char hex[RH_HASH_HEX];
    digest(s->bytes, s->n, hex);
    return put(s, hex, DIGEST, err);
}

static int take(struct rh_saved *s, size_t n, const void **p, struct rh_error *err)
{
    if (n > s->n - s->at)
        return rh_fail(err, RH_EDATA, "the saved model ends too early, at byte %zu", s->n);
    *p = s->bytes + s->at;
    s->at += n;
    return RH_OK;
}

static int take_u64(struct rh_saved *s, uint64_t *x, struct rh_error *err)
{
    const void *p = NULL;
    RH_TRY(take(s, sizeof *x, &p, err));
    memcpy(x, p, sizeof *x);
    *x = le64toh(*x);
    return RH_OK;
}

/* The bytes are not printed where they differ: they may be anything. Without a text anything goes. */
static int expect_text(struct rh_saved *s, const char *what, const char *text, struct rh_error *err)
{
    uint64_t n = 0;
    const void *p = NULL;
    RH_TRY(take_u64(s, &n, err));
    RH_TRY(take(s, n, &p, err));
    if (text && (n != strlen(text) || memcmp(p, text, n)))
        return rh_fail(err, RH_EDATA, "the saved model is of another %s than '%s'", what, text);
    return RH_OK;
}

int rh_saved_open(struct rh_saved *s, const void *bytes, size_t n, const struct rh_algorithm *alg,
                  const struct rh_model_key *key, struct rh_error *err)
{
    *s = (struct rh_saved){ .bytes = (unsigned char *)bytes, .n = n }; /* not written to while reading */
    RH_TRY(check_machine(err));
    if (n < sizeof magic + DIGEST || memcmp(bytes, magic, sizeof magic))
        return rh_fail(err, RH_EDATA, "not a saved model");
    char hex[RH_HASH_HEX];
    s->n = n - DIGEST;
    s->at = sizeof magic;
    digest(s->bytes, s->n, hex);
    if (memcmp(hex, s->bytes + s->n, DIGEST))
        return rh_fail(err, RH_EDATA, "the saved model is damaged: its checksum differs");
    RH_TRY(expect_text(s, "algorithm", alg->name, err));
    uint64_t revision = 0;
    RH_TRY(take_u64(s, &revision, err));
    if (revision != alg->revision)
        return rh_fail(err, RH_EDATA, "the saved model is of revision %llu of '%s', and this program has revision %u",
                       (unsigned long long)revision, alg->name, (unsigned)alg->revision);
    RH_TRY(expect_text(s, "set of parameters", key->params, err));
    RH_TRY(expect_text(s, "problem", key->problem, err));
    RH_TRY(expect_text(s, "set of users", key->users, err));
    RH_TRY(expect_text(s, "set of items", key->items, err));
    return expect_text(s, "set of feature columns", key->columns, err);
}

int rh_saved_get(struct rh_saved *s, const char *name, size_t n, size_t elem, const void **p, struct rh_error *err)
{
    uint64_t had_elem = 0, had_n = 0;
    size_t bytes;
    RH_TRY(expect_text(s, "next field", name, err));
    RH_TRY(take_u64(s, &had_elem, err));
    RH_TRY(take_u64(s, &had_n, err));
    if (had_elem != elem || had_n != n || __builtin_mul_overflow(n, elem, &bytes))
        return rh_fail(err, RH_EDATA, "field '%s' has %llu elements of %llu bytes in the saved model, not %zu of %zu",
                       name, (unsigned long long)had_n, (unsigned long long)had_elem, n, elem);
    return take(s, bytes, p, err);
}

int rh_saved_close(struct rh_saved *s, struct rh_error *err)
{
    if (s->at == s->n)
        return RH_OK;
    return rh_fail(err, RH_EDATA, "the saved model has %zu bytes that the algorithm does not ask for", s->n - s->at);
}

void rh_saved_release(struct rh_saved *s)
{
    if (s->capacity)
        free(s->bytes);
    *s = (struct rh_saved){ 0 };
}
