/* The embedded generator: two or more related domains from a seed, the same bytes everywhere. */
#ifndef RH_DATA_SYNTHETIC_H
#define RH_DATA_SYNTHETIC_H

#include "data/domain.h"

/* The options (users, items, overlap, shift, seed, ...) are a parameter table like an algorithm's. */
extern const struct rh_param rh_synthetic_params[];
#define RH_SYNTHETIC_REVISION 1

/* sizeof the struct that rh_synthetic_params describes. */
size_t rh_synthetic_params_size(void);

/* Whether an option belongs to the identity of the data. Those that came later do where they are used: data without
 * them stays what it was. */
bool rh_synthetic_says(const struct rh_param *option, const void *params);

/* Names of the domains that these options make: returns how many, and the name of each with index i. */
int32_t rh_synthetic_domain_count(const void *params);
const char *rh_synthetic_domain(const void *params, int32_t i);

/* Generates domain i. Domains of the same options belong together: shared users have the same id. */
int rh_synthetic_generate(const void *params, int32_t i, struct rh_domain_data **out, struct rh_error *err);

#endif
