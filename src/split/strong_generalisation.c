/* Strong generalisation: some users never train; a share of their rows is folded in, and the others are asked. */
#include "base/stream.h"
#include "split/cold.h"
#include "split/rows.h"

struct params {
    double fraction, validation, visible;
    int support;
};

static const struct rh_param params[] = {
    RH_REAL(struct params, fraction, 0.2, 0, 1, "share of the users with two rows or more that is held out"),
    RH_REAL(struct params, validation, 0.1, 0, 1, "share of the same users that is held out for validation"),
    RH_REAL(struct params, visible, 0.8, 0, 1, "share of the rows of a held-out user that is visible; one is asked"),
    RH_ENUM(struct params, support, RH_ORDER_RANDOM, rh_support_orders, "which rows are visible"),
    RH_PARAMS_END,
};

static int check(const void *values, struct rh_error *err)
{
    const struct params *p = values;
    if (p->fraction + p->validation > 1)
        return rh_fail(err, RH_EINVAL, "fraction + validation = %g is more than all users",
                       p->fraction + p->validation);
    return RH_OK;
}

static int hold_out(const struct rh_split_input *in, const struct params *p, struct rh_split_output *out,
                    struct rh_arena *work, struct rh_error *err)
{
    const struct rh_domain_data *t = in->target;
    struct rh_kshot shot = { .k = 1, .k_max = 1, .order = p->support, .purpose = "split strong_generalisation rows" };
    struct rh_users users;
    RH_TRY(rh_users_eligible(in, &shot, NULL, work, &users, err));
    RH_TRY(rh_cold_some("fraction", p->fraction, users.n, "users with two rows or more", err));
    struct rh_rng rng = rh_stream(in->seed, in->identity, "split strong_generalisation", 0);
    rh_rng_shuffle(&rng, users.user, users.n);
    int64_t test = rh_rows_share(p->fraction, users.n);
    int64_t held = test + rh_rows_share(p->validation, users.n);
    for (int64_t i = 0; i < held && i < users.n; i++) {
        int32_t u = users.user[i];
        int64_t n = t->row[u + 1] - t->row[u], visible = rh_rows_share(p->visible, n);
        shot.k = shot.k_max = visible < n ? visible : n - 1;
        rh_kshot_label(in, &shot, u, i < test ? RH_TEST : RH_VALIDATION, users.room, out);
    }
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

const struct rh_split rh_split_strong_generalisation = {
    .name = "strong_generalisation",
    .summary = "a share of users never trains; part of their rows is folded in and the rest is asked",
    .reference = "Marlin 2004, Collaborative filtering: a machine learning perspective, MSc thesis, Toronto; Liang, "
                 "Krishnan, Hoffman and Jebara 2018, Variational autoencoders for collaborative filtering, WWW",
    .revision = 1,
    .params = params,
    .params_size = sizeof(struct params),
    .check = check,
    .label = label,
};
