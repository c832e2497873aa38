#include "eval/evaluate.h"

#include "base/parallel.h"
#include "eval/exposure.h"
#include "eval/gather.h"
#include "eval/rank.h"
#include "eval/relevant.h"
#include "eval/top.h"

#include <stdatomic.h>
#include <string.h>

/* A tile should stay in the cache between scoring and counting, and have rows enough for a matrix product to be
 * efficient: for each tile it lays all items out anew, at the cost of some twenty rows. Only the width decides, so that
 * batches are the same on any machine. */
int32_t rh_evaluate_rows(int32_t widest)
{
    enum { SCORES = 1 << 21, FEWEST = 16, MOST = 64 };
    int32_t rows = widest > 0 ? SCORES / widest : MOST;
    return rows < FEWEST ? FEWEST : rows > MOST ? MOST : rows;
}

/* What one thread needs; `err` is its first and only failure, at the batch that begins with `failed_at`. */
struct worker {
    float *tile;     /* [rows x stride] */
    float *relevant; /* [most_truth] scores of relevant candidates */
    float *predicted, *actual; /* [most_truth] */
    struct rh_tie_group *group; /* [most_truth] */
    int32_t *place;  /* [n_items] place of an item in the candidate list + 1, 0: not in it; NULL: no lists */
    struct rh_ranker ranker;
    struct rh_top top;             /* where metrics or the sink want lists */
    struct rh_gather gather;       /* where metrics want ratings or scores */
    struct rh_exposure_counts exposure; /* where metrics want exposure */
    uint8_t *is_relevant, *list_relevant; /* [n_items], [widest] where metrics want lists */
    double *scratch;               /* [n_scratch] zero between metrics */
    int32_t *above, *tied;         /* [most_truth] for the sink */
    float *clipped;                /* [most_truth] for the sink */
    struct rh_error err;
    int64_t failed_at;
};

/* Counts of one batch, added up in the order of the batches. */
struct tally {
    int64_t scores, tied, relevant;
    int32_t no_relevant, few_candidates, no_history, listed;
};

struct evaluation {
    const struct rh_queries *queries;
    struct rh_metric_use *use; /* [n_use] with the state of this evaluation */
    const struct rh_scorer *scorer;
    const struct rh_eval_options *options;
    uint32_t flags;   /* of all metrics in use */
    size_t n_scratch; /* most that one of them wants */
    int32_t *cut;     /* [n_cuts] cut-offs of exposure */
    int32_t n_cuts;
    int32_t n_items, n_use;
    int32_t widest;     /* most candidates of a query, at least 1 */
    int32_t rows;       /* queries of a batch */
    int32_t most_truth; /* longest list of held-out items, at least 1 */
    bool lists;         /* some query has a candidate list */
    int32_t depth;      /* best candidates that metrics or the sink want to see; 0: none */
    size_t stride;      /* widest, rounded up to whole cache lines */
    struct rh_rank_sums sums;
    struct worker *worker;  /* [threads] */
    struct rh_share *share; /* [batches x n_use] */
    struct tally *tally;    /* [batches] */
    double *value;          /* [n_use x n] */
    atomic_int_fast64_t done;
};

/* Strictly ascending and all in [0, n_items). */
static bool is_item_list(const int32_t *item, int32_t n, int32_t n_items)
{
    for (int32_t i = 0; i < n; i++)
        if (item[i] < 0 || item[i] >= n_items || (i > 0 && item[i] <= item[i - 1]))
            return false;
    return n >= 0;
}

