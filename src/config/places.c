#include "config/places.h"

#include <stdlib.h>
#include <string.h>

const char *const *rh_description_folders(struct rh_arena *a, const char *own, const char *beside,
                                          const char *installed)
{
    const char **folder = rh_alloc(a, 6, sizeof *folder);
    if (!folder)
        return NULL;
    int n = 0;
    const char *slash = beside ? strrchr(beside, '/') : NULL;
    int length = slash ? (int)(slash - beside) : 1;
    const char *base = slash ? beside : ".";
    if (own && *own)
        folder[n++] = own;
    if (beside) {
        folder[n++] = rh_arena_printf(a, "%.*s/datasets", length, base);
        folder[n++] = rh_arena_printf(a, "%.*s/../datasets", length, base);
    }
    folder[n++] = "datasets";
    if (installed)
        folder[n++] = rh_arena_printf(a, "%s/datasets", installed);
    for (int i = 0; i < n; i++)
        if (!folder[i])
            return NULL;
    return folder;
}

const char *rh_default_data(void)
{
    const char *data = getenv("HARNESS_DATA");
    return data && *data ? data : "data";
}

const char *rh_default_cache(struct rh_arena *a)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && *cache)
        return rh_arena_printf(a, "%s/harness", cache);
    return home && *home ? rh_arena_printf(a, "%s/.cache/harness", home) : NULL;
}
