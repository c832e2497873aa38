#include "split/cold.h"

#include "base/stream.h"
#include "split/rows.h"

#include <stdlib.h>

int rh_item_rows(const struct rh_domain_data *t, struct rh_arena *a, struct rh_item_rows *out, struct rh_error *err)
{
    int32_t *start = rh_alloc(a, (size_t)t->n_items + 2, sizeof *start);
    int32_t *row = rh_alloc(a, (size_t)t->n_rows, sizeof *row);
    if (!start || !row)
        return rh_fail_memory(err, "rows by item", (size_t)t->n_rows * sizeof *row);
    /* counted one place late, so that filling moves each start to where it belongs */
    for (int64_t r = 0; r < t->n_rows; r++)
        start[t->item[r] + 2]++;
    for (int32_t i = 0; i < t->n_items; i++)
        start[i + 2] += start[i + 1];
    for (int64_t r = 0; r < t->n_rows; r++)
        row[start[t->item[r] + 1]++] = (int32_t)r;
    *out = (struct rh_item_rows){ start, row };
    return RH_OK;
}

const struct rh_choice rh_cold_choices[] = {
    { "random", RH_COLD_RANDOM, "drawn at random" },
    { "newest", RH_COLD_NEWEST, "those whose first row is the newest; they need timestamps" },
    { NULL, 0, NULL },
};

struct born {
    int64_t time;
    int32_t who;
};

static int newest_first(const void *a, const void *b)
{
    const struct born *x = a, *y = b;
    if (x->time != y->time)
        return x->time > y->time ? -1 : 1;
    return (x->who < y->who) - (x->who > y->who);
}

static int order_by_birth(const struct rh_domain_data *t, bool items, int32_t n, struct rh_arena *a, int32_t *order,
                          struct rh_error *err)
{
    struct born *born = rh_alloc(a, (size_t)n, sizeof *born);
    if (!born)
        return rh_fail_memory(err, "first times", (size_t)n * sizeof *born);
    for (int32_t i = 0; i < n; i++)
        born[i] = (struct born){ RH_NO_TIME, i };
    for (int32_t u = 0; u < t->n_users; u++)
        for (int64_t r = t->row[u]; r < t->row[u + 1]; r++) {
            int64_t *first = &born[items ? t->item[r] : u].time;
            if (t->time[r] != RH_NO_TIME && (*first == RH_NO_TIME || t->time[r] < *first))
                *first = t->time[r];
        }
    qsort(born, (size_t)n, sizeof *born, newest_first);
    for (int32_t i = 0; i < n; i++)
        order[i] = born[i].who;
    return RH_OK;
}

int rh_cold_order(const struct rh_split_input *in, bool items, int by, const char *key, const char *purpose,
                  struct rh_arena *a, int32_t **out, struct rh_error *err)
{
    const struct rh_domain_data *t = in->target;
    int32_t n = items ? t->n_items : t->n_users;
    int32_t *order = rh_alloc(a, (size_t)n, sizeof *order);
    if (!order)
        return rh_fail_memory(err, "an order of users or items", (size_t)n * sizeof *order);
    *out = order;
    if (by == RH_COLD_NEWEST) {
        if (!t->time)
            return rh_fail(err, RH_EDATA, "domain '%s' has no timestamps; write %s = random", t->name, key);
        return order_by_birth(t, items, n, a, order, err);
    }
    for (int32_t i = 0; i < n; i++)
        order[i] = i;
    struct rh_rng rng = rh_stream(in->seed, in->identity, purpose, 0);
    rh_rng_shuffle(&rng, order, n);
    return RH_OK;
}

int rh_cold_some(const char *key, double share, int64_t n, const char *what, struct rh_error *err)
{
    if (share > 0 && !rh_rows_share(share, n))
        return rh_fail(err, RH_EDATA, "%s = %g of %lld %s is none; it takes %g or more", key, share, (long long)n,
                       what, 0.5 / (double)n);
    return RH_OK;
}
