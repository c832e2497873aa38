#include "plugin/instance.h"

#include "base/file.h"
#include "base/parallel.h"
#include "base/stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What `ctx->own` points at: one a thread, and one for the thread that calls fit and epoch. */
struct worker {
    struct rh_ctx ctx;
    struct rh_instance *in;
    struct rh_arena scratch;
    struct rh_error err;
    int64_t failed_at; /* where a part of this worker failed; -1: nowhere */
    bool in_part;      /* inside a parallel part or a score: no alloc, no nested parallel loop */
};

struct rh_instance {
    const struct rh_algorithm *alg;
    const void *params;
    const struct rh_train *train;
    struct rh_instance_options options;
    struct rh_arena arena; /* the state and all that `alloc` gave */
    struct rh_snapshot best;
    void *state;
    struct worker main;
    struct worker *worker; /* [threads] */
    int32_t epochs, epoch; /* to come in all, and the one at work; 0: not in an epoch */
    bool fitted;           /* fit or a loading persist was called: release is due */
    struct rh_saved *saved; /* while persist runs */
    unsigned purpose;       /* of persist, or fit */
    bool made;              /* fit was called: what is loaded goes where it put things */
    bool comparing;         /* shapes only */
};

static struct worker *worker_of(struct rh_ctx *ctx)
{
    return ctx->own;
}

static void *host_alloc(struct rh_ctx *ctx, size_t n, size_t elem)
{
    struct worker *w = worker_of(ctx);
    if (w->in_part) {
        rh_fail(&w->err, RH_EBUG, "alloc is not allowed in score and in parallel parts; use scratch");
        return NULL;
    }
    void *p = rh_alloc(&w->in->arena, n, elem);
    if (!p)
        rh_fail(&w->err, RH_ENOMEM, "not enough memory for %zu elements of %zu bytes beside %.1f MiB in use", n, elem,
                (double)w->in->arena.used / 1048576.0);
    return p;
}

static void *host_scratch(struct rh_ctx *ctx, size_t n, size_t elem)
{
    struct worker *w = worker_of(ctx);
    void *p = rh_alloc(&w->scratch, n, elem);
    if (!p)
        rh_fail(&w->err, RH_ENOMEM, "not enough memory for %zu elements of %zu bytes of scratch", n, elem);
    return p;
}

static int host_fail(struct rh_ctx *ctx, int status, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    status = rh_vfail(&worker_of(ctx)->err, status < 0 ? status : RH_EBUG, fmt, ap);
    va_end(ap);
    return status;
}

static void host_log(struct rh_ctx *ctx, int level, const char *fmt, ...)
{
    struct rh_instance *in = worker_of(ctx)->in;
    char text[500];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    rh_log(in->options.log, level, in->alg->name, "%s", text);
}

static int cancelled(const struct rh_instance *in)
{
    return in->options.cancel && *in->options.cancel;
}

static int host_tick(struct rh_ctx *ctx, int64_t done, int64_t total)
{
    struct worker *w = worker_of(ctx);
    if (cancelled(w->in))
        return rh_fail(&w->err, RH_ECANCEL, "interrupted");
    if (w == &w->in->main && total > 0) {
        const struct rh_instance *in = w->in;
        double share = (double)done / (double)total;
        if (!in->epoch)
            rh_progress_step(in->options.log, share, 1);
        else if (in->epochs)
            rh_progress_step(in->options.log, in->epoch - 1 + share, in->epochs);
    }
    return RH_OK;
}

static struct rh_rng host_stream(struct rh_ctx *ctx, const char *purpose, uint64_t index)
{
    const struct rh_instance_options *o = &worker_of(ctx)->in->options;
    return rh_stream(o->seed, o->identity, purpose, index);
}

struct loop {
    struct rh_instance *in;
    rh_part_fn *part;
    void *arg;
};

static int run_part(void *arg, int thread, int64_t begin, int64_t end)
{
    struct loop *loop = arg;
    struct worker *w = &loop->in->worker[thread];
    struct rh_arena_mark mark = rh_arena_mark(&w->scratch);
    w->in_part = true;
    int status = loop->part(&w->ctx, loop->arg, begin, end);
    w->in_part = false;
    rh_arena_rewind(&w->scratch, mark);
    if (status >= 0 && cancelled(loop->in))
        status = rh_fail(&w->err, RH_ECANCEL, "interrupted");
    if (status < 0)
        w->failed_at = begin;
    return status;
}

