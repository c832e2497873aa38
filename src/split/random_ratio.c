/* Random ratio: a share of all rows, or of the rows of each user, is asked. */
#include "base/stream.h"
#include "split/rows.h"

struct params {
    double test, validation;
    int scope, rounding;
};

enum { SCOPE_USER, SCOPE_ALL };
static const struct rh_choice scopes[] = {
    { "user", SCOPE_USER, "the shares hold for each user, rounded; each keeps a train row" },
    { "all", SCOPE_ALL, "the shares hold over all rows; a user may be left without a train row" },
    { NULL, 0, NULL },
};

enum { ROUND_NEAREST, ROUND_RECBOLE };
static const struct rh_choice roundings[] = {
    { "nearest", ROUND_NEAREST, "shares of a user's rows are rounded, halves up" },
    { "recbole", ROUND_RECBOLE, "rounded down; a share below one row is one row while two train: RecBole, by user" },
    { NULL, 0, NULL },
};

static const struct rh_param params[] = {
    RH_REAL(struct params, test, 0.2, 0, 1, "share of rows that is asked"),
    RH_REAL(struct params, validation, 0.1, 0, 1, "share of rows for validation"),
    RH_ENUM(struct params, scope, SCOPE_USER, scopes, "what the shares are shares of"),
    RH_ENUM(struct params, rounding, ROUND_NEAREST, roundings, "how a share of the rows of a user becomes a number"),
    RH_PARAMS_END,
};

static int check(const void *values, struct rh_error *err)
{
    const struct params *p = values;
    if (p->test + p->validation >= 1)
        return rh_fail(err, RH_EINVAL, "test + validation = %g leaves nothing to train on; it must be below 1",
                       p->test + p->validation);
    return RH_OK;
}

/* How many of a user's n rows are asked and validate. */
struct counts {
    int64_t test, validation;
};

static struct counts nearest(const struct params *p, int64_t n)
{
    struct counts c = { rh_rows_share(p->test, n), rh_rows_share(p->validation, n) };
    if (c.test > n - 1)
        c.test = n > 0 ? n - 1 : 0;
    if (c.validation > n - 1 - c.test)
        c.validation = n > 0 ? n - 1 - c.test : 0;
    return c;
}

/* RecBole's Dataset._calcu_split_ids: whole numbers below the shares; then first test, then validation gets a row
 * when its share is a part of one, as long as more than one row trains. */
static struct counts recbole(const struct params *p, int64_t n)
{
    double test = p->test * (double)n, validation = p->validation * (double)n;
    struct counts c = { (int64_t)test, (int64_t)validation };
    int64_t train = n - c.test - c.validation;
    if (train > 1 && test > 0 && test < 1) {
        c.test = 1;
        train--;
    }
    if (train > 1 && validation > 0 && validation < 1)
        c.validation = 1;
    return c;
}

static int by_user(const struct rh_split_input *in, const struct params *p, struct rh_split_output *out,
                   struct rh_arena *work, struct rh_error *err)
{
    const struct rh_domain_data *t = in->target;
    struct rh_row_key *keys = rh_rows_room(in, work, err);
    if (!keys)
        return RH_ENOMEM;
    for (int32_t u = 0; u < t->n_users; u++) {
        int64_t first = t->row[u], n = t->row[u + 1] - first;
        struct counts c = p->rounding == ROUND_RECBOLE ? recbole(p, n) : nearest(p, n);
        rh_rows_order(in, u, RH_ORDER_RANDOM, "split random_ratio", keys);
        for (int64_t i = 0; i < c.test + c.validation; i++)
            out->target[first + keys[i].row] = i < c.test ? RH_TEST : RH_VALIDATION;
    }
    return RH_OK;
}

static int over_all(const struct rh_split_input *in, const struct params *p, struct rh_split_output *out,
                    struct rh_arena *work, struct rh_error *err)
{
    int32_t n = (int32_t)in->target->n_rows; /* fits: positions are 32 bits */
    int32_t *row = rh_alloc(work, (size_t)n, sizeof *row);
    if (!row)
        return rh_fail_memory(err, "a permutation of the rows", (size_t)n * sizeof *row);
    for (int32_t r = 0; r < n; r++)
        row[r] = r;
    struct rh_rng rng = rh_stream(in->seed, in->identity, "split random_ratio all", 0);
    rh_rng_shuffle(&rng, row, n);
    int64_t test = rh_rows_share(p->test, n), asked = rh_rows_share(p->test + p->validation, n);
    for (int64_t i = 0; i < asked; i++)
        out->target[row[i]] = i < test ? RH_TEST : RH_VALIDATION;
    return RH_OK;
}

static int label(const struct rh_split_input *in, const void *values, struct rh_split_output *out,
                 struct rh_error *err)
{
    const struct params *p = values;
    struct rh_arena work = { 0 };
    int status = p->scope == SCOPE_USER ? by_user(in, p, out, &work, err) : over_all(in, p, out, &work, err);
    rh_arena_release(&work);
    return status;
}

const struct rh_split rh_split_random_ratio = {
    .name = "random_ratio",
    .summary = "a random share of all rows, or of the rows of each user, is asked",
    .reference = "Herlocker, Konstan, Terveen and Riedl 2004, Evaluating collaborative filtering recommender "
                 "systems, ACM TOIS 22(1)",
    .revision = 1,
    .params = params,
    .params_size = sizeof(struct params),
    .check = check,
    .label = label,
};
