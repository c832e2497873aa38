/* metrics/: hand arithmetic, the average over all orders of short lists, known expectations, trec_eval's values. */
#include "base/file.h"
#include "metrics/metric.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST 512

static void assert_near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.17g, want %.17g", got, want);
}

/* A ranking for metrics, from scores and relevance by a full sort: the plain way. */
struct world {
    struct rh_arena arena;
    struct rh_rank_sums sums;
    struct rh_tie_group group[MOST];
    struct rh_ranked ranked;
};

static void world_open(struct world *w)
{
    struct rh_error err = { 0 };
    memset(w, 0, sizeof *w);
    assert_int_equal(rh_rank_sums_make(&w->arena, 1 << 20, &w->sums, &err), RH_OK);
}

struct scored {
    double score;
    int relevant;
};
static int best_first(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;
    return (x->score < y->score) - (x->score > y->score);
}

static const struct rh_ranked *rank_list(struct world *w, const struct scored *list, int32_t n)
{
    struct scored sorted[MOST];
    memcpy(sorted, list, (size_t)n * sizeof *list);
    qsort(sorted, (size_t)n, sizeof *sorted, best_first);
    w->ranked = (struct rh_ranked){ .n_candidates = n, .group = w->group, .sums = &w->sums };
    for (int32_t i = 0, end; i < n; i = end) {
        struct rh_tie_group g = { .above = i };
        for (end = i; end < n && sorted[end].score == sorted[i].score; end++)
            g.relevant += sorted[end].relevant;
        g.size = end - i;
        w->ranked.n_relevant += g.relevant;
        if (g.relevant > 0)
            w->group[w->ranked.n_groups++] = g;
    }
    return &w->ranked;
}

static const struct rh_ranked *one_group(struct world *w, int32_t n, int32_t above, int32_t size, int32_t relevant)
{
    w->group[0] = (struct rh_tie_group){ above, size, relevant };
    w->ranked = (struct rh_ranked){
        .n_candidates = n, .n_relevant = relevant, .n_groups = 1, .group = w->group, .sums = &w->sums
    };
    return &w->ranked;
}

static double value(const char *name, const struct rh_ranked *r, int32_t k)
{
    const struct rh_metric *m = rh_metric_find(name);
    assert_non_null(m);
    struct rh_share s = m->share(r, k);
    return rh_metric_finish(m, s.num, s.weight);
}

/* The textbook definition on a list without ties; rel[i]: is the item at rank i + 1 relevant? */
static double plain(const char *name, const int *rel, int n, int k)
{
    int relevant = 0, hits = 0, first = 0, top = k > 0 && k < n ? k : n;
    double dcg = 0, ideal = 0, precisions = 0, won = 0;
    for (int i = 0; i < n; i++)
        relevant += rel[i];
    for (int i = 0; i < n; i++) {
        if (!rel[i])
            continue;
        for (int j = i + 1; j < n; j++)
            won += !rel[j];
        if (i >= top)
            continue;
        hits++;
        first = first ? first : i + 1;
        dcg += 1 / (log(i + 2) / log(2));
        precisions += (double)hits / (i + 1);
    }
    int best = k > 0 && k < relevant ? k : relevant;
    for (int i = 0; i < best; i++)
        ideal += 1 / (log(i + 2) / log(2));
    if (!strcmp(name, "ndcg"))
        return dcg / ideal;
    if (!strcmp(name, "recall"))
        return (double)hits / relevant;
    if (!strcmp(name, "precision"))
        return (double)hits / k;
    if (!strcmp(name, "hit"))
        return hits > 0;
    if (!strcmp(name, "mrr"))
        return first ? 1.0 / first : 0;
    if (!strcmp(name, "map"))
        return precisions / best;
    if (!strcmp(name, "auc"))
        return won / ((double)relevant * (n - relevant));
    fail_msg("no plain definition of %s", name);
    return NAN;
}

