/* SPDX-License-Identifier: MIT
 * um-estimate: the loss constraint m of Unleashing Mask: the mean cross-entropy of the model with a
 * small share of its weights masked at random. The published program masks once, unseeded, and
 * averages over augmented images; this averages several seeded masks over the images as they are,
 * and says the spread. Streaming: all masked models see each batch, so images are not kept; but with --val-fraction
 * they are, as only the end of the stream tells which are held out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "ts/ts_images.h"
#include "um/train/um_estimate.h"

enum { MAX_RATIOS = 1000 };
enum { EVAL, TRAIN }; /* --mode */
enum { NN, TORCH };   /* --engine */

static const char *model_path, *keep_text = "0.965", *per_sample;
static long draws = 5, mode, batch = 512, engine, max_memory = 8192;
static bool augment, full;
static double dropout, val_fraction, keep[MAX_RATIOS];
static int n_keep;

static const struct cli_option options[] = {
	{ "model", 'm', CLI_STR, "FILE", &model_path, 0, 0, "checkpoint of the network (required)" },
	{ "keep", 'k', CLI_STR, "RATIO", &keep_text, 0, 0,
	  "fraction of each layer's weights that is kept (default 0.965), or FIRST:LAST:STEP" },
	{ "draws", 0, CLI_INT, "K", &draws, 1, 1000, "masks to average (default 5)" },
	{ "augment", 0, CLI_FLAG, NULL, &augment, 0, 0,
	  "pad by 4, crop, mirror the images, for each mask anew, as published" },
	{ "mode", 0, CLI_CHOICE, "eval|train", &mode, 0, 0,
	  "train: batch norms use the batch, dropout acts (default eval)" },
	{ "engine", 0, CLI_CHOICE, "nn|torch", &engine, 0, 0,
	  "what runs networks on the CPU in evaluation mode: our own kernels (default), or libtorch" },
	{ "dropout", 0, CLI_DOUBLE, "P", &dropout, 0, 0.99, "dropout probability with --mode train (default 0)" },
	{ "batch-size", 'b', CLI_INT, "N", &batch, 1, 65536,
	  "images in work at a time (default 512; matters with --mode train)" },
	{ "per-sample", 0, CLI_STR, "FILE", &per_sample, 0, 0, "write each image's losses there, a scores stream" },
	{ "val-fraction", 0, CLI_DOUBLE, "X", &val_fraction, 0, 0.99,
	  "leave out the images that um-train holds out with this and --seed; retains the input" },
	{ "max-memory", 0, CLI_INT, "MIB", &max_memory, 1, 1e9,
	  "with --val-fraction: limit for the images in memory (default 8192)" },
	{ "full", 0, CLI_FLAG, NULL, &full, 0, 0,
	  "of a checkpoint with masks, the full network (default: the masked one)" },
	{ 0 }
};

static const struct cli_tool tool = {
	"um-estimate",
	"-m MODEL [option...] [FILE]",
	"Estimate the loss constraint of Unleashing Mask on labelled images: one number.",
	options,
	"The mean over the masks goes to standard output, the spread to standard error; with\n"
	"--keep FIRST:LAST:STEP a table of both, a row per ratio, to standard output.\n"
	"With no FILE, or when FILE is -, read standard input.",
	CLI_SEED | CLI_THREADS | CLI_DEVICE | CLI_PROGRESS,
	NULL
};

/* "0.965" or "0.9:0.99:0.01". */
static void parse_keep(void)
{
	double v[3];
	char copy[64], *next = copy;
	int n = 0;

	snprintf(copy, sizeof copy, "%s", keep_text);
	for (char *one; n < 3 && (one = strsep(&next, ":")); n++)
		if (cli_parse_double(one, n < 2 ? 0 : 1e-6, 1, &v[n]) < 0)
			cli_usage("--keep: '%s' is not a ratio from 0 to 1, or FIRST:LAST:STEP", keep_text);
	if (n == 2 || next || (n == 3 && (v[1] < v[0] || (v[1] - v[0]) / v[2] > MAX_RATIOS - 1)))
		cli_usage("--keep: '%s' is not a ratio from 0 to 1, or FIRST:LAST:STEP", keep_text);
	n_keep = n == 1 ? 1 : 1 + (int)((v[1] - v[0]) / v[2] + 1e-9);
	for (int i = 0; i < n_keep; i++) { /* 0.9 + 2 * 0.04 is not quite the 0.98 that it means */
		snprintf(copy, sizeof copy, "%.12g", i ? v[0] + i * v[2] : v[0]);
		keep[i] = strtod(copy, NULL);
	}
	if (per_sample && strcmp(per_sample, "-") == 0)
		cli_usage("--per-sample - would mix two outputs: m goes to standard output");
	if (per_sample && n_keep > 1)
		cli_usage("--per-sample is about one ratio, not a sweep");
}

