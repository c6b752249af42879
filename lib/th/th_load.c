/* SPDX-License-Identifier: MIT
 * Opens the seam's shared object on first use. */
#include <errno.h>
#include <dlfcn.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "err/err.h"
#include "num/num_blas.h"
#include "th/th.h"

const struct th_api *th;

/* Every operation allocates its output; by default malloc maps each of these, faults it in page by page and unmaps it
 * again. Keeping them doubles the speed. One arena only, or worker threads would keep their own. */
static void tune_malloc(void)
{
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	mallopt(M_TOP_PAD, 64 << 20);
	mallopt(M_ARENA_MAX, 1);
}

int th_load(struct err *err)
{
	static const char *const places[] = { "", "../lib/unmask/" };
	const struct th_api *(*get)(void);
	char self[PATH_MAX], path[PATH_MAX + 64];
	void *so = NULL;
	ssize_t n;

	if (th)
		return 0;
	n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n < 0) /* do not look in the current folder instead: its owner's code would run here */
		return err_fail(err,
				"cannot find the folder of this program, where libunmask-th.so is: /proc/self/exe: %s",
				strerror(errno));
	self[n] = '\0';
	if (strrchr(self, '/'))
		strrchr(self, '/')[1] = '\0';
	tune_malloc();
	if (num_blas_choose_kernels(err) < 0) /* Debian's libtorch multiplies with OpenBLAS */
		return -1;
	for (size_t i = 0; !so && i < sizeof places / sizeof *places; i++) {
		snprintf(path, sizeof path, "%s%slibunmask-th.so", self, places[i]);
		if (access(path, R_OK) == 0 && !(so = dlopen(path, RTLD_NOW | RTLD_LOCAL))) {
			return err_fail(err, "cannot load '%s': %s", path, dlerror());
		}
	}
	if (!so) {
		return err_fail(err, "cannot find libunmask-th.so beside the program or in ../lib/unmask: GPUs "
				     "and --engine torch need it; make builds it, unless with TORCH=no; in a bundle, "
				     "make -C share/unmask/seam LIBTORCH=DIR");
	}
	*(void **)&get = dlsym(so, "th_get_api");
	th = get ? get() : NULL;
	if (!th || th->abi != TH_ABI) {
		th = NULL;
		return err_fail(err, "'%s' belongs to another version of unmask", path);
	}
	return 0;
}
