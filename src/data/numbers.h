/* Users and items that are called by their numbers: datasets whose publisher renumbered another one's ids in the order
 * of their first appearance, and gave away the renumbered test rows and candidates alone. */
#ifndef RH_DATA_NUMBERS_H
#define RH_DATA_NUMBERS_H

#include "data/domain.h"

struct rh_names_read { /* every id in order of first appearance, before any filter */
    struct rh_strings user, item;
};

/* Every user and item of d gets its place in `names`, from 0, as its id. After the features have joined by the ids of
 * the files, before the domain is hashed. */
int rh_rename_by_number(const struct rh_names_read *names, struct rh_domain_data *d, struct rh_error *err);

#endif
