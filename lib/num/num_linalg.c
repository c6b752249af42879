/* SPDX-License-Identifier: MIT
 * Linear algebra over OpenBLAS. Symmetric matrices are the same in row and column order, so LAPACK can use ours
 * unchanged, and its columns are our rows. */
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <omp.h>

#include "num/num_blas.h"
#include "num/num_linalg.h"

int num_linalg_open(struct err *err)
{
	return num_blas_open(err);
}

void num_set_threads(int n)
{
	omp_set_num_threads(n);
	if (num_blas)
		num_blas->openblas_set_num_threads(n);
}

void num_matmul(const double *a, size_t m, const double *b, size_t n, size_t k, double *out)
{
	num_blas->cblas_dgemm(NUM_ROW_MAJOR, NUM_NO_TRANS, NUM_TRANS, (int)m, (int)n, (int)k, 1, a, (int)k, b, (int)k,
			      0, out, (int)n);
}

void num_matmul_float(const float *a, size_t m, const float *b, size_t n, size_t k, float *out, size_t stride)
{
	num_blas->cblas_sgemm(NUM_ROW_MAJOR, NUM_NO_TRANS, NUM_TRANS, (int)m, (int)n, (int)k, 1, a, (int)k, b, (int)k,
			      0, out, (int)stride);
}

void num_at_a(const double *a, size_t m, size_t d, double *out)
{
	num_blas->cblas_dgemm(NUM_ROW_MAJOR, NUM_TRANS, NUM_NO_TRANS, (int)d, (int)d, (int)m, 1, a, (int)d, a, (int)d,
			      0, out, (int)d);
}

void num_add_at_a(const double *a, size_t m, size_t d, double times, double *out)
{
	num_blas->cblas_dsyrk(NUM_ROW_MAJOR, NUM_UPPER, NUM_TRANS, (int)d, (int)m, times, a, (int)d, 1, out, (int)d);
}

/* With numbers that are not finite, LAPACK may loop for ever, or return them as a result. */
static bool is_finite(const double *a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isfinite(a[i]))
			return false;
	return true;
}

static bool is_finite_upper(const double *a, size_t d)
{
	for (size_t i = 0; i < d; i++)
		if (!is_finite(a + i * d + i, d - i))
			return false;
	return true;
}

/* In column order our lower half is the upper one. */
int num_solve(double *a, size_t d, double *b)
{
	const int n = (int)d, one = 1;
	int info;

	if (!is_finite(a, d * d) || !is_finite(b, d))
		return -1;
	num_blas->dposv_("U", &n, &one, a, &n, b, &n, &info, 1);
	return info ? -1 : 0;
}

/* Our upper half is the lower half of a matrix in column order, so that LAPACK needs no copy. */
int num_cholesky(double *a, size_t d)
{
	const int n = (int)d;
	int info;

	if (!is_finite_upper(a, d))
		return -1;
	num_blas->dpotrf_("L", &n, a, &n, &info, 1);
	return info ? -1 : 0;
}

void num_solve_upper(const double *u, size_t d, bool transposed, double *x)
{
	num_blas->cblas_dtrsv(NUM_ROW_MAJOR, NUM_UPPER, transposed ? NUM_TRANS : NUM_NO_TRANS, NUM_NON_UNIT, (int)d, u,
			      (int)d, x, 1);
}

int num_cholesky_inverse(double *u, size_t d)
{
	const int n = (int)d;
	int info;

	if (!is_finite_upper(u, d))
		return -1;
	num_blas->dpotri_("L", &n, u, &n, &info, 1);
	return info ? -1 : 0;
}

/* Allocates the workspace that a LAPACK function asks for: *work of *size, *iwork of *isize. */
static int take_room(double **work, int *size, int **iwork, int *isize, double wanted, int iwanted, struct err *err)
{
	*size = (int)wanted;
	*isize = iwanted;
	*work = malloc((size_t)*size * sizeof **work);
	*iwork = malloc((size_t)*isize * sizeof **iwork);
	return *work && *iwork ? 0 : err_memory(err);
}