/* ---- losses of each sample ---- */

struct rows {
	struct ts_writer *w;
	struct ts_header h;
	struct ts_batch b;
};

static int open_rows(struct rows *out, struct ts_reader *r, const struct net_checkpoint *c)
{
	const struct ts_header *in = ts_reader_header(r);
	const struct ts_field *name = ts_header_field(in, "name");

	ts_header_init(&out->h, "scores");
	if (ts_header_add(&out->h, "loss", TS_F32, 0, NULL) < 0 ||
	    ts_header_add(&out->h, "masked_loss", TS_F32, 0, NULL) < 0 ||
	    ts_header_add(&out->h, "typicality", TS_F32, 0, NULL) < 0 ||
	    ts_header_add(&out->h, "label", TS_I64, 0, NULL) < 0 ||
	    (name && name->type == TS_STR && ts_header_add(&out->h, "name", TS_STR, 0, NULL) < 0) ||
	    ts_meta_merge(&out->h.meta, &in->meta) < 0 || ts_meta_set_double(&out->h.meta, "keep", keep[0]) < 0 ||
	    ts_meta_set_int(&out->h.meta, "draws", draws) < 0)
		cli_oom();
	cli_history(&out->h, (const struct ts_header *[]){ in, &c->header }, 2);
	if (ts_batch_init(&out->b, &out->h) < 0)
		cli_oom();
	out->w = ts_writer_open(per_sample);
	if (!out->w)
		cli_oom();
	return ts_writer_begin(out->w, &out->h);
}

/* Remembers label and name of a row that waits for its losses. */
static void keep_row(struct rows *out, const struct ts_batch *b, size_t i)
{
	const size_t at = out->b.n;
	struct ts_col *name;

	if (!out->w)
		return;
	if (ts_batch_resize(&out->b, at + 1) < 0)
		cli_oom();
	((int64_t *)ts_batch_col(&out->b, "label")->data)[at] = ((const int64_t *)ts_batch_col(b, "label")->data)[i];
	name = ts_batch_col(&out->b, "name");
	if (name && ts_col_set_str(name, at, ts_col_str(ts_batch_col(b, "name"), i)) < 0)
		cli_oom();
}

/* The n rows that have waited get their losses. */
static int write_rows(struct rows *out, const struct um_estimate *e, size_t n)
{
	if (!out->w || n == 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		double own, with;

		um_estimate_row(e, i, &own, &with);
		((float *)ts_batch_col(&out->b, "loss")->data)[i] = (float)own;
		((float *)ts_batch_col(&out->b, "masked_loss")->data)[i] = (float)with;
		((float *)ts_batch_col(&out->b, "typicality")->data)[i] = (float)(own - with);
	}
	if (ts_writer_write(out->w, &out->b) < 0)
		return -1;
	if (ts_batch_resize(&out->b, 0) < 0)
		cli_oom();
	return 0;
}

/* ---- all rows ---- */

static int take(struct ts_reader *r, const struct ts_batch *b, struct um_estimate *e, struct rows *out, int classes)
{
	const struct ts_col *image = ts_batch_col(b, "image");
	const int64_t *y = ts_batch_col(b, "label")->data;
	struct err err;
	size_t n;

	for (size_t i = 0; i < b->n; i++) {
		if (y[i] < 0 || y[i] >= classes)
			return ts_reader_fail(r,
					      "row %llu: label %lld is out of range for a model of %d "
					      "classes",
					      (unsigned long long)ts_reader_rows(r) - b->n + i, (long long)y[i],
					      classes);
		keep_row(out, b, i);
		if (um_estimate_add(e, (const uint8_t *)image->data + i * image->row, y[i], &n, &err) < 0)
			return cli_error("%s", err.text);
		if (write_rows(out, e, n) < 0)
			return -1;
	}
	return 0;
}

static int read_all(struct ts_reader *r, struct um_estimate *e, struct rows *out, int classes)
{
	struct ts_batch b;
	struct err err;
	size_t n;
	int rc;

	if (ts_batch_init(&b, ts_reader_header(r)) < 0)
		cli_oom();
	while ((rc = ts_reader_next(r, &b)) == 1) {
		if (take(r, &b, e, out, classes) < 0) {
			rc = -1;
			break;
		}
		cli_progress("%llu images", (unsigned long long)ts_reader_rows(r));
	}
	ts_batch_release(&b);
	if (rc == 0 && ts_reader_rows(r) == 0)
		rc = ts_reader_fail(r, "holds no images");
	if (rc == 0 && um_estimate_flush(e, &n, &err) < 0)
		rc = cli_error("%s", err.text);
	if (rc == 0)
		rc = write_rows(out, e, n);
	return rc == 0 && out->w ? ts_writer_finish(out->w) : rc;
}

