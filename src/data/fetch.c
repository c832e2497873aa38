#include <config.h>

#include "data/fetch.h"

#ifndef HAVE_CURL

bool rh_fetch_possible(void)
{
    return false;
}

int rh_fetch(const struct rh_fetch *f, struct rh_error *err)
{
    return rh_fail(err, RH_EUNSUP, "cannot download %s: this harness was built without libcurl", f->url);
}

#else

#include "base/arena.h"
#include "base/file.h"
#include "base/hash.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

bool rh_fetch_possible(void)
{
    return true;
}

/* One download at work. The tag (the server's ETag, or its date) names the version that the part belongs to; it is
 * kept in PATH.part.tag, so that a part is only continued with bytes of the same file. */
struct download {
    const struct rh_fetch *f;
    CURL *curl;
    const char *part, *tag_file;
    int fd;
    curl_off_t had; /* bytes of the part asked to be continued */
    bool started;   /* the first byte of this answer was written */
    int write_error;
    char tag[256], curl_error[CURL_ERROR_SIZE];
};

static void save_tag(const struct download *d)
{
    if (d->tag[0])
        rh_write_file(d->tag_file, d->tag, strlen(d->tag), NULL); /* without it the next try starts anew: no harm */
    else
        unlink(d->tag_file);
}

/* A 206 goes on at the end of the part; anything else is the whole file from its start. */
static bool start(struct download *d)
{
    long code = 0;
    curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &code);
    if (code != 206 && (ftruncate(d->fd, 0) || lseek(d->fd, 0, SEEK_SET) < 0)) {
        d->write_error = errno;
        return false;
    }
    if (code != 206)
        d->had = 0;
    save_tag(d);
    return d->started = true;
}

static size_t take_bytes(char *bytes, size_t size, size_t n, void *arg)
{
    struct download *d = arg;
    size_t left = size * n;
    if (!d->started && !start(d))
        return 0;
    while (left) {
        ssize_t k = write(d->fd, bytes, left);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0) {
            d->write_error = errno;
            return 0;
        }
        bytes += k;
        left -= (size_t)k;
    }
    return size * n;
}

/* Keeps a strong ETag, else the date of the file. */
static size_t take_header(char *line, size_t size, size_t n, void *arg)
{
    struct download *d = arg;
    size_t length = size * n;
    bool etag = length > 5 && !strncasecmp(line, "ETag:", 5);
    bool date = length > 14 && !strncasecmp(line, "Last-Modified:", 14);
    if (length > 5 && !strncmp(line, "HTTP/", 5))
        d->tag[0] = '\0'; /* the answer after a redirection */
    if (!etag && (!date || d->tag[0] == '"'))
        return length;
    const char *p = line + (etag ? 5 : 14), *end = line + length;
    while (p < end && *p == ' ')
        p++;
    while (end > p && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' '))
        end--;
    size_t k = (size_t)(end - p);
    if (k && k < sizeof d->tag && (date || *p == '"')) {
        memcpy(d->tag, p, k);
        d->tag[k] = '\0';
    }
    return length;
}

static int show_progress(void *arg, curl_off_t total, curl_off_t done, curl_off_t to_send, curl_off_t sent)
{
    struct download *d = arg;
    (void)to_send;
    (void)sent;
    if (total > 0)
        rh_progress_step(d->f->log, (double)(d->had + done), (double)(d->had + total));
    return d->f->cancel && *d->f->cancel;
}

/* What became of one try, as a status. *again: the part is of no use; start from nothing. */
static int outcome(struct download *d, CURLcode code, bool *again, struct rh_error *err)
{
    const char *url = d->f->url;
    long answer = 0;
    curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &answer);
    switch (code) {
    case CURLE_OK:
        return !d->started && !start(d)
                   ? rh_fail(err, RH_EIO, "cannot write '%s': %s", d->part, strerror(d->write_error))
                   : RH_OK; /* an empty file */
    case CURLE_ABORTED_BY_CALLBACK:
        return rh_fail(err, RH_ECANCEL, "the download of %s was interrupted; the same command continues it", url);
    case CURLE_WRITE_ERROR:
        return rh_fail(err, RH_EIO, "cannot write '%s': %s", d->part,
                       strerror(d->write_error ? d->write_error : EIO));
    case CURLE_HTTP_RETURNED_ERROR:
        if (answer == 416 && d->had) {
            *again = true;
            return RH_OK;
        }
        return rh_fail(err, RH_EIO, "cannot download %s: the server answers %ld%s", url, answer,
                       answer == 404   ? " (there is no such file)"
                       : answer == 403 ? " (forbidden)"
                                       : "");
    default:
        return rh_fail(err, RH_EIO, "cannot download %s: %s%s", url,
                       d->curl_error[0] ? d->curl_error : curl_easy_strerror(code),
                       d->started ? "; what has come is kept, and the same command continues it" : "");
    }
}