int num_eigen(double *a, size_t d, double *w, struct err *err)
{
	const int n = (int)d, ask = -1;
	int info, iwanted = 0, size, isize, *iwork = NULL;
	double wanted = 0, *work = NULL;

	if (num_linalg_open(err) < 0)
		return -1;
	if (!is_finite(a, d * d))
		return err_fail(err, "no eigenvectors: it has numbers that are not finite");
	num_blas->dsyevd_("V", "U", &n, a, &n, w, &wanted, &ask, &iwanted, &ask, &info, 1, 1);
	int rc = take_room(&work, &size, &iwork, &isize, wanted, iwanted, err);
	if (rc == 0) {
		num_blas->dsyevd_("V", "U", &n, a, &n, w, work, &size, iwork, &isize, &info, 1, 1);
		rc = info ? err_fail(err, "no eigenvectors: LAPACK's dsyevd failed (%d)", info) : 0;
	}
	free(work);
	free(iwork);
	return rc;
}

size_t num_eigen_rank(const double *w, size_t d, double size)
{
	double most = size;
	size_t rank = 0;

	for (size_t i = 0; i < d; i++)
		most = fmax(most, fabs(w[i]));
	while (rank < d && w[d - rank - 1] > (double)d * DBL_EPSILON * most)
		rank++;
	return rank;
}

size_t num_eigen_share(const double *w, size_t d, double share)
{
	double all = 0, sum = 0;
	size_t n = 0;

	for (size_t i = 0; i < d; i++)
		all += w[i] > 0 ? w[i] : 0;
	while (n < d && sum < share * all)
		sum += w[d - ++n];
	return n;
}

/* With a = V diag(w) V^T, one eigenvector per row of what num_eigen() leaves, row i of W is v_i / sqrt(w_i). */
int num_whiten(double *a, size_t d, double ridge, double size, double **ret, size_t *rank, struct err *err)
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
	*rank = num_eigen_rank(w, d, size);
	const size_t first = d - *rank; /* ascending: the kept ones are at the end */
	if (*rank == 0) {
		err_fail(err, "the rows have no variance in any direction");
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

/* dgelsd with w (c,d) in column order, x (max(c,d)): b (c) on entry, u (d) on return; s (min(c,d)): singular values. */
static int least_squares(double *w, size_t c, size_t d, double *x, double *s, struct err *err)
{
	const int rows = (int)c, cols = (int)d, one = 1, ask = -1, longer = (int)(c > d ? c : d);
	const double least = sqrt((double)longer) * FLT_EPSILON;
	int info, rank, iwanted = 0, size, isize, *iwork = NULL;
	double wanted = 0, *work = NULL;

	num_blas->dgelsd_(&rows, &cols, &one, w, &rows, x, &longer, s, &least, &rank, &wanted, &ask, &iwanted, &info);
	int rc = take_room(&work, &size, &iwork, &isize, wanted, iwanted, err);
	if (rc == 0) {
		num_blas->dgelsd_(&rows, &cols, &one, w, &rows, x, &longer, s, &least, &rank, work, &size, iwork,
				  &info);
		rc = info ? err_fail(err, "no least squares: LAPACK's dgelsd failed (%d)", info) : 0;
	}
	free(work);
	free(iwork);
	return rc;
}

/* By singular values, taking those for zero that rounding W to floats may have made. Its error, of independent entries,
 * is about epsilon sqrt(longer) of their size, and the largest singular value at least that size. */
int num_least_squares(const double *w, size_t c, size_t d, const double *b, double *u, struct err *err)
{
	size_t longer = c > d ? c : d, shorter = c < d ? c : d;

	if (num_linalg_open(err) < 0)
		return -1;
	if (!is_finite(w, c * d) || !is_finite(b, c))
		return err_fail(err, "least squares needs finite numbers");
	double *a = malloc(c * d * sizeof *a);   /* (d,c): W in column order, which LAPACK destroys */
	double *x = calloc(longer, sizeof *x);   /* b (c) on entry, u (d) on return */
	double *s = malloc(shorter * sizeof *s); /* singular values */
	int rc = a && x && s ? 0 : err_memory(err);

	if (rc == 0) {
		for (size_t i = 0; i < c; i++)
			for (size_t k = 0; k < d; k++)
				a[k * c + i] = w[i * d + k];
		memcpy(x, b, c * sizeof *x);
		rc = least_squares(a, c, d, x, s, err);
		memcpy(u, x, d * sizeof *u);
	}
	free(a);
	free(x);
	free(s);
	return rc;
}
