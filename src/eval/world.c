#include "eval/world.h"

int rh_metric_world_make(struct rh_arena *a, const struct rh_problem *p, struct rh_metric_world *out,
                         struct rh_error *err)
{
    const struct rh_domain *target = &p->train.domain[p->train.target];
    int64_t n_rows = target->row[p->train.n_users];
    int32_t *popularity = rh_alloc(a, (size_t)target->n_items, sizeof *popularity), n_users = 0;
    if (!popularity)
        return rh_fail_memory(err, "popularities", (size_t)target->n_items * sizeof *popularity);
    for (int64_t i = 0; i < n_rows; i++)
        popularity[target->item[i]]++;
    for (int32_t u = 0; u < p->train.n_users; u++)
        n_users += target->row[u + 1] > target->row[u];
    *out = (struct rh_metric_world){
        .name = target->name,
        .n_items = target->n_items,
        .n_users = n_users,
        .n_rows = n_rows,
        .popularity = popularity,
        .n_blocks = p->train.n_item_blocks,
        .block_name = p->item_block_name,
        .block = target->item_features,
    };
    return RH_OK;
}
