/* harness data add, harness data fetch: getting raw files into the data folder. */
#include "base/file.h"
#include "cmd_data.h"
#include "data/fetch.h"
#include "data/input.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* -------------------------------------------------------------------------------------------------- add */

/* One file that the description knows. */
struct known_file {
    const char *file;   /* as in the description, without a member */
    const char *sha256; /* or NULL */
    const char *member; /* one that must be in it, or NULL */
};

/* Every file of the description: n of them in the arena. */
static int known_files(struct data_job *job, const struct data_set *s, struct known_file **out, size_t *n,
                       struct rh_error *err)
{
    size_t most = 0;
    for (size_t i = 0; i < s->n_files; i++)
        for (const char *p = s->file[i].places; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL)
            most++;
    struct known_file *k = rh_alloc(&job->arena, most + 1, sizeof *k);
    if (!k)
        return rh_fail_memory(err, "the files of a dataset", most * sizeof *k);
    *n = 0;
    for (size_t i = 0; i < s->n_files; i++) {
        const char *rest = s->file[i].places, *member, *file;
        while (*n < most && (file = data_next_place(job, &rest, &member)))
            k[(*n)++] = (struct known_file){ file, data_entry(s, "sha256", file), member };
    }
    *out = k;
    return RH_OK;
}

/* The known file that `path` is: by its name, else by its contents. */
static const struct known_file *recognise(const struct known_file *k, size_t n, const char *path, const char *sha256)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(base_name(k[i].file), base_name(path)))
            return &k[i];
    for (size_t i = 0; i < n; i++)
        if (k[i].sha256 && !strcasecmp(k[i].sha256, sha256))
            return &k[i];
    return NULL;
}

/* Reads what can be read without knowing the columns: the file opens, its members are there, it is not damaged at
 * once. */
static int try_to_read(struct data_job *job, const struct known_file *k, size_t n, const char *file, const char *path,
                       struct rh_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(k[i].file, file))
            continue;
        const char *place = k[i].member ? rh_arena_printf(&job->arena, "%s:%s", path, k[i].member) : path;
        struct rh_input *in = NULL;
        const char *bytes;
        size_t length = 0;
        if (!place)
            return rh_fail_memory(err, "a path", strlen(path));
        int status = rh_input_open(place, &in, err);
        if (status >= 0)
            status = rh_input_block(in, &bytes, &length, err);
        rh_input_close(in);
        if (status < 0)
            return status;
        if (!length)
            return rh_fail(err, RH_EDATA, "%s is empty", place);
    }
    return RH_OK;
}

static bool write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno != EINTR)
            return false;
        p += k > 0 ? k : 0;
        n -= k > 0 ? (size_t)k : 0;
    }
    return true;
}

static int copy_bytes(int from, int to, const char *name, struct rh_error *err)
{
    const size_t room = 1 << 20;
    char *buf = malloc(room);
    if (!buf)
        return rh_fail_memory(err, "a copy", room);
    int status = RH_OK;
    ssize_t n;
    while (status >= 0 && (n = read(from, buf, room)) != 0)
        if ((n < 0 && errno != EINTR) || (n > 0 && !write_all(to, buf, (size_t)n)))
            status = rh_fail(err, RH_EIO, "cannot copy '%s': %s", name, strerror(errno));
    free(buf);
    return status;
}

/* Copies to a temporary name and renames: the file is whole or not there. */
static int copy_file(struct data_job *job, const char *path, const char *target, struct rh_error *err)
{
    const char *temporary = rh_arena_printf(&job->arena, "%s.tmp%ld", target, (long)getpid());
    if (!temporary)
        return rh_fail_memory(err, "a path", strlen(target));
    int from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return rh_fail(err, RH_EIO, "cannot open '%s': %s", path, strerror(errno));
    int to = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (to < 0) {
        close(from);
        return rh_fail(err, RH_EIO, "cannot create '%s': %s", temporary, strerror(errno));
    }
    int status = copy_bytes(from, to, path, err);
    if (status >= 0 && fsync(to))
        status = rh_fail(err, RH_EIO, "cannot write '%s': %s", temporary, strerror(errno));
    close(from);
    if (close(to) && status >= 0)
        status = rh_fail(err, RH_EIO, "cannot write '%s': %s", temporary, strerror(errno));
    if (status >= 0 && rename(temporary, target))
        status = rh_fail(err, RH_EIO, "cannot rename '%s' to '%s': %s", temporary, target, strerror(errno));
    if (status < 0)
        unlink(temporary);
    return status;
}

