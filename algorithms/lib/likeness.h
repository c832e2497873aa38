/* How alike users are in two domains: what a source may have to tell about the target, measured before anything is
 * learned.
 *
 * The profile of a user in a domain is the mean of the features of their items there, each block of an item scaled to
 * length 1, less the mean profile of the users that both domains share. The likeness of a source is the mean, over
 * those users, of the cosine between their two profiles. It is about 0 where users have other tastes, where the
 * features mean something else, and where the links between users are shuffled; and so it is for features that tell
 * nothing, whatever the users do.
 *
 * Sources by their likeness, as in Ge, Gao, Ngo, Li and Zhang 2014, "On handling negative transfer and imbalanced
 * distributions in multiple source transfer learning": with c the likeness and e its standard error, the weight is
 *
 *     max(0, c - 2 e), over the largest of these; 1 where fewer than RH_LIKENESS_USERS are shared, for nobody can tell
 *
 * Cost: twice the features of all rows of shared users, on one thread. */
#ifndef RH_ALGORITHMS_LIB_LIKENESS_H
#define RH_ALGORITHMS_LIB_LIKENESS_H

#include <rh/plugin.h>

#define RH_LIKENESS_USERS 10

struct rh_likeness {
    int32_t users; /* shared, with some feature on both sides */
    double mean, error;
};
/* like[n_domains]; the target's is of no meaning. */
int rh_likeness(struct rh_ctx *ctx, const struct rh_train *train, struct rh_likeness *like);
/* weight[n_domains], of the target 1. */
int rh_source_weights(struct rh_ctx *ctx, const struct rh_train *train, double *weight);

#endif
