#include "algorithms/lib/pairwise.h"

#include "algorithms/lib/factors.h"
#include "algorithms/lib/nn.h"

#include <string.h>

#define LARGEST 40 /* of |x| in an exponential */
#define LANES 16   /* columns that one part of a minibatch adds up: a cache line */
#define AHEAD 8    /* triples ahead that rows are fetched */

const struct rh_choice rh_pair_step_words[] = {
    { "sgd", RH_PAIR_SGD, "a step a triple" },
    { "adagrad", RH_PAIR_ADAGRAD, "a step a triple, shorter the more a weight has moved (Duchi et al. 2011)" },
    { "adam", RH_PAIR_ADAM, "a step for every `batch` triples, their mean gradient (Kingma and Ba 2015)" },
    { NULL, 0, NULL },
};
const struct rh_choice rh_pair_init_words[] = {
    { "normal", RH_INIT_NORMAL, "N(0, init_sd^2)" },
    { "xavier", RH_INIT_XAVIER, "N(0, 2 / (rows + factors)) (Glorot and Bengio 2010)" },
    { NULL, 0, NULL },
};

/* ---------------------------------------------------------------------------------------------- a step a triple */

/* The inner product of p with the difference of a and b. */
static inline __attribute__((always_inline)) float dot_difference(const float *p, const float *a, const float *b,
                                                                  int32_t width)
{
    const rh_lanes *x = (const rh_lanes *)p, *y = (const rh_lanes *)a, *z = (const rh_lanes *)b;
    rh_lanes s = { 0 }, t = { 0 };
    for (int32_t k = 0; k < width / 8; k += 2) {
        s += x[k] * (y[k] - z[k]);
        t += x[k + 1] * (y[k + 1] - z[k + 1]);
    }
    s += t;
    return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
}

/* A sum of logarithms, most of them taken as one of a product. */
struct log_sum {
    double sum, product;
    int n;
};

static inline __attribute__((always_inline)) void add_log(struct log_sum *l, double factor)
{
    l->product *= factor; /* > 1e-18, so 8 of them are far from underflow */
    if (++l->n == 8) {
        l->sum += log(l->product);
        l->product = 1;
        l->n = 0;
    }
}

/* Minus the derivative of the loss by x; adds the loss. */
static inline __attribute__((always_inline)) float push(const struct rh_pair_model *m, float x, float weight,
                                                        struct log_sum *logs, double *loss)
{
    if (m->loss == RH_PAIR_HINGE) {
        float g = x < 1 ? weight : 0;
        *loss += (double)(g * (1 - x));
        return g;
    }
    float e = expf(x > LARGEST ? LARGEST : x < -LARGEST ? -LARGEST : x), g = 1 / (1 + e);
    if (x < -LARGEST)
        *loss += (double)(-x - LARGEST);
    add_log(logs, (double)(e * g));
    return g;
}

static inline __attribute__((always_inline)) void move_rows(const struct rh_pair_model *m, float g, float *user,
                                                            float *liked, float *other)
{
    rh_lanes *p = (rh_lanes *)user, *a = (rh_lanes *)liked, *b = (rh_lanes *)other;
    float rate = m->rate, keep_p = 1 - rate * m->reg_user, keep_a = 1 - rate * m->reg_liked;
    float keep_b = 1 - rate * m->reg_other, step = rate * g;
    for (int32_t k = 0; k < m->width / 8; k++) {
        rh_lanes was_p = p[k], was_a = a[k], was_b = b[k];
        p[k] = keep_p * was_p + step * (was_a - was_b);
        a[k] = keep_a * was_a + step * was_p;
        b[k] = keep_b * was_b - step * was_p;
    }
}

static inline __attribute__((always_inline)) void adagrad(float rate, float gradient, float *w, float *squares)
{
    *w -= rate * gradient / sqrtf(*squares);
    *squares += gradient * gradient;
}

static inline __attribute__((always_inline)) void adagrad_rows(const struct rh_pair_model *m, float g,
                                                               const struct rh_triple *t)
{
    int64_t pu = (int64_t)t->user * m->width, ai = (int64_t)t->liked * m->width, bi = (int64_t)t->other * m->width;
    float *p = m->user.x + pu, *a = m->item.x + ai, *b = m->item.x + bi;
    float *sp = m->user.second + pu, *sa = m->item.second + ai, *sb = m->item.second + bi;
    for (int32_t f = 0; f < m->factors; f++) {
        float was_p = p[f], was_a = a[f], was_b = b[f];
        adagrad(m->rate, m->reg_user * was_p - g * (was_a - was_b), &p[f], &sp[f]);
        adagrad(m->rate, m->reg_liked * was_a - g * was_p, &a[f], &sa[f]);
        adagrad(m->rate, m->reg_other * was_b + g * was_p, &b[f], &sb[f]);
    }
}

