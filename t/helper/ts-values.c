/* SPDX-License-Identifier: MIT
 * ts-values N FILE NAME...: prints the first N numbers of each named tensor of a checkpoint, one line per tensor;
 * without names, the names of all. */
#include <stdio.h>
#include <stdlib.h>

#include "ts/ts.h"

int main(int argc, char **argv)
{
	struct ts_reader *r = argc > 2 ? ts_reader_open(argv[2]) : NULL;
	struct ts_set set = { 0 };
	char text[32];

	if (!r || !ts_reader_header(r) || ts_reader_set(r, &set) < 0) {
		fprintf(stderr, "ts-values: %s\n", r ? ts_reader_error(r) : "usage: ts-values N FILE NAME...");
		return 1;
	}
	for (size_t i = 0; argc == 3 && i < set.n; i++)
		puts(set.t[i].name);
	for (int a = 3; a < argc; a++) {
		const struct ts_tensor *t = ts_set_get(&set, argv[a]);

		if (!t) {
			fprintf(stderr, "ts-values: no tensor '%s'\n", argv[a]);
			return 1;
		}
		for (size_t i = 0; i < ts_tensor_count(t) && i < strtoul(argv[1], NULL, 10); i++) {
			ts_elem_text(t->type, t->data, i, text);
			printf("%s%s", i ? " " : "", text);
		}
		putchar('\n');
	}
	ts_set_release(&set);
	ts_reader_close(r);
	return 0;
}
