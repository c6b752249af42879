/* SPDX-License-Identifier: MIT
 *
 * num_linalg: the few pieces of linear algebra that scores need, over CBLAS and LAPACK. Matrices are
 * dense, row-major, in double; sizes are (rows, columns).
 */
#ifndef NUM_LINALG_H
#define NUM_LINALG_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Threads of the products and of OpenMP, from now on. */
void num_set_threads(int n);

/* out (m,n) = a (m,k) b (n,k)^T. */
void num_matmul(const double *a, size_t m, const double *b, size_t n, size_t k, double *out);

/* out (d,d) = a^T a of a (m,d). */
void num_at_a(const double *a, size_t m, size_t d, double *out);

/* Eigenvectors of the symmetric a (d,d), which they replace, one a row, and their eigenvalues w (d),
 * both in ascending order of the eigenvalue. -1: LAPACK failed. */
int num_eigen(double *a, size_t d, double *w);

/* Eigenvalues up to this share of the largest, times d, are rounding errors of zero: the tolerance
 * of NumPy's and SciPy's pinv for symmetric matrices. */
double num_rank_tolerance(const double *w, size_t d);

/* Whitening of a covariance a (d,d), which is destroyed: *ret (rank,d), new and the caller's, with
 * ||W v||^2 = v^T pinv(a) v. Directions without variance are left out; `ridge` > 0 adds that share of
 * the mean variance to every direction before, so that none is. -1: LAPACK failed, out of memory, or
 * no variance at all (*rank is 0 then). */
int num_whiten(double *a, size_t d, double ridge, double **ret, size_t *rank)
	__attribute__((warn_unused_result));

/* Solves a x = b for the symmetric, positive definite a (d,d), which is destroyed; x replaces b (d). -1: a is
 * not positive definite. */
int num_solve(double *a, size_t d, double *b) __attribute__((warn_unused_result));

/* The u (d) of least norm among those that bring W u = b closest to zero; W (c,d), b (c): pinv(W) b.
 * -1: LAPACK failed or out of memory. */
int num_least_squares(const double *w, size_t c, size_t d, const double *b, double *u)
	__attribute__((warn_unused_result));

#ifdef __cplusplus
}
#endif
#endif
