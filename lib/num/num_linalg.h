/* SPDX-License-Identifier: MIT
 *
 * num_linalg: the few pieces of linear algebra that are needed here, over OpenBLAS (num_blas.h), which no other file
 * calls. Matrices are dense, row-major, in double; sizes are (rows, columns). Functions without a struct err, which
 * cannot report that OpenBLAS is missing, need num_linalg_open() first; num_eigen(), num_whiten() and
 * num_least_squares() call it themselves.
 */
#ifndef NUM_LINALG_H
#define NUM_LINALG_H

#include <stdbool.h>
#include <stddef.h>

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Opens OpenBLAS; further calls do nothing. -1: it is missing, or the address space is too small; err.memory is set. */
int num_linalg_open(struct err *err) __attribute__((warn_unused_result));

/* Sets the threads of the products and of OpenMP. */
void num_set_threads(int n);

/* out (m,n) = a (m,k) b (n,k)^T. */
void num_matmul(const double *a, size_t m, const double *b, size_t n, size_t k, double *out);

/* The same in single precision; rows of out (m,n) are `stride` numbers apart. */
void num_matmul_float(const float *a, size_t m, const float *b, size_t n, size_t k, float *out, size_t stride);

/* out (d,d) = a^T a of a (m,d). */
void num_at_a(const double *a, size_t m, size_t d, double *out);
/* The upper half of out (d,d) += times * a^T a of a (m,d). */
void num_add_at_a(const double *a, size_t m, size_t d, double times, double *out);

/* Eigenvectors of the symmetric a (d,d), which they replace, one per row, and their eigenvalues w (d), both in
 * ascending order of the eigenvalue. -1: out of memory, or there are none (a is not finite). */
int num_eigen(double *a, size_t d, double *w, struct err *err) __attribute__((warn_unused_result));

/* Of eigenvalues w (d), ascending: how many are more than rounding errors of zero, which are at most d * epsilon * the
 * largest, or d * epsilon * size; and how many of the largest it takes for a share of their sum, without negative ones,
 * which are rounding errors: 0 if none is positive. */
size_t num_eigen_rank(const double *w, size_t d, double size);
size_t num_eigen_share(const double *w, size_t d, double share);

/* Whitening of a covariance a (d,d), which is destroyed: *ret (rank,d), which the caller frees, with ||W v||^2 = v^T
 * pinv(a) v. Directions without variance are left out: those whose eigenvalue is at most d * epsilon * the largest, as
 * in NumPy's and SciPy's pinv for symmetric matrices; or d * epsilon * size, if a is a difference of matrices of this
 * norm, whose rounding errors it has. `ridge` > 0 first adds that share of the mean variance to every direction, so
 * that none is left out. -1: no variance at all, or as num_eigen(). */
int num_whiten(double *a, size_t d, double ridge, double size, double **ret, size_t *rank, struct err *err)
	__attribute__((warn_unused_result));

/* Solves a x = b for the symmetric, positive definite a (d,d), which is destroyed; x replaces b (d). -1: a is
 * not positive definite. */
int num_solve(double *a, size_t d, double *b) __attribute__((warn_unused_result));

/* Cholesky: reads only the upper half of the symmetric, positive definite a (d,d), and replaces it by U of a = U^T U.
 * -1: a is not positive definite. */
int num_cholesky(double *a, size_t d) __attribute__((warn_unused_result));
/* x (d) becomes U^-1 x, or U^-T x if transposed. */
void num_solve_upper(const double *u, size_t d, bool transposed, double *x);
/* The upper half of U becomes that of (U^T U)^-1. -1: U has a zero on its diagonal. */
int num_cholesky_inverse(double *u, size_t d) __attribute__((warn_unused_result));

/* The u (d) of least norm among those that bring W u = b closest to zero; W (c,d), b (c): pinv(W) b. W is of floats, as
 * last layers are: rows that follow from others but for rounding, as where all add up to zero, add no direction.
 * -1: out of memory, or there is none (W or b is not finite). */
int num_least_squares(const double *w, size_t c, size_t d, const double *b, double *u, struct err *err)
	__attribute__((warn_unused_result));

#ifdef __cplusplus
}
#endif
#endif
