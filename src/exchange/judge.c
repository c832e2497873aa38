#include "exchange/judge.h"

#include "base/parallel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A relevant item that the run lists. */
struct hit {
    float score, grade;
    int32_t line;
    int32_t above; /* lines before it, where ties have an order */
};

struct worker {
    struct rh_query_room run, qrels;
    struct hit *hit;
    struct rh_tie_group *group;
    float *grade; /* of the hits, group by group */
    float *ideal; /* of all relevant items, descending */
    float *sorted;
    int32_t hits, lines; /* room */
    struct rh_error err;
    int64_t failed_at;
    int64_t relevant, listed, tied;
};

struct judging {
    const struct rh_run_file *run, *qrels;
    const struct rh_metric_use *use;
    int32_t n_use;
    const struct rh_judge_options *options;
    const int32_t *query, *judged; /* [n] in run, in qrels */
    int32_t n;
    bool graded; /* some metric wants the grades */
    struct rh_rank_sums sums;
    struct worker *worker;
    struct rh_share *share; /* [n x n_use] */
};

static int by_score(const void *x, const void *y)
{
    const struct hit *a = x, *b = y;
    if (a->score != b->score)
        return a->score < b->score ? 1 : -1;
    return (a->line > b->line) - (a->line < b->line);
}

static int descending(const void *x, const void *y)
{
    float a = *(const float *)x, b = *(const float *)y;
    return (a < b) - (a > b);
}

/* Is it so for every pair? No branch, so that it is done eight at a time. */
static bool is_descending(const float *x, int32_t n)
{
    int32_t rising = 0;
    for (int32_t i = 1; i < n; i++)
        rising |= x[i] > x[i - 1];
    return !rising;
}

static int grow(void **p, int32_t *room, int32_t n, size_t elem, struct rh_error *err)
{
    if (n <= *room)
        return RH_OK;
    void *bigger = realloc(*p, (size_t)n * elem);
    if (!bigger)
        return rh_fail_memory(err, "the lines of a query", (size_t)n * elem);
    *p = bigger;
    *room = n;
    return RH_OK;
}

/* The scores of a query in descending order: as they stand, or a sorted copy. */
static int sort_scores(struct worker *w, const struct rh_query_lines *lines, const float **out)
{
    *out = lines->value;
    if (is_descending(lines->value, lines->n))
        return RH_OK;
    RH_TRY(grow((void **)&w->sorted, &w->lines, lines->n, sizeof *w->sorted, &w->err));
    memcpy(w->sorted, lines->value, (size_t)lines->n * sizeof *w->sorted);
    qsort(w->sorted, (size_t)lines->n, sizeof *w->sorted, descending);
    *out = w->sorted;
    return RH_OK;
}

