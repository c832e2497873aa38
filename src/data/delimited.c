/* Text with separated columns: tab, "::", comma and others; quoting by RFC 4180; UTF-8 or ISO-8859-1. */
#include "data/delimited.h"

#include "base/text.h"
#include "data/scan.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_MOST 4096 /* columns */

struct rh_reading {
    struct rh_input *in;
    struct rh_layout layout;
    struct rh_text record, wide; /* the record with its quotes; ISO-8859-1 as UTF-8 */
    struct rh_text own;          /* unquoted fields, one behind the other */
    int32_t n_order;
    int32_t order[RH_WANTED_MOST]; /* [n_order] wanted fields by ascending column, without the absent ones */
};

/* ---------------------------------------------------------------------------------------------- layout */

static size_t count(const char *s, size_t n, const char *what)
{
    size_t k = 0, w = strlen(what);
    for (size_t i = 0; i + w <= n; i++)
        if (!memcmp(s + i, what, w)) {
            k++;
            i += w - 1;
        }
    return k;
}

/* The separator that the first line has; those come first that rarely stand in texts. */
static const char *guess_separator(const char *s, size_t n)
{
    static const char *const candidates[] = { "\t", "::", "|", ";", "," };
    const char *stop = memchr(s, '\n', n);
    if (stop)
        n = (size_t)(stop - s);
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++)
        if (count(s, n, candidates[i]))
            return candidates[i];
    return NULL;
}

static const char *separator_word(const char *separator)
{
    return !strcmp(separator, "\t")  ? "tab"
           : !strcmp(separator, ",") ? "comma"
           : !strcmp(separator, ";") ? "semicolon"
           : !strcmp(separator, " ") ? "space"
                                     : separator;
}

/* One name out of a header line; quotes, spaces around it and the type are taken off. */
static struct rh_field header_name(const char *s, size_t n, bool typed)
{
    while (n && (*s == ' ' || *s == '"')) {
        s++;
        n--;
    }
    while (n && (s[n - 1] == ' ' || s[n - 1] == '"'))
        n--;
    const char *colon = typed ? memchr(s, ':', n) : NULL;
    return (struct rh_field){ s, colon ? (size_t)(colon - s) : n };
}

struct header {
    int32_t n;
    struct rh_field name[HEADER_MOST];
};

static void split_header(struct header *h, const struct rh_layout *l, const char *line, size_t n, bool typed)
{
    const char *end = line + n;
    bool inside = false;
    h->n = 0;
    for (const char *p = line, *from = line;; p++) {
        if (p < end && *p == '"' && l->quoted)
            inside = !inside;
        bool stop = p == end;
        if (!stop && (inside || (size_t)(end - p) < l->separator_n || memcmp(p, l->separator, l->separator_n)))
            continue;
        if (h->n < HEADER_MOST)
            h->name[h->n++] = header_name(from, (size_t)(p - from), typed);
        if (stop)
            return;
        p += l->separator_n - 1;
        from = p + 1;
    }
}

/* Column of one name or number; -1: not there. */
static int32_t find_one(const struct header *h, const char *name, size_t n)
{
    int64_t number;
    for (int32_t c = 0; c < h->n; c++)
        if (h->name[c].n == n && !memcmp(h->name[c].s, name, n))
            return c;
    if (rh_scan_int(name, n, &number) && number >= 1 && number <= (h->n ? h->n : HEADER_MOST))
        return (int32_t)number - 1;
    return -1;
}

static int no_column(const struct rh_input *in, const struct header *h, const char *wanted, struct rh_error *err)
{
    struct rh_text have = { 0 };
    for (int32_t c = 0; c < h->n && c < 30; c++)
        rh_text_printf(&have, "%s%.*s", c ? ", " : "", (int)h->name[c].n, h->name[c].s);
    int status;
    if (h->n)
        status = rh_fail(err, RH_EDATA, "%s:1: there is no column '%s'; there are: %s%s", rh_input_name(in), wanted,
                         have.s ? have.s : "", h->n == 1 ? "; is the separator right?" : "");
    else
        status = rh_fail(err, RH_EDATA,
                         "%s: column '%s' needs a header line (header = yes), or use its number from 1",
                         rh_input_name(in), wanted);
    rh_text_release(&have);
    return status;
}

