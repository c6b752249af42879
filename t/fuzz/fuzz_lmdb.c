/* SPDX-License-Identifier: MIT
 * fuzz_lmdb: any bytes as LSUN's LMDB. */
#include "source.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const struct ds_options o = { SOURCE_OPTIONS, .format = "lmdb" };
	char root[256];

	snprintf(root, sizeof root, "%s", file_path("x_val_lmdb"));
	mkdir(root, 0700);
	file_write(file_path("x_val_lmdb/data.mdb"), data, size);
	source_run(root, &o);
	return 0;
}
