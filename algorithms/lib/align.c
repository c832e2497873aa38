#include "algorithms/lib/align.h"

#include "algorithms/lib/vexp.h"

#include <gsl/gsl_statistics.h>
#include <string.h>

/* out[n x d] = x - its column means, which need room in mean[d]. */
static void centre(int32_t n, int32_t d, const rh_real *x, rh_real *mean, rh_real *out)
{
    size_t width = (size_t)d;
    memset(mean, 0, width * sizeof *mean);
    for (int32_t k = 0; k < n; k++)
        rh_axpy(d, 1 / (rh_real)n, x + (size_t)k * width, mean);
    memcpy(out, x, (size_t)n * width * sizeof *out);
    for (int32_t k = 0; k < n; k++)
        rh_axpy(d, -1, mean, out + (size_t)k * width);
}

static void scale(size_t n, rh_real factor, rh_real *x)
{
    for (size_t i = 0; i < n; i++)
        x[i] *= factor;
}

/* ------------------------------------------------------------------------------------------------------- coral */

/* With X the centred rows, C = X^T X / (n - 1), and D = C_t - C_s: dL/dX_t = X_t D / ((n - 1) d^2), dL/dX_s the
 * negative. Centring needs no derivative: the columns of X D add up to 0. */
double rh_coral(int32_t n, int32_t d, const rh_real *g, rh_real weight, rh_real *dg, rh_real *work)
{
    size_t side = (size_t)n * (size_t)d, square = (size_t)d * (size_t)d;
    rh_real *source = work, *target = work + side, *difference = work + 2 * side;
    if (n < 2)
        return 0;
    centre(n, d, g, difference, source);
    centre(n, d, g + side, difference, target);
    memset(difference, 0, square * sizeof *difference);
    rh_nn_linear_back(n, d, d, source, NULL, source, NULL, difference, NULL);
    scale(square, -1, difference);
    rh_nn_linear_back(n, d, d, target, NULL, target, NULL, difference, NULL);
    scale(square, 1 / (rh_real)(n - 1), difference);
    double sum = 0;
    for (size_t i = 0; i < square; i++)
        sum += (double)difference[i] * (double)difference[i];
    scale(square, weight / (rh_real)((double)(n - 1) * (double)square), difference);
    rh_nn_linear_back(n, d, d, NULL, difference, target, dg + side, NULL, NULL);
    scale(square, -1, difference);
    rh_nn_linear_back(n, d, d, NULL, difference, source, dg, NULL, NULL);
    return sum / (4 * (double)square);
}

/* --------------------------------------------------------------------------------------------------------- mmd */

#ifdef RH_NN_DOUBLE
#define kernel_exp exp
#define median gsl_stats_median
#else
#define kernel_exp rh_exp
#define median gsl_stats_float_median
#endif

#define TILE 64 /* kernels computed together */

/* k and its derivative by the squared distance, of n squared distances. A kernel is the square of the next wider one,
 * so one exponential makes all of them. */
static void kernels(const struct rh_mmd *m, double bandwidth, int32_t n, const rh_real *restrict distance,
                    rh_real *restrict value, rh_real *restrict slope)
{
    double widest = ldexp(bandwidth, (m->kernels - 1) / 2);
    rh_real inverse[RH_MMD_KERNELS], share = 1 / (rh_real)m->kernels;
    for (int32_t u = 0; u < m->kernels; u++)
        inverse[u] = (rh_real)(1 / ldexp(widest, -u));
    for (int32_t at = 0; at < n; at += TILE) {
        int32_t here = n - at < TILE ? n - at : TILE;
        rh_real e[TILE], *sum = value + at, *steep = slope + at;
        const rh_real *square = distance + at;
#pragma omp simd
        for (int32_t j = 0; j < here; j++) {
            e[j] = kernel_exp(-square[j] * inverse[0]);
            sum[j] = share * e[j];
            steep[j] = -share * e[j] * inverse[0];
        }
        for (int32_t u = 1; u < m->kernels; u++) {
            rh_real steeper = share * inverse[u];
#pragma omp simd
            for (int32_t j = 0; j < here; j++) {
                e[j] *= e[j];
                sum[j] += share * e[j];
                steep[j] -= steeper * e[j];
            }
        }
    }
}

/* Squared distances of all pairs of rows, distance[N x N], N = 2n, from products of centred rows x[N x d]. */
static void all_distances(int32_t n, int32_t d, const rh_real *g, rh_real *x, rh_real *norm, rh_real *distance)
{
    int32_t N = 2 * n;
    centre(N, d, g, distance, x);
    for (int32_t i = 0; i < N; i++)
        norm[i] = rh_dot(d, x + (size_t)i * (size_t)d, x + (size_t)i * (size_t)d);
    rh_nn_linear(N, d, N, x, x, NULL, distance);
    for (int32_t i = 0; i < N; i++) {
        rh_real *row = distance + (size_t)i * (size_t)N;
        for (int32_t j = 0; j < N; j++) {
            rh_real square = norm[i] + norm[j] - 2 * row[j];
            row[j] = square > 0 ? square : 0;
        }
        row[i] = 0;
    }
}

/* Quadruples of n rows a side: half of them, an even number where that is possible. */
static int32_t quads_of(int32_t n)
{
    int32_t half = n / 2;
    return half > 1 ? half - half % 2 : half;
}

