/* SPDX-License-Identifier: MIT
 * ts-split: splits a stream in two at random. Streaming: of each hundred rows a given number goes to the one part, the
 * others to the rest. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"
#include "ts/ts_file.h"
#include "ts/ts_rng.h"

enum { BLOCK = 100 };

static double fraction;
static const char *rest;

static const struct cli_option options[] = { { "fraction", 'f', CLI_DOUBLE, "X", &fraction, 0, 1,
					       "share of the rows that goes to the first part, such as 0.9" },
					     { "rest", 'r', CLI_STR, "FILE", &rest, 0, 0,
					       "write the other rows to FILE" },
					     { 0 } };

static const struct cli_tool tool = { "ts-split",
				      "--fraction X --rest FILE [option...] [FILE]",
				      "Divide the rows of a stream at random into a part and the rest.",
				      options,
				      "With no FILE, or when FILE is -, read standard input.",
				      CLI_OUTPUT | CLI_SEED,
				      NULL };

struct work {
	struct kit_out part, rest;
	ptrdiff_t *map;
	uint64_t row;
	size_t order[BLOCK]; /* of the rows of this block: the first `most` of them go to the part */
	size_t most;
};

/* Draws the order of block number `block`, of a hundred rows. Over all blocks up to this one, the number of rows in the
 * part differs from what the fraction asks for by at most one. */
static void draw(struct work *k, uint64_t block)
{
	struct ts_rng rng = ts_rng_new((uint64_t)cli.seed, block);

	ts_rng_permutation(&rng, k->order, BLOCK);
	k->most = (size_t)(llround((double)(block + 1) * fraction * BLOCK) - llround((double)block * fraction * BLOCK));
}

static int take(void *data, const struct ts_batch *b)
{
	struct work *k = data;

	for (size_t i = 0; i < b->n; i++, k->row++) {
		if (k->row % BLOCK == 0)
			draw(k, k->row / BLOCK);
		struct kit_out *to = k->order[k->row % BLOCK] < k->most ? &k->part : &k->rest;
		if (ts_batch_append(&to->rows, b, k->map, i) < 0)
			cli_oom();
	}
	return kit_out_write(&k->part) < 0 || kit_out_write(&k->rest) < 0 ? -1 : 0;
}

static int begin(struct kit_out *out, const struct ts_header *h, const char *part)
{
	memcpy(out->header.kind, h->kind, sizeof h->kind);
	if (ts_header_add_all(&out->header, h) < 0 || ts_meta_merge(&out->header.meta, &h->meta) < 0)
		cli_oom();
	cli_history_part(&out->header, &h, 1, part);
	return kit_out_begin(out);
}

static int split(struct work *k, struct ts_reader *in)
{
	const struct ts_header *h = ts_reader_header(in);

	if (!h)
		return -1;
	if (ts_header_is_set(h))
		return ts_reader_fail(in, "a %s has no rows to divide", h->kind);
	if (begin(&k->part, h, "part") < 0 || begin(&k->rest, h, "rest") < 0)
		return -1;
	if (!(k->map = ts_header_map(&k->part.header, h)))
		cli_oom();
	if (kit_each(in, take, k) < 0)
		return -1;
	return kit_out_finish(&k->rest) < 0 || kit_out_finish(&k->part) < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc;
	struct work k = { .row = 0 };

	if (!rest || !(fraction > 0 && fraction < 1))
		cli_usage("say what share of the rows to write (--fraction 0.9) and where the others go (--rest FILE)");
	if (ts_file_same(rest, cli.output))
		cli_usage("--rest and --output are the same file, '%s'", rest);
	struct ts_reader *in = cli_input(first, argc, argv);
	kit_out_init(&k.part, "images", cli_output());
	kit_out_init(&k.rest, "images", ts_writer_open(rest));
	rc = split(&k, in);
	free(k.map);
	const bool failed = cli_check_reader(in) < 0;
	if (kit_out_end(&k.rest, !failed) < 0)
		rc = -1;
	ts_reader_close(in);
	return kit_end(NULL, &k.part, rc);
}
