/* What several splits share: orders of a user's rows, shares of a count, holding a user out with k support rows. */
#ifndef RH_SPLIT_ROWS_H
#define RH_SPLIT_ROWS_H

#include "base/arena.h"
#include "split/split.h"

enum rh_row_order {
    RH_ORDER_TIME = 0, /* oldest first; equal times in file order; unknown times are the oldest */
    RH_ORDER_FILE = 1, /* as in the source files */
    RH_ORDER_RANDOM = 2
};

/* RH_EDATA when `order` is by time and the target has none; `key` names the parameter in the hint. */
int rh_rows_check_order(const struct rh_split_input *in, int order, const char *key, struct rh_error *err);

/* The share of n, rounded to the nearest whole number, halves up. */
int64_t rh_rows_share(double share, int64_t n);

/* One row of a user, as it is ordered. */
struct rh_row_key {
    int64_t time;
    int32_t position;
    int32_t row; /* counted from the user's first row */
};
/* Room for the longest row list of the target. NULL: no memory, said in err. */
struct rh_row_key *rh_rows_room(const struct rh_split_input *in, struct rh_arena *a, struct rh_error *err);
/* Fills keys[n rows of the user] in `order`; a random order is drawn from the stream (purpose, user). */
void rh_rows_order(const struct rh_split_input *in, int32_t user, int order, const char *purpose,
                   struct rh_row_key *keys);

/* The rows of users without a train row become unused. */
void rh_rows_drop_new_users(const struct rh_domain_data *target, uint8_t *label);

/* A user held out of training: of the rows in `order` the first k are support, the others up to k_max are unused, and
 * the rest is asked: the same rows are asked for every k of a sweep up to k_max. */
struct rh_kshot {
    int64_t k, k_max;
    int order;
    const char *purpose;
};
int rh_kshot_check(int64_t k, int64_t k_max, struct rh_error *err);
extern const struct rh_choice rh_support_orders[]; /* first | file | random: words for enum rh_row_order */

/* Users that can be held out, and room to order the rows of one. */
struct rh_users {
    int32_t n;
    int32_t *user; /* [n] ascending */
    struct rh_row_key *room;
};
/* The users with more than k_max rows, among those of wanted[n_users] when it is not NULL. RH_EDATA: there is none,
 * or the order of the support rows needs times that are not there. */
int rh_users_eligible(const struct rh_split_input *in, const struct rh_kshot *shot, const bool *wanted,
                      struct rh_arena *a, struct rh_users *out, struct rh_error *err);

/* asked is RH_TEST or RH_VALIDATION. */
void rh_kshot_label(const struct rh_split_input *in, const struct rh_kshot *shot, int32_t user, enum rh_part asked,
                    struct rh_row_key *room, struct rh_split_output *out);

#endif