/* Adds up a metric over all orders that the scores allow. */
struct orders {
    const char *name;
    const struct scored *list;
    int n, k, used, rel[16];
    double sum, count;
};
static void all_orders(struct orders *o, int rank)
{
    if (rank == o->n) {
        o->sum += plain(o->name, o->rel, o->n, o->k);
        o->count++;
        return;
    }
    double best = -INFINITY;
    for (int i = 0; i < o->n; i++)
        if (!(o->used >> i & 1) && o->list[i].score > best)
            best = o->list[i].score;
    for (int i = 0; i < o->n; i++) {
        if (o->used >> i & 1 || o->list[i].score != best)
            continue;
        o->used |= 1 << i;
        o->rel[rank] = o->list[i].relevant;
        all_orders(o, rank + 1);
        o->used &= ~(1 << i);
    }
}

/* Every ranking metric at every cut-off that it takes: calls back with (metric, k). */
static const int32_t cuts[] = { 0, 1, 2, 3, 5, 8, 20 };
static bool takes(const struct rh_metric *m, int32_t k)
{
    if (m->flags & RH_M_RATING)
        return false;
    if (!(m->flags & RH_M_AT_K))
        return k == 0;
    return k > 0 || m->flags & RH_M_ALL;
}

static void ties_are_the_average_over_all_orders(void **state)
{
    (void)state;
    struct world w;
    struct rh_rng rng = { { 11, 22, 33, 44 } };
    int compared = 0;
    world_open(&w);
    for (int trial = 0; trial < 150; trial++) {
        struct scored list[7];
        int n = 2 + (int)rh_rng_below(&rng, 6), relevant = 0;
        uint32_t distinct = 1 + rh_rng_below(&rng, 4);
        for (int i = 0; i < n; i++) {
            list[i] = (struct scored){ rh_rng_below(&rng, distinct) * 0.731, (int)rh_rng_below(&rng, 2) };
            relevant += list[i].relevant;
        }
        if (relevant == 0 || relevant == n)
            continue;
        const struct rh_ranked *r = rank_list(&w, list, n);
        for (const struct rh_metric *const *m = rh_metrics(); *m; m++)
            for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) {
                if (!takes(*m, cuts[c]))
                    continue;
                struct orders o = { .name = (*m)->name, .list = list, .n = n, .k = cuts[c] };
                all_orders(&o, 0);
                assert_near(value((*m)->name, r, cuts[c]), o.sum / o.count, 1e-12);
                compared++;
            }
    }
    assert_true(compared > 3000);
    rh_arena_release(&w.arena);
}

static void values_by_hand(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    /* Ranks 1, 2..4 tied, 5, 6; relevant: rank 1, one of the tie, rank 6. */
    static const struct scored list[] = { { 2.5, 0 }, { 7.25, 1 }, { 2.5, 1 }, { 2.5, 0 }, { -1, 0 }, { -3, 1 } };
    const struct rh_ranked *r = rank_list(&w, list, 6);
    assert_int_equal(r->n_groups, 3);
    assert_near(value("recall", r, 3), (1 + 2.0 / 3) / 3, 1e-15);
    assert_near(value("precision", r, 3), (1 + 2.0 / 3) / 3, 1e-15);
    assert_near(value("precision", r, 10), 3.0 / 10, 1e-15); /* fewer candidates than k */
    assert_near(value("hit", r, 1), 1, 0);
    assert_near(value("mrr", r, 0), 1, 0);
    /* pairs: rank 1 beats 3; the tied one beats rank 5 and half of 2; rank 6 beats none; of 3 * 3 */
    assert_near(value("auc", r, 0), (3 + 1 + 1) / 9.0, 1e-15);
    /* 1 + (1/3)(1/log2 3 + 1/log2 4) over 1 + 1/log2 3 + 1/2 */
    assert_near(value("ndcg", r, 3), (1 + (0.63092975357145743 + 0.5) / 3) / (1.5 + 0.63092975357145743), 1e-15);
    /* 1 + (1/3)(2/2 + 2/3 + 2/4) + 3/6, over 3 */
    assert_near(value("map", r, 0), (1 + 13.0 / 18 + 0.5) / 3, 1e-15);
    assert_near(value("map", r, 2), (1 + 1.0 / 3) / 2, 1e-15);

    /* A tie of 5 with 2 relevant below one other: hit@3 has 2 of the 5 places: 1 - (3/5)(2/4) = 0.7;
     * first relevant at place j with chance (5 - j)/10: 0.4/2 + 0.3/3 + 0.2/4 + 0.1/5 */
    r = one_group(&w, 6, 1, 5, 2);
    assert_near(value("hit", r, 3), 0.7, 1e-15);
    assert_near(value("mrr", r, 0), 0.37, 1e-15);
    assert_near(value("mrr", r, 3), 0.3, 1e-15);
    assert_near(value("hit", r, 1), 0, 0);
    assert_near(value("auc", r, 0), (2 * 0 + 2 * 1.5) / 8, 1e-15);
    rh_arena_release(&w.arena);
}

