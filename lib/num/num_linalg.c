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
	cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)m, (int)n, (int)k, 1, a, (int)k, b, (int)k, 0, out,
		    (int)n);
}

void num_at_a(const double *a, size_t m, size_t d, double *out)
{
	cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)d, (int)d, (int)m, 1, a, (int)d, a, (int)d, 0, out,
		    (int)d);
}

/* What a LAPACK function that came back with `info` is to say. */
static int lapack_failed(const char *what, lapack_int info, struct err *err)
{
	if (info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR)
		return err_memory(err);
	return err_fail(err, "%s: LAPACK failed (%d)", what, (int)info);
}

int num_solve(double *a, size_t d, double *b)
{
	return LAPACKE_dposv(LAPACK_COL_MAJOR, 'U', (int)d, 1, a, (int)d, b, (int)d) ? -1 : 0;
}

/* Our upper half is the lower half of a matrix in column order, so that LAPACK needs no copy. */
int num_cholesky(double *a, size_t d)
{
	return LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'L', (int)d, a, (int)d) ? -1 : 0;
}

void num_solve_upper(const double *u, size_t d, bool transposed, double *x)
{
	cblas_dtrsv(CblasRowMajor, CblasUpper, transposed ? CblasTrans : CblasNoTrans, CblasNonUnit, (int)d, u, (int)d,
		    x, 1);
}

int num_cholesky_inverse(double *u, size_t d)
{
	return LAPACKE_dpotri(LAPACK_COL_MAJOR, 'L', (int)d, u, (int)d) ? -1 : 0;
}

int num_eigen(double *a, size_t d, double *w, struct err *err)
{
	lapack_int info = LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'U', (int)d, a, (int)d, w);

	return info ? lapack_failed("no eigenvectors", info, err) : 0;
}

/* Eigenvalues w (d) up to this are rounding errors of zero. */
static double rank_tolerance(const double *w, size_t d)
{
	double most = 0;

	for (size_t i = 0; i < d; i++)
		most = fmax(most, fabs(w[i]));
	return (double)d * DBL_EPSILON * most;
}

/* With a = V diag(w) V^T, one eigenvector per row of what num_eigen() leaves, row i of W is v_i / sqrt(w_i). */
int num_whiten(double *a, size_t d, double ridge, double **ret, size_t *rank, struct err *err)
{
	double *w = malloc(d * sizeof *w), trace = 0; /* w (d): eigenvalues */
	int rc = -1;

	*ret = NULL;
	*rank = 0;
	if (!w)
		return err_memory(err);
	for (size_t i = 0; i < d; i++)
		trace += a[i * d + i];
	for (size_t i = 0; i < d; i++)
		a[i * d + i] += ridge * trace / (double)d;
	if (num_eigen(a, d, w, err) < 0)
		goto out;
	double least = rank_tolerance(w, d);
	size_t first = 0; /* ascending: what is kept is the end */
	while (first < d && !(w[first] > least))
		first++;
	*rank = d - first;
	if (*rank == 0) {
		err_fail(err, "there is no variance in any direction");
		goto out;
	}
	if (!(*ret = malloc(*rank * d * sizeof **ret))) {
		err_memory(err);
		goto out;
	}
	for (size_t i = 0; i < *rank; i++)
		for (size_t k = 0; k < d; k++)
			(*ret)[i * d + k] = a[(first + i) * d + k] / sqrt(w[first + i]);
	rc = 0;
out:
	free(w);
	return rc;
}

/* By singular values, those below longer * epsilon * the largest taken for zero, as NumPy's pinv does. */
int num_least_squares(const double *w, size_t c, size_t d, const double *b, double *u, struct err *err)
{
	size_t longer = c > d ? c : d, shorter = c < d ? c : d;
	double *a = malloc(c * d * sizeof *a);   /* (c,d): W, which LAPACK destroys */
	double *x = calloc(longer, sizeof *x);   /* b (c) goes in, u (d) comes out */
	double *s = malloc(shorter * sizeof *s); /* singular values */
	lapack_int rank, info = LAPACK_WORK_MEMORY_ERROR;

	if (a && x && s) {
		memcpy(a, w, c * d * sizeof *a);
		memcpy(x, b, c * sizeof *x);
		info = LAPACKE_dgelsd(LAPACK_ROW_MAJOR, (int)c, (int)d, 1, a, (int)d, x, 1, s,
				      (double)longer * DBL_EPSILON, &rank);
		memcpy(u, x, d * sizeof *u);
	}
	free(a);
	free(x);
	free(s);
	return info ? lapack_failed("no least squares", info, err) : 0;
}
