/* plugin/persist: a saved model comes back bit for bit, and no damaged file does. */
#include "base/file.h"
#include "base/hash.h"
#include "plugin/instance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#undef fail /* cmocka has a macro of that name; the host table has a member */

struct state {
    int32_t n;
    double *x;      /* [n] */
    int64_t *empty; /* [0] */
};
static const char params[] = "";

static int fit(struct rh_ctx *ctx, const void *p, const struct rh_train *train, void *state)
{
    (void)p, (void)train;
    struct state *s = state;
    s->n = 5;
    s->x = ctx->host->alloc(ctx, 5, sizeof *s->x);
    if (!s->x)
        return RH_ENOMEM;
    for (int i = 0; i < 5; i++)
        s->x[i] = 1.0 / (i + 3);
    return RH_OK;
}

static int persist(struct rh_ctx *ctx, const void *p, const struct rh_train *train, void *state)
{
    (void)p, (void)train;
    struct state *s = state;
    RH_TRY(ctx->host->value(ctx, "n", &s->n, sizeof s->n));
    RH_TRY(ctx->host->field(ctx, "empty", &s->empty, 0, sizeof *s->empty));
    return ctx->host->field(ctx, "x", &s->x, s->n, sizeof *s->x);
}

static int score(struct rh_ctx *ctx, const void *state, const struct rh_query *q, int32_t n, float *out,
                 size_t stride)
{
    const struct state *s = state;
    int64_t value = 0;
    if (ctx->host->value(ctx, "late", &value, sizeof value) != RH_EBUG)
        return RH_OK;
    for (int32_t i = 0; i < n; i++)
        for (int32_t c = 0; c < q[i].n_candidates; c++)
            out[(size_t)i * stride + (size_t)c] = (float)s->x[c];
    return RH_OK;
}

static const struct rh_param table[] = { RH_PARAMS_END };
static const struct rh_algorithm sample = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_algorithm),
    .name = "sample",
    .summary = "for tests",
    .reference = "none",
    .revision = 1,
    .params = table,
    .params_size = 1,
    .state_size = sizeof(struct state),
    .fit = fit,
    .score = score,
    .persist = persist,
};
static const struct rh_domain domain = { .name = "d", .n_items = 5 };
static const struct rh_train train = { .n_users = 1, .n_domains = 1, .domain = &domain };
static const struct rh_history history = { 0 };
static const struct rh_query query = { .user = 0, .history = &history, .n_candidates = 5 };
static const struct rh_model_key key = { "k = 3", "0123abcd" };

static struct rh_instance *start(const struct rh_algorithm *alg)
{
    struct rh_instance *in = NULL;
    struct rh_error err = { 0 };
    struct rh_instance_options o = { .seed = 3, .identity = "run", .threads = 1, .memory_limit = 1 << 20 };
    assert_int_equal(rh_instance_new(alg, params, &train, &o, &in, &err), RH_OK);
    return in;
}

static int load(const struct rh_algorithm *alg, const struct rh_model_key *k, const void *bytes, size_t n,
                struct rh_error *err)
{
    *err = (struct rh_error){ 0 };
    struct rh_instance *in = start(alg);
    int status = rh_instance_load(in, k, bytes, n, err);
    rh_instance_free(in);
    return status;
}

static void save(struct rh_arena *a, char **bytes, size_t *n)
{
    char path[] = "persist-XXXXXX";
    struct rh_error err = { 0 };
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct rh_instance *in = start(&sample);
    assert_int_equal(rh_instance_fit(in, &err), RH_OK);
    assert_int_equal(rh_instance_save(in, &key, path, &err), RH_OK);
    rh_instance_free(in);
    assert_int_equal(rh_read_file(a, path, bytes, n, &err), RH_OK);
    unlink(path);
}

