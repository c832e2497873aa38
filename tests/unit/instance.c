/* plugin/: the host seen from an algorithm that behaves, and from algorithms that do not. */
#include "plugin/instance.h"
#include "plugin/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#undef fail /* cmocka has a macro of that name; the host table has a member */

enum behaviour {
    GOOD,
    FAIL_FIT,
    SILENT_FAIL,
    UNKNOWN_STATUS,
    ALLOC_IN_SCORE,
    TOO_MUCH_MEMORY,
    FAIL_IN_PART,
    NESTED,
    IGNORED_REFUSAL
};
struct params {
    int64_t behaviour;
};
struct state {
    int64_t behaviour;
    double *x;      /* [100] */
    int64_t *piece; /* [10] begin of the piece that wrote it */
    uint64_t drawn;
    int released;
};
static int released; /* a release callback has nowhere else to say that it was called */

static int write_piece(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct state *s = arg;
    if (s->behaviour == FAIL_IN_PART && begin >= 30)
        return ctx->host->fail(ctx, RH_ENUMERIC, "piece %d diverged", (int)begin);
    char *scratch = ctx->host->scratch(ctx, 1000, 1);
    if (!scratch || scratch[999])
        return RH_ENOMEM;
    memset(scratch, 1, 1000);
    for (int64_t i = begin; i < end; i++)
        s->x[i] = 1.0 / (double)(i + 1);
    s->piece[begin / 10] = begin;
    return RH_OK;
}

static int outer_piece(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    (void)begin;
    (void)end;
    return ctx->host->parallel(ctx, 100, 10, write_piece, arg);
}

static int fit(struct rh_ctx *ctx, const void *params, const struct rh_train *train, void *state)
{
    const struct params *p = params;
    struct state *s = state;
    (void)train;
    s->behaviour = p->behaviour;
    if (s->behaviour == FAIL_FIT)
        return ctx->host->fail(ctx, RH_EDATA, "no user has two items");
    if (s->behaviour == SILENT_FAIL)
        return RH_ENUMERIC;
    if (s->behaviour == UNKNOWN_STATUS)
        return 77;
    s->x = ctx->host->alloc(ctx, s->behaviour == TOO_MUCH_MEMORY ? 1 << 20 : 100, sizeof *s->x);
    s->piece = ctx->host->alloc(ctx, 10, sizeof *s->piece);
    if (!s->x || !s->piece)
        return RH_ENOMEM;
    struct rh_rng r = ctx->host->stream(ctx, "init", 0);
    s->drawn = rh_rng_next(&r);
    if (s->behaviour == NESTED)
        return ctx->host->parallel(ctx, 2, 1, outer_piece, s);
    return ctx->host->parallel(ctx, 100, 10, write_piece, s);
}

static int epoch(struct rh_ctx *ctx, void *state, int32_t number, double *loss)
{
    struct state *s = state;
    (void)ctx;
    s->x[0] = number;
    *loss = 1.0 / number;
    return number == 7 ? RH_DONE : RH_OK;
}

static int score(struct rh_ctx *ctx, const void *state, const struct rh_query *q, int32_t n, float *out,
                 size_t stride)
{
    const struct state *s = state;
    if (s->behaviour == ALLOC_IN_SCORE && !ctx->host->alloc(ctx, 1, 8))
        return RH_ENOMEM;
    if (s->behaviour == IGNORED_REFUSAL)
        (void)ctx->host->alloc(ctx, 1, 8);
    for (int32_t i = 0; i < n; i++)
        for (int32_t c = 0; c < q[i].n_candidates; c++)
            out[(size_t)i * stride + (size_t)c] = (float)s->x[c];
    return RH_OK;
}

static void release(void *state)
{
    (void)state;
    released++;
}

static const struct rh_param param_table[] = { RH_INT(struct params, behaviour, 0, 0, 100, "what to do"),
                                               RH_PARAMS_END };
static const struct rh_algorithm good = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "sample",
    .summary = "for tests",
    .reference = "none",
    .revision = 1,
    .params = param_table,
    .params_size = sizeof(struct params),
    .state_size = sizeof(struct state),
    .epochs = 10,
    .fit = fit,
    .epoch = epoch,
    .score = score,
    .release = release,
};

static const struct rh_domain domain = { .name = "d", .n_items = 5 };
static const struct rh_train train = { .n_users = 1, .n_domains = 1, .domain = &domain };
static const struct rh_history history = { 0 };
static const struct rh_query query = { .user = 0, .history = &history, .n_candidates = 5 };

static struct rh_instance *start(enum behaviour b, const char *identity, int threads, struct params *p,
                                 struct rh_error *err)
{
    struct rh_instance *in = NULL;
    struct rh_instance_options o = { .seed = 3, .identity = identity, .threads = threads, .memory_limit = 1 << 20 };
    p->behaviour = b;
    assert_int_equal(rh_instance_new(&good, p, &train, &o, &in, err), RH_OK);
    return in;
}

