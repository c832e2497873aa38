#include "plugin/registry.h"

#include "base/file.h"
#include "base/param.h"
#include "base/text.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Made at build time by build-aux/list-algorithms.sh; ends with NULL. */
extern const struct rh_algorithm *(*const rh_builtin_algorithms[])(void);

int rh_algorithm_sane(const struct rh_algorithm *alg, const char *who, struct rh_error *err)
{
    if (alg->abi != RH_ABI)
        return rh_fail(err, RH_EINVAL,
                       "plugin %s has ABI %u, this program wants %u; rebuild it against this <rh/plugin.h>", who,
                       alg->abi, RH_ABI);
    if (alg->size != sizeof *alg)
        return rh_fail(
            err, RH_EINVAL,
            "plugin %s has a descriptor of %u bytes, this program wants %zu; rebuild it against this <rh/plugin.h>",
            who, alg->size, sizeof *alg);
    if (!alg->name || !*alg->name || strspn(alg->name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(alg->name))
        return rh_fail(err, RH_EINVAL, "plugin %s has no name of the letters a-z, 0-9 and _", who);
    const char *missing = !alg->summary || !*alg->summary ? "summary"
                          : !alg->reference               ? "reference"
                          : !alg->revision                ? "revision (from 1)"
                          : !alg->fit                     ? "fit callback"
                          : !alg->score                   ? "score callback"
                          : alg->epoch && alg->epochs < 1 ? "default number of epochs"
                          : alg->flags & RH_A_RESUMES && !alg->epoch   ? "epoch callback, but RH_A_RESUMES"
                          : alg->flags & RH_A_RESUMES && !alg->persist ? "persist callback, but RH_A_RESUMES"
                          : alg->flags & RH_A_BY_FEATURES && !(alg->flags & RH_A_RESUMES)
                              ? "RH_A_RESUMES, but RH_A_BY_FEATURES"
                              : NULL;
    if (missing)
        return rh_fail(err, RH_EINVAL, "plugin %s (%s) has no %s", who, alg->name, missing);
    struct rh_error table = { 0 };
    if (rh_params_sane(alg->params, alg->params_size, &table) < 0)
        return rh_fail(err, RH_EINVAL, "plugin %s (%s): %s", who, alg->name, table.text);
    return RH_OK;
}

static int add(struct rh_registry *r, const struct rh_algorithm *alg, const char *file, struct rh_error *err)
{
    RH_TRY(rh_algorithm_sane(alg, file ? file : "built in", err));
    int32_t at = 0;
    for (; at < r->n; at++) {
        int order = strcmp(r->plugin[at].algorithm->name, alg->name);
        if (!order)
            return rh_fail(err, RH_EINVAL, "plugin %s: the name '%s' is taken by %s", file ? file : "built in",
                           alg->name, r->plugin[at].file ? r->plugin[at].file : "a built-in algorithm");
        if (order > 0)
            break;
    }
    if (r->n == r->capacity) {
        int32_t capacity = r->capacity ? 2 * r->capacity : 64;
        struct rh_plugin *plugin = rh_alloc(r->arena, (size_t)capacity, sizeof *plugin);
        if (!plugin)
            return rh_fail_memory(err, "the table of plugins", (size_t)capacity * sizeof *plugin);
        if (r->n)
            memcpy(plugin, r->plugin, (size_t)r->n * sizeof *plugin);
        r->plugin = plugin;
        r->capacity = capacity;
    }
    memmove(r->plugin + at + 1, r->plugin + at, (size_t)(r->n - at) * sizeof *r->plugin);
    r->plugin[at] = (struct rh_plugin){ alg, file };
    r->n++;
    return RH_OK;
}

int rh_registry_init(struct rh_registry *r, struct rh_arena *a, struct rh_error *err)
{
    *r = (struct rh_registry){ .arena = a };
    for (size_t i = 0; rh_builtin_algorithms[i]; i++)
        RH_TRY(add(r, rh_builtin_algorithms[i](), NULL, err));
    return RH_OK;
}

/* A file that was cut off, by a full disk or a copy at work: dlopen would map what is not there, and the program would
 * die of SIGBUS. What is no ELF file at all, dlopen tells. */
static bool is_cut_off(const char *file)
{
    ElfW(Ehdr) head;
    struct stat st;
    bool cut = false;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (!fstat(fd, &st) && pread(fd, &head, sizeof head, 0) == (ssize_t)sizeof head &&
        !memcmp(head.e_ident, ELFMAG, SELFMAG) && head.e_phentsize == sizeof(ElfW(Phdr)))
        for (int i = 0; i < head.e_phnum && !cut; i++) {
            ElfW(Phdr) part;
            uint64_t size = (uint64_t)st.st_size, at = head.e_phoff + (uint64_t)i * sizeof part;
            cut = at > size || pread(fd, &part, sizeof part, (off_t)at) != (ssize_t)sizeof part ||
                  (part.p_type == PT_LOAD && (part.p_offset > size || part.p_filesz > size - part.p_offset));
        }
    close(fd);
    return cut;
}

static int load_file(struct rh_registry *r, const char *path, struct rh_error *err)
{
    /* dlopen searches the system's folders for a name without a slash; a file of the user is meant. */
    char *file = strchr(path, '/') ? rh_arena_strdup(r->arena, path) : rh_arena_printf(r->arena, "./%s", path);
    if (!file)
        return rh_fail_memory(err, "a path", strlen(path));
    if (is_cut_off(file))
        return rh_fail(err, RH_EIO, "cannot load plugin: %s: the file is cut off", file);
    void *module = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!module)
        return rh_fail(err, RH_EIO, "cannot load plugin: %s", dlerror());
    union { /* ISO C has no cast from void * to a function */
        void *p;
        const struct rh_algorithm *(*entry)(void);
    } symbol = { dlsym(module, "rh_algorithm_entry") };
    if (!symbol.p)
        return rh_fail(err, RH_EINVAL, "plugin %s has no rh_algorithm_entry; end its source with RH_ALGORITHM(id)",
                       file);
    const struct rh_algorithm *alg = symbol.entry();
    if (!alg)
        return rh_fail(err, RH_EINVAL, "plugin %s: rh_algorithm_entry returned nothing", file);
    for (int32_t i = 0; i < r->n; i++)
        if (r->plugin[i].algorithm == alg)
            return RH_OK; /* the same file, named twice */
    return add(r, alg, file, err);
}

