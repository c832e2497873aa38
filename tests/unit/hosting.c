/* The test host itself: its promises, its refusals, and the made world. */
#include "testhost.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A plugin that likes items which share topics with the history: cheap, and near the truth of the made world. */
struct params {
    int64_t misdeed;
    double weight;
};
struct state {
    const struct params *params;
    const struct rh_features *genre;
    int32_t epochs;
};
static const struct rh_param params_table[] = {
    RH_INT(struct params, misdeed, 0, 0, 3, "1: alloc in score, 2: not a number, 3: leaves an item out"),
    RH_REAL(struct params, weight, 1.5, 0, 10, "of a shared topic"),
    RH_PARAMS_END,
};

static int fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    struct state *s = state;
    s->params = params;
    s->genre = &train->domain[train->target].item_features[0];
    if (!ctx->host->alloc(ctx, 100, 8) || !ctx->host->scratch(ctx, 100, 8))
        return RH_ENOMEM;
    return RH_OK;
}

static int epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss)
{
    struct state *s = state;
    s->epochs = number;
    *loss = 1.0 / number;
    RH_TRY(ctx->host->tick(ctx, number, 3));
    return number == 3 ? RH_DONE : RH_OK;
}

static int score(struct rh_ctx *ctx, const void *state, const struct rh_query *query, int32_t n, float *out,
                 size_t stride)
{
    const struct state *s = state;
    const struct rh_features *g = s->genre;
    float *profile = ctx->host->scratch(ctx, (size_t)g->n_cols, sizeof *profile);
    if (!profile || (s->params->misdeed == 1 && !ctx->host->alloc(ctx, 1, 1)))
        return RH_ENOMEM;
    for (int32_t i = 0; i < n; i++) {
        memset(profile, 0, (size_t)g->n_cols * sizeof *profile);
        const struct rh_history *h = &query[i].history[0];
        for (int32_t k = 0; k < h->n; k++)
            for (int64_t j = g->row[h->item[k]]; j < g->row[h->item[k] + 1]; j++)
                profile[g->col[j]] += 1;
        for (int32_t c = s->params->misdeed == 3; c < query[i].n_candidates; c++) {
            float sum = s->params->misdeed == 2 ? NAN : 0;
            for (int64_t j = g->row[c]; j < g->row[c + 1]; j++)
                sum += (float)s->params->weight * profile[g->col[j]];
            out[(size_t)i * stride + (size_t)c] = sum;
        }
    }
    return RH_OK;
}

static const struct rh_algorithm topics = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "topics",
    .params = params_table,
    .params_size = sizeof(struct params),
    .state_size = sizeof(struct state),
    .epochs = 5,
    .fit = fit,
    .epoch = epoch,
    .score = score,
};

static const struct test_world_spec spec = { .n_users = 60,
                                             .n_warm = 40,
                                             .n_items = 90,
                                             .n_domains = 2,
                                             .n_tastes = 6,
                                             .rows = 16,
                                             .support = 5,
                                             .noise = 0.2,
                                             .seed = 31 };

static void a_plugin_is_run_and_the_world_can_be_learned(void **state)
{
    (void)state;
    struct test_host h;
    struct test_world w;
    struct test_model m;
    test_host_init(&h, 2, 7);
    test_world(&h, &spec, &w);
    assert_int_equal(test_fit(&h, &topics, "weight = 2.25", &w.train, -1, &m), RH_OK);
    assert_true(m.done);
    assert_int_equal(m.epochs_done, 3);
    assert_true(((struct params *)m.params)->weight == 2.25);
    double warm = test_world_auc(&h, &w, &m, 0, spec.n_warm);
    double cold = test_world_auc(&h, &w, &m, spec.n_warm, spec.n_users);
    assert_true(warm > 0.75 && cold > 0.7 && warm < 1);
    assert_int_equal(w.train.domain[0].row[spec.n_users], 40 * 12);
    assert_int_equal(w.train.domain[1].row[spec.n_users], 60 * 16);
    assert_int_equal(w.query[50].history[0].n, 5);
    assert_int_equal(w.n_relevant[50], 11);
    test_model_release(&m);
    test_host_release(&h);
}

static void broken_promises_are_seen(void **state)
{
    (void)state;
    static const struct {
        const char *settings;
        int status;
    } cases[] = { { "misdeed = 1", RH_ENOMEM }, { "misdeed = 2", RH_ENUMERIC }, { "misdeed = 3", RH_EBUG } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct test_host h;
        struct test_world w;
        struct test_model m;
        test_host_init(&h, 1, 7);
        test_world(&h, &spec, &w);
        assert_int_equal(test_fit(&h, &topics, cases[i].settings, &w.train, 0, &m), RH_OK);
        static float out[60 * 90];
        assert_int_equal(test_score(&h, &m, w.query, 60, 16, out, 90), cases[i].status);
        assert_true(h.error.text[0]);
        test_host_release(&h);
    }
}

static void allocations_and_ticks_fail_on_request(void **state)
{
    (void)state;
    struct test_host h;
    struct test_world w;
    struct test_model m;
    for (int64_t at = 1; at <= 2; at++) {
        test_host_init(&h, 1, 7);
        test_world(&h, &spec, &w);
        h.fail_at = at;
        assert_int_equal(test_fit(&h, &topics, NULL, &w.train, 1, &m), RH_ENOMEM);
        test_host_release(&h);
    }
    test_host_init(&h, 1, 7);
    test_world(&h, &spec, &w);
    h.cancel_at = 2;
    assert_int_equal(test_fit(&h, &topics, NULL, &w.train, -1, &m), RH_ECANCEL);
    assert_int_equal(m.epochs_done, 1);
    assert_int_equal(test_params(&h, &topics, "weight = 11", &m.params), RH_EINVAL);
    test_host_release(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plugin_is_run_and_the_world_can_be_learned),
        cmocka_unit_test(broken_promises_are_seen),
        cmocka_unit_test(allocations_and_ticks_fail_on_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
