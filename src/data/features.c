#include <config.h>
#include "data/features.h"

#include "base/text.h"
#include "data/delimited.h"
#include "data/ids.h"
#include "data/words.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_COLUMN 200 /* bytes of a column's name; more is a text, not a name */
#define RECORDS_A_STEP 4096

struct mention { /* thing `row` has column `col` */
    int32_t row, col;
};

struct block_build {
    const struct rh_block_spec *spec;
    const struct rh_alias *alias; /* or NULL */
    struct rh_ids column;
    struct mention *mention; /* [n] in the order of the files */
    int64_t n, capacity;
};

struct rh_features_build {
    const struct rh_strings *ids;
    struct rh_ids number;
    int32_t n_blocks, capacity;
    struct block_build *block;
    int64_t *title; /* [ids->n] offset into titles, or -1 */
    struct rh_text titles, work;
};

int rh_features_new(const struct rh_strings *ids, struct rh_features_build **out, struct rh_error *err)
{
    struct rh_features_build *f = calloc(1, sizeof *f);
    if (!f)
        return rh_fail_memory(err, "features", sizeof *f);
    f->ids = ids;
    for (int32_t i = 0; i < ids->n; i++) {
        const char *id = rh_string(ids, i);
        if (rh_ids_add(&f->number, id, strlen(id)) != i) {
            rh_features_release(f);
            return rh_fail_memory(err, "features", (size_t)ids->n * 16);
        }
    }
    *out = f;
    return RH_OK;
}

void rh_features_release(struct rh_features_build *f)
{
    if (!f)
        return;
    for (int32_t b = 0; b < f->n_blocks; b++) {
        rh_ids_release(&f->block[b].column);
        free(f->block[b].mention);
    }
    free(f->block);
    free(f->title);
    rh_text_release(&f->titles);
    rh_text_release(&f->work);
    rh_ids_release(&f->number);
    free(f);
}

/* -------------------------------------------------------------------------------------------- declaring */

static struct block_build *find_block(struct rh_features_build *f, const char *name)
{
    for (int32_t b = 0; b < f->n_blocks; b++)
        if (!strcmp(f->block[b].spec->name, name))
            return &f->block[b];
    return NULL;
}

/* Buckets have their columns before any data is seen, so that they are the same in every domain. */
static bool declare_columns(struct block_build *b, struct rh_text *work)
{
    const struct rh_block_spec *s = b->spec;
    char lo[32], hi[32];
    for (int32_t c = 0; s->kind == RH_B_BUCKET && c <= s->n_bounds; c++) {
        rh_text_clear(work);
        if (c == 0)
            rh_text_printf(work, "under %s", rh_real_text(s->bound[0], lo));
        else if (c == s->n_bounds)
            rh_text_printf(work, "%s and over", rh_real_text(s->bound[c - 1], lo));
        else
            rh_text_printf(work, "%s to under %s", rh_real_text(s->bound[c - 1], lo), rh_real_text(s->bound[c], hi));
        if (work->failed || rh_ids_add(&b->column, work->s, work->n) < 0)
            return false;
    }
    return true;
}

/* Whether a column has the number of its mentions, and not 1. */
static bool counts(const struct rh_block_spec *s)
{
    return s->kind == RH_B_TOKENS || s->kind == RH_B_VALUES;
}

int rh_features_declare(struct rh_features_build *f, const struct rh_side_spec *spec, const struct rh_description *d,
                        struct rh_error *err)
{
    for (int32_t i = 0; i < spec->n_blocks; i++) {
        const struct rh_block_spec *s = &spec->block[i];
        const struct block_build *there = find_block(f, s->name);
        if (there && (there->spec->kind == RH_B_TOKENS) != (s->kind == RH_B_TOKENS))
            return rh_fail(err, RH_EINVAL, "%s:%d: block '%s' is tokens in one source and not in another", spec->file,
                           spec->line, s->name);
        if (there && counts(there->spec) != counts(s))
            return rh_fail(err, RH_EINVAL, "%s:%d: block '%s' is counted in one source and not in another", spec->file,
                           spec->line, s->name);
        if (there && there->spec->kind != s->kind && (there->spec->kind == RH_B_BUCKET || s->kind == RH_B_BUCKET))
            return rh_fail(err, RH_EINVAL, "%s:%d: block '%s' is buckets in one source and not in another",
                           spec->file, spec->line, s->name);
        if (there)
            continue;
        if (f->n_blocks == f->capacity) {
            int32_t capacity = f->capacity ? f->capacity * 2 : 8;
            struct block_build *more = realloc(f->block, (size_t)capacity * sizeof *more);
            if (!more)
                return rh_fail_memory(err, "features", (size_t)capacity * sizeof *more);
            f->block = more;
            f->capacity = capacity;
        }
        struct block_build *b = &f->block[f->n_blocks++];
        *b = (struct block_build){ .spec = s };
        for (int32_t k = 0; k < d->n_aliases; k++)
            if (!strcmp(d->alias[k].block, s->name))
                b->alias = &d->alias[k];
        if (!declare_columns(b, &f->work))
            return rh_fail_memory(err, "features", (size_t)s->n_columns * 16);
    }
    return RH_OK;
}

