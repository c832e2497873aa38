/* Parts of small networks with hand-written derivatives: dense layers, activations, ranking losses, optimisers.
 *
 * Every function works on plain row-major arrays; n is the number of rows (examples). Gradients ADD to their targets,
 * so that contributions gather without temporaries; the caller zeroes. What also has an R version gives directional
 * derivatives of the first derivatives (Pearlmutter 1994, "Fast exact multiplication by the Hessian"), from which
 * exact second-order meta-learning is made. The functions take no memory, draw nothing and fail never.
 *
 * `rh_real` is float; compiled with RH_NN_DOUBLE it is double, which tests use to check derivatives against finite
 * differences with ten digits instead of three. BLAS runs on one thread: parallelise around these functions. */
#ifndef RH_ALGORITHMS_LIB_NN_H
#define RH_ALGORITHMS_LIB_NN_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef RH_NN_DOUBLE
typedef double rh_real;
#define rh_real_exp exp
#define rh_real_log log
#define rh_real_log1p log1p
#define rh_real_tanh tanh
#define rh_real_sqrt sqrt
#define rh_real_abs fabs
#else
typedef float rh_real;
#define rh_real_exp expf
#define rh_real_log logf
#define rh_real_log1p log1pf
#define rh_real_tanh tanhf
#define rh_real_sqrt sqrtf
#define rh_real_abs fabsf
#endif

/* ----------------------------------------------------------------------------------------------- dense layers */

/* y[n x out] = x[n x in] w[out x in]^T + b[out]; b may be NULL. `stride` of x is `in`. */
void rh_nn_linear(int32_t n, int32_t in, int32_t out, const rh_real *x, const rh_real *w, const rh_real *b,
                  rh_real *y);
/* dw[out x in] += dy^T x, db[out] += column sums of dy, dx[n x in] += dy w. Any of the three may be NULL. */
void rh_nn_linear_back(int32_t n, int32_t in, int32_t out, const rh_real *x, const rh_real *w, const rh_real *dy,
                       rh_real *dx, rh_real *dw, rh_real *db);

/* c[rows x cols] = a[rows x inner] b[inner x cols]. */
void rh_nn_product(int32_t rows, int32_t inner, int32_t cols, const rh_real *a, const rh_real *b, rh_real *c);

/* -------------------------------------------------------------------------------------------- small arithmetic */

static inline rh_real rh_dot(int32_t n, const rh_real *x, const rh_real *y)
{
    rh_real sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int32_t i = 0; i < n; i++)
        sum += x[i] * y[i];
    return sum;
}
static inline void rh_axpy(int32_t n, rh_real a, const rh_real *restrict x, rh_real *restrict y)
{
#pragma omp simd
    for (int32_t i = 0; i < n; i++)
        y[i] += a * x[i];
}
/* y += a x z, element by element */
static inline void rh_axpy_product(int32_t n, rh_real a, const rh_real *restrict x, const rh_real *restrict z,
                                   rh_real *restrict y)
{
#pragma omp simd
    for (int32_t i = 0; i < n; i++)
        y[i] += a * x[i] * z[i];
}

/* log(1 + e^x) and 1 / (1 + e^-x) without overflow */
static inline rh_real rh_softplus(rh_real x)
{
    return x > 0 ? x + rh_real_log1p(rh_real_exp(-x)) : rh_real_log1p(rh_real_exp(x));
}
static inline rh_real rh_sigmoid(rh_real x)
{
    if (x >= 0)
        return 1 / (1 + rh_real_exp(-x));
    rh_real e = rh_real_exp(x);
    return e / (1 + e);
}

/* ------------------------------------------------------------------------------------------------- activations */

enum rh_activation { RH_RELU = 0, RH_TANH = 1, RH_LINEAR = 2, RH_SIGMOID = 3 };

static inline rh_real rh_act(enum rh_activation kind, rh_real a)
{
    if (kind == RH_RELU)
        return a > 0 ? a : 0;
    return kind == RH_TANH ? rh_real_tanh(a) : kind == RH_LINEAR ? a : rh_sigmoid(a);
}
/* First and second derivative by the pre-activation, from the activation h = act(a). The kink of relu counts as 0. */
static inline rh_real rh_act_1(enum rh_activation kind, rh_real h)
{
    return kind == RH_RELU ? (h > 0 ? 1 : 0) : kind == RH_TANH ? 1 - h * h : kind == RH_LINEAR ? 1 : h * (1 - h);
}
/* The second over the first: how the slope changes as h does. rh_act_2 = rh_act_bend * rh_act_1. */
static inline rh_real rh_act_bend(enum rh_activation kind, rh_real h)
{
    return kind == RH_TANH ? -2 * h : kind == RH_SIGMOID ? 1 - 2 * h : 0;
}
static inline rh_real rh_act_2(enum rh_activation kind, rh_real h)
{
    return rh_act_bend(kind, h) * rh_act_1(kind, h);
}

/* ------------------------------------------------------------------------------------------------ normalisation */

/* Layer normalisation (Ba, Kiros and Hinton 2016): y = gain * z + bias with z = (x - mean) / sqrt(variance + 1e-5) over
 * the `width` units of a row. y, z[n x width], scale[n] (1 / sqrt(..)) are written; the way back needs the latter two.
 * y may be x. */
void rh_nn_norm(int32_t n, int32_t width, const rh_real *x, const rh_real *gain, const rh_real *bias, rh_real *z,
                rh_real *scale, rh_real *y);
