/* The file is a header, a table of sections and the sections, each starting at a multiple of 64 bytes, in the byte
 * order and number formats of the machine that wrote it. A section is one array of the domain; which one and of which
 * block is in the table. The last eight bytes of the header are a checksum over all the rest (padding must be zeros),
 * so that a file that is cut off or was changed is found out at the price of one pass over memory. */
#include "data/cache.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC "rh domain\n\x1a\r\n\xff" /* 14 bytes and its NUL; text conversions break it */
#define VERSION 1u
#define ENDIAN 0x01020304u
#define ALIGN 64u

enum kind { /* of a section; texts are an array of offsets, and the next kind their pool */
    K_NAME,
    K_USER_OFFSET, K_USER_POOL,
    K_ITEM_OFFSET, K_ITEM_POOL,
    K_TITLE_OFFSET, K_TITLE_POOL,
    K_ROW, K_ITEM, K_VALUE, K_TIME, K_POSITION, K_GIVEN,
    K_REMOVED,
    K_BLOCK_NAME,
    K_BLOCK_OFFSET, K_BLOCK_POOL,
    K_BLOCK_ROW, K_BLOCK_COL, K_BLOCK_VAL, K_BLOCK_DENSE,
    K_COLD_USER, K_COLD_ITEM
};

struct header {
    char magic[16];
    uint32_t endian, version;
    uint32_t header_size, n_sections;
    uint64_t file_size;
    char content[72];
    int64_t n_rows;
    int32_t n_users, n_items, n_titles, n_item_blocks, n_user_blocks, n_removed;
    float value_min, value_max;
    uint64_t checksum; /* last */
};

struct section {
    uint32_t kind;
    int32_t block; /* items' blocks first, then users'; -1: of the domain */
    int32_t n_rows, n_cols; /* K_BLOCK_NAME: the shape of the block */
    uint64_t offset, size;
};

/* ---------------------------------------------------------------------------------------------- checksum */

/* Four chains over 32 bytes at a time, as fast as memory. Against damage, not against an enemy. */
struct sum {
    uint64_t lane[4], length;
};

static void sum_add(struct sum *s, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    s->length += n;
    for (; n >= 32; p += 32, n -= 32) {
        uint64_t word[4];
        memcpy(word, p, sizeof word);
        for (int k = 0; k < 4; k++) {
            uint64_t x = (s->lane[k] ^ word[k]) * UINT64_C(0x9e3779b97f4a7c15);
            s->lane[k] = x ^ (x >> 29);
        }
    }
    if (n) {
        unsigned char rest[32] = { 0 };
        memcpy(rest, p, n);
        sum_add(s, rest, sizeof rest);
        s->length -= sizeof rest;
    }
}

static uint64_t sum_end(const struct sum *s)
{
    uint64_t x = s->length;
    for (int k = 0; k < 4; k++)
        x = rh_mix64(x ^ s->lane[k]);
    return x;
}

/* --------------------------------------------------------------------------------------------- the parts */

struct plan { /* what goes into the file */
    struct section *section;
    const void **bytes;
    uint32_t n, capacity;
    bool failed;
};

static void plan_add(struct plan *p, enum kind kind, int32_t block, const void *bytes, int64_t n, size_t elem)
{
    if (!bytes || p->failed)
        return;
    if (p->n == p->capacity) {
        uint32_t capacity = p->capacity ? p->capacity * 2 : 64;
        struct section *section = realloc(p->section, capacity * sizeof *section);
        if (section)
            p->section = section;
        const void **list = realloc(p->bytes, capacity * sizeof *list);
        if (list)
            p->bytes = list;
        if (!section || !list) {
            p->failed = true;
            return;
        }
        p->capacity = capacity;
    }
    p->section[p->n] = (struct section){ .kind = kind, .block = block, .size = (uint64_t)n * elem };
    p->bytes[p->n++] = bytes;
}

static void plan_strings(struct plan *p, enum kind offset, int32_t block, const struct rh_strings *s)
{
    if (!s->n)
        return;
    plan_add(p, offset, block, s->offset, (int64_t)s->n + 1, sizeof *s->offset);
    plan_add(p, offset + 1, block, s->pool, s->offset[s->n], 1);
}

