#include "run/replay.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* Room of one thread. */
struct room {
    float *slot;      /* [n_items] score of the candidate at a rank */
    uint8_t *taken;   /* [n_items] the rank is a relevant item's */
    float *of_item;   /* [n_items] score of an item, where it is fixed */
    int32_t *fixed;   /* [n_items] number of the last query that fixed the item's score */
    int32_t *masked;  /* [n_items] number of the last query that masks the item */
    int32_t mark;     /* number of the query at hand */
};

struct replaying {
    struct rh_arena *a;
    const struct rh_problem *problem;
    const struct rh_stored_run *run;
    int32_t n_items;
    int64_t *first_row;   /* [n + 1] held-out rows of a query */
    int64_t *first_place; /* [n + 1] places in the kept rankings */
    int32_t *candidates;  /* [n] that are ranked */
    struct room *room;    /* [threads] */
};

static struct room *begin_query(struct replaying *x, int thread, int32_t query)
{
    struct room *r = &x->room[thread];
    const struct rh_truth *t = &x->problem->test.truth[query];
    r->mark++;
    for (int32_t i = 0; i < t->n_mask; i++)
        r->masked[t->mask[i]] = r->mark;
    return r;
}

static inline int32_t candidate(const struct rh_query *q, int32_t c)
{
    return q->candidate ? q->candidate[c] : c;
}

static void fix(struct room *r, int32_t item, float score)
{
    r->of_item[item] = score;
    r->fixed[item] = r->mark;
}

static int32_t query_number(const struct replaying *x, const struct rh_query *q)
{
    return (int32_t)(q - x->problem->test.query);
}

static int does_not_fit(const struct replaying *x, struct rh_error *err)
{
    return rh_fail(err, RH_EIO, "what is stored of '%s' does not fit its problem; run it again with --force",
                   x->run->label);
}

/* --------------------------------------------------------------------------- accuracy: ranks, then anyone's scores */

/* Puts the relevant items at their ranks; the other candidates fill what is left, best place first. The score of a rank
 * is minus the number of candidates above it. */
static int score_ranks(struct replaying *x, struct room *r, const struct rh_query *q, int32_t query, float *out,
                       struct rh_error *err)
{
    const struct rh_truth *t = &x->problem->test.truth[query];
    const int32_t *above = x->run->test.above + x->first_row[query], *tied = x->run->test.tied + x->first_row[query];
    int32_t n = x->candidates[query];
    for (int32_t i = 0; i < n; i++)
        r->slot[i] = -(float)i;
    memset(r->taken, 0, (size_t)n);
    for (int32_t i = 0; i < t->n; i++) {
        if (above[i] < 0)
            continue;
        if (tied[i] < 1 || above[i] > n - tied[i])
            return does_not_fit(x, err);
        int32_t place = above[i];
        while (place < above[i] + tied[i] && r->taken[place])
            place++;
        if (place == above[i] + tied[i])
            return does_not_fit(x, err);
        r->taken[place] = 1;
        if (r->slot[above[i] + tied[i] - 1] != -(float)above[i]) /* not done for another of the group */
            for (int32_t k = above[i]; k < above[i] + tied[i]; k++)
                r->slot[k] = -(float)above[i];
        fix(r, t->item[i], -(float)above[i]);
    }
    int32_t place = 0;
    for (int32_t c = 0; c < q->n_candidates; c++) {
        int32_t item = candidate(q, c);
        if (r->fixed[item] == r->mark || r->masked[item] == r->mark) {
            out[c] = r->fixed[item] == r->mark ? r->of_item[item] : 0;
            continue;
        }
        while (place < n && r->taken[place])
            place++;
        if (place == n)
            return does_not_fit(x, err);
        out[c] = r->slot[place++];
    }
    return RH_OK;
}

/* -------------------------------------------------------------------------------------------------- lists, ratings */

static int score_list(struct replaying *x, struct room *r, const struct rh_query *q, int32_t query, float *out,
                      struct rh_error *err)
{
    const struct rh_run_ranking *k = &x->run->ranking;
    float rest = 0;
    for (int64_t i = x->first_place[query]; i < x->first_place[query + 1]; i++) {
        if (k->item[i] < 0 || k->item[i] >= x->n_items)
            return does_not_fit(x, err);
        fix(r, k->item[i], k->score[i]);
        rest = k->score[i];
    }
    rest = rest == -FLT_MAX ? rest : nextafterf(rest, -INFINITY);
    for (int32_t c = 0; c < q->n_candidates; c++) {
        int32_t item = candidate(q, c);
        out[c] = r->fixed[item] == r->mark ? r->of_item[item] : rest;
    }
    return RH_OK;
}