static int is_module(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 3 && !strcmp(e->d_name + n - 3, ".so");
}

int rh_registry_load(struct rh_registry *r, const char *path, struct rh_error *err)
{
    struct stat st;
    if (stat(path, &st))
        return rh_fail(err, RH_EIO, "cannot load plugin '%s': %s", path, strerror(errno));
    if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) /* dlopen would wait for a pipe to speak */
        return rh_fail(err, RH_EIO, "cannot load plugin '%s': not a file or folder", path);
    if (!S_ISDIR(st.st_mode))
        return load_file(r, path, err);
    struct dirent **entry = NULL;
    int n = scandir(path, &entry, is_module, alphasort), status = RH_OK;
    if (n < 0)
        return rh_fail(err, RH_EIO, "cannot read plugin folder '%s': %s", path, strerror(errno));
    for (int i = 0; i < n; i++) {
        char *file = status < 0 ? NULL : rh_path_join(r->arena, path, entry[i]->d_name);
        if (file)
            status = load_file(r, file, err);
        free(entry[i]);
    }
    free(entry);
    return status;
}

int rh_registry_load_list(struct rh_registry *r, const char *list, struct rh_error *err)
{
    while (*list) {
        size_t n = strcspn(list, ":");
        if (n) {
            char *path = rh_arena_strndup(r->arena, list, n);
            if (!path)
                return rh_fail_memory(err, "a path", n);
            RH_TRY(rh_registry_load(r, path, err));
        }
        list += n + (list[n] == ':');
    }
    return RH_OK;
}

const struct rh_algorithm *rh_registry_find(const struct rh_registry *r, const char *name)
{
    for (int32_t i = 0; i < r->n; i++)
        if (!strcmp(r->plugin[i].algorithm->name, name))
            return r->plugin[i].algorithm;
    return NULL;
}

const char *rh_registry_nearest(const struct rh_registry *r, const char *name)
{
    const char **names = rh_alloc(r->arena, (size_t)r->n, sizeof *names);
    for (int32_t i = 0; names && i < r->n; i++)
        names[i] = r->plugin[i].algorithm->name;
    return names ? rh_nearest(name, names, (size_t)r->n) : NULL; /* a hint may be missing */
}
