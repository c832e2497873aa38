/* Items that are one and the same work: other editions in the target, the same item in a source. What a user has of
 * them gives a held-out row away, though the row itself is hidden. One pass over titles, ids, users and histories.
 * Where ids are anonymous, the users of an item tell: a shop that lists a product in two categories lists its reviews
 * in both, and nothing else gives two items the same users when these are several. */
#include "base/hash.h"
#include "split/build.h"
#include "split/names.h"
#include "split/titles.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CROWD_MIN 3 /* users of an item from which the set of them is taken for its mark */

enum kind { BY_TITLE, BY_ID, BY_USERS };

/* Groups of items over all domains, by one kind of mark: [n_domains][n_items], -1: in none. */
struct groups {
    int32_t **of;
    int32_t n;
    int32_t *mark;  /* [n] number of the query that has an item of the group, from 1 */
};

/* An id that means something outside its file: not the number of a row. ASINs and ISBNs have ten characters. */
static bool is_identifier(const char *id)
{
    size_t digits = strspn(id, "0123456789");
    return id[digits] || digits >= 10;
}

static int64_t count_items(const struct rh_build *b)
{
    int64_t n = 0;
    for (int32_t d = 0; d < b->n_domains; d++)
        n += b->domain[d]->n_items;
    return n;
}

static bool same_space(const struct rh_build *b, int32_t d)
{
    const char *const *space = b->spec->user_space;
    return !space || !strcmp(space[d], space[0]);
}

/* What an item is known by; NULL: by nothing. `key` is room. RH_ENOMEM is left in *status. */
static const char *name_of(struct rh_build *b, enum kind kind, int32_t d, int32_t i, struct rh_text *key, int *status)
{
    const struct rh_domain_data *data = b->domain[d];
    if (kind == BY_USERS && !b->crowd[d][i])
        return NULL;
    if (kind == BY_ID) {
        const char *id = rh_string(&data->item_id, i);
        return same_space(b, d) && is_identifier(id) ? id : NULL;
    }
    rh_text_clear(key);
    if (kind == BY_USERS)
        rh_text_printf(key, "%016" PRIx64, b->crowd[d][i]);
    else if (data->title.n)
        rh_title_key(rh_string(&data->title, i), key);
    const char *kept = key->n ? rh_arena_strdup(&b->work, key->s) : NULL;
    if (key->failed || (key->n && !kept))
        *status = RH_ENOMEM;
    return kept;
}

static int make_groups(struct rh_build *b, enum kind kind, struct groups *g, struct rh_error *err)
{
    struct rh_names names;
    struct rh_text key = { 0 };
    int status = RH_OK;
    RH_TRY(rh_names_init(&names, &b->work, count_items(b) + 1, err));
    if (!(g->of = rh_build_alloc(&b->work, (size_t)b->n_domains, sizeof *g->of, "groups of items", err)))
        return RH_ENOMEM;
    for (int32_t d = 0; d < b->n_domains && status >= 0; d++) {
        int32_t n = b->domain[d]->n_items;
        if (!(g->of[d] = rh_build_alloc(&b->work, (size_t)n, sizeof **g->of, "groups of items", err)))
            status = RH_ENOMEM;
        for (int32_t i = 0; i < n && status >= 0; i++) {
            const char *name = name_of(b, kind, d, i, &key, &status);
            g->of[d][i] = name ? rh_names_add(&names, name) : -1;
        }
    }
    rh_text_release(&key);
    if (status < 0)
        return rh_fail_memory(err, "groups of items", (size_t)count_items(b));
    g->n = names.n;
    g->mark = rh_build_alloc(&b->work, (size_t)names.n + 1, sizeof *g->mark, "groups of items", err);
    return g->mark ? RH_OK : RH_ENOMEM;
}

static void mark_history(struct groups *g, int32_t d, const struct rh_history *h, int32_t query)
{
    for (int32_t i = 0; i < h->n; i++)
        if (g->of[d][h->item[i]] >= 0)
            g->mark[g->of[d][h->item[i]]] = query;
}

static bool is_marked(const struct groups *g, int32_t item, int32_t query)
{
    return g->of[0][item] >= 0 && g->mark[g->of[0][item]] == query;
}

