#include "algorithms/lib/separation.h"

#include <string.h>

#define NOTHING 1e-12 /* squared length of a row that is taken for 0 */

/* ------------------------------------------------------------------------------------------------------ losses */

double rh_simse(int32_t n, int32_t d, const rh_real *x, const rh_real *guess, rh_real weight, rh_real *dguess)
{
    double sum = 0, share = 1.0 / d;
    rh_real scale = (rh_real)(2 * share / n) * weight;
    for (size_t k = 0; k < (size_t)n; k++) {
        const rh_real *a = x + k * (size_t)d, *b = guess + k * (size_t)d;
        rh_real *db = dguess + k * (size_t)d;
        double all = 0, square = 0;
        for (int32_t j = 0; j < d; j++) {
            double error = (double)b[j] - (double)a[j];
            all += error;
            square += error * error;
        }
        sum += share * square - share * share * all * all;
        for (int32_t j = 0; j < d; j++)
            db[j] += scale * (b[j] - a[j] - (rh_real)(share * all));
    }
    return sum / n;
}

/* unit[n x d]: rows of x less their mean, scaled to length 1, or 0; inverse[n]: what they were multiplied by. */
static void make_units(int32_t n, int32_t d, const rh_real *x, rh_real *mean, rh_real *unit, rh_real *inverse)
{
    size_t width = (size_t)d;
    memset(mean, 0, width * sizeof *mean);
    for (size_t k = 0; k < (size_t)n; k++)
        rh_axpy(d, 1 / (rh_real)n, x + k * width, mean);
    for (size_t k = 0; k < (size_t)n; k++) {
        rh_real *u = unit + k * width;
        for (size_t j = 0; j < width; j++)
            u[j] = x[k * width + j] - mean[j];
        rh_real square = rh_dot(d, u, u);
        inverse[k] = square > (rh_real)NOTHING ? 1 / rh_real_sqrt(square) : 0;
        for (size_t j = 0; j < width; j++)
            u[j] *= inverse[k];
    }
}

/* The gradient by the units, du (used up), taken back to x: through the length, then through the mean. */
static void units_back(int32_t n, int32_t d, const rh_real *unit, const rh_real *inverse, rh_real *du, rh_real *mean,
                       rh_real *dx)
{
    size_t width = (size_t)d;
    memset(mean, 0, width * sizeof *mean);
    for (size_t k = 0; k < (size_t)n; k++) {
        rh_real *g = du + k * width;
        rh_axpy(d, -rh_dot(d, unit + k * width, g), unit + k * width, g);
        for (size_t j = 0; j < width; j++)
            g[j] *= inverse[k];
        rh_axpy(d, 1 / (rh_real)n, g, mean);
    }
    for (size_t k = 0; k < (size_t)n; k++)
        for (size_t j = 0; j < width; j++)
            dx[k * width + j] += du[k * width + j] - mean[j];
}

/* With M = C' P: dL/dC = 2 P M' / n^2, dL/dP = 2 C M / n^2. */
double rh_difference(int32_t n, int32_t d, const rh_real *c, const rh_real *p, rh_real weight, rh_real *dc,
                     rh_real *dp, rh_real *work)
{
    size_t side = (size_t)n * (size_t)d, square = (size_t)d * (size_t)d;
    rh_real *C = work, *P = C + side, *gradient = P + side, *of_c = gradient + side, *of_p = of_c + n;
    rh_real *M = of_p + n, *mean = M + square;
    make_units(n, d, c, mean, C, of_c);
    make_units(n, d, p, mean, P, of_p);
    memset(M, 0, square * sizeof *M);
    rh_nn_linear_back(n, d, d, P, NULL, C, NULL, M, NULL);
    double sum = 0, pairs = (double)n * n;
    for (size_t i = 0; i < square; i++) {
        sum += (double)M[i] * (double)M[i];
        M[i] *= (rh_real)(2 / pairs) * weight;
    }
    rh_nn_linear(n, d, d, P, M, NULL, gradient);
    units_back(n, d, C, of_c, gradient, mean, dc);
    memset(gradient, 0, side * sizeof *gradient);
    rh_nn_linear_back(n, d, d, NULL, M, C, gradient, NULL, NULL);
    units_back(n, d, P, of_p, gradient, mean, dp);
    return sum / pairs;
}

