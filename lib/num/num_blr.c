/* SPDX-License-Identifier: MIT
 * Bayesian linear regression. Symmetric matrices are stored as their upper halves. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "num/num_blr.h"
#include "num/num_linalg.h"

enum { BLOCK = 256 };

int num_blr_init(struct num_blr *b, size_t d, double sigma, double noise, struct err *err)
{
	*b = (struct num_blr){ d,
			       sigma,
			       noise,
			       calloc(d * d, sizeof(double)),
			       calloc(d, sizeof(double)),
			       calloc(d * d, sizeof(double)),
			       calloc(d, sizeof(double)),
			       malloc(BLOCK * d * sizeof(double)) };
	if (!b->zz || !b->zy || !b->chol || !b->mean || !b->block)
		return err_memory(err);
	return num_linalg_open(err);
}

void num_blr_release(struct num_blr *b)
{
	free(b->zz);
	free(b->zy);
	free(b->chol);
	free(b->mean);
	free(b->block);
	*b = (struct num_blr){ 0 };
}

void num_blr_clear(struct num_blr *b)
{
	memset(b->zz, 0, b->d * b->d * sizeof *b->zz);
	memset(b->zy, 0, b->d * sizeof *b->zy);
}

/* zz += times * H^T H and zy += times * y * sum of H's rows, H (rows,d) a block of h in double: one symmetric
 * product per block. */
void num_blr_add(struct num_blr *b, const float *h, size_t n, double y, double times)
{
	const size_t d = b->d;

	for (size_t from = 0; from < n; from += BLOCK) {
		const size_t rows = n - from < BLOCK ? n - from : BLOCK;

		for (size_t i = 0; i < rows * d; i++) {
			b->block[i] = (double)h[from * d + i];
			b->zy[i % d] += times * y * b->block[i];
		}
		num_add_at_a(b->block, rows, d, times, b->zz);
	}
}

/* A = zz / noise + I / sigma = U^T U, and A mean = zy / noise by two triangular systems. */
int num_blr_solve(struct num_blr *b)
{
	for (size_t i = 0; i < b->d; i++) {
		for (size_t j = 0; j < b->d; j++)
			b->chol[i * b->d + j] = b->zz[i * b->d + j] / b->noise + (i == j ? 1 / b->sigma : 0);
		b->mean[i] = b->zy[i] / b->noise;
	}
	if (num_cholesky(b->chol, b->d) < 0)
		return -1;
	num_solve_upper(b->chol, b->d, true, b->mean);
	num_solve_upper(b->chol, b->d, false, b->mean);
	for (size_t i = 0; i < b->d; i++)
		if (!isfinite(b->mean[i])) /* not every LAPACK reports it */
			return -1;
	return 0;
}

void num_blr_sample(const struct num_blr *b, double scale, struct ts_rng *rng, double *beta)
{
	for (size_t i = 0; i < b->d; i++)
		beta[i] = ts_rng_normal(rng) * sqrt(scale);
	/* The covariance of U^-1 z is U^-1 U^-T = (U'U)^-1. */
	num_solve_upper(b->chol, b->d, false, beta);
	for (size_t i = 0; i < b->d; i++)
		beta[i] += b->mean[i];
}

int num_blr_covariance(const struct num_blr *b, double *covariance)
{
	const size_t d = b->d;

	memcpy(covariance, b->chol, d * d * sizeof *covariance);
	if (num_cholesky_inverse(covariance, d) < 0)
		return -1;
	for (size_t i = 0; i < d; i++)
		for (size_t j = 0; j < i; j++)
			covariance[i * d + j] = covariance[j * d + i];
	return 0;
}