static int check_query(const struct evaluation *e, const struct rh_query *q, const struct rh_truth *t,
                       struct rh_error *err)
{
    if (q->candidate ? q->n_candidates < 0 : q->n_candidates != e->n_items)
        return rh_fail(err, RH_EBUG, "query of user %d has %d candidates of %d items", q->user, q->n_candidates,
                       e->n_items);
    for (int32_t c = 0; q->candidate && c < q->n_candidates; c++)
        if (q->candidate[c] < 0 || q->candidate[c] >= e->n_items)
            return rh_fail(err, RH_EBUG, "query of user %d has candidate %d, not one of %d items", q->user,
                           q->candidate[c], e->n_items);
    if (!is_item_list(t->item, t->n, e->n_items) || !is_item_list(t->mask, t->n_mask, e->n_items))
        return rh_fail(err, RH_EBUG, "held-out or masked items of user %d are not ascending items of the target",
                       q->user);
    return RH_OK;
}

/* Checks the queries and finds the sizes that they need. */
static int measure(struct evaluation *e, struct rh_error *err)
{
    e->widest = e->most_truth = 1;
    for (int32_t i = 0; i < e->queries->n; i++) {
        const struct rh_query *q = &e->queries->query[i];
        const struct rh_truth *t = &e->queries->truth[i];
        RH_TRY(check_query(e, q, t, err));
        e->lists |= q->candidate != NULL;
        e->widest = q->n_candidates > e->widest ? q->n_candidates : e->widest;
        e->most_truth = t->n > e->most_truth ? t->n : e->most_truth;
    }
    e->rows = rh_evaluate_rows(e->widest);
    e->stride = ((size_t)e->widest + 15) & ~(size_t)15;
    return RH_OK;
}

static int make_worker(const struct evaluation *e, struct rh_arena *a, struct worker *w, struct rh_error *err)
{
    size_t rows = (size_t)(e->rows < e->queries->n ? e->rows : e->queries->n), truth = (size_t)e->most_truth;
    w->tile = rh_alloc(a, rows * e->stride, sizeof *w->tile);
    w->relevant = rh_alloc(a, truth, sizeof *w->relevant);
    w->predicted = rh_alloc(a, truth, sizeof *w->predicted);
    w->actual = rh_alloc(a, truth, sizeof *w->actual);
    w->group = rh_alloc(a, truth, sizeof *w->group);
    w->place = e->lists ? rh_alloc(a, (size_t)e->n_items, sizeof *w->place) : NULL;
    if (!w->tile || !w->relevant || !w->predicted || !w->actual || !w->group || (e->lists && !w->place))
        return rh_fail_memory(err, "a tile of scores", rows * e->stride * sizeof *w->tile);
    if (e->options->sink) {
        w->above = rh_alloc(a, truth, sizeof *w->above);
        w->tied = rh_alloc(a, truth, sizeof *w->tied);
        w->clipped = rh_alloc(a, truth, sizeof *w->clipped);
        if (!w->above || !w->tied || !w->clipped)
            return rh_fail_memory(err, "outcomes of a query", truth * 3 * sizeof *w->above);
    }
    if (e->depth > 0)
        RH_TRY(rh_top_make(a, e->depth, e->widest, &w->top, err));
    if (e->flags & (RH_M_GRADED | RH_M_SCORES))
        RH_TRY(rh_gather_make(a, e->most_truth, &w->gather, err));
    if (e->flags & RH_M_LIST) {
        w->is_relevant = rh_alloc(a, (size_t)e->n_items, sizeof *w->is_relevant);
        w->list_relevant = rh_alloc(a, (size_t)e->widest, sizeof *w->list_relevant);
        w->scratch = rh_alloc(a, e->n_scratch, sizeof *w->scratch);
        if (!w->is_relevant || !w->list_relevant || !w->scratch)
            return rh_fail_memory(err, "lists of the best items", e->n_scratch * sizeof *w->scratch);
        RH_TRY(rh_exposure_counts_make(a, e->cut, e->n_cuts, e->n_items, &w->exposure, err));
    }
    return rh_ranker_make(a, e->most_truth, &w->ranker, err);
}

/* Notes where each item stands in the candidate list of a query. */
static int enter_places(struct worker *w, const struct rh_query *q)
{
    for (int32_t c = 0; c < q->n_candidates; c++) {
        if (w->place[q->candidate[c]])
            return rh_fail(&w->err, RH_EBUG, "query of user %d has candidate %d twice", q->user, q->candidate[c]);
        w->place[q->candidate[c]] = c + 1;
    }
    return RH_OK;
}

