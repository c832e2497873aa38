/* What the splits with cold items share: rows by item, and users or items in the order in which they are cold. */
#ifndef RH_SPLIT_COLD_H
#define RH_SPLIT_COLD_H

#include "base/arena.h"
#include "split/split.h"

/* The rows of each item, in row order: row[start[i] .. start[i + 1]). */
struct rh_item_rows {
    int32_t *start; /* [n_items + 1] */
    int32_t *row;   /* [n_rows] */
};
int rh_item_rows(const struct rh_domain_data *t, struct rh_arena *a, struct rh_item_rows *out, struct rh_error *err);

enum rh_cold_by { RH_COLD_RANDOM, RH_COLD_NEWEST };
extern const struct rh_choice rh_cold_choices[]; /* random | newest: by the first known time of a row */

/* cold[n]: the first users (or items) to be cold are the first here: drawn from the stream `purpose`, or those whose
 * first row is newest, equal times with the higher number first. RH_EDATA: newest without times; `key` names the
 * parameter in the sentence. */
int rh_cold_order(const struct rh_split_input *in, bool items, int by, const char *key, const char *purpose,
                  struct rh_arena *a, int32_t **out, struct rh_error *err);

/* RH_EDATA when a share above zero, or what it leaves, is nobody of n: "fraction = 0.01 of 12 users is none". */
int rh_cold_some(const char *key, double share, int64_t n, const char *what, struct rh_error *err);

#endif
