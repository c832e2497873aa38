/* Files of rankings and judgements that other programs write and read:
 *
 *   a TREC run    query Q0 document rank score tag
 *   qrels         query 0 document relevance
 *   a CSV run     user,item,score[,rank]; a header line may name the columns, and may put them in another order
 *
 * A file is mapped and read in pieces by all threads; what is kept of a line is its item, as a number, and its value.
 * Lines need not be grouped by query; where they are, nothing is sorted or copied. Blank lines are passed over. */
#ifndef RH_EXCHANGE_RUNFILE_H
#define RH_EXCHANGE_RUNFILE_H

#include "base/arena.h"
#include "base/error.h"
#include <stdbool.h>
#include <stdint.h>

enum rh_file_kind { RH_FILE_RUN, RH_FILE_QRELS }; /* a run is TREC or CSV, as its first line shows */

/* Some bytes of the file; not NUL-terminated. */
struct rh_span {
    const char *s;
    uint32_t n;
};

/* A run of lines of one query, without another query's between them. */
struct rh_segment {
    struct rh_span query;
    const char *text;      /* its first line */
    const uint64_t *item;  /* [n] see rh_item_number */
    const float *value;    /* [n] score or relevance, finite */
    int32_t n;
    int32_t next;          /* segment of the same query that comes next, or -1 */
    bool in_order;         /* the ranks go up and the scores do not, or there are no ranks */
};

struct rh_file_query {
    struct rh_span id;
    int32_t first, last; /* segments */
    int32_t n;           /* lines */
};

struct rh_run_file {
    const char *path;
    enum rh_file_kind kind;
    int64_t n;
    int32_t n_queries, n_segments;
    struct rh_file_query *query; /* [n_queries] in the order of their first lines */
    struct rh_segment *segment;  /* [n_segments] in the order of the file */
    struct rh_file_body *body;   /* the bytes and columns */
};

/* RH_EIO: cannot be read; RH_EDATA, with FILE:LINE: a line that is malformed, a score that is not finite; RH_EINVAL:
 * no line at all. */
int rh_run_file_read(const char *path, enum rh_file_kind kind, int threads, struct rh_run_file **out,
                     struct rh_error *err);
void rh_run_file_free(struct rh_run_file *f); /* NULL is fine */

/* The query with this id, or -1. */
int32_t rh_run_file_find(const struct rh_run_file *f, struct rh_span id);

/* All lines of one query in the order of the file; from segments far apart they are brought together in `room`, which
 * grows (zero it to start) and belongs to one thread. */
struct rh_query_lines {
    int32_t n;
    const uint64_t *item; /* [n] */
    const float *value;   /* [n] */
};
struct rh_query_room {
    uint64_t *item;
    float *value;
    uint32_t *slot; /* [slots] line + 1 by item */
    int32_t capacity;
    uint32_t slots;
    struct rh_query_lines lines; /* what was entered */
};
int rh_run_file_lines(const struct rh_run_file *f, int32_t query, struct rh_query_room *room,
                      struct rh_query_lines *out, struct rh_error *err);
/* The same, ready for rh_run_file_line; RH_EDATA: an item twice in the query. */
int rh_run_file_enter(const struct rh_run_file *f, int32_t query, struct rh_query_room *room,
                      struct rh_query_lines *out, struct rh_error *err);
/* Place among the entered lines of the item that `of` calls `item`, or -1. */
int32_t rh_run_file_line(const struct rh_run_file *f, const struct rh_query_room *room, const struct rh_run_file *of,
                         uint64_t item);
void rh_query_room_release(struct rh_query_room *room);

/* Ranks that repeat, or that go up where the score goes up: RH_EDATA with the places. */
int rh_run_file_check_ranks(const struct rh_run_file *f, int32_t query, struct rh_error *err);

/* The number of an item: itself when it is written in digits alone, without a zero in front, else where its text is.
 * Within one file equal numbers are equal items; the reverse holds for digits only. */
struct rh_span rh_item_text(const struct rh_run_file *f, uint64_t item, char buf[static 24]);
bool rh_item_is_digits(uint64_t item);
/* Line of the file, from 1, of line i of a query. */
int64_t rh_run_file_line_number(const struct rh_run_file *f, int32_t query, int32_t i);

#endif
