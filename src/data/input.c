#include "data/input.h"

#include "base/file.h"
#include "base/text.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE ((size_t)1 << 20)
#define LONGEST_LINE ((size_t)64 << 20)
#define ABSURD_SIZE ((int64_t)1 << 40)
#define SMALL_SIZE ((int64_t)1 << 30) /* up to here any ratio of compression is fine */
#define ABSURD_RATIO 2000
#define LISTED_MEMBERS 12

struct rh_input {
    struct archive *archive;
    char *place;
    const char *block; /* libarchive's, until the next read */
    size_t block_n, block_at;
    int64_t unpacked; /* bytes that libarchive has handed out */
    int64_t packed;   /* size of the file */
    int64_t line_number;
    struct rh_text line;
    bool started, ended;
};

const char *rh_input_name(const struct rh_input *in)
{
    return in->place;
}

int64_t rh_input_line_number(const struct rh_input *in)
{
    return in->line_number;
}

int64_t rh_input_done(const struct rh_input *in)
{
    return archive_filter_bytes(in->archive, -1);
}

int64_t rh_input_total(const struct rh_input *in)
{
    return in->packed;
}

void rh_input_close(struct rh_input *in)
{
    if (!in)
        return;
    if (in->archive)
        archive_read_free(in->archive);
    rh_text_release(&in->line);
    free(in->place);
    free(in);
}

size_t rh_place_file(const char *place)
{
    const char *colon = strrchr(place, ':');
    return !colon || rh_file_exists(place) ? strlen(place) : (size_t)(colon - place);
}

/* ------------------------------------------------------------------------------------------------ opening */

/* Absolute, or with a part "..": such a name would write outside the folder it is unpacked in. Nothing is unpacked
 * here, but whoever made that archive meant harm, and so may its data. */
static bool leaves_folder(const char *name)
{
    if (name[0] == '/' || name[0] == '\\' || (name[0] && name[1] == ':'))
        return true;
    for (const char *p = name; *p;) {
        size_t n = strcspn(p, "/\\");
        if (n == 2 && p[0] == '.' && p[1] == '.')
            return true;
        p += n + (p[n] != '\0');
    }
    return false;
}

static bool is_member(const char *name, const char *wanted)
{
    size_t n = strlen(name), w = strlen(wanted);
    return n >= w && !strcmp(name + n - w, wanted) && (n == w || name[n - w - 1] == '/');
}

static int refuse_size(const struct rh_input *in, int64_t unpacked, struct rh_error *err)
{
    if (unpacked > ABSURD_SIZE)
        return rh_fail(err, RH_EDATA, "%s: %lld bytes unpacked: at most 1 TiB is read", in->place,
                       (long long)unpacked);
    if (unpacked > SMALL_SIZE && unpacked / ABSURD_RATIO > in->packed)
        return rh_fail(err, RH_EDATA,
                       "%s: %lld bytes unpacked out of %lld packed is absurd: at most %d times is read beyond 1 GiB",
                       in->place, (long long)unpacked, (long long)in->packed, ABSURD_RATIO);
    return RH_OK;
}

static int damaged(const struct rh_input *in, struct rh_error *err)
{
    const char *why = archive_error_string(in->archive);
    return rh_fail(err, RH_EIO, "%s:%lld: cannot read on, the file is damaged or cut off: %s", in->place,
                   (long long)in->line_number + 1, why ? why : "unknown reason");
}

static bool is_raw(struct archive *a)
{
    int format = archive_format(a) & ARCHIVE_FORMAT_BASE_MASK;
    return format == ARCHIVE_FORMAT_RAW || format == ARCHIVE_FORMAT_EMPTY;
}

/* Goes to the member, or to the only stream when `member` is NULL. */
static int find_member(struct rh_input *in, const char *file, const char *member, struct rh_error *err)
{
    struct rh_text listed = { 0 };
    struct archive_entry *entry;
    int n_listed = 0, status = RH_OK;
    for (;;) {
        int got = archive_read_next_header(in->archive, &entry);
        if (got == ARCHIVE_EOF && !member && n_listed == 0) {
            in->ended = true; /* an empty file */
            break;
        }
        if (got == ARCHIVE_EOF) {
            status = member ? rh_fail(err, RH_EIO, "%s has no member '%s'; it has: %s", file, member,
                                      listed.s ? listed.s : "nothing")
                            : rh_fail(err, RH_EINVAL,
                                      "%s is an archive: name one of its members, as in %s:NAME; it has: %s", file,
                                      file, listed.s ? listed.s : "nothing");
            break;
        }
        if (got < ARCHIVE_WARN) {
            status = damaged(in, err);
            break;
        }
        bool raw = is_raw(in->archive);
        if (raw && member) {
            status = rh_fail(err, RH_EINVAL,
                             "%s is no archive that is known here (zip, tar, 7z), so it has no member '%s'", file,
                             member);
            break;
        }
        const char *name = raw ? file : archive_entry_pathname(entry);
        if (!name)
            name = archive_entry_pathname_utf8(entry);
        if (!name)
            name = "?";
        if (!raw && leaves_folder(name)) {
            status = rh_fail(err, RH_EDATA, "%s: refused, its member '%s' leaves the folder", file, name);
            break;
        }
        if (raw || (member && archive_entry_filetype(entry) == AE_IFREG && is_member(name, member))) {
            if (archive_entry_size_is_set(entry))
                status = refuse_size(in, archive_entry_size(entry), err);
            break;
        }
        if (archive_entry_filetype(entry) == AE_IFREG && ++n_listed <= LISTED_MEMBERS)
            rh_text_printf(&listed, "%s%s", n_listed > 1 ? ", " : "", name);
        else if (n_listed == LISTED_MEMBERS + 1)
            rh_text_add(&listed, ", ...");
    }
    rh_text_release(&listed);
    return status;
}

