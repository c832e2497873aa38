#include "run/model.h"

#include "base/file.h"
#include "split/names.h"

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

/* The columns of one joined block: the names of all domains, each at its first place. */
static int hash_block(struct rh_hash *h, const struct rh_problem *p, const char *name, bool of_users,
                      struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_names names;
    int64_t most = 0;
    int32_t width = 0;
    int status = RH_OK;
    for (int pass = 0; pass < 2 && status >= 0; pass++) {
        for (int32_t d = 0; d < p->train.n_domains; d++) {
            const struct rh_domain_data *x = p->domain[d];
            const struct rh_block *block = of_users ? x->user_block : x->item_block;
            int32_t n = of_users ? x->n_user_blocks : x->n_item_blocks;
            for (int32_t b = 0; b < n; b++) {
                if (strcmp(block[b].name, name))
                    continue;
                most += block[b].column.n;
                if (block[b].features.n_cols > width)
                    width = block[b].features.n_cols;
                for (int32_t c = 0; pass && c < block[b].column.n; c++)
                    rh_names_add(&names, rh_string(&block[b].column, c));
            }
        }
        if (!pass)
            status = rh_names_init(&names, &a, most, err);
    }
    if (status >= 0) {
        rh_hash_text(h, name);
        rh_hash_u64(h, (uint64_t)(most ? 0 : width)); /* columns of a dense block have no names */
        rh_hash_u64(h, (uint64_t)names.n);
        for (int32_t c = 0; c < names.n; c++)
            rh_hash_text(h, names.name[c]);
    }
    rh_arena_release(&a);
    return status;
}

int rh_meaning_of(const struct rh_problem *p, struct rh_meaning *out, struct rh_error *err)
{
    struct rh_hash users, items, columns;
    rh_hash_init(&users);
    rh_hash_init(&items);
    rh_hash_init(&columns);
    hash_strings(&users, &p->user_id);
    for (int32_t d = 0; d < p->train.n_domains; d++)
        hash_strings(&items, &p->domain[d]->item_id);
    for (int32_t b = 0; b < p->train.n_item_blocks; b++)
        RH_TRY(hash_block(&columns, p, p->item_block_name[b], false, err));
    for (int32_t b = 0; b < p->train.n_user_blocks; b++)
        RH_TRY(hash_block(&columns, p, p->user_block_name[b], true, err));
    rh_hash_hex(&users, out->users);
    rh_hash_hex(&items, out->items);
    rh_hash_hex(&columns, out->columns);
    return RH_OK;
}

struct rh_model_key rh_model_key_of(const char *fit_identity, const struct rh_problem *p, const struct rh_meaning *m)
{
    return (struct rh_model_key){ .params = fit_identity, .problem = p->content, .users = m->users,
                                  .items = m->items, .columns = m->columns };
}

/* ------------------------------------------------------------------------------------------------------ places */

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
    const char *beside = rh_path_folder(a, store);
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
    const char *folder = rh_path_folder(a, store), *real = folder ? absolute(a, folder) : NULL;
    size_t n = real ? strlen(real) : 0;
    return n > 1 && !strncmp(path, real, n) && path[n] == '/' ? path + n + 1 : path;
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

/* The file, whose bytes must be those that were hashed. */
static int read_model(struct rh_arena *a, const char *path, const char *hash, char **bytes, size_t *n,
                      struct rh_error *err)
{
    char hex[RH_HASH_HEX];
    struct rh_hash h;
    RH_TRY(rh_read_file(a, path, bytes, n, err));
    rh_hash_init(&h);
    rh_hash_bytes(&h, *bytes, *n);
    rh_hash_hex(&h, hex);
    return strcmp(hex, hash) ? rh_fail(err, RH_EDATA, "its bytes are not those that were there") : RH_OK;
}

int rh_model_load(struct rh_instance *in, const struct rh_model_key *key, const char *path, const char *hash,
                  struct rh_error *err)
{
    struct rh_arena a = { 0 };
    char *bytes;
    size_t n;
    int status = read_model(&a, path, hash, &bytes, &n, err);
    if (status >= 0)
        status = rh_instance_load(in, key, bytes, n, err);
    if (status == RH_EDATA)
        rh_error_context(err, "model '%s'", path);
    rh_arena_release(&a);
    return status;
}

int rh_model_start(struct rh_instance *in, const struct rh_algorithm *alg, const struct rh_model_key *key,
                   const char *path, const char *hash, struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_saved saved;
    char *bytes;
    size_t n;
    int status = read_model(&a, path, hash, &bytes, &n, err);
    if (status >= 0)
        status = rh_saved_open_to_start(&saved, bytes, n, alg, key, err);
    if (status >= 0)
        status = rh_instance_fit_to_load(in, err);
    if (status >= 0)
        status = rh_instance_get(in, RH_FOR_STARTING | (saved.others ? RH_FOR_OTHERS : 0), &saved, err);
    if (status == RH_EDATA)
        rh_error_context(err, "init_from '%s'", path);
    rh_arena_release(&a);
    return status;
}