static void ratings_by_hand(void **state)
{
    (void)state;
    static const float predicted[] = { 3.5f, 2.25f, 4.75f }, actual[] = { 4, 1, 5 };
    struct rh_ranked r = { .n_rated = 3, .predicted = predicted, .actual = actual };
    assert_near(value("rmse", &r, 0), sqrt((0.25 + 1.5625 + 0.0625) / 3), 1e-15);
    assert_near(value("mae", &r, 0), (0.5 + 1.25 + 0.25) / 3, 1e-15);
    r.n_rated = 0;
    assert_true(isnan(value("rmse", &r, 0)));
}

/* A constant scorer on a large catalogue gets what a random order gets. */
static void constant_scores_get_the_random_expectation(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    static const struct {
        int32_t n, relevant;
    } shapes[] = { { 60013, 97 }, { 60013, 1 }, { 59999, 31007 }, { 1 << 20, 29 } };
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        int32_t n = shapes[s].n, m = shapes[s].relevant, k = 37;
        const struct rh_ranked *r = one_group(&w, n, 0, n, m);
        double density = (double)m / n, discounts = 0, ideal = 0, precisions = 0, none = 1, mrr = 0, later = 1;
        for (int32_t i = 1; i <= n; i++) {
            if (i <= k)
                discounts += 1 / log2(i + 1.0);
            if (i <= k && i <= m)
                ideal += 1 / log2(i + 1.0);
            precisions += density * (1 + (i - 1.0) * (m - 1.0) / (n - 1.0)) / i;
            if (i <= k)
                none *= fmax(0, (double)(n - m - i + 1) / (n - i + 1));
            mrr += later * m / (n - i + 1.0) / i; /* the first relevant item is at i */
            later *= fmax(0, (n - i + 1.0 - m) / (n - i + 1.0));
        }
        assert_near(value("auc", r, 0), 0.5, 0);
        assert_near(value("recall", r, k), (double)k / n, 1e-15);
        assert_near(value("precision", r, k), density, 1e-15);
        assert_near(value("hit", r, k), 1 - none, 1e-13);
        assert_near(value("ndcg", r, k), density * discounts / ideal, 1e-14);
        assert_near(value("map", r, 0), precisions / m, 1e-12);
        assert_near(value("mrr", r, 0), mrr, 1e-12);
    }
    rh_arena_release(&w.arena);
}

/* A large tie group deep in the list, against sums of the hypergeometric law through lgamma. */
static void deep_groups_agree_with_direct_sums(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    static const struct {
        int32_t above, size, relevant;
    } shapes[] = { { 1, 5003, 2 }, { 17, 20011, 311 }, { 31337, 4001, 1 }, { 31337, 4001, 3999 }, { 3, 257, 250 } };
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        int32_t a = shapes[s].above, n = shapes[s].size, m = shapes[s].relevant;
        int32_t ks[] = { 0, a + 2, a + n / 3, a + n };
        for (size_t c = 0; c < sizeof ks / sizeof *ks; c++) {
            const struct rh_ranked *r = one_group(&w, a + n + 1000, a, n, m);
            int32_t d = ks[c] ? ks[c] - a : n, best = ks[c] && ks[c] < m ? ks[c] : m;
            double mrr = 0, hit = 0, map = 0, dcg = 0, ideal = 0;
            double all = lgamma(n + 1.0) - lgamma(m + 1.0) - lgamma(n - m + 1.0);
            for (int32_t j = 1; j <= d; j++) {
                map += (1 + (j - 1.0) * (m - 1.0) / (n - 1.0)) / (a + (double)j) * m / n;
                dcg += 1 / log2(a + j + 1.0) * m / n;
                if (n - j < m - 1)
                    continue;
                double p = exp(lgamma(n - j + 1.0) - lgamma(m) - lgamma(n - j - m + 2.0) - all);
                mrr += p / (a + (double)j);
                hit += p;
            }
            for (int32_t i = 1; i <= best; i++)
                ideal += 1 / log2(i + 1.0);
            assert_near(value("map", r, ks[c]), map / best, 1e-12);
            assert_near(value("ndcg", r, ks[c]), dcg / ideal, 1e-12);
            assert_near(value("mrr", r, ks[c]), mrr, 1e-9 * mrr); /* lgamma of 2e4 has 1e5 * 1e-16 of error */
            if (ks[c])
                assert_near(value("hit", r, ks[c]), hit, 1e-9);
        }
    }
    rh_arena_release(&w.arena);
}

