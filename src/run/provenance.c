#include <config.h>

#include "run/provenance.h"
#include "base/parallel.h"
#include "run/build_info.h"

#include <archive.h>
#include <cblas.h>
#include <gsl/gsl_version.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#elif defined __GNUC__
#define COMPILER "gcc " __VERSION__
#else
#define COMPILER "unknown"
#endif

/* The value of the first line of `path` that starts with `key`, with what separates them and quotes around it taken
 * away, e.g. ("/proc/cpuinfo", "model name"). NULL: no such file, line, or memory. */
static char *value_in_file(struct rh_arena *a, const char *path, const char *key)
{
    FILE *f = fopen(path, "r");
    if (!f)
        return NULL;
    char line[1024], *value = NULL;
    size_t key_length = strlen(key);
    while (!value && fgets(line, sizeof line, f)) {
        if (strncmp(line, key, key_length))
            continue;
        char *begin = line + key_length + strspn(line + key_length, " \t:=\"'");
        char *end = begin + strlen(begin);
        while (end > begin && strchr(" \t\r\n\"'", end[-1]))
            end--;
        if (end > begin)
            value = rh_arena_strndup(a, begin, (size_t)(end - begin));
    }
    fclose(f);
    return value;
}

static int64_t machine_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (int64_t)pages * page : 0;
}

int rh_provenance(struct rh_arena *a, int threads, struct rh_key_value **out, int32_t *n, struct rh_error *err)
{
    struct utsname host;
    bool named = uname(&host) == 0;
    const char *cpu = value_in_file(a, "/proc/cpuinfo", "model name");
    /* Arm's list has no model name; the kind of processor is all that is easily known there. */
    if (!cpu && named)
        cpu = rh_arena_strdup(a, host.machine);
    const char *system = value_in_file(a, "/etc/os-release", "PRETTY_NAME");
    const char *libc = "unknown";
#ifdef __GLIBC__
    libc = rh_arena_printf(a, "glibc %s", gnu_get_libc_version());
#endif
    int64_t memory = machine_memory();
    const struct rh_key_value list[] = {
        { .key = "program", .value = PACKAGE_STRING },
        { .key = "commit", .value = RH_COMMIT },
        { .key = "compiler", .value = COMPILER },
        { .key = "flags", .value = RH_CFLAGS },
        { .key = "libc", .value = libc },
        { .key = "openblas", .value = rh_arena_strdup(a, openblas_get_config()) },
        { .key = "openblas_core", .value = rh_arena_strdup(a, openblas_get_corename()) },
        { .key = "gsl", .value = gsl_version },
        { .key = "sqlite", .value = sqlite3_libversion() },
        { .key = "libarchive", .value = rh_arena_strdup(a, archive_version_string()) },
        { .key = "cpu", .value = cpu ? cpu : "unknown" },
        { .key = "cpus", .value = rh_arena_printf(a, "%d", rh_cpu_count()) },
        { .key = "threads", .value = rh_arena_printf(a, "%d", threads) },
        { .key = "memory", .value = memory ? rh_arena_printf(a, "%" PRId64, memory) : "unknown" },
        { .key = "system", .value = system ? system : "unknown" },
        { .key = "kernel", .value = named ? rh_arena_printf(a, "%s %s %s", host.sysname, host.release, host.machine)
                                          : "unknown" },
    };
    const int32_t count = (int32_t)(sizeof list / sizeof *list);
    struct rh_key_value *copy = rh_arena_copy(a, list, (size_t)count, sizeof *list);
    if (!copy)
        return rh_fail_memory(err, "the provenance of a run", sizeof list);
    for (int32_t i = 0; i < count; i++)
        if (!copy[i].value)
            return rh_fail_memory(err, "the provenance of a run", sizeof list);
    *out = copy;
    *n = count;
    return RH_OK;
}
