/* One section of an experiment against its tables, with sweeps. */
#ifndef RH_CONFIG_SECTION_H
#define RH_CONFIG_SECTION_H

#include "base/ini.h"
#include "base/param.h"

/* A key with its values: more than one when it is swept ("20 | 50"). */
struct rh_axis {
    const struct rh_ini_entry *entry;
    const char **value; /* [n] trimmed */
    int32_t n;
};

/* The axes of a section, in file order, without the keys in `skip` (NULL-terminated, may be NULL). Empty parts of a
 * sweep are an error. */
int rh_section_axes(struct rh_arena *a, const struct rh_ini *ini, const char *section, const char *const *skip,
                    struct rh_axis **axis, int32_t *n, struct rh_error *err);

/* "FILE:LINE" or "--set", for messages. */
const char *rh_entry_place(const struct rh_ini_entry *e, char *buf, size_t n);

/* A parameter table with the struct it describes. */
struct rh_table_of {
    const struct rh_param *table;
    void *values;
};

/* Sets the entry's key to `text` through the first of n tables that has it. RH_EINVAL with the place, and for an
 * unknown key the nearest of all keys and of `also` (NULL-terminated, may be NULL). */
int rh_section_set(const struct rh_ini_entry *e, const char *text, const struct rh_table_of *of, int32_t n,
                   const char *const *also, struct rh_arena *a, struct rh_error *err);

/* A comma-separated list, trimmed, empty items dropped; in the arena. NULL: no memory. */
const char **rh_list(struct rh_arena *a, const char *text, int32_t *n);

#endif
