#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int make_folders(char *path, struct rh_error *err)
{
    for (char *p = path + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        int bad = mkdir(path, 0777) && errno != EEXIST && access(path, F_OK);
        int code = errno;
        *p = '/';
        if (bad)
            return rh_fail(err, RH_EIO, "cannot make folder '%.*s': %s", (int)(p - path), path, strerror(code));
    }
    return RH_OK;
}

int rh_make_parent(const char *path, struct rh_error *err)
{
    char *copy = strdup(path);
    if (!copy)
        return rh_fail_memory(err, "a path", strlen(path));
    int status = make_folders(copy, err);
    free(copy);
    return status;
}

bool rh_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

char *rh_path_folder(struct rh_arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? rh_arena_strndup(a, path, (size_t)(slash - path) + (slash == path)) : rh_arena_strdup(a, ".");
}

char *rh_path_join(struct rh_arena *a, const char *folder, const char *name)
{
    if (name[0] == '/' || !folder || !folder[0])
        return rh_arena_strdup(a, name);
    return rh_arena_printf(a, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", name);
}

static int write_whole(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -1;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

int rh_write_file(const char *path, const void *bytes, size_t n, struct rh_error *err)
{
    RH_TRY(rh_make_parent(path, err));
    size_t room = strlen(path) + 32;
    char *temporary = malloc(room);
    if (!temporary)
        return rh_fail_memory(err, "a path", room);
    snprintf(temporary, room, "%s.tmp%ld", path, (long)getpid());
    int status = RH_OK;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0) {
        status = rh_fail(err, RH_EIO, "cannot create '%s': %s", temporary, strerror(errno));
        goto out;
    }
    int bad = write_whole(fd, bytes, n) || fsync(fd) ? errno : 0;
    if (close(fd) && !bad)
        bad = errno;
    if (!bad && rename(temporary, path))
        bad = errno;
    if (bad) {
        unlink(temporary);
        status = rh_fail(err, RH_EIO, "cannot write '%s': %s", path, strerror(bad));
    }
out:
    free(temporary);
    return status;
}

int rh_read_file(struct rh_arena *a, const char *path, char **bytes, size_t *n, struct rh_error *err)
{
    struct stat st;
    if (!stat(path, &st) && S_ISFIFO(st.st_mode)) /* opening a pipe would wait for its writer */
        return rh_fail(err, RH_EIO, "cannot read '%s': not a regular file", path);
    FILE *f = fopen(path, "rb");
    if (!f)
        return rh_fail(err, RH_EIO, "cannot open '%s': %s", path, strerror(errno));
    int status = RH_OK;
    if (fstat(fileno(f), &st) || !S_ISREG(st.st_mode)) {
        status = rh_fail(err, RH_EIO, "cannot read '%s': not a regular file", path);
        goto out;
    }
    size_t size = (size_t)st.st_size;
    char *p = rh_alloc(a, size + 1, 1);
    if (!p) {
        status = rh_fail_memory(err, path, size);
        goto out;
    }
    *n = fread(p, 1, size, f);
    if (ferror(f))
        status = rh_fail(err, RH_EIO, "cannot read '%s': %s", path, strerror(errno));
    *bytes = p;
out:
    fclose(f);
    return status;
}
