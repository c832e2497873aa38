/* Every metric in every variant against its definition: the average over all orders that equal scores allow, or, where
 * the definition says so, the formula on the exposure that these orders give on average. */
#include "allmetrics.h"
#include "eval/evaluate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST 9     /* items; the last three are the history */
#define HISTORY 3
#define COLUMNS 4

/* One query. */
struct one {
    int n; /* candidates: items 0 .. n - 1; n .. n + 2 are seen */
    float score[MOST], rating[MOST]; /* rating 0: not held out */
    float feature[MOST][COLUMNS];
    int32_t popularity[MOST], users;
    int used;
    int order[MOST]; /* items by rank */
};

#define RELEVANT_FROM 2.5
static bool relevant(const struct one *o, int item)
{
    return item < o->n && o->rating[item] >= (float)RELEVANT_FROM;
}

static double gain(const struct one *o, int item, int32_t kind)
{
    double x = (double)o->rating[item];
    if (!relevant(o, item))
        return 0;
    return kind == 0 ? 1 : kind == 1 ? pow(2, x) - 1 : kind == 2 ? x : pow(2, x - RELEVANT_FROM + 1) - 1;
}

static double discount(int rank, int32_t kind)
{
    return kind == 0 ? 1 / (log(rank + 1) / log(2)) : rank <= 2 ? 1 : 1 / (log(rank) / log(2));
}

