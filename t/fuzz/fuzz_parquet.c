/* SPDX-License-Identifier: MIT
 * fuzz_parquet: any bytes as a Parquet file of images. */
#include "source.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const struct ds_options o = { SOURCE_OPTIONS, .format = "parquet" };
	const char *path = file_path("x.parquet");

	file_write(path, data, size);
	source_run(path, &o);
	return 0;
}
