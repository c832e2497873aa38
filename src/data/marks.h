/* The files that say which users and items of a domain its publisher calls cold. */
#ifndef RH_DATA_MARKS_H
#define RH_DATA_MARKS_H

#include "data/dataset.h"
#include "data/reader.h"

struct rh_marks {
    const char *place; /* see data/input.h */
    const struct rh_reader *reader;
    bool users, items; /* which of them the file is about; with both, a record is a user and an item */
};

/* Sets d->cold_user and d->cold_item, both, for what the file names. Ids that the domain does not have are passed
 * over, as filters may have taken them out; RH_EDATA when that leaves nobody. Call it before the domain is hashed. */
int rh_marks_read(const struct rh_marks *how, const struct rh_data_env *env, struct rh_domain_data *d,
                  struct rh_error *err);

#endif
