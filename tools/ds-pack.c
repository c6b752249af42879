/* SPDX-License-Identifier: MIT
 * ds-pack: a folder or archive of images becomes a stream. Streaming: it holds the list of files,
 * one file and one batch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "ds/ds.h"

static struct ds_options o = { .sample = -1, .limit = -1, .n_shards = 1 };
static long size, crop, resize;
static const char *shard;
static bool skip_bad;

static const struct cli_option options[] = {
	{ "split", 's', CLI_STR, "NAME", &o.split, 0, 0,
	  "only images under a folder of this name (CIFAR files: train, test)" },
	{ "size", 0, CLI_INT, "N", &size, 1, 16384, "resize to N x N pixels (see --resize)" },
	{ "resize", 0, CLI_CHOICE, "squash|short", &resize, 0, 0,
	  "both sides become N (default), or the shorter one does" },
	{ "crop", 0, CLI_INT, "N", &crop, 1, 16384, "then cut the middle N x N" },
	{ "sample", 0, CLI_INT, "N", &o.sample, 0, 9e15, "N images chosen at random, order kept" },
	{ "limit", 'n', CLI_INT, "N", &o.limit, 0, 9e15, "then the first N" },
	{ "shard", 0, CLI_STR, "I/N", &shard, 0, 0, "then rows I, I+N, I+2N, ... (I from 0 to N-1)" },
	{ "skip-bad", 0, CLI_FLAG, NULL, &skip_bad, 0, 0,
	  "leave damaged images out, and say how many, instead of failing" },
	{ 0 }
};

static const struct cli_tool tool = {
	"ds-pack", "[option...] SOURCE",
	"Read the images of a folder or archive and write them as a stream.", options,
	"SOURCE is a folder or an archive (tar, zip; gzip, xz, zstd, ...) of .png, .jpg and .jpeg files,\n"
	"the class of an image being its folder, or CIFAR-10/100 in binary or Python form.",
	CLI_OUTPUT | CLI_SEED | CLI_PROGRESS, NULL
};

struct work {
	struct ds_source *source;
	struct ts_writer *w;
	struct ts_header header;
	struct ts_batch batch;
	struct ds_pixels pixels, spare;
	size_t rows, bad;
	char err[DS_ERR];
};

/* The base name of SOURCE, without slashes at its end. */
static int set_source(struct ts_meta *m, const char *path)
{
	size_t len = strlen(path);
	char *copy = strdup(path), *slash;
	int rc;

	if (!copy)
		return -1;
	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	slash = strrchr(copy, '/');
	rc = ts_meta_set_str(m, "source", slash && slash[1] ? slash + 1 : copy);
	free(copy);
	return rc;
}

/* The first image says how large all are. */
static int begin(struct work *k, const char *path)
{
	const size_t shape[3] = { 3, (size_t)k->pixels.h, (size_t)k->pixels.w };
	size_t n;
	char *const *classes = ds_classes(k->source, &n);
	struct ts_header *h = &k->header;

	ts_header_init(h, "images");
	if (ts_header_add(h, "image", TS_U8, 3, shape) < 0 ||
	    ts_header_add(h, "label", TS_I64, 0, NULL) < 0 ||
	    ts_header_add(h, "name", TS_STR, 0, NULL) < 0 ||
	    (n && ts_meta_set_strs(&h->meta, "classes", classes, n) < 0) ||
	    set_source(&h->meta, path) < 0)
		cli_oom();
	cli_history(h, NULL, 0);
	if (ts_batch_init(&k->batch, h) < 0)
		cli_oom();
	return ts_writer_begin(k->w, h);
}

static int check_size(struct work *k, const struct ds_row *row)
{
	const struct ts_col *image = &k->batch.cols[0];

	if ((size_t)k->pixels.h == image->shape[1] && (size_t)k->pixels.w == image->shape[2])
		return 0;
	return cli_error("'%s' is %dx%d where the first image is %zux%zu; add --size N (and --resize short "
			 "--crop N to keep proportions)", row->name, k->pixels.w, k->pixels.h,
			 image->shape[2], image->shape[1]);
}

static int flush(struct work *k, bool all)
{
	struct ts_batch *b = &k->batch;

	if (b->n == 0 || (!all && b->n < ts_batch_rows(b, 256, 8 << 20)))
		return 0;
	if (ts_writer_write(k->w, b) < 0)
		return -1;
	return ts_batch_resize(b, 0);
}

static int add(struct work *k, const struct ds_row *row, const char *path)
{
	struct ts_batch *b = &k->batch;
	const size_t plane = (size_t)k->pixels.h * (size_t)k->pixels.w, i = b->n;
	uint8_t *to;

	if ((k->rows == 0 && begin(k, path) < 0) || check_size(k, row) < 0)
		return -1;
	if (ts_batch_resize(b, i + 1) < 0 || ts_col_set_str(&b->cols[2], i, row->name) < 0)
		cli_oom();
	to = (uint8_t *)b->cols[0].data + i * b->cols[0].row;
	for (size_t p = 0; p < plane; p++)
		for (size_t c = 0; c < 3; c++)
			to[c * plane + p] = k->pixels.rgb[3 * p + c];
	((int64_t *)b->cols[1].data)[i] = row->label;
	k->rows++;
	cli_progress("%zu of %zu images", k->rows, ds_rows(k->source));
	return flush(k, false);
}

static int pack(struct work *k, const char *path)
{
	const struct ds_shape shape = { (int)size, resize == 1, (int)crop };
	struct ds_row row;
	int rc;

	while ((rc = ds_next(k->source, &row, &k->pixels, k->err)) != 0) {
		if (rc == 1 && ds_reshape(&k->pixels, &k->spare, &shape, k->err) < 0) {
			char why[DS_ERR];
			snprintf(why, sizeof why, "'%.400s': %.500s", row.name, k->err);
			memcpy(k->err, why, sizeof why);
			rc = -1;
		}
		if (rc == 1 && add(k, &row, path) == 0)
			continue;
		if (rc == 1)
			return -1;
		cli_error("%s", k->err);
		if (rc == -2 || !skip_bad)
			return -1;
		k->bad++;
	}
	cli_info("%zu images; %zu other files passed over", k->rows, ds_ignored(k->source));
	if (k->bad)
		cli_error("%zu damaged images left out", k->bad);
	if (k->rows == 0)
		return cli_error("'%s': nothing chosen, so there is nothing to write", path);
	if (flush(k, true) < 0)
		return -1;
	return ts_writer_finish(k->w);
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc = -1;
	struct work k = { 0 };
	char tail;

	if (argc - first != 1)
		cli_usage("one SOURCE is needed, %d are given", argc - first);
	if (shard && (sscanf(shard, "%ld/%ld%c", &o.shard, &o.n_shards, &tail) != 2 ||
		      o.n_shards < 1 || o.shard < 0 || o.shard >= o.n_shards))
		cli_usage("--shard: '%s' is not I/N with 0 <= I < N", shard);
	if (resize && !size)
		cli_usage("--resize needs --size N");
	o.seed = (uint64_t)cli.seed;
	k.w = cli_output();
	k.source = ts_writer_error(k.w) ? NULL : ds_open(argv[first], &o, k.err);
	if (k.source)
		rc = pack(&k, argv[first]);
	else if (!ts_writer_error(k.w))
		cli_error("%s", k.err);
	cli_check_writer(k.w);
	ts_writer_close(k.w);
	ds_close(k.source);
	ds_pixels_release(&k.pixels);
	ds_pixels_release(&k.spare);
	ts_batch_release(&k.batch);
	ts_header_release(&k.header);
	return cli_finish(rc);
}
