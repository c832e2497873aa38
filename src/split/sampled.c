/* Sampled negatives: the test queries once more, each with its held-out items and a few items that the user has no row
 * of. The full queries stay; what a sample is good for is said in docs/protocols.md. */
#include "base/stream.h"
#include "split/build.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct sampler {
    struct rh_build *b;
    int32_t *mark;       /* [n_items] the number of the query that the item is not drawn for, from 1 */
    int64_t *weight;     /* [n_items] target train rows; NULL: uniform */
    const int32_t *row_item; /* [n_rows] items of the target's train rows: one of them at random has this weight */
    int64_t n_rows; /* fits 32 bits: positions do */
    struct keyed {
        double key;
        int32_t item;
    } *rest; /* [n_items] room */
    const struct rh_candidate_file *file; /* NULL: negatives are drawn */
};

static int make_sampler(struct rh_build *b, const struct rh_candidate_file *f, struct sampler *s, struct rh_error *err)
{
    const struct rh_domain *view = &b->view[0];
    size_t n = (size_t)view->n_items;
    *s = (struct sampler){ .b = b, .file = f->row ? f : NULL };
    s->mark = rh_build_alloc(&b->work, n, sizeof *s->mark, "negatives", err);
    s->rest = rh_build_alloc(&b->work, n, sizeof *s->rest, "negatives", err);
    if (!s->mark || !s->rest)
        return RH_ENOMEM;
    if (b->spec->asking->negatives_by == RH_NEGATIVES_UNIFORM)
        return RH_OK;
    s->row_item = view->item;
    s->n_rows = view->row[b->p->train.n_users];
    if (!(s->weight = rh_build_alloc(&b->work, n, sizeof *s->weight, "negatives", err)))
        return RH_ENOMEM;
    for (int64_t r = 0; r < s->n_rows; r++)
        s->weight[s->row_item[r]]++;
    return RH_OK;
}

static int by_key(const void *x, const void *y)
{
    const struct keyed *a = x, *b = y;
    if (a->key != b->key)
        return a->key > b->key ? -1 : 1;
    return a->item < b->item ? -1 : a->item > b->item;
}

static int by_item(const void *x, const void *y)
{
    int32_t a = *(const int32_t *)x, b = *(const int32_t *)y;
    return a < b ? -1 : a > b;
}

/* Draws up to `wanted` items without replacement, marks them, returns how many there were. First by rejection, which is
 * quick while few items are marked; what is still missing after that comes from a pass over the unmarked ones with
 * exponential keys, which continues the same distribution (Efraimidis and Spirakis 2006). */
static int32_t draw(struct sampler *s, struct rh_rng *rng, int32_t query, int32_t wanted, int32_t *out)
{
    int32_t n_items = s->b->view[0].n_items, n = 0, left = 0;
    for (int64_t tries = 8 * (int64_t)wanted; n < wanted && tries > 0; tries--) {
        int32_t item = s->row_item ? s->row_item[rh_rng_below(rng, (uint32_t)s->n_rows)]
                                   : (int32_t)rh_rng_below(rng, (uint32_t)n_items);
        if (s->mark[item] == query)
            continue;
        s->mark[item] = query;
        out[n++] = item;
    }
    if (n == wanted)
        return n;
    for (int32_t i = 0; i < n_items; i++)
        if (s->mark[i] != query && (!s->weight || s->weight[i] > 0)) {
            double weight = s->weight ? (double)s->weight[i] : 1;
            s->rest[left++] = (struct keyed){ log(1 - rh_rng_uniform(rng)) / weight, i };
        }
    qsort(s->rest, (size_t)left, sizeof *s->rest, by_key);
    for (int32_t i = 0; i < left && n < wanted; i++)
        out[n++] = s->rest[i].item;
    return n;
}

/* Those of the file's items that are not marked. */
static int32_t take(struct sampler *s, int32_t user, int32_t query, int32_t *out)
{
    int32_t n = 0;
    for (int64_t k = s->file->row[user]; k < s->file->row[user + 1]; k++)
        if (s->mark[s->file->item[k]] != query)
            out[n++] = s->file->item[k];
    return n;
}

