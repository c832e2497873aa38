/* k folds over users: each user is held out of training in one fold and asked there with k visible rows. */
#include "base/stream.h"
#include "split/rows.h"

struct params {
    int64_t folds;
    bool validation;
    int64_t k, k_max;
    int support;
};

static const struct rh_param params[] = {
    RH_INT(struct params, folds, 5, 2, 1000, "number of folds, each a problem"),
    RH_BOOL(struct params, validation, false, "the users of the next fold are held out to validate (needs 3 folds)"),
    RH_INT(struct params, k, 5, 0, 100000, "rows of a held-out user that are visible when it is asked"),
    RH_INT(struct params, k_max, 10, 0, 100000, "largest k of a sweep: rows after the first k_max are asked"),
    RH_ENUM(struct params, support, RH_ORDER_TIME, rh_support_orders, "which rows are visible"),
    RH_PARAMS_END,
};

static int check(const void *values, struct rh_error *err)
{
    const struct params *p = values;
    if (p->validation && p->folds < 3)
        return rh_fail(err, RH_EINVAL, "validation = yes with folds = %lld leaves nobody to train on; it takes 3",
                       (long long)p->folds);
    return rh_kshot_check(p->k, p->k_max, err);
}

static int32_t folds(const void *values)
{
    return (int32_t)((const struct params *)values)->folds;
}

static int label(const struct rh_split_input *in, const void *values, struct rh_split_output *out,
                 struct rh_error *err)
{
    const struct params *p = values;
    const struct rh_kshot shot = { p->k, p->k_max, p->support, "split user_kfold support" };
    struct rh_arena work = { 0 };
    struct rh_users users;
    int status = rh_users_eligible(in, &shot, NULL, &work, &users, err);
    if (status == RH_OK) {
        struct rh_rng rng = rh_stream(in->seed, in->identity, "split user_kfold", 0);
        rh_rng_shuffle(&rng, users.user, users.n);
        int64_t next = (in->fold + 1) % p->folds;
        for (int32_t i = 0; i < users.n; i++) {
            if (i % p->folds == in->fold)
                rh_kshot_label(in, &shot, users.user[i], RH_TEST, users.room, out);
            else if (p->validation && i % p->folds == next)
                rh_kshot_label(in, &shot, users.user[i], RH_VALIDATION, users.room, out);
        }
    }
    rh_arena_release(&work);
    return status;
}

const struct rh_split rh_split_user_kfold = {
    .name = "user_kfold",
    .summary = "k problems: each user is held out of training in one of them and asked with k visible rows",
    .reference = "Breese, Heckerman and Kadie 1998, Empirical analysis of predictive algorithms for collaborative "
                 "filtering, UAI (given-N protocol)",
    .revision = 1,
    .params = params,
    .params_size = sizeof(struct params),
    .folds = folds,
    .check = check,
    .label = label,
};
