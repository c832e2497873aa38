#include "algorithms/lib/nn.h"

#include "algorithms/lib/wide.h"

#include <cblas.h>

#ifdef RH_NN_DOUBLE
#define GEMM cblas_dgemm
#else
#define GEMM cblas_sgemm
#endif

static const double adam_first = 0.9, adam_second = 0.999, adam_epsilon = 1e-8, adagrad_epsilon = 1e-10;

/* ----------------------------------------------------------------------------------------------- dense layers */

void rh_nn_linear(int32_t n, int32_t in, int32_t out, const rh_real *x, const rh_real *w, const rh_real *b,
                  rh_real *y)
{
    if (n <= 0)
        return;
    GEMM(CblasRowMajor, CblasNoTrans, CblasTrans, n, out, in, 1, x, in, w, in, 0, y, out);
    if (!b)
        return;
    for (int32_t i = 0; i < n; i++)
        rh_axpy(out, 1, b, y + (size_t)i * (size_t)out);
}

void rh_nn_linear_back(int32_t n, int32_t in, int32_t out, const rh_real *x, const rh_real *w, const rh_real *dy,
                       rh_real *dx, rh_real *dw, rh_real *db)
{
    if (n <= 0)
        return;
    if (dw)
        GEMM(CblasRowMajor, CblasTrans, CblasNoTrans, out, in, n, 1, dy, out, x, in, 1, dw, in);
    if (dx)
        GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, in, out, 1, dy, out, w, in, 1, dx, in);
    if (db)
        for (int32_t i = 0; i < n; i++)
            rh_axpy(out, 1, dy + (size_t)i * (size_t)out, db);
}

void rh_nn_product(int32_t rows, int32_t inner, int32_t cols, const rh_real *a, const rh_real *b, rh_real *c)
{
    GEMM(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, cols, inner, 1, a, inner, b, cols, 0, c, cols);
}

/* ------------------------------------------------------------------------------------------------ normalisation */

static const double norm_epsilon = 1e-5;

void rh_nn_norm(int32_t n, int32_t width, const rh_real *x, const rh_real *gain, const rh_real *bias, rh_real *z,
                rh_real *scale, rh_real *y)
{
    for (int32_t k = 0; k < n; k++, x += width, y += width, z += width) {
        rh_real mean = 0;
        for (int32_t i = 0; i < width; i++)
            mean += x[i];
        mean /= (rh_real)width;
        for (int32_t i = 0; i < width; i++)
            z[i] = x[i] - mean;
        rh_real variance = rh_dot(width, z, z) / (rh_real)width;
        scale[k] = 1 / rh_real_sqrt(variance + (rh_real)norm_epsilon);
        for (int32_t i = 0; i < width; i++) {
            z[i] *= scale[k];
            y[i] = gain[i] * z[i] + bias[i];
        }
    }
}

/* With e = gain dy: dx = scale (e - mean(e) - z mean(e z)). */
void rh_nn_norm_back(int32_t n, int32_t width, const rh_real *z, const rh_real *scale, const rh_real *gain,
                     const rh_real *dy, rh_real *dgain, rh_real *dbias, rh_real *dx)
{
    for (int32_t k = 0; k < n; k++, z += width, dy += width) {
        rh_real mean = 0, along = 0;
        for (int32_t i = 0; i < width; i++) {
            mean += gain[i] * dy[i] / (rh_real)width;
            along += gain[i] * dy[i] * z[i] / (rh_real)width;
        }
        for (int32_t i = 0; dx && i < width; i++)
            dx[(size_t)k * (size_t)width + (size_t)i] += scale[k] * (gain[i] * dy[i] - mean - z[i] * along);
        if (dgain)
            rh_axpy_product(width, 1, dy, z, dgain);
        if (dbias)
            rh_axpy(width, 1, dy, dbias);
    }
}

/* ------------------------------------------------------------------------------------------------------ losses */

rh_real rh_nn_loss(enum rh_loss kind, int32_t m, const rh_real *s, rh_real weight, rh_real *ds)
{
    rh_real share = weight / (rh_real)(m - 1), half = weight / 2, sum = 0;
    switch (kind) {
    case RH_BPR:
        ds[0] = 0;
        for (int32_t j = 1; j < m; j++) {
            sum += share * rh_softplus(s[j] - s[0]);
            ds[j] = share * rh_sigmoid(s[j] - s[0]);
            ds[0] -= ds[j];
        }
        return sum;
    case RH_BCE:
        sum = half * rh_softplus(-s[0]);
        ds[0] = -half * rh_sigmoid(-s[0]);
        for (int32_t j = 1; j < m; j++) {
            sum += share / 2 * rh_softplus(s[j]);
            ds[j] = share / 2 * rh_sigmoid(s[j]);
        }
        return sum;
    case RH_MSE:
        sum = half * (s[0] - 1) * (s[0] - 1);
        ds[0] = weight * (s[0] - 1);
        for (int32_t j = 1; j < m; j++) {
            sum += share / 2 * s[j] * s[j];
            ds[j] = share * s[j];
        }
        return sum;
    }
    return sum;
}

