/* Global time: what happened up to one instant trains, what happened after it is asked, as in production. Source rows
 * later than the train cut are dropped, so that nothing of the future is seen anywhere. */
#include "base/sort.h"
#include "split/instant.h"
#include "split/rows.h"

struct params {
    double train, validation;
    const char *train_before, *validation_before;
    int unknown;
    bool new_users;
};

enum { UNKNOWN_UNUSED, UNKNOWN_TRAIN };
static const struct rh_choice unknowns[] = {
    { "unused", UNKNOWN_UNUSED, "rows of unknown time are in no part, and counted as unused" },
    { "train", UNKNOWN_TRAIN, "rows of unknown time are taken for older than all others" },
    { NULL, 0, NULL },
};

static const struct rh_param params[] = {
    RH_REAL(struct params, train, 0.8, 0, 1, "share of rows, oldest first, that trains; equal times stay together"),
    RH_REAL(struct params, validation, 0.1, 0, 1, "share of rows, the next in time, for validation"),
    RH_STR(struct params, train_before, "", "instead of a share: rows before this instant train (YYYY-MM-DD or s)"),
    RH_STR(struct params, validation_before, "", "rows from train_before to before this instant validate; empty: no"),
    RH_ENUM(struct params, unknown, UNKNOWN_UNUSED, unknowns, "what becomes of rows without a time"),
    RH_BOOL(struct params, new_users, true, "ask users without a train row too; otherwise their rows are unused"),
    RH_PARAMS_END,
};

/* The last second that trains, and the last that validates. */
struct cuts {
    int64_t train, validation;
};

static int given_cuts(const struct params *p, struct cuts *c, struct rh_error *err)
{
    int64_t train, validation;
    RH_TRY(rh_parse_instant("train_before", p->train_before, &train, err));
    validation = train;
    if (*p->validation_before)
        RH_TRY(rh_parse_instant("validation_before", p->validation_before, &validation, err));
    if (validation < train)
        return rh_fail(err, RH_EINVAL, "validation_before = %s is earlier than train_before = %s",
                       p->validation_before, p->train_before);
    *c = (struct cuts){ train - 1, validation - 1 };
    return RH_OK;
}

static int check(const void *values, struct rh_error *err)
{
    const struct params *p = values;
    struct cuts unused;
    if (*p->train_before)
        return given_cuts(p, &unused, err);
    if (*p->validation_before)
        return rh_fail(err, RH_EINVAL, "validation_before needs train_before too");
    if (p->train + p->validation >= 1)
        return rh_fail(err, RH_EINVAL, "train + validation = %g leaves nothing to ask; it must be below 1",
                       p->train + p->validation);
    return RH_OK;
}

/* The time of the last of the oldest `count` of n ascending keys. */
static int64_t last_of(const uint64_t *key, int64_t n, int64_t count)
{
    if (count <= 0)
        return RH_NO_TIME;
    return (int64_t)(key[(count < n ? count : n) - 1] ^ ((uint64_t)1 << 63));
}

static int cuts_of_shares(const struct rh_domain_data *t, const struct params *p, struct rh_arena *work,
                          struct cuts *c, struct rh_error *err)
{
    uint64_t *key = rh_alloc(work, (size_t)t->n_rows, sizeof *key);
    uint64_t *room = rh_alloc(work, (size_t)t->n_rows, sizeof *room);
    if (!key || !room)
        return rh_fail_memory(err, "sorted times", 2 * (size_t)t->n_rows * sizeof *key);
    int64_t n = 0;
    for (int64_t r = 0; r < t->n_rows; r++)
        if (t->time[r] != RH_NO_TIME || p->unknown == UNKNOWN_TRAIN)
            key[n++] = rh_sort_key(t->time[r]);
    if (!n)
        return rh_fail(err, RH_EDATA, "every time is unknown");
    rh_sort_u64(key, room, (size_t)n);
    c->train = last_of(key, n, rh_rows_share(p->train, n));
    c->validation = last_of(key, n, rh_rows_share(p->train + p->validation, n));
    return RH_OK;
}

static uint8_t part_at(int64_t time, const struct params *p, const struct cuts *c)
{
    if (time == RH_NO_TIME)
        return p->unknown == UNKNOWN_TRAIN ? RH_TRAIN : RH_UNUSED;
    return time <= c->train ? RH_TRAIN : time <= c->validation ? RH_VALIDATION : RH_TEST;
}

static int drop_late_source_rows(const struct rh_split_input *in, const struct params *p, const struct cuts *c,
                                 struct rh_split_output *out, struct rh_error *err)
{
    for (int32_t s = 0; s < in->n_sources; s++) {
        const struct rh_domain_data *source = in->source[s];
        if (!source->time && p->unknown == UNKNOWN_UNUSED)
            return rh_fail(err, RH_EDATA, "source '%s' has no timestamps, so its rows may lie in the future; write "
                           "unknown = train to take them all for old", source->name);
        for (int64_t r = 0; source->time && r < source->n_rows; r++)
            if (part_at(source->time[r], p, c) != RH_TRAIN)
                out->source[s][r] = RH_UNUSED;
    }
    return RH_OK;
}

static int label(const struct rh_split_input *in, const void *values, struct rh_split_output *out,
                 struct rh_error *err)
{
    const struct params *p = values;
    const struct rh_domain_data *t = in->target;
    struct cuts c;
    struct rh_arena work = { 0 };
    int status = *p->train_before ? given_cuts(p, &c, err) : cuts_of_shares(t, p, &work, &c, err);
    rh_arena_release(&work);
    RH_TRY(status);
    for (int64_t r = 0; r < t->n_rows; r++)
        out->target[r] = part_at(t->time[r], p, &c);
    if (!p->new_users)
        rh_rows_drop_new_users(t, out->target);
    return drop_late_source_rows(in, p, &c, out, err);
}

const struct rh_split rh_split_global_time = {
    .name = "global_time",
    .summary = "rows up to one instant train, rows after it are asked; later source rows are dropped",
    .reference = "Meng, McCreadie, Macdonald and Ounis 2020, Exploring data splitting strategies for the evaluation "
                 "of recommendation models, RecSys",
    .revision = 1,
    .needs_time = true,
    .params = params,
    .params_size = sizeof(struct params),
    .check = check,
    .label = label,
};
