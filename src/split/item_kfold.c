/* k folds, item by item: the rows of each item are shuffled and dealt to the folds in turn. The counter runs on from
 * one item to the next, and an item with fewer rows than folds always trains: so MyMediaLite makes its folds of
 * positive-only feedback (PosOnlyFeedbackCrossValidationSplit). */
#include "base/stream.h"
#include "split/cold.h"
#include "split/rows.h"

struct params {
    int64_t folds;
    bool validation;
};

static const struct rh_param params[] = {
    RH_INT(struct params, folds, 5, 2, 1000, "number of folds, each a problem; items with fewer rows always train"),
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

static int deal(const struct rh_split_input *in, const struct params *p, struct rh_split_output *out,
                struct rh_arena *work, struct rh_error *err)
{
    const struct rh_domain_data *t = in->target;
    struct rh_item_rows by_item;
    RH_TRY(rh_item_rows(t, work, &by_item, err));
    int64_t next = (in->fold + 1) % p->folds, dealt = 0;
    for (int32_t i = 0; i < t->n_items; i++) {
        int32_t *row = by_item.row + by_item.start[i];
        int32_t n = by_item.start[i + 1] - by_item.start[i];
        if (n < p->folds)
            continue;
        struct rh_rng rng = rh_stream(in->seed, in->identity, "split item_kfold", (uint64_t)i);
        rh_rng_shuffle(&rng, row, n);
        for (int32_t k = 0; k < n; k++, dealt++) {
            if (dealt % p->folds == in->fold)
                out->target[row[k]] = RH_TEST;
            else if (p->validation && dealt % p->folds == next)
                out->target[row[k]] = RH_VALIDATION;
        }
    }
    if (!dealt)
        return rh_fail(err, RH_EDATA, "leaves no test row: every item has fewer than folds = %lld rows",
                       (long long)p->folds);
    return RH_OK;
}

static int label(const struct rh_split_input *in, const void *values, struct rh_split_output *out,
                 struct rh_error *err)
{
    struct rh_arena work = { 0 };
    int status = deal(in, values, out, &work, err);
    rh_arena_release(&work);
    return status;
}

const struct rh_split rh_split_item_kfold = {
    .name = "item_kfold",
    .summary = "k problems: the rows of each item are dealt to the folds in turn, as MyMediaLite does",
    .reference = "Gantner, Rendle, Freudenthaler and Schmidt-Thieme 2011, MyMediaLite: a free recommender system "
                 "library, RecSys",
    .revision = 1,
    .params = params,
    .params_size = sizeof(struct params),
    .folds = folds,
    .check = check,
    .label = label,
};
