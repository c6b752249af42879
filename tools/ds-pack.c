/* SPDX-License-Identifier: MIT
 * ds-pack: turns folders, archives and files of images into a stream. Streaming: it holds the list of images, those
 * being decoded, and one batch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_table.h"
#include "ds/ds.h"
#include "ds/ds_manifest.h"
#include "ds/ds_prep.h"
#include "ds/ds_stream.h"
#include "ds/pixel/ds_distort.h"
#include "job/job_live.h"
#include "kit/kit.h"
#include "ts/ts_file.h"

static struct ds_options o = { .per_class = -1, .sample = -1, .limit = -1, .n_shards = 1 };
enum resize { SQUASH, SHORT }; /* in the order of the words of --resize */
static long resize = SQUASH, interpolation = DS_BILINEAR, class_order = DS_BY_NUMBER, empty_classes = DS_EMPTY_ERROR;
static const char *shard, *manifest, *noise, *size, *crop, *model, *distort;
static bool skip_bad, list_formats, stream;
static const char *frames; /* HxW */
static struct job_live live = { .every = 1 };

static const struct cli_option options[] = {
	{ "stream", 0, CLI_FLAG, NULL, &stream, 0, 0,
	  "instead of a SOURCE: read names of image files from standard input, and write a row for each at once" },
	{ "frames", 0, CLI_STR, "HxW", &frames, 0, 0,
	  "instead of a SOURCE: read raw frames of H x W pixels from standard input, 3 bytes per pixel (RGB)" },
	{ "every", 0, CLI_INT, "N", &live.every, 1, 1e9, "with --frames: take every Nth frame (default 1, all)" },
	{ "split", 's', CLI_STR, "NAME", &o.split, 0, 0,
	  "only images in a folder of this name, or in files of this split" },
	{ "format", 0, CLI_STR, "NAME", &o.format, 0, 0, "read only files of this format (--list-formats)" },
	{ "list-formats", 0, CLI_FLAG, NULL, &list_formats, 0, 0, "list the formats and exit" },
	{ "files", 0, CLI_STR, "PATTERN", &o.files, 0, 0,
	  "only images in files whose path matches PATTERN, as in '*letters*'" },
	{ "list", 0, CLI_STR, "FILE", &o.list, 0, 0,
	  "instead of a SOURCE: the images in FILE, one 'path label' per line" },
	{ "root", 0, CLI_STR, "DIR", &o.root, 0, 0, "the folder that the paths of the list start from (default .)" },
	{ "class-level", 0, CLI_INT, "N", &o.class_level, -99, 99,
	  "take the class from the Nth folder below the root; -1: from the image's own (default: see the manual)" },
	{ "class-order", 0, CLI_CHOICE, "number|bytes", &class_order, 0, 0,
	  "sort classes that are all numbers by value (default), or as text" },
	{ "empty-classes", 0, CLI_CHOICE, "error|drop|keep", &empty_classes, 0, 0,
	  "class folders without images: fail (default), drop them, or keep them as classes" },
	{ "coarse", 0, CLI_FLAG, NULL, &o.coarse, 0, 0, "CIFAR-100: use its 20 coarse labels" },
	{ "exclude-classes", 0, CLI_STR, "FILE", &o.exclude, 0, 0, "leave out the classes listed in FILE" },
	{ "only-classes", 0, CLI_STR, "FILE", &o.only, 0, 0, "keep only the classes listed in FILE" },
	{ "map-classes", 0, CLI_STR, "FILE", &o.map, 0, 0, "rename or merge classes, one 'old<tab>new' per line" },
	{ "per-class", 0, CLI_INT, "N", &o.per_class, 0, 9e15, "choose N images per class at random" },
	{ "sample", 0, CLI_INT, "N", &o.sample, 0, 9e15, "then choose N images at random, in their order" },
	{ "limit", 'n', CLI_INT, "N", &o.limit, 0, 9e15, "then take the first N" },
	{ "shard", 0, CLI_STR, "I/N", &shard, 0, 0, "then take rows I, I+N, I+2N, ... (I from 0 to N-1)" },
	{ "for", 0, CLI_STR, "MODEL", &model, 0, 0,
	  "prepare images as this checkpoint says; replaces the next five options" },
	{ "size", 0, CLI_STR, "N|HxW", &size, 0, 0, "resize to N x N pixels, or H x W (see --resize)" },
	{ "resize", 0, CLI_CHOICE, "squash|short", &resize, 0, 0,
	  "resize both sides to N (default), or the shorter one" },
	{ "interpolation", 0, CLI_CHOICE, DS_FILTERS, &interpolation, 0, 0, "filter for resizing (default bilinear)" },
	{ "crop", 0, CLI_STR, "N|HxW", &crop, 0, 0, "then crop the centre to N x N, or H x W" },
	{ "gray", 0, CLI_FLAG, NULL, &o.shape.gray, 0, 0, "convert to one channel, as Pillow's convert(\"L\")" },
	{ "fast", 0, CLI_FLAG, NULL, &o.shape.fast, 0, 0,
	  "with --size: decode large JPEGs at 1/2, 1/4 or 1/8 of their size (pixels differ)" },
	{ "lenient", 0, CLI_FLAG, NULL, &o.lenient, 0, 0,
	  "read truncated JPEGs as far as they go, as OpenOOD does, and report how many" },
	{ "distort", 0, CLI_STR, "KIND[=LEVEL],...", &distort, 0, 0,
	  "degrade pictures before preparing them: jpeg, blur, brightness, bilinear, ..." },
	{ "label-noise", 0, CLI_STR, "SHARE|FILE", &noise, 0, 0,
	  "make this share of labels wrong, or follow the matrix in FILE; the true labels are kept beside them" },
	{ "skip-bad", 0, CLI_FLAG, NULL, &skip_bad, 0, 0,
	  "skip damaged images and report how many, instead of failing" },
	{ "manifest", 0, CLI_FLAG, NULL, &o.hash, 0, 0,
	  "write a table instead of a stream: path, label, size and XXH3 of each image" },
	{ "check", 0, CLI_STR, "MANIFEST", &manifest, 0, 0, "fail unless the images are exactly those of this table" },
	{ 0 }
};

