#include "split/split.h"

#include <string.h>

extern const struct rh_split rh_split_leave_one_out;
extern const struct rh_split rh_split_random_ratio;

static const struct rh_split *const splits[] = {
    &rh_split_leave_one_out,
    &rh_split_random_ratio,
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
