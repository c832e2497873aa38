/* Leave one out: one row of each user is asked, the newest or a random one, and the others train. */
#include "base/stream.h"
#include "split/rows.h"

struct params {
    int order;
    bool validation;
    int64_t min_history;
};

static const struct rh_choice orders[] = {
    { "last", RH_ORDER_TIME, "the newest row; equal times in file order; a row of unknown time is never the newest" },
    { "file", RH_ORDER_FILE, "the last row of the user in the source files" },
    { "random", RH_ORDER_RANDOM, "a row drawn at random" },
    { NULL, 0, NULL },
};

static const struct rh_param params[] = {
    RH_ENUM(struct params, order, RH_ORDER_TIME, orders, "which row is left out"),
    RH_BOOL(struct params, validation, true, "leave a second row out to validate (the newest but one, or another)"),
    RH_INT(struct params, min_history, 1, 0, 1e9, "rows that must stay in train; users with fewer train, unasked"),
    RH_PARAMS_END,
};

/* True when row a of the target comes after row b. */
static bool later(const struct rh_domain_data *t, int order, int64_t a, int64_t b)
{
    if (order == RH_ORDER_TIME && t->time[a] != t->time[b])
        return t->time[a] > t->time[b];
    return t->position[a] > t->position[b];
}

/* The last row and the last but one of n >= 1 rows; *second is -1 when n == 1. One look, no sorting. */
static void last_two(const struct rh_domain_data *t, int order, int64_t first, int64_t n, int64_t *last,
                     int64_t *second)
{
    *last = first;
    *second = -1;
    for (int64_t r = first + 1; r < first + n; r++) {
        if (later(t, order, r, *last)) {
            *second = *last;
            *last = r;
        } else if (*second < 0 || later(t, order, r, *second)) {
            *second = r;
        }
    }
}

static void random_two(const struct rh_split_input *in, int32_t user, int64_t first, int64_t n, int64_t *one,
                       int64_t *other)
{
    struct rh_rng rng = rh_stream(in->seed, in->identity, "split leave_one_out", (uint64_t)user);
    uint32_t i = rh_rng_below(&rng, (uint32_t)n);
    *one = first + i;
    *other = -1;
    if (n == 1)
        return;
    uint32_t j = rh_rng_below(&rng, (uint32_t)n - 1);
    *other = first + j + (j >= i);
}

static int label(const struct rh_split_input *in, const void *values, struct rh_split_output *out,
                 struct rh_error *err)
{
    const struct params *p = values;
    const struct rh_domain_data *t = in->target;
    RH_TRY(rh_rows_check_order(in, p->order, "order", err));
    bool asked = false;
    for (int32_t u = 0; u < t->n_users; u++) {
        int64_t first = t->row[u], n = t->row[u + 1] - first, test, validation;
        if (n < 1 + p->min_history)
            continue;
        if (p->order == RH_ORDER_RANDOM)
            random_two(in, u, first, n, &test, &validation);
        else
            last_two(t, p->order, first, n, &test, &validation);
        out->target[test] = RH_TEST;
        asked = true;
        if (p->validation && n >= 2 + p->min_history)
            out->target[validation] = RH_VALIDATION;
    }
    if (!asked)
        return rh_fail(err, RH_EDATA, "leaves no test row: every user has fewer than %lld rows",
                       (long long)(1 + p->min_history));
    return RH_OK;
}

const struct rh_split rh_split_leave_one_out = {
    .name = "leave_one_out",
    .summary = "one row of each user is asked, the newest or a random one; the others train",
    .reference = "Deshpande and Karypis 2004, Item-based top-N recommendation algorithms, ACM TOIS 22(1)",
    .revision = 1,
    .params = params,
    .params_size = sizeof(struct params),
    .label = label,
};
