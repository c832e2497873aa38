/* Where descriptions are found. */
#include "data/description.h"

#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int rh_description_list(struct rh_arena *a, const char *const *folders, const char *const **names, int32_t *n,
                        struct rh_error *err)
{
    const char **list = NULL;
    int32_t found = 0, capacity = 0;
    for (; folders && *folders; folders++) {
        DIR *folder = opendir(*folders);
        if (!folder)
            continue; /* not every one of the places is there */
        for (struct dirent *e; (e = readdir(folder));) {
            size_t length = strlen(e->d_name);
            if (length < 5 || e->d_name[0] == '.' || strcmp(e->d_name + length - 4, ".ini"))
                continue;
            if (found == capacity) {
                capacity = capacity ? capacity * 2 : 64;
                const char **more = rh_alloc(a, (size_t)capacity, sizeof *more);
                if (more && found)
                    memcpy(more, list, (size_t)found * sizeof *more);
                list = more;
            }
            if (!list || !(list[found++] = rh_arena_strndup(a, e->d_name, length - 4))) {
                closedir(folder);
                return rh_fail_memory(err, "the list of datasets", (size_t)capacity * sizeof *list);
            }
        }
        closedir(folder);
    }
    if (found)
        qsort(list, (size_t)found, sizeof *list, by_text);
    int32_t kept = 0;
    for (int32_t i = 0; i < found; i++)
        if (!kept || strcmp(list[kept - 1], list[i]))
            list[kept++] = list[i];
    *names = list;
    *n = kept;
    return RH_OK;
}

int rh_description_find(struct rh_arena *a, const char *const *folders, const char *name, const char **path,
                        struct rh_error *err)
{
    size_t length = strlen(name);
    if (strchr(name, '/') || (length > 4 && !strcmp(name + length - 4, ".ini"))) {
        if (!rh_file_exists(name))
            return rh_fail(err, RH_EINVAL, "there is no dataset description '%s'", name);
        *path = rh_arena_strdup(a, name);
        return *path ? RH_OK : rh_fail_memory(err, name, length);
    }
    for (const char *const *f = folders; f && *f; f++) {
        *path = rh_arena_printf(a, "%s/%s.ini", *f, name);
        if (!*path)
            return rh_fail_memory(err, name, length);
        if (rh_file_exists(*path))
            return RH_OK;
    }
    const char *const *names;
    int32_t n;
    RH_TRY(rh_description_list(a, folders, &names, &n, err));
    const char *hint = rh_nearest(name, names, (size_t)n);
    struct rh_text all = { 0 };
    for (int32_t i = 0; i < n; i++)
        rh_text_printf(&all, "%s%s", i ? ", " : "", names[i]);
    int status = hint ? rh_fail(err, RH_EINVAL, "there is no dataset '%s'; did you mean '%s'?", name, hint)
                      : rh_fail(err, RH_EINVAL, "there is no dataset '%s'; there are: %s", name,
                                all.s ? all.s : "none");
    rh_text_release(&all);
    return status;
}
