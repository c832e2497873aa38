#include "testhost.h"

#include "base/param.h"
#include "base/parallel.h"
#include "base/stream.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>
#include <cmocka.h>

/* ------------------------------------------------------------------------------------------------ the table */

static struct test_thread *thread_of(struct rh_ctx *ctx)
{
    return ctx->own;
}

static bool refused(struct test_host *h)
{
    int64_t number = __atomic_add_fetch(&h->allocations, 1, __ATOMIC_RELAXED);
    return h->fail_at == number;
}

static int host_fail(struct rh_ctx *ctx, int status, const char *fmt, ...)
{
    struct test_host *h = thread_of(ctx)->host;
    va_list ap;
    va_start(ap, fmt);
#pragma omp critical(test_host_error)
    rh_vfail(&h->error, status, fmt, ap);
    va_end(ap);
    return status;
}

static void *host_alloc(struct rh_ctx *ctx, size_t n, size_t elem)
{
    struct test_thread *t = thread_of(ctx);
    if (t->in_part || t->host->sealed) {
        host_fail(ctx, RH_EBUG, "alloc from %s", t->in_part ? "a part of a loop" : "score");
        return NULL;
    }
    return refused(t->host) ? NULL : rh_alloc(&t->host->run, n, elem);
}

static void *host_scratch(struct rh_ctx *ctx, size_t n, size_t elem)
{
    struct test_thread *t = thread_of(ctx);
    return refused(t->host) ? NULL : rh_alloc(&t->scratch, n, elem);
}

static void host_log(struct rh_ctx *ctx, int level, const char *fmt, ...)
{
    (void)level, (void)fmt;
    __atomic_add_fetch(&thread_of(ctx)->host->logged, 1, __ATOMIC_RELAXED);
}

static int host_tick(struct rh_ctx *ctx, int64_t done, int64_t total)
{
    struct test_host *h = thread_of(ctx)->host;
    if (done < 0 || done > total)
        return host_fail(ctx, RH_EBUG, "tick %lld of %lld", (long long)done, (long long)total);
    int64_t number = __atomic_add_fetch(&h->ticks, 1, __ATOMIC_RELAXED);
    return h->cancel_at && number >= h->cancel_at ? RH_ECANCEL : RH_OK;
}

static struct rh_rng host_stream(struct rh_ctx *ctx, const char *purpose, uint64_t index)
{
    return rh_stream(thread_of(ctx)->host->seed, "test", purpose, index);
}

struct loop {
    struct test_host *host;
    rh_part_fn *part;
    void *arg;
};

static int loop_body(void *arg, int thread, int64_t begin, int64_t end)
{
    struct loop *l = arg;
    struct test_thread *t = &l->host->thread[thread];
    struct rh_ctx ctx = { &l->host->table, t };
    struct rh_arena_mark mark = rh_arena_mark(&t->scratch);
    bool outer = t->in_part;
    t->in_part = true;
    int status = l->part(&ctx, l->arg, begin, end);
    t->in_part = outer;
    rh_arena_rewind(&t->scratch, mark);
    return status;
}

static int host_parallel(struct rh_ctx *ctx, int64_t n, int64_t grain, rh_part_fn *part, void *arg)
{
    struct test_thread *t = thread_of(ctx);
    struct loop l = { t->host, part, arg };
    if (!t->in_part)
        return rh_loop(t->host->threads, n, grain, loop_body, &l);
    for (int64_t at = 0; at < n; at += grain) { /* a loop inside a part stays on its thread */
        int status = loop_body(&l, (int)(t - t->host->thread), at, at + grain < n ? at + grain : n);
        if (status < 0)
            return status;
    }
    return RH_OK;
}

