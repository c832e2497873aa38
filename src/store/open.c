/* Opening a store: what may be wrong with a file, each with its sentence, and the making of a new one. */
#include "base/file.h"
#include "base/text.h"
#include "store/sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION 0x52485354 /* "RHST", in the file's header: file(1) and we tell it from other databases by it */
#define SMALLEST 100           /* bytes: the header of every SQLite database */
#define WAIT_MS 10000          /* for another writer; a run's transaction takes a fraction of a second */

extern const char rh_store_schema[]; /* schema.sql, embedded */

struct header {
    int64_t application, version, tables;
};

/* In one statement, so that the three belong together while another program makes the schema. */
static int read_header(struct rh_store *s, struct header *h, struct rh_error *err)
{
    struct rh_sql q;
    *h = (struct header){ 0 };
    RH_TRY(rh_sql_open(&q, s, err,
                       "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)"
                       " FROM pragma_application_id, pragma_user_version",
                       ""));
    int status = rh_sql_step(&q, err);
    if (status == RH_OK)
        *h = (struct header){ rh_sql_int(&q, 0), rh_sql_int(&q, 1), rh_sql_int(&q, 2) };
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

static bool is_new(const struct header *h)
{
    return !h->application && !h->version && !h->tables;
}

static int check_header(struct rh_store *s, const struct header *h, struct rh_error *err)
{
    if (h->application != APPLICATION)
        return rh_fail(err, RH_EIO,
                       "'%s' is an SQLite database, but not a results store of harness; use another --store",
                       s->path);
    if (h->version > RH_STORE_VERSION)
        return rh_fail(err, RH_EUNSUP, "store '%s' has schema %lld, this program knows up to %d; use a newer harness",
                       s->path, (long long)h->version, RH_STORE_VERSION);
    if (h->version < 1)
        return rh_fail(err, RH_EIO, "store '%s' is damaged: its schema has no version", s->path);
    return RH_OK;
}

/* Readers go on beside a writer in WAL. Changing to it wants the file alone and does not wait by itself. A file
 * system without shared memory refuses; the store then works with a rollback journal. */
static int use_wal(struct rh_store *s, struct rh_error *err)
{
    for (int waited = 0;; waited += 20) {
        struct rh_error quiet = { 0 };
        int status = rh_sql_run(s, &quiet, "PRAGMA journal_mode = WAL", "");
        if (status >= 0 || (sqlite3_errcode(s->db) & 0xff) != SQLITE_BUSY || waited >= WAIT_MS)
            return status < 0 ? rh_fail(err, status, "%s", quiet.text) : RH_OK;
        usleep(20000);
    }
}

/* What the text of the schema cannot do to a store of version i, being CREATE ... IF NOT EXISTS: columns that came
 * later, and views that changed. */
static const char *const upgrade[RH_STORE_VERSION] = {
    [1] = "ALTER TABLE experiment_run ADD COLUMN twin TEXT NOT NULL DEFAULT '';" /* as in schema.sql */
          "DROP VIEW leaderboard; DROP VIEW user_value;",
};

/* `from`: the version that is there; RH_STORE_VERSION for a new file, which wants nothing but the text. */
static int write_schema(struct rh_store *s, int64_t from, struct rh_error *err)
{
    struct rh_text sql = { 0 };
    for (int64_t version = from; version < RH_STORE_VERSION; version++)
        rh_text_add(&sql, upgrade[version] ? upgrade[version] : "");
    rh_text_add(&sql, rh_store_schema);
    rh_text_printf(&sql, "PRAGMA application_id = %d; PRAGMA user_version = %d;", APPLICATION, RH_STORE_VERSION);
    int status = sql.failed ? rh_fail_memory(err, "the schema of a store", sql.n) : RH_OK;
    if (status >= 0 && sqlite3_exec(s->db, sql.s, NULL, NULL, NULL) != SQLITE_OK)
        status = rh_sql_fail(s, err);
    rh_text_release(&sql);
    return status;
}

/* Makes the schema of a new store, or brings an older one up to date. */
static int make_schema(struct rh_store *s, struct rh_error *err)
{
    struct header h;
    RH_TRY(rh_sql_begin(s, err));
    int status = read_header(s, &h, err); /* again: another program may have been first */
    if (status >= 0 && !is_new(&h))
        status = check_header(s, &h, err);
    if (status >= 0 && h.version < RH_STORE_VERSION)
        status = write_schema(s, is_new(&h) ? RH_STORE_VERSION : h.version, err);
    return rh_sql_end(s, status, err);
}

static int connect_file(struct rh_store *s, const char *name, int flags, struct rh_error *err)
{
    if (sqlite3_open_v2(name, &s->db, flags, NULL) != SQLITE_OK)
        return s->db ? rh_sql_fail(s, err) : rh_fail(err, RH_ENOMEM, "not enough memory to open store '%s'", s->path);
    sqlite3_busy_timeout(s->db, WAIT_MS);
    return RH_OK;
}

/* A store in a folder that may not be written cannot have the files that WAL shares between readers. When no writer
 * left a log behind, nothing can change it either, and it may be read as it lies. */
static int connect_immutable(struct rh_store *s, struct rh_error *err)
{
    struct rh_text name = { 0 };
    struct stat st;
    rh_text_printf(&name, "%s-wal", s->path);
    bool log_left = name.s && !stat(name.s, &st) && st.st_size > 0;
    rh_text_clear(&name);
    rh_text_add(&name, "file:");
    for (const unsigned char *p = (const unsigned char *)s->path; *p; p++)
        rh_text_printf(&name, strchr("%?#", *p) ? "%%%02x" : "%c", *p);
    rh_text_add(&name, "?immutable=1");
    int status;
    if (name.failed)
        status = rh_fail_memory(err, "a path", name.n);
    else if (log_left)
        status = rh_fail(err, RH_EIO,
                         "cannot read store '%s': a log lies beside it and its folder is read-only; copy it "
                         "with its -wal file to another folder",
                         s->path);
    else {
        sqlite3_close(s->db);
        s->db = NULL;
        status = connect_file(s, name.s, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
    }
    rh_text_release(&name);
    return status;
}

static int open_to_write(struct rh_store *s, struct rh_error *err)
{
    struct header h;
    RH_TRY(connect_file(s, s->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, err));
    if (sqlite3_db_readonly(s->db, "main") == 1) /* SQLite falls back to that silently */
        return rh_fail(err, RH_EIO, "store '%s' is read-only; change its permissions or use another --store",
                       s->path);
    RH_TRY(read_header(s, &h, err));
    if (!is_new(&h))
        RH_TRY(check_header(s, &h, err));
    RH_TRY(use_wal(s, err));
    RH_TRY(rh_sql_run(s, err, "PRAGMA synchronous = NORMAL", ""));
    RH_TRY(rh_sql_run(s, err, "PRAGMA foreign_keys = ON", ""));
    return h.version < RH_STORE_VERSION ? make_schema(s, err) : RH_OK;
}

/* Queries are about tables of today: an older store is brought up to date first, by the way of a writer. */
static int upgrade_to_read(struct rh_store *s, const struct header *h, struct rh_error *err)
{
    struct rh_error why = { 0 };
    sqlite3_close(s->db);
    s->db = NULL;
    s->mode = RH_STORE_WRITE;
    int status = open_to_write(s, &why);
    if (status < 0)
        return rh_fail(err, status, "store '%s' has schema %lld and must be brought to %d to be read: %s", s->path,
                       (long long)h->version, RH_STORE_VERSION, why.text);
    sqlite3_close(s->db);
    s->db = NULL;
    s->mode = RH_STORE_READ;
    return connect_file(s, s->path, SQLITE_OPEN_READONLY, err);
}

static int open_to_read(struct rh_store *s, struct rh_error *err)
{
    struct header h;
    struct rh_error first = { 0 };
    RH_TRY(connect_file(s, s->path, SQLITE_OPEN_READONLY, err));
    int status = read_header(s, &h, &first);
    int code = sqlite3_errcode(s->db) & 0xff;
    if (status < 0 && (code == SQLITE_CANTOPEN || code == SQLITE_READONLY)) {
        RH_TRY(connect_immutable(s, err));
        status = read_header(s, &h, err);
    } else if (status < 0)
        return rh_fail(err, status, "%s", first.text);
    if (status >= 0 && is_new(&h))
        return rh_fail(err, RH_EIO, "store '%s' is empty: no run was stored yet", s->path);
    if (status >= 0)
        status = check_header(s, &h, err);
    return status >= 0 && h.version < RH_STORE_VERSION ? upgrade_to_read(s, &h, err) : status;
}

int rh_store_open(const char *path, enum rh_store_mode mode, struct rh_store **out, struct rh_error *err)
{
    struct stat st;
    *out = NULL;
    if (!path[0])
        return rh_fail(err, RH_EINVAL, "the name of the store is empty");
    bool there = !stat(path, &st);
    if (there && S_ISDIR(st.st_mode))
        return rh_fail(err, RH_EIO, "'%s' is a folder, not a results store", path);
    if (there && !S_ISREG(st.st_mode))
        return rh_fail(err, RH_EIO, "'%s' is not a regular file and cannot be a results store", path);
    if (there && st.st_size > 0 && st.st_size < SMALLEST) /* SQLite would take it for an empty database */
        return rh_fail(err, RH_EIO, "'%s' is not a results store: it is not an SQLite database", path);
    if (!there && mode == RH_STORE_READ)
        return errno == ENOENT ? rh_fail(err, RH_EIO, "there is no store '%s'; harness run FILE.ini makes it", path)
                               : rh_fail(err, RH_EIO, "cannot open store '%s': %s", path, strerror(errno));
    if (mode == RH_STORE_WRITE)
        RH_TRY(rh_make_parent(path, err));
    struct rh_store *s = calloc(1, sizeof *s);
    if (!s)
        return rh_fail_memory(err, "a store", sizeof *s);
    s->mode = mode;
    s->path = strdup(path);
    int status = !s->path ? rh_fail_memory(err, "a path", strlen(path))
                 : mode == RH_STORE_READ ? open_to_read(s, err) : open_to_write(s, err);
    if (status < 0) {
        rh_store_close(s);
        return status;
    }
    *out = s;
    return RH_OK;
}

void rh_store_close(struct rh_store *s)
{
    if (!s)
        return;
    sqlite3_close(s->db);
    free(s->path);
    free(s);
}

struct sqlite3 *rh_store_db(struct rh_store *s)
{
    return s->db;
}

const char *rh_store_path(const struct rh_store *s)
{
    return s->path;
}