static int find_column(const struct rh_input *in, const struct header *h, const char *wanted, int32_t *out,
                       struct rh_error *err)
{
    size_t n = strlen(wanted);
    bool optional = n && wanted[n - 1] == '?';
    const char *end = wanted + n - optional;
    *out = -1;
    for (const char *p = wanted; p <= end && *out < 0;) {
        const char *bar = memchr(p, '|', (size_t)(end - p));
        *out = find_one(h, p, (size_t)((bar ? bar : end) - p));
        p = bar ? bar + 1 : end + 1;
    }
    return *out < 0 && !optional ? no_column(in, h, wanted, err) : RH_OK;
}

int rh_layout_read(struct rh_input *in, const struct rh_reader_config *config, bool typed, struct rh_layout *out,
                   struct rh_error *err)
{
    const char *head, *separator = typed ? "\t" : config->separator;
    size_t n;
    *out = (struct rh_layout){ .latin1 = config->latin1, .n_wanted = config->n_wanted };
    if (config->n_wanted > RH_WANTED_MOST)
        return rh_fail(err, RH_EINVAL, "%s: %d wanted columns: at most %d", rh_input_name(in), config->n_wanted,
                       RH_WANTED_MOST);
    RH_TRY(rh_input_peek(in, &head, &n, err));
    if (n == 0)
        return rh_fail(err, RH_EDATA, "%s: the file is empty", rh_input_name(in));
    if (!separator && !(separator = guess_separator(head, n)))
        return rh_fail(err, RH_EDATA, "%s:1: no tab, '::', '|', ';' or comma in the first line; set the separator",
                       rh_input_name(in));
    out->separator_n = strlen(separator);
    if (!out->separator_n || out->separator_n >= sizeof out->separator)
        return rh_fail(err, RH_EINVAL, "%s: the separator '%s' is not allowed: 1 to %zu bytes", rh_input_name(in),
                       separator, sizeof out->separator - 1);
    memcpy(out->separator, separator, out->separator_n);
    out->quoted = config->quoted;

    struct header *h = calloc(1, sizeof *h);
    if (!h)
        return rh_fail_memory(err, "a header", sizeof *h);
    int status = RH_OK;
    if (config->header || typed) {
        const char *line;
        status = rh_input_line(in, &line, &n, err);
        if (status == RH_OK)
            split_header(h, out, line, n, typed);
        out->n_columns = h->n;
    }
    for (int32_t w = 0; w < config->n_wanted && status >= 0; w++) {
        status = find_column(in, h, config->wanted[w], &out->column[w], err);
        if (out->column[w] >= out->n_needed && config->wanted[w][strlen(config->wanted[w]) - 1] != '?')
            out->n_needed = out->column[w] + 1;
    }
    free(h);
    return status < 0 ? status : RH_OK;
}

int rh_layout_refuse(const struct rh_layout *l, const char *file, int64_t line, const char *text, size_t text_n,
                     int32_t n, struct rh_error *err)
{
    const char *other = n == 1 ? guess_separator(text, text_n) : NULL;
    const char *word = separator_word(l->separator);
    const char *hint = other ? separator_word(other) : NULL;
    if (l->n_columns)
        return rh_fail(err, RH_EDATA, "%s:%lld: %d column%s split at '%s', the header has %d%s%s%s", file,
                       (long long)line, n, n == 1 ? "" : "s", word, l->n_columns,
                       hint ? "; did you mean separator = " : "", hint ? hint : "", hint ? "?" : "");
    return rh_fail(err, RH_EDATA, "%s:%lld: %d column%s split at '%s', column %d is wanted%s%s%s", file,
                   (long long)line, n, n == 1 ? "" : "s", word, l->n_needed,
                   hint ? "; did you mean separator = " : "", hint ? hint : "", hint ? "?" : "");
}

