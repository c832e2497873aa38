#include "store/sql.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
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

/* In a store numbers are little-endian whatever the machine. Copies n numbers of `size` bytes between the orders. */
static void to_little_endian(unsigned char *to, const unsigned char *from, size_t n, size_t size)
{
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
        memcpy(to, from, n * size);
        return;
    }
    for (size_t i = 0; i < n; i++)
        for (size_t b = 0; b < size; b++)
            to[i * size + b] = from[i * size + size - 1 - b];
}

static int bind_numbers(sqlite3_stmt *stmt, int i, const void *x, size_t n, size_t size)
{
    if (!x)
        return sqlite3_bind_null(stmt, i);
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
        return sqlite3_bind_blob64(stmt, i, x, n * size, SQLITE_STATIC);
    unsigned char *swapped = malloc(n * size + 1);
    if (!swapped)
        return SQLITE_NOMEM;
    to_little_endian(swapped, x, n, size);
    return sqlite3_bind_blob64(stmt, i, swapped, n * size, free);
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
        case 'd':
        case 'w': {
            const void *numbers = va_arg(ap, const void *);
            code = bind_numbers(q->stmt, i, numbers, va_arg(ap, size_t), types[i - 1] == 'd' ? 8 : 4);
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

static int read_numbers(const struct rh_sql *q, int i, size_t size, struct rh_arena *a, void *out, int64_t *n,
                        struct rh_error *err)
{
    const unsigned char *bytes = sqlite3_column_blob(q->stmt, i);
    size_t length = (size_t)sqlite3_column_bytes(q->stmt, i);
    void *x = NULL;
    if (sqlite3_column_type(q->stmt, i) != SQLITE_NULL) {
        if (length % size)
            return rh_fail(err, RH_EIO, "store '%s' is damaged: a column of %zu bytes is not of whole numbers",
                           q->store->path, length);
        if ((length && !bytes) || !(x = rh_alloc(a, length + 1, 1)))
            return rh_fail_memory(err, "stored numbers", length);
        if (length)
            to_little_endian(x, bytes, length / size, size);
    }
    memcpy(out, &x, sizeof x); /* a pointer to numbers of any type */
    *n = (int64_t)(length / size);
    return RH_OK;
}

int rh_sql_doubles(const struct rh_sql *q, int i, struct rh_arena *a, const double **out, int64_t *n,
                   struct rh_error *err)
{
    return read_numbers(q, i, sizeof(double), a, (void *)out, n, err);
}

int rh_sql_words(const struct rh_sql *q, int i, struct rh_arena *a, void *out, int64_t *n, struct rh_error *err)
{
    return read_numbers(q, i, sizeof(uint32_t), a, out, n, err);
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
