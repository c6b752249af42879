/* SPDX-License-Identifier: MIT
 * fuzz_list: any bytes as a list of images; and as the three files that name classes. */
#include "source.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char list[256], root[256];
	struct ds_options o = { SOURCE_OPTIONS };

	snprintf(list, sizeof list, "%s", file_path("list.txt"));
	snprintf(root, sizeof root, "%s", file_path("root"));
	if (mkdir(root, 0700) == 0) {
		mkdir(file_path("root/a"), 0700);
		mkdir(file_path("root/b"), 0700);
		file_write(file_path("root/a/1.png"), "", 0);
		file_write(file_path("root/b/2.png"), "", 0);
	}
	file_write(list, data, size);
	o.list = list;
	o.root = root;
	source_run(NULL, &o);
	o.list = o.root = NULL;
	o.exclude = list;
	source_run(root, &o);
	o.exclude = NULL;
	o.map = list;
	source_run(root, &o);
	return 0;
}
