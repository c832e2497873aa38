/* Parameter tables at work: from the `struct rh_param` tables of algorithms, splits, readers, metrics and sections of
 * an .ini come parsing, defaults, range errors, help texts and the canonical text of the effective values. */
#ifndef RH_BASE_PARAM_H
#define RH_BASE_PARAM_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"

/* The entry called `name` in the table, or NULL. */
const struct rh_param *rh_param_find(const struct rh_param *table, const char *name);
size_t rh_param_count(const struct rh_param *table);

/* Writes every default into `values`, a struct as described by the table. */
void rh_params_defaults(const struct rh_param *table, void *values);

/* Reads `text` into the field of `p`. RH_EINVAL with "factors = -3 is out of range: allowed 1 to 4096". Strings are
 * copied into the arena. On failure the field is unchanged. */
int rh_param_parse(const struct rh_param *p, const char *text, void *values, struct rh_arena *a, struct rh_error *err);

/* The value of a field as canonical text, appended to `t`; reads back as the same value. */
void rh_param_text(const struct rh_param *p, const void *values, struct rh_text *t);

/* "integer 1 to 4096", "cosine | adjusted", "yes | no", appended to `t`. */
void rh_param_allowed(const struct rh_param *p, struct rh_text *t);

/* Checks a table for mistakes of its author: duplicate names, defaults out of range, missing help, fields outside the
 * struct. RH_EBUG with a sentence. */
int rh_params_sane(const struct rh_param *table, size_t struct_size, struct rh_error *err);

#endif
