/* Where the spread of a metric comes from: the split, the draws of the algorithm (initialisation), the users. */
#ifndef RH_REPORT_VARIANCE_H
#define RH_REPORT_VARIANCE_H

#include "report/report.h"

/* Variance components of x = mean + split + initialisation in the split + user + user by split + noise (all random,
 * users crossed with splits), by the method of moments (Searle, Casella and McCulloch 1992, chapter 4): mean squares
 * are set equal to their expectations, docs/compare.md. Estimates below 0 are 0; NaN: the design lacks the level. With
 * one initialisation a split, `split` has the variance of the initialisation in it. */
struct rh_variance {
    double mean, split, init, user, user_split, noise;
    double error; /* standard error of the mean over splits, initialisations and users drawn anew */
};
/* value [splits x inits x users]; users from 2. */
void rh_variance_of(const double *value, int64_t splits, int64_t inits, int64_t users, struct rh_variance *out);

struct rh_variance_options {
    enum rh_format format; /* text or csv */
    const char *metrics;   /* NULL: the primary one */
    int width;
};
/* The components of every algorithm of an experiment, as standard deviations. */
int rh_variance(struct rh_store *s, const char *experiment, const struct rh_variance_options *o, struct rh_text *out,
                struct rh_error *err);

#endif