static int host_value(struct rh_ctx *ctx, const char *name, void *where, size_t size)
{
    struct test_host *h = thread_of(ctx)->host;
    const void *from = NULL;
    if (!h->saved)
        return host_fail(ctx, RH_EBUG, "value outside of persist");
    if (h->saved->writing)
        return rh_saved_put(h->saved, name, where, 1, size, &h->error);
    int status = rh_saved_get(h->saved, name, 1, size, &from, &h->error);
    if (status >= 0 && !h->comparing)
        memcpy(where, from, size);
    return status;
}

static int host_field(struct rh_ctx *ctx, const char *name, void *array, int64_t n, size_t elem)
{
    struct test_host *h = thread_of(ctx)->host;
    const void *from = NULL;
    void *x;
    memcpy(&x, array, sizeof x);
    if (!h->saved || n < 0)
        return host_fail(ctx, RH_EBUG, "field '%s' outside of persist or of %lld elements", name, (long long)n);
    if (h->saved->writing)
        return rh_saved_put(h->saved, name, x, (size_t)n, elem, &h->error);
    int status = rh_saved_get(h->saved, name, (size_t)n, elem, &from, &h->error);
    if (status < 0 || h->comparing)
        return status;
    if (!h->made || !x)
        x = n ? host_alloc(ctx, (size_t)n, elem) : NULL;
    if (n && !x)
        return RH_ENOMEM;
    if (n)
        memcpy(x, from, (size_t)n * elem);
    memcpy(array, &x, sizeof x);
    return RH_OK;
}

static unsigned host_purpose(struct rh_ctx *ctx)
{
    return thread_of(ctx)->host->purpose;
}

void test_host_init(struct test_host *h, int threads, uint64_t seed)
{
    assert_in_range(threads, 1, TEST_THREADS);
    openblas_set_num_threads(1); /* as the real host does */
    *h = (struct test_host){
        .table = { RH_ABI, sizeof(struct rh_host), host_alloc, host_scratch, host_fail, host_log, host_tick,
                   host_stream, host_parallel, host_field, host_value, host_purpose },
        .threads = threads,
        .seed = seed,
    };
    for (int i = 0; i < TEST_THREADS; i++)
        h->thread[i].host = h;
    h->ctx = (struct rh_ctx){ &h->table, &h->thread[0] };
}

void test_host_scratch_back(struct test_host *h)
{
    for (int i = 0; i < TEST_THREADS; i++)
        rh_arena_rewind(&h->thread[i].scratch, (struct rh_arena_mark){ 0 });
}

void test_host_release(struct test_host *h)
{
    for (int i = 0; i < TEST_THREADS; i++)
        rh_arena_release(&h->thread[i].scratch);
    rh_arena_release(&h->run);
    rh_arena_release(&h->own);
}

/* ---------------------------------------------------------------------------------------- running a plugin */

int test_params(struct test_host *h, const struct rh_algorithm *algorithm, const char *settings, void **params)
{
    struct rh_error bad = { 0 };
    if (rh_params_sane(algorithm->params, algorithm->params_size, &bad) < 0)
        fail_msg("%s: %s", algorithm->name, bad.text);
    char *values = rh_alloc(&h->own, algorithm->params_size, 1);
    char *rest = rh_arena_strdup(&h->own, settings ? settings : "");
    assert_non_null(values);
    assert_non_null(rest);
    rh_params_defaults(algorithm->params, values);
    *params = values;
    for (char *word; (word = strsep(&rest, ";"));) {
        char *equals = strchr(word, '=');
        if (!equals)
            continue;
        *equals = '\0';
        char *name = word + strspn(word, " "), *end = name + strlen(name);
        while (end > name && end[-1] == ' ')
            *--end = '\0';
        char *value = equals + 1 + strspn(equals + 1, " ");
        const struct rh_param *p = rh_param_find(algorithm->params, name);
        if (!p)
            fail_msg("%s has no parameter '%s'", algorithm->name, name);
        int status = rh_param_parse(p, value, values, &h->own, &h->error);
        if (status < 0)
            return status;
    }
    return algorithm->check ? algorithm->check(&h->ctx, values) : RH_OK;
}

