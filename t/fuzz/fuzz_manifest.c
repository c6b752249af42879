/* SPDX-License-Identifier: MIT
 * fuzz_manifest: any bytes as a manifest, against rows that include the first line's path. */
#include "ds/ds_manifest.h"
#include "file.h"

static void check(struct ds_manifest *m, const char *name)
{
	struct ds_row row = { .name = name, .label = 3, .bytes = 17, .hash = 0x1234 };
	struct err err = { 0 };

	for (int i = 0; i < 3; i++)
		if (ds_manifest_check(m, &row, &err) < 0) {
			hold_text(&err);
			break;
		}
	err.text[0] = '\0';
	if (ds_manifest_end(m, &err) < 0)
		hold_text(&err);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const char *path = file_path("manifest");
	struct err err = { 0 };
	struct ds_manifest *m;
	char name[64];

	file_write(path, data, size);
	if (!(m = ds_manifest_open(path, &err))) {
		hold_text(&err);
		return 0;
	}
	snprintf(name, sizeof name, "%.*s", (int)(size < 60 ? size : 60), (const char *)data);
	check(m, size % 2 ? name : "a/1.png");
	ds_manifest_close(m);
	return 0;
}
