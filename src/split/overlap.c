/* Overlap: users of the target that a source knows too; a share of them is cold in the target, and only those are
 * asked. All other users train. */
#include "base/stream.h"
#include "split/cold.h"
#include "split/rows.h"

struct params {
    double cold, validation;
    int64_t source_rows, k, k_max;
    int support;
};

static const struct rh_param params[] = {
    RH_REAL(struct params, cold, 0.5, 0, 1, "share of the overlapping users that is cold in the target, and asked"),
    RH_REAL(struct params, validation, 0.1, 0, 1, "share of the overlapping users that is cold for validation"),
    RH_INT(struct params, source_rows, 1, 1, 1e9, "rows in all sources that make a user of the target overlap"),
    RH_INT(struct params, k, 0, 0, 100000, "rows of a cold user that are visible when it is asked"),
    RH_INT(struct params, k_max, 0, 0, 100000, "largest k of a sweep: rows after the first k_max are asked"),
    RH_ENUM(struct params, support, RH_ORDER_TIME, rh_support_orders, "which rows are visible (when k_max > 0)"),
    RH_PARAMS_END,
};

static int check(const void *values, struct rh_error *err)
{
    const struct params *p = values;
    if (p->cold + p->validation > 1)
        return rh_fail(err, RH_EINVAL, "cold + validation = %g is more than all overlapping users",
                       p->cold + p->validation);
    return rh_kshot_check(p->k, p->k_max, err);
}

/* wanted[u]: user u of the target has enough rows in the sources together. */
static int64_t mark_overlap(const struct rh_split_input *in, int64_t least, bool *wanted)
{
    int64_t n = 0;
    for (int32_t u = 0; u < in->target->n_users; u++) {
        int64_t rows = 0;
        for (int32_t s = 0; s < in->n_sources; s++) {
            int32_t there = in->source_user[s][u];
            if (there >= 0)
                rows += in->source[s]->row[there + 1] - in->source[s]->row[there];
        }
        wanted[u] = rows >= least;
        n += wanted[u];
    }
    return n;
}

static int label_with(const struct rh_split_input *in, const struct params *p, struct rh_split_output *out,
                      struct rh_arena *work, struct rh_error *err)
{
    const struct rh_kshot shot = { p->k, p->k_max, p->support, "split overlap support" };
    struct rh_users users;
    bool *wanted = rh_alloc(work, (size_t)in->target->n_users, sizeof *wanted);
    if (!wanted)
        return rh_fail_memory(err, "overlapping users", (size_t)in->target->n_users);
    if (!mark_overlap(in, p->source_rows, wanted))
        return rh_fail(err, RH_EDATA, "no user has %lld or more rows in a source: the domains share no such user",
                       (long long)p->source_rows);
    RH_TRY(rh_users_eligible(in, &shot, wanted, work, &users, err));
    RH_TRY(rh_cold_some("cold", p->cold, users.n, "overlapping users with more than k_max rows", err));
    struct rh_rng rng = rh_stream(in->seed, in->identity, "split overlap", 0);
    rh_rng_shuffle(&rng, users.user, users.n);
    int64_t test = rh_rows_share(p->cold, users.n);
    int64_t held = test + rh_rows_share(p->validation, users.n);
    for (int64_t i = 0; i < held && i < users.n; i++)
        rh_kshot_label(in, &shot, users.user[i], i < test ? RH_TEST : RH_VALIDATION, users.room, out);
    return RH_OK;
}

static int label(const struct rh_split_input *in, const void *values, struct rh_split_output *out,
                 struct rh_error *err)
{
    struct rh_arena work = { 0 };
    int status = label_with(in, values, out, &work, err);
    rh_arena_release(&work);
    return status;
}

const struct rh_split rh_split_overlap = {
    .name = "overlap",
    .summary = "a share of the users that a source knows too is cold in the target, and asked; the others train",
    .reference = "Man, Shen, Jin and Cheng 2017, Cross-domain recommendation: an embedding and mapping approach, "
                 "IJCAI",
    .revision = 1,
    .needs_sources = true,
    .params = params,
    .params_size = sizeof(struct params),
    .check = check,
    .label = label,
};
