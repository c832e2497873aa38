#include "run/model.h"

#include "base/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------------------ what numbers mean */

static void hash_strings(struct rh_hash *h, const struct rh_strings *s)
{
    rh_hash_u64(h, (uint64_t)s->n);
    for (int32_t i = 0; i < s->n; i++)
        rh_hash_text(h, rh_string(s, i));
}

static void hash_columns(struct rh_hash *h, const struct rh_block *block, int32_t n)
{
    rh_hash_u64(h, (uint64_t)n);
    for (int32_t b = 0; b < n; b++) {
        rh_hash_text(h, block[b].name);
        rh_hash_u64(h, (uint64_t)block[b].features.n_cols);
        hash_strings(h, &block[b].column);
    }
}

void rh_meaning_of(const struct rh_problem *p, struct rh_meaning *out)
{
    struct rh_hash users, items, columns;
    rh_hash_init(&users);
    rh_hash_init(&items);
    rh_hash_init(&columns);
    hash_strings(&users, &p->user_id);
    for (int32_t d = 0; d < p->train.n_domains; d++) {
        const struct rh_domain_data *data = p->domain[d];
        hash_strings(&items, &data->item_id);
        /* joined columns follow from those of the domains, in their order */
        hash_columns(&columns, data->item_block, data->n_item_blocks);
        hash_columns(&columns, data->user_block, data->n_user_blocks);
    }
    rh_hash_hex(&users, out->users);
    rh_hash_hex(&items, out->items);
    rh_hash_hex(&columns, out->columns);
}

struct rh_model_key rh_model_key_of(const char *fit_identity, const struct rh_problem *p, const struct rh_meaning *m)
{
    return (struct rh_model_key){ .params = fit_identity, .problem = p->content, .users = m->users,
                                  .items = m->items, .columns = m->columns };
}

/* ------------------------------------------------------------------------------------------------------ places */

static char *folder_of(struct rh_arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? rh_arena_strndup(a, path, (size_t)(slash - path) + (slash == path)) : rh_arena_strdup(a, ".");
}

/* Absolute, so that it means the same from any folder. */
static const char *absolute(struct rh_arena *a, const char *path)
{
    char *real = realpath(path, NULL);
    const char *copy = real ? rh_arena_strdup(a, real) : NULL;
    free(real);
    return copy;
}

int rh_models_folder(struct rh_arena *a, const char *store, const char *wanted, const char **out,
                     struct rh_error *err)
{
    const char *beside = folder_of(a, store);
    const char *folder = wanted[0] || !beside ? wanted : rh_path_join(a, beside, "models");
    const char *inside = folder ? rh_path_join(a, folder, "x") : NULL;
    if (!beside || !inside)
        return rh_fail_memory(err, "a path", strlen(store));
    RH_TRY(rh_make_parent(inside, err));
    struct stat st = { 0 };
    errno = ENOTDIR;
    if (stat(folder, &st) || !S_ISDIR(st.st_mode) || access(folder, W_OK))
        return rh_fail(err, RH_EIO, "cannot write models to folder '%s': %s", folder, strerror(errno));
    *out = absolute(a, folder);
    return *out ? RH_OK : rh_fail_memory(err, "a path", strlen(folder));
}

const char *rh_model_path_in_store(struct rh_arena *a, const char *store, const char *path)
{
    const char *folder = folder_of(a, store), *real = folder ? absolute(a, folder) : NULL;
    size_t n = real ? strlen(real) : 0;
    return n > 1 && !strncmp(path, real, n) && path[n] == '/' ? path + n + 1 : path;
}

const char *rh_model_path_from_store(struct rh_arena *a, const char *store, const char *path)
{
    const char *folder = folder_of(a, store);
    return folder ? rh_path_join(a, !strcmp(folder, ".") ? "" : folder, path) : NULL;
}

/* -------------------------------------------------------------------------------------------- saving, loading */

int rh_model_save(struct rh_instance *in, const struct rh_model_key *key, const char *path, struct rh_arena *a,
                  struct rh_model_row *out, struct rh_error *err)
{
    char hash[RH_HASH_HEX];
    struct stat st;
    RH_TRY(rh_instance_save(in, key, path, err));
    RH_TRY(rh_hash_file(path, hash, err));
    if (stat(path, &st))
        return rh_fail(err, RH_EIO, "cannot read '%s': %s", path, strerror(errno));
    out->hash = rh_arena_strdup(a, hash);
    out->bytes = (int64_t)st.st_size;
    return out->hash ? RH_OK : rh_fail_memory(err, "a hash", sizeof hash);
}

int rh_model_load(struct rh_instance *in, const struct rh_model_key *key, const char *path, const char *hash,
                  struct rh_error *err)
{
    struct rh_arena a = { 0 };
    char *bytes, hex[RH_HASH_HEX];
    size_t n;
    int status = rh_read_file(&a, path, &bytes, &n, err);
    if (status >= 0) {
        struct rh_hash h;
        rh_hash_init(&h);
        rh_hash_bytes(&h, bytes, n);
        rh_hash_hex(&h, hex);
        status = strcmp(hex, hash) ? rh_fail(err, RH_EDATA, "its bytes are not those that were stored")
                                   : rh_instance_load(in, key, bytes, n, err);
    }
    if (status == RH_EDATA)
        rh_error_context(err, "model '%s'", path);
    rh_arena_release(&a);
    return status;
}
