#include "data/numbers.h"

#include "data/ids.h"

#include <stdio.h>
#include <string.h>

static int rename_all(const struct rh_strings *names, struct rh_arena *a, struct rh_strings *ids, struct rh_ids *all,
                      struct rh_ids *numbers, struct rh_error *err)
{
    for (int32_t i = 0; i < names->n; i++)
        if (rh_ids_add(all, rh_string(names, i), strlen(rh_string(names, i))) != i)
            return rh_fail_memory(err, "the ids", (size_t)names->n * 16);
    for (int32_t i = 0; i < ids->n; i++) {
        char text[16];
        int n = snprintf(text, sizeof text, "%d", rh_ids_find(all, rh_string(ids, i), strlen(rh_string(ids, i))));
        if (rh_ids_add(numbers, text, (size_t)n) != i)
            return rh_fail_memory(err, "the ids", (size_t)ids->n * 16);
    }
    return rh_ids_strings(numbers, NULL, ids->n, a, ids, err);
}

int rh_rename_by_number(const struct rh_names_read *names, struct rh_domain_data *d, struct rh_error *err)
{
    struct rh_ids all[2] = { { 0 } }, numbers[2] = { { 0 } };
    int status = rename_all(&names->user, &d->arena, &d->user_id, &all[0], &numbers[0], err);
    if (status >= 0)
        status = rename_all(&names->item, &d->arena, &d->item_id, &all[1], &numbers[1], err);
    for (int k = 0; k < 2; k++) {
        rh_ids_release(&all[k]);
        rh_ids_release(&numbers[k]);
    }
    return status;
}
