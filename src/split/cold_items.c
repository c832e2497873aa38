/* Cold items: a share of items has no train row; their rows are asked. Users keep their other rows. */
#include "split/cold.h"
#include "split/rows.h"

struct params {
    double fraction, validation;
    int by;
};

static const struct rh_param params[] = {
    RH_REAL(struct params, fraction, 0.2, 0, 1, "share of items that is held out of training, and asked"),
    RH_REAL(struct params, validation, 0.1, 0, 1, "share of items that is held out for validation"),
    RH_ENUM(struct params, by, RH_COLD_RANDOM, rh_cold_choices, "which items; those to validate come next"),
    RH_PARAMS_END,
};

static int check(const void *values, struct rh_error *err)
{
    const struct params *p = values;
    if (p->fraction + p->validation >= 1)
        return rh_fail(err, RH_EINVAL, "fraction + validation = %g leaves no item to train on; it must be below 1",
                       p->fraction + p->validation);
    return RH_OK;
}

static int hold_out(const struct rh_split_input *in, const struct params *p, struct rh_split_output *out,
                    struct rh_arena *work, struct rh_error *err)
{
    const struct rh_domain_data *t = in->target;
    int32_t *cold;
    RH_TRY(rh_cold_some("fraction", p->fraction, t->n_items, "items", err));
    RH_TRY(rh_cold_order(in, true, p->by, "by", "split cold_items", work, &cold, err));
    uint8_t *part = rh_alloc(work, (size_t)t->n_items, 1); /* zeroed: RH_TRAIN */
    if (!part)
        return rh_fail_memory(err, "parts of items", (size_t)t->n_items);
    int64_t test = rh_rows_share(p->fraction, t->n_items);
    int64_t held = test + rh_rows_share(p->validation, t->n_items);
    for (int64_t i = 0; i < held && i < t->n_items; i++)
        part[cold[i]] = i < test ? RH_TEST : RH_VALIDATION;
    for (int64_t r = 0; r < t->n_rows; r++)
        out->target[r] = part[t->item[r]];
    return RH_OK;
}

static int label(const struct rh_split_input *in, const void *values, struct rh_split_output *out,
                 struct rh_error *err)
{
    struct rh_arena work = { 0 };
    int status = hold_out(in, values, out, &work, err);
    rh_arena_release(&work);
    return status;
}

const struct rh_split rh_split_cold_items = {
    .name = "cold_items",
    .summary = "a share of items, random or the newest, has no train row, and its rows are asked",
    .reference = "Schein, Popescul, Ungar and Pennock 2002, Methods and metrics for cold-start recommendations, "
                 "SIGIR",
    .revision = 1,
    .params = params,
    .params_size = sizeof(struct params),
    .check = check,
    .label = label,
};
