#include "base/ini.h"

#include "base/file.h"
#include "base/text.h"

#include <ctype.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* inih calls back without line numbers and passes over empty sections, and it has a fixed line length. The reader
 * below stands between the text and inih: it counts lines, hands each section header on as an entry of our own, and
 * breaks a long line into the indented continuation lines that inih joins. */
#define PIECE 150 /* below inih's smallest default of 200 with its NUL */

struct reading {
    struct rh_ini *ini;
    struct rh_arena *a;
    struct rh_error *err;
    const char *file;
    const char *at, *end; /* the text not yet read */
    const char *piece;    /* rest of a long line, or NULL */
    size_t piece_left;
    bool glued;           /* the line last handed out is such a rest: no gap before it */
    int line;             /* number of the line last handed out */
    bool indented;        /* the line last handed out continues a value, if there is one */
    char section[128];
    size_t section_from;  /* index of the first entry of this section */
};

static int append(struct reading *r, const char *key, const char *value)
{
    struct rh_ini *ini = r->ini;
    if (ini->n == ini->capacity) {
        size_t capacity = ini->capacity ? ini->capacity * 2 : 64;
        struct rh_ini_entry *entry = rh_alloc(r->a, capacity, sizeof *entry);
        if (!entry)
            return rh_fail_memory(r->err, r->file, capacity * sizeof *entry);
        if (ini->n)
            memcpy(entry, ini->entry, ini->n * sizeof *entry);
        ini->entry = entry;
        ini->capacity = capacity;
    }
    struct rh_ini_entry e = { .file = r->file, .line = r->line };
    e.section = rh_arena_strdup(r->a, r->section);
    e.key = key ? rh_arena_strdup(r->a, key) : NULL;
    e.value = rh_arena_strdup(r->a, value);
    if (!e.section || !e.value || (key && !e.key))
        return rh_fail_memory(r->err, r->file, strlen(value));
    ini->entry[ini->n++] = e;
    return RH_OK;
}

static int open_section(struct reading *r, const char *line, size_t n)
{
    const char *close = memchr(line, ']', n);
    if (!close)
        return rh_fail(r->err, RH_EINVAL, "%s:%d: section header without ']'", r->file, r->line);
    const char *name = line + 1;
    while (name < close && isspace((unsigned char)*name))
        name++;
    const char *stop = close;
    while (stop > name && isspace((unsigned char)stop[-1]))
        stop--;
    for (const char *p = close + 1; p < line + n; p++) {
        if (*p == ';' || *p == '#')
            break;
        if (!isspace((unsigned char)*p))
            return rh_fail(r->err, RH_EINVAL, "%s:%d: text after the section header", r->file, r->line);
    }
    size_t length = (size_t)(stop - name);
    if (!length || length > 48) /* inih keeps 50 bytes of a section's name */
        return rh_fail(r->err, RH_EINVAL, "%s:%d: section name of %zu characters: 1 to 48 are allowed", r->file,
                       r->line, length);
    memcpy(r->section, name, length);
    r->section[length] = '\0';
    for (size_t i = 0; i < r->ini->n; i++)
        if (!r->ini->entry[i].key && !strcmp(r->ini->entry[i].section, r->section))
            return rh_fail(r->err, RH_EINVAL, "%s:%d: section [%s] is there already, at line %d", r->file, r->line,
                           r->section, r->ini->entry[i].line);
    r->section_from = r->ini->n;
    return append(r, NULL, "");
}

/* Where a long line may be broken so that inih gives back every byte of it: it strips the ends of a piece, and takes
 * one that starts with '#' or ';' for a comment. 0: nowhere. */
static size_t cut(struct reading *r, const char *s, size_t n, size_t most)
{
    if (n <= most)
        return n;
    for (size_t k = most; k > 0; k--)
        if (!isspace((unsigned char)s[k - 1]) && !isspace((unsigned char)s[k]) && s[k] != '#' && s[k] != ';')
            return k;
    rh_fail(r->err, RH_EINVAL, "%s:%d: a gap of more than %zu characters", r->file, r->line, most);
    return 0;
}

/* The line without the comment at its end, which inih would not know any more once the line is broken. */
static size_t without_comment(const char *line, size_t n)
{
    for (size_t k = 1; k < n; k++)
        if (line[k] == ';' && isspace((unsigned char)line[k - 1]))
            n = k;
    while (n > 0 && isspace((unsigned char)line[n - 1]))
        n--;
    return n;
}

