#include "algorithms/lib/personal.h"

#include <string.h>

struct rh_personal rh_personal_make(int32_t d, int32_t meta)
{
    return (struct rh_personal){
        .d = d,
        .attention = { .layers = 2, .width = { d, d, 1 }, .hidden = RH_RELU, .last = RH_LINEAR },
        .generator = { .layers = 2, .width = { d, meta, d * d }, .hidden = RH_RELU, .last = RH_LINEAR },
    };
}

int64_t rh_personal_size(const struct rh_personal *b)
{
    return rh_mlp_size(&b->attention) + rh_mlp_size(&b->generator);
}

void rh_personal_init(const struct rh_personal *b, struct rh_rng *r, rh_real *phi)
{
    rh_mlp_init(&b->attention, r, phi);
    rh_mlp_init(&b->generator, r, phi + rh_mlp_size(&b->attention));
}

/* [a: weights of the histories][p: n x d][tape of attention][tape of generator] */
struct parts {
    rh_real *a, *p, *attention, *generator;
};
static struct parts parts_of(const struct rh_personal *b, int32_t n, int64_t n_history, rh_real *tape)
{
    struct parts t = { .a = tape };
    t.p = t.a + n_history;
    t.attention = t.p + (size_t)n * (size_t)b->d;
    t.generator = t.attention + rh_mlp_tape(&b->attention, (int32_t)n_history);
    return t;
}

size_t rh_personal_tape(const struct rh_personal *b, int32_t n, int64_t n_history)
{
    return (size_t)n_history + (size_t)n * (size_t)b->d + rh_mlp_tape(&b->attention, (int32_t)n_history) +
           rh_mlp_tape(&b->generator, n);
}

/* [dw: n x d d][dp: n x d][de: n_history][work of either network] */
size_t rh_personal_work(const struct rh_personal *b, int32_t n, int64_t n_history)
{
    size_t x = rh_mlp_work(&b->attention, (int32_t)n_history), y = rh_mlp_work(&b->generator, n);
    return (size_t)n * (size_t)b->d * (size_t)(b->d + 1) + (size_t)n_history + (x > y ? x : y);
}

static void softmax(int64_t n, const rh_real *e, rh_real *a)
{
    rh_real most = e[0], sum = 0;
    for (int64_t j = 1; j < n; j++)
        most = e[j] > most ? e[j] : most;
    for (int64_t j = 0; j < n; j++)
        sum += a[j] = rh_real_exp(e[j] - most);
    for (int64_t j = 0; j < n; j++)
        a[j] /= sum;
}

void rh_personal_forward(const struct rh_personal *b, const rh_real *phi, const struct rh_personal_users *u,
                         rh_real *tape, rh_real *y)
{
    int32_t d = b->d;
    int64_t n_history = u->first[u->n];
    struct parts t = parts_of(b, u->n, n_history, tape);
    const rh_real *e = rh_mlp_forward(&b->attention, phi, (int32_t)n_history, u->v, NULL, t.attention);
    memset(t.p, 0, (size_t)u->n * (size_t)d * sizeof *t.p);
    for (int32_t k = 0; k < u->n; k++) {
        int64_t from = u->first[k], to = u->first[k + 1];
        softmax(to - from, e + from, t.a + from);
        for (int64_t j = from; j < to; j++)
            rh_axpy(d, t.a[j], u->v + j * d, t.p + (int64_t)k * d);
    }
    const rh_real *w = rh_mlp_forward(&b->generator, phi + rh_mlp_size(&b->attention), u->n, t.p, NULL, t.generator);
    for (int32_t k = 0; k < u->n; k++)
        for (int32_t i = 0; i < d; i++)
            y[(int64_t)k * d + i] = rh_dot(d, w + ((int64_t)k * d + i) * d, u->s + (int64_t)k * d);
}

void rh_personal_back(const struct rh_personal *b, const rh_real *phi, const struct rh_personal_users *u,
                      const rh_real *tape, const rh_real *dy, rh_real *dphi, rh_real *work)
{
    int32_t d = b->d, n = u->n;
    int64_t n_history = u->first[n], begin = rh_mlp_size(&b->attention);
    struct parts t = parts_of(b, n, n_history, (rh_real *)tape);
    rh_real *dw = work, *dp = dw + (size_t)n * (size_t)d * (size_t)d, *de = dp + (size_t)n * (size_t)d;
    rh_real *room = de + n_history;
    memset(dp, 0, (size_t)n * (size_t)d * sizeof *dp);
    for (int32_t k = 0; k < n; k++)
        for (int32_t i = 0; i < d; i++)
            for (int32_t f = 0; f < d; f++)
                dw[((int64_t)k * d + i) * d + f] = dy[(int64_t)k * d + i] * u->s[(int64_t)k * d + f];
    rh_mlp_back(&b->generator, phi + begin, n, t.p, NULL, t.generator, dw, dphi + begin, dp, room);
    for (int32_t k = 0; k < n; k++) {
        int64_t from = u->first[k], to = u->first[k + 1];
        rh_real mean = 0; /* of da, under a */
        for (int64_t j = from; j < to; j++) {
            de[j] = rh_dot(d, dp + (int64_t)k * d, u->v + j * d);
            mean += t.a[j] * de[j];
        }
        for (int64_t j = from; j < to; j++)
            de[j] = t.a[j] * (de[j] - mean);
    }
    rh_mlp_back(&b->attention, phi, (int32_t)n_history, u->v, NULL, t.attention, de, dphi, NULL, room);
}
