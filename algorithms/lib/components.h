/* Transfer components: few dense features of the items of all domains, in which the domains lie together.
 *
 * Pan, Tsang, Kwok and Yang 2011, "Domain adaptation via transfer component analysis" (TCA), IEEE Transactions on
 * Neural Networks 22(2), the unsupervised form. With K the kernel matrix of the n items of all domains,
 * H = I - 1 1' / n and L = d d', d_i = 1 / n_t for an item of the target and -1 / n_s for one of a source, the paper
 * has in eq. 8 to 11
 *
 *     min over W   tr(W' K L K W) + mu tr(W' W)    where W' K H K W = I         [n x c]
 *
 * (the first is the squared distance of the domains' means in the components, the condition keeps the scatter of the
 * items); W are the leading c eigenvectors of (K L K + mu I)^-1 K H K, and K W are the components.
 *
 * For scale W has rows for m landmarks alone (landmarks.h); K then shrinks to Phi [n x m], their columns, and what is
 * solved is exactly, with g = Phi' d,
 *
 *     (Phi' H Phi) v = lambda (g g' + mu |g|^2 I) v                              [m x m]
 *
 * Where every item with features is a landmark this is the paper's problem, but for three things:
 *   - mu is a share of |g|^2, the one other eigenvalue of K L K: so it means the same for any kernel and number of
 *     items, and the direction g counts for mu / (1 + mu) of its scatter. Paper's mu = this mu * |g|^2.
 *   - the mean of all items is taken off the components: a shift that no distance sees.
 *   - their scatter. The condition W' K H K W = I makes all components equally long, the last like the first, and what
 *     is learned on them takes noise for signal. Here z_k has scatter in proportion to sqrt(lambda_k), as in kernel
 *     principal components (where lambda of K H K is the square of the kernel's own), so that with all components, a
 *     linear kernel and nothing to match distances are those of the features. whiten: the paper's. Either way |z|^2
 *     is 1 in the mean over items.
 * L being of rank one, a Gaussian kernel aligns means in the components, and what goes with them, nothing else.
 *
 * Without `match` the condition on the means is dropped (mu -> infinity): kernel principal components (Schoelkopf,
 * Smola and Mueller 1998) of the same items with the same landmarks, scaled alike: the twin.
 *
 * Sign: the number of largest size in v_k, the first of equals, is positive. Components beyond the rank of Phi' H Phi
 * (eigenvalues below 1e-10 of the first) are 0.
 *
 * Cost: twice a pass over the kernels (landmarks.h), n m^2 and 4/3 m^3 operations for the solution, 2 n m c for the
 * components; memory 8 (m^2 + 1024 m) bytes beside the landmarks'. In double; the result in float. */
#ifndef RH_ALGORITHMS_LIB_COMPONENTS_H
#define RH_ALGORITHMS_LIB_COMPONENTS_H

#include "algorithms/lib/landmarks.h"

struct rh_components_params {
    int64_t components, landmarks;
    int kernel; /* enum rh_kernel */
    bool match, whiten;
    double mu, width;
};
extern const struct rh_choice rh_kernel_words[];
/* Members and rows of the parameters of an algorithm. */
#define RH_COMPONENTS_FIELDS                                                                                         \
    union {                                                                                                          \
        struct rh_components_params analysis;                                                                        \
        struct {                                                                                                     \
            int64_t components, landmarks;                                                                           \
            int kernel;                                                                                              \
            bool match, whiten;                                                                                      \
            double mu, width;                                                                                        \
        };                                                                                                           \
    }
#define RH_COMPONENTS_PARAMS(S)                                                                                      \
    RH_INT(S, components, 16, 1, 1024, "transfer components: the features of items that the network sees"),          \
        RH_INT(S, landmarks, 400, 2, 8192, "items of both sides that all are compared with; at least components"),   \
        RH_ENUM(S, kernel, RH_KERNEL_LINEAR, rh_kernel_words, "how two items are compared by their features"),     \
        RH_BOOL(S, match, true, "the means of the domains are to meet; no: the twin, kernel principal components"),  \
        RH_BOOL(S, whiten, false,                                                                                    \
                "all components have the same scatter, as in the paper; no: each by its weight"),                    \
        RH_REAL(S, mu, 0.01, 1e-9, 1e9,                                                                              \
                "regularisation: the direction that tells the domains apart keeps mu / (1 + mu) of its scatter"),    \
        RH_REAL(S, width, 1, 1e-3, 1e3, "of the Gaussian kernel, in median squared distances of landmarks")

/* z[items of all domains x components], by domain. *gap (may be NULL): the squared distance of the domains' means in z.
 * RH_EDATA, with a sentence that begins with `who`: as rh_landmarks_init, and items that are all alike; RH_ENUMERIC. */
int rh_components(struct rh_ctx *ctx, const char *who, const struct rh_components_params *params,
                  const struct rh_train *train, float *z, double *gap);

#endif
