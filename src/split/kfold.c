/* k folds over rows: each row is asked in one fold and trains in the others. */
#include "base/stream.h"
#include "split/rows.h"
#include <rh/numpy_legacy.h>

enum order { ORDER_RANDOM, ORDER_NUMPY_LEGACY };
static const struct rh_choice orders[] = {
    { "random", ORDER_RANDOM, "a permutation from the experiment's seed, dealt out row by row" },
    { "numpy_legacy", ORDER_NUMPY_LEGACY,
      "RandomState(numpy_seed).shuffle of the rows in file order, cut into blocks: KFold(shuffle=True) of Surprise" },
    { NULL, 0, NULL },
};

struct params {
    int64_t folds, numpy_seed;
    int order;
    bool validation;
};

static const struct rh_param params[] = {
    RH_INT(struct params, folds, 5, 2, 1000, "number of folds, each a problem"),
    RH_ENUM(struct params, order, ORDER_RANDOM, orders, "how the rows are ordered before they are cut into folds"),
    RH_INT(struct params, numpy_seed, 0, 0, 4294967295, "seed of order = numpy_legacy, whatever the experiment's is"),
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

/* The rows in the order of numpy: row[i] is the one at place i. A shuffle moves whatever stands in the places, so it
 * may begin with the rows in file order. */
static void shuffle_as_numpy(const struct rh_domain_data *target, uint32_t seed, int32_t *row)
{
    struct rh_numpy r;
    rh_numpy_seed(&r, seed);
    for (int32_t k = 0; k < (int32_t)target->n_rows; k++)
        row[target->position[k]] = k;
    rh_numpy_shuffle(&r, row, (int32_t)target->n_rows);
}

/* Of n rows in `folds` blocks the first n % folds are one longer. */
static int64_t block_of(int64_t i, int64_t n, int64_t folds)
{
    int64_t size = n / folds, longer = n % folds * (size + 1);
    return i < longer ? i / (size + 1) : n % folds + (i - longer) / size;
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
    /* One permutation for all folds, so that the folds are parts of one whole. */
    bool numpy = p->order == ORDER_NUMPY_LEGACY;
    if (numpy) {
        shuffle_as_numpy(in->target, (uint32_t)p->numpy_seed, row);
        for (int32_t i = 0; i < n; i++)
            out->order[row[i]] = i;
        out->ordered = true;
    } else {
        for (int32_t r = 0; r < n; r++)
            row[r] = r;
        struct rh_rng rng = rh_stream(in->seed, in->identity, "split kfold", 0);
        rh_rng_shuffle(&rng, row, n);
    }
    int64_t next = (in->fold + 1) % p->folds;
    for (int32_t i = 0; i < n; i++) {
        int64_t fold = numpy ? block_of(i, n, p->folds) : i % p->folds;
        if (fold == in->fold)
            out->target[row[i]] = RH_TEST;
        else if (p->validation && fold == next)
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
