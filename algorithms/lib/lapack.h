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
/* a[m x n] = L Q, Q with orthonormal rows: sgelqf leaves L and reflectors in a, of which sorglq makes the first m rows
 * of Q, in place. work[lwork], lwork >= m; tau[k], k <= m <= n. */
void sgelqf_(const int *m, const int *n, float *a, const int *lda, float *tau, float *work, const int *lwork,
             int *info);
void sorglq_(const int *m, const int *n, const int *k, float *a, const int *lda, const float *tau, float *work,
             const int *lwork, int *info);
/* Eigenvalues w[n], ascending, and vectors, in the columns of a, of a symmetric a[n x n] given in the triangle `uplo`;
 * work[lwork], lwork >= 3 n. info > 0: no convergence. */
void dsyev_(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,
            const int *lwork, int *info, size_t jobz_length, size_t uplo_length);
/* Eigenvalues number il to iu (from 1, ascending), of them *found in w[n], and vectors, in the columns of z[n x found],
 * of such an a, which is used up: range "I", vl, vu, abstol unused. isuppz[2 n]; lwork >= 26 n, liwork >= 10 n. */
void dsyevr_(const char *jobz, const char *range, const char *uplo, const int *n, double *a, const int *lda,
             const double *vl, const double *vu, const int *il, const int *iu, const double *abstol, int *found,
             double *w, double *z, const int *ldz, int *isuppz, double *work, const int *lwork, int *iwork,
             const int *liwork, int *info, size_t jobz_length, size_t range_length, size_t uplo_length);

#endif
