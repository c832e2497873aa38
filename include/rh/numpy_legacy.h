/* rh/numpy_legacy.h - the stream of numpy.random.RandomState, number by number.
 *
 * Published tables were made with it: whoever wants the same folds and the same initial factors has to draw the same
 * numbers. It is the Mersenne Twister of Matsumoto and Nishimura 1998 (MT19937), seeded as RandomState(seed) does, with
 * numpy's own ways to uniforms (53 bits of two words), normals (Marsaglia's polar method, which gives two: the second
 * one is kept for the next call) and bounded integers (a mask, and again until it fits). numpy has frozen them since
 * 1.17 as the "legacy" stream. For anything new use the streams of the host.
 *
 * No part of the program is needed (SPDX-License-Identifier: 0BSD). Checked against numpy by tests/unit/numpy_legacy.c.
 */
#ifndef RH_NUMPY_LEGACY_H
#define RH_NUMPY_LEGACY_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#define RH_NUMPY_WORDS 624

struct rh_numpy {
    uint32_t word[RH_NUMPY_WORDS];
    int32_t next;     /* of the words; RH_NUMPY_WORDS: all are used */
    bool has_normal;
    double normal;    /* the second one of the last pair */
};

/* RandomState(seed), or np.random.seed(seed). */
static inline void rh_numpy_seed(struct rh_numpy *r, uint32_t seed)
{
    for (uint32_t i = 0; i < RH_NUMPY_WORDS; i++) {
        r->word[i] = seed;
        seed = 1812433253u * (seed ^ (seed >> 30)) + i + 1;
    }
    r->next = RH_NUMPY_WORDS;
    r->has_normal = false;
    r->normal = 0;
}

/* The next 624 words. */
static inline void rh_numpy_twist(struct rh_numpy *r)
{
    enum { N = RH_NUMPY_WORDS, M = 397 };
    uint32_t *w = r->word;
    for (int32_t i = 0; i < N; i++) {
        uint32_t y = (w[i] & 0x80000000u) | (w[(i + 1) % N] & 0x7fffffffu);
        w[i] = w[(i + M) % N] ^ (y >> 1) ^ (y & 1 ? 0x9908b0dfu : 0);
    }
    r->next = 0;
}

/* Next 32 random bits. */
static inline uint32_t rh_numpy_next(struct rh_numpy *r)
{
    if (r->next == RH_NUMPY_WORDS)
        rh_numpy_twist(r);
    uint32_t y = r->word[r->next++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680u;
    y ^= (y << 15) & 0xefc60000u;
    return y ^ (y >> 18);
}

/* random_sample(): uniform in [0, 1). uniform(low, high) is low + (high - low) of it. */
static inline double rh_numpy_uniform(struct rh_numpy *r)
{
    uint32_t a = rh_numpy_next(r) >> 5, b = rh_numpy_next(r) >> 6;
    return (a * 67108864.0 + b) / 9007199254740992.0;
}

/* standard_normal(). normal(mean, sd) is mean + sd of it. */
static inline double rh_numpy_normal(struct rh_numpy *r)
{
    double x, y, q;
    if (r->has_normal) {
        r->has_normal = false;
        return r->normal;
    }
    do {
        x = 2.0 * rh_numpy_uniform(r) - 1.0;
        y = 2.0 * rh_numpy_uniform(r) - 1.0;
        q = x * x + y * y;
    } while (q >= 1.0 || q == 0.0);
    double f = sqrt(-2.0 * log(q) / q);
    r->normal = f * x;
    r->has_normal = true;
    return f * y;
}

/* An integer in [0, most], most < 2^32: masked rejection. randint(low, high) is low + one with most = high - 1 - low;
 * nothing is drawn when there is one only. */
static inline uint32_t rh_numpy_at_most(struct rh_numpy *r, uint32_t most)
{
    uint32_t mask = most, x;
    if (!most)
        return 0;
    for (int s = 1; s < 32; s *= 2)
        mask |= mask >> s;
    do
        x = rh_numpy_next(r) & mask;
    while (x > most);
    return x;
}

/* shuffle(x). permutation(n) is the shuffle of 0 .. n - 1. */
static inline void rh_numpy_shuffle(struct rh_numpy *r, int32_t *x, int32_t n)
{
    for (int32_t i = n - 1; i > 0; i--) {
        int32_t j = (int32_t)rh_numpy_at_most(r, (uint32_t)i), t = x[i];
        x[i] = x[j];
        x[j] = t;
    }
}

#endif
