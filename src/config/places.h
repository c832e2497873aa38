/* Where descriptions, data and cache are when nobody says. */
#ifndef RH_CONFIG_PLACES_H
#define RH_CONFIG_PLACES_H

#include "base/arena.h"

/* Folders with descriptions: `own` (NULL or "": none), datasets and ../datasets beside the file `beside` (may be NULL),
 * datasets here, and `installed`/datasets. NULL-terminated, in the arena; NULL: no memory. */
const char *const *rh_description_folders(struct rh_arena *a, const char *own, const char *beside,
                                          const char *installed);
/* $HARNESS_DATA, or "data". */
const char *rh_default_data(void);
/* $XDG_CACHE_HOME/harness or ~/.cache/harness; NULL when there is no home: no cache. */
const char *rh_default_cache(struct rh_arena *a);

#endif