/* ---------------------------------------------------------------------------------------------- reading */

int rh_features_wanted(struct rh_arena *a, const struct rh_side_spec *spec, const char *const **wanted, int32_t *n,
                       struct rh_error *err)
{
    int32_t count = 2;
    for (int32_t b = 0; b < spec->n_blocks; b++)
        count += spec->block[b].n_columns;
    if (count > RH_WANTED_MOST)
        return rh_fail(err, RH_EINVAL, "%s:%d: %d columns are used: at most %d", spec->file, spec->line, count,
                       RH_WANTED_MOST);
    const char **list = rh_alloc(a, (size_t)count, sizeof *list);
    if (!list)
        return rh_fail_memory(err, "features", (size_t)count * sizeof *list);
    int32_t k = 0;
    list[k++] = spec->id;
    list[k++] = spec->title ? spec->title : "?";
    for (int32_t b = 0; b < spec->n_blocks; b++)
        for (int32_t c = 0; c < spec->block[b].n_columns; c++)
            list[k++] = spec->block[b].column[c];
    *wanted = list;
    *n = count;
    return RH_OK;
}

static bool mention(struct block_build *b, int32_t row, int32_t col)
{
    if (b->n == b->capacity) {
        int64_t capacity = b->capacity ? b->capacity * 2 : 1024;
        struct mention *more = realloc(b->mention, (size_t)capacity * sizeof *more);
        if (!more)
            return false;
        b->mention = more;
        b->capacity = capacity;
    }
    b->mention[b->n++] = (struct mention){ row, col };
    return true;
}

/* A column's name is lower case, without space around it, under its alias. */
static bool mention_text(struct block_build *b, int32_t row, const char *s, size_t n)
{
    char name[LONGEST_COLUMN + 1];
    while (n && isspace((unsigned char)*s)) {
        s++;
        n--;
    }
    while (n && isspace((unsigned char)s[n - 1]))
        n--;
    if (n == 0 || n > LONGEST_COLUMN)
        return true;
    memcpy(name, s, n);
    name[n] = '\0';
    rh_lower(name, n);
    const struct rh_pair *alias = b->alias ? rh_pairs_find(&b->alias->names, name) : NULL;
    if (alias) {
        n = strlen(alias->value);
        if (n == 0 || n > LONGEST_COLUMN)
            return true;
        memcpy(name, alias->value, n);
        name[n] = '\0';
        rh_lower(name, n);
    }
    int32_t col = rh_ids_add(&b->column, name, n);
    return col >= 0 && mention(b, row, col);
}

/* One text of a list that is split here: in quotes it may hold the separator. */
static const char *list_part(const char *p, const char *end, const char *by, struct rh_field *out)
{
    size_t by_n = strlen(by);
    while (p < end && *p == ' ')
        p++;
    if (p < end && (*p == '\'' || *p == '"') && *by != *p) {
        for (const char *q = p + 1; q < end; q++) { /* the quote that ends it stands before a separator or the end */
            const char *after = q + 1;
            if (*q != *p)
                continue;
            while (after < end && *after == ' ')
                after++;
            if (after == end || ((size_t)(end - after) >= by_n && !memcmp(after, by, by_n))) {
                *out = (struct rh_field){ p + 1, (size_t)(q - p - 1) };
                return after == end ? end : after + by_n;
            }
        }
    }
    const char *stop = memmem(p, (size_t)(end - p), by, by_n);
    *out = (struct rh_field){ p, (size_t)((stop ? stop : end) - p) };
    return stop ? stop + by_n : end;
}

