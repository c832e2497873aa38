/* The algorithms there are: built-ins and modules loaded with dlopen, after one and the same check. */
#ifndef RH_PLUGIN_REGISTRY_H
#define RH_PLUGIN_REGISTRY_H

#include "base/arena.h"
#include "base/error.h"

struct rh_plugin {
    const struct rh_algorithm *algorithm;
    const char *file; /* of the module, or NULL: built in */
};

struct rh_registry {
    struct rh_plugin *plugin; /* [n] in alphabetical order of names */
    int32_t n, capacity;
    struct rh_arena *arena; /* owns the table */
};

/* All built-ins. RH_EBUG when one breaks the contract. */
int rh_registry_init(struct rh_registry *r, struct rh_arena *a, struct rh_error *err);

/* Loads one module ("x.so"), or every *.so of a folder. Refused with a sentence that names the file, what was found and
 * what was wanted: no entry point, another ABI, another size, a missing callback, a broken parameter table, a name that
 * is taken. A module stays loaded until the program ends. */
int rh_registry_load(struct rh_registry *r, const char *path, struct rh_error *err);

/* Loads a list of files and folders separated by ':'. */
int rh_registry_load_list(struct rh_registry *r, const char *list, struct rh_error *err);

const struct rh_algorithm *rh_registry_find(const struct rh_registry *r, const char *name);
/* The nearest name, for a hint; or NULL. */
const char *rh_registry_nearest(const struct rh_registry *r, const char *name);

/* Checks a descriptor against the contract of rh/plugin.h; `who` names it in the message. */
int rh_algorithm_sane(const struct rh_algorithm *alg, const char *who, struct rh_error *err);

#endif
