/* Four scenarios: users and items are warm or cold. Rows of warm users and warm items train, in every scenario the
 * same ones; `scenario` says which rows are asked, so that a sweep over it judges one training set four times. */
#include "split/cold.h"
#include "split/rows.h"

struct params {
    int scenario;
    double users, items, warm, validation;
    int users_by, items_by, support;
    int64_t k, k_max;
};

enum { WARM, COLD_USERS, COLD_ITEMS, COLD_BOTH };
static const struct rh_choice scenarios[] = {
    { "warm", WARM, "rows of warm users and warm items, kept out of training" },
    { "cold_users", COLD_USERS, "rows of cold users and warm items, but k_max support rows of each user" },
    { "cold_items", COLD_ITEMS, "rows of warm users and cold items" },
    { "cold_both", COLD_BOTH, "rows of cold users and cold items, but k_max support rows of each user" },
    { NULL, 0, NULL },
};

static const struct rh_param params[] = {
    RH_ENUM(struct params, scenario, WARM, scenarios, "what is asked"),
    RH_REAL(struct params, users, 0.2, 0, 1, "share of users that is cold"),
    RH_REAL(struct params, items, 0.2, 0, 1, "share of items that is cold"),
    RH_ENUM(struct params, users_by, RH_COLD_RANDOM, rh_cold_choices, "which users are cold"),
    RH_ENUM(struct params, items_by, RH_COLD_RANDOM, rh_cold_choices, "which items are cold"),
    RH_REAL(struct params, warm, 0.1, 0, 1, "share of a warm user's rows of warm items that only `warm` asks"),
    RH_REAL(struct params, validation, 0.1, 0, 1, "share of the same rows that validates, in every scenario"),
    RH_INT(struct params, k, 5, 0, 100000, "rows of a cold user that are visible when it is asked"),
    RH_INT(struct params, k_max, 5, 0, 100000, "largest k of a sweep: rows after the first k_max are asked"),
    RH_ENUM(struct params, support, RH_ORDER_TIME, rh_support_orders, "which rows are visible"),
    RH_PARAMS_END,
};

static int check(const void *values, struct rh_error *err)
{
    const struct params *p = values;
    if (p->users >= 1 || p->items >= 1)
        return rh_fail(err, RH_EINVAL, "%s = 1 leaves nobody warm to train on; it must be below 1",
                       p->users >= 1 ? "users" : "items");
    if (p->warm + p->validation >= 1)
        return rh_fail(err, RH_EINVAL, "warm + validation = %g leaves nothing to train on; it must be below 1",
                       p->warm + p->validation);
    return rh_kshot_check(p->k, p->k_max, err);
}

/* The rows of a warm user: the first shares, in random order, of those of warm items; the others train. */
static void label_warm(const struct rh_split_input *in, const struct params *p, int32_t u, const bool *cold_item,
                       struct rh_row_key *keys, uint8_t *label)
{
    const struct rh_domain_data *t = in->target;
    int64_t first = t->row[u], n = t->row[u + 1] - first, warm = 0, seen = 0;
    for (int64_t r = first; r < first + n; r++)
        warm += !cold_item[t->item[r]];
    int64_t test = rh_rows_share(p->warm, warm), validation = rh_rows_share(p->validation, warm);
    if (test > warm - 1)
        test = warm > 0 ? warm - 1 : 0;
    if (validation > warm - 1 - test)
        validation = warm > 0 ? warm - 1 - test : 0;
    rh_rows_order(in, u, RH_ORDER_RANDOM, "split scenarios warm", keys);
    for (int64_t i = 0; i < n; i++) {
        int64_t r = first + keys[i].row;
        if (cold_item[t->item[r]]) {
            label[r] = p->scenario == COLD_ITEMS ? RH_TEST : RH_UNUSED;
            continue;
        }
        if (seen < test)
            label[r] = p->scenario == WARM ? RH_TEST : RH_UNUSED;
        else if (seen < test + validation)
            label[r] = RH_VALIDATION;
        seen++;
    }
}

/* The rows of a cold user: none trains. Support lies among the rows that the scenario is about. A user with no more
 * than k_max of them is not asked. */
static void label_cold(const struct rh_split_input *in, const struct params *p, int32_t u, const bool *cold_item,
                       struct rh_row_key *keys, uint8_t *label)
{
    const struct rh_domain_data *t = in->target;
    int64_t first = t->row[u], n = t->row[u + 1] - first, there = 0, seen = 0;
    bool both = p->scenario == COLD_BOTH, any = both || p->scenario == COLD_USERS;
    for (int64_t r = first; r < first + n; r++) {
        there += any && cold_item[t->item[r]] == both;
        label[r] = RH_UNUSED;
    }
    if (there <= p->k_max)
        return;
    rh_rows_order(in, u, p->k_max > 0 ? p->support : RH_ORDER_FILE, "split scenarios support", keys);
    for (int64_t i = 0; i < n; i++) {
        int64_t r = first + keys[i].row;
        if (cold_item[t->item[r]] != both)
            continue;
        label[r] = seen < p->k ? RH_SUPPORT : seen < p->k_max ? RH_UNUSED : RH_TEST;
        seen++;
    }
}

static int mark(const struct rh_split_input *in, bool items, double share, int by, const char *key,
                const char *purpose, struct rh_arena *work, bool **out, struct rh_error *err)
{
    int32_t n = items ? in->target->n_items : in->target->n_users, *order;
    RH_TRY(rh_cold_some(items ? "items" : "users", share, n, items ? "items" : "users", err));
    RH_TRY(rh_cold_order(in, items, by, key, purpose, work, &order, err));
    bool *cold = rh_alloc(work, (size_t)n, sizeof *cold);
    if (!cold)
        return rh_fail_memory(err, "cold users and items", (size_t)n);
    int64_t held = rh_rows_share(share, n);
    for (int64_t i = 0; i < held; i++)
        cold[order[i]] = true;
    *out = cold;
    return RH_OK;
}

static int label_all(const struct rh_split_input *in, const struct params *p, struct rh_split_output *out,
                     struct rh_arena *work, struct rh_error *err)
{
    bool *cold_user, *cold_item;
    if (p->k_max > 0)
        RH_TRY(rh_rows_check_order(in, p->support, "support", err));
    RH_TRY(mark(in, false, p->users, p->users_by, "users_by", "split scenarios users", work, &cold_user, err));
    RH_TRY(mark(in, true, p->items, p->items_by, "items_by", "split scenarios items", work, &cold_item, err));
    struct rh_row_key *keys = rh_rows_room(in, work, err);
    if (!keys)
        return RH_ENOMEM;
    for (int32_t u = 0; u < in->target->n_users; u++)
        (cold_user[u] ? label_cold : label_warm)(in, p, u, cold_item, keys, out->target);
    return RH_OK;
}

static int label(const struct rh_split_input *in, const void *values, struct rh_split_output *out,
                 struct rh_error *err)
{
    struct rh_arena work = { 0 };
    int status = label_all(in, values, out, &work, err);
    rh_arena_release(&work);
    return status;
}

const struct rh_split rh_split_scenarios = {
    .name = "scenarios",
    .summary = "users and items are warm or cold; one training set, and scenario says which of the four is asked",
    .reference = "Lee, Im, Jang, Cho and Chung 2019, MeLU: meta-learned user preference estimator for cold-start "
                 "recommendation, KDD",
    .revision = 1,
    .params = params,
    .params_size = sizeof(struct params),
    .check = check,
    .label = label,
};