/* How many of the descending scores are larger than x (or not smaller). */
static int32_t count_above(const float *score, int32_t n, float x, bool or_equal)
{
    int32_t lo = 0, hi = n;
    while (lo < hi) {
        int32_t middle = lo + (hi - lo) / 2;
        if (score[middle] > x || (or_equal && score[middle] == x))
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

/* Tied lines whose item comes before that of `line` in the order of trec_eval. */
static int32_t tied_before(const struct judging *j, const struct rh_query_lines *lines, int32_t line)
{
    char mine[24], other[24];
    struct rh_span me = rh_item_text(j->run, lines->item[line], mine);
    int32_t n = 0;
    for (int32_t i = 0; i < lines->n; i++) {
        if (lines->value[i] != lines->value[line] || i == line)
            continue;
        struct rh_span it = rh_item_text(j->run, lines->item[i], other);
        int order = memcmp(it.s, me.s, it.n < me.n ? it.n : me.n);
        n += order > 0 || (order == 0 && it.n > me.n);
    }
    return n;
}

static int by_above(const void *x, const void *y)
{
    const struct hit *a = x, *b = y;
    return (a->above > b->above) - (a->above < b->above);
}

static int by_grade(const void *x, const void *y)
{
    const struct hit *a = x, *b = y;
    return (a->grade > b->grade) - (a->grade < b->grade);
}

/* Sorts the hits into tie groups; where ties have an order, each hit is a group of its own. */
static int32_t make_groups(const struct judging *j, struct worker *w, const struct rh_query_lines *lines,
                           const float *score, int32_t hits)
{
    int32_t n = 0;
    qsort(w->hit, (size_t)hits, sizeof *w->hit, by_score);
    for (int32_t i = 0, same; i < hits; i += same) {
        int32_t above = count_above(score, lines->n, w->hit[i].score, false);
        int32_t size = count_above(score, lines->n, w->hit[i].score, true) - above;
        for (same = 1; i + same < hits && w->hit[i + same].score == w->hit[i].score; same++)
            ;
        w->tied += size > 1 ? same : 0;
        if (size > 1 && j->options->ties == RH_TIES_TREC_EVAL) {
            for (int32_t k = i; k < i + same; k++)
                w->hit[k].above = above + tied_before(j, lines, w->hit[k].line);
            qsort(w->hit + i, (size_t)same, sizeof *w->hit, by_above);
            for (int32_t k = i; k < i + same; k++)
                w->group[n++] = (struct rh_tie_group){ w->hit[k].above, 1, 1 };
        } else {
            qsort(w->hit + i, (size_t)same, sizeof *w->hit, by_grade);
            w->group[n++] = (struct rh_tie_group){ above, size, same };
        }
    }
    for (int32_t i = 0; i < hits; i++)
        w->grade[i] = w->hit[i].grade;
    return n;
}

static int make_room(struct worker *w, int32_t n)
{
    int32_t room;
    if (n <= w->hits)
        return RH_OK;
    room = w->hits;
    RH_TRY(grow((void **)&w->hit, &room, n, sizeof *w->hit, &w->err));
    room = w->hits;
    RH_TRY(grow((void **)&w->grade, &room, n, sizeof *w->grade, &w->err));
    room = w->hits;
    RH_TRY(grow((void **)&w->ideal, &room, n, sizeof *w->ideal, &w->err));
    return grow((void **)&w->group, &w->hits, n, sizeof *w->group, &w->err);
}

static int judge_query(struct judging *j, struct worker *w, int32_t i)
{
    struct rh_query_lines lines, judged;
    const float *score;
    RH_TRY(rh_run_file_enter(j->run, j->query[i], &w->run, &lines, &w->err));
    if (!j->options->ignore_ranks)
        RH_TRY(rh_run_file_check_ranks(j->run, j->query[i], &w->err));
    RH_TRY(rh_run_file_enter(j->qrels, j->judged[i], &w->qrels, &judged, &w->err));
    RH_TRY(sort_scores(w, &lines, &score));
    RH_TRY(make_room(w, judged.n));
    int32_t hits = 0, relevant = 0;
    for (int32_t k = 0; k < judged.n; k++) {
        if (!(judged.value[k] > 0))
            continue;
        w->ideal[relevant++] = judged.value[k];
        int32_t line = rh_run_file_line(j->run, &w->run, j->qrels, judged.item[k]);
        if (line >= 0)
            w->hit[hits++] = (struct hit){ lines.value[line], judged.value[k], line, 0 };
    }
    if (j->graded)
        qsort(w->ideal, (size_t)relevant, sizeof *w->ideal, descending);
    w->relevant += relevant;
    w->listed += hits;
    if (!hits && relevant) /* some metrics look at the first group alone: it is behind every cut-off */
        w->group[0] = (struct rh_tie_group){ INT32_MAX, 1, 1 };
    struct rh_ranked ranked = { .n_candidates = lines.n + relevant - hits,
                                .n_relevant = relevant,
                                .n_groups = make_groups(j, w, &lines, score, hits),
                                .group = w->group,
                                .group_value = w->grade,
                                .ideal_value = w->ideal,
                                .value_from = 1,
                                .sums = &j->sums };
    for (int32_t m = 0; m < j->n_use; m++)
        j->share[(int64_t)m * j->n + i] = rh_metric_share(&ranked, &j->use[m]);
    return RH_OK;
}

static int judge_queries(void *arg, int thread, int64_t begin, int64_t end)
{
    struct judging *j = arg;
    struct worker *w = &j->worker[thread];
    for (int64_t i = begin; i < end; i++)
        if (judge_query(j, w, (int32_t)i) < 0) {
            w->failed_at = i;
            return w->err.status;
        }
    return RH_OK;
}

static int match_queries(struct rh_arena *a, struct judging *j, struct rh_judgement *out, struct rh_error *err)
{
    int32_t n = 0, *query = rh_alloc(a, (size_t)j->run->n_queries + 1, sizeof *query);
    int32_t *judged = rh_alloc(a, (size_t)j->run->n_queries + 1, sizeof *judged);
    if (!query || !judged)
        return rh_fail_memory(err, "the queries of a file", (size_t)j->run->n_queries * 8);
    for (int32_t q = 0; q < j->run->n_queries; q++) {
        int32_t at = rh_run_file_find(j->qrels, j->run->query[q].id);
        if (at < 0)
            continue;
        query[n] = q;
        judged[n++] = at;
    }
    if (!n)
        return rh_fail(err, RH_EINVAL, "no query of '%s' is in '%s': its first is '%.*s', theirs '%.*s'", j->run->path,
                       j->qrels->path, (int)j->run->query[0].id.n, j->run->query[0].id.s,
                       (int)j->qrels->query[0].id.n, j->qrels->query[0].id.s);
    out->n_queries = j->n = n;
    out->query = j->query = query;
    j->judged = judged;
    out->unjudged = j->run->n_queries - n;
    out->missing = j->qrels->n_queries - n;
    return RH_OK;
}

static int judge_all(struct rh_arena *a, struct judging *j, struct rh_judgement *out, struct rh_error *err)
{
    int32_t most = 0;
    size_t n = (size_t)j->n, m = (size_t)j->n_use;
    for (int32_t i = 0; i < j->n; i++) { /* unlisted relevant items are candidates too */
        int64_t candidates = (int64_t)j->run->query[j->query[i]].n + j->qrels->query[j->judged[i]].n;
        most = candidates > most ? (int32_t)candidates : most;
    }
    RH_TRY(rh_rank_sums_make(a, most, &j->sums, err));
    j->share = rh_alloc(a, n * m + 1, sizeof *j->share);
    out->value = rh_alloc(a, n * m + 1, sizeof *out->value);
    out->mean = rh_alloc(a, m, sizeof *out->mean);
    out->defined = rh_alloc(a, m, sizeof *out->defined);
    if (!j->share || !out->value || !out->mean || !out->defined)
        return rh_fail_memory(err, "values of queries", n * m * 24);
    int status = rh_loop(j->options->threads, j->n, 16, judge_queries, j);
    const struct worker *first = NULL;
    for (int t = 0; t < j->options->threads; t++) {
        const struct worker *w = &j->worker[t];
        out->relevant += w->relevant;
        out->listed += w->listed;
        out->tied += w->tied;
        if (w->err.status < 0 && (!first || w->failed_at < first->failed_at))
            first = w;
    }
    if (status < 0)
        return rh_fail(err, status, "%s", first ? first->err.text : "judging failed");
    for (size_t k = 0; k < m; k++) {
        struct rh_share sum = { 0, 0 };
        const struct rh_metric *metric = j->use[k].metric;
        for (size_t i = 0; i < n; i++) {
            const struct rh_share *s = &j->share[k * n + i];
            out->value[k * n + i] = rh_metric_finish(metric, s->num, s->weight);
            out->defined[k] += s->weight > 0;
            sum.num += s->num;
            sum.weight += s->weight;
        }
        out->mean[k] = rh_metric_finish(metric, sum.num, sum.weight);
    }
    return RH_OK;
}

static int check_metrics(const struct rh_metric_use *use, int32_t n, struct rh_error *err)
{
    for (int32_t i = 0; i < n; i++)
        if (use[i].flags & (RH_M_RATING | RH_M_LIST | RH_M_SCORES))
            return rh_fail(err, RH_EUNSUP, "metric '%s' needs more than a run and judgements; import the run into an "
                           "experiment", use[i].id);
    return RH_OK;
}

int rh_judge(struct rh_arena *a, const struct rh_run_file *run, const struct rh_run_file *qrels,
             const struct rh_metric_use *use, int32_t n_use, const struct rh_judge_options *options,
             struct rh_judgement *out, struct rh_error *err)
{
    struct judging j = { .run = run, .qrels = qrels, .use = use, .n_use = n_use, .options = options };
    *out = (struct rh_judgement){ 0 };
    RH_TRY(check_metrics(use, n_use, err));
    for (int32_t i = 0; i < n_use; i++)
        j.graded |= (use[i].flags & RH_M_GRADED) != 0;
    RH_TRY(match_queries(a, &j, out, err));
    j.worker = calloc((size_t)options->threads, sizeof *j.worker);
    if (!j.worker)
        return rh_fail_memory(err, "threads", (size_t)options->threads * sizeof *j.worker);
    int status = judge_all(a, &j, out, err);
    for (int t = 0; t < options->threads; t++) {
        rh_query_room_release(&j.worker[t].run);
        rh_query_room_release(&j.worker[t].qrels);
        free(j.worker[t].hit);
        free(j.worker[t].group);
        free(j.worker[t].grade);
        free(j.worker[t].ideal);
        free(j.worker[t].sorted);
    }
    free(j.worker);
    return status;
}
