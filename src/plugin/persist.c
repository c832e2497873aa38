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
                   unsigned purpose, struct rh_error *err)
{
    *s = (struct rh_saved){ .writing = true, .purpose = purpose };
    RH_TRY(check_machine(err));
    RH_TRY(put(s, magic, sizeof magic, err));
    RH_TRY(put_text(s, alg->name, err));
    RH_TRY(put_u64(s, alg->revision, err));
    RH_TRY(put_text(s, key->params, err));
    RH_TRY(put_text(s, key->problem, err));
    RH_TRY(put_text(s, key->users, err));
    RH_TRY(put_text(s, key->items, err));
    RH_TRY(put_text(s, key->columns, err));
    return put_u64(s, purpose, err);
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

/* Is the next text this one? Without a text anything goes. */
static int compare_text(struct rh_saved *s, const char *text, bool *same, struct rh_error *err)
{
    uint64_t n = 0;
    const void *p = NULL;
    RH_TRY(take_u64(s, &n, err));
    RH_TRY(take(s, n, &p, err));
    *same = !text || (n == strlen(text) && !memcmp(p, text, n));
    return RH_OK;
}

/* The bytes are not printed where they differ: they may be anything. */
static int expect_text(struct rh_saved *s, const char *what, const char *text, struct rh_error *err)
{
    bool same;
    RH_TRY(compare_text(s, text, &same, err));
    return same ? RH_OK : rh_fail(err, RH_EDATA, "the saved model is of another %s than '%s'", what,
                                text ? text : "");
}

/* All before the key. */
static int open_head(struct rh_saved *s, const void *bytes, size_t n, const struct rh_algorithm *alg,
                     struct rh_error *err)
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
    return RH_OK;
}

static int read_purpose(struct rh_saved *s, bool resumes, struct rh_error *err)
{
    uint64_t purpose = 0;
    RH_TRY(take_u64(s, &purpose, err));
    s->purpose = (unsigned)purpose;
    unsigned resuming = RH_FOR_STARTING | RH_FOR_RESUMING;
    bool known = !purpose || (resumes && (purpose == RH_FOR_STARTING || purpose == resuming));
    return known ? RH_OK : rh_fail(err, RH_EDATA, "the saved model is for what this program does not know");
}

int rh_saved_open(struct rh_saved *s, const void *bytes, size_t n, const struct rh_algorithm *alg,
                  const struct rh_model_key *key, struct rh_error *err)
{
    RH_TRY(open_head(s, bytes, n, alg, err));
    RH_TRY(expect_text(s, "set of parameters", key->params, err));
    RH_TRY(expect_text(s, "problem", key->problem, err));
    RH_TRY(expect_text(s, "set of users", key->users, err));
    RH_TRY(expect_text(s, "set of items", key->items, err));
    RH_TRY(expect_text(s, "set of feature columns", key->columns, err));
    return read_purpose(s, alg->flags & RH_A_RESUMES, err);
}

int rh_saved_open_to_start(struct rh_saved *s, const void *bytes, size_t n, const struct rh_algorithm *alg,
                           const struct rh_model_key *key, struct rh_error *err)
{
    bool users, items, columns;
    RH_TRY(open_head(s, bytes, n, alg, err));
    RH_TRY(compare_text(s, NULL, &users, err)); /* parameters */
    RH_TRY(compare_text(s, NULL, &users, err)); /* problem */
    RH_TRY(compare_text(s, key->users, &users, err));
    RH_TRY(compare_text(s, key->items, &items, err));
    RH_TRY(compare_text(s, key->columns, &columns, err));
    RH_TRY(read_purpose(s, alg->flags & RH_A_RESUMES, err));
    s->others = !users || !items;
    s->passing = true;
    if (!(s->purpose & RH_FOR_STARTING))
        return rh_fail(err, RH_EDATA, "the saved model can score, but training cannot start from it");
    if (s->others && !(alg->flags & RH_A_BY_FEATURES))
        return rh_fail(err, RH_EDATA, "the saved model is of other %s, and what '%s' learns belongs to them",
                       users ? "items" : "users", alg->name);
    if (!columns)
        return rh_fail(err, RH_EDATA, "the saved model is of other feature columns");
    return RH_OK;
}

/* Steps to the field of this name, where others may be passed over; else the next is the one. */
static int find_field(struct rh_saved *s, const char *name, struct rh_error *err)
{
    while (s->passing && s->at < s->n) {
        size_t begin = s->at;
        uint64_t elem = 0, n = 0;
        size_t bytes;
        bool same;
        const void *p = NULL;
        RH_TRY(compare_text(s, name, &same, err));
        if (same) {
            s->at = begin;
            break;
        }
        RH_TRY(take_u64(s, &elem, err));
        RH_TRY(take_u64(s, &n, err));
        RH_TRY(take(s, __builtin_mul_overflow(n, elem, &bytes) ? SIZE_MAX : bytes, &p, err));
    }
    if (s->passing && s->at == s->n)
        return rh_fail(err, RH_EDATA, "the saved model has no field '%s'", name);
    return expect_text(s, "next field", name, err);
}

int rh_saved_get(struct rh_saved *s, const char *name, size_t n, size_t elem, const void **p, struct rh_error *err)
{
    uint64_t had_elem = 0, had_n = 0;
    size_t bytes;
    RH_TRY(find_field(s, name, err));
    RH_TRY(take_u64(s, &had_elem, err));
    RH_TRY(take_u64(s, &had_n, err));
    if (had_elem != elem || had_n != n || __builtin_mul_overflow(n, elem, &bytes))
        return rh_fail(err, RH_EDATA, "field '%s' has %llu elements of %llu bytes in the saved model, not %zu of %zu",
                       name, (unsigned long long)had_n, (unsigned long long)had_elem, n, elem);
    return take(s, bytes, p, err);
}

int rh_saved_close(struct rh_saved *s, struct rh_error *err)
{
    if (s->at == s->n || s->passing)
        return RH_OK;
    return rh_fail(err, RH_EDATA, "the saved model has %zu bytes that the algorithm does not ask for", s->n - s->at);
}

void rh_saved_release(struct rh_saved *s)
{
    if (s->capacity)
        free(s->bytes);
    *s = (struct rh_saved){ 0 };
}