int test_fit(struct test_host *h, const struct rh_algorithm *algorithm, const char *settings,
             const struct rh_train *train, int32_t epochs, struct test_model *out)
{
    *out = (struct test_model){ .algorithm = algorithm };
    int status = test_params(h, algorithm, settings, &out->params);
    if (status < 0)
        return status;
    out->state = rh_alloc(&h->run, algorithm->state_size, 1);
    assert_non_null(out->state);
    status = algorithm->fit(&h->ctx, out->params, train, out->state);
    test_host_scratch_back(h);
    if (status < 0 || !algorithm->epoch)
        return status;
    if (epochs < 0)
        epochs = algorithm->epochs;
    for (int32_t e = 1; e <= epochs; e++) {
        status = algorithm->epoch(&h->ctx, out->state, e, &out->loss);
        test_host_scratch_back(h);
        if (status < 0)
            return status;
        out->epochs_done = e;
        if (status == RH_DONE) {
            out->done = true;
            break;
        }
    }
    return RH_OK;
}

struct scoring {
    const struct test_model *model;
    const struct rh_query *query;
    float *out;
    size_t stride;
};

static int score_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct scoring *s = arg;
    return s->model->algorithm->score(ctx, s->model->state, s->query + begin, (int32_t)(end - begin),
                                      s->out + (size_t)begin * s->stride, s->stride);
}

int test_score(struct test_host *h, const struct test_model *m, const struct rh_query *query, int32_t n,
               int32_t batch, float *out, size_t stride)
{
    for (size_t i = 0; i < (size_t)n * stride; i++)
        out[i] = -INFINITY; /* no plugin may write it, so what was left out shows */
    struct scoring s = { m, query, out, stride };
    h->sealed = true;
    int status = host_parallel(&h->ctx, n, batch, score_part, &s);
    h->sealed = false;
    test_host_scratch_back(h);
    if (status < 0)
        return status;
    for (int32_t i = 0; i < n; i++)
        for (size_t c = 0; c < stride; c++) {
            float x = out[(size_t)i * stride + c];
            bool wanted = c < (size_t)query[i].n_candidates, written = !(isinf(x) && x < 0);
            if (wanted != written)
                return rh_fail(&h->error, RH_EBUG, "query %d, candidate %zu: %s", i, c,
                               wanted ? "left out" : "written beyond the end");
            if (wanted && !isfinite(x))
                return rh_fail(&h->error, RH_ENUMERIC, "query %d, candidate %zu: score %g", i, c, (double)x);
        }
    return RH_OK;
}

static const struct rh_model_key test_key = { .params = "test" };

static int persist(struct test_host *h, const struct test_model *m, const struct rh_train *train, unsigned purpose,
                   struct rh_saved *saved)
{
    h->saved = saved;
    h->purpose = purpose;
    int status = m->algorithm->persist(&h->ctx, m->params, train, m->state);
    h->saved = NULL;
    h->purpose = 0;
    test_host_scratch_back(h);
    return status;
}

int test_save(struct test_host *h, const struct test_model *m, const struct rh_train *train, unsigned purpose,
              struct rh_saved *saved)
{
    int status = rh_saved_begin(saved, m->algorithm, &test_key, purpose, &h->error);
    if (status >= 0)
        status = persist(h, m, train, purpose, saved);
    return status < 0 ? status : rh_saved_end(saved, &h->error);
}

int test_load(struct test_host *h, struct test_model *m, const struct rh_train *train, unsigned purpose, bool made,
              const struct rh_saved *saved)
{
    struct rh_saved s;
    int status = RH_OK;
    h->made = made;
    for (h->comparing = made; status >= 0; h->comparing = false) {
        status = rh_saved_open(&s, saved->bytes, saved->n, m->algorithm, &test_key, &h->error);
        s.passing = s.purpose & RH_FOR_STARTING;
        if (status >= 0)
            status = persist(h, m, train, purpose | RH_FOR_LOADING, &s);
        if (status >= 0)
            status = rh_saved_close(&s, &h->error);
        if (!h->comparing)
            break;
    }
    h->made = h->comparing = false;
    return status;
}

