/* SPDX-License-Identifier: MIT
 * fuzz_config: any bytes as a config file; names and values are text. */
#include "cli/cli_internal.h"
#include "file.h"

static volatile size_t sink; /* what was read is used */

static int take(void *data, const char *key, const char *value, size_t line, struct err *err)
{
	size_t *last = data;

	hold(line >= *last);
	*last = line;
	sink += strlen(key) + strlen(value);
	return strcmp(key, "stop") == 0 ? err_fail(err, "line %zu: stopped", line) : 0;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	FILE *f = fmemopen((void *)(uintptr_t)(size ? data : (const unsigned char *)" "), size ? size : 1, "r");
	struct err err = { 0 };
	size_t line = 1;

	hold(f != NULL);
	if (cli_yaml_read(f, take, &line, &err) < 0)
		hold_text(&err);
	fclose(f);
	return 0;
}
