#include "exchange/runfile.h"

#include "base/hash.h"
#include "base/parallel.h"
#include "exchange/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE ((size_t)2 << 20) /* bytes; the columns of a piece and its text fit the cache */

struct rh_file_body {
    char *text; /* mapped, or read into memory */
    size_t n;
    bool mapped;
    char *last; /* copy of the last line, with the newline that the file leaves out; NULL: it has one */
    struct rh_line_rules rules;
    struct rh_piece *piece;
    int32_t n_pieces;
    uint32_t *slot; /* [slots] query + 1 by id */
    uint32_t slots;
};

/* --------------------------------------------------------------------------------------------------- bytes */

static int read_all(int fd, const char *path, struct rh_file_body *b, struct rh_error *err)
{
    size_t capacity = 0;
    for (;;) {
        if (b->n == capacity) {
            capacity = capacity ? 2 * capacity : 1 << 16;
            char *bigger = realloc(b->text, capacity);
            if (!bigger)
                return rh_fail_memory(err, "a run file", capacity);
            b->text = bigger;
        }
        ssize_t n = read(fd, b->text + b->n, capacity - b->n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return rh_fail(err, RH_EIO, "cannot read '%s': %s", path, strerror(errno));
        if (n == 0)
            return RH_OK;
        b->n += (size_t)n;
    }
}

static int open_body(const char *path, struct rh_file_body *b, struct rh_error *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return rh_fail(err, RH_EIO, "cannot open '%s': %s", path, strerror(errno));
    int status = RH_OK;
    if (fstat(fd, &st) || S_ISDIR(st.st_mode)) {
        status = rh_fail(err, RH_EIO, "cannot read '%s': it is a folder", path);
    } else if (S_ISREG(st.st_mode) && st.st_size > 0) {
        b->n = (size_t)st.st_size;
        b->text = mmap(NULL, b->n, PROT_READ, MAP_PRIVATE, fd, 0);
        b->mapped = b->text != MAP_FAILED;
        if (!b->mapped) {
            b->text = NULL;
            b->n = 0;
        }
    }
    if (status >= 0 && !b->mapped) /* a pipe, or a file system that cannot map */
        status = read_all(fd, path, b, err);
    close(fd);
    return status;
}

static int64_t line_of(const struct rh_file_body *b, const char *at)
{
    int64_t line = 1;
    const char *end = b->text + b->n;
    if (at < b->text || at >= end) /* in the copy of the last line */
        at = end;
    for (const char *p = b->text; p < at && (p = memchr(p, '\n', (size_t)(at - p))); p++)
        line++;
    return line;
}

/* ------------------------------------------------------------------------------------------------- reading */

/* Cuts [from, end of text) at line ends. The last line may lack its newline: it gets a piece of its own, a copy. */
static int cut(struct rh_run_file *f, const char *from, struct rh_error *err)
{
    struct rh_file_body *b = f->body;
    const char *end = b->text + b->n, *last = end;
    if (end > from && end[-1] != '\n') {
        while (last > from && last[-1] != '\n')
            last--;
        size_t n = (size_t)(end - last);
        b->last = malloc(n + 1);
        if (!b->last)
            return rh_fail_memory(err, "a line", n);
        memcpy(b->last, last, n);
        b->last[n] = '\n';
    }
    b->piece = calloc((size_t)(last - from) / PIECE + 2, sizeof *b->piece);
    if (!b->piece)
        return rh_fail_memory(err, "the pieces of a file", b->n / PIECE);
    while (from < last) {
        const char *to = last;
        if ((size_t)(last - from) > PIECE)
            to = (const char *)memchr(from + PIECE - 1, '\n', (size_t)(last - from) - PIECE + 1) + 1;
        b->piece[b->n_pieces++] = (struct rh_piece){ .begin = from, .end = to, .origin = b->text };
        from = to;
    }
    if (b->last) {
        size_t n = (size_t)(end - last);
        b->piece[b->n_pieces++] =
            (struct rh_piece){ .begin = b->last, .end = b->last + n + 1, .origin = b->last - (last - b->text) };
    }
    return RH_OK;
}

static int read_pieces(void *arg, int thread, int64_t begin, int64_t end)
{
    struct rh_file_body *b = arg;
    (void)thread;
    for (int64_t i = begin; i < end; i++) {
        rh_piece_read(&b->piece[i], &b->rules);
        if (b->piece[i].no_memory || b->piece[i].bad)
            return RH_EDATA;
    }
    return RH_OK;
}

/* How many characters of the bad line are shown. A piece is not closed by a NUL. */
static int shown(const struct rh_piece *p)
{
    int n = 0;
    while (n < 80 && p->bad + n < p->end && p->bad[n] != '\r' && p->bad[n] != '\n')
        n++;
    return n;
}

static int complain(const struct rh_run_file *f, struct rh_error *err)
{
    const struct rh_file_body *b = f->body;
    for (int32_t i = 0; i < b->n_pieces; i++) {
        const struct rh_piece *p = &b->piece[i];
        if (p->no_memory)
            return rh_fail_memory(err, "the lines of a file", (size_t)(p->end - p->begin));
        if (p->bad)
            return rh_fail(err, RH_EDATA, "%s:%lld: %s; the line is '%.*s'", f->path,
                           (long long)line_of(b, p->bad), p->why, shown(p), p->bad);
    }
    return RH_OK;
}

/* -------------------------------------------------------------------------------------------------- queries */

static inline bool is_same(struct rh_span a, struct rh_span b)
{
    return a.n == b.n && !memcmp(a.s, b.s, a.n);
}

/* The slot where a query of this id is, or should be. */
static uint32_t slot_of(const struct rh_run_file *f, struct rh_span id)
{
    const struct rh_file_body *b = f->body;
    uint32_t i = (uint32_t)rh_span_hash(id) & (b->slots - 1);
    while (b->slot[i] && !is_same(f->query[b->slot[i] - 1].id, id))
        i = (i + 1) & (b->slots - 1);
    return i;
}

int32_t rh_run_file_find(const struct rh_run_file *f, struct rh_span id)
{
    return (int32_t)f->body->slot[slot_of(f, id)] - 1;
}

static int join_segments(struct rh_run_file *f, struct rh_error *err)
{
    struct rh_file_body *b = f->body;
    int64_t n = 0;
    for (int32_t i = 0; i < b->n_pieces; i++) {
        n += b->piece[i].n_segments;
        f->n += b->piece[i].n;
    }
    if (n > INT32_MAX / 4 || f->n > (int64_t)1 << 40)
        return rh_fail(err, RH_EUNSUP, "'%s' has too many lines: %lld", f->path, (long long)f->n);
    for (b->slots = 64; b->slots < 2 * n; b->slots *= 2)
        ;
    f->segment = malloc((size_t)(n + 1) * sizeof *f->segment);
    f->query = malloc((size_t)(n + 1) * sizeof *f->query);
    b->slot = calloc(b->slots, sizeof *b->slot);
    if (!f->segment || !f->query || !b->slot)
        return rh_fail_memory(err, "the queries of a file", (size_t)n * sizeof *f->segment);
    for (int32_t i = 0; i < b->n_pieces; i++)
        for (int32_t k = 0; k < b->piece[i].n_segments; k++) {
            int32_t me = f->n_segments++;
            struct rh_segment *s = &f->segment[me];
            *s = b->piece[i].segment[k];
            uint32_t slot = slot_of(f, s->query);
            if (!b->slot[slot]) {
                f->query[f->n_queries++] = (struct rh_file_query){ .id = s->query, .first = me, .last = me };
                b->slot[slot] = (uint32_t)f->n_queries;
            }
            struct rh_file_query *q = &f->query[b->slot[slot] - 1];
            if (q->n > INT32_MAX / 4 - s->n)
                return rh_fail(err, RH_EUNSUP, "'%s': query %.*s has too many lines", f->path, (int)q->id.n, q->id.s);
            if (q->last != me)
                f->segment[q->last].next = me;
            q->last = me;
            q->n += s->n;
        }
    return RH_OK;
}

static int read_file(struct rh_run_file *f, int threads, struct rh_error *err)
{
    struct rh_file_body *b = f->body;
    const char *from, *why = NULL;
    RH_TRY(open_body(f->path, b, err));
    from = b->text;
    b->rules = (struct rh_line_rules){ .form = RH_FORM_QRELS };
    RH_TRY(cut(f, from, err));
    if (f->kind == RH_FILE_RUN && b->n_pieces) {
        struct rh_piece *p = &b->piece[0];
        if (!rh_line_rules_guess(p->begin, p->end, &b->rules, &from, &why))
            return rh_fail(err, RH_EDATA, "%s:%lld: %s", f->path, (long long)line_of(b, from), why);
        p->begin = from;
    }
    rh_loop(threads, b->n_pieces, 1, read_pieces, b);
    RH_TRY(complain(f, err));
    RH_TRY(join_segments(f, err));
    if (f->n == 0)
        return rh_fail(err, RH_EINVAL, "'%s' has no line", f->path);
    return RH_OK;
}

int rh_run_file_read(const char *path, enum rh_file_kind kind, int threads, struct rh_run_file **out,
                     struct rh_error *err)
{
    struct rh_run_file *f = calloc(1, sizeof *f);
    *out = NULL;
    if (!f || !(f->body = calloc(1, sizeof *f->body))) {
        free(f);
        return rh_fail_memory(err, "a file", sizeof *f);
    }
    f->path = path;
    f->kind = kind;
    int status = read_file(f, threads, err);
    if (status < 0) {
        rh_run_file_free(f);
        return status;
    }
    *out = f;
    return RH_OK;
}

void rh_run_file_free(struct rh_run_file *f)
{
    if (!f)
        return;
    struct rh_file_body *b = f->body;
    for (int32_t i = 0; i < b->n_pieces; i++) {
        free(b->piece[i].item);
        free(b->piece[i].value);
        free(b->piece[i].segment);
    }
    if (b->mapped)
        munmap(b->text, b->n);
    else
        free(b->text);
    free(b->piece);
    free(b->last);
    free(b->slot);
    free(b);
    free(f->segment);
    free(f->query);
    free(f);
}

/* ------------------------------------------------------------------------------------------- lines of a query */

bool rh_item_is_digits(uint64_t item)
{
    return !(item & RH_ITEM_TEXT);
}

/* A text is where its number says, in the file or in the copy of its last line. */
static struct rh_span text_at(const struct rh_run_file *f, uint64_t item)
{
    const struct rh_file_body *b = f->body;
    size_t at = (item & ~RH_ITEM_TEXT) >> 24;
    struct rh_span t = { b->text + at, (uint32_t)(item & 0xffffff) };
    if (b->last) {
        const struct rh_piece *p = &b->piece[b->n_pieces - 1];
        if (at >= (size_t)(p->begin - p->origin))
            t.s = p->origin + at;
    }
    return t;
}

struct rh_span rh_item_text(const struct rh_run_file *f, uint64_t item, char buf[static 24])
{
    if (!rh_item_is_digits(item))
        return text_at(f, item);
    char *p = buf + 24;
    do
        *--p = (char)('0' + item % 10);
    while (item /= 10);
    return (struct rh_span){ p, (uint32_t)(buf + 24 - p) };
}

static int make_room(struct rh_query_room *room, int32_t n, struct rh_error *err)
{
    if (n <= room->capacity)
        return RH_OK;
    uint64_t *item = realloc(room->item, (size_t)n * sizeof *item);
    if (item)
        room->item = item;
    float *value = realloc(room->value, (size_t)n * sizeof *value);
    if (value)
        room->value = value;
    if (!item || !value)
        return rh_fail_memory(err, "the lines of a query", (size_t)n * 12);
    room->capacity = n;
    return RH_OK;
}

int rh_run_file_lines(const struct rh_run_file *f, int32_t query, struct rh_query_room *room,
                      struct rh_query_lines *out, struct rh_error *err)
{
    const struct rh_file_query *q = &f->query[query];
    const struct rh_segment *s = &f->segment[q->first];
    if (s->next < 0) {
        *out = (struct rh_query_lines){ s->n, s->item, s->value };
        return RH_OK;
    }
    RH_TRY(make_room(room, q->n, err));
    int32_t n = 0;
    for (int32_t i = q->first; i >= 0; i = f->segment[i].next) {
        s = &f->segment[i];
        memcpy(room->item + n, s->item, (size_t)s->n * sizeof *s->item);
        memcpy(room->value + n, s->value, (size_t)s->n * sizeof *s->value);
        n += s->n;
    }
    *out = (struct rh_query_lines){ n, room->item, room->value };
    return RH_OK;
}

static inline uint64_t hash_item(const struct rh_run_file *f, uint64_t item)
{
    return rh_item_is_digits(item) ? rh_mix64(item) : rh_span_hash(text_at(f, item));
}

static inline bool same_item(const struct rh_run_file *f, uint64_t a, const struct rh_run_file *g, uint64_t b)
{
    if (rh_item_is_digits(a) || rh_item_is_digits(b))
        return a == b;
    return is_same(text_at(f, a), text_at(g, b));
}

/* An item of digits is found by its number alone, which is why the two cases are apart. */
static inline uint32_t item_slot(const struct rh_run_file *f, const struct rh_query_room *room,
                                 const struct rh_run_file *of, uint64_t item)
{
    const uint64_t *items = room->lines.item;
    uint32_t mask = room->slots - 1, i = (uint32_t)hash_item(of, item) & mask;
    if (rh_item_is_digits(item))
        while (room->slot[i] && items[room->slot[i] - 1] != item)
            i = (i + 1) & mask;
    else
        while (room->slot[i] && !same_item(f, items[room->slot[i] - 1], of, item))
            i = (i + 1) & mask;
    return i;
}

int rh_run_file_enter(const struct rh_run_file *f, int32_t query, struct rh_query_room *room,
                      struct rh_query_lines *out, struct rh_error *err)
{
    uint32_t slots = 64;
    char buf[24];
    RH_TRY(rh_run_file_lines(f, query, room, out, err));
    room->lines = *out;
    while (slots < 2 * (uint32_t)out->n)
        slots *= 2;
    if (slots != room->slots) {
        uint32_t *slot = realloc(room->slot, slots * sizeof *slot);
        if (!slot)
            return rh_fail_memory(err, "the items of a query", slots * sizeof *slot);
        room->slot = slot;
        room->slots = slots;
    }
    memset(room->slot, 0, slots * sizeof *room->slot);
    for (int32_t i = 0; i < out->n; i++) {
        uint32_t slot = item_slot(f, room, f, out->item[i]);
        if (room->slot[slot]) {
            struct rh_span t = rh_item_text(f, out->item[i], buf), q = f->query[query].id;
            return rh_fail(err, RH_EDATA, "%s:%lld: query %.*s has item %.*s twice, first in line %lld", f->path,
                           (long long)rh_run_file_line_number(f, query, i), (int)q.n, q.s, (int)t.n, t.s,
                           (long long)rh_run_file_line_number(f, query, (int32_t)room->slot[slot] - 1));
        }
        room->slot[slot] = (uint32_t)i + 1;
    }
    return RH_OK;
}

int32_t rh_run_file_line(const struct rh_run_file *f, const struct rh_query_room *room, const struct rh_run_file *of,
                         uint64_t item)
{
    return (int32_t)room->slot[item_slot(f, room, of, item)] - 1;
}

void rh_query_room_release(struct rh_query_room *room)
{
    free(room->item);
    free(room->value);
    free(room->slot);
    *room = (struct rh_query_room){ 0 };
}

/* ------------------------------------------------------------------------------------------------- complaints */

/* Calls back for the lines of a query, in the order of the file, with what stands in them. */
static bool each_line(const struct rh_run_file *f, int32_t query, bool (*look)(void *, int32_t, const struct rh_line *,
                                                                            const char *), void *arg)
{
    int32_t n = 0;
    const char *why;
    for (int32_t i = f->query[query].first; i >= 0; i = f->segment[i].next) {
        const struct rh_segment *s = &f->segment[i];
        const char *p = s->text;
        for (int32_t k = 0; k < s->n; k++) {
            struct rh_line line;
            const char *next;
            while (!(next = rh_line_read(&f->body->rules, p, &line, &why)))
                p = strchr(p, '\n') + 1; /* a blank line: it was read once */
            if (!look(arg, n++, &line, p))
                return false;
            p = next;
        }
    }
    return true;
}

struct wanted {
    int32_t i;
    const char *at;
};

static bool is_wanted(void *arg, int32_t i, const struct rh_line *line, const char *at)
{
    struct wanted *w = arg;
    (void)line;
    w->at = at;
    return i < w->i;
}

int64_t rh_run_file_line_number(const struct rh_run_file *f, int32_t query, int32_t i)
{
    struct wanted w = { .i = i };
    each_line(f, query, is_wanted, &w);
    return line_of(f->body, w.at);
}

struct placed {
    int64_t rank;
    float score;
    int32_t line;
};

static int by_rank(const void *x, const void *y)
{
    const struct placed *a = x, *b = y;
    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return (a->line > b->line) - (a->line < b->line);
}

static bool note_rank(void *arg, int32_t i, const struct rh_line *line, const char *at)
{
    struct placed *p = arg;
    (void)at;
    p[i] = (struct placed){ line->rank, line->value, i };
    return line->rank >= 0;
}

int rh_run_file_check_ranks(const struct rh_run_file *f, int32_t query, struct rh_error *err)
{
    const struct rh_file_query *q = &f->query[query];
    if (f->segment[q->first].next < 0 && f->segment[q->first].in_order)
        return RH_OK;
    struct placed *p = malloc((size_t)q->n * sizeof *p);
    if (!p)
        return rh_fail_memory(err, "the ranks of a query", (size_t)q->n * sizeof *p);
    int status = RH_OK;
    if (each_line(f, query, note_rank, p)) {
        qsort(p, (size_t)q->n, sizeof *p, by_rank);
        for (int32_t i = 1; i < q->n && status >= 0; i++) {
            const struct placed *a = &p[i - 1], *b = &p[i];
            if (a->rank != b->rank && b->score <= a->score)
                continue;
            long long line = (long long)rh_run_file_line_number(f, query, b->line);
            long long other = (long long)rh_run_file_line_number(f, query, a->line);
            if (a->rank == b->rank)
                status = rh_fail(err, RH_EDATA, "%s:%lld: query %.*s has rank %lld twice, first in line %lld; with "
                                 "--ignore-ranks the scores alone decide", f->path, line, (int)q->id.n, q->id.s,
                                 (long long)b->rank, other);
            else
                status = rh_fail(err, RH_EDATA, "%s:%lld: query %.*s has score %g at rank %lld, above the score %g at "
                                 "rank %lld in line %lld; with --ignore-ranks the scores alone decide", f->path, line,
                                 (int)q->id.n, q->id.s, (double)b->score, (long long)b->rank, (double)a->score,
                                 (long long)a->rank, other);
        }
    }
    free(p);
    return status;
}
