/* SPDX-License-Identifier: MIT
 * um-estimate: the loss constraint m of Unleashing Mask: the mean cross-entropy of the model with a small share of its
 * weights masked at random. The published program masks once, unseeded, and averages over augmented images; this
 * averages several seeded masks over the unchanged images, and reports the spread. Streaming: all masked models see
 * each batch, so images are not kept; with --val-fraction they are, because only the end of the stream tells which are
 * held out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_table.h"
#include "kit/kit.h"
#include "kit/kit_team.h"
#include "nn/nn.h"
#include "ts/ts_images.h"
#include "um/train/um_estimate.h"

enum { MAX_RATIOS = 1000 };
enum { EVAL, TRAIN }; /* --mode */

static const char *model_path, *keep_text = "0.965", *per_sample;
static long draws = 5, mode, batch = 512, engine, max_memory = 8192; /* engine: enum um_runner */
static bool full;
static struct kit_ranks ranks;
static struct team *team; /* of ranks; NULL: this process is alone */
static long augment;      /* enum um_augment */
static double dropout, val_fraction, keep[MAX_RATIOS];
static int n_keep;

static const struct cli_option options[] = {
	{ "model", 'm', CLI_STR, "FILE", &model_path, 0, 0, "checkpoint of the network (required)" },
	{ "keep", 'k', CLI_STR, "RATIO", &keep_text, 0, 0,
	  "fraction of each layer's weights to keep (default 0.965), or FIRST:LAST:STEP" },
	{ "draws", 0, CLI_INT, "K", &draws, 1, 1000, "masks to average (default 5)" },
	{ "augment", 0, CLI_CHOICE, um_augment_names, &augment, 0, 0,
	  "flip, pad by 4 and crop, or both, again for each mask (default none; published: both)" },
	{ "mode", 0, CLI_CHOICE, "eval|train", &mode, 0, 0,
	  "train: batch norms use the batch, dropout is on (default eval)" },
	{ "engine", 0, CLI_CHOICE, "nn|torch", &engine, 0, 0,
	  "CPU engine in evaluation mode: our own kernels (default), or libtorch" },
	{ "dropout", 0, CLI_DOUBLE, "P", &dropout, 0, 0.99, "dropout probability with --mode train (default 0)" },
	{ "batch-size", 'b', CLI_INT, "N", &batch, 1, 65536,
	  "images per batch (default 512; matters with --mode train)" },
	{ "per-sample", 0, CLI_STR, "FILE", &per_sample, 0, 0, "write each image's losses to FILE, a scores stream" },
	{ "val-fraction", 0, CLI_DOUBLE, "X", &val_fraction, 0, 0.99,
	  "leave out the images that um-train holds out with the same X and --seed; retains the input" },
	{ "max-memory", 0, CLI_INT, "MIB", &max_memory, 1, 1e9,
	  "with --val-fraction: limit for the images in memory (default 8192)" },
	KIT_RANKS_ROWS(&ranks.n, &ranks.gpus),
	{ "full", 0, CLI_FLAG, NULL, &full, 0, 0,
	  "use the full network of a checkpoint with masks (default: the masked one)" },
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
	CLI_SEED | CLI_THREADS | CLI_DEVICE | CLI_PROGRESS | CLI_ROWS,
	NULL
};

struct work {
	struct ts_reader *r;
	struct net_checkpoint c;
	struct um_estimate *e;
	struct kit_out out;          /* for --per-sample: rows that wait for their losses */
	ptrdiff_t *map;              /* where its label and name come from; NULL: not requested */
	size_t image, label;         /* the images' columns */
	struct ts_class_map classes; /* maps the images' labels to the model's */
	struct err err;              /* the reason, if neither the reader nor the writer has it */
};
enum { LOSS, MASKED_LOSS, TYPICALITY }; /* columns of --per-sample; label and name follow */

static int open_rows(struct work *k)
{
	const struct ts_header *in = ts_reader_header(k->r);
	struct ts_header *h = &k->out.header;

	kit_out_init(&k->out, "scores", ts_writer_open(per_sample));
	if (ts_header_add(h, "loss", TS_F32, 0, NULL) < 0 || ts_header_add(h, "masked_loss", TS_F32, 0, NULL) < 0 ||
	    ts_header_add(h, "typicality", TS_F32, 0, NULL) < 0 || ts_header_add(h, "label", TS_I64, 0, NULL) < 0 ||
	    (ts_header_field(in, "name") && ts_header_add(h, "name", TS_STR, 0, NULL) < 0) ||
	    ts_meta_merge(&h->meta, &in->meta) < 0 || ts_meta_set_double(&h->meta, "keep", keep[0]) < 0 ||
	    ts_meta_set_int(&h->meta, "draws", draws) < 0 || !(k->map = ts_header_map(h, in)))
		cli_oom();
	cli_history(h, (const struct ts_header *[]){ in, &k->c.header }, 2);
	return kit_out_begin(&k->out);
}

