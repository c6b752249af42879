/* SPDX-License-Identifier: MIT
 * um-estimate: the loss constraint m of Unleashing Mask: the mean cross-entropy of the model with a
 * small share of its weights masked at random. The published program masks once, unseeded, and
 * averages over augmented images; this averages several seeded masks over the images as they are,
 * and says the spread. Streaming: all masked models see each batch, so the images are read once and
 * not kept. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "um/um.h"

static const char *model_path;
static double keep = 0.965;
static long draws = 5;

static const struct cli_option options[] = {
	{ "model", 'm', CLI_STR, "FILE", &model_path, 0, 0, "checkpoint of the network (required)" },
	{ "keep", 'k', CLI_DOUBLE, "RATIO", &keep, 0, 1,
	  "fraction of each layer's weights that is kept (default 0.965)" },
	{ "draws", 0, CLI_INT, "K", &draws, 1, 1000, "masks to average (default 5)" },
	{ 0 }
};

static const struct cli_tool tool = {
	"um-estimate", "-m MODEL [option...] [FILE]",
	"Estimate the loss constraint of Unleashing Mask on labelled images: one number.", options,
	"The mean over the masks goes to standard output, the spread to standard error.\n"
	"With no FILE, or when FILE is -, read standard input.",
	CLI_SEED | CLI_THREADS | CLI_DEVICE | CLI_PROGRESS, NULL
};

/* A masked copy of the checkpoint on the device. */
static struct um_model *masked(const struct net_checkpoint *c, uint64_t draw)
{
	struct net_checkpoint copy = *c;
	struct ts_rng rng = ts_rng_new((uint64_t)cli.seed ^ draw << 32, UM_RNG_MASK);
	struct um_model *m = NULL;
	char err[UM_ERR];
	int rc = 0;

	copy.state = (struct ts_set){ 0 };
	for (size_t i = 0; i < c->state.n && rc == 0; i++) {
		const struct ts_tensor *t = &c->state.t[i];
		struct ts_tensor *to = ts_set_add(&copy.state, t->name, t->type, t->ndim, t->shape);
		if (!to)
			cli_oom();
		for (size_t k = 0; k < ts_tensor_bytes(t); k++)
			((char *)to->data)[k] = ((const char *)t->data)[k];
	}
	if (net_mask_random(c->net, &copy.state, keep, &rng, err) < 0 ||
	    um_model_new(&m, &copy, err) < 0)
		cli_error("%s", err);
	ts_set_release(&copy.state);
	return m;
}

static int check_header(struct ts_reader *r, const struct net *n)
{
	const struct ts_header *h = ts_reader_expect(r, "images");
	const struct ts_field *f = h ? ts_header_field(h, "image") : NULL;
	const struct ts_field *y = h ? ts_header_field(h, "label") : NULL;

	if (!h)
		return -1;
	if (!f || f->type != TS_U8 || f->ndim != 3 || f->shape[0] != (size_t)n->c ||
	    f->shape[1] != (size_t)n->h || f->shape[2] != (size_t)n->w)
		return ts_reader_fail(r, "holds no images of %dx%dx%d, which the model takes", n->c, n->h,
				      n->w);
	if (!y || y->type != TS_I64 || y->ndim)
		return ts_reader_fail(r, "has no field 'label' of <i8 numbers");
	return 0;
}

/* Adds each masked model's cross-entropy on the batch to sum[]. */
static int add_batch(struct ts_reader *r, const struct ts_batch *b, struct um_model **m,
		     float *logits, double *sum)
{
	const int64_t *y = ts_batch_col(b, "label")->data;
	const size_t C = (size_t)m[0]->net->classes;
	char err[UM_ERR];

	for (size_t i = 0; i < b->n; i++)
		if (y[i] < 0 || y[i] >= (int64_t)C)
			return ts_reader_fail(r, "row %llu: label %lld is out of range for a model of %zu "
					      "classes", (unsigned long long)ts_reader_rows(r) - b->n + i,
					      (long long)y[i], C);
	for (long d = 0; d < draws; d++) {
		if (um_embed(m[d], ts_batch_col(b, "image")->data, b->n, 16, logits, NULL, err) < 0)
			return cli_error("%s", err);
		for (size_t i = 0; i < b->n; i++)
			sum[d] += um_cross_entropy(logits + i * C, C, y[i]);
	}
	return 0;
}

static int estimate(struct ts_reader *r, struct um_model **m, double *sum)
{
	struct ts_batch b;
	float *logits = NULL;
	int rc;

	if (ts_batch_init(&b, ts_reader_header(r)) < 0)
		cli_oom();
	while ((rc = ts_reader_next(r, &b)) == 1) {
		logits = realloc(logits, b.n * (size_t)m[0]->net->classes * sizeof *logits);
		if (!logits)
			cli_oom();
		if (add_batch(r, &b, m, logits, sum) < 0) {
			rc = -1;
			break;
		}
		cli_progress("%llu images", (unsigned long long)ts_reader_rows(r));
	}
	if (rc == 0 && ts_reader_rows(r) == 0)
		rc = ts_reader_fail(r, "holds no images");
	ts_batch_release(&b);
	free(logits);
	return rc;
}

static void print(const double *sum, double n)
{
	double mean = 0, square = 0, min = INFINITY, max = -INFINITY;

	for (long d = 0; d < draws; d++) {
		double v = sum[d] / n;
		mean += v / (double)draws;
		min = fmin(min, v);
		max = fmax(max, v);
	}
	for (long d = 0; d < draws; d++)
		square += pow(sum[d] / n - mean, 2);
	printf("%.6g\n", mean);
	cli_log("loss constraint: mean=%.6g std=%.3g min=%.6g max=%.6g draws=%ld keep=%g rows=%.0f", mean,
		draws > 1 ? sqrt(square / (double)(draws - 1)) : 0.0, min, max, draws, keep, n);
}

int main(int argc, char **argv)
{
	int first = cli_parse(&tool, argc, argv), rc = -1;
	struct net_checkpoint c = { 0 };
	struct ts_reader *r;
	struct um_model **m = calloc((size_t)draws, sizeof *m);
	double *sum = calloc((size_t)draws, sizeof *sum);
	char err[UM_ERR];

	if (!model_path)
		cli_usage("no --model given");
	if (!m || !sum)
		cli_oom();
	r = cli_input(first, argc, argv);
	if (net_load(&c, model_path, err) < 0)
		cli_error("%s", err);
	else if (check_header(r, c.net) == 0 && um_open(cli.device, cli.threads, err) < 0)
		cli_error("%s", err);
	else if (!ts_reader_error(r))
		for (long d = 0; d < draws; d++) {
			rc = (m[d] = masked(&c, (uint64_t)d)) ? 0 : -1;
			if (rc < 0)
				break;
		}
	if (rc == 0)
		rc = estimate(r, m, sum);
	if (rc == 0)
		print(sum, (double)ts_reader_rows(r));
	cli_check_reader(r);
	for (long d = 0; d < draws; d++)
		um_model_free(m[d]);
	ts_reader_close(r);
	net_checkpoint_release(&c);
	free(m);
	free(sum);
	return cli_finish(rc);
}
