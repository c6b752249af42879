/* SPDX-License-Identifier: MIT
 * Opens libarchive. */
#include <dlfcn.h>
#include <pthread.h>

#include "arc/arc.h"
#include "version.h" /* LIBARCHIVE: the soname of the library whose header this is */

_Static_assert(sizeof LIBARCHIVE > 1, "the Makefile found no libarchive.so, or no readelf that says its soname");

const struct arc *arc;

static int load(struct arc *a, struct err *err)
{
	void *library = dlopen(LIBARCHIVE, RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return err_fail(
			err,
			"cannot load libarchive (%s), which reads and writes archives, PyTorch's files and .npz: "
			"install the version that this program was compiled with",
			dlerror());
#define FIND(NAME) \
	if (!(*(void **)&a->NAME = dlsym(library, #NAME))) \
		return err_fail(err, "'" LIBARCHIVE "' has no " #NAME ": it is not the version that this program was " \
				     "compiled with");
	ARC_FUNCTIONS(FIND)
#undef FIND
	return 0;
}

int arc_open(struct err *err)
{
	static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;
	static struct arc loaded;
	int rc = 0;

	pthread_mutex_lock(&opening);
	if (!arc) { /* is written once: others read it without the lock */
		rc = load(&loaded, err);
		if (rc == 0)
			arc = &loaded;
		else
			err->memory = true;
	}
	pthread_mutex_unlock(&opening);
	return rc;
}