static void a_model_comes_back(void **unused)
{
    (void)unused;
    struct rh_arena a = { 0 };
    struct rh_error err = { 0 };
    char *bytes;
    size_t n;
    save(&a, &bytes, &n);
    struct rh_instance *in = start(&sample);
    assert_int_equal(rh_instance_load(in, &key, bytes, n, &err), RH_OK);
    memset(bytes, 0xff, n); /* borrowed only while loading */
    float out[5];
    /* score calls value, which is refused, and the refusal is reported although score ignores it */
    assert_int_equal(rh_instance_score(in, 0, &query, 1, out, 5, &err), RH_EBUG);
    assert_string_equal(err.text, "value is allowed in persist only");
    for (int c = 0; c < 5; c++)
        assert_true(out[c] == (float)(1.0 / (c + 3)));
    rh_instance_free(in);
    rh_arena_release(&a);
}

static void another_model_is_refused(void **unused)
{
    (void)unused;
    struct rh_arena a = { 0 };
    struct rh_error err;
    char *bytes;
    size_t n;
    save(&a, &bytes, &n);
    struct rh_algorithm other = sample;
    other.name = "other";
    assert_int_equal(load(&other, &key, bytes, n, &err), RH_EDATA);
    assert_string_equal(err.text, "the saved model is of another algorithm than 'other'");
    other = sample;
    other.revision = 2;
    assert_int_equal(load(&other, &key, bytes, n, &err), RH_EDATA);
    assert_string_equal(err.text, "the saved model is of revision 1 of 'sample', and this program has revision 2");
    other.persist = NULL;
    other.revision = 1;
    assert_int_equal(load(&other, &key, bytes, n, &err), RH_EUNSUP);
    assert_int_equal(load(&sample, &(struct rh_model_key){ "k = 4", key.problem }, bytes, n, &err), RH_EDATA);
    assert_string_equal(err.text, "the saved model is of another set of parameters than 'k = 4'");
    assert_int_equal(load(&sample, &(struct rh_model_key){ key.params, "ff" }, bytes, n, &err), RH_EDATA);
    assert_string_equal(err.text, "the saved model is of another problem than 'ff'");
    rh_arena_release(&a);
}

/* Makes the checksum right again, so that the parser behind it is reached. */
static void seal(char *bytes, size_t n)
{
    struct rh_hash h;
    char hex[RH_HASH_HEX];
    rh_hash_init(&h);
    rh_hash_bytes(&h, bytes, n - 64);
    rh_hash_hex(&h, hex);
    memcpy(bytes + n - 64, hex, 64);
}

static void damage_is_refused(void **unused)
{
    (void)unused;
    struct rh_arena a = { 0 };
    struct rh_error err;
    char *bytes;
    size_t n;
    save(&a, &bytes, &n);
    char *copy = malloc(n), *part;
    assert_non_null(copy);
    for (size_t k = 0; k < n; k++) { /* truncations; exact allocations, so that a sanitizer sees a byte beyond */
        part = malloc(k ? k : 1);
        assert_non_null(part);
        memcpy(part, bytes, k);
        assert_int_equal(load(&sample, &key, part, k, &err), RH_EDATA);
        assert_true(err.text[0]);
        if (k >= 72) {
            seal(part, k);
            assert_int_equal(load(&sample, &key, part, k, &err), RH_EDATA);
        }
        free(part);
    }
    for (size_t bit = 0; bit < 8 * n; bit++) {
        memcpy(copy, bytes, n);
        copy[bit / 8] ^= (char)(1 << bit % 8);
        assert_int_equal(load(&sample, &key, copy, n, &err), RH_EDATA);
        assert_true(err.text[0]);
        if (bit / 8 >= n - 64)
            continue;
        seal(copy, n);
        /* Behind a right checksum only the numbers of x themselves can be other ones: the last 40 bytes. */
        int status = load(&sample, &key, copy, n, &err);
        assert_int_equal(status, bit / 8 < n - 64 - 5 * sizeof(double) ? RH_EDATA : RH_OK);
    }
    free(copy);
    rh_arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_comes_back),
        cmocka_unit_test(another_model_is_refused),
        cmocka_unit_test(damage_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
