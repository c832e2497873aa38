/* Model-agnostic meta-learning (Finn, Abbeel, Levine 2017) of a stack of dense layers with squared error, as rating
 * predictors for new users have it (Lee et al. 2019, "MeLU").
 *
 * With L_S(phi) = 1 / n sum over the support (y(x; phi) - rating)^2, phi the weights of the stack, the inner loop is
 *
 *     phi_0 = phi,    phi_{s+1} = phi_s - rate * grad L_S(phi_s),    s = 0 .. steps - 1,
 *
 * and the outer loop descends L_Q(phi_steps) by phi and by the rows x of both sets, which come from what rests in the
 * inner loop. Exactly (second order), backwards from v = grad L_Q(phi_steps):
 *
 *     dL/dx_S -= rate * d(grad_phi L_S(phi_s) . v)/dx_S,    v <- v - rate * H_S(phi_s) v     s = steps - 1 .. 0
 *
 * by directional derivatives (mlp.h); first order leaves both out. As meta.h, which does this for the transfer network
 * and its ranking losses.
 *
 * Cost of a task with S weights, k support and q query rows: 4 S k operations a step there, 8 S k back for second
 * order, 6 S q for the query. */
#ifndef RH_ALGORITHMS_LIB_ADAPT_H
#define RH_ALGORITHMS_LIB_ADAPT_H

#include "algorithms/lib/mlp.h"

struct rh_adapt {
    struct rh_mlp mlp; /* width 1 at its end, RH_LINEAR there */
    double rate;
    int32_t steps;
    bool first_order;
};

struct rh_adapt_set {
    int32_t n;
    const rh_real *x;      /* [n x width[0]] */
    const rh_real *rating; /* [n] */
};

/* rh_real that `work` must have, for sets of up to n rows. */
size_t rh_adapt_work(const struct rh_adapt *a, int32_t n);

/* Query loss after adaptation; adds its gradients to dphi, to dx_support[support->n x width[0]] and to dx_query alike.
 * With an empty support nothing adapts. */
double rh_adapt_task(const struct rh_adapt *a, const rh_real *phi, const struct rh_adapt_set *support,
                     const struct rh_adapt_set *query, rh_real *dphi, rh_real *dx_support, rh_real *dx_query,
                     rh_real *work);

/* adapted[rh_mlp_size] = phi after the inner loop on the support. */
void rh_adapt_weights(const struct rh_adapt *a, const rh_real *phi, const struct rh_adapt_set *support,
                      rh_real *adapted, rh_real *work);

#endif
