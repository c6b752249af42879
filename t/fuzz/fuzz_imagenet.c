/* SPDX-License-Identifier: MIT
 * fuzz_imagenet: any bytes as a part of downsampled ImageNet, a pickle or an .npz. */
#include "source.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const struct ds_options o = { SOURCE_OPTIONS, .format = "imagenet" };
	const char *path = file_path("x");

	file_write(path, data, size);
	source_run(path, &o);
	return 0;
}
