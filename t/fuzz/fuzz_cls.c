/* SPDX-License-Identifier: MIT
 * fuzz_cls: any bytes as the .cls files of a WebDataset: each line is one file. */
#include "source.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const struct ds_options o = { SOURCE_OPTIONS, .format = "webdataset" };
	static const unsigned char png[] = "\x89PNG\r\n\x1a\n";
	const unsigned char *end = data + size;
	char root[256], name[32];

	snprintf(root, sizeof root, "%s", file_path("w"));
	mkdir(root, 0700);
	for (int i = 0; i < 3; i++) {
		const unsigned char *line = data, *stop = memchr(data, '\n', (size_t)(end - data));

		stop = stop && i < 2 ? stop : end;
		data = stop < end ? stop + 1 : end;
		snprintf(name, sizeof name, "w/%d.cls", i);
		file_write(file_path(name), line, (size_t)(stop - line));
		snprintf(name, sizeof name, "w/%d.png", i);
		if (access(file_path(name), F_OK) < 0)
			file_write(file_path(name), png, sizeof png - 1);
	}
	source_run(root, &o);
	return 0;
}