static void leave_places(struct worker *w, const struct rh_query *q)
{
    for (int32_t c = 0; c < q->n_candidates; c++)
        w->place[q->candidate[c]] = 0;
}

/* Place of an item among the scores of a query, or -1. */
static inline int32_t place_of(const struct worker *w, const struct rh_query *q, int32_t item)
{
    return q->candidate ? w->place[item] - 1 : item;
}

static inline float clip(float x, float low, float high)
{
    return low == high ? x : x < low ? low : x > high ? high : x;
}

/* Takes the predicted ratings out of the scores. */
static int32_t take_ratings(const struct evaluation *e, struct worker *w, const struct rh_query *q,
                            const struct rh_truth *t, const float *score)
{
    int32_t n = 0;
    for (int32_t i = 0; t->value && i < t->n; i++) {
        int32_t c = place_of(w, q, t->item[i]);
        if (c < 0)
            continue;
        w->predicted[n] = clip(score[c], e->options->value_min, e->options->value_max);
        w->actual[n++] = t->value[i];
    }
    return n;
}

/* Makes masked scores -infinity, below every candidate; returns how many candidates were masked. */
static int32_t mask(const struct worker *w, const struct rh_query *q, const struct rh_truth *t, float *score)
{
    int32_t n = 0;
    for (int32_t i = 0; i < t->n_mask; i++) {
        int32_t c = place_of(w, q, t->mask[i]);
        if (c < 0)
            continue;
        score[c] = -INFINITY;
        n++;
    }
    return n;
}

/* Place of held-out row i among the scores when it is a relevant candidate, after masking; else -1. */
static inline int32_t relevant_place(const struct evaluation *e, const struct worker *w, const struct rh_query *q,
                                     const struct rh_truth *t, const float *score, int32_t i)
{
    int32_t c = place_of(w, q, t->item[i]);
    if (c < 0 || score[c] == -INFINITY)
        return -1;
    return rh_is_relevant(t, i, e->options->relevant_from, e->options->relevant_best) ? c : -1;
}

/* Collects the scores of the relevant candidates. */
static int32_t take_relevant(const struct evaluation *e, struct worker *w, const struct rh_query *q,
                             const struct rh_truth *t, const float *score)
{
    int32_t n = 0;
    for (int32_t i = 0; i < t->n; i++) {
        int32_t c = relevant_place(e, w, q, t, score, i);
        if (c >= 0)
            w->relevant[n++] = score[c];
    }
    return n;
}

/* Shows the scores of the held-out rows. Before masking, which overwrites scores. */
static void show_test_scores(const struct evaluation *e, struct worker *w, const struct rh_query *q,
                             const struct rh_truth *t, const float *score, struct rh_ranked *ranked)
{
    for (int32_t i = 0; i < t->n; i++) {
        int32_t c = place_of(w, q, t->item[i]);
        if (c < 0)
            continue;
        w->gather.test_score[ranked->n_test] = score[c];
        w->gather.test_positive[ranked->n_test++] =
            rh_is_relevant(t, i, e->options->relevant_from, e->options->relevant_best);
    }
    ranked->test_score = w->gather.test_score;
    ranked->test_positive = w->gather.test_positive;
    ranked->score = score;
    ranked->n_scores = q->n_candidates;
    ranked->relevant_score = w->relevant;
    ranked->scale_min = (double)e->options->value_min;
    ranked->scale_max = (double)e->options->value_max;
}

