#include "algorithms/lib/cross.h"

#include <string.h>

int32_t rh_cross_hidden(const struct rh_cross *c)
{
    return c->tower.layers - 1;
}

int64_t rh_cross_unit(const struct rh_cross *c, int32_t e, int32_t layer, int64_t *size)
{
    const int32_t *width = c->tower.width;
    int64_t all = 0, at = 0;
    for (int32_t l = 1; l < c->tower.layers; l++) {
        if (l < layer)
            at += (int64_t)width[l - 1] * width[l];
        all += (int64_t)width[l - 1] * width[l];
    }
    if (size)
        *size = (int64_t)width[layer - 1] * width[layer];
    return c->n_domains * rh_mlp_size(&c->tower) + e * all + at;
}

int64_t rh_cross_size(const struct rh_cross *c)
{
    return rh_cross_unit(c, c->n_domains, 1, NULL);
}

void rh_cross_init(const struct rh_cross *c, struct rh_rng *r, bool cross, rh_real *phi)
{
    for (int32_t d = 0; d < c->n_domains; d++)
        rh_mlp_init(&c->tower, r, phi + d * rh_mlp_size(&c->tower));
    for (int32_t e = 0; e < c->n_domains; e++)
        for (int32_t l = 1; l < c->tower.layers; l++) {
            int64_t n, at = rh_cross_unit(c, e, l, &n);
            double bound = sqrt(6.0 / (c->tower.width[l - 1] + c->tower.width[l]));
            for (int64_t k = 0; k < n; k++)
                phi[at + k] = cross && e != c->target ? (rh_real)(bound * (2 * rh_rng_uniform(r) - 1)) : 0;
        }
}

/* The tape: hidden layers of own, of other, then the scores. */
static size_t units(const struct rh_cross *c, int32_t layers)
{
    size_t sum = 0;
    for (int32_t l = 1; l <= layers; l++)
        sum += (size_t)c->tower.width[l];
    return sum;
}

size_t rh_cross_tape(const struct rh_cross *c, int32_t n)
{
    return (size_t)n * (2 * units(c, rh_cross_hidden(c)) + 1);
}

static size_t widest(const struct rh_cross *c)
{
    size_t most = 0;
    for (int32_t l = 0; l < c->tower.layers; l++)
        most = (size_t)c->tower.width[l] > most ? (size_t)c->tower.width[l] : most;
    return most;
}

size_t rh_cross_work(const struct rh_cross *c, int32_t n)
{
    return 4 * (size_t)n * widest(c);
}

/* Hidden layer l >= 1 of a side. */
static size_t place(const struct rh_cross *c, int32_t n, int side, int32_t layer)
{
    return (size_t)n * ((side ? units(c, rh_cross_hidden(c)) : 0) + units(c, layer - 1));
}

rh_real *rh_cross_first(const struct rh_cross *c, int32_t n, int side, rh_real *tape)
{
    return tape + place(c, n, side, 1);
}

/* What enters layer l of a side. */
static const rh_real *input(const struct rh_cross *c, const struct rh_cross_rows *r, const rh_real *tape, int side,
                            int32_t layer)
{
    return layer == 1 ? r->x[side] : tape + place(c, r->n, side, layer - 1);
}

static const rh_real *weights(const struct rh_cross *c, const rh_real *phi, int32_t domain, int32_t layer)
{
    return phi + domain * rh_mlp_size(&c->tower) + rh_mlp_layer(&c->tower, layer, NULL);
}

/* The H(l) that own and other share. */
static int64_t unit_of(const struct rh_cross *c, const struct rh_cross_rows *r, int32_t layer)
{
    return rh_cross_unit(c, r->own == c->target ? r->other : r->own, layer, NULL);
}

static void hidden_layer(const struct rh_cross *c, const rh_real *phi, const struct rh_cross_rows *r, int side,
                         int32_t layer, rh_real *tape)
{
    int32_t in = c->tower.width[layer - 1], out = c->tower.width[layer];
    const rh_real *w = weights(c, phi, side ? r->other : r->own, layer);
    rh_real *a = tape + place(c, r->n, side, layer);
    rh_nn_linear(r->n, in, out, input(c, r, tape, side, layer), w, w + (int64_t)in * out, a);
    if (r->other >= 0) /* a += input of the other side times the transposed H */
        rh_nn_linear_back(r->n, out, in, NULL, phi + unit_of(c, r, layer), input(c, r, tape, !side, layer), a, NULL,
                          NULL);
    for (int64_t k = 0; k < (int64_t)r->n * out; k++)
        a[k] = rh_act(RH_RELU, a[k]);
}

