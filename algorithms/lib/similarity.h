/* How alike two items are, or two users, from what they have in common: the similarities of neighbourhood methods in
 * the form of lib/neighbors.h, and the weights that information retrieval gives to interactions.
 *
 * With x(i, j) = sum over the common rows of r r, n(i) the sum of squares of i (the number of its rows when r is 1), h
 * the shrinkage, and i the owner of the list:
 *
 *     cosine       x / (sqrt(n(i)) sqrt(n(j)) + h)
 *     asymmetric   x / (n(i)^alpha n(j)^(1 - alpha) + h)                      Aiolli 2013, RecSys
 *     jaccard      x / (n(i) + n(j) - x + h)                                  on sets, as those below
 *     dice         2 x / (n(i) + n(j) + h)
 *     tversky      x / (x + ta (n(i) - x) + tb (n(j) - x) + h)                Tversky 1977, Features of similarity
 *     lift         x / (n(i) n(j) + h)                                        Brin et al. 1997, but for the factor
 *     conditional  x / (n(i) n(j)^alpha + h)                                  Deshpande and Karypis 2004
 *     inner        x / (1 + h)
 *
 * The shrinkage is a number added below the fraction (Ferrari Dacrema, Cremonesi and Jannach 2019). */
#ifndef RH_ALGORITHMS_SIMILARITY_H
#define RH_ALGORITHMS_SIMILARITY_H

#include "algorithms/lib/neighbors.h"

enum rh_similarity_kind {
    RH_COSINE,
    RH_ADJUSTED, /* cosine of values less a mean, which the caller takes off */
    RH_JACCARD,
    RH_CONDITIONAL,
    RH_ASYMMETRIC,
    RH_DICE,
    RH_TVERSKY,
    RH_LIFT,
    RH_INNER,
};

struct rh_similarity {
    int kind; /* enum rh_similarity_kind */
    double shrinkage, alpha, tversky_alpha, tversky_beta;
};

/* What one side brings to the denominator, as owner of a list or as the other. */
struct rh_similarity_part {
    double own_factor, factor; /* own_factor(i) * factor(j) */
    double own_term, term;     /* + own_term(i) + term(j) */
};

static inline struct rh_similarity_part rh_similarity_part(const struct rh_similarity *s, double n)
{
    switch (s->kind) {
    case RH_JACCARD: return (struct rh_similarity_part){ .own_term = n, .term = n };
    case RH_DICE: return (struct rh_similarity_part){ .own_term = n / 2, .term = n / 2 };
    case RH_TVERSKY:
        return (struct rh_similarity_part){ .own_term = s->tversky_alpha * n, .term = s->tversky_beta * n };
    case RH_INNER: return (struct rh_similarity_part){ .own_term = 0.5, .term = 0.5 };
    case RH_LIFT: return (struct rh_similarity_part){ .own_factor = n, .factor = n };
    case RH_CONDITIONAL: return (struct rh_similarity_part){ .own_factor = n, .factor = pow(n, s->alpha) };
    case RH_ASYMMETRIC:
        return (struct rh_similarity_part){ .own_factor = n > 0 ? pow(n, s->alpha) : 0,
                                            .factor = n > 0 ? pow(n, 1 - s->alpha) : 0 };
    default: return (struct rh_similarity_part){ .own_factor = sqrt(n), .factor = sqrt(n) };
    }
}

/* How often x is taken off the denominator. */
static inline double rh_similarity_gamma(const struct rh_similarity *s)
{
    return s->kind == RH_JACCARD ? 1 : s->kind == RH_TVERSKY ? s->tversky_alpha + s->tversky_beta - 1 : 0;
}

static inline double rh_similarity_shrinkage(const struct rh_similarity *s)
{
    return s->kind == RH_DICE ? s->shrinkage / 2 : s->shrinkage;
}

/* Whether values count in x; the others look at sets. */
static inline bool rh_similarity_of_values(const struct rh_similarity *s)
{
    return s->kind == RH_COSINE || s->kind == RH_ADJUSTED || s->kind == RH_ASYMMETRIC || s->kind == RH_INNER;
}

/* Items are documents and users the words in them:
 *
 *     idf(u)        = ln(I / (1 + |u|)), I the number of items
 *     tf-idf        = sqrt(r) idf(u)
 *     bm25          = r (k1 + 1) / (k1 (1 - b + b length(i) / mean length) + r) idf(u), k1 = 1.2, b = 0.75
 *
 * Robertson and Walker 1994, "Some simple effective approximations to the 2-Poisson model for probabilistic weighted
 * retrieval" (SIGIR), in the form that Ferrari Dacrema et al. use. */
enum rh_weighting_kind { RH_UNWEIGHTED, RH_BM25, RH_TFIDF };

struct rh_weighting {
    int kind; /* enum rh_weighting_kind */
    double n_items;
    double *damp; /* [n_items] k1 (1 - b + b length(i) / mean length); bm25 only */
};

static inline double rh_weighting_idf(const struct rh_weighting *w, int64_t length)
{
    return log(w->n_items / (1 + (double)length));
}

float rh_weighting_of(const struct rh_weighting *w, double idf, int32_t item, double r);

/* Takes the lengths of items from a domain with `value` (or NULL: ones), in alloc memory. RH_ENOMEM. */
int rh_weighting_learn(struct rh_ctx *ctx, int kind, const struct rh_domain *d, int32_t n_users, const float *value,
                       struct rh_weighting *out);
/* The weights of all interactions of a domain: out[row[n_users]]. */
void rh_weighting_apply(const struct rh_weighting *w, const struct rh_domain *d, int32_t n_users, const float *value,
                        float *out);

/* Fills the denominator of a job whose domain, n_users and value are set, in scratch memory. RH_ENOMEM. */
int rh_similarity_describe(struct rh_ctx *ctx, const struct rh_similarity *s, struct rh_neighbor_job *job);

#endif
