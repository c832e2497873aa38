#include "split/rows.h"

#include "base/stream.h"

#include <stdlib.h>

int rh_rows_check_order(const struct rh_split_input *in, int order, const char *key, struct rh_error *err)
{
    if (order == RH_ORDER_TIME && !in->target->time)
        return rh_fail(err, RH_EDATA, "domain '%s' has no timestamps; write %s = file for the order of the source "
                       "files, or %s = random", in->target->name, key, key);
    return RH_OK;
}

int64_t rh_rows_share(double share, int64_t n)
{
    return (int64_t)(share * (double)n + 0.5);
}

struct rh_row_key *rh_rows_room(const struct rh_split_input *in, struct rh_arena *a, struct rh_error *err)
{
    int64_t longest = 0;
    for (int32_t u = 0; u < in->target->n_users; u++)
        if (in->target->row[u + 1] - in->target->row[u] > longest)
            longest = in->target->row[u + 1] - in->target->row[u];
    struct rh_row_key *keys = rh_alloc(a, (size_t)longest, sizeof *keys);
    if (!keys)
        rh_fail_memory(err, "the rows of a user", (size_t)longest * sizeof *keys);
    return keys;
}

static int by_time_and_position(const void *a, const void *b)
{
    const struct rh_row_key *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return (x->position > y->position) - (x->position < y->position);
}

void rh_rows_order(const struct rh_split_input *in, int32_t user, int order, const char *purpose,
                   struct rh_row_key *keys)
{
    const struct rh_domain_data *target = in->target;
    int64_t first = target->row[user];
    int32_t n = (int32_t)(target->row[user + 1] - first);
    for (int32_t i = 0; i < n; i++)
        keys[i] = (struct rh_row_key){ .time = order == RH_ORDER_TIME ? target->time[first + i] : 0,
                                       .position = target->position[first + i],
                                       .row = i };
    if (order != RH_ORDER_RANDOM) {
        qsort(keys, (size_t)n, sizeof *keys, by_time_and_position);
        return;
    }
    struct rh_rng rng = rh_stream(in->seed, in->identity, purpose, (uint64_t)user);
    for (int32_t i = n - 1; i > 0; i--) {
        int32_t j = (int32_t)rh_rng_below(&rng, (uint32_t)i + 1);
        struct rh_row_key swap = keys[i];
        keys[i] = keys[j];
        keys[j] = swap;
    }
}

void rh_rows_drop_new_users(const struct rh_domain_data *t, uint8_t *label)
{
    for (int32_t u = 0; u < t->n_users; u++) {
        bool known = false;
        for (int64_t r = t->row[u]; r < t->row[u + 1]; r++)
            known |= label[r] == RH_TRAIN;
        for (int64_t r = t->row[u]; !known && r < t->row[u + 1]; r++)
            label[r] = RH_UNUSED;
    }
}

int rh_kshot_check(int64_t k, int64_t k_max, struct rh_error *err)
{
    if (k > k_max)
        return rh_fail(err, RH_EINVAL, "k = %lld is larger than k_max = %lld; raise k_max (the asked rows are those "
                       "after the first k_max, so that they are the same for every k)", (long long)k,
                       (long long)k_max);
    return RH_OK;
}

const struct rh_choice rh_support_orders[] = {
    { "first", RH_ORDER_TIME, "the oldest; equal times in file order" },
    { "file", RH_ORDER_FILE, "the first in the source files" },
    { "random", RH_ORDER_RANDOM, "drawn at random" },
    { NULL, 0, NULL },
};

int rh_users_eligible(const struct rh_split_input *in, const struct rh_kshot *shot, const bool *wanted,
                      struct rh_arena *a, struct rh_users *out, struct rh_error *err)
{
    const struct rh_domain_data *t = in->target;
    if (shot->k_max > 0)
        RH_TRY(rh_rows_check_order(in, shot->order, "support", err));
    int32_t *user = rh_alloc(a, (size_t)t->n_users, sizeof *user), n = 0;
    if (!user)
        return rh_fail_memory(err, "users to hold out", (size_t)t->n_users * sizeof *user);
    for (int32_t u = 0; u < t->n_users; u++)
        if ((!wanted || wanted[u]) && t->row[u + 1] - t->row[u] > shot->k_max)
            user[n++] = u;
    if (!n)
        return rh_fail(err, RH_EDATA, "no user that could be held out has more than k_max = %lld rows",
                       (long long)shot->k_max);
    *out = (struct rh_users){ n, user, rh_rows_room(in, a, err) };
    return out->room ? RH_OK : RH_ENOMEM;
}

void rh_kshot_label(const struct rh_split_input *in, const struct rh_kshot *shot, int32_t user, enum rh_part asked,
                    struct rh_row_key *room, struct rh_split_output *out)
{
    int64_t first = in->target->row[user], n = in->target->row[user + 1] - first;
    uint8_t support = asked == RH_TEST ? RH_SUPPORT : RH_VALIDATION_SUPPORT;
    rh_rows_order(in, user, shot->k_max > 0 ? shot->order : RH_ORDER_FILE, shot->purpose, room);
    for (int64_t i = 0; i < n; i++)
        out->target[first + room[i].row] = i < shot->k ? support : i < shot->k_max ? RH_UNUSED : (uint8_t)asked;
}