static int start(struct rh_input *in, const char *file, const char *member, struct rh_error *err)
{
    struct stat st;
    if (stat(file, &st))
        return rh_fail(err, RH_EIO, "cannot open '%s': %s", file, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return rh_fail(err, RH_EIO, "cannot read '%s': %s", file,
                       S_ISDIR(st.st_mode) ? "it is a folder" : "not a regular file");
    if (access(file, R_OK))
        return rh_fail(err, RH_EIO, "cannot open '%s': %s", file, strerror(errno));
    in->packed = st.st_size;
    struct archive *a = in->archive = archive_read_new();
    if (!a)
        return rh_fail_memory(err, file, 0);
    /* One by one: "all" would also guess at text files (uuencode, mtree) and call programs. */
    archive_read_support_filter_gzip(a);
    archive_read_support_filter_bzip2(a);
    archive_read_support_filter_xz(a);
    archive_read_support_filter_lzma(a);
    archive_read_support_filter_zstd(a);
    archive_read_support_filter_lz4(a);
    archive_read_support_format_zip(a);
    archive_read_support_format_tar(a);
    archive_read_support_format_7zip(a);
    archive_read_support_format_raw(a);
    archive_read_support_format_empty(a);
    if (archive_read_open_filename(a, file, READ_SIZE) != ARCHIVE_OK)
        return damaged(in, err);
    return find_member(in, file, member, err);
}

int rh_input_open(const char *place, struct rh_input **out, struct rh_error *err)
{
    *out = NULL;
    struct rh_input *in = calloc(1, sizeof *in);
    char *file = strdup(place);
    if (!in || !file || !(in->place = strdup(place))) {
        free(file);
        rh_input_close(in);
        return rh_fail_memory(err, place, sizeof *in);
    }
    size_t n = rh_place_file(place);
    const char *member = NULL;
    if (file[n] == ':') {
        file[n] = '\0';
        member = file + n + 1;
    }
    int status = start(in, file, member, err);
    free(file);
    if (status < 0) {
        rh_input_close(in);
        return status;
    }
    *out = in;
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------ reading */

/* Makes sure that bytes are at hand, unless the stream is at its end. */
static int refill(struct rh_input *in, struct rh_error *err)
{
    while (in->block_at == in->block_n && !in->ended) {
        const void *p = NULL;
        size_t n = 0;
        la_int64_t offset = 0;
        int got = archive_read_data_block(in->archive, &p, &n, &offset);
        if (got == ARCHIVE_RETRY)
            continue;
        if (got == ARCHIVE_EOF) {
            in->ended = true;
            break;
        }
        if (got != ARCHIVE_OK)
            return damaged(in, err);
        if (n == 0)
            continue;
        if (offset != in->unpacked)
            return rh_fail(err, RH_EDATA, "%s: refused, the file has holes", in->place);
        in->unpacked += (int64_t)n;
        RH_TRY(refuse_size(in, in->unpacked, err));
        in->block = p;
        in->block_n = n;
        in->block_at = 0;
        if (!in->started && n >= 3 && !memcmp(p, "\xef\xbb\xbf", 3))
            in->block_at = 3;
        in->started = true;
    }
    return RH_OK;
}

int rh_input_peek(struct rh_input *in, const char **bytes, size_t *n, struct rh_error *err)
{
    *bytes = "";
    *n = 0;
    RH_TRY(refill(in, err));
    if (in->block_at < in->block_n) {
        *bytes = in->block + in->block_at;
        *n = in->block_n - in->block_at;
    }
    return RH_OK;
}

int rh_input_block(struct rh_input *in, const char **bytes, size_t *n, struct rh_error *err)
{
    RH_TRY(rh_input_peek(in, bytes, n, err));
    in->block_at = in->block_n;
    return RH_OK;
}

int rh_input_line(struct rh_input *in, const char **line, size_t *n, struct rh_error *err)
{
    rh_text_clear(&in->line);
    bool any = false, whole = false;
    while (!whole) {
        RH_TRY(refill(in, err));
        if (in->block_at == in->block_n)
            break;
        any = true;
        const char *from = in->block + in->block_at;
        size_t left = in->block_n - in->block_at;
        const char *stop = memchr(from, '\n', left);
        size_t k = stop ? (size_t)(stop - from) : left;
        if (in->line.n + k > LONGEST_LINE)
            return rh_fail(err, RH_EDATA, "%s:%lld: a line of more than 64 MiB; is this a text file?", in->place,
                           (long long)in->line_number + 1);
        rh_text_addn(&in->line, from, k);
        in->block_at += k + (stop != NULL);
        whole = stop != NULL;
    }
    if (!any)
        return RH_DONE;
    in->line_number++;
    if (in->line.failed)
        return rh_fail_memory(err, in->place, in->line.n);
    if (memchr(in->line.s, '\0', in->line.n))
        return rh_fail(err, RH_EDATA, "%s:%lld: a NUL byte; is this a text file in UTF-8?", in->place,
                       (long long)in->line_number);
    if (in->line.n && in->line.s[in->line.n - 1] == '\r')
        in->line.s[--in->line.n] = '\0';
    *line = in->line.s;
    *n = in->line.n;
    return RH_OK;
}
