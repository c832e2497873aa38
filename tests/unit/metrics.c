/* metrics/: hand arithmetic, known expectations, names and their refusals, trec_eval's values. All
 * metrics in all variants are in ties.c and properties.c. */
#include "base/file.h"
#include "metrics/catalogue.h"

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

/* In the default variant: of each the first word, whose value is 0. */
static double value(const char *name, const struct rh_ranked *r, int32_t k)
{
    const struct rh_metric *m = rh_metric_find(name);
    assert_non_null(m);
    struct rh_metric_use use = { .metric = m, .k = k, .flags = m->flags & ~(uint32_t)RH_M_GRADED };
    struct rh_share s = rh_metric_share(r, &use);
    return rh_metric_finish(m, s.num, s.weight);
}

static const int32_t cuts[] = { 0, 1, 2, 3, 5, 8, 20 };

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

/* Scores of five items, one masked; held out: the first, rated high, and the last, rated low. */
static void losses_by_hand(void **state)
{
    (void)state;
    static const float score[] = { 0.5f, 0.25f, -INFINITY, 0.125f, 1 }, test[] = { 0.5f, 1 }, relevant[] = { 0.5f };
    static const uint8_t positive[] = { 1, 0 };
    struct rh_ranked r = { .n_candidates = 4, .n_relevant = 1, .n_scores = 5, .score = score, .n_test = 2,
                           .test_score = test, .test_positive = positive, .relevant_score = relevant,
                           .scale_min = -1, .scale_max = 1 };
    const struct {
        int32_t variant[2];
        double want;
    } cases[] = {
        { { 0, 0 }, (log(1 + exp(-0.5)) + log(1 + exp(0.25)) + log(1 + exp(0.125)) + log(1 + exp(1))) / 4 },
        { { 0, 1 }, (log(1 + exp(-0.5)) + log(1 + exp(1))) / 2 },
        { { 1, 0 }, -(log(0.5) + log(0.75) + log(0.875) + log(0x1p-52)) / 4 }, /* 1 is kept below 1 */
        { { 1, 1 }, -(log(0.5) + log(0x1p-52)) / 2 },
        { { 2, 1 }, -(log(0.75) + log(0x1p-52)) / 2 }, /* 0.5 on a scale from -1 to 1 */
    };
    struct rh_metric_use use = { .metric = &rh_metric_logloss, .flags = RH_M_SCORES };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memcpy(use.variant, cases[i].variant, sizeof cases[i].variant);
        struct rh_share s = rh_metric_share(&r, &use);
        assert_near(rh_metric_finish(use.metric, s.num, s.weight), cases[i].want, 1e-14);
        assert_true(s.weight == (cases[i].variant[1] ? 2 : 4));
    }
    static const float far[] = { 0.5f, 1.5f };
    use.variant[0] = use.variant[1] = 1;
    r.test_score = far; /* no probability */
    assert_true(rh_metric_share(&r, &use).weight == 0);
    use.variant[0] = 2;
    r.scale_max = -1; /* no ratings, no scale */
    assert_true(rh_metric_share(&r, &use).weight == 0);
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
        assert_true(((*m)->flags & RH_M_RUN ? (void *)(*m)->total : (void *)(*m)->share) != NULL);
        assert_true((*m)->min < (*m)->max);
        assert_ptr_equal(rh_metric_find((*m)->name), *m);
        int n = 0;
        for (const struct rh_metric_variant *v = (*m)->variant; v && v->key; v++, n++) {
            assert_true(v->choice ? v->choice[0].value == 0 : !strcmp(v->key, "block") && n == 0);
            for (const struct rh_choice *c = v->choice; c && c->word; c++)
                assert_non_null(c->help);
        }
        assert_true(n <= RH_MOST_VARIANTS);
        if ((*m)->flags & RH_M_GRADED)
            assert_string_equal((*m)->variant[0].key, "gain");
    }
    for (const struct rh_metric_alias *a = rh_metric_aliases(); a->name; a++) {
        assert_null(rh_metric_find(a->name));
        assert_non_null(rh_metric_find(a->stands_for));
    }
    assert_null(rh_metric_find("ndcg@10"));
    assert_null(rh_metric_find(""));
}

