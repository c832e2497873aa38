/* What the documentation says of algorithms, from their descriptors. */
#ifndef RH_PLUGIN_PAGE_H
#define RH_PLUGIN_PAGE_H

#include "base/text.h"
#include <rh/plugin.h>

/* The flags in words, with commas between. */
void rh_algorithm_flags_text(const struct rh_algorithm *a, struct rh_text *out);

/* docs/algorithms.md: a section each, by name. The list ends with NULL. */
void rh_algorithms_markdown(const struct rh_algorithm *(*const *list)(void), struct rh_text *out);

#endif
