/* Derivatives against central differences, for tests that compile the network parts with double for rh_real: step
 * 1e-5, truncation about 1e-10, rounding about 1e-11. Every derivative must agree to 1e-7 of its size plus 1e-9. */
#ifndef RH_TESTS_DIFFERENCE_H
#define RH_TESTS_DIFFERENCE_H

#include <rh/plugin.h>

#define STEP 1e-5

static inline void check(const char *what, int64_t i, double derivative, double difference)
{
    double error = fabs(derivative - difference), bound = 1e-9 + 1e-7 * fabs(difference);
    if (!(error <= bound))
        fail_msg("%s[%lld]: derivative %.12g, difference %.12g", what, (long long)i, derivative, difference);
}

static inline void fill(struct rh_rng *r, double *x, int64_t n, double scale)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = scale * rh_rng_normal(r);
}

/* Compares gradient[n] with differences of f by x[n]. */
typedef double function(void *arg);
static inline void check_gradient(const char *what, function *f, void *arg, double *x, const double *gradient,
                                  int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        double at = x[i];
        x[i] = at + STEP;
        double up = f(arg);
        x[i] = at - STEP;
        double down = f(arg);
        x[i] = at;
        check(what, i, gradient[i], (up - down) / (2 * STEP));
    }
}

#endif
