/* Instants as users write them. */
#ifndef RH_SPLIT_INSTANT_H
#define RH_SPLIT_INSTANT_H

#include "base/error.h"
#include <stdint.h>

/* Unix seconds, or a day YYYY-MM-DD of the Gregorian calendar: its first second in UTC. RH_EINVAL names `key`. */
int rh_parse_instant(const char *key, const char *text, int64_t *out, struct rh_error *err);

#endif
