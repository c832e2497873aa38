/* What is known of the links between domains, and of rare rows, beside the split: who is known to be shared
 * (known = 0 .. 1), and which rows are too rare to train on (train_core). Both come after the labels, so the same rows
 * are asked whatever they are. */
#include "base/stream.h"
#include "split/build.h"
#include "split/rows.h"

#include <stdio.h>
#include <string.h>

/* Users of target and of a source who train in the target, in random order; those after the first `known` share are
 * taken apart. Users who are asked without training keep their link: without it nothing could be asked of a source. */
static int users_to_part(struct rh_build *b, int32_t **out, int32_t *n_out, struct rh_error *err)
{
    const struct rh_domain_data *target = b->domain[0];
    int32_t *user = rh_build_alloc(&b->work, (size_t)target->n_users, sizeof *user, "links", err), n = 0;
    if (!user)
        return RH_ENOMEM;
    for (int32_t u = 0; u < target->n_users; u++) {
        bool shared = false, trains = false;
        for (int32_t d = 1; d < b->n_domains; d++)
            shared |= b->user[d][u] >= 0;
        for (int64_t r = target->row[u]; shared && r < target->row[u + 1]; r++)
            trains |= b->label[0][r] == RH_TRAIN;
        if (shared && trains)
            user[n++] = u;
    }
    if (!n)
        return rh_fail(err, RH_EDATA, "known = %g has no link to forget: problem '%s' has no user with train rows in "
                       "the target and rows in a source", b->spec->asking->known, b->spec->name);
    struct rh_rng rng = rh_stream(b->spec->seed, target->content, "known", 0);
    rh_rng_shuffle(&rng, user, n);
    int32_t known = (int32_t)rh_rows_share(b->spec->asking->known, n); /* a larger share holds a smaller one */
    *out = user + known;
    *n_out = n - known;
    return RH_OK;
}

/* The old ids, then those of the strangers: "ID, elsewhere", behind a character that no id has. */
static int name_strangers(struct rh_build *b, const int32_t *user, int32_t n, struct rh_error *err)
{
    struct rh_strings *ids = &b->p->user_id;
    static const char tail[] = "\x1f" "elsewhere";
    int32_t old = b->p->train.n_users;
    size_t bytes = (size_t)ids->offset[old];
    for (int32_t i = 0; i < n; i++)
        bytes += strlen(rh_string(ids, user[i])) + sizeof tail;
    int64_t *offset = rh_build_alloc(&b->p->arena, (size_t)(old + n) + 1, sizeof *offset, "user ids", err);
    char *pool = rh_build_alloc(&b->p->arena, bytes, 1, "user ids", err);
    if (!offset || !pool)
        return RH_ENOMEM;
    memcpy(offset, ids->offset, ((size_t)old + 1) * sizeof *offset);
    memcpy(pool, ids->pool, (size_t)ids->offset[old]);
    for (int32_t i = 0; i < n; i++)
        offset[old + i + 1] = offset[old + i] + 1 +
                              snprintf(pool + offset[old + i], bytes - (size_t)offset[old + i], "%s%s",
                                       rh_string(ids, user[i]), tail);
    *ids = (struct rh_strings){ old + n, offset, pool };
    return RH_OK;
}

int rh_build_known(struct rh_build *b, struct rh_error *err)
{
    int32_t *user = NULL, n = 0, old = b->p->train.n_users;
    RH_TRY(users_to_part(b, &user, &n, err));
    RH_TRY(name_strangers(b, user, n, err));
    for (int32_t d = 0; d < b->n_domains; d++) {
        int32_t *of = rh_build_alloc(&b->work, (size_t)(old + n), sizeof *of, "links", err);
        if (!of)
            return RH_ENOMEM;
        memcpy(of, b->user[d], (size_t)old * sizeof *of);
        for (int32_t i = 0; i < n; i++) {
            of[old + i] = d ? of[user[i]] : -1;
            if (d)
                of[user[i]] = -1;
        }
        b->user[d] = of;
    }
    b->p->train.n_users = old + n;
    b->p->unlinked = (struct rh_removed){ .users = n };
    snprintf(b->p->unlinked.step, sizeof b->p->unlinked.step, "known = %g: links forgotten",
             b->spec->asking->known);
    return RH_OK;
}

/* Train rows of users or items with fewer than k of them, until all have k. The rows become support: not seen by fit,
 * visible when their user is asked. */
int rh_build_core(struct rh_build *b, struct rh_error *err)
{
    const struct rh_domain_data *t = b->domain[0];
    uint8_t *label = b->label[0];
    int64_t k = b->spec->asking->train_core, kept = 0;
    struct rh_removed *out = &b->p->outside_core;
    int32_t *of_user = rh_build_alloc(&b->work, (size_t)t->n_users, sizeof *of_user, "the core", err);
    int32_t *of_item = rh_build_alloc(&b->work, (size_t)t->n_items, sizeof *of_item, "the core", err);
    if (!of_user || !of_item)
        return RH_ENOMEM;
    for (int32_t u = 0; u < t->n_users; u++)
        for (int64_t r = t->row[u]; r < t->row[u + 1]; r++)
            if (label[r] == RH_TRAIN) {
                of_user[u]++;
                of_item[t->item[r]]++;
                kept++;
            }
    for (bool again = true; again;) { /* each pass but the last takes a row: it ends */
        again = false;
        for (int32_t u = 0; u < t->n_users; u++)
            for (int64_t r = t->row[u]; r < t->row[u + 1]; r++) {
                int32_t *item = &of_item[t->item[r]];
                if (label[r] != RH_TRAIN || (of_user[u] >= k && *item >= k))
                    continue;
                label[r] = RH_SUPPORT;
                out->users += !--of_user[u];
                out->items += !--*item;
                out->rows++;
                kept--;
                again = true;
            }
    }
    snprintf(out->step, sizeof out->step, "train_core = %lld: not trained on", (long long)k);
    if (!kept)
        return rh_fail(err, RH_EDATA, "train_core = %lld leaves nothing to train on in problem '%s': no %lld-core in "
                       "its train rows", (long long)k, b->spec->name, (long long)k);
    return RH_OK;
}