static void plan_block(struct plan *p, int32_t number, const struct rh_block *b)
{
    const struct rh_features *f = &b->features;
    plan_add(p, K_BLOCK_NAME, number, b->name, (int64_t)strlen(b->name) + 1, 1);
    if (p->failed)
        return;
    p->section[p->n - 1].n_rows = f->n_rows;
    p->section[p->n - 1].n_cols = f->n_cols;
    plan_strings(p, K_BLOCK_OFFSET, number, &b->column);
    plan_add(p, K_BLOCK_ROW, number, f->row, (int64_t)f->n_rows + 1, sizeof *f->row);
    int64_t n = f->row ? f->row[f->n_rows] : 0;
    plan_add(p, K_BLOCK_COL, number, f->row ? f->col : NULL, n, sizeof *f->col);
    plan_add(p, K_BLOCK_VAL, number, f->row ? f->val : NULL, n, sizeof *f->val);
    plan_add(p, K_BLOCK_DENSE, number, f->dense, (int64_t)f->n_rows * f->n_cols, sizeof *f->dense);
}

static void plan_domain(struct plan *p, const struct rh_domain_data *d)
{
    plan_add(p, K_NAME, -1, d->name, (int64_t)strlen(d->name) + 1, 1);
    plan_strings(p, K_USER_OFFSET, -1, &d->user_id);
    plan_strings(p, K_ITEM_OFFSET, -1, &d->item_id);
    plan_strings(p, K_TITLE_OFFSET, -1, &d->title);
    plan_add(p, K_ROW, -1, d->row, (int64_t)d->n_users + 1, sizeof *d->row);
    plan_add(p, K_ITEM, -1, d->item, d->n_rows, sizeof *d->item);
    plan_add(p, K_VALUE, -1, d->value, d->n_rows, sizeof *d->value);
    plan_add(p, K_TIME, -1, d->time, d->n_rows, sizeof *d->time);
    plan_add(p, K_POSITION, -1, d->position, d->n_rows, sizeof *d->position);
    plan_add(p, K_GIVEN, -1, d->given, d->n_rows, sizeof *d->given);
    plan_add(p, K_COLD_USER, -1, d->cold_user, d->n_users, sizeof *d->cold_user);
    plan_add(p, K_COLD_ITEM, -1, d->cold_item, d->n_items, sizeof *d->cold_item);
    plan_add(p, K_REMOVED, -1, d->removed, d->n_removed, sizeof *d->removed);
    for (int32_t b = 0; b < d->n_item_blocks; b++)
        plan_block(p, b, &d->item_block[b]);
    for (int32_t b = 0; b < d->n_user_blocks; b++)
        plan_block(p, d->n_item_blocks + b, &d->user_block[b]);
}

/* --------------------------------------------------------------------------------------------- writing */

static int write_all(int fd, const void *bytes, uint64_t n)
{
    const char *p = bytes;
    while (n) {
        ssize_t k = write(fd, p, n < (1u << 30) ? (size_t)n : (size_t)1 << 30);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return errno;
        p += k;
        n -= (uint64_t)k;
    }
    return 0;
}