/* ---------------------------------------------------------------------------------------------------- networks */

struct rh_separation rh_separation(int32_t E, int32_t Y, int32_t U)
{
    return (struct rh_separation){
        .E = E,
        .Y = Y,
        .encoder = { .layers = 2, .width = { Y, U, E }, .hidden = RH_TANH, .last = RH_LINEAR },
        .decoder = { .layers = 2, .width = { E, U, Y }, .hidden = RH_TANH, .last = RH_LINEAR },
    };
}

int64_t rh_separation_size(const struct rh_separation *s)
{
    return 2 * rh_mlp_size(&s->encoder) + rh_mlp_size(&s->decoder);
}

void rh_separation_init(const struct rh_separation *s, struct rh_rng *r, rh_real *phi)
{
    int64_t encoder = rh_mlp_size(&s->encoder);
    rh_mlp_init(&s->encoder, r, phi);
    rh_mlp_init(&s->encoder, r, phi + encoder);
    rh_mlp_init(&s->decoder, r, phi + 2 * encoder);
}

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

size_t rh_separation_work(const struct rh_separation *s, int32_t n)
{
    size_t stacks = most(rh_mlp_work(&s->encoder, n), rh_mlp_work(&s->decoder, n));
    return rh_mlp_tape(&s->encoder, n) + rh_mlp_tape(&s->decoder, n) + (size_t)n * (2 * (size_t)s->E + (size_t)s->Y) +
           most(stacks, rh_difference_work(n, s->E));
}

struct rh_separation_losses rh_separate(const struct rh_separation *s, const rh_real *phi, int32_t n,
                                        const rh_real *c, const rh_real *y, rh_real alpha, rh_real beta,
                                        rh_real *dphi, rh_real *dc, rh_real *work)
{
    struct rh_separation_losses loss = { 0 };
    int64_t encoder = rh_mlp_size(&s->encoder);
    size_t codes = (size_t)n * (size_t)s->E, described = (size_t)n * (size_t)s->Y;
    rh_real *tape = work, *decoder_tape = tape + rh_mlp_tape(&s->encoder, n);
    rh_real *sum = decoder_tape + rh_mlp_tape(&s->decoder, n), *dcode = sum + codes, *dguess = dcode + codes;
    rh_real *rest = dguess + described;
    for (int side = 0; side < 2; side++, c += codes, dc += codes, y += described) {
        const rh_real *own = phi + side * encoder, *shared = phi + 2 * encoder;
        const rh_real *p = rh_mlp_forward(&s->encoder, own, n, y, NULL, tape);
        memcpy(sum, c, codes * sizeof *sum);
        rh_axpy((int32_t)codes, 1, p, sum);
        const rh_real *guess = rh_mlp_forward(&s->decoder, shared, n, sum, NULL, decoder_tape);
        memset(dcode, 0, codes * sizeof *dcode);
        memset(dguess, 0, described * sizeof *dguess);
        loss.reconstruction += rh_simse(n, s->Y, y, guess, alpha, dguess);
        rh_mlp_back(&s->decoder, shared, n, sum, NULL, decoder_tape, dguess, dphi + 2 * encoder, dcode, rest);
        rh_axpy((int32_t)codes, 1, dcode, dc);
        loss.difference += rh_difference(n, s->E, c, p, beta, dc, dcode, rest);
        rh_mlp_back(&s->encoder, own, n, y, NULL, tape, dcode, dphi + side * encoder, NULL, rest);
    }
    return loss;
}