/* Shows the ratings of the relevant candidates, group by group. */
static void show_ratings(const struct evaluation *e, struct worker *w, const struct rh_query *q,
                         const struct rh_truth *t, const float *score, struct rh_ranked *ranked)
{
    double from = e->options->relevant_from;
    w->gather.n = 0;
    for (int32_t i = 0; i < t->n; i++) {
        int32_t c = relevant_place(e, w, q, t, score, i);
        if (c >= 0)
            rh_gather_rating(&w->gather, rh_rank_group(&w->ranker, ranked->n_groups, score[c]),
                             t->value ? t->value[i] : 1.0f);
    }
    rh_gather_show(&w->gather, ranked);
    ranked->value_from = !t->value ? 1 : isfinite(from) ? from : (double)e->options->value_min;
}

/* Shows what is recommended. */
static void show_list(const struct evaluation *e, struct worker *w, const struct rh_query *q,
                      const struct rh_truth *t, const float *score, struct rh_ranked *ranked)
{
    for (int32_t i = 0; i < t->n; i++)
        w->is_relevant[t->item[i]] = relevant_place(e, w, q, t, score, i) >= 0;
    for (int32_t i = 0; i < w->top.n; i++)
        w->list_relevant[i] = w->is_relevant[w->top.item[i]];
    for (int32_t i = 0; i < t->n; i++)
        w->is_relevant[t->item[i]] = 0;
    ranked->n_list = w->top.n;
    ranked->n_list_groups = w->top.n_groups;
    ranked->list = w->top.item;
    ranked->list_group = w->top.group;
    ranked->list_relevant = w->list_relevant;
    if (q->history) { /* domain 0 is the target */
        ranked->n_history = q->history[0].n;
        ranked->history = q->history[0].item;
    }
    ranked->world = e->options->world;
    ranked->scratch = w->scratch;
    rh_exposure_add(&w->exposure, w->top.item, w->top.group, w->top.n_groups);
}

/* Before masking too. */
static void note_predictions(const struct evaluation *e, struct worker *w, const struct rh_query *q,
                             const struct rh_truth *t, const float *score)
{
    for (int32_t i = 0; i < t->n; i++) {
        int32_t c = place_of(w, q, t->item[i]);
        w->clipped[i] = c < 0 ? NAN : clip(score[c], e->options->value_min, e->options->value_max);
    }
}

/* Passes on where the held-out rows came out and what is best. */
static void put_outcome(const struct evaluation *e, struct worker *w, int32_t query, const struct rh_ranked *ranked,
                        const float *score)
{
    const struct rh_eval_sink *sink = e->options->sink;
    const struct rh_query *q = &e->queries->query[query];
    const struct rh_truth *t = &e->queries->truth[query];
    for (int32_t i = 0; i < t->n; i++) {
        int32_t c = relevant_place(e, w, q, t, score, i);
        const struct rh_tie_group *g =
            c < 0 ? NULL : &w->group[rh_rank_group(&w->ranker, ranked->n_groups, score[c])];
        w->above[i] = g ? g->above : -1;
        w->tied[i] = g ? g->size : 0;
    }
    struct rh_outcome out = {
        .n_top = w->top.n < sink->depth ? w->top.n : sink->depth,
        .top = w->top.item,
        .top_score = w->top.score,
        .n_test = t->n,
        .above = w->above,
        .tied = w->tied,
        .predicted = e->scorer->rates && t->value ? w->clipped : NULL,
    };
    sink->put(sink->arg, (int)(w - e->worker), query, &out);
}

static void take_metrics(const struct evaluation *e, int64_t batch, int32_t query, const struct rh_ranked *ranked)
{
    const struct rh_eval_options *o = e->options;
    struct tally *tally = &e->tally[batch];
    bool has_history = !o->n_domains || rh_has_history(&e->queries->query[query], o->n_domains);
    int32_t deepest = 0;
    for (int32_t m = 0; m < e->n_use; m++) {
        struct rh_share s = rh_policy_share(&o->policy, has_history, ranked, &e->use[m]);
        struct rh_share *sum = &e->share[batch * e->n_use + m];
        e->value[(int64_t)m * e->queries->n + query] = rh_metric_finish(e->use[m].metric, s.num, s.weight);
        sum->num += s.num;
        sum->weight += s.weight;
        deepest = e->use[m].k > deepest ? e->use[m].k : deepest;
    }
    tally->no_relevant += ranked->n_relevant == 0;
    tally->few_candidates += ranked->n_candidates < deepest;
    tally->no_history += !has_history;
}