static uint64_t round_up(uint64_t n)
{
    return (n + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
}

static int write_sections(int fd, const struct header *h, const struct plan *p)
{
    static const char zeros[ALIGN];
    uint64_t at = sizeof *h + p->n * sizeof *p->section;
    int bad = write_all(fd, h, sizeof *h);
    if (!bad)
        bad = write_all(fd, p->section, p->n * sizeof *p->section);
    for (uint32_t i = 0; i < p->n && !bad; i++) {
        bad = write_all(fd, zeros, p->section[i].offset - at);
        if (!bad)
            bad = write_all(fd, p->bytes[i], p->section[i].size);
        at = p->section[i].offset + p->section[i].size;
    }
    return bad ? bad : write_all(fd, zeros, h->file_size - at);
}

/* Over everything but the checksum itself: padding counts too, as the zeros that it must be. */
static uint64_t checksum(const struct header *h, const struct section *section, const void *const *bytes)
{
    struct sum s = { { 1, 2, 3, 4 }, 0 };
    sum_add(&s, h, offsetof(struct header, checksum));
    sum_add(&s, section, h->n_sections * sizeof *section);
    for (uint32_t i = 0; i < h->n_sections; i++) {
        const unsigned char *p = bytes[i];
        unsigned char last[ALIGN] = { 0 };
        uint64_t whole = section[i].size & ~(uint64_t)(ALIGN - 1), rest = section[i].size - whole;
        sum_add(&s, p, whole);
        if (rest) {
            memcpy(last, p + whole, rest);
            sum_add(&s, last, sizeof last);
        }
    }
    return sum_end(&s);
}

static int store_plan(const char *path, struct plan *p, const struct rh_domain_data *d, struct rh_error *err)
{
    struct header h = { .endian = ENDIAN, .version = VERSION, .header_size = sizeof h, .n_sections = p->n,
                        .n_rows = d->n_rows, .n_users = d->n_users, .n_items = d->n_items, .n_titles = d->title.n,
                        .n_item_blocks = d->n_item_blocks, .n_user_blocks = d->n_user_blocks,
                        .n_removed = d->n_removed, .value_min = d->value_min, .value_max = d->value_max };
    memcpy(h.magic, MAGIC, sizeof MAGIC);
    snprintf(h.content, sizeof h.content, "%s", d->content);
    uint64_t at = sizeof h + p->n * sizeof *p->section;
    for (uint32_t i = 0; i < p->n; i++) {
        p->section[i].offset = at = round_up(at);
        at += p->section[i].size;
    }
    h.file_size = round_up(at);
    h.checksum = checksum(&h, p->section, p->bytes);

    size_t room = strlen(path) + 48;
    char *temporary = malloc(room);
    if (!temporary)
        return rh_fail_memory(err, "a path", room);
    snprintf(temporary, room, "%s.tmp%ld", path, (long)getpid());
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    int bad = fd < 0 ? errno : write_sections(fd, &h, p);
    if (fd >= 0 && close(fd) && !bad)
        bad = errno;
    if (!bad && rename(temporary, path))
        bad = errno;
    if (bad && fd >= 0)
        unlink(temporary);
    free(temporary);
    return bad ? rh_fail(err, RH_EIO, "cannot write the cache file '%s': %s", path, strerror(bad)) : RH_OK;
}

static char *domain_path(const char *folder, const char *key)
{
    size_t room = strlen(folder) + strlen(key) + 32;
    char *path = malloc(room);
    if (path)
        snprintf(path, room, "%s/domains/%s.rhd", folder, key);
    return path;
}

int rh_cache_store(const char *folder, const char *key, const struct rh_domain_data *d, struct rh_error *err)
{
    char *path = domain_path(folder, key);
    struct plan p = { 0 };
    if (!path)
        return rh_fail_memory(err, "a path", strlen(folder));
    plan_domain(&p, d);
    int status = p.failed ? rh_fail_memory(err, "a cache file", p.capacity * sizeof *p.section)
                          : rh_make_parent(path, err);
    if (status >= 0)
        status = store_plan(path, &p, d, err);
    free(p.section);
    free(p.bytes);
    free(path);
    return status;
}

/* --------------------------------------------------------------------------------------------- reading */

struct mapping {
    const unsigned char *bytes;
    uint64_t size;
    const struct header *h;
    const struct section *section;
};

/* The array of a section, or NULL when it is not there; *broken: it has another size than it must. */
static const void *part(const struct mapping *m, enum kind kind, int32_t block, int64_t n, size_t elem, bool *broken)
{
    for (uint32_t i = 0; i < m->h->n_sections; i++) {
        const struct section *s = &m->section[i];
        if (s->kind != (uint32_t)kind || s->block != block)
            continue;
        if (n >= 0 && s->size != (uint64_t)n * elem)
            *broken = true;
        return m->bytes + s->offset;
    }
    return NULL;
}

static struct rh_strings strings(const struct mapping *m, enum kind offset, int32_t block, int32_t n, bool *broken)
{
    struct rh_strings s = { .n = n };
    if (n == 0)
        return s;
    s.offset = part(m, offset, block, (int64_t)n + 1, sizeof *s.offset, broken);
    if (s.offset && !*broken)
        s.pool = part(m, offset + 1, block, s.offset[n], 1, broken);
    *broken |= !s.pool;
    return s;
}

static bool read_block(const struct mapping *m, int32_t number, struct rh_block *b)
{
    bool broken = false;
    const struct section *shape = NULL;
    for (uint32_t i = 0; i < m->h->n_sections; i++)
        if (m->section[i].kind == K_BLOCK_NAME && m->section[i].block == number)
            shape = &m->section[i];
    if (!shape || !shape->size || m->bytes[shape->offset + shape->size - 1] != '\0' || shape->n_rows < 0 ||
        shape->n_cols < 0)
        return false;
    struct rh_features *f = &b->features;
    b->name = f->name = (const char *)(m->bytes + shape->offset);
    f->n_rows = shape->n_rows;
    f->n_cols = shape->n_cols;
    f->dense = part(m, K_BLOCK_DENSE, number, (int64_t)f->n_rows * f->n_cols, sizeof *f->dense, &broken);
    b->column = strings(m, K_BLOCK_OFFSET, number, f->dense ? 0 : f->n_cols, &broken);
    f->row = part(m, K_BLOCK_ROW, number, (int64_t)f->n_rows + 1, sizeof *f->row, &broken);
    if (f->row && !broken) {
        f->col = part(m, K_BLOCK_COL, number, f->row[f->n_rows], sizeof *f->col, &broken);
        f->val = part(m, K_BLOCK_VAL, number, f->row[f->n_rows], sizeof *f->val, &broken);
        broken |= !f->col;
    }
    return !broken;
}

static bool read_domain(const struct mapping *m, struct rh_domain_data *d)
{
    const struct header *h = m->h;
    bool broken = false;
    memcpy(d->content, h->content, sizeof d->content);
    d->n_users = h->n_users;
    d->n_items = h->n_items;
    d->n_rows = h->n_rows;
    d->value_min = h->value_min;
    d->value_max = h->value_max;
    d->n_item_blocks = h->n_item_blocks;
    d->n_user_blocks = h->n_user_blocks;
    d->n_removed = h->n_removed;
    d->name = part(m, K_NAME, -1, -1, 1, &broken);
    d->user_id = strings(m, K_USER_OFFSET, -1, d->n_users, &broken);
    d->item_id = strings(m, K_ITEM_OFFSET, -1, d->n_items, &broken);
    d->title = strings(m, K_TITLE_OFFSET, -1, h->n_titles, &broken);
    d->row = part(m, K_ROW, -1, (int64_t)d->n_users + 1, sizeof *d->row, &broken);
    d->item = part(m, K_ITEM, -1, d->n_rows, sizeof *d->item, &broken);
    d->value = part(m, K_VALUE, -1, d->n_rows, sizeof *d->value, &broken);
    d->time = part(m, K_TIME, -1, d->n_rows, sizeof *d->time, &broken);
    d->position = part(m, K_POSITION, -1, d->n_rows, sizeof *d->position, &broken);
    d->given = part(m, K_GIVEN, -1, d->n_rows, sizeof *d->given, &broken);
    d->cold_user = part(m, K_COLD_USER, -1, d->n_users, sizeof *d->cold_user, &broken);
    d->cold_item = part(m, K_COLD_ITEM, -1, d->n_items, sizeof *d->cold_item, &broken);
    d->removed = part(m, K_REMOVED, -1, d->n_removed, sizeof *d->removed, &broken);
    if (broken || !d->name || !d->row || !d->item || !d->position || (d->n_removed && !d->removed))
        return false;
    struct rh_block *block = rh_alloc(&d->arena, (size_t)d->n_item_blocks + (size_t)d->n_user_blocks, sizeof *block);
    if (!block)
        return false;
    for (int32_t b = 0; b < d->n_item_blocks + d->n_user_blocks; b++)
        if (!read_block(m, b, &block[b]))
            return false;
    d->item_block = block;
    d->user_block = block + d->n_item_blocks;
    return true;
}

static bool all_zero(const unsigned char *p, uint64_t n)
{
    for (; n; n--, p++)
        if (*p)
            return false;
    return true;
}

/* Why the file cannot be used, or NULL. */
static const char *examine(struct mapping *m)
{
    const struct header *h = m->h = (const void *)m->bytes;
    if (m->size < sizeof *h || memcmp(h->magic, MAGIC, sizeof MAGIC))
        return "it is none of ours";
    if (h->endian != ENDIAN || h->version != VERSION || h->header_size != sizeof *h)
        return "it is of another version or machine";
    if (h->file_size != m->size || h->n_sections > (m->size - sizeof *h) / sizeof(struct section))
        return "it is cut off";
    if (h->n_users < 0 || h->n_items < 0 || h->n_rows < 0 || h->n_item_blocks < 0 || h->n_user_blocks < 0 ||
        h->n_titles < 0 || h->n_removed < 0 || h->content[RH_HASH_HEX - 1])
        return "it is damaged";
    m->section = (const void *)(m->bytes + sizeof *h);
    const void **bytes = malloc((h->n_sections + 1) * sizeof *bytes);
    if (!bytes)
        return "there is no memory to look at it";
    const char *why = NULL;
    uint64_t at = sizeof *h + h->n_sections * sizeof *m->section;
    for (uint32_t i = 0; i < h->n_sections && !why; i++) {
        const struct section *s = &m->section[i];
        if (s->offset != round_up(at) || s->offset > m->size || s->size > m->size - s->offset ||
            !all_zero(m->bytes + at, s->offset - at))
            why = "it is damaged";
        bytes[i] = m->bytes + s->offset;
        at = s->offset + s->size;
    }
    if (!why && (round_up(at) != m->size || !all_zero(m->bytes + at, m->size - at)))
        why = "it is damaged";
    if (!why && checksum(h, m->section, bytes) != h->checksum)
        why = "it is damaged";
    free(bytes);
    return why;
}

int rh_cache_load(const char *folder, const char *key, struct rh_log *log, struct rh_domain_data **out,
                  struct rh_error *err)
{
    *out = NULL;
    char *path = domain_path(folder, key);
    struct rh_domain_data *d = calloc(1, sizeof *d);
    int status = RH_DONE, fd = -1;
    struct stat st;
    if (!path || !d) {
        status = rh_fail_memory(err, "a cached domain", sizeof *d);
        goto out;
    }
    fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &st) || st.st_size == 0)
        goto out;
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (map == MAP_FAILED)
        goto out;
    d->map = map;
    d->map_size = (size_t)st.st_size;
    struct mapping m = { .bytes = map, .size = (uint64_t)st.st_size };
    const char *why = examine(&m);
    if (!why && !read_domain(&m, d))
        why = "it is damaged";
    if (why) {
        if (log)
            rh_log(log, RH_LOG_WARNING, "data", "cache file %s is built anew: %s", path, why);
        goto out;
    }
    *out = d;
    d = NULL;
    status = RH_OK;
