/* The fast path of delimited files: a 500 MB ratings file should be as fast as its bytes come in.
 *
 * The file is cut at line ends into blocks of a megabyte. Three sets of blocks take turns: while one is parsed on all
 * threads, each block into its own list of rows, the one before is merged into the builder, in the order of the file,
 * and the one after is read. So ids are numbered as on one thread, and the first error of the file is the one
 * reported.
 *
 * Per row that is: one look at every byte, no allocation, one or two table look-ups. Quotes and line breaks inside
 * fields are not understood here: whoever meets a quote sends the file to the careful reader. */
#include <config.h>
#include "base/parallel.h"
#include "data/delimited.h"
#include "data/interactions.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK ((size_t)1 << 20)
#define LONGEST_LINE ((size_t)64 << 20)
#define TEXT_ID ((uint64_t)1 << 63)
#define BEHIND 8 /* bytes behind the text of a block that may be looked at */

struct row {
    uint64_t user, item; /* an integer below RH_IDS_DIRECT, or TEXT_ID | length << 32 | offset in the block */
    int64_t time;
    float value;
};

struct block {
    char *text; /* whole lines */
    size_t n, capacity;
    struct row *row;
    int64_t n_rows, row_capacity;
    int64_t n_lines;
    bool quote;            /* met one: nothing else counts */
    struct rh_error error; /* of the first bad row; its line is relative to the block */
    int64_t first_line;    /* number of the line before the block's first; set by the merge */
};

struct set {
    struct block *block; /* [n_blocks] */
    int32_t n;           /* in use */
};

struct bulk {
    const struct rh_interactions *how;
    const struct rh_data_env *env;
    struct rh_builder *b;
    struct rh_input *in;
    struct rh_layout layout;
    int8_t role[RH_WANTED_MOST]; /* [layout.n_columns or the last wanted + 1] enum rh_interaction_field, or -1 */
    int32_t n_roles;
    int32_t n_blocks;
    struct set set[3];
    struct set *read, *parse, *merge; /* the parts of this round; NULL: nothing to do */
    char *carry;                      /* begin of a line whose end is not read yet */
    size_t carry_n, carry_capacity;
    bool ended;
    int64_t line;                     /* lines merged so far */
    struct rh_error read_error, merge_error;
    bool quote;
};

/* ------------------------------------------------------------------------------------------------ reading */

static bool keep(char **to, size_t *n, size_t *capacity, const char *s, size_t k)
{
    if (*capacity - *n < k + BEHIND) {
        size_t more = *n + k + BEHIND + BLOCK / 4;
        char *grown = realloc(*to, more);
        if (!grown)
            return false;
        *to = grown;
        *capacity = more;
    }
    if (k)
        memcpy(*to + *n, s, k);
    *n += k;
    memset(*to + *n, 0, BEHIND);
    return true;
}

/* Fills one block with whole lines. */
static int read_block(struct bulk *k, struct block *b)
{
    struct rh_error *err = &k->read_error;
    b->n = 0;
    if (!keep(&b->text, &b->n, &b->capacity, k->carry, k->carry_n))
        return rh_fail_memory(err, k->how->place, BLOCK);
    k->carry_n = 0;
    for (size_t lines = 0; b->n < BLOCK || !lines;) { /* lines: bytes of whole lines */
        const char *p;
        size_t n;
        if (rh_input_block(k->in, &p, &n, err) < 0) {
            b->n = lines; /* the line that the damage cut off says nothing */
            return err->status;
        }
        if (n == 0) {
            k->ended = true;
            return RH_OK;
        }
        const char *last = memrchr(p, '\n', n);
        if (last)
            lines = b->n + (size_t)(last - p) + 1;
        else if (!lines && b->n > LONGEST_LINE)
            return rh_fail(err, RH_EDATA, "%s: a line of more than 64 MiB; is this a text file?", k->how->place);
        if (!keep(&b->text, &b->n, &b->capacity, p, n))
            return rh_fail_memory(err, k->how->place, n);
        if (lines && b->n >= BLOCK) {
            if (!keep(&k->carry, &k->carry_n, &k->carry_capacity, b->text + lines, b->n - lines))
                return rh_fail_memory(err, k->how->place, b->n - lines);
            b->n = lines;
            return RH_OK;
        }
    }
    return RH_OK;
}

