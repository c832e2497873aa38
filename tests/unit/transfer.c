/* The network algorithms through the plugin contract: they learn, they refuse, and their numbers do not depend on
 * threads. */
#include "testhost.h"

#include "algorithms/lib/learner.h"

#include "base/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Each with settings that leave no part out. */
static const struct {
    const char *name, *settings;
} cases[] = {
    { "direct", "" },
    { "direct", "loss = bce; bag = mean; idf = no; item_ids = no; activation = tanh; positives = liked" },
    { "pretrain", "" },
    { "pretrain", "mode = direct; item_ids = no" },
    { "pretrain", "tune = head" },
    { "pretrain", "tune = gradual; l2_sp = 0.5" },
    { "adversarial", "" },
    { "adversarial", "lipschitz = clip; objective = wasserstein" },
    { "adversarial", "objective = gan" },
    { "adversarial", "objective = dann" },
    { "coral", "" },
    { "mmd", "" },
    { "mmd", "estimator = linear; kernels = 3; domain_weight = 0.1" },
    { "dsn", "" },
    { "dsn", "similarity = dann; gamma = 0.05; description = 5; private_hidden = 7; alpha = 2" },
    { "dsn", "gamma = 0; item_ids = no; beta = 0.05" },
    { "tca", "" },
    { "tca", "kernel = gaussian; whiten = yes; landmarks = 40; mu = 0.5" },
    { "tca", "match = no; components = 5; item_ids = no" },
    { "maml", "" },
    { "maml", "order = first; adapt = head; inner_steps = 3; activation = tanh" },
    { "maml", "inner_steps = 0; tasks = target; positives = liked" },
    { "maml", "init = sources; tasks = target; item_ids = no" },
    { "maml", "init = coral; tasks = target; order = first" },
    { "fomaml", "" },
    { "fomaml", "init = mmd; init_align = 3; init_epochs = 2" },
    { "anil", "tasks = sources" },
    { "anil", "init = adversarial; init_epochs = 3" },
    { "reptile", "inner_rate = 0.05" },
    { "meta_sgd", "" },
    { "meta_sgd", "order = first; inner_steps = 1; tasks = target" },
};
#define N_CASES (sizeof cases / sizeof *cases)

#define USERS 90
#define WARM 60
#define ITEMS 120
static const struct test_world_spec spec = { .n_users = USERS,
                                             .n_warm = WARM,
                                             .n_items = ITEMS,
                                             .n_domains = 3,
                                             .n_tastes = 6,
                                             .rows = 20,
                                             .support = 4,
                                             .noise = 0.3,
                                             .shift = 0.25,
                                             .ratings = true,
                                             .seed = 5 };

static void fit(struct test_host *h, int threads, size_t i, int32_t epochs, struct test_world *w,
                struct test_model *m)
{
    test_host_init(h, threads, 23);
    test_world(h, &spec, w);
    if (test_fit(h, test_algorithm(cases[i].name), cases[i].settings, &w->train, epochs, m) < 0)
        fail_msg("%s: %s", cases[i].name, h->error.text);
}

static void release(struct test_host *h, struct test_model *m)
{
    test_model_release(m);
    test_host_release(h);
}

/* Users with and without rows in training, by their histories alone; who knows four items of a user in the target
 * gains from what the user did elsewhere. */
static void learns(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        struct test_host h;
        struct test_world w;
        struct test_model m;
        fit(&h, 1, i, 24, &w, &m); /* few steps an epoch: the world is small */
        double warm = test_world_auc(&h, &w, &m, 0, WARM), cold = test_world_auc(&h, &w, &m, WARM, USERS);
        const struct rh_algorithm *a = test_algorithm(cases[i].name);
        bool sources = (a->flags & RH_A_USES_SOURCES) && !strstr(cases[i].settings, "tasks = target");
        if (!(warm > 0.74 && cold > (sources ? 0.74 : 0.66)))
            fail_msg("%s; %s: warm %.4f, cold %.4f", cases[i].name, cases[i].settings, warm, cold);
        release(&h, &m);
    }
}