static inline __attribute__((always_inline)) void move_biases(const struct rh_pair_model *m, float g,
                                                              const struct rh_triple *t)
{
    float *a = &m->bias.x[t->liked], *b = &m->bias.x[t->other];
    float of_a = m->reg_bias * *a - g, of_b = m->reg_bias * *b + g;
    if (m->step == RH_PAIR_SGD) {
        *a -= m->rate * of_a;
        *b -= m->rate * of_b;
    } else {
        adagrad(m->rate, of_a, a, &m->bias.second[t->liked]);
        adagrad(m->rate, of_b, b, &m->bias.second[t->other]);
    }
}

static inline __attribute__((always_inline)) void fetch_row(const float *x, int32_t width)
{
    for (int32_t f = 0; f < width; f += LANES)
        __builtin_prefetch(x + f, 1);
}

/* Fetches ahead the rows of a triple: they lie anywhere, and to wait for them is most of the work. */
static inline __attribute__((always_inline)) void fetch(const struct rh_pair_model *m, const struct rh_triple *t)
{
    fetch_row(m->user.x + (int64_t)t->user * m->width, m->width);
    fetch_row(m->item.x + (int64_t)t->liked * m->width, m->width);
    fetch_row(m->item.x + (int64_t)t->other * m->width, m->width);
}

RH_WIDE static double learn(void *arg, const struct rh_triple *t, int64_t n)
{
    const struct rh_pair_model *m = arg;
    struct log_sum logs = { .product = 1 };
    double loss = 0;
    for (int64_t k = 0; k < n; k++) {
        if (k + AHEAD < n)
            fetch(m, &t[k + AHEAD]);
        float *p = m->user.x + (int64_t)t[k].user * m->width;
        float *a = m->item.x + (int64_t)t[k].liked * m->width, *b = m->item.x + (int64_t)t[k].other * m->width;
        float x = dot_difference(p, a, b, m->width);
        if (m->bias.x)
            x += m->bias.x[t[k].liked] - m->bias.x[t[k].other];
        float g = push(m, x, t[k].weight, &logs, &loss);
        if (m->step == RH_PAIR_SGD)
            move_rows(m, g, p, a, b);
        else
            adagrad_rows(m, g, &t[k]);
        if (m->bias.x)
            move_biases(m, g, &t[k]);
    }
    return loss - logs.sum - log(logs.product);
}

/* ------------------------------------------------------------------------------------------ a step a minibatch */

struct minibatch {
    const struct rh_pair_model *m;
    const struct rh_triple *t;
    int64_t n;
    float *g;                           /* [n] minus the derivative by x, over n */
    double *loss;                       /* [pieces] */
    float *of_user, *of_item, *of_bias; /* gradients in the shapes of the tables */
    struct rh_optimizer_state rule;
    const struct rh_pair_table *table; /* that moves */
    float *gradient;
    int32_t row; /* floats of its rows */
};

#define PIECE 256 /* triples */

RH_WIDE static int push_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct minibatch *b = arg;
    const struct rh_pair_model *m = b->m;
    struct log_sum logs = { .product = 1 };
    double loss = 0;
    (void)ctx;
    for (int64_t k = begin; k < end; k++) {
        const struct rh_triple *t = &b->t[k];
        float x = dot_difference(m->user.x + (int64_t)t->user * m->width, m->item.x + (int64_t)t->liked * m->width,
                                 m->item.x + (int64_t)t->other * m->width, m->width);
        if (m->bias.x)
            x += m->bias.x[t->liked] - m->bias.x[t->other];
        b->g[k] = push(m, x, t->weight, &logs, &loss) / (float)b->n;
    }
    b->loss[begin / PIECE] = loss - logs.sum - log(logs.product);
    return RH_OK;
}

