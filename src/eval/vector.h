/* Loops that gain from wider vectors are compiled twice, and the loader takes what the processor has. (Clang gives the
 * two a name that other files do not find.) They count and compare only, so their results are the same. */
#ifndef RH_EVAL_VECTOR_H
#define RH_EVAL_VECTOR_H

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define RH_VECTOR __attribute__((target_clones("avx2", "default")))
#else
#define RH_VECTOR
#endif

#endif
