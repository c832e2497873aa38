#include "data/interactions.h"

#include "base/text.h"
#include "data/delimited.h"

#include <math.h>
#include <string.h>

#define LONGEST_ID 1000
#define ROWS_A_STEP 65536 /* between looks at the clock and at cancel */

static int refuse_id(const char *place, int64_t line, const char *what, size_t n, struct rh_error *err)
{
    if (n == 0)
        return rh_fail(err, RH_EDATA, "%s:%lld: the %s id is empty", place, (long long)line, what);
    return rh_fail(err, RH_EDATA, "%s:%lld: the %s id has %zu bytes: at most %d are allowed; is the separator right?",
                   place, (long long)line, what, n, LONGEST_ID);
}

static int refuse_rating(const struct rh_interactions *how, struct rh_field f, int64_t line, struct rh_error *err)
{
    char lo[32], hi[32];
    if (f.n == 0)
        return rh_fail(err, RH_EDATA, "%s:%lld: there is no rating; to read rows without one set implicit = yes",
                       how->place, (long long)line);
    if (how->scaled)
        return rh_fail(err, RH_EDATA, "%s:%lld: rating '%.*s' is not allowed: expected a number from %s to %s",
                       how->place, (long long)line, (int)(f.n < 60 ? f.n : 60), f.s, rh_real_text(how->scale_min, lo),
                       rh_real_text(how->scale_max, hi));
    return rh_fail(err, RH_EDATA, "%s:%lld: rating '%.*s' is not a number", how->place, (long long)line,
                   (int)(f.n < 60 ? f.n : 60), f.s);
}

static int refuse_time(const struct rh_interactions *how, struct rh_field f, int64_t line, struct rh_error *err)
{
    int64_t t;
    const char *hint = "";
    const char *expected = how->time_format.unit == RH_TIME_PATTERN ? how->time_format.pattern
                           : how->time_format.unit == RH_TIME_SECONDS ? "unix seconds, 0 to the year 9999"
                                                                      : "unix milliseconds, 0 to the year 9999";
    if (how->time_format.unit == RH_TIME_SECONDS && rh_scan_int(f.s, f.n, &t) && t > 0)
        hint = "; milliseconds? set time_format = unix_ms";
    else if (how->time_format.unit != RH_TIME_PATTERN && memchr(f.s, '-', f.n) && *f.s != '-')
        hint = "; a date? set time_format = YYYY-MM-DD";
    return rh_fail(err, RH_EDATA, "%s:%lld: time '%.*s' is not allowed: expected %s%s", how->place, (long long)line,
                   (int)(f.n < 60 ? f.n : 60), f.s, expected, hint);
}

static bool unknown_time(const struct rh_interactions *how, struct rh_field f)
{
    return f.n == 0 ||
           (how->time_unknown && strlen(how->time_unknown) == f.n && !memcmp(how->time_unknown, f.s, f.n));
}

int rh_interaction_convert(const struct rh_interactions *how, const struct rh_field field[RH_F_COUNT], int64_t line,
                           float *value, int64_t *time, struct rh_error *err)
{
    const struct rh_field rating = field[RH_F_RATING];
    double v = 0;
    *time = RH_NO_TIME;
    if (field[RH_F_USER].n == 0 || field[RH_F_USER].n > LONGEST_ID)
        return refuse_id(how->place, line, "user", field[RH_F_USER].n, err);
    if (field[RH_F_ITEM].n == 0 || field[RH_F_ITEM].n > LONGEST_ID)
        return refuse_id(how->place, line, "item", field[RH_F_ITEM].n, err);
    if (how->must_rate && (!rh_scan_real(rating.s ? rating.s : "", rating.n, &v) || fabs(v) > RH_RATING_FREE ||
                           (how->scaled && !(v >= how->scale_min && v <= how->scale_max))))
        return refuse_rating(how, rating, line, err);
    *value = (float)v;
    if (!unknown_time(how, field[RH_F_TIME]) &&
        !rh_scan_time(&how->time_format, field[RH_F_TIME].s, field[RH_F_TIME].n, time))
        return refuse_time(how, field[RH_F_TIME], line, err);
    return RH_OK;
}