static int one_try(struct download *d, bool *again, struct rh_error *err)
{
    struct stat st;
    char range[32], tag[sizeof d->tag] = "", if_range[sizeof tag + 16];
    struct curl_slist *headers = NULL;
    FILE *tag_file = fopen(d->tag_file, "r");
    size_t tag_length = tag_file ? fread(tag, 1, sizeof tag - 1, tag_file) : 0;
    tag[tag_length] = '\0';
    if (tag_file)
        fclose(tag_file);
    if (fstat(d->fd, &st) || lseek(d->fd, 0, SEEK_END) < 0)
        return rh_fail(err, RH_EIO, "cannot read '%s': %s", d->part, strerror(errno));
    d->had = 0;
    d->started = false;
    curl_easy_reset(d->curl);
    if (st.st_size > 0 && tag[0]) {
        d->had = st.st_size;
        snprintf(range, sizeof range, "%lld-", (long long)st.st_size);
        snprintf(if_range, sizeof if_range, "If-Range: %s", tag);
        curl_easy_setopt(d->curl, CURLOPT_RANGE, range);
        headers = curl_slist_append(NULL, if_range);
        curl_easy_setopt(d->curl, CURLOPT_HTTPHEADER, headers);
    }
    curl_easy_setopt(d->curl, CURLOPT_URL, d->f->url);
    curl_easy_setopt(d->curl, CURLOPT_USERAGENT, PACKAGE "/" PACKAGE_VERSION);
    curl_easy_setopt(d->curl, CURLOPT_ERRORBUFFER, d->curl_error);
    curl_easy_setopt(d->curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(d->curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(d->curl, CURLOPT_MAXREDIRS, 10L);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(d->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(d->curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(d->curl, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
    curl_easy_setopt(d->curl, CURLOPT_REDIR_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
    curl_easy_setopt(d->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(d->curl, CURLOPT_CONNECTTIMEOUT, 30L);
    curl_easy_setopt(d->curl, CURLOPT_LOW_SPEED_LIMIT, 1L); /* a minute without a byte is a broken line */
    curl_easy_setopt(d->curl, CURLOPT_LOW_SPEED_TIME, 60L);
    curl_easy_setopt(d->curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(d->curl, CURLOPT_WRITEDATA, d);
    curl_easy_setopt(d->curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(d->curl, CURLOPT_HEADERDATA, d);
    curl_easy_setopt(d->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(d->curl, CURLOPT_XFERINFOFUNCTION, show_progress);
    curl_easy_setopt(d->curl, CURLOPT_XFERINFODATA, d);
    int status = outcome(d, curl_easy_perform(d->curl), again, err);
    curl_slist_free_all(headers);
    if (!*again)
        return status;
    if (ftruncate(d->fd, 0))
        return rh_fail(err, RH_EIO, "cannot write '%s': %s", d->part, strerror(errno));
    unlink(d->tag_file);
    return RH_OK;
}

/* The part is whole: checks it and gives it its name. */
static int finish(const struct download *d, struct rh_error *err)
{
    char found[RH_HASH_HEX];
    if (fsync(d->fd))
        return rh_fail(err, RH_EIO, "cannot write '%s': %s", d->part, strerror(errno));
    if (d->f->sha256) {
        RH_TRY(rh_hash_file(d->part, found, err));
        if (strcasecmp(found, d->f->sha256)) {
            unlink(d->part);
            unlink(d->tag_file);
            return rh_fail(err, RH_EDATA, "%s has SHA-256 %s, expected %s; the download was not kept", d->f->url,
                           found, d->f->sha256);
        }
    }
    if (rename(d->part, d->f->path))
        return rh_fail(err, RH_EIO, "cannot rename '%s' to '%s': %s", d->part, d->f->path, strerror(errno));
    unlink(d->tag_file);
    return RH_OK;
}

int rh_fetch(const struct rh_fetch *f, struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct download d = { .f = f,
                          .fd = -1,
                          .part = rh_arena_printf(&a, "%s.part", f->path),
                          .tag_file = rh_arena_printf(&a, "%s.part.tag", f->path) };
    const char *name = strrchr(f->path, '/') ? strrchr(f->path, '/') + 1 : f->path;
    bool again = false;
    int status = RH_OK;
    if (!d.part || !d.tag_file) {
        status = rh_fail_memory(err, "a path", strlen(f->path));
        goto out;
    }
    status = rh_make_parent(f->path, err);
    if (status < 0)
        goto out;
    d.fd = open(d.part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (d.fd < 0) {
        status = rh_fail(err, RH_EIO, "cannot create '%s': %s", d.part, strerror(errno));
        goto out;
    }
    if (flock(d.fd, LOCK_EX | LOCK_NB)) {
        status = rh_fail(err, RH_EIO, "'%s' is being downloaded by another harness", f->path);
        goto out;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) || !(d.curl = curl_easy_init())) {
        status = rh_fail(err, RH_EIO, "cannot start libcurl");
        goto out;
    }
    rh_progress_begin(f->log, "fetching %s", name);
    status = one_try(&d, &again, err);
    if (status >= 0 && again) {
        again = false;
        status = one_try(&d, &again, err);
    }
    rh_progress_end(f->log);
    if (status >= 0)
        status = finish(&d, err);
    curl_easy_cleanup(d.curl);
    curl_global_cleanup();
out:
    if (d.fd >= 0) {
        struct stat st;
        if (status < 0 && !fstat(d.fd, &st) && !st.st_size) {
            unlink(d.part); /* nothing worth continuing */
            unlink(d.tag_file);
        }
        close(d.fd);
    }
    rh_arena_release(&a);
    return status;
}

#endif
