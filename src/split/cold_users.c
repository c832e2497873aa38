/* Cold users: a share of users is held out of training; each is asked with k support rows visible (k-shot). */
#include "base/stream.h"
#include "split/cold.h"
#include "split/rows.h"

struct params {
    double fraction, validation;
    int64_t k, k_max;
    int support;
};

static const struct rh_param params[] = {
    RH_REAL(struct params, fraction, 0.2, 0, 1, "share of the users with more than k_max rows that is held out"),
    RH_REAL(struct params, validation, 0.1, 0, 1, "share of the same users that is held out for validation"),
    RH_INT(struct params, k, 5, 0, 100000, "rows of a held-out user that are visible when it is asked"),
    RH_INT(struct params, k_max, 10, 0, 100000, "largest k of a sweep: rows after the first k_max are asked"),
    RH_ENUM(struct params, support, RH_ORDER_TIME, rh_support_orders, "which rows are visible"),
    RH_PARAMS_END,
};

static int check(const void *values, struct rh_error *err)
{
    const struct params *p = values;
    if (p->fraction + p->validation > 1)
        return rh_fail(err, RH_EINVAL, "fraction + validation = %g is more than all users",
                       p->fraction + p->validation);
    return rh_kshot_check(p->k, p->k_max, err);
}

static int label(const struct rh_split_input *in, const void *values, struct rh_split_output *out,
                 struct rh_error *err)
{
    const struct params *p = values;
    const struct rh_kshot shot = { p->k, p->k_max, p->support, "split cold_users support" };
    struct rh_arena work = { 0 };
    struct rh_users users;
    int status = rh_users_eligible(in, &shot, NULL, &work, &users, err);
    if (status == RH_OK)
        status = rh_cold_some("fraction", p->fraction, users.n, "users with more than k_max rows", err);
    if (status == RH_OK) {
        struct rh_rng rng = rh_stream(in->seed, in->identity, "split cold_users", 0);
        rh_rng_shuffle(&rng, users.user, users.n);
        int64_t test = rh_rows_share(p->fraction, users.n);
        int64_t held = test + rh_rows_share(p->validation, users.n);
        for (int64_t i = 0; i < held && i < users.n; i++)
            rh_kshot_label(in, &shot, users.user[i], i < test ? RH_TEST : RH_VALIDATION, users.room, out);
    }
    rh_arena_release(&work);
    return status;
}

const struct rh_split rh_split_cold_users = {
    .name = "cold_users",
    .summary = "a share of users is held out of training and asked with k visible rows (k-shot)",
    .reference = "Lee, Im, Jang, Cho and Chung 2019, MeLU: meta-learned user preference estimator for cold-start "
                 "recommendation, KDD",
    .revision = 1,
    .params = params,
    .params_size = sizeof(struct params),
    .check = check,
    .label = label,
};
