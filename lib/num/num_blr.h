/* SPDX-License-Identifier: MIT
 *
 * num_blr: Bayesian linear regression with known noise, for Thompson sampling. Model y = beta . h +
 * noise, beta ~ N(0, sigma I), noise ~ N(0, noise). Given rows h and targets y:
 *
 *	A = Z'Z / noise + I / sigma,  mean = A^-1 Z'y / noise,  covariance A^-1
 *
 * (Bishop, "Pattern recognition and machine learning", eq. 3.53 and 3.54; Ming et al., ICML 2022,
 * eq. 4). Rows are added to sums and forgotten: memory is two d x d matrices and one block of rows,
 * however many rows there are. Everything is double; BLAS and LAPACK use the threads that they have been given. No
 * seam, no device.
 *
 *	num_blr_init(&b, d, 20, 0.5, err);
 *	num_blr_add(&b, h, n, 3.9, 1);
 *	num_blr_solve(&b);
 *	num_blr_sample(&b, 1, &rng, beta);
 */
#ifndef NUM_BLR_H
#define NUM_BLR_H

#include <stddef.h>

#include "err/err.h"
#include "ts/ts_rng.h"

#ifdef __cplusplus
extern "C" {
#endif

struct num_blr {
	size_t d;
	double sigma, noise;
	double *zz, *zy;     /* (d,d) upper half; (d): sums over rows */
	double *chol, *mean; /* (d,d) Cholesky's U of A = U'U; (d); after num_blr_solve() */
	double *block;       /* (256,d): buffer for rows */
};

/* Starts without rows: num_blr_solve() would give the prior. -1: out of memory, or no OpenBLAS. */
int num_blr_init(struct num_blr *b, size_t d, double sigma, double noise, struct err *err)
	__attribute__((warn_unused_result));
void num_blr_release(struct num_blr *b);
/* Forgets all rows. */
void num_blr_clear(struct num_blr *b);
/* Adds n rows h (n,d) with the same target y, each as if it came `times` times. */
void num_blr_add(struct num_blr *b, const float *h, size_t n, double y, double times);
/* Computes the posterior of all rows. -1: A is not positive definite, as sums overflowed. */
int num_blr_solve(struct num_blr *b);
/* Draws beta (d) ~ N(mean, scale * covariance): mean + sqrt(scale) U^-1 z. */
void num_blr_sample(const struct num_blr *b, double scale, struct ts_rng *rng, double *beta);
/* The covariance (d,d), both halves. -1: num_blr_solve() has not succeeded. */
int num_blr_covariance(const struct num_blr *b, double *covariance);

#ifdef __cplusplus
}
#endif
#endif