/* ---------------------------------------------------------------------------------------------- reading */

int rh_delimited_open(struct rh_arena *a, struct rh_input *in, const struct rh_reader_config *config, bool typed,
                      struct rh_reading **out, struct rh_error *err)
{
    struct rh_reading *r = rh_alloc(a, 1, sizeof *r);
    if (!r)
        return rh_fail_memory(err, rh_input_name(in), sizeof *r);
    r->in = in;
    RH_TRY(rh_layout_read(in, config, typed, &r->layout, err));
    const int32_t *column = r->layout.column;
    for (int32_t w = 0; w < config->n_wanted; w++) { /* insertion sort: a dozen at most, once */
        if (column[w] < 0)
            continue;
        int32_t at = r->n_order++;
        for (; at > 0 && column[r->order[at - 1]] > column[w]; at--)
            r->order[at] = r->order[at - 1];
        r->order[at] = w;
    }
    *out = r;
    return RH_OK;
}

static void widen(struct rh_text *out, const char *s, size_t n)
{
    rh_text_clear(out);
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        char two[2] = { (char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f)) };
        if (c < 0x80)
            rh_text_addn(out, s + i, 1);
        else
            rh_text_addn(out, two, 2);
    }
}

/* True when a quoted field is still open at the end of the record. */
static bool open_quote(const struct rh_layout *l, const char *s, size_t n)
{
    bool inside = false, start = true; /* start of a field */
    for (size_t i = 0; i < n; i++) {
        if (inside) {
            if (s[i] == '"') {
                if (i + 1 < n && s[i + 1] == '"')
                    i++;
                else
                    inside = false;
            }
        } else if (start && s[i] == '"') {
            inside = true;
            start = false;
        } else if (n - i >= l->separator_n && !memcmp(s + i, l->separator, l->separator_n)) {
            i += l->separator_n - 1;
            start = true;
        } else {
            start = false;
        }
    }
    return inside;
}

/* The next record that is not an empty line, in r->record or r->wide. */
static int take_record(struct rh_reading *r, const char **s, size_t *n, int64_t *line_number, struct rh_error *err)
{
    int status;
    do {
        status = rh_input_line(r->in, s, n, err);
        if (status != RH_OK)
            return status;
    } while (*n == 0);
    *line_number = rh_input_line_number(r->in);
    if (r->layout.quoted && memchr(*s, '"', *n) && open_quote(&r->layout, *s, *n)) {
        rh_text_clear(&r->record);
        rh_text_addn(&r->record, *s, *n);
        do {
            const char *more;
            size_t k;
            status = rh_input_line(r->in, &more, &k, err);
            if (status == RH_DONE || r->record.n > (size_t)64 << 20)
                return rh_fail(err, RH_EDATA, "%s:%lld: a quoted field begins in this line and does not end",
                               rh_input_name(r->in), (long long)*line_number);
            if (status < 0)
                return status;
            rh_text_add(&r->record, "\n");
            rh_text_addn(&r->record, more, k);
            if (r->record.failed)
                return rh_fail_memory(err, rh_input_name(r->in), r->record.n);
        } while (open_quote(&r->layout, r->record.s, r->record.n));
        *s = r->record.s;
        *n = r->record.n;
    }
    if (r->layout.latin1) {
        widen(&r->wide, *s, *n);
        if (r->wide.failed)
            return rh_fail_memory(err, rh_input_name(r->in), *n);
        *s = r->wide.s;
        *n = r->wide.n;
    } else if (!rh_utf8_valid(*s, *n)) {
        return rh_fail(err, RH_EDATA, "%s:%lld: bytes that are not UTF-8; is it encoding = latin1?",
                       rh_input_name(r->in), (long long)*line_number);
    }
    return RH_OK;
}