static void same_bits_on_any_threads(void **state)
{
    (void)state;
    static float out[2][USERS * ITEMS];
    for (size_t i = 0; i < N_CASES; i++) {
        double loss[2];
        for (int t = 0; t < 2; t++) {
            struct test_host h;
            struct test_world w;
            struct test_model m;
            fit(&h, t + 1, i, 2, &w, &m);
            loss[t] = m.loss;
            assert_int_equal(test_score(&h, &m, w.query, USERS, t ? 7 : USERS, out[t], ITEMS), RH_OK);
            release(&h, &m);
        }
        assert_true(loss[0] == loss[1]);
        assert_memory_equal(out[0], out[1], sizeof out[0]);
    }
}

/* An item's score is the same bits in any list of candidates. */
static void candidates_do_not_matter(void **state)
{
    (void)state;
    static const int32_t some[] = { 119, 3, 64, 3, 0 };
    for (size_t i = 0; i < N_CASES; i++) {
        struct test_host h;
        struct test_world w;
        struct test_model m;
        float all[ITEMS], few[5];
        fit(&h, 1, i, 1, &w, &m);
        struct rh_query q = w.query[7];
        assert_int_equal(test_score(&h, &m, &q, 1, 1, all, ITEMS), RH_OK);
        q.candidate = some;
        q.n_candidates = 5;
        assert_int_equal(test_score(&h, &m, &q, 1, 1, few, 5), RH_OK);
        for (int c = 0; c < 5; c++)
            assert_true(few[c] == all[some[c]]);
        release(&h, &m);
    }
}

/* Mean distance of the scores of pretrain with these settings from those of the source model as it is. */
static double distance_from_source(const char *settings, int32_t epochs)
{
    static float out[2][USERS * ITEMS];
    double sum = 0;
    for (int k = 0; k < 2; k++) {
        struct test_host h;
        struct test_world w;
        struct test_model m;
        test_host_init(&h, 1, 23);
        test_world(&h, &spec, &w);
        assert_int_equal(test_fit(&h, test_algorithm("pretrain"), k ? settings : "mode = direct; item_ids = no",
                                  &w.train, k ? epochs : 1, &m), RH_OK);
        assert_int_equal(test_score(&h, &m, w.query, USERS, USERS, out[k], ITEMS), RH_OK);
        release(&h, &m);
    }
    for (int i = 0; i < USERS * ITEMS; i++)
        sum += fabs(out[0][i] - out[1][i]) / (USERS * ITEMS);
    return sum;
}

/* L2-SP holds fine-tuning near the sources, the more the stronger it is; gradual unfreezing moves the head alone
 * first. */
static void fine_tuning_can_be_held_back(void **state)
{
    (void)state;
    double free = distance_from_source("item_ids = no", 6),
           some = distance_from_source("item_ids = no; l2_sp = 30", 6),
           most = distance_from_source("item_ids = no; l2_sp = 100", 6);
    if (!(free > 1.3 * some && some > 1.3 * most && most > 0))
        fail_msg("free %g, some %g, most %g", free, some, most);
    double head = distance_from_source("item_ids = no; tune = head", 1),
           gradual = distance_from_source("item_ids = no; tune = gradual", 1),
           all = distance_from_source("item_ids = no; tune = gradual", 3);
    assert_true(gradual == head);
    assert_true(all > head);
}

/* An aligned start is what the plugin of that name has learned after as many epochs, bit for bit; without the strength
 * of its term, what all of them have learned. */