/* A NaN that no arithmetic gives: what score() leaves alone is found, instead of being ranked as the last batch's. */
static const uint32_t unwritten = UINT32_MAX;

static int refuse_score(struct worker *w, const struct rh_query *q, const float *score, int32_t c)
{
    int32_t item = q->candidate ? q->candidate[c] : c;
    if (!memcmp(&score[c], &unwritten, sizeof unwritten))
        return rh_fail(&w->err, RH_ENUMERIC, "item %d got no score for user %d: score() must fill all candidates",
                       item, q->user);
    return rh_fail(&w->err, RH_ENUMERIC, "the score of item %d for user %d is %g: scores must be finite", item, q->user,
                   (double)score[c]);
}

static int evaluate_query(struct evaluation *e, struct worker *w, int64_t batch, int32_t query, float *score)
{
    const struct rh_query *q = &e->queries->query[query];
    const struct rh_truth *t = &e->queries->truth[query];
    struct tally *tally = &e->tally[batch];
    int32_t bad = rh_first_not_finite(score, q->n_candidates);
    if (bad >= 0)
        return refuse_score(w, q, score, bad);
    if (q->candidate)
        RH_TRY(enter_places(w, q));
    struct rh_ranked ranked = { .n_items = e->n_items, .sums = &e->sums, .group = w->group, .predicted = w->predicted,
                                .actual = w->actual };
    if (e->scorer->rates)
        ranked.n_rated = take_ratings(e, w, q, t, score);
    if (e->flags & RH_M_SCORES)
        show_test_scores(e, w, q, t, score, &ranked);
    if (e->options->sink)
        note_predictions(e, w, q, t, score);
    ranked.n_candidates = q->n_candidates - mask(w, q, t, score);
    ranked.n_relevant = take_relevant(e, w, q, t, score);
    if (ranked.n_relevant > 0)
        ranked.n_groups = rh_rank(&w->ranker, score, q->n_candidates, w->relevant, ranked.n_relevant, w->group);
    if (e->flags & RH_M_GRADED)
        show_ratings(e, w, q, t, score, &ranked);
    if (e->depth > 0)
        rh_top_list(&w->top, score, q->candidate, q->n_candidates);
    if (e->flags & RH_M_LIST)
        show_list(e, w, q, t, score, &ranked);
    take_metrics(e, batch, query, &ranked);
    if (e->options->sink)
        put_outcome(e, w, query, &ranked, score);
    if (q->candidate)
        leave_places(w, q);

    tally->scores += q->n_candidates;
    tally->relevant += ranked.n_relevant;
    tally->listed += ranked.n_candidates > 0;
    for (int32_t g = 0; g < ranked.n_groups; g++)
        if (w->group[g].size > 1)
            tally->tied += w->group[g].relevant;
    return RH_OK;
}

static int evaluate_batch(struct evaluation *e, struct worker *w, int32_t begin, int32_t end)
{
    if (e->options->cancel && *e->options->cancel)
        return rh_fail(&w->err, RH_ECANCEL, "interrupted");
    const struct rh_scorer *s = e->scorer;
    memset(w->tile, 0xff, (size_t)(end - begin) * e->stride * sizeof *w->tile); /* `unwritten` */
    int status = s->score(s->arg, (int)(w - e->worker), e->queries->query + begin, end - begin, w->tile, e->stride,
                          &w->err);
    if (status < 0)
        return rh_fail(&w->err, status, "scoring failed");
    for (int32_t i = begin; i < end; i++)
        RH_TRY(evaluate_query(e, w, begin / e->rows, i, w->tile + (size_t)(i - begin) * e->stride));
    return RH_OK;
}