static void perfect_rankings_are_perfect(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    for (int relevant = 1; relevant < 60; relevant++) {
        struct scored list[61];
        for (int i = 0; i < 61; i++)
            list[i] = (struct scored){ 1.37 / (i + 1), i < relevant };
        for (int tied = 0; tied < 2; tied++) {
            for (int i = 0; tied && i < relevant; i++)
                list[i].score = 9.5 + i / 7; /* ties among the relevant alone lose nothing */
            const struct rh_ranked *r = rank_list(&w, list, 61);
            for (size_t c = 1; c < sizeof cuts / sizeof *cuts; c++) {
                int32_t k = cuts[c], inside = k < relevant ? k : relevant;
                assert_near(value("ndcg", r, k), 1, tied ? 1e-15 : 0);
                assert_near(value("map", r, k), 1, 1e-15);
                assert_near(value("hit", r, k), 1, 0);
                assert_near(value("precision", r, k), (double)inside / k, 1e-15);
                assert_near(value("recall", r, k), (double)inside / relevant, 1e-15);
            }
            assert_near(value("auc", r, 0), 1, 0);
            assert_near(value("mrr", r, 0), 1, 0);
            assert_near(value("ndcg", r, 0), 1, tied ? 1e-15 : 0);
        }
    }
    rh_arena_release(&w.arena);
}

/* Over all metrics: the range holds, the order of items changes nothing, and lifting a relevant item never harms. */
static void properties_of_every_metric(void **state)
{
    (void)state;
    struct world w;
    struct rh_rng rng = { { 5, 8, 13, 21 } };
    world_open(&w);
    for (int trial = 0; trial < 400; trial++) {
        struct scored list[90], other[90];
        int n = 2 + (int)rh_rng_below(&rng, 88), relevant = 0, kept[90];
        uint32_t distinct = 1 + rh_rng_below(&rng, trial % 2 ? 6 : 1000);
        for (int i = 0; i < n; i++) {
            list[i] = (struct scored){ rh_rng_below(&rng, distinct), rh_rng_below(&rng, 4) == 0 };
            relevant += list[i].relevant;
            kept[i] = i;
        }
        if (relevant == 0 || relevant == n)
            continue;
        rh_rng_shuffle(&rng, kept, n);
        for (int i = 0; i < n; i++)
            other[i] = list[kept[i]];
        int up = 0, down = 0;
        do {
            up = (int)rh_rng_below(&rng, (uint32_t)n);
            down = (int)rh_rng_below(&rng, (uint32_t)n);
        } while (!list[up].relevant || list[down].relevant);
        for (const struct rh_metric *const *m = rh_metrics(); *m; m++)
            for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) {
                if (!takes(*m, cuts[c]))
                    continue;
                double v = value((*m)->name, rank_list(&w, list, n), cuts[c]);
                assert_true(v >= (*m)->min && v <= (*m)->max);
                assert_true(v == value((*m)->name, rank_list(&w, other, n), cuts[c]));
                if (list[down].score <= list[up].score)
                    continue;
                struct scored better[90]; /* the relevant item changes places with one that scored higher */
                memcpy(better, list, sizeof better);
                better[up].score = list[down].score;
                better[down].score = list[up].score;
                assert_true(value((*m)->name, rank_list(&w, better, n), cuts[c]) >= v - 1e-15);
            }
    }
    rh_arena_release(&w.arena);
}

static void auc_is_undefined_when_all_are_relevant(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    assert_true(isnan(value("auc", one_group(&w, 6, 0, 6, 6), 0)));
    rh_arena_release(&w.arena);
}