static bool has(const struct rh_history *h, int32_t item)
{
    int32_t low = 0, n = h->n;
    while (n > 0) {
        int32_t half = n / 2;
        if (h->item[low + half] < item) {
            low += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return low < h->n && h->item[low] == item;
}

int rh_build_duplicates(struct rh_build *b, struct rh_error *err)
{
    const struct rh_queries *q = &b->p->test;
    struct rh_leakage *l = &b->p->leakage;
    struct rh_arena_mark mark = rh_arena_mark(&b->work);
    struct groups title = { 0 }, id = { 0 }, users = { 0 };
    RH_TRY(make_groups(b, BY_TITLE, &title, err));
    RH_TRY(make_groups(b, BY_ID, &id, err));
    RH_TRY(make_groups(b, BY_USERS, &users, err));
    for (int32_t i = 0; i < q->n; i++) {
        const struct rh_history *h = q->query[i].history;
        const struct rh_truth *t = &q->truth[i];
        mark_history(&title, 0, &h[0], 2 * i + 1);
        for (int32_t k = 0; k < t->n; k++)
            l->duplicate_hits += is_marked(&title, t->item[k], 2 * i + 1) && !has(&h[0], t->item[k]);
        for (int32_t d = 1; d < b->n_domains; d++) {
            mark_history(&title, d, &h[d], 2 * i + 2);
            mark_history(&id, d, &h[d], 2 * i + 2);
            mark_history(&users, d, &h[d], 2 * i + 2);
        }
        for (int32_t k = 0; k < t->n; k++)
            l->source_hits += is_marked(&title, t->item[k], 2 * i + 2) || is_marked(&id, t->item[k], 2 * i + 2) ||
                              is_marked(&users, t->item[k], 2 * i + 2);
    }
    rh_arena_rewind(&b->work, mark);
    return RH_OK;
}

/* A mark of the set of users of each item: their numbers in the problem, mixed in ascending order. */
int rh_build_crowds(struct rh_build *b, struct rh_error *err)
{
    b->crowd = rh_build_alloc(&b->work, (size_t)b->n_domains, sizeof *b->crowd, "users of items", err);
    if (!b->crowd)
        return RH_ENOMEM;
    for (int32_t d = 0; d < b->n_domains; d++) {
        const struct rh_domain_data *data = b->domain[d];
        size_t n_items = (size_t)data->n_items;
        uint64_t *crowd = b->crowd[d] = rh_build_alloc(&b->work, n_items, sizeof *crowd, "users of items", err);
        struct rh_arena_mark mark = rh_arena_mark(&b->work);
        int32_t *n = rh_build_alloc(&b->work, n_items, sizeof *n, "users of items", err);
        if (!crowd || !n)
            return RH_ENOMEM;
        for (int32_t u = 0; u < b->p->train.n_users; u++) {
            int32_t there = b->user[d][u];
            for (int64_t r = there < 0 ? 0 : data->row[there]; there >= 0 && r < data->row[there + 1]; r++) {
                uint64_t *c = &crowd[data->item[r]];
                *c = rh_mix64(*c ^ (uint64_t)(u + 1));
                n[data->item[r]]++;
            }
        }
        for (size_t i = 0; i < n_items; i++)
            crowd[i] = n[i] < CROWD_MIN ? 0 : crowd[i];
        rh_arena_rewind(&b->work, mark);
    }
    return RH_OK;
}

/* Takes the rows of source items that have a mark of the target's items; true: there was one. */
static bool drop_doubles(struct rh_build *b, const struct groups *g)
{
    struct rh_removed *out = &b->p->doubles;
    for (int32_t i = 0; i < b->domain[0]->n_items; i++)
        if (g->of[0][i] >= 0)
            g->mark[g->of[0][i]] = 1;
    for (int32_t d = 1; d < b->n_domains; d++) {
        const struct rh_domain_data *data = b->domain[d];
        for (int64_t r = 0; r < data->n_rows; r++) {
            int32_t group = g->of[d][data->item[r]];
            if (group < 0 || !g->mark[group] || b->label[d][r] != RH_TRAIN)
                continue;
            b->label[d][r] = RH_UNUSED;
            out->rows++;
        }
        for (int32_t i = 0; i < data->n_items; i++)
            out->items += g->of[d][i] >= 0 && g->mark[g->of[d][i]];
    }
    return out->rows > 0;
}

int rh_build_placebo_doubles(struct rh_build *b, struct rh_error *err)
{
    struct rh_arena_mark mark = rh_arena_mark(&b->work);
    struct groups id = { 0 }, users = { 0 };
    RH_TRY(make_groups(b, BY_ID, &id, err));
    RH_TRY(make_groups(b, BY_USERS, &users, err));
    bool any = drop_doubles(b, &id);
    any |= drop_doubles(b, &users);
    rh_arena_rewind(&b->work, mark);
    snprintf(b->p->doubles.step, sizeof b->p->doubles.step, "placebo = doubles: rows of sources");
    if (!any)
        return rh_fail(err, RH_EDATA, "placebo = doubles has nothing to drop: no item of a source of problem '%s' has "
                       "the id, or the same %d or more users, of an item of the target", b->spec->name, CROWD_MIN);
    return RH_OK;
}