static bool take_list(struct block_build *b, const struct rh_block_spec *s, int32_t row, struct rh_field f)
{
    static const char joined[] = { RH_LIST_SEPARATOR, '\0' };
    const char *by = s->by, *p = f.s, *end = f.s + f.n;
    while (p < end && isspace((unsigned char)*p))
        p++;
    while (end > p && isspace((unsigned char)end[-1]))
        end--;
    if (end - p >= 2 && *p == '[' && end[-1] == ']') { /* a Python or JSON list in a column of text */
        p++;
        end--;
        if (!by)
            by = ",";
    }
    if (!by)
        by = joined;
    while (p < end) {
        struct rh_field part;
        p = list_part(p, end, by, &part);
        if (!mention_text(b, row, part.s, part.n))
            return false;
    }
    return true;
}

static bool take_words(struct block_build *b, int32_t row, struct rh_field f)
{
    struct rh_words w = { .at = f.s, .end = f.s + f.n };
    while (rh_next_word(&w)) {
        int32_t col = rh_ids_add(&b->column, w.word, w.n);
        if (col < 0 || !mention(b, row, col))
            return false;
    }
    return true;
}

static int refuse_field(const struct rh_block_spec *s, const char *place, int64_t line, struct rh_field f,
                        const char *allowed, struct rh_error *err)
{
    return rh_fail(err, RH_EDATA, "%s:%lld: '%.*s' is not allowed for block '%s': expected %s", place,
                   (long long)line, (int)(f.n < 60 ? f.n : 60), f.s, s->name, allowed);
}

/* Fields of one record [n_columns of the spec] go into a block. */
static int take_fields(struct block_build *b, const struct rh_block_spec *s, int32_t row,
                       const struct rh_field *field, const char *place, int64_t line, struct rh_error *err)
{
    bool fine = true;
    for (int32_t c = 0; c < s->n_columns && fine; c++) {
        struct rh_field f = field[c];
        if (!f.s || f.n == 0)
            continue;
        double x;
        switch (s->kind) {
        case RH_B_LIST: fine = take_list(b, s, row, f); break;
        case RH_B_VALUE:
        case RH_B_VALUES: fine = mention_text(b, row, f.s, f.n); break;
        case RH_B_TOKENS: fine = take_words(b, row, f); break;
        case RH_B_BUCKET: {
            if (!rh_scan_real(f.s, f.n, &x))
                return refuse_field(s, place, line, f, "a number", err);
            int32_t col = 0;
            while (col < s->n_bounds && x >= s->bound[col])
                col++;
            fine = mention(b, row, col);
            break;
        }
        case RH_B_FLAGS:
            if (!rh_scan_real(f.s, f.n, &x) || (x != 0 && x != 1))
                return refuse_field(s, place, line, f, "0 or 1", err);
            if (x == 1)
                fine = mention_text(b, row, s->flag[c], strlen(s->flag[c]));
            break;
        }
    }
    return fine ? RH_OK : rh_fail_memory(err, "features", (size_t)b->n * sizeof *b->mention);
}

static int take_title(struct rh_features_build *f, int32_t row, struct rh_field title, struct rh_error *err)
{
    if (!title.s || title.n == 0)
        return RH_OK;
    if (!f->title) {
        f->title = malloc((size_t)f->ids->n * sizeof *f->title);
        for (int32_t i = 0; f->title && i < f->ids->n; i++)
            f->title[i] = -1;
    }
    if (!f->title)
        return rh_fail_memory(err, "titles", (size_t)f->ids->n * sizeof *f->title);
    if (f->title[row] >= 0)
        return RH_OK;
    f->title[row] = (int64_t)f->titles.n;
    size_t from = f->titles.n;
    rh_text_addn(&f->titles, title.s, title.n);
    rh_text_addn(&f->titles, "", 1); /* its NUL */
    if (f->titles.failed)
        return rh_fail_memory(err, "titles", f->titles.n);
    for (char *p = f->titles.s + from; *p; p++)
        if ((unsigned char)*p < ' ') /* a title is one line; a list becomes words */
            *p = ' ';
    return RH_OK;
}