/* A quoted field that starts at p with '"': appends its text to `out` and returns what follows, NULL: text after the
 * closing quote. */
static const char *unquote(const struct rh_layout *l, const char *p, const char *end, struct rh_text *out)
{
    p++;
    for (;;) {
        const char *q = memchr(p, '"', (size_t)(end - p)); /* there is one: take_record saw to it */
        if (!q)
            return NULL;
        rh_text_addn(out, p, (size_t)(q - p));
        p = q + 1;
        if (p == end || *p != '"')
            break;
        rh_text_addn(out, "\"", 1);
        p++;
    }
    if (p < end && ((size_t)(end - p) < l->separator_n || memcmp(p, l->separator, l->separator_n)))
        return NULL;
    return p;
}

static const char *find_separator(const struct rh_layout *l, const char *p, const char *end)
{
    while (p < end && (p = memchr(p, l->separator[0], (size_t)(end - p)))) {
        if ((size_t)(end - p) >= l->separator_n && !memcmp(p, l->separator, l->separator_n))
            return p;
        p++;
    }
    return NULL;
}

int rh_delimited_next(struct rh_reading *r, struct rh_field *field, struct rh_error *err)
{
    const struct rh_layout *l = &r->layout;
    const char *s;
    size_t n;
    int64_t line;
    int status = take_record(r, &s, &n, &line, err);
    if (status != RH_OK)
        return status;
    for (int32_t w = 0; w < l->n_wanted; w++)
        field[w] = (struct rh_field){ NULL, 0 };
    /* Unquoting never makes a text longer, so the buffer does not move while fields point into it. */
    struct rh_text *own = &r->own;
    rh_text_clear(own);
    if (l->quoted && memchr(s, '"', n)) {
        rh_text_addn(own, s, n);
        rh_text_clear(own);
        if (own->failed)
            return rh_fail_memory(err, rh_input_name(r->in), n);
    }
    const char *end = s + n, *p = s;
    int32_t c = 0, at = 0;
    for (;; c++) {
        struct rh_field f = { p, 0 };
        const char *after;
        if (l->quoted && p < end && *p == '"') {
            size_t from = own->n;
            after = unquote(l, p, end, own);
            if (!after)
                return rh_fail(err, RH_EDATA, "%s:%lld: text behind the closing quote of column %d",
                               rh_input_name(r->in), (long long)line, c + 1);
            f = (struct rh_field){ own->s + from, own->n - from };
        } else {
            after = find_separator(l, p, end);
            f.n = (size_t)((after ? after : end) - p);
            if (!after)
                after = end;
        }
        for (; at < r->n_order && l->column[r->order[at]] == c; at++)
            field[r->order[at]] = f;
        if (after == end)
            break;
        p = after + l->separator_n;
    }
    c++;
    if (c < l->n_needed || (l->n_columns && c != l->n_columns))
        return rh_layout_refuse(l, rh_input_name(r->in), line, s, n, c, err);
    return RH_OK;
}

void rh_delimited_close(struct rh_reading *r)
{
    if (!r)
        return;
    rh_text_release(&r->record);
    rh_text_release(&r->wide);
    rh_text_release(&r->own);
}

static int bid(const char *head, size_t n)
{
    return n && !memchr(head, '\0', n) && guess_separator(head, n) ? 10 : 0;
}

static int open_delimited(struct rh_arena *a, struct rh_input *in, const struct rh_reader_config *config,
                          struct rh_reading **out, struct rh_error *err)
{
    return rh_delimited_open(a, in, config, false, out, err);
}

const struct rh_reader rh_reader_delimited = {
    .name = "delimited",
    .summary = "text in columns: tab, comma (CSV), '::', '|' or another separator, with a header line or without",
    .revision = 1,
    .bid = bid,
    .open = open_delimited,
    .next = rh_delimited_next,
    .close = rh_delimited_close,
};
