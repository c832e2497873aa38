/* One user id space: the target's users in the target's order, then those that only sources know. */
#include "split/build.h"
#include "split/names.h"

#include <string.h>

/* The ids in one pool; the target's own table when no source adds a user. */
static int keep_ids(struct rh_build *b, const struct rh_names *names, struct rh_error *err)
{
    struct rh_problem *p = b->p;
    if (names->n == b->domain[0]->n_users) {
        p->user_id = b->domain[0]->user_id;
        return RH_OK;
    }
    size_t bytes = 0;
    for (int32_t u = 0; u < names->n; u++)
        bytes += strlen(names->name[u]) + 1;
    int64_t *offset = rh_build_alloc(&p->arena, (size_t)names->n + 1, sizeof *offset, "user ids", err);
    char *pool = rh_build_alloc(&p->arena, bytes, 1, "user ids", err);
    if (!offset || !pool)
        return RH_ENOMEM;
    for (int32_t u = 0; u < names->n; u++) {
        size_t n = strlen(names->name[u]) + 1;
        memcpy(pool + offset[u], names->name[u], n);
        offset[u + 1] = offset[u] + (int64_t)n;
    }
    p->user_id = (struct rh_strings){ names->n, offset, pool };
    return RH_OK;
}

/* The name of a user in the joint space. Ids of another namespace than the target's get theirs in front, behind a
 * character that no id has, so that user 7 of one site is not user 7 of another. */
static const char *joint_name(struct rh_build *b, int32_t d, int32_t u)
{
    const char *id = rh_string(&b->domain[d]->user_id, u);
    const char *const *space = b->spec->user_space;
    if (!space || !strcmp(space[d], space[0]))
        return id;
    return rh_arena_printf(&b->work, "%s\x1f%s", space[d], id);
}

int rh_build_users(struct rh_build *b, struct rh_error *err)
{
    int64_t most = 0;
    for (int32_t d = 0; d < b->n_domains; d++)
        most += b->domain[d]->n_users;
    struct rh_names names;
    RH_TRY(rh_names_init(&names, &b->work, most, err));
    int32_t **of_domain = rh_build_alloc(&b->work, (size_t)b->n_domains, sizeof *of_domain, "users", err);
    b->user = rh_build_alloc(&b->work, (size_t)b->n_domains, sizeof *b->user, "users", err);
    if (!of_domain || !b->user)
        return RH_ENOMEM;
    for (int32_t d = 0; d < b->n_domains; d++) {
        const struct rh_domain_data *data = b->domain[d];
        of_domain[d] = rh_build_alloc(&b->work, (size_t)data->n_users, sizeof **of_domain, "users", err);
        if (!of_domain[d])
            return RH_ENOMEM;
        for (int32_t u = 0; u < data->n_users; u++) {
            const char *name = joint_name(b, d, u);
            if (!name)
                return rh_fail_memory(err, "user ids", (size_t)data->n_users);
            of_domain[d][u] = rh_names_add(&names, name);
        }
    }
    for (int32_t d = 0; d < b->n_domains; d++) {
        const struct rh_domain_data *data = b->domain[d];
        int32_t *user = rh_build_alloc(&b->work, (size_t)names.n, sizeof *user, "users", err);
        if (!user)
            return RH_ENOMEM;
        memset(user, 0xff, (size_t)names.n * sizeof *user);
        for (int32_t u = 0; u < data->n_users; u++) {
            int32_t *there = &user[of_domain[d][u]];
            if (*there >= 0)
                return rh_fail(err, RH_EDATA, "domain '%s' has the user id '%s' twice", data->name,
                               rh_string(&data->user_id, u));
            *there = u;
        }
        b->user[d] = user;
    }
    b->p->train.n_users = names.n;
    return keep_ids(b, &names, err);
}