/* Writes the n waiting rows with their losses. */
static int write_rows(struct work *k, size_t n)
{
	if (!k->map || n == 0)
		return 0;
	for (size_t i = 0; i < n; i++) {
		double own, masked;

		um_estimate_row(k->e, i, &own, &masked);
		((float *)k->out.rows.cols[LOSS].data)[i] = (float)own;
		((float *)k->out.rows.cols[MASKED_LOSS].data)[i] = (float)masked;
		((float *)k->out.rows.cols[TYPICALITY].data)[i] = (float)(own - masked);
	}
	return kit_out_write(&k->out);
}

static int take(void *data, const struct ts_batch *b)
{
	struct work *k = data;
	const struct ts_col *image = &b->cols[k->image];
	const int64_t *y = b->cols[k->label].data;
	size_t n;

	if (net_check_mapped(&k->classes, k->r, y, b->n) < 0 || net_check_labels(k->c.net, k->r, y, b->n, 0) < 0)
		return -1;
	for (size_t i = 0; i < b->n; i++) {
		if (k->map && ts_batch_append(&k->out.rows, b, k->map, i) < 0)
			cli_oom();
		if (um_estimate_add(k->e, (const uint8_t *)image->data + i * image->row, ts_class_of(&k->classes, y[i]),
				    &n, &k->err) < 0 ||
		    write_rows(k, n) < 0)
			return -1;
	}
	kit_progress(k->r);
	return 0;
}

static int read_all(struct work *k)
{
	size_t n;

	if (kit_each(k->r, take, k) < 0 || ts_images_some(k->r) < 0 || um_estimate_flush(k->e, &n, &k->err) < 0)
		return -1;
	return k->map && (write_rows(k, n) < 0 || kit_out_finish(&k->out) < 0) ? -1 : 0;
}

/* The same over all images but those held out, which are known only at the end of the stream. */
static int read_fraction(struct work *k)
{
	struct um_data d = { 0 }, held = { 0 };
	int rc = um_data_read(&d, k->r, (size_t)max_memory << 20, false);

	for (size_t i = 0; rc == 0 && i < d.n; i++)
		d.label[i] = ts_class_of(&k->classes, d.label[i]);
	if (rc == 0 && (um_data_hold(&d, &held, val_fraction, (uint64_t)cli.seed, &k->err) < 0 ||
			um_estimate_data(k->e, &d, &k->err) < 0))
		rc = err_prefix(&k->err, "'%s': ", ts_reader_name(k->r));
	um_data_release(&d);
	um_data_release(&held);
	return rc;
}

static const struct cli_column columns[] = { { "", "keep", 1 }, { "", "mean", 1 },  { "", "std", 1 }, { "", "min", 1 },
					     { "", "max", 1 },  { "", "draws", 1 }, { "", "rows", 1 } };
enum { N_COLUMNS = sizeof columns / sizeof *columns };

static void put_row(double ratio, const struct um_estimated *v)
{
	enum { REALS = 5 };
	const double reals[REALS] = { ratio, v->mean, v->std, v->min, v->max };
	char text[N_COLUMNS][32];
	const char *cells[N_COLUMNS];

	for (int i = 0; i < REALS; i++)
		snprintf(text[i], sizeof text[i], "%.6g", reals[i]);
	snprintf(text[REALS], sizeof text[REALS], "%ld", draws);
	snprintf(text[REALS + 1], sizeof text[REALS + 1], "%zu", v->rows);
	for (int i = 0; i < N_COLUMNS; i++)
		cells[i] = text[i];
	cli_rows_put(stdout, columns, N_COLUMNS, cells);
}

static void print(const struct um_estimate *e)
{
	struct um_estimated v = um_estimate_result(e, 0);

	if (n_keep == 1 && !cli.json) {
		printf("%.6g\n", v.mean);
		cli_log("loss constraint: mean=%.6g std=%.3g min=%.6g max=%.6g draws=%ld keep=%g rows=%zu", v.mean,
			v.std, v.min, v.max, draws, keep[0], v.rows);
		return;
	}
	cli_rows_heading(stdout, columns, N_COLUMNS);
	for (int i = 0; i < n_keep; i++) {
		v = um_estimate_result(e, i);
		put_row(keep[i], &v);
	}
}

