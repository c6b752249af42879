/* SPDX-License-Identifier: MIT
 * ds-pack: folders, archives and files of images become a stream. Streaming: it holds the list of
 * images, what is being decoded, and one batch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "ds/ds.h"
#include "ds/ds_manifest.h"
#include "ts/ts_file.h"

static struct ds_options o = { .per_class = -1, .sample = -1, .limit = -1, .n_shards = 1 };
static long size, crop, resize;
static const char *shard, *manifest;
static bool skip_bad, list_formats;

static const struct cli_option options[] = {
	{ "split", 's', CLI_STR, "NAME", &o.split, 0, 0,
	  "only images under a folder of this name, or of a file of this split" },
	{ "format", 0, CLI_STR, "NAME", &o.format, 0, 0, "only what is of this format (--list-formats)" },
	{ "list-formats", 0, CLI_FLAG, NULL, &list_formats, 0, 0, "name the formats, and exit" },
	{ "list", 0, CLI_STR, "FILE", &o.list, 0, 0, "no SOURCE: the images of a list, 'path label' a line" },
	{ "root", 0, CLI_STR, "DIR", &o.root, 0, 0, "where the paths of the list begin (default .)" },
	{ "coarse", 0, CLI_FLAG, NULL, &o.coarse, 0, 0, "CIFAR-100: its 20 coarse labels" },
	{ "exclude-classes", 0, CLI_STR, "FILE", &o.exclude, 0, 0, "leave out the classes named in FILE" },
	{ "only-classes", 0, CLI_STR, "FILE", &o.only, 0, 0, "keep no others" },
	{ "map-classes", 0, CLI_STR, "FILE", &o.map, 0, 0, "classes become others, 'old<tab>new' a line" },
	{ "per-class", 0, CLI_INT, "N", &o.per_class, 0, 9e15, "N images of each class, chosen at random" },
	{ "sample", 0, CLI_INT, "N", &o.sample, 0, 9e15, "then N images chosen at random, order kept" },
	{ "limit", 'n', CLI_INT, "N", &o.limit, 0, 9e15, "then the first N" },
	{ "shard", 0, CLI_STR, "I/N", &shard, 0, 0, "then rows I, I+N, I+2N, ... (I from 0 to N-1)" },
	{ "size", 0, CLI_INT, "N", &size, 1, 16384, "resize to N x N pixels (see --resize)" },
	{ "resize", 0, CLI_CHOICE, "squash|short", &resize, 0, 0,
	  "both sides become N (default), or the shorter one does" },
	{ "crop", 0, CLI_INT, "N", &crop, 1, 16384, "then cut the middle N x N" },
	{ "gray", 0, CLI_FLAG, NULL, &o.shape.gray, 0, 0, "one channel, as Pillow's convert(\"L\")" },
	{ "fast", 0, CLI_FLAG, NULL, &o.shape.fast, 0, 0,
	  "with --size: large JPEGs are decoded at a half, quarter or eighth (other pixels)" },
	{ "skip-bad", 0, CLI_FLAG, NULL, &skip_bad, 0, 0,
	  "leave damaged images out, and say how many, instead of failing" },
	{ "manifest", 0, CLI_FLAG, NULL, &o.hash, 0, 0,
	  "write no stream but a table: path, label, bytes, XXH3 of each image" },
	{ "check", 0, CLI_STR, "MANIFEST", &manifest, 0, 0, "fail unless the images are those of this table" },
	{ 0 }
};

static const struct cli_tool tool = {
	"ds-pack", "[option...] SOURCE...",
	"Read the images of a data set and write them as a stream.", options,
	"SOURCE is a folder, an archive (tar, zip; gzip, xz, zstd, ...) or a file, as the data set's site\n"
	"hands it out: image files by class, CIFAR, SVHN, MNIST, Tiny ImageNet, LSUN and others.",
	CLI_OUTPUT | CLI_SEED | CLI_THREADS | CLI_PROGRESS, NULL
};

struct work {
	struct ds_source *source;
	struct ds_manifest *check;        /* or NULL */
	struct ts_writer *w;              /* of a stream; NULL: a manifest, */
	struct ts_file *table;            /* which goes here */
	struct ts_header header;
	struct ts_batch batch;
	size_t rows, bad;
	struct err err;
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
static int begin(struct work *k, const struct ds_row *row, const char *path)
{
	const size_t shape[3] = { (size_t)row->c, (size_t)row->h, (size_t)row->w };
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

	if ((size_t)row->h == image->shape[1] && (size_t)row->w == image->shape[2])
		return 0;
	return cli_error("'%s' is %dx%d where the first image is %zux%zu; add --size N (and --resize short "
			 "--crop N to keep proportions)", row->name, row->w, row->h, image->shape[2],
			 image->shape[1]);
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
	const size_t i = b->n;

	if ((k->rows == 0 && begin(k, row, path) < 0) || check_size(k, row) < 0)
		return -1;
	if (ts_batch_resize(b, i + 1) < 0 || ts_col_set_str(&b->cols[2], i, row->name) < 0)
		cli_oom();
	memcpy((uint8_t *)b->cols[0].data + i * b->cols[0].row, row->image, b->cols[0].row);
	((int64_t *)b->cols[1].data)[i] = row->label;
	return flush(k, false);
}

