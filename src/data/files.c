#include "data/files.h"

#include "base/file.h"
#include "data/opened.h"

#include <string.h>

const char *rh_dataset_folder(const struct rh_dataset *d, const struct rh_data_env *env, struct rh_arena *a)
{
    return env->data ? rh_path_join(a, env->data, d->description->folder) : NULL;
}

static int add_file(const struct rh_dataset *d, const struct rh_data_env *env, struct rh_arena *a,
                    struct rh_dataset_file f, struct rh_dataset_file *out, struct rh_error *err)
{
    if (!f.section)
        return rh_fail_memory(err, "the files of a dataset", sizeof f);
    *out = f;
    return rh_opened_resolve(a, d, env, f.places, true, &out->found, err);
}

int rh_dataset_files(const struct rh_dataset *d, const struct rh_data_env *env, struct rh_arena *a,
                     struct rh_dataset_file **out, size_t *n, struct rh_error *err)
{
    static const char *const keys[] = { "interactions", "train", "validation", "test" };
    const struct rh_description *described = d->description;
    size_t most = (size_t)described->n_domains * (4 + RH_COLD_KEYS) + (size_t)described->n_sides;
    struct rh_dataset_file *f = rh_alloc(a, most + 1, sizeof *f);
    if (!f)
        return rh_fail_memory(err, "the files of a dataset", most * sizeof *f);
    *n = 0;
    for (int32_t i = 0; i < described->n_domains; i++)
        for (int p = 0; p < 4 + RH_COLD_KEYS; p++) {
            const struct rh_domain_spec *s = &described->domain[i];
            const char *key = p < 4 ? keys[p] : rh_cold_keys[p - 4], *place = p < 4 ? s->place[p] : s->cold[p - 4];
            if (place)
                RH_TRY(add_file(d, env, a,
                                (struct rh_dataset_file){ rh_arena_printf(a, "domain.%s", s->name), key, place, NULL,
                                                          false },
                                &f[(*n)++], err));
        }
    for (int32_t i = 0; i < described->n_sides; i++) {
        const struct rh_side_spec *s = &described->side[i];
        RH_TRY(add_file(d, env, a,
                        (struct rh_dataset_file){ s->users ? "users" : "items", "file", s->place, NULL, s->optional },
                        &f[(*n)++], err));
    }
    *out = f;
    return RH_OK;
}

int rh_dataset_entries(const struct rh_dataset *d, struct rh_arena *a, struct rh_ini *out, struct rh_error *err)
{
    RH_TRY(rh_ini_read(out, a, d->description->file, err));
    for (size_t i = 0; i < out->n; i++) {
        struct rh_ini_entry *e = &out->entry[i];
        if (!e->key)
            continue;
        if (!strcmp(e->section, "variables")) {
            e->value = rh_pairs_find(&d->variables, e->key)->value; /* as the experiment has it */
            continue;
        }
        e->key = rh_description_fill(a, &d->variables, e->key, err);
        e->value = rh_description_fill(a, &d->variables, e->value, err);
        if (!e->key || !e->value)
            return err->status;
    }
    return RH_OK;
}
