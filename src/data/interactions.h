/* One file of interactions goes into a builder. */
#ifndef RH_DATA_INTERACTIONS_H
#define RH_DATA_INTERACTIONS_H

#include "data/builder.h"
#include "data/reader.h"
#include "data/scan.h"

enum rh_interaction_field { RH_F_USER, RH_F_ITEM, RH_F_RATING, RH_F_TIME, RH_F_COUNT };

struct rh_interactions {
    const char *place;              /* see data/input.h */
    const struct rh_reader *reader;
    /* `wanted` names the columns in the order of enum rh_interaction_field, as many as n_wanted says; a rating or
     * time that is not read is the name "?". */
    struct rh_reader_config config;
    bool must_rate;                 /* every row needs a rating */
    struct rh_time_format time_format;
    const char *time_unknown;       /* text of an unknown time, or NULL; an empty field always is one */
    bool scaled;
    double scale_min, scale_max;    /* a rating outside is an error */
    bool item_ranged;               /* rows of other items are passed over: they belong to another domain */
    int64_t item_first, item_last;
    bool numbered;                  /* ids are numbers from 0 of the users and items that the builder has already */
    uint8_t given;                  /* enum rh_given_part of all rows */
};

/* Appends the rows. Large delimited files are parsed in parallel; the result does not depend on the threads. RH_EDATA
 * with file:line, the value and what was allowed. On failure the builder is to be released. */
int rh_interactions_read(const struct rh_interactions *how, const struct rh_data_env *env, struct rh_builder *b,
                         struct rh_error *err);

/* ---- between interactions.c and bulk.c */

/* Spaces around a field do not belong to it. */
static inline struct rh_field rh_trimmed(struct rh_field f)
{
    while (f.n && *f.s == ' ') {
        f.s++;
        f.n--;
    }
    while (f.n && f.s[f.n - 1] == ' ')
        f.n--;
    return f;
}

/* Checks and converts a row; fields are trimmed. RH_EDATA with a sentence that starts with file:line. */
int rh_interaction_convert(const struct rh_interactions *how, const struct rh_field field[RH_F_COUNT], int64_t line,
                           float *value, int64_t *time, struct rh_error *err);

/* The fast path. RH_DONE: it met quotes, read the file in the careful way; the builder is as before. */
int rh_bulk_read(const struct rh_interactions *how, const struct rh_data_env *env, struct rh_builder *b,
                 struct rh_error *err);

#endif