/* The same over all but the images that are held out, which only the end of the stream tells. */
static int read_fraction(struct ts_reader *r, struct um_estimate *e, int classes, size_t *rows)
{
	struct um_data d = { 0 }, held = { 0 };
	struct err err = { 0 };
	size_t n;
	int rc = um_data_read(&d, r, (size_t)max_memory << 20);

	if (rc == 0 && d.n_classes > (size_t)classes)
		rc = ts_reader_fail(r, "label %zu is out of range for a model of %d classes", d.n_classes - 1, classes);
	else if (rc == 0)
		rc = um_data_hold(&d, &held, val_fraction, (uint64_t)cli.seed, &err);
	for (size_t i = 0; i < d.n && rc == 0; i++)
		rc = um_estimate_add(e, d.image + i * (size_t)d.c * (size_t)d.h * (size_t)d.w, d.label[i], &n, &err);
	if (rc == 0)
		rc = um_estimate_flush(e, &n, &err);
	if (rc < 0 && err.text[0])
		cli_error("%s", err.text);
	*rows = d.n;
	um_data_release(&d);
	um_data_release(&held);
	return rc;
}

static void print(const struct um_estimate *e, unsigned long long rows)
{
	struct um_estimated v = um_estimate_result(e, 0);

	if (n_keep == 1) {
		printf("%.6g\n", v.mean);
		cli_log("loss constraint: mean=%.6g std=%.3g min=%.6g max=%.6g draws=%ld keep=%g rows=%llu", v.mean,
			v.std, v.min, v.max, draws, keep[0], rows);
		return;
	}
	printf("keep\tmean\tstd\tmin\tmax\tdraws\trows\n");
	for (int i = 0; i < n_keep; i++) {
		v = um_estimate_result(e, i);
		printf("%.6g\t%.6g\t%.6g\t%.6g\t%.6g\t%ld\t%llu\n", keep[i], v.mean, v.std, v.min, v.max, draws, rows);
	}
}

static int run(struct ts_reader *r, struct net_checkpoint *c, struct rows *out)
{
	const struct um_estimate_options o = { keep,
					       n_keep,
					       draws,
					       batch,
					       augment,
					       mode == TRAIN,
					       per_sample != NULL,
					       dropout,
					       (uint64_t)cli.seed,
					       { .torch = engine == TORCH || strcmp(cli.device, "cpu") != 0,
						 .device = cli.device,
						 .threads = cli.threads } };
	struct um_estimate *e = NULL;
	struct err err;
	size_t rows = 0;
	int rc = -1;

	if (um_engine_check(&o.engine, &err) < 0)
		cli_usage("%s", err.text);
	if (net_load(c, model_path, &err) < 0 || net_bake(c, !full, NULL, &err) < 0)
		return cli_error("%s", err.text);
	if (net_check_images(c->net, r) < 0 || ts_images_labels(r, true) < 0 ||
	    (per_sample && open_rows(out, r, c) < 0))
		return -1;
	if (um_estimate_new(&e, c, &o, &err) < 0)
		cli_error("%s", err.text);
	else if (val_fraction > 0)
		rc = read_fraction(r, e, c->net->classes, &rows);
	else
		rc = read_all(r, e, out, c->net->classes);
	if (rc == 0)
		print(e, (unsigned long long)(val_fraction > 0 ? rows : ts_reader_rows(r)));
	um_estimate_free(e);
	return rc;
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc;
	struct net_checkpoint c = { 0 };
	struct rows out = { 0 };
	struct ts_reader *r;

	if (!model_path)
		cli_usage("no --model given");
	if (dropout > 0 && mode == EVAL)
		cli_usage("--dropout acts with --mode train");
	parse_keep();
	if (per_sample && val_fraction > 0)
		cli_usage("--per-sample and --val-fraction exclude each other");
	r = cli_input(first, argc, argv);
	rc = run(r, &c, &out);
	cli_check_reader(r);
	if (out.w)
		cli_check_writer(out.w);
	ts_writer_close(out.w);
	ts_batch_release(&out.b);
	ts_header_release(&out.h);
	ts_reader_close(r);
	net_checkpoint_release(&c);
	return cli_finish(rc);
}
