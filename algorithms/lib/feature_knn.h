/* Items like those in the history by their features, alone or with their interactions: what `itemknn_cbf` and `cfcbf`
 * share.
 *
 * An item is a column of a matrix whose rows are the columns of the chosen feature blocks and, in the hybrid, the
 * users above them:
 *
 *     cfcbf   [ R ; w F ]      r(u, i) = 1, or the rating with `weighted`; f(c, i) the value of feature c;
 *     cbf     [ F ]            w icm_weight
 *
 * (Mobasher, Jin and Zhou 2004, "Semantically enhanced collaborative filtering on the web", LNCS 3209, as Ferrari
 * Dacrema, Cremonesi and Jannach 2019 do it.) The entries are weighed as words, rows as the words and items as the
 * documents, or not; then items are compared by the similarities of lib/similarity.h, and every candidate, or every
 * item of the history, keeps its k most similar items. So items nobody has seen are scored by what they are.
 *
 * Time: the squared lengths of the rows of the matrix, as lib/neighbors.h has it. */
#ifndef RH_ALGORITHMS_FEATURE_KNN_H
#define RH_ALGORITHMS_FEATURE_KNN_H

#include "algorithms/lib/neighbors.h"
#include "algorithms/lib/similarity.h"

enum rh_lists_of { RH_LISTS_OF_HISTORY, RH_LISTS_OF_CANDIDATE };

struct rh_feature_knn_params {
    const char *blocks;
    int64_t neighbors;
    int similarity, weighting, lists_of;
    double shrinkage, alpha, tversky_alpha, tversky_beta;
    bool weighted, normalize;
    double icm_weight; /* of features beside interactions; not looked at without */
};

extern const struct rh_choice rh_feature_similarity_words[], rh_feature_weighting_words[], rh_lists_of_words[];

/* Rows of a parameter table on struct rh_feature_knn_params: all but icm_weight and weighted. */
#define RH_FEATURE_KNN_PARAMS                                                                                        \
    RH_STR(struct rh_feature_knn_params, blocks, "all",                                                              \
           "names of item feature blocks, separated by commas; all: every one"),                                     \
        RH_INT(struct rh_feature_knn_params, neighbors, 100, 1, 1000000,                                             \
               "length k of the list of similar items of an item"),                                                  \
        RH_ENUM(struct rh_feature_knn_params, similarity, RH_COSINE, rh_feature_similarity_words,                    \
                "how alike two items are"),                                                                          \
        RH_REAL(struct rh_feature_knn_params, shrinkage, 0, 0, 1e6,                                                  \
                "added to the denominator of a similarity: trusts pairs with little in common less"),                \
        RH_REAL(struct rh_feature_knn_params, alpha, 0.5, 0, 2, "exponent of the owner's length (asymmetric)"),      \
        RH_REAL(struct rh_feature_knn_params, tversky_alpha, 1, 0, 1000,                                             \
                "weight of what the owner has alone (tversky)"),                                                     \
        RH_REAL(struct rh_feature_knn_params, tversky_beta, 1, 0, 1000,                                              \
                "weight of what the other has alone (tversky)"),                                                     \
        RH_ENUM(struct rh_feature_knn_params, weighting, RH_UNWEIGHTED, rh_feature_weighting_words,                  \
                "what an entry counts in the similarity (cosine, asymmetric, inner)"),                               \
        RH_BOOL(struct rh_feature_knn_params, normalize, false, "scale the similarities of a list to the sum 1"),    \
        RH_ENUM(struct rh_feature_knn_params, lists_of, RH_LISTS_OF_CANDIDATE, rh_lists_of_words,                    \
                "whose k most similar items count")

/* The check callback of both: RH_EINVAL for a weighting with a similarity of sets. */
int rh_feature_knn_check(struct rh_ctx *ctx, const void *params);

/* Takes zeroed s, whose callbacks score. RH_EINVAL: an unknown block, or a weighting of negative values; RH_EDATA: no
 * features, or no ratings for `weighted`; RH_ENOMEM, RH_ECANCEL. */
int rh_feature_knn_fit(struct rh_ctx *ctx, const struct rh_feature_knn_params *p, bool interactions,
                       const struct rh_train *train, struct rh_neighbor_model *s);

#endif
