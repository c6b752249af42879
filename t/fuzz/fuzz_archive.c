/* SPDX-License-Identifier: MIT
 * fuzz_archive: any bytes as an archive, of whatever format is detected, on disk, and as a zip in memory (.npz). */
#include "ds/format/ds_archive.h"
#include "source.h"

static void in_memory(const unsigned char *data, size_t size)
{
	struct err err = { 0 };
	struct ds_archive *a = ds_archive_open_zip(data, size, "memory", &err);
	struct ds_bytes b = { 0 };
	enum ds_kind kind;
	const char *name;
	int rc = 0;

	if (!a)
		hold_text(&err);
	for (int n = 0; a && n < 100 && (rc = ds_archive_next(a, &name, &kind, &err)) == 1; n++) {
		sink += (unsigned)strlen(name);
		if (kind != DS_FILE)
			continue;
		struct err why = { 0 };
		if (ds_archive_read_all(a, &b, 1 << 20, &why) < 0)
			hold_text(&why);
		for (size_t i = 0; i < b.n; i++)
			sink += b.p[i];
	}
	if (rc < 0)
		hold_text(&err);
	ds_bytes_release(&b);
	ds_archive_close(a);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const struct ds_options o = { SOURCE_OPTIONS };
	const char *path = file_path("x.tar");

	if (size > 1 && data[0] == 'P' && data[1] == 'K')
		in_memory(data, size);
	file_write(path, data, size);
	source_run(path, &o);
	return 0;
}
