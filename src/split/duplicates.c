/* Items that are one and the same work: other editions in the target, the same item in a source. What a user has of
 * them gives a held-out row away, though the row itself is hidden. One pass over titles, ids and histories. */
#include "split/build.h"
#include "split/names.h"
#include "split/titles.h"

#include <ctype.h>
#include <string.h>

/* Groups of items over all domains, by title and by id: [n_domains][n_items], -1: in none. */
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
static const char *name_of(struct rh_build *b, bool by_title, int32_t d, int32_t i, struct rh_text *key, int *status)
{
    const struct rh_domain_data *data = b->domain[d];
    if (!by_title) {
        const char *id = rh_string(&data->item_id, i);
        return same_space(b, d) && is_identifier(id) ? id : NULL;
    }
    if (!data->title.n)
        return NULL;
    rh_text_clear(key);
    rh_title_key(rh_string(&data->title, i), key);
    const char *kept = key->n ? rh_arena_strdup(&b->work, key->s) : NULL;
    if (key->failed || (key->n && !kept))
        *status = RH_ENOMEM;
    return kept;
}

static int make_groups(struct rh_build *b, bool by_title, struct groups *g, struct rh_error *err)
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
            const char *name = name_of(b, by_title, d, i, &key, &status);
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
    struct groups title, id;
    RH_TRY(make_groups(b, true, &title, err));
    RH_TRY(make_groups(b, false, &id, err));
    for (int32_t i = 0; i < q->n; i++) {
        const struct rh_history *h = q->query[i].history;
        const struct rh_truth *t = &q->truth[i];
        mark_history(&title, 0, &h[0], 2 * i + 1);
        for (int32_t k = 0; k < t->n; k++)
            l->duplicate_hits += is_marked(&title, t->item[k], 2 * i + 1) && !has(&h[0], t->item[k]);
        for (int32_t d = 1; d < b->n_domains; d++) {
            mark_history(&title, d, &h[d], 2 * i + 2);
            mark_history(&id, d, &h[d], 2 * i + 2);
        }
        for (int32_t k = 0; k < t->n; k++)
            l->source_hits += is_marked(&title, t->item[k], 2 * i + 2) || is_marked(&id, t->item[k], 2 * i + 2);
    }
    rh_arena_rewind(&b->work, mark);
    return RH_OK;
}
