/* A dataset description as it is written (docs/datasets.md): parsed and checked, no variable replaced yet, no file
 * looked at. What `harness data` prints is here. */
#ifndef RH_DATA_DESCRIPTION_H
#define RH_DATA_DESCRIPTION_H

#include "base/ini.h"
#include "data/domain.h"
#include "data/scan.h"

struct rh_pair { /* a key and its value, with their place for messages */
    const char *key, *value;
    const char *file;
    int line;
};
struct rh_pairs {
    int32_t n;
    struct rh_pair *pair;
};

enum rh_setting { RH_UNSET = -1, RH_NO = 0, RH_YES = 1 };

/* How a file is read; NULL and RH_UNSET: found out. */
struct rh_file_format {
    const char *reader;
    const char *separator; /* the bytes themselves, no longer a word */
    enum rh_setting header, quoted;
    bool latin1;
};

/* Files that name cold users, cold items, and pairs of both. */
enum rh_cold_key { RH_COLD_KEY_USERS, RH_COLD_KEY_ITEMS, RH_COLD_KEY_BOTH, RH_COLD_KEYS };
extern const char *const rh_cold_keys[RH_COLD_KEYS]; /* as they are written */

struct rh_domain_spec {
    const char *name;
    const char *file; /* of the description */
    int line;
    const char *place[4];  /* by enum rh_given_part, NONE: `interactions`; "a | b" as written; NULL: none */
    const char *reader[4]; /* of its own for a part, or NULL */
    const char *cold[RH_COLD_KEYS]; /* places; NULL: none */
    const char *cold_reader;        /* of all of them; NULL: delimited */
    struct rh_file_format format;
    const char *user, *item, *rating, *time; /* columns; rating, time: NULL: there is none */
    struct rh_time_format time_format;
    const char *time_format_text, *time_unknown;
    bool scaled;
    double scale_min, scale_max;
    bool numbered; /* ids = numbers */
    bool item_ranged; /* only items with a number from item_first to item_last are of this domain */
    int64_t item_first, item_last;
};

enum rh_block_kind { RH_B_LIST, RH_B_VALUE, RH_B_BUCKET, RH_B_FLAGS, RH_B_TOKENS, RH_B_VALUES };

struct rh_block_spec {
    const char *name;
    enum rh_block_kind kind;
    int32_t n_columns;
    const char *const *column; /* [n_columns] in the file */
    const char *by;            /* list: separator, or NULL */
    int32_t n_bounds;
    const double *bound;       /* bucket: [n_bounds] ascending */
    const char *const *flag;   /* flags: [n_columns] */
    const char *text;          /* as written */
};

/* A source of what is known about items or users. */
struct rh_side_spec {
    bool users;
    const char *file;
    int line;
    const char *place;
    bool optional;
    const char *domain; /* NULL: every one */
    struct rh_file_format format;
    const char *id, *title; /* columns; title may be NULL */
    int32_t n_blocks;
    struct rh_block_spec *block;
};

struct rh_alias { /* [alias.BLOCK]: texts of one block under another name; "" drops it */
    const char *block;
    struct rh_pairs names;
};

struct rh_description {
    const char *name, *file; /* "ml-100k", "datasets/ml-100k.ini" */
    const char *title, *home, *licence, *citation, *note, *folder; /* "" when not given */
    const char *space; /* namespace of the ids, "" when not given */
    bool synthetic;
    struct rh_pairs options, variables, sha256, url, expect;
    int32_t n_domains, n_sides, n_aliases;
    struct rh_domain_spec *domain;
    struct rh_side_spec *side;
    struct rh_alias *alias;
};

/* RH_EINVAL with file:line. All texts live in the arena. */
int rh_description_read(struct rh_arena *a, const char *path, struct rh_description **out, struct rh_error *err);

/* The path of NAME.ini in the folders (`name` with a '/' or ".ini" is a path itself). RH_EINVAL with the nearest
 * name. */
int rh_description_find(struct rh_arena *a, const char *const *folders, const char *name, const char **path,
                        struct rh_error *err);

/* Names of all descriptions in the folders, sorted, each once. */
int rh_description_list(struct rh_arena *a, const char *const *folders, const char *const **names, int32_t *n,
                        struct rh_error *err);

/* Replaces {name} by the value of the variable. */
const char *rh_description_fill(struct rh_arena *a, const struct rh_pairs *variables, const char *text,
                                struct rh_error *err);

const struct rh_pair *rh_pairs_find(const struct rh_pairs *pairs, const char *key);

#endif
