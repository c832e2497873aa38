/* A reader turns lines into records of wanted fields: one file a format, each ending in one const descriptor, listed
 * in data/readers.c. A description names its reader, or the readers bid for the file's first lines. */
#ifndef RH_DATA_READER_H
#define RH_DATA_READER_H

#include "base/arena.h"
#include "data/input.h"

/* A field of a record; s == NULL: not there (a missing key, an empty column is n == 0). Not NUL-terminated. A list
 * (JSON array, Python list, nested lists flattened) is its texts joined by RH_LIST_SEPARATOR. Always valid UTF-8. */
struct rh_field {
    const char *s;
    size_t n;
};
#define RH_LIST_SEPARATOR '\x1f'

struct rh_reader_config {
    const char *separator; /* delimited: "\t", "::", ",", "|"; NULL: the reader finds out */
    bool header; /* delimited: the first line names the columns */
    bool quoted; /* delimited: RFC 4180 double quotes (no line breaks inside unless quoted) */
    bool latin1; /* ISO-8859-1 in, UTF-8 out; otherwise bytes that are not UTF-8 are an error */
    /* [n_wanted] column name, or its number from 1 as text, or JSON key. "a|b": the first there; a '?' at the end:
     * may be missing, the field is then never there. */
    const char *const *wanted;
    int32_t n_wanted;
};

struct rh_reading; /* one open file in one reader; private to the reader */

struct rh_reader {
    const char *name, *summary;
    uint32_t revision; /* raise it when the same bytes give other records: part of a dataset's identity */
    /* 0: not mine, up to 100: certainly mine; from the first bytes of the file. */
    int (*bid)(const char *head, size_t n);
    /* RH_EDATA when a wanted column is not in the header ("... has no column 'rating'; it has: ..."). */
    int (*open)(struct rh_arena *a, struct rh_input *in, const struct rh_reader_config *config,
                struct rh_reading **out, struct rh_error *err);
    /* field: [n_wanted], valid until the next call. RH_OK, RH_DONE at the end, RH_EDATA with file:line. */
    int (*next)(struct rh_reading *r, struct rh_field *field, struct rh_error *err);
    void (*close)(struct rh_reading *r); /* not the input */
};

const struct rh_reader *const *rh_readers(void); /* NULL-terminated */
const struct rh_reader *rh_reader_find(const char *name);

#endif