static void meta_learning_starts_from_aligned_features(void **state)
{
    (void)state;
    static const struct {
        const char *name, *settings;
        int32_t epochs;
    } pair[][2] = {
        { { "coral", "", 2 }, { "maml", "init = coral; init_epochs = 2; inner_steps = 0", 0 } },
        { { "mmd", "", 2 }, { "anil", "init = mmd; init_epochs = 2; inner_steps = 0", 0 } },
        { { "adversarial", "", 2 }, { "reptile", "init = adversarial; init_epochs = 2; inner_steps = 0", 0 } },
        { { "adversarial", "domain_weight = 0", 1 },
          { "meta_sgd", "init = mmd; init_align = 0; init_epochs = 1; inner_steps = 0", 0 } },
    };
    static float out[2][USERS * ITEMS];
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        for (int k = 0; k < 2; k++) {
            struct test_host h;
            struct test_world w;
            struct test_model m;
            test_host_init(&h, 1, 23);
            test_world(&h, &spec, &w);
            assert_int_equal(test_fit(&h, test_algorithm(pair[i][k].name), pair[i][k].settings, &w.train,
                                      pair[i][k].epochs, &m), RH_OK);
            assert_int_equal(test_score(&h, &m, w.query, USERS, USERS, out[k], ITEMS), RH_OK);
            release(&h, &m);
        }
        assert_memory_equal(out[0], out[1], sizeof out[0]);
    }
}

/* A user without any history, and one that has taken every item but one. */
static void extreme_users(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        struct test_host h;
        test_host_init(&h, 1, 23);
        static struct test_row row[ITEMS + 20];
        int64_t n = 0;
        for (int32_t j = 0; j < ITEMS; j++)
            if (j != 17)
                row[n++] = (struct test_row){ 1, j, (float)(1 + j % 5), j };
        for (int32_t j = 0; j < 10; j++)
            row[n++] = (struct test_row){ 2, 2 * j, 4, j };
        struct test_world w;
        test_world(&h, &spec, &w);
        struct rh_domain domain[2] = { test_domain(&h, "a", 4, ITEMS, row, n, TEST_VALUES),
                                       test_domain(&h, "b", 4, ITEMS, row, n, 0) };
        domain[0].item_features = w.train.domain[0].item_features;
        domain[1].item_features = w.train.domain[1].item_features;
        struct rh_train train = { .n_users = 4, .n_domains = 2, .domain = domain, .n_item_blocks = 2 };
        struct test_model m;
        if (test_fit(&h, test_algorithm(cases[i].name), cases[i].settings, &train, 2, &m) < 0)
            fail_msg("%s: %s", cases[i].name, h.error.text);
        struct rh_query q[4];
        float out[4 * ITEMS];
        for (int32_t u = 0; u < 4; u++)
            q[u] = test_query(&h, &train, u);
        assert_int_equal(test_score(&h, &m, q, 4, 4, out, ITEMS), RH_OK);
        assert_memory_equal(out, out + 3 * ITEMS, ITEMS * sizeof *out); /* both know nothing of the user */
        release(&h, &m);
    }
}

/* A world in which alignment has something to mend: the target's items carry eight dense features of pure noise,
 * where the source's are zero. Six labelled users cannot unlearn them; a critic or a distance sees them in no time,
 * and features that it cannot tell apart are features without that noise. Users of the target are known by what they
 * did in the source. */
static double shifted_auc(const char *name, const char *settings, uint64_t seed)
{
    enum { N = 120, SIX = 6, NOISE = 8 };
    struct test_host h;
    struct test_world w;
    struct test_model m;
    struct test_world_spec shifted = { .n_users = N,
                                       .n_warm = SIX,
                                       .n_items = N,
                                       .n_domains = 2,
                                       .n_tastes = 6,
                                       .rows = 20,
                                       .support = 0,
                                       .noise = 0.3,
                                       .seed = seed };
    test_host_init(&h, 1, 23 + seed);
    test_world(&h, &shifted, &w);
    struct rh_domain *domain = rh_arena_copy(&h.own, w.train.domain, 2, sizeof *domain);
    struct rh_rng r = rh_stream(seed, "transfer", "noise", 0);
    for (int d = 0; d < 2; d++) {
        struct rh_features *block = rh_alloc(&h.own, 3, sizeof *block);
        float *x = rh_alloc(&h.own, N * NOISE, sizeof *x);
        memcpy(block, domain[d].item_features, 2 * sizeof *block);
        for (int i = 0; i < N * NOISE && d == 0; i++)
            x[i] = (float)(3 * rh_rng_normal(&r));
        block[2] = (struct rh_features){ .name = "noise", .n_rows = N, .n_cols = NOISE, .dense = x };
        domain[d].item_features = block;
    }
    w.train.domain = domain;
    w.train.n_item_blocks = 3;
    if (test_fit(&h, test_algorithm(name), settings, &w.train, 24, &m) < 0)
        fail_msg("%s", h.error.text);
    double auc = test_world_auc(&h, &w, &m, SIX, N);
    release(&h, &m);
    return auc;
}