void test_model_release(struct test_model *m)
{
    if (m->state && m->algorithm->release)
        m->algorithm->release(m->state);
    m->state = NULL;
}

/* -------------------------------------------------------------------------------------- building problems */

static int compare_rows(const void *a, const void *b)
{
    const struct test_row *x = a, *y = b;
    return x->user != y->user ? (x->user > y->user) - (x->user < y->user) : (x->item > y->item) - (x->item < y->item);
}

static void *own(struct test_host *h, int64_t n, size_t elem)
{
    void *p = rh_alloc(&h->own, (size_t)n, elem);
    assert_non_null(p);
    return p;
}

struct rh_domain test_domain(struct test_host *h, const char *name, int32_t n_users, int32_t n_items,
                             const struct test_row *row, int64_t n, unsigned columns)
{
    struct test_row *sorted = own(h, n, sizeof *sorted);
    if (n)
        memcpy(sorted, row, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, compare_rows);
    int64_t *offset = own(h, n_users + 1, sizeof *offset), *time = own(h, n, sizeof *time);
    int32_t *item = own(h, n, sizeof *item);
    float *value = own(h, n, sizeof *value);
    for (int64_t i = 0; i < n; i++) {
        assert_in_range(sorted[i].user, 0, n_users - 1);
        assert_in_range(sorted[i].item, 0, n_items - 1);
        assert_false(i > 0 && compare_rows(&sorted[i - 1], &sorted[i]) == 0);
        offset[sorted[i].user + 1]++;
        item[i] = sorted[i].item;
        value[i] = sorted[i].value;
        time[i] = sorted[i].time;
    }
    for (int32_t u = 0; u < n_users; u++)
        offset[u + 1] += offset[u];
    bool rated = columns & TEST_VALUES;
    return (struct rh_domain){ .name = name,
                               .n_items = n_items,
                               .row = offset,
                               .item = item,
                               .value = rated ? value : NULL,
                               .time = columns & TEST_TIMES ? time : NULL,
                               .value_min = rated ? 1 : 0,
                               .value_max = rated ? 5 : 0 };
}

struct rh_features test_sparse(struct test_host *h, const char *name, int32_t n_rows, int32_t n_cols,
                               const struct test_cell *cell, int64_t n, bool with_values)
{
    struct test_row *rows = own(h, n, sizeof *rows);
    for (int64_t i = 0; i < n; i++)
        rows[i] = (struct test_row){ cell[i].row, cell[i].col, cell[i].value, 0 };
    struct rh_domain d = test_domain(h, name, n_rows, n_cols, rows, n, TEST_VALUES);
    return (struct rh_features){ .name = name,
                                 .n_rows = n_rows,
                                 .n_cols = n_cols,
                                 .row = d.row,
                                 .col = d.item,
                                 .val = with_values ? d.value : NULL };
}

struct rh_query test_query(struct test_host *h, const struct rh_train *train, int32_t user)
{
    struct rh_history *history = own(h, train->n_domains, sizeof *history);
    for (int32_t d = 0; d < train->n_domains; d++) {
        const struct rh_domain *x = &train->domain[d];
        int64_t at = x->row[user];
        history[d] = (struct rh_history){ (int32_t)(x->row[user + 1] - at), x->item + at,
                                          x->value ? x->value + at : NULL, x->time ? x->time + at : NULL };
    }
    return (struct rh_query){ user, history, train->domain[train->target].n_items, NULL };
}

struct rh_query test_query_with(struct test_host *h, const struct rh_train *train, int32_t user, int32_t n,
                                const int32_t *item, const float *value)
{
    struct rh_query q = test_query(h, train, user);
    ((struct rh_history *)q.history)[train->target] = (struct rh_history){ n, item, value, NULL };
    return q;
}