static void descriptors_are_complete(void **state)
{
    (void)state;
    for (const struct rh_metric *const *m = rh_metrics(); *m; m++) {
        assert_non_null((*m)->summary);
        assert_non_null((*m)->formula);
        assert_non_null((*m)->reference);
        assert_non_null((*m)->share);
        assert_true((*m)->min < (*m)->max);
        assert_ptr_equal(rh_metric_find((*m)->name), *m);
        assert_int_equal(strncmp((*m)->definition, (*m)->name, strlen((*m)->name)), 0);
        assert_int_equal(!strstr((*m)->definition, "@k"), !((*m)->flags & RH_M_AT_K));
        for (const struct rh_metric *const *other = rh_metrics(); *other != *m; other++)
            assert_string_not_equal((*other)->definition, (*m)->definition);
    }
    assert_null(rh_metric_find("ndcg@10"));
    assert_null(rh_metric_find(""));
}

static void names_expand_with_cutoffs(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    const char *names[] = { "ndcg", "auc", "recall@20", "mrr", "ndcg@10", "mrr@5", "map@all", "mrr@all", "hit" };
    int32_t cutoffs[] = { 10, 3 }, n;
    struct rh_metric_use *use;
    assert_int_equal(rh_metrics_expand(&a, names, 9, cutoffs, 2, &use, &n, &err), RH_OK);
    static const char *const ids[] = { "ndcg@10", "ndcg@3", "auc", "recall@20", "mrr", "mrr@5", "map@all", "hit@10",
                                       "hit@3" };
    assert_int_equal(n, 9);
    for (int i = 0; i < n; i++)
        assert_string_equal(use[i].id, ids[i]);
    assert_string_equal(use[0].definition, "ndcg@10/gain=bin/discount=log2/ideal=min/ties=mean");
    assert_string_equal(use[2].definition, "auc/ties=half");
    assert_string_equal(use[4].definition, "mrr@all/ties=mean");
    assert_string_equal(use[6].definition, "map@all/by=min/ties=mean");
    assert_int_equal(use[1].k, 3);
    assert_int_equal(use[4].k, 0);
    rh_arena_release(&a);
}

