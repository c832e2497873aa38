/* An exponential that compilers turn into vector code. */
#ifndef RH_ALGORITHMS_VEXP_H
#define RH_ALGORITHMS_VEXP_H

#include <stdint.h>
#include <string.h>

/* e^x with a relative error below 2e-7 for x in [-87, 88]; x is clamped to that. x = n log 2 + f, |f| <= log(2) / 2:
 * a polynomial for e^f (coefficients of Moshier's Cephes library), and 2^n put together from its bits. */
static inline __attribute__((always_inline)) float rh_exp(float x)
{
    const float magic = 12582912; /* 1.5 * 2^23: adding it rounds to an integer */
    x = x > -87 ? x : -87; /* what is no number, too */
    x = x > 88 ? 88 : x;
    float n = (x * 1.44269504088896341f + magic) - magic;
    float f = x - n * 0.693359375f;
    f = f - n * -2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * f + 1.3981999507e-3f;
    p = p * f + 8.3334519073e-3f;
    p = p * f + 4.1665795894e-2f;
    p = p * f + 1.6666665459e-1f;
    p = p * f + 5.0000001201e-1f;
    p = p * f * f + f + 1;
    uint32_t bits = (uint32_t)((int32_t)n + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

#endif