/* A part that already runs in parallel gets its nested loop in pieces of the same size, on its own thread. */
static int nested_loop(struct worker *w, int64_t n, int64_t grain, rh_part_fn *part, void *arg)
{
    for (int64_t begin = 0; begin < n; begin += grain) {
        struct rh_arena_mark mark = rh_arena_mark(&w->scratch);
        int status = part(&w->ctx, arg, begin, begin + grain < n ? begin + grain : n);
        rh_arena_rewind(&w->scratch, mark);
        if (status < 0)
            return status;
    }
    return RH_OK;
}

static int host_parallel(struct rh_ctx *ctx, int64_t n, int64_t grain, rh_part_fn *part, void *arg)
{
    struct worker *w = worker_of(ctx);
    if (grain < 1)
        grain = 1;
    if (w->in_part)
        return nested_loop(w, n, grain, part, arg);
    struct loop loop = { w->in, part, arg };
    int status = rh_loop(w->in->options.threads, n, grain, run_part, &loop);
    /* The sentence goes with the status: both are of the failure at the lowest position. */
    struct worker *first = NULL;
    for (int t = 0; t < w->in->options.threads; t++) {
        struct worker *one = &w->in->worker[t];
        if (one->failed_at >= 0 && (!first || one->failed_at < first->failed_at))
            first = one;
    }
    if (first && first->err.status < 0)
        rh_fail(&w->err, status, "%s", first->err.text);
    for (int t = 0; t < w->in->options.threads; t++) {
        w->in->worker[t].err = (struct rh_error){ 0 };
        w->in->worker[t].failed_at = -1;
    }
    return status;
}

static int host_value(struct rh_ctx *ctx, const char *name, void *where, size_t size)
{
    struct worker *w = worker_of(ctx);
    struct rh_saved *saved = w->in->saved;
    const void *p = NULL;
    if (!saved || w->in_part)
        return rh_fail(&w->err, RH_EBUG, "value is allowed in persist only");
    if (saved->writing)
        return rh_saved_put(saved, name, where, 1, size, &w->err);
    RH_TRY(rh_saved_get(saved, name, 1, size, &p, &w->err));
    if (!w->in->comparing)
        memcpy(where, p, size);
    return RH_OK;
}

static int host_field(struct rh_ctx *ctx, const char *name, void *array, int64_t n, size_t elem)
{
    struct worker *w = worker_of(ctx);
    struct rh_saved *saved = w->in->saved;
    const void *p = NULL;
    void *x;
    if (!saved || w->in_part)
        return rh_fail(&w->err, RH_EBUG, "field is allowed in persist only");
    if (n < 0)
        return rh_fail(&w->err, saved->writing ? RH_EBUG : RH_EDATA, "field '%s' has %lld elements", name,
                       (long long)n);
    memcpy(&x, array, sizeof x); /* of any pointer type */
    if (saved->writing)
        return rh_saved_put(saved, name, x, (size_t)n, elem, &w->err);
    RH_TRY(rh_saved_get(saved, name, (size_t)n, elem, &p, &w->err)); /* before memory is taken for a false size */
    if (w->in->comparing)
        return RH_OK;
    if (!w->in->made)
        x = NULL;
    if (n && !x) {
        x = host_alloc(ctx, (size_t)n, elem);
        if (!x)
            return RH_ENOMEM;
    }
    if (n) /* in place: of the size that comparing found right */
        memcpy(x, p, (size_t)n * elem);
    memcpy(array, &x, sizeof x);
    return RH_OK;
}

static unsigned host_purpose(struct rh_ctx *ctx)
{
    return worker_of(ctx)->in->purpose;
}

static const struct rh_host host_table = {
    .abi = RH_ABI,
    .size = sizeof(struct rh_host),
    .alloc = host_alloc,
    .scratch = host_scratch,
    .fail = host_fail,
    .log = host_log,
    .tick = host_tick,
    .stream = host_stream,
    .parallel = host_parallel,
    .field = host_field,
    .value = host_value,
    .purpose = host_purpose,
};

static void worker_init(struct worker *w, struct rh_instance *in)
{
    w->ctx = (struct rh_ctx){ &host_table, w };
    w->in = in;
    w->failed_at = -1;
}

