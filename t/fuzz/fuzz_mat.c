/* SPDX-License-Identifier: MIT
 * fuzz_mat: any bytes as SVHN's MATLAB file. */
#include "source.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const struct ds_options o = { SOURCE_OPTIONS, .format = "svhn" };
	const char *path = file_path("test_32x32.mat");

	file_write(path, data, size);
	source_run(path, &o);
	return 0;
}
