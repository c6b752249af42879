/* SPDX-License-Identifier: MIT
 * Opens OpenBLAS. */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <omp.h>

#include "num/num_blas.h"

#define SONAME "libopenblas.so.0"

const struct num_blas *num_blas;

int num_blas_choose_kernels(struct err *err)
{
#ifdef __x86_64__
	const char *core = NULL;

	/* Checks the processor, and the system, which must save the registers. */
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		core = "Haswell";
	if (core && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
		core = "SkylakeX";
	/* With other kernels the last digits would differ. */
	if (core && setenv("OPENBLAS_CORETYPE", core, 0) < 0)
		return err_memory(err);
#else
	(void)err;
#endif
	return 0;
}

/* Checks that there is address space for the library, and for one buffer for each thread that calls it and each of its
 * own. It would retry for ever to allocate them. */
static int check_space(struct err *err)
{
	const size_t size = ((size_t)128 << 20) * (2 * (size_t)omp_get_max_threads() + 1);
	void *room = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (room == MAP_FAILED)
		return err_fail(err,
				"OpenBLAS needs %zu MB of address space for %d threads: raise ulimit -v, or lower "
				"OMP_NUM_THREADS",
				size >> 20, omp_get_max_threads());
	munmap(room, size);
	return 0;
}

static int load(struct num_blas *b, struct err *err)
{
	void *library;

	if (num_blas_choose_kernels(err) < 0 || check_space(err) < 0)
		return -1;
	if (!(library = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL)))
		return err_fail(err,
				"cannot load OpenBLAS (%s): install it, in Debian: apt install libopenblas0-openmp",
				dlerror());
#define FIND(NAME) \
	if (!(*(void **)&b->NAME = dlsym(library, #NAME))) \
		return err_fail(err, SONAME " has no " #NAME ": install OpenBLAS with CBLAS and LAPACK in it, in " \
					    "Debian: apt install libopenblas0-openmp");
	FIND(cblas_sgemm)
	FIND(cblas_dgemm)
	FIND(cblas_dsyrk)
	FIND(cblas_dtrsv)
	FIND(dposv_)
	FIND(dpotrf_)
	FIND(dpotri_)
	FIND(dsyevd_)
	FIND(dgelsd_)
	FIND(openblas_set_num_threads)
#undef FIND
	return 0;
}

int num_blas_open(struct err *err)
{
	static struct num_blas blas;

	if (num_blas)
		return 0;
	if (load(&blas, err) < 0) {
		err->memory = true;
		return -1;
	}
	blas.openblas_set_num_threads(omp_get_max_threads()); /* not all of its builds use OpenMP */
	num_blas = &blas;
	return 0;
}