static const struct cli_tool tool = {
	"ds-pack",
	"[option...] SOURCE...",
	"Read the images of a data set and write them as a stream.",
	options,
	"SOURCE is a folder, an archive (tar, zip; gzip, xz, zstd, ...) or a file, as the data set's site\n"
	"distributes it: image files by class, CIFAR, SVHN, MNIST, Tiny ImageNet, LSUN and others; or -,\n"
	"standard input.",
	CLI_OUTPUT | CLI_SEED | CLI_THREADS | CLI_PROGRESS | CLI_ROWS,
	NULL
};

struct work {
	struct ds_source *source;
	struct ds_manifest *check; /* or NULL */
	struct ds_noise *noise;    /* or NULL */
	struct kit_out out;        /* a stream; otherwise */
	struct ts_file *table;     /* a manifest; NULL: a stream is written */
	size_t rows, bad, n_short, wrong;
	struct err err;
};

/* The first image sets the size of all. */
static int begin(struct work *k, const struct ds_row *row, const char *path)
{
	struct ts_header *h = &k->out.header;
	size_t n;

	if (ds_stream_header(h, k->source, path, row, noise != NULL) < 0)
		cli_oom();
	ds_classes(k->source, &n);
	if (noise && ds_noise_new(&k->noise, noise, n, o.seed, &k->err) < 0)
		return cli_error("%s", k->err.text);
	cli_history(h, NULL, 0);
	return kit_out_begin(&k->out);
}

static int add(struct work *k, const struct ds_row *row, const char *path)
{
	size_t i;
	int wrong;

	if (k->rows == 0 && begin(k, row, path) < 0)
		return -1;
	if (ds_stream_fits(&k->out.header, row, &k->err) < 0)
		return cli_error("%s", k->err.text);
	i = kit_out_add(&k->out, 1);
	if ((wrong = ds_stream_put(&k->out.rows, i, row, k->noise)) < 0)
		cli_oom();
	k->wrong += (size_t)wrong;
	return kit_out_some(&k->out, 256);
}

static int add_line(struct work *k, const struct ds_row *row)
{
	char *line = ds_manifest_line(row, &k->err);
	int rc;

	if (!line)
		return cli_error("%s", k->err.text);
	rc = k->rows == 0 ? ts_file_put(k->table, DS_MANIFEST_HEAD, strlen(DS_MANIFEST_HEAD)) : 0;
	if (rc == 0)
		rc = ts_file_put(k->table, line, strlen(line));
	free(line);
	return rc;
}