static void names_expand_with_cutoffs(void **state)
{
    (void)state;
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    static const char *const names[] = {
        "ndcg", "auc", "recall@20", "mrr", "ndcg@10", "mrr@5", "map@all", "mrr@all", "hit",
        "ndcg@10/ideal=min", "ndcg@10/discount=log2/gain=exp", "ndcg@10/gain=exp/ties=mean", "hr@10",
        "map_cut@5", "map@5/div=rel", "ild@10/block=genre", "auc@7/one_class=half", "recall@20/mean=pool/div=min",
        "ndcg/gain=linear",
    };
    int32_t cutoffs[] = { 10, 3 }, n;
    struct rh_metric_use *use;
    assert_int_equal(rh_metrics_expand(&a, names, sizeof names / sizeof *names, cutoffs, 2, &use, &n, &err), RH_OK);
    static const struct {
        const char *id, *definition;
    } want[] = {
        { "ndcg@10", "ndcg@10/gain=bin/ideal=min/discount=log2/ties=mean" },
        { "ndcg@3", "ndcg@3/gain=bin/ideal=min/discount=log2/ties=mean" },
        { "auc", "auc@all/others=candidates/one_class=skip/ties=mean" },
        { "recall@20", "recall@20/div=rel/mean=query/ties=mean" },
        { "mrr", "mrr@all/ties=mean" },
        { "mrr@5", "mrr@5/ties=mean" },
        { "map@all", "map@all/div=min/at=hits/ties=mean" },
        { "hit@10", "hit@10/ties=mean" },
        { "hit@3", "hit@3/ties=mean" },
        { "ndcg@10/gain=exp", "ndcg@10/gain=exp/ideal=min/discount=log2/ties=mean" },
        { "map@5/div=rel", "map@5/div=rel/at=hits/ties=mean" },
        { "ild@10/block=genre", "ild@10/block=genre/distance=cosine/ties=mean" },
        { "auc@7/one_class=half", "auc@7/others=candidates/one_class=half/ties=mean" },
        { "recall@20/div=min/mean=pool", "recall@20/div=min/mean=pool/ties=mean" },
        { "ndcg@10/gain=linear", "ndcg@10/gain=linear/ideal=min/discount=log2/ties=mean" },
        { "ndcg@3/gain=linear", "ndcg@3/gain=linear/ideal=min/discount=log2/ties=mean" },
    };
    assert_int_equal(n, sizeof want / sizeof *want);
    for (int i = 0; i < n; i++) {
        assert_string_equal(use[i].id, want[i].id);
        assert_string_equal(use[i].definition, want[i].definition);
    }
    assert_int_equal(use[1].k, 3);
    assert_int_equal(use[4].k, 0);
    assert_string_equal(use[11].block, "genre");
    assert_true(!(use[0].flags & RH_M_GRADED) && use[9].flags & RH_M_GRADED);
    rh_arena_release(&a);
}

#define THERE_ARE                                                                                                    \
    "there are ndcg, dcg, recall, precision, f1, hit, mrr, map, r_precision, auc, gauc, logloss, rmse, mae, "        \
    "coverage, gini, entropy, popularity, lift, novelty, ild, miscalibration, serendipity, unexpectedness"