static void alignment_mends_a_shifted_feature_space(void **state)
{
    (void)state;
    static const struct {
        const char *name, *settings;
    } aligned[] = {
        { "adversarial", "domain_weight = 0.1; objective = wasserstein" },
        { "adversarial", "domain_weight = 0.1; objective = gan" },
        { "adversarial", "domain_weight = 0.1; objective = dann" },
        { "coral", "domain_weight = 100" },
        { "mmd", "domain_weight = 1" },
        { "mmd", "domain_weight = 1; estimator = linear" },
        { "dsn", "gamma = 1" },
    };
    enum { SEEDS = 4, METHODS = sizeof aligned / sizeof *aligned };
    static const char *const common = "item_ids = no; source_history = 1; batch = 4";
    double gain[METHODS] = { 0 };
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        char settings[160];
        snprintf(settings, sizeof settings, "domain_weight = 0; %s", common);
        double twin = shifted_auc("adversarial", settings, seed);
        assert_true(twin == shifted_auc("coral", settings, seed)); /* one twin for all */
        for (int i = 0; i < METHODS; i++) {
            snprintf(settings, sizeof settings, "%s; %s", aligned[i].settings, common);
            double auc = shifted_auc(aligned[i].name, settings, seed);
            if (!(auc > twin))
                fail_msg("%s; %s, seed %d: %.4f, without alignment %.4f", aligned[i].name, aligned[i].settings,
                         (int)seed, auc, twin);
            gain[i] += (auc - twin) / SEEDS;
        }
    }
    for (int i = 0; i < METHODS; i++)
        if (!(gain[i] > 0.015))
            fail_msg("%s; %s: a mean gain of %.4f in AUC", aligned[i].name, aligned[i].settings, gain[i]);
}

/* Domain separation without its own two losses is the aligned method whose similarity it takes; without any, the twin
 * of them all. Bit for bit: lambda is 1 at once. */
static void separation_holds_the_aligned_methods(void **state)
{
    (void)state;
    static const struct {
        const char *dsn, *name, *settings;
    } pair[] = {
        { "gamma = 0.5", "mmd", "domain_weight = 0.5" },
        { "gamma = 0.05; similarity = dann", "adversarial", "domain_weight = 0.05; objective = dann" },
        { "gamma = 0", "coral", "domain_weight = 0" },
    };
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        char dsn[160], other[160];
        snprintf(dsn, sizeof dsn, "alpha = 0; beta = 0; ramp = 0; item_ids = no; %s", pair[i].dsn);
        snprintf(other, sizeof other, "ramp = 0; item_ids = no; %s", pair[i].settings);
        assert_true(shifted_auc("dsn", dsn, 1) == shifted_auc(pair[i].name, other, 1));
    }
}

static void refuses_items_without_features(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        struct test_host h;
        struct test_world w;
        struct test_model m;
        test_host_init(&h, 1, 23);
        test_world(&h, &spec, &w);
        w.train.n_item_blocks = 0;
        const struct rh_algorithm *a = test_algorithm(cases[i].name);
        assert_true(a->flags & RH_A_NEEDS_ITEM_FEATURES);
        assert_int_equal(test_fit(&h, a, cases[i].settings, &w.train, 1, &m), RH_EDATA);
        assert_non_null(strstr(h.error.text, cases[i].name));
        assert_non_null(strstr(h.error.text, "needs item features, but the items of 'target' have none"));
        release(&h, &m);
    }
}