const rh_real *rh_cross_rest(const struct rh_cross *c, const rh_real *phi, const struct rh_cross_rows *r,
                             rh_real *tape)
{
    int32_t last = rh_cross_hidden(c), width = c->tower.width[last];
    for (int32_t l = 2; l <= last; l++) {
        hidden_layer(c, phi, r, 0, l, tape);
        if (r->other >= 0 && l < last)
            hidden_layer(c, phi, r, 1, l, tape);
    }
    const rh_real *w = weights(c, phi, r->own, last + 1);
    rh_real *score = tape + 2 * (size_t)r->n * units(c, last);
    rh_nn_linear(r->n, width, 1, tape + place(c, r->n, 0, last), w, w + width, score);
    return score;
}

const rh_real *rh_cross_forward(const struct rh_cross *c, const rh_real *phi, const struct rh_cross_rows *r,
                                rh_real *tape)
{
    hidden_layer(c, phi, r, 0, 1, tape);
    if (r->other >= 0 && rh_cross_hidden(c) > 1)
        hidden_layer(c, phi, r, 1, 1, tape);
    return rh_cross_rest(c, phi, r, tape);
}

/* One way of a layer: dz[n x out] of `side` to its weights, to H, and to what entered: in[side] += , in[!side] = or
 * +=. */
static void layer_back(const struct rh_cross *c, const rh_real *phi, const struct rh_cross_rows *r, int side,
                       int32_t layer, const rh_real *tape, const rh_real *dz, rh_real *dphi, rh_real *in[2])
{
    int32_t n_in = c->tower.width[layer - 1], out = c->tower.width[layer];
    int64_t at = weights(c, phi, side ? r->other : r->own, layer) - phi;
    rh_nn_linear_back(r->n, n_in, out, input(c, r, tape, side, layer), phi + at, dz, in[side], dphi + at,
                      dphi + at + (int64_t)n_in * out);
    if (r->other < 0)
        return;
    int64_t h = unit_of(c, r, layer);
    rh_nn_linear_back(r->n, out, n_in, dz, NULL, input(c, r, tape, !side, layer), NULL, dphi + h, NULL);
}

void rh_cross_back(const struct rh_cross *c, const rh_real *phi, const struct rh_cross_rows *r, const rh_real *tape,
                   const rh_real *ds, rh_real *dphi, rh_real *dx[2], rh_real *work)
{
    int32_t last = rh_cross_hidden(c), width = c->tower.width[last];
    size_t room = (size_t)r->n * widest(c);
    rh_real *dz[2] = { work, work + room }, *next[2] = { work + 2 * room, work + 3 * room };
    bool both = r->other >= 0;
    int64_t head = weights(c, phi, r->own, last + 1) - phi;
    memset(dz[0], 0, (size_t)r->n * (size_t)width * sizeof **dz);
    rh_nn_linear_back(r->n, width, 1, tape + place(c, r->n, 0, last), phi + head, ds, dz[0], dphi + head,
                      dphi + head + width);
    for (int32_t l = last; l >= 1; l--) {
        int32_t in = c->tower.width[l - 1], out = c->tower.width[l];
        bool from_other = both && l < last; /* the last hidden layer of the other side leads nowhere */
        for (int side = 0; side <= from_other; side++) {
            const rh_real *a = tape + place(c, r->n, side, l);
            for (int64_t k = 0; k < (int64_t)r->n * out; k++)
                dz[side][k] *= rh_act_1(RH_RELU, a[k]);
        }
        rh_real *to[2] = { l == 1 ? dx[0] : next[0], l == 1 ? dx[1] : next[1] };
        if (from_other) /* through H: dz H, with the transposed H */
            rh_nn_linear(r->n, out, in, dz[1], phi + unit_of(c, r, l), NULL, to[0]);
        else
            memset(to[0], 0, (size_t)r->n * (size_t)in * sizeof **to);
        if (both)
            rh_nn_linear(r->n, out, in, dz[0], phi + unit_of(c, r, l), NULL, to[1]);
        for (int side = 0; side <= from_other; side++)
            layer_back(c, phi, r, side, l, tape, dz[side], dphi, to);
        for (int side = 0; side < 2; side++) {
            rh_real *swap = dz[side];
            dz[side] = next[side];
            next[side] = swap;
        }
    }
}