static int score_ratings(struct replaying *x, struct room *r, const struct rh_query *q, int32_t query, float *out,
                         struct rh_error *err)
{
    const struct rh_truth *t = &x->problem->test.truth[query];
    (void)err;
    for (int32_t i = 0; i < t->n; i++) {
        float rating = x->run->test.predicted[x->first_row[query] + i];
        fix(r, t->item[i], isfinite(rating) ? rating : 0); /* not finite: its item was not asked about */
    }
    for (int32_t c = 0; c < q->n_candidates; c++) {
        int32_t item = candidate(q, c);
        out[c] = r->fixed[item] == r->mark ? r->of_item[item] : 0;
    }
    return RH_OK;
}

/* A way to score a query from what is stored, as a scorer. */
struct way {
    struct replaying *x;
    int (*score)(struct replaying *x, struct room *r, const struct rh_query *q, int32_t query, float *out,
                 struct rh_error *err);
};

static int score_queries(void *arg, int thread, const struct rh_query *q, int32_t n, float *out, size_t stride,
                         struct rh_error *err)
{
    const struct way *way = arg;
    for (int32_t i = 0; i < n; i++) {
        int32_t query = query_number(way->x, &q[i]);
        struct room *r = begin_query(way->x, thread, query);
        RH_TRY(way->score(way->x, r, &q[i], query, out + (size_t)i * stride, err));
    }
    return RH_OK;
}

/* ------------------------------------------------------------------------------------------------- what suffices */

enum { ACCURACY, RATINGS, LISTS, N_WAYS };

static int way_of(const struct rh_metric_use *use)
{
    return use->flags & RH_M_RATING ? RATINGS : use->flags & RH_M_LIST ? LISTS : ACCURACY;
}

/* Does the kept ranking of every query hold rank k and all that is tied with it? */
static int check_depth(const struct replaying *x, const struct rh_metric_use *use, struct rh_error *err)
{
    const struct rh_run_ranking *kept = &x->run->ranking;
    for (int32_t q = 0; q < x->problem->test.n; q++) {
        int64_t first = x->first_place[q], n = x->first_place[q + 1] - first;
        if (n == x->candidates[q])
            continue;
        if (use->k < 1 || n < use->k)
            return rh_fail(err, RH_EUNSUP, "metric '%s' looks deeper than the kept rankings of '%s', which have %d "
                           "items; keep more with harness run FILE.ini --keep-rankings=N", use->id, x->run->label,
                           kept->depth);
        if (kept->score[first + use->k - 1] == kept->score[first + n - 1])
            return rh_fail(err, RH_EUNSUP, "metric '%s' needs all items tied with rank %d, and the kept rankings of "
                           "'%s' end among them after %d; keep more with harness run FILE.ini --keep-rankings=N",
                           use->id, use->k, x->run->label, kept->depth);
    }
    return RH_OK;
}

static int check_metric(const struct replaying *x, const struct rh_metric_use *use, struct rh_error *err)
{
    if (use->flags & RH_M_SCORES)
        return rh_fail(err, RH_EUNSUP, "metric '%s' needs the scores of all candidates, which are not stored; put it "
                       "into [evaluate] metrics and run again", use->id);
    switch (way_of(use)) {
    case LISTS:
        if (!x->run->ranking.item)
            return rh_fail(err, RH_EUNSUP, "metric '%s' needs kept rankings, and '%s' has none; harness run FILE.ini "
                           "--keep-rankings runs it again and keeps them", use->id, x->run->label);
        return check_depth(x, use, err);
    default:
        if (!x->run->test.above)
            return rh_fail(err, RH_EUNSUP, "'%s' was stored by an earlier harness, without the places of its held-out "
                           "rows; harness run FILE.ini --force stores them", x->run->label);
        return RH_OK;
    }
}

/* ------------------------------------------------------------------------------------------------------ the whole */

static int make_room(struct replaying *x, int threads, struct rh_error *err)
{
    size_t n = (size_t)x->n_items + 1;
    x->room = rh_alloc(x->a, (size_t)threads, sizeof *x->room);
    if (!x->room)
        return rh_fail_memory(err, "a replay", (size_t)threads * sizeof *x->room);
    for (int t = 0; t < threads; t++) {
        struct room *r = &x->room[t];
        r->slot = rh_alloc(x->a, n, sizeof *r->slot);
        r->taken = rh_alloc(x->a, n, sizeof *r->taken);
        r->of_item = rh_alloc(x->a, n, sizeof *r->of_item);
        r->fixed = rh_alloc(x->a, n, sizeof *r->fixed);
        r->masked = rh_alloc(x->a, n, sizeof *r->masked);
        if (!r->slot || !r->taken || !r->of_item || !r->fixed || !r->masked)
            return rh_fail_memory(err, "a replay", n * 17);
    }
    return RH_OK;
}

