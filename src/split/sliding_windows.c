/* Sliding windows: the newest share of rows is cut into windows of equally many rows; in each problem one window is
 * asked and what came before it trains. Source rows that are not older than the window are dropped. */
#include "base/sort.h"
#include "split/rows.h"

struct params {
    int64_t windows;
    double asked, train;
    bool validation;
};

static const struct rh_param params[] = {
    RH_INT(struct params, windows, 5, 1, 1000, "number of windows, each a problem"),
    RH_REAL(struct params, asked, 0.5, 0, 1, "share of rows, the newest, that all windows take together"),
    RH_REAL(struct params, train, 1, 0, 1, "share of all rows, the newest before a window, that trains; 1: all"),
    RH_BOOL(struct params, validation, false, "the newest rows before a window, as many as a window has, validate"),
    RH_PARAMS_END,
};

static int check(const void *values, struct rh_error *err)
{
    const struct params *p = values;
    double width = p->asked / (double)p->windows;
    if (p->asked <= 0 || p->asked + (p->validation ? width : 0) >= 1)
        return rh_fail(err, RH_EINVAL, "asked = %g leaves nothing to %s; it must lie between 0 and %g", p->asked,
                       p->asked <= 0 ? "ask" : "train on in the first window",
                       p->validation ? (double)p->windows / (double)(p->windows + 1) : 1.0);
    if (p->train <= 0)
        return rh_fail(err, RH_EINVAL, "train = 0 leaves nothing to train on");
    return RH_OK;
}

static int32_t folds(const void *values)
{
    return (int32_t)((const struct params *)values)->windows;
}

/* Rows of known time in (after, train] train, in (train, validation] validate, in (validation, test] are asked. */
struct window {
    int64_t after, train, validation, test;
};

/* The time of the last of the oldest rows that make `share` of n ascending keys; equal times stay together. */
static int64_t time_at(const uint64_t *key, int64_t n, double share)
{
    int64_t count = share > 0 ? rh_rows_share(share, n) : 0;
    if (count <= 0)
        return RH_NO_TIME;
    return (int64_t)(key[(count < n ? count : n) - 1] ^ ((uint64_t)1 << 63));
}

static int window_of(const struct rh_split_input *in, const struct params *p, struct rh_arena *work,
                     struct window *w, struct rh_error *err)
{
    const struct rh_domain_data *t = in->target;
    uint64_t *key = rh_alloc(work, (size_t)t->n_rows, sizeof *key);
    uint64_t *room = rh_alloc(work, (size_t)t->n_rows, sizeof *room);
    if (!key || !room)
        return rh_fail_memory(err, "sorted times", 2 * (size_t)t->n_rows * sizeof *key);
    int64_t n = 0;
    for (int64_t r = 0; r < t->n_rows; r++)
        if (t->time[r] != RH_NO_TIME)
            key[n++] = rh_sort_key(t->time[r]);
    if (!n)
        return rh_fail(err, RH_EDATA, "every time is unknown");
    rh_sort_u64(key, room, (size_t)n);
    double width = p->asked / (double)p->windows, begin = 1 - p->asked + width * in->fold;
    double train = begin - (p->validation ? width : 0);
    w->after = p->train < 1 ? time_at(key, n, train - p->train) : RH_NO_TIME;
    w->train = time_at(key, n, train);
    w->validation = time_at(key, n, begin);
    w->test = in->fold + 1 < p->windows ? time_at(key, n, begin + width) : INT64_MAX;
    if (w->test <= w->validation)
        return rh_fail(err, RH_EDATA, "window %d is empty: too many rows have one time for windows = %lld",
                       in->fold + 1, (long long)p->windows);
    return RH_OK;
}

static uint8_t part_at(int64_t time, const struct window *w)
{
    if (time == RH_NO_TIME || time <= w->after || time > w->test)
        return RH_UNUSED;
    return time <= w->train ? RH_TRAIN : time <= w->validation ? RH_VALIDATION : RH_TEST;
}

static int label(const struct rh_split_input *in, const void *values, struct rh_split_output *out,
                 struct rh_error *err)
{
    struct window w = { 0 };
    struct rh_arena work = { 0 };
    int status = window_of(in, values, &work, &w, err);
    rh_arena_release(&work);
    RH_TRY(status);
    for (int64_t r = 0; r < in->target->n_rows; r++)
        out->target[r] = part_at(in->target->time[r], &w);
    for (int32_t s = 0; s < in->n_sources; s++) {
        const struct rh_domain_data *source = in->source[s];
        if (!source->time)
            return rh_fail(err, RH_EDATA, "source '%s' has no timestamps, so its rows may lie in the future",
                           source->name);
        for (int64_t r = 0; r < source->n_rows; r++)
            if (part_at(source->time[r], &w) != RH_TRAIN)
                out->source[s][r] = RH_UNUSED;
    }
    return RH_OK;
}

const struct rh_split rh_split_sliding_windows = {
    .name = "sliding_windows",
    .summary = "several problems: one window of time after another is asked, what came before it trains",
    .reference = "Campos, Diez and Cantador 2014, Time-aware recommender systems: a comprehensive survey and "
                 "analysis of existing evaluation protocols, UMUAI 24",
    .revision = 1,
    .needs_time = true,
    .params = params,
    .params_size = sizeof(struct params),
    .folds = folds,
    .check = check,
    .label = label,
};