int rh_features_read(struct rh_features_build *f, const struct rh_side_spec *spec, const char *place,
                     const struct rh_reader *reader, const struct rh_reader_config *config,
                     const struct rh_data_env *env, struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_input *in = NULL;
    struct rh_reading *reading = NULL;
    struct rh_field field[RH_WANTED_MOST];
    int status = rh_input_open(place, &in, err);
    if (status >= 0)
        status = reader->open(&a, in, config, &reading, err);
    for (int64_t records = 0; status >= 0; records++) {
        if (records % RECORDS_A_STEP == 0) {
            if (env->cancel && *env->cancel) {
                status = rh_fail(err, RH_ECANCEL, "interrupted");
                break;
            }
            rh_progress_step(env->log, (double)rh_input_done(in), (double)rh_input_total(in));
        }
        status = reader->next(reading, field, err);
        if (status != RH_OK)
            break;
        int64_t line = rh_input_line_number(in);
        if (!field[0].s || field[0].n == 0) {
            status = rh_fail(err, RH_EDATA, "%s:%lld: the %s id is empty", place, (long long)line,
                             spec->users ? "user" : "item");
            break;
        }
        int32_t row = rh_ids_find(&f->number, field[0].s, field[0].n);
        if (row < 0)
            continue;
        status = take_title(f, row, field[1], err);
        const struct rh_field *next = field + 2;
        for (int32_t b = 0; b < spec->n_blocks && status >= 0; b++) {
            const struct rh_block_spec *s = &spec->block[b];
            status = take_fields(find_block(f, s->name), s, row, next, place, line, err);
            next += s->n_columns;
        }
    }
    if (reading)
        reader->close(reading);
    rh_input_close(in);
    rh_arena_release(&a);
    return status < 0 ? status : RH_OK;
}

int rh_features_titles(struct rh_features_build *f, struct rh_arena *a, struct rh_strings *out, struct rh_error *err)
{
    *out = (struct rh_strings){ 0 };
    if (!f->title)
        return RH_OK;
    int32_t n = f->ids->n;
    int64_t *offset = rh_alloc(a, (size_t)n + 1, sizeof *offset);
    char *pool = rh_alloc(a, f->titles.n + (size_t)n + 1, 1);
    if (!offset || !pool)
        return rh_fail_memory(err, "titles", f->titles.n + (size_t)n * 9);
    for (int32_t i = 0; i < n; i++) {
        const char *s = f->title[i] < 0 ? "" : f->titles.s + f->title[i];
        size_t length = strlen(s) + 1;
        memcpy(pool + offset[i], s, length);
        offset[i + 1] = offset[i] + (int64_t)length;
    }
    *out = (struct rh_strings){ n, offset, pool };
    return RH_OK;
}

/* --------------------------------------------------------------------------------------------- finishing */

static int by_number(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

struct sparse { /* in work: rows of columns, with counts */
    int64_t *row; /* [n_rows + 1] */
    int32_t *col;
    int32_t *count;
};

/* Mentions by row, ascending and counted. */
static bool gather(const struct block_build *b, int32_t n_rows, struct sparse *s)
{
    s->row = calloc((size_t)n_rows + 2, sizeof *s->row);
    s->col = malloc(((size_t)b->n + 1) * sizeof *s->col);
    s->count = malloc(((size_t)b->n + 1) * sizeof *s->count);
    if (!s->row || !s->col || !s->count)
        return false;
    for (int64_t k = 0; k < b->n; k++)
        s->row[b->mention[k].row + 2]++;
    for (int32_t r = 0; r < n_rows; r++)
        s->row[r + 2] += s->row[r + 1];
    for (int64_t k = 0; k < b->n; k++)
        s->col[s->row[b->mention[k].row + 1]++] = b->mention[k].col;
    int64_t to = 0, from = 0;
    for (int32_t r = 0; r < n_rows; r++) {
        int64_t end = s->row[r + 1], start = to;
        qsort(s->col + from, (size_t)(end - from), sizeof *s->col, by_number);
        for (; from < end; from++) {
            if (to > start && s->col[to - 1] == s->col[from]) {
                s->count[to - 1]++;
                continue;
            }
            s->col[to] = s->col[from];
            s->count[to++] = 1;
        }
        s->row[r + 1] = to;
    }
    return true;
}

struct candidate { /* a column that may stay */
    const char *text;
    int32_t number;
    int64_t things; /* that have it */
};

static int by_things(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->things != y->things)
        return x->things > y->things ? -1 : 1;
    return strcmp(x->text, y->text);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct candidate *)a)->text, ((const struct candidate *)b)->text);
}

