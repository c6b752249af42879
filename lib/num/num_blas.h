/* SPDX-License-Identifier: MIT
 *
 * num_blas: OpenBLAS, opened on first use. Only num_linalg.c calls its functions; to use linear algebra, call
 * num_linalg_open().
 *
 * If it were linked, its constructor would run in every program that can do linear algebra: 3 ms, which is more than
 * the rest of a start, 128 MB of address space per thread, and an endless loop under `ulimit -v`.
 *
 * Opening it also lets us choose its kernels. OpenBLAS looks at the processor's model, and takes one newer than itself
 * for a Pentium 4: 0.3.21 (Debian 12) runs SSE3 code on Emerald Rapids, at an eighth of the speed. We look at the
 * processor's features: OPENBLAS_CORETYPE becomes SkylakeX with AVX-512 (F, BW, DQ, VL), Haswell with AVX2 and FMA, and
 * is left alone otherwise, or if the user has set it. We do this for all models, not only for those that OpenBLAS does
 * not know: a list of them would be as out of date as OpenBLAS's own. Among other core names, Cooperlake and
 * SapphireRapids multiply floats and doubles with SkylakeX's kernels, Zen with Haswell's; so the same instructions give
 * the same bits.
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

/* Named as in OpenBLAS: CBLAS's products; LAPACK with Fortran's calling convention, matrices in column order, lengths
 * of strings last. */
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

/* Opens it; further calls do nothing. Call it from one thread, as it sets an environment variable. -1: it cannot be
 * loaded, or there is no address space for it; err.memory is then set, as no caller can do without it. */
int num_blas_open(struct err *err) __attribute__((warn_unused_result));
/* Sets OPENBLAS_CORETYPE as above, for a caller that opens a library linked with OpenBLAS. -1: out of memory. */
int num_blas_choose_kernels(struct err *err) __attribute__((warn_unused_result));

#ifdef __cplusplus
}
#endif
#endif
