#include "store/sql.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

int rh_sql_fail(struct rh_store *s, struct rh_error *err)
{
    const char *verb = s->mode == RH_STORE_READ ? "read" : "write to";
    int code = sqlite3_errcode(s->db), cause = sqlite3_system_errno(s->db);
    const char *why = sqlite3_errmsg(s->db);
    switch (code & 0xff) {
    case SQLITE_NOMEM:
        return rh_fail(err, RH_ENOMEM, "not enough memory to %s store '%s'", verb, s->path);
    case SQLITE_FULL:
        return rh_fail(err, RH_EIO,
                       "cannot write to store '%s': the disk is full; make room and run again, stored runs "
                       "are kept",
                       s->path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return rh_fail(err, RH_EIO, "store '%s' is locked by another program; try again when it has finished, or use "
                       "another --store", s->path);
    case SQLITE_READONLY:
        return rh_fail(err, RH_EIO, "store '%s' is read-only; change its permissions or use another --store",
                       s->path);
    case SQLITE_NOTADB:
        return rh_fail(err, RH_EIO, "'%s' is not a results store: it is not an SQLite database", s->path);
    case SQLITE_CORRUPT:
        return rh_fail(err, RH_EIO, "store '%s' is damaged (%s); move it away or save what can be saved with "
                       "sqlite3 .recover", s->path, why);
    case SQLITE_CANTOPEN:
        return rh_fail(err, RH_EIO, "cannot open store '%s': %s", s->path,
                       cause ? strerror(cause) : "no permission for the file or its folder");
    case SQLITE_IOERR:
        return rh_fail(err, RH_EIO, "cannot %s store '%s': %s", verb, s->path, cause ? strerror(cause) : why);
    case SQLITE_TOOBIG:
        return rh_fail(err, RH_EUNSUP, "cannot write to store '%s': a value is longer than SQLite allows", s->path);
    default:
        return rh_fail(err, RH_EBUG, "cannot %s store '%s': %s", verb, s->path, why);
    }
}

static int bind(struct rh_sql *q, struct rh_error *err, const char *types, va_list ap)
{
    for (int i = 1; types[i - 1]; i++) {
        int code;
        switch (types[i - 1]) {
        case 'i':
            code = sqlite3_bind_int64(q->stmt, i, va_arg(ap, int64_t));
            break;
        case 'u':
            code = sqlite3_bind_int64(q->stmt, i, (int64_t)va_arg(ap, uint64_t));
            break;
        case 't':
            code = sqlite3_bind_text(q->stmt, i, va_arg(ap, const char *), -1, SQLITE_STATIC);
            break;
        case 'r':
            code = sqlite3_bind_double(q->stmt, i, va_arg(ap, double)); /* SQLite stores a NaN as NULL */
            break;
        case 'b': {
            const void *bytes = va_arg(ap, const void *);
            code = sqlite3_bind_blob64(q->stmt, i, bytes, va_arg(ap, size_t), SQLITE_STATIC);
            break;
        }
        default:
            return rh_fail(err, RH_EBUG, "no type '%c' to bind", types[i - 1]);
        }
        if (code != SQLITE_OK)
            return rh_sql_fail(q->store, err);
    }
    return RH_OK;
}

static int open_bound(struct rh_sql *q, struct rh_store *s, struct rh_error *err, const char *sql, const char *types,
                      va_list ap)
{
    *q = (struct rh_sql){ .store = s };
    if (sqlite3_prepare_v2(s->db, sql, -1, &q->stmt, NULL) != SQLITE_OK)
        return rh_sql_fail(s, err);
    int status = bind(q, err, types, ap);
    if (status < 0)
        rh_sql_close(q);
    return status;
}

int rh_sql_open(struct rh_sql *q, struct rh_store *s, struct rh_error *err, const char *sql, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    int status = open_bound(q, s, err, sql, types, ap);
    va_end(ap);
    return status;
}

int rh_sql_bind(struct rh_sql *q, struct rh_error *err, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    sqlite3_reset(q->stmt); /* its result repeats that of the last step, which was seen */
    int status = bind(q, err, types, ap);
    va_end(ap);
    return status;
}

int rh_sql_step(struct rh_sql *q, struct rh_error *err)
{
    switch (sqlite3_step(q->stmt)) {
    case SQLITE_ROW:
        return RH_OK;
    case SQLITE_DONE:
        return RH_DONE;
    default:
        return rh_sql_fail(q->store, err);
    }
}

void rh_sql_close(struct rh_sql *q)
{
    sqlite3_finalize(q->stmt);
    q->stmt = NULL;
}

int rh_sql_run(struct rh_store *s, struct rh_error *err, const char *sql, const char *types, ...)
{
    struct rh_sql q;
    va_list ap;
    va_start(ap, types);
    int status = open_bound(&q, s, err, sql, types, ap);
    va_end(ap);
    while (status == RH_OK)
        status = rh_sql_step(&q, err);
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

int rh_sql_number(struct rh_store *s, int64_t *out, int64_t fallback, struct rh_error *err, const char *sql,
                  const char *types, ...)
{
    struct rh_sql q;
    va_list ap;
    va_start(ap, types);
    int status = open_bound(&q, s, err, sql, types, ap);
    va_end(ap);
    *out = fallback;
    if (status == RH_OK)
        status = rh_sql_step(&q, err);
    if (status == RH_OK) {
        *out = rh_sql_int(&q, 0);
        while (status == RH_OK) /* to its end: INSERT ... RETURNING writes no earlier than that */
            status = rh_sql_step(&q, err);
    }
    rh_sql_close(&q);
    return status < 0 ? status : RH_OK;
}

int64_t rh_sql_int(const struct rh_sql *q, int i)
{
    return sqlite3_column_int64(q->stmt, i);
}

double rh_sql_real(const struct rh_sql *q, int i)
{
    return sqlite3_column_type(q->stmt, i) == SQLITE_NULL ? NAN : sqlite3_column_double(q->stmt, i);
}

const char *rh_sql_text(const struct rh_sql *q, int i, struct rh_arena *a)
{
    const char *s = (const char *)sqlite3_column_text(q->stmt, i);
    if (!s && sqlite3_column_type(q->stmt, i) != SQLITE_NULL)
        return NULL; /* SQLite had no memory */
    return rh_arena_strdup(a, s ? s : "");
}

int rh_sql_begin(struct rh_store *s, struct rh_error *err)
{
    return rh_sql_run(s, err, "BEGIN IMMEDIATE", "");
}

int rh_sql_end(struct rh_store *s, int status, struct rh_error *err)
{
    if (status >= 0)
        status = rh_sql_run(s, err, "COMMIT", "");
    if (status < 0 && !sqlite3_get_autocommit(s->db)) /* a full disk has SQLite roll back by itself */
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}
