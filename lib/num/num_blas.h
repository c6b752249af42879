/* SPDX-License-Identifier: MIT
 *
 * num_blas: OpenBLAS, opened on first use. Only num_linalg.c calls what it holds; who needs linear algebra opens it
 * with num_linalg_open().
 *
 * Linked, its constructor would run in every program that can do linear algebra at all: 3 ms, which is more than
 * the rest of a start, 128 MB of address space a thread, and under `ulimit -v` a loop without end.
 *
 * And whoever opens it can choose its kernels. OpenBLAS goes by the model of the processor, and takes one that is
 * newer than itself for a Pentium 4: 0.3.21 (Debian 12) runs SSE3 code on Emerald Rapids, at an eighth of the
 * speed. We go by what the processor can do: OPENBLAS_CORETYPE becomes SkylakeX where there is AVX-512 (F, BW, DQ,
 * VL), Haswell where there is AVX2 with FMA, and is left alone elsewhere and where the user has set it. This is
 * always so, not only for models that are known to be unknown: a list of those would be as old as OpenBLAS's own.
 * Of the cores that have a name of their own, Cooperlake and SapphireRapids multiply floats and doubles with
 * SkylakeX's kernels, Zen with Haswell's; so the same instructions give the same bits.
 */
#ifndef NUM_BLAS_H
#define NUM_BLAS_H

#include <stddef.h>

#include "err/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* CBLAS's numbers. */
enum { NUM_ROW_MAJOR = 101, NUM_NO_TRANS = 111, NUM_TRANS, NUM_UPPER = 121, NUM_NON_UNIT = 131 };

/* By their names in OpenBLAS: products of CBLAS, LAPACK as Fortran calls it, matrices in column order and the
 * lengths of strings last. */
struct num_blas {
	void (*cblas_sgemm)(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda,
			    const float *b, int ldb, float beta, float *c, int ldc);
	void (*cblas_dgemm)(int order, int ta, int tb, int m, int n, int k, double alpha, const double *a, int lda,
			    const double *b, int ldb, double beta, double *c, int ldc);
	void (*cblas_dsyrk)(int order, int uplo, int trans, int n, int k, double alpha, const double *a, int lda,
			    double beta, double *c, int ldc);
	void (*cblas_dtrsv)(int order, int uplo, int trans, int diag, int n, const double *a, int lda, double *x,
			    int incx);
	void (*dposv_)(const char *uplo, const int *n, const int *nrhs, double *a, const int *lda, double *b,
		       const int *ldb, int *info, size_t);
	void (*dpotrf_)(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t);
	void (*dpotri_)(const char *uplo, const int *n, double *a, const int *lda, int *info, size_t);
	void (*dsyevd_)(const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w,
			double *work, const int *lwork, int *iwork, const int *liwork, int *info, size_t, size_t);
	void (*dgelsd_)(const int *m, const int *n, const int *nrhs, double *a, const int *lda, double *b,
			const int *ldb, double *s, const double *rcond, int *rank, double *work, const int *lwork,
			int *iwork, int *info);
	void (*openblas_set_num_threads)(int n);
};

/* NULL until it is open. */
extern const struct num_blas *num_blas;

/* Opens it; again: nothing. From one thread, as it sets a variable of the environment. -1: it cannot be loaded, or
 * there is no address space for it; err.memory is set then, as nothing may do without it. */
int num_blas_open(struct err *err) __attribute__((warn_unused_result));
/* Sets OPENBLAS_CORETYPE as above, for a caller that opens a library that brings OpenBLAS with it. -1: no memory. */
int num_blas_choose_kernels(struct err *err) __attribute__((warn_unused_result));

#ifdef __cplusplus
}
#endif
#endif
