/* The few plain values of a JSON line without building a tree: reviews are a kilobyte of text around four short
 * values. */
#ifndef RH_DATA_JSON_QUICK_H
#define RH_DATA_JSON_QUICK_H

#include "data/reader.h"

/* Looks for the keys among the top-level members of the object in `line`. True: field[i] is the value of key i as the
 * full reader would give it, pointing into the line; s == NULL where the key is not there or null. False: something
 * is not plain (an escape, a list, a byte beyond ASCII in a wanted value, a key twice, anything wrong): ask jansson.
 * What is not wanted is looked at only so far as to find its end. n_keys is at most 32. */
bool rh_json_quick(const char *line, size_t n, const char *const *key, int32_t n_keys, struct rh_field *field);

#endif
