/* SPDX-License-Identifier: MIT
 * fuzz_arrays: any bytes as a file of arrays, which then become rows of features or scores. */
#include <stdlib.h>
#include <string.h>

#include "arr/arr_import.h"
#include "file.h"

static void say(const char *text)
{
	hold(*text != '\0');
}

static void import(const struct arr_set *s, const char *kind)
{
	struct arr_options o = { .kind = kind, .columns = "all", .say = say };
	struct arr_import *im = NULL;
	struct ts_header h = { .fields = NULL };
	struct ts_batch b = { .n = 0 };
	struct err err = { 0 };
	size_t n;

	if (arr_import_new(&im, &h, s, &o, &err) < 0) {
		hold_text(&err);
	} else {
		n = arr_import_rows(im) < 8 ? arr_import_rows(im) : 8;
		hold(n > 0 && ts_batch_init(&b, &h) == 0 && ts_batch_resize(&b, n) == 0);
		if (arr_import_fill(im, &b, 0, 0, n, &err) < 0)
			hold_text(&err);
		arr_import_end(im);
	}
	ts_batch_release(&b);
	arr_import_free(im);
	ts_header_release(&h);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct arr_set s = { 0 };
	struct err err = { 0 };
	unsigned char *copy = malloc(size + 1);

	hold(copy != NULL);
	memcpy(copy, data, size);
	if (arr_read_bytes_take(&s, "x.npy", copy, size, &err) < 0) {
		hold_text(&err);
	} else {
		import(&s, NULL);
		import(&s, "scores");
	}
	arr_set_release(&s);
	return 0;
}
