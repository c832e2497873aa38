/* A task-adaptive neural process for ratings (Lin, Wu, Zhou, Pan, Cao, Wang 2021, "Task-adaptive neural process for
 * user cold-start recommendation", WWW): a user's rated rows become a random function and the identity of a task, both
 * of which predict the ratings of other rows in one pass forward, without steps of descent.
 *
 * Rows x [X] with ratings y of a set S, the same whatever the order of S; over an empty S a mean is 0:
 *
 *     r_S = mean of rows([x; y])    [mu_S; l_S] = latent(r_S)    q(z|S) = normal(mu_S, exp(l_S) in variance)   [Z]
 *     o = mean of task([x; y])      c_k ~ (1 + |o - A_k|^2 / nu)^(-(nu + 1) / 2), sum 1      t = o + sum_k c_k A_k  [T]
 *
 * rows, task: X + 1 -> H -> H -> Z, T with ReLU between; latent: Z -> Z -> 2Z; A: a pool of K centroids. The decoder
 * has three layers, each of which t modulates, and a last one without, h_0 = [x; z]:
 *
 *     a_l = W_l h_{l-1} + b_l     h_l = relu(g_l * a_l + s_l)     l = 1 .. 3,     prediction = w h_3 + b
 *     film:    g = tanh(G t), s = tanh(B t)
 *     gating:  d = sigmoid(D t), e = tanh(F t), g = d tanh(G t) + (1 - d) e, s = d tanh(B t) + (1 - d) e
 *
 * A task with support S and query set Q trains with z drawn from q(z|S + Q), o of S, and the loss
 *
 *     mean over S + Q of (prediction - y)^2 + kl KL(q(z|S + Q) || q(z|S)) + lambda sum_k d_k log(d_k / c_k),
 *
 * d the sharpened assignments of the tasks of a step, which pull tasks to centroids (Xie, Girshick, Farhadi 2016), and
 * are held fixed: d_ik ~ c_ik^2 / sum_i c_ik, sum over k 1. A query has z = mu_S.
 *
 * Parts can be left out: Z = 0 (no latent path), K = 0 (t = o), RH_PLAIN (no task, g = 1, s = 0). Without Z and with
 * RH_PLAIN nothing is left that looks at ratings: a network of contents, the twin.
 *
 * Cost of a row: 2 S operations forward and 4 S back, S = 2 H (2 X + 3 H) weights of encoders and decoder. */
#ifndef RH_ALGORITHMS_LIB_PROCESS_H
#define RH_ALGORITHMS_LIB_PROCESS_H

#include "algorithms/lib/mlp.h"

#define RH_PROCESS_LAYERS 3
enum rh_modulation { RH_GATING = 0, RH_FILM = 1, RH_PLAIN = 2 };

struct rh_process {
    int32_t X, H, Z, T, K; /* T, K: 0 with RH_PLAIN */
    enum rh_modulation modulation;
    double nu, lambda, kl;
    struct rh_mlp rows, latent, task, modulators;    /* modulators: G, B, F, D of the layers, T -> parts x 3 x H */
    struct rh_mlp decoder[RH_PROCESS_LAYERS + 1];
    int64_t at_latent, at_task, at_pool, at_modulators, at_decoder[RH_PROCESS_LAYERS + 1]; /* in phi; rows at 0 */
    int64_t size;
};

/* Shapes from X, H, Z, T, K and modulation, which are set. */
void rh_process_shape(struct rh_process *p);

/* n rows of one user, of which the first n_support are the support. */
struct rh_process_set {
    int32_t n_support, n;
    const rh_real *x, *y; /* [n x X], [n] */
};

size_t rh_process_work(const struct rh_process *p, int32_t n); /* numbers in `work` for n rows */
/* c[K] of a support. */
void rh_process_assign(const struct rh_process *p, const rh_real *phi, const struct rh_process_set *set, rh_real *c,
                       rh_real *work);
/* c[n x K] of the tasks of a step becomes d. */
void rh_process_sharpen(int32_t n, int32_t K, rh_real *c);
/* The loss of a task; adds its gradients to dphi[size] and dx[n x X]. noise[Z]: standard normal; d[K] sharpened, or
 * NULL: lambda is 0. */
double rh_process_loss(const struct rh_process *p, const rh_real *phi, const struct rh_process_set *set,
                       const rh_real *noise, const rh_real *d, rh_real *dphi, rh_real *dx, rh_real *work);

/* What a support says about other rows: numbers in `met`; and predictions [n], in `work`, for rows x[n x X]. */
size_t rh_process_met(const struct rh_process *p);
void rh_process_meet(const struct rh_process *p, const rh_real *phi, const struct rh_process_set *support, rh_real *met,
                     rh_real *work);
const rh_real *rh_process_predict(const struct rh_process *p, const rh_real *phi, const rh_real *met, int32_t n,
                                  const rh_real *x, rh_real *work);

#endif
