/* SPDX-License-Identifier: MIT
 *
 * num_dense: products of small dense matrices, row-major, in double, in plain C: for programs that do not load
 * OpenBLAS (num_blas.h), which is slow to start and would bring its own threads.
 */
#ifndef NUM_DENSE_H
#define NUM_DENSE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* y (m) = A x of A (m,n), x (n). */
void num_times(const double *A, size_t m, size_t n, const double *x, double *y);
/* Eigenvector v (n) for the eigenvalue of largest absolute value of the symmetric G (n,n): power iteration from the
 * given v, until a round moves it by less than `still`, or for `rounds` rounds. v does not change if G v is 0. room:
 * (n). */
void num_first_eigenvector(const double *G, size_t n, int rounds, double still, double *v, double *room);
/* G (n,n), n the smaller of c and d: F F' or F' F of F (c,d), floats. */
void num_smaller_gram(const float *F, size_t c, size_t d, double *G);

#ifdef __cplusplus
}
#endif
#endif