out:
    if (fd >= 0)
        close(fd);
    rh_domain_data_free(d);
    free(path);
    return status;
}

/* ------------------------------------------------------------------------------------------ file hashes */

static char *memo_path(const char *folder, const char *path, const struct stat *st)
{
    char key[RH_HASH_HEX];
    struct rh_hash h;
    char *whole = realpath(path, NULL);
    rh_hash_init(&h);
    rh_hash_text(&h, whole ? whole : path);
    rh_hash_u64(&h, (uint64_t)st->st_size);
    rh_hash_u64(&h, (uint64_t)st->st_mtim.tv_sec);
    rh_hash_u64(&h, (uint64_t)st->st_mtim.tv_nsec);
    rh_hash_u64(&h, (uint64_t)st->st_ino);
    rh_hash_u64(&h, (uint64_t)st->st_dev);
    rh_hash_hex(&h, key);
    free(whole);
    size_t room = strlen(folder) + sizeof key + 16;
    char *memo = malloc(room);
    if (memo)
        snprintf(memo, room, "%s/hashes/%s", folder, key);
    return memo;
}

static bool read_memo(const char *path, char hex[static RH_HASH_HEX])
{
    char text[RH_HASH_HEX + 1] = { 0 };
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    if (n != RH_HASH_HEX || text[RH_HASH_HEX - 1] != '\n' || strspn(text, "0123456789abcdef") != RH_HASH_HEX - 1)
        return false;
    memcpy(hex, text, RH_HASH_HEX - 1);
    hex[RH_HASH_HEX - 1] = '\0';
    return true;
}

int rh_cache_file_hash(const char *folder, const char *path, char hex[static RH_HASH_HEX], struct rh_error *err)
{
    struct stat st;
    if (!folder || stat(path, &st))
        return rh_hash_file(path, hex, err);
    char *memo = memo_path(folder, path, &st);
    if (!memo)
        return rh_fail_memory(err, "a path", strlen(folder));
    int status = RH_OK;
    if (!read_memo(memo, hex)) {
        status = rh_hash_file(path, hex, err);
        char line[RH_HASH_HEX + 1];
        if (status >= 0) {
            snprintf(line, sizeof line, "%s\n", hex);
            rh_write_file(memo, line, RH_HASH_HEX, NULL); /* a memo that cannot be kept costs time, nothing else */
        }
    }
    free(memo);
    return status;
}