int rh_instance_new(const struct rh_algorithm *alg, const void *params, const struct rh_train *train,
                    const struct rh_instance_options *options, struct rh_instance **out, struct rh_error *err)
{
    struct rh_instance *in = calloc(1, sizeof *in);
    if (!in)
        return rh_fail_memory(err, "an instance", sizeof *in);
    in->alg = alg;
    in->params = params;
    in->train = train;
    in->options = *options;
    if (in->options.threads < 1)
        in->options.threads = 1;
    in->arena.limit = options->memory_limit;
    worker_init(&in->main, in);
    in->worker = calloc((size_t)in->options.threads, sizeof *in->worker);
    in->state = rh_alloc(&in->arena, 1, alg->state_size);
    if (!in->worker || !in->state) {
        rh_instance_free(in);
        return rh_fail_memory(err, "the state of an algorithm", alg->state_size);
    }
    for (int t = 0; t < in->options.threads; t++)
        worker_init(&in->worker[t], in);
    *out = in;
    return RH_OK;
}

void rh_instance_free(struct rh_instance *in)
{
    if (!in)
        return;
    if (in->fitted && in->alg->release)
        in->alg->release(in->state);
    for (int t = 0; in->worker && t < in->options.threads; t++)
        rh_arena_release(&in->worker[t].scratch);
    free(in->worker);
    rh_arena_release(&in->main.scratch);
    rh_arena_release(&in->arena);
    rh_snapshot_release(&in->best);
    free(in);
}

/* Turns the outcome of a callback into the caller's status and message, and readies the worker for the next call. */
static int settle(struct worker *w, const char *callback, int status, struct rh_error *err)
{
    struct rh_error own = w->err;
    w->err = (struct rh_error){ 0 };
    rh_arena_rewind(&w->scratch, (struct rh_arena_mark){ 0 });
    if (status > RH_DONE || status < RH_EBUG)
        return rh_fail(err, RH_EBUG, "%s returned the unknown status %d", callback, status);
    if (status >= 0) {
        if (own.status == RH_EBUG) /* a forbidden call whose refusal was ignored */
            return rh_fail(err, RH_EBUG, "%s", own.text);
        return status;
    }
    if (own.status >= 0)
        return rh_fail(err, status, "%s failed (%s) and did not say why", callback, rh_status_word(status));
    return rh_fail(err, status, "%s", own.text);
}

void rh_instance_expect(struct rh_instance *in, int32_t epochs)
{
    in->epochs = epochs;
}

int rh_instance_fit(struct rh_instance *in, struct rh_error *err)
{
    in->fitted = in->made = true;
    return settle(&in->main, "fit", in->alg->fit(&in->main.ctx, in->params, in->train, in->state), err);
}

int rh_instance_fit_to_load(struct rh_instance *in, struct rh_error *err)
{
    in->purpose = RH_FOR_LOADING;
    int status = rh_instance_fit(in, err);
    in->purpose = 0;
    return status;
}

int rh_instance_epoch(struct rh_instance *in, int32_t epoch, double *loss, struct rh_error *err)
{
    *loss = (double)NAN;
    if (cancelled(in))
        return rh_fail(err, RH_ECANCEL, "interrupted");
    in->epoch = epoch;
    return settle(&in->main, "epoch", in->alg->epoch(&in->main.ctx, in->state, epoch, loss), err);
}

int rh_instance_score(struct rh_instance *in, int thread, const struct rh_query *query, int32_t n, float *out,
                      size_t stride, struct rh_error *err)
{
    struct worker *w = &in->worker[thread];
    if (cancelled(in))
        return rh_fail(err, RH_ECANCEL, "interrupted");
    w->in_part = true;
    int status = in->alg->score(&w->ctx, in->state, query, n, out, stride);
    w->in_part = false;
    return settle(w, "score", status, err);
}

static bool in_history(const struct rh_history *h, int32_t item)
{
    int32_t at = 0;
    while (at < h->n && h->item[at] < item)
        at++;
    return at < h->n && h->item[at] == item;
}