/* inih's reader: one line, at most num - 1 bytes. */
static char *next_line(char *out, int num, void *stream)
{
    struct reading *r = stream;
    size_t room = (size_t)num - 1 < PIECE ? (size_t)num - 1 : PIECE;
    if (r->err->status < 0)
        return NULL;
    r->glued = r->piece != NULL;
    if (r->piece) { /* go on with a long line: an indented line continues the value */
        size_t n = cut(r, r->piece, r->piece_left, room - 2);
        if (!n)
            return NULL;
        out[0] = ' ';
        memcpy(out + 1, r->piece, n);
        out[1 + n] = '\n';
        out[2 + n] = '\0';
        r->indented = true;
        r->piece_left -= n;
        r->piece = r->piece_left ? r->piece + n : NULL;
        return out;
    }
    if (r->at >= r->end)
        return NULL;
    size_t left = (size_t)(r->end - r->at);
    const char *line = r->at, *newline = memchr(line, '\n', left);
    size_t n = newline ? (size_t)(newline - line) : left;
    r->at += newline ? n + 1 : n;
    r->line++;
    r->indented = n > 0 && isspace((unsigned char)line[0]);
    while (n > 0 && isspace((unsigned char)line[n - 1]))
        n--;
    if (memchr(line, '\0', n)) {
        rh_fail(r->err, RH_EINVAL, "%s:%d: a NUL byte; is this a text file?", r->file, r->line);
        return NULL;
    }
    const char *text = line, *stop = line + n;
    while (text < stop && isspace((unsigned char)*text))
        text++;
    if (text < stop && (*text == ';' || *text == '#')) {
        n = 0; /* a comment, however long */
    } else if (text < stop && *text == '[' && text == line) {
        if (open_section(r, line, n) < 0)
            return NULL;
        snprintf(out, (size_t)num, "[%s]\n", r->section);
        return out;
    } else {
        n = without_comment(line, n);
        size_t k = n ? cut(r, line, n, room - 1) : 0;
        if (n && !k)
            return NULL;
        r->piece = k < n ? line + k : NULL;
        r->piece_left = n - k;
        n = k;
    }
    memcpy(out, line, n);
    out[n] = '\n';
    out[n + 1] = '\0';
    return out;
}

static int on_entry(void *user, const char *section, const char *name, const char *value)
{
    struct reading *r = user;
    (void)section; /* ours is not cut off */
    if (!r->section[0]) {
        rh_fail(r->err, RH_EINVAL, "%s:%d: key '%s' outside a section; start with [experiment]", r->file, r->line,
                name);
        return 0;
    }
    if (!*name) {
        rh_fail(r->err, RH_EINVAL, "%s:%d: a value without a key", r->file, r->line);
        return 0;
    }
    struct rh_ini *ini = r->ini;
    struct rh_ini_entry *last = &ini->entry[ini->n - 1]; /* there is one: the section's header */
    if (r->indented && last->key && !strcmp(last->key, name)) {
        last->value = rh_arena_printf(r->a, "%s%s%s", last->value,
                                     *last->value && !r->glued ? " " : "", value);
        return last->value ? 1 : rh_fail_memory(r->err, r->file, strlen(value)) >= 0;
    }
    for (size_t i = r->section_from; i < ini->n; i++)
        if (ini->entry[i].key && !strcmp(ini->entry[i].key, name)) {
            rh_fail(r->err, RH_EINVAL, "%s:%d: key '%s' is there already, at line %d", r->file, r->line, name,
                    ini->entry[i].line);
            return 0;
        }
    return append(r, name, value) >= 0;
}

int rh_ini_read_text(struct rh_ini *ini, struct rh_arena *a, const char *name, const char *text, size_t n,
                     struct rh_error *err)
{
    struct rh_error own = { 0 };
    if (n >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
        text += 3;
        n -= 3;
    }
    struct reading r = { .ini = ini, .a = a, .err = &own, .at = text, .end = text + n };
    r.file = rh_arena_strdup(a, name);
    size_t from = ini->n;
    if (!r.file)
        return rh_fail_memory(err, name, strlen(name));
    int bad = ini_parse_stream(next_line, &r, on_entry, &r);
    if (own.status >= 0 && bad)
        rh_fail(&own, RH_EINVAL, "%s:%d: expected 'key = value', [section] or a comment", name, r.line);
    if (own.status < 0) {
        ini->n = from;
        return rh_fail(err, own.status, "%s", own.text);
    }
    return RH_OK;
}

int rh_ini_read(struct rh_ini *ini, struct rh_arena *a, const char *path, struct rh_error *err)
{
    char *text = NULL;
    size_t n = 0;
    RH_TRY(rh_read_file(a, path, &text, &n, err));
    return rh_ini_read_text(ini, a, path, text, n, err);
}

const struct rh_ini_entry *rh_ini_find(const struct rh_ini *ini, const char *section, const char *key)
{
    for (size_t i = 0; i < ini->n; i++) {
        const struct rh_ini_entry *e = &ini->entry[i];
        if (!strcmp(e->section, section) && (key ? e->key && !strcmp(e->key, key) : !e->key))
            return e;
    }
    return NULL;
}

int rh_ini_set(struct rh_ini *ini, struct rh_arena *a, const char *assignment, struct rh_error *err)
{
    const char *equals = strchr(assignment, '='), *dot = NULL;
    for (const char *p = assignment; equals && p < equals; p++)
        if (*p == '.')
            dot = p;
    if (!dot || dot == assignment || dot + 1 == equals)
        return rh_fail(err, RH_EINVAL, "--set '%s': expected section.key=value, such as algorithm.itemknn.neighbors=20",
                       assignment);
    struct reading r = { .ini = ini, .a = a, .err = err, .file = "--set" };
    char *section = rh_arena_trim(a, assignment, (size_t)(dot - assignment));
    char *key = rh_arena_trim(a, dot + 1, (size_t)(equals - dot - 1));
    char *value = rh_arena_trim(a, equals + 1, strlen(equals + 1));
    if (!section || !key || !value || strlen(section) >= sizeof r.section)
        return rh_fail(err, RH_EINVAL, "--set '%s': too long", assignment);
    struct rh_ini_entry *old = (struct rh_ini_entry *)rh_ini_find(ini, section, key);
    if (old) {
        *old = (struct rh_ini_entry){ section, key, value, "--set", 0 };
        return RH_OK;
    }
    memcpy(r.section, section, strlen(section) + 1);
    if (!rh_ini_find(ini, section, NULL))
        RH_TRY(append(&r, NULL, ""));
    return append(&r, key, value);
}
