/* SPDX-License-Identifier: MIT
 * um-train: trains a classifier, from scratch or from a checkpoint, with the plain loss or the one
 * that Unleashing Mask folds. Retains its input: the images are held in memory, as they come. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "job/job.h"

static const char *arch = "densenet", *mean_text, *std_text;
static bool arch_given;

static const struct cli_option options[] = {
	{ "arch", 'a', CLI_STR, "SPEC", &arch, 0, 0,
	  "network, such as densenet:depth=40,growth=12 (default densenet; the page has them all)" },
	{ "init", 'i', CLI_STR, "FILE", &job.start, 0, 0, "start from this checkpoint" },
	{ "mean", 0, CLI_STR, "X,...", &mean_text, 0, 0,
	  "mean of each channel, pixels in [0,1] (default: CIFAR-10's)" },
	{ "std", 0, CLI_STR, "X,...", &std_text, 0, 0,
	  "standard deviation of each (default: CIFAR-10's)" },
	{ "freeze-weights", 0, CLI_FLAG, NULL, &job.o.freeze_weights, 0, 0,
	  "train the scores of masks alone" },
	{ 0 }
};

static const struct cli_tool tool = {
	"um-train", "[option...] [FILE]",
	"Train a classifier on a stream of labelled images and write its checkpoint.", options,
	"With no FILE, or when FILE is -, read standard input. With --run and no -o the checkpoint is in\n"
	"the run directory alone.",
	CLI_OUTPUT | CLI_SEED | CLI_THREADS | CLI_DEVICE | CLI_PROGRESS, job_options
};

/* "0.5,0.4,0.3" into v[c]; NULL: CIFAR-10's for three channels, else `other`. */
static void parse_channels(const char *name, const char *text, int c, const double *cifar,
			   double other, double *v)
{
	for (int i = 0; i < c; i++) {
		char one[32];
		size_t len = text ? strcspn(text, ",") : 0;

		v[i] = c == 3 ? cifar[i] : other;
		if (!text)
			continue;
		memcpy(one, text, len < sizeof one ? len : 0);
		one[len < sizeof one ? len : 0] = '\0';
		if (cli_parse_double(one, name[0] == 's' ? 1e-6 : -1e6, 1e6, &v[i]) < 0 ||
		    (text[len] == '\0') != (i == c - 1))
			cli_usage("--%s: '%s' is not %d numbers with commas between", name, text, c);
		text += len + 1;
	}
}

static int new_model(struct net_checkpoint *c, const struct um_data *d, struct err *err)
{
	static const double mean[3] = { 125.3 / 255, 123.0 / 255, 113.9 / 255 };
	static const double std[3] = { 63.0 / 255, 62.1 / 255, 66.7 / 255 };
	struct ts_rng rng = ts_rng_new((uint64_t)cli.seed, UM_RNG_INIT);

	c->net = net_new(arch, d->c, d->h, d->w, (int)d->n_classes, err);
	if (!c->net)
		return -1;
	parse_channels("mean", mean_text, d->c, mean, 0.5, c->mean);
	parse_channels("std", std_text, d->c, std, 0.5, c->std);
	ts_header_init(&c->header, "checkpoint");
	if (net_init(c->net, &rng, &c->state) < 0)
		cli_oom();
	if (d->classes) {
		struct ts_meta m = { 0 };
		if (ts_meta_set_strs(&m, "classes", d->classes, d->n_classes) < 0 ||
		    ts_meta_get_strs(&m, "classes", &c->classes, &c->n_classes) != 1)
			cli_oom();
		ts_meta_del(&m, "classes");
		free(m.e);
	}
	return 0;
}

/* An architecture asked for together with --init must be the checkpoint's. */
static int check_arch(void)
{
	const struct net *n = job.c.net;
	struct err err;
	struct net *want;
	int rc = 0;

	if (!arch_given)
		return 0;
	want = net_new(arch, n->c, n->h, n->w, n->classes, &err);
	if (!want)
		return cli_error("%s", err.text);
	if (strcmp(want->spec, n->spec) != 0)
		rc = cli_error("'%s' holds a %s, not the %s of --arch", job.start, n->spec, want->spec);
	net_free(want);
	return rc;
}

int main(int argc, char **argv)
{
	const char *default_arch = arch;
	int first = cli_parse(&tool, argc, argv), rc = -1;
	struct ts_reader *r;

	arch_given = arch != default_arch;
	job_check();
	r = cli_input(first, argc, argv);
	if (cli.output || !job.run)
		ts_writer_close(cli_output());  /* refuses a terminal, or a folder that cannot be written */
	if (job_open(r, new_model) == 0 && check_arch() == 0)
		rc = job_run();
	cli_check_reader(r);
	ts_reader_close(r);
	job_close();
	return cli_finish(rc);
}
