/* Serendipity: relevant items that popularity alone would have ranked lower. */
#include "metrics/lists.h"

#include <stdlib.h>

static int descending(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x < y) - (x > y);
}

/* The chance that popularity gives an item: (I + 1 - its dense rank by popularity) / I; 0 without train rows. */
static int prepare(struct rh_arena *a, const struct rh_metric_world *w, struct rh_metric_use *use,
                   struct rh_error *err)
{
    size_t n = (size_t)w->n_items;
    double *chance = rh_alloc(a, n, sizeof *chance);
    int32_t *level = rh_arena_copy(a, w->popularity, n, sizeof *level), levels = 0;
    if (!chance || !level)
        return rh_fail_memory(err, "popularities", n * sizeof *chance);
    qsort(level, n, sizeof *level, descending);
    for (int32_t i = 0; i < w->n_items; i++)
        if (i == 0 || level[i] != level[i - 1])
            level[levels++] = level[i];
    for (int32_t i = 0; i < w->n_items; i++) {
        const int32_t *at = bsearch(&w->popularity[i], level, (size_t)levels, sizeof *level, descending);
        chance[i] = w->popularity[i] && at ? (double)(w->n_items - (at - level)) / w->n_items : 0;
    }
    use->state = chance;
    return RH_OK;
}

static struct rh_share share(const struct rh_ranked *r, const struct rh_metric_use *use)
{
    const double *popular = use->state;
    double sum = 0, items = r->world->n_items;
    for (int32_t i = 0; i < r->n_list_groups; i++) {
        const struct rh_list_group *g = &r->list_group[i];
        int32_t inside = rh_places_inside(g, use->k);
        if (inside == 0)
            break;
        double of_group = 0;
        for (int32_t j = g->above; j < g->above + g->size; j++)
            for (int32_t place = 1; r->list_relevant[j] && place <= inside; place++)
                of_group += fmax((items + 1 - (g->above + place)) / items - popular[r->list[j]], 0.0);
        sum += of_group / g->size; /* any place of the group is as likely for it */
    }
    return (struct rh_share){ sum / rh_list_length(r, use->k), 1 };
}

const struct rh_metric rh_metric_serendipity = {
    .name = "serendipity",
    .summary = "relevant items recommended earlier than their popularity alone would have it",
    .formula = "mean over ranks i = 1..min(N, k) of rel(i) * max((I + 1 - i) / I - (I + 1 - q(i)) / I, 0), I the "
               "number of "
               "items of the target, q(i) the item's rank by popularity (equal ones share a rank, the next follows "
               "on); "
               "the second fraction is 0 for an item without train rows; defined also where nothing is relevant",
    .reference = "Murakami, Mori and Orihara 2008; Ge, Delgado-Battenfeld and Jannach 2010; the form of RecTools",
    .flags = RH_M_AT_K | RH_M_LIST,
    .min = 0,
    .max = 1,
    .variant =
        (const struct rh_metric_variant[]){
            { "against", (const struct rh_choice[]){ { "popularity", 0, "what popularity would do" },
                                                     { NULL, 0, NULL } } },
            { "ties", rh_ties_mean },
            { NULL, NULL },
        },
    .prepare = prepare,
    .share = share,
};