static int loop_body(void *arg, int thread, int64_t begin, int64_t end)
{
    struct evaluation *e = arg;
    struct worker *w = &e->worker[thread];
    int status = evaluate_batch(e, w, (int32_t)begin, (int32_t)end);
    if (status < 0)
        w->failed_at = begin;
    int64_t done = atomic_fetch_add(&e->done, end - begin) + end - begin;
    if (thread == 0) /* the log belongs to one thread */
        rh_progress_step(e->options->log, (double)done, e->queries->n);
    return status;
}

/* A thread fails once at most, and the loop starts no batch after a failure, so the failure of the first batch that
 * fails on one thread is among them on any number. */
static int first_failure(const struct evaluation *e, int threads, struct rh_error *err)
{
    const struct worker *first = NULL;
    for (int i = 0; i < threads; i++) {
        const struct worker *w = &e->worker[i];
        if (w->err.status < 0 && (!first || w->failed_at < first->failed_at))
            first = w;
    }
    return first ? rh_fail(err, first->err.status, "%s", first->err.text) : RH_OK;
}

/* Metrics of the whole run, from the exposure of the items. */
static int take_totals(const struct evaluation *e, struct rh_arena *scratch, int threads, int32_t listed,
                       struct rh_evaluation *out, struct rh_error *err)
{
    const struct rh_exposure_counts **counts = rh_alloc(scratch, (size_t)threads, sizeof *counts);
    if (!counts)
        return rh_fail_memory(err, "exposure of items", (size_t)threads * sizeof *counts);
    for (int i = 0; i < threads; i++)
        counts[i] = &e->worker[i].exposure;
    for (int32_t c = 0; c < e->n_cuts; c++) {
        struct rh_arena_mark mark = rh_arena_mark(scratch);
        struct rh_exposure exposure;
        RH_TRY(rh_exposure_finish(scratch, counts, threads, c, listed, &exposure, err));
        for (int32_t m = 0; m < e->n_use; m++)
            if (e->use[m].flags & RH_M_RUN && e->use[m].k == e->cut[c]) {
                out->mean[m] = e->use[m].metric->total(&exposure, &e->use[m]);
                out->defined[m] = listed;
            }
        rh_arena_rewind(scratch, mark);
    }
    return RH_OK;
}

static void add_up(const struct evaluation *e, int64_t n_batches, int32_t *listed, struct rh_evaluation *out)
{
    for (int32_t m = 0; m < e->n_use; m++) {
        struct rh_share sum = { 0, 0 };
        for (int64_t b = 0; b < n_batches; b++) {
            sum.num += e->share[b * e->n_use + m].num;
            sum.weight += e->share[b * e->n_use + m].weight;
        }
        out->mean[m] = rh_metric_finish(e->use[m].metric, sum.num, sum.weight);
        const double *value = out->value + (int64_t)m * out->n_queries;
        for (int32_t i = 0; i < out->n_queries; i++)
            out->defined[m] += !isnan(value[i]);
    }
    for (int64_t b = 0; b < n_batches; b++) {
        out->n_scores += e->tally[b].scores;
        out->tied += e->tally[b].tied;
        out->relevant += e->tally[b].relevant;
        out->no_relevant += e->tally[b].no_relevant;
        out->few_candidates += e->tally[b].few_candidates;
        out->no_history += e->tally[b].no_history;
        *listed += e->tally[b].listed;
    }
}