/* Checks and writes a row that was read. */
static int pack_row(struct work *k, const struct ds_row *row, const char *path)
{
	if (k->check && ds_manifest_check(k->check, row, &k->err) < 0)
		return cli_error("%s", k->err.text);
	if ((k->table ? add_line(k, row) : add(k, row, path)) < 0)
		return -1;
	k->rows++;
	if (row->is_short && !k->n_short++)
		cli_warn("'%s' is a truncated JPEG; the missing part is gray", row->name);
	cli_progress("%zu of %zu images, %s", k->rows, ds_rows(k->source),
		     cli_pace("images", (double)k->rows, (double)ds_rows(k->source)));
	return 0;
}

static int pack_rows(struct work *k, const char *path)
{
	enum ds_step step;
	struct ds_row row;

	while ((step = ds_next(k->source, &row, &k->err)) != DS_END) {
		if (step == DS_ROW) {
			if (pack_row(k, &row, path) < 0)
				return -1;
			continue;
		}
		if (step != DS_DAMAGED || !skip_bad)
			return cli_error("%s", k->err.text);
		cli_warn("%s", k->err.text);
		k->bad++;
	}
	if (k->check && ds_manifest_end(k->check, &k->err) < 0)
		return cli_error("%s", k->err.text);
	return 0;
}

static int pack(struct work *k, const char *path)
{
	if (pack_rows(k, path) < 0)
		return -1;
	cli_info("%zu images; %zu other files skipped", k->rows, ds_ignored(k->source));
	if (ds_unread(k->source))
		cli_warn("%s", ds_unread(k->source));
	for (size_t i = 0; ds_note(k->source, i); i++)
		cli_warn("%s", ds_note(k->source, i));
	if (k->noise)
		cli_info("%zu of the labels were made wrong", k->wrong);
	if (k->n_short)
		cli_warn("%zu truncated JPEGs were read as far as they go", k->n_short);
	if (k->bad)
		cli_warn("%zu damaged images left out", k->bad);
	if (k->rows == 0)
		return cli_error("'%s': no images are left to write", path);
	return k->table ? ts_file_finish(k->table) : kit_out_finish(&k->out);
}

static void check_sides(const char *option, const char *text, int *h, int *w)
{
	struct err err;

	if (text && ds_prep_sides(text, h, w, &err) < 0)
		cli_usage("--%s %s", option, err.text);
}

/* Sets how images are prepared, from the options. */
static void check_shape(void)
{
	const char *lacks = resize != SQUASH             ? "resize" :
			    interpolation != DS_BILINEAR ? "interpolation" :
			    o.shape.fast                 ? "fast" :
							   NULL;
	struct err err;

	if (lacks && !size)
		cli_usage("--%s needs --size N", lacks);
	check_sides("size", size, &o.shape.h, &o.shape.w);
	check_sides("crop", crop, &o.shape.crop_h, &o.shape.crop_w);
	o.shape.shorter = resize == SHORT;
	o.shape.filter = (enum ds_filter)interpolation;
	if (o.shape.shorter && o.shape.h != o.shape.w)
		cli_usage("--resize short takes one number as --size, that of the shorter side");
	if (ds_prep_crop_check(&o.shape, &err) < 0)
		cli_usage("--crop: %s", err.text);
}

/* The same from the checkpoint of --for. */
static int read_shape(struct err *err)
{
	const bool fast = o.shape.fast;
	char words[DS_PREP];
	int rc;

	if (!model)
		return 0;
	rc = ds_prep_for_file(&o.shape, model, err);
	o.shape.fast = fast;
	ds_prep_words(&o.shape, words);
	if (rc == 0)
		cli_info("'%s' was trained on images as they were; others are prepared by %s", model, words);
	else if (rc > 0)
		cli_info("as '%s' says: %s", model, words);
	return rc < 0 ? -1 : 0;
}

