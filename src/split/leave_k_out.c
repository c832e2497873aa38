/* Leave k out: k rows of each user are asked, the newest or random ones, and the others train. */
#include "split/rows.h"

struct params {
    int64_t k, validation, min_history;
    int order;
};

static const struct rh_choice orders[] = {
    { "last", RH_ORDER_TIME, "the newest rows; equal times in file order; unknown times are the oldest" },
    { "file", RH_ORDER_FILE, "the last rows of the user in the source files" },
    { "random", RH_ORDER_RANDOM, "rows drawn at random" },
    { NULL, 0, NULL },
};

static const struct rh_param params[] = {
    RH_INT(struct params, k, 5, 1, 1e9, "rows of each user that are asked"),
    RH_INT(struct params, validation, 0, 0, 1e9, "rows of each user to validate, those before the asked ones"),
    RH_INT(struct params, min_history, 1, 0, 1e9, "rows that must stay in train; users with fewer train, unasked"),
    RH_ENUM(struct params, order, RH_ORDER_TIME, orders, "which rows are left out"),
    RH_PARAMS_END,
};

static int label(const struct rh_split_input *in, const void *values, struct rh_split_output *out,
                 struct rh_error *err)
{
    const struct params *p = values;
    const struct rh_domain_data *t = in->target;
    struct rh_arena work = { 0 };
    RH_TRY(rh_rows_check_order(in, p->order, "order", err));
    struct rh_row_key *keys = rh_rows_room(in, &work, err);
    if (!keys)
        return RH_ENOMEM;
    bool asked = false;
    for (int32_t u = 0; u < t->n_users; u++) {
        int64_t first = t->row[u], n = t->row[u + 1] - first;
        if (n < p->k + p->min_history)
            continue;
        asked = true;
        rh_rows_order(in, u, p->order, "split leave_k_out", keys);
        int64_t train = n - p->k;
        if (train >= p->validation + p->min_history)
            train -= p->validation;
        for (int64_t i = train; i < n; i++)
            out->target[first + keys[i].row] = i < n - p->k ? RH_VALIDATION : RH_TEST;
    }
    rh_arena_release(&work);
    if (!asked)
        return rh_fail(err, RH_EDATA, "leaves no test row: every user has fewer than %lld rows",
                       (long long)(p->k + p->min_history));
    return RH_OK;
}

const struct rh_split rh_split_leave_k_out = {
    .name = "leave_k_out",
    .summary = "k rows of each user are asked, the newest or random ones; the others train",
    .reference = "Cremonesi, Koren and Turrin 2010, Performance of recommender algorithms on top-N recommendation "
                 "tasks, RecSys",
    .revision = 1,
    .params = params,
    .params_size = sizeof(struct params),
    .label = label,
};