void rh_nn_loss_r(enum rh_loss kind, int32_t m, const rh_real *s, const rh_real *rs, rh_real weight, rh_real *rds)
{
    rh_real share = weight / (rh_real)(m - 1), half = weight / 2;
    switch (kind) {
    case RH_BPR:
        rds[0] = 0;
        for (int32_t j = 1; j < m; j++) {
            rh_real p = rh_sigmoid(s[j] - s[0]);
            rds[j] = share * p * (1 - p) * (rs[j] - rs[0]);
            rds[0] -= rds[j];
        }
        break;
    case RH_BCE:
        for (int32_t j = 0; j < m; j++) {
            rh_real p = rh_sigmoid(s[j]);
            rds[j] = (j == 0 ? half : share / 2) * p * (1 - p) * rs[j];
        }
        break;
    case RH_MSE:
        for (int32_t j = 0; j < m; j++)
            rds[j] = (j == 0 ? weight : share) * rs[j];
        break;
    }
}

rh_real rh_nn_softmax(int32_t m, const rh_real *s, int32_t right, rh_real weight, rh_real *ds)
{
    rh_real most = s[0], sum = 0, own = s[right];
    for (int32_t j = 1; j < m; j++)
        most = s[j] > most ? s[j] : most;
    for (int32_t j = 0; j < m; j++) {
        ds[j] = rh_real_exp(s[j] - most);
        sum += ds[j];
    }
    rh_real share = weight / sum;
    for (int32_t j = 0; j < m; j++)
        ds[j] *= share;
    ds[right] -= weight;
    return weight * (most - own + rh_real_log(sum));
}

void rh_nn_softmax_r(int32_t m, const rh_real *s, const rh_real *rs, rh_real weight, rh_real *rds)
{
    rh_nn_softmax(m, s, 0, 1, rds);
    rds[0] += 1; /* the softmax itself */
    rh_real mean = rh_dot(m, rds, rs);
    for (int32_t j = 0; j < m; j++)
        rds[j] *= weight * (rs[j] - mean);
}

/* log of the sum of e^(s_j / T). */
static rh_real log_sum(int32_t m, const rh_real *s, rh_real T)
{
    rh_real most = s[0], sum = 0;
    for (int32_t j = 1; j < m; j++)
        most = s[j] > most ? s[j] : most;
    for (int32_t j = 0; j < m; j++)
        sum += rh_real_exp((s[j] - most) / T);
    return most / T + rh_real_log(sum);
}

rh_real rh_nn_distill(int32_t m, const rh_real *s, const rh_real *teacher, rh_real T, rh_real weight, rh_real *ds)
{
    rh_real own = log_sum(m, s, T), told = log_sum(m, teacher, T), loss = 0;
    for (int32_t j = 0; j < m; j++) {
        rh_real log_p = teacher[j] / T - told, log_q = s[j] / T - own, p = rh_real_exp(log_p);
        loss += p * (log_p - log_q);
        ds[j] += weight * T * (rh_real_exp(log_q) - p);
    }
    return weight * T * T * loss;
}

/* -------------------------------------------------------------------------------------------------- optimisers */

void rh_nn_step(struct rh_optimizer_state *o, double factor)
{
    o->step++;
    double rate = o->rate * factor;
    if (o->kind != RH_ADAM) {
        o->corrected_rate = (rh_real)rate;
        o->corrected_epsilon = (rh_real)adagrad_epsilon;
        return;
    }
    /* rate (first / c1) / (sqrt(second / c2) + eps) = (rate sqrt(c2) / c1) first / (sqrt(second) + eps sqrt(c2)) */
    double c1 = 1 - pow(adam_first, (double)o->step), c2 = 1 - pow(adam_second, (double)o->step);
    o->corrected_rate = (rh_real)(rate * sqrt(c2) / c1);
    o->corrected_epsilon = (rh_real)(adam_epsilon * sqrt(c2));
}

/* A square root that may set errno is a call to the compiler, and a loop with one takes a number at a time. So by hand;
 * the bits are the same. */
#if defined(__SSE2__) && defined(__GNUC__) && !defined(__clang__)
typedef rh_real rh_nn_lanes __attribute__((vector_size(16), may_alias, aligned(sizeof(rh_real))));
#define LANES ((int64_t)(sizeof(rh_nn_lanes) / sizeof(rh_real)))
static inline rh_nn_lanes lanes_sqrt(rh_nn_lanes x)
{
#ifdef RH_NN_DOUBLE
    typedef double whole __attribute__((vector_size(16)));
    return (rh_nn_lanes)__builtin_ia32_sqrtpd((whole)x);
#else
    typedef float whole __attribute__((vector_size(16)));
    return (rh_nn_lanes)__builtin_ia32_sqrtps((whole)x);
#endif
}
#endif

