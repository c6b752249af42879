/* SPDX-License-Identifier: MIT
 * Linear algebra over CBLAS and LAPACK. Symmetric matrices are the same in row and column order, so
 * LAPACK takes ours as they are and its columns are our rows. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>
#include <lapacke.h>

#include <omp.h>

#include "num/num_linalg.h"

void num_set_threads(int n)
{
	omp_set_num_threads(n);
}

void num_matmul(const double *a, size_t m, const double *b, size_t n, size_t k, double *out)
{
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)n, (int)k, 1, a, (int)k, b,
		    (int)k, 0, out, (int)n);
}

void num_at_a(const double *a, size_t m, size_t d, double *out)
{
	cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)d, (int)d, (int)m, 1, a, (int)d, a,
		    (int)d, 0, out, (int)d);
}

int num_solve(double *a, size_t d, double *b)
{
	return LAPACKE_dposv(LAPACK_COL_MAJOR, 'U', (int)d, 1, a, (int)d, b, (int)d) ? -1 : 0;
}

int num_eigen(double *a, size_t d, double *w)
{
	return LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'U', (int)d, a, (int)d, w) ? -1 : 0;
}

double num_rank_tolerance(const double *w, size_t d)
{
	double most = 0;
	for (size_t i = 0; i < d; i++)
		most = fmax(most, fabs(w[i]));
	return (double)d * DBL_EPSILON * most;
}

int num_whiten(double *a, size_t d, double ridge, double **ret, size_t *rank)
{
	double *w = malloc(d * sizeof *w), trace = 0;
	int rc = -1;

	*ret = NULL;
	*rank = 0;
	for (size_t i = 0; i < d; i++)
		trace += a[i * d + i];
	for (size_t i = 0; i < d; i++)
		a[i * d + i] += ridge * trace / (double)d;
	if (!w || num_eigen(a, d, w))
		goto out;
	double least = num_rank_tolerance(w, d);
	size_t first = 0;                 /* ascending: what is kept is the end */
	while (first < d && !(w[first] > least))
		first++;
	*rank = d - first;
	if (*rank == 0 || !(*ret = malloc(*rank * d * sizeof **ret)))
		goto out;
	for (size_t i = 0; i < *rank; i++)
		for (size_t k = 0; k < d; k++)
			(*ret)[i * d + k] = a[(first + i) * d + k] / sqrt(w[first + i]);
	rc = 0;
out:
	free(w);
	return rc;
}

int num_least_squares(const double *w, size_t c, size_t d, const double *b, double *u)
{
	size_t longer = c > d ? c : d, shorter = c < d ? c : d;
	double *a = malloc(c * d * sizeof *a), *x = calloc(longer, sizeof *x);
	double *s = malloc(shorter * sizeof *s);
	lapack_int rank, rc = -1;

	if (a && x && s) {
		memcpy(a, w, c * d * sizeof *a);
		memcpy(x, b, c * sizeof *x);
		rc = LAPACKE_dgelsd(LAPACK_ROW_MAJOR, (int)c, (int)d, 1, a, (int)d, x, 1, s,
				    (double)longer * DBL_EPSILON, &rank);
		memcpy(u, x, d * sizeof *u);
	}
	free(a);
	free(x);
	free(s);
	return rc ? -1 : 0;
}