static void mark_all(struct sampler *s, const int32_t *item, int32_t n, int32_t query, int32_t *marked)
{
    for (int32_t i = 0; i < n; i++) {
        *marked += s->mark[item[i]] != query;
        s->mark[item[i]] = query;
    }
}

/* The candidates of query number i, at out; returns their number. */
static int32_t sample_query(struct sampler *s, int32_t i, int32_t wanted, int32_t *out, int32_t *drawn, int32_t *pool)
{
    const struct rh_problem *p = s->b->p;
    const struct rh_truth *t = &p->test.truth[i];
    int32_t user = p->test.query[i].user, marked = 0, held = 0;
    mark_all(s, t->mask, t->n_mask, i + 1, &marked);
    for (int32_t k = 0; k < t->n; k++)
        if (s->mark[t->item[k]] != i + 1) /* a masked item is no candidate */
            out[held++] = t->item[k];
    mark_all(s, t->item, t->n, i + 1, &marked);
    *pool = s->b->view[0].n_items - marked;
    struct rh_rng rng = rh_stream(s->b->spec->seed, s->b->domain[0]->content, "negatives", (uint64_t)user);
    *drawn = s->file ? take(s, user, i + 1, out + held)
                     : draw(s, &rng, i + 1, wanted < *pool ? wanted : *pool, out + held);
    qsort(out + held, (size_t)*drawn, sizeof *out, by_item);
    return held + *drawn;
}

/* Longest list of negatives that query i can get. */
static int64_t most_negatives(const struct rh_build *b, const struct rh_candidate_file *f, int32_t i)
{
    int32_t user = b->p->test.query[i].user;
    int64_t most = b->spec->asking->negatives < b->view[0].n_items ? b->spec->asking->negatives : b->view[0].n_items;
    return f->row ? f->row[user + 1] - f->row[user] : most;
}

int rh_build_sampled(struct rh_build *b, const struct rh_candidate_file *f, struct rh_error *err)
{
    struct rh_problem *p = b->p;
    struct rh_arena *a = &p->arena;
    struct sampler s;
    int64_t room = 0;
    if (f->n && !f->row)
        return rh_fail(err, RH_EDATA, "%s: candidates = sampled needs negatives user by user, and its lines name items "
                       "alone", b->spec->asking->candidates_file);
    RH_TRY(make_sampler(b, f, &s, err));
    for (int32_t i = 0; i < p->test.n; i++)
        room += p->test.truth[i].n + most_negatives(b, f, i);
    int32_t *out = rh_build_alloc(a, (size_t)room, sizeof *out, "negatives", err);
    int32_t *drawn = rh_build_alloc(a, (size_t)p->test.n, sizeof *drawn, "negatives", err);
    int32_t *pool = rh_build_alloc(a, (size_t)p->test.n, sizeof *pool, "negatives", err);
    struct rh_query *query = rh_arena_copy(a, p->test.query, (size_t)p->test.n, sizeof *query);
    if (!out || !drawn || !pool || !query)
        return rh_fail_memory(err, "negatives", (size_t)room * sizeof *out);
    for (int32_t i = 0; i < p->test.n; i++) {
        query[i].candidate = out;
        query[i].n_candidates =
            sample_query(&s, i, (int32_t)(most_negatives(b, f, i)), out, &drawn[i], &pool[i]);
        if (!drawn[i])
            return rh_fail(err, RH_EDATA, "user '%s' of problem '%s' gets no negative: %s",
                           rh_string(&p->user_id, query[i].user), b->spec->name,
                           f->row ? "candidates_file has no item for the user but those that the user has rows of"
                                  : "there is no other item");
        out += query[i].n_candidates;
    }
    p->sampled = (struct rh_sampled){ { p->test.n, query, p->test.truth }, drawn, pool };
    return RH_OK;
}
