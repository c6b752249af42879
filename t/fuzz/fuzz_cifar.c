/* SPDX-License-Identifier: MIT
 * fuzz_cifar: any bytes as a CIFAR file, binary or pickled. */
#include "source.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const struct ds_options o = { SOURCE_OPTIONS, .format = "cifar" };
	const char *path = file_path("x");

	file_write(path, data, size);
	source_run(path, &o);
	return 0;
}