/* Adds to dgain[width], dbias[width] and dx[n x width]; each may be NULL. */
void rh_nn_norm_back(int32_t n, int32_t width, const rh_real *z, const rh_real *scale, const rh_real *gain,
                     const rh_real *dy, rh_real *dgain, rh_real *dbias, rh_real *dx);

/* ------------------------------------------------------------------------------------------------------ losses */

/* Losses of one liked item s[0] and m - 1 sampled others s[1 .. m-1], m >= 2:
 *   bpr   mean_j softplus(s_j - s_0)                            Rendle et al. 2009
 *   bce   (softplus(-s_0) + mean_j softplus(s_j)) / 2           binary cross-entropy, both classes of equal weight
 *   mse   ((s_0 - 1)^2 + mean_j s_j^2) / 2 */
enum rh_loss { RH_BPR = 0, RH_BCE = 1, RH_MSE = 2 };

/* Returns weight * loss; ds[m] receives weight * its derivatives (written, not added). */
rh_real rh_nn_loss(enum rh_loss kind, int32_t m, const rh_real *s, rh_real weight, rh_real *ds);
/* rds[m]: derivative of ds along the direction rs[m] of s. */
void rh_nn_loss_r(enum rh_loss kind, int32_t m, const rh_real *s, const rh_real *rs, rh_real weight, rh_real *rds);

/* Cross-entropy of a softmax over s[m] when `right` is the class: weight * (log sum_j e^s_j - s_right), without
 * overflow. ds[m] (written, not added; may be s itself) receives weight * (softmax(s) - [j = right]). */
rh_real rh_nn_softmax(int32_t m, const rh_real *s, int32_t right, rh_real weight, rh_real *ds);
/* rds[m]: derivative of ds along rs[m]: weight * p * (rs - p . rs) with p the softmax. */
void rh_nn_softmax_r(int32_t m, const rh_real *s, const rh_real *rs, rh_real weight, rh_real *rds);

/* Distillation (Hinton, Vinyals and Dean 2015, "Distilling the knowledge in a neural network"): returns weight * T^2 *
 * KL(softmax(teacher / T) || softmax(s / T)); adds its derivatives weight * T * (softmax(s / T) - softmax(teacher / T))
 * to ds[m]. T > 0 is the temperature; T^2 keeps the gradient's size when T changes. */
rh_real rh_nn_distill(int32_t m, const rh_real *s, const rh_real *teacher, rh_real T, rh_real weight, rh_real *ds);

/* -------------------------------------------------------------------------------------------------- optimisers */

enum rh_optimizer { RH_ADAM = 0, RH_SGD = 1, RH_ADAGRAD = 2 };

/* Adam (Kingma and Ba 2015), plain gradient descent, or AdaGrad (Duchi, Hazan and Singer 2011: w -= rate g /
 * (sqrt(sum of squared g) + 1e-10)); each with decoupled weight decay (Loshchilov and Hutter 2019). */
struct rh_optimizer_state {
    enum rh_optimizer kind;
    double rate, decay; /* decay: share of the weight that a step of rate 1 takes away */
    int64_t step;
    rh_real corrected_rate, corrected_epsilon; /* of this step: Adam's bias corrections folded in */
};
/* Starts step number step + 1; `factor` scales the rate of this step. */
void rh_nn_step(struct rh_optimizer_state *o, double factor);
/* Moves w[n] against g[n]; first[n], second[n]: Adam's moments (sgd uses neither, AdaGrad its sums in `second`). g is
 * zeroed. Rows of a table whose
 * gradient is zero may be left out (lazy Adam): their moments then rest. */
void rh_nn_descend(const struct rh_optimizer_state *o, int64_t n, rh_real *restrict w, rh_real *restrict g,
                   rh_real *restrict first, rh_real *restrict second);
/* A row that rests has no gradient; under Adam as published libraries run it, on whole tables, its moments fade all the
 * while and it goes on moving with them. rh_nn_rest makes up at once for the steps after `then` up to `now`, before the
 * row is looked at again: with moments m, v at step t, k steps without a gradient, and q = b1 / (sqrt(b2) keep), where
 * keep = 1 - rate decay,
 *
 *     w_{t+k} = keep^k w_t - keep^k (tail_t - q^k tail_{t+k}) m / (sqrt(v) + epsilon),   m *= b1^k,   v *= b2^k
 *
 * tail_t = rh_nn_tail after step t: sum over j >= 1 of corrected_rate_{t+j} q^j. It leaves out that epsilon, 1e-8 times
 * the bias correction, does not fade as sqrt(v) does. The rate must be the same in all steps (factor 1), rate * decay
 * below 0.05. The other rules have the decay alone. */
double rh_nn_tail(const struct rh_optimizer_state *o);
void rh_nn_rest(const struct rh_optimizer_state *o, int64_t then, int64_t now, double tail_then, double tail_now,
                int64_t n, rh_real *restrict w, rh_real *restrict first, rh_real *restrict second);
/* w[n] goes `share` of the way to anchor[n]: one step of weight decay towards it instead of towards 0. */
void rh_nn_pull(int64_t n, rh_real share, const rh_real *restrict anchor, rh_real *restrict w);
/* Clips every weight into [-limit, limit] (Arjovsky et al. 2017). */
void rh_nn_clip(int64_t n, rh_real *w, rh_real limit);
bool rh_nn_finite(int64_t n, const rh_real *w);

#endif
