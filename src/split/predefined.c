/* Predefined: the parts that the publisher of the data made, as its train and test files say. */
#include "base/stream.h"
#include "split/rows.h"

struct params {
    double validation;
    int other;
};

static const struct rh_choice others[] = {
    { "unused", RH_UNUSED, "rows that are in no file of a part are in no part here" },
    { "train", RH_TRAIN, "rows that are in no file of a part train" },
    { NULL, 0, NULL },
};

static const struct rh_param params[] = {
    RH_REAL(struct params, validation, 0, 0, 1, "share of each user's given train rows that is drawn for validation"),
    RH_ENUM(struct params, other, RH_UNUSED, others, "what becomes of rows without a given part"),
    RH_PARAMS_END,
};

/* Draws validation rows among the train rows of a user, who keeps at least one. */
static void draw_validation(const struct rh_split_input *in, double share, int32_t user, struct rh_row_key *keys,
                            uint8_t *label)
{
    int64_t first = in->target->row[user], n = in->target->row[user + 1] - first, train = 0;
    for (int64_t r = first; r < first + n; r++)
        train += label[r] == RH_TRAIN;
    int64_t want = rh_rows_share(share, train);
    if (want > train - 1)
        want = train - 1;
    rh_rows_order(in, user, RH_ORDER_RANDOM, "split predefined", keys);
    for (int64_t i = 0; i < n && want > 0; i++)
        if (label[first + keys[i].row] == RH_TRAIN) {
            label[first + keys[i].row] = RH_VALIDATION;
            want--;
        }
}

static int label(const struct rh_split_input *in, const void *values, struct rh_split_output *out,
                 struct rh_error *err)
{
    const struct params *p = values;
    const struct rh_domain_data *t = in->target;
    for (int64_t r = 0; r < t->n_rows; r++)
        switch (t->given[r]) {
        case RH_GIVEN_TRAIN: out->target[r] = RH_TRAIN; break;
        case RH_GIVEN_VALIDATION: out->target[r] = RH_VALIDATION; break;
        case RH_GIVEN_TEST: out->target[r] = RH_TEST; break;
        default: out->target[r] = (uint8_t)p->other; break;
        }
    if (p->validation <= 0)
        return RH_OK;
    struct rh_arena work = { 0 };
    struct rh_row_key *keys = rh_rows_room(in, &work, err);
    for (int32_t u = 0; keys && u < t->n_users; u++)
        draw_validation(in, p->validation, u, keys, out->target);
    rh_arena_release(&work);
    return keys ? RH_OK : RH_ENOMEM;
}

const struct rh_split rh_split_predefined = {
    .name = "predefined",
    .summary = "the train and test files that came with the data",
    .reference = "the publisher of the data; for MovieLens u1 to u5, ua, ub: Harper and Konstan 2015, The MovieLens "
                 "datasets, ACM TiiS 5(4)",
    .revision = 1,
    .needs_given = true,
    .params = params,
    .params_size = sizeof(struct params),
    .label = label,
};