int rh_instance_explain(struct rh_instance *in, const struct rh_query *query, int32_t item, int32_t max, int32_t *why,
                        float *weight, struct rh_error *err)
{
    struct worker *w = &in->worker[0];
    if (!in->alg->explain)
        return rh_fail(err, RH_EUNSUP, "'%s' does not explain its scores", in->alg->name);
    w->in_part = true;
    int n = in->alg->explain(&w->ctx, in->state, query, item, max, why, weight);
    w->in_part = false;
    int status = settle(w, "explain", n < 0 ? n : RH_OK, err);
    if (status < 0)
        return status;
    bool sound = n <= max;
    for (int32_t i = 0; i < n && sound; i++)
        sound = in_history(&query->history[in->train->target], why[i]) && isfinite(weight[i]);
    return sound ? n : rh_fail(err, RH_EBUG, "explain of '%s' gave what is no reason", in->alg->name);
}

static int persist(struct rh_instance *in, struct rh_saved *saved, unsigned purpose, struct rh_error *err)
{
    if (!in->alg->persist)
        return rh_fail(err, RH_EUNSUP, "models of '%s' cannot be saved", in->alg->name);
    in->saved = saved;
    in->purpose = purpose;
    int status = in->alg->persist(&in->main.ctx, in->params, in->train, in->state);
    in->saved = NULL;
    in->purpose = 0;
    return settle(&in->main, "persist", status, err);
}

int rh_instance_put(struct rh_instance *in, unsigned purpose, struct rh_saved *saved, struct rh_error *err)
{
    return persist(in, saved, purpose & ~(unsigned)RH_FOR_LOADING, err);
}

int rh_instance_put_best(struct rh_instance *in, unsigned purpose, struct rh_saved *saved, struct rh_error *err)
{
    struct rh_snapshot now = { 0 };
    if (!rh_snapshot_take(&now, &in->arena))
        return rh_fail_memory(err, "a copy of the last epoch", in->arena.used);
    rh_instance_restore(in);
    int status = rh_instance_put(in, purpose, saved, err);
    rh_snapshot_restore(&now, &in->arena);
    rh_snapshot_release(&now);
    return status;
}

int rh_instance_get(struct rh_instance *in, unsigned purpose, struct rh_saved *saved, struct rh_error *err)
{
    size_t begin = saved->at;
    purpose |= RH_FOR_LOADING;
    if (in->made) {
        in->comparing = true;
        int status = persist(in, saved, purpose, err);
        in->comparing = false;
        if (status < 0)
            return status;
        saved->at = begin;
    }
    in->fitted = true;
    return persist(in, saved, purpose, err);
}

int rh_instance_save(struct rh_instance *in, const struct rh_model_key *key, const char *path, struct rh_error *err)
{
    struct rh_saved saved;
    unsigned purpose = in->alg->flags & RH_A_RESUMES ? RH_FOR_STARTING : 0;
    int status = rh_saved_begin(&saved, in->alg, key, purpose, err);
    if (status >= 0)
        status = rh_instance_put(in, purpose, &saved, err);
    if (status >= 0)
        status = rh_saved_end(&saved, err);
    if (status >= 0)
        status = rh_write_file(path, saved.bytes, saved.n, err);
    rh_saved_release(&saved);
    return status;
}

int rh_instance_load(struct rh_instance *in, const struct rh_model_key *key, const void *bytes, size_t n,
                     struct rh_error *err)
{
    struct rh_saved saved;
    RH_TRY(rh_saved_open(&saved, bytes, n, in->alg, key, err));
    saved.passing = saved.purpose & RH_FOR_STARTING; /* over what only training needs */
    RH_TRY(rh_instance_get(in, 0, &saved, err));
    return rh_saved_close(&saved, err);
}

int rh_instance_keep(struct rh_instance *in, struct rh_error *err)
{
    if (!rh_snapshot_take(&in->best, &in->arena))
        return rh_fail_memory(err, "a copy of the best epoch", in->arena.used);
    return RH_OK;
}

void rh_instance_restore(struct rh_instance *in)
{
    if (in->best.used)
        rh_snapshot_restore(&in->best, &in->arena);
}

size_t rh_instance_bytes(const struct rh_instance *in)
{
    return in->arena.peak;
}

int rh_algorithm_check(const struct rh_algorithm *alg, const void *params, struct rh_error *err)
{
    if (!alg->check)
        return RH_OK;
    struct rh_instance nothing = { .alg = alg, .options = { .threads = 1, .identity = "" } };
    worker_init(&nothing.main, &nothing);
    nothing.main.in_part = true; /* no memory here */
    int status = settle(&nothing.main, "check", alg->check(&nothing.main.ctx, params), err);
    rh_arena_release(&nothing.main.scratch);
    return status;
}
