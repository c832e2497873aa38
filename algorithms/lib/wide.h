/* Loops over rows of doubles, four at a time, compiled for processors with and without AVX2; the loader takes what
 * there is. Sums are made in the same order by both, so their results are the same bit for bit. Rows begin at 64-byte
 * boundaries and are padded with zeros to a multiple of RH_WIDE_PAD. */
#ifndef RH_ALGORITHMS_WIDE_H
#define RH_ALGORITHMS_WIDE_H

#include <stdint.h>

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define RH_WIDE __attribute__((target_clones("avx2", "default")))
#else
#define RH_WIDE
#endif

#define RH_WIDE_PAD 8
typedef double rh_wide __attribute__((vector_size(32), may_alias));

static inline int32_t rh_wide_padded(int32_t n)
{
    return (n + RH_WIDE_PAD - 1) / RH_WIDE_PAD * RH_WIDE_PAD;
}

/* Inner product of two rows of n padded elements. */
static inline __attribute__((always_inline)) double rh_wide_dot(const double *a, const double *b, int32_t n)
{
    const rh_wide *x = (const rh_wide *)a, *y = (const rh_wide *)b;
    rh_wide s = { 0 }, t = { 0 };
    for (int32_t k = 0; k < n / 4; k += 2) {
        s += x[k] * y[k];
        t += x[k + 1] * y[k + 1];
    }
    s += t;
    return s[0] + s[1] + (s[2] + s[3]);
}

#endif
