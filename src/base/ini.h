/* Text of an .ini file as a flat list of entries with their places (inih reads the syntax). No meaning is given to
 * anything here; experiment files (config/) and dataset descriptions (data/) share it.
 *
 * Syntax: [section], key = value, comments from ';' or '#' at a line's start and from ' ;' inside a line, values may go
 * on in indented lines (joined by a space). UTF-8, an optional byte order mark, LF or CRLF. */
#ifndef RH_BASE_INI_H
#define RH_BASE_INI_H

#include "base/arena.h"
#include "base/error.h"

struct rh_ini_entry {
    const char *section;
    const char *key;   /* NULL: the section header itself, so that an empty section is seen */
    const char *value; /* trimmed */
    const char *file;  /* path as given, or "--set" */
    int line;          /* from 1; 0 for --set */
};

struct rh_ini {
    struct rh_ini_entry *entry;
    size_t n, capacity;
};

/* Appends the entries of a file. RH_EIO: cannot be read; RH_EINVAL: "FILE:LINE: ..." syntax error, a key outside a
 * section, an empty key, the same key twice in one section, a section opened twice. All texts live in the arena. */
int rh_ini_read(struct rh_ini *ini, struct rh_arena *a, const char *path, struct rh_error *err);
/* The same for n bytes in memory; `name` stands for the file in messages. */
int rh_ini_read_text(struct rh_ini *ini, struct rh_arena *a, const char *name, const char *text, size_t n,
                     struct rh_error *err);

/* Replaces or appends section.key; `assignment` is "section.key=value" (the last dot before '=' splits). */
int rh_ini_set(struct rh_ini *ini, struct rh_arena *a, const char *assignment, struct rh_error *err);

/* The entry, or NULL. */
const struct rh_ini_entry *rh_ini_find(const struct rh_ini *ini, const char *section, const char *key);

#endif
