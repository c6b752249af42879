/* SPDX-License-Identifier: MIT
 * fuzz_seeds: any bytes as a table of ood-metrics, as the first and as the second argument of ood-seeds. */
#include "file.h"
#include "report/report_seeds.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const char good[] = "method\tset\tauroc\nmsp\ta\t1\n";
	struct err err = { 0 };
	char buf[256];
	char path[256];
	size_t row = 0;

	snprintf(path, sizeof path, "%s", file_path("good"));
	if (access(path, F_OK) < 0)
		file_write(path, good, sizeof good - 1);
	file_write(file_path("table"), data, size);
	for (int first = 0; first < 2; first++) {
		struct report_seeds *t = report_seeds_new();

		hold(t != NULL);
		if ((!first && report_seeds_read(t, path, &err) < 0) ||
		    report_seeds_read(t, file_path("table"), &err) < 0)
			hold_text(&err);
		else if (report_seeds_lacking(t, &row, buf, sizeof buf))
			hold(memchr(buf, 0, sizeof buf) != NULL);
		report_seeds_free(t);
	}
	return 0;
}
