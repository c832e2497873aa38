/* Statistics of paired differences: one number a user, what one algorithm got less what the other got. */
#ifndef RH_REPORT_PAIRED_H
#define RH_REPORT_PAIRED_H

#include "base/arena.h"
#include "base/error.h"
#include <stdint.h>

#define RH_BOOTSTRAP_RESAMPLES 2000
#define RH_SIGN_FLIPS 10000
#define RH_SMALL_STRATUM 10

enum rh_test { RH_TEST_T, RH_TEST_PERMUTATION, RH_TEST_WILCOXON };
int rh_test_parse(const char *word, enum rh_test *out, struct rh_error *err);

struct rh_paired {
    int64_t n;
    double mean;
    double low, high; /* 95 % interval of the mean, BCa bootstrap */
    double effect;    /* Cohen's d_z: mean / standard deviation; NaN when all differences are equal */
    double p;         /* two-sided, that the mean is 0; of Wilcoxon, that the differences are symmetric around 0 */
};

/* All of the above; NaN where n is too small (below 2). `stratum` [n]: each in [0, n_strata); NULL: one. Resamples keep
 * the size of every stratum; those with fewer than RH_SMALL_STRATUM units are put together. The random numbers come
 * from `identity`; the result does not depend on the number of threads. */
int rh_paired(struct rh_arena *a, const double *difference, const int32_t *stratum, int64_t n, int32_t n_strata,
              enum rh_test test, const char *identity, struct rh_paired *out, struct rh_error *err);

/* Ends of the 95 % BCa interval (Efron 1987) from `n` replicates, sorted ascending, of an
 * estimate: with z0 = Phi^-1(share of replicates below it, equal ones half) and w = z0 + Phi^-1(q), the end is the
 * replicate at rank (n + 1) Phi(z0 + w / (1 - acceleration w)), q = 0.025 and 0.975. */
void rh_bca_ends(const double *replicate, int64_t n, double estimate, double acceleration, double *low, double *high);

/* Student's paired t-test; p = 1 when all differences are 0. */
double rh_paired_t(const double *difference, int64_t n);

/* Sign flips (Fisher 1935): the share of sign patterns with a mean at least as far from 0. All 2^n patterns when these
 * are no more than RH_SIGN_FLIPS, else so many drawn ones, with the observed one counted in (Phipson and Smyth
 * 2010). */
int rh_paired_flips(const double *difference, int64_t n, const char *identity, double *p, struct rh_error *err);

/* Wilcoxon's signed ranks (1945): differences of 0 are left out, equal sizes share the mean of their ranks. Two-sided:
 * from all patterns of signs up to RH_EXACT_RANKS differences, beyond from the normal distribution, with the variance
 * lessened by ties and without a correction for continuity. It asks whether the differences lie symmetrically around 0,
 * which is not whether their mean is 0: use with a warning. p = 1 when all differences are 0. */
#define RH_EXACT_RANKS 50
int rh_paired_wilcoxon(const double *difference, int64_t n, double *p, struct rh_error *err);

/* Tukey: from all values of all systems, report/systems.h; its p-values come corrected. */
enum rh_correction { RH_CORRECTION_NONE, RH_CORRECTION_HOLM, RH_CORRECTION_BH, RH_CORRECTION_TUKEY };
int rh_correction_parse(const char *word, enum rh_correction *out, struct rh_error *err);

/* Corrects the n p-values of one family in place: Holm 1979 (chance of any false claim), Benjamini and Hochberg 1995
 * (expected share of false claims). Without a correction, and for Tukey's, they stay as they are. */
int rh_correct(struct rh_arena *a, double *p, int64_t n, enum rh_correction how, struct rh_error *err);

#endif
