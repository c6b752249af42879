/* SPDX-License-Identifier: MIT
 * fuzz_npy: any bytes as a file of arrays, next to a file of labels. */
#include "source.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const struct ds_options o = { SOURCE_OPTIONS, .format = "npy" };
	static const unsigned char labels[] =
		"\x93NUMPY\1\0\x3d\0{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }   \n\1\0";
	const char *path = file_path("labels.npy");

	file_write(path, labels, sizeof labels - 1);
	path = file_path("x.npy");
	file_write(path, data, size);
	source_run(path, &o);
	return 0;
}