static void bad_names_are_refused_with_a_hint(void **state)
{
    (void)state;
    static const struct {
        const char *name, *says;
    } cases[] = {
        { "ndgc", "there is no metric 'ndgc'; did you mean 'ndcg'? " THERE_ARE },
        { "hit_rat@3", "there is no metric 'hit_rat'; did you mean 'hit_rate'? " THERE_ARE },
        { "wombat@3", "there is no metric 'wombat'; " THERE_ARE },
        { "", "there is no metric ''; " THERE_ARE },
        { "rmse@5", "metric 'rmse@5': rmse takes no cut-off; write 'rmse'" },
        { "ndcg@0", "metric 'ndcg@0': the cut-off '0' is not an integer 1 to 2147483647 or 'all'" },
        { "recall@ten", "metric 'recall@ten': the cut-off 'ten' is not an integer 1 to 2147483647" },
        { "recall@all", "metric 'recall@all': the cut-off 'all' is not an integer 1 to 2147483647" },
        { "hit@", "metric 'hit@': the cut-off '' is not an integer 1 to 2147483647" },
        { "hit@9999999999", "metric 'hit@9999999999': the cut-off '9999999999' is not an integer 1 to 2147483647" },
        { "ndcg", "metric 'ndcg' needs a cut-off: write 'ndcg@10', or give cut-offs" },
        { "ndcg/gain=exp", "metric 'ndcg/gain=exp' needs a cut-off: write 'ndcg@10/gain=exp', or give cut-offs" },
        { "ndcg@10/gian=exp", "metric 'ndcg@10/gian=exp': ndcg has no variant 'gian'; did you mean 'gain'? it has "
                              "gain=bin|exp|linear|above, ideal=min|all, discount=log2|late, ties=mean" },
        { "map@5/div=relevant", "metric 'map@5/div=relevant': div=relevant is not allowed; div is one of min, rel, k" },
        { "ndcg@5/gain=lineer", "metric 'ndcg@5/gain=lineer': gain=lineer is not allowed; did you mean 'linear'? "
          "gain "
                                "is one of bin, exp, linear, above" },
        { "ndcg@5/exp", "metric 'ndcg@5/exp': 'exp' is not a variant: write key=word, such as gain=exp" },
        { "ndcg@5/gain=exp/gain=bin", "metric 'ndcg@5/gain=exp/gain=bin': gain is given twice" },
        { "map_cut@5/div=min", "metric 'map_cut@5/div=min': div is given twice" },
        { "ndcg@5/", "metric 'ndcg@5/' ends with '/'" },
        { "ndcg@5//gain=exp", "metric 'ndcg@5//gain=exp': '' is not a variant: write key=word, such as gain=exp" },
        { "ild@10", "metric 'ild@10' needs the name of a block of item features: write 'ild@10/block=genre'" },
        { "ild@10/block=", "metric 'ild@10/block=': block= needs the name of a block of item features" },
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

/* Names with bytes changed, doubled and lost are read or refused with a sentence; what is read reads the same again. */
static void damaged_names_are_read_or_refused(void **state)
{
    (void)state;
    static const char *const names[] = { "ndcg@10/gain=exp/ideal=all", "ild@5/block=genre", "map_cut@20", "auc@all",
                                         "recall@7/div=min/mean=pool", "logloss/prob=scale/over=test" };
    static const char bytes[] = "@/=0129amin-";
    struct rh_rng rng = { { 7, 77, 777, 7777 } };
    int32_t cutoff = 10, read = 0;
    for (int trial = 0; trial < 20000; trial++) {
        struct rh_arena a = { 0 };
        struct rh_error err = { 0 };
        struct rh_metric_use *use, *again;
        int32_t n, n_again;
        char name[64];
        snprintf(name, sizeof name, "%s", names[rh_rng_below(&rng, 6)]);
        for (uint32_t edits = 1 + rh_rng_below(&rng, 3); edits; edits--) {
            size_t length = strlen(name), at = length ? rh_rng_below(&rng, (uint32_t)length) : 0;
            switch (rh_rng_below(&rng, 3)) {
            case 0: memmove(name + at, name + at + (length > 0), length - at + !length); break;
            case 1: name[at] = length ? bytes[rh_rng_below(&rng, sizeof bytes - 1)] : '\0'; break;
            default: memmove(name + at + 1, name + at, length - at + 1); break;
            }
        }
        const char *one = name;
        if (rh_metrics_expand(&a, &one, 1, &cutoff, 1, &use, &n, &err) < 0) {
            assert_int_equal(err.status, RH_EINVAL);
            assert_true(strlen(err.text) > 20);
        } else {
            read++;
            assert_int_equal(n, 1);
            assert_int_equal(rh_metrics_expand(&a, &use->id, 1, &cutoff, 1, &again, &n_again, &err), RH_OK);
            assert_string_equal(again->definition, use->definition);
            assert_int_equal(rh_metrics_expand(&a, &use->definition, 1, &cutoff, 1, &again, &n_again, &err), RH_OK);
            assert_string_equal(again->id, use->id);
        }
        rh_arena_release(&a);
    }
    assert_true(read > 500 && read < 15000);
}

static void a_missing_block_is_named(void **state)
{
    (void)state;
    static const int64_t row[] = { 0, 1, 1 };
    static const int32_t col[] = { 0 };
    static const char *const block_name[] = { "genre", "text", "year" };
    const struct rh_features block[] = { { .name = "genre", .n_rows = 2, .n_cols = 1, .row = row, .col = col },
                                         { .name = "text", .n_rows = 2, .n_cols = 9 },
                                         { .name = "year", .n_rows = 2, .n_cols = 1, .row = row, .col = col } };
    struct rh_metric_world w = { .name = "movies", .n_items = 2, .n_blocks = 3, .block_name = block_name,
                                 .block = block };
    static const struct {
        const char *name, *says;
    } cases[] = {
        { "ild@3/block=genre", NULL },
        { "ild@3/block=genres", "metric ild@3/block=genres needs the item features 'genres', and target 'movies' "
          "has only "
                                "genre, year; did you mean 'genre'?" },
        { "unexpectedness@3/block=text", "metric unexpectedness@3/block=text needs the item features 'text', and "
          "target "
                                         "'movies' has only genre, year" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct rh_arena a = { 0 };
        struct rh_error err = { 0 };
        struct rh_metric_use *use;
        int32_t n;
        assert_int_equal(rh_metrics_expand(&a, &cases[i].name, 1, NULL, 0, &use, &n, &err), RH_OK);
        assert_int_equal(rh_metrics_check(&w, use, n, &err), cases[i].says ? RH_EDATA : RH_OK);
        assert_string_equal(err.text, cases[i].says ? cases[i].says : "");
        rh_arena_release(&a);
    }
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
        { "ndcg_cut_%d", "ndcg" }, { "ndcg", "ndcg" },      { "recall_%d", "recall" },  { "P_%d", "precision" },
        { "map_cut_%d", "map" },   { "map", "map" },        { "recip_rank", "mrr" },    { "success_%d", "hit" },
        { "auc", "auc" },          { "Rprec", "r_precision" },
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
    assert_int_equal(compared, 372);
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

/* "`ndcg@k/gain=exp`" becomes ndcg@10/gain=exp. */
static void ids_of_other_programs_are_ids(void **state)
{
    (void)state;
    struct rh_text t = { 0 };
    int checked = 0;
    rh_metrics_markdown(&t);
    const char *at = strstr(t.s, "| program | its metrics");
    assert_non_null(at);
    while ((at = strchr(at, '`'))) {
        size_t n = strcspn(at + 1, "`");
        struct rh_text id = { 0 };
        struct rh_arena a = { 0 };
        struct rh_error err = { 0 };
        struct rh_metric_use *use;
        int32_t n_use;
        for (const char *c = at + 1; c < at + 1 + n; c++) {
            bool k = !strncmp(c, "@k", 2), name = !strncmp(c, "NAME", 4);
            rh_text_addn(&id, k ? "@10" : name ? "genre" : c, k ? 3 : name ? 5 : 1);
            c += k ? 1 : name ? 3 : 0;
        }
        const char *whole = *id.s == '/' ? rh_arena_printf(&a, "ndcg@10%s", id.s) : id.s;
        if (rh_metrics_expand(&a, &whole, 1, NULL, 0, &use, &n_use, &err) < 0)
            fail_msg("%s", err.text);
        checked++;
        rh_text_release(&id);
        rh_arena_release(&a);
        at += n + 2;
    }
    assert_true(checked > 40);
    rh_text_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_by_hand),
        cmocka_unit_test(ratings_by_hand),
        cmocka_unit_test(losses_by_hand),
        cmocka_unit_test(constant_scores_get_the_random_expectation),
        cmocka_unit_test(deep_groups_agree_with_direct_sums),
        cmocka_unit_test(perfect_rankings_are_perfect),
        cmocka_unit_test(auc_is_undefined_when_all_are_relevant),
        cmocka_unit_test(descriptors_are_complete),
        cmocka_unit_test(names_expand_with_cutoffs),
        cmocka_unit_test(a_missing_block_is_named),
        cmocka_unit_test(damaged_names_are_read_or_refused),
        cmocka_unit_test(bad_names_are_refused_with_a_hint),
        cmocka_unit_test(trec_eval_and_scikit_learn_agree),
        cmocka_unit_test(ids_of_other_programs_are_ids),
        cmocka_unit_test(the_documentation_is_what_the_descriptors_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