/* What the metrics in use and the sink want to see. */
static int prepare(struct evaluation *e, const struct rh_metric_use *use, struct rh_arena *scratch,
                   struct rh_error *err)
{
    const struct rh_metric_world *world = e->options->world;
    e->use = rh_arena_copy(scratch, use, (size_t)e->n_use, sizeof *use);
    e->cut = rh_alloc(scratch, (size_t)e->n_use, sizeof *e->cut);
    if (!e->use || !e->cut)
        return rh_fail_memory(err, "metrics in use", (size_t)e->n_use * sizeof *use);
    e->depth = e->options->sink ? e->options->sink->depth : 0;
    for (int32_t m = 0; m < e->n_use; m++) {
        struct rh_metric_use *u = &e->use[m];
        int32_t c = 0;
        e->flags |= u->flags;
        if (!(u->flags & RH_M_LIST))
            continue;
        if (!world || world->n_items != e->n_items)
            return rh_fail(err, RH_EBUG, "metric %s without the world of its %d items", u->id, e->n_items);
        RH_TRY(rh_metrics_check(world, u, 1, err));
        if (u->metric->prepare)
            RH_TRY(u->metric->prepare(scratch, world, u, err));
        e->n_scratch = u->n_scratch > e->n_scratch ? u->n_scratch : e->n_scratch;
        e->depth = u->k > e->depth ? u->k : e->depth;
        while (c < e->n_cuts && e->cut[c] != u->k)
            c++;
        if (u->flags & RH_M_RUN && c == e->n_cuts)
            e->cut[e->n_cuts++] = u->k;
    }
    return RH_OK;
}

static int run(struct evaluation *e, const struct rh_metric_use *use, struct rh_arena *scratch,
               struct rh_evaluation *out, struct rh_error *err)
{
    RH_TRY(measure(e, err));
    RH_TRY(prepare(e, use, scratch, err));
    int32_t listed = 0;
    int64_t n_batches = ((int64_t)e->queries->n + e->rows - 1) / e->rows;
    int threads = e->options->threads > 1 ? e->options->threads : 1;
    if (threads > n_batches)
        threads = n_batches > 0 ? (int)n_batches : 1;
    RH_TRY(rh_rank_sums_make(scratch, e->widest, &e->sums, err));
    e->share = rh_alloc(scratch, (size_t)n_batches * (size_t)e->n_use, sizeof *e->share);
    e->tally = rh_alloc(scratch, (size_t)n_batches, sizeof *e->tally);
    e->worker = rh_alloc(scratch, (size_t)threads, sizeof *e->worker);
    if (!e->share || !e->tally || !e->worker)
        return rh_fail_memory(err, "sums of batches", (size_t)n_batches * (size_t)e->n_use * sizeof *e->share);
    for (int i = 0; i < threads; i++)
        RH_TRY(make_worker(e, scratch, &e->worker[i], err));
    int status = rh_loop(threads, e->queries->n, e->rows, loop_body, e);
    RH_TRY(first_failure(e, threads, err));
    if (status < 0)
        return rh_fail(err, status, "evaluation failed");
    add_up(e, n_batches, &listed, out);
    return e->n_cuts > 0 ? take_totals(e, scratch, threads, listed, out, err) : RH_OK;
}

int rh_evaluate(struct rh_arena *a, const struct rh_queries *queries, int32_t n_items,
                const struct rh_metric_use *use, int32_t n_use, const struct rh_scorer *scorer,
                const struct rh_eval_options *options, struct rh_evaluation *out, struct rh_error *err)
{
    size_t values;
    *out = (struct rh_evaluation){ .n_queries = queries->n, .n_metrics = n_use };
    if (__builtin_mul_overflow((size_t)n_use, (size_t)queries->n, &values))
        return rh_fail_memory(err, "values of queries", SIZE_MAX);
    out->value = rh_alloc(a, values, sizeof *out->value);
    out->mean = rh_alloc(a, (size_t)n_use, sizeof *out->mean);
    out->defined = rh_alloc(a, (size_t)n_use, sizeof *out->defined);
    if (!out->value || !out->mean || !out->defined)
        return rh_fail_memory(err, "values of queries", values * sizeof *out->value);
    struct evaluation e = {
        .queries = queries, .n_items = n_items, .n_use = n_use, .scorer = scorer, .options = options,
        .value = out->value,
    };
    struct rh_arena scratch = { 0 };
    int status = run(&e, use, &scratch, out, err);
    rh_arena_release(&scratch);
    return status;
}