/* What alignment cannot work with, each with a sentence: sources without a row, without a feature that the target has
 * too, and users who took everything there is. */
static void refuses_sources_that_cannot_help(void **state)
{
    (void)state;
    static const char *const names[] = { "adversarial", "coral", "mmd", "tca", "dsn" };
    static const char *const settings[] = { NULL, NULL, NULL, "components = 3", "description = 3" };
    static const char *const sentence[] = { "needs interactions in a source domain, but there are none",
                                            "no block of features is filled in both",
                                            "has nothing to tell apart" };
    enum { FEW = 3, USERS_OF_ALL = 4 };
    struct test_row row[FEW * USERS_OF_ALL];
    struct test_cell cell[FEW];
    for (int32_t i = 0; i < FEW; i++) {
        cell[i] = (struct test_cell){ i, i, 1 };
        for (int32_t u = 0; u < USERS_OF_ALL; u++)
            row[i * USERS_OF_ALL + u] = (struct test_row){ u, i, 3, 0 };
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        for (int lacks = 0; lacks < 3; lacks++) {
            struct test_host h;
            struct test_model m;
            test_host_init(&h, 1, 23);
            struct rh_features full = test_sparse(&h, "x", FEW, FEW, cell, FEW, false);
            struct rh_features empty = { .name = "x", .n_rows = FEW, .n_cols = FEW };
            struct rh_domain domain[2];
            for (int d = 0; d < 2; d++)
                domain[d] = test_domain(&h, d ? "source" : "target", USERS_OF_ALL, FEW, row,
                                        d && lacks == 0 ? 0 : FEW * USERS_OF_ALL, TEST_VALUES);
            domain[0].item_features = &full;
            domain[1].item_features = lacks == 1 ? &empty : &full;
            struct rh_train train = { .n_users = USERS_OF_ALL, .n_domains = 2, .domain = domain, .n_item_blocks = 1 };
            assert_int_equal(test_fit(&h, test_algorithm(names[i]), settings[i], &train, 1, &m), RH_EDATA);
            if (!strstr(h.error.text, names[i]) || !strstr(h.error.text, sentence[lacks]))
                fail_msg("%s", h.error.text);
            release(&h, &m);
        }
}

static void divergence_is_an_error(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        struct test_host h;
        struct test_world w;
        struct test_model m;
        test_host_init(&h, 1, 23);
        test_world(&h, &spec, &w);
        assert_int_equal(
            test_fit(&h, test_algorithm(cases[i].name), "optimizer = sgd; loss = mse; rate = 10", &w.train, 9, &m),
            RH_ENUMERIC);
        assert_non_null(strstr(h.error.text, "diverged"));
        release(&h, &m);
    }
}

/* An inner loop that runs away is told as what it is. */
static void inner_divergence_is_an_error(void **state)
{
    (void)state;
    static const char *const names[] = { "maml", "fomaml", "anil", "reptile", "meta_sgd" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct test_host h;
        struct test_world w;
        struct test_model m;
        char expected[80];
        test_host_init(&h, 1, 23);
        test_world(&h, &spec, &w);
        assert_int_equal(test_fit(&h, test_algorithm(names[i]), "inner_rate = 100; inner_steps = 40; loss = mse",
                                  &w.train, 2, &m), RH_ENUMERIC);
        snprintf(expected, sizeof expected, "%s diverged: the loss of a query set is not finite", names[i]);
        assert_non_null(strstr(h.error.text, expected));
        assert_non_null(strstr(h.error.text, "try an inner_rate below 100"));
        release(&h, &m);
    }
}