static void read_set(struct bulk *k, struct set *s)
{
    s->n = 0;
    while (s->n < k->n_blocks && !k->ended && k->read_error.status >= 0) {
        struct block *b = &s->block[s->n];
        if (read_block(k, b) < 0) /* the lines before the damage count, and their errors come first */
            k->ended = true;
        if (b->n)
            s->n++;
    }
}

/* ------------------------------------------------------------------------------------------------ parsing */

static uint64_t id_key(const struct block *b, struct rh_field f)
{
    uint32_t x;
    if (rh_ids_integer(f.s, f.n, &x))
        return x;
    return TEXT_ID | (uint64_t)f.n << 32 | (uint64_t)(f.s - b->text);
}

static bool proper_text(uint64_t key, struct rh_field f)
{
    return !(key & TEXT_ID) || (rh_utf8_valid(f.s, f.n) && !memchr(f.s, '\0', f.n));
}

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* The first place of a byte in [p, end), or end; `bytes` is eight of it. Fields are short: eight bytes at a time find
 * most ends in one step, without a branch that depends on the length. May look at 7 bytes behind the end. */
static const char *find_byte(const char *p, const char *end, uint64_t bytes)
{
    for (; p < end; p += 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        /* The byte looked for becomes 0; the lowest mark is exact, those above may be false. */
        word = le64toh(word) ^ bytes;
        uint64_t mark = (word - EACH_BYTE) & ~word & (EACH_BYTE << 7);
        if (mark) {
            p += __builtin_ctzll(mark) / 8;
            break;
        }
    }
    return p < end ? p : end;
}

static const char *find_text(const char *p, const char *end, const char *text, size_t n)
{
    while (p < end && (*p != text[0] || (size_t)(end - p) < n || memcmp(p, text, n)))
        p++;
    return p;
}

/* The fields of the line [p, end) that have a role. Returns the number of columns, or -1: a quote. */
static int32_t split(const struct bulk *k, const char *p, const char *end, struct rh_field field[RH_F_COUNT])
{
    const struct rh_layout *l = &k->layout;
    const bool one = l->separator_n == 1;
    const uint64_t separators = EACH_BYTE * (unsigned char)l->separator[0];
    int32_t c = 0;
    for (;; c++) {
        if (l->quoted && p < end && *p == '"')
            return -1;
        const char *from = p;
        p = one ? find_byte(p, end, separators) : find_text(p, end, l->separator, l->separator_n);
        int8_t role = c < k->n_roles ? k->role[c] : -1;
        if (role >= 0)
            field[role] = (struct rh_field){ from, (size_t)(p - from) };
        if (p >= end)
            return c + 1;
        p += l->separator_n;
    }
}

static int parse_line(const struct bulk *k, struct block *b, const char *p, const char *end, struct row *row)
{
    struct rh_field field[RH_F_COUNT] = { 0 };
    int32_t columns = split(k, p, end, field);
    if (columns < 0) {
        b->quote = true;
        return RH_EDATA;
    }
    if (columns < k->layout.n_needed || (k->layout.n_columns && columns != k->layout.n_columns))
        return rh_layout_refuse(&k->layout, k->how->place, b->first_line + b->n_lines, p, (size_t)(end - p), columns,
                                &b->error);
    for (int f = 0; f < RH_F_COUNT; f++)
        if (field[f].n && (field[f].s[0] == ' ' || field[f].s[field[f].n - 1] == ' '))
            field[f] = rh_trimmed(field[f]);
    RH_TRY(rh_interaction_convert(k->how, field, b->first_line + b->n_lines, &row->value, &row->time, &b->error));
    row->user = id_key(b, field[RH_F_USER]);
    row->item = id_key(b, field[RH_F_ITEM]);
    if (!proper_text(row->user, field[RH_F_USER]) || !proper_text(row->item, field[RH_F_ITEM]))
        return rh_fail(&b->error, RH_EDATA, "%s:%lld: %s", k->how->place, (long long)(b->first_line + b->n_lines),
                       memchr(p, '\0', (size_t)(end - p))
                           ? "a NUL byte; is this a text file in UTF-8?"
                           : "an id with bytes that are not UTF-8; is it encoding = latin1?");
    return RH_OK;
}