/* Columns [begin, end) of the gradients: every part has its own, and adds the triples in order. */
static int gradient_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct minibatch *b = arg;
    const struct rh_pair_model *m = b->m;
    float share = 1 / (float)b->n;
    (void)ctx;
    for (int64_t k = 0; k < b->n; k++) {
        const struct rh_triple *t = &b->t[k];
        int64_t pu = (int64_t)t->user * m->width, ai = (int64_t)t->liked * m->width;
        int64_t bi = (int64_t)t->other * m->width;
        const float *p = m->user.x + pu, *x = m->item.x + ai, *y = m->item.x + bi;
        float *gp = b->of_user + pu, *gx = b->of_item + ai, *gy = b->of_item + bi, g = b->g[k];
        for (int64_t f = begin; f < end; f++) {
            gp[f] += share * m->reg_user * p[f] - g * (x[f] - y[f]);
            gx[f] += share * m->reg_liked * x[f] - g * p[f];
            gy[f] += share * m->reg_other * y[f] + g * p[f];
        }
        if (begin == 0 && m->bias.x) {
            b->of_bias[t->liked] += share * m->reg_bias * m->bias.x[t->liked] - g;
            b->of_bias[t->other] += share * m->reg_bias * m->bias.x[t->other] + g;
        }
    }
    return RH_OK;
}

static int descend_part(struct rh_ctx *ctx, void *arg, int64_t begin, int64_t end)
{
    struct minibatch *b = arg;
    int64_t at = begin * b->row;
    (void)ctx;
    rh_nn_descend(&b->rule, (end - begin) * b->row, b->table->x + at, b->gradient + at, b->table->first + at,
                  b->table->second + at);
    return RH_OK;
}

static int descend(struct rh_ctx *ctx, struct minibatch *b, const struct rh_pair_table *table, float *gradient,
                   int32_t row)
{
    b->table = table;
    b->gradient = gradient;
    b->row = row;
    return table->x ? ctx->host->parallel(ctx, table->n, row == 1 ? 16384 : 256, descend_part, b) : RH_OK;
}

static int adam_pass(struct rh_ctx *ctx, struct rh_pair_model *m, const struct rh_learning *l, int32_t epoch,
                     double *loss)
{
    size_t row = (size_t)m->width * sizeof(float), batch = (size_t)(m->batch < l->pairs->n ? m->batch : l->pairs->n);
    struct minibatch b = { .m = m, .rule = { .kind = RH_ADAM, .rate = m->rate, .step = m->steps } };
    struct rh_triple *t;
    int64_t n;
    int status = rh_pairs_draw(ctx, l, epoch, &t, &n);
    if (status < 0)
        return status;
    b.g = ctx->host->scratch(ctx, batch, sizeof *b.g);
    b.loss = ctx->host->scratch(ctx, batch / PIECE + 1, sizeof *b.loss);
    b.of_user = ctx->host->scratch(ctx, (size_t)m->user.n, row);
    b.of_item = ctx->host->scratch(ctx, (size_t)m->item.n, row);
    b.of_bias = ctx->host->scratch(ctx, (size_t)m->item.n, sizeof(float));
    if (!b.g || !b.loss || !b.of_user || !b.of_item || !b.of_bias)
        return RH_ENOMEM;
    *loss = 0;
    for (int64_t k = 0; k < n && status >= 0; k += b.n) {
        b.t = t + k;
        b.n = n - k < m->batch ? n - k : m->batch;
        rh_nn_step(&b.rule, 1);
        if ((status = ctx->host->parallel(ctx, b.n, PIECE, push_part, &b)) < 0 ||
            (status = ctx->host->parallel(ctx, m->width, LANES, gradient_part, &b)) < 0 ||
            (status = descend(ctx, &b, &m->user, b.of_user, m->width)) < 0 ||
            (status = descend(ctx, &b, &m->item, b.of_item, m->width)) < 0 ||
            (status = descend(ctx, &b, &m->bias, b.of_bias, 1)) < 0)
            return status;
        for (int64_t piece = 0; piece * PIECE < b.n; piece++)
            *loss += b.loss[piece];
        status = ctx->host->tick(ctx, k + b.n, n);
    }
    m->steps = b.rule.step;
    return status;
}

/* -------------------------------------------------------------------------------------------------------- model */

static bool take_table(struct rh_ctx *ctx, const struct rh_pair_model *m, struct rh_pair_table *t, int64_t n,
                       size_t row)
{
    t->n = n;
    if (m->step != RH_PAIR_SGD && !(t->second = ctx->host->alloc(ctx, (size_t)n, row)))
        return false;
    if (m->step == RH_PAIR_ADAM && !(t->first = ctx->host->alloc(ctx, (size_t)n, row)))
        return false;
    for (int64_t k = 0; m->step == RH_PAIR_ADAGRAD && k < n * (int64_t)(row / sizeof(float)); k++)
        t->second[k] = 1;
    return true;
}

