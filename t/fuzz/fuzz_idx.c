/* SPDX-License-Identifier: MIT
 * fuzz_idx: any bytes as an IDX file. */
#include "source.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const struct ds_options o = { SOURCE_OPTIONS, .format = "idx" };
	const char *path = file_path("x-images-idx3-ubyte");

	file_write(path, data, size);
	source_run(path, &o);
	return 0;
}