/* Where in the stored arrays each query is; all that is stored must be some query's. */
static int lay_out(struct replaying *x, struct rh_error *err)
{
    const struct rh_queries *q = &x->problem->test;
    int64_t depth = x->run->ranking.depth;
    x->first_row = rh_alloc(x->a, (size_t)q->n + 1, sizeof *x->first_row);
    x->first_place = rh_alloc(x->a, (size_t)q->n + 1, sizeof *x->first_place);
    x->candidates = rh_alloc(x->a, (size_t)q->n, sizeof *x->candidates);
    if (!x->first_row || !x->first_place || !x->candidates)
        return rh_fail_memory(err, "a replay", (size_t)q->n * 20);
    for (int32_t i = 0; i < q->n; i++) {
        struct room *r = begin_query(x, 0, i);
        for (int32_t c = 0; c < q->query[i].n_candidates; c++)
            x->candidates[i] += r->masked[candidate(&q->query[i], c)] != r->mark;
        x->first_row[i + 1] = x->first_row[i] + q->truth[i].n;
        x->first_place[i + 1] = x->first_place[i] + (x->candidates[i] < depth ? x->candidates[i] : depth);
        if (x->candidates[i] > 1 << 24)
            return rh_fail(err, RH_EUNSUP, "a query of '%s' has more than %d candidates", x->run->label, 1 << 24);
    }
    if ((x->run->test.above && x->run->test.n != x->first_row[q->n]) ||
        (x->run->ranking.item && x->run->ranking.n != x->first_place[q->n]))
        return does_not_fit(x, err);
    return RH_OK;
}

static int replay_way(struct replaying *x, int which, const struct rh_metric_use *use, int32_t n_use,
                      const struct rh_eval_options *eval, struct rh_metric_row *row, struct rh_error *err)
{
    static int (*const score[N_WAYS])(struct replaying *, struct room *, const struct rh_query *, int32_t, float *,
                                      struct rh_error *) = { score_ranks, score_ratings, score_list };
    struct way way = { x, score[which] };
    struct rh_scorer scorer = { .score = score_queries, .arg = &way,
                                .rates = which == RATINGS && x->run->test.predicted };
    struct rh_metric_use *mine = rh_alloc(x->a, (size_t)n_use, sizeof *mine);
    struct rh_evaluation e;
    int32_t n = 0;
    if (!mine)
        return rh_fail_memory(err, "a replay", (size_t)n_use * sizeof *mine);
    for (int32_t i = 0; i < n_use; i++)
        if (way_of(&use[i]) == which)
            mine[n++] = use[i];
    if (!n)
        return RH_OK;
    if (which == RATINGS && !scorer.rates)
        way.score = score_ranks; /* undefined for every query, whatever the scores */
    RH_TRY(rh_evaluate(x->a, &x->problem->test, x->n_items, mine, n, &scorer, eval, &e, err));
    for (int32_t i = 0, at = 0; i < n_use; i++) {
        if (way_of(&use[i]) != which)
            continue;
        row[i] = (struct rh_metric_row){
            .id = use[i].id,
            .definition = use[i].definition,
            .lower_is_better = use[i].metric->flags & RH_M_LOWER_IS_BETTER,
            .value = e.mean[at],
            .defined = e.defined[at],
            .users = use[i].flags & RH_M_RUN ? NULL : e.value + (size_t)at * (size_t)e.n_queries,
        };
        at++;
    }
    return RH_OK;
}

int rh_replay(struct rh_arena *a, const struct rh_problem *problem, const struct rh_stored_run *run,
              const struct rh_metric_use *use, int32_t n_use, const struct rh_eval_options *eval,
              struct rh_metric_row *row, struct rh_error *err)
{
    struct replaying x = { .a = a, .problem = problem, .run = run,
                           .n_items = problem->train.domain[problem->train.target].n_items };
    RH_TRY(make_room(&x, eval->threads, err));
    RH_TRY(lay_out(&x, err));
    for (int32_t i = 0; i < n_use; i++)
        RH_TRY(check_metric(&x, &use[i], err));
    for (int which = 0; which < N_WAYS; which++)
        RH_TRY(replay_way(&x, which, use, n_use, eval, row, err));
    return RH_OK;
}