static int run(struct work *k)
{
	const struct um_estimate_options o = { .keep = keep,
					       .n_keep = n_keep,
					       .draws = draws,
					       .batch = batch,
					       .augment = augment,
					       .train = mode == TRAIN,
					       .per_sample = per_sample != NULL,
					       .dropout = dropout,
					       .seed = (uint64_t)cli.seed,
					       .engine = { .torch = um_engine_is_torch(engine, cli.device),
							   .device = cli.device,
							   .threads = cli.threads },
					       .team = team };

	if (team && strcmp(ts_reader_name(k->r), "<stdin>") == 0)
		return err_fail(&k->err, "each rank reads the images, and standard input goes to one: give their FILE");
	if (net_load(&k->c, model_path, &k->err) < 0 || net_bake(&k->c, !full, NULL, &k->err) < 0)
		return -1;
	if (net_check_images(k->c.net, k->r) < 0 || ts_images_labels(k->r, true) < 0 ||
	    net_map_all_classes(&k->classes, k->r, &k->c) < 0 || (per_sample && open_rows(k) < 0))
		return -1;
	if (team_rank(team) == 0)
		kit_warn_prepared(ts_reader_name(k->r), &ts_reader_header(k->r)->meta, k->c.net->h, k->c.net->w,
				  &k->c.header.meta);
	if (dropout > 0 && !net_has_dropout(k->c.net))
		cli_warn("--dropout %g changes nothing: %s has no dropout", dropout, k->c.net->spec);
	k->image = (size_t)ts_header_col(ts_reader_header(k->r), "image");
	k->label = (size_t)ts_header_col(ts_reader_header(k->r), "label");
	if (um_estimate_new(&k->e, &k->c, &o, &k->err) < 0)
		return -1;
	if ((val_fraction > 0 ? read_fraction(k) : read_all(k)) < 0 || um_estimate_together(k->e, &k->err) < 0)
		return -1;
	if (team_rank(team) == 0)
		print(k->e);
	return 0;
}

/* Joins the ranks that share the masks, if there are several. */
static int join(struct err *err)
{
	static const char *const own[] = { "threads", "max-memory", NULL };
	struct um_engine_options how;

	if (kit_ranks_check(&ranks, err) < 0)
		cli_usage("%s", err->text);
	how = (struct um_engine_options){ .torch = um_engine_is_torch(engine, cli.device), .device = cli.device };
	if (um_engine_check(&how, err) < 0)
		cli_usage("%s", err->text);
	if (kit_join(&team, &ranks, own, nn_isa_name(), err) < 0)
		return -1;
	if (team && per_sample)
		return err_fail(err, "--per-sample needs all masks in one process: --ranks 1");
	return 0;
}

/* In a team one rank reports why it failed; otherwise kit_end() reports the reader's error. */
static int end(struct work *k, int rc)
{
	if (rc < 0 && team && k->r && ts_reader_error(k->r))
		err_fail(&k->err, "%s", ts_reader_error(k->r));
	if (rc < 0 && k->err.text[0])
		kit_say_failure(team, &k->err);
	if (rc < 0 && team) {
		ts_reader_close(k->r);
		k->r = NULL;
	}
	team_free(team);
	return kit_end(k->r, &k->out, rc);
}

int main(int argc, char **argv)
{
	const int first = cli_parse(&tool, argc, argv);
	const char *input = cli_operand(first, argc, argv);
	int rc;
	struct work k = { 0 };

	if (!model_path)
		cli_usage("no --model given");
	if (dropout > 0 && mode == EVAL)
		cli_usage("--dropout acts with --mode train");
	if (!(n_keep = (int)kit_range(keep_text, 0, 1, keep, MAX_RATIOS)))
		cli_usage("--keep: '%s' is not a ratio from 0 to 1, or FIRST:LAST:STEP, upward, of at most %d",
			  keep_text, MAX_RATIOS);
	if (per_sample && strcmp(per_sample, "-") == 0)
		cli_usage("--per-sample - would mix two outputs: m goes to standard output");
	if (per_sample && n_keep > 1)
		cli_usage("--per-sample is about one ratio, not a sweep");
	if (per_sample && val_fraction > 0)
		cli_usage("--per-sample and --val-fraction exclude each other");
	rc = join(&k.err);
	if (rc == 0) {
		k.r = cli_open(input);
		rc = run(&k);
	}
	um_estimate_free(k.e);
	ts_class_map_release(&k.classes);
	net_checkpoint_release(&k.c);
	free(k.map);
	return end(&k, rc);
}