RH_WIDE void rh_nn_descend(const struct rh_optimizer_state *o, int64_t n, rh_real *restrict w, rh_real *restrict g,
                           rh_real *restrict first, rh_real *restrict second)
{
    rh_real rate = o->corrected_rate, epsilon = o->corrected_epsilon;
    rh_real keep = (rh_real)(1 - o->rate * o->decay);
    if (o->kind == RH_SGD) {
        for (int64_t i = 0; i < n; i++) {
            w[i] = keep * w[i] - rate * g[i];
            g[i] = 0;
        }
        return;
    }
    if (o->kind == RH_ADAGRAD) {
#pragma omp simd
        for (int64_t i = 0; i < n; i++) {
            second[i] += g[i] * g[i];
            w[i] = keep * w[i] - rate * g[i] / (rh_real_sqrt(second[i]) + epsilon);
            g[i] = 0;
        }
        return;
    }
    rh_real b1 = (rh_real)adam_first, b2 = (rh_real)adam_second, a1 = 1 - b1, a2 = 1 - b2;
    int64_t i = 0;
#ifdef LANES
    for (; i + LANES <= n; i += LANES) {
        rh_nn_lanes *wl = (rh_nn_lanes *)(w + i), *gl = (rh_nn_lanes *)(g + i), m = *(rh_nn_lanes *)(first + i),
                    v = *(rh_nn_lanes *)(second + i);
        m = b1 * m + a1 * *gl;
        v = b2 * v + a2 * *gl * *gl;
        *(rh_nn_lanes *)(first + i) = m;
        *(rh_nn_lanes *)(second + i) = v;
        *wl = keep * *wl - rate * m / (lanes_sqrt(v) + epsilon);
        *gl = (rh_nn_lanes){ 0 };
    }
#endif
    for (; i < n; i++) {
        first[i] = b1 * first[i] + a1 * g[i];
        second[i] = b2 * second[i] + a2 * g[i] * g[i];
        w[i] = keep * w[i] - rate * first[i] / (rh_real_sqrt(second[i]) + epsilon);
        g[i] = 0;
    }
}

double rh_nn_tail(const struct rh_optimizer_state *o)
{
    if (o->kind != RH_ADAM)
        return 0;
    double q = adam_first / (sqrt(adam_second) * (1 - o->rate * o->decay)), sum = 0, share = 1;
    double b1 = pow(adam_first, (double)o->step), b2 = pow(adam_second, (double)o->step);
    for (int j = 0; j < 400 && share > 1e-10; j++) {
        b1 *= adam_first;
        b2 *= adam_second;
        share *= q;
        sum += share * o->rate * sqrt(1 - b2) / (1 - b1);
    }
    return sum;
}

RH_WIDE void rh_nn_rest(const struct rh_optimizer_state *o, int64_t then, int64_t now, double tail_then,
                        double tail_now, int64_t n, rh_real *restrict w, rh_real *restrict first,
                        rh_real *restrict second)
{
    double keep = 1 - o->rate * o->decay, k = (double)(now - then), kept = keep < 1 ? pow(keep, k) : 1;
    if (o->kind != RH_ADAM) {
        for (int64_t i = 0; i < n && kept < 1; i++)
            w[i] *= (rh_real)kept;
        return;
    }
    double f1 = pow(adam_first, k), f2 = pow(adam_second, k);
    /* keep^k q^k = b1^k / sqrt(b2)^k */
    rh_real travel = (rh_real)(kept * tail_then - f1 / sqrt(f2) * tail_now);
    rh_real fade = (rh_real)f1, fade2 = (rh_real)f2, stay = (rh_real)kept;
    rh_real epsilon = (rh_real)(adam_epsilon * sqrt(1 - pow(adam_second, (double)then + 1)));
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
        w[i] = stay * w[i] - travel * first[i] / (rh_real_sqrt(second[i]) + epsilon);
        first[i] *= fade;
        second[i] *= fade2;
    }
}

void rh_nn_pull(int64_t n, rh_real share, const rh_real *restrict anchor, rh_real *restrict w)
{
#pragma omp simd
    for (int64_t i = 0; i < n; i++)
        w[i] += share * (anchor[i] - w[i]);
}

void rh_nn_clip(int64_t n, rh_real *w, rh_real limit)
{
    for (int64_t i = 0; i < n; i++)
        w[i] = w[i] > limit ? limit : w[i] < -limit ? -limit : w[i];
}

bool rh_nn_finite(int64_t n, const rh_real *w)
{
    rh_real sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += w[i] * 0; /* 0, or not a number */
    return sum == 0;
}