static int place_file(struct data_job *job, const char *path, const char *target, struct rh_error *err)
{
    RH_TRY(rh_make_parent(target, err));
    if (!job->link)
        return copy_file(job, path, target, err);
    char *whole = realpath(path, NULL);
    if (job->replace)
        unlink(target);
    int bad = !whole || symlink(whole, target) ? errno : 0;
    free(whole);
    return bad ? rh_fail(err, RH_EIO, "cannot link '%s' to '%s': %s", target, path, strerror(bad)) : RH_OK;
}

static int refuse_unknown(const char *name, const char *path, const struct known_file *k, size_t n,
                          struct rh_error *err)
{
    struct rh_text t = { 0 };
    for (size_t i = 0; i < n; i++) {
        bool again = false;
        for (size_t j = 0; j < i; j++)
            again |= !strcmp(k[i].file, k[j].file);
        if (!again)
            rh_text_printf(&t, "%s%s", t.n ? ", " : "", k[i].file);
    }
    rh_fail(err, RH_EINVAL, "'%s' is no file of %s, neither by its name nor by its checksum; it has: %s", path, name,
            t.s ? t.s : "none");
    rh_text_release(&t);
    return RH_EINVAL;
}

static int add_one(struct data_job *job, const struct data_set *s, const char *path, const struct known_file *known,
                   size_t n, struct rh_error *err)
{
    char sha256[RH_HASH_HEX], there[RH_HASH_HEX];
    RH_TRY(rh_hash_file(path, sha256, err));
    const struct known_file *k = recognise(known, n, path, sha256);
    if (!k)
        return refuse_unknown(s->name, path, known, n, err);
    if (k->sha256 && strcasecmp(k->sha256, sha256))
        return rh_fail(err, RH_EDATA, "'%s' has SHA-256 %s; %s of %s has %s: it is damaged or another version", path,
                       sha256, k->file, s->name, k->sha256);
    RH_TRY(try_to_read(job, known, n, k->file, path, err));
    const char *target = data_target(job, s, k->file);
    if (!target)
        return rh_fail_memory(err, "a path", strlen(k->file));
    if (rh_file_exists(target)) {
        RH_TRY(rh_hash_file(target, there, err));
        if (!strcmp(there, sha256)) {
            rh_text_printf(&job->out, "%s is there already\n", target);
            return RH_OK;
        }
        if (!job->replace)
            return rh_fail(err, RH_EINVAL,
                           "'%s' is there with other contents (SHA-256 %s); --replace puts '%s' in its place", target,
                           there, path);
    }
    RH_TRY(place_file(job, path, target, err));
    rh_text_printf(&job->out, "%s: %s%s\n", target, job->link ? "linked" : "copied",
                   k->sha256 ? ", checksum right" : ", no checksum known");
    return RH_OK;
}