static void bad_names_are_refused_with_a_hint(void **state)
{
    (void)state;
    static const struct {
        const char *name, *says;
    } cases[] = {
        { "ndgc", "there is no metric 'ndgc'; did you mean 'ndcg'? there are ndcg, recall, precision, hit, mrr, map, "
                  "auc, rmse, mae" },
        { "wombat@3",
          "there is no metric 'wombat'; there are ndcg, recall, precision, hit, mrr, map, auc, rmse, mae" },
        { "", "there is no metric ''; there are ndcg, recall, precision, hit, mrr, map, auc, rmse, mae" },
        { "auc@5", "metric 'auc@5': auc takes no cut-off; write 'auc'" },
        { "ndcg@0", "metric 'ndcg@0': the cut-off '0' is not an integer 1 to 2147483647 or 'all'" },
        { "recall@ten", "metric 'recall@ten': the cut-off 'ten' is not an integer 1 to 2147483647" },
        { "recall@all", "metric 'recall@all': the cut-off 'all' is not an integer 1 to 2147483647" },
        { "hit@", "metric 'hit@': the cut-off '' is not an integer 1 to 2147483647" },
        { "hit@9999999999", "metric 'hit@9999999999': the cut-off '9999999999' is not an integer 1 to 2147483647" },
        { "ndcg", "metric 'ndcg' needs a cut-off: write 'ndcg@10', or give cut-offs" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rh_arena a = { 0 };
        struct rh_error err = { 0 };
        struct rh_metric_use *use;
        int32_t n;
        assert_int_equal(rh_metrics_expand(&a, &cases[i].name, 1, NULL, 0, &use, &n, &err), RH_EINVAL);
        assert_string_equal(err.text, cases[i].says);
        rh_arena_release(&a);
    }
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    const char *name = "ndcg";
    int32_t cutoff = -4, n;
    struct rh_metric_use *use;
    assert_int_equal(rh_metrics_expand(&a, &name, 1, &cutoff, 1, &use, &n, &err), RH_EINVAL);
    assert_string_equal(err.text, "cut-off -4 is not allowed: expected integer 1 to 2147483647");
    rh_arena_release(&a);
}

static char *source_file(struct rh_arena *a, const char *name)
{
    struct rh_error err = { 0 };
    const char *source = getenv("HARNESS_SOURCE");
    char *path = rh_path_join(a, source ? source : ".", name), *bytes;
    size_t n;
    if (rh_read_file(a, path, &bytes, &n, &err) < 0)
        fail_msg("%s", err.text);
    return bytes;
}

/* tests/oracle/trec_eval.py made both files. */
static void trec_eval_and_scikit_learn_agree(void **state)
{
    (void)state;
    static const struct {
        const char *there, *here;
    } names[] = {
        { "ndcg_cut_%d", "ndcg" }, { "ndcg", "ndcg" },      { "recall_%d", "recall" }, { "P_%d", "precision" },
        { "map_cut_%d", "map" },   { "map", "map" },        { "recip_rank", "mrr" },   { "success_%d", "hit" },
        { "auc", "auc" },
    };
    enum { QUERIES = 12 };
    static struct scored list[QUERIES][MOST];
    int32_t length[QUERIES] = { 0 };
    struct world w;
    struct rh_arena a = { 0 };
    world_open(&w);
    char *rest;
    for (char *line = strtok_r(source_file(&a, "tests/oracle/rankings.input"), "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        int query, item, relevant;
        double score;
        assert_int_equal(sscanf(line, "%d %d %lf %d", &query, &item, &score, &relevant), 4);
        assert_true(query >= 0 && query < QUERIES && item == length[query] && item < MOST);
        list[query][length[query]++] = (struct scored){ score, relevant };
    }
    int compared = 0;
    for (char *line = strtok_r(source_file(&a, "tests/oracle/rankings.expected"), "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        int query, k = 0;
        char measure[32], made[64];
        double want;
        assert_int_equal(sscanf(line, "%d %31s %lf", &query, measure, &want), 3);
        const struct rh_ranked *r = rank_list(&w, list[query], length[query]);
        assert_int_equal(r->n_groups, r->n_relevant); /* no ties */
        size_t digits = strcspn(measure, "0123456789"), i;
        k = (int)strtol(measure + digits, NULL, 10);
        for (i = 0; i < sizeof names / sizeof *names; i++) {
            snprintf(made, sizeof made, "%.*s%s", (int)strcspn(names[i].there, "%"), names[i].there,
                     measure + digits);
            if (!strcmp(made, measure) && !strchr(names[i].there, '%') == !k)
                break;
        }
        assert_true(i < sizeof names / sizeof *names);
        double got = value(names[i].here, r, k);
        if (k && !strcmp(names[i].here, "map")) /* trec_eval divides by R at any cut-off */
            got *= (double)(k < r->n_relevant ? k : r->n_relevant) / r->n_relevant;
        assert_near(got, want, 1e-9);
        compared++;
    }
    assert_int_equal(compared, 360);
    rh_arena_release(&a);
    rh_arena_release(&w.arena);
}

static void the_documentation_is_what_the_descriptors_say(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct rh_text t = { 0 };
    rh_metrics_markdown(&t);
    assert_false(t.failed);
    const char *write = getenv("HARNESS_WRITE_DOCS"); /* a path: write the page instead of comparing */
    if (write) {
        struct rh_error err = { 0 };
        assert_int_equal(rh_write_file(write, t.s, t.n, &err), RH_OK);
    } else {
        assert_string_equal(source_file(&a, "docs/metrics.md"), t.s);
    }
    rh_text_release(&t);
    rh_arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_by_hand),
        cmocka_unit_test(ratings_by_hand),
        cmocka_unit_test(ties_are_the_average_over_all_orders),
        cmocka_unit_test(constant_scores_get_the_random_expectation),
        cmocka_unit_test(deep_groups_agree_with_direct_sums),
        cmocka_unit_test(perfect_rankings_are_perfect),
        cmocka_unit_test(properties_of_every_metric),
        cmocka_unit_test(auc_is_undefined_when_all_are_relevant),
        cmocka_unit_test(descriptors_are_complete),
        cmocka_unit_test(names_expand_with_cutoffs),
        cmocka_unit_test(bad_names_are_refused_with_a_hint),
        cmocka_unit_test(trec_eval_and_scikit_learn_agree),
        cmocka_unit_test(the_documentation_is_what_the_descriptors_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
