/* Implicit alternating least squares: a vector p(u) a user, a vector q(i) an item, every pair has a weight. Shared by
 * ials (the target alone), cmf (all domains in one matrix) and emcdr (a model of each side, and a map).
 *
 * Hu, Koren and Volinsky 2008, "Collaborative filtering for implicit feedback datasets" (ICDM), with the weights of
 * Rendle, Krichene, Zhang and Koren 2022, "Revisiting the performance of iALS on item recommendation benchmarks"
 * (RecSys). Minimised is, over the observed pairs S and over all pairs of users and items,
 *
 *     sum over S  w(u, i) (1 - p(u).q(i))^2   +   a0 sum over all  (target - p(u).q(i))^2
 *         + sum over u  reg (n(u) + a0 I)^nu |p(u)|^2   +   sum over i  reg (n(i) + a0 U)^nu |q(i)|^2
 *
 * U and I are those of the problem: users without a row here, who are known to a source or are asked without history,
 * count too, so that ials and cmf regularise alike, and a problem with many of them wants a smaller reg.
 *
 * objective = hu:        a0 = 1, w = alpha v, and the target of the second sum is 1 in S and 0 elsewhere (their eq. 3)
 * objective = revisited: w = alpha v, and the target of the second sum is 0 everywhere (iALS++, eq. 2)
 *
 * v is 1, or the rating, or log(1 + rating / epsilon). For fixed q every user has its own least-squares problem,
 *
 *     A p = b,   A = a0 Q'Q + sum w q q' + lambda I,   b = sum t q      t = w + a0 (hu), w (revisited)
 *
 * and the items alike. `exact` gathers the rows of a user, adds one symmetric product to a0 Q'Q and solves by
 * Cholesky; `cg` takes a few steps of conjugate gradients from the last solution (Takacs, Pilaszy and Tikk 2011,
 * "Applications of the conjugate gradient method for implicit feedback collaborative filtering", RecSys) and never
 * makes A.
 *
 * Several domains stand side by side as one matrix: the items of domain d are first_item[d] .. of it, and its rows may
 * weigh more or less. Rows are independent, and sums are made in a fixed order: the numbers do not depend on threads.
 *
 * Time of an epoch: exact O(nnz d^2 + (U + I) d^3), cg O(steps (nnz d + (U + I) d^2)). Memory: 4 d bytes a user and
 * item, 16 bytes an interaction, 8 more where there are weights. */
#ifndef RH_ALGORITHMS_LIB_ALS_H
#define RH_ALGORITHMS_LIB_ALS_H

#include "algorithms/lib/factors.h"

#include <rh/plugin.h>

enum rh_als_objective { RH_ALS_HU, RH_ALS_REVISITED };
enum rh_als_solver { RH_ALS_EXACT, RH_ALS_CG };
enum rh_als_values { RH_ALS_ONES, RH_ALS_RATINGS, RH_ALS_LOGS };

/* First member of an algorithm's parameters: RH_ALS_FIELDS; first rows of its table: RH_ALS_PARAMS. */
struct rh_als_params {
    int64_t factors, cg_steps;
    double reg, nu, alpha, unobserved, epsilon, init_sd;
    int objective, solver, confidence;
};
#define RH_ALS_FIELDS                                                                                                \
    union {                                                                                                          \
        struct rh_als_params als;                                                                                    \
        struct {                                                                                                     \
            int64_t factors, cg_steps;                                                                               \
            double reg, nu, alpha, unobserved, epsilon, init_sd;                                                     \
            int objective, solver, confidence;                                                                       \
        };                                                                                                           \
    }
extern const struct rh_choice rh_als_objectives[], rh_als_solvers[], rh_als_values[];
#define RH_ALS_PARAMS(S)                                                                                             \
    RH_INT(S, factors, 64, 1, 4096, "number d of factors"),                                                          \
        RH_ENUM(S, objective, RH_ALS_REVISITED, rh_als_objectives, "what is minimised"),                             \
        RH_REAL(S, alpha, 1, 1e-9, 1e9, "weight of an observed pair"),                                               \
        RH_REAL(S, unobserved, 0.1, 1e-9, 1e9, "weight a0 of every pair (objective = revisited)"),                   \
        RH_REAL(S, reg, 0.03, 0, 1e9, "L2 regularisation"),                                                          \
        RH_REAL(S, nu, 1, 0, 1, "0: the same for all; 1: in proportion to how often a row is seen"),                 \
        RH_ENUM(S, confidence, RH_ALS_ONES, rh_als_values, "the v of an observed pair"),                             \
        RH_REAL(S, epsilon, 1, 1e-9, 1e9, "scale of ratings (confidence = logs)"),                                   \
        RH_ENUM(S, solver, RH_ALS_EXACT, rh_als_solvers, "how a row is solved for"),                                 \
        RH_INT(S, cg_steps, 3, 1, 100, "steps a row and epoch (solver = cg)"),                                       \
        RH_REAL(S, init_sd, 0.1, 0, 10, "standard deviation of an initial vector's length")