static int add_line(struct work *k, const struct ds_row *row)
{
	char *line = ds_manifest_line(row);
	int rc;

	if (!line)
		cli_oom();
	rc = k->rows == 0 ? ts_file_put(k->table, DS_MANIFEST_HEAD, strlen(DS_MANIFEST_HEAD)) : 0;
	if (rc == 0)
		rc = ts_file_put(k->table, line, strlen(line));
	free(line);
	return rc;
}

static int pack(struct work *k, const char *path)
{
	struct ds_row row;
	int rc;

	while ((rc = ds_next(k->source, &row, &k->err)) != 0) {
		if (rc == 1 && k->check && ds_manifest_check(k->check, &row, &k->err) < 0)
			rc = -2;
		if (rc == 1) {
			if ((k->w ? add(k, &row, path) : add_line(k, &row)) < 0)
				return -1;
			k->rows++;
			cli_progress("%zu of %zu images", k->rows, ds_rows(k->source));
			continue;
		}
		cli_error("%s", k->err.text);
		if (rc == -2 || !skip_bad)
			return -1;
		k->bad++;
	}
	if (k->check && ds_manifest_end(k->check, &k->err) < 0)
		return cli_error("%s", k->err.text);
	cli_info("%zu images; %zu other files passed over", k->rows, ds_ignored(k->source));
	if (ds_unread(k->source))
		cli_warn("%s", ds_unread(k->source));
	if (k->bad)
		cli_error("%zu damaged images left out", k->bad);
	if (k->rows == 0)
		return cli_error("'%s': nothing chosen, so there is nothing to write", path);
	if (!k->w)
		return ts_file_finish(k->table);
	if (flush(k, true) < 0)
		return -1;
	return ts_writer_finish(k->w);
}

static void check_options(int n_sources)
{
	char tail;

	if (o.list && n_sources)
		cli_usage("--list FILE says which images, so no SOURCE belongs to it");
	if (!o.list && n_sources < 1)
		cli_usage("one SOURCE is needed, or several, or --list FILE");
	if (o.root && !o.list)
		cli_usage("--root needs --list FILE");
	if (shard && (sscanf(shard, "%ld/%ld%c", &o.shard, &o.n_shards, &tail) != 2 ||
		      o.n_shards < 1 || o.shard < 0 || o.shard >= o.n_shards))
		cli_usage("--shard: '%s' is not I/N with 0 <= I < N", shard);
	if ((resize || o.shape.fast) && !size)
		cli_usage("--%s needs --size N", resize ? "resize" : "fast");
	if (o.exclude && o.only)
		cli_usage("--exclude-classes and --only-classes exclude each other");
	if (o.hash && manifest)
		cli_usage("--manifest and --check exclude each other");
	o.shape.size = (int)size;
	o.shape.shorter = resize == 1;
	o.shape.crop = (int)crop;
	o.seed = (uint64_t)cli.seed;
	o.threads = (int)cli.threads;
	o.check = manifest != NULL;
}

static int print_formats(void)
{
	const char *name, *what;

	for (size_t i = 0; ds_formats(i, &name, &what); i++)
		printf("%-14s %s\n", name, what);
	return cli_finish(0);
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc = -1;
	struct work k = { 0 };

	if (list_formats)
		return print_formats();
	check_options(argc - first);
	k.w = o.hash ? NULL : cli_output();
	if (o.hash && !(k.table = ts_file_open(cli.output)))
		cli_oom();
	if (!(k.w ? ts_writer_error(k.w) : ts_file_error(k.table)) &&
	    (!manifest || (k.check = ds_manifest_open(manifest, &k.err))))
		k.source = ds_open(argv + first, (size_t)(argc - first), &o, &k.err);
	if (k.source)
		rc = pack(&k, o.list ? o.list : argv[first]);
	else if (k.err.text[0])
		cli_error("%s", k.err.text);
	if (k.w)
		cli_check_writer(k.w);
	else if (ts_file_error(k.table))
		cli_error("%s", ts_file_error(k.table));
	ts_writer_close(k.w);
	ts_file_close(k.table);
	ds_close(k.source);
	ds_manifest_close(k.check);
	ts_batch_release(&k.batch);
	ts_header_release(&k.header);
	return cli_finish(rc);
}
