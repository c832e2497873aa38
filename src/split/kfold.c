/* k folds over rows: each row is asked in one fold and trains in the others. */
#include "base/stream.h"
#include "split/rows.h"

struct params {
    int64_t folds;
    bool validation;
};

static const struct rh_param params[] = {
    RH_INT(struct params, folds, 5, 2, 1000, "number of folds, each a problem"),
    RH_BOOL(struct params, validation, false, "the next fold validates instead of training (needs 3 folds)"),
    RH_PARAMS_END,
};

static int check(const void *values, struct rh_error *err)
{
    const struct params *p = values;
    if (p->validation && p->folds < 3)
        return rh_fail(err, RH_EINVAL, "validation = yes with folds = %lld leaves nothing to train on; it takes 3",
                       (long long)p->folds);
    return RH_OK;
}

static int32_t folds(const void *values)
{
    return (int32_t)((const struct params *)values)->folds;
}

static int label(const struct rh_split_input *in, const void *values, struct rh_split_output *out,
                 struct rh_error *err)
{
    const struct params *p = values;
    int32_t n = (int32_t)in->target->n_rows; /* fits: positions are 32 bits */
    struct rh_arena work = { 0 };
    int32_t *row = rh_alloc(&work, (size_t)n, sizeof *row);
    if (!row)
        return rh_fail_memory(err, "a permutation of the rows", (size_t)n * sizeof *row);
    for (int32_t r = 0; r < n; r++)
        row[r] = r;
    /* One permutation for all folds, so that the folds are parts of one whole. */
    struct rh_rng rng = rh_stream(in->seed, in->identity, "split kfold", 0);
    rh_rng_shuffle(&rng, row, n);
    int64_t next = (in->fold + 1) % p->folds;
    for (int32_t i = 0; i < n; i++) {
        if (i % p->folds == in->fold)
            out->target[row[i]] = RH_TEST;
        else if (p->validation && i % p->folds == next)
            out->target[row[i]] = RH_VALIDATION;
    }
    rh_arena_release(&work);
    return RH_OK;
}

const struct rh_split rh_split_kfold = {
    .name = "kfold",
    .summary = "k problems: each row is asked in one of them and trains in the others",
    .reference = "Stone 1974, Cross-validatory choice and assessment of statistical predictions, J. Royal "
                 "Statistical Society B 36(2)",
    .revision = 1,
    .params = params,
    .params_size = sizeof(struct params),
    .folds = folds,
    .check = check,
    .label = label,
};
