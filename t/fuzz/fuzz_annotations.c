/* SPDX-License-Identifier: MIT
 * fuzz_annotations: any bytes as Tiny ImageNet's val_annotations.txt and words.txt, and as
 * map_clsloc.txt. */
#include "source.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const struct ds_options o = { SOURCE_OPTIONS };
	static const unsigned char images[] = { 0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 77 };
	static const char *const folders[] = { "t", "t/val", "t/val/images", "m" };
	char root[256];

	snprintf(root, sizeof root, "%s", file_path("t"));
	for (size_t i = 0; i < 4 && access(file_path("m"), F_OK) < 0; i++)
		mkdir(file_path(folders[i]), 0700);
	file_write(file_path("t/val/images/val_0.JPEG"), "", 0);
	file_write(file_path("t/val/images/val_1.JPEG"), "", 0);
	file_write(file_path("t/val/val_annotations.txt"), data, size);
	file_write(file_path("t/words.txt"), data, size);
	source_run(root, &o);
	file_write(file_path("m/map_clsloc.txt"), data, size);
	file_write(file_path("m/x-images-idx3-ubyte"), images, sizeof images);
	snprintf(root, sizeof root, "%s", file_path("m"));
	source_run(root, &o);
	return 0;
}