/* Rows of the four pairs of quadruple i of h: s s', t t', s t', s' t; and their signs. */
static const rh_real quad_sign[4] = { 1, 1, -1, -1 };
static void quad(int32_t n, int32_t h, int32_t i, size_t a[4], size_t b[4])
{
    size_t s = (size_t)i, t = (size_t)n + s, far = (size_t)h;
    a[0] = s, b[0] = s + far;
    a[1] = t, b[1] = t + far;
    a[2] = s, b[2] = t + far;
    a[3] = s + far, b[3] = t;
}

static void quad_distances(int32_t n, int32_t d, const rh_real *g, rh_real *distance)
{
    size_t width = (size_t)d, a[4], b[4];
    int32_t h = quads_of(n);
    for (int32_t i = 0; i < h; i++) {
        quad(n, h, i, a, b);
        for (size_t k = 0; k < 4; k++) {
            const rh_real *x = g + a[k] * width, *y = g + b[k] * width;
            rh_real sum = 0;
#pragma omp simd reduction(+ : sum)
            for (size_t j = 0; j < width; j++)
                sum += (x[j] - y[j]) * (x[j] - y[j]);
            distance[4 * (size_t)i + k] = sum;
        }
    }
}

size_t rh_mmd_work(const struct rh_mmd *m, int32_t n, int32_t d)
{
    size_t N = 2 * (size_t)n, width = (size_t)d;
    if (m->linear)
        return 3 * N;
    /* The squares, and a row of column means in their place: hence no less than d. */
    return 2 * N * N + 2 * N * width + 2 * N + width;
}

static double mmd_linear(const struct rh_mmd *m, int32_t n, int32_t d, const rh_real *g, double *bandwidth,
                         rh_real weight, rh_real *dg, rh_real *work)
{
    int32_t quads = quads_of(n);
    size_t width = (size_t)d, a[4], b[4];
    rh_real *distance = work, *value = distance + 4 * (size_t)quads, *slope = value + 4 * (size_t)quads;
    double sum = 0;
    quad_distances(n, d, g, distance);
    if (!(*bandwidth > 0)) {
        memcpy(value, distance, 4 * (size_t)quads * sizeof *value);
        *bandwidth = (double)median(value, 1, 4 * (size_t)quads); /* which puts them in another order */
    }
    if (!(*bandwidth > 0))
        return 0;
    kernels(m, *bandwidth, 4 * quads, distance, value, slope);
    for (int32_t i = 0; i < quads; i++) {
        quad(n, quads, i, a, b);
        for (size_t k = 0; k < 4; k++) {
            const rh_real *x = g + a[k] * width, *y = g + b[k] * width;
            rh_real factor = 2 * weight * quad_sign[k] * slope[4 * (size_t)i + k] / (rh_real)quads;
            sum += (double)(quad_sign[k] * value[4 * (size_t)i + k]);
            rh_axpy(d, factor, x, dg + a[k] * width);
            rh_axpy(d, -factor, y, dg + a[k] * width);
            rh_axpy(d, factor, y, dg + b[k] * width);
            rh_axpy(d, -factor, x, dg + b[k] * width);
        }
    }
    return sum / quads;
}

/* L = sum over i, j of c_ij k_ij with c = 1 / n^2 within a sample and -1 / n^2 between: with w_ij = 4 c_ij k'_ij,
 * dL/dx_i = (sum over j of w_ij) x_i - sum over j of w_ij x_j. */
static double mmd_quadratic(const struct rh_mmd *m, int32_t n, int32_t d, const rh_real *g, double *bandwidth,
                            rh_real weight, rh_real *dg, rh_real *work)
{
    int32_t N = 2 * n;
    size_t all = (size_t)N, width = (size_t)d;
    rh_real *x = work, *norm = x + all * width, *distance = norm + all, *w = distance + all * all + width;
    rh_real *value = w + all * all, *mixed = value + all;
    rh_real share = 1 / ((rh_real)n * (rh_real)n);
    double sum = 0;
    all_distances(n, d, g, x, norm, distance);
    if (!(*bandwidth > 0)) {
        size_t kept = 0;
        for (size_t i = 0; i < all; i++)
            for (size_t j = i + 1; j < all; j++)
                w[kept++] = distance[i * all + j];
        *bandwidth = (double)median(w, 1, kept);
    }
    if (!(*bandwidth > 0))
        return 0;
    for (int32_t i = 0; i < N; i++) {
        rh_real *row = w + (size_t)i * all, total = 0;
        double within = 0, between = 0;
        kernels(m, *bandwidth, N, distance + (size_t)i * all, value, row);
        for (int32_t j = 0; j < N; j++) {
            bool same = (i < n) == (j < n);
            *(same ? &within : &between) += (double)value[j];
            row[j] *= (same ? 4 : -4) * share * weight;
            total += row[j];
        }
        sum += within - between;
        rh_axpy(d, total, x + (size_t)i * width, dg + (size_t)i * width);
    }
    rh_nn_product(N, N, d, w, x, mixed);
    rh_axpy(N * d, -1, mixed, dg);
    return sum / ((double)n * n);
}

double rh_mmd(const struct rh_mmd *m, int32_t n, int32_t d, const rh_real *g, double *bandwidth, rh_real weight,
              rh_real *dg, rh_real *work)
{
    if (n < 2)
        return 0;
    return m->linear ? mmd_linear(m, n, d, g, bandwidth, weight, dg, work)
                     : mmd_quadratic(m, n, d, g, bandwidth, weight, dg, work);
}
