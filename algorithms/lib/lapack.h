/* The routines of LAPACK (in OpenBLAS) that algorithms call. OpenBLAS comes without a C header for them everywhere, so
 * they are declared here as gfortran makes them: column-major, all by reference. `info` 0: done; > 0: not positive
 * definite. */
#ifndef RH_ALGORITHMS_LAPACK_H
#define RH_ALGORITHMS_LAPACK_H

#include <stddef.h>

/* Cholesky factor of a symmetric positive definite a[n x n], in place in the triangle `uplo`. */
void spotrf_(const char *uplo, const int *n, float *a, const int *lda, int *info, size_t uplo_length);
/* The inverse from that factor, in place in the same triangle. */
void spotri_(const char *uplo, const int *n, float *a, const int *lda, int *info, size_t uplo_length);
/* Solves with that factor; b[nrhs x n] in rows of ldb. */
void spotrs_(const char *uplo, const int *n, const int *nrhs, const float *a, const int *lda, float *b,
             const int *ldb, int *info, size_t uplo_length);

#endif
