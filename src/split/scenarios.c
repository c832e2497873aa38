/* Four scenarios: users and items are warm or cold. Rows of warm users and warm items train, in every scenario the
 * same ones; `scenario` says which rows are asked, so that a sweep over it judges one training set four times.
 *
 * A task is what MeLU calls the rows of one user that a scenario is about. With `asked`, each is cut into rows that are
 * seen and the last so many, which are asked: then warm users have support rows of cold items, too. */
#include "split/cold.h"
#include "split/rows.h"

struct params {
    int scenario;
    double users, items, warm, validation;
    int users_by, items_by, support;
    int64_t k, k_max, rows_min, rows_max, asked;
};

enum { WARM, COLD_USERS, COLD_ITEMS, COLD_BOTH };
static const struct rh_choice scenarios[] = {
    { "warm", WARM, "rows of warm users and warm items, kept out of training" },
    { "cold_users", COLD_USERS, "rows of cold users and warm items, but k_max support rows of each user" },
    { "cold_items", COLD_ITEMS, "rows of warm users and cold items" },
    { "cold_both", COLD_BOTH, "rows of cold users and cold items, but k_max support rows of each user" },
    { NULL, 0, NULL },
};

enum { BY_GIVEN = RH_COLD_NEWEST + 1 };
static const struct rh_choice bys[] = {
    { "random", RH_COLD_RANDOM, "drawn at random" },
    { "newest", RH_COLD_NEWEST, "those whose first row is the newest; they need timestamps" },
    { "given", BY_GIVEN, "those that the data calls cold, whatever the share says" },
    { NULL, 0, NULL },
};

static const struct rh_param params[] = {
    RH_ENUM(struct params, scenario, WARM, scenarios, "what is asked"),
    RH_REAL(struct params, users, 0.2, 0, 1, "share of users that is cold"),
    RH_REAL(struct params, items, 0.2, 0, 1, "share of items that is cold"),
    RH_ENUM(struct params, users_by, RH_COLD_RANDOM, bys, "which users are cold"),
    RH_ENUM(struct params, items_by, RH_COLD_RANDOM, bys, "which items are cold"),
    RH_REAL(struct params, warm, 0.1, 0, 1, "share of a warm user's rows of warm items that only `warm` asks"),
    RH_REAL(struct params, validation, 0.1, 0, 1, "share of the same rows that validates, in every scenario"),
    RH_INT(struct params, k, 5, 0, 100000, "rows of a cold user that are visible when it is asked"),
    RH_INT(struct params, k_max, 5, 0, 100000, "largest k of a sweep: rows after the first k_max are asked"),
    RH_ENUM(struct params, support, RH_ORDER_TIME, rh_support_orders, "which rows are visible"),
    RH_INT(struct params, rows_min, 0, 0, 1000000, "a user with fewer rows in a scenario is not in it; warm: does not "
           "train"),
    RH_INT(struct params, rows_max, 0, 0, 1000000, "likewise with more rows; 0: any number"),
    RH_INT(struct params, asked, 0, 0, 1000000, "the last so many rows of a user are asked, all before them are "
           "visible, and k and k_max are not looked at; 0: the rows after the first k_max are asked"),
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
    if (p->rows_max && p->rows_max < p->rows_min)
        return rh_fail(err, RH_EINVAL, "rows_max = %lld is below rows_min = %lld", (long long)p->rows_max,
                       (long long)p->rows_min);
    if (p->rows_max && p->asked >= p->rows_max)
        return rh_fail(err, RH_EINVAL, "asked = %lld leaves nothing visible of rows_max = %lld rows",
                       (long long)p->asked, (long long)p->rows_max);
    return p->asked ? RH_OK : rh_kshot_check(p->k, p->k_max, err);
}

static bool has_size(const struct params *p, int64_t n)
{
    return n >= p->rows_min && (!p->rows_max || n <= p->rows_max);
}

/* Cuts the user's rows of cold items, or of warm ones, into support and asked ones; there are n of them. */
static void label_task(const struct rh_split_input *in, const struct params *p, int32_t u, const bool *cold_item,
                       bool cold, int64_t n, struct rh_row_key *keys, uint8_t *label)
{
    const struct rh_domain_data *t = in->target;
    int64_t first = t->row[u], all = t->row[u + 1] - first, seen = 0;
    int64_t visible = p->asked ? n - p->asked : p->k, from = p->asked ? visible : p->k_max;
    rh_rows_order(in, u, from > 0 ? p->support : RH_ORDER_FILE, "split scenarios support", keys);
    for (int64_t i = 0; i < all; i++) {
        int64_t r = first + keys[i].row;
        if (cold_item[t->item[r]] != cold)
            continue;
        label[r] = seen < visible ? RH_SUPPORT : seen < from ? RH_UNUSED : RH_TEST;
        seen++;
    }
}