/* One side: whose vectors are found, from which rows of the other's. */
struct rh_als_side {
    int64_t n;           /* rows */
    const int64_t *row;  /* [n + 1] */
    const int32_t *col;  /* [row[n]] rows of the other side */
    const float *weight; /* [row[n]] w, or NULL: all alpha */
    float *x;            /* [n x width] */
};

struct rh_als {
    const struct rh_als_params *params; /* borrowed from the run */
    struct rh_als_side user, item;
    float *gram;              /* [width x width] a0 Q'Q of the items as they are */
    const int32_t *first_item; /* [n_domains + 1] where the items of a domain begin */
    const double *share;      /* [n_domains] factor of the weights of a domain's rows; 0: the domain has no part */
    float a0;                 /* weight of every pair */
    int32_t width, n_domains;
};

/* Row-wise solution of A x = b for rows `col` of `other`; x is where cg begins. For loss see als.c; may be NULL. */
struct rh_als_problem {
    const struct rh_als *model;
    const float *gram;  /* [width x width] a0 X'X of the other side */
    const float *other; /* [n_other x width] */
    int64_t n_other;
};
struct rh_als_room;
/* Scratch memory for rows of up to `longest`; NULL: none left. */
struct rh_als_room *rh_als_room(struct rh_ctx *ctx, int32_t width, int64_t longest);
int rh_als_solve(struct rh_ctx *ctx, const struct rh_als_problem *q, const int32_t *col, const float *weight,
                 int32_t n, struct rh_als_room *room, float *x, double *loss);
/* x = A^-1 b of the same rows, for another b[width]; t[n] becomes the factors of b's parts. */
int rh_als_inverse(struct rh_ctx *ctx, const struct rh_als_problem *q, const int32_t *col, const float *weight,
                   int32_t n, struct rh_als_room *room, const float *b, float *x, float *t);

/* The rows of the domains with share[d] > 0, random vectors from the streams "PURPOSE users" and "PURPOSE items". With
 * no loss of generality share is 1 for a single domain. RH_EDATA: ratings are wanted that a domain has not. */
int rh_als_init(struct rh_ctx *ctx, struct rh_als *m, const struct rh_als_params *params, const struct rh_train *train,
                const double *share, const char *purpose);
/* All users, then all items; *loss is the objective over the number of observed pairs. */
int rh_als_epoch(struct rh_ctx *ctx, struct rh_als *m, double *loss);

/* x[n x width]: the users of n queries from their histories in the model's domains, zero without one. */
int rh_als_fold_in(struct rh_ctx *ctx, const struct rh_als *m, const struct rh_query *query, int32_t n, float *x);
/* Scores of the candidates, items of `domain`, for user vectors x[n x width]. */
void rh_als_score(const struct rh_als *m, int32_t domain, const float *x, const struct rh_query *query, int32_t n,
                  float *out, size_t stride);
/* The two together, which is the whole of a score callback: users are solved for from their histories. */
int rh_als_answer(struct rh_ctx *ctx, const struct rh_als *m, int32_t domain, const struct rh_query *query, int32_t n,
                  float *out, size_t stride);
/* The parts of a score that the history in `domain` brings: sum over it of t q(i)' A^-1 q(item) (Hu et al., section 5).
 * As `explain` of <rh/plugin.h>. */
int rh_als_explain(struct rh_ctx *ctx, const struct rh_als *m, int32_t domain, const struct rh_query *query,
                   int32_t item, int32_t max, int32_t *why, float *weight);
/* As `persist` of <rh/plugin.h>; field names begin with `purpose`. */
int rh_als_persist(struct rh_ctx *ctx, struct rh_als *m, const struct rh_als_params *params,
                   const struct rh_train *train, const double *share, const char *purpose);

#endif