static double cosine(const struct one *o, int a, int b)
{
    double ab = 0, aa = 0, bb = 0;
    for (int c = 0; c < COLUMNS; c++) {
        double x = (double)o->feature[a][c], y = (double)o->feature[b][c];
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

static double dcg(const struct one *o, const int *order, int k, int32_t gain_kind, int32_t discount_kind)
{
    double sum = 0;
    for (int i = 0; i < k && i < o->n; i++)
        sum += gain(o, order[i], gain_kind) * discount(i + 1, discount_kind);
    return sum;
}

static double ndcg(const struct one *o, int k, const int32_t *variant)
{
    int best[MOST];
    memcpy(best, o->order, sizeof best);
    for (int i = 0; i < o->n; i++)
        for (int j = i + 1; j < o->n; j++)
            if (gain(o, best[j], variant[0]) > gain(o, best[i], variant[0])) {
                int swap = best[i];
                best[i] = best[j];
                best[j] = swap;
            }
    return dcg(o, o->order, k, variant[0], variant[2]) /
           dcg(o, best, variant[1] ? o->n : k, variant[0], variant[2]);
}

static double average_precision(const struct one *o, int k, int n_relevant, const int32_t *variant)
{
    double at_hits = 0, at_ranks = 0, hits = 0;
    for (int i = 1; i <= k; i++) {
        bool hit = i <= o->n && relevant(o, o->order[i - 1]);
        hits += hit;
        at_ranks += hits / i;
        at_hits += hit ? hits / i : 0;
    }
    if (variant[1])
        return at_ranks / k;
    return at_hits / (variant[0] == 0 ? fmin(k, n_relevant) : variant[0] == 1 ? n_relevant : k);
}

/* Pairs won within the first k; what is behind them wins half. */
static double auc(const struct one *o, int k, int n_relevant, const int32_t *variant)
{
    double won = 0, n_masked = variant[0] ? MOST - o->n : 0, n_other = o->n + n_masked - n_relevant;
    if (n_other == 0)
        return variant[1] ? 0.5 : (double)NAN;
    for (int i = 0; i < o->n; i++)
        won += relevant(o, o->order[i]) ? (i < k ? n_masked : n_masked / 2) : 0;
    for (int i = 0; i < o->n; i++)
        for (int j = i + 1; j < o->n; j++) {
            double x = relevant(o, o->order[i]), y = relevant(o, o->order[j]);
            won += x == y ? 0 : i >= k ? 0.5 : x;
        }
    return won / (n_relevant * n_other);
}

static int by_popularity(const struct one *o, int item) /* dense rank */
{
    int rank = 1;
    for (int i = 0; i < MOST; i++) {
        bool first = true;
        for (int j = 0; j < i; j++)
            first &= o->popularity[j] != o->popularity[i];
        rank += first && o->popularity[i] > o->popularity[item];
    }
    return rank;
}

static double quantile(const struct one *o, int item)
{
    double below = 0, equal = 0, all = 0;
    if (!o->popularity[item])
        return 0;
    for (int i = 0; i < MOST; i++) {
        all += o->popularity[i] > 0;
        below += o->popularity[i] > 0 && o->popularity[i] < o->popularity[item];
        equal += o->popularity[i] == o->popularity[item];
    }
    return (below + (1 + equal) / 2) / all;
}

/* Of the recommended list. The world has MOST items; what is neither candidate nor history has no train rows. */
static double of_list(const struct rh_metric_use *u, const struct one *o, int k)
{
    const char *name = u->metric->name;
    int length = k < o->n ? k : o->n;
    double sum = 0, history = 0, pairs = 0;
    for (int i = 0; i < length; i++) {
        int item = o->order[i];
        double count = o->popularity[item];
        if (!strcmp(name, "popularity"))
            sum += u->variant[0] == 0 ? count : u->variant[0] == 1 ? count / o->users : quantile(o, item);
        else if (!strcmp(name, "lift"))
            sum += count;
        else if (!strcmp(name, "novelty"))
            sum -= log(fmax(count, 1) / o->users) / log(2);
        else if (!strcmp(name, "serendipity") && relevant(o, item))
            sum += fmax((MOST + 1 - (i + 1.0)) / MOST -
                            (count > 0 ? (MOST + 1.0 - by_popularity(o, item)) / MOST : 0), 0);
        else if (!strcmp(name, "unexpectedness") && (!u->variant[1] || relevant(o, item)))
            for (int h = o->n; h < o->n + HISTORY; h++)
                sum += (1 - cosine(o, item, h)) / HISTORY;
        for (int j = 0; j < i; j++)
            pairs += 1 - cosine(o, item, o->order[j]);
    }
    for (int h = o->n; h < o->n + HISTORY; h++)
        history += (double)o->popularity[h] / HISTORY;
    if (!strcmp(name, "ild"))
        return length < 2 ? (double)NAN : 2 * pairs / ((double)length * (length - 1));
    if (!strcmp(name, "lift"))
        return history > 0 ? (sum / length - history) / history : (double)NAN;
    return sum / length;
}

/* The textbook definition for one order. */
static double plain(const struct rh_metric_use *u, const struct one *o)
{
    const char *name = u->metric->name;
    int k = u->k ? u->k : o->n, n_relevant = 0, hits = 0, first = 0, at_r = 0;
    const int32_t *variant = u->variant;
    if (u->flags & RH_M_LIST)
        return of_list(u, o, k);
    for (int i = 0; i < o->n; i++)
        n_relevant += relevant(o, i);
    if (!n_relevant)
        return (double)NAN;
    for (int i = o->n - 1; i >= 0; i--) {
        hits += i < k && relevant(o, o->order[i]);
        at_r += i < n_relevant && relevant(o, o->order[i]);
        first = relevant(o, o->order[i]) ? i + 1 : first;
    }
    if (!strcmp(name, "ndcg"))
        return ndcg(o, k, variant);
    if (!strcmp(name, "dcg"))
        return dcg(o, o->order, k, variant[0], variant[1]);
    if (!strcmp(name, "recall"))
        return hits / (variant[0] ? fmin(k, n_relevant) : n_relevant);
    if (!strcmp(name, "precision"))
        return hits / (variant[0] ? fmin(k, o->n) : k);
    if (!strcmp(name, "f1"))
        return hits ? 2 / ((double)k / hits + (double)n_relevant / hits) : 0;
    if (!strcmp(name, "hit"))
        return hits > 0;
    if (!strcmp(name, "mrr"))
        return first <= k ? 1.0 / first : 0;
    if (!strcmp(name, "map"))
        return average_precision(o, k, n_relevant, variant);
    if (!strcmp(name, "r_precision"))
        return (double)at_r / n_relevant;
    if (!strcmp(name, "auc") || !strcmp(name, "gauc"))
        return auc(o, k, n_relevant, name[0] == 'g' ? (const int32_t[]){ 0, 0 } : variant);
    fail_msg("no plain definition of %s", name);
    return (double)NAN;
}

/* From the chance of each item to be recommended. */
static double of_exposure(const struct rh_metric_use *u, const struct one *o, const double *e)
{
    const char *name = u->metric->name;
    double total = 0, covered = 0, gini = 0, entropy = 0, kl = 0, p[COLUMNS] = { 0 }, q[COLUMNS] = { 0 };
    double of_p = 0, of_q = 0;
    for (int i = 0; i < MOST; i++) {
        total += e[i];
        covered += e[i] > 0;
        for (int j = 0; j < MOST; j++)
            gini += fabs(e[i] - e[j]);
    }
    if (!strcmp(name, "coverage"))
        return total / MOST;
    if (!strcmp(name, "gini")) /* half the relative mean absolute difference */
        return gini / (2 * MOST * total) * (u->variant[0] ? MOST / (MOST - 1.0) : 1);
    for (int i = 0; i < MOST; i++) {
        double row = 0, weight = i < o->n ? e[i] : i < o->n + HISTORY;
        entropy -= e[i] > 0 ? e[i] / total * log(e[i] / total) / (u->variant[0] ? 1 : log(2)) : 0;
        for (int c = 0; c < COLUMNS; c++)
            row += (double)o->feature[i][c];
        for (int c = 0; c < COLUMNS && row > 0; c++)
            (i < o->n ? q : p)[c] += weight * (double)o->feature[i][c] / row;
        if (row > 0)
            *(i < o->n ? &of_q : &of_p) += weight;
    }
    if (!strcmp(name, "entropy"))
        return u->variant[1] ? entropy / covered : entropy;
    assert_string_equal(name, "miscalibration");
    for (int c = 0; c < COLUMNS && of_p > 0; c++)
        if (p[c] > 0)
            kl += p[c] / of_p * log(p[c] / of_p / (0.99 * (of_q > 0 ? q[c] / of_q : 0) + 0.01 * p[c] / of_p));
    return of_p > 0 ? kl : (double)NAN;
}

static bool from_exposure(const struct rh_metric_use *u)
{
    return u->flags & RH_M_RUN || !strcmp(u->metric->name, "miscalibration");
}

struct sums {
    const struct rh_metric_use *use;
    int32_t n_use;
    double count, sum[MOST_USES], exposure[MOST_USES][MOST];
};

static void all_orders(struct sums *s, struct one *o, int rank)
{
    if (rank == o->n) {
        s->count++;
        for (int32_t u = 0; u < s->n_use; u++)
            if (from_exposure(&s->use[u]))
                for (int i = 0; i < o->n && i < s->use[u].k; i++)
                    s->exposure[u][o->order[i]]++;
            else
                s->sum[u] += plain(&s->use[u], o);
        return;
    }
    float best = -INFINITY;
    for (int i = 0; i < o->n; i++)
        if (!(o->used >> i & 1) && o->score[i] > best)
            best = o->score[i];
    for (int i = 0; i < o->n; i++) {
        if (o->used >> i & 1 || o->score[i] != best)
            continue;
        o->used |= 1 << i;
        o->order[rank] = i;
        all_orders(s, o, rank + 1);
        o->used &= ~(1 << i);
    }
}

static int score(void *arg, int thread, const struct rh_query *query, int32_t n, float *out, size_t stride,
                 struct rh_error *err)
{
    const struct one *o = arg;
    (void)thread;
    (void)query;
    (void)n;
    (void)stride;
    (void)err;
    memcpy(out, o->score, sizeof o->score);
    return RH_OK;
}

static void draw(struct one *o, struct rh_rng *rng)
{
    memset(o, 0, sizeof *o);
    o->n = 2 + (int)rh_rng_below(rng, 5);
    o->users = 7;
    uint32_t distinct = 1 + rh_rng_below(rng, 4);
    for (int i = 0; i < MOST; i++) {
        o->score[i] = (float)rh_rng_below(rng, distinct) * 0.731f;
        o->rating[i] = i < o->n && rh_rng_below(rng, 3) ? (float)(1 + rh_rng_below(rng, 9)) / 2 : 0;
        o->popularity[i] = (int32_t)rh_rng_below(rng, 5);
        for (int c = 0; c < COLUMNS && rh_rng_below(rng, 5); c++)
            o->feature[i][c] = (float)rh_rng_below(rng, 3);
    }
}

/* The same features as a sparse block. */
static struct rh_features sparse(struct rh_arena *a, const struct one *o)
{
    int64_t *row = rh_alloc(a, MOST + 1, sizeof *row);
    int32_t *col = rh_alloc(a, MOST * COLUMNS, sizeof *col);
    float *val = rh_alloc(a, MOST * COLUMNS, sizeof *val);
    for (int i = 0; i < MOST; i++) {
        row[i + 1] = row[i];
        for (int32_t c = 0; c < COLUMNS; c++)
            if (o->feature[i][c] > 0) {
                col[row[i + 1]] = c;
                val[row[i + 1]++] = o->feature[i][c];
            }
    }
    return (struct rh_features){
        .name = "kind", .n_rows = MOST, .n_cols = COLUMNS, .row = row, .col = col, .val = val
    };
}

static void evaluate_one(struct rh_arena *a, struct one *o, bool dense, const struct rh_metric_use *use, int32_t n_use,
                         struct rh_evaluation *out)
{
    struct rh_error err = { 0 };
    int32_t held[MOST], mask[MOST], n_held = 0, n_mask = 0;
    float rating[MOST];
    for (int32_t i = 0; i < MOST; i++) {
        if (o->rating[i] > 0) {
            rating[n_held] = o->rating[i];
            held[n_held++] = i;
        }
        if (i >= o->n)
            mask[n_mask++] = i;
    }
    struct rh_features block = { .name = "kind", .n_rows = MOST, .n_cols = COLUMNS, .dense = &o->feature[0][0] };
    static const char *const name[] = { "kind" };
    if (!dense)
        block = sparse(a, o);
    struct rh_metric_world world = { "made", MOST, o->users, 100, o->popularity, 1, name, &block };
    struct rh_history history = { .n = HISTORY, .item = mask };
    struct rh_query query = { .history = &history, .n_candidates = MOST };
    struct rh_truth truth = { n_held, held, rating, n_mask, mask };
    struct rh_queries queries = { 1, &query, &truth };
    struct rh_scorer scorer = { score, o, false };
    struct rh_eval_options options = { .threads = 1, .relevant_from = RELEVANT_FROM, .world = &world };
    if (rh_evaluate(a, &queries, MOST, use, n_use, &scorer, &options, out, &err) < 0)
        fail_msg("%s", err.text);
}

static void compare(struct sums *s, struct one *o, const struct rh_evaluation *got, int *compared)
{
    s->count = 0;
    memset(s->sum, 0, sizeof s->sum);
    memset(s->exposure, 0, sizeof s->exposure);
    all_orders(s, o, 0);
    for (int32_t u = 0; u < s->n_use; u++) {
        for (int i = 0; i < MOST; i++)
            s->exposure[u][i] /= s->count;
        double want = from_exposure(&s->use[u]) ? of_exposure(&s->use[u], o, s->exposure[u]) : s->sum[u] / s->count;
        if (!(isnan(want) ? isnan(got->mean[u]) : fabs(got->mean[u] - want) <= 1e-12))
            fail_msg("%s: got %.17g, all orders give %.17g", s->use[u].definition, got->mean[u], want);
        *compared += !isnan(want);
    }
}

static void every_metric_is_what_all_orders_give(void **state)
{
    (void)state;
    struct rh_arena names = { 0 };
    struct rh_error err = { 0 };
    struct rh_rng rng = { { 11, 22, 33, 44 } };
    struct sums *s = calloc(1, sizeof *s);
    static const char *id[MOST_USES];
    static const int cuts[] = { 1, 2, 3, 5, 8, 20 };
    size_t n = 0;
    int compared = 0;
    struct rh_metric_use *use;
    assert_non_null(s);
    for (const struct rh_metric *const *m = rh_metrics(); *m; m++)
        if (!((*m)->flags & (RH_M_RATING | RH_M_SCORES))) /* no ranking */
            name_all(&names, *m, (*m)->variant, "", cuts, sizeof cuts / sizeof *cuts, id, &n);
    if (rh_metrics_expand(&names, id, n, NULL, 0, &use, &s->n_use, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(s->n_use, n);
    s->use = use;
    for (int trial = 0; trial < 60; trial++) {
        struct rh_arena a = { 0 };
        struct rh_evaluation got;
        struct one o;
        draw(&o, &rng);
        evaluate_one(&a, &o, trial % 2, use, s->n_use, &got);
        compare(s, &o, &got, &compared);
        rh_arena_release(&a);
    }
    assert_true(compared > 10000);
    free(s);
    rh_arena_release(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_metric_is_what_all_orders_give) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