static int parse_block(const struct bulk *k, struct block *b)
{
    const char *p = b->text, *end = b->text + b->n;
    b->n_rows = b->n_lines = 0;
    b->quote = false;
    b->error = (struct rh_error){ 0 };
    while (p < end) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        const char *next = stop ? stop + 1 : end, *line_end = stop ? stop : end;
        b->n_lines++;
        if (line_end > p && line_end[-1] == '\r')
            line_end--;
        if (line_end > p) {
            if (b->n_rows == b->row_capacity) {
                int64_t capacity = b->row_capacity ? b->row_capacity * 2 : (int64_t)BLOCK / 16;
                struct row *row = realloc(b->row, (size_t)capacity * sizeof *row);
                if (!row)
                    return rh_fail_memory(&b->error, k->how->place, (size_t)capacity * sizeof *row);
                b->row = row;
                b->row_capacity = capacity;
            }
            if (parse_line(k, b, p, line_end, &b->row[b->n_rows]) < 0)
                return RH_OK; /* noted in the block */
            b->n_rows++;
        }
        p = next;
    }
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------ merging */

static inline int32_t number(struct rh_ids *ids, const struct block *b, uint64_t key)
{
    if (!(key & TEXT_ID))
        return rh_ids_add_int(ids, (uint32_t)key);
    return rh_ids_add(ids, b->text + (key & UINT32_MAX), (size_t)((key & ~TEXT_ID) >> 32));
}

static int merge_block(struct bulk *k, struct block *b)
{
    struct rh_builder *to = k->b;
    RH_TRY(rh_builder_reserve(to, b->n_rows, &k->merge_error));
    for (int64_t i = 0; i < b->n_rows; i++) {
        const struct row *row = &b->row[i];
        int32_t user = number(&to->user, b, row->user), item = number(&to->item, b, row->item);
        if (user < 0 || item < 0)
            return user == RH_IDS_FULL || item == RH_IDS_FULL
                       ? rh_fail(&k->merge_error, RH_EDATA,
                                 "%s: more than %d different users or items: so many are not supported",
                                 k->how->place, INT32_MAX - 1)
                       : rh_fail_memory(&k->merge_error, "the ids", to->user.pool_n + to->item.pool_n);
        rh_builder_push(to, user, item, row->value, row->time, k->how->given);
    }
    return RH_OK;
}

static void merge_set(struct bulk *k, struct set *s)
{
    for (int32_t i = 0; i < s->n && k->merge_error.status >= 0 && !k->quote; i++) {
        struct block *b = &s->block[i];
        if (b->quote) {
            k->quote = true;
            return;
        }
        if (b->error.status == RH_EDATA) { /* once more, now that the number of its line is known */
            b->first_line = k->line;
            parse_block(k, b);
        }
        if (b->error.status < 0)
            rh_fail(&k->merge_error, b->error.status, "%s", b->error.text);
        else
            merge_block(k, b);
        k->line += b->n_lines;
    }
}