/* The columns that stay, sorted by name; for tokens those of the frequencies that the options allow. */
static struct candidate *choose_columns(const struct block_build *b, const struct sparse *s, int32_t n_rows,
                                        const struct rh_data_options *o, int32_t *n)
{
    struct candidate *c = calloc((size_t)b->column.n + 1, sizeof *c);
    if (!c)
        return NULL;
    for (int32_t i = 0; i < b->column.n; i++)
        c[i] = (struct candidate){ rh_ids_text(&b->column, i), i, 0 };
    for (int64_t k = 0; k < s->row[n_rows]; k++)
        c[s->col[k]].things++;
    *n = b->column.n;
    if (b->spec->kind == RH_B_TOKENS) {
        int32_t kept = 0;
        for (int32_t i = 0; i < *n; i++)
            if (c[i].things >= o->token_min_items && (double)c[i].things <= o->token_max_share * n_rows)
                c[kept++] = c[i];
        qsort(c, (size_t)kept, sizeof *c, by_things);
        *n = kept > o->token_limit ? (int32_t)o->token_limit : kept;
    }
    if (b->spec->kind != RH_B_BUCKET) /* buckets have an order of their own */
        qsort(c, (size_t)*n, sizeof *c, by_name);
    return c;
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static int64_t longest_row(const struct sparse *s, int32_t n_rows)
{
    int64_t longest = 0;
    for (int32_t r = 0; r < n_rows; r++)
        if (s->row[r + 1] - s->row[r] > longest)
            longest = s->row[r + 1] - s->row[r];
    return longest;
}

static int finish_block(const struct block_build *b, int32_t n_rows, const struct sparse *s,
                        const struct candidate *c, int32_t n, struct rh_arena *a, struct rh_block *out,
                        struct rh_error *err)
{
    struct rh_arena work = { 0 };
    int32_t *number = rh_alloc(&work, (size_t)b->column.n, sizeof *number); /* new number + 1 of a column */
    int32_t *order = rh_alloc(&work, (size_t)n, sizeof *order);
    int64_t n_values = s->row[n_rows], to = 0;
    int64_t *row = rh_alloc(a, (size_t)n_rows + 1, sizeof *row);
    int32_t *col = rh_alloc(a, (size_t)n_values, sizeof *col);
    float *val = rh_alloc(a, (size_t)n_values, sizeof *val);
    uint64_t *key = rh_alloc(&work, (size_t)longest_row(s, n_rows), sizeof *key);
    int status = RH_OK;
    out->name = rh_arena_strdup(a, b->spec->name);
    if (!number || !order || !key || !row || !col || !val || !out->name) {
        status = rh_fail_memory(err, "features", (size_t)n_values * 8);
        goto out;
    }
    for (int32_t i = 0; i < n; i++) {
        number[c[i].number] = i + 1;
        order[i] = c[i].number;
    }
    bool counted = false;
    for (int32_t r = 0; r < n_rows; r++) {
        int64_t n_kept = 0;
        for (int64_t k = s->row[r]; k < s->row[r + 1]; k++)
            if (number[s->col[k]]) /* the new number above, the count below: sorting takes the count along */
                key[n_kept++] = (uint64_t)(number[s->col[k]] - 1) << 32 | (uint64_t)s->count[k];
        qsort(key, (size_t)n_kept, sizeof *key, by_key);
        for (int64_t k = 0; k < n_kept; k++, to++) {
            col[to] = (int32_t)(key[k] >> 32);
            val[to] = counts(b->spec) ? (float)(key[k] & UINT32_MAX) : 1;
            counted |= val[to] != 1;
        }
        row[r + 1] = to;
    }
    status = rh_ids_strings(&b->column, order, n, a, &out->column, err);
    out->features = (struct rh_features){ .name = out->name, .n_rows = n_rows, .n_cols = n };
    if (b->n || b->spec->kind == RH_B_BUCKET) {
        out->features.row = row;
        out->features.col = col;
        out->features.val = counted ? val : NULL;
    }
out:
    rh_arena_release(&work);
    return status;
}

int rh_features_blocks(struct rh_features_build *f, const struct rh_data_options *o, struct rh_arena *a,
                       const struct rh_block **block, int32_t *n, struct rh_error *err)
{
    struct rh_block *list = rh_alloc(a, (size_t)f->n_blocks, sizeof *list);
    if (!list)
        return rh_fail_memory(err, "features", (size_t)f->n_blocks * sizeof *list);
    for (int32_t i = 0; i < f->n_blocks; i++) {
        const struct block_build *b = &f->block[i];
        struct sparse s = { 0 };
        struct candidate *c = NULL;
        int32_t n_columns = 0;
        int status = RH_OK;
        if (!gather(b, f->ids->n, &s) || !(c = choose_columns(b, &s, f->ids->n, o, &n_columns)))
            status = rh_fail_memory(err, "features", (size_t)b->n * 8);
        if (status >= 0)
            status = finish_block(b, f->ids->n, &s, c, n_columns, a, &list[i], err);
        free(s.row);
        free(s.col);
        free(s.count);
        free(c);
        RH_TRY(status);
    }
    *block = list;
    *n = f->n_blocks;
    return RH_OK;
}