/* *here: the item is of this domain. */
static int look_at_range(const struct rh_interactions *how, struct rh_field item, int64_t line, bool *here,
                         struct rh_error *err)
{
    int64_t x;
    *here = true;
    if (!how->item_ranged)
        return RH_OK;
    if (!rh_scan_int(item.s, item.n, &x))
        return rh_fail(err, RH_EDATA, "%s:%lld: item '%.*s' is not a number, which item_range needs", how->place,
                       (long long)line, (int)(item.n < 60 ? item.n : 60), item.s);
    *here = x >= how->item_first && x <= how->item_last;
    return RH_OK;
}

/* The user or item that the builder gave this number. */
static int take_number(const struct rh_interactions *how, const struct rh_ids *ids, const char *what,
                       struct rh_field f, int64_t line, int32_t *out, struct rh_error *err)
{
    int64_t x;
    if (!rh_scan_int(f.s, f.n, &x) || x < 0 || x >= ids->n)
        return rh_fail(err, RH_EDATA, "%s:%lld: %s '%.*s' is not allowed: with ids = numbers expected 0 to %d, as many "
                       "%ss as the file before has", how->place, (long long)line, what, (int)(f.n < 60 ? f.n : 60),
                       f.s, ids->n - 1, what);
    *out = (int32_t)x;
    return RH_OK;
}

static int take_ids(const struct rh_interactions *how, const struct rh_field *field, int64_t line,
                    struct rh_builder *b, int32_t *user, int32_t *item, struct rh_error *err)
{
    const struct rh_field *u = &field[RH_F_USER], *i = &field[RH_F_ITEM];
    if (how->numbered) {
        RH_TRY(take_number(how, &b->user, "user", *u, line, user, err));
        return take_number(how, &b->item, "item", *i, line, item, err);
    }
    RH_TRY(rh_builder_id(&b->user, "user", u->s, u->n, user, err));
    return rh_builder_id(&b->item, "item", i->s, i->n, item, err);
}

static int read_rows(const struct rh_interactions *how, const struct rh_data_env *env, struct rh_input *in,
                     struct rh_reading *reading, struct rh_builder *b, struct rh_error *err)
{
    struct rh_field field[RH_F_COUNT];
    for (int64_t rows = 0;; rows++) {
        int status = how->reader->next(reading, field, err);
        if (status != RH_OK)
            return status < 0 ? status : RH_OK;
        if (rows % ROWS_A_STEP == 0) {
            if (env->cancel && *env->cancel)
                return rh_fail(err, RH_ECANCEL, "interrupted");
            rh_progress_step(env->log, (double)rh_input_done(in), (double)rh_input_total(in));
        }
        for (int f = 0; f < RH_F_COUNT; f++)
            field[f] = rh_trimmed(field[f]);
        float value;
        int64_t time, line = rh_input_line_number(in);
        int32_t user, item;
        bool here;
        RH_TRY(rh_interaction_convert(how, field, line, &value, &time, err));
        RH_TRY(look_at_range(how, field[RH_F_ITEM], line, &here, err));
        if (!here)
            continue;
        RH_TRY(rh_builder_reserve(b, 1, err));
        RH_TRY(take_ids(how, field, line, b, &user, &item, err));
        rh_builder_push(b, user, item, value, time, how->given);
    }
}

static int read_carefully(const struct rh_interactions *how, const struct rh_data_env *env, struct rh_builder *b,
                          struct rh_error *err)
{
    struct rh_arena a = { 0 };
    struct rh_input *in = NULL;
    struct rh_reading *reading = NULL;
    int status = rh_input_open(how->place, &in, err);
    if (status >= 0)
        status = how->reader->open(&a, in, &how->config, &reading, err);
    if (status >= 0)
        status = read_rows(how, env, in, reading, b, err);
    if (reading)
        how->reader->close(reading);
    rh_input_close(in);
    rh_arena_release(&a);
    return status;
}

int rh_interactions_read(const struct rh_interactions *how, const struct rh_data_env *env, struct rh_builder *b,
                         struct rh_error *err)
{
    int64_t before = b->n;
    int status = RH_DONE;
    bool plain = !how->item_ranged && !how->numbered;
    if (plain && (how->reader == &rh_reader_delimited || how->reader == &rh_reader_atomic))
        status = rh_bulk_read(how, env, b, err);
    if (status == RH_DONE)
        status = read_carefully(how, env, b, err);
    if (status >= 0 && b->n == before)
        return rh_fail(err, RH_EDATA, "%s: the file has no rows", how->place);
    return status;
}
