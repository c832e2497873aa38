#include "algorithms/lib/embedding.h"

#include <stdio.h>

int rh_embedding_init(struct rh_ctx *ctx, struct rh_embedding *t, int32_t n, int32_t E, double spread,
                      struct rh_rng *r)
{
    const struct rh_host *host = ctx->host;
    size_t rows = n > 0 ? (size_t)n : 1, width = (size_t)E * sizeof *t->w;
    *t = (struct rh_embedding){ .n = n, .E = E };
    t->w = host->alloc(ctx, rows, width);
    t->first = host->alloc(ctx, rows, width);
    t->second = host->alloc(ctx, rows, width);
    t->gradient = host->alloc(ctx, rows, width);
    t->touched = host->alloc(ctx, rows, sizeof *t->touched);
    t->is_touched = host->alloc(ctx, rows, 1);
    if (!t->w || !t->first || !t->second || !t->gradient || !t->touched || !t->is_touched)
        return RH_ENOMEM;
    for (int64_t i = 0; r && i < (int64_t)n * E; i++)
        t->w[i] = (rh_real)(spread * rh_rng_normal(r));
    return RH_OK;
}

int rh_embedding_follow(struct rh_ctx *ctx, struct rh_embedding *t, const struct rh_optimizer_state *o)
{
    size_t rows = t->n > 0 ? (size_t)t->n : 1;
    t->moved = ctx->host->alloc(ctx, rows, sizeof *t->moved);
    t->tail = ctx->host->alloc(ctx, rows, sizeof *t->tail);
    if (!t->moved || !t->tail)
        return RH_ENOMEM;
    t->now = o->step;
    t->tail_now = rh_nn_tail(o);
    for (int32_t row = 0; row < t->n; row++) {
        t->moved[row] = t->now;
        t->tail[row] = t->tail_now;
    }
    return RH_OK;
}

void rh_embedding_wake(struct rh_embedding *t, const struct rh_optimizer_state *o, int32_t row)
{
    size_t at = (size_t)row * (size_t)t->E;
    if (t->moved[row] == t->now)
        return;
    rh_nn_rest(o, t->moved[row], t->now, t->tail[row], t->tail_now, t->E, t->w + at, t->first + at, t->second + at);
    t->moved[row] = t->now;
    t->tail[row] = t->tail_now;
}

void rh_embedding_wake_all(struct rh_embedding *t, const struct rh_optimizer_state *o)
{
    for (int32_t row = 0; row < t->n; row++)
        rh_embedding_wake(t, o, row);
}

/* A touched row of a followed table was awake, and moves with the others of this step. */
static void note_step(struct rh_embedding *t, const struct rh_optimizer_state *o)
{
    t->now = o->step;
    t->tail_now = rh_nn_tail(o);
    for (int32_t k = 0; k < t->n_touched; k++) {
        t->moved[t->touched[k]] = t->now;
        t->tail[t->touched[k]] = t->tail_now;
    }
}

void rh_embedding_descend(struct rh_embedding *t, const struct rh_optimizer_state *o)
{
    if (t->moved)
        note_step(t, o);
    for (int32_t k = 0; k < t->n_touched; k++) {
        size_t at = (size_t)t->touched[k] * (size_t)t->E;
        rh_nn_descend(o, t->E, t->w + at, t->gradient + at, t->first + at, t->second + at);
        t->is_touched[t->touched[k]] = 0;
    }
    t->n_touched = 0;
}

void rh_embedding_descend_all(struct rh_embedding *t, const struct rh_optimizer_state *o)
{
    rh_nn_descend(o, (int64_t)t->n * t->E, t->w, t->gradient, t->first, t->second);
    for (int32_t k = 0; k < t->n_touched; k++)
        t->is_touched[t->touched[k]] = 0;
    t->n_touched = 0;
}

int rh_embedding_persist(struct rh_ctx *ctx, struct rh_embedding *t, const char *name, unsigned purpose)
{
    struct {
        const char *what;
        void *array; /* address of the pointer */
        int64_t n;
        size_t elem;
    } part[] = { { "", &t->w, (int64_t)t->n * t->E, sizeof *t->w },
                 { " first", &t->first, (int64_t)t->n * t->E, sizeof *t->w },
                 { " second", &t->second, (int64_t)t->n * t->E, sizeof *t->w },
                 { " moved", &t->moved, t->n, sizeof *t->moved },
                 { " tail", &t->tail, t->n, sizeof *t->tail } };
    int n = !(purpose & RH_FOR_RESUMING) ? 1 : t->moved ? 5 : 3, status = RH_OK;
    char full[64];
    for (int k = 0; k < n && status >= 0; k++) {
        snprintf(full, sizeof full, "%s%s", name, part[k].what);
        status = ctx->host->field(ctx, full, part[k].array, part[k].n, part[k].elem);
    }
    if (n < 5 || status < 0)
        return status;
    snprintf(full, sizeof full, "%s now", name);
    if ((status = ctx->host->value(ctx, full, &t->now, sizeof t->now)) < 0)
        return status;
    snprintf(full, sizeof full, "%s tail now", name);
    return ctx->host->value(ctx, full, &t->tail_now, sizeof t->tail_now);
}

static inline rh_real weight_of(const float *val, int32_t j, rh_real share)
{
    return val ? share * (rh_real)val[j] : share;
}

void rh_embedding_bag(const struct rh_embedding *t, int32_t n, const int32_t *col, const float *val, bool mean,
                      rh_real *out)
{
    rh_real share = mean ? 1 / (rh_real)n : 1;
    for (int32_t j = 0; j < n; j++)
        rh_axpy(t->E, weight_of(val, j, share), rh_embedding_row(t, col[j]), out);
}

void rh_embedding_bag_back(struct rh_embedding *t, int32_t n, const int32_t *col, const float *val, bool mean,
                           const rh_real *dout)
{
    rh_real share = mean ? 1 / (rh_real)n : 1;
    for (int32_t j = 0; j < n; j++)
        rh_axpy(t->E, weight_of(val, j, share), dout, rh_embedding_gradient(t, col[j]));
}
