#include "base/exact.h"

#include <string.h>

/* ln 2 in two parts: the first has 32 bits, so that k times it is exact for every exponent k. */
#define LN2_HIGH 0x1.62e42feep-1
#define LN2_LOW 0x1.a39ef35793c76p-33

static uint64_t bits_of(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static double double_of(uint64_t u)
{
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}

double rh_exact_log(double x)
{
    if (!(x > 0))
        return x == 0 ? -INFINITY : NAN;
    if (x > 0x1.fffffffffffffp1023)
        return x;
    int k = 0;
    if (x < 0x1p-1022) {
        x *= 0x1p54;
        k = -54;
    }
    uint64_t u = bits_of(x);
    k += (int)(u >> 52) - 1023;
    double m = double_of((u & 0xfffffffffffffu) | 0x3ff0000000000000u);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        k++;
    }
    /* log m = 2 atanh s with |s| <= 0.1716: terms up to s^21 leave less than 1e-17 */
    static const double part[] = { 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13,
                                   1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5,  1.0 / 3 };
    double f = m - 1, s = f / (m + 1), z = s * s, sum = 0;
    for (int i = 0; i < 10; i++)
        sum = (sum + part[i]) * z;
    return k * LN2_HIGH + (2 * s + (2 * s * sum + k * LN2_LOW));
}

double rh_exact_exp(double x)
{
    if (x != x)
        return x;
    if (x > 709.782712893384)
        return INFINITY;
    if (x < -745.2)
        return 0;
    double shift = x * 0x1.71547652b82fep0 + (x < 0 ? -0.5 : 0.5);
    int k = (int)shift;
    double r = (x - k * LN2_HIGH) - k * LN2_LOW;
    /* |r| <= 0.35: terms up to r^14 / 14! leave less than 1e-17 */
    static const double part[] = { 1.0 / 87178291200, 1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800,
                                   1.0 / 3628800,     1.0 / 362880,     1.0 / 40320,     1.0 / 5040,
                                   1.0 / 720,         1.0 / 120,        1.0 / 24,        1.0 / 6,
                                   1.0 / 2,           1.0,              1.0 };
    double sum = part[0];
    for (int i = 1; i < 15; i++)
        sum = sum * r + part[i];
    int half = k / 2; /* in two steps: 2^k alone may be out of range */
    return sum * double_of((uint64_t)(half + 1023) << 52) * double_of((uint64_t)(k - half + 1023) << 52);
}

double rh_exact_normal(struct rh_rng *r)
{
    double u, v, q;
    do {
        u = 2.0 * rh_rng_uniform(r) - 1.0;
        v = 2.0 * rh_rng_uniform(r) - 1.0;
        q = u * u + v * v;
    } while (q >= 1.0 || q == 0.0);
    return u * sqrt(-2.0 * rh_exact_log(q) / q);
}
