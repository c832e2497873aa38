/* Where the model is that an algorithm starts from. */
#include "config/expand.h"

#include "base/file.h"
#include "base/hash.h"
#include "config/section.h"

#include <string.h>

#define FEWEST 8 /* digits of an identity */

static bool is_identity(const char *text)
{
    size_t n = strspn(text, "0123456789abcdef");
    return n >= FEWEST && n < RH_HASH_HEX && !text[n];
}

/* The file itself, wherever it may be; NULL: nowhere, or no memory. */
static const char *find_file(struct rh_planning *p, const char *name)
{
    const char *folder[] = { rh_path_folder(p->a, p->plan->file), "", p->env->data };
    for (size_t i = 0; i < sizeof folder / sizeof *folder; i++) {
        const char *path = folder[i] ? rh_path_join(p->a, folder[i], name) : NULL;
        if (path && rh_file_exists(path))
            return path;
    }
    return NULL;
}

static int find_run(struct rh_planning *p, const char *identity, const char **path, struct rh_error *why)
{
    struct rh_store *store;
    struct rh_model_row row;
    RH_TRY(rh_store_open(p->plan->store, RH_STORE_READ, &store, why));
    int status = rh_store_named_model(store, identity, p->a, &row, why);
    rh_store_close(store);
    if (status < 0)
        return status;
    *path = rh_store_place(p->a, p->plan->store, row.path);
    if (!*path)
        return rh_fail_memory(why, "a path", strlen(row.path));
    return rh_file_exists(*path) ? RH_OK : rh_fail(why, RH_EINVAL, "the model of the run, '%s', is gone", *path);
}

static int find_model(struct rh_planning *p, const char *value, const char **path, struct rh_error *why)
{
    *path = find_file(p, value);
    if (*path)
        return RH_OK;
    if (is_identity(value))
        return find_run(p, value, path, why);
    return rh_fail(why, RH_EINVAL, "there is no such file; expected one that run --save-models wrote, or at least %d "
                   "digits of the identity of a run that has a saved model", FEWEST);
}

int rh_find_init(struct rh_planning *p, const struct rh_algorithm *alg, const struct rh_ini_entry *entry,
                 const char *value, const char **path, const char **hash)
{
    char place[300], hex[RH_HASH_HEX] = "";
    struct rh_error why = { 0 };
    *path = *hash = NULL;
    if (!value[0])
        return RH_OK;
    if (!(alg->flags & RH_A_RESUMES))
        rh_fail(&why, RH_EINVAL, "%s cannot start from a model: %s", alg->name,
                alg->epoch ? "what it saves is for scoring alone" : "it learns all at once");
    else if (find_model(p, value, path, &why) >= 0)
        rh_hash_file(*path, hex, &why);
    if (why.status < 0 && !p->recalled)
        return rh_fail(p->err, why.status, "%s: [%s] init_from = %s: %s", rh_entry_place(entry, place, sizeof place),
                       entry->section, value, why.text);
    if (!*path)
        *path = value;
    *hash = rh_arena_strdup(p->a, hex);
    return *hash ? RH_OK : rh_fail_memory(p->err, "the plan", p->a->used);
}