/* When pictures come one at a time nothing is known beforehand, so nothing can be chosen. */
static void check_live(int n_sources)
{
	const struct {
		const char *name;
		bool given;
	} others[] = { { "format", o.format },
		       { "split", o.split },
		       { "files", o.files },
		       { "list", o.list },
		       { "class-level", o.class_level },
		       { "class-order", class_order != DS_BY_NUMBER },
		       { "empty-classes", empty_classes != DS_EMPTY_ERROR },
		       { "coarse", o.coarse },
		       { "exclude-classes", o.exclude },
		       { "only-classes", o.only },
		       { "map-classes", o.map },
		       { "per-class", o.per_class >= 0 },
		       { "sample", o.sample >= 0 },
		       { "limit", o.limit >= 0 },
		       { "shard", shard },
		       { "distort", distort },
		       { "label-noise", noise },
		       { "manifest", o.hash },
		       { "check", manifest } };
	const char *mode = stream ? "stream" : "frames";
	struct err err;

	if (!stream && !frames && live.every != 1)
		cli_usage("--every needs --frames HxW");
	if (!stream && !frames)
		return;
	if (stream && frames)
		cli_usage("--stream and --frames exclude each other");
	if (n_sources)
		cli_usage("--%s reads standard input, so no SOURCE belongs with it", mode);
	if (frames && ds_prep_sides(frames, &live.h, &live.w, &err) < 0)
		cli_usage("--frames %s", err.text);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (others[i].given)
			cli_usage("--%s is for a SOURCE, which is listed first; --%s takes pictures as they come",
				  others[i].name, mode);
}

static void check_distort(void)
{
	static struct ds_distort d;
	struct err err;

	if (!distort)
		return;
	if (o.hash)
		cli_usage("--distort and --manifest exclude each other: a manifest is of files as they are");
	if (o.shape.fast)
		cli_usage("--distort and --fast exclude each other: pictures are distorted at their full size");
	if (ds_distort_parse(&d, distort, &err) < 0)
		cli_usage("--distort: %s", err.text);
	o.distort = &d;
}

static void check_options(int n_sources)
{
	const struct kit_shard part = kit_shard(shard);

	if (cli.json)
		cli_usage("--json goes with --list-formats");
	check_live(n_sources);
	if (o.list && n_sources)
		cli_usage("--list FILE names the images, so no SOURCE belongs with it");
	if (!o.list && n_sources < 1 && !stream && !frames)
		cli_usage("at least one SOURCE is needed, or --list FILE, --stream, --frames HxW");
	if (o.root && !o.list)
		cli_usage("--root needs --list FILE");
	check_distort();
	o.shard = (long)part.i;
	o.n_shards = (long)part.n;
	if (!model)
		check_shape();
	if (model && (size || crop || o.shape.gray || resize != SQUASH || interpolation != DS_BILINEAR))
		cli_usage("--for takes from the model what --size, --resize, --interpolation, --crop and --gray say");
	if (o.exclude && o.only)
		cli_usage("--exclude-classes and --only-classes exclude each other");
	if (noise && o.hash)
		cli_usage("--label-noise and --manifest exclude each other: a manifest has true labels");
	if (o.hash && manifest)
		cli_usage("--manifest and --check exclude each other");
	o.class_order = (enum ds_order)class_order;
	o.empty_classes = (enum ds_empty)empty_classes;
	o.seed = (uint64_t)cli.seed;
	o.threads = (int)cli.threads;
	o.check = manifest != NULL;
}

static int print_formats(void)
{
	const char *name, *what;

	for (size_t i = 0; ds_formats(i, &name, &what); i++)
		cli_list_put(name, what);
	return cli_finish(0);
}

/* Pictures that come one at a time. */
static int run_live(struct work *k)
{
	if (read_shape(&k->err) < 0)
		return cli_error("%s", k->err.text);
	live.shape = o.shape;
	live.lenient = o.lenient;
	job_live_check(&live);
	return job_live(&live, &k->out);
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc = -1;
	struct work k = { 0 };

	if (list_formats)
		return print_formats();
	check_options(argc - first);
	if (!o.hash)
		kit_out_init(&k.out, "images", cli_output());
	else if (!(k.table = ts_file_open(cli.output)))
		cli_oom();
	if (k.table ? ts_file_error(k.table) : ts_writer_error(k.out.w))
		; /* reported below */
	else if (stream || frames)
		rc = run_live(&k);
	else if (read_shape(&k.err) < 0 || (manifest && !(k.check = ds_manifest_open(manifest, &k.err))) ||
		 !(k.source = ds_open(argv + first, (size_t)(argc - first), &o, &k.err)))
		cli_error("%s", k.err.text);
	else
		rc = pack(&k, o.list ? o.list : argv[first]);
	if (k.table && ts_file_error(k.table))
		cli_error("%s", ts_file_error(k.table));
	ts_file_close(k.table);
	ds_close(k.source);
	ds_manifest_close(k.check);
	ds_noise_free(k.noise);
	return kit_end(NULL, &k.out, rc);
}