int data_add(struct data_job *job, const char *name, char **file, int n, struct rh_error *err)
{
    struct data_set s;
    struct known_file *known = NULL;
    size_t n_known = 0;
    RH_TRY(data_open(job, name, &s, err));
    RH_TRY(known_files(job, &s, &known, &n_known, err));
    if (!n_known)
        return rh_fail(err, RH_EINVAL, "%s has no files: the embedded generator makes it", name);
    for (int i = 0; i < n; i++)
        RH_TRY(add_one(job, &s, file[i], known, n_known, err));
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------ fetch */

/* The first of a file's places that has an address; NULL: none has. */
static const char *with_address(struct data_job *job, const struct data_set *s, const char *places)
{
    const char *file, *member;
    while ((file = data_next_place(job, &places, &member)))
        if (data_entry(s, "url", file))
            return file;
    return NULL;
}

/* Adds to a failure what a user can do by hand. */
static int explain(struct data_job *job, const struct data_set *s, const char *file, const struct rh_error *why,
                   struct rh_error *err)
{
    const char *url = data_entry(s, "url", file), *home = data_entry(s, "dataset", "home");
    const char *target = data_target(job, s, file);
    return rh_fail(err, why->status, "%s; by hand: get %s%s%s and put it into %s, or: harness data add %s %s",
                   why->text, url ? url : base_name(file), !url && home ? " from " : "", !url && home ? home : "",
                   target ? target : file, s->name, base_name(file));
}

static int fetch_one(struct data_job *job, const struct data_set *s, const char *file, struct rh_error *err)
{
    const char *target = data_target(job, s, file);
    char size[32];
    struct stat st;
    if (!target)
        return rh_fail_memory(err, "a path", strlen(file));
    struct rh_fetch f = {
        .url = data_entry(s, "url", file),
        .path = target,
        .sha256 = data_entry(s, "sha256", file),
        .log = &job->log,
        .cancel = job->env.cancel,
    };
    RH_TRY(rh_fetch(&f, err));
    rh_text_printf(&job->out, "%s: %s, %s\n", target, stat(target, &st) ? "?" : data_size_text(st.st_size, size),
                   f.sha256 ? "checksum right" : "no checksum known");
    return RH_OK;
}

/* Gets one file that is missing; an optional one that cannot be had is a warning. */
static int fetch_missing(struct data_job *job, const struct data_set *s, const struct rh_dataset_file *f,
                         const char *file, struct rh_error *err)
{
    struct rh_error why = { 0 }, whole = { 0 };
    const char *places = f->places, *member;
    int status = file ? fetch_one(job, s, file, &why)
                      : rh_fail(&why, RH_EIO, "no address is known for %s of %s", f->places, s->name);
    if (status >= 0)
        return RH_OK;
    if (status == RH_ECANCEL)
        return rh_fail(err, status, "%s", why.text);
    if (!file)
        file = data_next_place(job, &places, &member);
    status = explain(job, s, file ? file : f->places, &why, &whole);
    if (!f->optional)
        return rh_fail(err, status, "%s", whole.text);
    rh_log(&job->log, RH_LOG_WARNING, "data", "%s; %s can be used without it", whole.text, s->name);
    return RH_OK;
}

int data_fetch(struct data_job *job, const char *name, struct rh_error *err)
{
    struct data_set s;
    RH_TRY(data_open(job, name, &s, err));
    if (!s.n_files)
        rh_text_printf(&job->out, "%s has no files: the embedded generator makes it\n", name);
    const char *licence = data_entry(&s, "dataset", "licence");
    if (licence) /* at once, not with the results: a download may take long */
        rh_log(&job->log, RH_LOG_INFO, "data", "licence of %s: %s", name, licence);
    const char **done = rh_alloc(&job->arena, s.n_files + 1, sizeof *done); /* one archive serves several sections */
    size_t n_done = 0;
    if (!done)
        return rh_fail_memory(err, "a list of files", s.n_files * sizeof *done);
    for (size_t i = 0; i < s.n_files; i++) {
        if (s.file[i].found) {
            rh_text_printf(&job->out, "%s is there\n", s.file[i].found);
            continue;
        }
        const char *file = with_address(job, &s, s.file[i].places);
        bool again = false;
        for (size_t k = 0; file && k < n_done; k++)
            again |= !strcmp(done[k], file);
        if (again)
            continue;
        RH_TRY(fetch_missing(job, &s, &s.file[i], file, err));
        if (file)
            done[n_done++] = file;
    }
    return RH_OK;
}