/* Piece 0 merges the set before and reads the set behind; the others parse a block each. */
static int work(void *arg, int thread, int64_t begin, int64_t end)
{
    struct bulk *k = arg;
    (void)thread;
    for (int64_t piece = begin; piece < end; piece++) {
        if (piece > 0) {
            parse_block(k, &k->parse->block[piece - 1]);
            continue;
        }
        if (k->merge)
            merge_set(k, k->merge);
        if (k->read)
            read_set(k, k->read);
    }
    return RH_OK;
}

static int rounds(struct bulk *k, struct rh_error *err)
{
    int threads = k->env->threads > 1 ? k->env->threads : 1;
    read_set(k, &k->set[0]);
    struct set *merged = NULL;
    for (int r = 0;; r++) {
        struct set *parse = &k->set[r % 3];
        k->parse = parse;
        k->merge = merged;
        k->read = k->ended ? NULL : &k->set[(r + 1) % 3];
        if (!k->read)
            k->set[(r + 1) % 3].n = 0;
        if (!parse->n && !merged)
            break;
        rh_loop(threads, 1 + parse->n, 1, work, k);
        if (k->quote)
            return RH_DONE;
        if (k->merge_error.status < 0)
            return rh_fail(err, k->merge_error.status, "%s", k->merge_error.text);
        if (k->env->cancel && *k->env->cancel)
            return rh_fail(err, RH_ECANCEL, "interrupted");
        rh_progress_step(k->env->log, (double)rh_input_done(k->in), (double)rh_input_total(k->in));
        merged = parse->n ? parse : NULL;
    }
    if (k->read_error.status < 0)
        return rh_fail(err, k->read_error.status, "%s", k->read_error.text);
    return RH_OK;
}

static int prepare(struct bulk *k, struct rh_error *err)
{
    const struct rh_layout *l = &k->layout;
    k->n_blocks = 4 * (k->env->threads > 1 ? k->env->threads : 1);
    for (int s = 0; s < 3; s++)
        if (!(k->set[s].block = calloc((size_t)k->n_blocks, sizeof *k->set[s].block)))
            return rh_fail_memory(err, k->how->place, (size_t)k->n_blocks * sizeof *k->set[s].block);
    for (int32_t c = 0; c < RH_WANTED_MOST; c++)
        k->role[c] = -1;
    for (int32_t w = 0; w < l->n_wanted; w++) {
        if (l->column[w] >= RH_WANTED_MOST || (l->column[w] >= 0 && k->role[l->column[w]] >= 0))
            return RH_DONE; /* very wide, or one column in two roles: the careful reader can */
        if (l->column[w] < 0)
            continue;
        k->role[l->column[w]] = (int8_t)w;
        if (l->column[w] >= k->n_roles)
            k->n_roles = l->column[w] + 1;
    }
    k->line = rh_input_line_number(k->in);
    return RH_OK;
}

int rh_bulk_read(const struct rh_interactions *how, const struct rh_data_env *env, struct rh_builder *b,
                 struct rh_error *err)
{
    if (how->config.latin1)
        return RH_DONE;
    int64_t n = b->n;
    int32_t n_users = b->user.n, n_items = b->item.n;
    struct bulk *k = calloc(1, sizeof *k);
    if (!k)
        return rh_fail_memory(err, how->place, sizeof *k);
    k->how = how;
    k->env = env;
    k->b = b;
    int status = rh_input_open(how->place, &k->in, err);
    if (status >= 0)
        status = rh_layout_read(k->in, &how->config, !strcmp(how->reader->name, rh_reader_atomic.name), &k->layout,
                                err);
    if (status >= 0)
        status = prepare(k, err);
    if (status == RH_OK)
        status = rounds(k, err);
    if (status == RH_DONE)
        rh_builder_rewind(b, n, n_users, n_items);
    for (int s = 0; s < 3; s++) {
        for (int32_t i = 0; k->set[s].block && i < k->n_blocks; i++) {
            free(k->set[s].block[i].text);
            free(k->set[s].block[i].row);
        }
        free(k->set[s].block);
    }
    free(k->carry);
    rh_input_close(k->in);
    free(k);
    return status;
}