int rh_pair_model_init(struct rh_ctx *ctx, struct rh_pair_model *m, const struct rh_pairs *pairs, int init, double sd,
                       bool bias)
{
    size_t row = (size_t)m->width * sizeof(float);
    double of_user = sd, of_item = sd;
    if (init == RH_INIT_XAVIER) {
        of_user = sqrt(2 / ((double)pairs->n_users + m->factors));
        of_item = sqrt(2 / ((double)pairs->n_items + m->factors));
    }
    m->user.x = rh_factors_new(ctx, pairs->n_users, m->factors, of_user, "users");
    m->item.x = rh_factors_new(ctx, pairs->n_items, m->factors, of_item, "items");
    if (!m->user.x || !m->item.x || !take_table(ctx, m, &m->user, pairs->n_users, row) ||
        !take_table(ctx, m, &m->item, pairs->n_items, row))
        return RH_ENOMEM;
    if (bias && (!(m->bias.x = ctx->host->alloc(ctx, (size_t)pairs->n_items, sizeof(float))) ||
                 !take_table(ctx, m, &m->bias, pairs->n_items, sizeof(float))))
        return RH_ENOMEM;
    for (int32_t u = 0; u < pairs->n_users; u++)
        if (pairs->row[u] == pairs->row[u + 1])
            memset(m->user.x + (int64_t)u * m->width, 0, row);
    return RH_OK;
}

int rh_pair_model_pass(struct rh_ctx *ctx, struct rh_pair_model *m, struct rh_learning *l, int32_t epoch,
                       double *loss)
{
    double sum = 0;
    l->learn = learn;
    l->learn_arg = m;
    l->width = m->width;
    int status = m->step == RH_PAIR_ADAM ? adam_pass(ctx, m, l, epoch, &sum) : rh_pairs_pass(ctx, l, epoch, &sum);
    if (status < 0)
        return status;
    *loss = sum / (double)l->pairs->n;
    if (!isfinite(*loss) || !rh_nn_finite(m->item.n * m->width, m->item.x) ||
        !rh_nn_finite(m->user.n * m->width, m->user.x))
        return ctx->host->fail(ctx, RH_ENUMERIC, "the factors are no numbers any more in epoch %d; lower rate, which "
                               "is %g", epoch, (double)m->rate);
    return RH_OK;
}

int rh_pair_model_score(struct rh_ctx *ctx, const struct rh_pair_model *m, const struct rh_query *query, int32_t n,
                        float *out, size_t stride)
{
    size_t row = (size_t)m->width * sizeof(float);
    float *x = ctx->host->scratch(ctx, (size_t)n, row);
    if (!x)
        return RH_ENOMEM;
    for (int32_t k = 0; k < n; k++)
        memcpy(x + (int64_t)k * m->width, m->user.x + (int64_t)query[k].user * m->width, row);
    rh_factors_score(x, m->item.x, m->bias.x, (int32_t)m->item.n, m->width, query, n, out, stride);
    return RH_OK;
}

/* What the step remembers of a table's rows. */
static int persist_memory(struct rh_ctx *ctx, const struct rh_pair_model *m, struct rh_pair_table *t, int64_t n,
                          size_t row)
{
    int status = RH_OK;
    if (m->step != RH_PAIR_SGD)
        status = ctx->host->field(ctx, "second moments", &t->second, n, row);
    if (m->step == RH_PAIR_ADAM && status >= 0)
        status = ctx->host->field(ctx, "first moments", &t->first, n, row);
    return status;
}

int rh_pair_model_persist(struct rh_ctx *ctx, struct rh_pair_model *m, bool bias)
{
    size_t row = (size_t)m->width * sizeof(float);
    int status;
    if ((status = ctx->host->field(ctx, "users", &m->user.x, m->user.n, row)) < 0 ||
        (status = ctx->host->field(ctx, "items", &m->item.x, m->item.n, row)) < 0)
        return status;
    if (bias)
        status = ctx->host->field(ctx, "biases", &m->bias.x, m->item.n, sizeof(float));
    if (status < 0 || !(ctx->host->purpose(ctx) & RH_FOR_RESUMING))
        return status;
    if ((status = persist_memory(ctx, m, &m->user, m->user.n, row)) < 0 ||
        (status = persist_memory(ctx, m, &m->item, m->item.n, row)) < 0 ||
        (bias && (status = persist_memory(ctx, m, &m->bias, m->item.n, sizeof(float))) < 0))
        return status;
    return ctx->host->value(ctx, "steps", &m->steps, sizeof m->steps);
}
