/* Logarithm, exponential and normal numbers from + - * / and sqrt alone, which IEEE 754 fixes to the last bit: the
 * same on every machine, which libm does not promise. "Exact" is the repeatability; errors are below 2 units in the
 * last place. */
#ifndef RH_BASE_EXACT_H
#define RH_BASE_EXACT_H

#include <rh/plugin.h>

double rh_exact_log(double x); /* x > 0; 0 gives -infinity, below 0 not a number */
double rh_exact_exp(double x);
double rh_exact_normal(struct rh_rng *r); /* Marsaglia and Bray's polar method */

#endif
