/* SPDX-License-Identifier: MIT
 * The loop over a stream, its end, and options that several programs take. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"

int kit_each(struct ts_reader *r, int (*step)(void *data, const struct ts_batch *b), void *data)
{
	const struct ts_header *h = ts_reader_header(r);
	struct ts_batch b;
	int rc;

	if (!h)
		return -1;
	if (ts_batch_init(&b, h) < 0)
		cli_oom();
	while ((rc = ts_reader_next(r, &b)) == 1)
		if (step(data, &b) != 0) {
			rc = -1;
			break;
		}
	ts_batch_release(&b);
	return rc;
}

int kit_end(struct ts_reader *r, struct ts_writer *w, int rc)
{
	if (r && cli_check_reader(r) < 0)
		rc = -1;
	else if (w && cli_check_writer(w) < 0)
		rc = -1;
	ts_reader_close(r);
	ts_writer_close(w);
	return cli_finish(rc);
}

struct kit_shard kit_shard(const char *text)
{
	long i = 0, n = 1;
	char tail;

	if (text && (sscanf(text, "%ld/%ld%c", &i, &n, &tail) != 2 || n < 1 || i < 0 || i >= n))
		cli_usage("--shard: '%s' is not I/N with 0 <= I < N", text);
	return (struct kit_shard){ (uint64_t)i, (uint64_t)n };
}

char **kit_words(const char *list, size_t *n)
{
	char **words = NULL;

	for (*n = 0; list; (*n)++) {
		const size_t len = strcspn(list, ",");
		char **grown = realloc(words, (*n + 2) * sizeof *grown);

		if (!grown || !(grown[*n] = strndup(list, len)))
			cli_oom();
		words = grown;
		list = list[len] ? list + len + 1 : NULL;
	}
	return words;
}
