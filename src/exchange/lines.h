/* The lines of a piece of a file, taken apart. Private to exchange/. */
#ifndef RH_EXCHANGE_LINES_H
#define RH_EXCHANGE_LINES_H

#include "base/hash.h"
#include "exchange/runfile.h"

#include <string.h>

#define RH_ITEM_TEXT ((uint64_t)1 << 63) /* the item is a text: bits 24.. its offset in the file, 0..23 its length */
#define RH_LONGEST_ID 65535

static inline uint64_t rh_span_hash(struct rh_span t)
{
    uint64_t h = t.n;
    for (uint32_t i = 0; i < t.n; i += 8) {
        uint64_t word = 0;
        memcpy(&word, t.s + i, t.n - i < 8 ? t.n - i : 8);
        h = rh_mix64(h ^ word);
    }
    return h;
}

enum rh_line_form { RH_FORM_TREC, RH_FORM_QRELS, RH_FORM_CSV };

/* How the lines of a file are to be read. */
struct rh_line_rules {
    enum rh_line_form form;
    int user, item, score, rank; /* columns of a CSV file from 0; rank -1: has none */
};

/* One line. */
struct rh_line {
    struct rh_span query, item;
    uint64_t number; /* of an item in digits alone; RH_ITEM_TEXT: it is not */
    float value;
    int64_t rank; /* -1: none */
};

/* Reads the line at p, which ends with '\n' before anything else does; returns the byte after that. NULL: malformed,
 * with a sentence in *why. */
const char *rh_line_read(const struct rh_line_rules *rules, const char *p, struct rh_line *out, const char **why);

/* A piece [begin, end) of a file's text, its last byte '\n'. Texts of items are counted from `origin`. */
struct rh_piece {
    const char *begin, *end, *origin;
    uint64_t *item;
    float *value;
    int32_t n;
    struct rh_segment *segment;
    int32_t n_segments, capacity;
    const char *bad; /* the malformed line, */
    const char *why; /* and what is wrong with it */
    bool no_memory;
};

/* Fills the columns and segments of a piece; they are the caller's to free. */
void rh_piece_read(struct rh_piece *p, const struct rh_line_rules *rules);

/* What the first line that is not blank says of the file: TREC, or the columns of a CSV; *lines_from is where the data
 * begins, behind a header. False: neither, with a sentence in *why. */
bool rh_line_rules_guess(const char *p, const char *end, struct rh_line_rules *out, const char **lines_from,
                         const char **why);

#endif
