/* The domain critic D of adversarial transfer: which domain does a representation g = G(p, t) come from?
 *
 *     z = V g + d,   k = act(z),   D(g) = u . k + e                          V [U x G], d, u [U]
 *
 * Objectives, with means over pairs of the sources (s) and of the target (t):
 *   wasserstein  the critic raises E_s D - E_t D, G lowers it. D must be 1-Lipschitz: by clipping its weights
 * (Arjovsky et al. 2017) or by the penalty (|grad D(g)| - 1)^2 at points between the domains (Gulrajani et al. 2017;
 * for domain adaptation Shen et al. 2018, WDGRL) gan          the critic lowers E_s softplus(-D) + E_t softplus(D),
 * the log form of Goodfellow et al. 2014; G lowers the same with the labels of the domains exchanged (Tzeng et al.
 * 2017, ADDA) dann         the critic as in gan; G gets the critic's own gradient reversed (Ganin et al. 2016)
 *
 * All weights in one vector psi: [V][d][u][e]. Gradients add, as everywhere in nn.h. */
#ifndef RH_ALGORITHMS_LIB_CRITIC_H
#define RH_ALGORITHMS_LIB_CRITIC_H

#include "algorithms/lib/nn.h"

#include <rh/plugin.h>

struct rh_critic {
    int32_t G, U;
    enum rh_activation act;
};
enum rh_adversary { RH_WASSERSTEIN = 0, RH_GAN = 1, RH_DANN = 2 };

static inline int64_t rh_critic_size(const struct rh_critic *c)
{
    return (int64_t)c->U * c->G + 2 * (int64_t)c->U + 1;
}
void rh_critic_init(const struct rh_critic *c, struct rh_rng *r, rh_real *psi);

/* hidden[n x U] and value[n] of g[n x G]. */
void rh_critic_values(const struct rh_critic *c, const rh_real *psi, int32_t n, const rh_real *g, rh_real *hidden,
                      rh_real *value);
/* From dvalue[n]: adds to dpsi and dg[n x G]; either may be NULL. work: n * U. */
void rh_critic_back(const struct rh_critic *c, const rh_real *psi, int32_t n, const rh_real *g, const rh_real *hidden,
                    const rh_real *dvalue, rh_real *dpsi, rh_real *dg, rh_real *work);

/* The critic's loss from values of n_source pairs followed by n_target pairs; dvalue (written) its derivatives. */
double rh_critic_loss(enum rh_adversary kind, int32_t n_source, int32_t n_target, const rh_real *value,
                      rh_real *dvalue);
/* What the feature extractor lowers, from the same values. */
double rh_critic_feature_loss(enum rh_adversary kind, int32_t n_source, int32_t n_target, const rh_real *value,
                              rh_real *dvalue);

/* weight * mean over n points of (|grad_g D| - 1)^2; adds its gradient to dpsi. work: n * (3 U + 2 G). */
double rh_critic_penalty(const struct rh_critic *c, const rh_real *psi, int32_t n, const rh_real *g, rh_real weight,
                         rh_real *dpsi, rh_real *work);

#endif
