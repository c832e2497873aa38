#include "run/keep.h"

#include <string.h>

static void put(void *arg, int thread, int32_t query, const struct rh_outcome *o)
{
    struct rh_keeper *k = arg;
    size_t row = (size_t)k->row[query], rows = (size_t)o->n_test;
    (void)thread;
    memcpy(k->above + row, o->above, rows * sizeof *o->above);
    memcpy(k->tied + row, o->tied, rows * sizeof *o->tied);
    if (o->predicted)
        memcpy(k->predicted + row, o->predicted, rows * sizeof *o->predicted);
    if (o->predicted && query == 0) /* it rates for every query or for none */
        k->rates = true;
    if (!k->item)
        return;
    size_t place = (size_t)k->place[query];
    memcpy(k->item + place, o->top, (size_t)o->n_top * sizeof *o->top);
    memcpy(k->score + place, o->top_score, (size_t)o->n_top * sizeof *o->top_score);
    k->length[query] = o->n_top;
}

int rh_keeper_make(struct rh_arena *a, const struct rh_queries *queries, int32_t depth, struct rh_keeper *out,
                   struct rh_error *err)
{
    size_t n = (size_t)queries->n;
    struct rh_keeper k = { .queries = queries, .sink = { .put = put, .arg = out, .depth = depth } };
    k.row = rh_alloc(a, n + 1, sizeof *k.row);
    k.place = rh_alloc(a, n + 1, sizeof *k.place);
    k.length = rh_alloc(a, n + 1, sizeof *k.length);
    if (!k.row || !k.place || !k.length)
        return rh_fail_memory(err, "kept rankings", n * 20);
    for (size_t i = 0; i < n; i++) {
        int32_t candidates = queries->query[i].n_candidates;
        k.row[i + 1] = k.row[i] + queries->truth[i].n;
        k.place[i + 1] = k.place[i] + (candidates < depth ? candidates : depth);
    }
    size_t rows = (size_t)k.row[n], places = (size_t)k.place[n];
    k.above = rh_alloc(a, rows + 1, sizeof *k.above);
    k.tied = rh_alloc(a, rows + 1, sizeof *k.tied);
    k.predicted = rh_alloc(a, rows + 1, sizeof *k.predicted);
    if (depth > 0) {
        k.item = rh_alloc(a, places + 1, sizeof *k.item);
        k.score = rh_alloc(a, places + 1, sizeof *k.score);
    }
    if (!k.above || !k.tied || !k.predicted || (depth > 0 && (!k.item || !k.score)))
        return rh_fail_memory(err, "kept rankings", rows * 12 + places * 8);
    *out = k;
    return RH_OK;
}

void rh_keeper_rows(struct rh_keeper *k, struct rh_run_test *test, struct rh_run_ranking *ranking)
{
    int32_t n = k->queries->n;
    int64_t places = 0;
    *test = (struct rh_run_test){ k->row[n], k->above, k->tied, k->rates ? k->predicted : NULL };
    if (!k->item)
        return;
    for (int32_t i = 0; i < n; i++) { /* masked items left some places empty: close up */
        size_t length = (size_t)k->length[i];
        memmove(k->item + places, k->item + k->place[i], length * sizeof *k->item);
        memmove(k->score + places, k->score + k->place[i], length * sizeof *k->score);
        places += k->length[i];
    }
    *ranking = (struct rh_run_ranking){ k->sink.depth, places, k->item, k->score };
}

int rh_keep_items(struct rh_store *s, const struct rh_problem *p, int64_t problem, struct rh_error *err)
{
    const struct rh_domain_data *target = p->domain[p->train.target];
    struct rh_arena a = { 0 };
    size_t n = (size_t)target->n_items;
    const char **item = rh_alloc(&a, n + 1, sizeof *item), **title = rh_alloc(&a, n + 1, sizeof *title);
    int status = item && title ? RH_OK : rh_fail_memory(err, "the items of a problem", n * sizeof *item);
    for (int32_t i = 0; i < target->n_items && status >= 0; i++) {
        item[i] = rh_string(&target->item_id, i);
        title[i] = target->title.n ? rh_string(&target->title, i) : "";
    }
    if (status >= 0)
        status = rh_store_problem_items(s, problem, target->n_items, item, title, err);
    rh_arena_release(&a);
    return status;
}