/* k = 0: nobody adapts, so all who show nothing get the same scores, those of the start. */
static void without_history_the_start_scores(void **state)
{
    (void)state;
    static const char *const names[] = { "maml", "fomaml", "anil", "reptile", "meta_sgd" };
    static float adapts[2 * ITEMS], rests[2 * ITEMS];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct test_host h;
        struct test_world w;
        struct test_model m;
        test_host_init(&h, 1, 23);
        test_world(&h, &spec, &w);
        assert_int_equal(test_fit(&h, test_algorithm(names[i]), "", &w.train, 1, &m), RH_OK);
        struct rh_history nothing[3] = { 0 };
        struct rh_query q[2] = { { 1, nothing, ITEMS, NULL }, { USERS - 1, nothing, ITEMS, NULL } };
        assert_int_equal(test_score(&h, &m, q, 2, 2, adapts, ITEMS), RH_OK);
        assert_memory_equal(adapts, adapts + ITEMS, ITEMS * sizeof *adapts);
        struct rh_learner *learner = m.state;
        learner->meta.steps = 0;
        assert_int_equal(test_score(&h, &m, q, 2, 2, rests, ITEMS), RH_OK);
        assert_memory_equal(adapts, rests, sizeof rests);
        learner->meta.steps = 2;
        q[0] = w.query[USERS - 1]; /* who shows something is adapted to */
        assert_int_equal(test_score(&h, &m, q, 1, 1, adapts, ITEMS), RH_OK);
        learner->meta.steps = 0;
        assert_int_equal(test_score(&h, &m, q, 1, 1, rests, ITEMS), RH_OK);
        assert_memory_not_equal(adapts, rests, ITEMS * sizeof *rests);
        release(&h, &m);
    }
}

/* Every allocation of fit and of the first epoch fails once; no crash, and nothing but "no memory" comes back. */
static void memory_runs_out_anywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++)
        for (int64_t at = 1;; at++) {
            struct test_host h;
            struct test_world w;
            struct test_model m;
            static const struct test_world_spec small = { .n_users = 12,
                                                          .n_warm = 10,
                                                          .n_items = 20,
                                                          .n_domains = 2,
                                                          .n_tastes = 3,
                                                          .rows = 6,
                                                          .support = 2,
                                                          .seed = 5 };
            test_host_init(&h, 1, 23);
            test_world(&h, &small, &w);
            h.fail_at = at;
            int status = test_fit(&h, test_algorithm(cases[i].name), cases[i].settings, &w.train, 1, &m);
            bool reached = h.allocations >= at;
            release(&h, &m);
            if (!reached)
                break;
            assert_int_equal(status, RH_ENOMEM);
        }
}

static void stops_when_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CASES; i++) {
        struct test_host h;
        struct test_world w;
        struct test_model m;
        test_host_init(&h, 1, 23);
        test_world(&h, &spec, &w);
        h.cancel_at = 2;
        assert_int_equal(test_fit(&h, test_algorithm(cases[i].name), cases[i].settings, &w.train, 9, &m), RH_ECANCEL);
        release(&h, &m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns),
        cmocka_unit_test(same_bits_on_any_threads),
        cmocka_unit_test(candidates_do_not_matter),
        cmocka_unit_test(fine_tuning_can_be_held_back),
        cmocka_unit_test(meta_learning_starts_from_aligned_features),
        cmocka_unit_test(extreme_users),
        cmocka_unit_test(alignment_mends_a_shifted_feature_space),
        cmocka_unit_test(separation_holds_the_aligned_methods),
        cmocka_unit_test(refuses_items_without_features),
        cmocka_unit_test(refuses_sources_that_cannot_help),
        cmocka_unit_test(divergence_is_an_error),
        cmocka_unit_test(inner_divergence_is_an_error),
        cmocka_unit_test(without_history_the_start_scores),
        cmocka_unit_test(memory_runs_out_anywhere),
        cmocka_unit_test(stops_when_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