/* The rows of a warm user: the first shares, in random order, of those of warm items; the others train. */
static void label_warm(const struct rh_split_input *in, const struct params *p, int32_t u, const bool *cold_item,
                       struct rh_row_key *keys, uint8_t *label)
{
    const struct rh_domain_data *t = in->target;
    int64_t first = t->row[u], n = t->row[u + 1] - first, warm = 0, seen = 0;
    for (int64_t r = first; r < first + n; r++)
        warm += !cold_item[t->item[r]];
    int64_t cold = n - warm, test = rh_rows_share(p->warm, warm), validation = rh_rows_share(p->validation, warm);
    bool trains = has_size(p, warm), asked = p->scenario == COLD_ITEMS && has_size(p, cold);
    if (p->asked && p->warm > 0)
        test = p->asked;
    if (test > warm - 1)
        test = warm > 0 ? warm - 1 : 0;
    if (validation > warm - 1 - test)
        validation = warm > 0 ? warm - 1 - test : 0;
    rh_rows_order(in, u, RH_ORDER_RANDOM, "split scenarios warm", keys);
    for (int64_t i = 0; i < n; i++) {
        int64_t r = first + keys[i].row;
        if (cold_item[t->item[r]]) {
            label[r] = asked && !p->asked ? RH_TEST : RH_UNUSED;
            continue;
        }
        if (!trains)
            label[r] = RH_UNUSED;
        else if (seen < test)
            label[r] = p->scenario == WARM ? RH_TEST : RH_UNUSED;
        else if (seen < test + validation)
            label[r] = RH_VALIDATION;
        seen++;
    }
    if (asked && p->asked && cold > p->asked)
        label_task(in, p, u, cold_item, true, cold, keys, label);
}

/* The rows of a cold user: none trains. Support lies among the rows that the scenario is about. A user for whom it
 * leaves nothing to ask, or who has too few or too many of them, is not asked. */
static void label_cold(const struct rh_split_input *in, const struct params *p, int32_t u, const bool *cold_item,
                       struct rh_row_key *keys, uint8_t *label)
{
    const struct rh_domain_data *t = in->target;
    int64_t first = t->row[u], n = t->row[u + 1] - first, there = 0;
    bool both = p->scenario == COLD_BOTH, any = both || p->scenario == COLD_USERS;
    for (int64_t r = first; r < first + n; r++) {
        there += any && cold_item[t->item[r]] == both;
        label[r] = RH_UNUSED;
    }
    if (there > (p->asked ? p->asked : p->k_max) && has_size(p, there))
        label_task(in, p, u, cold_item, both, there, keys, label);
}

/* Marks that came with the data. */
static int mark_given(const struct rh_domain_data *t, bool items, int32_t n, bool *cold, struct rh_error *err)
{
    const uint8_t *given = items ? t->cold_item : t->cold_user;
    const char *what = items ? "items" : "users";
    int32_t marked = 0;
    for (int32_t i = 0; given && i < n; i++) {
        cold[i] = given[i];
        marked += given[i];
    }
    if (!given || !marked)
        return rh_fail(err, RH_EDATA, "%s_by = given: domain '%s' does not say which %s are cold; its description "
                       "needs cold_%s or cold_both", what, t->name, what, what);
    if (marked == n)
        return rh_fail(err, RH_EDATA, "%s_by = given: domain '%s' calls all %d %s cold", what, t->name, n, what);
    return RH_OK;
}

static int mark(const struct rh_split_input *in, bool items, double share, int by, const char *key,
                const char *purpose, struct rh_arena *work, bool **out, struct rh_error *err)
{
    int32_t n = items ? in->target->n_items : in->target->n_users, *order;
    bool *cold = rh_alloc(work, (size_t)n, sizeof *cold);
    if (!cold)
        return rh_fail_memory(err, "cold users and items", (size_t)n);
    *out = cold;
    if (by == BY_GIVEN)
        return mark_given(in->target, items, n, cold, err);
    RH_TRY(rh_cold_some(items ? "items" : "users", share, n, items ? "items" : "users", err));
    RH_TRY(rh_cold_order(in, items, by, key, purpose, work, &order, err));
    int64_t held = rh_rows_share(share, n);
    for (int64_t i = 0; i < held; i++)
        cold[order[i]] = true;
    return RH_OK;
}

static int label_all(const struct rh_split_input *in, const struct params *p, struct rh_split_output *out,
                     struct rh_arena *work, struct rh_error *err)
{
    bool *cold_user, *cold_item;
    if (p->k_max > 0 || p->asked > 0)
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
    .warm_support = true, /* with asked, of cold items */
    .params = params,
    .params_size = sizeof(struct params),
    .check = check,
    .label = label,
};
