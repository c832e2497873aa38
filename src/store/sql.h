/* SQL in few words: a statement that is prepared, bound, stepped and always finalised, and SQLite's failures as one
 * sentence. Used by the store, which writes, and by report/, which reads. */
#ifndef RH_STORE_SQL_H
#define RH_STORE_SQL_H

#include "base/arena.h"
#include "store/store.h"
#include <sqlite3.h>

struct rh_store {
    sqlite3 *db;
    char *path;
    enum rh_store_mode mode;
};

/* A statement at work. The text and blob values bound to it are borrowed until the next bind or the close. */
struct rh_sql {
    struct rh_store *store;
    sqlite3_stmt *stmt;
};

/* Binds the values that `types` names, a letter each: 'i' int64_t, 'u' uint64_t (its bits), 't' const char * (NULL is
 * NULL), 'r' double (NaN is NULL), 'b' const void * and size_t, 'd' const double * and how many (size_t), 'w' const
 * void * to 32-bit numbers and how many: both as blobs of little-endian numbers, a NULL pointer as NULL. A failed open
 * leaves nothing to close, but closing it is fine. */
int rh_sql_open(struct rh_sql *q, struct rh_store *s, struct rh_error *err, const char *sql, const char *types, ...);
/* Binds anew for the next round of a statement that stays open. */
int rh_sql_bind(struct rh_sql *q, struct rh_error *err, const char *types, ...);
/* RH_OK: a row is there; RH_DONE: no more. */
int rh_sql_step(struct rh_sql *q, struct rh_error *err);
void rh_sql_close(struct rh_sql *q);

/* Runs a statement to its end. */
int rh_sql_run(struct rh_store *s, struct rh_error *err, const char *sql, const char *types, ...);
/* The first column of the first row; `fallback` when there is none. */
int rh_sql_number(struct rh_store *s, int64_t *out, int64_t fallback, struct rh_error *err, const char *sql,
                  const char *types, ...);

/* Column i of the current row. A text in the arena: NULL is ""; a NULL answer means no memory. */
int64_t rh_sql_int(const struct rh_sql *q, int i);
double rh_sql_real(const struct rh_sql *q, int i); /* NULL is NaN */
const char *rh_sql_text(const struct rh_sql *q, int i, struct rh_arena *a);
/* The same for what 'd' and 'w' wrote: *n numbers in the arena; NULL is NULL with n = 0. RH_EIO: not whole numbers. */
int rh_sql_doubles(const struct rh_sql *q, int i, struct rh_arena *a, const double **out, int64_t *n,
                   struct rh_error *err);
int rh_sql_words(const struct rh_sql *q, int i, struct rh_arena *a, void *out, int64_t *n, struct rh_error *err);

/* One transaction: begin takes the write lock at once, so that two writers wait for each other instead of failing
 * half-way; end commits when status is not negative, else takes everything back. Returns the final status. */
int rh_sql_begin(struct rh_store *s, struct rh_error *err);
int rh_sql_end(struct rh_store *s, int status, struct rh_error *err);

/* The sentence for what the connection last failed at. */
int rh_sql_fail(struct rh_store *s, struct rh_error *err);

#endif
