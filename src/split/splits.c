#include "split/split.h"

#include <string.h>

extern const struct rh_split rh_split_cold_items;
extern const struct rh_split rh_split_cold_users;
extern const struct rh_split rh_split_global_time;
extern const struct rh_split rh_split_item_kfold;
extern const struct rh_split rh_split_kfold;
extern const struct rh_split rh_split_leave_k_out;
extern const struct rh_split rh_split_leave_one_out;
extern const struct rh_split rh_split_overlap;
extern const struct rh_split rh_split_predefined;
extern const struct rh_split rh_split_random_ratio;
extern const struct rh_split rh_split_scenarios;
extern const struct rh_split rh_split_sliding_windows;
extern const struct rh_split rh_split_strong_generalisation;
extern const struct rh_split rh_split_user_kfold;

static const struct rh_split *const splits[] = {
    &rh_split_cold_items,
    &rh_split_cold_users,
    &rh_split_global_time,
    &rh_split_item_kfold,
    &rh_split_kfold,
    &rh_split_leave_k_out,
    &rh_split_leave_one_out,
    &rh_split_overlap,
    &rh_split_predefined,
    &rh_split_random_ratio,
    &rh_split_scenarios,
    &rh_split_sliding_windows,
    &rh_split_strong_generalisation,
    &rh_split_user_kfold,
    NULL,
};

const struct rh_split *const *rh_splits(void)
{
    return splits;
}

const struct rh_split *rh_split_find(const char *name)
{
    for (const struct rh_split *const *s = splits; *s; s++)
        if (!strcmp((*s)->name, name))
            return *s;
    return NULL;
}