static void a_run_goes_through(void **unused)
{
    (void)unused;
    for (int threads = 1; threads <= 3; threads++) {
        struct params p;
        struct rh_error err = { 0 };
        struct rh_instance *in = start(threads == 2 ? NESTED : GOOD, "run", threads, &p, &err);
        double loss;
        float out[5];
        released = 0;
        assert_int_equal(rh_instance_fit(in, &err), RH_OK);
        assert_int_equal(rh_instance_epoch(in, 1, &loss, &err), RH_OK);
        assert_int_equal(rh_instance_keep(in, &err), RH_OK);
        assert_int_equal(rh_instance_epoch(in, 7, &loss, &err), RH_DONE);
        assert_int_equal(rh_instance_score(in, threads - 1, &query, 1, out, 5, &err), RH_OK);
        assert_true(out[0] == 7.0f && out[2] == (float)(1.0 / 3.0));
        rh_instance_restore(in);
        assert_int_equal(rh_instance_score(in, 0, &query, 1, out, 5, &err), RH_OK);
        assert_true(out[0] == 1.0f && out[2] == (float)(1.0 / 3.0));
        assert_true(rh_instance_bytes(in) >= 100 * sizeof(double));
        rh_instance_free(in);
        assert_int_equal(released, 1);
    }
}

static void failures_carry_their_reason(void **unused)
{
    (void)unused;
    static const struct {
        enum behaviour behaviour;
        int status;
        const char *says;
    } cases[] = {
        { FAIL_FIT, RH_EDATA, "no user has two items" },
        { SILENT_FAIL, RH_ENUMERIC, "fit failed (numeric) and did not say why" },
        { UNKNOWN_STATUS, RH_EBUG, "fit returned the unknown status 77" },
        { TOO_MUCH_MEMORY, RH_ENOMEM, "not enough memory for 1048576 elements of 8 bytes beside 0.0 MiB in use" },
        { FAIL_IN_PART, RH_ENUMERIC, "piece 30 diverged" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct params p;
        struct rh_error err = { 0 };
        struct rh_instance *in = start(cases[i].behaviour, "run", 1, &p, &err);
        released = 0;
        assert_int_equal(rh_instance_fit(in, &err), cases[i].status);
        assert_string_equal(err.text, cases[i].says);
        rh_instance_free(in);
        assert_int_equal(released, 1);
    }
}

static void score_may_not_allocate(void **unused)
{
    (void)unused;
    static const struct {
        enum behaviour behaviour;
        int status;
    } cases[] = { { ALLOC_IN_SCORE, RH_ENOMEM }, { IGNORED_REFUSAL, RH_EBUG } };
    for (size_t i = 0; i < 2; i++) {
        struct params p;
        struct rh_error err = { 0 };
        float out[5];
        struct rh_instance *in = start(cases[i].behaviour, "run", 1, &p, &err);
        assert_int_equal(rh_instance_fit(in, &err), RH_OK);
        assert_int_equal(rh_instance_score(in, 0, &query, 1, out, 5, &err), cases[i].status);
        assert_string_equal(err.text, "alloc is not allowed in score and in parallel parts; use scratch");
        rh_instance_free(in);
    }
}

static void a_cancelled_run_stops(void **unused)
{
    (void)unused;
    volatile sig_atomic_t cancel = 1;
    struct params p = { GOOD };
    struct rh_error err = { 0 };
    struct rh_instance *in = NULL;
    struct rh_instance_options o = { .identity = "run", .threads = 1, .cancel = &cancel };
    assert_int_equal(rh_instance_new(&good, &p, &train, &o, &in, &err), RH_OK);
    assert_int_equal(rh_instance_fit(in, &err), RH_ECANCEL);
    rh_instance_free(in);
}

static void descriptors_are_checked(void **unused)
{
    (void)unused;
    struct rh_algorithm bad[7];
    static const char *const says[7] = {
        "plugin x has ABI 9, this program wants 2; rebuild it against this <rh/plugin.h>",
        NULL,
        "plugin x has no name of the letters a-z, 0-9 and _",
        "plugin x (sample) has no revision (from 1)",
        "plugin x (sample) has no score callback",
        "plugin x (sample) has no default number of epochs",
        "plugin x (sample): parameter behaviour lies outside its struct of 4 bytes",
    };
    for (int i = 0; i < 7; i++)
        bad[i] = good;
    bad[0].abi = 9;
    bad[1].size = 8;
    bad[2].name = "Sample!";
    bad[3].revision = 0;
    bad[4].score = NULL;
    bad[5].epochs = 0;
    bad[6].params_size = 4;
    for (int i = 0; i < 7; i++) {
        struct rh_error err = { 0 };
        assert_true(rh_algorithm_sane(&bad[i], "x", &err) < 0);
        if (says[i])
            assert_string_equal(err.text, says[i]);
        else
            assert_non_null(strstr(err.text, "descriptor of 8 bytes"));
    }
    struct rh_error err = { 0 };
    assert_int_equal(rh_algorithm_sane(&good, "x", &err), RH_OK);
}

static void built_ins_are_in_order(void **unused)
{
    (void)unused;
    struct rh_arena a = { 0 };
    struct rh_registry r;
    struct rh_error err = { 0 };
    assert_int_equal(rh_registry_init(&r, &a, &err), RH_OK);
    assert_true(r.n >= 3);
    for (int32_t i = 1; i < r.n; i++)
        assert_true(strcmp(r.plugin[i - 1].algorithm->name, r.plugin[i].algorithm->name) < 0);
    assert_non_null(rh_registry_find(&r, "itemknn"));
    assert_null(rh_registry_find(&r, "itemknnn"));
    assert_string_equal(rh_registry_nearest(&r, "itemknnn"), "itemknn");
    rh_arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_goes_through),      cmocka_unit_test(failures_carry_their_reason),
        cmocka_unit_test(score_may_not_allocate),  cmocka_unit_test(a_cancelled_run_stops),
        cmocka_unit_test(descriptors_are_checked), cmocka_unit_test(built_ins_are_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
